"""A run of a search with MLflow beside it, and what was missed of it afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from ..checks import advise
from ..exceptions import TrackingError
from ..history import History, Status
from ..plurals import plural
from .choice import LIVE, checked_tracking, is_wanted
from .place import Place
from .tracker import Tracker

__all__ = ["log_all", "tracked"]

_LEFT_OUT = (Status.PENDING, Status.APART, Status.RESERVED)


@contextmanager
def tracked(
    tracking: Any,
    place: Callable[[], Place],
    history: History,
    params: Mapping[str, str],
    known: range = range(0),
) -> Iterator[Tracker | None]:
    """What takes the events of a run while the context lasts; None where it is not tracked.

    Args:
        tracking: True, False, None or "live"; see ``fmin``.
        place: gives where the runs of the search are, or are to be.
        history: of the search.
        params: of the parent run: text by name.
        known: numbers of trials that this run was given with their results.
    """
    wanted = checked_tracking(tracking)
    if not is_wanted(wanted):
        yield None
        return
    here = place()
    try:
        tracker = Tracker(
            history, here, params, first=len(history) - len(known), is_live=wanted == LIVE
        )
    except Exception as error:
        if tracking:
            raise
        advise(f"nothing is logged to MLflow: {type(error).__name__}: {error}", raises=False)
        yield None
        return
    tracker.start()
    for number in known:
        tracker.note(history[number])
    status = "FAILED"
    try:
        yield tracker
        status = "FINISHED"
    except KeyboardInterrupt:
        status = "KILLED"
        raise
    finally:
        left = tracker.close(status)
        if left or tracker.refusal:
            advise(_missed(tracker, left), raises=False)


def log_all(place: Place, history: History | None, seconds: float) -> int:
    """Log every trial that has ended and that the server lacks; how many these were.

    Raises:
        TrackingError: the server cannot be reached, or refuses.
    """
    if history is None:
        return 0
    tracker = Tracker(history, place, {}, first=place.first)
    tracker.start()
    for trial in list(history):
        if trial.status not in _LEFT_OUT:
            tracker.note(trial)
    left = tracker.close("FINISHED", seconds)
    if left or tracker.refusal:
        raise TrackingError(_missed(tracker, left))
    return tracker.written


def _missed(tracker: Tracker, left: int) -> str:
    why = tracker.refusal or tracker.trouble or "there was no time for more"
    if not left:
        return f"MLflow at {tracker.place.uri} refused something: {why}"
    return (
        f"{plural(left, 'trial is', 'trials are')} not in MLflow at {tracker.place.uri} yet "
        f"({why}); trials.log_to_mlflow() logs what is missing"
    )
