"""Bayesian optimisation: a surrogate of the losses, an acquisition function and its maximum.

Jones, Schonlau and Welch (1998), "Efficient global optimization of expensive black-box functions",
in batches: Ginsbourger, Le Riche and Carraro (2010), "Kriging is well-suited to parallelize
optimization".
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.special import ndtri

from ..history import ENDED, History, Status
from ..space.distributions import Array
from ..space.tree import Space, Values
from .acquisition import ACQUISITIONS, minima
from .branches import Branch, branch_of, sample_of, within
from .candidates import Fresh, best_of_pools, decode, finished
from .design import latin_hypercube
from .maximise import box_of, box_pool, climb, pool_of
from .surrogates import Posterior, Surrogate
from .surrogates.gp import GP
from .surrogates.outputs import standardised

__all__ = ["Bayes"]

_FAILED = 0.84  # quantile of the losses that failed trials count as
_SURE = 1e-3  # deviation below which two trials at one place tell nothing more


@dataclass(frozen=True)
class Bayes:
    surrogate: Surrogate = GP()
    acquisition: str = "ei"
    n_startup_jobs: int = 16
    n_candidates: int = 2000
    fantasies: int = 16
    local: float = 0.5
    branch_share: float = 0.3
    box: tuple[float, float] = (0.2, 0.2)

    def suggest(
        self, space: Space, history: History, rng: Generator, k: int, budget: int | None = None
    ) -> list[Values]:
        n_startup = self.n_startup_jobs
        if budget is not None:
            n_startup = max(1, min(n_startup, budget // 3))
        begun = history.count(*ENDED, Status.PENDING)
        if begun < n_startup or 2 * history.count(Status.OK) < n_startup:
            X = latin_hypercube(space, history, rng, k, n_startup)
            return decode(space, best_of_pools(space, history, rng, X, np.zeros(k), k))
        X, z = observed(history)
        posterior: Posterior = self.surrogate.fit(space, X, z, rng)
        return decode(space, self._batch(space, history, rng, k, posterior, X, budget))

    def _batch(
        self,
        space: Space,
        history: History,
        rng: Generator,
        k: int,
        posterior: Posterior,
        X: Array,
        budget: int | None,
    ) -> Array:
        spent = history.count(*ENDED)
        left = 0.5 if budget is None else max(0.0, 1 - spent / budget)
        acquisition = ACQUISITIONS[self.acquisition]
        mean = posterior.predict(X)[0][0]
        lowest = np.full(1, float(mean.min()))
        incumbent = X[int(np.argmin(mean))]
        branch_share = min(1.0, 2 * self.branch_share * left) if space.forks else 0.0
        kinds: list[Branch | str] = []
        for i in range(k):
            if rng.random() < branch_share:
                kinds.append(branch_of(space, X, rng))
            else:
                kinds.append("box" if i and rng.random() < self.local else "all")
        reach = self.box[0] * (self.box[1] / self.box[0]) ** (1 - left)
        pools = {"all": pool_of(space, history, rng, self.n_candidates)}
        few = self.n_candidates // 4
        for kind in dict.fromkeys(kinds):
            if kind == "box":
                pools["box"] = box_pool(space, incumbent, reach, rng, few)
            elif kind != "all":
                pools[kind] = sample_of(space, kind, rng, few)
        ends = np.cumsum([len(each) for each in pools.values()])
        where = {
            kind: slice(end - len(each), end) for (kind, each), end in zip(pools.items(), ends)
        }
        where["all"] = slice(None)
        pool = np.concatenate(list(pools.values()))
        view = posterior.view(pool)
        fresh = Fresh(space, history)

        def imagine(x: Array) -> None:
            nonlocal posterior, lowest, view
            normals = ndtri((rng.permutation(self.fantasies) + 0.5) / self.fantasies)
            posterior, values = posterior.with_pending(x, normals)
            lowest = np.minimum(lowest, values)
            view = posterior.follow(view)

        for trial in history.pending:
            imagine(space.encode(trial.values))
        for i, kind in enumerate(kinds):
            target = lowest
            if isinstance(kind, tuple):
                mine = within(X, kind)
                if len(mine):
                    target = np.full(1, float(mean[mine].min()))
            if self.acquisition == "mes":
                u = rng.random((len(lowest), max(1, self.fantasies // len(lowest))))
                target = np.minimum(minima(view.mean, view.std, u), lowest[:, None] - 1e-3).ravel()
            inside = where[kind]
            if isinstance(kind, tuple):
                inside = within(pool, kind)
            score = acquisition(view.mean[:, inside], view.std[inside], target).value
            box = box_of(space, incumbent, reach) if kind == "box" else None
            found, scores = climb(
                space, posterior, acquisition, target, pool[inside], score, rng, box
            )
            if not fresh.take(found, scores, 1):
                fresh.take(pool[inside], score, 1)
            if len(fresh.taken) == i:
                break
            if i + 1 < k:
                imagine(fresh.taken[-1])
        return fresh.fill(rng, k, None, pool)


def observed(history: History) -> tuple[Array, Array]:
    """Latents and standardised losses of all trials that ended; failed ones count as poor."""
    X, y = finished(history)
    z = standardised(y)
    failed = np.isin(history.status, (Status.FAILED, Status.TIMED_OUT))
    if failed.any():
        X = np.concatenate([X, history.X[failed]])
        z = np.concatenate([z, np.full(failed.sum(), np.quantile(z, _FAILED))])
    return X, z
