"""What a picture shows of each trial: its loss, or another number of its result."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...checks import number
from ...history import History, Status
from ...history.documents import result_of
from ...space.distributions import Array
from .axis import Axis, axis_of_numbers
from .door import best_number, numbers_of

__all__ = ["LOSS", "Target", "numbers_in_results", "result_keys", "target_of"]

Ints = NDArray[np.intp]

LOSS = "loss"


@dataclass(frozen=True)
class Target:
    """The number of each trial of a history of n trials that a picture shows.

    Attributes:
        name: what an axis calls it.
        own: whether it is something else than the loss.
        numbers: (m,) of the trials that have it.
        y: (n,) its values by number of the trial, nan where there is none.
        axis: of the values.
        best_trial: number of the trial with the lowest loss, where that trial has the value.
    """

    name: str
    own: bool
    numbers: Ints
    y: Array
    axis: Axis
    best_trial: int | None

    def refuse_none(self, what: str) -> None:
        """Raise ValueError where no trial has it."""
        if not len(self.numbers):
            its = f"the value {self.name!r:.100}" if self.own else "a loss"
            raise ValueError(f"{what} needs a trial with {its}, but none has one")


def target_of(history: History, target: Any = None, name: str | None = None) -> Target:
    """The numbers that a picture shows.

    Args:
        history: with the trials.
        target: a key of the dict that the objective returned under which numbers stand, or a
            function of that dict; None for the loss.
        name: what axes call it; None for the key, or for "target" of a function.

    Raises:
        ValueError: no such thing, a key under which no trial has a number (the message names those
            that there are), or a function that raised.
    """
    if name is not None and not isinstance(name, str):
        raise ValueError(f"`target_name` must be a text, but got {name!r:.100}")
    own = not (target is None or (isinstance(target, str) and target == LOSS))
    if not own:
        name = LOSS if name is None else name
        numbers, y = numbers_of(history, Status.OK), np.array(history.y)
    else:
        if not callable(target) and not isinstance(target, str):
            raise ValueError(
                "`target` must be a key of results, a function of a result, or None, but got "
                f"{target!r:.100}"
            )
        if name is None:
            name = target if isinstance(target, str) else "target"
        numbers, values = numbers_in_results(history, target, "`target`")
        if isinstance(target, str) and not len(numbers) and history.count(Status.OK):
            there = ", ".join(map(repr, (LOSS, *result_keys(history))))
            raise ValueError(f"no trial has a number under {target!r:.100}; there are {there:.300}")
        y = np.full(len(history), np.nan)
        y[numbers] = values
    best = best_number(history)
    best = best if best is not None and not np.isnan(y[best]) else None
    return Target(name, own, numbers, y, axis_of_numbers(name, y), best)


def numbers_in_results(
    history: History, what: str | Callable[[Mapping[str, Any]], Any], setting: str
) -> tuple[Ints, Array]:
    """Numbers of the trials whose results have a number, and these.

    Raises:
        ValueError: a function that raised.
    """
    read: Callable[[Mapping[str, Any]], Any] = what if callable(what) else lambda r: r.get(what)
    found: dict[int, float] = {}
    for trial in history:
        if trial.status is Status.OK:
            try:
                value = number(read(result_of(trial.outcome)))
            except Exception as error:
                raise ValueError(
                    f"{setting} failed on the result of trial {trial.number}: {error!r:.200}"
                ) from error
            if value is not None and not np.isnan(value):
                found[trial.number] = value
    return np.array(list(found), np.intp), np.array(list(found.values()), float)


def result_keys(history: History) -> list[str]:
    """The keys of results under which numbers stand, in the order of their appearance."""
    keys: dict[str, None] = {}
    for trial in history:
        for key, value in (trial.outcome.info if trial.outcome else {}).items():
            if number(value) is not None:
                keys[str(key)] = None
    return list(keys)
