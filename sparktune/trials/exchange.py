"""Trials from elsewhere: from a table, and from documents of Hyperopt's shape."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from datetime import datetime, timezone
from typing import Any

from ..arithmetic import own_arithmetic
from ..checks import advise, number
from ..exceptions import InvalidLoss, InvalidTrial
from ..extras import lacking
from ..history import STATUS_FAIL, STATUS_OK, Outcome, Status
from ..history.documents import (
    JOB_STATE_CANCEL,
    JOB_STATE_ERROR,
    JOB_STATE_NEW,
    JOB_STATE_RUNNING,
    STATUS_NEW,
    STATUS_RUNNING,
    STATUS_SUSPENDED,
)
from ..history.failures import reason_in
from ..history.results import judged
from ..known import Known
from ..plurals import plural
from ..space.inverse import alike
from ..space.nodes import Choice, Param
from ..space.points import by_labels
from ..space.tree import Space
from .tables import all_plain

__all__ = ["known_of_documents", "known_of_frame", "option_of"]

_STATUSES = {status.name.lower(): status for status in Status} | {STATUS_FAIL: Status.FAILED}
_NONE = (None, Status.LOST, Status.CRASHED)  # that no trial of a table has
_UNFINISHED = (Status.PENDING, Status.CUT)
_OURS = (
    "number", "status", "last_step", "last_value", "seconds", "host", "attempt", "submitted",
    "error",
)  # fmt: skip
_ATTEMPTS = 1000
_LONGEST = 1e9  # seconds of a trial


def known_of_frame(frame: Any, space: Space, loss: str) -> list[Known]:
    """The trials of a pandas DataFrame; see Trials.from_pandas."""
    try:
        import pandas as pd
    except ImportError:
        raise lacking("from_pandas", "pandas", "pandas") from None
    if not isinstance(frame, pd.DataFrame):
        raise TypeError(f"from_pandas takes a pandas DataFrame, but got a {type(frame).__name__}")
    if not frame.columns.is_unique:
        twice = frame.columns[frame.columns.duplicated()][0]
        raise ValueError(f"the table has two columns {twice!r}")
    if not len(frame):
        return []
    if loss not in frame.columns:
        raise ValueError(
            f"the table has no column {loss!r} for the loss: name it by `loss`; it has "
            f"{', '.join(map(repr, frame.columns))}"
        )
    columns = _columns_of(frame.columns, space)
    missing = frame.isna().to_numpy()
    cells = [frame[column].tolist() for column in frame.columns]
    found = []
    apart = 0
    for i in range(len(frame)):
        row = {column: cells[j][i] for j, column in enumerate(frame.columns) if not missing[i, j]}
        status = _status_of_ours(row, columns, loss)
        if status in (Status.APART, Status.RESERVED):
            apart += status is Status.APART
            continue
        try:
            found.append(_of_row(row, space, columns, loss))
        except (InvalidTrial, InvalidLoss) as error:
            raise type(error)(f"row {i} of the table: {error}") from None
    if apart:
        have, are = ("has", "is") if apart == 1 else ("have", "are")
        advise(
            f"{apart} of the table's {plural(len(frame), 'row')} {have} the status 'apart' and "
            f"{are} left out: what is of an earlier space a table does not hold, and it counts for "
            "nothing"
        )
    return found


def _status_of_ours(row: Mapping[Any, Any], columns: Mapping[str, Any], loss: str) -> Status | None:
    """The status that a row tells; None where it tells none, or one that there is not."""
    if "status" not in row or "status" in (loss, *columns.values()):
        return None
    return _STATUSES.get(str(row["status"]).lower())


def _columns_of(columns: Iterable[Any], space: Space) -> dict[str, Any]:
    """Label to the column that has its values."""
    there = set(columns)
    found = {}
    for label in space.labels:
        for name in (f"params_{label}", label):
            if name in there:
                found[label] = name
                break
    for j, label in enumerate(space.labels):
        if label not in found and not space.parents[j]:
            raise ValueError(
                f"the table has no column for the label {label!r}, neither {label!r} nor "
                f"{f'params_{label}'!r}; it has {', '.join(map(repr, there))}"
            )
    return found


@own_arithmetic
def _of_row(row: dict[Any, Any], space: Space, columns: Mapping[str, Any], loss: str) -> Known:
    point = {}
    for label, column in columns.items():
        param = space.params[space.column[label]]
        if column in row:
            point[label] = option_of(param, row[column], space)
        elif isinstance(param, Choice) and any(option is None for option in param.options):
            point[label] = next(i for i, option in enumerate(param.options) if option is None)
    values = by_labels(space, point)
    labels = {*columns.values(), loss}
    ours = {name: row[name] for name in _OURS if name in row and name not in labels}
    taken = {*labels, *ours, "loss", "attachments"}
    info = {str(column): cell for column, cell in row.items() if column not in taken}
    status = ours.get("status")
    if status is not None:
        status = _STATUSES.get(str(status).lower())
        if status in _NONE:
            words = ", ".join(sorted(name for name, s in _STATUSES.items() if s not in _NONE))
            raise InvalidTrial(f"the status {ours['status']!r} is none of {words}")
    error = ours.get("error")
    common: dict[str, Any] = {
        "seconds": _duration(ours.get("seconds")),
        "host": None if "host" not in ours else str(ours["host"]),
    }
    reports: tuple[tuple[int, float], ...] = ()
    if "last_step" in ours:
        reports = (_report(ours["last_step"], ours.get("last_value", math.nan)),)
    text = None if error is None else str(error)
    outcome: Outcome | None
    if status in _UNFINISHED:
        outcome, reports = None, ()
    elif status is Status.OK or (status is None and loss in row):
        if loss not in row:
            raise InvalidTrial("the status is ok, but there is no loss")
        outcome, wrong, _ = judged({**info, "loss": row[loss]}, **common)
        if wrong is not None:
            raise InvalidLoss(f"{loss!r} is no real number: {row[loss]!r}")
    else:
        status = status or Status.FAILED
        if text is None and status is Status.FAILED:
            text = "the table has no loss for this trial"
        kind = _kind_of(text) if status is Status.FAILED else None
        outcome = Outcome(status, info=info, error=text, error_type=kind, **common)
    return Known(values, outcome, _seconds_of(ours.get("submitted")), _attempt(ours), reports)


def option_of(param: Param, cell: Any, space: Space) -> Any:
    """The index of the option that stands in a table; other values as they are.

    Where all options are plain, a table shows them, and so an option comes before an index; a text
    stands for the option that is written so. Elsewhere a text stands for the one option that holds
    it.
    """
    if not isinstance(param, Choice):
        return cell
    if not all_plain(space, param.label):
        holding = [i for i, option in enumerate(param.options) if _holds(option, cell)]
        return holding[0] if len(holding) == 1 else cell
    for like in (
        lambda option: alike(option, cell, strict=True),
        lambda option: alike(option, cell, strict=False) or option == cell,
        lambda option: str(option) == str(cell),
    ):
        for index, option in enumerate(param.options):
            if like(option):
                return index
    return cell


def _holds(option: Any, cell: Any) -> bool:
    """Whether a text is an option, or stands in it beside what is searched."""
    items = option.values() if isinstance(option, dict) else option
    if not isinstance(option, (dict, list, tuple)):
        items = (option,)
    return isinstance(cell, str) and any(isinstance(i, str) and i == cell for i in items)


def _duration(seconds: Any) -> float | None:
    """How long a trial took; None where nobody says."""
    if seconds is None:
        return None
    found = number(seconds)
    if found is None or not 0 <= found <= _LONGEST:
        raise InvalidTrial(f"`seconds` is a number from 0 to {_LONGEST:g}, but got {seconds!r}")
    return found


def _report(step: Any, value: Any) -> tuple[int, float]:
    """A report of a trial."""
    at, level = number(step), number(value)
    if at is None or not at.is_integer() or level is None:
        raise InvalidTrial(
            f"a report is a whole number and a value, but got step {step!r} and value {value!r}"
        )
    return int(at), level


def _kind_of(error: str | None) -> str | None:
    """The type of the exception at the end of a traceback; None without a traceback."""
    if error is None or not error.startswith("Traceback"):
        return None
    name = reason_in(error).partition(":")[0].rpartition(".")[2]
    return name if name.isidentifier() else None


def _attempt(ours: Mapping[str, Any]) -> int:
    attempt = number(ours.get("attempt", 0))
    if attempt is None or not attempt.is_integer() or not 0 <= attempt <= _ATTEMPTS:
        raise InvalidTrial(
            f"an attempt is a whole number from 0 to {_ATTEMPTS}, but got {ours['attempt']!r}"
        )
    return int(attempt)


def _seconds_of(time: Any) -> float | None:
    """A time as seconds since the epoch; one that names no zone is in UTC."""
    if isinstance(time, str):
        try:
            time = datetime.fromisoformat(time)
        except ValueError:
            raise InvalidTrial(
                f"a time is written as 2024-12-31 23:59:59, but got {time!r}"
            ) from None
    if time is None:
        return None
    if not isinstance(time, datetime):
        raise InvalidTrial(f"a time is a datetime or a text, but got {time!r}")
    return (time if time.tzinfo else time.replace(tzinfo=timezone.utc)).timestamp()


def known_of_documents(documents: Any, space: Space) -> list[Known]:
    """The trials of documents in Hyperopt's shape; see Trials.from_documents."""
    if isinstance(documents, (str, Mapping)) or not isinstance(documents, Iterable):
        raise TypeError(
            f"from_documents takes a list of documents, such as trials.trials, but got "
            f"{documents!r:.200}"
        )
    found = []
    for i, document in enumerate(documents):
        try:
            found.append(_of_document(document, space))
        except InvalidTrial as error:
            raise InvalidTrial(f"documents[{i}]: {error}") from None
    return found


