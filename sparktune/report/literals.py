"""A configuration as Python that can be copied."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from .limits import CONFIGURATION, TEXT, described

__all__ = ["python_of"]

_WIDTH = 88
_NO_LITERAL = "no literal: its repr as a text"
_CUT = "a text that was cut"


def python_of(name: str, thing: Any) -> tuple[str, list[str]]:
    """An assignment of a thing to a name, and what to bear in mind about it.

    Whatever Python has no literal for stands as the text of its repr, with a comment at the end of
    the line; nan and the infinities are calls of ``float``.

    Args:
        name: of the variable.
        thing: nested containers of numbers, texts and anything else.
    """
    writer = _Writer()
    try:
        lines = list(writer.lines(thing, "", f"{name} = ", ""))
    except RecursionError:
        lines, writer.seen = [f"{name} = ...  # nested too deeply to be written"], set()
    text = "\n".join(lines)
    notes = [f"A comment marks what is {each}." for each in sorted(writer.seen)]
    if len(text) > CONFIGURATION:
        text = text[:CONFIGURATION].rpartition("\n")[0] + "\n# and more, which was left out"
        notes.append("The configuration is too long for a page: its end is left out.")
    return text, notes


class _Writer:
    def __init__(self) -> None:
        self.seen: set[str] = set()

    def lines(self, thing: Any, indent: str, before: str, after: str) -> Iterator[str]:
        """The lines of a thing behind what stands before it, and with what comes after it."""
        items = self._items(thing)
        if items is None:
            text, remark = self._single(thing)
            yield f"{indent}{before}{text}{after}{f'  # {remark}' if remark else ''}"
            return
        start, end, parts = items
        short = self._short(thing)
        if short is not None and len(indent + before + short + after) <= _WIDTH:
            yield f"{indent}{before}{short}{after}"
            return
        yield f"{indent}{before}{start}"
        for key, item in parts:
            yield from self.lines(item, f"{indent}    ", key, ",")
        yield f"{indent}{end}{after}"

    def _items(self, thing: Any) -> tuple[str, str, Iterable[tuple[str, Any]]] | None:
        """Brackets and items of a container; None for all else."""
        if isinstance(thing, dict) and thing:
            return "{", "}", ((f"{self._key(k)}: ", item) for k, item in thing.items())
        if isinstance(thing, list) and thing:
            return "[", "]", (("", item) for item in thing)
        if isinstance(thing, tuple) and thing:
            return "(", ")", (("", item) for item in thing)
        return None

    def _key(self, key: Any) -> str:
        text = self._short(key)
        return repr(described(key)) if text is None else text

    def _short(self, thing: Any) -> str | None:
        """A thing in one line; None where it is long or has a remark."""
        items = self._items(thing)
        if items is None:
            text, remark = self._single(thing)
            return None if remark else text
        start, end, parts = items
        found, size = [], 0
        for key, item in parts:
            short = self._short(item)
            size += len(key) + len(short or "")
            if short is None or size > _WIDTH:
                return None
            found.append(f"{key}{short}")
        return f"{start}{', '.join(found)}{',' if (start, len(found)) == ('(', 1) else ''}{end}"

    def _single(self, thing: Any) -> tuple[str, str]:
        """The text of what is no container with anything in it, and a remark or none."""
        if isinstance(thing, np.generic) and thing.dtype.kind in "biufU":
            thing = thing.item()
        if isinstance(thing, tuple) and type(thing) is tuple:
            return (repr(thing), "") if not thing else self._remark(described(thing), _NO_LITERAL)
        if type(thing) is float:
            return (repr(thing) if math.isfinite(thing) else f'float("{thing}")'), ""
        if thing is None or type(thing) in (bool, dict, list):
            return repr(thing), ""
        if type(thing) is int and abs(thing) < 10**300:
            return repr(thing), ""
        if type(thing) in (str, bytes):
            is_cut = len(thing) > TEXT
            return self._remark(thing[:TEXT], _CUT) if is_cut else (repr(thing), "")
        return self._remark(described(thing), _NO_LITERAL)

    def _remark(self, text: Any, remark: str) -> tuple[str, str]:
        self.seen.add(remark)
        return repr(text), remark
