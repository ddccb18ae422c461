"""Bayesian optimisation: ``fmin(..., algo=bayes.suggest)``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .algorithms import documents_from
from .suggest.bayes import Bayes
from .suggest.surrogates import Surrogate
from .trials import Trials

__all__ = ["Bayes", "suggest"]


def suggest(
    new_ids: Sequence[int],
    domain: Any,
    trials: Trials,
    seed: int,
    surrogate: str | Surrogate = Bayes.surrogate,
    acquisition: str = Bayes.acquisition,
    n_startup_jobs: int = Bayes.n_startup_jobs,
    n_candidates: int = Bayes.n_candidates,
) -> list[dict[str, Any]]:
    """Suggest where a surrogate's acquisition is highest; see Bayes for the method.

    Settings are given as ``functools.partial(bayes.suggest, surrogate="forest")``.

    Args:
        new_ids: numbers of the trials to suggest.
        domain: the search problem.
        trials: what has been tried.
        seed: the source of randomness.
        surrogate: "gp" (Gaussian process), "forest" (random forest), or a Surrogate.
        acquisition: "ei" (expected improvement), "pi" (probability of improvement), "lcb" (lower
            confidence bound) or "mes" (max-value entropy search).
        n_startup_jobs: trials before the first fit.
        n_candidates: candidates from whose best the acquisition is climbed.

    Returns:
        A new document for each id.
    """
    suggester = Bayes(surrogate, acquisition, n_startup_jobs, n_candidates)
    return documents_from(suggester, new_ids, domain, trials, seed)


suggest.suggester = Bayes  # type: ignore[attr-defined]  # how fmin recognises it
