"""fmin: minimise a function over a space."""

from __future__ import annotations

import inspect
import os
import sys
import warnings
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from dataclasses import replace
from typing import Any

import numpy as np

from .algorithms import Domain, suggester_of
from .exceptions import AllTrialsFailed, InvalidTrial
from .history import ENDED, STATUS_OK, History, Trial
from .search import Budget, Event, Finished, Stopped, search
from .space.tree import Space, Values
from .spark import (
    FMIN_CANCELLED_REASON_EARLY_STOPPING,
    FMIN_CANCELLED_REASON_LOSS_THRESHOLD,
    FMIN_CANCELLED_REASON_TIMEOUT,
    FMIN_CANCELLED_REASON_USER,
    SparkTrials,
    check_loss_threshold,
    check_timeout,
)
from .suggest.random import Random
from .suggest.tpe import TPE
from .trials import Trials, check_count, failure_text, settings_of
from .views.progress import BarFactory, progress

__all__ = ["Ctrl", "fmin", "fmin_pass_expr_memo_ctrl", "space_eval"]

_REASONS = {
    "timeout": FMIN_CANCELLED_REASON_TIMEOUT,
    "loss_threshold": FMIN_CANCELLED_REASON_LOSS_THRESHOLD,
    "max_evals": None,
    "cancelled": FMIN_CANCELLED_REASON_USER,
}


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
    points_to_evaluate: Iterable[Mapping[str, Any]] | None = None,
    max_queue_len: int = 1,
    show_progressbar: bool | BarFactory = True,
    early_stop_fn: Callable[..., tuple[bool, Any]] | None = None,
    trials_save_file: str = "",
    *,
    batch: int | None = None,
    trial_timeout: float | None = None,
) -> Any:
    """Minimise ``fn`` over ``space`` and return the best point.

    By default a new candidate is drawn whenever a trial ends, from a refit on everything known by
    then. ``timeout``, ``loss_threshold``, early stopping and Ctrl-C cancel what is running and
    keep every finished trial.

    Args:
        fn: the objective; receives a configuration (and a TrialContext, where it takes a keyword
            ``trial``), returns the loss or a dict with ``loss`` and ``status`` (``STATUS_OK`` or
            ``STATUS_FAIL``), to which it may add anything. A loss of NaN is a failed trial.
        space: nested dicts, lists and tuples with ``hp.…`` nodes, or a Space.
        algo: ``tpe.suggest`` (the default), ``auto.suggest``, ``bayes.suggest`` and others, a
            ``functools.partial`` of one, a Suggester, or a function of Hyperopt's signature
            (new_ids, domain, trials, seed).
        max_evals: evaluations in all, those already in ``trials`` included; failed trials count,
            cancelled ones do not. None goes on until something else ends the run.
        timeout: seconds after which the run stops.
        loss_threshold: a loss at which the run stops.
        trials: where trials run and are recorded: Trials() in this process (the default), or
            SparkTrials(). What is pending there, of a Tuner or of a run that was pickled, is
            cancelled.
        rstate: the seed: a whole number, a numpy Generator or RandomState, or None, which takes
            the environment's HYPEROPT_FMIN_SEED, else what ``trials`` began with, else chance.
        allow_trials_fmin: whether a subclass of Trials with an ``fmin`` of its own is asked to run.
        pass_expr_memo_ctrl: call ``fn(expr, memo, ctrl)`` instead: the space as written, the value
            of each node, and a Ctrl; in this process only.
        catch_eval_exceptions: whether an exception of the objective is a failed trial and no more;
            without it, it leaves fmin once the trial is recorded. On SparkTrials the run always
            goes on.
        verbose: False shows nothing.
        return_argmin: return label to value, with indices for choices; False returns the best
            configuration, as the objective received it.
        points_to_evaluate: points to try first, label to value, with indices for choices.
        max_queue_len: in Trials(), how many candidates are drawn from one refit and evaluated
            before the next; in parallel, how many trials may be drawn ahead of the free slots,
            less one.
        show_progressbar: False for none; or a function of ``initial`` and ``total`` that gives a
            context manager for a bar with ``update(n)`` and ``postfix``.
        early_stop_fn: called after each trial with ``trials`` and what it returned last; returns
            whether to stop and a list of arguments for the next call.
        trials_save_file: refused for now.
        batch: evaluate so many candidates of one refit, and refit when all have ended. The same
            ``rstate`` and ``batch`` give the same trials on every engine at any parallelism.
        trial_timeout: seconds that each trial may take, instead of what ``trials`` say; see there.

    Returns:
        Label to value of the best trial, or the best configuration with ``return_argmin=False``.

    Raises:
        AllTrialsFailed: no trial has a loss; shows the first traceback.
        BadSearchSpace, DuplicateLabel: the space cannot be searched.
        InvalidTrial: a point of ``points_to_evaluate`` does not fit the space.
        UnpicklableObjective: the objective has to leave this process and cannot.
        TypeError, ValueError: an argument of a wrong type or out of its range.
    """
    options = {key: value for key, value in locals().items() if key not in ("fn", "space")}
    if not callable(fn):
        raise TypeError(f"`fn` must be a function of a configuration, but got {fn!r}")
    trials = options["trials"] = check_trials(trials)
    if allow_trials_fmin and type(trials).fmin is not Trials.fmin:
        defaults = inspect.signature(fmin).parameters
        for name in list(options):
            unset = options[name] is defaults[name].default and name not in ("algo", "max_evals")
            if unset or name in ("trials", "allow_trials_fmin"):
                del options[name]
        return trials.fmin(fn, space, **options)
    if trials_save_file:
        raise ValueError(
            "`trials_save_file` is not supported yet; pickle the trials after a run, and pass them "
            "to the next fmin to go on"
        )
    domain = Domain(fn, space)
    on_spark = isinstance(trials, SparkTrials)
    memo_wanted = pass_expr_memo_ctrl
    if memo_wanted is None:
        memo_wanted = getattr(fn, "fmin_pass_expr_memo_ctrl", False)
    if memo_wanted and on_spark:
        raise ValueError(
            "`pass_expr_memo_ctrl` hands out the driver's own objects, so it works with Trials() "
            "only, not on Spark"
        )
    budget = Budget(
        check_count(max_evals, "max_evals", optional=True),
        check_timeout(timeout) or getattr(trials, "timeout", None),
        _first(check_loss_threshold(loss_threshold), getattr(trials, "loss_threshold", None)),
    )
    ahead = check_count(max_queue_len, "max_queue_len")
    batch = check_count(batch, "batch", optional=True)
    if batch is None and not on_spark and trials.parallelism == 1 and ahead > 1:
        batch = ahead
    if early_stop_fn is not None and not callable(early_stop_fn):
        raise TypeError(f"`early_stop_fn` must be a function of trials, but got {early_stop_fn!r}")
    if not isinstance(show_progressbar, (bool, int)) and not callable(show_progressbar):
        raise TypeError(
            f"`show_progressbar` must be a bool or give a context manager, got {show_progressbar!r}"
        )
    if isinstance(show_progressbar, int) or not verbose:
        show_progressbar = bool(verbose and show_progressbar)
    settings = trials._settings
    if trial_timeout is not None:
        checked = settings_of(trial_timeout=trial_timeout, trial_grace=settings.grace)
        settings = replace(settings, timeout=checked.timeout)
    points = check_points(points_to_evaluate, domain.space)
    suggester = suggester_of(algo, TPE(), domain, trials)
    if not isinstance(suggester, Random):
        _advise(trials, budget.max_evals)
    seed = seed_of(rstate, trials)

    with trials._running():
        history = trials._open(domain.space)
        events = search(
            _with_memo(fn, domain.space, trials) if memo_wanted else fn,
            domain.space,
            suggester,
            trials._engine(),
            history,
            budget,
            seed,
            batch=batch,
            queue_ahead=ahead - 1,
            points=points,
            build=(lambda values: values) if memo_wanted else None,
            settings=settings,
            token=trials._token,
        )
        trials.seed, trials.fmin_cancelled_reason = seed, None
        stop = _Stop(trials, early_stop_fn, raises=not (catch_eval_exceptions or on_spark))
        try:
            with closing(events), progress(history, max_evals, show_progressbar) as show:  # type: ignore[type-var]
                trials.fmin_cancelled_reason = _drain(events, show, stop)
        except KeyboardInterrupt:
            trials.fmin_cancelled_reason = FMIN_CANCELLED_REASON_USER
            print(_interrupted(history), file=sys.stderr)  # noqa: T201
            raise
    if history.best is None:
        reason = trials.fmin_cancelled_reason
        raise AllTrialsFailed((f"{reason}: " if reason else "") + failure_text(tuple(history)))
    return trials.argmin if return_argmin else domain.space.build(history.best.values)


