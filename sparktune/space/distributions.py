"""One-dimensional distributions of hyperparameters.

Two coordinates are used throughout the package.

* A *value* is what the objective receives: a Python ``int`` or ``float``, or the index of an
  option.
* A *latent* is the coordinate in which a distribution is simple: the logarithm of the value where
  ``log`` is set, else the value itself. Values that are rounded to multiples of ``q`` occupy whole
  intervals of the latent axis, the *cells*.

In all signatures ``z`` is an array of latents, of any shape. The file is long because the numeric
distributions share their formulas of rounding.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import Protocol, TypeAlias

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike, NDArray
from scipy.special import log_ndtr, ndtr, ndtri

from ..checks import number

__all__ = ["Distribution", "Normal", "Uniform", "check_number", "log_ndtr_difference"]

Array: TypeAlias = NDArray[np.float64]

_LOG_SQRT_2PI = 0.5 * math.log(2 * math.pi)
_MAX = float(np.finfo(float).max)
_LOG_MAX = math.log(_MAX)
_TINY = float(np.finfo(float).tiny)
_LOG_MIN = math.log(_TINY)


class Distribution(Protocol):
    """What the rest of the package asks of a hyperparameter's distribution."""

    @property
    def discrete(self) -> bool:
        """Whether values come from a countable set, so that exact duplicates are likely."""

    @property
    def log(self) -> bool:
        """Whether latents are logarithms of the values."""

    @property
    def q(self) -> float | None:
        """The step of values that are rounded to multiples; None of all others."""

    @property
    def word(self) -> str:
        """What people call it, such as "qloguniform" or "whole number"."""

    @property
    def support(self) -> tuple[float, float]:
        """Lowest and highest latent; infinite for normal distributions."""

    @property
    def scale(self) -> float:
        """The width of the latent axis that a search has to cover; for bandwidths."""

    @property
    def middle(self) -> float:
        """The latent in the middle of the prior."""

    def sample(self, rng: Generator, size: int) -> Array:
        """Draw ``size`` latents of values from the prior."""

    def snap(self, z: Array) -> Array:
        """Move latents to those of the values they stand for (identity where continuous)."""

    def cells(self, z: Array) -> tuple[Array, Array]:
        """Lower and upper latent end of the cell that each snapped latent stands for."""

    def log_prior(self, z: Array) -> Array:
        """Log density (continuous, per latent) or log mass (discrete) of snapped latents."""

    def quantile(self, u: Array) -> Array:
        """Snapped latents at which the prior reaches probabilities ``u``, between 0 and 1."""

    def position(self, z: Array) -> Array:
        """The probability of the prior up to latents; of discrete values, to within their cell."""

    def value(self, z: float) -> int | float:
        """The native Python value of a latent."""

    def latent(self, value: float) -> float:
        """The snapped latent of a value."""

    def check(self, value: object, label: str) -> int | float:
        """The value as a native number, or a ValueError that names the label and the rule."""

    def values(self) -> Iterator[int | float]:
        """All values with positive probability, for a discrete distribution."""


def check_number(value: object, label: str) -> float:
    """A value of a label as a float, or an error that names the label."""
    found = number(value)
    if found is None:
        raise ValueError(f"{label!r} takes a number, but got {value!r}")
    if not math.isfinite(found):
        raise ValueError(f"{label!r} takes a finite number, but got {value!r}")
    return found


def _finite(value: object, name: str) -> float:
    """A setting of a distribution as a float."""
    found = number(value)
    if found is None:
        raise TypeError(f"`{name}` must be a real number, but got {value!r}")
    if not math.isfinite(found):
        raise ValueError(f"`{name}` must be finite, but got {value!r}")
    return found


def log_ndtr_difference(a: Array, b: Array) -> Array:
    """log(Phi(b) - Phi(a)) for a <= b, without cancellation in either tail.

    Phi is the standard normal distribution function. Where both ends lie in the upper tail the
    interval is mirrored, because Phi rounds to 1 there.
    """
    mirrored = a > 0
    lo, hi = np.where(mirrored, -b, a), np.where(mirrored, -a, b)
    with np.errstate(divide="ignore", invalid="ignore"):
        log_hi = log_ndtr(hi)
        ratio = np.exp(log_ndtr(lo) - log_hi)
        out: Array = log_hi + np.log1p(-np.minimum(ratio, 1.0))
    return np.where(np.isnan(out), -np.inf, out)


