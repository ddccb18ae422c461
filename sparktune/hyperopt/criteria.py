"""What a Gaussian belief about a point promises: expected improvement and a confidence bound.

More is better: improvement is what lies above a threshold. All but the empirical criteria take
numbers or arrays, which are broadcast.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy.special import erfcx, hyperu, ndtr

from .randomness import generator_of

__all__ = ["UCB", "EI_empirical", "EI_gaussian", "EI_gaussian_empirical", "logEI_gaussian"]

_LOG_SQRT_2PI = 0.5 * math.log(2 * math.pi)
_FAR = 20.0  # deviations from which on the difference of two near numbers is known by a function


def EI_empirical(samples: Any, thresh: float) -> Any:  # noqa: N802 (Hyperopt's)
    """The expected improvement over a threshold, as the mean over samples."""
    return np.maximum(np.asarray(samples) - thresh, 0).mean()


def EI_gaussian_empirical(  # noqa: N802
    mean: float, var: float, thresh: float, rng: Any, N: int
) -> Any:
    """The expected improvement of a normal variable over a threshold, from N draws.

    Args:
        mean: of the variable.
        var: its variance.
        thresh: the threshold.
        rng: a Generator, a RandomState, a seed or None.
        N: how many draws.
    """
    return EI_empirical(generator_of(rng).standard_normal(N) * _deviation(var) + mean, thresh)


def EI_gaussian(mean: Any, var: Any, thresh: Any) -> Any:  # noqa: N802
    """The expected improvement of normal variables over thresholds; see ``logEI_gaussian``."""
    return np.exp(logEI_gaussian(mean, var, thresh))


def logEI_gaussian(mean: Any, var: Any, thresh: Any) -> Any:  # noqa: N802
    """The logarithm of the expected improvement of normal variables over thresholds.

    It is exact to some 13 digits wherever a float holds it, also where the improvement itself is
    less than a float holds. Without variance the improvement is that of the mean.

    Raises:
        ValueError: a variance below 0.
    """
    deviation = _deviation(var)
    above = np.asarray(mean, float) - thresh
    with np.errstate(all="ignore"):
        score = above / deviation
        spread = np.log(deviation) + _log_gain(score)
        certain = np.log(np.maximum(above, 0.0))
    return np.where(deviation > 0, spread, certain)[()]


def UCB(mean: Any, var: Any, zscore: Any) -> Any:  # noqa: N802
    """The upper confidence bound of normal variables: so many deviations above the mean."""
    return np.asarray(mean) + _deviation(var) * zscore


def _deviation(var: Any) -> Any:
    if (np.asarray(var) < 0).any():
        raise ValueError(f"a variance must not be below 0, but got {var!r:.200}")
    return np.sqrt(var)


def _log_gain(score: Any) -> Any:
    """The log of the expected improvement of a standard normal variable over minus ``score``."""
    density = -0.5 * score**2 - _LOG_SQRT_2PI
    near = np.log(score * ndtr(score) + np.exp(density))
    # Below 0 that is a small difference. As a multiple of the density it is 1 - z times Mills'
    # ratio of z, or half of Kummer's U(1, 1/2, z**2 / 2).
    z = np.maximum(-score, 0.0)
    below = 1 - z * math.sqrt(math.pi / 2) * erfcx(z / math.sqrt(2))
    multiple = np.where(z < _FAR, below, hyperu(1.0, 0.5, 0.5 * z**2) / 2)
    far = np.where(np.isfinite(density), density + np.log(multiple), density)
    return np.where(score < 0, far, near)
