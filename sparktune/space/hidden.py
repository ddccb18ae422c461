"""Nodes where no search finds them: inside the objects that stand in a space.

Objects are looked into breadth first, through attributes, slots, items, keys, arguments, closures
and what C types refer to, without running any code of theirs; nobody looks into modules, code,
frames and spaces. In each object at most 50,000 others and 300,000 items are looked at (half a
second), in a space a million: what lies beyond is not seen.
"""

from __future__ import annotations

import gc
import types
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator
from functools import partial
from itertools import islice
from typing import Any, NamedTuple

import numpy as np

from .expressions import Node
from .sameness import ATOMS, attributes, closure, is_python

__all__ = ["Hidden", "Opaque", "find_hidden", "is_foreign"]

_OBJECTS = 50_000
_ITEMS = 300_000
_IN_ALL = 1_000_000
_METHODS = (types.FunctionType, staticmethod, classmethod, property, type)


class Opaque:
    """Something of ours that is not looked into, because it holds nodes for a search to find."""


_OPAQUE = (
    Opaque, types.ModuleType, types.CodeType, types.FrameType, types.TracebackType,
    types.GeneratorType, types.CoroutineType, types.AsyncGeneratorType, types.BuiltinFunctionType,
)  # fmt: skip


class Hidden(NamedTuple):
    """A node in an object.

    Attributes:
        path: from the object to the node, in Python's words as far as there are any.
        whole: whether it leads all the way.
        node: the node.
        apart: whether it only stands in a class, or in the object that a method belongs to, where
            it may be kept for the space itself.
    """

    path: str
    whole: bool
    node: Any
    apart: bool


def is_foreign(thing: Any) -> bool:
    """Whether it is a node of Hyperopt's, or of sparktune.hyperopt."""
    return type(thing).__module__.startswith(("hyperopt.pyll", "sparktune.hyperopt.pyll"))


def find_hidden(thing: Any, seen: dict[int, Any], container: bool = False) -> Iterator[Hidden]:
    """The nodes inside an object, those near it first.

    Args:
        thing: the object.
        seen: id to object of what was looked at, to which this adds.
        container: whether its items are searched, so that only what it has beside them counts.
    """
    start = [Hidden("", True, thing, False)]
    if container:
        start = [Hidden(f".{name}", True, part, False) for name, part in attributes(thing)]
        if isinstance(thing, defaultdict):
            start.append(Hidden(".default_factory", True, thing.default_factory, False))
    left, items = deque(start), [_ITEMS]
    most = min(len(seen) + _OBJECTS, _IN_ALL)
    while left and len(seen) < most:
        here = left.popleft()
        if isinstance(here.node, Node) or is_foreign(here.node):
            yield here
            continue
        if type(here.node) in ATOMS or id(here.node) in seen or _is_opaque(here.node):
            continue
        seen[id(here.node)] = here.node
        for piece, child, apart in _inside(here.node, items):
            if type(child) not in ATOMS and id(child) not in seen:
                whole = here.whole and piece is not None
                path = here.path + piece if whole and piece else here.path
                left.append(Hidden(path, whole, child, here.apart or apart))


def _is_opaque(thing: Any) -> bool:
    if isinstance(thing, np.ndarray):
        return not thing.dtype.hasobject
    return isinstance(thing, _OPAQUE)


def _inside(thing: Any, left: list[int]) -> Iterable[tuple[str | None, Any, bool]]:
    """What an object holds: how to write it after the object, the part, whether it is apart."""
    if isinstance(thing, types.FunctionType):
        yield ".__closure__", closure(thing), False
        yield ".__defaults__", thing.__defaults__, False
        yield ".__kwdefaults__", thing.__kwdefaults__, False
        yield ".__dict__", thing.__dict__, False
        return
    if isinstance(thing, types.MethodType):
        yield ".__self__", thing.__self__, True
        yield ".__func__", thing.__func__, False
        return
    if isinstance(thing, type):
        for kind in thing.__mro__:
            if is_python(kind):
                for name, value in vars(kind).items():
                    if not name.startswith("__") and not isinstance(value, _METHODS):
                        yield f".{name}", value, True
        return
    if isinstance(thing, dict):
        for key, value in _some(thing.items(), left):
            if type(key) not in ATOMS:
                yield None, key, False
            if type(value) not in ATOMS:
                yield f"[{key!r:.80}]", value, False
    elif isinstance(thing, (list, tuple, deque)):
        for i, value in enumerate(_some(thing, left)):
            if type(value) not in ATOMS:
                yield f"[{i}]", value, False
    elif isinstance(thing, np.ndarray):
        for name in thing.dtype.names or ():
            yield f"[{name!r}]", thing[name], False
        if not thing.dtype.names:
            for i, value in enumerate(_some(thing.flat, left)):
                if type(value) not in ATOMS:
                    yield f".flat[{i}]", value, False
    elif isinstance(thing, (set, frozenset)):
        for value in _some(thing, left):
            if type(value) not in ATOMS:
                yield None, value, False
    elif isinstance(thing, partial):
        yield ".args", thing.args, False
        yield ".keywords", thing.keywords, False
        yield ".func", thing.func, False
    for name, value in attributes(thing):
        yield f".{name}", value, False
    if type(thing) in (dict, list, tuple, set, frozenset):
        return
    yield "", type(thing), True
    for value in _some(gc.get_referents(thing), left):
        if type(value) not in ATOMS:
            yield None, value, False


def _some(items: Iterable[Any], left: list[int]) -> Iterator[Any]:
    """As many items as may still be looked at."""
    for item in islice(items, max(left[0], 0)):
        left[0] -= 1
        yield item
