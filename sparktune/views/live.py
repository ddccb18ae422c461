"""A table in a notebook that is drawn anew in its place while a search lasts."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from .. import markup
from ..history import ENDED, History, Trial
from .pace import Pace, duration
from .page import WIDE, grid
from .standing import Grid, Standing, columns_of
from .text import lines_of
from .ticking import Ticker
from .values import digits

__all__ = ["Picture", "table"]

_EVERY = 0.5  # seconds between two pictures
_BEST, _RUNNING = 5, 8

_one_at_a_time = threading.Lock()


@dataclass(frozen=True)
class Picture:
    """A search at one moment; shows itself as HTML, or as text.

    Attributes:
        line: how it stands, in words; empty where a bar says so.
        tables: by heading; such as the best trials.
        notes: lines below the tables, by heading.
    """

    line: str
    tables: dict[str, Grid]
    notes: dict[str, list[str]]

    def __repr__(self) -> str:
        parts = [self.line] if self.line else []
        for heading, found in self.tables.items():
            parts += ["", heading, *lines_of(found)]
        for heading, lines in self.notes.items():
            parts += ["", heading, *lines]
        return "\n".join(parts).lstrip("\n")

    def _repr_html_(self) -> str:
        parts = [f"<div>{markup.escaped(self.line)}</div>"] if self.line else []
        for heading, found in self.tables.items():
            parts += [markup.bold(heading), grid(found, first=heading == "best trials")]
        for heading, lines in self.notes.items():
            parts += [markup.bold(heading), markup.listed(lines)]
        return markup.block(*parts)


class Pictures:
    """Makes pictures of a search.

    Args:
        history: of the search.
        pace: of the run.
        elsewhere: how many trials have ended that are not in the history.
    """

    def __init__(self, history: History, pace: Pace) -> None:
        self._history, self._pace = history, pace
        self._elsewhere = pace.done - history.count(*ENDED)
        self._failed, self._errors = -1, list[str]()

    def now(self, *, is_over: bool = False) -> Picture:
        """How the search stands.

        Args:
            is_over: whether the run has ended.
        """
        history = self._history
        standing = Standing(history)
        with history.lock:  # others write meanwhile
            self._pace.done = self._elsewhere + history.count(*ENDED)
            pending = history.pending
            line = self._line(standing) if is_over else ""
            tables = {}
            best = standing.table(_BEST, WIDE)
            if best is not None:
                tables["best trials"] = best
            if pending and not is_over:
                running = _running(history, pending[:_RUNNING])
                more = len(pending) - _RUNNING
                tables[
                    f"running, the first {_RUNNING} of {len(pending)}" if more > 0 else "running"
                ] = running
            failed = standing.failed
            if failed != self._failed:
                self._failed, self._errors = failed, standing.errors
        notes = {"errors": self._errors} if self._errors else {}
        return Picture(line, tables, notes)

    def _line(self, standing: Standing) -> str:
        pace = self._pace
        parts = [f"{pace.of_all} in {duration(pace.seconds)}", *standing.brief, pace.speed]
        return " \N{MIDDLE DOT} ".join(filter(None, parts))


def _running(history: History, pending: list[Trial]) -> Grid:
    now = time.time()
    reports = [history.last_report(trial.number) for trial in pending]
    reported = any(reports)
    headers = ["trial", "seconds", *(["step", "last report"] if reported else [])]
    rows = []
    for trial, last in zip(pending, reports, strict=True):
        row = [str(trial.number), f"{max(0.0, now - trial.started):.0f}"]
        if reported:
            row += ["", ""] if last is None else [str(last[0]), digits(last[1], 6)]
        rows.append(row)
    return columns_of(pending, history, headers, rows, frozenset(), WIDE)


@contextmanager
def table(history: History, pace: Pace, *, is_live: bool) -> Iterator[None]:
    """Show a search in the notebook's cell while the context lasts, and how it ended.

    A search within another one's objective is not shown.

    Args:
        history: of the search.
        pace: of the run.
        is_live: False for the end alone.
    """
    if not _one_at_a_time.acquire(blocking=False):
        yield
        return
    try:
        pictures = Pictures(history, pace)
        if not is_live:
            try:
                yield
            finally:
                _display(pictures.now(is_over=True))
            return
        update = _display(pictures.now())
        try:
            with Ticker(_EVERY, lambda: update(pictures.now())):
                yield
        finally:
            update(pictures.now(is_over=True))
    finally:
        _one_at_a_time.release()


def _display(picture: Picture) -> Callable[[Picture], Any]:
    """Show a picture; the function puts another one in its place."""
    from IPython.display import display

    handle = display(picture, display_id=True)  # type: ignore[no-untyped-call]
    return handle.update if handle is not None else lambda _: None
