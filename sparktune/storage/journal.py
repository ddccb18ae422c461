"""The journal of a search: its records in a folder, written before anybody sees what they say."""

from __future__ import annotations

import functools
import os
import platform
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

from ..checks import advise
from ..exceptions import JournalError
from ..history import History
from ..history.records import Record, Reported
from ..history.trial import Trial
from ..space.described import describe, described
from ..space.tree import Space
from .attachments import keep
from .lock import WriterLock, writer_of
from .owner import boot
from .records import written
from .replaying import Recorded, left_in, remaining, replay
from .segments import Segments

__all__ = ["Journal", "folder_of"]

_REPORTS_WAIT = 1.0  # seconds at most
_TOGETHER = 256  # records that are written with one sync, where several are known


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
    def is_written(self) -> bool:
        """Whether a process that lives writes it."""
        return writer_of(self.folder) is not None

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
            segments = Segments(self.folder, remaining=lambda: remaining(self.replay()))
            segments.open()
            try:
                recorded = Recorded(known, self.seed, segments.count)
                if anew or segments.count != self._count or known is None:
                    recorded = replay(self.folder) if segments.count else Recorded()
                    recorded.history = known if recorded.history is None else recorded.history
                    self._lost, self._left_in = recorded.lost, left_in(recorded)
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
