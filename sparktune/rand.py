"""Random search: ``fmin(..., algo=rand.suggest)``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .algorithms import documents_from
from .suggest.random import Random
from .trials import Trials

__all__ = ["Random", "suggest", "suggest_batch"]


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


def suggest_batch(
    new_ids: Sequence[int], domain: Any, trials: Trials, seed: int
) -> tuple[dict[str, list[int]], dict[str, list[Any]]]:
    """The same draws as columns, with Hyperopt's signature.

    Args:
        new_ids: numbers of the trials to suggest.
        domain: the search problem.
        trials: what has been tried.
        seed: the source of randomness.

    Returns:
        By label: the numbers of the trials that have it, and their values.
    """
    idxs: dict[str, list[int]] = {label: [] for label in domain.space.labels}
    vals: dict[str, list[Any]] = {label: [] for label in domain.space.labels}
    for document in suggest(new_ids, domain, trials, seed):
        for label, values in document["misc"]["vals"].items():
            idxs[label] += document["misc"]["idxs"][label]
            vals[label] += values
    return idxs, vals


suggest.suggester = Random  # type: ignore[attr-defined]  # how fmin recognises it