class _Numeric(ABC):
    """What uniform and normal distributions share: logs and rounding to multiples of q."""

    log: bool
    q: float | None

    @property
    def word(self) -> str:
        name = type(self).__name__.lower()
        return f"{'q' if self.q else ''}{'log' if self.log else ''}{name}"

    def _settle(self, *names: str) -> None:
        """Make settings plain floats, and check the step."""
        for name in names:
            given = getattr(self, name)
            if type(given) is not float or not math.isfinite(given):
                object.__setattr__(self, name, _finite(given, name))
        if self.q is not None:
            object.__setattr__(self, "q", _finite(self.q, "q"))
            if not self.q > 0:
                raise ValueError(f"`q > 0` must hold, but got q={self.q}")

    def _multiple(self, value: object, label: str) -> float:
        """The multiple of q that a value given by hand stands for, or an error with its label."""
        number = check_number(value, label)
        if self.q is None:
            return number
        nearest = float(self._rounded(np.asarray(number)))
        if not math.isclose(number, nearest, rel_tol=1e-9, abs_tol=1e-9 * self.q):
            raise ValueError(f"{label!r} takes a multiple of {self.q:g}, but got {value!r}")
        return nearest

    @property
    def discrete(self) -> bool:
        return self.q is not None

    @property
    @abstractmethod
    def support(self) -> tuple[float, float]:
        """Lowest and highest latent."""

    @abstractmethod
    def position(self, z: Array) -> Array:
        """Probability of a latent at most ``z``, before rounding."""

    @abstractmethod
    def _log_density(self, z: Array) -> Array:
        """Log density of latents inside the support, before rounding."""

    @abstractmethod
    def _log_mass(self, lo: Array, hi: Array) -> Array:
        """Log probability of a latent between ``lo`` and ``hi``."""

    def _rounded(self, values: Array) -> Array:
        """Values at the nearest multiples of q."""
        if self.q is None:
            return values
        rounded = np.round(values / self.q) * self.q + 0.0  # no -0.0
        # beyond 2**53 steps every float is a multiple, and the quotient may be more than it holds
        return np.where(np.abs(values) < 2**53 * self.q, rounded, values)

    def _quantized(self, z: Array) -> Array:
        """The values of latents, rounded to multiples of q."""
        # no further than a float holds
        z = np.clip(z, _LOG_MIN, _LOG_MAX) if self.log else np.clip(z, -_MAX, _MAX)
        return self._rounded(np.exp(z) if self.log else z)

    def _to_latent(self, values: Array) -> Array:
        if self.log:
            # the cell of the value 0 reaches down to log 0: stand at half its upper end
            values = np.log(np.maximum(values, _TINY if not self.q else self.q / 4))
        return np.clip(values, *self.support)

    def snap(self, z: Array) -> Array:
        return z if self.q is None else self._to_latent(self._quantized(z))

    def cells(self, z: Array) -> tuple[Array, Array]:
        if self.q is None:
            return z, z
        return self._cells_of(self._quantized(z), self.q)

    def _cells_of(self, values: Array, q: float) -> tuple[Array, Array]:
        """Lower and upper latent end of the cell of each value."""
        lo, hi = values - q / 2, values + q / 2
        if self.log:
            with np.errstate(divide="ignore"):
                lo, hi = np.log(np.maximum(lo, 0.0)), np.log(np.maximum(hi, 0.0))
        return np.clip(lo, *self.support), np.clip(hi, *self.support)

    def log_prior(self, z: Array) -> Array:
        z = np.asarray(z, float)
        return self._log_density(z) if self.q is None else self._log_mass(*self.cells(z))

    # Of one number, as of arrays in _quantized and _to_latent, in a tenth of the time.

    def value(self, z: float) -> float:
        low, high = (_LOG_MIN, _LOG_MAX) if self.log else (-_MAX, _MAX)
        z = float(min(max(z, low), high))
        return self._rounded_one(float(np.exp(z)) if self.log else z)

    def latent(self, value: float) -> float:
        z = self._rounded_one(float(value))
        if self.log:
            z = float(np.log(max(z, _TINY if not self.q else self.q / 4)))
        low, high = self.support
        return min(max(z, low), high)

    def _rounded_one(self, value: float) -> float:
        if self.q is None or not abs(value) < 2**53 * self.q:
            return value
        return round(value / self.q) * self.q + 0.0

    def log_prob(self, value: ArrayLike) -> Array:
        """Log density of values (continuous) or log probability of values (quantised)."""
        values = np.asarray(value, float)
        if self.q is not None:
            on_grid = np.isclose(values, self._rounded(values), rtol=1e-12, atol=0)
            with np.errstate(invalid="ignore"):
                mass = self._log_mass(*self._cells_of(values, self.q))
            return np.where(on_grid, mass, -np.inf)
        lo, hi = self.support
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            z = np.log(values) if self.log else values
            inside = (z >= lo) & (z <= hi) & np.isfinite(z)
            density = self._log_density(np.where(inside, z, 0.0)) - (z if self.log else 0.0)
        return np.where(inside, density, -np.inf)

    def cdf(self, value: ArrayLike) -> Array:
        """Probability of a value at most ``value``."""
        values = np.asarray(value, float)
        if self.q is not None:
            values = (np.floor(values / self.q + 1e-12) + 0.5) * self.q
        if self.log:
            with np.errstate(divide="ignore"):
                values = np.log(np.maximum(values, 0.0))
        return self.position(values)


