"""Tree-structured Parzen estimator.

Bergstra et al. (2011), "Algorithms for hyper-parameter optimization", with a joint mixture over all
labels instead of independent ones, weights by improvement, bandwidths by leave-one-out likelihood,
and batches from one refit.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from ..arithmetic import own_arithmetic
from ..checks import flag, keep
from ..history import ENDED, History, Status
from ..space.distributions import Array
from ..space.tree import Space, Values
from .axes import Axes
from .branches import FEW, Branch, branch_of, branch_probability, within
from .candidates import best_of_pools, decode, with_pruned
from .design import initial_design
from .settings import as_number, check_number, check_whole
from .surrogates.parzen import Bandwidths, Parzen
from .surrogates.regression import believed

__all__ = ["TPE", "good_count", "improvements", "lowest"]

_MOST_GOOD = 25  # observations behind l(x), at most
_LEAST = 20  # finished trials from which on there is a regression
_HUGE = 1e290  # improvements beyond which only their ratios are looked at
_BRANCH_GAMMA = 0.4  # share of a branch's trials that count as good in its own pool


def good_count(n: int, share: float = 0.25) -> int:
    """How many of n finished trials count as good: a share of them, at most 25."""
    return min(math.ceil(share * n), _MOST_GOOD)


@dataclass(frozen=True)
class TPE:
    """Draw candidates from l(x), the density of good trials; take those with the best l(x)/g(x).

    l is a mixture of kernels at the good trials, weighted by their improvement on the best of the
    others; g one of the same kernels at all finished trials but failed ones. l/g estimates the
    expected improvement at x by kernel regression, shrunk to the prior's where nothing was tried.
    Kernels are as wide in each label as makes the good trials likeliest, each given the others, so
    labels that do not matter drop out.

    A batch of k comes from one fit: k pools of ``n_EI_candidates`` draws, the best of each. In a
    space with branches (choices whose options hold further labels) some pools are drawn in one
    branch and judged by its own trials alone, so that a branch is tuned before it is given up. No
    exact duplicate of a finished, failed or pending trial is proposed while the space has others.
    Failed trials teach l and g nothing; a pruned one counts as finished, with that quantile of the
    losses which its last report is of all reports at its step.

    Bergstra et al. (2011), "Algorithms for hyper-parameter optimization", with a joint mixture over
    all labels; weights by improvement are those of Watanabe (2023). Costs O(k n d) a batch: about
    5 ms at k = 8, n = 100, d = 10.

    Args:
        n_startup_jobs: trials of a Latin hypercube sample before the first fit, at least 1; fewer
            where they would use more than a third of the budget, more while too many of them fail.
        n_EI_candidates: size of a pool, at least 1.
        gamma: how many of n finished trials are good: a function n -> count, at least 1, or a
            number above 0 with Hyperopt's meaning, ``min(ceil(gamma * sqrt(n)), 25)``. The default,
            ``good_count``, is a quarter of them, at most 25. The fit's cost grows with the square
            of the count. Pools of one branch take 40 % of its trials instead.
        prior_weight: weight of the prior in l and g relative to the mean trial, 1e-9 to 1e9.
        branch_share: probability, 0 to 1, that a pool is one of a single branch. It falls from
            twice this (at most 1) to 0 in the course of the budget; an open budget leaves it as is.
        bandwidth: width of kernels in shares of a label's range, 1e-6 to 1e6, that is assumed where
            few trials say otherwise; from 0.4 on as good as flat.
        bandwidth_weight: how many trials' word that assumption has, 1e-9 to 1e12.
        leave: probability, 1e-9 to 0.999, that a kernel takes another category than its own
            trial's, assumed where few trials say otherwise; with the weight of one trial.
        final_width: factor, above 0 and at most 1, to which the widths of all kernels but those of
            single branches fall in the second half of the budget. Without effect where that is
            open.
        regression: whether trials are ranked and weighted by what a kernel regression believes of
            their losses, once there are 20, instead of by the losses themselves: where two
            evaluations of a configuration differ, l does not close in on lucky ones.

    Raises:
        ValueError: a setting out of its range.
    """

    n_startup_jobs: int = 16
    n_EI_candidates: int = 24  # noqa: N815 (Hyperopt's name)
    gamma: Callable[[int], int] | float = good_count
    prior_weight: float = 1.0
    branch_share: float = 0.3
    bandwidth: float = 0.1
    bandwidth_weight: float = 0.5
    leave: float = 0.4
    final_width: float = 0.5
    regression: bool = True

    def __post_init__(self) -> None:
        check_whole("tpe", self, "n_startup_jobs", "n_EI_candidates")
        check_number("tpe", self, "prior_weight", least=1e-9, most=1e9)
        check_number("tpe", self, "branch_share")
        check_number("tpe", self, "bandwidth", least=1e-6, most=1e6)
        check_number("tpe", self, "bandwidth_weight", least=1e-9, most=1e12)
        check_number("tpe", self, "leave", least=1e-9, most=0.999)
        check_number("tpe", self, "final_width", over=True)
        keep(self, regression=flag("regression", self.regression))
        if not callable(self.gamma) and not 0 < as_number(self.gamma) < math.inf:
            raise ValueError(
                "tpe: `gamma` must be a function n -> count or a number above 0, but got "
                f"{self.gamma!r}"
            )

    @own_arithmetic
    def suggest(
        self,
        space: Space,
        history: History,
        rng: Generator,
        k: int,
        budget: int | None = None,
        held: NDArray[np.bool_] | None = None,
    ) -> list[Values]:
        """Propose k candidates from one refit; see Suggester.

        Where ``held`` is given, (k, d), it says which labels each pool takes from the best trial,
        if that has them.
        """
        first = initial_design(space, history, rng, k, self.n_startup_jobs, budget)
        if first:
            return first
        X, y = self._observed(space, history)
        spent = history.count(*ENDED)
        probability = branch_probability(self.branch_share, spent, budget)
        in_branch = int(rng.binomial(k, probability)) if space.forks else 0
        width = self._width(spent, budget)
        l, g = self._densities(space, X, y, self._good(len(y)), width)  # noqa: E741 (paper's name)
        pools = [l.sample(rng, (k - in_branch) * self.n_EI_candidates)]
        if held is not None:
            each = np.repeat(held[: k - in_branch], self.n_EI_candidates, axis=0)
            pools[0] = _held(space, pools[0], X[int(np.argmin(y))], each)
        scores = [l.log_quotient(g, pools[0])]
        branches = Counter(branch_of(space, X, rng) for _ in range(in_branch))
        for branch, times in branches.items():
            pool, score = self._pools_of_branch(space, X, y, rng, branch, times)
            pools.append(pool)
            scores.append(score)
        pool, score = np.concatenate(pools), np.concatenate(scores)
        picked = best_of_pools(space, history, rng, pool, score, k, lambda X: l.log_quotient(g, X))
        return decode(space, picked)

    @own_arithmetic
    def fit(self, space: Space, history: History) -> tuple[Parzen, Parzen]:
        """Fit the densities (l, g) to the finished trials of a history."""
        X, y = self._observed(space, history)
        return self._densities(space, X, y, self._good(len(y)))

    def _observed(self, space: Space, history: History) -> tuple[Array, Array]:
        """Latents of the finished trials, and their losses, or what is believed of these."""
        X, y = with_pruned(history)
        if not self.regression or len(y) < _LEAST:
            return X, y
        _, _, bandwidths = self._kernels(space, X, y, self._good(len(y)))
        stated = np.zeros(len(y))
        losses = history.status == Status.OK
        stated[: np.count_nonzero(losses)] = history.variance[losses]
        return X, believed(space, X, y, bandwidths, stated)

    def _width(self, n: int, budget: int | None) -> float:
        """Factor on the kernels' widths after n trials, below 1 in the budget's second half."""
        late = 0.0 if budget is None else min(1.0, max(0.0, 2 * n / budget - 1))
        return 1 - (1 - self.final_width) * late

    def _good(self, n: int) -> int:
        """How many of n trials count as good by the setting ``gamma``."""
        if not callable(self.gamma):
            return math.ceil(min(self.gamma * math.sqrt(n), _MOST_GOOD))
        good = self.gamma(n)
        if not 1 <= as_number(good) < math.inf or good != int(good):
            raise ValueError(
                f"tpe: `gamma` must return a whole number >= 1, but got {good!r} for n = {n}"
            )
        return int(good)

    def _densities(
        self, space: Space, X: Array, y: Array, n_good: int, width: float = 1.0, given: Branch = ()
    ) -> tuple[Parzen, Parzen]:
        """Fit l and g to trials that all took a branch, as densities given that branch."""
        good, weights, bandwidths = self._kernels(space, X, y, n_good, given)
        bandwidths = bandwidths.times(width)
        return (
            Parzen.fit(space, X[good], weights, self.prior_weight, bandwidths),
            Parzen.fit(space, X, np.ones(len(X)), self.prior_weight, bandwidths),
        )

    def _kernels(
        self, space: Space, X: Array, y: Array, n_good: int, given: Branch = ()
    ) -> tuple[NDArray[np.intp], Array, Bandwidths]:
        """Numbers of the good trials, their weights, and how wide their kernels are."""
        good, best_other = lowest(y, n_good)
        assumed = Bandwidths.assumed(space, self.bandwidth, self.leave)
        assumed.leave[np.isin(Axes.of(space).categorical, [j for j, _ in given])] = 1.0
        weights = improvements(y[good], best_other)
        bandwidths = Bandwidths.likeliest(
            space, X[good], weights, self.prior_weight, assumed, self.bandwidth_weight
        )
        return good, weights, bandwidths

    def _pools_of_branch(
        self, space: Space, X: Array, y: Array, rng: Generator, branch: Branch, times: int
    ) -> tuple[Array, Array]:
        """Draw pools in one branch, pool after pool, and score them by its own trials."""
        mine = within(X, branch)
        if len(mine) < FEW:
            mine = mine[:0]
        n_good = min(math.ceil(_BRANCH_GAMMA * len(mine)), _MOST_GOOD)
        l, g = self._densities(space, X[mine], y[mine], n_good, given=branch)  # noqa: E741
        pools = l.sample(rng, times * self.n_EI_candidates, dict(branch))
        return pools, l.log_quotient(g, pools)


def _held(space: Space, pool: Array, row: Array, held: NDArray[np.bool_]) -> Array:
    """Set the held labels of a pool to a row's values, with the labels that these activate."""
    return space.mask(np.where(~np.isnan(row) & (held | np.isnan(pool)), row, pool))


def lowest(y: Array, count: int) -> tuple[NDArray[np.intp], float]:
    """Numbers of the lowest losses, lowest and earliest first, and the lowest of the others."""
    order = np.argsort(y, kind="stable")
    return order[:count], float(y[order[count]]) if len(order) > count else math.inf


def improvements(good: Array, best_other: float) -> Array:
    """Weights of the good trials: by how much each improves on the best of the others.

    Watanabe (2023), "EI" weighting. Where an improvement is not finite, all weights are 1.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        weights = best_other - good
        if not np.isfinite(weights.sum()):
            return np.ones(len(good))
    largest = float(weights.max(initial=0.0))
    if largest > 0 and not 1 / _HUGE < largest < _HUGE:  # or sums and shares of them would not hold
        weights, largest = weights / largest, 1.0
    return np.maximum(weights, 1e-12 * largest)
