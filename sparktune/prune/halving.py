"""Successive halving without waiting: ASHA, and Hyperband's brackets of it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..checks import keep, real, whole
from ..history import History
from .standing import better_than, others_at

__all__ = ["Asha", "Hyperband"]

_GOLDEN = (math.sqrt(5) - 1) / 2


@dataclass(frozen=True)
class Asha:
    """Asynchronous successive halving: at each rung only the best of those who came there go on.

    Rungs are the steps ``min_steps * eta**i``. At its first report at or past a rung, a trial is
    held against all trials that reported at this very step, however they ended: with n of them, its
    own report among them, it goes on if fewer than ``max(1, floor(n / eta))`` are better. So the
    first to come always goes on, trials with the same value go on together, and about one in eta
    reaches the next rung.

    Li et al. (2020), "A system for massively parallel hyperparameter tuning", algorithm 2, in the
    form that stops a trial rather than pausing it (there section 3.3; also in Ray Tune and Syne
    Tune). Costs O(n) at a rung.

    Args:
        min_steps: the first rung: no trial is stopped before this step; at least 1, in the steps
            that trials report.
        eta: one in so many goes on, above 1.
        max_steps: no trial is stopped from this step on, above ``min_steps``; None for no such
            limit.

    Raises:
        ValueError: a setting out of its range.
    """

    min_steps: int = 1
    eta: float = 3.0
    max_steps: int | None = None

    def __post_init__(self) -> None:
        _check(self)
        most = whole("max_steps", self.max_steps, self.min_steps + 1, none=True, of="asha")
        keep(self, max_steps=most)

    def stops(self, history: History, number: int) -> bool:
        """Whether a trial is to stop at its last report; see Pruner."""
        last = history.last_report(number)
        if last is None or (self.max_steps is not None and last[0] >= self.max_steps):
            return False
        before = history.furthest_before_last(number)
        return _passes_rung(before, last[0], self.min_steps, self.eta) and _is_behind(
            history, number, last, self.eta
        )


@dataclass(frozen=True)
class Hyperband:
    """ASHA in brackets, which differ in when they begin to stop trials.

    Where early reports mislead, a rule that trusts them loses the best trials; so the first bracket
    has its first rung at ``min_steps``, the next at ``eta * min_steps``, and so on up to
    ``max_steps``, where nothing is stopped. A trial's bracket follows from its number alone; the
    brackets' shares are those of Hyperband, about the same number of steps for each. A trial is
    held against those of its own bracket only.

    Li et al. (2018), "Hyperband: a novel bandit-based approach to hyperparameter optimization",
    algorithm 1; asynchronous as in Li et al. (2020). Costs O(n) at a rung, and with
    ``max_steps=None`` at each report.

    Args:
        min_steps: the first rung of the first bracket, at least 1.
        max_steps: the steps of a trial that runs to its end, at least ``min_steps``. None takes the
            furthest step that any trial has reported so far.
        eta: one in so many goes on at a rung, above 1.

    Raises:
        ValueError: a setting out of its range.
    """

    min_steps: int = 1
    max_steps: int | None = None
    eta: float = 3.0

    def __post_init__(self) -> None:
        _check(self)
        most = whole("max_steps", self.max_steps, self.min_steps, none=True, of="hyperband")
        keep(self, max_steps=most)

    def stops(self, history: History, number: int) -> bool:
        """Whether a trial is to stop at its last report; see Pruner."""
        last = history.last_report(number)
        most = history.furthest_step if self.max_steps is None else self.max_steps
        if last is None or last[0] >= most:
            return False
        brackets = self._brackets(most)
        mine = _bracket(np.array([number]), brackets)[0]
        before = history.furthest_before_last(number)
        if not _passes_rung(before, last[0], self.min_steps * self.eta**mine, self.eta):
            return False
        return _is_behind(
            history, number, last, self.eta, lambda numbers: _bracket(numbers, brackets) == mine
        )

    def _brackets(self, most: float) -> tuple[float, ...]:
        """The shares of the brackets, those of the first and all before it, and so on, up to 1."""
        last = int(math.log(max(1.0, most / self.min_steps), self.eta) + 1e-9)
        begun = [(last + 1) / (s + 1) * self.eta**s for s in range(last, -1, -1)]
        return tuple(np.cumsum(begun) / np.sum(begun))


def _check(rule: Asha | Hyperband) -> None:
    name = type(rule).__name__.lower()
    keep(
        rule,
        min_steps=whole("min_steps", rule.min_steps, of=name),
        eta=real("eta", rule.eta, above=1, finite=True, of=name),
    )


def _passes_rung(before: float, step: int, first: float, eta: float) -> bool:
    """Whether a rung lies above the step ``before`` and at or below ``step``."""
    if step < first:
        return False
    rung = first * eta ** math.floor(math.log(step / first, eta) + 1e-9)
    return before < math.ceil(rung - 1e-9) <= step


def _is_behind(
    history: History,
    number: int,
    last: tuple[int, float],
    eta: float,
    among: Callable[[NDArray[np.intp]], NDArray[np.bool_]] | None = None,
) -> bool:
    """Whether a trial is not among the best at its last report; ``among`` says of whom."""
    step, value = last
    numbers, values = others_at(history, number, step)
    if among is not None:
        values = values[among(numbers)]
    return better_than(value, values) >= max(1, math.floor((len(values) + 1) / eta))


def _bracket(numbers: NDArray[np.intp], shares: tuple[float, ...]) -> NDArray[np.intp]:
    """The bracket of each number: spread evenly, in a sequence without long runs."""
    places = np.searchsorted(shares, (numbers + 1) * _GOLDEN % 1.0, side="right")
    return np.minimum(places, len(shares) - 1)
