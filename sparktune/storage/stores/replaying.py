"""From the rows of a search to its history."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence

from ...exceptions import InvalidTrial, StoreError
from ...history import History, Outcome
from ...history.changed import adapted
from ...history.records import Ended, Record, Reported, Requeued, Started
from ...space.reading import from_description, value_from
from ...space.tree import Space
from ..lines import parsed
from .store import CUT, ENDED, Entry, Report, SpaceEntry

__all__ = ["HalfCut", "history_of", "records_of"]


class HalfCut(InvalidTrial):
    """A row says that its trial goes on no more, but nobody who may has cut it off."""


def history_of(
    spaces: Sequence[SpaceEntry],
    entries: Sequence[Entry],
    reports: Mapping[int, Sequence[Report]],
    outcome_of_entry: Callable[[Entry], Outcome | None],
    leave_out: Callable[[Entry, object], None],
) -> History | None:
    """The history that entries of a store stand for; None without a space.

    Args:
        spaces: in their order.
        entries: by number.
        reports: by trial.
        outcome_of_entry: gives the outcome of an entry that has ended, None for one to refuse.
        leave_out: called with an entry that is no trial, and why.

    Raises:
        StoreError: a space is damaged.
    """
    spaces = sorted(spaces, key=lambda space: space.id)
    if not spaces:
        return None
    history = History(_space_of(spaces.pop(0).space))
    for entry in entries:
        while spaces and entry.number >= spaces[0].first:
            history = _moved(history, spaces.pop(0))
        try:
            told = reports.get(entry.number, ())
            for record in records_of(history, entry, outcome_of_entry, told):
                history.apply(record)
        except (InvalidTrial, ValueError) as error:
            leave_out(entry, error)
    for space in spaces:
        history = _moved(history, space)
    return history


def _space_of(text: str) -> Space:
    try:
        return from_description(parsed(text.encode()))
    except ValueError as error:
        raise StoreError(f"the space in the store cannot be read: {error}") from None


def _moved(history: History, space: SpaceEntry) -> History:
    new = _space_of(space.space)
    if not len(history):
        return History(new)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it was said when the space was changed
        try:
            return adapted(history, new, value_from(parsed(space.defaults.encode())))
        except ValueError as error:
            raise StoreError(f"the space in the store cannot be read: {error}") from None


def records_of(
    history: History,
    entry: Entry,
    outcome_of_entry: Callable[[Entry], Outcome | None],
    reports: Sequence[Report] = (),
) -> Iterator[Record]:
    """What has to be folded into a history for a trial to stand as its entry says."""
    number = entry.number
    trial = history[number] if number < len(history) else None
    attempt, cut = 0, False
    if trial is None or trial.reserved:
        values = parsed(entry.candidate.encode())
        if type(values) is not dict:
            raise InvalidTrial(f"its candidate is {entry.candidate!r:.60}")
        yield Started([values], entry.started, [number])
    elif trial.outcome is not None or trial.apart is not None:
        return
    else:
        attempt, cut = trial.attempt, trial.cut
    while attempt < entry.attempt:
        if cut:
            yield Requeued(number, "resumed")
        attempt += 1
        cut = attempt == entry.attempt and entry.state == CUT
        yield Requeued(number, "cut" if cut else "lost")
    if cut and entry.state != CUT:
        yield Requeued(number, "resumed")
    if entry.state == CUT and not cut:
        raise HalfCut("it was cut off, and has not got its next attempt")
    if not cut:
        held = set(history.reports(number))
        for each in reports:
            if each.attempt == entry.attempt and (each.step, each.value) not in held:
                yield Reported(*each)
    if entry.state == ENDED:
        outcome = outcome_of_entry(entry)
        if outcome is not None:
            yield Ended(number, entry.attempt, outcome)
