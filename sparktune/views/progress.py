"""Progress of a search: a bar for a terminal or a notebook, lines for a log."""

from __future__ import annotations

import math
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import (
    AbstractContextManager,
    contextmanager,
    nullcontext,
    redirect_stdout,
)
from functools import partial
from typing import Any, TextIO, TypeAlias

from ..events import Event, Finished
from ..history import ENDED, History, Status
from ..history.savings import Savings
from .audience import Audience, audience
from .lines import Lines, lines
from .live import table
from .pace import Pace

__all__ = ["BarFactory", "Progress", "progress", "standard_bar"]

BarFactory: TypeAlias = Callable[..., AbstractContextManager[Any]]
"""Called with ``initial`` and ``total``; its context has ``update(n)`` and ``postfix``."""

_SECONDS_BETWEEN = 0.1
_FORMAT = "{l_bar}{bar}| {n_fmt}/{total_fmt} [{elapsed}<{remaining}, {rate_noinv_fmt}{postfix}]"


class Progress:
    """Shows finished trials of all, the best loss, and how many run, failed and were pruned.

    Args:
        bar: has ``update(n)`` and ``postfix``; a tqdm bar, or one of the user's own.
        history: of the search.
        best: the lowest loss of trials that are not in the history.
    """

    def __init__(self, bar: Any, history: History, best: float = math.inf) -> None:
        self._bar = bar
        self._history = history
        self._best = best
        self._savings = Savings(history)
        self._shown = 0.0
        self._unshown = 0

    def show(self, event: Event) -> None:
        """Take note of an event; draws at most ten times a second."""
        if isinstance(event, Finished):
            self._unshown += 1
            self._savings.add(event.trial)
        if time.monotonic() - self._shown >= _SECONDS_BETWEEN:
            self.draw()

    def draw(self) -> None:
        """Draw the bar as things stand."""
        text = self._text()
        if hasattr(self._bar, "set_postfix_str"):
            self._bar.set_postfix_str(text, refresh=False)
        else:
            self._bar.postfix = text
        drawn = self._bar.update(self._unshown)
        if not drawn and hasattr(self._bar, "refresh"):
            self._bar.refresh()
        self._unshown = 0
        self._shown = time.monotonic()

    def _text(self) -> str:
        history = self._history
        found = math.inf if history.best is None else history.best.loss
        known = history.best is not None or self._best < math.inf
        best = f"{min(self._best, found):.6g}" if known else "none yet"  # type: ignore[type-var]
        running = history.count(Status.PENDING)
        failed = history.count(Status.FAILED, Status.TIMED_OUT)
        parts = [f"best loss: {best}"]
        if self._savings.pruned:
            share = self._savings.share
            saved = "" if share is None else f" ({share:.0%} saved)"
            parts.append(f"{self._savings.pruned} pruned{saved}")
        parts += [f"{failed} failed"] if failed else []
        parts += [f"{running} running"] if running else []
        return ", ".join(parts)


@contextmanager
def progress(
    history: History,
    total: int | None,
    show: bool | BarFactory = True,
    earlier: tuple[int, float] = (0, math.inf),
    timeout: float | None = None,
    goes_on: bool = False,
) -> Iterator[Callable[[Event], None]]:
    """A function that takes the events of a search and shows them while the context lasts.

    Args:
        history: of the search; trials that have ended already count as finished.
        total: how many trials the history may hold; None where it is open.
        show: False for nothing; a factory for a bar of one's own, and nothing else.
        earlier: how many trials of earlier runs are not in the history, and their lowest loss.
        timeout: seconds after which the search ends; None for no limit.
        goes_on: whether there are trials of earlier runs.
    """
    count, best = earlier
    who = audience() if show is True else Audience("own")
    if show is False or who.kind == "nobody":
        yield lambda _: None
        return
    initial, total = count + history.count(*ENDED), None if total is None else count + total
    if who.kind == "saved":
        with table(history, Pace(initial, total, timeout), is_live=False):
            yield lambda _: None
        return
    begins = "goes on" if goes_on or count else "begins"
    where = "" if history.sink is None else history.sink.name
    own = partial(_bar, who, timeout=timeout, begins=begins, where=where) if show is True else show
    below: AbstractContextManager[None] = nullcontext()
    if who.kind == "notebook":
        below = table(history, Pace(initial, total, timeout), is_live=True)
    with own(initial=initial, total=total) as bar, below:
        view = Progress(bar, history, best)
        try:
            yield view.show
        finally:
            view.draw()


def _bar(
    who: Audience,
    initial: int,
    total: int | None,
    timeout: float | None = None,
    begins: str = "begins",
    where: str = "",
) -> AbstractContextManager[Any]:
    if who.kind == "nobody":
        return nullcontext(Lines(Pace(initial, total)))
    if who.kind == "lines":
        return lines(initial, total, who.every, timeout, begins, where)
    if who.kind == "saved":
        return lines(initial, total, math.inf, timeout)
    return _tqdm_bar(initial, total)


@contextmanager
def standard_bar(initial: int, total: int | None) -> Iterator[Any]:
    """A tqdm bar on a terminal and in a notebook; in a log a line every 30 seconds."""
    with _bar(audience(), initial, total) as bar:
        yield bar


@contextmanager
def _tqdm_bar(initial: int, total: int | None) -> Iterator[Any]:
    """A tqdm bar; on a terminal, what the program prints meanwhile stands above it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # tqdm says so where a notebook lacks ipywidgets
        from tqdm.auto import tqdm
    settings = {"unit": " trial", "dynamic_ncols": True, "file": sys.stderr}
    settings |= {} if total is None else {"bar_format": _FORMAT}
    with tqdm(initial=initial, total=total, **settings) as bar:
        both = sys.stdout.isatty() and sys.stderr.isatty()
        both = both and not isinstance(sys.stdout, _LinesAbove)  # another run's bar is there
        with _lines_above(bar) if both else nullcontext():
            yield bar


class _LinesAbove:
    """Standard output whose whole lines are written above the bar, never over it.

    A line without an end is kept until it has one, or until somebody flushes, as a prompt does;
    each thread has a line of its own.
    """

    def __init__(self, stream: TextIO, bar: Any) -> None:
        self._stream = stream
        self._bar = bar
        self._begun: dict[int, str] = {}  # what each thread has written of its current line

    def write(self, text: str) -> int:
        thread = threading.get_ident()
        with self._bar.get_lock():
            lines, newline, rest = (self._begun.pop(thread, "") + text).rpartition("\n")
            if rest:
                self._begun[thread] = rest
            if newline:
                self._bar.clear()
                self._stream.write(lines + newline)
                self._stream.flush()
                self._bar.refresh()
        return len(text)

    def flush(self) -> None:
        self._write_begun(threading.get_ident())

    def flush_all(self) -> None:
        for thread in list(self._begun):
            self._write_begun(thread)

    def _write_begun(self, thread: int) -> None:
        with self._bar.get_lock():
            begun = self._begun.pop(thread, "")
            if begun:
                self._bar.clear()
                self._stream.write(begun)
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextmanager
def _lines_above(bar: Any) -> Iterator[None]:
    stream = _LinesAbove(sys.stdout, bar)
    with redirect_stdout(stream):
        try:
            yield
        finally:
            stream.flush_all()
