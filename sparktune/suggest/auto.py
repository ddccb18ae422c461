"""A choice between methods, by the space, the budget and the noise seen so far."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from ..arithmetic import own_arithmetic
from ..history import ENDED, History, Status
from ..space.tree import Space, Values
from . import Suggester
from .bayes import Bayes
from .noise import ENOUGH, may_be_noisy
from .settings import check_whole
from .tpe import TPE

__all__ = ["Auto"]

_MANY = 1000  # ended trials from which on the GP costs more than it brings
_BRANCHES_SETTLED = 0.4  # share of the budget after which a tree is left to the GP
_SETTLED_AFTER = 60  # ended trials after which it is, where the budget is open
_TURN = 8  # trials of a turn


@dataclass(frozen=True)
class Auto:
    """Choose between the Gaussian process (GP) and TPE, batch by batch, by a fixed rule.

    1. From the 1,000th ended trial on: TPE, because the GP costs seconds a batch by then.
    2. In a space with branches (choices whose options hold further labels), for the first 40 % of
       the budget (60 ended trials where it is open): TPE, which finds the branch.
    3. Where the GP, fitted to at least 40 losses, takes more than 1 % of their variance for noise:
       TPE and the GP in turns of 8 trials.
    4. Else the GP: Bayes with its defaults.

    Costs what the chosen method costs, and one more fit in every second turn, for case 3.

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
        tpe = TPE(n_startup_jobs=self.n_startup_jobs)
        bayes = Bayes(n_startup_jobs=self.n_startup_jobs)
        ended = history.count(*ENDED)
        settled = _SETTLED_AFTER if budget is None else _BRANCHES_SETTLED * budget
        if ended >= _MANY or (space.forks and ended < settled):
            return tpe
        if len(history) // _TURN % 2 and history.count(Status.OK) >= ENOUGH:
            noise = bayes.fit(space, history, np.random.default_rng(len(history))).noise
            if may_be_noisy(history, noise):
                return tpe
        return bayes
