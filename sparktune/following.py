"""A search that is followed to its end: a bar, watchers, early stopping, Ctrl-C."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from typing import Any, Protocol

from .checks import advise
from .engines.base import Engine
from .events import Budget, Event, Finished, Requeued, Stopped, StopReason
from .history import ENDED, History
from .history.failures import why_failed, with_parameters
from .plurals import plural
from .telling import tell
from .views.progress import BarFactory, progress

__all__ = ["Followed", "follow"]


class Followed(Protocol):
    """Whose run is followed."""

    @property
    def parallelism_given(self) -> int | None:
        """How many trials at a time its user asked for; None where nobody did."""

    def ended(self, reason: StopReason | None) -> None:
        """Take note of why a run ended; None while it lasts."""


def follow(
    events: Iterator[Event],
    host: Followed,
    trials: Any,
    history: History,
    engine: Engine,
    budget: Budget,
    show: bool | BarFactory,
    early_stop_fn: Callable[..., tuple[bool, Any]] | None,
    watchers: Iterable[Callable[[Event], None]],
    *,
    raises: bool = False,
    earlier: tuple[int, float] = (0, math.inf),
    goes_on: bool = False,
) -> StopReason:
    """Take the events of a search until it ends or is told to; why it ended, as the host notes.

    Args:
        events: of ``search``; closed at the end, whatever that is.
        host: whose run it is.
        trials: what ``early_stop_fn`` receives.
        history: of the search.
        engine: of the search.
        budget: of the search.
        show: whether there is a bar, or one of the user's own.
        early_stop_fn: the user's, called after each trial.
        watchers: called with each event, before ``early_stop_fn``.
        raises: whether an exception of the objective ends the run.
        earlier: as of ``progress``.
        goes_on: as of ``progress``.

    Raises:
        KeyboardInterrupt: after a line that says what is kept.
        Exception: the objective's, where ``raises``.
    """
    try:
        bar = progress(history, budget.max_evals, show, earlier, budget.timeout, goes_on)
        with closing(events), bar as view:  # type: ignore[type-var]

            def begun() -> None:
                if host.parallelism_given is None:
                    _advise_of_slots(type(host).__name__, engine.slots, budget.max_evals)

            reason = _drain(events, [view, *watchers], raises, trials, early_stop_fn, begun)
    except KeyboardInterrupt:
        host.ended(StopReason.USER)
        tell(_interrupted(history), logging.WARNING)
        raise
    host.ended(reason)
    return reason


def _drain(
    events: Iterable[Event],
    watchers: Iterable[Callable[[Event], None]],
    raises: bool,
    trials: Any,
    early_stop_fn: Callable[..., tuple[bool, Any]] | None,
    begun: Callable[[], None],
) -> StopReason:
    """Take the events until the search ends or is told to; why it ended.

    ``begun`` is called once the engine is open.
    """
    stop, arguments = False, ()
    for number, event in enumerate(events):
        if not number:
            begun()
        for watch in watchers:
            watch(event)
        if isinstance(event, Requeued):
            why = why_failed(event.outcome)
            tell(f"trial {event.trial.number} is begun again: {why}", logging.WARNING)
        if isinstance(event, Stopped):
            return event.reason
        if isinstance(event, Finished):
            if raises and event.exception is not None:
                raise event.exception
            if early_stop_fn is not None:
                stop, arguments = _answer(early_stop_fn(trials, *arguments))
            if stop:
                return StopReason.EARLY_STOPPING
    raise RuntimeError("the search ended without a reason")


def _answer(answer: Any) -> tuple[bool, Any]:
    """What ``early_stop_fn`` returned: whether to stop, and arguments for its next call."""
    if not isinstance(answer, (tuple, list)) or len(answer) != 2:
        raise TypeError(
            "`early_stop_fn` must return whether to stop and a list of arguments for its next "
            f"call, but got {answer!r}"
        )
    return bool(answer[0]), () if answer[1] is None else answer[1]


def _interrupted(history: History) -> str:
    best = history.best
    kept = plural(history.count(*ENDED), "finished trial is", "finished trials are")
    found = "no loss yet"
    if best is not None:
        found = f"best loss {best.loss:.6g} {with_parameters(best, history.space)}"
    return f"fmin was interrupted: {kept} kept; {found}"


def _advise_of_slots(host: str, slots: int, max_evals: int | None) -> None:
    """Say how many trials at a time were taken where nobody gave a number and it is large."""
    if max_evals is None or slots <= max(1, max_evals / 10):
        return
    advise(
        f"{host}() without parallelism took {slots} trials at a time, as many as can run at once, "
        f"which is more than a tenth of max_evals={max_evals}: so many are chosen before the "
        "results of others are known; parallelism=... takes another number"
    )
