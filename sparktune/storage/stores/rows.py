"""What is wrong with rows of a store, where somebody else than a driver or worker wrote them.

Databases hold what they are given: SQLite keeps a text in a column of numbers, both keep any text
as JSON. So each row is looked at before anything is done with it.
"""

from __future__ import annotations

from typing import Any

from .store import CUT, ENDED, OWN, QUEUED, RESERVED, RUNNING, Entry, Report, SpaceEntry

__all__ = ["fault_of", "fault_of_report", "fault_of_space"]

_STATES = frozenset({RESERVED, QUEUED, RUNNING, OWN, CUT, ENDED})
_TEXTS = ("candidate", "config", "job", "proof", "outcome_proof", "worker", "driver")
_MOST = 2**53
_ATTEMPTS = 10_000  # each is a record when a history is made of it
_TIMES = (-6e10, 2.4e11)  # seconds since the epoch, of the years that datetime knows


def fault_of(entry: Entry) -> str | None:
    """What is wrong with a trial, as the end of a sentence; None if nothing is."""
    if not _is_whole(entry.number, _MOST):
        return f"its number is {entry.number!r:.60}"
    if not _is_whole(entry.attempt, _ATTEMPTS):
        return f"its attempt is {entry.attempt!r:.60}"
    if not _is_whole(entry.lost, _MOST):
        return f"it was lost {entry.lost!r:.60} times"
    if not isinstance(entry.state, str) or entry.state not in _STATES:
        return f"its state is {entry.state!r:.60}"
    if type(entry.started) not in (int, float) or not _TIMES[0] <= entry.started <= _TIMES[1]:
        return f"it began at {entry.started!r:.60}"
    for name in _TEXTS:
        if type(getattr(entry, name)) is not str:
            return f"its {name} is {getattr(entry, name)!r:.60}, and no text"
    if entry.outcome is not None and type(entry.outcome) is not str:
        return f"its outcome is {entry.outcome!r:.60}, and no text"
    return None


def fault_of_report(report: Report) -> str | None:
    """What is wrong with a report; None if nothing is."""
    number, attempt, step, value = report
    if not (_is_whole(number, _MOST) and _is_whole(attempt, _ATTEMPTS)):
        return f"it is of trial {number!r:.60}, attempt {attempt!r:.60}"
    if type(step) is not int or abs(step) >= 2**62:
        return f"its step is {step!r:.60}"
    return None if type(value) is float else f"its value is {value!r:.60}"


def fault_of_space(space: SpaceEntry) -> str | None:
    """What is wrong with the row of a space; None if nothing is."""
    if not (_is_whole(space.id, _MOST) and _is_whole(space.first, _MOST)):
        return f"it is the {space.id!r:.60}th, from trial {space.first!r:.60} on"
    for name in ("space", "defaults", "proof"):
        if type(getattr(space, name)) is not str:
            return f"its {name} is {getattr(space, name)!r:.60}, and no text"
    return None


def _is_whole(value: Any, most: int) -> bool:
    return type(value) is int and 0 <= value <= most
