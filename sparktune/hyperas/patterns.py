"""Patterns of ``match``, asked whether a value fits."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from typing import Any

from .names import Names
from .scopes import Scope

__all__ = ["matches"]


def matches(
    pattern: ast.pattern, names: Names, scopes: Sequence[Scope]
) -> Callable[[Any], bool] | None:
    """A function that says whether a value fits a pattern; None where that is not known before.

    Captures, values, alternatives and sequences of these are known; a class or a mapping asks the
    value itself, and is left to the trial.
    """
    if isinstance(pattern, ast.MatchAs):
        if pattern.pattern is None:
            return lambda _: True
        return matches(pattern.pattern, names, scopes)
    if isinstance(pattern, ast.MatchSingleton):
        return lambda value: value is pattern.value
    if isinstance(pattern, ast.MatchValue):
        try:
            wanted = names.evaluate(pattern.value, scopes, {})
        except Exception:  # an unknown name, or an attribute that is not there
            return None
        return lambda value: bool(value == wanted)
    if isinstance(pattern, ast.MatchOr):
        return _any_of([matches(each, names, scopes) for each in pattern.patterns])
    if isinstance(pattern, ast.MatchSequence):
        return _each_of([matches(each, names, scopes) for each in pattern.patterns])
    return None


def _any_of(tests: list[Callable[[Any], bool] | None]) -> Callable[[Any], bool] | None:
    known = [test for test in tests if test is not None]
    if len(known) < len(tests):
        return None
    return lambda value: any(test(value) for test in known)


def _each_of(tests: list[Callable[[Any], bool] | None]) -> Callable[[Any], bool] | None:
    known = [test for test in tests if test is not None]
    if len(known) < len(tests):
        return None

    def fits(value: Any) -> bool:
        if not isinstance(value, (list, tuple, range)) or len(value) != len(known):
            return False
        return all(test(each) for test, each in zip(known, value, strict=True))

    return fits
