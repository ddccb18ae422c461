"""What a history is made of: records, one for each thing that happens to trials.

A history is what folding its records gives. ``KINDS`` has the names of the five kinds, by which a
reader refuses one that it does not know; "paused" is only a name so far.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from ..space.tree import Values
from .trial import Outcome

__all__ = ["KINDS", "Ended", "Record", "Reported", "Requeued", "Started"]


@dataclass(frozen=True)
class Started:
    """Trials were begun, all of one batch.

    Attributes:
        values: of each trial, in the order of their numbers.
        now: seconds since the epoch.
        numbers: of the trials, where they are not simply the next ones.
    """

    values: Sequence[Values]
    now: float
    numbers: Sequence[int] = ()


@dataclass(frozen=True)
class Reported:
    """A running trial reported an intermediate value; in a search an event, too."""

    number: int
    attempt: int
    step: int
    value: float


@dataclass(frozen=True)
class Requeued:
    """A trial goes into its next attempt, or begins the one that it was left in.

    Attributes:
        number: of the trial.
        why: "lost" (with its executor), "cut" (by the end of its run: it waits for a run that
            resumes it) or "resumed" (by a run; the attempt stays).
    """

    number: int
    why: str


@dataclass(frozen=True)
class Ended:
    """A trial has an outcome."""

    number: int
    attempt: int
    outcome: Outcome


Record: TypeAlias = Started | Reported | Requeued | Ended

KINDS = {
    "started": Started,
    "reported": Reported,
    "requeued": Requeued,
    "paused": None,
    "ended": Ended,
}
