"""The core's methods as suggest functions of Hyperopt's signature, over live documents."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ..algo import Face, suggester_of
from ..history import History
from ..suggest import Suggester
from .documents import Document, miscs_update_idxs_vals
from .domain import Domain, columns_of
from .record import Record

__all__ = ["documents_at", "documents_of", "suggest_of"]


def suggest_of(face: Face) -> Callable[..., list[Document]]:
    """The suggest function of a method of the core.

    Its arguments are Hyperopt's: new_ids, domain, trials, seed, then settings. It gives a document
    for each id, all from one fit to what the trials show.
    """
    signature = inspect.signature(face.suggest)

    def suggest(
        new_ids: Sequence[Any], domain: Domain, trials: Record, seed: int, *args: Any, **more: Any
    ) -> list[Document]:
        given = signature.bind(new_ids, domain, trials, seed, *args, **more).arguments
        settings = {name: given[name] for name in list(given)[4:] if name != "verbose"}
        return documents_of(_suggester(face, settings), new_ids, domain, trials, seed)

    suggest.__signature__ = signature  # type: ignore[attr-defined]
    suggest.__doc__ = face.suggest.__doc__
    suggest.face = face  # type: ignore[attr-defined]
    return suggest


def _suggester(face: Face, settings: Mapping[str, Any]) -> Suggester:
    no_trials: Any = None
    return suggester_of(functools.partial(face.suggest, **settings), None, no_trials)


def documents_of(
    suggester: Suggester, new_ids: Sequence[Any], domain: Domain, trials: Record, seed: int
) -> list[Document]:
    """New documents of candidates from one fit; without hyperparameters, documents without values.

    Args:
        suggester: of the core.
        new_ids: an id for each document.
        domain: the search problem.
        trials: what the suggester learns from, as of their last refresh.
        seed: all randomness comes from it.
    """
    points: Sequence[Any] = [{} for _ in new_ids]
    if domain.space is not None and len(new_ids):
        history: History = domain.history(trials)
        rng = np.random.default_rng(int(seed))
        points = suggester.suggest(domain.space, history, rng, len(new_ids), None)
    return documents_at(points, new_ids, domain, trials)


def documents_at(
    points: Sequence[Any], new_ids: Sequence[Any], domain: Domain, trials: Record
) -> list[Document]:
    """New documents of points, label to value."""
    idxs, vals = columns_of(domain.space, new_ids, points)
    miscs: list[Document] = [
        {"tid": tid, "cmd": domain.cmd, "workdir": domain.workdir} for tid in new_ids
    ]
    miscs_update_idxs_vals(miscs, idxs, vals)
    results = [domain.new_result() for _ in new_ids]
    return trials.new_trial_docs(new_ids, [None] * len(new_ids), results, miscs)
