"""Signs of life of a driver between its steps, as long as trials of it are under way."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from ...exceptions import StoreError
from .store import Store

__all__ = ["Presence"]


class Presence:
    """Gives signs of life in a thread, until it is ended, its record gone, or its driver another's.

    Args:
        record: whose driver it is; not kept alive by this.
        opened: opens the store; each sign of life has a connection of its own.
        driver: its name.
        owner: its process; see Store.join.
        every: seconds between two signs.
    """

    def __init__(
        self,
        record: Any,
        opened: Callable[[], AbstractContextManager[Store]],
        driver: str,
        owner: str,
        every: float,
    ) -> None:
        self._over = threading.Event()
        weakref.finalize(record, self._over.set)
        opened_of_owner = weakref.WeakMethod(opened)
        threading.Thread(
            target=_stay, args=(self._over, opened_of_owner, driver, owner, every), daemon=True
        ).start()

    def end(self) -> None:
        """Give no further sign."""
        self._over.set()


def _stay(over: threading.Event, opened: Any, driver: str, owner: str, every: float) -> None:
    while not over.wait(every):
        open_now = opened()
        if open_now is None:
            return
        try:
            with open_now() as store:
                if not store.stay(driver, owner):
                    return
        except StoreError:  # which the next step says, where it lasts
            pass
        del open_now
