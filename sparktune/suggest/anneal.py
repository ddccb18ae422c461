"""Annealing: draws around good trials, closer and closer."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from ..arithmetic import own_arithmetic
from ..history import History
from ..space.discrete import Categorical
from ..space.distributions import Array, Normal
from ..space.tree import Space, Values
from .candidates import best_of_pools, decode, observations, project
from .settings import check_number

__all__ = ["Anneal"]


@dataclass(frozen=True)
class Anneal:
    """Draw around good trials, in a neighbourhood that shrinks with the number of trials.

    Hyperopt's method in our own words. A candidate has one parent among the finished trials, the
    best with the largest probability: the parent's rank is geometric. Each label is drawn around
    the parent's value from its prior, made narrower by 1 / (1 + shrink_coef T), where T is the
    number of finished trials that have the label; a choice keeps the parent's option, or else is
    drawn anew with that probability. A label that the parent does not have is drawn from its prior.
    Costs microseconds a candidate, and is at its best in smooth spaces.

    Args:
        avg_best_idx: mean rank of a parent, from 1 (always the best), at least 1.
        shrink_coef: how fast neighbourhoods shrink, at least 0.

    Raises:
        ValueError: a setting out of its range.
    """

    avg_best_idx: float = 2.0
    shrink_coef: float = 0.1

    def __post_init__(self) -> None:
        check_number("anneal", self, "avg_best_idx", least=1.0, most=math.inf)
        check_number("anneal", self, "shrink_coef", most=math.inf)

    @own_arithmetic
    def suggest(
        self, space: Space, history: History, rng: Generator, k: int, budget: int | None = None
    ) -> list[Values]:
        """Draw k candidates; see Suggester."""
        X, y = observations(history)
        drawn = self._drawn(space, X, y, rng, 4 * k)
        first = -np.tile(np.arange(4.0), k)  # of a pool, unless it was tried
        return decode(space, best_of_pools(space, history, rng, drawn, first, k))

    def _drawn(self, space: Space, X: Array, y: Array, rng: Generator, m: int) -> Array:
        """Draw m candidates around parents: (m, d) latents."""
        if not len(y):
            return space.sample(rng, m)
        rank = np.minimum(rng.geometric(1 / self.avg_best_idx, size=m) - 1, len(y) - 1)
        parents = X[np.argsort(y, kind="stable")[rank]]
        drawn = np.empty((m, len(space)))
        for j, distribution in enumerate(space.distributions):
            own = parents[:, j]
            shrink = 1 / (1 + self.shrink_coef * np.count_nonzero(~np.isnan(X[:, j])))
            if isinstance(distribution, Categorical):
                z = np.where(rng.random(m) < shrink, distribution.sample(rng, m), own)
            elif isinstance(distribution, Normal):
                z = own + shrink * distribution.sigma * rng.normal(size=m)
            else:
                low, high = distribution.support
                reach = shrink * (high - low) / 2
                middle = np.clip(own, low + reach, high - reach)
                z = middle + reach * rng.uniform(-1, 1, size=m)
            lost = np.isnan(z)
            z[lost] = distribution.sample(rng, int(lost.sum()))
            drawn[:, j] = project(distribution, z)
        return space.mask(drawn)