class _Stop:
    """Decides after each finished trial whether the run is to stop.

    Args:
        trials: for ``early_stop_fn``.
        early_stop_fn: as in fmin.
        raises: whether the exception of a failed trial leaves fmin.
    """

    def __init__(
        self, trials: Trials, early_stop_fn: Callable[..., tuple[bool, Any]] | None, raises: bool
    ) -> None:
        self._trials = trials
        self._early_stop_fn = early_stop_fn
        self._arguments: Any = ()
        self._raises = raises

    def __call__(self, trial: Trial) -> bool:
        if self._raises and trial.outcome is not None and trial.outcome.exception is not None:
            raise trial.outcome.exception
        if self._early_stop_fn is None:
            return False
        answer = self._early_stop_fn(self._trials, *self._arguments)
        if not isinstance(answer, (tuple, list)) or len(answer) != 2:
            raise TypeError(
                "`early_stop_fn` must return whether to stop and a list of arguments for its next "
                f"call, but got {answer!r}"
            )
        self._arguments = () if answer[1] is None else answer[1]
        return bool(answer[0])


def _drain(
    events: Iterable[Event], show: Callable[[Event], None], stop: Callable[[Trial], bool]
) -> str | None:
    """Take the events until the search ends or is told to; why it ended before max_evals."""
    noted = False
    for event in events:
        show(event)
        if isinstance(event, Finished) and not noted:
            noted = _warn_of_note(event.trial)
        if isinstance(event, Finished) and stop(event.trial):
            return FMIN_CANCELLED_REASON_EARLY_STOPPING
        if isinstance(event, Stopped):
            return _REASONS[event.reason]
    return None


