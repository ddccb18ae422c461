"""Trials in the shape of Hyperopt's documents: functions of a trial and its space."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

from ..space.tree import Space
from .results import STATUS_FAIL, STATUS_OK
from .trial import Outcome, Status, Trial

__all__ = [
    "JOB_STATES",
    "JOB_STATE_CANCEL",
    "JOB_STATE_DONE",
    "JOB_STATE_ERROR",
    "JOB_STATE_NEW",
    "JOB_STATE_RUNNING",
    "STATUS_NEW",
    "STATUS_RUNNING",
    "STATUS_STRINGS",
    "STATUS_SUSPENDED",
    "datetime_of",
    "document_of",
    "params_of",
    "result_of",
    "values_of_document",
]

STATUS_NEW = "new"
STATUS_RUNNING = "running"
STATUS_SUSPENDED = "suspended"
STATUS_STRINGS = (STATUS_NEW, STATUS_RUNNING, STATUS_SUSPENDED, STATUS_OK, STATUS_FAIL)
"""What ``status`` in the result of a document may be; objectives return "ok" or "fail" alone."""

JOB_STATES = (0, 1, 2, 3, 4)
"""What ``state`` of a document may be: new, running, done, error, cancelled, in this order.

Trials that were cut off count as cancelled; a failure that the objective declared is done.
"""
JOB_STATE_NEW, JOB_STATE_RUNNING, JOB_STATE_DONE, JOB_STATE_ERROR, JOB_STATE_CANCEL = JOB_STATES


def document_of(
    trial: Trial, space: Space, exp_key: str | None, last: tuple[int, float] | None = None
) -> dict[str, Any]:
    """A trial as a document; the result of a pruned one has its last report (step, value).

    One that is apart has the labels of its own space, and the state of a cancelled one. A number
    that is reserved is a new trial without values.
    """
    tid, outcome, space = trial.number, trial.outcome, trial.space_in(space)
    idxs = {label: [tid] if label in trial.values else [] for label in space.labels}
    misc: dict[str, Any] = {
        "tid": tid,
        "cmd": ("domain_attachment", "FMinIter_Domain"),
        "workdir": None,
        "idxs": idxs,
        "vals": {label: [trial.values[label]] if idxs[label] else [] for label in space.labels},
    }
    ended = None
    if outcome is not None and outcome.error is not None:
        misc["error"] = (outcome.error_type or outcome.status.name.lower(), outcome.error)
    if outcome is not None and outcome.seconds is not None:
        ended = datetime_of(trial.started + outcome.seconds)
    return {
        "state": _state(trial),
        "tid": tid,
        "spec": None,
        "result": result_of(outcome, last),
        "misc": misc,
        "exp_key": exp_key,
        "owner": None if outcome is None else outcome.host,
        "version": trial.attempt,
        "book_time": None if trial.reserved else datetime_of(trial.started),
        "refresh_time": ended,
    }


def result_of(outcome: Outcome | None, last: tuple[int, float] | None = None) -> dict[str, Any]:
    """What the objective returned, attachments apart: as a dict with its status.

    That of a pruned trial has ``pruned``, and the ``step`` and ``value`` of its last report.
    """
    if outcome is None:
        return {"status": STATUS_NEW}
    if outcome.status is Status.PRUNED:
        at = {} if last is None else {"step": last[0], "value": last[1]}
        return {"pruned": True, **at, "status": STATUS_FAIL}
    if outcome.loss is None:
        return {**outcome.info, "status": STATUS_FAIL}
    return {"loss": outcome.loss, **outcome.info, "status": STATUS_OK}


def _state(trial: Trial) -> int:
    if trial.status is Status.RESERVED:
        return JOB_STATE_NEW
    if trial.status is Status.PENDING:
        return JOB_STATE_RUNNING
    if trial.status in (Status.CANCELLED, Status.CUT, Status.APART):
        return JOB_STATE_CANCEL
    outcome = trial.outcome
    declared = outcome is not None and outcome.error_type is None
    return JOB_STATE_DONE if declared and trial.status is not Status.TIMED_OUT else JOB_STATE_ERROR


def values_of_document(document: Mapping[str, Any]) -> dict[str, Any]:
    """Label to value, active labels only, of a document."""
    return {label: vals[0] for label, vals in document["misc"]["vals"].items() if len(vals)}


def params_of(trial: Trial, space: Space) -> dict[str, Any]:
    """Label to real value of a trial, active labels only; a choice holds its option.

    An expression in an option of a space that was read stands as what would be computed.
    """
    space = trial.space_in(space)
    config = {
        label: space.params[space.column[label]] for label in space.labels if label in trial.values
    }
    built: dict[str, Any] = space.build(trial.values, config, shows=True)
    return built


def datetime_of(seconds: float) -> datetime:
    """Seconds since the epoch as a time in UTC."""
    return datetime.fromtimestamp(seconds, timezone.utc).replace(tzinfo=None)
