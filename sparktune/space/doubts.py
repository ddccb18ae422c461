"""Settings of a distribution that are allowed, and that hardly anybody means."""

from __future__ import annotations

import math

import numpy as np

from .distributions import Distribution, Normal, Uniform

__all__ = ["doubt_about"]

_ONE_VALUE = 0.9999  # of the prior
_LARGEST_LOG = 30.0  # exp(30) is 1e13


def doubt_about(distribution: Distribution) -> str | None:
    """What a distribution gives, and what was probably meant; None where nothing is odd."""
    if not isinstance(distribution, (Uniform, Normal)):
        return None
    if distribution.log:
        doubt = (
            _bounds_are_no_logs(distribution.low, distribution.high)
            if isinstance(distribution, Uniform)
            else _moments_are_no_logs(distribution.mu, distribution.sigma)
        )
        if doubt is not None:
            return doubt
    if distribution.q is None:
        return None
    if isinstance(distribution, Uniform):
        return _step_leaves_bounds(distribution, distribution.q)
    with np.errstate(all="ignore"):  # whatever the program has set
        value = distribution.value(distribution.middle)
        if distribution.log_prob(value) < math.log(_ONE_VALUE):
            return None
    return f"q={distribution.q:g} makes {value:g} of nearly every draw: take a smaller q"


def _is_short(value: float) -> bool:
    """Whether a number looks like one that somebody wrote down."""
    return math.isclose(value, float(f"{value:.4g}"), rel_tol=1e-12)


def _are_logs(low: float, high: float) -> bool:
    """Whether two bounds are the logarithms of numbers that somebody wrote down."""
    return _is_short_exp(low) and _is_short_exp(high)


def _is_short_exp(bound: float) -> bool:
    value = math.exp(bound)
    return math.isclose(value, float(f"{value:.6g}"), rel_tol=1e-13 * max(1.0, abs(bound)))


def _bounds_are_no_logs(low: float, high: float) -> str | None:
    below_one = 0 < low < high <= 1 or (0 < low <= 0.1 and _is_short(low))
    if (not below_one and high <= _LARGEST_LOG) or _are_logs(low, high):
        return None
    meant = f"from {low:g} to {high:g} give log({low:g})" if low > 0 else f"up to {high:g} give low"
    return (
        f"the bounds are natural logarithms, so low={low:g} and high={high:g} give values from "
        f"{math.exp(low):.6g} to {math.exp(high):.6g}; for values {meant} and log({high:g})"
    )


def _moments_are_no_logs(mu: float, sigma: float) -> str | None:
    if not (mu > _LARGEST_LOG or (0 < mu <= 0.1 and sigma <= 0.1)) or _is_short_exp(mu):
        return None
    lowest, highest = (math.exp(mu + 2 * side * sigma) for side in (-1, 1))
    return (
        f"mu and sigma are those of the natural logarithm, so mu={mu:g} and sigma={sigma:g} give "
        f"values around {math.exp(mu):.6g}, most of them from {lowest:.6g} to {highest:.6g}; for "
        f"values around {mu:g} give mu=log({mu:g})"
    )


def _step_leaves_bounds(uniform: Uniform, q: float) -> str | None:
    """A step that gives one value, or values beyond the bounds."""
    low, high = (math.exp(z) if uniform.log else z for z in uniform.support)
    first, last = _ends(low, high, q)
    if first >= last:
        return (
            f"q={q:g} leaves one value between low={low:g} and high={high:g}, {first:g}: take a "
            f"smaller q"
        )
    slack = 1e-9 * max(abs(low), abs(high))
    below, above = low - first > slack, first < last and last - high > slack
    if uniform.log:  # bounds such as e**4 are no numbers that somebody wants to be held
        below, above = below and _is_short_exp(uniform.low), above and _is_short_exp(uniform.high)
    if not below and not above:
        return None
    inside = math.ceil(low / q - 1e-9) * q, math.floor(high / q + 1e-9) * q
    if uniform.log:
        example = f"low=log({inside[0] or q:g}) and high=log({inside[1]:g})"
    else:
        example = f"low={inside[0]:g} and high={inside[1]:g}"
    return (
        f"values are round(x / q) * q, so low={low:g}, high={high:g} and q={q:g} give values from "
        f"{first:g} to {last:g}, beyond these bounds; bounds that are multiples of q hold, such as "
        f"{example}" + ("" if inside[0] < inside[1] else ", or a smaller q")
    )


def _ends(low: float, high: float, q: float) -> tuple[float, float]:
    """The outermost multiples of q that are drawn with positive probability."""
    first, last = float(round(low / q)), float(round(high / q))
    tiny = 1e-9 * max(1.0, abs(low / q), abs(high / q))
    if first + 0.5 - low / q <= tiny:
        first += 1
    if high / q - (last - 0.5) <= tiny:
        last -= 1
    return first * q + 0.0, last * q + 0.0
