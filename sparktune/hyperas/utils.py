"""Hyperas' helper for the values of trials."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .spaces import ModelSpace

__all__ = ["eval_hyperopt_space"]


def eval_hyperopt_space(space: ModelSpace, vals: Mapping[str, Any]) -> dict[str, Any]:
    """Label to what a trial drew, where a record has indices of choices.

    Args:
        space: from ``minimize(..., return_space=True)`` or ``space_of``.
        vals: label to index or number, or to a list of one, as ``trial["misc"]["vals"]`` has them.

    Raises:
        TypeError: another kind of space, for which there is ``sparktune.space_eval``.
        InvalidTrial: a label that is missing or unknown, or a value out of its range.
    """
    if not isinstance(space, ModelSpace):
        raise TypeError(
            "`space` must be that of a function with templates, from minimize or "
            f"space_of, but got {space!r:.200}; for others there is sparktune.space_eval"
        )
    return space.real(space.check(vals))
