"""Checks of what users set."""

from __future__ import annotations

import math

import numpy as np

__all__ = ["count", "number"]


def number(value: object) -> float:
    """A setting as a float, nan for what is no number."""
    if isinstance(value, bool) or not isinstance(value, (int, float, np.number)):
        return math.nan
    try:
        return float(value)
    except OverflowError:
        return math.inf


def count(value: object, method: str, name: str, least: int = 1) -> None:
    """Refuse what is no whole number of at least ``least``.

    Raises:
        ValueError: it is not; the message names the method and the setting.
    """
    whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    if not whole or value < least:  # type: ignore[operator]
        raise ValueError(f"{method}: `{name}` must be a whole number >= {least}, but got {value!r}")
