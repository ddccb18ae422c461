"""Discrete distributions: whole numbers and categories. The protocol is in distributions.py."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike

from ..checks import number
from .distributions import Array, check_number

__all__ = ["Categorical", "Integers", "whole_number"]


def whole_number(value: object, name: str) -> int:
    """A bound as an int, or an error that names it."""
    found = number(value)
    if found is None or not found.is_integer():
        error = TypeError if found is None else ValueError
        raise error(f"`{name}` must be a whole number, but got {value!r}")
    return int(found)


class _Whole(ABC):
    """What whole numbers and categories share: the values from ``low`` to ``high``."""

    low: int
    high: int
    discrete = True
    log, q, word = False, None, "whole number"

    @property
    def scale(self) -> float:
        return float(self.high - self.low + 1)

    @property
    def middle(self) -> float:
        return (self.low + self.high) / 2

    def snap(self, z: Array) -> Array:
        return np.clip(np.round(z), self.low, self.high)

    def value(self, z: float) -> int:
        return round(z)

    def latent(self, value: float) -> float:
        return float(value)

    @abstractmethod
    def log_prior(self, z: Array) -> Array:
        """Log probability of values within the bounds."""

    def log_prob(self, value: ArrayLike) -> Array:
        """Log probability of any numbers."""
        values = np.asarray(value, float)
        inside = (values == np.round(values)) & (values >= self.low) & (values <= self.high)
        return np.where(inside, self.log_prior(np.where(inside, values, self.low)), -np.inf)

    def _checked(self, value: object, label: str, rule: str) -> int:
        """A value given by hand as an int, or a ValueError that states the rule."""
        found = check_number(value, label)
        if found != int(found) or not self.low <= found <= self.high:
            raise ValueError(f"{label!r} takes {rule}, but got {value!r}")
        return int(found)


@dataclass(frozen=True)
class Integers(_Whole):
    """Whole numbers from ``low`` to ``high``, both included, all equally likely.

    Raises:
        ValueError: ``low > high``, or a bound that is not a whole number.
        TypeError: a bound that is not a number.
    """

    low: int
    high: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "low", whole_number(self.low, "low"))
        object.__setattr__(self, "high", whole_number(self.high, "high"))
        if self.low > self.high:
            raise ValueError(f"`low <= high` must hold, but got low={self.low}, high={self.high}")
        if max(abs(self.low), abs(self.high)) > 2**53:
            raise ValueError(
                f"bounds must lie within 2**53, beyond which floats skip whole numbers, but got "
                f"low={self.low}, high={self.high}"
            )

    @property
    def support(self) -> tuple[float, float]:
        return self.low - 0.5, self.high + 0.5

    def sample(self, rng: Generator, size: int) -> Array:
        return rng.integers(self.low, self.high, size, endpoint=True).astype(float)

    def cells(self, z: Array) -> tuple[Array, Array]:
        return z - 0.5, z + 0.5

    def log_prior(self, z: Array) -> Array:
        return np.full(np.shape(z), -math.log(self.scale))

    def quantile(self, u: Array) -> Array:
        return np.clip(np.floor(self.low + u * self.scale), self.low, self.high)

    def position(self, z: Array) -> Array:
        return (z - self.low + 0.5) / self.scale

    def cdf(self, value: ArrayLike) -> Array:
        """Probability of a value at most ``value``."""
        below = np.floor(np.asarray(value, float)) - self.low + 1
        out: Array = np.clip(below / self.scale, 0.0, 1.0)
        return out

    def check(self, value: object, label: str) -> int:
        return self._checked(value, label, f"a whole number from {self.low} to {self.high}")

    def values(self) -> Iterator[int]:
        return iter(range(self.low, self.high + 1))


@dataclass(frozen=True)
class Categorical(_Whole):
    """The index of one of ``len(p)`` options; index i has probability ``p[i]``.

    Raises:
        ValueError: no option, a negative probability, or probabilities whose sum is not 1.
    """

    p: tuple[float, ...]

    def __post_init__(self) -> None:
        p = tuple(map(float, self.p))
        if not p:
            raise ValueError("a choice needs at least one option")
        if not min(p) >= 0 or math.isnan(sum(p)):
            raise ValueError(f"probabilities must not be negative, but got {p}")
        total = sum(p)
        if not math.isclose(total, 1.0, abs_tol=1e-6):
            raise ValueError(f"probabilities must sum to 1, but {p} sum to {total:g}")
        object.__setattr__(self, "p", tuple(x / total for x in p))

    low = 0

    @cached_property
    def _p(self) -> Array:
        return np.array(self.p)

    @cached_property
    def _cdf(self) -> Array:
        cdf: Array = self._p.cumsum()
        cdf /= cdf[-1]
        return cdf

    def __getstate__(self) -> dict[str, Any]:
        return {"p": self.p}

    @property
    def high(self) -> int:  # type: ignore[override]
        return len(self.p) - 1

    @property
    def support(self) -> tuple[float, float]:
        return 0.0, float(self.high)

    def sample(self, rng: Generator, size: int) -> Array:
        # as rng.choice does, whose checks of p cost five times as much
        drawn: Array = self._cdf.searchsorted(rng.random(size), side="right").astype(float)
        return drawn

    def cells(self, z: Array) -> tuple[Array, Array]:
        return z, z

    def log_prior(self, z: Array) -> Array:
        with np.errstate(divide="ignore"):
            out: Array = np.log(self._p)[np.asarray(z, np.intp)]
        return out

    def quantile(self, u: Array) -> Array:
        last = np.flatnonzero(self._p)[-1]
        option = np.searchsorted(np.cumsum(self._p), u, side="right")
        out: Array = np.minimum(option, last).astype(float)
        return out

    def position(self, z: Array) -> Array:
        out: Array = (np.cumsum(self._p) - self._p / 2)[np.asarray(z, np.intp)]
        return out

    def cdf(self, value: ArrayLike) -> Array:
        """Probability of an index at most ``value``."""
        at = np.clip(np.floor(np.asarray(value, float)) + 1, 0, len(self.p)).astype(np.intp)
        out: Array = np.concatenate([[0.0], np.cumsum(self._p)])[at]
        return out

    def check(self, value: object, label: str) -> int:
        return self._checked(value, label, f"the index of an option, 0 to {self.high}")

    def values(self) -> Iterator[int]:
        return iter(np.flatnonzero(self._p > 0).tolist())
