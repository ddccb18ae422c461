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


def count(value: object, method: str, name: str) -> None:
    """Refuse what is no whole number of at least 1.

    Raises:
        ValueError: it is not; the message names the method and the setting.
    """
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
        raise ValueError(f"{method}: `{name}` must be a whole number >= 1, but got {value!r}")
