"""What ablation.py changes in TPE: settings, and parts exchanged for the usual ones."""

import math
from dataclasses import dataclass, replace

import numpy as np

from sparktune.history import ENDED, Status
from sparktune.suggest.axes import Axes
from sparktune.suggest.candidates import Untried, best_of_pools, decode, observations
from sparktune.suggest.surrogates.parzen import Bandwidths, Parzen
from sparktune.suggest.tpe import TPE, improvements, lowest

FIXED = 1e9  # weight of the assumed bandwidths beside which trials say nothing


@dataclass(frozen=True)
class Quota:
    """How many of n trials are good: a share, at most ``most``."""

    share: float
    most: int

    def __call__(self, n):
        return min(math.ceil(self.share * n), self.most)


@dataclass(frozen=True)
class Changed(TPE):
    """TPE with parts exchanged for the usual ones.

    weights: "improvement", "alike" or "ranks" (linear from 1 down).
    g_of: "all" trials or the "others", those that are not good.
    first: the initial design as a "hypercube" or at "random".
    batch: "pools", or the best k of "one" pool, or "liar": one by one, with what is pending in g.
    labels: "joint", or "independent": a density for each label that is no fork.

    What is no pool is drawn from all branches, as with branch_share=0.
    """

    weights: str = "improvement"
    g_of: str = "all"
    first: str = "hypercube"
    batch: str = "pools"
    labels: str = "joint"

    def _densities(self, space, X, y, n_good, width=1.0, given=()):
        good, best_other = lowest(y, n_good)
        weights = improvements(y[good], best_other)
        if self.weights == "alike":
            weights = np.ones(len(good))
        elif self.weights == "ranks":
            weights = np.linspace(1, 0, len(good), endpoint=False)
        assumed = Bandwidths.assumed(space, self.bandwidth, self.leave)
        assumed.leave[np.isin(Axes.of(space).categorical, [j for j, _ in given])] = 1.0
        widths = Bandwidths.likeliest(
            space, X[good], weights, self.prior_weight, assumed, self.bandwidth_weight
        ).times(width)
        below = X if self.g_of == "all" else np.delete(X, good, axis=0)
        return (
            Parzen.fit(space, X[good], weights, self.prior_weight, widths),
            Parzen.fit(space, below, np.ones(len(below)), self.prior_weight, widths),
        )

    def suggest(self, space, history, rng, k, budget=None):
        n, finished = self.n_startup_jobs, history.count(Status.OK)
        if history.count(*ENDED, Status.PENDING) < n or 2 * finished < n:
            if self.first == "random":
                X = space.sample(rng, k)
                return decode(space, best_of_pools(space, history, rng, X, np.zeros(k), k))
            return super().suggest(space, history, rng, k, budget)
        if self.batch == "one":
            several = replace(self, batch="pools", n_EI_candidates=1)
            return several.best_of(space, history, rng, k, budget, self.n_EI_candidates)
        if self.batch == "liar":
            return self.with_liar(space, history, rng, k, budget)
        if self.labels == "independent":
            return self.independent(space, history, rng, k, budget)
        return super().suggest(space, history, rng, k, budget)

    def both(self, space, history, budget):
        """Densities of the whole tree."""
        X, y = observations(history)
        width = self._width(history.count(*ENDED), budget)
        return self._densities(space, X, y, self._good(len(y)), width)

    def best_of(self, space, history, rng, k, budget, n):
        """The best k of one pool of k n draws."""
        l, g = self.both(space, history, budget)  # noqa: E741
        pool, batch = l.sample(rng, k * n), Untried(space, history)
        batch.take(pool, l.log_quotient(g, pool), k)
        return decode(space, batch.fill(rng, k, None, pool))

    def with_liar(self, space, history, rng, k, budget):
        """One by one; the earlier ones of the batch are kernels of g."""
        l, g = self.both(space, history, budget)  # noqa: E741
        lied, batch = observations(history)[0], Untried(space, history)
        for i in range(k):
            g = Parzen.fit(space, lied, np.ones(len(lied)), self.prior_weight, l.bandwidths)
            pool = l.sample(rng, self.n_EI_candidates)
            batch.take(pool, l.log_quotient(g, pool), 1)
            lied = np.vstack([lied, batch.fill(rng, i + 1, None, pool)[-1]])
        return decode(space, batch.taken)

    def independent(self, space, history, rng, k, budget):
        """Each label from kernels of its own, and the sum of the labels' own scores."""
        l, g = self.both(space, history, budget)  # noqa: E741
        m = k * self.n_EI_candidates
        pool = l.sample(rng, m)
        for j in range(len(space)):
            if j not in space.forks:
                rows = np.flatnonzero(~np.isnan(pool[:, j]))
                other = l.sample(rng, 8 * m)[:, j]
                other = other[~np.isnan(other)]
                pool[rows, j] = rng.choice(other, len(rows)) if len(other) else pool[rows, j]
        scores = np.zeros(m)
        for j in range(len(space)):
            above, todo = set(), [j]
            while todo:
                parents = {p for p, _ in space.parents[todo.pop()]} - above
                above |= parents
                todo += parents
            active = ~np.isnan(pool[:, j])
            for sign, kept in ((1, above | {j}), (-1, above)):
                if kept and active.any():
                    alone = np.full_like(pool[active], np.nan)
                    alone[:, list(kept)] = pool[active][:, list(kept)]
                    scores[active] += sign * l.log_quotient(g, alone)
        picked = best_of_pools(space, history, rng, pool, scores, k, lambda X: l.log_quotient(g, X))
        return decode(space, picked)


