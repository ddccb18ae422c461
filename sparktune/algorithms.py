"""Search methods in Hyperopt's clothes: ``suggest(new_ids, domain, trials, seed)``.

``fmin(algo=...)`` takes such functions, also inside ``functools.partial``. Those of sparktune are
recognised as the settings of a suggester, so that a whole batch comes from one refit; a user's own
are called as Hyperopt would call them.
"""

from __future__ import annotations

import functools
import inspect
import types
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import Generator

from .history import History
from .space.tree import Space, Values
from .suggest import Suggester
from .suggest.mix import Mix
from .trials import Trials, document_of, values_of_document

__all__ = ["Domain", "documents_from", "suggester_of"]


class Domain:
    """The search problem, as suggest functions of Hyperopt's signature receive it.

    Attributes:
        fn: the objective.
        expr: the space as its user wrote it.
        space: the same as a Space.
        params: label to node.
    """

    def __init__(self, fn: Callable[..., Any] | None, expr: Any) -> None:
        self.fn = fn
        self.space = expr if isinstance(expr, Space) else Space(expr)
        self.expr = self.space.template
        self.params = dict(zip(self.space.labels, self.space.params, strict=True))

    def new_result(self) -> dict[str, str]:
        """The result of a trial that has none yet."""
        return {"status": "new"}


def documents_from(
    suggester: Suggester, new_ids: Sequence[int], domain: Any, trials: Trials, seed: int
) -> list[dict[str, Any]]:
    """What a suggest function of Hyperopt's signature answers: a new document for each id."""
    history = trials._open(domain.space)
    rng = np.random.default_rng(seed)
    k = len(new_ids)
    candidates = suggester.suggest(domain.space, history, rng, k, None) if k else []
    scratch = History(domain.space)
    documents = []
    for tid, values in zip(new_ids, candidates, strict=True):
        document = document_of(scratch.start(values, 0.0), domain.space, trials._exp_key)
        document["tid"] = document["misc"]["tid"] = tid
        document["misc"]["idxs"] = {
            label: [tid for _ in ids] for label, ids in document["misc"]["idxs"].items()
        }
        documents.append(document)
    return documents


@dataclass(frozen=True)
class _UsersFunction:
    """A suggester around a user's own suggest function."""

    function: Callable[..., Any]
    domain: Domain
    trials: Trials

    def suggest(
        self,
        space: Space,
        history: History,
        rng: Generator,
        k: int,
        budget: int | None = None,  # noqa: ARG002
    ) -> list[Values]:
        """Ask the function for k documents; see Suggester."""
        new_ids = list(range(len(history), len(history) + k))
        seed = int(rng.integers(2**31 - 1))
        documents = self.function(new_ids, self.domain, self.trials, seed)
        name = getattr(self.function, "__name__", repr(self.function))
        if not isinstance(documents, (list, tuple)) or len(documents) != k:
            raise TypeError(
                f"algo {name} must return one document for each of {k} ids, but got "
                f"{str(documents)[:200]}"
            )
        try:
            points = [values_of_document(document) for document in documents]
        except (KeyError, TypeError, AttributeError, IndexError):
            raise TypeError(
                f"algo {name} must return documents with misc.vals, each label with a list of its "
                f"values, but got {str(documents)[:200]}"
            ) from None
        return [space.check(point) for point in points]


def suggester_of(algo: Any, default: Suggester | None, domain: Domain, trials: Trials) -> Suggester:
    """The suggester that an ``algo`` stands for.

    Args:
        algo: None, ``tpe.suggest`` and the like, a partial of one, a module that has one, a
            Suggester, or a function of Hyperopt's signature.
        default: for None, where that is allowed.
        domain: for functions of Hyperopt's signature.
        trials: the same.

    Raises:
        TypeError: anything else, or a setting that the method does not have.
        ValueError: a setting out of its range.
    """
    if algo is None and default is not None:
        return default
    if isinstance(algo, types.ModuleType) and hasattr(algo, "suggest"):
        algo = algo.suggest
    function = algo
    settings: dict[str, Any] = {}
    while isinstance(function, functools.partial):
        if function.args:
            raise TypeError(f"algo takes settings by name, but got {function.args!r} in {algo!r}")
        settings = {**function.keywords, **settings}
        function = function.func
    maker = getattr(function, "suggester", None)
    if maker is not None:
        settings.pop("verbose", None)
        known = list(inspect.signature(maker).parameters)
        for name in settings:
            if name not in known:
                raise TypeError(
                    f"algo has no setting {name!r}; it has {', '.join(known) or 'none'}"
                )
        if maker is Mix and "p_suggest" in settings:
            pairs = Mix.pairs(settings["p_suggest"])
            settings["p_suggest"] = [
                (p, suggester_of(inner, None, domain, trials)) for p, inner in pairs
            ]
        try:
            made: Suggester = maker(**settings)
        except TypeError as error:
            raise TypeError(
                f"algo {getattr(function, '__module__', '')}.suggest: {error}"
            ) from None
        return made
    if inspect.isclass(algo):
        raise TypeError(f"`algo` takes a suggester, not its class: {algo.__name__}()")
    if getattr(function, "__module__", "").startswith("hyperopt."):
        raise TypeError(
            f"{function!r} is hyperopt's: import tpe, rand, anneal, atpe or mix from sparktune "
            "instead"
        )
    if hasattr(algo, "suggest"):
        given: Suggester = algo
        return given
    if callable(algo):
        return _UsersFunction(algo, domain, trials)
    raise TypeError(
        f"`algo` must be a suggest function such as tpe.suggest, or a Suggester, but got {algo!r}"
    )
