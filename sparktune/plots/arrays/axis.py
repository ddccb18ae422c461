"""How the values of a label, and losses, stand on an axis.

Whatever was tried can be drawn: a number further out than an axis of matplotlib carries stands at
its end.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ...space.discrete import Categorical, Integers
from ...space.distributions import Array, Distribution, Normal, Uniform
from ...space.nodes import Choice, Param
from ...space.texts import option_names

__all__ = ["Axis", "axis_of", "axis_of_numbers", "window"]

_FAR = 1e100  # of a linear axis
_DEEP, _HIGH = 1e-300, 1e300  # of a logarithmic one
_NAMED = 200  # options of a choice that have names; more are numbers
_MIDDLE = 0.005  # probability of an unbounded prior beyond each end
_OUTLYING = 5.0  # times the range of nine tenths of the losses, from which on others are cut off
_ENOUGH = 10  # losses


@dataclass(frozen=True)
class Axis:
    """The axis of one label.

    Attributes:
        label: the label, or what else stands there.
        scale: "linear", "log", "symlog" (logarithmic, with a linear part that holds 0) or
            "options".
        low, high: its ends, ``low <= high``: the bounds, and beyond them what was tried; of an
            unbounded label the middle 99 % of its prior, and what was tried. Of n options -0.5
            and n - 0.5.
        options: names of the options by index; else empty.
        whole: whether the values are whole numbers.
        threshold: of "symlog", up to which it is linear.
    """

    label: str
    scale: str
    low: float
    high: float
    options: tuple[str, ...] = ()
    whole: bool = False
    threshold: float = 0.0

    def clip(self, values: Array) -> Array:
        """Values, those beyond its ends at the ends."""
        inside: Array = np.clip(values, self.low, self.high)
        return inside

    def place(self, values: Array) -> Array:
        """Where values are, from 0 at its lower end to 1; nan stays nan."""
        low, high = self._even(np.array([self.low, self.high])).tolist()
        if not high > low:
            return np.where(np.isnan(values), np.nan, 0.5)
        places: Array = np.clip((self._even(values) - low) / (high - low), 0.0, 1.0)
        return places

    def at(self, places: Array) -> Array:
        """Values at places from 0 to 1."""
        low, high = self._even(np.array([self.low, self.high])).tolist()
        even = low + np.asarray(places) * (high - low)
        if self.scale == "log":
            return self.clip(np.exp(even))
        if self.scale == "symlog":
            return self.clip(np.sign(even) * self.threshold * np.expm1(np.abs(even)))
        return self.clip(even)

    def grid(self, count: int) -> Array:
        """Values that are evenly spaced on it: each option, or about ``count`` numbers."""
        if self.scale == "options":
            return np.arange(len(self.options), dtype=float)
        if not self.high > self.low:
            return np.array([self.low])
        if self.whole and self.high - self.low < count:
            return np.arange(math.ceil(self.low), math.floor(self.high) + 1.0)
        return self.at(np.linspace(0.0, 1.0, count))

    def _even(self, values: Array) -> Array:
        if self.scale == "log":
            return np.log(np.clip(values, _DEEP, _HIGH))
        if self.scale == "symlog":
            size = np.abs(np.clip(values, -_HIGH, _HIGH))
            return np.sign(values) * np.log1p(size / self.threshold)
        return np.clip(values, -_FAR, _FAR)


def axis_of(param: Param, values: Array) -> Axis:
    """The axis of a hyperparameter.

    Args:
        param: the hyperparameter.
        values: that were tried, nan where it is inactive.
    """
    distribution = param.distribution
    if isinstance(distribution, Categorical):
        count = len(distribution.p)
        if count <= _NAMED:
            options = param.options if isinstance(param, Choice) else range(count)
            names = option_names(options)
            return Axis(param.label, "options", -0.5, count - 0.5, names, whole=True)
        return Axis(param.label, "linear", 0.0, count - 1.0, whole=True)
    low, high = _ends(distribution, values[~np.isnan(values)])
    if not distribution.log:
        q = distribution.q
        whole = distribution.discrete and (q is None or q.is_integer())
        return Axis(param.label, "linear", max(low, -_FAR), min(high, _FAR), whole=whole)
    if low > 0:
        return Axis(param.label, "log", max(low, _DEEP), min(high, _HIGH))
    threshold = distribution.q or max(high * 1e-6, 1e-6)
    return Axis(param.label, "symlog", low, min(high, _HIGH), threshold=threshold)


def _ends(distribution: Distribution, values: Array) -> tuple[float, float]:
    low, high = math.inf, -math.inf
    if isinstance(distribution, Integers):
        low, high = float(distribution.low), float(distribution.high)
    elif isinstance(distribution, Uniform):
        low, high = (distribution.value(z) for z in distribution.support)
    elif isinstance(distribution, Normal):
        ends = distribution.quantile(np.array([_MIDDLE, 1 - _MIDDLE])).tolist()
        low, high = (distribution.value(z) for z in ends)
    if len(values):
        low, high = min(low, float(values.min())), max(high, float(values.max()))
    return low, high


def axis_of_numbers(name: str, values: Array) -> Axis:
    """The axis of numbers of which nothing is known but what they are; see ``window``."""
    low, high = window(values)
    return Axis(name, "linear", low, high)


def window(losses: Array) -> tuple[float, float]:
    """The range of losses that a picture shows: (lowest, highest); 0 and 1 without any.

    It begins at the lowest. Where a few are so far above all others that these would be one line,
    it ends above nine tenths of them. Infinite losses are beyond it, and nan is left out.
    """
    finite = losses[np.isfinite(losses)]
    if not len(finite):
        return 0.0, 1.0
    finite = np.clip(finite, -_FAR, _FAR)
    low, high = float(finite.min()), float(finite.max())
    usual = float(np.quantile(finite, 0.9))
    if len(finite) >= _ENOUGH and usual > low and high - low > _OUTLYING * (usual - low):
        within = finite[finite <= low + 2 * (usual - low)]
        return low, float(within.max())
    return low, high
