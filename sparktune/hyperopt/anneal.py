"""anneal: the neighbourhood of good trials, as Hyperopt calls it."""

from collections.abc import Sequence
from typing import Any

from ..algo import anneal as _face
from .algos import suggest_of
from .documents import miscs_to_idxs_vals
from .domain import Domain, arrays_of
from .record import Record

__all__ = ["suggest", "suggest_batch"]

suggest = suggest_of(_face.suggest)


def suggest_batch(
    new_ids: Sequence[Any], domain: Domain, trials: Record, seed: int, *args: Any, **settings: Any
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The candidates of ``suggest`` as arrays: label to ids that have a value, and to values."""
    documents = suggest(new_ids, domain, trials, seed, *args, **settings)
    return arrays_of(*miscs_to_idxs_vals([each["misc"] for each in documents], domain.params))
