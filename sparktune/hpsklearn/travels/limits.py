"""What data allow of a parameter, by the names that the tables use.

A limit is applied twice: to the range that is searched, by the size of all data, and to a value, by
what reaches the step in a fold, for steps before it may have made other columns.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

__all__ = ["LIMITS", "Size", "keep_within"]

_MOST_COLUMNS = 5000  # that a step may make of those that it gets
_LOOKED_AT = 1000  # rows whose distances are measured


class Size(NamedTuple):
    """Rows and columns of data, and how many targets each row has."""

    rows: int
    columns: int
    targets: int = 1


def _degree(size: Size) -> int:
    degree = 1
    while math.comb(size.columns + degree + 1, degree + 1) - 1 <= _MOST_COLUMNS and degree < 10:
        degree += 1
    return degree


LIMITS: dict[str, Callable[[Size], int]] = {
    "rows": lambda size: size.rows,
    "columns": lambda size: size.columns,
    "rows and columns": lambda size: min(size.rows, size.columns),
    "the number of targets": lambda size: min(size),
    "the degree that makes 5,000 columns": _degree,
}


def keep_within(step: Any, limits: Mapping[str, str], X: Any, y: Any, weights: Any = None) -> None:
    """Set parameters of an estimator to what the data that reach it allow.

    Args:
        step: the estimator, which is changed.
        limits: parameter to the name of its limit; besides those of LIMITS "nu", above which a
            support vector machine of such classes has no solution, and "reach", below which rows
            have no neighbours.
        X: the rows that reach it.
        y: their targets.
        weights: of the rows; None for all the same.
    """
    shape = np.shape(X)
    size = Size(
        shape[0], shape[1] if len(shape) > 1 else 1, np.shape(y)[1] if np.ndim(y) > 1 else 1
    )
    for name, limit in limits.items():
        value = getattr(step, name)
        if limit == "nu":
            value = min(value, _highest_nu(y, weights))
        elif limit == "reach":
            value = max(value, _reach(X))
        elif isinstance(value, (int, np.integer)) and not isinstance(value, bool):
            value = min(int(value), max(1, LIMITS[limit](size)))
        if value != getattr(step, name):
            step.set_params(**{name: value})


def _highest_nu(y: Any, weights: Any) -> float:
    """The highest nu that all pairs of classes allow; Chang and Lin (2001), proposition 2.1."""
    _, classes = np.unique(y, return_inverse=True)
    counts = np.sort(np.bincount(classes, weights))
    return float(0.999 * 2 * counts[0] / (counts[0] + counts[-1]))


def _reach(X: Any) -> float:
    """Half as much again as the longest way from a row to its nearest neighbour."""
    from sklearn.neighbors import NearestNeighbors

    some = X[:: max(1, -(-np.shape(X)[0] // _LOOKED_AT))]
    if np.shape(some)[0] < 2:
        return 0.0
    distances, _ = NearestNeighbors(n_neighbors=2, p=1).fit(some).kneighbors(some)
    return float(1.5 * distances[:, 1].max())
