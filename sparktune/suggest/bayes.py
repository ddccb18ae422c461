"""Bayesian optimisation: a surrogate of the losses, an acquisition function and its maximum.

Jones, Schonlau and Welch (1998), "Efficient global optimization of expensive black-box functions",
in batches: Ginsbourger, Le Riche and Carraro (2010), "Kriging is well-suited to parallelize
optimization".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import Generator
from scipy.special import ndtri

from ..history import ENDED, History, Status
from ..space.distributions import Array
from ..space.tree import Space, Values
from .acquisition import ACQUISITIONS, minima
from .branches import Branch, branch_of, chance, sample_of, within
from .candidates import Fresh, best_of_pools, decode, finished
from .design import latin_hypercube, size_of_start
from .maximise import box_of, box_pool, climb, in_box, pool_of
from .settings import check_number, check_one_of, check_whole
from .surrogates import Posterior, Surrogate
from .surrogates.forest import Forest
from .surrogates.gp import GP
from .surrogates.outputs import standardised

__all__ = ["Bayes"]

SURROGATES: dict[str, Surrogate] = {"gp": GP(), "forest": Forest()}

_FAILED = 5 / 6  # quantile of the losses that failed trials count as
_INTERLEAVED = 0.1  # share of random candidates beside the forest's
_LOOKED_AT = 500  # best observations of which one is the incumbent
_FANTASIZED = 128  # latest pending trials; earlier ones only count as tried
_BELOW = 1e-3  # deviations that a drawn minimum lies below the lowest loss, at least


@dataclass(frozen=True)
class Bayes:
    """Fit a surrogate to the losses; propose where the acquisition function is highest.

    A batch comes from one fit, one candidate after the other: pending trials and those before it in
    the batch are fantasized by draws of the surrogate (the forest's believed means), over which the
    acquisition is averaged. Candidates are of four kinds:

    - of the whole space: the acquisition's top among ``n_candidates`` draws of the prior and around
      the best trials, climbed from the ten best (L-BFGS-B in what is continuous, best steps in what
      is discrete);
    - of a box around the best trial, of half-width ``reach``: with probability ``local_share``;
      the first candidate of a batch of several is never bound to it;
    - of a branch of the space, to get below its own best trial, so that a branch is tuned before it
      is given up: with probability ``branch_share`` in the middle of the budget, falling from twice
      that to 0;
    - of the prior: with probability ``random_share``.

    Losses are standardised; infinite ones count as the worst finite one, failed trials as worse
    than five in six. No exact duplicate of a finished, failed or pending trial is proposed while
    the space has others.

    With the Gaussian process, a batch of 8 costs about 0.15 s at n = 128, d = 10, and 1 s at
    n = 1,000; with the forest 0.1 s and 0.2 s.

    Args:
        surrogate: "gp" (GP, Gaussian process), "forest" (Forest, random forest), or a Surrogate.
        acquisition: "ei" (log of the expected improvement), "pi" (log of the probability of
            improvement), "lcb" (lower confidence bound) or "mes" (max-value entropy search); see
            acquisition.py.
        n_startup_jobs: trials of a Latin hypercube sample before the first fit, at least 1; fewer
            where they would use more than a third of the budget.
        n_candidates: size of the pool, at least 16.
        fantasies: draws of the pending trials, at least 1.
        local_share: see above, 0 to 1.
        reach: half-width of the box in shares of a label's range, above 0 and at most 1.
        branch_share: see above, 0 to 1.
        random_share: see above, 0 to 1; None: 0.1 for "forest", else 0.

    Raises:
        ValueError: a setting out of its range.
        TypeError: a surrogate that is none.
    """

    surrogate: str | Surrogate = "gp"
    acquisition: str = "ei"
    n_startup_jobs: int = 20
    n_candidates: int = 2000
    fantasies: int = 16
    local_share: float = 0.8
    reach: float = 0.2
    branch_share: float = 0.3
    random_share: float | None = None

    def __post_init__(self) -> None:
        if isinstance(self.surrogate, str):
            check_one_of("bayes", self, "surrogate", SURROGATES, ", or a Surrogate")
        elif not callable(getattr(self.surrogate, "fit", None)) or isinstance(self.surrogate, type):
            raise TypeError(
                "bayes: `surrogate` must be a name or an object with a method fit(space, X, y, "
                f"rng), but got {self.surrogate!r}"
            )
        check_one_of("bayes", self, "acquisition", ACQUISITIONS)
        check_whole("bayes", self, "n_startup_jobs", "fantasies")
        check_whole("bayes", self, "n_candidates", least=16)
        check_number("bayes", self, "local_share", "branch_share")
        if self.random_share is not None:
            check_number("bayes", self, "random_share")
        check_number("bayes", self, "reach", above=True)

    def suggest(
        self, space: Space, history: History, rng: Generator, k: int, budget: int | None = None
    ) -> list[Values]:
        """Propose k candidates from one fit; see Suggester."""
        n_startup = size_of_start(history, self.n_startup_jobs, budget)
        if n_startup:
            X = latin_hypercube(space, history, rng, k, n_startup)
            return decode(space, best_of_pools(space, history, rng, X, np.zeros(k), k))
        X, y = _ended(history)
        branch_chance = chance(self.branch_share, history.count(*ENDED), budget)
        batch = _Batch(self, space, history, rng, X, y, branch_chance)
        return decode(space, batch.drawn(k))

    def fit(self, space: Space, history: History, rng: Generator) -> Posterior:
        """The surrogate after the ended trials of a history, of which one must have a loss.

        Its means and deviations are in the surrogate's own units: losses standardised and, as the
        case may be, warped.
        """
        return self._surrogate.fit(space, *_ended(history), rng)

    @property
    def _surrogate(self) -> Surrogate:
        return SURROGATES[self.surrogate] if isinstance(self.surrogate, str) else self.surrogate

    @property
    def _random_share(self) -> float:
        if self.random_share is not None:
            return self.random_share
        return _INTERLEAVED if self.surrogate == "forest" else 0.0


class _Batch:
    """Candidates of one fit.

    Attributes:
        X, mean: latents of the observations, or the best of many, and what is believed there.
        incumbent: the row of the best mean.
        posterior: with all pending trials so far.
        lowest: (S,) the lowest loss so far in each fantasy.
        pool: (m, d) candidates.
        view: of the pool.
    """

    def __init__(
        self,
        settings: Bayes,
        space: Space,
        history: History,
        rng: Generator,
        X: Array,
        y: Array,
        branch_chance: float,
    ) -> None:
        self.settings, self.space, self.rng, self.X = settings, space, rng, X
        self.branch_chance = branch_chance
        self.fresh = Fresh(space, history)
        self.acquisition = ACQUISITIONS[settings.acquisition]
        self.posterior = settings._surrogate.fit(space, X, y, rng)
        if len(y) > _LOOKED_AT:
            self.X = X = X[np.argsort(y, kind="stable")[:_LOOKED_AT]]
        self.mean = self.posterior.predict(X)[0][0]
        self.lowest = np.full(1, float(self.mean.min()))
        self.incumbent = X[int(np.argmin(self.mean))]
        self.pool = np.empty((0, len(space)))
        self.view: Any = None
        self.general = pool_of(space, history, rng, settings.n_candidates)
        pending = history.X[history.status == Status.PENDING]
        self.pending = pending[-_FANTASIZED:]

    def drawn(self, k: int) -> Array:
        """(k, d) candidates."""
        settings, space, rng = self.settings, self.space, self.rng
        kinds = [self._kind(first=i == 0 and k > 1) for i in range(k)]
        pools = [self.general]
        few = settings.n_candidates // 4
        for kind in dict.fromkeys(kinds):
            if kind == "box":
                pools.append(box_pool(space, self.incumbent, settings.reach, rng, few))
            elif isinstance(kind, tuple):
                pools.append(sample_of(space, kind, rng, few))
        self.pool = np.concatenate(pools)
        self.view = self.posterior.view(self.pool, len(self.pending) + k)
        for row in self.pending:
            self._imagine(row)
        for i, kind in enumerate(kinds):
            self._pick(kind)
            if len(self.fresh.taken) == i:
                break  # nothing new in the pool
            if i + 1 < k:
                self._imagine(self.fresh.taken[-1])
        return self.fresh.fill(rng, k, None, self.pool)

    def _kind(self, first: bool) -> Branch | str:
        """What a candidate is to be: of a branch, "box", "random" or "all"."""
        settings, rng = self.settings, self.rng
        u = rng.random(3)
        if u[0] < settings._random_share:
            return "random"
        if self.space.forks and u[1] < self.branch_chance:
            return branch_of(self.space, self.X, rng)
        return "box" if not first and u[2] < settings.local_share else "all"

    def _imagine(self, row: Array) -> None:
        """Add a pending trial."""
        count = self.settings.fantasies
        normals = ndtri((self.rng.permutation(count) + 0.5) / count)
        self.posterior, values = self.posterior.with_pending(row, normals)
        self.lowest = np.minimum(self.lowest, values)
        self.view = self.posterior.follow(self.view)

    def _pick(self, kind: Branch | str) -> None:
        """Take the best new candidate of a kind."""
        space, rng, reach = self.space, self.rng, self.settings.reach
        if kind == "random":
            X = space.sample(rng, 16)
            self.fresh.take(X, -np.arange(16.0), 1)
            return
        inside, target, box = np.arange(len(self.pool)), self.lowest, None
        if kind == "box":
            box = box_of(space, self.incumbent, reach)
            inside = np.flatnonzero(in_box(space, self.pool, box, self.incumbent))
        elif isinstance(kind, tuple):
            inside = within(self.pool, kind)
            mine = within(self.X, kind)
            if len(mine):  # the branch's own, not the best of all
                target = np.full(1, float(self.mean[mine].min()))
        if not len(inside):
            inside, box = np.arange(len(self.pool)), None
        pool, mean, std = self.pool[inside], self.view.mean[:, inside], self.view.std[inside]
        if self.settings.acquisition == "mes":
            target = self._minima(mean, std, target)
        score = self.acquisition(mean, std, target).value
        tops, values = climb(space, self.posterior, self.acquisition, target, pool, score, rng, box)
        if not self.fresh.take(tops, values, 1):
            self.fresh.take(pool, score, 1)

    def _minima(self, mean: Array, std: Array, known: Array) -> Array:
        """Draws of the minimum, below what is known: (S,), or more of a single fantasy."""
        u = self.rng.random((len(mean), max(1, self.settings.fantasies // len(mean))))
        known = np.broadcast_to(known, len(mean))
        found: Array = np.minimum(minima(mean, std, u), known[:, None] - _BELOW).ravel()
        return found


def _ended(history: History) -> tuple[Array, Array]:
    """Latents and standardised losses of all trials that ended; failed ones count as poor."""
    X, y = finished(history)
    z = standardised(y)
    failed = np.isin(history.status, (Status.FAILED, Status.TIMED_OUT))
    if failed.any():
        X = np.concatenate([X, history.X[failed]])
        z = np.concatenate([z, np.full(failed.sum(), np.quantile(z, _FAILED))])
    return X, z
