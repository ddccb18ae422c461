"""A history as a table."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from ..arithmetic import own_arithmetic
from ..extras import lacking
from ..history import History, Trial
from ..history.documents import datetime_of
from ..space.tree import Choice, Space

__all__ = ["all_plain", "table_of"]


@own_arithmetic
def table_of(history: History | None) -> Any:
    """All trials as a pandas DataFrame; see Trials.to_pandas."""
    try:
        import pandas as pd
    except ImportError:
        raise lacking("to_pandas", "pandas", "pandas") from None
    rows = []
    if history is not None:
        spaces = {id(space): space for space in (t.space_in(history.space) for t in history)}
        spaces = {id(history.space): history.space, **spaces}
        labels = {label: None for space in spaces.values() for label in space.labels}
        named = {
            key: {label for label in space.labels if all_plain(space, label)}
            for key, space in spaces.items()
        }
        rows = [
            _row(trial, history, labels, named[id(trial.space_in(history.space))])
            for trial in history
        ]
    frame = pd.DataFrame(rows)
    frame.index.name = "number"
    return frame


def _row(trial: Trial, history: History, labels: Iterable[str], named: set[str]) -> dict[str, Any]:
    space, outcome = trial.space_in(history.space), trial.outcome
    step, value = history.last_report(trial.number) or (None, None)
    row: dict[str, Any] = {"status": trial.status.name.lower(), "loss": trial.loss}
    row |= {"last_step": step, "last_value": value}
    for label in labels:
        value = trial.values.get(label, math.nan)
        if label in named and label in trial.values:
            param = space.params[space.column[label]]
            value = param.options[int(value)] if isinstance(param, Choice) else value
        row[f"params_{label}"] = value
    return {
        **row,
        "seconds": None if outcome is None else outcome.seconds,
        "host": None if outcome is None else outcome.host,
        "attempt": trial.attempt,
        "submitted": datetime_of(trial.started),
        "error": None if outcome is None else outcome.error,
    }


def all_plain(space: Space, label: str) -> bool:
    """Whether all values of a label can stand in a table."""
    param = space.params[space.column[label]]
    options = param.options if isinstance(param, Choice) else ()
    return all(isinstance(option, (str, int, float, bool)) for option in options)
