"""Rules that compare a trial with those that ran to their end."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..checks import keep, real, whole
from ..history import History, Status
from .standing import better_than, others_at

__all__ = ["Median", "Percentile"]


@dataclass(frozen=True)
class Percentile:
    """Stop a trial that is not among the best so many per cent of the finished trials at its step.

    At a report the trial's value is held against those that all trials with a loss had at the same
    step: it stops where more than ``percentile`` per cent of them are better. With 50 that is the
    median rule of Golovin et al. (2017), "Google Vizier: a service for black-box optimization",
    section 3.5.2, with values in place of running averages. Costs O(n) a report.

    Args:
        percentile: the share that goes on, in per cent, above 0 and at most 100.
        startup: trials with a loss that reported at the step, before any is stopped there; at
            least 1.
        min_steps: no trial is stopped before this step.
        every: trials are looked at every so many steps from there, at least 1.

    Raises:
        ValueError: a setting out of its range.
    """

    percentile: float = 50.0
    startup: int = 5
    min_steps: int = 1
    every: int = 1

    def __post_init__(self) -> None:
        name = type(self).__name__.lower()
        keep(
            self,
            percentile=real("percentile", self.percentile, above=0, most=100, of=name),
            startup=whole("startup", self.startup, of=name),
            min_steps=whole("min_steps", self.min_steps, 0, of=name),
            every=whole("every", self.every, of=name),
        )

    def stops(self, history: History, number: int) -> bool:
        """Whether a trial is to stop at its last report; see Pruner."""
        last = history.last_report(number)
        if last is None:
            return False
        step, value = last
        if step < self.min_steps or (step - self.min_steps) % self.every:
            return False
        numbers, values = others_at(history, number, step)
        values = values[history.status[numbers] == Status.OK]
        if len(values) < self.startup:
            return False
        return better_than(value, values) > self.percentile / 100 * len(values)


@dataclass(frozen=True)
class Median(Percentile):
    """Stop a trial that is worse than the median of the finished trials at its step.

    This is ``percentile(50)``; the other arguments, the errors and the price are those of
    Percentile.
    """

    percentile: float = field(default=50.0, init=False)
