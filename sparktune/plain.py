"""Plain data as JSON and back: what no pickle is needed for.

JSON has no tuples, no NaN, no keys but strings. Such things are dicts with one key that begins with
"$"; a user's own dict that looks like one is written as pairs.
"""

from __future__ import annotations

import base64
import datetime
import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

__all__ = ["NotPlain", "from_plain", "to_plain"]

_DEEPEST = 100
_NAMES = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}
_MOST_BYTES = 10_000


class NotPlain(TypeError):
    """Something is more than plain data."""


def to_plain(value: Any, other: Callable[[Any], Any] | None = None) -> Any:
    """A value in terms of JSON: dicts, lists, strings, whole and finite numbers, True, False, None.

    Subclasses of these types come back as the type itself, numpy's scalars as Python's.

    Args:
        value: what is to be written.
        other: called with each part that is not plain; gives what stands for it. Without it such a
            part is refused.

    Raises:
        NotPlain: a part that is not plain, or more than 100 levels.
    """
    return _written(value, other, _DEEPEST)


def _written(value: Any, other: Callable[[Any], Any] | None, levels: int) -> Any:
    if value is None or isinstance(value, (bool, np.bool_)):
        return None if value is None else bool(value)
    if isinstance(value, (str, np.str_)):
        return str(value)
    if isinstance(value, (int, np.integer)):
        return int(value)
    if isinstance(value, (float, np.floating)):
        number = float(value)
        return number if math.isfinite(number) else {"$float": repr(number)}
    if not levels:
        raise NotPlain(f"data of more than {_DEEPEST} levels")
    if isinstance(value, list):
        return [_written(each, other, levels - 1) for each in value]
    if type(value) is tuple:
        return {"$tuple": [_written(each, other, levels - 1) for each in value]}
    if isinstance(value, dict):
        return _written_dict(value, other, levels - 1)
    if isinstance(value, (bytes, bytearray)) and len(value) <= _MOST_BYTES:
        return {"$bytes": base64.b64encode(value).decode()}
    if type(value) in (datetime.datetime, datetime.date):
        return {"$time": value.isoformat()}
    if other is None:
        raise NotPlain(f"a {type(value).__module__}.{type(value).__qualname__}")
    return other(value)


def _written_dict(value: Mapping[Any, Any], other: Any, levels: int) -> Any:
    pairs = [(key, _written(item, other, levels)) for key, item in value.items()]
    if all(type(key) is str and key[:1] != "$" for key, _ in pairs):
        return dict(pairs)
    return {"$dict": [[_written(key, other, levels), item] for key, item in pairs]}


def from_plain(data: Any, other: Callable[[str, Any], Any] | None = None) -> Any:
    """A value from what ``to_plain`` gave.

    Args:
        data: as read from JSON.
        other: called with tag and content of each part that ``to_plain`` asked its ``other`` about.

    Raises:
        ValueError: a tag that is not known, or content that does not go with it.
    """
    if isinstance(data, list):
        return [from_plain(each, other) for each in data]
    if not isinstance(data, dict):
        return data
    tag = next(iter(data), "")
    if len(data) != 1 or tag[:1] != "$":
        return {key: from_plain(item, other) for key, item in data.items()}
    content = data[tag]
    if tag not in _READ:
        if other is None:
            raise ValueError(f"unknown data {tag!r}")
        return other(tag, content)
    try:
        return _READ[tag](content, other)
    except (TypeError, KeyError, ValueError, AttributeError) as error:
        raise ValueError(f"{content!r:.100} is no {tag[1:]}: {error}") from None


_READ: dict[str, Callable[[Any, Any], Any]] = {
    "$float": lambda content, _: _NAMES[content],
    "$tuple": lambda content, other: tuple(from_plain(list(content), other)),
    "$bytes": lambda content, _: base64.b64decode(content, validate=True),
    "$time": lambda content, _: (
        datetime.datetime.fromisoformat(content)
        if "T" in content
        else datetime.date.fromisoformat(content)
    ),
    "$dict": lambda content, other: {
        from_plain(key, other): from_plain(item, other) for key, item in content
    },
}
