"""A mixture of methods: each candidate is one of theirs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import Generator

from ..history import History
from ..space.tree import Space, Values
from . import Suggester
from .settings import as_number

__all__ = ["Mix"]


@dataclass(frozen=True)
class Mix:
    """Each candidate comes from one of several methods, drawn with given probabilities.

    Of a batch each method gives its part from one refit, and knows the parts before its own as
    pending trials. A batch costs what the methods cost that are drawn for it.

    Args:
        p_suggest: (probability, suggester) pairs, whose probabilities sum to 1. A suggester is an
            object with ``suggest``, such as ``TPE()``. Functions such as ``tpe.suggest`` are taken
            by ``functools.partial(mix.suggest, p_suggest=[...])`` alone.

    Raises:
        ValueError: no pair, or probabilities that are negative or do not sum to 1.
        TypeError: something else than pairs, or a method that is no suggester.
    """

    p_suggest: Sequence[tuple[float, Suggester]]

    def __post_init__(self) -> None:
        pairs = self.pairs(self.p_suggest)
        p = [as_number(each) for each, _ in pairs]
        if not all(0 <= each <= 1 for each in p) or not math.isclose(sum(p), 1, abs_tol=1e-6):
            raise ValueError(
                "mix: the probabilities in `p_suggest` must be from 0 to 1 and sum to 1, but got "
                f"{[each for each, _ in pairs]!r}"
            )
        for _, method in pairs:
            suggest = getattr(method, "suggest", None)
            # a class, and a name of algo.py, have a `suggest` that takes other arguments
            if suggest is None or isinstance(method, type) or hasattr(suggest, "suggester"):
                raise TypeError(
                    "mix: a method in `p_suggest` must be a suggester such as TPE(), but got "
                    f"{method!r:.200}; functools.partial(mix.suggest, p_suggest=[...]) takes "
                    "functions such as tpe.suggest"
                )
        object.__setattr__(self, "p_suggest", pairs)

    @staticmethod
    def pairs(p_suggest: Any) -> tuple[tuple[float, Any], ...]:
        """Make a list of (probability, suggester) pairs a tuple; a TypeError for all else."""
        try:
            return tuple((p, suggester) for p, suggester in p_suggest)
        except (TypeError, ValueError):
            raise TypeError(
                "mix: `p_suggest` must be a list of (probability, suggest function) pairs, but "
                f"got {p_suggest!r}"
            ) from None

    def suggest(
        self, space: Space, history: History, rng: Generator, k: int, budget: int | None = None
    ) -> list[Values]:
        """Propose k candidates; see Suggester."""
        p = np.array([float(each) for each, _ in self.p_suggest])
        shares = rng.multinomial(k, p / p.sum())
        found: list[Values] = []
        for (_, method), share in zip(self.p_suggest, shares.tolist(), strict=True):
            if not share:
                continue
            more = method.suggest(space, history, rng, share, budget)
            found += more
            if len(found) < k:
                history = history.copy()
                history.start(more, 0.0)
        return found
