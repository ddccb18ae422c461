"""A search space from plain JSON; what the JSON may hold is in described.py.

Reading runs no code and imports nothing: what a record holds by name or type alone comes back as a
placeholder. Whatever the data are, they give a space or one sentence.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from ..checks import keep
from ..exceptions import BadSearchSpace
from ..plurals import plural
from .discrete import Categorical, Integers
from .distributions import Distribution, Normal, Uniform
from .expressions import Call
from .nodes import Choice, Param
from .placeholders import KINDS, Kind, Named, ReadDict, ReadList, ReadTuple, Text, Unknown
from .plain import (
    READERS,
    TAG,
    DamagedError,
    Fields,
    items_of,
    number_of,
    shown,
    string_of,
    value_of,
    whole_of,
)
from .tree import Space

__all__ = ["DEPTH", "VERSION", "from_description", "value_from"]

VERSION = 1
DEPTH = 250  # levels of containers and expressions
_LARGEST = 100_000  # items of a candidate, unless there are as many in the record

_AS_IT_IS = frozenset({str, bool, type(None), int, float})


def from_description(data: Any) -> Space:
    """The space that a description says: the same labels in the same order, the same columns.

    Trials of it can be encoded, checked and shown. What the record holds by name, type or text
    alone stands in it as a placeholder (placeholders.py), and an expression cannot be evaluated.

    Raises:
        BadSearchSpace: the data are no description of a space, or that of a space that cannot be;
            one sentence, with the label that is concerned where there is one.
    """
    if not isinstance(data, Mapping) or not {"version", "labels", TAG} <= data.keys():
        raise BadSearchSpace(f"this is no record of a space: {shown(data)}")
    if type(data["version"]) is not int or data["version"] != VERSION:
        raise BadSearchSpace(
            f"the record of a space is of version {shown(data['version'])}, but this release "
            f"reads version {VERSION}"
        )
    template = _read(data[TAG], "the record of a space")
    try:
        space = Space(template)
    except BadSearchSpace as error:
        raise BadSearchSpace(f"the record of a space is damaged: {error}") from None
    except (ValueError, TypeError, OverflowError, RecursionError):
        raise BadSearchSpace("the record of a space is damaged: it makes no space") from None
    if data["labels"] != list(space.labels):
        raise BadSearchSpace(
            "the record of a space is damaged: its labels are not those of its nodes in their order"
        )
    return space


def value_from(data: Any, *, plain: bool = False) -> Any:
    """The value that ``described`` has written; raises as ``from_description`` does.

    Args:
        data: as JSON.
        plain: whether only what ``in_full`` writes is read: no node, no function, no object.
    """
    return _read(data, "a recorded value", plain)


def _read(data: Any, what: str, plain: bool = False) -> Any:
    reader = _Reader(plain)
    try:
        made = reader.read(data)
        _refuse_huge(made, reader)
        return made
    except RecursionError:
        raise BadSearchSpace(f"{what} is damaged: it is nested too deeply") from None
    except (DamagedError, ValueError, TypeError, OverflowError, MemoryError) as error:
        where = f" in {shown(reader.labels[-1])}" if reader.labels else ""
        raise BadSearchSpace(f"{what} is damaged{where}: {_words(error)}") from None


def _refuse_huge(thing: Any, reader: _Reader) -> None:
    """Raise where nodes that occur again and again make a candidate huge, however short the data.

    A choice of a choice of a choice, each of which has the next one twice, doubles with each.
    """
    if not reader.again:
        return
    sizes: dict[int, int] = {}

    def size(part: Any) -> int:
        if isinstance(part, (Param, Call)):
            if id(part) not in sizes:
                sizes[id(part)] = 1
                inside = part.options if isinstance(part, Choice) else ()
                if isinstance(part, Call):  # evaluated once, and its arguments are not kept
                    inside = (*part.args, part.kwargs)
                most = max(map(size, inside), default=0)
                sizes[id(part)] = 1 + most if isinstance(part, Choice) else 1
            return sizes[id(part)]
        items = part.values() if isinstance(part, dict) else part
        total = 1
        for item in items if isinstance(part, (dict, list, tuple)) else ():
            total += 1 if type(item) in _AS_IT_IS else size(item)
        if total > _LARGEST and total > 10 * reader.count:
            raise DamagedError(f"a candidate has over {_LARGEST:,} items, the same ones repeated")
        return total

    size(thing)


def _words(error: Exception) -> str:
    """What an error says, in one short sentence."""
    return " ".join(str(error).split())[:400] or type(error).__name__


class _Reader:
    """Reads one template.

    Args:
        plain: see ``value_from``.

    Attributes:
        labels: of the nodes that are being read, from the outermost.
        count: how many containers and nodes were read.
        again: whether some of them occur again.
    """

    def __init__(self, plain: bool = False) -> None:
        self.labels: list[str] = []
        self.count = 0
        self.again = False
        self._tags = _PLAIN if plain else _TAGS
        self._nodes: dict[str, Param] = {}
        self._calls: dict[int, Call] = {}
        self._depth = 0

    def read(self, data: Any) -> Any:
        """What data stand for."""
        kind = type(data)
        if kind in _AS_IT_IS:
            return value_of(data)
        if kind is not list and kind is not dict:
            raise DamagedError(f"{shown(data)} is nothing that JSON has")
        if self._depth > DEPTH:
            raise RecursionError
        self._depth += 1
        self.count += 1
        made: Any
        if kind is list:
            made = list(map(self.read, data))
        elif TAG in data:
            made = self._reader_of(data)(self, data)
        else:
            for key in data:
                if type(key) is not str:
                    raise DamagedError(f"{shown(key)} is a key that JSON does not have")
            made = dict(zip(data, map(self.read, data.values()), strict=True))
        self._depth -= 1
        return made

    def _reader_of(self, data: dict[Any, Any]) -> Callable[[_Reader, Any], Any]:
        """What reads a dict that says what it is, and has the fields that it needs."""
        tag = data[TAG]
        if type(tag) is not str or tag not in self._tags:
            known = type(tag) is str and tag in _TAGS
            kind = "a kind that no result has" if known else "an unknown kind"
            raise DamagedError(f"there is something of {kind}, {shown(tag)}")
        required, optional, read = self._tags[tag]
        for field in required:
            if field not in data:
                raise DamagedError(f"{tag!r} has no {field!r}")
        if len(data) > 1 + len(required):
            for field in data:
                if field != TAG and field not in required and field not in optional:
                    raise DamagedError(f"{tag!r} has the unknown field {shown(field)}")
        return read

    # Nodes.

    def _begin(self, data: Mapping[str, Any]) -> str:
        label = string_of(data, "label")
        if label in self._nodes or label in self.labels:
            raise DamagedError(f"the label {shown(label)} occurs twice")
        self.labels.append(label)
        return label

    def _end(self, node: Param) -> Param:
        self._nodes[self.labels.pop()] = node
        return node

    def param(self, data: Mapping[str, Any]) -> Param:
        """A hyperparameter that is no choice."""
        label, tag = self._begin(data), data[TAG]
        distribution: Distribution
        if tag == "index":
            distribution = _categorical(data, None)
        elif tag == "integers":
            distribution = Integers(number_of(data, "low"), number_of(data, "high"))
        else:
            log, q = data.get("log", False), data.get("q")
            if type(log) is not bool:
                raise DamagedError(f"'log' must be true or false, but is {shown(log)}")
            q = None if q is None else number_of(data, "q")
            if tag == "uniform":
                low, high = number_of(data, "low"), number_of(data, "high")
                distribution = Uniform(low, high, log, q)
            else:
                distribution = Normal(number_of(data, "mu"), number_of(data, "sigma"), log, q)
        return self._end(Param(label, distribution))

    def choice(self, data: Mapping[str, Any]) -> Choice:
        """A choice."""
        label, options = self._begin(data), items_of(data, "options")
        distribution = _categorical(data, len(options))
        made = Choice(label, distribution.p, tuple(map(self.read, options)))
        made.distribution = distribution
        self._end(made)
        return made

    def call(self, data: Mapping[str, Any]) -> Call:
        """An expression."""
        number, kwargs = whole_of(data, "number"), self.read(data["kwargs"])
        if number in self._calls:
            raise DamagedError(f"two expressions have the number {number}")
        if type(kwargs) is not dict or not all(type(key) is str for key in kwargs):
            raise DamagedError("'kwargs' must be a dict by names")
        function = self.read(data["function"])
        if not isinstance(function, (Named, Unknown)):
            raise DamagedError("an expression calls something that is no function")
        made = Call(function)
        made.args, made.kwargs = tuple(map(self.read, items_of(data, "args"))), kwargs
        self._calls[number] = made
        return made

    def repeated(self, data: Mapping[str, Any]) -> Any:
        """A node that was read before."""
        self.again = True
        if ("label" in data) == ("call" in data):
            raise DamagedError("'again' has either a label or a number of a call")
        key = string_of(data, "label") if "label" in data else whole_of(data, "call")
        known: Mapping[Any, Any] = self._nodes if "label" in data else self._calls
        if key not in known:
            inside = key in self.labels
            raise DamagedError(f"{shown(key)} {'contains itself' if inside else 'comes too late'}")
        return known[key]

    # Containers.

    def pairs(self, data: Mapping[str, Any]) -> Any:
        """A dict with any keys, or of a class of its own."""
        items = []
        for pair in items_of(data, "items"):
            if type(pair) is not list or len(pair) != 2:
                raise DamagedError("a dict has pairs of key and value")
            items.append((self.read(pair[0]), self.read(pair[1])))
        made = dict(items)
        return ReadDict(made, _kind(data)) if "type" in data else made

    def sequence(self, data: Mapping[str, Any]) -> Any:
        """A tuple, or a list of a class of its own."""
        items = list(map(self.read, items_of(data, "items")))
        if data[TAG] == "list":
            return ReadList(items, _kind(data)) if "type" in data else items
        if "type" not in data:
            return tuple(items)
        fields = items_of(data, "fields") if "fields" in data else []
        if not all(type(field) is str for field in fields):
            raise DamagedError("the fields of a tuple have strings as names")
        return ReadTuple(items, _kind(data), fields)

    def of_set(self, data: Mapping[str, Any]) -> Any:
        """A set."""
        kind = set if data[TAG] == "set" else frozenset
        return kind(map(self.read, items_of(data, "items")))


def _kind(data: Mapping[str, Any]) -> Kind:
    parts = items_of(data, "type")
    if len(parts) != 2 or not all(type(part) is str for part in parts):
        raise DamagedError("'type' must be a module and a name")
    return parts[0], parts[1]


def _categorical(data: Mapping[str, Any], count: int | None) -> Categorical:
    """The probabilities of a choice, exactly as they were written."""
    if "p" not in data:
        if not count:
            raise DamagedError("a choice needs at least one option")
        return Categorical((1.0 / count,) * count)
    p = items_of(data, "p")
    if not all(type(each) in (int, float) and 0 <= each <= 1 for each in p):
        raise DamagedError("'p' must be probabilities from 0 to 1")
    if count is not None and len(p) != count:
        chances = plural(len(p), "probability", "probabilities")
        raise DamagedError(f"there are {plural(count, 'option')} and {chances}")
    made = Categorical(tuple(map(float, p)))
    keep(made, p=tuple(map(float, p)))  # were normalised before, which may not be exact twice
    return made


def _named(_: _Reader, data: Mapping[str, Any]) -> Named:
    what = string_of(data, "what")
    if what not in KINDS:
        raise DamagedError(f"there is something named of an unknown kind, {shown(what)}")
    return Named(what, string_of(data, "module"), string_of(data, "name"))


def _object(_: _Reader, data: Mapping[str, Any]) -> Unknown:
    return Unknown(string_of(data, "module"), string_of(data, "name"))


def _text(_: _Reader, data: Mapping[str, Any]) -> Text:
    return Text(string_of(data, "module"), string_of(data, "name"), string_of(data, "text"))


_Entry: TypeAlias = tuple[Fields, Fields, Callable[[_Reader, dict[str, Any]], Any]]


def _of_value(entry: tuple[Fields, Fields, Callable[[dict[str, Any]], Any]]) -> _Entry:
    required, optional, read = entry
    return required, optional, lambda _, data: read(data)


_TAGS: dict[str, _Entry] = {tag: _of_value(entry) for tag, entry in READERS.items()}
_TAGS |= {
    "uniform": (("label", "low", "high"), ("log", "q"), _Reader.param),
    "normal": (("label", "mu", "sigma"), ("log", "q"), _Reader.param),
    "integers": (("label", "low", "high"), (), _Reader.param),
    "index": (("label", "p"), (), _Reader.param),
    "choice": (("label", "options"), ("p",), _Reader.choice),
    "call": (("number", "function", "args", "kwargs"), (), _Reader.call),
    "again": ((), ("label", "call"), _Reader.repeated),
    "dict": (("items",), ("type",), _Reader.pairs),
    "list": (("items",), ("type",), _Reader.sequence),
    "tuple": (("items",), ("type", "fields"), _Reader.sequence),
    "set": (("items",), (), _Reader.of_set),
    "frozenset": (("items",), (), _Reader.of_set),
    "named": (("what", "module", "name"), (), _named),
    "text": (("module", "name", "text"), (), _text),
    "object": (("module", "name"), (), _object),
}
_NODES = ("uniform", "normal", "integers", "index", "choice", "call", "again", "named", "object")
_PLAIN = {tag: entry for tag, entry in _TAGS.items() if tag not in _NODES}
