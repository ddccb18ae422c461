"""Annealing: ``fmin(..., algo=anneal.suggest)``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .algorithms import documents_from
from .suggest.anneal import Anneal
from .trials import Trials

__all__ = ["Anneal", "suggest"]


def suggest(
    new_ids: Sequence[int],
    domain: Any,
    trials: Trials,
    seed: int,
    avg_best_idx: float = Anneal.avg_best_idx,
    shrink_coef: float = Anneal.shrink_coef,
) -> list[dict[str, Any]]:
    """Suggest draws around good trials, with Hyperopt's signature; see Anneal for the method.

    Args:
        new_ids: numbers of the trials to suggest.
        domain: the search problem.
        trials: what has been tried.
        seed: the source of randomness.
        avg_best_idx: mean rank of the trial that a candidate is drawn around, at least 1.
        shrink_coef: how fast neighbourhoods shrink, at least 0.

    Returns:
        A new document for each id.
    """
    return documents_from(Anneal(avg_best_idx, shrink_coef), new_ids, domain, trials, seed)


suggest.suggester = Anneal  # type: ignore[attr-defined]  # how fmin recognises it
