"""A cloudpickle that also takes along what pickle finds only by its name in a script.

pickle stores some objects as a name in their module: functions under functools.lru_cache, typing's
NewType, singletons whose ``__reduce__`` returns a string. Where that module is a script, it is not
there on the other side, so these are pickled by what they are made of.
"""

from __future__ import annotations

import functools
import io
import pickle
import sys
import typing
import weakref
from collections.abc import Callable, Collection
from types import CodeType, FunctionType, MemberDescriptorType, MethodType, ModuleType
from typing import Any

from .culprits import Refused, refusal
from .travels.store import cached

__all__ = ["NameOf", "goes_by_value", "is_plain", "pickler_of", "plain_name"]

NameOf: typing.TypeAlias = Callable[[Any], "tuple[Any, ...] | None"]

_CACHED = type(functools.lru_cache(lambda: None))
_MADE_OF_A_NAME = tuple(
    getattr(typing, name) for name in ("ParamSpec", "TypeVarTuple") if hasattr(typing, name)
)
_NEW_TYPE: Any = typing.NewType
_ALIAS: Any = getattr(typing, "TypeAliasType", None)
_NAMED = [(module, name) for module in ("numpy", "math") for name in ("nan", "inf")]
_NO_FILE = "<dynamic-code>"  # cloudpickle's, for code that a trial's traceback is to lead to
_SHORT = 1000  # characters up to which a string counts as plain


@functools.cache
def pickler_of(module: ModuleType) -> Any:
    """The class of a Pickler, made from a cloudpickle module.

    Its arguments are a file, a function that gives the persistent id of an object or None, ids of
    what belongs to the run and is left out, and whether trials are tasks of a classic Spark
    session. Its attribute ``seen`` has by id all functions, classes, singletons and objects without
    a state that it came across, each with whether it is one of the last; ``met`` says whether
    something was left out. What must not leave this process raises Refused.
    """

    class Pickler(module.CloudPickler):  # type: ignore[misc, name-defined]
        def __init__(
            self, file: Any, name_of: NameOf, own: Collection[int] = (), of_spark: bool = False
        ) -> None:
            super().__init__(file)
            self.name_of, self.own, self.of_spark = name_of, own, of_spark
            self.met = False
            self.seen: dict[int, tuple[Any, bool]] = {}

        def alone(self, part: Any) -> bool:
            """Pickle a part by itself; whether something of it was left out."""
            tried = type(self)(io.BytesIO(), self.name_of, self.own, self.of_spark)
            tried.dump(part)
            return tried.met

        def persistent_id(self, item: Any) -> Any:
            if id(item) in self.own:
                self.met = True
                return ("absent", None)
            return self.name_of(item)

        def reducer_override(self, item: Any) -> Any:
            if (why := refusal(item, self.of_spark)) is not None:
                raise Refused(why)
            if type(item) is MethodType and id(item.__self__) in self.own:
                return functools.partial, (item.__self__,)  # the stand-in says why when called
            made = super().reducer_override(item)
            if isinstance(item, (type, FunctionType)):
                self.seen[id(item)] = item, False
                return made
            if made is NotImplemented:
                reducer = self.dispatch_table.get(type(item))
                made = reducer(item) if reducer else item.__reduce_ex__(pickle.HIGHEST_PROTOCOL)
            if isinstance(made, str):
                self.seen[id(item)] = item, False
                if goes_by_value(item, made, module):
                    return _made_of(item, made)
                return made
            if isinstance(item, (weakref.WeakKeyDictionary, weakref.WeakValueDictionary)):
                return type(item), (dict(item),)
            if isinstance(item, functools.cached_property):  # before Python 3.12 with a lock
                state = {key: part for key, part in vars(item).items() if key != "lock"}
                return type(item), (item.func,), state
            if isinstance(item, CodeType):
                return made[0], tuple(item.co_filename if p == _NO_FILE else p for p in made[1])
            if getattr(made[0], "__name__", "") == "__newobj__" and _is_empty(made):
                self.seen[id(item)] = item, True
            return made

    return Pickler


def _is_empty(made: tuple[Any, ...]) -> bool:
    """Whether what an object is made of is its class alone."""
    return len(made[1]) == 1 and all(part is None for part in made[2:])


def goes_by_value(item: Any, name: str, module: ModuleType) -> bool:
    """Whether a name leads to an object in this process alone: in a script, or in what is local.

    Args:
        item: a class, a function, or something else that pickle stores as a name.
        name: the name.
        module: the cloudpickle module, which knows what the user wants by value.
    """
    home = getattr(item, "__module__", None) or pickle.whichmodule(item, name)  # type: ignore[attr-defined]
    package = str(home)
    by_value = module.list_registry_pickle_by_value()
    while package:
        if package in by_value:
            return True
        package = package.rpartition(".")[0]
    return home == "__main__" or "<" in name


def _made_of(item: Any, name: str) -> tuple[Any, ...]:
    """What to make an object of that pickle stores as a name."""
    state = vars(item) if hasattr(item, "__dict__") else None
    if isinstance(item, _CACHED):
        settings = item.cache_parameters()
        state = {key: part for key, part in vars(item).items() if key != "cache_parameters"}
        return cached, (item.__wrapped__, settings["maxsize"], settings["typed"]), state
    if isinstance(item, _NEW_TYPE):
        return _NEW_TYPE, (item.__name__, item.__supertype__), state
    if isinstance(item, _MADE_OF_A_NAME):
        return type(item), (item.__name__,)
    if _ALIAS is not None and isinstance(item, _ALIAS) and not item.__type_params__:
        return _ALIAS, (name, item.__value__)
    reduce_methods = (type(item).__reduce__, type(item).__reduce_ex__)
    if not any(isinstance(method, FunctionType) for method in reduce_methods):
        raise pickle.PicklingError(
            f"{name!r} of type {type(item).__name__} is known by its name in this program alone"
        )
    slots = {
        slot: getattr(item, slot)
        for kind in type(item).__mro__
        for slot in vars(kind)
        if isinstance(vars(kind)[slot], MemberDescriptorType) and hasattr(item, slot)
    }
    return object.__new__, (type(item),), (state, slots) if slots else state


def is_plain(value: Any) -> bool:
    """Whether a value is a number or a short string, which pickle copies wherever it stands."""
    if type(value) in (str, bytes):
        return len(value) < _SHORT
    return type(value) in (int, float, complex)


def plain_name(value: Any) -> tuple[Any, ...]:
    """The persistent id by which a plain value stays one object; see travels.store."""
    for module, name in _NAMED:
        if value is getattr(sys.modules.get(module), name, None):
            return ("named", module, name)
    return ("same", id(value), pickle.dumps(value))  # as bytes: it would ask for its id again
