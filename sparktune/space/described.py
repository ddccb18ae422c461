"""A search space as plain JSON, which says what a space was without any of its code.

A template is written as it stands: lists as lists, dicts as dicts, strings and numbers as they are.
All else is a dict with the key ``"$"``, which says what it is; a dict of the user's own with that
key, or with keys that are no strings, is written as pairs under ``{"$": "dict"}``.

======================  ===========================================================================
``"$"``                 with
======================  ===========================================================================
uniform, normal         ``label``; ``low``, ``high`` or ``mu``, ``sigma``; ``log``, ``q`` if set
integers, index         ``label``; ``low``, ``high`` or ``p``
choice                  ``label``, ``options``; ``p`` if they are not equally likely
call                    an expression: ``number``, ``function``, ``args``, ``kwargs``
again                   what was written before: the ``label`` of a node or the number of a ``call``
dict, list, tuple       ``items``; ``type`` if it is a class of its own, ``fields`` if it has names
set, frozenset          ``items``
int, float, complex     what JSON has no number for: ``hex``; ``text``; ``real`` and ``imag``
bytes, bytearray        ``base64``
range, slice, ellipsis  ``start``, ``stop``, ``step``
datetime, date, time    ``text``
timedelta               ``days``, ``seconds``, ``microseconds``
scalar, array           of numpy: ``dtype``, ``shape``, ``values`` in C order
named                   by name alone: ``module``, ``name``, and ``what``: a function, class,
                        member or module
text                    ``module`` and ``name`` of the type, ``text``
object                  by type and position alone: ``module`` and ``name`` of the type
======================  ===========================================================================

The order of keys carries meaning and has to be kept. ``from_description`` is in reading.py.
"""

from __future__ import annotations

import enum
import json
import types
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any, NamedTuple

import numpy as np

from ..checks import advise
from ..exceptions import BadSearchSpace
from .discrete import Categorical, Integers
from .distributions import Distribution, Normal, Uniform
from .expressions import Call, Node
from .naming import kind_of, name_of_definition
from .nodes import Choice, Param
from .placeholders import Placeholder, ReadDict, ReadList, ReadTuple, Text, Unknown
from .plain import TAG, has_value, written
from .reading import DEPTH, VERSION, from_description, value_from
from .tree import Space

__all__ = ["Key", "describe", "described", "from_description", "is_recorded", "key_of"]
__all__ += ["value_from"]

_NUMBERS = frozenset({int, float})
_AS_IT_IS = frozenset({str, bool, type(None)})
_BY_TEXT = frozenset(
    {"Decimal", "Fraction", "PosixPath", "PurePosixPath", "PureWindowsPath", "UUID"}
)
_TEXT_MODULES = frozenset({"decimal", "fractions", "pathlib", "uuid"})


def describe(space: Space) -> dict[str, Any]:
    """A space as plain JSON: dicts, lists, strings, bools, None, ints and finite floats.

    Functions, classes, modules and members of enumerations are written by module and qualified
    name, plain data by value, also numpy arrays of up to 10,000 items. What is none of these, such
    as an estimator, a lambda or a large array, is written by its type and position only. Nothing is
    pickled. Costs about a microsecond for each plain option.

    Raises:
        BadSearchSpace: it is nested too deeply, or has a distribution of an unknown kind.

    Warns:
        UserWarning: once, with the labels of the choices whose options have objects that are
            written by type and position only.
    """
    writer = _Writer()
    data = {"version": VERSION, "labels": list(space.labels), TAG: _whole(writer, space.template)}
    if writer.lost:
        advise(_lost_in_words(writer.lost))
    return data


def described(thing: Any) -> Any:
    """One value as in ``describe``, such as a default; without a warning."""
    return _whole(_Writer(), thing)


def in_full(thing: Any) -> Any:
    """One value as in ``describe``; NotPlain where that would not say all that makes it what it is.

    Raises:
        NotPlain: it holds an object, a function or a class, or is nested too deeply.
    """
    writer = _Writer()
    try:
        data = _whole(writer, thing)
    except BadSearchSpace as error:
        raise NotPlain(str(error)) from None
    if writer.lost or writer.named or writer.recorded or writer.unknown or writer.nodes:
        raise NotPlain(f"{type(thing).__name__} is more than plain data")
    return data


class NotPlain(TypeError):  # noqa: N818 (says what a thing is)
    """A value is more than plain data."""


def is_recorded(space: Space) -> bool:
    """Whether a space holds placeholders, because it was read from a record."""
    writer = _Writer()
    with suppress(BadSearchSpace):  # what no record can hold comes from none
        _whole(writer, space.template)
    return writer.recorded


