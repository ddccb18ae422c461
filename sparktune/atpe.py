"""Adaptive TPE: ``fmin(..., algo=atpe.suggest)``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .algorithms import documents_from
from .suggest.adaptive import AdaptiveTPE
from .trials import Trials

__all__ = ["AdaptiveTPE", "suggest"]


def suggest(
    new_ids: Sequence[int],
    domain: Any,
    trials: Trials,
    seed: int,
    n_startup_jobs: int = AdaptiveTPE.n_startup_jobs,
    hold: float = AdaptiveTPE.hold,
) -> list[dict[str, Any]]:
    """Suggest by a TPE that sets itself, with Hyperopt's signature; see AdaptiveTPE for the rule.

    Args:
        new_ids: numbers of the trials to suggest.
        domain: the search problem.
        trials: what has been tried.
        seed: the source of randomness.
        n_startup_jobs: trials before the first fit.
        hold: probability of holding a label that does not matter, 0 to 1.

    Returns:
        A new document for each id.
    """
    return documents_from(AdaptiveTPE(n_startup_jobs, hold), new_ids, domain, trials, seed)


suggest.suggester = AdaptiveTPE  # type: ignore[attr-defined]  # how fmin recognises it
