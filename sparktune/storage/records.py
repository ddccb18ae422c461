"""Records of a history in terms of JSON, and back."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from sys import intern
from typing import Any

from ..cutting import cut
from ..exceptions import JournalError
from ..history.records import Ended, Record, Reported, Requeued, Started
from ..history.trial import Outcome, Status
from ..space.described import NotPlain, described, in_full
from ..space.nodes import Choice
from ..space.reading import value_from
from ..space.tree import Space, Values

__all__ = ["moment_of", "of_outcome", "record_of", "written"]

_SHOWN = 80  # characters of an option beside its index
_TIMES = (-6e10, 2.4e11)  # seconds since the epoch, of the years that datetime knows
_LONGEST = 1e10  # seconds of a trial
_TEXTS = ("error", "error_type", "log_tail", "host", "note", "result_file")
_NUMBERS = ("loss", "variance", "seconds")
_PARTS = ("info", "attachments")

Other = Callable[[Any], Any]
"""Gives what stands in a record for a part of a trial's result that is not plain."""


def written(record: Record, space: Space, other: Other) -> dict[str, Any]:
    """A record as a dict that JSON can hold.

    Args:
        record: of a history.
        space: that of the history.
        other: called with parts of results that JSON cannot hold.
    """
    return _WRITERS[type(record)](record, space, other)


def _started(record: Started, space: Space, _: Other) -> dict[str, Any]:
    values = [dict(each) for each in record.values]
    options = [_options(each, space) for each in values]
    shown = {"options": options} if any(options) else {}
    return {"kind": "started", "now": float(record.now), "values": values, **shown}


def _options(values: Values, space: Space) -> dict[str, str]:
    """What people read beside the indices of choices."""
    shown = {}
    for label, value in values.items():
        param = space.params[space.column[label]]
        if isinstance(param, Choice):
            shown[label] = _text(param.options[int(value)])
    return shown


def _text(option: Any) -> str:
    try:
        text = option if isinstance(option, str) else repr(option)
    except Exception:  # of an object of the user's
        text = f"a {type(option).__name__}"
    return cut(text, _SHOWN)


def _reported(record: Reported, _space: Space, _other: Other) -> dict[str, Any]:
    return {
        "kind": "reported", "number": record.number, "attempt": record.attempt,
        "step": int(record.step), "value": described(float(record.value)),
    }  # fmt: skip


def _requeued(record: Requeued, _space: Space, _other: Other) -> dict[str, Any]:
    return {"kind": "requeued", "number": record.number, "why": record.why}


def _ended(record: Ended, _space: Space, other: Other) -> dict[str, Any]:
    found = of_outcome(record.outcome, other)
    return {"kind": "ended", "number": record.number, "attempt": record.attempt, "outcome": found}


def of_outcome(outcome: Outcome, other: Other) -> dict[str, Any]:
    """An outcome as a dict that JSON can hold; ``other`` as in ``written``."""
    found: dict[str, Any] = {"status": outcome.status.name.lower()}
    for name in (*_NUMBERS, *_TEXTS):
        if (value := getattr(outcome, name)) is not None:
            found[name] = described(value)
    files: list[Any] = []
    for part in _PARTS:
        if things := dict(getattr(outcome, part)):
            found[part], apart = _split(things, other)
            files += [[part, *each] for each in apart]
    if files:
        found["files"] = files
    return found


def _split(things: dict[Any, Any], other: Other) -> tuple[Any, list[list[Any]]]:
    """The plain things as JSON; name and what stands in their place of the others."""
    try:
        return in_full(things), []  # as nearly all are
    except NotPlain:
        pass
    plain, apart = {}, []
    for name, thing in things.items():
        try:
            in_full([name, thing])
            plain[name] = thing
        except NotPlain:
            apart.append([str(name), other(thing)])
    return described(plain), apart


_WRITERS: dict[type, Callable[[Any, Space, Other], dict[str, Any]]] = {
    Started: _started,
    Reported: _reported,
    Requeued: _requeued,
    Ended: _ended,
}


