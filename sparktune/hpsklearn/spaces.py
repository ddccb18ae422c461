"""What is searched for some data: spaces checked, narrowed, and made whole."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sklearn.base import BaseEstimator, is_classifier, is_regressor

from .. import hp
from ..plurals import plural
from ..space.expressions import Node
from ..space.nodes import Walk
from ..space.tree import Choice
from .component import CLASSIFIER, OTHER, REGRESSOR, STEP, TEXT
from .components import (
    any_classifier,
    any_preprocessing,
    any_sparse_preprocessing,
    any_text_preprocessing,
)
from .data import Data
from .making import has_method, path_in
from .narrowing import choice_of, narrowed
from .suits import BY_PATH, for_probabilities, why_not
from .travels.evaluation import Evaluation
from .travels.limits import Size

__all__ = ["all_have", "kind_of_space", "learners_for", "space_for", "whole_space"]


def kind_of_space(space: Any) -> bool:
    """Whether a space of the user's own is of classifiers; else it is of regressors.

    Raises:
        ValueError: it holds neither, or both.
    """
    found = {
        name
        for candidate in _candidates(space)
        for name in ("classifier", "regressor")
        if candidate.get(name) is not None
    }
    if len(found) != 1:
        raise ValueError(
            "`space` must be a dict with a `classifier` or a `regressor`, and with "
            "`preprocessing`, or a choice of such; it has "
            f"{' and '.join(sorted(found)) or 'neither'}"
        )
    return found == {"classifier"}


def learners_for(classifier: Any, regressor: Any) -> dict[str, Any]:
    """The learners of a space: those that are given, or any classifier."""
    if classifier is None and regressor is None:
        classifier = any_classifier("classifier")
    return {"classifier": classifier, "regressor": regressor}


def space_for(
    data: Data, *, preprocessing: Any, ex_preprocs: Any, classifier: Any, regressor: Any,
    space: Any, probabilities: bool,
) -> Any:  # fmt: skip
    """The space that is searched for some data; arguments as of HyperoptEstimator.

    ``probabilities`` says whether the loss is of probabilities, which not all classifiers give.
    """
    if space is None:
        if preprocessing is None:
            preprocessing = _usual_preprocessing(data)("preprocessing")
        space = {
            "preprocessing": preprocessing,
            "ex_preprocs": [] if ex_preprocs is None else list(ex_preprocs),
            **learners_for(classifier, regressor),
        }
    _check_parts(space, max(0, len(data.widths) - 1))
    targets = data.y.shape[1] if data.y.ndim > 1 else 1
    size = None if data.is_text else Size(data.learnt, data.columns, targets)
    only = {"only": for_probabilities} if probabilities else {}
    found = narrowed(space, size, why_not(data, probabilities), **only)
    if data.is_text:
        found = _for_texts(found)
    if data.is_text and not _reads_texts(found):
        raise ValueError(
            "X holds texts, which `preprocessing` makes no numbers of: give "
            "any_text_preprocessing(...) or a vectorizer"
        )
    return found


def _usual_preprocessing(data: Data) -> Any:
    if data.is_text:
        return any_text_preprocessing
    if data.is_sparse:
        return any_sparse_preprocessing
    return any_preprocessing


def _leaves(thing: Any) -> Iterator[Any]:
    """What may stand in a place of a space: components, other nodes and constants."""
    if isinstance(thing, Choice):
        thing = list(thing.options)
    if isinstance(thing, (list, tuple)):
        for each in thing:
            yield from _leaves(each)
    else:
        yield thing


def _candidates(space: Any) -> Iterator[Mapping[str, Any]]:
    """The dicts of parts in a space; one, unless there is a choice of them."""
    for each in _leaves(space):
        if isinstance(each, Mapping) and "model" in each:
            if len(each) > 1:
                others = ", ".join(repr(name) for name in each if name != "model")
                raise ValueError(
                    "`space` with a `model` holds no more than that, for the parts of a candidate "
                    f"stand within it, but there is also {others}"
                )
            yield from _candidates(each["model"])
        elif isinstance(each, Mapping):
            yield each


_PLACES = {
    "preprocessing": (STEP, TEXT), "ex_preprocs": (STEP, TEXT),
    "classifier": (CLASSIFIER, OTHER), "regressor": (REGRESSOR, OTHER),
}  # fmt: skip


_OTHER_KIND = {"classifier": is_regressor, "regressor": is_classifier}


def _check_parts(space: Any, beside: int) -> None:
    """Refuse what can be no part of a candidate.

    Args:
        space: of candidates.
        beside: how many exogenous data sets there are.

    Raises:
        TypeError: a constant is no estimator, or a part stands in the place of another kind.
        ValueError: a dict of parts has a further one, or steps for data that are not there.
    """
    for candidate in _candidates(space):
        for place in candidate:
            if place not in _PLACES:
                raise ValueError(
                    f"a candidate in `space` has {', '.join(map(repr, _PLACES))}, but no {place!r}"
                )
        for place, allowed in _PLACES.items():
            part = candidate.get(place)
            if place in ("classifier", "regressor") and isinstance(part, (list, tuple)):
                raise TypeError(f"`{place}` must be one space, not a list: hp.choice takes several")
            for leaf in _leaves(part):
                _check_part(place, leaf, allowed)
        others = candidate.get("ex_preprocs")
        if isinstance(others, (list, tuple)) and len(others) > beside:
            raise ValueError(
                f"`ex_preprocs` is for {plural(len(others), 'exogenous data set')}, and `EX_list` "
                f"has {beside or 'none'}"
            )


def _check_part(place: str, leaf: Any, allowed: tuple[str, ...]) -> None:
    method = "transform" if place in ("preprocessing", "ex_preprocs") else "predict"
    path = path_in(leaf)
    if path is not None:
        component = BY_PATH.get(path)
        if component is not None and component.role not in allowed:
            raise TypeError(f"`{place}` holds {component.name}, which is a {component.role}")
    elif isinstance(leaf, Node) or leaf is None:
        return
    elif isinstance(leaf, type) or not (hasattr(leaf, "fit") and hasattr(leaf, method)):
        raise TypeError(
            f"`{place}` must be a space of estimators with fit and {method}, but holds "
            f"{leaf!r:.200}"
        )
    elif not hasattr(leaf, "get_params"):
        raise TypeError(
            f"`{place}` holds {leaf!r:.200}, which has no get_params, by which scikit-learn copies "
            "an estimator: derive its class from sklearn.base.BaseEstimator"
        )
    elif isinstance(leaf, BaseEstimator) and place in _OTHER_KIND and _OTHER_KIND[place](leaf):
        other = "regressor" if place == "classifier" else "classifier"
        raise TypeError(f"`{place}` holds {leaf!r:.200}, which is a {other}")


def all_have(space: Any, method: str) -> bool:
    """Whether every learner in a space is known to have a method, whatever its settings."""
    found = []
    for candidate in _candidates(space):
        learner = candidate.get("classifier")
        for leaf in _leaves(candidate.get("regressor") if learner is None else learner):
            path = path_in(leaf)
            found.append(hasattr(leaf, method) if path is None else has_method(path, method))
    return all(found)


def _reads_texts(space: Any) -> bool:
    """Whether the preprocessing of a space holds a vectorizer, or something that may be one."""
    return any(_may_read_texts(each.get("preprocessing")) for each in _candidates(space))


def _may_read_texts(steps: Any) -> bool:
    for leaf in _leaves(steps):
        component = BY_PATH.get(path_in(leaf) or "")
        if leaf is not None and (component is None or component.role == TEXT):
            return True
    return False


def _for_texts(space: Any) -> Any:
    """A space whose choices of preprocessing have only options with a vectorizer."""
    if isinstance(space, Mapping):
        place, change = ("model", _for_texts) if "model" in space else ("preprocessing", _reading)
        return {**space, place: change(space[place])} if place in space else space
    if isinstance(space, Choice):
        pairs = zip(space.distribution.p, map(_for_texts, space.options), strict=True)
        return hp.pchoice(space.label, list(pairs))
    return space


def _reading(steps: Any) -> Any:
    """Preprocessing without the options of a choice that have no vectorizer."""
    if not isinstance(steps, Choice):
        return steps
    pairs = zip(steps.distribution.p, steps.options, strict=True)
    kept = [(p, _reading(option)) for p, option in pairs if _may_read_texts(option)]
    return choice_of(steps.label, kept) if any(p for p, _ in kept) else steps


def whole_space(space: Any, evaluation: Evaluation) -> Any:
    """The space of a run: candidates, and the digest of the data that they are judged by.

    One that holds nothing to search becomes a choice of itself alone.
    """
    walk = Walk()
    walk.into(space, None)
    candidate = space if walk.found else hp.choice("candidate", [space])
    return {"candidate": candidate, "data": evaluation.fingerprint()}
