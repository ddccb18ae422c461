"""Random search: ``fmin(..., algo=rand.suggest)``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .algorithms import documents_from
from .suggest.random import Random
from .trials import Trials

__all__ = ["Random", "suggest"]


def suggest(new_ids: Sequence[int], domain: Any, trials: Trials, seed: int) -> list[dict[str, Any]]:
    """Suggest independent draws from the prior, with Hyperopt's signature.

    Args:
        new_ids: numbers of the trials to suggest.
        domain: the search problem.
        trials: what has been tried.
        seed: the source of randomness.

    Returns:
        A new document for each id.
    """
    return documents_from(Random(), new_ids, domain, trials, seed)


suggest.suggester = Random  # type: ignore[attr-defined]  # how fmin recognises it
