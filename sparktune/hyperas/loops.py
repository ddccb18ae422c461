"""The rounds of loops whose variable is the key of a template."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from typing import Any

from ..exceptions import BadSearchSpace
from .draws import Cover, Draw, Undecided, Value, cover_of
from .scopes import bound_by, names_in
from .templates import Site

__all__ = ["bound_in", "in_one_draw", "not_known", "rounds_of"]

_ROUNDS = 1000


def rounds_of(
    value: Value | None, target: ast.expr, body: Sequence[ast.AST], draws: Mapping[str, Draw]
) -> list[tuple[dict[str, Any], Cover]] | None:
    """What each round of a loop binds, and when it comes; None where that is not known.

    Args:
        value: what the loop goes through.
        target: its variables.
        body: what it repeats.
        draws: of the function so far.
    """
    cases = None if value is None else value.cases(draws)
    if value is None or cases is None or set(names_in(target)) & bound_by(body):
        return None
    found: dict[Any, Any] = {}
    try:
        for case in cases:
            for item in value.at(case, draws):
                found.setdefault(item, item)
                if len(found) > _ROUNDS:
                    return None
    except (Undecided, TypeError):  # no iterable, or of what has no hash
        return None
    return [(bound_in(target, item), _cover(value, item, draws)) for item in found]


def _cover(value: Value, item: Any, draws: Mapping[str, Draw]) -> Cover:
    """When a loop has a round for an item."""
    return cover_of(value, lambda items: item in list(items), draws)


def bound_in(target: ast.expr, item: Any) -> dict[str, Any]:
    """The names of a loop's target with their values in a round."""
    if isinstance(target, ast.Name):
        return {target.id: item}
    found: dict[str, Any] = {}
    if isinstance(target, (ast.Tuple, ast.List)) and isinstance(item, tuple):
        for part, value in zip(target.elts, item, strict=False):
            found.update(bound_in(part, value))
    return found


def not_known(site: Site, what: str) -> BadSearchSpace:
    """The error for a template with a draw for each round of a loop that nobody can count."""
    return BadSearchSpace(
        f"{site.where}: {site.text} is one draw for each round, so the values that {what} goes "
        "through must be known before the first trial: let the loop go through range() of a "
        "number, of {{choice([2, 3])}}, or of a variable that is set once to such"
    )


def in_one_draw(site: Site) -> str:
    """What to say of a template that is one draw for all rounds of a loop."""
    loop: Any = site.loops[0]
    target = getattr(loop, "target", None)
    line = loop.target.lineno if isinstance(loop, ast.comprehension) else loop.lineno
    advice = ""
    variable = next(names_in(target), None) if target is not None else None
    if variable is not None and isinstance(site.inner, ast.Call):
        arguments: list[ast.expr] = [*site.inner.args, ast.Name(variable)]
        written = ast.unparse(ast.Call(site.inner.func, arguments, site.inner.keywords))
        advice = f"; for one of each round write {{{{{written}}}}}"
    return (
        f"{site.where}: {site.text} stands in the loop of line {line}, and is one draw for all its "
        f"rounds{advice}"
    )