class Key(NamedTuple):
    """What makes a thing the same as another, as far as a record can tell.

    Attributes:
        text: equal for equal things; nodes by their labels, numpy's numbers as Python's.
        named: whether there is more to it than the record says: functions and classes, by name.
        objects: whether it holds objects of which there is the type only.
        recorded: whether it holds placeholders.
        nodes: labels of the nodes in it, those below a choice left out.
    """

    text: str
    named: bool = False
    objects: bool = False
    recorded: bool = False
    nodes: tuple[str, ...] = ()


def key_of(thing: Any) -> Key:
    """The key of anything that may stand in a space."""
    if type(thing) is str:
        return Key(f'"{thing}')
    writer = _Writer(brief=True)
    text = _text(_whole(writer, thing))
    return Key(
        text,
        writer.named,
        bool(writer.lost or writer.unknown),
        writer.recorded,
        tuple(writer.nodes),
    )


def _whole(writer: _Writer, thing: Any) -> Any:
    try:
        return writer.write(thing)
    except RecursionError:
        raise BadSearchSpace("the space is nested too deeply to be recorded") from None


def _text(data: Any) -> str:
    try:
        return json.dumps(data, sort_keys=True)
    except RecursionError:
        raise BadSearchSpace("the space is nested too deeply to be recorded") from None


def _lost_in_words(lost: dict[tuple[str | None, str], None]) -> str:
    where = [
        f"{kind} {'outside all choices' if label is None else f'in {label!r}'}"
        for label, kind in lost
    ]
    more = f" and {len(where) - 10} more" if len(where) > 10 else ""
    return (
        "a record holds some objects of this space by type and position only "
        f"({', '.join(where[:10])}{more}): "
        "whoever goes on from it has to give the same objects in the same places"
    )


