"""Conditions that are decided before a trial, by the options of draws and what names mean."""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import ModuleType
from typing import Any

from .draws import Value
from .names import Names, Unresolved, rebuilt
from .scopes import Scope

__all__ = ["is_fixed", "value_of"]

_NODES = (
    ast.Compare, ast.BoolOp, ast.UnaryOp, ast.BinOp, ast.Constant, ast.Name, ast.Attribute,
    ast.Subscript, ast.Slice, ast.Tuple, ast.List, ast.Set, ast.Dict, ast.IfExp, ast.Call,
    ast.keyword, ast.Starred, ast.expr_context, ast.boolop, ast.operator, ast.unaryop, ast.cmpop,
    ast.JoinedStr, ast.FormattedValue,
)  # fmt: skip
_FUNCTIONS = (
    abs, all, any, bool, bytes, callable, dict, divmod, enumerate, float, frozenset, int,
    isinstance, issubclass, len, list, max, min, pow, range, reversed, round, set, sorted, str,
    sum, tuple, type, zip, *(each for each in vars(math).values() if callable(each)),
)  # fmt: skip
_METHODS = {
    "bit_length", "casefold", "count", "endswith", "get", "index", "is_integer", "items", "keys",
    "lower", "lstrip", "replace", "rstrip", "split", "startswith", "strip", "title", "upper",
    "values",
}  # fmt: skip

Known = Mapping[str, Value]


def value_of(
    node: ast.expr,
    names: Names,
    scopes: Sequence[Scope],
    known: Known,
    drawn: Callable[[ast.AST], Value | ast.expr | None],
) -> Value | None:
    """What an expression is worth before a trial, as a function of draws; None where nobody knows.

    Only what neither changes anything nor takes long is evaluated: operators, and a few functions
    of Python.

    Args:
        node: the expression.
        names: that the function sees.
        scopes: that it stands in.
        known: variables of the function whose values are known.
        drawn: for a template the value of its draw, for what means the same as another expression
            that one, None for other nodes; raises Unresolved where a draw is a continuum.
    """
    values: dict[str, Value] = {}

    def change(part: ast.AST) -> ast.AST | None:
        found = drawn(part)
        if isinstance(found, Value):
            name = f"<{len(values)}>"
            values[name] = found
            return ast.copy_location(ast.Name(name, ast.Load()), part)
        if found is not None:
            made: ast.AST = rebuilt(found, change)
            return made
        if isinstance(part, ast.NamedExpr):
            value: ast.AST = rebuilt(part.value, change)
            return value
        if isinstance(part, ast.Name) and part.id in known:
            values[part.id] = known[part.id]
        return None

    try:
        plain = rebuilt(node, change)
        if not all(_is_harmless(part, names, scopes) for part in ast.walk(plain)):
            return None
        deps = tuple(dict.fromkeys(dep for value in values.values() for dep in value.deps))
        loops = frozenset().union(*(value.loops for value in values.values()))
        if not deps:
            found = names.evaluate(plain, scopes, {k: v.of({}) for k, v in values.items()})
            found = tuple(found) if isinstance(found, Iterator) else found
            return Value((), lambda _: found, loops)
        function = names.evaluate(_lambda(plain, values), scopes, {})
    except Exception:  # an unknown name, or an expression that raises
        return None
    return Value(
        deps, lambda draws: function(*(value.of(draws) for value in values.values())), loops
    )


def _lambda(node: ast.expr, arguments: Mapping[str, Value]) -> ast.Lambda:
    names = [ast.arg(name) for name in arguments]
    found = ast.arguments(
        posonlyargs=[], args=names, kwonlyargs=[], kw_defaults=[], defaults=[], vararg=None,
        kwarg=None,
    )  # fmt: skip
    return ast.copy_location(ast.Lambda(found, node), node)


def _is_harmless(node: ast.AST, names: Names, scopes: Sequence[Scope]) -> bool:
    if not isinstance(node, _NODES):
        return False
    if not isinstance(node, ast.Call):
        return True
    if isinstance(node.func, ast.Attribute) and node.func.attr in _METHODS:
        return True
    if not isinstance(node.func, (ast.Name, ast.Attribute)):
        return False
    try:
        function = names.evaluate(node.func, scopes, {})
    except (Unresolved, AttributeError):
        return False
    return any(function is each for each in _FUNCTIONS)


def is_fixed(value: Any, depth: int = 5) -> bool:
    """Whether nothing can change a value behind the back of the variable that holds it."""
    if isinstance(value, (tuple, frozenset)):
        return depth > 0 and all(is_fixed(each, depth - 1) for each in value)
    return value is None or isinstance(
        value, (bool, int, float, complex, str, bytes, range, type, ModuleType)
    )
