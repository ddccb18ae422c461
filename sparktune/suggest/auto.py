"""A choice between methods, by the space and the budget."""

from __future__ import annotations

from dataclasses import dataclass

from numpy.random import Generator

from ..arithmetic import own_arithmetic
from ..history import ENDED, History
from ..space.tree import Space, Values
from . import Suggester
from .bayes import Bayes
from .cma import CMA
from .settings import check_whole
from .tpe import TPE

__all__ = ["Auto"]

_MANY = 1000  # ended trials from which on CMA-ES finds as much as the GP, for less
_NEAR = 0.1  # deviation, in shares of a label's range, with which it begins there
_MANY_IN_BRANCHES = 5000  # ended trials from which on what the GP costs is not worth it
_BRANCHES_SETTLED = 0.4  # share of the budget after which a tree is left to the GP
_SETTLED_AFTER = 60  # ended trials after which it is, where the budget is open


@dataclass(frozen=True)
class Auto:
    """Choose between the Gaussian process (GP), TPE and CMA-ES, batch by batch, by a fixed rule.

    1. In a space without branches: the GP (Bayes with its defaults), and from the 1,000th ended
       trial on CMA-ES, which begins at the best.
    2. In a space with branches (choices whose options hold further labels): for the first 40 % of
       the budget (60 ended trials where it is open) TPE, which finds the branch; then the GP, and
       from the 5,000th ended trial on TPE again.

    Costs what the chosen method costs.

    Args:
        n_startup_jobs: trials of the initial design before the first fit, at least 1.

    Raises:
        ValueError: a setting out of its range.
    """

    n_startup_jobs: int = 20

    def __post_init__(self) -> None:
        check_whole("auto", self, "n_startup_jobs")

    @own_arithmetic
    def suggest(
        self, space: Space, history: History, rng: Generator, k: int, budget: int | None = None
    ) -> list[Values]:
        """Propose k candidates; see Suggester."""
        return self.chosen(space, history, budget).suggest(space, history, rng, k, budget)

    def chosen(self, space: Space, history: History, budget: int | None = None) -> Suggester:
        """The method that proposes the next batch."""
        ended = history.count(*ENDED)
        settled = _SETTLED_AFTER if budget is None else _BRANCHES_SETTLED * budget
        if space.forks and not settled <= ended < _MANY_IN_BRANCHES:
            return TPE(n_startup_jobs=self.n_startup_jobs)
        if not space.forks and ended >= _MANY:
            return CMA(n_startup_jobs=self.n_startup_jobs, sigma=_NEAR, after=_MANY)
        return Bayes(n_startup_jobs=self.n_startup_jobs)
