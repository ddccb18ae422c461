"""A space that documents of Hyperopt's shape may have been made in, where nobody gives it.

It has their labels, the range of what was observed, and the branches in which labels were active:
enough to read a record, and no more than that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..exceptions import BadSearchSpace
from ..plurals import plural
from ..space.discrete import Integers
from ..space.distributions import Uniform
from ..space.nodes import Choice, Param

__all__ = ["inferred"]

_OPTIONS = 1000  # of a label that others hang below


def inferred(points: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """A template for ``Space`` that has all points.

    A label whose values are floats is uniform, one whose values are whole numbers an integer, from
    0 or the lowest to the highest that was observed. A label that is not active in all points
    hangs below the integer label whose values say exactly when it is; where several do, below the
    one that hangs deepest itself, and of these the one with the fewest values.

    Args:
        points: label to value, active labels only.

    Raises:
        BadSearchSpace: a value is no number, or no label says when another is active; the message
            has the label.
    """
    columns: dict[str, dict[int, Any]] = {}  # number of a point to the value there
    for number, point in enumerate(points):
        for label, value in point.items():
            columns.setdefault(label, {})[number] = _number(label, value)
    parents: dict[str, tuple[str, frozenset[int]] | None] = {}
    for label in sorted(columns, key=lambda each: -len(columns[each])):
        parents[label] = _parent(label, columns, parents, len(points))
    made: dict[str, Any] = {}
    for label in reversed(parents):  # what hangs below a label is made before it
        below = [
            (child, found[1]) for child, found in parents.items() if found and found[0] == label
        ]
        made[label] = _node(label, columns[label], [(child, made[child], o) for child, o in below])
    return {label: made[label] for label in columns if parents[label] is None}


def _number(label: str, value: Any) -> int | float:
    value = value.item() if isinstance(value, (np.generic, np.ndarray)) else value
    if isinstance(value, (bool, int)):
        return int(value)
    if isinstance(value, float):
        return value
    raise BadSearchSpace(f"{label!r} has the value {value!r:.60}, which is no number")


def _parent(
    label: str,
    columns: Mapping[str, Mapping[int, Any]],
    parents: Mapping[str, tuple[str, frozenset[int]] | None],
    count: int,
) -> tuple[str, frozenset[int]] | None:
    """The label that says when another is active, with the values that it has then."""
    active = columns[label].keys()
    if len(active) == count:
        return None
    found = []
    for place, (other, hung) in enumerate(parents.items()):
        column = columns[other]
        if not active < column.keys() or not _is_choice(column):
            continue
        values = frozenset(column[number] for number in active)
        if all((value in values) == (number in active) for number, value in column.items()):
            depth = 0
            while hung is not None:
                depth, hung = depth + 1, parents[hung[0]]
            found.append((-depth, len(set(column.values())), place, other, values))
    if not found:
        raise BadSearchSpace(
            f"no choice says when {label!r} is active, which has a value in {len(active)} of "
            f"{plural(count, 'trial')}"
        )
    return min(found)[-2:]


def _is_choice(column: Mapping[int, Any]) -> bool:
    values = column.values()
    return all(type(value) is int and 0 <= value < _OPTIONS for value in values)


def _node(
    label: str, column: Mapping[int, Any], below: Sequence[tuple[str, Any, frozenset[int]]]
) -> Param:
    """A hyperparameter; a choice where others hang below it."""
    values = list(column.values())
    low, high = min(values), max(values)
    if below:
        options = []
        for index in range(high + 1):
            inside = {child: node for child, node, taken in below if index in taken}
            options.append({"option": index, **inside} if inside else index)
        return Choice(label, (1 / len(options),) * len(options), tuple(options))
    try:
        if all(type(value) is int for value in values):
            return Param(label, Integers(min(0, low), high))
        if low == high:
            margin = max(0.5, abs(low) / 20)
            low, high = low - margin, high + margin
        return Param(label, Uniform(float(low), float(high)))
    except (ValueError, OverflowError) as error:
        raise BadSearchSpace(f"{label!r}: {error}") from None
