"""What must not leave this process or cannot: where in an objective it hides, and what to do."""

from __future__ import annotations

import contextlib
import dis
import functools
import inspect
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from types import CodeType, MethodType
from typing import Any

from ..exceptions import UnpicklableObjective
from ..space.sameness import closure

__all__ = ["Refused", "globals_of", "own_read", "parts_of", "refusal", "unpicklable"]

_DEPTH = 20
_TRIES = 10_000  # of pickling a part, in search of those to blame
_SHOWN = 5

_HERE = 'Trials(executor="threads") and SparkTrials(mode="driver") run trials in this process'
_SESSION = (
    "it belongs to the Spark session of this process, which trials elsewhere do not have: use "
    'SparkTrials(mode="driver"), whose trials run where the session is, or hand over a value read '
    "before the run, as by toPandas() or collect()"
)
_BROADCAST = (
    "a broadcast variable of pyspark, which only tasks of a classic Spark session can read: take "
    "sparktune.broadcast(...) of its value, or read the value before the run"
)
_ACCUMULATOR = (
    "only tasks of a classic Spark session can add to it: return what is counted with the loss, or "
    'use SparkTrials(mode="driver")'
)
_OWN = (
    "they are the trials of this very run, which stay where it runs, and a copy would never see "
    f"what other trials found: read what is needed before the run, or note that {_HERE}"
)
_ADVICE = "create such things inside the objective, or pass what they are made from"
_OF_SESSION = {
    "SparkSession", "SparkContext", "SQLContext", "HiveContext", "StreamingContext", "DataFrame",
    "RDD", "SparkConnectClient", "JavaObject", "JVMView", "JavaGateway",
}  # fmt: skip


class Refused(Exception):  # noqa: N818 (it never leaves this room's callers)
    """Pickling met something that must not leave this process; the text says why."""


def refusal(item: Any, of_spark: bool, own: Collection[int] = ()) -> str | None:
    """Why a thing must not leave this process, and what to do; None where it may.

    Args:
        item: the thing.
        of_spark: whether trials are tasks of a classic Spark session.
        own: ids of what belongs to the run.
    """
    if id(item) in own:
        return _OWN
    kind = _kind(type(item))  # type: ignore[arg-type]
    if kind in ("Broadcast", "Accumulator"):
        return None if of_spark else _BROADCAST if kind == "Broadcast" else _ACCUMULATOR
    return None if kind is None else _SESSION


@functools.lru_cache(maxsize=512)
def _kind(cls: type) -> str | None:
    """The name of what is bound to this process by Spark that instances of a class are."""
    for base in cls.__mro__:
        package, _, module = str(base.__module__).partition(".")
        name = base.__name__
        if package in ("pyspark", "py4j"):
            if name in _OF_SESSION:
                return name
            if (module.rpartition(".")[2], name) in (
                ("broadcast", "Broadcast"), ("accumulators", "Accumulator")
            ):  # fmt: skip
                return name
    return None


def _of_pyspark(item: Any) -> bool:
    """Whether a thing is one of pyspark's, which a person knows by its outermost name."""
    if isinstance(item, type) or inspect.isroutine(item):
        return False
    return str(type(item).__module__).partition(".")[0] in ("pyspark", "py4j", "delta")


@dataclass(frozen=True)
class _Culprit:
    """What is to blame, the steps that lead to it, and whether code reads it by the last one."""

    path: tuple[str, ...]
    item: Any
    in_code: bool

    def __str__(self) -> str:
        kind = type(self.item).__name__
        if not self.path:
            return f"it is a {kind}"
        return f"its {' -> '.join(self.path)} of type {kind}"


def unpicklable(
    what: str, thing: Any, error: Exception, fails: Callable[[Any], bool], of_spark: bool
) -> UnpicklableObjective:
    """The error that says what of a thing is to blame.

    Args:
        what: the thing in words.
        thing: what cannot be pickled.
        error: why.
        fails: whether a part alone cannot be pickled, either.
        of_spark: as for ``refusal``.
    """
    if isinstance(error, UnpicklableObjective):  # of a broadcast handle
        if not isinstance(error.__cause__, Exception):
            return error
        error = error.__cause__
    found = _Search(fails, _of_pyspark).culprits(thing)
    why = str(error) if isinstance(error, Refused) else refusal(found[0].item, of_spark)
    if why is None and _of_pyspark(found[0].item):
        why = _SESSION
    reason = (str(error).strip().splitlines() or [""])[0]
    why = f"({why})" if why else f"({type(error).__name__}: {reason}); {_ADVICE}"
    return UnpicklableObjective(
        f"{what} must leave this process, but cannot be pickled: {_words(found)} {why}"
    )


def own_read(what: str, thing: Any, meets: Callable[[Any], bool], own: Collection[int]) -> None:
    """Refuse a thing whose code reads the run's own trials; they may hang on what else travels.

    Of a class, only the code that an objective itself is counts: which of its other methods a trial
    calls is not known.

    Args:
        what: the thing in words.
        thing: it leads to the run's own trials.
        meets: whether a part alone does, too.
        own: ids of what belongs to the run.

    Raises:
        UnpicklableObjective: code of the thing reads them.
    """

    def is_own(item: Any) -> bool:
        return id(item) in own or (isinstance(item, MethodType) and id(item.__self__) in own)

    found = _Search(meets, is_own).culprits(thing)
    call = inspect.getattr_static(type(thing), "__call__", None)
    if inspect.isfunction(call) and meets(call):
        found += _Search(meets, is_own).culprits(call)
    found = [each for each in found if each.in_code]
    if found:
        raise UnpicklableObjective(
            f"{what} must leave this process, but cannot be pickled: {_words(found)} ({_OWN})"
        )