@dataclass(frozen=True)
class Uniform(_Numeric):
    """Uniform on ``[low, high]``; of the logarithm where ``log``; rounded where ``q``.

    Args:
        low, high: ends in latent units (natural logarithms where ``log``), ``low < high``.
        log: whether the logarithm of the value is uniform.
        q: step of the values, above 0; a value is ``round(x / q) * q``, so the outermost value
            may lie up to ``q / 2`` outside the bounds.

    Raises:
        ValueError: ``low >= high``, a bound that is not finite, or one whose exponential is not.
        TypeError: a bound or step that is not a real number.
    """

    low: float
    high: float
    log: bool = False
    q: float | None = None

    def __post_init__(self) -> None:
        self._settle("low", "high")
        if not self.low < self.high:
            raise ValueError(f"`low < high` must hold, but got low={self.low}, high={self.high}")
        if self.log and self.high > _LOG_MAX:
            raise ValueError(
                f"bounds of a log distribution are natural logarithms, and exp({self.high:g}) is "
                f"more than a float can hold; for values up to {self.high:g} write "
                f"log({self.high:g})"
            )
        if self.log and self.low < _LOG_MIN:
            raise ValueError(
                f"bounds of a log distribution are natural logarithms, and exp({self.low:g}) is "
                "less than a float can hold"
            )
        if not _TINY <= self.high - self.low < math.inf:
            raise ValueError(
                f"`high - low` must be a normal float, but got low={self.low}, high={self.high}"
            )
        reach = math.exp(self.high) if self.log else max(abs(self.low), abs(self.high))
        if self.q is not None and not reach / self.q < 2**53:
            raise ValueError(
                f"`q` must be more than 2**-53 of the largest value, but got q={self.q} for "
                f"{reach:g}"
            )

    @property
    def support(self) -> tuple[float, float]:
        return self.low, self.high

    @property
    def scale(self) -> float:
        return self.high - self.low

    @property
    def middle(self) -> float:
        return self.low + self.scale / 2

    def sample(self, rng: Generator, size: int) -> Array:
        return self.snap(rng.uniform(self.low, self.high, size))

    def quantile(self, u: Array) -> Array:
        return self.snap(self.low + u * self.scale)

    def position(self, z: Array) -> Array:
        return np.clip((z - self.low) / self.scale, 0.0, 1.0)

    def _log_density(self, z: Array) -> Array:
        return np.full(np.shape(z), -math.log(self.scale))

    def _log_mass(self, lo: Array, hi: Array) -> Array:
        with np.errstate(divide="ignore"):
            return np.log(np.maximum(hi - lo, 0.0)) - math.log(self.scale)

    def check(self, value: object, label: str) -> float:
        number = self._multiple(value, label)
        if self.q is not None:
            inside = bool(np.isfinite(self.log_prob(number)))
        else:
            # what was computed from the bounds may miss them by rounding
            slack = 1e-9 * self.scale + 4 * np.spacing(max(abs(self.low), abs(self.high)))
            z = number
            if self.log:
                z = math.log(number) if number > 0 else -math.inf
            inside = self.low - slack <= z <= self.high + slack
        if not inside:
            lowest, highest = self._quantized(np.asarray(self.support))
            raise ValueError(
                f"{label!r} takes a number from {lowest:g} to {highest:g}, but got {value!r}"
            )
        return number

    def values(self) -> Iterator[float]:
        if self.q is None:
            raise TypeError("a continuous distribution has no list of values")
        first, last = self._quantized(np.asarray(self.support))
        for step in range(round((last - first) / self.q) + 1):
            value = float(np.round(first / self.q + step) * self.q)
            if np.isfinite(self.log_prob(value)):
                yield value


