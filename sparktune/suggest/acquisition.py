"""Acquisition functions: what a candidate is worth, by the surrogate's mean and deviation there.

All are for minimisation, the higher the better, and are averages over what the pending trials may
turn out to be (Snoek et al., 2012, "Practical Bayesian optimization of machine learning
algorithms", section 3.2): each of S fantasies has its own means and its own target.

Notation
    m       candidates
    S       fantasies of the pending trials, 1 where none is pending
    mean    (S, m) of the surrogate at the candidates
    std     (m,) of the surrogate there, the same for all fantasies; above 0
    target  (S,) loss to get below; with S = 1 also (T,) losses, over which is averaged
    z       (target - mean) / std
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.special import erfcx, log_ndtr

from ..space.distributions import Array

__all__ = [
    "ACQUISITIONS", "Acquisition", "Slopes", "bound", "ei", "lcb", "log_h", "mes", "minima", "pi",
]  # fmt: skip

_LOG_SQRT_2PI = 0.5 * math.log(2 * math.pi)
_FAR = -1e4  # z below which all are the same
_SERIES = -100.0  # z below which the series of Mills' ratio is exact
CONFIDENCE = 1.8  # deviations of the bound
WIDE = 4.0  # and of that which explores
LEAST_IMPROVEMENT = 0.01  # that `pi` asks for, in deviations of the losses


class Slopes(NamedTuple):
    """A value of each candidate with its derivatives."""

    value: Array  # (m,)
    by_mean: Array  # (S, m) derivatives by each fantasy's mean
    by_std: Array  # (m,) derivatives by the deviation


Function = Callable[[Array, Array, Array], Slopes]  # of mean, std, target


@dataclass(frozen=True)
class Acquisition:
    """An acquisition function, and what it takes for its target."""

    function: Function
    of_minima: bool = False  # whether targets are draws of the minimum, not the lowest loss so far

    def __call__(self, mean: Array, std: Array, target: Array) -> Slopes:
        """Values of the function, with their derivatives."""
        return self.function(mean, std, target)


def log_h(z: Array) -> Array:
    """Log of phi(z) + z Phi(z), the expected improvement in deviations, right in both tails.

    Ament et al. (2023), "Unexpected improvements to expected improvement for Bayesian
    optimization", appendix A.
    """
    low = np.minimum(z, -1.0)
    with np.errstate(divide="ignore"):
        tail = np.log1p(low * math.sqrt(math.pi / 2) * erfcx(-low / math.sqrt(2)))
    w = 1 / low**2
    tail = np.where(low < _SERIES, np.log(w) + np.log1p(-3 * w + 15 * w**2), tail)
    lower = -0.5 * low**2 - _LOG_SQRT_2PI + tail
    high = np.maximum(z, -1.0)
    cdf = np.exp(log_ndtr(high))
    upper = np.log(np.exp(-0.5 * high**2 - _LOG_SQRT_2PI) + high * cdf)
    return np.where(z < -1.0, lower, upper)


def ei(mean: Array, std: Array, target: Array) -> Slopes:
    """Log of the expected improvement on the target; Ament et al. (2023), equation 5."""
    z = np.maximum((target[:, None] - mean) / std, _FAR)
    h = log_h(z)
    value, share = _log_mean(h)
    by_z = share * np.exp(log_ndtr(z) - h)
    return Slopes(value + np.log(std), *_through(z, std, by_z, mean, extra=1 / std))


def pi(mean: Array, std: Array, target: Array) -> Slopes:
    """Log of the probability to get below the target by a hundredth of the losses' deviation."""
    z = np.maximum((target[:, None] - LEAST_IMPROVEMENT - mean) / std, _FAR)
    p = log_ndtr(z)
    value, share = _log_mean(p)
    by_z = share * np.exp(-0.5 * z**2 - _LOG_SQRT_2PI - p)
    return Slopes(value, *_through(z, std, by_z, mean))


def bound(factor: float) -> Function:
    """Minus the lower confidence bound, which is ``factor`` deviations below the mean.

    Over pending trials the mean is averaged, and the deviation is what it will be when they have
    ended: Desautels et al. (2014), "Parallelizing exploration-exploitation tradeoffs".
    """

    def below(mean: Array, std: Array, target: Array) -> Slopes:  # noqa: ARG001
        share = np.full(mean.shape, -1 / len(mean))
        return Slopes(factor * std - mean.mean(0), share, np.full(len(std), factor))

    return below


lcb = bound(CONFIDENCE)


def mes(mean: Array, std: Array, target: Array) -> Slopes:
    """Information that a trial gives on the minimum: the mean fall of the minimum's entropy.

    Wang and Jegelka (2017), "Max-value entropy search for efficient Bayesian optimization",
    equation 6, for minima. Targets are draws of the minimum.
    """
    g = np.maximum(-(target[:, None] - mean) / std, _FAR)
    log_cdf = log_ndtr(g)
    hazard = np.exp(-0.5 * g**2 - _LOG_SQRT_2PI - log_cdf)
    value = (g * hazard / 2 - log_cdf).mean(0)
    by_g = (hazard - g * hazard * (g + hazard)) / 2 - hazard
    return Slopes(value, *_through(-g, std, -by_g / len(g), mean))


def minima(mean: Array, std: Array, u: Array) -> Array:
    """Draw the minimum over many candidates, by a Gumbel law through two of its quantiles.

    Candidates count as independent: Wang and Jegelka (2017), section 3.1. There is a draw for each
    of (S, t) uniform numbers ``u`` between 0 and 1.
    """
    low, high = (mean - 6 * std).min(1), (mean + 6 * std).min(1)
    wanted = np.log([0.25, 0.75])  # log of the probability that the minimum is above
    found = []
    for each in wanted:
        lo, hi = low, high
        for _ in range(30):
            middle = (lo + hi) / 2
            above = log_ndtr((mean - middle[:, None]) / std).sum(1) > each
            lo, hi = np.where(above, middle, lo), np.where(above, hi, middle)
        found.append((lo + hi) / 2)
    # of -minimum, Gumbel: Phi(q) = exp(-exp(-(q - a) / b))
    quarter, three = -found[0], -found[1]
    b = np.maximum((three - quarter) / (math.log(-wanted[0]) - math.log(-wanted[1])), 1e-9)
    a = quarter + b * math.log(-wanted[0])
    drawn: Array = b[:, None] * np.log(-np.log(u)) - a[:, None]
    return drawn


_EI, _PI, _LCB = (Acquisition(each) for each in (ei, pi, lcb))
_EXPLORING = Acquisition(bound(WIDE))

ACQUISITIONS = {  # those that candidates take one after the other
    "mix": (_EI, _EXPLORING, _EI, _PI, _EI, _LCB),
    "ei": (_EI,),
    "pi": (_PI,),
    "lcb": (_LCB,),
    "mes": (Acquisition(mes, of_minima=True),),
}


def _log_mean(a: Array) -> tuple[Array, Array]:
    """Log of the mean of exp(a) over the first axis, and its derivatives by ``a``."""
    if len(a) == 1:
        return a[0], np.ones_like(a)
    top = a.max(0)
    share = np.exp(a - top)
    total = share.sum(0)
    share /= total
    return top + np.log(total / len(a)), share


def _through(
    z: Array, std: Array, by_z: Array, mean: Array, extra: Array | float = 0.0
) -> tuple[Array, Array]:
    """Derivatives by mean and by std of a function of z = (target - mean) / std."""
    by_mean = -by_z / std
    if len(mean) < len(by_mean):
        by_mean = by_mean.sum(0, keepdims=True)
    return by_mean, -(by_z * z).sum(0) / std + extra
