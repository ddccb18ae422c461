"""Which of the evaluated candidates is best, by a model instead of by luck."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..arithmetic import own_arithmetic
from ..history import History, Status
from .bayes import Bayes

__all__ = ["Recommended", "recommended"]


class Recommended(NamedTuple):
    """A trial, and what is believed of its mean loss, in deviations of the losses."""

    number: int
    mean: float
    std: float


@own_arithmetic
def recommended(history: History) -> Recommended:
    numbers = np.flatnonzero(history.status == Status.OK)
    rng = np.random.default_rng(len(history))
    mean, std = Bayes().fit(history.space, history, rng).predict(history.X[numbers])
    best = int(np.argmin(mean[0]))
    return Recommended(int(numbers[best]), float(mean[0, best]), float(std[best]))