@dataclass(frozen=True)
class Normal(_Numeric):
    """Normal with mean ``mu`` and deviation ``sigma``; of the logarithm where ``log``.

    Args:
        mu, sigma: mean and standard deviation in latent units, ``sigma > 0``.
        log: whether the logarithm of the value is normal.
        q: step of the values, above 0; a value is ``round(x / q) * q``.

    Raises:
        ValueError: ``sigma <= 0`` or a parameter that is not finite.
        TypeError: a parameter that is not a real number.
    """

    mu: float
    sigma: float
    log: bool = False
    q: float | None = None

    def __post_init__(self) -> None:
        self._settle("mu", "sigma")
        if not self.sigma > 0:
            raise ValueError(f"`sigma > 0` must hold, but got sigma={self.sigma}")
        if not math.isfinite(abs(self.mu) + 10 * self.sigma):
            raise ValueError(
                f"`mu` and `sigma` are too large, got mu={self.mu}, sigma={self.sigma}"
            )
        if self.log and self.mu + 10 * self.sigma > _LOG_MAX:
            raise ValueError(
                f"mu and sigma of a lognormal distribution are those of the natural logarithm, and "
                f"exp({self.mu} + 10 * {self.sigma}) is more than a float can hold"
            )

    @property
    def support(self) -> tuple[float, float]:
        return -math.inf, math.inf

    @property
    def scale(self) -> float:
        """Four deviations, which hold 95 % of the draws."""
        return 4.0 * self.sigma

    @property
    def middle(self) -> float:
        return self.mu

    def sample(self, rng: Generator, size: int) -> Array:
        return self.snap(rng.normal(self.mu, self.sigma, size))

    def quantile(self, u: Array) -> Array:
        return self.snap(self.mu + self.sigma * ndtri(u))

    def position(self, z: Array) -> Array:
        out: Array = ndtr((z - self.mu) / self.sigma)
        return out

    def _log_density(self, z: Array) -> Array:
        return -0.5 * ((z - self.mu) / self.sigma) ** 2 - math.log(self.sigma) - _LOG_SQRT_2PI

    def _log_mass(self, lo: Array, hi: Array) -> Array:
        return log_ndtr_difference((lo - self.mu) / self.sigma, (hi - self.mu) / self.sigma)

    def check(self, value: object, label: str) -> float:
        number = self._multiple(value, label)
        if self.log and (number < 0 or (number == 0 and self.q is None)):
            raise ValueError(f"{label!r} takes a positive number, but got {value!r}")
        return number

    def values(self) -> Iterator[float]:
        """All multiples of q within 8 deviations, nearest to the median first."""
        if self.q is None:
            raise TypeError("a continuous distribution has no list of values")
        centre = round(self.value(self.mu) / self.q)
        reach = (self.mu - 8 * self.sigma, self.mu + 8 * self.sigma)
        lowest, highest = (round(self.value(z) / self.q) for z in reach)
        for offset in count():
            below, above = centre - offset, centre + offset
            if below < lowest and above > highest:
                return
            if above <= highest:
                yield above * self.q
            if offset and below >= lowest:
                yield below * self.q
