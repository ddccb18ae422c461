"""Which components suit which data, and why one does not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from .columns import is_frame
from .component import CLASSIFIER, REGRESSOR, TEXT, Component
from .components import COMPONENTS
from .data import Data
from .making import class_of, has_method
from .travels.fitting import whole_weights

__all__ = ["BY_PATH", "for_probabilities", "why_not"]

BY_PATH: dict[str, Component] = {each.path: each for each in reversed(COMPONENTS.values())}


def for_probabilities(path: str) -> Mapping[str, tuple[Any, ...]]:
    """Parameters of a class, and with which values of them it gives probabilities."""
    component = BY_PATH.get(path)
    return {} if component is None else component.for_probabilities


def why_not(data: Data, probabilities: bool = False) -> Callable[[str], str | None]:
    """A function that says why a class does not suit the data, or None where it does.

    Args:
        data: the data.
        probabilities: whether a classifier has to give probabilities.
    """
    is_sparse = data.is_sparse or data.is_text
    targets = np.asarray(data.y)
    numbers = targets.dtype.kind in "biuf"
    rarest = np.unique(targets, return_counts=True)[1].min() * data.learnt // max(data.rows, 1)
    has_negative = data.is_sparse and data.X.min() < 0
    broken = data.weights is not None and whole_weights(data.weights) is None
    no_texts = "it reads texts, and X is no sequence of texts"
    if is_frame(data.X):
        no_texts += ": give the column of texts by itself, as in X[name]"

    def why(path: str) -> str | None:
        component = BY_PATH.get(path)
        if component is None:
            return None
        learns = component.role in (CLASSIFIER, REGRESSOR)
        if component.role == TEXT:
            return None if data.is_text else no_texts
        if is_sparse and not component.sparse:
            return "it takes no sparse matrices"
        needs = component.needs
        if "numbers >= 0" in needs and has_negative:
            return "it needs numbers of at least 0, and X is sparse with lower ones"
        if "targets > 0" in needs and not (numbers and np.min(targets) > 0):
            return "it needs targets above 0"
        if "targets >= 0" in needs and not (numbers and np.min(targets) >= 0):
            return "it needs targets of at least 0"
        if "several targets" in needs and targets.ndim < 2:
            return "it is for several targets at once, and y has one"
        if "more rows than columns" in needs and data.learnt <= data.columns + 1:
            return "it needs more rows than columns"
        if "two rows of each class" in needs and rarest < 2:
            return "it needs two rows of each class to learn from"
        if (
            probabilities
            and component.role == CLASSIFIER
            and not (component.for_probabilities or has_method(path, "predict_proba"))
        ):
            return "it gives no probabilities, which the loss is of"
        if learns and targets.ndim > 1 and not _takes_several(path):
            return "it learns one target, and y has several"
        if learns and broken and not _takes_weights(path):
            return "it takes no sample_weight, and not all weights are whole numbers"
        return None

    return why


def _takes_weights(path: str) -> bool:
    from sklearn.utils.validation import has_fit_parameter

    return bool(has_fit_parameter(class_of(path), "sample_weight"))


def _takes_several(path: str) -> bool:
    """Whether a regressor learns several targets at once, as far as scikit-learn knows."""
    made: Any = class_of(path)()
    try:
        from sklearn.utils import get_tags
    except ImportError:  # before 1.6
        from sklearn.utils._tags import _safe_tags

        return bool(_safe_tags(made, "multioutput"))
    return bool(get_tags(made).target_tags.multi_output)
