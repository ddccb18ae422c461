"""What the names in a function stand for before it runs, and expressions of them."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable, Mapping, Sequence
from types import FunctionType
from typing import Any

from ..space.sameness import closure
from .scopes import COMPREHENSIONS, Scope, names_in
from .sources import Source

__all__ = ["Names", "Unresolved", "rebuilt"]

Scopes = Sequence[Scope]


class Unresolved(Exception):  # noqa: N818 (it never leaves this room)
    """A name has no value before the function runs.

    Args:
        name: the name.
        is_local: whether it is the function's own, rather than one that nobody knows.
    """

    def __init__(self, name: str, is_local: bool) -> None:
        super().__init__(name)
        self.name, self.is_local = name, is_local


def rebuilt(node: Any, change: Callable[[ast.AST], ast.AST | None]) -> Any:
    """A copy of a node at the same lines, in which ``change`` has its say on each part.

    Args:
        node: a node, or a list of such.
        change: gives what stands for a node, or None where it stays and its parts are asked about.
    """
    if isinstance(node, list):
        return [rebuilt(each, change) for each in node]
    if not isinstance(node, ast.AST):
        return node
    made = change(node)
    if made is not None:
        return made
    fields = {name: rebuilt(part, change) for name, part in ast.iter_fields(node)}
    return ast.copy_location(type(node)(**fields), node)


class Names:
    """The names that a function sees: those of its closure, its module, and Python's.

    Args:
        function: the function.
        source: its source.
    """

    def __init__(self, function: FunctionType, source: Source) -> None:
        self._globals = function.__globals__
        self._source = source
        self._free = dict(zip(function.__code__.co_freevars, closure(function), strict=True))
        self._imported: dict[tuple[int, str], Any] = {}

    def find(self, name: str, scopes: Scopes) -> Any:
        """What a name stands for in the innermost of some scopes.

        Raises:
            Unresolved: nothing, before the function runs.
        """
        name = self._mangled(name)
        for depth, scope in enumerate(reversed(scopes)):
            if name in scope.counts and not (depth and scope.is_class):
                if name in scope.imports and scope.once(name):
                    return self._import(name, scope.imports[name])
                raise Unresolved(name, True)
        for known in (self._free, self._globals, vars(builtins)):
            if name in known:
                if known is self._free and known[name] is ...:  # not bound yet
                    raise Unresolved(name, True)
                return known[name]
        raise Unresolved(name, False)

    def evaluate(self, node: ast.expr, scopes: Scopes, known: Mapping[str, Any]) -> Any:
        """The value of an expression.

        Args:
            node: the expression.
            scopes: that it stands in.
            known: values of names that are known, whatever ``find`` says of them.

        Raises:
            Unresolved: a name in it has no value before the function runs.
            Exception: what the expression raises.
        """
        given: dict[str, Any] = {}
        own = _bound_inside(node)
        for name in _names_read(node):
            if name in known:
                given[self._mangled(name)] = known[name]
                continue
            try:
                given[self._mangled(name)] = self.find(name, scopes)
            except Unresolved:
                if name not in own:
                    raise
        arguments = ast.arguments(
            posonlyargs=[], args=[ast.arg(name) for name in given], kwonlyargs=[], kw_defaults=[],
            defaults=[], vararg=None, kwarg=None,
        )  # fmt: skip
        lambda_ = ast.Lambda(arguments, rebuilt(node, self._change))
        tree = ast.fix_missing_locations(ast.Expression(ast.copy_location(lambda_, node)))
        code = compile(tree, self._source.path, "eval", self._source.flags, True)
        return eval(code, self._globals)(*given.values())

    def _change(self, node: ast.AST) -> ast.AST | None:
        """A node whose private name is that of its class."""
        for kind, field in ((ast.Name, "id"), (ast.Attribute, "attr"), (ast.arg, "arg")):
            if isinstance(node, kind):
                name = getattr(node, field)
                if self._mangled(name) != name:
                    parts = {k: rebuilt(v, self._change) for k, v in ast.iter_fields(node)}
                    return ast.copy_location(kind(**{**parts, field: self._mangled(name)}), node)
        return None

    def _mangled(self, name: str) -> str:
        """A name as the compiler knows it."""
        owner = self._source.private_to
        private = name.startswith("__") and not name.endswith("__")
        if owner is None or not private or not owner.strip("_"):
            return name
        return f"_{owner.lstrip('_')}{name}"

    def _import(self, name: str, statement: ast.stmt) -> Any:
        """What the function itself imports under a name."""
        key = id(statement), name
        if key not in self._imported:
            home = ("__name__", "__package__", "__spec__")
            found = {each: self._globals[each] for each in home if each in self._globals}
            tree = ast.Module([statement], [])
            try:
                exec(compile(tree, self._source.path, "exec"), found)
            except ImportError:
                raise Unresolved(name, True) from None
            self._imported[key] = found[name]
        return self._imported[key]


def _names_read(node: ast.AST) -> list[str]:
    names = [
        part.id
        for part in ast.walk(node)
        if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Load)
    ]
    return list(dict.fromkeys(names))


def _bound_inside(node: ast.AST) -> set[str]:
    """The names that an expression binds itself."""
    found: set[str] = set()
    for part in ast.walk(node):
        if isinstance(part, COMPREHENSIONS):
            for generator in part.generators:
                found.update(names_in(generator.target))
        elif isinstance(part, ast.arg):
            found.add(part.arg)
        elif isinstance(part, ast.NamedExpr):
            found.update(names_in(part.target))
    return found
