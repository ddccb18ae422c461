"""Following a run: its trials as they end, while somebody else writes the journal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from ..history import ENDED, History, Status
from ..storage.replaying import Recorded
from .pretty import live
from .sources import Source
from .summary import Summary
from .text import ended_line, text_of
from .words import complain, say

__all__ = ["Step", "follow_in_lines", "follow_on_screen", "steps"]

_OVER = (*ENDED, Status.CANCELLED)
_SHOWN = 3  # of the last lines, on a screen
_EVERY = 1.0  # seconds between two looks


@dataclass(frozen=True)
class Step:
    """What a look at a journal has found.

    Attributes:
        summary: of the run as it stands.
        ended: trials that have ended since the last look: number, and the lowest loss up to it,
            None without one. At the first look none.
        first: whether this is the first look at this journal.
    """

    summary: Summary
    ended: list[tuple[int, float | None]]
    first: bool


def steps(source: Source, pause: Callable[[float], None]) -> Iterator[Step]:
    """Look at a run again and again, for ever; only what is new is read.

    It waits for one that is not there yet. Where another journal takes the place of this one, it
    goes on with that from its beginning.

    Args:
        source: of the run.
        pause: waits for so many seconds.

    Raises:
        JournalError: it is damaged, or no journal.
    """
    recorded, waits, torn = Recorded(), False, None
    over: set[int] = set()
    while True:
        before = recorded.id
        recorded = source.replay(recorded)
        if before is not None and recorded.id != before:
            over = set()
            if recorded.id is not None:
                complain(f"another {source.what} is in {source.name} now")
        if recorded.id is None:
            if not waits:
                complain(f"waiting for a {source.what} in {source.name}")
            waits = True
        else:
            first, waits = before != recorded.id, False
            step = _step(source, recorded, over, first)
            if step.summary.torn not in (None, torn):
                torn = step.summary.torn
                complain(torn)
            yield step
        pause(_EVERY)


def _step(source: Source, recorded: Recorded, over: set[int], first: bool) -> Step:
    summary, ended = source.summary(recorded), []
    history = recorded.history
    if history is not None:
        now = np.flatnonzero(np.isin(history.status, _OVER)).tolist()
        fresh = [number for number in now if number not in over]
        ended = [] if first else _with_best(history, fresh, over)
        over.update(fresh)
    return Step(summary, ended, first)


def _with_best(
    history: History, fresh: list[int], over: set[int]
) -> list[tuple[int, float | None]]:
    """Trials with the lowest loss up to each of them, of those that were over before, too."""
    known = history.y[np.array(sorted(over), int)]
    best = float(np.nanmin(known)) if np.any(~np.isnan(known)) else None
    found = []
    for number in fresh:
        loss = history[number].loss
        if loss is not None and (best is None or loss < best):
            best = loss
        found.append((number, best))
    return found


def follow_in_lines(
    source: Source, top: int, width: int | None, pause: Callable[[float], None]
) -> int:
    """Print a summary, and then a line for each trial that ends; until Ctrl-C.

    Args:
        source: of the run.
        top: how many of the best trials the summary has.
        width: characters of its lines; None for whole ones.
        pause: waits for so many seconds.

    Returns:
        130, as of a program that Ctrl-C ended.
    """
    with suppress(KeyboardInterrupt):
        for step in steps(source, pause):
            if step.first:
                say(text_of(step.summary, top, width))
            for number, best in step.ended:
                say(ended_line(step.summary, number, best))
    return 130


def follow_on_screen(source: Source, top: int, pause: Callable[[float], None]) -> int:
    """Draw a summary anew whenever something has come, with rich; see ``follow_in_lines``."""
    lines: list[str] = []
    with suppress(KeyboardInterrupt), live(top) as draw:
        for step in steps(source, pause):
            lines += [ended_line(step.summary, number, best) for number, best in step.ended]
            lines = [] if step.first else lines[-_SHOWN:]
            draw(step.summary, lines)
    return 130
