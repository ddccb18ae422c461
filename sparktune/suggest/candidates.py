"""What suggesters share: the trials that have a loss, and candidates without duplicates."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.random import Generator

from ..history import History, Status
from ..space.distributions import Array, Distribution
from ..space.tree import Space, Values

__all__ = ["Fresh", "best_of_pools", "decode", "finished", "settled"]

Judge = Callable[[Array], Array]  # scores of candidates, higher is better

_ENUMERATED = 2000  # candidates of a discrete space listed when random draws bring nothing new


def finished(history: History) -> tuple[Array, Array]:
    """Latents and losses of the trials that have a loss."""
    X, y = history.X, history.y
    if history.count(Status.OK) == len(history):
        return X, y
    rows = history.status == Status.OK
    return X[rows], y[rows]


def decode(space: Space, X: Array) -> list[Values]:
    """The values of each row of latents."""
    return [space.decode(row) for row in X]


def settled(distribution: Distribution, z: Array) -> Array:
    """Latents moved into a distribution's support and onto its values.

    An end of the support may round to a value that has no probability.
    """
    low, high = distribution.support
    margin = 1e-9 * distribution.scale if distribution.discrete else 0.0
    return distribution.snap(np.clip(z, low + margin, high - margin))


class Fresh:
    """Candidates of a batch, none of which was tried before while the space has others.

    What ran, failed or is under way counts as tried, and so does what has been taken.

    Args:
        space: where they are from.
        history: what has been tried.
    """

    def __init__(self, space: Space, history: History) -> None:
        self.space = space
        self.tried = {_key(row) for row in history.X[history.status != Status.CANCELLED]}
        self.taken: list[Array] = []

    def take(self, X: Array, scores: Array, most: int) -> int:
        """Take up to ``most`` candidates, the best first; how many were taken."""
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

    def fill(self, rng: Generator, k: int, judge: Judge | None, spare: Array) -> Array:
        """What was taken, filled up to k: (k, d).

        Others are the best by ``judge`` (at random without one) among draws from the prior, and in
        the last resort among a list of the discrete space; once everything was tried, rows of
        ``spare`` at random.
        """
        for listed in (False, True):
            lacking = k - len(self.taken)
            if not lacking:
                break
            X = (
                self.space.enumerate(rng, len(self.tried) + k + _ENUMERATED)
                if listed
                else self.space.sample(rng, 8 * k + 256)
            )
            order = rng.permutation(len(X)).astype(float) if judge is None else judge(X)
            self.take(X, order, lacking)
        while len(self.taken) < k:
            self.taken.append(spare[rng.integers(len(spare))])
        return np.stack(self.taken)


def best_of_pools(
    space: Space,
    history: History,
    rng: Generator,
    pools: Array,
    score: Array,
    k: int,
    judge: Judge | None = None,
) -> Array:
    """The best candidate of each of k pools, without duplicates while the space has others.

    A space that is not discrete is taken not to repeat itself. For the rest see Fresh.
    """
    d = len(space)
    if not space.discrete:
        best = score.reshape(k, -1).argmax(axis=1)
        picked: Array = pools.reshape(k, -1, d)[np.arange(k), best]
        return picked
    fresh = Fresh(space, history)
    for pool, scores in zip(pools.reshape(k, -1, d), score.reshape(k, -1), strict=True):
        fresh.take(pool, scores, 1)
    return fresh.fill(rng, k, judge, pools)


def _key(row: Array) -> bytes:
    return (row + 0.0).tobytes()
