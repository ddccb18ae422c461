"""What a journal holds: its records, read back into a history."""

from __future__ import annotations

import functools
import gc
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..arithmetic import own_arithmetic
from ..exceptions import InvalidTrial, JournalError
from ..history import ENDED, History
from ..history.changed import adapted
from ..plurals import plural
from ..space.reading import from_description, value_from
from .attachments import keeps_any, stored
from .files import FILES, REMEDY
from .lock import writer_of
from .owner import boot
from .reading import Listing, name_of, read
from .records import moment_of, record_of

__all__ = ["Recorded", "left_in", "remaining", "replay", "torn_words"]


@dataclass
class Recorded:
    """What a journal holds.

    Attributes:
        history: the trials, None before the first run.
        seed: the whole number from which all randomness comes, None before the first run.
        count: how many records there are.
        id: the journal's own id, None where there is none yet.
        runs: how many runs and steps by hand with a seed have begun.
        begun: when the first of them did, in seconds since the epoch; None before it.
        closed: whether the last writer closed the journal; see ``reading.Reading``.
        torn: what was left out of the last file, or is being written; see ``fragment`` there.
        serial_on: the boot of the machine on which the last run is, or was, where it evaluates one
            trial after the other in its own process; "" where it does not, or nobody knows.
        lost: by number of a trial, how often the process of such a run has ended under it.
    """

    history: History | None = None
    seed: int | None = None
    count: int = 0
    id: str | None = None
    runs: int = 0
    begun: float | None = None
    closed: bool = False
    torn: str | None = None
    serial_on: str = ""
    lost: Counter[int] = field(default_factory=Counter)


@contextmanager
def _no_collection() -> Iterator[None]:
    """Keep the garbage collector from going through all that was read, again and again."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


@own_arithmetic
@_no_collection()
def replay(folder: Path, known: Recorded | None = None) -> Recorded:
    """Read a journal, while a run goes on or not. Runs no code of what is in it.

    Args:
        folder: of the journal; one that is not there yet, or is empty, holds nothing.
        known: what was read of it before: what was written since is added to it, at the cost of
            that and of a pass over the last file. Where another journal lies in the folder by now,
            the whole of that is read.

    Raises:
        JournalError: it is damaged, or none; the message has the file and the line.
    """
    found = known or Recorded()
    if not folder.exists() or (folder.is_dir() and _is_empty(folder)):
        _refuse_lost(folder)
        return Recorded()
    other = functools.partial(stored, folder)
    reading = read(folder, found.count)
    for data in reading:
        if found.id not in (None, reading.id):
            return replay(folder)
        found.id = reading.id
        try:
            _fold(found, data, other)
        except (JournalError, InvalidTrial, ValueError) as error:
            raise JournalError(f"{folder}, record {found.count}: {error}") from None
        found.count += 1
    if found.id not in (None, reading.id):
        return replay(folder)
    found.id, found.closed, found.torn = reading.id, reading.closed, reading.fragment
    if not found.count:
        _refuse_lost(folder)
    return found


def torn_words(folder: Path, recorded: Recorded) -> str | None:
    """That the last record is torn; None where it is not, or where somebody may be writing it.

    Args:
        folder: of the journal.
        recorded: what was just read of it.
    """
    if recorded.torn is None or writer_of(folder) is not None:
        return None
    rest = remaining(recorded)
    return f"the journal's last record is torn, and is left out ({recorded.torn}){rest}"


def remaining(recorded: Recorded) -> str:
    """How many trials there are without a torn record, as the end of a sentence."""
    count = 0 if recorded.history is None else recorded.history.count(*ENDED)
    return f": {plural(count, 'ended trial remains', 'ended trials remain')}"


def _is_empty(folder: Path) -> bool:
    """Whether a folder has no file of records; a list made while some come and go may lack all."""
    return not any(folder.glob("*.jsonl")) and not Listing(FILES, folder).numbers


def _refuse_lost(folder: Path) -> None:
    """Refuse a folder without a record that has had some.

    Raises:
        JournalError: parts of results are there, which are written after the first record.
    """
    if keeps_any(folder):
        raise JournalError(
            f"{folder / name_of(1)}: this file is missing or empty, but "
            f"{folder / 'attachments'} has parts of results: {REMEDY}"
        )


def _fold(found: Recorded, data: Mapping[str, Any], other: Callable[[Any], Any]) -> None:
    kind = data.get("kind")
    if kind == "space":
        space = from_description(data.get("space"))
        if found.history is None or not len(found.history):
            found.history = History(space)
        else:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # it was said when the space was changed
                found.history = adapted(found.history, space, value_from(data.get("defaults")))
        return
    if kind == "run":
        seed = data.get("seed")
        if type(seed) is not int or seed < 0:
            raise JournalError(f"the seed of a run is {seed!r:.60}")
        found.seed = seed
        found.runs += 1
        machine = data.get("boot") if data.get("serial") is True else ""
        found.serial_on = machine if isinstance(machine, str) else ""
        if type(number := data.get("lost")) is int:
            found.lost[number] += 1
        if found.begun is None and "now" in data:
            found.begun = moment_of(data["now"])
        return
    if found.history is None:
        raise JournalError(f"a record of the kind {kind!r:.60} before the space")
    found.history.apply(record_of(data, other))


def left_in(recorded: Recorded) -> int | None:
    """The trial in which the last run was when its process ended; None where nobody can tell.

    A machine that was started anew since has ended the process itself. Of trials under way a serial
    run evaluates the first.
    """
    ended_here = not recorded.closed and recorded.serial_on == boot() != ""
    pending = [] if recorded.history is None or not ended_here else recorded.history.pending
    return pending[0].number if pending else None
