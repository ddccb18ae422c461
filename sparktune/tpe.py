"""Tree-structured Parzen estimator: ``fmin(..., algo=tpe.suggest)``."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

from .algorithms import documents_from
from .suggest.tpe import TPE, good_count
from .trials import Trials

__all__ = ["TPE", "suggest"]


def suggest(
    new_ids: Sequence[int],
    domain: Any,
    trials: Trials,
    seed: int,
    prior_weight: float = TPE.prior_weight,
    n_startup_jobs: int = TPE.n_startup_jobs,
    n_EI_candidates: int = TPE.n_EI_candidates,
    gamma: Callable[[int], int] | float = good_count,
    verbose: bool = True,  # noqa: ARG001
    **settings: float,
) -> list[dict[str, Any]]:
    """Suggest by TPE, with Hyperopt's signature; see TPE for the method and its settings.

    Settings are given as ``functools.partial(tpe.suggest, n_startup_jobs=30)``.

    Args:
        new_ids: numbers of the trials to suggest.
        domain: the search problem.
        trials: what has been tried.
        seed: the source of randomness.
        prior_weight: weight of the prior relative to the mean trial.
        n_startup_jobs: trials before the first fit.
        n_EI_candidates: draws from l(x) for each suggestion.
        gamma: a function n -> how many of n finished trials count as good; or a number, which
            stands for ``min(ceil(gamma * sqrt(n)), 25)``, as in Hyperopt.
        verbose: accepted for Hyperopt's sake.
        settings: further ones of TPE.

    Returns:
        A new document for each id.
    """
    known = [each.name for each in dataclasses.fields(TPE)]
    for name in settings:
        if name not in known:
            raise TypeError(f"tpe.suggest has no setting {name!r}; it has {', '.join(known)}")
    suggester = TPE(n_startup_jobs, n_EI_candidates, gamma, prior_weight, **settings)
    return documents_from(suggester, new_ids, domain, trials, seed)


suggest.suggester = TPE  # type: ignore[attr-defined]  # how fmin recognises it
