"""What a run is: its arguments checked, its events drained, its end; on any host."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any, Protocol

import numpy as np

from .algo import suggester_of
from .checks import advise, one_of, real, whole
from .engines.base import Engine, refuse_other_arguments, takes_trial
from .engines.settings import Settings, limit_of
from .events import Budget, CancelToken, Event, Finished, StopReason
from .exceptions import AllTrialsFailed
from .following import Followed, follow
from .history import History, Status, Trial
from .history.failures import failure_text
from .known import check_points, record_new
from .memo import with_memo
from .prune import pruner_of
from .search import search
from .space.tree import Space, Values
from .suggest.random import Random
from .suggest.recommended import recommended
from .suggest.tpe import TPE
from .telling import tell
from .tracking.place import Place
from .tracking.runs import tracked
from .tracking.words import params_of_run
from .views.progress import BarFactory

__all__ = ["Host", "run", "seed_of"]


class Host(Followed, Protocol):
    """Where the trials of a run are recorded and evaluated.

    Attributes:
        settings: how its trials are treated.
        token: ends the run that it is in.
        seed: from which all randomness of its last run came; None before the first.
        tracking: whether its runs are logged to MLflow; see fmin.
    """

    settings: Settings
    token: CancelToken
    seed: int | None
    tracking: Any

    @property
    def limits(self) -> Budget:
        """When its runs end, unless a run has limits of its own."""

    @property
    def history(self) -> History | None:
        """The trials so far, None before the first run."""

    @property
    def exp_key(self) -> str | None:
        """A name that documents carry."""

    def step(self, space: Space) -> AbstractContextManager[History]:
        """The history, for one step by hand; steps wait for each other, and a run refuses them."""

    def run(self, space: Space) -> AbstractContextManager[History]:
        """The history, for a run; refuses a second one meanwhile."""

    def engine(self) -> Engine:
        """A new engine for one run."""

    def attach(self, journal: Any) -> None:
        """Record everything in a folder from now on."""

    def agree(self, seed: int, given: bool, serial: bool = False) -> int:
        """The seed that the run takes, which is recorded; called within the run."""

    def place(self) -> Place:
        """Where MLflow has the runs of its search, or is to have them."""


def run(
    host: Host,
    fn: Callable[..., Any],
    space: Any,
    algo: Any = None,
    max_evals: int | None = None,
    timeout: float | None = None,
    loss_threshold: float | None = None,
    rstate: Any = None,
    pass_expr_memo_ctrl: bool | None = None,
    catch_eval_exceptions: bool = False,
    verbose: bool = True,
    return_argmin: bool = True,
    points_to_evaluate: Iterable[Any] | None = None,
    max_queue_len: int = 1,
    show_progressbar: bool | BarFactory = True,
    early_stop_fn: Callable[..., tuple[bool, Any]] | None = None,
    trials_save_file: str = "",
    batch: int | None = None,
    trial_timeout: float | None = None,
    pruner: Any = None,
    tracking: Any = None,
    recommend: str = "luckiest",
) -> Any:
    """Minimise ``fn`` over ``space`` on a host; arguments, results and errors are those of fmin."""
    if not callable(fn):
        raise TypeError(f"`fn` must be a function of a configuration, but got {fn!r}")
    if pass_expr_memo_ctrl is None:
        pass_expr_memo_ctrl = getattr(fn, "fmin_pass_expr_memo_ctrl", False)
    if not pass_expr_memo_ctrl:
        refuse_other_arguments(fn)
    if trials_save_file:
        host.attach(trials_save_file)
    whole_space = Space.of(space)
    budget = Budget(
        whole("max_evals", max_evals, none=True),
        _first(
            real("timeout", timeout, "a number of seconds", above=0, none=True), host.limits.timeout
        ),
        _first(
            real("loss_threshold", loss_threshold, "a real number", none=True),
            host.limits.loss_threshold,
        ),
    )
    ahead = whole("max_queue_len", max_queue_len)
    batch = whole("batch", batch, none=True)
    if early_stop_fn is not None and not callable(early_stop_fn):
        raise TypeError(f"`early_stop_fn` must be a function of trials, but got {early_stop_fn!r}")
    show = _checked_bar(show_progressbar, verbose)
    settings = host.settings
    if trial_timeout is not None:
        settings = replace(settings, timeout=limit_of(trial_timeout))
    rule = pruner_of(pruner)
    one_of("recommend", recommend, ("luckiest", "model"))
    points, known = check_points(points_to_evaluate, whole_space)
    suggester = suggester_of(algo, TPE(), host, fn)
    if not isinstance(suggester, Random):
        advise_if_blind(host.parallelism_given, budget.max_evals)
    wanted = seed_of(rstate, host.seed)

    with host.run(whole_space) as history:
        whole_space = history.space  # that of the trials, where it is kept
        engine = host.engine()
        seed = host.agree(wanted, rstate is not None, engine.blocking)
        objective = fn
        build: Callable[[Values], Any] = whole_space.build
        if pass_expr_memo_ctrl:
            if not engine.raises:
                raise ValueError(
                    "`pass_expr_memo_ctrl` hands out this process's own objects, so it works with "
                    "Trials() and threads only, not in processes and not on Spark"
                )
            objective, build = with_memo(fn, whole_space, host), dict
        first_words: list[Callable[[Trial], str | None]] = [_note]
        if rule is not None:
            if not engine.hears_reports:
                raise ValueError(
                    "`pruner` needs trials whose reports arrive while they run, and tasks of Spark "
                    "have no way for that yet: use Trials(parallelism=...), or "
                    'SparkTrials(mode="driver")'
                )
            if pass_expr_memo_ctrl or not takes_trial(objective):
                advise(
                    "`pruner` has nothing to judge: the objective takes no `trial`; give it a "
                    "parameter of this name, and call trial.report(step, value) in it"
                )
            else:
                first_words.append(functools.partial(_silence, history))
        if batch is None and engine.blocking and ahead > 1:
            batch = ahead
        first = len(history)
        record_new(history, known)
        method = suggester if algo is None else algo
        params = params_of_run(method, seed, budget, host.parallelism_given)
        with tracked(
            host.tracking if tracking is None else tracking, host.place, history, params,
            range(first, len(history)),
        ) as tracker:  # fmt: skip
            events = search(
                objective, whole_space, suggester, engine, history, budget, seed, batch=batch,
                queue_ahead=ahead - 1, points=points, build=build, settings=settings,
                token=host.token, host=host, pruner=rule,
                received=getattr(fn, "fmin_received", None),
                tracked=tracker,
            )  # fmt: skip
            host.ended(None)
            watchers = [] if tracker is None else [tracker.take]
            reason = follow(
                events, host, host, history, engine, budget, show, early_stop_fn,
                [*watchers, *map(_once, first_words)],
                raises=engine.raises and not catch_eval_exceptions, goes_on=first > 0,
            )  # fmt: skip
    best = history.best
    if best is None:
        why = "" if reason is StopReason.MAX_EVALS else f"{reason.value}: "
        raise AllTrialsFailed(why + failure_text(history))
    if recommend == "model":
        found = recommended(history)
        if verbose:
            tell(f"recommended: {found}")
        best = found.trial
    return dict(best.values) if return_argmin else whole_space.build(best.values)


def _once(words: Callable[[Trial], str | None]) -> Callable[[Event], None]:
    """Takes events, and warns of the first trial that ended and about which there are words."""
    said = False

    def watch(event: Event) -> None:
        nonlocal said
        if said or not isinstance(event, Finished):
            return
        text = words(event.trial)
        if text is not None:
            said = True
            advise(f"trial {event.trial.number}: {text}", raises=False)

    return watch


def _note(trial: Trial) -> str | None:
    """What a trial's outcome notes about its result."""
    return None if trial.outcome is None else trial.outcome.note


