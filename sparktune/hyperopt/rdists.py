"""The distributions of hyperparameters as those of ``scipy.stats``: densities, masses and draws.

The continuous ones are scipy's own with other parameters. Those on multiples of q have ``pmf``,
``logpmf`` and ``rvs`` only; where q is an int, draws are ints.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from functools import cached_property
from typing import Any

import numpy as np
from scipy import stats

from ..space.distributions import Normal, Uniform, log_ndtr_difference
from .randomness import generator_of

__all__ = [
    "lognorm_gen", "loguniform_gen", "qlognormal_gen", "qloguniform_gen", "qnormal_gen",
    "quniform_gen",
]  # fmt: skip

_LOG_SQRT_2PI = 0.5 * math.log(2 * math.pi)


class _Known(stats.rv_continuous):  # type: ignore[misc]  # scipy has no types
    """A distribution of scipy whose shape is set when it is made, not in each call.

    Args:
        known: the distribution, frozen.
        **made_with: the arguments of the class that is made.
    """

    def __init__(self, known: Any, **made_with: float) -> None:
        lowest, highest = known.support()
        super().__init__(a=lowest, b=highest, name=type(self).__name__)
        self._known, self._made_with = known, made_with

    def _updated_ctor_param(self) -> dict[str, float]:
        return self._made_with  # scipy freezes by making the same anew

    def _pdf(self, x: Any) -> Any:
        return self._known.pdf(x)

    def _logpdf(self, x: Any) -> Any:
        return self._known.logpdf(x)

    def _cdf(self, x: Any) -> Any:
        return self._known.cdf(x)

    def _logcdf(self, x: Any) -> Any:
        return self._known.logcdf(x)

    def _sf(self, x: Any) -> Any:
        return self._known.sf(x)

    def _logsf(self, x: Any) -> Any:
        return self._known.logsf(x)

    def _ppf(self, q: Any) -> Any:
        return self._known.ppf(q)

    def _isf(self, q: Any) -> Any:
        return self._known.isf(q)

    def _stats(self) -> Any:
        return self._known.stats(moments="mvsk")

    def _entropy(self) -> Any:
        return self._known.entropy()

    def _rvs(self, size: Any = None, random_state: Any = None) -> Any:
        return self._known.rvs(size=size, random_state=random_state)


class loguniform_gen(_Known):  # noqa: N801 (Hyperopt's)
    """exp(X), where X is uniform between ``low`` and ``high``."""

    def __init__(self, low: float = 0, high: float = 1) -> None:
        super().__init__(stats.loguniform(np.exp(low), np.exp(high)), low=low, high=high)


class lognorm_gen(_Known):  # noqa: N801
    """exp(X), where X is normal with mean ``mu`` and standard deviation ``sigma``."""

    def __init__(self, mu: float, sigma: float) -> None:
        super().__init__(stats.lognorm(sigma, scale=np.exp(mu)), mu=mu, sigma=sigma)
        self.mu_, self.s_ = mu, sigma


class _OnMultiples(ABC):
    """A variable that is rounded to multiples of q."""

    q: float

    @abstractmethod
    def _log_mass(self, values: Any) -> Any:
        """The log probability of multiples of q."""

    @abstractmethod
    def _drawn(self, source: Any, size: Any) -> Any:
        """Draws, before rounding."""

    def in_domain(self, x: Any) -> Any:
        """Whether numbers are multiples of q, to within rounding."""
        x = np.asarray(x, float)
        with np.errstate(invalid="ignore"):
            off = np.abs(x - np.round(x / self.q) * self.q)
            found = off <= 1e-8 * self.q + 1e-14 * np.abs(x)
        return found[()]

    def pmf(self, x: Any) -> Any:
        """The probability of numbers; 0 of those that are no multiples of q."""
        return np.exp(self.logpmf(x))

    def logpmf(self, x: Any) -> Any:
        """The logarithm of the probability of numbers."""
        x = np.asarray(x, float)
        out = np.full(x.shape, -np.inf)
        possible = np.asarray(self.in_domain(x))
        with np.errstate(divide="ignore"):
            masses = self._log_mass(np.round(x[possible] / self.q) * self.q)
        out[possible] = np.minimum(masses, 0.0)
        return out if out.ndim else float(out)

    def rvs(self, size: Any = (), random_state: Any = None) -> Any:
        """Draws.

        Args:
            size: the shape of the array; () for a number.
            random_state: a Generator, a RandomState or a seed; None for numpy's global one, which
                ``numpy.random.seed`` seeds.
        """
        source = np.random if random_state is None else generator_of(random_state)
        return _multiples(self._drawn(source, size), self.q)


class quniform_gen(_OnMultiples):  # noqa: N801
    """``q * round(X / q)``, where X is uniform between ``low`` and ``high``.

    Attributes:
        qlow, qhigh: the lowest and the highest value.
        xs, ps: all values, and their probabilities.

    Raises:
        ValueError: bounds or a step that ``hp`` would refuse too.
    """

    _log = False

    def __init__(self, low: float, high: float, q: float) -> None:
        Uniform(low, high, self._log, q)
        self.low, self.high, self.q = float(low), float(high), q
        ends = (self.low, self.high)
        self._ends = (math.exp(ends[0]), math.exp(ends[1])) if self._log else ends
        self.qlow, self.qhigh = (_multiples(end, q) for end in self._ends)

    @cached_property
    def xs(self) -> Any:
        """All values."""
        first, last = np.round(np.array([self.qlow, self.qhigh]) / self.q)
        return _multiples(np.arange(first, last + 1) * self.q, self.q)

    @cached_property
    def ps(self) -> Any:
        """The probabilities of ``xs``."""
        return self.pmf(self.xs)

    def _cells(self, values: Any) -> tuple[Any, Any]:
        """Where what is rounded to values begins, and how much it is."""
        begin = np.maximum(values - self.q / 2, self._ends[0])
        return begin, np.maximum(np.minimum(values + self.q / 2, self._ends[1]) - begin, 0.0)

    def _log_mass(self, values: Any) -> Any:
        return np.log(self._cells(values)[1] / (self.high - self.low))

    def _drawn(self, source: Any, size: Any) -> Any:
        return source.uniform(self.low, self.high, size)


class qloguniform_gen(quniform_gen):  # noqa: N801
    """``q * round(exp(X) / q)``, where X is uniform between ``low`` and ``high``.

    Attributes and errors are those of ``quniform_gen``.
    """

    _log = True

    def _log_mass(self, values: Any) -> Any:
        begin, width = self._cells(values)
        return np.log(np.log1p(width / begin) / (self.high - self.low))

    def _drawn(self, source: Any, size: Any) -> Any:
        return np.exp(super()._drawn(source, size))


class qnormal_gen(_OnMultiples):  # noqa: N801
    """``q * round(X / q)``, where X is normal with mean ``mu`` and standard deviation ``sigma``.

    Raises:
        ValueError: parameters that ``hp`` would refuse too.
    """

    _log = False

    def __init__(self, mu: float, sigma: float, q: float) -> None:
        Normal(mu, sigma, self._log, q)
        self.mu, self.sigma, self.q = float(mu), float(sigma), q

    def _log_mass(self, values: Any) -> Any:
        begin, end = values - self.q / 2, values + self.q / 2
        width = np.full_like(begin, self.q / self.sigma)
        return _log_normal_mass((begin - self.mu) / self.sigma, (end - self.mu) / self.sigma, width)

    def _drawn(self, source: Any, size: Any) -> Any:
        return source.normal(self.mu, self.sigma, size)


class qlognormal_gen(qnormal_gen):  # noqa: N801
    """``q * round(exp(X) / q)``, where X is normal with ``mu`` and ``sigma``.

    Errors are those of ``qnormal_gen``.
    """

    _log = True

    def in_domain(self, x: Any) -> Any:
        """Whether numbers are multiples of q, to within rounding, and none below 0."""
        return super().in_domain(x) & (np.round(np.asarray(x, float) / self.q) >= 0)

    def _log_mass(self, values: Any) -> Any:
        begin, end = np.maximum(values - self.q / 2, 0.0), values + self.q / 2
        width = np.log1p(self.q / begin) / self.sigma
        begin, end = ((np.log(each) - self.mu) / self.sigma for each in (begin, end))
        return _log_normal_mass(begin, end, width)

    def _drawn(self, source: Any, size: Any) -> Any:
        return np.exp(super()._drawn(source, size))


def _log_normal_mass(begin: Any, end: Any, width: Any) -> Any:
    """The log probability that a standard normal variable is between two numbers.

    ``width`` is their difference, which may be known better than they are.
    """
    with np.errstate(invalid="ignore", over="ignore"):
        middle = begin + width / 2
        is_narrow = width * (1 + np.abs(middle)) < 1e-3
        density = -0.5 * middle**2 - _LOG_SQRT_2PI
        bent = np.log1p((middle**2 - 1) * width**2 / 24)  # all else is below what a float shows
    narrow = density + np.log(width) + bent
    return np.where(is_narrow, narrow, log_ndtr_difference(begin, end))


def _multiples(values: Any, q: float) -> Any:
    """Numbers rounded to multiples of q, which are ints where q is one."""
    found = np.round(np.asarray(values) / q) * q + 0.0  # no -0.0
    if isinstance(q, (int, np.integer)) and (np.abs(found) < 2**63).all():
        found = found.astype(np.int64)
    return found if found.ndim else found.item()
