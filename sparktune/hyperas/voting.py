"""Several models as one, by vote."""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from typing import Any

import numpy as np

from ..checks import one_of, real, whole
from ..plurals import plural

__all__ = ["VotingModel"]


class VotingModel:
    """Predicts the class that most of several models predict.

    Args:
        model_list: models with ``predict``, which gives probabilities of classes (n, classes), or
            classes (n,).
        voting: "hard" counts the models' classes, "soft" takes the mean of their probabilities.
        weights: of the models, at least 0; None for equal ones.
        nb_classes: how many classes there are; None where the models' predictions say so.

    Raises:
        ValueError: no models, another ``voting``, or weights that are not one for each model.
    """

    def __init__(
        self,
        model_list: Iterable[Any],
        voting: str = "hard",
        weights: Iterable[float] | None = None,
        nb_classes: int | None = None,
    ) -> None:
        self.model_list = list(model_list)
        if not self.model_list:
            raise ValueError("`model_list` must hold at least one model, but is empty")
        self.voting = one_of("voting", voting, ("hard", "soft"))
        self.nb_classes = whole("nb_classes", nb_classes, none=True)
        given = [1.0] * len(self.model_list) if weights is None else list(weights)
        if len(given) != len(self.model_list):
            raise ValueError(
                f"`weights` must have one for each of {plural(len(self.model_list), 'model')}, but "
                f"has {len(given)}"
            )
        self.weights = [real("weights", each, least=0, finite=True) for each in given]
        if not any(self.weights):
            raise ValueError("`weights` must be above 0 for some model, but all are 0")

    def predict(self, X: Any, batch_size: int = 128, verbose: int = 0) -> Any:
        """The class of each row: an array (n,).

        Args:
            X: rows, as the models take them.
            batch_size: rows at a time, where the models take that.
            verbose: as the models take it.
        """
        settings = {"batch_size": batch_size, "verbose": verbose}
        found = [self._shares(model, X, settings) for model in self.model_list]
        classes = max(each.shape[1] for each in found)
        total = np.zeros((len(found[0]), classes))
        for weight, each in zip(self.weights, found, strict=True):
            total[:, : each.shape[1]] += weight * each
        return np.argmax(total, axis=1)

    def _shares(self, model: Any, X: Any, settings: dict[str, Any]) -> Any:
        """What a model gives to each class of each row."""
        soft = self.voting == "soft"
        predict = model.predict_proba if soft and hasattr(model, "predict_proba") else model.predict
        names = inspect.signature(predict).parameters
        found = np.asarray(predict(X, **{k: v for k, v in settings.items() if k in names}))
        if found.ndim == 2 and found.shape[1] == 1:  # of the second of two classes
            found = np.hstack([1 - found, found])
        if found.ndim == 2 and soft:
            return found
        if soft:
            raise ValueError(
                f"voting='soft' needs probabilities of classes, but {type(model).__name__} gives "
                f"an array of shape {found.shape}: take voting='hard'"
            )
        votes = np.argmax(found, axis=1) if found.ndim == 2 else found.astype(int)
        return np.eye(max(self.nb_classes or 0, int(votes.max()) + 1))[votes]
