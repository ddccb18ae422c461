"""The time limit of a trial: an exception that is raised inside the objective when its time is up.

Python drops an exception that comes while an object is finalized, or in a callback of its garbage
collection, and tells ``sys.unraisablehook``. A limit that came there rings again a little later, or
the trial would go on for ever.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import queue
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

__all__ = ["Guard", "TrialTimeout", "time_limit"]

_AGAIN = 0.01  # seconds until a limit that was dropped rings again


class TrialTimeout(BaseException):
    """Raised inside an objective when its time is up."""


class Guard:
    """Keeps the time limit of a trial from ringing in the middle of a report.

    A limit that rings in the main thread, which is the one that holds it, waits for the report's
    end; a timer for another thread takes the lock first.
    """

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.in_main = False
        self.late: BaseException | None = None

    def __enter__(self) -> None:
        if threading.current_thread() is threading.main_thread():
            self.in_main = True
        self.lock.acquire()

    def __exit__(self, *_: object) -> None:
        self.lock.release()
        if threading.current_thread() is threading.main_thread():
            self.in_main = False
            late, self.late = self.late, None
            if late is not None:
                raise late


def time_limit(seconds: float | None, guard: Guard) -> contextlib.AbstractContextManager[None]:
    """Raise TrialTimeout in this thread after so many seconds: at the next step of Python code."""
    if seconds is None:
        return contextlib.nullcontext()
    if threading.current_thread() is threading.main_thread():
        return _alarm(seconds, guard)
    return _thread_timer(seconds, guard)


class _Dropped:
    """Tells the limits of threads that Python dropped their exception."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._again: dict[int, Callable[[], object]] = {}
        self._before = sys.unraisablehook

    @contextlib.contextmanager
    def rings(self, again: Callable[[], object]) -> Iterator[None]:
        """Call ``again`` in this thread whenever a TrialTimeout of it was dropped."""
        thread = threading.get_ident()
        with self._lock:
            if not self._again:
                self._before, sys.unraisablehook = sys.unraisablehook, self._hook
            outer = self._again.get(thread)
            self._again[thread] = again
        try:
            yield
        finally:
            with self._lock:
                del self._again[thread]
                if outer is not None:
                    self._again[thread] = outer
                if not self._again and sys.unraisablehook == self._hook:
                    sys.unraisablehook = self._before

    def _hook(self, unraisable: Any) -> None:
        again = self._again.get(threading.get_ident())
        if again is not None and issubclass(unraisable.exc_type, TrialTimeout):
            again()
        else:
            self._before(unraisable)


_dropped = _Dropped()


@contextlib.contextmanager
def _alarm(seconds: float, guard: Guard) -> Iterator[None]:
    ring = functools.partial(_ring, seconds, guard)
    with _dropped.rings(functools.partial(_set_timer, _AGAIN)):
        before, began = signal.signal(signal.SIGALRM, ring), time.monotonic()
        left, interval = 0.0, 0.0
        try:
            left, interval = _set_timer(seconds)
            yield
        finally:
            _set_timer(0)
            signal.signal(signal.SIGALRM, before)
            if left:  # somebody else's timer goes on
                left = max(left - (time.monotonic() - began), 0.001)
                signal.setitimer(signal.ITIMER_REAL, left, interval)


def _set_timer(seconds: float) -> tuple[float, float]:
    return signal.setitimer(signal.ITIMER_REAL, seconds)


def _ring(seconds: float, guard: Guard, *_: Any) -> None:
    error = TrialTimeout(f"stopped after {seconds:g} s")
    if not guard.in_main:
        raise error
    guard.late = error


@contextlib.contextmanager
def _thread_timer(seconds: float, guard: Guard) -> Iterator[None]:
    thread, lock, state = threading.get_ident(), threading.Lock(), {"over": False, "rang": False}
    orders: queue.SimpleQueue[float | None] = queue.SimpleQueue()  # seconds to wait, or None: leave

    def ring() -> None:
        with guard.lock, lock:
            if not state["over"]:
                state["rang"] = True
                raise_in = ctypes.pythonapi.PyThreadState_SetAsyncExc
                raise_in(ctypes.c_ulong(thread), ctypes.py_object(TrialTimeout))

    def watch() -> None:
        wait: float | None = seconds
        while wait is not None:
            try:
                wait = orders.get(timeout=wait)
            except queue.Empty:
                ring()
                wait = orders.get()

    with _dropped.rings(lambda: orders.put(_AGAIN)):
        threading.Thread(target=watch, daemon=True).start()
        try:
            yield
        finally:
            with lock:
                state["over"] = True
            orders.put(None)
            if state["rang"]:  # let it arrive here rather than in the middle of what follows
                with contextlib.suppress(TrialTimeout):
                    for _ in range(1000):
                        time.sleep(0)
