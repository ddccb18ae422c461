"""What a search did, trial by trial: losses with the best so far, and values over trials."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...arithmetic import own_arithmetic
from ...checks import number
from ...history import History, Status
from ...history.documents import result_of
from ...space.distributions import Array
from .axis import Axis, axis_of, axis_of_numbers
from .door import MANY, best_number, drawable, most_important, numbers_of, values_of

__all__ = ["LOSS", "WORDS", "Course", "OverTrials", "course", "over_trials"]

Ints = NDArray[np.intp]

LOSS = "loss"
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
    """The losses of a search in the order of its trials, n of which have one.

    Attributes:
        numbers: (n,) numbers of the trials with a loss.
        losses: (n,) their losses, which may be infinite.
        best: (n,) the lowest loss so far.
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
def course(trials: Any) -> Course:
    """Losses with the best so far, and who has none.

    Raises:
        TypeError, ValueError: no trials; see ``drawable``.
    """
    history = drawable(trials)
    numbers = numbers_of(history, Status.OK)
    losses = np.array(history.y[numbers])
    without = {
        word: found
        for status, word in WORDS.items()
        if status is not Status.OK and len(found := numbers_of(history, status))
    }
    best = np.minimum.accumulate(losses) if len(losses) else losses
    axis = axis_of_numbers(LOSS, losses)
    count = len(numbers) + sum(map(len, without.values()))
    return Course(numbers, losses, best, best_number(history), without, axis, count)


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
    read: Callable[[Mapping[str, Any]], Any] = what if callable(what) else lambda r: r.get(what)
    found: dict[int, float] = {}
    for trial in history:
        if trial.status is Status.OK:
            value = number(read(result_of(trial.outcome)))
            if value is not None:
                found[trial.number] = value
    if not found and isinstance(what, str):
        raise ValueError(_unknown(history, what))
    return np.array(list(found), np.intp), np.array(list(found.values()), float)


def _unknown(history: History, name: str) -> str:
    keys: dict[str, None] = {}
    for trial in history:
        for key, value in (trial.outcome.info if trial.outcome else {}).items():
            if number(value) is not None:
                keys[str(key)] = None
    labels = ", ".join(map(repr, history.space.labels))
    text = f"no trial has a number under {name!r:.100}; there are 'loss', the labels {labels:.300}"
    return f"{text}{', and in results ' if keys else ''}{', '.join(map(repr, keys)):.200}"
