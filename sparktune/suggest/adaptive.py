"""Adaptive TPE: a TPE that sets itself by how the run goes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.random import Generator

from ..arithmetic import own_arithmetic
from ..history import History
from ..space.distributions import Array
from ..space.tree import Space, Values
from .axes import Axes
from .candidates import with_pruned
from .settings import check_number, check_whole
from .tpe import TPE, good_count

__all__ = ["AdaptiveTPE", "importance"]

_BINS = 4  # of a numeric label


@dataclass(frozen=True)
class AdaptiveTPE:
    """TPE whose threshold, prior weight, candidates and held labels follow the course of the run.

    With s the share of the finished trials since the best one improved, 0 to 1:

    - good trials are 15 % of the finished ones where the best has just improved, 35 % where it
      never did: 0.15 + 0.2 s, at most 25;
    - the prior weighs 2^(2 s - 1) trials, from half of one to two;
    - a pool has 24 * 2^(1 - 2 s) candidates, from 48 down to 12: the fewer, the nearer to l(x);
    - in half of the pools, a label is held at the best trial's value with a probability of
      ``hold`` (1 - i / max i), where i is its importance: the share of the variance of the losses'
      ranks that lies between the label's options, or quarters of its values, as far as it is
      above what chance explains.

    So a run that gets on is greedy, and one that does not looks about. The rule is ours, without a
    model; Hyperopt's atpe predicts such settings by trained models. For the rest see TPE.

    Args:
        n_startup_jobs: trials before the first fit, at least 1.
        hold: probability of holding a label that does not matter, 0 to 1.

    Raises:
        ValueError: a setting out of its range.
    """

    n_startup_jobs: int = TPE.n_startup_jobs
    hold: float = 0.5

    def __post_init__(self) -> None:
        check_whole("atpe", self, "n_startup_jobs")
        check_number("atpe", self, "hold")

    @own_arithmetic
    def suggest(
        self, space: Space, history: History, rng: Generator, k: int, budget: int | None = None
    ) -> list[Values]:
        """Propose k candidates; see Suggester."""
        X, y = with_pruned(history)
        held = None
        if len(y):
            found = importance(space, X, y)
            most = float(found.max())
            p = self.hold * (1 - found / most) if most > 0 else np.zeros(len(space))
            held = rng.random((k, len(space))) < p
            held[rng.random(k) < 0.5] = False
        return self.settings(y).suggest(space, history, rng, k, budget, held)

    def settings(self, y: Array) -> TPE:
        """TPE with the settings that losses, in the order of their trials, call for."""
        stagnation = (len(y) - 1 - int(np.argmin(y))) / len(y) if len(y) else 0.0
        share = 0.15 + 0.2 * stagnation
        return TPE(
            n_startup_jobs=self.n_startup_jobs,
            gamma=partial(good_count, share=share),
            prior_weight=2 ** (2 * stagnation - 1),
            n_EI_candidates=round(24 * 2 ** (1 - 2 * stagnation)),
        )


def importance(space: Space, X: Array, y: Array) -> Array:
    """(d,) share of the variance of the losses' ranks that each label explains, beyond chance.

    Kruskal and Wallis's statistic over the trials that have the label, by options, or by quarters
    of its values, as the adjusted share of variance; 0 where it explains no more than chance.
    """
    out, categorical = np.zeros(len(space)), Axes.of(space).categorical
    for j in range(len(space)):
        z = X[:, j]
        known = ~np.isnan(z)
        n = int(known.sum())
        if n < 2 * _BINS:
            continue
        rank = _ranks(y[known])
        if j in categorical:
            cell = np.unique(z[known], return_inverse=True)[1]
        else:
            cell = np.minimum((_ranks(z[known]) - 0.5) * _BINS / n, _BINS - 1).astype(np.intp)
        counts = np.bincount(cell)
        groups = np.count_nonzero(counts)
        total = float(((rank - rank.mean()) ** 2).sum())
        if groups < 2 or groups >= n or total == 0:
            continue
        means = np.bincount(cell, rank) / np.maximum(counts, 1)
        within = float(((rank - means[cell]) ** 2).sum())
        out[j] = max(0.0, 1 - within / (n - groups) / (total / (n - 1)))
    return out


def _ranks(a: Array) -> Array:
    """Ranks from 1; equal values share the mean of theirs."""
    _, at, counts = np.unique(a, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return (last - (counts - 1) / 2)[at]
