"""Bayesian optimisation: a surrogate of the losses, an acquisition function and its maximum.

Jones, Schonlau and Welch (1998), "Efficient global optimization of expensive black-box functions",
in batches: Ginsbourger, Le Riche and Carraro (2010), "Kriging is well-suited to parallelize
optimization".
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import Generator
from scipy.special import ndtri

from ..arithmetic import own_arithmetic
from ..blas import on_one_thread
from ..history import ENDED, History, Status
from ..space.distributions import Array
from ..space.tree import Space, Values
from .acquisition import ACQUISITIONS, minima
from .branches import Branch, branch_of, branch_probability, sample_of, within
from .candidates import FAILED, Untried, decode, observations, standings
from .design import initial_design
from .maximise import Surface, local_ascent, pool_of
from .noise import NOISY, is_exact, may_be_noisy, replicate_probability
from .regions import TrustRegion, apart_from_best, width_after
from .settings import check_number, check_one_of, check_whole
from .surrogates import Posterior, Predictions, Surrogate
from .surrogates.forest import Forest
from .surrogates.gp import GP
from .surrogates.outputs import in_units, standardised

__all__ = ["Bayes"]

SURROGATES: dict[str, Surrogate] = {"gp": GP(), "forest": Forest()}

_INTERLEAVED = 0.1  # share of random candidates beside the forest's
_LOOKED_AT = 500  # best observations of which one is the incumbent
_FANTASIZED = 128  # latest pending trials; earlier ones only count as tried
_PATIENCE = 8  # failures after which a trust region halves, at least
_LABELS = 5  # beyond which a trust region is narrower
_BELOW = 1e-3  # deviations that a drawn minimum lies below the lowest loss, at least


@dataclass(frozen=True)
class Bayes:
    """Fit a surrogate to the losses; propose where the acquisition function is highest.

    A batch comes from one fit, one candidate after the other: pending trials and those before it in
    the batch are fantasized by draws of the surrogate (the forest's believed means), over which the
    acquisition is averaged. Candidates are of five kinds:

    - of the whole space: the acquisition's maximum over ``n_candidates`` draws from the prior and
      around the best trials, and over local ascents from ten of them (L-BFGS-B in what is
      continuous, best steps in what is discrete);
    - of a trust region around the best trial, with probability ``local_share``; the first candidate
      of a batch of several is never bound to it. The region's half-width is ``reach``, times the
      root of 5/d where the trial has d > 5 labels. It grows on improvements and ties and shrinks on
      failures (as many as the space has labels, or candidates are under way, at least 8), between
      twice and an eighth of that, where losses are not noisy;
    - of a branch of the space, to get below its own best trial before the branch is given up: with
      probability ``branch_share`` in the middle of the budget, falling from twice that to 0;
    - of the prior: with probability ``random_share``;
    - one that was evaluated before, the one whose mean less its deviation is lowest: with
      probability ``replicate_share`` in the second half of the budget (half of it where that is
      open), once 40 trials have a loss, where more than 1 % of the losses' variance is learnt to be
      noise and replicates have not had the same loss twice.

    Losses are standardised; infinite ones count as the worst finite one, failed trials as worse
    than five in six, and a pruned trial as that quantile of the losses which its last report is of
    all reports at its step. But for the last kind, no exact duplicate of a finished, failed or
    pending trial is proposed while the space has others.

    Jones, Schonlau and Welch (1998), "Efficient global optimization of expensive black-box
    functions"; in batches as in Ginsbourger, Le Riche and Carraro (2010), "Kriging is well-suited
    to parallelize optimization"; the trust region as in Eriksson et al. (2019), "Scalable global
    optimization via local Bayesian optimization". With the GP, a batch of 8 costs about 0.2 s at
    n = 128, d = 10, and 0.4 s from n = 400 on; with the forest 0.1 s and 0.3 s.

    Args:
        surrogate: "gp" (GP: Gaussian process), "forest" (Forest: random forest), or a Surrogate.
        acquisition: "ei" (log of the expected improvement), "pi" (log of the probability of
            improvement), "lcb" (lower confidence bound), "mes" (max-value entropy search), or
            "mix": every second trial's is "ei", and the others' in turn a bound that explores,
            "pi" and "lcb", so that a batch does not hang on one of them.
        n_startup_jobs: trials of a Latin hypercube sample before the first fit, at least 1; fewer
            where they would use more than a third of the budget, more while too many of them fail.
        n_candidates: size of the pool, at least 16.
        fantasies: draws of the pending trials, at least 1.
        local_share, branch_share: see above, 0 to 1.
        replicate_share: see above, 0 to 1.
        random_share: see above, 0 to 1; None: 0.1 for "forest", else 0.
        reach: half-width of the trust region in shares of a label's range, above 0 and at most 1.

    Raises:
        ValueError: a setting out of its range.
        TypeError: a surrogate that is none.
    """

    surrogate: str | Surrogate = "gp"
    acquisition: str = "mix"
    n_startup_jobs: int = 20
    n_candidates: int = 2000
    fantasies: int = 16
    local_share: float = 0.8
    reach: float = 0.2
    branch_share: float = 0.3
    replicate_share: float = 0.25
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
        check_number("bayes", self, "local_share", "branch_share", "replicate_share")
        if self.random_share is not None:
            check_number("bayes", self, "random_share")
        check_number("bayes", self, "reach", over=True)

    @on_one_thread
    @own_arithmetic
    def suggest(
        self, space: Space, history: History, rng: Generator, k: int, budget: int | None = None
    ) -> list[Values]:
        """Propose k candidates from one fit; see Suggester."""
        first = initial_design(space, history, rng, k, self.n_startup_jobs, budget)
        if first:
            return first
        in_branch = branch_probability(self.branch_share, history.count(*ENDED), budget)
        at_random = self.random_share
        if at_random is None:
            at_random = _INTERLEAVED if self.surrogate == "forest" else 0.0
        batch = _Batch(self, space, history, rng, k)
        again = 0.0
        if may_be_noisy(history, batch.posterior.noise) and not is_exact(history):
            again = replicate_probability(self.replicate_share, history, budget)
        return decode(space, batch.drawn(in_branch, at_random, again))

    @on_one_thread
    @own_arithmetic
    def fit(self, space: Space, history: History, rng: Generator) -> Posterior[Any]:
        """Fit the surrogate to the ended trials of a history, of which one must have a loss.

        The posterior is of losses that are standardised and, by some surrogates, warped.
        """
        return _fitted(self.surrogate, space, *_ended(history), rng)


class _Batch:
    """Candidates that are chosen one after the other by the posterior of one fit.

    Attributes:
        X: (n, d) latents of the observations, or of the best of many.
        evaluated: those of them that have a loss of their own.
        mean: (n,) posterior means of the observations.
        region: the trust region around the incumbent, the observation of the lowest mean.
        pending: (q, d) latents of the pending trials, or of the latest of many.
        posterior: with all pending trials and chosen candidates so far.
        lowest: (S,) in each fantasy, the lowest loss so far.
        pool: (m, d) latents to choose from.
        predictions: of the posterior at the pool.
        chosen: the candidates so far.
    """

    predictions: Predictions

    def __init__(
        self, settings: Bayes, space: Space, history: History, rng: Generator, k: int
    ) -> None:
        self.settings, self.space, self.rng, self.k = settings, space, rng, k
        self.acquisitions, self.begun = ACQUISITIONS[settings.acquisition], len(history)
        self.chosen = Untried(space, history)
        self.pending = history.X[history.status == Status.PENDING][-_FANTASIZED:]
        X, y, variance = _ended(history)
        self.posterior = _fitted(settings.surrogate, space, X, y, variance, rng)
        self.X = X = X[np.argsort(y, kind="stable")[:_LOOKED_AT]] if len(y) > _LOOKED_AT else X
        evaluated, losses = observations(history)
        self.evaluated = evaluated[np.argsort(losses, kind="stable")[:_LOOKED_AT]]
        self.mean = self.posterior.predict(X)[0][0]
        self.lowest = np.full(1, float(self.mean.min()))
        incumbent = X[int(np.argmin(self.mean))]
        labels = np.count_nonzero(~np.isnan(incumbent))
        reach = settings.reach * math.sqrt(min(1.0, _LABELS / labels))
        if self.posterior.noise <= NOISY:  # or most failures are bad luck
            patience = max(_PATIENCE, len(space), len(self.pending) + k)
            apart = apart_from_best(space, evaluated, losses) / reach
            reach *= width_after(losses.tolist(), apart.tolist(), settings.n_startup_jobs, patience)
        self.region = TrustRegion(space, incumbent, min(1.0, reach))
        self.pool = pool_of(space, history, rng, settings.n_candidates)

    def drawn(self, in_branch: float, at_random: float, again: float) -> Array:
        """Choose k candidates: (k, d) latents.

        One is of a single branch with probability ``in_branch``, of the prior with ``at_random``,
        and of those evaluated before with ``again``.
        """
        k = self.k
        kinds = [self._kind(i == 0 and k > 1, in_branch, at_random, again) for i in range(k)]
        few = self.settings.n_candidates // 4
        pools = [self.pool]
        for name, branch in dict.fromkeys(kinds):
            if name == "region":
                pools.append(self.region.pool(self.rng, few))
            elif name == "branch":
                pools.append(sample_of(self.space, branch, self.rng, few))
        self.pool = np.concatenate(pools)
        self.predictions = self.posterior.view(self.pool, len(self.pending) + k)
        for row in self.pending:
            self._fantasize(row)
        for i, kind in enumerate(kinds):
            self._choose(*kind)
            if len(self.chosen.taken) == i:
                break  # nothing new in the pool
            if i + 1 < k:
                self._fantasize(self.chosen.taken[-1])
        return self.chosen.fill(self.rng, k, None, self.pool)

    def _kind(
        self, unbound: bool, in_branch: float, at_random: float, again: float
    ) -> tuple[str, Branch]:
        """Draw what a candidate is to be.

        It is "random", one "again", of a "branch", in the "region", or of "all".
        """
        u = self.rng.random(3)
        if u[0] < at_random:
            return "random", ()
        if u[0] > 1 - again:
            return "again", ()
        if self.space.forks and u[1] < in_branch:
            return "branch", branch_of(self.space, self.X, self.rng)
        return ("region" if not unbound and u[2] < self.settings.local_share else "all"), ()

    def _fantasize(self, row: Array) -> None:
        """Add a pending trial to the posterior, with a fantasy of its loss for each quantile."""
        count = self.settings.fantasies
        normals = ndtri((self.rng.permutation(count) + 0.5) / count)
        self.posterior, values = self.posterior.with_pending(row, normals)
        self.lowest = np.minimum(self.lowest, values)
        self.predictions = self.posterior.follow(self.predictions)

    def _choose(self, name: str, branch: Branch) -> None:
        """Choose the new candidate of a kind for which the acquisition function is highest."""
        if name == "random":
            self.chosen.take(self.space.sample(self.rng, 16), -np.arange(16.0), 1)
            return
        if name == "again":
            mean, std = self.posterior.predict(self.evaluated)
            self.chosen.taken.append(self.evaluated[int(np.argmin(mean.mean(0) - std))])
            return
        inside, target = np.arange(len(self.pool)), self.lowest
        if name == "region":
            inside = np.flatnonzero(self.region.holds(self.pool))
        elif name == "branch":
            inside = within(self.pool, branch)
            mine = within(self.X, branch)
            if len(mine):  # the branch's own, not the best of all
                target = np.full(1, float(self.mean[mine].min()))
        if not len(inside):
            inside, name = np.arange(len(self.pool)), "all"
        mean, std = self.predictions.mean[:, inside], self.predictions.std[inside]
        number = self.begun + len(self.chosen.taken)
        acquisition = self.acquisitions[number % len(self.acquisitions)]
        if acquisition.of_minima:
            target = self._minima(mean, std, target)
        surface = Surface(self.space, self.posterior, acquisition, target)
        pool, score = self.pool[inside], acquisition(mean, std, target).value
        tops, values = local_ascent(surface, pool, score, self.rng, self.region, name == "region")
        if not self.chosen.take(tops, values, 1):
            self.chosen.take(pool, score, 1)

    def _minima(self, mean: Array, std: Array, known: Array) -> Array:
        """Draw the minimum, below what is known: (S,), or more of a single fantasy."""
        u = self.rng.random((len(mean), max(1, self.settings.fantasies // len(mean))))
        known = np.broadcast_to(known, len(mean))
        return np.minimum(minima(mean, std, u), known[:, None] - _BELOW).ravel()


def _fitted(
    surrogate: str | Surrogate, space: Space, X: Array, z: Array, variance: Array, rng: Generator
) -> Posterior[Any]:
    """Fit a surrogate, by its name or as it is, to what ``_ended`` gives."""
    if isinstance(surrogate, str):
        surrogate = SURROGATES[surrogate]
    if not variance.any():  # so that a user's surrogate may do without
        return surrogate.fit(space, X, z, rng)
    return surrogate.fit(space, X, z, rng, variance)


def _ended(history: History) -> tuple[Array, Array, Array]:
    """Latents, standardised losses and their stated variances of all trials that ended.

    Those without a loss have the one that is believed of them, and no variance.
    """
    X, y = observations(history)
    z, scale = standardised(y)
    stated = in_units(history.variance[history.status == Status.OK], 1 / scale)
    failed = np.flatnonzero(np.isin(history.status, (Status.FAILED, Status.TIMED_OUT)))
    pruned = np.flatnonzero(history.status == Status.PRUNED)
    if not (len(failed) or len(pruned)):
        return X, z, stated
    believed = np.concatenate([np.full(len(failed), FAILED), standings(history, pruned)])
    X = np.concatenate([X, history.X[failed], history.X[pruned]])
    stated = np.concatenate([stated, np.zeros(len(believed))])
    return X, np.concatenate([z, np.quantile(z, believed)]), stated
