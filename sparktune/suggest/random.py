"""Random search: independent draws from the prior."""

from __future__ import annotations

from dataclasses import dataclass

from numpy.random import Generator

from ..arithmetic import own_arithmetic
from ..history import History
from ..space.tree import Space, Values

__all__ = ["Random"]


@dataclass(frozen=True)
class Random:
    """Independent draws from the space's own distributions.

    Costs microseconds a candidate. Draws are independent of the history, so a discrete space may
    see one point twice. Bergstra and Bengio (2012), "Random search for hyper-parameter
    optimization".
    """

    @own_arithmetic
    def suggest(
        self, space: Space, history: History, rng: Generator, k: int, budget: int | None = None
    ) -> list[Values]:
        """Draw k candidates; see Suggester."""
        return [space.decode(row) for row in space.sample(rng, k)]
