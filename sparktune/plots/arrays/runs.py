"""Losses of several runs side by side, and what trials reported on their way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ...arithmetic import own_arithmetic
from ...history import History
from ...space.distributions import Array
from .axis import Axis, axis_of_numbers
from .course import WORDS
from .door import best_number, drawable, named_runs, numbers_of
from .target import target_of

__all__ = ["Distribution", "Edf", "Line", "Reports", "edf", "reports"]


@dataclass(frozen=True)
class Distribution:
    """The empirical distribution of one run's losses.

    Attributes:
        name: of the run.
        losses: (n,) ascending; some may be infinite.
        share: (n,) share of the trials with a loss that is at most this one; 1 at the last.
    """

    name: str
    losses: Array
    share: Array


@dataclass(frozen=True)
class Edf:
    """Empirical distributions of several runs.

    Attributes:
        runs: one for each.
        axis: of all losses.
    """

    runs: tuple[Distribution, ...]
    axis: Axis


@own_arithmetic
def edf(runs: Any, target: Any = None, target_name: str | None = None) -> Edf:
    """How many trials of each run have at most which loss.

    Args:
        runs: trials, a list of trials, or a dict of names and trials.
        target: another number to show than the loss; see ``target_of``.
        target_name: its name.

    Raises:
        TypeError, ValueError: no trials, a run in which no trial has a loss, or no such target.
    """
    named = named_runs(runs)
    if not named:
        raise ValueError("an empirical distribution needs at least one run, but got none")
    found = []
    for name, trials in named.items():
        history = drawable(trials)
        whose = f" of {name}" if name else ""
        shown = target_of(history, target, target_name)
        shown.refuse_none(f"an empirical distribution{whose}")
        losses = np.sort(shown.y[shown.numbers])
        share = np.searchsorted(losses, losses, "right") / len(losses)
        found.append(Distribution(name, losses, share))
    axis = axis_of_numbers(shown.name, np.concatenate([each.losses for each in found]))
    return Edf(tuple(found), axis)


@dataclass(frozen=True)
class Line:
    """What one trial reported.

    Attributes:
        number: of the trial.
        status: how it stands: "ok", "pruned", "failed", "running", ...
        steps, values: (r,) ascending steps, and the value that it reported last at each; values
            may be nan or infinite.
    """

    number: int
    status: str
    steps: Array
    values: Array


@dataclass(frozen=True)
class Reports:
    """What trials reported, a line for each that reported anything.

    Attributes:
        lines: by number.
        axis: of the values.
        best_trial: number of the best trial, where it reported anything; else None.
    """

    lines: tuple[Line, ...]
    axis: Axis
    best_trial: int | None


@own_arithmetic
def reports(trials: Any) -> Reports:
    """The intermediate values of each trial.

    Raises:
        TypeError, ValueError: no trials, or none that reported anything.
    """
    history = drawable(trials)
    lines = tuple(_line(history, n) for n in numbers_of(history).tolist() if history.reports(n))
    if not lines:
        raise ValueError(
            "no trial reported anything: an objective reports with trial.report(step, value)"
        )
    axis = axis_of_numbers("reported value", np.concatenate([each.values for each in lines]))
    best = best_number(history)
    return Reports(lines, axis, best if best in {each.number for each in lines} else None)


def _line(history: History, number: int) -> Line:
    last = dict(history.reports(number))  # of a step, the last value
    steps = sorted(last)
    values = [last[step] for step in steps]
    word = WORDS[history[number].status]
    return Line(number, word, np.array(steps, float), np.array(values, float))
