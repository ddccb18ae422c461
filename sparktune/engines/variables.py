"""Variables of imported modules that an objective reads: a trial elsewhere imports them anew."""

from __future__ import annotations

import dis
import functools
import inspect
import itertools
import re
import sys
from collections.abc import Callable, Iterator
from importlib.machinery import SourceFileLoader
from types import CodeType, FunctionType, ModuleType
from typing import Any

from ..exceptions import UnpicklableObjective
from ..space.sameness import closure
from .culprits import globals_of, parts_of
from .travels.modules import fingerprint, is_pythons, is_users, variable

__all__ = ["fingerprints_read"]

_MOST = 2_000  # functions and containers that are looked into

Variable = tuple[str, tuple[str, ...]]
"""The name of a module, and the names that lead to the variable in it."""


def fingerprints_read(
    *things: Any, why_not: Callable[[Any], str | None] = lambda _: None
) -> dict[Variable, str]:
    """Fingerprints of the variables of imported modules that code reads, by their names.

    Looked into are an objective and options, what travels with them, and the functions and classes
    of the user's own modules that these use; of installed packages, the variables that this code
    reads by name.

    Args:
        things: the objective and options.
        why_not: why a value is of no use to trials elsewhere, and what to do; None where it may be.

    Raises:
        UnpicklableObjective: code other than that of classes, of whose methods it is not known
            which are called, reads a variable that is of no use to trials.
    """
    reader = _Reader(why_not)
    for thing in things:
        try:
            reader.look_into(thing)
        except UnpicklableObjective:
            raise
        except Exception:  # whatever a strange type raises: no run ends by it
            continue
    return reader.found


class _Reader:
    def __init__(self, why_not: Callable[[Any], str | None]) -> None:
        self.found: dict[Variable, str] = {}
        self._why_not = why_not
        self._seen: dict[int, Any] = {}
        self._is_called = True

    def look_into(self, thing: Any) -> None:
        """Note what a thing and all that it refers to reads; last what only classes lead to."""
        call = inspect.getattr_static(type(thing), "__call__", None)
        waiting: list[Any] = [call, thing]
        of_classes: list[Any] = []
        while (waiting or of_classes) and len(self._seen) < _MOST:
            self._is_called = bool(waiting)
            thing = waiting.pop() if waiting else of_classes.pop()
            if id(thing) in self._seen or not _may_hold_code(thing):
                continue
            if isinstance(thing, type) and self._is_called:
                of_classes.append(thing)
                continue
            self._seen[id(thing)] = thing
            further = waiting if self._is_called else of_classes
            if isinstance(thing, FunctionType):
                further += self._read_by(thing)
            elif inspect.ismethod(thing):
                further.append(thing.__func__)
            further += itertools.islice(parts_of(thing), _MOST)

    def _read_by(self, function: FunctionType) -> Iterator[Any]:
        """Note the variables that a function reads; what it uses of the user's modules."""
        home = sys.modules.get(function.__module__)
        if is_users(home) and vars(home) is function.__globals__:
            for name in globals_of(function.__code__):
                if name in function.__globals__ and not name.startswith("_"):  # no caches
                    yield from self._note(function.__module__, (name,))
        for module, path in _paths(function):
            yield from self._note(module, path)

    def _note(self, module: str, path: tuple[str, ...]) -> Iterator[Any]:
        """Note a variable as far as its path leads through modules and classes."""
        for end in range(1, len(path) + 1):
            try:
                thing = variable(module, path[:end])
            except (KeyError, TypeError):  # lazy, inherited, or not there at all
                return
            if isinstance(thing, ModuleType) and thing.__name__ in sys.modules:
                if end < len(path):
                    yield from self._note(thing.__name__, path[end:])
                return
            if not isinstance(thing, type):
                break
        else:
            end = len(path)
        home = sys.modules.get(module)
        why = self._why_not(thing) if self._is_called else None
        if why is not None:
            raise UnpicklableObjective(
                "the objective must leave this process, but cannot be pickled: its module variable "
                f"{'.'.join((module, *path[:end]))!r} of type {type(thing).__name__} ({why})"
            )
        known = is_users(home) or not (callable(thing) or is_pythons(home))
        if known and not _is_rewritten(thing):
            self.found[module, path[:end]] = fingerprint(thing)
        if isinstance(thing, (FunctionType, type)):
            yield thing


