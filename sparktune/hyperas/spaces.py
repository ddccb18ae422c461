"""The space of a function with templates: a tree of choices, and a table that shows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from .. import hp, markup
from ..space.nodes import Choice
from ..space.tree import Space
from .draws import UNKNOWN, Draw

__all__ = ["ModelSpace", "possible"]


class ModelSpace(Space):
    """What is searched of a function with templates; a Space, which shows as a table.

    ``fmin`` and ``space_eval`` take it as any other space. A configuration is a dict of labels and
    values; at a label on which others depend stands a dict of its own value and of theirs.

    Args:
        draws: of the function, by label; from ``possible``.
    """

    def __init__(self, draws: Mapping[str, Draw]) -> None:
        self._draws = dict(draws)
        self._below = _below(self._draws)
        self._depended_on = frozenset(label for label, _ in self._below)
        super().__init__(self.written(hp))

    def written(self, words: Any) -> dict[str, Any]:
        """The template of this space in the words of a module, such as ``sparktune.hp``."""
        nodes: dict[str, Any] = {}
        for label in reversed(self._draws):
            nodes[label] = _node(self._draws[label], self._below, nodes, words)
        return {label: nodes[label] for label, draw in self._draws.items() if draw.cover is None}

    @property
    def depended_on(self) -> frozenset[str]:
        """The labels whose options decide about others."""
        return self._depended_on

    def in_order(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Values by label in the order of the table."""
        return {label: values[label] for label in self._draws if label in values}

    def real(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Label to what was drawn, for label to index or number, in the order of the table.

        An option that only a trial can make stands as its text.
        """
        found = self.in_order(values)
        return {label: self._real(self._draws[label], value) for label, value in found.items()}

    def _real(self, draw: Draw, value: Any) -> Any:
        if not isinstance(draw.node, Choice):
            of_options = draw.label in self._depended_on and draw.values is not None
            return draw.values[int(value)] if of_options else value  # type: ignore[index]
        found = (draw.values or draw.node.options)[int(value)]
        return draw.node.options[int(value)] if found is UNKNOWN else found

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "table": repr(self)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self._table = state["table"]

    def __repr__(self) -> str:
        if not hasattr(self, "_draws"):
            return str(self._table)
        rows = [(draw.label, draw.site.text, self._when(draw), draw.site.where)
                for draw in self._draws.values()]  # fmt: skip
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        return markup.block(markup.bold(self._heading), markup.listed([repr(self)], mono=True))

    def _when(self, draw: Draw) -> str:
        """Under which options a label is drawn, in words."""
        if draw.cover is None:
            return "always"
        taken: dict[str, list[str]] = {}
        for label, option in sorted(draw.cover):
            taken.setdefault(label, []).append(repr(self._real(self._draws[label], option)))
        return "if " + " or ".join(
            f"{label} is {' or '.join(options)}" for label, options in taken.items()
        )


def possible(draws: Mapping[str, Draw]) -> dict[str, Draw]:
    """The draws that can happen, each with its cover of such, behind all that it depends on.

    What depends only on what cannot happen is left out. A draw that all rounds of a loop share
    may depend on a later round's. Should draws ever depend on each other, one of them is always
    drawn.
    """
    possible = {label for label, draw in draws.items() if draw.cover is None}
    while more := {
        label
        for label, draw in draws.items()
        if label not in possible and any(of in possible for of, _ in draw.cover or ())
    }:
        possible |= more
    left = {label: _within(draw, possible) for label, draw in draws.items() if label in possible}
    found: dict[str, Draw] = {}
    while left:
        free = (label for label, draw in left.items() if not _parents(draw) & left.keys())
        label = next(free, None) or next(iter(left))
        draw = left.pop(label)
        found[label] = replace(draw, cover=None) if _parents(draw) & left.keys() else draw
    return found


def _within(draw: Draw, possible: set[str]) -> Draw:
    """A draw whose cover has only labels that can be drawn."""
    if draw.cover is None:
        return draw
    return replace(draw, cover=frozenset(pair for pair in draw.cover if pair[0] in possible))


def _parents(draw: Draw) -> set[str]:
    return {label for label, _ in draw.cover or ()}


def _below(draws: Mapping[str, Draw]) -> dict[tuple[str, int], list[str]]:
    """The labels under each option."""
    found: dict[tuple[str, int], list[str]] = {}
    for label, draw in draws.items():
        for pair in draw.cover or ():
            found.setdefault(pair, []).append(label)
    return found


def _node(
    draw: Draw, below: Mapping[tuple[str, int], list[str]], nodes: Mapping[str, Any], words: Any
) -> Any:
    """The node of a draw, with those that depend on it in its options."""
    label = draw.label
    if not any((label, option) in below for option in range(len(draw.values or ()))):
        return draw.node if words is hp else draw.range.node(label, words)  # doubts are said once
    values = draw.node.options if isinstance(draw.node, Choice) else draw.values or ()
    options = [
        {label: value, **{each: nodes[each] for each in below.get((label, option), ())}}
        for option, value in enumerate(values)
    ]
    if len(set(draw.weights)) == 1:
        return words.choice(label, options)
    return words.pchoice(label, list(zip(draw.weights, options, strict=True)))
