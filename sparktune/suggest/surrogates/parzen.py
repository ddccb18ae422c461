"""Parzen mixtures over a tree of hyperparameters: the densities l(x) and g(x) of TPE.

Notation
    n       observations that the mixture is fitted to
    d       labels of the space; m candidates
    K       kernels, n + 1: kernel 0 is the prior, kernel i stands for observation i - 1
    mu      (K, d) centres of the kernels in latent units, nan where the kernel is the prior's
    sigma   (K, d) bandwidths in latent units
            (a normal label has its kernels multiplied by its prior, centres and bandwidths alike)
    w       (K,) weights, summing to 1

The mixture is over whole candidates: sum_i w_i prod_j k_ij(x_j), with j over the labels that are
active in x. A label that was inactive in observation i contributes its prior there, so every kernel
is a density over every path of the tree; a choice is a factor like any other. Sampling follows the
same factors from root to leaf and is therefore exact.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from ...space.distributions import (
    Array,
    Categorical,
    Distribution,
    Normal,
    log_ndtr_difference,
)
from ...space.tree import Space

__all__ = ["Parzen"]

_LOG_SQRT_2PI = 0.5 * math.log(2 * math.pi)
_UNDERFLOW = -700.0  # the exponential of much less is 0


@dataclass(frozen=True)
class Parzen:
    """A fitted mixture; see the module for the notation.

    Sampling costs O(m d), log_prob O(m K d).
    """

    space: Space
    mu: Array
    sigma: Array
    w: Array

    @classmethod
    def fit(cls, space: Space, X: Array, weights: Array, prior_weight: float) -> Parzen:
        """Fit the mixture to observations.

        Args:
            space: the space of the observations.
            X: (n, d) latents, nan where a label is inactive.
            weights: (n,) weights of the observations, not negative.
            prior_weight: weight of the prior, relative to the mean of ``weights``; above 0.
        """
        n, d = X.shape
        mean = float(weights.mean()) if n else 0.0
        if not mean > 0:
            weights, mean = np.ones(n), 1.0
        w = np.concatenate([[prior_weight * mean], weights])
        mu = np.concatenate([np.full((1, d), np.nan), X])
        sigma = np.full((n + 1, d), np.nan)
        for j, distribution in enumerate(space.distributions):
            if not isinstance(distribution, Categorical):
                sigma[:, j] = _bandwidths(mu[:, j], distribution)
            if isinstance(distribution, Normal):
                mu[:, j], sigma[:, j] = _times_prior(mu[:, j], sigma[:, j], distribution)
        return cls(space, mu, sigma, w / w.sum())

    def sample(self, rng: Generator, m: int) -> Array:
        """Draw m candidates: (m, d) latents, nan where a label is inactive."""
        kernel = rng.choice(len(self.w), size=m, p=self.w)

        def pick(j: int, rows: NDArray[np.intp]) -> Array:
            distribution = self.space.distributions[j]
            mu, sigma = self.mu[kernel[rows], j], self.sigma[kernel[rows], j]
            z = distribution.sample(rng, len(rows))
            if isinstance(distribution, Categorical):
                stays = ~np.isnan(mu) & (rng.random(len(rows)) >= self._leave(distribution))
                return np.where(stays, mu, z)
            near = np.flatnonzero(~np.isnan(mu))
            z[near] = _sample_kernel(rng, mu[near], sigma[near], distribution)
            return z

        return self.space.draw(pick, m)

    def log_prob(self, X: Array) -> Array:
        """(m,) log density of candidates: (m, d) latents, nan where a label is inactive."""
        with np.errstate(divide="ignore"):
            log_k = np.tile(np.log(self.w), (len(X), 1))
        for j in range(len(self.space)):
            rows = np.flatnonzero(~np.isnan(X[:, j]))
            if len(rows):
                # discrete labels repeat their few values, and each costs K normal integrals
                z, inverse = np.unique(X[rows, j], return_inverse=True)
                log_k[rows] += self._log_factor(j, z)[inverse]
        top = log_k.max(axis=1, keepdims=True)
        out: Array = top[:, 0] + np.log(np.exp(log_k - top).sum(axis=1))
        return out

    def _leave(self, distribution: Categorical) -> float:
        """Probability that a kernel draws a category from the prior instead of its own."""
        return 1.0 / (1.0 + len(self.w) / len(distribution.p))

    def _log_factor(self, j: int, z: Array) -> Array:
        """(len(z), K) log k_ij(z)."""
        distribution, mu = self.space.distributions[j], self.mu[:, j]
        prior = np.maximum(distribution.log_prior(z), _UNDERFLOW)[:, None]
        far = np.isnan(mu)
        if isinstance(distribution, Categorical):
            leave = self._leave(distribution)
            kernels = np.log((1 - leave) * (z[:, None] == mu) + leave * np.exp(prior))
            return np.where(far, prior, kernels)
        out = np.repeat(prior, len(mu), axis=1)
        near = np.flatnonzero(~far)
        out[:, near] = _log_kernel(z[:, None], mu[near], self.sigma[near, j], distribution)
        return out


def _bandwidths(mu: Array, distribution: Distribution) -> Array:
    """(K,) bandwidths of one label: the larger gap to a neighbouring centre, within limits.

    The prior's middle counts as a centre of its own. Bergstra et al. (2011), section 4.2; the
    limits are [scale / min(100, 1 + m), scale], with m the kernels that are not the prior's here.
    """
    sigma = np.full(len(mu), np.nan)
    near = np.flatnonzero(~np.isnan(mu))
    order = near[np.argsort(mu[near], kind="stable")]
    at = int(np.searchsorted(mu[order], distribution.middle))
    gaps = np.diff(np.insert(mu[order], at, distribution.middle))
    widest = np.maximum(np.append(gaps, 0.0), np.insert(gaps, 0, 0.0))
    sigma[order] = np.delete(widest, at)
    floor = distribution.scale / min(100.0, 1.0 + len(near))
    out: Array = np.clip(sigma, floor, distribution.scale)
    return out


def _times_prior(mu: Array, sigma: Array, prior: Normal) -> tuple[Array, Array]:
    """Centres and bandwidths of kernels multiplied by a normal prior.

    An unbounded label has no edge that would stop wide kernels from reaching far beyond everything
    plausible; times the prior, no kernel's tail is heavier than the prior's own.
    """
    shrink = 1.0 / (1.0 + (sigma / prior.sigma) ** 2)
    return prior.mu + (mu - prior.mu) * shrink, sigma * np.sqrt(shrink)


def _ends(mu: Array, sigma: Array, distribution: Distribution) -> tuple[Array, Array]:
    low, high = distribution.support
    return (low - mu) / sigma, (high - mu) / sigma


def _log_kernel(z: Array, mu: Array, sigma: Array, distribution: Distribution) -> Array:
    """Log density or mass of a normal at ``mu`` truncated to the support; arrays broadcast."""
    inside = log_ndtr_difference(*_ends(mu, sigma, distribution))
    if distribution.discrete:
        lo, hi = distribution.cells(z)
        mass = log_ndtr_difference((lo - mu) / sigma, (hi - mu) / sigma)
        return np.maximum(mass - inside, _UNDERFLOW)
    with np.errstate(over="ignore"):
        return -0.5 * ((z - mu) / sigma) ** 2 - np.log(sigma) - _LOG_SQRT_2PI - inside


def _sample_kernel(rng: Generator, mu: Array, sigma: Array, distribution: Distribution) -> Array:
    """Draw from each normal, truncated to the support, by inverting its distribution function."""
    a, b = _ends(mu, sigma, distribution)
    lo, hi = ndtr(a), ndtr(b)
    u = np.clip(rng.random(len(mu)), 1e-16, 1 - 1e-16)
    z = mu + sigma * ndtri(lo + u * (hi - lo))
    return distribution.snap(np.clip(z, *distribution.support))
