"""The core's methods as suggest functions of Hyperopt's signature, over live documents."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ..algo import suggester_of
from ..history import History
from ..suggest import Suggester
from .documents import Document, miscs_update_idxs_vals
from .domain import Domain, columns_of
from .record import Record

__all__ = ["documents_at", "documents_of", "over_documents", "suggest_of"]


def suggest_of(core: Callable[..., Any]) -> Callable[..., list[Document]]:
    """The suggest function, over live documents, of a method of the core, by its suggest function.

    Its arguments are Hyperopt's: new_ids, domain, trials, seed, then settings. It gives a document
    for each id, all from one fit to what the trials show.
    """
    signature = inspect.signature(core)

    def suggest(
        new_ids: Sequence[Any], domain: Domain, trials: Record, seed: int, *args: Any, **more: Any
    ) -> list[Document]:
        given = signature.bind(new_ids, domain, trials, seed, *args, **more).arguments
        settings = {name: given[name] for name in list(given)[4:] if name != "verbose"}
        return documents_of(_suggester(core, settings), new_ids, domain, trials, seed)

    suggest.__signature__ = signature  # type: ignore[attr-defined]
    suggest.__doc__, suggest.__qualname__ = core.__doc__, core.__qualname__
    suggest.suggester = core.suggester  # type: ignore[attr-defined]  # by which the core knows it
    suggest.takes_documents = True  # type: ignore[attr-defined]
    return suggest


def over_documents(algo: Any) -> Any:
    """An algo, with a method of the core replaced by its suggest function over live documents."""
    if isinstance(algo, functools.partial):
        return functools.partial(over_documents(algo.func), *algo.args, **algo.keywords)
    if hasattr(algo, "suggester") and not hasattr(algo, "takes_documents"):
        return suggest_of(algo)
    return algo


def _suggester(core: Callable[..., Any], settings: Mapping[str, Any]) -> Suggester:
    no_trials: Any = None
    return suggester_of(functools.partial(core, **settings), None, no_trials)


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
