"""What keeps the runs of a dashboard up to date while somebody looks."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Protocol

from ..exceptions import JournalError
from ..telling import tell
from .watched import Source, Watched

__all__ = ["Place", "Source", "Watcher"]

EVERY = 1.0  # seconds between two looks at the runs
_ANEW = 5.0  # seconds between two looks for further runs
_BEGINNING = 0.3  # seconds for the page's first question, before other runs are read
_LONGEST = 2.0  # seconds for which reading waits for answers
_KEPT = 30.0  # seconds after the last request for which looking goes on


class Place(Protocol):
    """Where runs are recorded: a folder of journals, or a store."""

    def sources(self) -> Mapping[str, Callable[[], Source]]:
        """What opens each run there is, by a text that stays the run's.

        Raises:
            JournalError: the place cannot be read.
        """


class Watcher:
    """The runs of some places, read again and again by a thread of its own while somebody looks.

    Args:
        places: where to look for runs.

    Attributes:
        generation: how often anything has changed.
    """

    def __init__(self, places: Iterable[Place]) -> None:
        self._places = tuple(places)
        self._runs: dict[str, Watched] = {}  # by the texts of places
        self._by_key: dict[str, Watched] = {}
        self.generation = 0
        self._listeners: set[Callable[[], None]] = set()
        self._lock = threading.Lock()
        self._asked, self._answers, self._was_read = time.monotonic(), 0, False
        self._fault = ""
        self._wanted, self._closed = threading.Event(), threading.Event()
        self._find()
        self._thread = threading.Thread(target=self._watch, name="sparktune-dashboard", daemon=True)

    def start(self) -> None:
        """Begin to read; the runs are there already by their names."""
        self._wanted.set()
        self._thread.start()

    def close(self) -> None:
        """Read no more."""
        self._closed.set()
        self._wanted.set()
        if self._thread.is_alive():
            self._thread.join()

    def runs(self) -> list[Watched]:
        """All runs, in the order in which they were found."""
        self.looked_at()
        return list(self._runs.values())

    def run(self, key: str) -> Watched | None:
        """A run by its key; it has been read."""
        self.looked_at()
        found = self._by_key.get(key)
        if found is not None and not found.version:
            found.refresh()
        return found

    def looked_at(self) -> None:
        """Somebody looks: go on reading for a while."""
        self._asked = time.monotonic()
        self._wanted.set()

    def listen(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call it after each change, in another thread; gives what ends that."""
        with self._lock:
            self._listeners.add(listener)
        self.looked_at()
        return lambda: self._listeners.discard(listener)

    def look(self) -> None:
        """Read what is new in all runs, once."""
        for run in list(self._runs.values()):
            self._weigh()
            self._give_way()
            if self._closed.is_set():
                return
            is_first = not self._was_read
            if run.refresh():
                self._changed()
            self._was_read = True
            if is_first:  # the page begins with it
                self._closed.wait(_BEGINNING)

    def _weigh(self) -> None:
        for run in self._runs.values():
            if run.weigh():
                self._changed()

    @contextmanager
    def answering(self) -> Iterator[None]:
        """While somebody waits for an answer, no further run is begun to be read."""
        with self._lock:
            self._answers += 1
        try:
            yield
        finally:
            with self._lock:
                self._answers -= 1

    def _give_way(self) -> None:
        """Wait while answers are made, but not for ever."""
        until = time.monotonic() + _LONGEST
        while self._answers and time.monotonic() < until and not self._closed.is_set():
            self._closed.wait(0.01)

    def _find(self) -> None:
        """Take up runs that were not there before."""
        for at, place in enumerate(self._places):
            for text, opened in place.sources().items():
                name = f"{at}:{text}"
                if name not in self._runs:
                    run = Watched(f"r{len(self._runs)}", opened())
                    self._by_key[run.key] = run
                    self._runs = {**self._runs, name: run}
                    self._changed()

    def _watch(self) -> None:
        found = time.monotonic()
        while not self._closed.is_set():
            self._wanted.wait()
            if not self._listeners and time.monotonic() - self._asked > _KEPT:
                self._wanted.clear()
                continue
            if time.monotonic() - found > _ANEW:
                self._find_again()
                found = time.monotonic()
            self.look()
            self._closed.wait(EVERY)

    def _find_again(self) -> None:
        try:
            self._find()
            self._fault = ""
        except (JournalError, OSError) as error:  # the runs that were found stay
            if str(error) != self._fault:
                self._fault = str(error)
                tell(f"looking for runs: {error}")

    def _changed(self) -> None:
        self.generation += 1
        with self._lock:
            listeners = list(self._listeners)
        for listener in listeners:
            listener()
