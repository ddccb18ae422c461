"""A history as a table."""

from __future__ import annotations

import math
from typing import Any

from ..history import History
from ..history.documents import datetime_of, params_of
from ..space.tree import Choice, Param

__all__ = ["table_of"]


def table_of(history: History | None) -> Any:
    """All trials as a pandas DataFrame; see Trials.to_pandas."""
    try:
        import pandas as pd
    except ImportError:
        raise ImportError(
            "to_pandas needs pandas: pip install 'pandas<3', or the extra [pandas] of sparktune"
        ) from None
    rows = []
    space = None if history is None else history.space
    labels = () if space is None else space.labels
    shown = [] if space is None else [_all_plain(param) for param in space.params]
    for trial in history or ():
        options = {} if space is None else params_of(trial, space)
        outcome = trial.outcome
        row: dict[str, Any] = {"status": trial.status.name.lower(), "loss": trial.loss}
        for label, plain in zip(labels, shown, strict=True):
            row[f"params_{label}"] = (options if plain else trial.values).get(label, math.nan)
        row["seconds"] = None if outcome is None else outcome.seconds
        row["host"] = None if outcome is None else outcome.host
        row["attempt"] = trial.attempt
        row["submitted"] = datetime_of(trial.started)
        row["error"] = None if outcome is None else outcome.error
        rows.append(row)
    frame = pd.DataFrame(rows)
    frame.index.name = "number"
    return frame


def _all_plain(param: Param | Choice) -> bool:
    """Whether all values of a label can stand in a table."""
    options = param.options if isinstance(param, Choice) else ()
    return all(isinstance(option, (str, int, float, bool)) for option in options)
