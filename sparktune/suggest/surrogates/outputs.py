"""Losses made fit for surrogates: of mean 0 and deviation 1, without a long tail."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ...space.distributions import Array

__all__ = ["Warped", "in_units", "power", "standardised"]

_EXPONENTS = np.linspace(-3.0, 3.0, 61)
_HUGE = 1e100  # losses beyond which squares would overflow; of its inverse they would vanish
_FAR = 1e6  # deviations
_LEAST = math.ulp(0.0)  # above 0, as the deviation of two losses is that differ by it
_STEEPEST = 1e300
_ENOUGH = 1000  # values by which an exponent is chosen


def standardised(y: Array) -> tuple[Array, float]:
    """Losses less their mean, over their deviation, and that deviation: 0 and inf if all are equal.

    Infinite losses count as the worst or the best of the others.
    """
    finite = y[np.isfinite(y)]
    low, high = (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 0.0)
    y = np.clip(y, low, high)
    largest = max(abs(low), abs(high))
    unit = largest if largest > 0 and not 1 / _HUGE < largest < _HUGE else 1.0
    y = y / unit
    sd = float(y.std())
    if not sd > 1e-12 * float(np.abs(y).max()):
        return np.zeros(len(y)), math.inf
    return np.clip((y - y.mean()) / sd, -_FAR, _FAR), max(sd * unit, _LEAST)


def in_units(variance: Array, slope: Array | float) -> Array:
    """Variances of losses as variances of what is ``slope`` times as steep, of 1e12 at most."""
    with np.errstate(over="ignore"):
        found: Array = np.minimum(np.sqrt(variance) * np.minimum(slope, _STEEPEST), _FAR) ** 2
    return found


def power(z: Array) -> tuple[Array, Array]:
    """Apply the Yeo-Johnson transform that makes standardised values most like normal ones.

    Yeo and Johnson (2000), "A new family of power transformations to improve normality or
    symmetry", equation 2.1; the exponent is the likeliest of a grid from -3 to 3, where values are
    many by a thousand or two of them, spread by rank. Returns (n,) transformed values, standardised
    again, and (n,) logarithms of the derivative at each.
    """
    some = z if len(z) <= _ENOUGH else np.sort(z)[:: len(z) // _ENOUGH]
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        sd = _powers(some, _EXPONENTS[:, None]).std(1)
        log_slopes = float((np.sign(some) * np.log1p(np.abs(some))).sum())
        likelihood = (_EXPONENTS - 1) * log_slopes - len(some) * np.log(sd)
    best = int(np.argmax(np.where(np.isfinite(likelihood), likelihood, -np.inf)))
    if not np.isfinite(likelihood[best]):
        return z, np.zeros(len(z))
    exponent = float(_EXPONENTS[best])
    t = _powers(z, exponent)
    sd = t.std()
    log_slope: Array = (exponent - 1) * np.sign(z) * np.log1p(np.abs(z)) - np.log(sd)
    return (t - t.mean()) / sd, log_slope


def _powers(z: Array, exponents: Array | float) -> Array:
    """The transform of (n,) values with one exponent or with each of (e, 1)."""
    up, size = z >= 0, np.log1p(np.abs(z))
    own = np.where(up, exponents, 2 - np.asarray(exponents))
    flat = np.abs(own) < 1e-9
    t = np.where(flat, size, np.expm1(own * size) / np.where(flat, 1, own))
    found: Array = np.where(up, t, -t)
    return found


@dataclass(frozen=True)
class Warped:
    """Losses that were standardised and made most like normal ones, with the way back.

    Attributes:
        values: (n,) warped losses.
        slope: (n,) derivative of the warped loss by the loss, at each; 0 where all are the same.
    """

    y: Array
    values: Array
    slope: Array

    @classmethod
    def of(cls, y: Array) -> Warped:
        """Warp (n,) losses."""
        z, scale = standardised(y)
        t, log_slope = power(z)
        with np.errstate(over="ignore"):
            return cls(y, t, np.minimum(np.exp(log_slope) / scale, _STEEPEST))

    def variance(self, stated: Array) -> Array:
        """(n,) stated variances of the losses as those of the warped ones."""
        return in_units(stated, self.slope)

    def back(self, t: Array) -> Array:
        """Losses that warped ones stand for: through those seen, and on along the end's slope."""
        finite = np.isfinite(self.y)
        order = np.argsort(self.y[finite], kind="stable")
        y, seen, slope = (each[finite][order] for each in (self.y, self.values, self.slope))
        if not len(y) or not slope[0] > 0:
            return np.full(len(t), float(y[0]) if len(y) else 0.0)
        below, above = np.minimum(t - seen[0], 0.0), np.maximum(t - seen[-1], 0.0)
        with np.errstate(over="ignore"):
            found: Array = np.interp(t, seen, y) + below / slope[0] + above / slope[-1]
        return found
