"""The table of a search's candidates and their scores, as GridSearchCV lays it out."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

__all__ = ["failed_row", "metrics", "table_of"]

_TIMES = ("mean_fit_time", "std_fit_time", "mean_score_time", "std_score_time")
_PLAIN = (bool, int, float, np.bool_, np.number)


def metrics(row: Mapping[str, Any]) -> list[str]:
    """The metrics that a row or a table of scores is of."""
    return [name[len("mean_test_") :] for name in row if name.startswith("mean_test_")]


def failed_row(like: Mapping[str, float], error_score: float) -> dict[str, float]:
    """The row of a candidate all of whose fits failed, with the names of another one."""
    row = {}
    for name in like:
        is_score = name not in _TIMES
        row[name] = float(error_score) if is_score else math.nan
        if name.startswith("std_") and is_score:
            row[name] = 0.0 if math.isfinite(error_score) else math.nan
    return row


def table_of(params: Sequence[Any], rows: Sequence[Mapping[str, float]]) -> dict[str, Any]:
    """``cv_results_`` of candidates and their scores."""
    columns = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    times = {name: columns.pop(name) for name in _TIMES}
    table: dict[str, Any] = {**times, **_columns_of(params), "params": list(params)}
    for name, column in columns.items():
        table[name] = column
        if name.startswith("std_test_"):
            metric = name[len("std_test_") :]
            table[f"rank_test_{metric}"] = _ranks(columns[f"mean_test_{metric}"])
    return table


def _columns_of(params: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """A column of each parameter, masked where a candidate does not have it."""
    table = {}
    for name in dict.fromkeys(name for each in params for name in each):
        values = {place: each[name] for place, each in enumerate(params) if name in each}
        plain = all(isinstance(value, _PLAIN) for value in values.values())
        kind = np.array(list(values.values())).dtype if plain else np.dtype(object)
        column = np.ma.MaskedArray(np.empty(len(params), kind), mask=True)
        for place, value in values.items():
            column[place] = value
        table[f"param_{name}"] = column
    return table


def _ranks(scores: Any) -> Any:
    """From 1 for the highest score, the lowest rank for ties; NaN comes after all numbers."""
    from scipy.stats import rankdata

    known = scores[~np.isnan(scores)]
    filled = np.where(np.isnan(scores), known.min() - 1 if len(known) else 0.0, scores)
    return rankdata(-filled, method="min").astype(np.int32)
