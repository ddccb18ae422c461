"""Points, label to value: as documents, and as the configurations that they stand for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..history.documents import STATUS_NEW
from .documents import Document, new_document, spec_from_misc
from .pyll.base import GarbageCollected, as_apply, dfs, rec_eval
from .record import Record
from .spaces import label_of

__all__ = ["generate_trial", "insert_points", "space_eval"]


def generate_trial(tid: int, space: Mapping[str, Any]) -> Document:
    """A document of a point, label to value, that is to be evaluated."""
    misc = {
        "tid": tid,
        "cmd": ("domain_attachment", "FMinIter_Domain"),
        "workdir": None,
        "idxs": {label: [tid] for label in space},
        "vals": {label: [_bare(value)] for label, value in space.items()},
    }
    return new_document(tid, None, {"status": STATUS_NEW}, misc)


def _bare(value: Any) -> Any:
    """A value; also one that comes as a list of one, as documents have it."""
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def insert_points(trials: Record, points: Iterable[Mapping[str, Any]]) -> int:
    """Add points as new documents, but for those that the trials show already; how many."""
    held = [spec_from_misc(document["misc"]) for document in trials.trials]
    fresh = [point for point in points if dict(point) not in held]
    if not fresh:
        return 0
    documents = []
    for tid, point in zip(trials.new_trial_ids(len(fresh)), fresh, strict=True):
        documents.append({**generate_trial(tid, point), "exp_key": trials.exp_key})
    trials.insert_given(documents)
    trials.refresh()
    return len(documents)


def space_eval(space: Any, hp_assignment: Mapping[str, Any]) -> Any:
    """The configuration of a point.

    Args:
        space: as for fmin.
        hp_assignment: label to value; also a list of one, and None or an empty list for a label
            without a value, as documents have them.

    Raises:
        ValueError: a label without a value that the configuration needs.
        TypeError: no mapping.
    """
    if not isinstance(hp_assignment, Mapping):
        raise TypeError(f"a point maps labels to values, but got {hp_assignment!r:.200}")
    expr = as_apply(space)
    memo: dict[Any, Any] = {}
    for node in dfs(expr):
        if node.name == "hyperopt_param":
            value = hp_assignment.get(label_of(node))
            if isinstance(value, (list, tuple)):
                value = value[0] if len(value) else None
            memo[node] = GarbageCollected if value is None else value
    return rec_eval(expr, memo=memo, print_node_on_error=False)