CHANGES = {
    "gamma: 10 %": TPE(gamma=Quota(0.1, 25)),
    "gamma: 15 %": TPE(gamma=Quota(0.15, 25)),
    "gamma: 25 %, at most 50": TPE(gamma=Quota(0.25, 50)),
    "gamma: 40 %, at most 50": TPE(gamma=Quota(0.4, 50)),
    "weights of l: all alike": Changed(weights="alike"),
    "weights of l: by rank": Changed(weights="ranks"),
    "g: of the other trials only": Changed(g_of="others"),
    "labels: independent densities": Changed(labels="independent"),
    "prior_weight: 0.5": TPE(prior_weight=0.5),
    "prior_weight: 2": TPE(prior_weight=2.0),
    "bandwidth: 0.1 for all, not learnt": TPE(bandwidth_weight=FIXED),
    "bandwidth: 0.2 for all, not learnt": TPE(bandwidth_weight=FIXED, bandwidth=0.2),
    "bandwidth: 0.05": TPE(bandwidth=0.05),
    "bandwidth: 0.2": TPE(bandwidth=0.2),
    "bandwidth_weight: 0.125": TPE(bandwidth_weight=0.125),
    "bandwidth_weight: 2": TPE(bandwidth_weight=2.0),
    "leave: 0.2": TPE(leave=0.2),
    "leave: 0.7": TPE(leave=0.7),
    "final_width: 1": TPE(final_width=1.0),
    "final_width: 0.25": TPE(final_width=0.25),
    "initial design: 8": TPE(n_startup_jobs=8),
    "initial design: 32": TPE(n_startup_jobs=32),
    "initial design: at random": Changed(first="random"),
    "n_EI_candidates: 8": TPE(n_EI_candidates=8),
    "n_EI_candidates: 96": TPE(n_EI_candidates=96),
    "batch: best k of one pool": Changed(batch="one"),
    "batch: none in a branch": TPE(branch_share=0.0),
    "batch: one by one, pending in g": Changed(batch="liar"),
    "branch_share: 0.15": TPE(branch_share=0.15),
    "branch_share: 0.6": TPE(branch_share=0.6),
    "losses as observed, no regression": TPE(regression=False),
}
