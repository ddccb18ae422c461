"""Graphs of function applications, as Hyperopt writes search spaces."""

from . import base, stochastic
from .base import (
    Apply,
    Literal,
    as_apply,
    clone,
    clone_merge,
    dfs,
    rec_eval,
    scope,
    toposort,
)

__all__ = [
    "Apply",
    "Literal",
    "as_apply",
    "base",
    "clone",
    "clone_merge",
    "dfs",
    "rec_eval",
    "scope",
    "stochastic",
    "toposort",
]
