"""Objectives that are called as ``fn(expr, memo, ctrl)``: Hyperopt's ``pass_expr_memo_ctrl``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .history import STATUS_OK
from .space.tree import Space, Values

__all__ = ["Ctrl", "fmin_pass_expr_memo_ctrl", "with_memo"]


def fmin_pass_expr_memo_ctrl(fn: Callable[..., Any]) -> Callable[..., Any]:
    """Mark an objective to be called as ``fn(expr, memo, ctrl)``; it works as a decorator.

    This is ``fmin(pass_expr_memo_ctrl=True)``, for trials in this process: ``fmin`` raises
    ValueError in processes, on Spark and with StoreTrials.

    Args:
        fn: the objective; it receives the space as written, a dict of nodes and values, and a Ctrl
            with ``trials``, ``current_trial`` and ``attachments``.

    Returns:
        ``fn`` itself.
    """
    fn.fmin_pass_expr_memo_ctrl = True  # type: ignore[attr-defined]
    return fn


class Ctrl:
    """What an objective with ``pass_expr_memo_ctrl`` receives beside its point.

    Attributes:
        trials: the Trials of the run.
        current_trial: the document of the trial.
        attachments: a dict for large things, kept with the trial.
    """

    def __init__(self, trials: Any, current_trial: dict[str, Any]) -> None:
        self.trials = trials
        self.current_trial = current_trial
        self.attachments: dict[str, Any] = {}


def with_memo(fn: Callable[..., Any], space: Space, trials: Any) -> Callable[..., Any]:
    """An objective of values that calls ``fn(expr, memo, ctrl)``; costs one document a trial."""

    def objective(values: Values, *, trial: Any) -> Any:
        nodes = zip(space.labels, space.params, strict=True)
        memo = {node: values[label] for label, node in nodes if label in values}
        ctrl = Ctrl(trials, trials.document(trial.number))
        result = fn(space.template, memo, ctrl)
        if not ctrl.attachments:
            return result
        if not isinstance(result, Mapping):
            result = {"loss": result, "status": STATUS_OK}
        kept = {**ctrl.attachments, **(result.get("attachments") or {})}
        return {**result, "attachments": kept}

    return objective
