"""A search space as a picture: what depends on what, in the DOT language of Graphviz."""

from __future__ import annotations

from typing import Any

from .pyll_utils import Cond, expr_to_config

__all__ = ["dot_hyperparameters"]


def dot_hyperparameters(expr: Any) -> str:
    """A graph of a space's hyperparameters, in DOT, for ``dot -Tpng`` and its like.

    Hyperparameters are boxes. Where one has a value only if a choice takes a certain option, an
    ellipse says so between the choice and it; where several choices have a say, one more ellipse
    holds all of their options.

    Args:
        expr: the space.

    Raises:
        DuplicateLabel: two hyperparameters carry one label.
    """
    found: dict[str, Any] = {}
    expr_to_config(expr, (), found)
    lines: dict[str, None] = {}  # a set that keeps the order
    for label, each in found.items():
        lines[f"{_quoted(label)} [ shape=box];"] = None
        for conditions in sorted(each["conditions"], key=lambda all_of: list(map(_text, all_of))):
            parts = [_text(condition) for condition in conditions]
            whole = " & ".join(parts)
            for condition, part in zip(conditions, parts, strict=True):
                lines[f"{_quoted(part)} [ shape=ellipse];"] = None
                lines[f"{_quoted(condition.name)} -> {_quoted(part)};"] = None
                if part != whole:
                    lines[f"{_quoted(whole)} [ shape=ellipse];"] = None
                    lines[f"{_quoted(part)} -> {_quoted(whole)};"] = None
            if parts:
                lines[f"{_quoted(whole)} -> {_quoted(label)};"] = None
    return "\n".join(["digraph {", *lines, "}", ""])


def _text(condition: Cond) -> str:
    return f"{condition.name}{condition.op}{condition.val}"


def _quoted(text: Any) -> str:
    """A name as DOT writes it."""
    return '"' + str(text).replace("\\", "\\\\").replace('"', '\\"') + '"'
