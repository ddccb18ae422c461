"""A lease: what stands for a lock where a file system has none that other machines see.

The owner writes a file ``lease.000001.<its id>`` with who it is, and each 10 s the next number, and
deletes the one before; nothing is renamed or written over. Whoever finds another's lease watches it
for 60 s by its own clock: a lease that changes meanwhile is alive, one that does not is taken over.

Two never hold it: each writes its own file first and then looks at all of them. So of two at once,
one at least sees the other, and gives way. That needs a file system on which a list of files has
all that were written before it.
"""

from __future__ import annotations

import contextlib
import os
import random
import re
import threading
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from ..exceptions import JournalError, JournalInUse
from .files import Files
from .owner import Owner

__all__ = ["EVERY", "EXPIRES", "Lease", "holder_of"]

EVERY = 10.0  # seconds from one renewal to the next
EXPIRES = 60.0  # seconds without a renewal after which a lease is taken over
_TRIES = 5
_NAME = re.compile(r"lease\.([0-9]{6,12})\.([0-9a-f]{16})", re.ASCII)

_held: set[str] = set()  # the ids of this process's leases


class _Mark(NamedTuple):
    """One file of a lease."""

    number: int
    id: str

    @property
    def name(self) -> str:
        return f"lease.{self.number:06}.{self.id}"


def holder_of(folder: Path, files: Files) -> Owner | None:
    """Who wrote the newest file of a lease; None where there is none, or it is being written.

    Raises:
        OSError: the folder or the file cannot be read.
    """
    names = [name for name in files.names(folder) if _NAME.fullmatch(name)]
    return Owner.of(files.read_start(folder / names[-1], 4096)) if names else None


class Lease:
    """The lease of one journal.

    Args:
        folder: of the journal.
        owner: who takes it.
        files: the disk.
        clock: gives seconds that never go back; only differences count.
        pause: waits for so many seconds.
        say: shows a line to the user.

    Attributes:
        lost: why it is not held any more, None while it is.
    """

    def __init__(
        self,
        folder: Path,
        owner: Owner,
        files: Files,
        clock: Callable[[], float],
        pause: Callable[[float], None],
        say: Callable[[str], None],
    ) -> None:
        self._folder, self._owner, self._files = folder, owner, files
        self._clock, self._pause, self._say = clock, pause, say
        self._mutex = threading.RLock()
        self._number = 0
        self._renewed = 0.0
        self.lost: str | None = None

    def take(self) -> None:
        """Take the lease, which may take a little over 60 s.

        Raises:
            JournalInUse: another holds it.
            OSError: the folder cannot be read or written.
        """
        for _ in range(_TRIES):
            seen = self._free()
            self._write(max((each.number for each in seen), default=0) + 1)
            more = [each for each in self._others() if each not in seen]
            if not more:
                for each in seen:
                    self._remove(each)
                _held.add(self._owner.id)
                return
            self._remove(_Mark(self._number, self._owner.id))
            self._pause(random.uniform(0.2, 2.0))  # the other may give way, too
        raise self._in_use(self._owner_of(more[-1]))

    def renew(self) -> None:
        """Write the next number, unless somebody else has taken the lease."""
        with self._mutex, contextlib.suppress(OSError):  # then the next time
            if self.lost is None and not self._is_lost():
                before = self._number
                self._write(before + 1)
                if not self._is_lost():
                    for each in self._marks():
                        if each.id == self._owner.id and each.number <= before:
                            self._remove(each)

    def check(self) -> None:
        """Look whether the lease is still held; costs nothing while renewals are on time.

        Raises:
            JournalError: it is not, or that could not be found out for 60 s.
        """
        with self._mutex:
            if self.lost is None and self._clock() - self._renewed > 2 * EVERY:
                self.renew()  # this process was stopped for a while, or the disk was
            late = self._clock() - self._renewed
            if self.lost is None and late > EXPIRES:
                text = f"its lease could not be renewed for {late:.0f} s"
                raise JournalError(f"the journal {self._folder} may have another writer: {text}")
            if self.lost is not None:
                raise JournalError(self.lost)

    def drop(self) -> None:
        """Give the lease back."""
        with self._mutex, contextlib.suppress(OSError):
            _held.discard(self._owner.id)
            for each in self._marks():
                if each.id == self._owner.id:
                    self._remove(each)

    # -- the files

    def _marks(self) -> list[_Mark]:
        found = map(_NAME.fullmatch, self._files.names(self._folder))
        return sorted(_Mark(int(each[1]), each[2]) for each in found if each is not None)

    def _others(self) -> list[_Mark]:
        return [each for each in self._marks() if each.id != self._owner.id]

    def _write(self, number: int) -> None:
        began = self._clock()
        path = self._folder / _Mark(number, self._owner.id).name
        self._files.write_new(path, self._owner.data)
        self._number, self._renewed = number, began

    def _remove(self, mark: _Mark) -> None:
        with contextlib.suppress(OSError):
            self._files.remove(self._folder / mark.name)

    def _owner_of(self, mark: _Mark) -> Owner | None:
        """Who wrote a file; None where it is being written, or was cut off."""
        try:
            return Owner.of(self._files.read_start(self._folder / mark.name, 4096))
        except OSError:
            return None

    # -- others

    def _free(self) -> list[_Mark]:
        """The files of others, once none of them is of an owner that may live."""
        seen = self._others()
        if not seen:
            return seen
        owner = self._owner_of(seen[-1])
        if owner is not None and owner.here:
            mine = owner.pid == os.getpid() and owner.id not in _held
            if owner.lives and not mine:
                raise self._in_use(owner)
            return seen
        return self._watched(seen, owner)

    def _watched(self, seen: list[_Mark], owner: Owner | None) -> list[_Mark]:
        """Watch a lease of another machine until it is given back or has expired."""
        self._say(
            f"sparktune: waiting up to {EXPIRES:.0f} s for the journal {self._folder}: "
            f"{owner or 'an unknown process'} has its lease, and may have ended without a word"
        )
        began = self._clock()
        while self._clock() - began < EXPIRES:
            self._pause(1.0)
            now = self._others()
            if not now:
                return now
            if now[-1] != seen[-1]:
                raise self._in_use(self._owner_of(now[-1]) or owner)
        return now

    def _is_lost(self) -> bool:
        marks = self._marks()
        others = [each for each in marks if each.id != self._owner.id]
        newer = [each for each in others if each.number >= self._number]
        if newer or _Mark(self._number, self._owner.id) not in marks:
            other = self._owner_of(newer[-1]) if newer else None
            self.lost = (
                f"the journal {self._folder} was taken over by {other or 'another process'}: this "
                f"process had not renewed its lease for over {EXPIRES:.0f} s"
            )
            _held.discard(self._owner.id)
        return self.lost is not None

    def _in_use(self, owner: Owner | None) -> JournalInUse:
        who = owner or "another process, which did not say who it is"
        return JournalInUse(f"the journal {self._folder} is being written by {who}")