def _warn_of_note(trial: Trial) -> bool:
    """Pass on what a trial's outcome notes about its result; whether it does."""
    note = None if trial.outcome is None else trial.outcome.note
    if note is not None:
        warnings.warn(f"trial {trial.number}: {note}", stacklevel=4)
    return note is not None


def _interrupted(history: History) -> str:
    best = history.best
    kept = history.count(*ENDED)
    found = "no loss yet" if best is None else f"best loss {best.loss:.6g} with {dict(best.values)}"
    return f"\nfmin was interrupted: {kept} finished trials are kept; {found}"


def _advise(trials: Trials, max_evals: int | None) -> None:
    """Warn where most trials would be chosen without knowing any result."""
    given = (
        trials.user_specified_parallelism if isinstance(trials, SparkTrials) else trials.parallelism
    )
    if max_evals is None or given is None or given <= max(1, max_evals / 3):
        return
    warnings.warn(
        f"parallelism={given} is more than a third of max_evals={max_evals}: so many trials are "
        "chosen before the results of others are known that the search is little better than "
        f"random; at most {max(1, max_evals // 10)} is a good choice, or more evaluations",
        stacklevel=3,
    )


def _first(*values: Any) -> Any:
    return next((value for value in values if value is not None), None)


def check_trials(trials: Any) -> Trials:
    """The Trials that were given, new ones for None, or an error that says what was given."""
    if trials is None:
        return Trials()
    if not isinstance(trials, Trials):
        raise TypeError(f"`trials` must be Trials() or SparkTrials(), but got {trials!r}")
    return trials


