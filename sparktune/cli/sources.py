"""Where a run is recorded that is looked into: a journal's folder, or a store."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Protocol

from ..storage.files import FILES
from ..storage.reading import Listing
from ..storage.replaying import Recorded, replay
from ..storage.stores.opening import URL_VARIABLE
from ..storage.stores.reader import StoredSearch
from .summary import Summary, summary_of

__all__ = ["JournalSource", "Source", "StoreSource", "source_of"]


class Source(Protocol):
    """Where a run is recorded.

    Attributes:
        name: for people.
        what: it is, in a word.
    """

    name: str
    what: str

    def replay(self, known: Recorded | None = None) -> Recorded:
        """What is recorded; of what was read before, the rest is read. Its id is None for nothing.

        Raises:
            JournalError: it is damaged, or cannot be reached.
        """

    def summary(self, recorded: Recorded) -> Summary:
        """What there is to say of it."""


class JournalSource:
    """A journal in a folder."""

    what = "journal"

    def __init__(self, folder: Path) -> None:
        self.name, self._folder = str(folder), folder

    def replay(self, known: Recorded | None = None) -> Recorded:
        """See Source; at the first look the folder has to be there."""
        if known is None:
            Listing(FILES, self._folder)
        return replay(self._folder, known)

    def summary(self, recorded: Recorded) -> Summary:
        """See Source."""
        return summary_of(self._folder, recorded)


class StoreSource:
    """A search in a store.

    Args:
        url: of the database; None for that of SPARKTUNE_STORE.
        exp_key: the name of the search.
    """

    what = "search"

    def __init__(self, url: str | None, exp_key: str) -> None:
        self._record = StoredSearch(url, exp_key)
        self.name = self._record.name

    def replay(self, known: Recorded | None = None) -> Recorded:
        """See Source."""
        return self._record.replay(known)

    def summary(self, recorded: Recorded) -> Summary:
        """See Source."""
        history = recorded.history
        begun = [trial.started for trial in history or () if not trial.reserved]
        alive = self._record.alive()
        return Summary(
            history, self.name, recorded.seed, 0, min(begun, default=None), None, time.time(),
            None, not alive.drivers, alive,
        )  # fmt: skip


def source_of(path: str | None, exp_key: str) -> Source:
    """A source by what the user wrote: a URL, a folder, or None for the URL of SPARKTUNE_STORE.

    Raises:
        ValueError: there is neither.
    """
    if path is None and not os.environ.get(URL_VARIABLE):
        raise ValueError(
            f"name a journal's folder or a store's URL, or set {URL_VARIABLE} to a URL"
        )
    if path is None or "://" in path:
        return StoreSource(path, exp_key)
    return JournalSource(Path(path))
