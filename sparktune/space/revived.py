"""A recorded space with the things of a live one in the place of its placeholders."""

from __future__ import annotations

import operator
from collections import defaultdict
from copy import copy
from typing import Any, TypeAlias

from ..exceptions import BadSearchSpace
from .described import key_of
from .expressions import Call, Node, scope
from .nodes import Choice, Param
from .placeholders import Kind, Placeholder, ReadDict, ReadList, ReadTuple
from .tree import Space

__all__ = ["revived"]

_Place: TypeAlias = "tuple[str | None, int]"  # label of a choice and an option; (None, 0) outside
_OUTSIDE: _Place = (None, 0)
_OPERATORS = (
    "add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "and_", "or_", "xor", "lt", "le",
    "gt", "ge", "eq", "ne", "neg", "pos", "abs", "invert", "getitem",
)  # fmt: skip


def revived(recorded: Space, live: Space) -> Space:
    """A recorded space whose trials can be evaluated again.

    Functions, classes and members of enumerations are taken from anywhere in the live space by
    their names, and what an expression calls also from ``scope`` and Python's operators; other
    objects from the same place of the same option of the same choice. Nothing is imported. The
    nodes are new ones, with the labels and distributions of the record.

    Raises:
        BadSearchSpace: the live space lacks what the record names; the message has all of it, with
            the labels.
    """
    reviver = _Reviver(live)
    template = reviver.revive(recorded.template, _OUTSIDE)
    if reviver.missing:
        raise BadSearchSpace(
            "to go on in the recorded space, the given one has to hold what the record has by name "
            f"or place only: there is no {'; no '.join(reviver.missing)}"
        )
    return Space(template)


class _Reviver:
    """Knows the things of a live space.

    Attributes:
        missing: what was looked for in vain, in words.
    """

    def __init__(self, live: Space) -> None:
        self._known: dict[str, Any] = {}
        self._objects: defaultdict[tuple[_Place, str], list[Any]] = defaultdict(list)
        self._containers: dict[Kind, Any] = {}  # one of each class
        self._seen: dict[int, Any] = {}
        self._made: dict[int, Node] = {}
        self.missing: dict[str, None] = {}
        for name in dir(scope):
            if name != "define":
                self._learn(getattr(scope, name)().function, _OUTSIDE)
        for name in _OPERATORS:
            self._learn(getattr(operator, name), _OUTSIDE)
        self._learn(Call(int)().function, _OUTSIDE)  # what calls the value of a node
        self._learn(live.template, _OUTSIDE)
        for things in self._objects.values():
            things.reverse()  # the first is taken first

    def _learn(self, thing: Any, place: _Place) -> None:
        if isinstance(thing, Node):
            if id(thing) in self._seen:
                return
            self._seen[id(thing)] = thing
            if isinstance(thing, Choice):
                for i, option in enumerate(thing.options):
                    self._learn(option, (thing.label, i))
            elif isinstance(thing, Call):
                for part in (thing.function, *thing.args, *thing.kwargs.values()):
                    self._learn(part, place)
        elif isinstance(thing, (dict, list, tuple, set, frozenset)):
            kind = type(thing)
            self._containers.setdefault((kind.__module__, kind.__qualname__), thing)
            for item in thing.values() if isinstance(thing, dict) else thing:
                self._learn(item, place)
        else:
            key = key_of(thing)
            if key.objects:
                self._objects[place, key.text].append(thing)
            else:
                self._known.setdefault(key.text, thing)

    def revive(self, thing: Any, place: _Place) -> Any:
        """A part of the recorded template with live things in it."""
        if isinstance(thing, Node):
            if id(thing) not in self._made:
                self._made[id(thing)] = self._node(thing, place)
            return self._made[id(thing)]
        if isinstance(thing, dict):
            items = {key: self.revive(item, place) for key, item in thing.items()}
            return self._of_class(thing, items, place) if isinstance(thing, ReadDict) else items
        if isinstance(thing, (list, tuple, set, frozenset)):
            parts = [self.revive(item, place) for item in thing]
            if isinstance(thing, (ReadList, ReadTuple)):
                return self._of_class(thing, parts, place)
            return type(thing)(parts)
        return self._live(thing, place) if isinstance(thing, Placeholder) else thing

    def _node(self, node: Node, place: _Place) -> Node:
        if isinstance(node, Choice):
            options = (self.revive(o, (node.label, i)) for i, o in enumerate(node.options))
            made = Choice(node.label, node.distribution.p, tuple(options))
            made.distribution = node.distribution  # to the last digit
            return made
        if isinstance(node, Param):
            return Param(node.label, node.distribution)
        if not isinstance(node, Call):
            return node
        call = Call(self.revive(node.function, place))
        call.args = tuple(self.revive(arg, place) for arg in node.args)
        call.kwargs = {name: self.revive(arg, place) for name, arg in node.kwargs.items()}
        return call

    def _live(self, thing: Placeholder, place: _Place) -> Any:
        key = key_of(thing)
        if not key.objects and key.text in self._known:
            return self._known[key.text]
        if self._objects[place, key.text]:
            return self._objects[place, key.text].pop()
        return self._lacking(repr(thing), place)

    def _of_class(self, thing: Any, parts: Any, place: _Place) -> Any:
        """A container of a class of its own, made of live parts."""
        like = self._containers.get(thing.kind)
        if like is None:
            return self._lacking(f"<class {'.'.join(thing.kind)}>", place)
        if isinstance(like, tuple):
            return getattr(type(like), "_make", type(like))(parts)
        made = copy(like)
        made.clear()
        made.update(parts) if isinstance(like, dict) else made.extend(parts)
        return made

    def _lacking(self, words: str, place: _Place) -> None:
        label = place[0]
        where = "outside all choices" if label is None else f"in {label!r}"
        self.missing[f"{words} {where}"] = None
