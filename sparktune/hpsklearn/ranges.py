"""The words of the tables of components: what a parameter is searched over.

A range is data: it becomes a node once it gets a label, and a line of the documentation.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from .. import hp
from ..space.expressions import Call, scope
from .making import make
from .narrowing import at_most

__all__ = ["Cases", "OneOf", "Part", "Range", "Real", "Sizes", "Whole", "node_of", "text_of"]


class Range(Protocol):
    """What a parameter is searched over."""

    def node(self, label: str) -> Any:
        """The node of a space that draws it."""

    def text(self) -> str:
        """The range as the documentation shows it."""


@dataclass(frozen=True)
class Real:
    """A real number from ``low`` to ``high``; its logarithm is uniform where ``log``."""

    low: float
    high: float
    log: bool = False

    def node(self, label: str) -> Any:
        """The node of a space that draws it."""
        if self.log:
            return hp.loguniform(label, math.log(self.low), math.log(self.high))
        return hp.uniform(label, self.low, self.high)

    def text(self) -> str:
        """The range as the documentation shows it."""
        return f"{self.low:g} to {self.high:g}{', log' if self.log else ''}"


@dataclass(frozen=True)
class Whole:
    """A whole number from ``low`` to ``high``; its logarithm is uniform where ``log``.

    Attributes:
        limit: name of a rule of ``limits`` that the data set, None for none.
    """

    low: int
    high: int
    log: bool = False
    limit: str | None = None

    def node(self, label: str) -> Any:
        """The node of a space that draws it."""
        if self.log:
            least, most = math.log(self.low), math.log(self.high)
            number: Any = scope.int(hp.qloguniform(label, least, most, 1))
        else:
            number = hp.uniformint(label, self.low, self.high)
        return number if self.limit is None else Call(at_most, number, self.limit)

    def text(self) -> str:
        """The range as the documentation shows it."""
        limit = f", at most {self.limit}" if self.limit else ""
        return f"{self.low} to {self.high}{', log' if self.log else ''}{limit}"


@dataclass(frozen=True)
class OneOf:
    """One of several values, some of which may be ranges themselves."""

    options: tuple[Any, ...]

    def node(self, label: str) -> Any:
        """The node of a space that draws it."""
        ranged = [place for place, option in enumerate(self.options) if is_range(option)]
        names = {place: f"{label}.value{number or ''}" for number, place in enumerate(ranged)}
        return hp.choice(
            label, [node_of(each, names.get(place, "")) for place, each in enumerate(self.options)]
        )

    def text(self) -> str:
        """The range as the documentation shows it."""
        return " or ".join(map(text_of, self.options))


@dataclass(frozen=True)
class Sizes:
    """From 1 to ``most`` whole numbers as a tuple, each within a range: sizes of layers."""

    most: int
    each: Whole

    def node(self, label: str) -> Any:
        """The node of a space that draws it."""
        return hp.choice(
            label,
            [
                tuple(self.each.node(f"{label}.{count}.{place}") for place in range(1, count + 1))
                for count in range(1, self.most + 1)
            ],
        )

    def text(self) -> str:
        """The range as the documentation shows it."""
        return f"1 to {self.most} layers of {self.each.text()}"


@dataclass(frozen=True)
class Part:
    """An object within a component, such as the tree of AdaBoost, with parameters of its own."""

    path: str
    settings: Mapping[str, Any] = field(default_factory=dict)

    def node(self, label: str) -> Any:
        """The node of a space that draws it."""
        return Call(make, self.path, nodes_of(self.settings, label))

    def text(self) -> str:
        """The range as the documentation shows it."""
        inside = ", ".join(f"{name}: {text_of(each)}" for name, each in self.settings.items())
        return f"{self.path.rpartition('.')[2]}({inside})"


@dataclass(frozen=True)
class Cases:
    """Values of one parameter, each with further parameters that are searched with it alone.

    Attributes:
        name: of the parameter.
        settings: by value of the parameter: the further ones.
    """

    name: str
    settings: Mapping[Any, Any]


def is_range(thing: Any) -> bool:
    """Whether an entry of a table is a range rather than a value."""
    return hasattr(thing, "node") and hasattr(thing, "text")


def node_of(thing: Any, label: str) -> Any:
    """What a space holds for an entry of a table: a node, or the value as it is."""
    return thing.node(label) if is_range(thing) else thing


def nodes_of(settings: Mapping[str, Any], label: str) -> dict[str, Any]:
    """What a space holds for several parameters below a label."""
    return {name: node_of(each, f"{label}.{name}") for name, each in settings.items()}


def text_of(thing: Any) -> str:
    """An entry of a table as the documentation shows it."""
    return thing.text() if is_range(thing) else repr(thing)