@own_arithmetic
def _of_document(document: Any, space: Space) -> Known:
    misc = document.get("misc") if isinstance(document, Mapping) else None
    vals = misc.get("vals") if isinstance(misc, Mapping) else None
    if not isinstance(misc, Mapping) or not isinstance(vals, Mapping):
        raise InvalidTrial(
            f"a document is a dict with `misc`, and `vals` in it, but got {document!r:.200}"
        )
    values = space.check({k: [] if v is None else v for k, v in vals.items()})
    result = document.get("result") or {}
    if not isinstance(result, Mapping):
        result = {"loss": result}
    started = _seconds_of(document.get("book_time"))
    ended = _seconds_of(document.get("refresh_time"))
    owner = document.get("owner")
    common: dict[str, Any] = {
        "seconds": None if started is None or ended is None else max(0.0, ended - started),
        "host": None if owner is None else str(owner),
    }
    outcome = _outcome_of(document.get("state"), result, misc.get("error"), common)
    reports: tuple[tuple[int, float], ...] = ()
    if result.get("pruned") and {"step", "value"} <= result.keys():
        reports = (_report(result["step"], result["value"]),)
    attempt = _attempt({"attempt": document.get("version") or 0})
    return Known(values, outcome, started, attempt, () if outcome is None else reports)


