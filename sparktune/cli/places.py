"""Where several runs are recorded: a folder with journals in it, or a store with its searches."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

from ..dashboard import Place
from ..exceptions import JournalError
from ..storage.files import FILES
from ..storage.reading import Listing
from ..storage.stores.opening import searches_of
from .sources import JournalSource, Source, StoreSource

__all__ = ["place_of"]

_DEEPEST = 3  # folders below the one that was named


class _Folder:
    """A journal, or a folder that has journals below it, up to three folders deep."""

    def __init__(self, path: str) -> None:
        self._folder = Path(path).expanduser()

    def sources(self) -> Mapping[str, Callable[[], Source]]:
        """See Place."""
        if not self._folder.is_dir():
            raise JournalError(f"there is no folder {self._folder}")
        found = sorted(_journals(self._folder), key=_written, reverse=True)
        if not found:
            raise JournalError(f"there is no journal in {self._folder}, nor in a folder below it")
        return {str(each): partial(JournalSource, each) for each in found}


def _written(folder: Path) -> float:
    """When a journal was last written, in seconds since the epoch; 0 where nobody can tell."""
    try:
        return max((entry.stat().st_mtime for entry in os.scandir(folder)), default=0.0)
    except OSError:
        return 0.0


def _journals(folder: Path, depth: int = 0) -> Iterator[Path]:
    """Folders that are journals; what is within one is its own."""
    try:
        if Listing(FILES, folder).numbers:
            yield folder
            return
        below = sorted(entry.name for entry in os.scandir(folder) if entry.is_dir())
    except (JournalError, OSError):
        if depth == 0:
            raise
        return  # a folder that cannot be read keeps nobody from the others
    if depth < _DEEPEST:
        for name in below:
            yield from _journals(folder / name, depth + 1)


class _Store:
    """A store, with all its searches or one."""

    def __init__(self, url: str | None, exp_key: str | None) -> None:
        self._url, self._exp_key = url, exp_key

    def sources(self) -> Mapping[str, Callable[[], Source]]:
        """See Place."""
        names = searches_of(self._url) if self._exp_key is None else [self._exp_key]
        return {name: partial(StoreSource, self._url, name) for name in names}


def place_of(path: str | None, exp_key: str | None) -> Place:
    """A place by what the user wrote: a URL, a folder, or None for the URL of SPARKTUNE_STORE.

    Args:
        path: as written.
        exp_key: in a store, the name of the one search that is meant; None for all.
    """
    return _Store(path, exp_key) if path is None or "://" in path else _Folder(path)
