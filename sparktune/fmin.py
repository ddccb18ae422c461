"""fmin: minimise a function over a space."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from .run import run
from .space.tree import Space
from .tracebacks import Short
from .trials.record import Trials, checked_trials
from .views.progress import BarFactory

__all__ = ["fmin", "space_eval"]


def fmin(
    fn: Callable[..., Any],
    space: Any,
    algo: Any = None,
    max_evals: int | None = None,
    timeout: float | None = None,
    loss_threshold: float | None = None,
    trials: Trials | None = None,
    rstate: Any = None,
    allow_trials_fmin: bool = True,
    pass_expr_memo_ctrl: bool | None = None,
    catch_eval_exceptions: bool = False,
    verbose: bool = True,
    return_argmin: bool = True,
    points_to_evaluate: Iterable[Any] | None = None,
    max_queue_len: int = 1,
    show_progressbar: bool | BarFactory = True,
    early_stop_fn: Callable[..., tuple[bool, Any]] | None = None,
    trials_save_file: str = "",
    *,
    batch: int | None = None,
    trial_timeout: float | None = None,
    pruner: Any = None,
    tracking: Any = None,
    recommend: str = "luckiest",
) -> Any:
    """Minimise ``fn`` over ``space`` and return the best point.

    By default a new candidate is drawn whenever a trial ends, from a refit on everything known by
    then. ``timeout``, ``loss_threshold``, early stopping and Ctrl-C end the run, and every finished
    trial is kept. What runs in other threads, in processes, in workers or on Spark is cut off, and
    the next fmin with the same ``trials`` begins with it. A trial in the caller's thread, as with
    Trials(), ends first: only Ctrl-C cuts it off. After Ctrl-C fmin raises KeyboardInterrupt.

    Args:
        fn: the objective; receives a configuration (and a TrialContext, where it takes a keyword
            ``trial``), returns the loss or a dict with ``loss`` and ``status`` (``STATUS_OK`` or
            ``STATUS_FAIL``), to which it may add anything. A loss of NaN is a failed trial.
        space: nested dicts, lists and tuples with ``hp.…`` nodes, or a Space.
        algo: ``tpe.suggest`` (the default), ``auto.suggest``, ``bayes.suggest`` and others, a
            ``functools.partial`` of one, a Suggester, or a function of Hyperopt's signature
            (new_ids, domain, trials, seed).
        max_evals: evaluations in all, at least 1, those already in ``trials`` included. Failed,
            timed out and pruned trials count, cancelled ones do not. None goes on until something
            else ends the run.
        timeout: seconds after which the run stops.
        loss_threshold: a loss at which the run stops.
        trials: where trials run and are recorded: Trials() on this machine (the default),
            SparkTrials() or StoreTrials(). What was cut off there, by the end of an earlier run or
            because a Tuner never heard of it, is begun again first.
        rstate: the seed: a whole number, a numpy Generator or RandomState, or None, which takes
            the environment's HYPEROPT_FMIN_SEED, else what ``trials`` began with, else chance.
        allow_trials_fmin: whether a subclass of Trials with an ``fmin`` of its own is asked to run.
        pass_expr_memo_ctrl: call ``fn(expr, memo, ctrl)`` instead: the space as written, the value
            of each node, and a Ctrl; in this process only.
        catch_eval_exceptions: whether an exception of the objective is a failed trial and no more.
            Without it the exception leaves fmin once the trial is recorded, where trials run in
            this process: with Trials() and with ``executor="threads"``. In processes, as with
            ``parallelism`` above 1, on StoreTrials and on SparkTrials, also with
            ``mode="driver"``, the run always goes on.
        verbose: False shows nothing.
        return_argmin: return label to value, with indices for choices; False returns the best
            configuration, as the objective received it.
        points_to_evaluate: points to try first. Each is a dict of labels and values, or the
            configuration as the objective would receive it. For a choice stands its index or the
            option itself, whole where it holds further labels; a number that is an index is one,
            also where it is an option, too. A tuple of two is a (point, result) that is known:
            ``result`` is what the objective returned, such as the loss. It is recorded as a trial
            before anything is evaluated, teaches ``algo``, and counts for ``max_evals``. What
            ``trials`` hold already is neither tried nor recorded again.
        max_queue_len: in Trials(), how many candidates are drawn from one refit and evaluated
            before the next; in parallel, how many trials may be drawn ahead of the free slots,
            less one.
        show_progressbar: False for none; or a function of ``initial`` and ``total`` that gives a
            context manager for a bar with ``update(n)`` and ``postfix``.
        early_stop_fn: called after each trial with ``trials`` and what it returned last; returns
            whether to stop and a list of arguments for the next call.
        trials_save_file: a folder in which everything is recorded, and from which the same call
            goes on: ``trials.attach`` of it.
        batch: evaluate so many candidates of one refit, and refit when all have ended. The same
            ``rstate`` and ``batch`` give the same trials on every engine at any parallelism.
        trial_timeout: seconds that each trial may take, instead of what ``trials`` say; see there.
        pruner: ends trials early by what they report: a rule of ``sparktune.prune``, such as
            ``asha()``, or a function (history, number) -> bool. The objective has to take ``trial``
            and call ``trial.report(step, value)``. In Trials, StoreTrials, and SparkTrials with
            ``mode="driver"``; with ``mode="cluster"`` fmin raises ValueError.
        tracking: whether the run is logged to MLflow: a run for the search, which is the active one
            or a new one, and below it one for each trial. True does, False does not. "live" does,
            and a trial's run is MLflow's active run while the objective runs, so that what it logs
            is there, too: MLflow and the server have to be where trials run. None does what
            ``trials`` say; where these say None as well it does if MLflow is installed, and a run
            of it is active, its server was named, or this is Databricks. An unreachable server
            draws a warning and no more; see docs/mlflow.md.
        recommend: which trial is the best: "luckiest" is that of the lowest loss; "model" the one
            whose mean loss a Gaussian process, fitted to all losses, believes to be lowest, which
            is the better choice wherever two evaluations of a configuration differ: see
            ``trials.recommended``.

    Returns:
        Label to value of the best trial, or the best configuration with ``return_argmin=False``.

    Raises:
        AllTrialsFailed: no trial has a loss; shows the first traceback.
        BadSearchSpace, DuplicateLabel: the space cannot be searched, or ``trials`` were made in
            another one.
        InvalidTrial: a point of ``points_to_evaluate`` does not fit the space, or several options
            or values of a label would give it; or ``algo`` gave a wrong number of candidates.
        InvalidLoss, InvalidResultStatus: a result in ``points_to_evaluate`` has no loss or a wrong
            status; or what the objective returned has, where its exceptions leave fmin.
        UnpicklableObjective: the objective has to leave this process and cannot.
        EngineStopped: no more trials can run, or several in a row failed before the objective
            began, for a reason that they share.
        JournalError, JournalInUse, StoreError: the record of ``trials`` cannot be read or written,
            or another process writes it.
        ImportError: ``tracking`` asks for MLflow, which is not installed.
        RuntimeError: a run with the same ``trials`` has not ended, or they were loaded to be read.
        KeyboardInterrupt: somebody pressed Ctrl-C.
        Exception: what the objective raised, see ``catch_eval_exceptions``; or what ``pruner`` or
            ``early_stop_fn`` raised.
        TypeError, ValueError: an argument of a wrong type, out of its range, or not for these
            ``trials``.
    """
    options = locals()
    for own in ("trials", "allow_trials_fmin"):
        del options[own]
    with Short():
        host = checked_trials(trials)
        if not allow_trials_fmin or type(host).fmin is Trials.fmin:
            return run(host, **options)
        defaults = inspect.signature(fmin).parameters
        always = ("algo", "max_evals")
        given = {k: v for k, v in options.items() if v is not defaults[k].default or k in always}
        return host.fmin(given.pop("fn"), given.pop("space"), **given)


def space_eval(space: Any, hp_assignment: Mapping[str, Any]) -> Any:
    """The configuration of a point: what the objective receives for it.

    Args:
        space: as given to fmin.
        hp_assignment: label to value, with indices for choices, such as fmin returns; labels that
            the space does not have, or that are inactive in this point, are left aside.

    Raises:
        BadSearchSpace, DuplicateLabel: the space cannot be searched, or an expression in it raised.
        InvalidTrial: a label that is missing, or a value out of its range.
    """
    with Short():
        whole = Space.of(space)
        if isinstance(hp_assignment, Mapping):
            hp_assignment = {k: v for k, v in hp_assignment.items() if k in whole.column}
        return whole.build(whole.check(hp_assignment))
