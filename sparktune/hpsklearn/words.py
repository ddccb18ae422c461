"""Short words in which the tables of components are written."""

from __future__ import annotations

from typing import Any

import sklearn
from sklearn.utils.fixes import parse_version

from .ranges import OneOf, Real, Whole

__all__ = ["log", "log_whole", "one_of", "real", "since", "whole"]


def real(low: float, high: float) -> Real:
    """A real number."""
    return Real(low, high)


def log(low: float, high: float) -> Real:
    """A real number whose logarithm is uniform."""
    return Real(low, high, log=True)


def whole(low: int, high: int, limit: str | None = None) -> Whole:
    """A whole number."""
    return Whole(low, high, limit=limit)


def log_whole(low: int, high: int, limit: str | None = None) -> Whole:
    """A whole number whose logarithm is uniform."""
    return Whole(low, high, True, limit)


def one_of(*options: Any) -> OneOf:
    """One of several values or ranges."""
    return OneOf(options)


def since(version: str) -> bool:
    """Whether the installed scikit-learn is this release or a later one."""
    return bool(parse_version(sklearn.__version__) >= parse_version(version))
