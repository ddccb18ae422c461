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


def check_whole(method: str, settings: object, *names: str, least: int = 1) -> None:
    """Refuse settings that are no whole numbers of at least ``least``.

    Raises:
        ValueError: one is not; the message names the method, the setting and its value.
    """
    for name in names:
        value = getattr(settings, name)
        whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
        if not whole or value < least:
            raise ValueError(
                f"{method}: `{name}` must be a whole number >= {least}, but got {value!r}"
            )


def check_number(
    method: str,
    settings: object,
    *names: str,
    least: float = 0.0,
    most: float = 1.0,
    above: bool = False,
) -> None:
    """Refuse settings that are no finite numbers from ``least`` (or only above it) to ``most``.

    Raises:
        ValueError: one is not; the message names the method, the setting and its value.
    """
    for name in names:
        value = getattr(settings, name)
        number = as_number(value)
        if not (least <= number <= most and math.isfinite(number)) or (above and number == least):
            rule = f"from {least:g} to {most:g}" if most < math.inf else f">= {least:g}"
            rule = f"above {least:g} and at most {most:g}" if above else rule
            raise ValueError(f"{method}: `{name}` must be a number {rule}, but got {value!r}")


def check_one_of(
    method: str, settings: object, name: str, known: Collection[str], or_else: str = ""
) -> None:
    """Refuse a setting that is none of the known names.

    Raises:
        ValueError: it is none; the message lists the names, and what else would do.
    """
    value = getattr(settings, name)
    if value not in known:
        raise ValueError(
            f"{method}: `{name}` must be one of {', '.join(map(repr, known))}{or_else}, but got "
            f"{value!r}"
        )
