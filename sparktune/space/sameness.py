"""Whether two options are the same by value, also where one comes from a pickle.

Containers are compared by what is in them, numbers by kind and value with NaN equal to NaN, arrays
and tables by content, objects by their own ``==`` or else by class and state, functions by module,
name, code, defaults and what they close over, nodes by label or expression. Cycles end: a pair that
is met again is taken to be the same, as everything else then decides.
"""

from __future__ import annotations

import types
from collections import deque
from collections.abc import ItemsView, Iterable, KeysView, ValuesView
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np

from .expressions import Call, Node

__all__ = ["ATOMS", "attributes", "closure", "is_python", "keep", "same"]

ATOMS = frozenset({bool, int, float, complex, str, bytes, type(None), type(...), range})
ATOMS |= set(np.sctypeDict.values()) - {np.object_, np.void}
"""Types whose values hold nothing further."""

_Pairs: TypeAlias = "list[tuple[Any, Any]] | None"  # what else has to be the same; None: differs

_ITEMS = 1_000_000
_DEPTH = 20


@dataclass(eq=False)
class _Kept:
    """An object as it was when its space was declared.

    Attributes:
        thing: the object itself, which an objective in this process may have changed since.
        state: its state then.
    """

    thing: Any
    state: Any


def keep(options: Iterable[Any]) -> tuple[Any, ...]:
    """Options as they are now, for a later comparison.

    Lists, tuples, dicts and sets are copied, of plain objects the attributes are noted; what lies
    deeper than 20 levels or beyond a million items stays as it is.
    """
    left = _ITEMS
    known: dict[int, _Kept] = {}

    def kept(thing: Any, depth: int) -> Any:
        nonlocal left
        kind = type(thing)
        if kind in ATOMS or depth > _DEPTH or left <= 0:
            return thing
        if kind in (list, tuple, dict, set):
            left -= len(thing)
            if left <= 0:
                return thing
            if kind is set:
                return set(thing)
            if kind is dict:
                return {k: kept(v, depth + 1) for k, v in thing.items()}
            return kind(v if type(v) in ATOMS else kept(v, depth + 1) for v in thing)
        if id(thing) in known or not _is_plain(thing):
            return known.get(id(thing), thing)
        left -= 1
        known[id(thing)] = made = _Kept(thing, None)
        made.state = kept(_state_of(thing), depth + 1)
        return made

    return tuple(kept(option, 0) for option in options)


def _is_plain(thing: Any) -> bool:
    """Whether pickle takes an object's attributes as they are."""
    kind = type(thing)
    if isinstance(thing, (Node, type, np.ndarray)) or not is_python(kind):
        return False
    if _has_params(kind):
        return True
    ours = [kind.__reduce_ex__, kind.__reduce__, getattr(kind, "__getstate__", None)]
    return ours == [object.__reduce_ex__, object.__reduce__, getattr(object, "__getstate__", None)]


def same(old: Any, new: Any, seen: dict[tuple[int, int], Any] | None = None) -> bool:
    """Whether two things are the same by value; ``old`` may come from ``keep``.

    ``seen`` holds the pairs taken to be the same so far, to which those of these two are added
    where they are.
    """
    seen = {} if seen is None else seen
    before, left = len(seen), [(old, new)]
    while left:
        pair = left.pop()
        if pair[0] is pair[1] or (id(pair[0]), id(pair[1])) in seen:
            continue
        seen[id(pair[0]), id(pair[1])] = pair  # keeps both alive, so that ids stay theirs
        more = _parts(*pair, seen)
        if more is None:
            while len(seen) > before:
                seen.popitem()
            return False
        left += more
    return True


