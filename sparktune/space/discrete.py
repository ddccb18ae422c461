"""Discrete distributions: whole numbers and categories; see distributions for the protocol."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike

from ..checks import number
from .distributions import Array, check_number

__all__ = ["Categorical", "Integers", "whole_number"]


def whole_number(value: object, name: str) -> int:
    """A bound as an int, or an error that names it."""
    found = number(value)
    if found is None:
        raise TypeError(f"`{name}` must be a whole number, but got {value!r}")
    if not found.is_integer():
        raise ValueError(f"`{name}` must be a whole number, but got {value!r}")
    return int(found)


@dataclass(frozen=True)
class Integers:
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

    discrete = True

    @property
    def support(self) -> tuple[float, float]:
        return self.low - 0.5, self.high + 0.5

    @property
    def scale(self) -> float:
        return float(self.high - self.low + 1)

    @property
    def middle(self) -> float:
        return (self.low + self.high) / 2

    def sample(self, rng: Generator, size: int) -> Array:
        return rng.integers(self.low, self.high, size, endpoint=True).astype(float)

    def snap(self, z: Array) -> Array:
        return np.clip(np.round(z), self.low, self.high)

    def cells(self, z: Array) -> tuple[Array, Array]:
        return z - 0.5, z + 0.5

    def log_prior(self, z: Array) -> Array:
        return np.full(np.shape(z), -math.log(self.scale))

    def quantile(self, u: Array) -> Array:
        return np.clip(np.floor(self.low + u * self.scale), self.low, self.high)

    def position(self, z: Array) -> Array:
        return (z - self.low + 0.5) / self.scale

    def value(self, z: float) -> int:
        return round(z)

    def latent(self, value: float) -> float:
        return float(value)

    def log_prob(self, value: ArrayLike) -> Array:
        """Log probability of values."""
        values = np.asarray(value, float)
        inside = (values == np.round(values)) & (values >= self.low) & (values <= self.high)
        return np.where(inside, -math.log(self.scale), -np.inf)

    def cdf(self, value: ArrayLike) -> Array:
        """Probability of a value at most ``value``."""
        values = np.asarray(value, float)
        out: Array = np.clip((np.floor(values) - self.low + 1) / self.scale, 0.0, 1.0)
        return out

    def check(self, value: object, label: str) -> int:
        found = check_number(value, label)
        if found != int(found) or not self.low <= found <= self.high:
            raise ValueError(
                f"{label!r} takes a whole number from {self.low} to {self.high}, but got {value!r}"
            )
        return int(found)

    def values(self) -> Iterator[int]:
        return iter(range(self.low, self.high + 1))


@dataclass(frozen=True)
class Categorical:
    """The index of one of ``len(p)`` options; index i has probability ``p[i]``.

    Raises:
        ValueError: no option, a negative probability, or probabilities whose sum is not 1.
    """

    p: tuple[float, ...]

    def __post_init__(self) -> None:
        p = tuple(float(x) for x in self.p)
        if not p:
            raise ValueError("a choice needs at least one option")
        if any(not x >= 0 for x in p):
            raise ValueError(f"probabilities must not be negative, but got {p}")
        if not math.isclose(sum(p), 1.0, abs_tol=1e-6):
            raise ValueError(f"probabilities must sum to 1, but {p} sum to {sum(p):g}")
        object.__setattr__(self, "p", tuple(x / sum(p) for x in p))

    discrete = True

    @property
    def support(self) -> tuple[float, float]:
        return 0.0, float(len(self.p) - 1)

    @property
    def scale(self) -> float:
        return float(len(self.p))

    @property
    def middle(self) -> float:
        return (len(self.p) - 1) / 2

    def sample(self, rng: Generator, size: int) -> Array:
        return rng.choice(len(self.p), size=size, p=self.p).astype(float)

    def snap(self, z: Array) -> Array:
        return np.clip(np.round(z), 0, len(self.p) - 1)

    def cells(self, z: Array) -> tuple[Array, Array]:
        return z, z

    def log_prior(self, z: Array) -> Array:
        with np.errstate(divide="ignore"):
            out: Array = np.log(np.asarray(self.p))[np.asarray(z, dtype=np.intp)]
        return out

    def quantile(self, u: Array) -> Array:
        edges = np.cumsum(self.p)
        last = np.flatnonzero(self.p)[-1]
        out: Array = np.minimum(np.searchsorted(edges, u, side="right"), last).astype(float)
        return out

    def position(self, z: Array) -> Array:
        p = np.asarray(self.p)
        out: Array = (np.cumsum(p) - p / 2)[np.asarray(z, dtype=np.intp)]
        return out

    def value(self, z: float) -> int:
        return round(z)

    def latent(self, value: float) -> float:
        return float(value)

    def log_prob(self, value: ArrayLike) -> Array:
        """Log probability of indices."""
        values = np.asarray(value, float)
        inside = (values == np.round(values)) & (values >= 0) & (values < len(self.p))
        return np.where(inside, self.log_prior(np.where(inside, values, 0)), -np.inf)

    def cdf(self, value: ArrayLike) -> Array:
        """Probability of an index at most ``value``."""
        steps = np.concatenate([[0.0], np.cumsum(self.p)])
        at = np.clip(np.floor(np.asarray(value, float)) + 1, 0, len(self.p)).astype(np.intp)
        out: Array = steps[at]
        return out

    def check(self, value: object, label: str) -> int:
        found = check_number(value, label)
        if found != int(found) or not 0 <= found < len(self.p):
            raise ValueError(
                f"{label!r} takes the index of an option, 0 to {len(self.p) - 1}, but got {value!r}"
            )
        return int(found)

    def values(self) -> Iterator[int]:
        return (index for index, p in enumerate(self.p) if p > 0)
