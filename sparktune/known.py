"""Evaluations that are known before anything is evaluated: judged, and put into a history."""

from __future__ import annotations

import time
import traceback
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from .engines.travels.trial import TrialPruned
from .exceptions import InvalidLoss, InvalidResultStatus, InvalidTrial
from .history import History, Outcome, Status, Trial
from .history.results import judged
from .search import new_points
from .space.points import values_of
from .space.tree import Space, Values

__all__ = ["Known", "check_points", "record", "record_new", "told"]


@dataclass(frozen=True)
class Known:
    """A trial whose outcome is known, or that is to be begun again.

    Attributes:
        values: label to value, active labels only.
        outcome: None for a trial that was cut off, which the next run begins with.
        started: seconds since the epoch; None takes the time at which it is recorded.
        attempt: at which it stands; a trial that was cut off is at 1 at least.
        reports: what it reported, as (step, value).
    """

    values: Values
    outcome: Outcome | None
    started: float | None = None
    attempt: int = 0
    reports: tuple[tuple[int, float], ...] = ()


def check_points(points: Any, space: Space) -> tuple[tuple[Values, ...], tuple[Known, ...]]:
    """The points that a user wants tried first, and those of them whose result is known.

    Args:
        points: an iterable of points, and of pairs (point, result).
        space: the space of the points.

    Raises:
        TypeError: ``points`` is no list.
        InvalidTrial: a point does not fit the space; the message has its place and the label.
        InvalidLoss, InvalidResultStatus: a result is none.
    """
    if points is None:
        return (), ()
    if isinstance(points, (str, Mapping)) or not isinstance(points, Iterable):
        raise TypeError(f"`points_to_evaluate` must be a list of dicts, but got {points!r:.200}")
    new: list[Values] = []
    known: list[Known] = []
    for i, point in enumerate(points):
        try:
            if isinstance(point, tuple) and len(point) == 2:
                known.append(Known(values_of(space, point[0]), told(point[1])))
            else:
                new.append(values_of(space, point))
        except (InvalidTrial, InvalidLoss, InvalidResultStatus) as error:
            raise type(error)(f"points_to_evaluate[{i}]: {error}") from None
    return tuple(new), tuple(known)


def told(result: Any) -> Outcome:
    """The outcome that a result stands for, judged as what an objective returns.

    Args:
        result: a loss, a dict with a loss or a status, an exception, TrialPruned.

    Raises:
        InvalidLoss, InvalidResultStatus: it is none of these.
    """
    if result is None:
        raise InvalidLoss(
            "a result is a loss or a dict with a loss, or an exception or {'status': 'fail'} for a "
            "trial that failed, but got None"
        )
    if result is TrialPruned or isinstance(result, TrialPruned):
        return Outcome(Status.PRUNED)
    if isinstance(result, BaseException):
        text = "".join(traceback.format_exception(result))
        return Outcome(Status.FAILED, error=text, error_type=type(result).__name__)
    outcome, wrong, _ = judged(result)
    if wrong is not None:  # what was told is no result, so the trial is not over
        raise wrong
    return outcome


def record(history: History, known: Known) -> Trial:
    """Add one trial to a history, and what became of it."""
    (trial,) = history.start(
        [known.values], time.time() if known.started is None else known.started
    )
    number, outcome = trial.number, known.outcome
    for _ in range(known.attempt if outcome is not None else known.attempt - 1):
        history.requeue(number)
    if outcome is None:
        return history.requeue(number, "cut")
    for step, value in known.reports:
        history.report(number, known.attempt, step, value)
    return history.finish(number, known.attempt, outcome)


def record_new(history: History, evaluations: Iterable[Known]) -> None:
    """Add trials to a history, but for those whose values it holds in a trial not cancelled."""
    evaluations = list(evaluations)
    new = {frozenset(v.items()) for v in new_points(history, [each.values for each in evaluations])}
    for each in evaluations:
        if frozenset(each.values.items()) in new:
            record(history, each)
