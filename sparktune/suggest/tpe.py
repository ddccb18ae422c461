"""Tree-structured Parzen estimator.

Bergstra et al. (2011), "Algorithms for hyper-parameter optimization", with a joint mixture over all
labels instead of independent ones, weights by improvement, and batches from one refit; Watanabe
(2023), arXiv:2304.11127, compares the parts.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from ..history import History, Status
from ..space.distributions import Array
from ..space.tree import Space, Values
from .surrogates.parzen import Parzen

__all__ = ["TPE"]

_MOST_GOOD = 25  # observations behind l(x), at most
_ENUMERATED = 2000  # candidates of a discrete space listed when random draws bring nothing new


@dataclass(frozen=True)
class TPE:
    """Draw candidates from l(x), the density of good trials; take those with the best l(x)/g(x).

    The finished trials are split by loss: l is fitted to the best ``ceil(gamma n)`` of n, at most
    25, weighted by their improvement on the best of the others; g to the others. Failed trials
    belong to neither. A batch of k comes from one fit: k pools of ``n_EI_candidates`` draws, the
    best of each. No exact duplicate of a finished, failed or pending trial is proposed while the
    space has others. Costs O(k n d) a batch, about 10 ms at k = 8, n = 200, d = 10.

    Args:
        n_startup_jobs: random draws before the first fit, at least 1; fewer where they would use
            more than a third of the budget.
        n_EI_candidates: size of a pool, at least 1.
        gamma: share of the trials that count as good, between 0 and 1.
        prior_weight: weight of the prior in l and g relative to the mean trial, above 0.

    Raises:
        ValueError: a setting out of its range.
    """

    n_startup_jobs: int = 16
    n_EI_candidates: int = 24  # noqa: N815 (Hyperopt's name)
    gamma: float = 0.15
    prior_weight: float = 1.0

    def __post_init__(self) -> None:
        for name in ("n_startup_jobs", "n_EI_candidates"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
                raise ValueError(f"tpe: `{name}` must be a whole number >= 1, but got {value!r}")
        for name, most in (("gamma", 1.0), ("prior_weight", math.inf)):
            value = getattr(self, name)
            number = isinstance(value, (int, float, np.number)) and not isinstance(value, bool)
            if not number or not 0 < value < most:
                raise ValueError(f"tpe: `0 < {name} < {most:g}` must hold, but got {value!r}")

    def suggest(
        self, space: Space, history: History, rng: Generator, k: int, budget: int | None = None
    ) -> list[Values]:
        """Propose k candidates from one refit; see Suggester."""
        n_startup = self.n_startup_jobs
        if budget is not None:
            n_startup = max(1, min(n_startup, budget // 3))
        finished = history.count(Status.OK)
        ready = finished + history.count(Status.PENDING) >= n_startup and 2 * finished >= n_startup
        if not ready:
            return _decode(space, _startup(space, history, rng, k))
        l, g = self.fit(space, history)  # noqa: E741 (the paper's name)
        pools = l.sample(rng, k * self.n_EI_candidates)
        score = l.log_prob(pools) - g.log_prob(pools)
        return _decode(space, _distinct(space, history, rng, pools, score, k, l, g))

    def fit(self, space: Space, history: History) -> tuple[Parzen, Parzen]:
        """The densities (l, g) after the finished trials of a history."""
        rows = np.flatnonzero(history.status == Status.OK)
        rows = rows[np.argsort(history.y[rows], kind="stable")]
        n_good = min(math.ceil(self.gamma * len(rows)), _MOST_GOOD)
        X, y = history.X[rows], history.y[rows]
        good = _improvements(y[:n_good], y[n_good:])
        return (
            Parzen.fit(space, X[:n_good], good, self.prior_weight),
            Parzen.fit(space, X[n_good:], np.ones(len(rows) - n_good), self.prior_weight),
        )


def _improvements(good: Array, others: Array) -> Array:
    """Weights of the good trials: by how much each improves on the best of the others.

    Watanabe (2023), "EI" weighting. Equal where the differences are not finite or all zero (the
    mixture then takes weights of 1).
    """
    if not len(others) or not np.isfinite(others[0]) or not np.isfinite(good).all():
        return np.ones(len(good))
    weights = others[0] - good
    if not np.isfinite(weights.sum()):
        return np.ones(len(good))
    out: Array = np.maximum(weights, 1e-12 * max(1.0, float(weights.max(initial=0.0))))
    return out


def _decode(space: Space, X: Array) -> list[Values]:
    return [space.decode(row) for row in X]


def _key(row: Array) -> bytes:
    return (row + 0.0).tobytes()


def _tried(history: History) -> set[bytes]:
    """Keys of all candidates that ran, failed or are under way."""
    return {_key(row) for row in history.X[history.status != Status.CANCELLED]}


def _startup(space: Space, history: History, rng: Generator, k: int) -> Array:
    """Draw k candidates from the prior, distinct where the space has that many left."""
    per_pool = 16 if space.discrete else 1
    pools = space.sample(rng, k * per_pool)
    # of each pool the first that is new: scores that fall with the position
    order = -np.tile(np.arange(per_pool, dtype=float), k)
    return _distinct(space, history, rng, pools, order, k)


def _distinct(
    space: Space,
    history: History,
    rng: Generator,
    pools: Array,
    score: Array,
    k: int,
    *densities: Parzen,
) -> Array:
    """The best candidate of each of k pools, without duplicates while the space has others.

    A pool of duplicates is replaced by the best new candidates among draws from the prior, and in
    the last resort among a list of the discrete space; once everything was tried, by its best.
    """
    d = len(space)
    if not space.discrete:
        best = score.reshape(k, -1).argmax(axis=1)
        picked: Array = pools.reshape(k, -1, d)[np.arange(k), best]
        return picked
    tried = _tried(history)
    chosen: list[Array] = []

    def take(X: Array, scores: Array, most: int) -> None:
        for i in np.argsort(-scores, kind="stable"):
            if most == 0:
                return
            key = _key(X[i])
            if key not in tried:
                tried.add(key)
                chosen.append(X[i])
                most -= 1

    for pool, scores in zip(pools.reshape(k, -1, d), score.reshape(k, -1), strict=True):
        take(pool, scores, 1)
    for listed in (False, True):
        if len(chosen) == k:
            break
        X = (
            space.enumerate(rng, len(tried) + k + _ENUMERATED)
            if listed
            else space.sample(rng, 8 * k + 256)
        )
        order = rng.permutation(len(X)).astype(float)
        if densities:
            l, g = densities  # noqa: E741
            order = l.log_prob(X) - g.log_prob(X)
        take(X, order, k - len(chosen))
    while len(chosen) < k:
        chosen.append(pools[rng.integers(len(pools))])
    return np.stack(chosen)
