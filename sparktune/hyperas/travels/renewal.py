"""A function within its decorators, exchanged for another one."""

from __future__ import annotations

import copy
import functools
from types import CellType, FunctionType, MethodType
from typing import Any

__all__ = ["exchanged", "remade"]

_CACHED = type(functools.lru_cache(lambda: None))


def remade(function: FunctionType, code: Any = None, cells: Any = None) -> FunctionType:
    """A copy of a function with other code or another closure."""
    made = FunctionType(
        code or function.__code__, function.__globals__, function.__name__,
        function.__defaults__, function.__closure__ if cells is None else cells,
    )  # fmt: skip
    made.__kwdefaults__ = function.__kwdefaults__
    made.__qualname__, made.__module__ = function.__qualname__, function.__module__
    made.__doc__, made.__annotations__ = function.__doc__, function.__annotations__
    made.__dict__.update(function.__dict__)
    if hasattr(function, "__type_params__"):
        made.__type_params__ = function.__type_params__  # type: ignore[attr-defined]
    return made


def exchanged(thing: Any, old: Any, new: Any, known: dict[int, Any] | None = None) -> Any:
    """A thing with ``new`` wherever it calls ``old``; the thing itself where it does not.

    Looked into are methods, partials, caches, the closures of decorators' functions, and the
    attributes of objects that can be called.

    Args:
        thing: a callable.
        old: a function.
        new: what takes its place.
        known: by id, what has been looked into, and what came of it.
    """
    if thing is old:
        return new
    known = {} if known is None else known
    if id(thing) not in known and not isinstance(thing, type):
        known[id(thing)] = thing, thing  # it may hold itself; kept alive, so that ids stay theirs
        known[id(thing)] = thing, _exchanged(thing, old, new, known)
    return known.get(id(thing), (thing, thing))[1]


def _exchanged(thing: Any, old: Any, new: Any, known: dict[int, Any]) -> Any:
    def inside(part: Any) -> Any:
        return exchanged(part, old, new, known) if callable(part) else part

    if isinstance(thing, MethodType):
        function = inside(thing.__func__)
        return thing if function is thing.__func__ else MethodType(function, thing.__self__)
    if isinstance(thing, functools.partial):
        function = inside(thing.func)
        if function is thing.func:
            return thing
        return type(thing)(function, *thing.args, **thing.keywords)
    if isinstance(thing, _CACHED):
        function = inside(thing.__wrapped__)
        if function is thing.__wrapped__:
            return thing
        return functools.lru_cache(**thing.cache_parameters())(function)
    if isinstance(thing, FunctionType):
        return _in_closure(thing, inside)
    return _in_attributes(thing, inside)


def _in_closure(function: FunctionType, inside: Any) -> Any:
    cells: list[CellType] = []
    for cell in function.__closure__ or ():
        try:
            content = cell.cell_contents
        except ValueError:  # a variable that is not set yet
            cells.append(cell)
            continue
        changed = inside(content)
        cells.append(cell if changed is content else CellType(changed))
    if all(a is b for a, b in zip(cells, function.__closure__ or (), strict=True)):
        return function
    made = remade(function, cells=tuple(cells))
    made.__dict__.update({name: inside(part) for name, part in vars(function).items()})
    return made


def _in_attributes(thing: Any, inside: Any) -> Any:
    attributes = getattr(thing, "__dict__", None)
    if not isinstance(attributes, dict):
        return thing
    changed = {name: inside(part) for name, part in attributes.items()}
    if all(changed[name] is part for name, part in attributes.items()):
        return thing
    made = copy.copy(thing)
    made.__dict__.update(changed)
    return made
