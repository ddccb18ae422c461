"""How fast a run goes, and when it will be over."""

from __future__ import annotations

import math
import time

from ..plurals import plural

__all__ = ["Pace", "duration"]


class Pace:
    """Counts the trials of a run that have ended, and the seconds since it began.

    Args:
        initial: trials that had ended before.
        total: how many there are to be in the end; None where that is open.
        timeout: seconds after which the run ends; None for no limit.

    Attributes:
        done: how many trials have ended.
        total: as given.
    """

    def __init__(self, initial: int, total: int | None, timeout: float | None = None) -> None:
        self.done, self.total = initial, total
        self._initial, self._timeout = initial, timeout
        self._began = time.monotonic()

    @property
    def seconds(self) -> float:
        """Since the run began."""
        return time.monotonic() - self._began

    @property
    def rate(self) -> float | None:
        """Trials a second, over the whole run; None before the first has ended."""
        new, seconds = self.done - self._initial, self.seconds
        return new / seconds if new > 0 and seconds > 0 else None

    @property
    def left(self) -> float | None:
        """Seconds until the run ends at this rate or by its limit; None where nobody can say."""
        ends = math.inf if self._timeout is None else max(0.0, self._timeout - self.seconds)
        rate = self.rate
        if self.total is not None and rate is not None:
            ends = min(ends, max(0, self.total - self.done) / rate)
        return ends if ends < math.inf else None

    @property
    def of_all(self) -> str:
        """How many trials have ended of how many."""
        if self.total is None:
            return plural(self.done, "trial")
        return f"{self.done:,} of {plural(self.total, 'trial')}"

    @property
    def speed(self) -> str:
        """The rate in words; empty without one."""
        return "" if self.rate is None else f"{self.rate:.3g} trials/s"

    @property
    def remaining(self) -> str:
        """The seconds that are left in words; empty where nobody can say, and at the end."""
        left = self.left
        is_over = self.total is not None and self.done >= self.total
        return "" if left is None or is_over else f"about {duration(left)} left"


def duration(seconds: float) -> str:
    """So many seconds as a person says them."""
    whole = round(seconds)
    if whole < 60:
        return f"{seconds:.1f} s" if seconds < 9.95 else f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest and minutes < 10 else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"
