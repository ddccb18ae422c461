"""Why trials failed, in words."""

from __future__ import annotations

from .history import History
from .trial import Status, Trial

__all__ = ["error_of", "failure_text"]


def error_of(trial: Trial) -> str:
    """Why a trial failed, and the last that it printed."""
    outcome = trial.outcome
    text = (outcome.error if outcome is not None else None) or "no reason was given"
    if outcome is None or not outcome.log_tail:
        return text
    return f"{text.rstrip()}\nthe last it printed:\n{outcome.log_tail.rstrip()}"


def failure_text(history: History | None) -> str:
    """Why there is no best trial: how many failed, and the first of them with its parameters."""
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
        f"trial {first.number} with {dict(first.values)!r}:\n{error_of(first)}"
    )
