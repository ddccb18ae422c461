"""The journal of a search: its records in a folder, written before anybody sees what they say."""

from __future__ import annotations

import functools
import gc
import os
import platform
import threading
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from ..arithmetic import own_arithmetic
from ..checks import advise
from ..exceptions import InvalidTrial, JournalError
from ..history import ENDED, History
from ..history.changed import adapted
from ..history.records import Record, Reported
from ..history.trial import Trial
from ..space.described import describe, described
from ..space.reading import from_description, value_from
from ..space.tree import Space
from .attachments import keep, keeps_any, stored
from .files import FILES
from .lines import REMEDY
from .lock import WriterLock, writer_of
from .owner import boot
from .reading import Listing, name_of
from .records import record_of, written
from .segments import Segments, read

__all__ = ["Journal", "Recorded", "folder_of", "replay", "torn_words"]

_REPORTS_WAIT = 1.0  # seconds at most
_TOGETHER = 256  # records that are written with one sync, where several are known


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


def folder_of(path: Any) -> Path:
    """The folder of a journal as an absolute path, without a ``~`` for the user's home.

    Raises:
        TypeError: it is no path.
        ValueError: nothing can have this name.
    """
    text = os.fspath(path) if isinstance(path, (str, os.PathLike)) else None
    if not isinstance(text, str):
        raise TypeError(f"`journal` must be the path of a folder, but got {path!r:.100}")
    if not text.strip() or "\0" in text:
        raise ValueError(f"`journal` must be the path of a folder, but got {path!r:.100}")
    if "://" in text:
        raise ValueError(
            "`journal` must be the path of a folder, but got a URL: that is of a store, as in "
            "Trials(store=...), StoreTrials(...) and StoreTrials.load(...)"
        )
    return Path(text).expanduser().absolute()


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
    rest = _remaining(recorded)
    return f"the journal's last record is torn, and is left out ({recorded.torn}){rest}"


def _remaining(recorded: Recorded) -> str:
    """How many trials there are without a torn record, as the end of a sentence."""
    count = 0 if recorded.history is None else recorded.history.count(*ENDED)
    return f": {count} ended trial{' remains' if count == 1 else 's remain'}"


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
        now = data.get("now")
        if found.begun is None and isinstance(now, (int, float)):
            found.begun = float(now)
        return
    if found.history is None:
        raise JournalError(f"a record of the kind {kind!r:.60} before the space")
    found.history.apply(record_of(data, other))


def _left_in(recorded: Recorded) -> int | None:
    """The trial in which the last run was when its process ended; None where nobody can tell.

    A machine that was started anew since has ended the process itself. Of trials under way a serial
    run evaluates the first.
    """
    ended_here = not recorded.closed and recorded.serial_on == boot() != ""
    pending = [] if recorded.history is None or not ended_here else recorded.history.pending
    return pending[0].number if pending else None


