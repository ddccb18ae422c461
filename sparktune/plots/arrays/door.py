"""What every picture begins with: the history, its labels, and a sentence where they do not do."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...history import ASIDE, History, Status
from ...history.holders import history_of
from ...importance import importance
from ...space.distributions import Array
from ...space.tree import Space

__all__ = [
    "MANY", "best_number", "chosen", "drawable", "has_label", "most_important",
    "named_runs", "numbers_of",
    "refuse_no_loss", "values_of",
]  # fmt: skip

Ints = NDArray[np.intp]

MANY = 20  # labels that are shown side by side, at most


def drawable(trials: Any) -> History:
    """The history of trials of any kind, of a Tuner, or a History itself; it has trials.

    Raises:
        TypeError: it is none of these.
        ValueError: there are no trials in it.
    """
    history = history_of(trials)
    if not len(numbers_of(history)):
        raise ValueError("there is nothing to draw: there are no trials yet")
    return history


def named_runs(runs: Any) -> dict[str, Any]:
    """Runs by name: those of a dict, "run 0" and so on of a list, "" of what is one run."""
    if isinstance(runs, Mapping):
        return {str(name): each for name, each in runs.items()}
    if isinstance(runs, (list, tuple)):
        return {f"run {place}": each for place, each in enumerate(runs)}
    return {"": runs}


def numbers_of(history: History, *statuses: Status) -> Ints:
    """Numbers of the trials with one of these statuses; by default, of all that were tried."""
    status = history.status
    if statuses:
        return np.flatnonzero(np.isin(status, statuses))
    aside = (Status.APART, Status.RESERVED)
    return np.flatnonzero(~np.isin(status, aside))


def best_number(history: History) -> int | None:
    """The number of the best trial, None without one."""
    return None if history.best is None else history.best.number


def values_of(history: History, label: str, numbers: Ints) -> Array:
    """(n,) values of a label, nan where it is inactive; a choice has the index of its option."""
    nothing = float("nan")
    return np.array([history[n].values.get(label, nothing) for n in numbers.tolist()], float)


def has_label(space: Space, label: Any) -> str:
    """A label that the space has.

    Raises:
        ValueError: it does not; the message names those that it has.
    """
    if not isinstance(label, str) or label not in space.column:
        known = ", ".join(map(repr, space.labels))
        raise ValueError(f"the space has no label {label!r:.100}; it has {known:.500}")
    return label


def chosen(labels: Any, space: Space, name: str = "labels") -> tuple[str, ...] | None:
    """The labels that somebody asked for, each once; None where nobody did.

    Raises:
        ValueError: no list of labels, an empty one, or a label that the space does not have.
    """
    if labels is None:
        return None
    if isinstance(labels, str) or not isinstance(labels, Iterable):
        raise ValueError(f"`{name}` must be a list of labels, but got {labels!r:.100}")
    found = tuple(dict.fromkeys(has_label(space, label) for label in labels))
    if not found:
        raise ValueError(f"`{name}` must hold at least one label, but got none")
    return found


def most_important(
    history: History, count: int, among: Collection[str] | None = None
) -> tuple[str, ...]:
    """The labels that matter most by PED-ANOVA, in the order of the space; of few, all.

    Where that cannot be told, such as from ten trials, those come that were active most often.
    """
    space = history.space
    labels = [label for label in space.labels if among is None or label in among]
    if len(labels) <= count:
        return tuple(labels)
    tried = history.X[~np.isin(history.status, ASIDE)]
    active = dict(zip(space.labels, (~np.isnan(tried)).sum(0).tolist(), strict=True))
    try:
        shares = dict(importance(history, "ped-anova"))
    except ValueError:  # too few trials, or losses that are all alike
        shares = {}
    order = sorted(labels, key=lambda label: (-shares.get(label, 0.0), -active[label]))
    first = set(order[:count])
    return tuple(label for label in labels if label in first)


def refuse_no_loss(history: History, what: str, least: int = 1) -> None:
    """Raise ValueError where fewer than ``least`` trials have a loss."""
    count = history.count(Status.OK)
    if count < least:
        trials = "a trial" if least == 1 else f"at least {least} trials"
        told = "none has one" if not count else f"there {'is' if count == 1 else 'are'} {count}"
        raise ValueError(f"{what} needs {trials} with a loss, but {told}")
