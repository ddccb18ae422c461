"""Why trials failed, in words."""

from __future__ import annotations

from collections.abc import Callable

from .history import History
from .trial import Outcome, Status, Trial

__all__ = ["error_of", "failure_text", "why_failed"]


def error_of(trial: Trial) -> str:
    """Why a trial failed, and the last that it printed."""
    return why_failed(trial.outcome)


def why_failed(outcome: Outcome | None) -> str:
    """Why an attempt at a trial failed, and the last that it printed."""
    text = (outcome.error if outcome is not None else None) or "no reason was given"
    if outcome is None or not outcome.log_tail:
        return text
    return f"{text.rstrip()}\nthe last it printed:\n{outcome.log_tail.rstrip()}"


def _with_parameters(trial: Trial) -> str:
    return f"with {dict(trial.values)!r}"


def failure_text(
    history: History | None, described: Callable[[Trial], str] = _with_parameters
) -> str:
    """Why there is no best trial: how many failed, and the first of them.

    Args:
        history: of the trials; None where none was begun.
        described: what a trial is, in words that go after "trial 0".
    """
    trials = () if history is None else tuple(history)
    failed = [trial for trial in trials if trial.status in (Status.FAILED, Status.TIMED_OUT)]
    pruned = sum(trial.status is Status.PRUNED for trial in trials)
    if not failed and pruned:
        return f"no trial has a loss, as {pruned} of {len(trials)} were pruned, so there is no best"
    if not failed:
        apart = sum(trial.status is Status.APART for trial in trials)
        words = [
            f"{count} {kind}"
            for count, kind in (
                (len(trials) - apart, "were cancelled or are running"),
                (apart, "are of an earlier space"),
            )
            if count
        ]
        others = f" ({', '.join(words)})" if words else ""
        return f"no trial has ended{others}, so there is no best one"
    first, beside = failed[0], f" and {pruned} were pruned" if pruned else ""
    how_many = f"all {len(failed)} trials" if len(failed) > 1 else "the only trial"
    return (
        f"{how_many} failed{beside}, so there is no best one; the first failure, "
        f"trial {first.number} {described(first)}:\n{error_of(first)}"
    )
