"""Reading a journal while somebody writes it: which files it is made of, and their records.

The files are ``000001.jsonl``, ``000002.jsonl``, ... Where a file had to be written anew, its
newer generation is ``000002.g0002.jsonl``: the newest that is whole counts, and the older ones are
about to be deleted. A file that several were merged into has the number of the first of them, and
says in its head up to which it goes; what is left of the others does not count.
"""

from __future__ import annotations

import contextlib
import errno
import math
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from ..checks import whole
from ..exceptions import JournalError
from .files import FILES, REMEDY, Files
from .lines import CLOSED, Damage, Head, Walk, import_sentence, object_of

__all__ = ["Listing", "Reading", "Source", "explained", "name_of", "read", "read_back"]

_NAME = re.compile(r"([0-9]{6,12})(?:\.g([0-9]{4,12}))?\.jsonl", re.ASCII)
_GONE = {errno.ENOENT, errno.ESTALE}
_TRIES = 100


def read(folder: str | os.PathLike[str], since: int = 0, *, files: Files = FILES) -> Reading:
    """The records of a journal, as dicts, in their order; any number of readers, without a lock.

    It costs about 3 microseconds for a short record, and the memory of one. Records that a writer
    adds meanwhile may come, too. What a writer's ``append`` returned for before is always there.
    Nothing is warned of: that the last record is torn is how a journal looks while it is written,
    and only its writer can tell (``Segments.open`` warns). See ``Reading.torn`` and ``closed``.

    Args:
        folder: of the journal.
        since: number of the first record wanted, 0 for the first of all. Files that end before
            it are not opened.
        files: the disk.

    Raises:
        JournalError: when it is iterated over: there is no journal, or it was damaged; the message
            has the file and the line.
    """
    return Reading(Path(folder), whole("since", since, least=0), files)


class Source(NamedTuple):
    """One file that counts.

    Attributes:
        number: of the segment.
        generation: 1 for the first.
        path: of the file.
        torn_allowed: whether its end may be torn.
        left_out: a newer generation that is not whole, None where there is none.
    """

    number: int
    generation: int
    path: Path
    torn_allowed: bool
    left_out: Path | None = None


def name_of(number: int, generation: int = 1) -> str:
    """The name of a file."""
    return f"{number:06}.jsonl" if generation == 1 else f"{number:06}.g{generation:04}.jsonl"


