"""Tree-structured Parzen estimator: ``fmin(..., algo=tpe.suggest)``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .algorithms import documents_from
from .suggest.tpe import TPE
from .trials import Trials

__all__ = ["TPE", "suggest"]


def suggest(
    new_ids: Sequence[int],
    domain: Any,
    trials: Trials,
    seed: int,
    prior_weight: float = 1.0,
    n_startup_jobs: int = 16,
    n_EI_candidates: int = 24,
    gamma: float = 0.15,
    verbose: bool = True,  # noqa: ARG001
) -> list[dict[str, Any]]:
    """Suggest by TPE, with Hyperopt's signature; see TPE for the method and its settings.

    Settings are given as ``functools.partial(tpe.suggest, n_startup_jobs=30)``. Unlike Hyperopt's,
    ``gamma`` is a share of the finished trials.

    Args:
        new_ids: numbers of the trials to suggest.
        domain: the search problem.
        trials: what has been tried.
        seed: the source of randomness.
        prior_weight: weight of the prior relative to the mean trial.
        n_startup_jobs: random draws before the first fit.
        n_EI_candidates: draws from l(x) for each suggestion.
        gamma: share of the trials that count as good.
        verbose: accepted for Hyperopt's sake.

    Returns:
        A new document for each id.
    """
    suggester = TPE(n_startup_jobs, n_EI_candidates, gamma, prior_weight)
    return documents_from(suggester, new_ids, domain, trials, seed)


suggest.suggester = TPE  # type: ignore[attr-defined]  # how fmin recognises it
