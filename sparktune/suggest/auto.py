"""The method that fits a space and what is known of it so far."""

from __future__ import annotations

from dataclasses import dataclass

from numpy.random import Generator

from ..history import ENDED, History
from ..space.tree import Space, Values
from . import Suggester
from .bayes import Bayes
from .settings import count
from .tpe import TPE

__all__ = ["Auto"]

_MANY = 1000  # ended trials from which on a Gaussian process costs more than it brings


@dataclass(frozen=True)
class Auto:
    """Placeholder."""

    n_startup_jobs: int = 20

    def __post_init__(self) -> None:
        count(self.n_startup_jobs, "auto", "n_startup_jobs")

    def suggest(
        self, space: Space, history: History, rng: Generator, k: int, budget: int | None = None
    ) -> list[Values]:
        """Propose k candidates; see Suggester."""
        return self.chosen(space, history).suggest(space, history, rng, k, budget)

    def chosen(self, space: Space, history: History) -> Suggester:
        """The method that proposes the next batch."""
        if history.count(*ENDED) >= _MANY:
            return TPE(n_startup_jobs=self.n_startup_jobs)
        return Bayes(n_startup_jobs=self.n_startup_jobs)