def _parts(old: Any, new: Any, seen: dict[tuple[int, int], Any]) -> _Pairs:
    """The parts of two things that have to be the same, so that these are."""
    if isinstance(old, _Kept):
        if old.thing is new:
            return []
        alike = _alike(type(old.thing), type(new))
        if alike is None:
            return None
        now = _state_of(new)
        if same(old.state, now, seen) or same(_state_of(old.thing), now, seen):
            return alike
        return [] if _equal(old.thing, new) else None
    old, new = _native(old), _native(new)
    if type(old) in ATOMS or type(new) in ATOMS:
        equal = type(old) is type(new) and (old == new or (old != old and new != new))
        return [] if equal else None
    alike = _alike(type(old), type(new))
    if alike is None:
        return None
    if isinstance(old, Node):
        return [(_of_node(old), _of_node(new))]
    items = _items(old, new, seen)
    if items is not None:
        plain = type(old) in (list, tuple, dict, set, frozenset)
        own = [] if plain else [(dict(attributes(old)), dict(attributes(new)))]
        return [*alike, *own, *(items[0] or ())] if items else None
    parts = _of_definition(old), _of_definition(new)
    if parts[0] is not None:
        return [parts]
    if isinstance(old, np.ma.MaskedArray):
        mask = np.ma.getmaskarray(old), np.ma.getmaskarray(new)
        return [mask, (old.compressed(), new.compressed())]
    if isinstance(old, np.ndarray):
        return _of_arrays(np.asarray(old), np.asarray(new))
    if _equal(old, new):
        return []
    if hasattr(type(old), "__array__") and not hasattr(type(old), "equals"):
        with suppress(Exception):  # such as a tensor on a GPU: its state decides
            return [(np.asarray(old), np.asarray(new))]
    return [*alike, (_state_of(old), _state_of(new))]


def _native(thing: Any) -> Any:
    """A scalar of numpy as Python's."""
    return thing.item() if isinstance(thing, (np.bool_, np.number, np.str_, np.bytes_)) else thing


def _alike(old: type, new: type) -> _Pairs:
    """What makes two classes the same for their instances: the name, and more of local ones."""
    if old is new:
        return []
    if (old.__module__, old.__qualname__) != (new.__module__, new.__qualname__):
        return None
    return [(old, new)] if "<locals>" in old.__qualname__ else []


def _of_node(node: Node) -> Any:
    if isinstance(node, Call):
        return node.function, node.args, node.kwargs
    return getattr(node, "label", None)  # what else it is, is compared once by its label


def _items(old: Any, new: Any, seen: dict[tuple[int, int], Any]) -> list[_Pairs] | None:
    """Pairs of the items of two containers: None for no containers, [] where they differ."""
    if isinstance(old, (list, tuple, deque, ValuesView)):
        pairs = _unequal(zip(old, new, strict=True)) if len(old) == len(new) else None
        return [] if pairs is None else [pairs]
    if isinstance(old, (set, frozenset, KeysView, ItemsView)):
        return [] if _matched(old, new, seen) is None else [[]]
    if not isinstance(old, (dict, types.MappingProxyType)):
        return None
    keys = _matched(old.keys(), new.keys(), seen)
    pairs = None if keys is None else _unequal((old[mine], new[theirs]) for mine, theirs in keys)
    return [] if pairs is None else [pairs]


def _unequal(pairs: Iterable[tuple[Any, Any]]) -> _Pairs:
    """The pairs that a look at plain values does not settle; None where one settles it."""
    left = []
    for old, new in pairs:
        if type(old) is type(new) and type(old) in ATOMS:
            if old != new and not (old != old and new != new):
                return None
        elif old is not new:
            left.append((old, new))
    return left


def _matched(old: Any, new: Any, seen: dict[tuple[int, int], Any]) -> _Pairs:
    """Each member of one set with its equal in another, None where they do not match."""
    if len(old) != len(new):
        return None
    pairs = [(member, member) for member in old if member in new]
    left = [member for member in new if member not in old]
    for member in (member for member in old if member not in new):
        found = next((other for other in left if same(member, other, seen)), None)
        if found is None:
            return None
        left = [other for other in left if other is not found]
        pairs.append((member, found))
    return pairs


def _of_arrays(old: Any, new: Any) -> _Pairs:
    if old.shape != new.shape or old.dtype != new.dtype:
        return None
    if old.dtype.hasobject:
        return [(old.tolist(), new.tolist())]
    nan = old.dtype.kind in "fcmM"
    equal = np.array_equal(old, new, equal_nan=nan) or old.tobytes() == new.tobytes()
    return [] if equal else None


