"""How the next candidates are chosen: functions of the space, the history and a generator."""

from __future__ import annotations

from typing import Protocol

from numpy.random import Generator

from ..history import History
from ..space.tree import Space, Values

__all__ = ["Suggester"]


class Suggester(Protocol):
    """A method that proposes candidates; frozen settings without state."""

    def suggest(
        self, space: Space, history: History, rng: Generator, k: int, budget: int | None
    ) -> list[Values]:
        """Propose the next candidates from one refit.

        Args:
            space: where to search.
            history: everything tried so far, pending trials included; not changed.
            rng: the only source of randomness.
            k: how many candidates, at least 1.
            budget: how many evaluations the whole search may have, None where it is open.

        Returns:
            k candidates.
        """
