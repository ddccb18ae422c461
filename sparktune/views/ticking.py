"""Something that is done again and again beside a search, which may be silent for long."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType

__all__ = ["Ticker"]


class Ticker:
    """Calls a function every so many seconds, in a thread of its own, while its context lasts.

    Args:
        every: seconds between two calls.
        tick: is called; what it raises ends the calls and nothing else.
    """

    def __init__(self, every: float, tick: Callable[[], None]) -> None:
        self._every, self._tick = every, tick
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sparktune-progress", daemon=True)

    def _run(self) -> None:
        while not self._over.wait(min(self._every, threading.TIMEOUT_MAX)):
            try:
                self._tick()
            except Exception:  # a display that has gone must not end the search
                return

    def __enter__(self) -> Ticker:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()
