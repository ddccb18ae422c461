"""Progress in lines, for logs: a first one, one every so many seconds, and a last one."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

from ..telling import tell
from .pace import Pace, duration
from .ticking import Ticker

__all__ = ["Lines", "lines"]


class Lines:
    """What stands in the place of a bar; see BarFactory.

    Args:
        pace: of the run.

    Attributes:
        postfix: how things stand, in words.
    """

    def __init__(self, pace: Pace) -> None:
        self.pace = pace
        self.postfix = ""

    def update(self, n: int) -> None:
        """So many more trials have ended; nothing is written yet."""
        self.pace.done += n

    def first(self) -> None:
        """Say that the run begins."""
        tell(f"the search begins: {self.pace.of_all}")

    def middle(self) -> None:
        """Say how things stand."""
        pace = self.pace
        parts = [f"{pace.of_all} in {duration(pace.seconds)}", self.postfix, pace.speed]
        tell(", ".join(filter(None, [*parts, pace.remaining])))

    def last(self, word: str) -> None:
        """Say how things stand at the end, after a word about that."""
        pace = self.pace
        parts = [f"{pace.of_all} in {duration(pace.seconds)}", self.postfix, pace.speed]
        tell(f"the search {word}: {', '.join(filter(None, parts))}")


@contextmanager
def lines(
    initial: int, total: int | None, every: float, timeout: float | None = None
) -> Iterator[Lines]:
    """Lines of a run in the log while the context lasts.

    Args:
        initial: trials that have ended before.
        total: how many there are to be in the end; None where that is open.
        every: seconds between two; infinite for the last one alone.
        timeout: seconds after which the run ends; None for no limit.
    """
    shown, word = Lines(Pace(initial, total, timeout)), "ended"
    is_quiet = every == math.inf
    if not is_quiet:
        shown.first()
    with nullcontext() if is_quiet else Ticker(every, shown.middle):
        try:
            yield shown
        except BaseException:
            word = "was stopped"
            raise
        finally:
            shown.last(word)
