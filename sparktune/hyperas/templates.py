"""The templates of a function: where they stand, what they hold, and what they are called."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ..exceptions import BadSearchSpace
from . import distributions
from .distributions import choice, conditional, tune
from .labels import base_of, unique
from .names import Names, Unresolved
from .scopes import COMPREHENSIONS, FUNCTIONS, Scope, names_in, scope_of
from .sources import Source

__all__ = ["Site", "Templates"]

_WORDS = tuple(word for word in distributions.__all__ if word != "conditional")


@dataclass
class Site:
    """A template in a function.

    Attributes:
        number: in the order of the source.
        node: all of it.
        inner: the distribution, without the variables of loops.
        keys: the variables of loops that follow its arguments.
        loops: of the loops around it, those whose rounds have no draws of their own.
        label: what it is called; in a keyed loop what all rounds have in common.
        where: file and line.
        text: as it is written.
        options: the options of a choice, where they are written out.
        shown: of a choice whose options are made in the trial what stands for each, as text.
    """

    number: int
    node: ast.expr
    inner: ast.expr
    keys: tuple[str, ...]
    loops: tuple[ast.AST, ...]
    where: str
    text: str
    label: str = ""
    options: list[ast.expr] | None = None
    shown: tuple[str, ...] | None = field(default=None)

    def name(self, keys: tuple[Any, ...]) -> str:
        """The label of one round."""
        return f"{self.label}[{','.join(map(str, keys))}]" if keys else self.label


class Templates:
    """All templates of a function.

    Args:
        source: of the function.
        names: that it sees.

    Attributes:
        sites: in the order of the source.
        taken: the labels that have been given.

    Raises:
        BadSearchSpace: a template holds something else than one expression.
    """

    def __init__(self, source: Source, names: Names) -> None:
        self._source, self._names = source, names
        self._scope = scope_of(source.node)
        self._outer: dict[int, ast.expr] = {}  # the template of a distribution
        found = sorted(self._found(), key=lambda node: (node.lineno, node.col_offset))
        self.sites = [self._site(number, node) for number, node in enumerate(found)]
        self._at = {id(site.node): site for site in self.sites}
        self.taken: set[str] = set()
        for site in self.sites:
            site.label = unique(base_of(site.node, self._parent), self.taken)

    def at(self, node: ast.AST) -> Site | None:
        """The template that a node is."""
        return self._at.get(id(node))

    def inside_conditional(self, node: ast.AST) -> ast.expr | None:
        """What stands in a call of ``conditional``; None for any other node."""
        if isinstance(node, ast.Call) and len(node.args) == 1 and not node.keywords:
            return node.args[0] if self._is(node.func, conditional) else None
        return None

    def _found(self) -> Iterator[ast.expr]:
        for statement in self._source.node.body:
            for node in ast.walk(statement):
                if isinstance(node, (ast.Set, ast.Call)):
                    inner = self._within(node)
                    if inner is not None:
                        self._outer[id(inner)] = node
                        yield node

    def _within(self, node: ast.Set | ast.Call) -> ast.expr | None:
        """The distribution in a template; None where a node is none."""
        if isinstance(node, ast.Call):
            if not self._is(node.func, tune):
                return None
            inner = node.args
            if node.keywords:
                inner = []
        elif len(node.elts) == 1 and isinstance(
            node.elts[0], (ast.Set, ast.SetComp, ast.Dict, ast.DictComp)
        ):
            inner = getattr(node.elts[0], "elts", [])
        else:
            return None
        if len(inner) != 1 or isinstance(inner[0], ast.Starred):
            raise not_a_distribution(self._source.at(node), ast.unparse(node))
        return inner[0]

    def _is(self, node: ast.expr, thing: Any) -> bool:
        """Whether a name, or an attribute, leads to a thing."""
        try:
            if isinstance(node, ast.Name):
                return self._names.find(node.id, (self._scope,)) is thing
            if isinstance(node, ast.Attribute) and node.attr == thing.__name__:
                return self._names.evaluate(node, (self._scope,), {}) is thing
        except Exception:  # it has no value yet, or none at all
            return False
        return False

    def _parent(self, node: ast.AST) -> ast.AST | None:
        """What a node stands in; a template around its distribution is skipped as one."""
        parent = self._source.parents.get(id(node))
        return parent if parent is None else self._outer.get(id(parent), parent)

    def _site(self, number: int, node: ast.expr) -> Site:
        inner: ast.expr = next(each for each in ast.walk(node) if self._outer.get(id(each)) is node)  # type: ignore[assignment]
        loops = list(self._loops(node))
        targets = {name for _, names in loops for name in names}
        keys: list[str] = []
        if isinstance(inner, ast.Call):
            arguments = list(inner.args)
            while arguments:
                last = arguments[-1]
                if not isinstance(last, ast.Name) or last.id not in targets:
                    break
                keys.insert(0, last.id)
                arguments.pop()
            if keys:
                call = ast.Call(inner.func, arguments, inner.keywords)
                inner = ast.copy_location(call, inner)
        bare = tuple(loop for loop, names in loops if not set(names) & set(keys))
        text = ast.unparse(node).replace("{{ ", "{{")
        site = Site(number, node, inner, tuple(keys), bare, self._source.at(node), text)
        site.options = self._options(inner)
        return site

    def _options(self, inner: ast.expr) -> list[ast.expr] | None:
        """The options of a choice as they are written out."""
        if not isinstance(inner, ast.Call) or not self._is(inner.func, choice):
            return None
        named = [each.value for each in inner.keywords if each.arg == "options"]
        if len(inner.args) + len(inner.keywords) != 1 or not (inner.args or named):
            return None
        listed = (inner.args or named)[0]
        if not isinstance(listed, (ast.List, ast.Tuple)) or not listed.elts:
            return None
        return None if any(isinstance(each, ast.Starred) for each in listed.elts) else listed.elts

    def _loops(self, node: ast.AST) -> Iterator[tuple[ast.AST, tuple[str, ...]]]:
        """The loops that repeat a node, from the inside, and the variables of each."""
        below, parent = node, self._source.parents.get(id(node))
        while parent is not None and not isinstance(parent, (*FUNCTIONS, ast.ClassDef)):
            if isinstance(parent, (ast.For, ast.AsyncFor)) and below in parent.body:
                yield parent, tuple(names_in(parent.target))
            elif isinstance(parent, ast.While) and below not in parent.orelse:
                yield parent, ()
            elif isinstance(parent, ast.comprehension) and below in parent.ifs:
                yield parent, tuple(names_in(parent.target))
            elif isinstance(parent, COMPREHENSIONS):
                yield from _generators_around(parent, below)
            below, parent = parent, self._source.parents.get(id(parent))

    def scopes(self) -> tuple[Scope, ...]:
        """The scope of the function itself."""
        return (self._scope,)


def _generators_around(node: Any, below: ast.AST) -> Iterator[tuple[ast.AST, tuple[str, ...]]]:
    """The generators of a comprehension before a part of it, which repeat that part."""
    before = node.generators
    if below in before:
        before = before[: before.index(below)]
    for generator in reversed(before):
        yield generator, tuple(names_in(generator.target))


def not_a_distribution(where: str, text: str, got: object = ...) -> BadSearchSpace:
    """The error for a template that holds something else."""
    found = "" if got is ... else f", but got {got!r:.200}"
    return BadSearchSpace(
        f"{where}: {text} must hold a distribution, one of {', '.join(_WORDS)} of "
        f"sparktune.hyperas.distributions{found}"
    )


def no_such_name(site: Site, error: Unresolved) -> BadSearchSpace:
    """The error for a name in a template that has no value before the function runs."""
    if error.is_local:
        return BadSearchSpace(
            f"{site.where}: {site.text} needs {error.name!r}, which has no value before the "
            "function runs: ranges are known before the first trial, so take a variable outside "
            "of the function, or write the numbers themselves"
        )
    if error.name in _WORDS:
        return BadSearchSpace(
            f"{site.where}: {site.text}: the name {error.name!r} is not known here: from "
            f"sparktune.hyperas.distributions import {error.name}"
        )
    return BadSearchSpace(
        f"{site.where}: {site.text}: nothing is known by the name {error.name!r}; the "
        f"distributions are {', '.join(_WORDS)}"
    )
