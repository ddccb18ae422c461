"""Checks of what users set."""

from __future__ import annotations

import math
from collections.abc import Collection

import numpy as np

__all__ = ["as_number", "check_number", "check_one_of", "check_whole"]


def as_number(value: object) -> float:
    """A setting as a float, nan for what is no number."""
    if isinstance(value, bool) or not isinstance(value, (int, float, np.number)):
        return math.nan
    try:
        return float(value)
    except OverflowError:
        return math.inf


def check_whole(method: str, given: object, *names: str, least: int = 1) -> None:
    """Raise a ValueError for a setting that is no whole number of at least ``least``."""
    for name in names:
        value = getattr(given, name)
        whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
        if not whole or value < least:
            _refuse(method, name, f"a whole number >= {least}", value)


def check_number(
    method: str, given: object, *names: str, least: float = 0, most: float = 1, over: bool = False
) -> None:
    """Raise a ValueError for a setting not from ``least`` (with ``over`` above it) to ``most``."""
    rule = f"from {least:g} to {most:g}" if most < math.inf else f">= {least:g}"
    rule = f"above {least:g} and at most {most:g}" if over else rule
    for name in names:
        value = getattr(given, name)
        number = as_number(value)
        if not least <= number <= most or number in (math.inf, least if over else math.inf):
            _refuse(method, name, f"a number {rule}", value)


def check_one_of(
    method: str, given: object, name: str, known: Collection[str], more: str = ""
) -> None:
    """Raise a ValueError for a setting that is none of the known names, nor ``more``."""
    value = getattr(given, name)
    if value not in known:
        _refuse(method, name, f"one of {', '.join(map(repr, known))}{more}", value)


def _refuse(method: str, name: str, rule: str, value: object) -> None:
    raise ValueError(f"{method}: `{name}` must be {rule}, but got {value!r}")
