"""How a trial stands among others at a step. Lower is better, and NaN is worse than any number."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..arithmetic import nan_as_worst
from ..history import History
from ..space.distributions import Array

__all__ = ["better_than", "others_at"]


def others_at(history: History, number: int, step: int) -> tuple[NDArray[np.intp], Array]:
    """Numbers of the other trials that reported at a step, and their values there: (m,) arrays."""
    numbers, values = history.reports_at(step)
    others = numbers != number
    return numbers[others], values[others]


def better_than(value: float, values: Array) -> int:
    """How many values are better than one; those that are the same are not."""
    return int(np.count_nonzero(values < nan_as_worst(np.float64(value))))
