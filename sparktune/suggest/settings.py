"""Settings of suggesters: checked when they are made, and kept in their plain types."""

from __future__ import annotations

import math
from collections.abc import Collection

from ..checks import keep, number, real, whole

__all__ = ["as_number", "check_number", "check_one_of", "check_whole"]


def as_number(value: object) -> float:
    """A setting as a float, nan for what is no number."""
    found = number(value)
    return math.nan if found is None else found


def check_whole(method: str, given: object, *names: str, least: int = 1) -> None:
    """Raise a ValueError for a setting that is no whole number of at least ``least``."""
    for name in names:
        keep(given, **{name: whole(name, getattr(given, name), least, of=method)})


def check_number(
    method: str, given: object, *names: str, least: float = 0, most: float = 1, over: bool = False
) -> None:
    """Raise a ValueError for a setting not from ``least`` (with ``over`` above it) to ``most``."""
    above, least = (least, -math.inf) if over else (-math.inf, least)
    for name in names:
        value = real(
            name, getattr(given, name), above=above, least=least, most=most, finite=True, of=method
        )
        keep(given, **{name: value})


def check_one_of(
    method: str, given: object, name: str, known: Collection[str], more: str = ""
) -> None:
    """Raise a ValueError for a setting that is none of the known names, nor ``more``."""
    value = getattr(given, name)
    if value not in known:
        rule = f"one of {', '.join(map(repr, known))}{more}"
        raise ValueError(f"{method}: `{name}` must be {rule}, but got {value!r}")
