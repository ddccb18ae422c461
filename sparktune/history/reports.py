"""What trials reported on their way: by trial, and by step."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from ..space.distributions import Array

__all__ = ["Pairs", "Reports"]

Pairs = Mapping[int, list[tuple[int, float]]]
"""By number of the trial: its reports (step, value), in the order in which they came."""


_NOWHERE = (-math.inf, -math.inf)


class Reports:
    """The intermediate values of trials; adding one costs the same however many there are.

    A trial has one value at a step: the last that it reported there.

    Args:
        pairs: the reports to begin with.
        hidden: numbers of trials that seem to have reported nothing.
        apart: numbers of trials whose reports are kept by trial alone, so that no other is
            compared with them.
    """

    def __init__(
        self, pairs: Pairs | None = None, hidden: Iterable[int] = (), apart: Iterable[int] = ()
    ) -> None:
        self.pairs: dict[int, list[tuple[int, float]]] = {}
        self._steps: dict[int, _Column] = {}
        self._furthest: dict[int, tuple[float, float]] = {}  # before the last report, and with it
        self._hidden, self._apart = frozenset(hidden), frozenset(apart)
        for number, reports in (pairs or {}).items():
            for step, value in reports:
                self.add(number, step, value)

    def add(self, number: int, step: int, value: float) -> None:
        """Add a report of a trial."""
        self.pairs.setdefault(number, []).append((step, value))
        if number in self._apart:
            return
        self._steps.setdefault(step, _Column()).put(number, value)
        before = self._furthest.get(number, _NOWHERE)[1]
        self._furthest[number] = before, max(before, step)

    def forget(self, number: int) -> None:
        """Remove all reports of a trial."""
        for step in {step for step, _ in self.pairs.pop(number, ())}:
            self._steps[step].remove(number)
        self._furthest.pop(number, None)

    def of(self, number: int) -> tuple[tuple[int, float], ...]:
        """The reports (step, value) of a trial, in the order in which they came."""
        return () if number in self._hidden else tuple(self.pairs.get(number, ()))

    def count(self, number: int) -> int:
        """How many reports a trial has made."""
        return 0 if number in self._hidden else len(self.pairs.get(number, ()))

    def last(self, number: int) -> tuple[int, float] | None:
        """The latest report of a trial, None where there is none."""
        pairs = () if number in self._hidden else self.pairs.get(number)
        return pairs[-1] if pairs else None

    def furthest_before_last(self, number: int) -> float:
        """The furthest step of a trial's reports but the last; -inf where there is none."""
        return -math.inf if number in self._hidden else self._furthest.get(number, _NOWHERE)[0]

    @property
    def furthest(self) -> float:
        """The furthest step that any trial has reported; -inf without reports."""
        steps = (far[1] for number, far in self._furthest.items() if number not in self._hidden)
        return max(steps, default=-math.inf)

    def at(self, step: int) -> tuple[NDArray[np.intp], Array]:
        """Numbers of the trials that have a value at a step, and these values, as (m,) arrays."""
        column = self._steps.get(step)
        if column is None:
            return np.empty(0, np.intp), np.empty(0)
        numbers, values = column.columns
        if not self._hidden:
            return numbers, values
        shown = ~np.isin(numbers, list(self._hidden))
        return numbers[shown], values[shown]

    def hiding(self, numbers: Iterable[int]) -> Reports:
        """The same reports, now and later, as if some trials reported nothing."""
        other = Reports(hidden=numbers)
        other.pairs, other._steps, other._furthest = self.pairs, self._steps, self._furthest
        return other


class _Column:
    """The values that trials have at one step."""

    def __init__(self) -> None:
        self._places: dict[int, int] = {}
        self._numbers = np.empty(4, np.intp)
        self._values = np.empty(4)

    @property
    def columns(self) -> tuple[NDArray[np.intp], Array]:
        """Numbers of the trials, and their values; valid until the next change."""
        count = len(self._places)
        return self._numbers[:count], self._values[:count]

    def put(self, number: int, value: float) -> None:
        place = self._places.setdefault(number, len(self._places))
        if place == len(self._values):
            self._numbers = np.concatenate([self._numbers, np.empty(place, np.intp)])
            self._values = np.concatenate([self._values, np.empty(place)])
        self._numbers[place], self._values[place] = number, value

    def remove(self, number: int) -> None:
        last = len(self._places) - 1
        place = self._places.pop(number)
        if place < last:  # the last one takes its place
            moved = int(self._numbers[last])
            self._places[moved] = place
            self._numbers[place], self._values[place] = moved, self._values[last]