def _words(found: Iterable[_Culprit]) -> str:
    return "; ".join(list(dict.fromkeys(map(str, found)))[:_SHOWN])


class _Search:
    """The search for the innermost parts of a thing that are to blame.

    Args:
        blamed: whether a part leads to something that is to blame.
        final: whether a part is not looked into.
    """

    def __init__(self, blamed: Callable[[Any], bool], final: Callable[[Any], bool]) -> None:
        self._blamed, self._final = blamed, final
        self._visited: dict[int, Any] = {}
        self._left = _TRIES

    def culprits(self, thing: Any) -> list[_Culprit]:
        """At least one: the thing itself where no part of it is to blame."""
        return self._of(thing, (), True) or [_Culprit((), thing, True)]

    def _of(
        self, thing: Any, path: tuple[str, ...], in_code: bool, live: bool = True
    ) -> list[_Culprit]:
        if self._final(thing) or len(path) >= _DEPTH:
            return [_Culprit(path, thing, in_code)]
        if id(thing) in self._visited:
            return []
        self._visited[id(thing)] = thing  # which keeps its id, too
        known = False
        for parts in (_parts_of(thing), _states_of(thing)):
            found: list[_Culprit] = []
            for name, part, read in parts:
                if self._left > 0 and self._is_blamed(part):
                    known = True
                    inner = live and not isinstance(thing, type)
                    found += self._of(part, (*path, name), read and inner, inner)
            if known:
                return found
        return [_Culprit(path, thing, in_code)]

    def _is_blamed(self, part: Any) -> bool:
        if isinstance(part, (int, float, str, bytes, type(None))):
            return False
        self._left -= 1
        return self._blamed(part)


Part = tuple[str, Any, bool]
"""A name for people, the part, and whether code reads it under a name of its own."""


def parts_of(thing: Any) -> Iterator[Any]:
    """What an objective or a configuration refers to: what its code reads, attributes, items."""
    return (part for _, part, _ in _parts_of(thing))


def _parts_of(thing: Any) -> Iterator[Part]:
    if isinstance(thing, dict):
        for key, item in thing.items():
            yield f"key {key!r:.60}", key, False
            yield f"item {key!r:.60}", item, False
    elif isinstance(thing, (list, tuple, deque)):
        yield from ((f"item {i}", item, False) for i, item in enumerate(thing))
    elif isinstance(thing, (set, frozenset)):
        yield from (("element", item, False) for item in thing)
    elif isinstance(thing, functools.partial):
        yield from ((f"argument {i}", item, True) for i, item in enumerate(thing.args))
        yield from ((f"argument {key!r}", item, True) for key, item in thing.keywords.items())
        yield from _parts_of(thing.func)
    elif inspect.ismethod(thing):
        yield from _parts_of(thing.__func__)
        yield from _parts_of(thing.__self__)
        return
    elif inspect.isfunction(thing):
        yield from _parts_of_function(thing)
    elif isinstance(thing, (staticmethod, classmethod)):
        yield from _parts_of(thing.__func__)
        return
    elif isinstance(thing, property):
        getters = (thing.fget, thing.fset, thing.fdel)
        yield from (("accessor", each, False) for each in getters if each is not None)
    yield from _attributes_of(thing)


def _attributes_of(thing: Any) -> Iterator[Part]:
    attributes = inspect.getattr_static(thing, "__dict__", None)
    with contextlib.suppress(Exception):  # whatever a strange type raises
        attributes = vars(thing)
    if hasattr(attributes, "items"):
        for key, item in list(attributes.items()):
            if not (isinstance(thing, type) and key in ("__dict__", "__weakref__")):
                yield f"attribute {key!r}", item, False
    if isinstance(thing, type):
        yield from (("base", base, False) for base in thing.__bases__)
        return
    for cls in type(thing).__mro__:
        slots = vars(cls).get("__slots__", ())
        for key in (slots,) if isinstance(slots, str) else slots:
            name = f"_{cls.__name__.lstrip('_')}{key}" if key.startswith("__") else key
            with contextlib.suppress(Exception):  # not set
                yield f"attribute {key!r}", object.__getattribute__(thing, name), False
    yield f"class {type(thing).__name__!r}", type(thing), False


def _parts_of_function(function: Any) -> Iterator[Part]:
    code = function.__code__
    for key, item in zip(code.co_freevars, closure(function), strict=True):
        yield f"variable {key!r}", item, True
    for key in globals_of(code):
        if key in function.__globals__:
            yield f"global {key!r}", function.__globals__[key], True
    defaults = function.__defaults__ or ()
    arguments = code.co_varnames[: code.co_argcount][code.co_argcount - len(defaults) :]
    for key, item in zip(arguments, defaults, strict=False):
        yield f"default {key!r}", item, True
    for key, item in (function.__kwdefaults__ or {}).items():
        yield f"keyword default {key!r}", item, True
    annotations = getattr(function, "__annotations__", None) or {}
    yield from ((f"annotation {key!r}", item, False) for key, item in annotations.items())


@functools.lru_cache(maxsize=1024)
def globals_of(code: CodeType) -> tuple[str, ...]:
    """The global names that code reads or sets, those of functions inside it included."""
    names = {
        each.argval: None for each in dis.get_instructions(code) if each.opname.endswith("_GLOBAL")
    }
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            names |= dict.fromkeys(globals_of(constant))
    return tuple(names)


def _states_of(thing: Any) -> Iterator[Part]:
    """What a thing gives to be pickled, where that is not what it shows."""
    if isinstance(thing, type) or inspect.isroutine(thing):
        return
    with contextlib.suppress(Exception):  # it says so itself
        reduced = thing.__reduce_ex__(4)
        if isinstance(reduced, tuple):
            for part in reduced[1:]:
                yield "state", part, False
