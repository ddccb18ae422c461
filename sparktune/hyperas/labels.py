"""The labels of templates: the variable or the keyword that each stands at."""

from __future__ import annotations

import ast
from collections.abc import Callable

from .scopes import FUNCTIONS

__all__ = ["base_of", "unique"]

_CASTS = {"abs", "bool", "float", "int", "round", "str"}
"""Functions that a label is not called after, as ``units=int({{...}})`` is of units."""


def base_of(node: ast.AST, parent_of: Callable[[ast.AST], ast.AST | None]) -> str:
    """What a template is called after.

    That is the keyword, the variable, the key of a dict, the list that it indexes, or the function
    whose argument it is, whichever stands next around it; ``if``, ``while`` or ``match`` for what
    only decides.

    Args:
        node: the template.
        parent_of: what a node stands in.
    """
    below, parent = node, parent_of(node)
    while parent is not None:
        found = _named_by(parent, below) or _element(parent, below, parent_of(parent))
        if found:
            return found
        if isinstance(parent, FUNCTIONS) and not isinstance(parent, ast.Lambda):
            break
        below, parent = parent, parent_of(parent)
    return "value"


def unique(base: str, taken: set[str]) -> str:
    """A label that nothing else has: the name itself, else with ``_1``, ``_2``, ... behind it."""
    label, number = base, 0
    while label in taken:
        number += 1
        label = f"{base}_{number}"
    taken.add(label)
    return label


def _named_by(parent: ast.AST, below: ast.AST) -> str | None:
    """The name that a node gives to what stands directly below it, None for none."""
    if isinstance(parent, ast.keyword):
        return parent.arg
    if isinstance(parent, ast.Call) and below in parent.args:
        name = _last_name(parent.func)
        return None if name in _CASTS else name
    if isinstance(parent, ast.Dict):
        return _key_of(parent, below)
    if isinstance(parent, ast.Assign) and below is parent.value:
        return _target(parent.targets[0])
    if isinstance(parent, (ast.AnnAssign, ast.AugAssign, ast.NamedExpr)):
        return _target(parent.target) if below is parent.value else None
    if isinstance(parent, ast.Subscript) and below is parent.slice:
        return _last_name(parent.value)
    if isinstance(parent, ast.Compare):
        return None if below is parent.left else _last_name(parent.left)
    if isinstance(parent, (ast.If, ast.IfExp, ast.While)) and below is parent.test:
        return "while" if isinstance(parent, ast.While) else "if"
    if isinstance(parent, ast.Match) and below is parent.subject:
        return "match"
    if isinstance(parent, (ast.For, ast.comprehension)) and below is parent.iter:
        return _target(parent.target)
    if isinstance(parent, ast.withitem) and parent.optional_vars is not None:
        return _target(parent.optional_vars)
    if isinstance(parent, ast.arguments):
        return _argument(parent, below)
    return "return" if isinstance(parent, ast.Return) else None


def _element(parent: ast.AST, below: ast.AST, above: ast.AST | None) -> str | None:
    """The variable of an element in ``a, b = 1, 2``."""
    if not isinstance(parent, (ast.Tuple, ast.List)) or not isinstance(above, ast.Assign):
        return None
    target = above.targets[0]
    if above.value is parent and isinstance(target, (ast.Tuple, ast.List)):
        pairs = zip(parent.elts, target.elts, strict=False)
        return next((_target(name) for element, name in pairs if element is below), None)
    return None


def _last_name(node: ast.AST) -> str | None:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else None


def _key_of(parent: ast.Dict, below: ast.AST) -> str | None:
    for key, value in zip(parent.keys, parent.values, strict=True):
        if value is below and isinstance(key, ast.Constant) and isinstance(key.value, str):
            return key.value or None
    return None


def _target(target: ast.AST) -> str | None:
    if isinstance(target, ast.Subscript):
        key = target.slice
        if isinstance(key, ast.Constant) and isinstance(key.value, str) and key.value:
            return key.value
        return _target(target.value)
    if isinstance(target, (ast.Tuple, ast.List)):
        return "_".join(filter(None, map(_target, target.elts))) or None
    if isinstance(target, ast.Starred):
        return _target(target.value)
    return _last_name(target)


def _argument(parent: ast.arguments, below: ast.AST) -> str | None:
    """The argument of a function inside whose default stands below."""
    plain = [*parent.posonlyargs, *parent.args]
    pairs = [
        *zip(plain[len(plain) - len(parent.defaults) :], parent.defaults, strict=True),
        *zip(parent.kwonlyargs, parent.kw_defaults, strict=True),
    ]
    return next((argument.arg for argument, default in pairs if default is below), None)