def _outcome_of(
    state: Any, result: Mapping[str, Any], error: Any, common: dict[str, Any]
) -> Outcome | None:
    """What became of the trial of a document; None where it has not ended."""
    status = result.get("status", STATUS_OK if "loss" in result else STATUS_NEW)
    info = {k: v for k, v in result.items() if k not in ("status", "loss", "attachments")}
    kind, text = error if isinstance(error, (list, tuple)) and len(error) == 2 else (None, error)
    text = None if text is None else str(text)
    if result.get("pruned") and status == STATUS_FAIL:
        return Outcome(Status.PRUNED, **common)
    if state == JOB_STATE_ERROR or text is not None:
        if kind == Status.TIMED_OUT.name.lower():
            return Outcome(Status.TIMED_OUT, info=info, error=text, **common)
        kind = None if kind == Status.FAILED.name.lower() else kind
        kind = "error" if kind is None and state == JOB_STATE_ERROR else kind
        kind = None if kind is None else str(kind)
        if status == STATUS_FAIL and "loss" in result:
            info["loss"] = result["loss"]
        return Outcome(Status.FAILED, info=info, error=text, error_type=kind, **common)
    if status in (STATUS_NEW, STATUS_RUNNING, STATUS_SUSPENDED):
        return None
    if state in (JOB_STATE_NEW, JOB_STATE_RUNNING):
        return None
    if state == JOB_STATE_CANCEL:
        return Outcome(Status.CANCELLED, info=info, **common)
    return judged(result, **common).outcome
