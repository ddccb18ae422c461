"""A history as a table."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from ..arithmetic import own_arithmetic
from ..extras import lacking
from ..history import History, Trial
from ..history.documents import datetime_of
from ..space.tree import Choice, Space

__all__ = ["all_plain", "table_of"]

_PLAIN = (str, bool, int, float, np.bool_, np.integer, np.floating)


@own_arithmetic
def table_of(history: History | None) -> Any:
    """All trials as a pandas DataFrame; see Trials.to_pandas."""
    try:
        import pandas as pd
    except ImportError:
        raise lacking("to_pandas", "pandas", "pandas") from None
    rows: list[dict[str, Any]] = []
    with_none: list[str] = []
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
        with_none = [
            f"params_{label}"
            for label in labels
            if rows and any(_shows_none(space, label) for space in spaces.values())
        ]
    frame = pd.DataFrame(rows)
    for column in with_none:  # which pandas would take for a missing number or text
        frame[column] = pd.Series([row[column] for row in rows], dtype=object)
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
    """Whether all values of a label can stand in a table: texts, numbers, bools and None."""
    return all(option is None or isinstance(option, _PLAIN) for option in _options_of(space, label))


def _shows_none(space: Space, label: str) -> bool:
    """Whether a column shows the options of a label, and None is one of them."""
    if label not in space.column or not all_plain(space, label):
        return False
    return any(option is None for option in _options_of(space, label))


def _options_of(space: Space, label: str) -> tuple[Any, ...]:
    param = space.params[space.column[label]]
    return param.options if isinstance(param, Choice) else ()