def _equal(old: Any, new: Any) -> bool:
    """Whether two objects say themselves that they are equal."""
    try:
        if hasattr(type(old), "equals"):  # tables compare items by ==
            return bool(old.equals(new))
        answer = old == new
        return isinstance(answer, (bool, np.bool_)) and bool(answer)
    except Exception:  # whatever a strange type raises, its state decides
        return False


def _of_definition(thing: Any) -> Any:
    """What is written in a function or class; None for anything else."""
    if isinstance(thing, types.FunctionType):
        return (
            thing.__module__, thing.__qualname__, thing.__code__, thing.__defaults__,
            thing.__kwdefaults__, closure(thing),
        )  # fmt: skip
    if isinstance(thing, types.CodeType):
        return (
            thing.co_name, thing.co_code, thing.co_consts, thing.co_names, thing.co_varnames,
            thing.co_freevars, thing.co_argcount, thing.co_kwonlyargcount, thing.co_flags,
        )  # fmt: skip
    if isinstance(thing, (staticmethod, classmethod)):
        return thing.__func__
    if isinstance(thing, property):
        return thing.fget, thing.fset, thing.fdel
    if isinstance(thing, type):
        return thing.__module__, thing.__qualname__, thing.__bases__, _body(thing)
    return thing.__name__ if isinstance(thing, types.ModuleType) else None


def _body(kind: type) -> dict[str, Any]:
    """What stands in a class, without what Python notes there."""
    named = {k: v for k, v in vars(kind).items() if not k.startswith("__") or callable(v)}
    generated = ("_abc_impl", "__annotate__", "__annotate_func__")
    return {k: v for k, v in named.items() if k not in generated}


def closure(function: types.FunctionType) -> tuple[Any, ...]:
    """What a function closes over; a variable that is not set yet stands as an ellipsis."""
    found: list[Any] = []
    for cell in function.__closure__ or ():
        try:
            found.append(cell.cell_contents)
        except ValueError:
            found.append(...)
    return tuple(found)


def _has_params(kind: type) -> bool:
    return callable(getattr(kind, "get_params", None))


def _state_of(thing: Any) -> Any:
    """What makes an object what it is beside its class.

    These are the parameters of an estimator, whether it is fitted or not; else what pickle would
    take, else the attributes.
    """
    if _has_params(type(thing)):
        with suppress(Exception):  # no estimator after all
            return dict(thing.get_params(deep=False))
    try:
        reduced = thing.__reduce_ex__(4)
    except Exception:  # such as a lock or a session: no pickle
        return dict(attributes(thing))
    if isinstance(reduced, str):
        return getattr(thing, "__module__", None), reduced, dict(attributes(thing))
    make, arguments, *rest = reduced
    state, *items = [*rest, None, None, None][:3]
    whole = (make, *arguments)
    named = tuple("class" if part is type(thing) else part for part in whole)
    return named, state, *(None if each is None else list(each) for each in items)


def is_python(kind: type) -> bool:
    """Whether a class is written in Python, by the flag of types that are made at run time."""
    return bool(kind.__flags__ & 1 << 9)


def attributes(thing: Any) -> list[tuple[str, Any]]:
    """The attributes of an object by name, those in slots as well; runs no code of its class."""
    try:
        found = list(object.__getattribute__(thing, "__dict__").items())
    except (AttributeError, TypeError):
        found = []
    kind: Any = type(thing)
    try:
        slots = _slots(kind)
    except TypeError:  # a class that cannot be hashed
        slots = _slots.__wrapped__(kind)
    for name, slot in slots:
        with suppress(AttributeError):  # a slot that is not set
            found.append((name, slot.__get__(thing)))
    return found


@lru_cache(1000)
def _slots(kind: type) -> list[tuple[str, Any]]:
    """The slots of a class and those above it."""
    return [
        (name, slot)
        for each in filter(is_python, kind.__mro__)
        for name, slot in vars(each).items()
        if isinstance(slot, types.MemberDescriptorType)
    ]
