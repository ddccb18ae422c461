"""Points that people give: by labels and options, or as whole configurations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..arithmetic import own_arithmetic
from ..exceptions import InvalidTrial
from .inverse import Inverse, Misfit, State
from .nodes import Choice
from .tree import Space, unwrapped

__all__ = ["by_labels", "values_of"]


def values_of(space: Space, point: Any) -> dict[str, int | float]:
    """Values of a point given by hand: by labels, or as the configuration that it stands for.

    A dict whose keys are labels, with all those that are always active, is read by labels (see
    ``by_labels``). Anything else is read as a configuration, shaped like the space; a dict may also
    hold labels that are no keys of the space, with their values, for what the rest leaves open.

    Raises:
        InvalidTrial: it is neither; the message names the label or the place.
    """
    template, labels = space.template, space.column
    if not isinstance(point, Mapping):
        if isinstance(template, dict):
            raise InvalidTrial(f"a point maps labels to values, but got {point!r:.200}")
        return _by_configuration(space, point, {})
    keys = set(template) if isinstance(template, dict) else set()
    given = {key for key in point if isinstance(key, str) and key in labels}
    if len(given) == len(point):
        roots = (label for label, j in labels.items() if not space.parents[j])
        if all(label in point and not _is_nothing(point[label]) for label in roots):
            return by_labels(space, point)
        if isinstance(template, dict) and not keys >= set(point):
            return by_labels(space, point)  # which says what is missing
    beside = {key: point[key] for key in given if isinstance(template, dict) and key not in keys}
    body = {key: item for key, item in point.items() if key not in beside}
    try:
        return _by_configuration(space, body, beside)
    except InvalidTrial:
        unknown = [key for key in body if key not in keys] if isinstance(template, dict) else []
        for key in unknown:
            space.check({key: body[key]})  # says that it is no label
        if isinstance(template, dict) and len(given) == len(point):
            return by_labels(space, point)
        raise


@own_arithmetic
def by_labels(space: Space, point: Mapping[str, Any]) -> dict[str, int | float]:
    """Values of a point that maps labels to values.

    A choice may have its index, or the option that is meant; where an option is a number that is an
    index as well, it is the index. An option that holds further labels may be given as the
    configuration that it gives: their values are taken from it, unless the point has them, too.

    Raises:
        InvalidTrial: as ``Space.check``; or an option that several of the choice's are like.
    """
    for label in point:
        if label not in space.column:
            return space.check(point)  # which says so
    inverse, state = Inverse(space, point), State()
    for j, label in enumerate(space.labels):
        param, pairs = space.params[j], space.parents[j]
        if pairs and not any(state.values.get(space.labels[i]) == option for i, option in pairs):
            continue
        nothing = label not in point or _is_nothing(point[label])
        if nothing and not (isinstance(param, Choice) and label in point):
            if label not in state.values:
                raise InvalidTrial(f"the point has no value for {label!r}: {dict(point)!r:.300}")
            continue
        try:
            inverse.take(param, point[label], state)
        except Misfit as misfit:
            raise InvalidTrial(misfit.sentence(f"{label!r}")) from None
        inverse.refuse_what_is_open(state)
    return {label: state.values[label] for label in space.labels if label in state.values}


@own_arithmetic
def _by_configuration(
    space: Space, config: Any, given: Mapping[str, Any]
) -> dict[str, int | float]:
    """Values of a configuration, of which some labels may be given."""
    inverse, state = Inverse(space, given), State()
    try:
        for label in given:
            if label not in inverse.fixed:
                inverse.take(space.params[space.column[label]], given[label], state)
        inverse.fit(space.template, config, (), state)
        inverse.settle(state)
    except Misfit as misfit:
        raise InvalidTrial(misfit.sentence("the configuration")) from None
    inverse.refuse_what_is_open(state)
    return space.check({**inverse.fixed, **state.values})


def _is_nothing(raw: Any) -> bool:
    """Whether it is the empty list that documents have for a label without a value."""
    return unwrapped(raw, 0) is not raw
