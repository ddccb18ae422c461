"""What a store does while its database is away: it tries again for a while, and says so."""

from __future__ import annotations

import functools
import threading
import time
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from ...exceptions import StoreError

__all__ = ["FIRST_PATIENCE", "PATIENCE", "ConnectionLost", "Outages", "tried_again"]

PATIENCE = 120.0  # seconds: a restart takes some, the switch to a standby server about a minute
FIRST_PATIENCE = 10.0  # seconds, where it has never answered: its URL may be wrong
_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 1.0  # seconds between two tries


class ConnectionLost(StoreError):  # noqa: N818 (one of a family)
    """The database cannot be reached just now.

    Args:
        text: for people.
        unsure: whether what was asked for may have been done all the same, as the connection broke
            before the answer came.
    """

    def __init__(self, text: str, unsure: bool = False) -> None:
        super().__init__(text)
        self.unsure = unsure


class Outages:
    """When the database of one store was away, as all threads that use the store have seen it.

    Args:
        name: of the store.

    Attributes:
        say: is told, in a sentence, when an outage begins and ends.
        was_reached: whether the database has ever answered.
        ended: when the last outage ended, in seconds of time.monotonic; -inf for never.
    """

    def __init__(self, name: str, say: Callable[[str], None]) -> None:
        self._name, self.say = name, say
        self._lock = threading.Lock()
        self._began: float | None = None
        self._gave_up = False
        self._local = threading.local()
        self.was_reached = False
        self.ended = -float("inf")

    @property
    def unsure(self) -> bool:
        """Whether this thread tries something again that may have been done already."""
        return getattr(self._local, "unsure", False)

    def note(self, error: ConnectionLost) -> bool:
        """Take note that the database is away; gives whether to try again."""
        now = time.monotonic()
        with self._lock:
            if self._gave_up:
                return False
            patience = PATIENCE if self.was_reached else FIRST_PATIENCE
            begins = self._began is None
            if self._began is None:
                self._began = now
            self._gave_up = now - self._began > patience
            goes_on = not self._gave_up
        if begins:
            self.say(f"{error}; trying again for up to {patience:g} s")
        return goes_on

    def over(self) -> None:
        """Take note that the database answers."""
        self.was_reached = True
        if self._began is not None:  # nearly always it is, and the lock is not taken
            self._end()

    def _end(self) -> None:
        with self._lock:
            began, self._began, self._gave_up = self._began, None, False
        if began is None:
            return
        self.ended = time.monotonic()
        seconds = self.ended - began
        self.say(f"the store {self._name} answers again, after {seconds:.1f} s")

    def was_away(self) -> None:
        """Take note that this store itself gave no sign of life for long, whatever the reason."""
        self.ended = time.monotonic()

    def over_for(self, seconds: float) -> bool:
        """Whether the last outage is so long ago that others had the time to be heard again."""
        return self._began is None and time.monotonic() - self.ended >= seconds

    def trying(self, unsure: bool) -> None:
        """Say of this thread's next try whether the one before may have been done."""
        self._local.unsure = unsure


class _HasOutages(Protocol):
    outages: Outages


S = TypeVar("S", bound=_HasOutages)
F = TypeVar("F", bound=Callable[..., Any])


def tried_again(method: F) -> F:
    """Call a method of a store again while the database is away, for a time that has a limit."""

    @functools.wraps(method)
    def call(self: S, *args: Any, **options: Any) -> Any:
        pause, unsure = _FIRST_PAUSE, False
        while True:
            self.outages.trying(unsure)
            try:
                result = method(self, *args, **options)
            except ConnectionLost as error:
                unsure |= error.unsure
                if not self.outages.note(error):
                    raise
            else:
                self.outages.over()
                return result
            time.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    return call  # type: ignore[return-value]
