"""All trials for programs: as CSV, and as JSON."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import asdict
from io import StringIO
from typing import Any

from ..history import History, Trial
from ..history.documents import datetime_of
from ..space.tree import Space
from ..trials.tables import all_plain
from ..views.standing import word_of
from ..views.values import plain, real_params
from .summary import Summary, iso_time

__all__ = ["csv_lines", "json_of"]

_BEFORE = ("number", "status", "loss", "last_step", "last_value")
_AFTER = ("seconds", "host", "attempt", "submitted", "error")


def csv_lines(history: History | None) -> Iterator[str]:
    """All trials as lines of CSV, with the columns of ``Trials.to_pandas``; without pandas.

    What a trial does not have is an empty field, and so is None. A choice shows its options where
    all of them are texts, numbers, bools or None, else their indices.
    """
    if history is None:
        yield _line([*_BEFORE, *_AFTER])
        return
    spaces = {id(history.space): history.space}
    spaces |= {id(space): space for space in (t.space_in(history.space) for t in history)}
    labels = list(dict.fromkeys(label for space in spaces.values() for label in space.labels))
    named = {
        key: {label for label in space.labels if all_plain(space, label)}
        for key, space in spaces.items()
    }
    yield _line([*_BEFORE, *(f"params_{label}" for label in labels), *_AFTER])
    for trial in history:
        space, outcome = trial.space_in(history.space), trial.outcome
        step, value = history.last_report(trial.number) or (None, None)
        cells: list[Any] = [trial.number, word_of(trial.status), trial.loss, step, value]
        cells += [_cell(trial, space, label, named[id(space)]) for label in labels]
        cells += [outcome and outcome.seconds, outcome and outcome.host, trial.attempt]
        yield _line([*cells, datetime_of(trial.started), outcome and outcome.error])


def _cell(trial: Trial, space: Space, label: str, named: set[str]) -> Any:
    if label not in trial.values:
        return None
    options = getattr(space.params[space.column[label]], "options", None)
    value = trial.values[label]
    return options[int(value)] if options is not None and label in named else value


def _line(cells: list[Any]) -> str:
    text = StringIO()
    csv.writer(text, lineterminator="").writerow(cells)
    return text.getvalue()


def json_of(summary: Summary) -> str:
    """A run as one object of strict JSON, with ``summary`` and ``trials``.

    NaN and the infinities, which JSON does not have, are the texts "NaN", "Infinity" and
    "-Infinity"; what else it has no word for is a short text. Times are in UTC.
    """
    history, writer = summary.history, summary.writer
    best = next(iter(summary.best(1)), None)
    told: dict[str, Any] = {
        "folder": str(summary.where),
        "begun": iso_time(summary.begun),
        "last_written": iso_time(summary.written),
        "writer": None,
        "closed": summary.closed,
        "alive": None if summary.alive is None else asdict(summary.alive),
        "seed": summary.seed,
        "runs": summary.runs,
        "counts": summary.counts,
        "best": None,
        "errors": [
            {"error": each.text, "count": len(each.numbers), "trials": list(each.numbers)}
            for each in summary.failures
        ],
    }
    if writer is not None:
        told["writer"] = {"host": writer.host, "pid": writer.pid, "since": writer.since}
        told["writer"]["seen_alive"] = writer.here
    if best is not None and history is not None:
        told["best"] = {"number": best.number, "loss": best.loss}
        told["best"]["params"] = real_params(best, history.space)
    trials = [] if history is None else [_trial(trial, history) for trial in history]
    return json.dumps(plain({"summary": told, "trials": trials}), indent=1, allow_nan=False)


def _trial(trial: Trial, history: History) -> dict[str, Any]:
    outcome = trial.outcome
    names = ("variance", "seconds", "host", "error", "error_type", "log_tail", "note")
    return {
        "number": trial.number,
        "status": word_of(trial.status),
        "loss": trial.loss,
        "params": real_params(trial, history.space),
        "values": dict(trial.values),
        "attempt": trial.attempt,
        "started": iso_time(trial.started),
        **{name: getattr(outcome, name, None) for name in names},
        "info": {} if outcome is None else dict(outcome.info),
        "reports": history.reports(trial.number),
    }
