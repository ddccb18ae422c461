"""What suggesters share: observations of a history, and candidates without duplicates."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.random import Generator

from ..history import History, Status
from ..space.distributions import Array, Distribution
from ..space.tree import Space, Values

__all__ = ["Untried", "best_of_pools", "decode", "observations", "project"]

Score = Callable[[Array], Array]  # of candidates, the higher the better

_ENUMERATED = 2000  # candidates of a discrete space listed when random draws bring nothing new


def observations(history: History) -> tuple[Array, Array]:
    """Latents and losses of the trials that have a loss."""
    rows = history.status == Status.OK
    return history.X[rows], history.y[rows]


def decode(space: Space, X: Array) -> list[Values]:
    """The values of each row of latents."""
    return [space.decode(row) for row in X]


def project(distribution: Distribution, z: Array) -> Array:
    """Project latents onto a distribution's support, and there onto its values."""
    low, high = distribution.support
    # an end of the support may round to a value that has no probability
    margin = 1e-9 * distribution.scale if distribution.discrete else 0.0
    return distribution.snap(np.clip(z, low + margin, high - margin))


class Untried:
    """Candidates of a batch, none of which was tried before while the space has others.

    What ran, failed or is under way counts as tried, and so does what has been taken; ``taken``
    holds the latents of the candidates so far.
    """

    def __init__(self, space: Space, history: History) -> None:
        self.space = space
        self.tried = {_key(row) for row in history.X[history.status != Status.CANCELLED]}
        self.taken: list[Array] = []

    def take(self, X: Array, scores: Array, most: int) -> int:
        """Take up to ``most`` candidates, the best first, and say how many were taken."""
        left = most
        for i in np.argsort(-scores, kind="stable"):
            if left == 0:
                break
            key = _key(X[i])
            if key not in self.tried:
                self.tried.add(key)
                self.taken.append(X[i])
                left -= 1
        return most - left

    def fill(self, rng: Generator, k: int, score: Score | None, spare: Array) -> Array:
        """Fill the batch up to k candidates: (k, d) latents.

        Draws from the prior with the highest score (at random without one) come first, then
        candidates from a list of the discrete space, and once everything was tried, rows of
        ``spare`` at random.
        """
        for listed in (False, True):
            lacking = k - len(self.taken)
            if not lacking:
                break
            if listed:
                X = self.space.enumerate(rng, len(self.tried) + k + _ENUMERATED)
            else:
                X = self.space.sample(rng, 8 * k + 256)
            scores = rng.permutation(len(X)).astype(float) if score is None else score(X)
            self.take(X, scores, lacking)
        while len(self.taken) < k:
            self.taken.append(spare[rng.integers(len(spare))])
        return np.stack(self.taken)


def best_of_pools(
    space: Space,
    history: History,
    rng: Generator,
    pools: Array,
    scores: Array,
    k: int,
    score: Score | None = None,
) -> Array:
    """The best candidate of each of k pools, without duplicates while the space has others.

    ``pools`` are (k m, d) candidates, pool after pool, ``scores`` theirs, and ``score`` gives those
    of further candidates. A space that is not discrete is taken not to repeat itself.
    """
    d = len(space)
    if not space.discrete:
        best = scores.reshape(k, -1).argmax(axis=1)
        picked: Array = pools.reshape(k, -1, d)[np.arange(k), best]
        return picked
    batch = Untried(space, history)
    for pool, its in zip(pools.reshape(k, -1, d), scores.reshape(k, -1), strict=True):
        batch.take(pool, its, 1)
    return batch.fill(rng, k, score, pools)


def _key(row: Array) -> bytes:
    return (row + 0.0).tobytes()