def _silence(history: History, trial: Trial) -> str | None:
    """That a trial has a loss, but gave a pruner nothing to judge."""
    if trial.status is not Status.OK or history.report_count(trial.number):
        return None
    return (
        "it reported nothing, so `pruner` had nothing to judge; call trial.report(step, value) in "
        "the objective"
    )


def advise_if_blind(given: int | None, max_evals: int | None) -> None:
    """Warn where most trials would be chosen without knowing any result.

    Args:
        given: how many trials at a time the user asked for; None for no number.
        max_evals: how many trials the run has; None for any number.
    """
    if max_evals is None or given is None or given <= max(1, max_evals / 3):
        return
    advise(
        f"parallelism={given} is more than a third of max_evals={max_evals}: so many trials are "
        "chosen before the results of others are known that the search is little better than "
        f"random; at most {max(1, max_evals // 10)} is a good choice, or more evaluations"
    )


def _first(*values: Any) -> Any:
    return next((value for value in values if value is not None), None)


def _checked_bar(show: Any, verbose: Any) -> bool | BarFactory:
    if not isinstance(show, (bool, int)) and not callable(show):
        raise TypeError(
            f"`show_progressbar` must be a bool or give a context manager, got {show!r}"
        )
    if isinstance(show, int) or not verbose:
        return bool(verbose and show)
    factory: BarFactory = show
    return factory


def seed_of(rstate: Any, before: int | None, name: str = "rstate") -> int:
    """The whole number from which all randomness of a run comes.

    Args:
        rstate: as given to fmin.
        before: of the last run with the same trials.
        name: of the argument.
    """
    if rstate is None and os.environ.get("HYPEROPT_FMIN_SEED"):
        text = os.environ["HYPEROPT_FMIN_SEED"]
        if not (text.isascii() and text.isdigit()):
            raise ValueError(f"HYPEROPT_FMIN_SEED must be a whole number >= 0, but got {text!r}")
        return int(text)
    if rstate is None:
        if before is not None:
            return before
        rstate = np.random.default_rng()
    if isinstance(rstate, np.random.Generator):
        return int(rstate.integers(2**31 - 1))
    if isinstance(rstate, np.random.RandomState):
        return int(rstate.randint(2**31 - 1))
    try:
        return int(whole(name, rstate, 0))
    except ValueError:
        raise TypeError(
            f"`{name}` must be a whole number >= 0, a numpy Generator or RandomState, or None, "
            f"but got {rstate!r}"
        ) from None