class Listing:
    """The files of a journal's folder.

    Raises:
        JournalError: it cannot be read, or is no folder.
    """

    def __init__(self, files: Files, folder: Path) -> None:
        self._files, self.folder = files, folder
        names = self._names()
        for _ in range(_TRIES):  # a list that was made while files come and go may lack both
            before, names = names, self._names()
            if names == before:
                break
        self.generations: dict[int, list[int]] = {}
        for name in names:
            found = _NAME.fullmatch(name)
            if found is not None and name == name_of(int(found[1]), int(found[2] or 1)):
                self.generations.setdefault(int(found[1]), []).append(int(found[2] or 1))
        for each in self.generations.values():
            each.sort()
        self.numbers = sorted(self.generations)

    def _names(self) -> list[str]:
        try:
            return [name for name in self._files.names(self.folder) if _NAME.fullmatch(name)]
        except NotADirectoryError:
            raise JournalError(self._no_folder()) from None
        except FileNotFoundError:
            raise JournalError(f"there is no journal at {self.folder}") from None
        except OSError as error:
            raise JournalError(f"{self.folder} cannot be read: {explained(error)}") from None

    def _no_folder(self) -> str:
        try:
            start = self._files.read_start(self.folder, 64)
        except OSError:
            start = b""
        text = import_sentence(start, self.folder)
        return f"{self.folder}: {text or 'a journal is a folder, but this is a file'}"

    def path(self, number: int, generation: int) -> Path:
        """Of a file."""
        return self.folder / name_of(number, generation)

    def source(self, number: int) -> Source:
        """Which of a segment's files counts; costs a pass over them where there are several."""
        last, left_out = number == self.numbers[-1], None
        newest, *older = reversed(self.generations[number])
        if not older:
            return Source(number, newest, self.path(number, newest), last and newest == 1)
        for generation in (newest, *older):
            path = self.path(number, generation)
            if generation == 1:
                return Source(number, 1, path, last, left_out)
            if self._is_whole(path):
                return Source(number, generation, path, False, left_out)
            left_out = left_out or path
        return Source(number, newest, self.path(number, newest), False)

    def _is_whole(self, path: Path) -> bool:
        walk = Walk(self._files, path)
        try:
            walk.finish()
        except Damage:
            return False
        return walk.state is not None

    def next(self, number: int, head: Head) -> int | None:
        """The segment after one, None for the last.

        Raises:
            Damage: it is missing; or what this one replaces is of another journal.
        """
        self.refuse_foreign(number, head)
        wanted = number + 1 if head.through is None else head.through + 1
        if wanted <= number:
            path = self.path(number, self.generations[number][-1])
            raise Damage(path, 1, f"`through` must be at least {number}, but got {head.through}")
        if wanted > self.numbers[-1]:
            return None
        if wanted not in self.generations:
            raise self.missing(wanted)
        return wanted

    def refuse_foreign(self, number: int, head: Head) -> None:
        """Look at files that a segment's newest replaces, which are about to be deleted.

        Raises:
            Damage: one of them is of another journal, or the newest one is.
        """
        through = number if head.through is None else head.through
        replaced = [self.path(number, each) for each in self.generations[number][:-1]]
        for other in self.numbers:
            if number < other <= through:
                replaced += [self.path(other, each) for each in self.generations[other]]
        for path in replaced:
            walk = Walk(self._files, path)
            with contextlib.suppress(Damage, FileNotFoundError):  # half a file, or gone meanwhile
                for _ in walk:
                    break
            if walk.head is not None and walk.head.id != head.id:
                newest = self.path(number, self.generations[number][-1])
                text = f"the file is of another journal ({walk.head.id}) than {newest.name}"
                raise Damage(path, 1, f"{text}, which replaces it ({head.id})")

    def drop_last(self) -> None:
        """Leave the last segment out."""
        del self.generations[self.numbers.pop()]

    def missing(self, number: int) -> Damage:
        """That a segment is missing."""
        others = f"{name_of(self.numbers[-1])} is there"
        return Damage(self.path(number, 1), None, f"this file is missing, but {others}: {REMEDY}")


