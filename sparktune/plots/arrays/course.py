"""What a search did, trial by trial: losses with the best so far, and values over trials."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...arithmetic import own_arithmetic
from ...history import History, Status
from ...space.distributions import Array
from .axis import Axis, axis_of, axis_of_numbers
from .door import MANY, best_number, drawable, most_important, numbers_of, values_of
from .target import LOSS, numbers_in_results, result_keys, target_of

__all__ = ["WORDS", "Course", "OverTrials", "Runs", "course", "over_trials", "runs_of"]

Ints = NDArray[np.intp]

WORDS: dict[Status, str] = {
    Status.OK: "ok",
    Status.PRUNED: "pruned",
    Status.FAILED: "failed",
    Status.TIMED_OUT: "timed out",
    Status.PENDING: "running",
    Status.CUT: "cut off",
    Status.CANCELLED: "cancelled",
}
"""How a trial stands, in the order of legends."""


@dataclass(frozen=True)
class Course:
    """The losses of a search, or a target, in the order of its trials, n of which have it.

    Attributes:
        numbers: (n,) numbers of the trials that have it.
        losses: (n,) their losses, which may be infinite, or their values of the target.
        best: (n,) the lowest loss so far; of a target, the value of the trial with that loss.
        best_trial: number of the best trial; None without one.
        without: by how trials without a loss stand ("pruned", "failed", "timed out", "running",
            "cut off", "cancelled"), their numbers; only where there are any.
        axis: of the losses.
        count: how many trials there are, with and without a loss.
    """

    numbers: Ints
    losses: Array
    best: Array
    best_trial: int | None
    without: dict[str, Ints]
    axis: Axis
    count: int


@own_arithmetic
def course(trials: Any, target: Any = None, target_name: str | None = None) -> Course:
    """Losses with the best so far, and who has none.

    Args:
        trials: the trials.
        target: another number to show than the loss; see ``target_of``.
        target_name: its name.

    Raises:
        TypeError, ValueError: no trials, or no such target; see ``drawable`` and ``target_of``.
    """
    history = drawable(trials)
    shown = target_of(history, target, target_name)
    numbers, losses = shown.numbers, shown.y[shown.numbers]
    without = {
        word: found
        for status, word in WORDS.items()
        if status is not Status.OK and len(found := numbers_of(history, status))
    }
    best = losses[_of_lowest(np.array(history.y[numbers]))]
    count = history.count(Status.OK) + sum(map(len, without.values()))
    return Course(numbers, losses, best, shown.best_trial, without, shown.axis, count)


def _of_lowest(losses: Array) -> Ints:
    """(n,) the place of the lowest loss up to each place, of equal ones the first."""
    lower = np.concatenate([[True], losses[1:] < np.minimum.accumulate(losses)[:-1]])[: len(losses)]
    found: Ints = np.maximum.accumulate(np.where(lower, np.arange(len(losses)), 0))
    return found


@dataclass(frozen=True)
class Runs:
    """The best so far over several runs: its mean, and how far runs are apart.

    Attributes:
        name: of these runs.
        count: how many there are.
        length: over how many trials: as many as the shortest run has.
        shortest: whether other runs have more.
        numbers: (n,) numbers of trials, from which on each run has a loss.
        mean: (n,) mean over the runs of the best so far.
        deviation: (n,) its standard deviation between runs; 0 of a single run.
    """

    name: str
    count: int
    length: int
    shortest: bool
    numbers: Ints
    mean: Array
    deviation: Array


@own_arithmetic
def runs_of(
    name: str, runs: Sequence[Any], target: Any = None, target_name: str | None = None
) -> Runs:
    """The mean and the deviation of several runs' best so far, up to the end of the shortest.

    Args:
        name: of these runs.
        runs: trials.
        target: another number to show than the loss; see ``target_of``.
        target_name: its name.

    Raises:
        TypeError, ValueError: no run, no trials, or no such target.
    """
    if not len(runs):
        raise ValueError(f"the runs of {name!r:.100} must be at least one, but there are none")
    found = [course(each, target, target_name) for each in runs]
    lengths = [each.count for each in found]
    rows = np.full((len(found), min(lengths)), np.nan)
    for row, each in zip(rows, found, strict=True):
        at = np.searchsorted(each.numbers, np.arange(len(row)), "right") - 1
        row[at >= 0] = each.best[at[at >= 0]]
    numbers = np.flatnonzero(np.isfinite(rows).all(0))
    rows = rows[:, numbers]
    scale = max(float(np.abs(rows).max(initial=0.0)), 1e-300)  # squares of large losses overflow
    spread = (rows / scale).std(0, ddof=1) * scale if len(found) > 1 else np.zeros(len(numbers))
    mean = (rows / scale).mean(0) * scale
    longer = max(lengths) > min(lengths)
    return Runs(name, len(found), min(lengths), longer, numbers, mean, spread)


@dataclass(frozen=True)
class OverTrials:
    """One quantity over the trials that have it.

    Attributes:
        axis: of the values; its label is the quantity's name.
        numbers, values: (n,) numbers of the trials, and its values there.
        best_trial: number of the best trial; None without one.
    """

    axis: Axis
    numbers: Ints
    values: Array
    best_trial: int | None


@own_arithmetic
def over_trials(trials: Any, names: Any = None) -> tuple[OverTrials, ...]:
    """Losses, labels and results over the numbers of the trials.

    Args:
        trials: the trials.
        names: a name or several: "loss", a label, or a key of the dict that the objective returned
            under which numbers stand; or a dict of names and, for each, one of these or a function
            of that dict, such as ``{"accuracy": lambda result: 1 - result["loss"]}``. None for the
            loss and all labels; of more than 20 those that matter most.

    Raises:
        TypeError, ValueError: no trials; see ``drawable``.
        ValueError: a name of nothing that is there; the message names what is.
    """
    history = drawable(trials)
    if names is None:
        names = (LOSS, *(n for n in most_important(history, MANY) if n != LOSS))
    if isinstance(names, str):
        names = (names,)
    if not isinstance(names, Mapping):
        if not isinstance(names, Iterable):
            raise ValueError(f"`names` must be names, but got {names!r:.100}")
        names = {name: name for name in names}
    if not names:
        raise ValueError("`names` must hold at least one name, but got none")
    return tuple(_one(history, str(name), what) for name, what in names.items())


def _one(history: History, name: str, what: Any) -> OverTrials:
    best, space = best_number(history), history.space
    if isinstance(what, str) and what in space.column:
        numbers = numbers_of(history)
        values = values_of(history, what, numbers)
        axis = axis_of(space.params[space.column[what]], values)
        axis = Axis(**{**vars(axis), "label": name})
        active = ~np.isnan(values)
        return OverTrials(axis, numbers[active], values[active], best)
    if what == LOSS:
        numbers = numbers_of(history, Status.OK)
        values = np.array(history.y[numbers])
        return OverTrials(axis_of_numbers(name, values), numbers, values, best)
    numbers, values = _of_results(history, what)
    return OverTrials(axis_of_numbers(name, values), numbers, values, best)


def _of_results(history: History, what: Any) -> tuple[Ints, Array]:
    """Numbers of the trials whose results have a number, and these."""
    if not callable(what) and not isinstance(what, str):
        raise ValueError(f"`names` must be names, or functions of a result, but got {what!r:.100}")
    numbers, values = numbers_in_results(history, what, "a function of `names`")
    if not len(numbers) and isinstance(what, str):
        labels = ", ".join(map(repr, history.space.labels))
        keys = result_keys(history)
        text = f"no trial has a number under {what!r:.100}; there are 'loss', the labels "
        results = f", and in results {', '.join(map(repr, keys)):.200}" if keys else ""
        raise ValueError(f"{text}{labels:.300}{results}")
    return numbers, values
