"""A mixture of methods: ``fmin(..., algo=partial(mix.suggest, p_suggest=[...]))``."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from .algorithms import documents_from, suggester_of
from .suggest.mix import Mix
from .trials import Trials

__all__ = ["Mix", "suggest"]


def suggest(
    new_ids: Sequence[int],
    domain: Any,
    trials: Trials,
    seed: int,
    p_suggest: Sequence[tuple[float, Callable[..., Any]]],
) -> list[dict[str, Any]]:
    """Suggest by one of several methods for each candidate, with Hyperopt's signature.

    >>> from functools import partial
    >>> algo = partial(mix.suggest, p_suggest=[
    ...     (0.1, rand.suggest), (0.2, anneal.suggest), (0.7, tpe.suggest)])  # doctest: +SKIP

    Args:
        new_ids: numbers of the trials to suggest.
        domain: the search problem.
        trials: what has been tried.
        seed: the source of randomness.
        p_suggest: (probability, suggest function) pairs whose probabilities sum to 1; functions
            may be partial, and a user's own.

    Returns:
        A new document for each id.
    """
    algo = functools.partial(suggest, p_suggest=p_suggest)
    return documents_from(suggester_of(algo, None, domain, trials), new_ids, domain, trials, seed)


suggest.suggester = Mix  # type: ignore[attr-defined]  # how fmin recognises it
