"""mix: one of several methods for each batch, by chance, as Hyperopt calls it."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..suggest.mix import Mix
from .documents import Document
from .domain import Domain
from .record import Record

__all__ = ["suggest"]


def suggest(
    new_ids: Sequence[Any],
    domain: Domain,
    trials: Record,
    seed: int,
    p_suggest: Sequence[tuple[float, Callable[..., list[Document]]]],
) -> list[Document]:
    """Documents of one of several suggest functions.

    Args:
        new_ids: an id for each document.
        domain: the search problem.
        trials: what the function learns from.
        seed: chooses the function, and gives the seed of that.
        p_suggest: pairs of a probability and a suggest function; probabilities sum to 1.

    Raises:
        ValueError: probabilities that do not, or no pair.
    """
    pairs = Mix.pairs(p_suggest)
    p = np.array([share for share, _ in pairs], float)
    if not len(p) or (p < 0).any() or not np.isclose(p.sum(), 1.0):
        raise ValueError(f"mix: probabilities must sum to 1, but got {p.tolist()}")
    rng = np.random.default_rng(int(seed))
    chosen = pairs[int(rng.choice(len(p), p=p / p.sum()))][1]
    documents: list[Document] = chosen(new_ids, domain, trials, int(rng.integers(2**31 - 1)))
    return documents
