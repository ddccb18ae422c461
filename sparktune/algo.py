"""What ``algo=`` may be: a method with its settings, or a function of Hyperopt's signature.

Each method of sparktune is one Face: ``tpe.suggest`` can be called as Hyperopt calls it and wrapped
in ``functools.partial``; ``fmin`` recognises it as the settings of a suggester, so that a whole
batch comes from one refit. A user's own functions are called as Hyperopt would call them.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.random import Generator

from .history import History
from .history.documents import document_of, values_of_document
from .space.tree import Space, Values
from .suggest import Suggester
from .suggest.adaptive import AdaptiveTPE
from .suggest.anneal import Anneal
from .suggest.auto import Auto
from .suggest.bayes import Bayes
from .suggest.cma import CMA
from .suggest.mix import Mix
from .suggest.random import Random
from .suggest.tpe import TPE

__all__ = [
    "Domain",
    "Face",
    "anneal",
    "atpe",
    "auto",
    "bayes",
    "cma",
    "mix",
    "rand",
    "suggester_of",
    "tpe",
]


class Recorded(Protocol):
    """What a suggest function of Hyperopt's signature reads of its ``trials``."""

    @property
    def history(self) -> History | None:
        """The trials so far, None before the first run."""

    @property
    def exp_key(self) -> str | None:
        """A name that documents carry."""


class Domain:
    """The search problem, as suggest functions of Hyperopt's signature receive it.

    Attributes:
        fn: the objective.
        expr, space: the space as its user wrote it, and as a Space.
        params: label to node.
    """

    def __init__(self, fn: Callable[..., Any] | None, expr: Any) -> None:
        self.fn = fn
        self.space = Space.of(expr)
        self.expr = self.space.template
        self.params = dict(zip(self.space.labels, self.space.params, strict=True))

    def new_result(self) -> dict[str, str]:
        """The result of a trial that has none yet."""
        return {"status": "new"}


class Face:
    """A method as users name it: ``algo=tpe``, ``algo=tpe.suggest``, or a partial of the latter.

    Args:
        name: of the method in this module.
        suggester: its class, a frozen dataclass of settings.
        first: settings that come first in the signature of ``suggest``, in Hyperopt's order.

    Attributes:
        suggest: the function of Hyperopt's signature: new_ids, domain, trials, seed, settings. It
            gives a new document for each id; settings are those of the class.
    """

    suggest: Callable[..., Any]

    def __init__(self, name: str, suggester: type, first: Sequence[str] = ()) -> None:
        self._name = name

        def suggest(
            new_ids: Sequence[int], domain: Any, trials: Any, seed: int, *args: Any, **settings: Any
        ) -> list[dict[str, Any]]:
            names = list(signature.parameters)[4:]
            made = _made(suggest, {**dict(zip(names, args, strict=False)), **settings}, trials)
            return _documents(made, new_ids, domain, trials, seed)

        signature = _signature(suggest, suggester, first)
        suggest.__signature__ = signature  # type: ignore[attr-defined]
        suggest.__doc__ = (
            f"Suggest by {suggester.__name__}; for ``fmin(algo={name}.suggest)``.\n\n"
            "Users hand it to ``fmin``, and need not call it. Called with the ids of new trials,\n"
            "a Domain, Trials and a seed (a whole number), it returns a list with a document of\n"
            "Hyperopt's shape for each id. ``verbose`` has no effect; a setting that the method\n"
            f"does not have is a TypeError. The other settings are those of {suggester.__name__}:\n"
            f"\n{inspect.getdoc(suggester)}"
        )
        suggest.__module__, suggest.__qualname__ = __name__, f"{name}.suggest"
        suggest.suggester = suggester  # type: ignore[attr-defined]  # how fmin recognises it
        self.suggest = suggest
        self.__doc__ = suggest.__doc__

    def __repr__(self) -> str:
        return f"sparktune.{self._name}"

    def __reduce__(self) -> str:
        return self._name


class _RandomFace(Face):
    """Random search, which can be asked for columns, too."""

    def suggest_batch(
        self, new_ids: Sequence[int], domain: Any, trials: Any, seed: int
    ) -> tuple[dict[str, list[int]], dict[str, list[Any]]]:
        """The draws of ``suggest``: by label, the numbers of the trials that have it, and values.

        The signature is Hyperopt's.
        """
        idxs: dict[str, list[int]] = {label: [] for label in domain.space.labels}
        vals: dict[str, list[Any]] = {label: [] for label in domain.space.labels}
        for document in self.suggest(new_ids, domain, trials, seed):
            for label, values in document["misc"]["vals"].items():
                idxs[label] += document["misc"]["idxs"][label]
                vals[label] += values
        return idxs, vals


