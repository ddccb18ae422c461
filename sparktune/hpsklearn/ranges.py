"""The words of the tables of components: what a parameter is searched over.

A range is data: it becomes a node once it gets a label, and a line of the documentation.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from .. import hp
from ..space.expressions import Call, scope
from .making import make
from .narrowing import at_most

__all__ = [
    "Cases",
    "OneOf",
    "Part",
    "Range",
    "Real",
    "Sizes",
    "Whole",
    "any_of",
    "is_range",
    "node_of",
    "nodes_of",
    "text_of",
]

_LIMITS = {
    "rows": "the number of rows",
    "columns": "the number of columns",
    "rows and columns": "the number of rows and of columns",
}


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
        return f"{text_of(self.low)} to {text_of(self.high)}{', log' if self.log else ''}"


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
        limit = f", at most {_LIMITS.get(self.limit, self.limit)}" if self.limit else ""
        return f"whole numbers {self.between()}{limit}"

    def between(self) -> str:
        """The bounds, and whether the logarithm is uniform."""
        return f"{text_of(self.low)} to {text_of(self.high)}{', log' if self.log else ''}"


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
        return any_of(self.options)


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
        return f"1 to {self.most} layers, each of {self.each.between()}"


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
        inside = "; ".join(f"{name}: {text_of(each)}" for name, each in self.settings.items())
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
    if is_range(thing):
        text: str = thing.text()
        return text
    if isinstance(thing, str):
        return f'"{thing}"'
    if isinstance(thing, tuple):
        return f"({', '.join(map(text_of, thing))}{',' if len(thing) == 1 else ''})"
    if isinstance(thing, (int, float)) and not isinstance(thing, bool):
        return _number(thing)
    return repr(thing)


def any_of(options: Iterable[Any]) -> str:
    """Several entries of a table, of which one is taken, as the documentation shows them."""
    *others, last = map(text_of, options)
    if not others:
        return last
    comma = "," if any(is_range(option) for option in options) else ""
    return f"{', '.join(others)}{comma} or {last}"


def _number(number: float) -> str:
    """A number for people: powers of ten from 1,000 on and below 0.01 as 1e3 and 1e-3."""
    if isinstance(number, float) and number > 0 and not 0.01 <= number < 1000:
        text = f"{number:.3g}" if number >= 0.001 and math.log10(number) % 1 else f"{number:.3e}"
        digits, _, power = text.partition("e")
        digits = digits.rstrip("0").rstrip(".") if power else digits
        return f"{digits}e{int(power)}" if power else digits
    return f"{number:,}" if isinstance(number, int) else f"{number:g}"
