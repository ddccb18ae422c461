"""The options of a choice that are written out in a template."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .distributions import Range
from .draws import UNKNOWN
from .names import Names, Unresolved
from .scopes import Scope
from .templates import Site, Templates

__all__ = ["Options", "options_of"]


@dataclass(frozen=True)
class Options:
    """Options of a choice.

    Attributes:
        values: what each is, UNKNOWN where only a trial can make it.
        shown: what stands for each in the space, where some are made in the trial; else None.
    """

    values: tuple[Any, ...]
    shown: tuple[Any, ...] | None


def options_of(
    site: Site, templates: Templates, names: Names, scopes: Sequence[Scope],
    known: Mapping[str, Any],
) -> Options | None:  # fmt: skip
    """The options of a template; None where they are not written out one by one.

    An option that makes something, such as ``Dropout(0.5)`` or a lambda, is made in each trial
    anew, and so is one that needs the function's own variables. Names and plain data are what they
    are.

    Raises:
        Unresolved: an option has a name that nobody knows.
        Exception: what an option raises.
    """
    if site.options is None:
        return None
    values: list[Any] = []
    made = False
    for node in site.options:
        if any(templates.at(part) is not None for part in ast.walk(node)):
            values.append(UNKNOWN)
            made = True
            continue
        try:
            value = names.evaluate(node, scopes, known)
        except Unresolved as error:
            if not error.is_local:
                raise
            value = UNKNOWN
        if isinstance(value, Range):
            raise TypeError(
                f"an option that is a distribution itself is written {{{{{ast.unparse(node)}}}}}"
            )
        made |= value is UNKNOWN or not (_is_plain(value) or _is_named(node, value))
        values.append(value)
    if not made:
        return Options(tuple(values), None)
    taken = {repr(value) for value in values if _is_plain(value)}
    shown: list[Any] = []
    for node, value in zip(site.options, values, strict=True):
        text = value if _is_plain(value) else ast.unparse(node)
        while text is not value and repr(text) in taken:  # each has to be another one
            text += "'"
        taken.add(repr(text))
        shown.append(text)
    return Options(tuple(values), tuple(shown))


def _is_named(node: ast.expr, value: Any) -> bool:
    """Whether an option is what a name stands for, or a class or function."""
    plain = isinstance(node, (ast.Name, ast.Attribute))
    return plain or (inspect.isclass(value) and not isinstance(node, ast.Lambda))


def _is_plain(value: Any) -> bool:
    """Whether a value is data, of which a copy is as good."""
    if type(value) in (list, tuple):
        return all(map(_is_plain, value))
    if type(value) is dict:
        return all(map(_is_plain, (*value.keys(), *value.values())))
    return value is None or isinstance(value, (np.generic, np.ndarray)) or type(value) in (
        bool, int, float, complex, str, bytes, range, frozenset,
    )  # fmt: skip