class _Writer:
    """Writes one space, or one thing.

    Args:
        brief: for keys: nodes by label, numpy's numbers as Python's, dicts in any order.

    Attributes:
        lost: (label of the innermost choice, type) of what is written by type only.
        named, recorded, unknown: whether there were names, placeholders, and those of objects.
        nodes: labels of the nodes; for keys alone.
    """

    def __init__(self, brief: bool = False) -> None:
        self._brief = brief
        self._labels: list[str] = []
        self._written: set[int] = set()
        self._calls: dict[int, int] = {}
        self._depth = 0
        self.lost: dict[tuple[str | None, str], None] = {}
        self.named = self.recorded = self.unknown = False
        self.nodes: dict[str, None] = {}

    def write(self, thing: Any) -> Any:
        """A thing as JSON."""
        kind = type(thing)
        if kind in _AS_IT_IS:
            return thing
        if kind in _NUMBERS:
            return written(thing)
        if self._depth >= DEPTH:
            raise RecursionError
        self._depth += 1
        write = _OTHERS.get(kind) or next(
            (write for base, write in _FAMILIES if isinstance(thing, base)), _Writer._single
        )
        data = write(self, thing)
        self._depth -= 1
        return data

    def _all(self, items: Iterable[Any]) -> list[Any]:
        return list(map(self.write, items))

    # Nodes.

    def _unknown(self, node: Node) -> Any:
        raise BadSearchSpace(f"the space holds a node of unknown kind: {node!r}")

    def _param(self, node: Param) -> Any:
        if self._is_again(node):
            return {TAG: "again", "label": node.label}
        return _of_distribution(node.label, node.distribution)

    def _is_again(self, node: Param) -> bool:
        """Whether a label is all that is written of a node."""
        known = self._brief or id(node) in self._written
        self._written.add(id(node))
        if self._brief:
            self.nodes[node.label] = None
        return known

    def _choice(self, node: Choice) -> Any:
        if self._is_again(node):
            return {TAG: "again", "label": node.label}
        data: dict[str, Any] = {TAG: "choice", "label": node.label}
        p, count = node.distribution.p, len(node.options)
        if p != Categorical((1.0 / count,) * count).p:
            data["p"] = list(p)
        self._labels.append(node.label)
        data["options"] = list(map(self.write, node.options))
        self._labels.pop()
        return data

    def _call(self, call: Call) -> Any:
        if id(call) in self._calls:
            return {TAG: "again", "call": self._calls[id(call)]}
        number = self._calls[id(call)] = len(self._calls)
        return {
            TAG: "call",
            "number": number,
            "function": self.write(call.function),
            "args": list(map(self.write, call.args)),
            "kwargs": self.write(call.kwargs),
        }

    # Containers.

    def _list(self, thing: Any) -> Any:
        return list(map(self.write, thing))

    def _dict(self, thing: Any) -> Any:
        own = type(thing) is not dict
        if not own and TAG not in thing and all(type(key) is str for key in thing):
            return dict(zip(thing, map(self.write, thing.values()), strict=True))
        pairs = [list(map(self.write, pair)) for pair in thing.items()]
        if self._brief:
            pairs.sort(key=_text)
        return {TAG: "dict", **self._type(thing, ReadDict, own), "items": pairs}

    def _sequence(self, thing: Any) -> Any:
        is_list = isinstance(thing, list)
        own = type(thing) not in (list, tuple)
        data: dict[str, Any] = {TAG: "list" if is_list else "tuple"}
        data |= self._type(thing, ReadList if is_list else ReadTuple, own)
        fields = thing.fields if type(thing) is ReadTuple else getattr(type(thing), "_fields", ())
        if not is_list and own and isinstance(fields, tuple) and fields:
            data["fields"] = [str(name) for name in fields]
        return {**data, "items": list(map(self.write, thing))}

    def _type(self, thing: Any, read: Any, own: bool) -> dict[str, Any]:
        if type(thing) is not read:
            return {"type": list(kind_of(thing))} if own else {}
        self.recorded = True
        return {"type": list(thing.kind)}

    def _set(self, thing: Any) -> Any:
        return {TAG: type(thing).__name__, "items": sorted(self._all(thing), key=_text)}

    # Single things.

    def _single(self, thing: Any) -> Any:
        if has_value(thing):
            if self._brief and isinstance(thing, np.generic) and thing.dtype.kind not in "mM":
                return self.write(thing.item())
            return written(thing)
        return self._by_name(thing) or self._by_text(thing) or self._object(thing)

    def _placeholder(self, thing: Any) -> Any:
        self.recorded = True
        if isinstance(thing, Unknown):
            self.unknown = True
            return {TAG: "object", "module": thing.module, "name": thing.name}
        if isinstance(thing, Text):
            return {TAG: "text", "module": thing.module, "name": thing.name, "text": thing.text}
        return self._named(thing.what, thing.module, thing.name)

    def _named(self, what: str, module: str, name: str) -> Any:
        self.named = True
        return {TAG: "named", "what": what, "module": module, "name": name}

    def _by_name(self, thing: Any) -> Any:
        """A function, class, member of an enumeration or module; None for all else."""
        if isinstance(thing, types.ModuleType):
            return self._named("module", thing.__name__, "")
        if isinstance(thing, enum.Enum):
            module, name = kind_of(thing)
            known = thing.name if isinstance(thing.name, str) else None
            return self._named("member", module, f"{name}.{known}") if known else None
        if isinstance(thing, np.ufunc):
            return self._named("function", "numpy", thing.__name__)
        found = name_of_definition(thing)
        if found is None or "<lambda>" in found[1]:
            return None
        return self._named("class" if isinstance(thing, type) else "function", *found)

    def _by_text(self, thing: Any) -> Any:
        module, name = kind_of(thing)
        module = module.partition(".")[0]  # pathlib._local
        if name not in _BY_TEXT or module not in _TEXT_MODULES:
            return None
        return {TAG: "text", "module": module, "name": name, "text": str(thing)}

    def _object(self, thing: Any) -> Any:
        module, name = kind_of(thing)
        label = self._labels[-1] if self._labels else None
        self.lost[label, "a lambda" if isinstance(thing, types.LambdaType) else name] = None
        return {TAG: "object", "module": module, "name": name}


def _of_distribution(label: str, distribution: Distribution) -> dict[str, Any]:
    kind = type(distribution)
    if kind not in _DISTRIBUTIONS:
        raise BadSearchSpace(
            f"{label!r} has a distribution that no record has a word for: {distribution!r:.200}"
        )
    name, fields = _DISTRIBUTIONS[kind]
    data: dict[str, Any] = {TAG: name, "label": label}
    for field in fields:
        value = getattr(distribution, field)
        if not (field in ("log", "q") and not value):
            data[field] = list(value) if field == "p" else value
    return data


_DISTRIBUTIONS: dict[type, tuple[str, tuple[str, ...]]] = {
    Uniform: ("uniform", ("low", "high", "log", "q")),
    Normal: ("normal", ("mu", "sigma", "log", "q")),
    Integers: ("integers", ("low", "high")),
    Categorical: ("index", ("p",)),
}


_OTHERS: dict[type, Callable[[_Writer, Any], Any]] = {
    list: _Writer._list,
    dict: _Writer._dict,
    tuple: _Writer._sequence,
    Param: _Writer._param,
    Choice: _Writer._choice,
    Call: _Writer._call,
    set: _Writer._set,
    frozenset: _Writer._set,
}
_FAMILIES: tuple[tuple[Any, Callable[[_Writer, Any], Any]], ...] = (
    (Choice, _Writer._choice),
    (Param, _Writer._param),
    (Call, _Writer._call),
    (Node, _Writer._unknown),
    (dict, _Writer._dict),
    ((list, tuple), _Writer._sequence),
    (Placeholder, _Writer._placeholder),
)