class Journal:
    """Keeps the records of a search in a folder; a Sink of its history.

    One process at a time writes; any number read.

    Args:
        folder: made where it is not there.

    Attributes:
        folder: as an absolute path.
        seed: that is recorded, None before the first run.
    """

    def __init__(self, folder: Any) -> None:
        self.folder = folder_of(folder)
        self._mutex = threading.RLock()
        self._segments: Segments | None = None
        self._count = -1  # records as of the last writing
        self._is_empty = True
        self.seed: int | None = None
        self._space: Space | None = None
        self._lost: Counter[int] = Counter()
        self._left_in: int | None = None  # the trial in which the process before this one ended
        self._notes: list[dict[str, Any]] = []
        self._timer: threading.Timer | None = None
        self._failed: Exception | None = None
        self._files = 0
        self._said = self._said_lost = False

    @property
    def name(self) -> str:
        """For people."""
        return f"the journal {self.folder}"

    @property
    def search_id(self) -> str:
        """The random id of the journal; "" before its first writing."""
        if self._segments is not None:
            return self._segments.id
        return replay(self.folder).id or ""

    def replay(self) -> Recorded:
        """What is recorded; see ``replay``."""
        return replay(self.folder)

    def __getstate__(self) -> dict[str, Any]:
        return {"folder": self.folder}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["folder"])  # type: ignore[misc]

    @contextmanager
    def writing(self, known: History | None, anew: bool) -> Iterator[Recorded]:
        """Be the one writer; gives what is recorded.

        Args:
            known: the history as of this journal's last writing, None without one: it is what is
                recorded, unless others have written since.
            anew: whether to read what is recorded in any case.

        Raises:
            JournalInUse: another process, or another run of this one, writes.
            JournalError: the journal is damaged, or cannot be written.
        """
        with WriterLock(self.folder) as lock:
            self._lock = lock
            segments = Segments(self.folder, remaining=lambda: _remaining(self.replay()))
            segments.open()
            try:
                recorded = Recorded(known, self.seed, segments.count)
                if anew or segments.count != self._count or known is None:
                    recorded = replay(self.folder) if segments.count else Recorded()
                    recorded.history = known if recorded.history is None else recorded.history
                    self._lost, self._left_in = recorded.lost, _left_in(recorded)
                self.seed, self._is_empty = recorded.seed, not segments.count
                self._segments = segments
                yield recorded
            finally:
                try:
                    self._flush()
                finally:
                    self._count, self._segments = segments.count, None
                    segments.close()

    def begin(self, history: History, changed: bool, defaults: Mapping[str, Any]) -> None:
        """Keep what a history records from now on; what it holds, where nothing is kept yet.

        Args:
            history: whose records are kept.
            changed: whether it goes on in another space than what is kept.
            defaults: by which it was adapted to that.
        """
        self._space = history.space
        if self._is_empty:
            self._write([{"kind": "space", "space": describe(history.space)}])
            records = history.records()
            while some := list(islice(records, _TOGETHER)):
                self._write([self._written(record) for record in some])
        elif changed:
            told = {"space": describe(history.space), "defaults": described(dict(defaults))}
            self._write([{"kind": "space", **told}])
        history.sink = self

    def note_run(self, seed: int, serial: bool = False) -> None:
        """Record that a run begins, and in which trial the one before was when its process ended.

        Args:
            seed: of the run.
            serial: whether it evaluates one trial after the other in this process.
        """
        told: dict[str, Any] = {"host": platform.node(), "boot": boot(), "pid": os.getpid()}
        told |= {"python": platform.python_version(), "serial": serial}
        if self._left_in is not None:
            told["lost"] = self._left_in
        self._write([{"kind": "run", "seed": seed, "now": time.time(), **told}])
        self.seed = seed
        if self._left_in is not None:
            self._lost[self._left_in] += 1
            self._left_in = None

    def append(self, record: Record) -> None:
        """Keep a record, and the reports that wait; see Sink."""
        self._write([self._written(record)])

    def _written(self, record: Record) -> dict[str, Any]:
        if self._space is None:
            raise JournalError("the journal has no space yet")
        return written(record, self._space, functools.partial(self._keep, record))

    def note(self, record: Reported) -> None:
        """Keep a report with the next record, at most a second later; see Sink."""
        with self._mutex:
            self._notes.append(self._written(record))
            if self._timer is None:
                self._timer = threading.Timer(_REPORTS_WAIT, self._flush_late)
                self._timer.daemon = True
                self._timer.start()

    def reserve(self, first: int, k: int, max_evals: int | None) -> Sequence[int]:  # noqa: ARG002
        """The next numbers: there is one writer; see Sink."""
        return range(first, first + k)

    def refresh(self, history: History) -> list[Record]:  # noqa: ARG002
        """Nothing: there is one writer; see Sink."""
        return []

    def left(self, history: History) -> list[Trial]:
        """All pending trials: there is one writer; see Sink."""
        return history.pending

    def lost(self, number: int) -> int:
        """How often the process of a serial run has ended under a trial; see Sink."""
        return self._lost[number]

    def listen(self, wake: Callable[[], None], max_evals: int | None) -> None:
        """Do nothing: there is one writer; see Sink."""

    def _write(self, records: list[dict[str, Any]]) -> None:
        with self._mutex:
            if self._failed is not None:
                failed, self._failed = self._failed, None
                raise failed
            if self._segments is None:
                raise JournalError(f"{self.folder} is not open: no run or step is going on")
            self._lock.check()
            self._segments.append([*self._notes, *records])
            self._notes.clear()

    def _flush(self) -> None:
        """Write the reports that wait."""
        with self._mutex:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            if self._notes and self._segments is not None:
                self._write([])

    def _flush_late(self) -> None:
        try:
            with self._mutex:
                self._timer = None
                self._flush()
        except Exception as error:  # of the next record, which somebody waits for
            self._failed = error

    def _keep(self, record: Any, thing: Any) -> Any:
        """Put a part of a result into a file beside the records."""
        self._files += 1
        found = keep(thing, self.folder, record.number, record.attempt, self._files)
        if "lost" in found and not self._said_lost:
            self._said_lost = True
            advise(
                f"of what trial {record.number} returned beside its loss the journal does not have "
                f"a {found['type']}: {found['lost']}",
                raises=False,
            )
        elif "lost" not in found and not self._said:
            self._said = True
            advise(
                f"a trial's result holds more than plain data ({type(thing).__name__}): the "
                f"journal keeps such things as files in {self.folder / 'attachments'}; after a "
                "restart, load() of what stands in their place reads them",
                raises=False,
            )
        return found