def _may_hold_code(thing: Any) -> bool:
    """Whether a thing is code of the user's, or a container or an object that may hold some."""
    if isinstance(thing, (dict, list, tuple, set, frozenset, functools.partial, property)):
        return True
    if isinstance(thing, (staticmethod, classmethod)) or inspect.ismethod(thing):
        return True
    kind = thing if isinstance(thing, (FunctionType, type)) else type(thing)
    home = str(kind.__module__)
    return home == "__main__" or "<locals>" in kind.__qualname__ or is_users(sys.modules.get(home))


def _is_rewritten(thing: Any) -> bool:
    """Whether a function comes of more than its source file, as under pytest."""
    if not isinstance(thing, FunctionType):
        return False
    loader = getattr(sys.modules.get(thing.__module__), "__loader__", None)
    return thing.__module__ != "__main__" and type(loader) is not SourceFileLoader


def _paths(function: FunctionType) -> Iterator[Variable]:
    """The attributes of modules that a function's code reads, and the functions inside it."""
    code = function.__code__
    closed_over = dict(zip(code.co_freevars, closure(function), strict=True))
    yield from _paths_in(code, function.__globals__, closed_over)


def _paths_in(
    code: CodeType, globals_: dict[str, Any], outer: dict[str, Any]
) -> Iterator[Variable]:
    names = dict(outer)  # of closures, and of what the code imports itself
    chain: list[str] | None = None  # the module that was read last, and attributes of it
    package, leaf = "", None  # of an import: its module, and what it gives a name to
    for kind, name in _instructions(code):
        if chain is not None and kind in ("LOAD_ATTR", "LOAD_METHOD"):
            chain.append(name)
            continue
        if chain is not None and kind != "CACHE":
            if len(chain) > 1:
                yield chain[0], tuple(chain[1:])
            chain = None
        if kind in ("LOAD_GLOBAL", "LOAD_NAME"):
            chain = _chain(globals_.get(name))
        elif kind in ("LOAD_DEREF", "LOAD_CLASSDEREF", "LOAD_FAST", "LOAD_FAST_CHECK"):
            chain = _chain(names.get(name))
        elif kind == "IMPORT_NAME":
            package, leaf = name, sys.modules.get(name.partition(".")[0])
        elif kind == "IMPORT_FROM":
            leaf = sys.modules.get(f"{package}.{name}")
            if leaf is None and name in package.split("."):  # import a.b as c
                leaf = sys.modules.get(package.partition(f".{name}")[0] + f".{name}")
            elif leaf is None and package in sys.modules:
                yield package, (name,)
        elif kind in ("STORE_FAST", "STORE_DEREF"):
            names[name], leaf = leaf, None
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _paths_in(constant, globals_, names)


def _instructions(code: CodeType) -> Iterator[tuple[str, Any]]:
    """Name and argument of each instruction; of those that do two at once, each by itself.

    From 3.13 on such as STORE_FAST_LOAD_FAST do, and from 3.14 on some borrow what they load.
    """
    for step in dis.get_instructions(code):
        kind = step.opname.replace("_BORROW", "")
        pairs = re.findall("(?:LOAD|STORE)_FAST", kind)
        if len(pairs) == 2 and isinstance(step.argval, tuple):
            yield from zip(pairs, step.argval, strict=True)
        else:
            yield kind, step.argval


def _chain(thing: Any) -> list[str] | None:
    if isinstance(thing, ModuleType) and sys.modules.get(thing.__name__) is thing:
        return [thing.__name__]
    return None
