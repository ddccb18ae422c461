"""The method that fits: ``fmin(..., algo=auto.suggest)``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .algorithms import documents_from
from .suggest.auto import Auto
from .trials import Trials

__all__ = ["Auto", "suggest"]


def suggest(
    new_ids: Sequence[int],
    domain: Any,
    trials: Trials,
    seed: int,
    n_startup_jobs: int = Auto.n_startup_jobs,
) -> list[dict[str, Any]]:
    """Suggest by the method that fits the space and the trials so far; see Auto for the rule.

    Args:
        new_ids: numbers of the trials to suggest.
        domain: the search problem.
        trials: what has been tried.
        seed: the source of randomness.
        n_startup_jobs: trials before the first fit.

    Returns:
        A new document for each id.
    """
    return documents_from(Auto(n_startup_jobs), new_ids, domain, trials, seed)


suggest.suggester = Auto  # type: ignore[attr-defined]  # how fmin recognises it
