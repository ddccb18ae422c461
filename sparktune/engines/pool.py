"""Threads that never keep the interpreter from ending."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

__all__ = ["DaemonPool"]


class DaemonPool:
    """A pool of daemon threads, started as they are needed.

    ``concurrent.futures.ThreadPoolExecutor`` joins its threads when the interpreter ends; an
    abandoned trial would keep the program alive for as long as it runs.

    Args:
        size: the most threads.
        thread: called as threading.Thread is; for threads that inherit what their starter has.
    """

    def __init__(self, size: int, thread: Callable[..., threading.Thread]) -> None:
        self._size = size
        self._thread = thread
        self._work: deque[tuple[Future[Any], Callable[..., Any], tuple[Any, ...]]] = deque()
        self._change = threading.Condition()
        self._threads = 0
        self._idle = 0
        self._closed = False

    def call(self, function: Callable[..., Any], *args: Any) -> Future[Any]:
        """Call ``function(*args)`` in a thread of the pool."""
        future: Future[Any] = Future()
        with self._change:
            if self._closed:
                raise RuntimeError("the pool is closed")
            self._work.append((future, function, args))
            if self._idle < len(self._work) and self._threads < self._size:
                self._threads += 1
                name = f"sparktune-{self._threads}"
                self._thread(target=self._serve, name=name, daemon=True).start()
            self._change.notify()
        return future

    def _serve(self) -> None:
        while True:
            with self._change:
                self._idle += 1
                while not self._work and not self._closed:
                    self._change.wait()
                self._idle -= 1
                if not self._work:
                    self._threads -= 1
                    self._change.notify_all()
                    return
                future, function, args = self._work.popleft()
            if not future.set_running_or_notify_cancel():
                continue
            try:
                future.set_result(function(*args))
            except BaseException as error:
                future.set_exception(error)
            del future, function, args

    def grow(self, more: int) -> None:
        """Allow more threads, in place of some that may never end their current call."""
        with self._change:
            self._size += more

    def close(self) -> None:
        """Cancel what has not begun, and let every thread end after its current call."""
        with self._change:
            self._closed = True
            for future, _, _ in self._work:
                future.cancel()
            self._work.clear()
            self._change.notify_all()

    def wait(self, seconds: float) -> bool:
        """Wait after close for all threads to end; returns whether they did within ``seconds``."""
        with self._change:
            return self._change.wait_for(lambda: self._threads == 0, seconds)
