"""The first candidates of a search: spread evenly, knowing no result."""

from __future__ import annotations

from itertools import islice

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from ..history import ENDED, History, Status
from ..space.distributions import Array, Categorical, Distribution
from ..space.tree import Space

__all__ = ["latin_hypercube", "size_of_start"]


def latin_hypercube(space: Space, history: History, rng: Generator, k: int, n: int) -> Array:
    """The next k of n points of a Latin hypercube sample of the prior.

    Each numeric label's prior is cut into n strata of equal probability, and a point takes one in
    which no trial lies yet; each option of a choice, and each of few discrete values, is taken as
    often as its probability says. What is in the history already, pending trials and points given
    by hand included, counts as part of the sample, so it may be drawn in batches of any size.
    McKay, Beckman and Conover (1979).

    Costs O(n d).

    Args:
        space: where to search.
        history: what has been tried.
        rng: the source of randomness.
        k: how many points.
        n: how many points the whole sample is to have; more where it has that many already.

    Returns:
        (k, d) latents, nan where a label is inactive.
    """
    tried = history.X[history.status != Status.CANCELLED]
    n = max(n, len(tried) + k)
    X = np.empty((k, len(space)))
    for j, distribution in enumerate(space.distributions):
        before = tried[:, j]
        before = before[~np.isnan(before)]
        values = _few_values(distribution, n)
        if values is not None:
            p = np.exp(distribution.log_prior(values))
            at = np.abs(before[:, None] - values).argmin(axis=1) if len(before) else before
            X[:, j] = values[_options(p, at, rng, k)]
        else:
            X[:, j] = distribution.quantile(_strata(distribution.position(before), rng, k, n))
    return space.mask(X)


def size_of_start(history: History, n: int, budget: int | None) -> int:
    """Size of the sample that a search is still to begin with, 0 once it has begun with it.

    That is n, fewer where n would be more than a third of the budget; the sample lasts until so
    many trials have begun and half as many have a loss.
    """
    if budget is not None:
        n = max(1, min(n, budget // 3))
    begun = history.count(*ENDED, Status.PENDING)
    return n if begun < n or 2 * history.count(Status.OK) < n else 0


def _few_values(distribution: Distribution, n: int) -> Array | None:
    """The latents of a categorical distribution, or of a discrete one with at most n values."""
    if not distribution.discrete:
        return None
    categorical = isinstance(distribution, Categorical)
    values = list(islice(distribution.values(), None if categorical else n + 1))
    if len(values) > n and not categorical:
        return None
    return np.array([distribution.latent(value) for value in values])


def _options(p: Array, before: Array, rng: Generator, k: int) -> NDArray[np.intp]:
    """The numbers of k options, each the one that was taken least often for its probability."""
    counts = np.bincount(before.astype(np.intp), minlength=len(p)).astype(float)
    order = rng.random(len(p)) * 1e-3
    taken = np.empty(k, np.intp)
    for i in range(k):
        lacking = np.where(p > 0, p * (counts.sum() + 1) - counts + order, -np.inf)
        taken[i] = lacking.argmax()
        counts[taken[i]] += 1
    return rng.permutation(taken)


def _strata(before: Array, rng: Generator, k: int, n: int) -> Array:
    """K probabilities in strata of width 1/n, those first in which fewest of ``before`` lie."""
    counts = np.bincount(np.clip((before * n).astype(np.intp), 0, n - 1), minlength=n)
    strata = rng.permutation(n)
    strata = strata[np.argsort(counts[strata], kind="stable")][:k]
    u: Array = (strata + rng.random(k)) / n
    return u
