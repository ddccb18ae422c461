"""A choice between methods, by the space and the budget."""

from __future__ import annotations

from dataclasses import dataclass

from numpy.random import Generator

from ..arithmetic import own_arithmetic
from ..history import ENDED, History
from ..space.tree import Space, Values
from . import Suggester
from .bayes import Bayes
from .settings import check_whole
from .tpe import TPE

__all__ = ["Auto"]

_MANY = 5000  # ended trials from which on what the GP costs is not worth it
_BRANCHES_SETTLED = 0.4  # share of the budget after which a tree is left to the GP
_SETTLED_AFTER = 60  # ended trials after which it is, where the budget is open


@dataclass(frozen=True)
class Auto:
    """Choose between the Gaussian process (GP) and TPE, batch by batch, by a fixed rule.

    1. From the 5,000th ended trial on: TPE.
    2. In a space with branches (choices whose options hold further labels), for the first 40 % of
       the budget (60 ended trials where it is open): TPE, which finds the branch.
    3. Else the GP: Bayes with its defaults.

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
        if ended >= _MANY or (space.forks and ended < settled):
            return TPE(n_startup_jobs=self.n_startup_jobs)
        return Bayes(n_startup_jobs=self.n_startup_jobs)
