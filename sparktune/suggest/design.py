"""The initial design: the first candidates of a search, spread evenly, knowing no result."""

from __future__ import annotations

from itertools import islice

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from ..history import ASIDE, ENDED, History, Status
from ..space.discrete import Categorical
from ..space.distributions import Array, Distribution
from ..space.tree import Space, Values
from .candidates import best_of_pools, decode

__all__ = ["initial_design", "latin_hypercube"]

_LOSSES = 4  # that a fit needs at least, where pruned trials have none


def initial_design(
    space: Space, history: History, rng: Generator, k: int, n: int, budget: int | None
) -> list[Values]:
    """Draw the next k candidates of the initial design, none once it is complete.

    The design is a Latin hypercube sample of n points, fewer where n would be more than a third of
    the budget. It is complete when so many trials have begun, half as many have a loss or were
    pruned, and four of these have a loss.
    """
    if budget is not None:
        n = max(1, min(n, budget // 3))
    begun = history.count(*ENDED, Status.PENDING)
    with_loss, pruned = history.count(Status.OK), history.count(Status.PRUNED)
    if begun >= n and 2 * (with_loss + pruned) >= n and with_loss >= min(_LOSSES, n / 2):
        return []
    X = latin_hypercube(space, history, rng, k, n)
    return decode(space, best_of_pools(space, history, rng, X, np.zeros(k), k))


def latin_hypercube(space: Space, history: History, rng: Generator, k: int, n: int) -> Array:
    """Draw the next k of n points of a Latin hypercube sample of the prior.

    Each numeric label's prior is cut into n strata of equal probability, and a point takes one in
    which no trial lies yet; each option of a choice, and each of few discrete values, is taken as
    often as its probability says. What is in the history already, pending trials and points given
    by hand included, counts as part of the sample, so it may be drawn in batches of any size; n
    grows where it has that many already. McKay, Beckman and Conover (1979). Costs O(n d).

    Returns:
        (k, d) latents, nan where a label is inactive.
    """
    tried = history.X[~np.isin(history.status, ASIDE)]
    n = max(n, len(tried) + k)
    X = np.empty((k, len(space)))
    for j, distribution in enumerate(space.distributions):
        before = tried[:, j]
        before = before[~np.isnan(before)]
        values = _few_values(distribution, n)
        if values is not None:
            p = np.exp(distribution.log_prior(values))
            at = _nearest(before, values, isinstance(distribution, Categorical))
            X[:, j] = values[_options(p, at, rng, k)]
        else:
            X[:, j] = distribution.quantile(_strata(distribution.position(before), rng, k, n))
    return space.mask(X)


def _few_values(distribution: Distribution, n: int) -> Array | None:
    """Latents of a categorical distribution, or of a discrete one with at most n values."""
    if not distribution.discrete:
        return None
    categorical = isinstance(distribution, Categorical)
    values = list(islice(distribution.values(), None if categorical else n + 1))
    if len(values) > n and not categorical:
        return None
    return np.array([distribution.latent(value) for value in values])


def _nearest(z: Array, values: Array, ascending: bool) -> NDArray[np.intp]:
    """Position of the nearest value of each latent, the first of two."""
    if not ascending:
        at: NDArray[np.intp] = np.abs(z[:, None] - values).argmin(axis=1)
        return at
    above = np.minimum(np.searchsorted(values, z), len(values) - 1)  # values may be many
    below = np.maximum(above - 1, 0)
    return np.where(z - values[below] <= values[above] - z, below, above)


def _options(p: Array, before: NDArray[np.intp], rng: Generator, k: int) -> NDArray[np.intp]:
    """Choose k options, one after the other the one taken least often for its probability."""
    counts = np.bincount(before, minlength=len(p)).astype(float)
    order = rng.random(len(p)) * 1e-3
    taken = np.empty(k, np.intp)
    for i in range(k):
        lacking = np.where(p > 0, p * (counts.sum() + 1) - counts + order, -np.inf)
        taken[i] = lacking.argmax()
        counts[taken[i]] += 1
    return rng.permutation(taken)


def _strata(before: Array, rng: Generator, k: int, n: int) -> Array:
    """Draw k probabilities, in strata of width 1/n that hold fewest of ``before``."""
    counts = np.bincount(np.clip((before * n).astype(np.intp), 0, n - 1), minlength=n)
    strata = rng.permutation(n)
    strata = strata[np.argsort(counts[strata], kind="stable")][:k]
    return (strata + rng.random(k)) / n