def suggester_of(
    algo: Any, default: Suggester | None, trials: Recorded, fn: Callable[..., Any] | None = None
) -> Suggester:
    """The suggester that an ``algo`` stands for.

    Args:
        algo: None, ``tpe``, ``tpe.suggest``, a partial of that, a Suggester, or a function of
            Hyperopt's signature.
        default: for None, where that is allowed.
        trials: for functions of Hyperopt's signature.
        fn: the objective, for the same.

    Raises:
        TypeError: anything else, or a setting that the method does not have.
        ValueError: a setting out of its range.
    """
    if algo is None and default is not None:
        return default
    if hasattr(getattr(algo, "suggest", None), "suggester"):  # a method by its name
        algo = algo.suggest
    function: Any = algo
    settings: dict[str, Any] = {}
    while isinstance(function, functools.partial):
        if function.args:
            raise TypeError(f"algo takes settings by name, but got {function.args!r} in {algo!r}")
        settings = {**function.keywords, **settings}
        function = function.func
    if hasattr(function, "suggester"):
        return _made(function, settings, trials, fn)
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
        return _UsersFunction(algo, fn, trials)
    raise TypeError(
        f"`algo` must be a suggest function such as tpe.suggest, or a Suggester, but got {algo!r}"
    )


def _signature(suggest: Callable[..., Any], suggester: type, first: Sequence[str]) -> Any:
    """Hyperopt's four arguments, then the settings of a method and ``verbose``."""
    ours = list(inspect.signature(suggest).parameters.values())[:4]
    verbose = inspect.Parameter("verbose", ours[0].kind, default=True)
    settings = {**inspect.signature(suggester).parameters, "verbose": verbose}
    order = [*first, *(name for name in settings if name not in first)]
    return inspect.Signature([*ours, *(settings[name] for name in order)])


def _made(suggest: Any, settings: Mapping[str, Any], trials: Recorded, fn: Any = None) -> Suggester:
    """The suggester with some settings; methods that a mixture names become suggesters first."""
    settings = {name: value for name, value in settings.items() if name != "verbose"}
    known = list(inspect.signature(suggest.suggester).parameters)
    for name in settings:
        if name not in known:
            raise TypeError(f"algo has no setting {name!r}; it has {', '.join(known) or 'none'}")
    if "p_suggest" in settings:
        pairs = Mix.pairs(settings["p_suggest"])
        settings["p_suggest"] = [(p, suggester_of(inner, None, trials, fn)) for p, inner in pairs]
    try:
        made: Suggester = suggest.suggester(**settings)
    except TypeError as error:
        raise TypeError(f"algo {suggest.__qualname__}: {error}") from None
    return made


def _documents(
    suggester: Suggester, new_ids: Sequence[int], domain: Any, trials: Recorded, seed: int
) -> list[dict[str, Any]]:
    """A new document for each id, with candidates from one refit."""
    history = trials.history
    if history is None:
        history = History(domain.space)
    history.adopt(domain.space)
    k = len(new_ids)
    rng = np.random.default_rng(seed)
    candidates = suggester.suggest(domain.space, history, rng, k, None) if k else []
    documents = []
    for tid, trial in zip(new_ids, History(domain.space).start(candidates, 0.0), strict=True):
        document = document_of(trial, domain.space, trials.exp_key)
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
    fn: Callable[..., Any] | None
    trials: Recorded

    def suggest(
        self, space: Space, history: History, rng: Generator, k: int, budget: int | None = None
    ) -> list[Values]:
        """Ask the function for k documents; see Suggester."""
        new_ids = list(range(len(history), len(history) + k))
        seed = int(rng.integers(2**31 - 1))
        documents = self.function(new_ids, Domain(self.fn, space), self.trials, seed)
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


tpe = Face("tpe", TPE, ("prior_weight", "n_startup_jobs", "n_EI_candidates", "gamma", "verbose"))
rand = _RandomFace("rand", Random)
anneal = Face("anneal", Anneal)
atpe = Face("atpe", AdaptiveTPE)
auto = Face("auto", Auto)
bayes = Face("bayes", Bayes)
cma = Face("cma", CMA)
mix = Face("mix", Mix)
