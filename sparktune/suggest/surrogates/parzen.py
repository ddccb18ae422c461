"""Parzen mixtures over a tree of hyperparameters: the densities l(x) and g(x) of TPE.

A mixture is over whole candidates x with labels j:

    p(x) = prior(x) [ w_0 + sum_i w_i prod_j r_ij(x_j) ],   r_ij = k_ij / prior_j,   w_0 + sum w = 1

with j over the labels that are active in x. A label that was inactive in observation i has r_ij = 1
there, so every kernel is a density over every path of the tree; a choice is a factor like any
other. Sampling follows the same factors from root to leaf and is therefore exact.

Notation
    n       observations that the mixture is fitted to, one kernel each
    d       labels of the space: p numeric and c categorical ones
    m       candidates
    units   a numeric label's latents, moved and scaled: see Axes
    sigma   (p,) bandwidth of each numeric label, in units, the same for all kernels
    leave   (c,) probability that a kernel draws a category anew instead of keeping its own

Kernels, with u the observation's value in units:
    uniform labels        normal at u of deviation sigma, truncated to 0 .. 1
    normal labels         that normal times the prior: no tail is heavier than the prior's
    whole and quantised   the mass that one of the above gives to the cell of a value
    categories            leave p_c + (1 - leave) 1[own]
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from ...space.distributions import Array, log_ndtr_difference
from ...space.tree import Space
from ..axes import Axes

__all__ = ["Bandwidths", "Parzen"]

_SQRT_2PI = math.sqrt(2 * math.pi)
_UNDERFLOW = -700.0  # the exponential of much less is 0
_PRIOR_SD = 0.25  # of a normal label, in units
_BLOCK = 1 << 18  # candidates times kernels whose densities are in memory at a time
_FAR = 1e6  # bandwidths beyond which all distances are the same
_LEAST, _WIDEST = 0.005, 2.0  # bandwidths in units; beyond the latter a kernel is as good as flat
_LEAST_LEAVE = 0.1  # probability of drawing a category anew
_FIRST = 0.25  # bandwidth in units from which the iteration starts
_ITERATIONS = 6


@dataclass(frozen=True)
class Bandwidths:
    """What all kernels of a mixture share."""

    sigma: Array  # (p,) bandwidths of the numeric labels, in units
    leave: Array  # (c,) probabilities of drawing a category anew

    @classmethod
    def assumed(cls, space: Space, sigma: float, leave: float) -> Bandwidths:
        """Bandwidths that are the same for all labels of a kind."""
        axes = Axes.of(space)
        return cls(np.full(len(axes.numeric), sigma), np.full(len(axes.categorical), leave))

    def times(self, factor: float) -> Bandwidths:
        """These bandwidths times a factor, within their limits."""
        sigma = np.clip(self.sigma * factor, _LEAST, _WIDEST)
        return Bandwidths(sigma, np.minimum(self.leave * factor, 1.0))

    @classmethod
    def likeliest(
        cls,
        space: Space,
        X: Array,
        weights: Array,
        prior_weight: float,
        assumed: Bandwidths,
        assumed_weight: float,
    ) -> Bandwidths:
        """Find bandwidths under which each observation is likely, given the others.

        A fixed number of steps of expectation maximisation of the leave-one-out likelihood (Duin,
        1976): an observation is attributed to the kernels of the others and to the prior, and a
        bandwidth becomes the mean distance to those it is attributed to. A label that does not
        matter has its good observations far apart and gets a wide bandwidth; one that matters gets
        a narrow one. The mean squared distance v becomes sigma² = v / (1 - a v), where 1 / a is
        its value under the prior: right to a few percent for a truncated kernel and centres
        spread evenly.

        Costs O(n² d), for n of at most a few dozen.

        Args:
            space: the space of the observations.
            X: (n, d) latents, nan where a label is inactive.
            weights: (n,) weights of the observations, not negative.
            prior_weight: weight of the prior relative to the mean observation.
            assumed: bandwidths without observations. Categories that every kernel draws anew (1)
                stay so: the mixture is then one given them.
            assumed_weight: weight of that assumption, in observations (categories: 1).
        """
        n = len(X)
        if n < 2:
            return assumed
        # labels that have observations, and are not given
        observed: NDArray[np.bool_] = np.logical_or.reduce(~np.isnan(X), axis=0)
        full = Axes.of(space)
        numeric = np.flatnonzero(observed[full.numeric])
        categorical = np.flatnonzero(observed[full.categorical] & (assumed.leave < 1))
        axes = full.part(numeric, categorical)
        s, leave = assumed.sigma[numeric], assumed.leave[categorical]
        sigma, leave_assumed = np.full(len(numeric), _FIRST), leave
        w = weights / weights.mean() if weights.mean() > 0 else np.ones(n)
        U, codes = axes.units(X), X[:, axes.categorical]
        near, known = ~np.isnan(U), ~np.isnan(codes)
        U = np.where(near, U, 0.5)
        # of each pair (a, b), for each numeric label: whether both have it, and (u_a - u_b)²
        p, c = len(sigma), len(leave)
        both = (near.T[:, :, None] & near.T[:, None, :]).reshape(p, n * n).astype(float)
        D2 = (U.T[:, :, None] - U.T[:, None, :]).reshape(p, n * n) ** 2
        for at in axes.quantised.tolist():  # values are anywhere in their cells
            lo, hi = axes.cells(at, U[:, at])
            width = np.minimum(hi - lo, 1.0) ** 2 / 12
            D2[at] += (width[:, None] + width).ravel()
        D2 *= both
        # and for each categorical label: whether both have it, and the same; p_c of a's category
        pairs = (known.T[:, :, None] & known.T[:, None, :]).reshape(c, n * n).astype(float)
        same = (codes.T[:, :, None] == codes.T[:, None, :]).astype(float)
        share = np.ones((c, n))
        for at, options in enumerate(axes.options):
            share[at] = options[np.where(known[:, at], codes[:, at], 0).astype(np.intp)]
        apart = ~np.eye(n, dtype=bool)
        nearness, normal = near.astype(float), axes.normal[:, None]
        inverse = np.where(axes.normal, 8.0, 6.0)  # a of docs/tpe.md
        for _ in range(_ITERATIONS):
            # log r_ab = log of kernel b over the prior at a: numeric labels, then categories
            peak = _log_peak(U.T, sigma[:, None], axes)
            far = ((U.T - 0.5) / sigma[:, None]) ** 2
            peak += 0.5 * far * (1 - _shrink(sigma[:, None], normal))
            log_r = nearness @ (nearness.T * peak)
            log_r -= ((0.5 / sigma**2) @ D2).reshape(n, n)
            log_r += (np.log(leave) @ pairs).reshape(n, n)
            kept = 1 + (1 / leave[:, None] - 1) / share  # what b's category being a's adds
            log_r += (same * np.log(kept)[:, :, None]).sum(0)
            # E step: R_ab, the share of a that kernel b explains, times a's weight
            R = np.exp(np.minimum(log_r, 50.0)) * w * apart
            R *= (w / (prior_weight + R.sum(1)))[:, None]
            by_own = ((same * R).sum(2) * (1 - 1 / kept)).sum(1)
            R = R.ravel()
            # M step: v_j and sigma_j, then lambda_j from what was not kept
            v = (D2 @ R + assumed_weight * s**2) / (both @ R + assumed_weight)
            sigma = np.clip(np.sqrt(v / np.maximum(1 - inverse * v, 1e-6)), _LEAST, _WIDEST)
            total = pairs @ R
            leave = np.maximum((total - by_own + leave_assumed) / (total + 1.0), _LEAST_LEAVE)
        found = cls(assumed.sigma.copy(), assumed.leave.copy())
        found.sigma[numeric], found.leave[categorical] = sigma, leave
        return found


@dataclass(frozen=True)
class Parzen:
    """A fitted mixture; see the module for the notation.

    Sampling costs O(m d), log_prob O(m n d), both in bounded memory.
    """

    space: Space
    units: Array  # (n, p) centres of the kernels of numeric labels, nan where inactive
    codes: Array  # (n, c) the kernels' categories, nan where inactive
    w: Array  # (n,) weights of the kernels
    w_prior: float  # weight of the prior; with w it sums to 1
    bandwidths: Bandwidths

    @classmethod
    def fit(
        cls, space: Space, X: Array, weights: Array, prior_weight: float, bandwidths: Bandwidths
    ) -> Parzen:
        """Put a kernel at each of (n, d) observations X, which are nan where a label is inactive.

        Their (n,) weights are not negative, and count as 1 where all are 0. ``prior_weight``, above
        0, is the prior's weight relative to the mean of these.
        """
        axes = Axes.of(space)
        n = len(X)
        if not weights.sum() > 0:
            weights = np.ones(n)
        prior = prior_weight * float(weights.mean()) if n else 1.0
        total = prior + weights.sum()
        units = axes.units(X)
        return cls(space, units, X[:, axes.categorical], weights / total, prior / total, bandwidths)

    def sample(self, rng: Generator, m: int, given: Mapping[int, float] | None = None) -> Array:
        """Draw m candidates: (m, d) latents, nan where a label is inactive.

        ``given`` has options by column, which all candidates take where the choice is active.
        """
        X = np.empty((m, len(self.space)))
        kernel = np.searchsorted(np.cumsum(self.w), rng.random(m), side="right")
        of_prior = kernel >= len(self.w)
        kernel = np.minimum(kernel, len(self.w) - 1)  # of the prior's: never looked at
        axes = Axes.of(self.space)
        u = np.clip(rng.random((m, len(axes.numeric))), 1e-16, 1 - 1e-16)
        stay = rng.random((m, len(axes.categorical))) >= self.bandwidths.leave
        anew = rng.random((m, len(axes.categorical)))
        units = np.where(axes.normal, 0.5 + _PRIOR_SD * ndtri(u), u)  # quantiles of the prior
        if len(self.w):
            centre, sigma = self.units[kernel], self.bandwidths.sigma
            near = ~(np.isnan(centre) | of_prior[:, None])
            centre, sigma = _times_prior(np.where(near, centre, 0.5), sigma, axes.normal)
            lo, hi = ndtr((axes.low - centre) / sigma), ndtr((axes.high - centre) / sigma)
            drawn = centre + sigma * ndtri(lo + u * (hi - lo))
            units = np.where(near, np.clip(drawn, axes.low, axes.high), units)
        X[:, axes.numeric] = axes.latents(units)
        for j, distribution in zip(axes.numeric, axes.priors, strict=True):
            X[:, j] = distribution.snap(np.clip(X[:, j], *distribution.support))
        for at, j in enumerate(axes.categorical):
            edges = axes.edges[at]
            X[:, j] = np.searchsorted(edges, anew[:, at] * edges[-1], side="right")
            if len(self.w):
                own = self.codes[kernel, at]
                X[:, j] = np.where(stay[:, at] & ~of_prior & ~np.isnan(own), own, X[:, j])
        for column, option in (given or {}).items():
            X[:, column] = option
        return self.space.mask(X)

    def log_prob(self, X: Array) -> Array:
        """(m,) log density of candidates: (m, d) latents, nan where a label is inactive."""
        out = self.log_ratio(X)
        for j, distribution in enumerate(self.space.distributions):
            rows = np.flatnonzero(~np.isnan(X[:, j]))
            out[rows] += np.maximum(distribution.log_prior(X[rows, j]), _UNDERFLOW)
        return out

    def log_ratio(self, X: Array) -> Array:
        """(m,) log of the density over the prior's."""
        return self._log_ratio(_Candidates(X, Axes.of(self.space), self.bandwidths))

    def log_quotient(self, other: Parzen, X: Array) -> Array:
        """(m,) log of this density over that of a mixture with the same bandwidths."""
        candidates = _Candidates(X, Axes.of(self.space), self.bandwidths)
        return self._log_ratio(candidates) - other._log_ratio(candidates)

    def _log_ratio(self, candidates: _Candidates) -> Array:
        n, m = len(self.w), len(candidates.features)
        if not n or not m:
            return np.zeros(m)
        step = max(1, _BLOCK // m)
        blocks = [slice(at, at + step) for at in range(0, n, step)]
        # a kernel's density over the prior's is at most this
        highest = candidates.highest(self.units)
        top = np.zeros(m)
        if highest > -_UNDERFLOW:
            for rows in blocks:
                np.maximum(top, candidates.log_r(self, rows).max(1), out=top)
        total = self.w_prior * np.exp(-top)
        for rows in blocks:
            log_r = candidates.log_r(self, rows)
            if highest > -_UNDERFLOW:
                log_r -= top[:, None]
            total += np.exp(log_r, out=log_r) @ self.w[rows]
        return np.log(total) + top


class _Candidates:
    """Candidates prepared for products with blocks of kernels.

    The logarithm of r_i(x) is a sum over labels of terms that are each a product of something of
    the candidate and something of the kernel, so that a matrix product gives it for all pairs:
    -(t - c)² / 2 sigma² = t c / sigma² - c² / 2 sigma² - t² / 2 sigma² with t, c distances from the
    middle, a category's term where both have it, and constants where both are active. Only the
    masses of quantised labels are looked up in tables.
    """

    def __init__(self, X: Array, axes: Axes, bandwidths: Bandwidths) -> None:
        self.axes, self.bandwidths = axes, bandwidths
        sigma, leave = bandwidths.sigma, bandwidths.leave
        a, s = axes.always, axes.sometimes
        t = np.clip((axes.units(X) - 0.5) / sigma, -_FAR, _FAR)
        active = ~np.isnan(t)
        t = np.where(active, t, 0.0)
        parts = [t[:, a], t[:, s], active[:, s].astype(float), -0.5 * t[:, s] ** 2]
        self.constant = -0.5 * (t[:, a] ** 2).sum(1)
        self.categories: list[Array] = []
        for k, j in enumerate(axes.categorical):
            code, p = X[:, j], axes.options[k]
            seen = np.unique(code[~np.isnan(code)])
            self.categories.append(seen)
            gain = np.log1p((1 - leave[k]) / (leave[k] * p[seen.astype(np.intp)]))
            parts.append((code[:, None] == seen) * gain)
            if axes.gated[k]:
                parts.append(~np.isnan(code)[:, None] * math.log(leave[k]))
            else:
                self.constant += math.log(leave[k])
        parts.append(np.ones((len(X), 1)))
        self.features = np.concatenate(parts, axis=1)
        self.tables = []
        for k in axes.quantised.tolist():
            values, inverse = np.unique(X[:, axes.numeric[k]], return_inverse=True)
            self.tables.append((k, (values - axes.origin[k]) / axes.scale[k], inverse))

    def highest(self, units: Array) -> float:
        """Upper bound of log r over all candidates and the kernels with these centres."""
        axes, sigma = self.axes, self.bandwidths.sigma
        bound = np.log(np.maximum(6.0 / (sigma * _SQRT_2PI), 1.0)).sum()
        for k in np.flatnonzero(axes.normal).tolist():
            farthest = np.nanmax(np.abs(units[:, k] - 0.5), initial=0.0)
            bound += farthest**2 / (2 * (sigma[k] ** 2 + _PRIOR_SD**2))
        return float(bound - sum(math.log(p.min()) for p in axes.options))

    def log_r(self, mixture: Parzen, rows: slice) -> Array:
        """(m, b) log r of a block of a mixture's kernels at the candidates."""
        axes, sigma = self.axes, self.bandwidths.sigma[:, None]
        units = mixture.units[rows].T
        near = ~np.isnan(units)
        c = np.where(near, units, 0.5)
        alone = _log_peak(c, sigma, axes)
        c = (c - 0.5) / sigma
        alone -= 0.5 * c**2 * _shrink(sigma, axes.normal[:, None])
        a, s = axes.always, axes.sometimes
        parts: list[NDArray[Any]] = [c[a], c[s] * near[s], alone[s] * near[s], near[s]]
        codes = mixture.codes[rows].T
        for k, seen in enumerate(self.categories):
            parts.append(codes[k] == seen[:, None])
            if axes.gated[k]:
                parts.append(~np.isnan(codes[k])[None])
        parts.append(alone[a].sum(0)[None])
        log_r: Array = self.features @ np.concatenate(parts)
        log_r += self.constant[:, None]
        for k, values, inverse in self.tables:
            log_r += self._masses(k, values, mixture.units[rows, k])[inverse]
        return log_r

    def _masses(self, k: int, values: Array, centres: Array) -> Array:
        """(len(values), len(centres)) log of kernel mass over prior mass of a quantised label."""
        axes, sigma = self.axes, self.bandwidths.sigma[k]
        different, inverse = np.unique(centres, return_inverse=True)
        near, on = ~np.isnan(different), ~np.isnan(values)
        out = np.zeros((len(values), len(different)))
        centre, width = _times_prior(different[near], sigma, axes.normal[k])
        lo, hi = axes.cells(k, values[on])
        lo, hi = (lo[:, None] - centre) / width, (hi[:, None] - centre) / width
        inside = ndtr((axes.high[k] - centre) / width) - ndtr((axes.low[k] - centre) / width)
        prior = axes.priors[k].log_prior(axes.latents(values[on], k))
        log_r = log_ndtr_difference(lo, hi) - np.log(inside)
        log_r -= np.maximum(prior, _UNDERFLOW)[:, None]
        out[np.ix_(on, near)] = np.maximum(log_r, _UNDERFLOW)
        return out[:, inverse]


def _shrink(sigma: Array, normal: NDArray[np.bool_]) -> Array:
    """Share of a kernel's variance, and of its distance from 0.5, that a normal prior leaves."""
    if not normal.any():
        return np.ones(np.broadcast(sigma, normal).shape)
    return np.where(normal, 1.0 / (1.0 + (sigma / _PRIOR_SD) ** 2), 1.0)


def _times_prior(centre: Array, sigma: Array, normal: NDArray[np.bool_]) -> tuple[Array, Array]:
    """Centres and bandwidths of kernels in units, which normal labels have times their prior.

    An unbounded label has no edge that would stop wide kernels from reaching far beyond everything
    plausible; times the prior, no kernel's tail is heavier than the prior's own.
    """
    shrink = _shrink(sigma, normal)
    return 0.5 + (centre - 0.5) * shrink, sigma * np.sqrt(shrink)


def _log_peak(centre: Array, sigma: Array, axes: Axes) -> Array:
    """(p, b) log of the factor before the exponential in kernel over prior."""
    inside = ndtr((axes.high[:, None] - centre) / sigma)
    inside -= ndtr((axes.low[:, None] - centre) / sigma)
    truncated: Array = -np.log(sigma * _SQRT_2PI * inside)
    if not axes.normal.any():
        return truncated
    normal = axes.normal[:, None]
    times_prior = np.log(_PRIOR_SD / sigma) - 0.5 * np.log(_shrink(sigma, normal))
    return np.where(normal, times_prior, truncated)
