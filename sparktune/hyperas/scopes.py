"""Which names a function binds, how often, and where it imports them."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

__all__ = ["COMPREHENSIONS", "FUNCTIONS", "Scope", "bound_by", "names_in", "scope_of"]

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


@dataclass
class Scope:
    """The names of a function, a class or a comprehension.

    Attributes:
        is_class: whether functions inside do not see them.
        counts: how often each is bound.
        imports: the statement that binds it, for a name that an import binds.
    """

    is_class: bool = False
    counts: dict[str, int] = field(default_factory=dict)
    imports: dict[str, ast.stmt] = field(default_factory=dict)

    def add(self, name: str, times: int = 1) -> None:
        """Note that a name is bound."""
        self.counts[name] = self.counts.get(name, 0) + times

    def once(self, name: str) -> bool:
        """Whether a name is bound once, and by nobody else."""
        return self.counts.get(name) == 1


def scope_of(node: ast.AST) -> Scope:
    """The scope that a definition, a lambda or a comprehension opens."""
    scope = Scope(isinstance(node, ast.ClassDef))
    if isinstance(node, COMPREHENSIONS):
        for generator in node.generators:
            for name in names_in(generator.target):
                scope.add(name)
        return scope
    if isinstance(node, FUNCTIONS):
        for argument in ast.walk(node.args):
            if isinstance(argument, ast.arg):
                scope.add(argument.arg)
    body = getattr(node, "body", [])
    for part in body if isinstance(body, list) else [body]:
        _collect(part, scope)
    return scope


def bound_by(nodes: Iterable[ast.AST]) -> set[str]:
    """The names that some nodes bind in the scope that they stand in."""
    scope = Scope()
    for node in nodes:
        _collect(node, scope)
    return set(scope.counts)


def names_in(target: ast.AST) -> Iterator[str]:
    """The plain names that a target binds."""
    if isinstance(target, ast.Name):
        yield target.id
    elif isinstance(target, (ast.Tuple, ast.List)):
        for part in target.elts:
            yield from names_in(part)
    elif isinstance(target, ast.Starred):
        yield from names_in(target.value)


def _collect(node: ast.AST, scope: Scope) -> None:
    """Note all names that a node binds in the scope that it stands in."""
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        scope.add(node.name)
        _collect_inner(node, scope)
        return
    if isinstance(node, ast.Lambda):
        return
    if isinstance(node, COMPREHENSIONS):
        for part in ast.walk(node):
            if isinstance(part, ast.NamedExpr):
                _collect(part.target, scope)
        return
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        for alias in node.names:
            name = alias.asname or alias.name.partition(".")[0]
            scope.add(name)
            scope.imports[name] = node
    elif isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
        scope.add(node.id)
    elif isinstance(node, (ast.Global, ast.Nonlocal)):
        for name in node.names:
            scope.add(name, 2)  # others may bind it as well
    else:
        for name in ("name", "rest"):  # of except ... as, and of patterns
            bound = getattr(node, name, None)
            if isinstance(bound, str) and not isinstance(node, ast.alias):
                scope.add(bound)
    for child in ast.iter_child_nodes(node):
        _collect(child, scope)


def _collect_inner(node: ast.AST, scope: Scope) -> None:
    """Note what functions inside bind of the outer ones' names."""
    for part in ast.walk(node):
        if isinstance(part, ast.Nonlocal):
            for name in part.names:
                scope.add(name, 2)
