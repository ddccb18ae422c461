"""What suggesters share: observations of a history, and candidates without duplicates."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from ..arithmetic import nan_as_worst
from ..history import ASIDE, History, Status
from ..space.distributions import Array, Distribution
from ..space.tree import Space, Values

__all__ = [
    "FAILED", "Untried", "believed_of_pruned", "best_of_pools", "decode", "key_of", "observations",
    "project", "standings", "with_pruned",
]  # fmt: skip

Score = Callable[[Array], Array]  # of candidates, the higher the better

FAILED = 5 / 6  # share of the others that a trial which says nothing is believed to be worse than
_ENUMERATED = 2000  # candidates of a discrete space listed when random draws bring nothing new


def observations(history: History) -> tuple[Array, Array]:
    """Latents and losses of the trials that have a loss."""
    rows = history.status == Status.OK
    return history.X[rows], history.y[rows]


def with_pruned(history: History) -> tuple[Array, Array]:
    """Latents and losses of the trials that have a loss, and after them of the pruned ones."""
    X, y = observations(history)
    pruned, believed = believed_of_pruned(history)
    return np.concatenate([X, history.X[pruned]]), np.concatenate([y, believed])


def believed_of_pruned(history: History) -> tuple[NDArray[np.intp], Array]:
    """Numbers of the pruned trials, and the losses believed of them; none if no trial has a loss.

    A pruned trial is believed to have that quantile of all losses which its last report is of all
    reports at its step; see ``standings``.
    """
    y = observations(history)[1]
    pruned = np.flatnonzero((history.status == Status.PRUNED) & bool(len(y)))
    if not len(pruned):
        return pruned, np.empty(0)
    # some may be infinite
    return pruned, np.quantile(y, standings(history, pruned), method="nearest")


def standings(history: History, numbers: NDArray[np.intp]) -> Array:
    """How trials stood at their last report: the share of all reports at its step that are lower.

    Ties count half, NaN as the worst value, and a trial without a report as ``FAILED``. Costs
    O(n log n) a step.
    """
    shares, values = np.full(len(numbers), FAILED), np.empty(len(numbers))
    at_step: dict[int, list[int]] = {}
    for place, number in enumerate(numbers.tolist()):
        last = history.last_report(number)
        if last is not None:
            at_step.setdefault(last[0], []).append(place)
            values[place] = last[1]
    for step, places in at_step.items():
        everybodys = np.sort(nan_as_worst(history.reports_at(step)[1]))
        own = nan_as_worst(values[places])
        lower, not_higher = (np.searchsorted(everybodys, own, side) for side in ("left", "right"))
        shares[places] = (lower + not_higher) / (2 * len(everybodys))
    return shares


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
        self.tried = {key_of(row) for row in history.X[~np.isin(history.status, ASIDE)]}
        self.taken: list[Array] = []

    def take(self, X: Array, scores: Array, most: int) -> int:
        """Take up to ``most`` candidates, the best first, and say how many were taken."""
        left = most
        for i in np.argsort(-scores, kind="stable"):
            if left == 0:
                break
            key = key_of(X[i])
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


def key_of(row: Array) -> bytes:
    """What is equal for equal latents, the nan of inactive labels included."""
    return (row + 0.0).tobytes()