def record_of(data: Mapping[str, Any], other: Callable[[Any], Any]) -> Record:
    """The record that a dict stands for.

    Args:
        data: as read from JSON; nothing in it is trusted.
        other: gives a part of a result for what ``written`` had got in its place.

    Raises:
        JournalError: it is none, or of a kind that is not known here.
    """
    kind = data.get("kind")
    if not isinstance(kind, str) or kind not in _READERS:
        raise JournalError(f"a record of the kind {kind!r:.60}, which this sparktune does not know")
    try:
        return _READERS[kind](data, other)
    except (KeyError, TypeError, ValueError, OverflowError, RecursionError) as error:
        what = f"no {error}" if isinstance(error, KeyError) else str(error)
        raise JournalError(f"a record of the kind {kind!r} that is none: {what}"[:300]) from None


def moment_of(value: Any) -> float:
    """The seconds since the epoch that a record has under "now".

    Raises:
        ValueError: it is no number, or of no year that datetime knows.
    """
    return _within(value, "now", *_TIMES)


def _whole(data: Mapping[str, Any], name: str) -> int:
    value = data[name]
    if type(value) is not int or not 0 <= value < 2**62:
        raise ValueError(f"{name!r} is {value!r:.60}, but must be a whole number")
    return value


def _real(value: Any, name: str) -> float:
    if type(value) is float and math.isfinite(value):
        return value
    value = value_from(value, plain=True)
    if type(value) not in (int, float):
        raise ValueError(f"{name!r} is {value!r:.60}, but must be a number")
    try:
        return float(value)
    except OverflowError:
        raise ValueError(f"{name!r} is {value!r:.60}, which is too large") from None


def _within(value: Any, name: str, low: float, high: float) -> float:
    found = _real(value, name)
    if not low <= found <= high:
        raise ValueError(f"{name!r} is {found!r}, but must be from {low:g} to {high:g}")
    return found


def _text_of(value: Any, name: str) -> str:
    if type(value) is not str:
        raise ValueError(f"{name!r} is {value!r:.60}, but must be a text")
    return value


def _as_started(data: Mapping[str, Any], _: Any) -> Started:
    batch: Sequence[Any] = data["values"]
    if type(batch) is not list or not batch:
        raise ValueError("'values' must be a list of candidates")
    for values in batch:
        if type(values) is not dict:  # what stands in it, the history looks at
            raise ValueError(f"a candidate is {values!r:.60}, but must map labels to values")
    return Started(batch, moment_of(data["now"]))


def _as_reported(data: Mapping[str, Any], _: Any) -> Reported:
    numbers = (_whole(data, "number"), _whole(data, "attempt"))
    step = data["step"]
    if type(step) is not int or not abs(step) < 2**62:
        raise ValueError(f"'step' is {step!r:.60}, but must be a whole number")
    return Reported(*numbers, step, _real(data["value"], "value"))


def _as_requeued(data: Mapping[str, Any], _: Any) -> Requeued:
    why = data["why"]
    if why not in ("lost", "cut", "resumed"):
        raise ValueError(f"'why' is {why!r:.60}")
    return Requeued(_whole(data, "number"), why)


def _as_ended(data: Mapping[str, Any], other: Any) -> Ended:
    given = data["outcome"]
    if type(given) is not dict:
        raise ValueError(f"'outcome' is {given!r:.60}")
    status = _STATUSES.get(_text_of(given["status"], "status"))
    if status is None:
        raise ValueError(f"'status' is {given['status']!r:.60}")
    found: dict[str, Any] = {}
    for name in _NUMBERS:
        if name in given:
            found[name] = _real(given[name], name)
    if "seconds" in found:
        _within(found["seconds"], "seconds", -_LONGEST, _LONGEST)
    for name in _TEXTS:
        if name in given:
            found[name] = intern(_text_of(given[name], name))
    for part in _PARTS:
        if part in given:
            found[part] = value_from(given[part], plain=True)
            if not isinstance(found[part], dict):
                raise ValueError(f"{part!r} is {found[part]!r:.60}")
    for part, name, content in given.get("files", ()):
        if part not in _PARTS or type(name) is not str:
            raise ValueError(f"a file of {part!r:.60}")
        found.setdefault(part, {})[name] = other(content)
    outcome = Outcome(status, **found)
    return Ended(_whole(data, "number"), _whole(data, "attempt"), outcome)


_STATUSES = {status.name.lower(): status for status in Status}
_READERS: dict[str, Callable[[Any, Any], Record]] = {
    "started": _as_started,
    "reported": _as_reported,
    "requeued": _as_requeued,
    "ended": _as_ended,
}
