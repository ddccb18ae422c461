"""A rule of fixed limits."""

from __future__ import annotations

from dataclasses import dataclass

from ..checks import keep, real, whole
from ..history import History

__all__ = ["Threshold"]


@dataclass(frozen=True)
class Threshold:
    """Stop a trial that reports a value out of limits, or NaN. Costs O(1) a report.

    Args:
        upper: values above it end a trial; None for no limit.
        lower: values below it end a trial; None for no limit.
        min_steps: no trial is stopped before this step, at least 0.

    Raises:
        ValueError: a setting out of its range, no limit at all, or limits the wrong way round.
    """

    upper: float | None = None
    lower: float | None = None
    min_steps: int = 0

    def __post_init__(self) -> None:
        keep(
            self,
            upper=real("upper", self.upper, none=True, of="threshold"),
            lower=real("lower", self.lower, none=True, of="threshold"),
            min_steps=whole("min_steps", self.min_steps, 0, of="threshold"),
        )
        if self.upper is None and self.lower is None:
            raise ValueError("threshold: one of `upper` and `lower` must be given, but got neither")
        if self.upper is not None and self.lower is not None and self.lower >= self.upper:
            raise ValueError(
                f"threshold: `lower < upper` must hold, but got {self.lower!r} and {self.upper!r}"
            )

    def stops(self, history: History, number: int) -> bool:
        """Whether a trial is to stop at its last report; see Pruner."""
        last = history.last_report(number)
        if last is None or last[0] < self.min_steps:
            return False
        value = last[1]
        below = self.upper is None or value <= self.upper
        above = self.lower is None or value >= self.lower
        return not (value == value and below and above)
