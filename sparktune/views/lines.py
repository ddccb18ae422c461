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
        begins: what the first line says of the search.
        where: it is recorded, for people; empty where it is not.

    Attributes:
        postfix: how things stand, in words.
    """

    def __init__(self, pace: Pace, begins: str = "begins", where: str = "") -> None:
        self.pace = pace
        self.postfix = ""
        self._begins, self._where = begins, where

    def update(self, n: int) -> None:
        """So many more trials have ended; nothing is written yet."""
        self.pace.done += n

    def first(self) -> None:
        """Say that the run begins, and where it is recorded."""
        kept = f", recorded in {self._where}" if self._where else ""
        tell(f"the search {self._begins}: {self.pace.of_all}{kept}")

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
    initial: int,
    total: int | None,
    every: float,
    timeout: float | None = None,
    begins: str = "begins",
    where: str = "",
) -> Iterator[Lines]:
    """Lines of a run in the log while the context lasts.

    Args:
        initial: trials that have ended before.
        total: how many there are to be in the end; None where that is open.
        every: seconds between two; infinite for the last one alone.
        timeout: seconds after which the run ends; None for no limit.
        begins: as of Lines.
        where: as of Lines.
    """
    shown, word = Lines(Pace(initial, total, timeout), begins, where), "ended"
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
