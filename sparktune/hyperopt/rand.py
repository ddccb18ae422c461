"""rand: independent draws from the prior, as Hyperopt calls it."""

from collections.abc import Sequence
from typing import Any

from .algos import documents_at
from .documents import Document, miscs_to_idxs_vals
from .domain import Domain, arrays_of, random_points
from .randomness import generator_of
from .record import Record

__all__ = ["suggest", "suggest_batch"]


def suggest(
    new_ids: Sequence[Any],
    domain: Domain,
    trials: Record,
    seed: int,
    verbose: Any = True,  # noqa: ARG001 (Hyperopt's)
) -> list[Document]:
    """New documents of independent draws from the prior; what was tried plays no part."""
    points = random_points(domain.space, len(new_ids), generator_of(int(seed)))
    return documents_at(points, new_ids, domain, trials)


def suggest_batch(
    new_ids: Sequence[Any], domain: Domain, trials: Record, seed: int
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The draws of ``suggest`` as arrays: label to ids that have a value, and label to values."""
    documents = suggest(new_ids, domain, trials, seed)
    labels = sorted(domain.params)
    return arrays_of(*miscs_to_idxs_vals([each["misc"] for each in documents], labels))