def check_points(points: Any, space: Space) -> tuple[Values, ...]:
    """The values of points given to be tried first, or an error that says what is wrong."""
    if points is None:
        return ()
    if isinstance(points, Mapping) or not isinstance(points, Iterable):
        raise TypeError(f"`points_to_evaluate` must be a list of dicts, but got {points!r}")
    checked = []
    for i, point in enumerate(points):
        try:
            checked.append(space.check(point))
        except InvalidTrial as error:
            raise InvalidTrial(f"points_to_evaluate[{i}]: {error}") from None
    return tuple(checked)


def seed_of(rstate: Any, trials: Trials) -> int:
    """The whole number from which all randomness of a run comes."""
    if rstate is None and os.environ.get("HYPEROPT_FMIN_SEED"):
        text = os.environ["HYPEROPT_FMIN_SEED"]
        if not (text.isascii() and text.isdigit()):
            raise ValueError(f"HYPEROPT_FMIN_SEED must be a whole number >= 0, but got {text!r}")
        return int(text)
    if rstate is None:
        if trials.seed is not None:
            return trials.seed
        rstate = np.random.default_rng()
    if isinstance(rstate, np.random.Generator):
        return int(rstate.integers(2**31 - 1))
    if isinstance(rstate, np.random.RandomState):
        return int(rstate.randint(2**31 - 1))
    if isinstance(rstate, (int, np.integer)) and not isinstance(rstate, bool) and rstate >= 0:
        return int(rstate)
    raise TypeError(
        "`rstate` must be a whole number >= 0, a numpy Generator or RandomState, or None, "
        f"but got {rstate!r}"
    )


def space_eval(space: Any, hp_assignment: Mapping[str, Any]) -> Any:
    """The configuration of a point: what the objective receives for it.

    Args:
        space: as given to fmin.
        hp_assignment: label to value, with indices for choices, such as fmin returns; labels that
            the space does not have, or that are inactive in this point, are left aside.

    Raises:
        InvalidTrial: a label that is missing, or a value out of its range.
    """
    whole = space if isinstance(space, Space) else Space(space)
    if isinstance(hp_assignment, Mapping):
        hp_assignment = {k: v for k, v in hp_assignment.items() if k in whole.column}
    return whole.build(whole.check(hp_assignment))


def fmin_pass_expr_memo_ctrl(fn: Callable[..., Any]) -> Callable[..., Any]:
    """Mark an objective to be called as ``fn(expr, memo, ctrl)``; see fmin."""
    fn.fmin_pass_expr_memo_ctrl = True  # type: ignore[attr-defined]
    return fn


class Ctrl:
    """What an objective with ``pass_expr_memo_ctrl`` receives beside its point.

    Attributes:
        trials: the Trials of the run.
        current_trial: the document of the trial.
        attachments: a dict for large things, kept with the trial.
    """

    def __init__(self, trials: Trials, current_trial: dict[str, Any]) -> None:
        self.trials = trials
        self.current_trial = current_trial
        self.attachments: dict[str, Any] = {}


def _with_memo(fn: Callable[..., Any], space: Space, trials: Trials) -> Callable[..., Any]:
    """An objective of values that calls ``fn(expr, memo, ctrl)``."""

    def objective(values: Values, *, trial: Any) -> Any:
        nodes = zip(space.labels, space.params, strict=True)
        memo = {node: values[label] for label, node in nodes if label in values}
        ctrl = Ctrl(trials, trials._dynamic_trials[trial.number])
        result = fn(space.template, memo, ctrl)
        if not ctrl.attachments:
            return result
        if not isinstance(result, Mapping):
            result = {"loss": result, "status": STATUS_OK}
        kept = {**ctrl.attachments, **(result.get("attachments") or {})}
        return {**result, "attachments": kept}

    return objective