class Reading(Iterator[dict[str, Any]]):
    """The records of a journal, one after the other.

    Attributes:
        count: number of the next record, which is how many there are when all were read.
        torn: at the end, what was left out of the last file: a record that was being written, or
            whose writer was killed. None where nothing was.
        fragment: the same, but None as well where not a byte of the file was written.
        closed: at the end, whether the last writer closed the journal. If not, somebody is
            writing it, or was killed, or its last lines or files were taken away.
        id: the journal's own id, known once the first record was read.
    """

    def __init__(self, folder: Path, since: int, files: Files) -> None:
        self._folder, self._files = folder, files
        self.count = since
        self.torn: str | None = None
        self.fragment: str | None = None
        self.closed = False
        self.id: str | None = None
        self._records = self._all()

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return self._records

    def __next__(self) -> dict[str, Any]:
        return next(self._records)

    def _all(self) -> Iterator[dict[str, Any]]:
        failed = None
        for _ in range(_TRIES):
            try:
                yield from self._pass(None if failed is None else failed[0][0])
                return
            except Damage as damage:  # or the writer mended or replaced the file meanwhile
                if failed == (damage.spot, self.count):
                    raise JournalError(damage.sentence) from None
                failed = damage.spot, self.count
            except OSError as error:
                if error.errno not in _GONE:
                    raise JournalError(
                        f"{error.filename or self._folder} cannot be read: {explained(error)}"
                    ) from None
        raise JournalError(f"the files of {self._folder} change faster than they can be read")

    def _pass(self, failed: Path | None) -> Iterator[dict[str, Any]]:
        """The records from the next on; also past the damage that a pass before met in a file."""
        listing = Listing(self._files, self._folder)
        if not listing.numbers:
            raise JournalError(f"{self._folder} holds no journal")
        number: int | None = self._begin(listing, failed)
        expected = 0 if number == 1 else None
        while number is not None:
            source = listing.source(number)
            walk = Walk(self._files, source.path, source.torn_allowed)
            yield from self._of_file(walk, expected)
            if walk.head is None:
                number = None
            else:
                number, expected = self._after(listing, source, walk, walk.head)
            self.torn = walk.torn
            if source.left_out is not None and number is None:
                self.torn = self.torn or f"{source.left_out}: the file is not whole"
        self.closed = walk.state == CLOSED and self.torn is None
        is_empty = self.torn is None or not self._files.size(source.left_out or source.path)
        self.fragment = None if is_empty else self.torn

    def _begin(self, listing: Listing, failed: Path | None) -> int:
        """The last file that begins at the next record or before it; not after one that failed."""
        most = math.inf if failed is None else int(failed.name.partition(".")[0])
        if self.count:
            for number in reversed([each for each in listing.numbers if each <= most]):
                head = self._head(listing, number)
                if head is not None and head.first <= self.count:
                    return number
        if listing.numbers[0] != 1:
            raise listing.missing(1)
        return 1

    def _head(self, listing: Listing, number: int) -> Head | None:
        source = listing.source(number)
        walk = Walk(self._files, source.path, source.torn_allowed)
        for _ in walk:
            break
        return walk.head

    def _of_file(self, walk: Walk, expected: int | None) -> Iterator[dict[str, Any]]:
        at = -1
        for line in walk:
            if at < 0 and walk.head is not None:
                at = self._checked(walk, walk.head, expected)
            if at == self.count:
                try:
                    found = object_of(line)
                except ValueError as error:
                    raise walk.damage(str(error)) from None
                self.count += 1
                yield found
            at += 1
        if at < 0 and walk.head is not None:
            self._checked(walk, walk.head, expected)

    def _checked(self, walk: Walk, head: Head, expected: int | None) -> int:
        """The number of a file's first record.

        Raises:
            Damage: the file does not go on where the one before ended, or is of another journal.
        """
        if self.id is not None and head.id != self.id:
            raise walk.damage(f"the file is of another journal ({head.id}, not {self.id})")
        if expected is not None and head.first != expected:
            text = f"the file begins with record {head.first}, but record {expected} comes next"
            raise walk.damage(text)
        self.id = head.id
        return head.first

    def _after(
        self, listing: Listing, source: Source, walk: Walk, head: Head
    ) -> tuple[int | None, int]:
        """The next segment, and the number of the record that it begins with.

        Raises:
            Damage: there is none though there should be, or this one is not whole.
        """
        number = listing.next(source.number, head)
        if walk.state is None and (number is not None or source.generation > 1):
            raise walk.damage("the file was cut off: its closing line is missing")
        return number, head.first + walk.records


def read_back(files: Files, path: Path, size: int, crc: int) -> None:
    """Read a file that was just written, of which others are to be deleted.

    Raises:
        JournalError: it is not what was written.
    """
    walk = Walk(files, path)
    try:
        walk.finish()
    except Damage as damage:
        raise JournalError(f"{damage.sentence}, as the file system gives it back") from None
    if (walk.size, walk.crc) != (size, crc):
        raise JournalError(f"{path} is not what was written, as the file system gives it back")


def explained(error: OSError) -> str:
    """Why the operating system refused, in its words."""
    if error.errno == errno.ELOOP:
        return "it is a link, which a journal does not follow"
    return error.strerror or str(error)
