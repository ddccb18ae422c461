"""fmin, and the loop that it is made of."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..checks import advise
from ..tracebacks import Short
from .base import Trials, validate_loss_threshold, validate_timeout
from .checking import check_trials
from .installing import loads
from .loop import FMinIter, minimise, set_up
from .points import generate_trial, space_eval
from .utils import coarse_utcnow

__all__ = [
    "FMinIter", "coarse_utcnow", "fmin", "fmin_pass_expr_memo_ctrl", "generate_trial",
    "generate_trials_to_calculate", "partial", "space_eval", "validate_loss_threshold",
    "validate_timeout",
]  # fmt: skip


def generate_trials_to_calculate(points: Sequence[Mapping[str, Any]]) -> Trials:
    """Trials of points, label to value, that ``fmin`` evaluates before it searches."""
    trials = Trials()
    trials.insert_given(generate_trial(tid, point) for tid, point in enumerate(points))
    return trials


def fmin_pass_expr_memo_ctrl(f: Callable[..., Any]) -> Callable[..., Any]:
    """Mark an objective that is to be called as ``f(expr=, memo=, ctrl=)``."""
    f.fmin_pass_expr_memo_ctrl = True  # type: ignore[attr-defined]
    return f


def partial(fn: Callable[..., Any], **kwargs: Any) -> Callable[..., Any]:
    """``functools.partial`` that keeps the mark of ``fmin_pass_expr_memo_ctrl``."""
    bound = functools.partial(fn, **kwargs)
    if hasattr(fn, "fmin_pass_expr_memo_ctrl"):
        bound.fmin_pass_expr_memo_ctrl = fn.fmin_pass_expr_memo_ctrl  # type: ignore[attr-defined]
    return bound


def fmin(
    fn: Callable[..., Any],
    space: Any,
    algo: Any = None,
    max_evals: int | None = None,
    timeout: float | None = None,
    loss_threshold: float | None = None,
    trials: Any = None,
    rstate: Any = None,
    allow_trials_fmin: bool = True,
    pass_expr_memo_ctrl: bool | None = None,
    catch_eval_exceptions: bool = False,
    verbose: Any = True,
    return_argmin: bool = True,
    points_to_evaluate: Iterable[Mapping[str, Any]] | None = None,
    max_queue_len: int = 1,
    show_progressbar: Any = True,
    early_stop_fn: Any = None,
    trials_save_file: Any = "",
) -> Any:
    """Minimise ``fn`` over ``space``, as Hyperopt's fmin does.

    Args:
        fn: the objective: receives a configuration, returns a loss or a dict with ``status`` and
            ``loss``.
        space: a graph, or containers of nodes of ``hp``; lists arrive as tuples. None or
            "annotated": the annotations of ``fn``, which then is called with keywords.
        algo: a suggest function of Hyperopt's signature; ``tpe.suggest`` unless given.
        max_evals: documents that ``trials`` are to show in the end, earlier ones included.
        timeout: seconds after which no further trial is begun.
        loss_threshold: a loss below which the run ends.
        trials: hold the documents; Trials() unless given, SparkTrials() to run on Spark.
        rstate: a Generator, a RandomState, a seed, or None: the seed in the environment variable
            HYPEROPT_FMIN_SEED, or any. Draws one seed a batch.
        allow_trials_fmin: whether ``trials.fmin`` is called, where there is one.
        pass_expr_memo_ctrl: whether ``fn`` is called as ``fn(expr=, memo=, ctrl=)``.
        catch_eval_exceptions: whether an exception of ``fn`` fails its trial alone.
        verbose: whether there is a bar; any number or bool.
        return_argmin: whether to return label to value (a choice by its index) or, where False,
            the configuration itself.
        points_to_evaluate: points, label to value, that are evaluated first, on top of
            ``max_evals``.
        max_queue_len: candidates drawn at a time, knowing the same.
        show_progressbar: whether, or a bar of one's own; see ``progress``.
        early_stop_fn: see FMinIter.
        trials_save_file: a pickle of the trials, also of Hyperopt's: loaded first where it is there
            and ``trials`` is None, which runs what is in it, so it must be your own; written after
            each batch.

    Returns:
        The best point; see ``return_argmin``.

    Raises:
        AllTrialsFailed: no trial has a loss.
        InvalidLoss, InvalidResultStatus: a result that is none.
        Exception: what the objective raised, unless ``catch_eval_exceptions``.
    """
    options = {
        "algo": algo, "max_evals": max_evals, "timeout": timeout,
        "loss_threshold": loss_threshold, "rstate": rstate, "verbose": verbose,
        "max_queue_len": max_queue_len, "pass_expr_memo_ctrl": pass_expr_memo_ctrl,
        "catch_eval_exceptions": catch_eval_exceptions, "return_argmin": return_argmin,
        "show_progressbar": show_progressbar, "early_stop_fn": early_stop_fn,
        "trials_save_file": trials_save_file,
    }  # fmt: skip
    with Short():
        if trials is not None:
            check_trials(trials)
        points: Any = [] if points_to_evaluate is None else points_to_evaluate
        if not isinstance(points, (str, Mapping)) and isinstance(points, Iterable):
            points = list(points)
        fn, space, options["algo"], options["rstate"] = set_up(
            fn, space, algo, rstate, timeout, loss_threshold,
            max_evals=max_evals, max_queue_len=max_queue_len, early_stop_fn=early_stop_fn,
            show_progressbar=show_progressbar, trials_save_file=trials_save_file, points=points,
        )  # fmt: skip
        if not (allow_trials_fmin and hasattr(trials, "fmin")):
            known = _loaded(trials_save_file) if trials is None else trials
            return minimise(known, fn, space, points_to_evaluate=points, **options)
        if points:  # trials of one's own may not take them
            options["points_to_evaluate"] = points
        if max_evals is None:  # a method of one's own may compute with it
            options["max_evals"] = sys.maxsize
        return trials.fmin(fn, space, **options)


def _loaded(file: Any) -> Trials:
    """The trials of a pickle, or new ones where there is none."""
    if not file or not Path(file).exists():
        return Trials()
    advise(f"loading {os.fspath(file)} runs what is in it: it must be your own")
    try:
        trials: Trials = loads(Path(file).read_bytes())
    except Exception as error:
        raise ValueError(
            f"`trials_save_file` {os.fspath(file)} holds no trials that can be loaded: "
            f"{type(error).__name__}: {error}"
        ) from error
    check_trials(trials)
    return trials
