"""The trials of a history as columns of plain JSON."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from ..cutting import cut
from ..history import History, Status, Trial
from ..history.failures import error_of, reason_of
from ..plurals import plural
from ..space.nodes import Choice
from ..space.texts import option_names
from ..space.tree import Space
from ..views.standing import word_of
from ..views.values import brief_params, one_line
from .limits import APART, ERRORS, NAME, OPTIONS, REPORTS, RESULTS, cut_inside, described

__all__ = ["columns_of", "number_of", "numbers_of", "params_of"]

_EXACT = 2**53  # whole numbers beyond it would change in a browser


def number_of(value: Any) -> Any:
    """A number as the document has it; None as it is.

    NaN and the infinities are the texts "NaN", "Infinity" and "-Infinity", and whole numbers from
    2**53 on are their digits: ``Number`` of JavaScript reads all of these.
    """
    if value is None:
        return None
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, int):
        return value if abs(value) < _EXACT else str(value) if abs(value) < 10**300 else None
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else f"{'-' if value < 0 else ''}Infinity"


def numbers_of(values: Iterable[Any]) -> list[Any]:
    """Numbers as the document has them."""
    least = -_EXACT
    return [
        v
        if v is None or (type(v) is float and v - v == 0) or (type(v) is int and least < v < _EXACT)
        else number_of(v)
        for v in values
    ]


def _rounded(values: Iterable[float | None], digits: int = 6) -> list[Any]:
    return numbers_of(None if v is None else round(v, digits) for v in values)


def params_of(space: Space, trials: Sequence[Trial]) -> list[dict[str, Any]]:
    """What is known of each label, with the column of its values.

    ``label``; ``kind``, such as "loguniform" or "choice"; ``log``, whether its axis is; ``whole``,
    whether all values are whole numbers; ``low`` and ``high``, null without bounds; ``options``,
    the names of a choice's, null of others, and ``of``, how many it has; ``when``, pairs of a label
    and an option any one of which makes this one active, empty where it always is; ``values``, null
    where inactive, and for choices an index into ``options``.
    """
    values: list[Any] = [{} if trial.apart is not None else trial.values for trial in trials]
    return [_param(space, j, [each.get(label) for each in values])
            for j, label in enumerate(space.labels)]  # fmt: skip


def _param(space: Space, j: int, column: list[Any]) -> dict[str, Any]:
    param, distribution = space.params[j], space.distributions[j]
    told: dict[str, Any] = {"label": cut(space.labels[j], NAME)}
    if isinstance(param, Choice):
        names, column = _options(param, column)
        told |= {"kind": "choice", "log": False, "whole": True, "low": None, "high": None}
        told |= {"options": names, "of": len(param.options)}
    else:
        low, high = (getattr(distribution, name, None) for name in ("low", "high"))
        if distribution.log and low is not None and high is not None:
            low, high = distribution.value(low), distribution.value(high)
        told |= {"kind": distribution.word, "log": distribution.log}
        told |= {"whole": distribution.discrete and distribution.q is None}
        told |= {"options": None, "of": None}
        told |= {"low": number_of(low), "high": number_of(high)}
    told["when"] = _conditions(space, j)
    told["values"] = numbers_of(column)
    return told


def _options(choice: Choice, column: list[Any]) -> tuple[list[str], list[Any]]:
    """Names of options, and a column of indices into them."""
    if len(choice.options) <= OPTIONS:
        return [cut(name, NAME) for name in option_names(choice.options)], column
    used = sorted({int(index) for index in column if index is not None})
    names = option_names([choice.options[index] for index in used])
    place = {index: at for at, index in enumerate(used)}
    return (
        [cut(name, NAME) for name in names],
        [None if index is None else place[int(index)] for index in column],
    )


def _conditions(space: Space, j: int) -> list[list[str]]:
    found = []
    for column, option in space.parents[j][:OPTIONS]:
        options = getattr(space.params[column], "options", ())
        if len(options) <= OPTIONS:
            name = option_names(options)[option]
        else:
            name = described(options[option])
        found.append([cut(space.labels[column], NAME), cut(name, NAME)])
    return found


def columns_of(history: History | None, notes: list[str]) -> tuple[dict[str, Any], list[Trial]]:
    """The columns that every run has, and its trials; what was left out is added to the notes.

    See ``document_of`` for what each holds.
    """
    if history is None:
        history_trials: list[Trial] = []
        pairs: list[Any] = []
    else:
        with history.lock:
            history_trials = list(history)
            pairs = [[n, history.reports(n)] for n in _with_reports(history)]
    trials = history_trials
    begun = min((trial.started for trial in trials if not trial.reserved), default=None)
    ends = [trial.outcome for trial in trials]
    hosts, host = _distinct([None if e is None or not e.host else e.host for e in ends])
    errors, error = _errors(trials)
    columns = {
        "begun": number_of(begun),
        "statuses": [word_of(status) for status in Status],
        "status": [int(trial.status) for trial in trials],
        "loss": numbers_of(None if t.apart is not None else t.loss for t in trials),
        "started": _rounded([t.started - (begun or 0.0) for t in trials]),
        "seconds": _rounded([None if e is None else e.seconds for e in ends]),
        "attempt": [trial.attempt for trial in trials],
        "hosts": [one_line(each, NAME) for each in hosts],
        "host": host,
        "errors": errors,
        "error": error,
        "reports": _reports(pairs, notes),
        "results": _results(trials, notes),
        "apart": _apart(trials, history, notes),
    }
    return columns, trials


def _with_reports(history: History) -> list[int]:
    return [n for n in range(len(history)) if history.report_count(n)]


def _distinct(texts: list[str | None]) -> tuple[list[str], list[int | None]]:
    """The different texts, and for each an index into them."""
    places: dict[str, int] = {}
    found = [None if text is None else places.setdefault(text, len(places)) for text in texts]
    return list(places), found


def _errors(trials: list[Trial]) -> tuple[list[dict[str, Any]], list[int | None]]:
    """Different errors, each with a line and a whole text, and for each trial its place there."""
    texts: list[str | None] = []
    first: dict[str, Trial] = {}
    for trial in trials:
        outcome, text = trial.outcome, None
        if outcome is not None:
            if trial.status in (Status.FAILED, Status.TIMED_OUT) or outcome.error:
                text = error_of(trial)
            elif outcome.log_tail:
                text = f"the last it printed:\n{outcome.log_tail}"
            if outcome.note:
                text = f"{text}\n{outcome.note}" if text else outcome.note
            if text is not None:
                first.setdefault(text, trial)
        texts.append(text)
    whole, column = _distinct(texts)
    left, errors = ERRORS, []
    for text in whole:
        outcome = first[text].outcome
        line = one_line(reason_of(outcome) if outcome is not None and outcome.error else text)
        shown = cut_inside(text) if left > 0 else line
        left -= len(shown)
        errors.append({"line": line, "text": shown})
    return errors, column


def _reports(pairs: list[Any], notes: list[str]) -> list[list[Any]]:
    """For each trial that reported: its number, the steps, and the values."""
    total = sum(len(each) for _, each in pairs)
    most = max(2, REPORTS // max(1, len(pairs)))
    if total > REPORTS:
        notes.append(
            f"Of {total:,} reports at most {most:,} of each trial are shown, the last among them."
        )
        pairs = [[number, _thinned(each, most)] for number, each in pairs]
    return [
        [number, numbers_of(step for step, _ in each), numbers_of(value for _, value in each)]
        for number, each in pairs
    ]


def _thinned(items: Sequence[Any], most: int) -> list[Any]:
    if len(items) <= most:
        return list(items)
    return [items[place] for place in np.linspace(0, len(items) - 1, most).astype(int).tolist()]


def _results(trials: list[Trial], notes: list[str]) -> list[dict[str, Any]]:
    """What else objectives returned, by key: ``key``, ``numeric`` and ``values``."""
    infos = [{} if trial.outcome is None else trial.outcome.info for trial in trials]
    keys = list(dict.fromkeys(key for info in infos for key in info))
    if len(keys) > RESULTS:
        notes.append(f"Results had {len(keys):,} keys, of which the first {RESULTS} are shown.")
    return [_result(key, infos) for key in keys[:RESULTS]]


def _result(key: Any, infos: Sequence[Any]) -> dict[str, Any]:
    missing = object()
    column = [info.get(key, missing) for info in infos]
    there = [each for each in column if each is not missing]
    numeric = all(
        isinstance(e, (int, float, np.integer, np.floating)) and not isinstance(e, bool)
        for e in there
    )
    shown = number_of if numeric else described
    values = [None if each is missing else shown(each) for each in column]
    return {"key": described(key), "numeric": numeric, "values": values}


def _apart(trials: list[Trial], history: History | None, notes: list[str]) -> list[Any]:
    """Parameters of trials of earlier spaces: number, and pairs of label and text."""
    apart = [trial for trial in trials if trial.apart is not None]
    if history is None or not apart:
        return []
    if len(apart) > APART:
        notes.append(
            f"Parameters of {plural(len(apart) - APART, 'trial')} of earlier spaces are left out."
        )
    return [
        [trial.number, [[cut(k, NAME), text] for k, text in
                        brief_params(trial, history.space).items()]]
        for trial in apart[:APART]
    ]  # fmt: skip
