"""Jobs for a server that may be slow or away, in threads that nobody waits for."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any, TypeAlias

__all__ = ["Job", "Refused", "Sender"]

Job: TypeAlias = "Callable[[], Any]"
"""Does its work in steps that it may do again; raises Refused, or anything that may pass."""

_THREADS, _MOST_THREADS = 4, 12
_STUCK = 5.0  # seconds of a job after which another thread takes its place: MLflow tries for long
_FIRST_WAIT, _LONGEST_WAIT = 0.5, 5.0


class Refused(Exception):  # noqa: N818 (what the server did)
    """The server has understood and says no, so that asking again is no use."""


class Sender:
    """Does jobs in threads of its own, each again and again until the server has taken it.

    The first job is done alone, for all others need what it finds out; the last is tried once, in
    the thread of the first. A thread whose job takes long, as the server went away in the middle of
    it, is relieved by another one.

    Args:
        first: the first job.
        last: the last job, which comes when the sender is closed.

    Attributes:
        done: how many jobs the server has taken, without the first.
        refused: how many it has refused.
        refusal: what it said of the first of them; None without one.
        trouble: why the last try of a job came to nothing; None where it was taken.
        answered: when the server last took or refused something, in seconds of a clock.
        is_ready: set once the first job is done; where it was refused, nothing is.
    """

    def __init__(self, first: Job, last: Job) -> None:
        self._first, self._last = first, last
        self._change = threading.Condition()
        self._jobs: deque[Job] = deque()
        self._under_way: dict[int, float] = {}  # since when, by thread
        self._threads = 1
        self._stop, self._ended = threading.Event(), threading.Event()
        self.is_ready = threading.Event()
        self.done = self.refused = 0
        self.refusal: str | None = None
        self.trouble: str | None = None
        self.answered = self._since = time.monotonic()

    def start(self) -> None:
        """Begin with the first job."""
        self._thread(self._begin)

    def _thread(self, target: Callable[[], None]) -> None:
        thread = threading.Thread(target=target, name="sparktune-tracking", daemon=True)
        thread.start()

    def put(self, job: Job) -> None:
        """Have a job done after those that wait already; returns at once."""
        with self._change:
            if not self._jobs and not self._under_way:
                self._since = time.monotonic()
            self._jobs.append(job)
            self._relieve()
            self._change.notify()

    @property
    def left(self) -> int:
        """How many jobs wait or are under way."""
        with self._change:
            return len(self._jobs) + len(self._under_way)

    @property
    def seconds_silent(self) -> float:
        """Seconds since the server last took something, while something was to be taken."""
        waits = self.left or not self.is_ready.is_set()
        return time.monotonic() - max(self.answered, self._since) if waits else 0.0

    def drain(self, seconds: float) -> bool:
        """Wait, at most so long, until every job is done; whether that came to be."""
        deadline = time.monotonic() + seconds
        with self._change:
            while self._jobs or self._under_way or not self.is_ready.is_set():
                if self._ended.is_set():
                    return False
                remaining = deadline - time.monotonic()
                if remaining <= 0:
                    return False
                self._relieve()
                self._change.wait(min(remaining, 0.2))
        return True

    def _relieve(self) -> None:
        """Let there be enough threads, beside those that are stuck; called with the lock."""
        if not self.is_ready.is_set() or self._stop.is_set():
            return
        while self._threads < min(self._wanted, _MOST_THREADS):
            self._threads += 1
            self._thread(self._work)

    @property
    def _wanted(self) -> int:
        """How many threads there are to be."""
        before = time.monotonic() - _STUCK
        return _THREADS + sum(since < before for since in self._under_way.values())

    def close(self, seconds: float) -> None:
        """Drop the jobs that wait, and wait at most so long for the last one.

        Jobs under way end with their present try.
        """
        self._stop.set()
        with self._change:
            self._jobs.clear()
            self._change.notify_all()
        self._ended.wait(seconds)

    def _begin(self) -> None:
        if self._do(self._first):
            with self._change:
                self.is_ready.set()
                self._relieve()
                self._change.notify_all()
            self._work(is_last=True)
            self._do(self._last)
        self._ended.set()

    def _work(self, is_last: bool = False) -> None:
        """Do jobs until the sender is closed, or there are threads enough without this one."""
        me = threading.get_ident()
        while True:
            with self._change:
                while not self._jobs and not self._stop.is_set():
                    self._change.wait()
                if not self._jobs or (self._threads > self._wanted and not is_last):
                    self._threads -= 1
                    return
                job = self._jobs.popleft()
                self._under_way[me] = time.monotonic()
            taken = self._do(job)
            with self._change:
                del self._under_way[me]
                self.done += taken
                self._change.notify_all()

    def _do(self, job: Job) -> bool:
        """Do a job until it is taken, refused or no longer wanted; whether it was taken."""
        wait = _FIRST_WAIT
        while True:
            try:
                job()
            except Refused as error:
                with self._change:
                    self.refused += 1
                    self.refusal = self.refusal or str(error)
                self.answered = time.monotonic()
                return False
            except Exception as error:
                self.trouble = f"{type(error).__name__}: {error}"
            else:
                self.trouble, self.answered = None, time.monotonic()
                return True
            if self._stop.wait(wait):
                return False
            wait = min(2 * wait, _LONGEST_WAIT)
