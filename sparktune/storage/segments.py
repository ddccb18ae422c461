"""Writing a journal: records that are on the disk, for good, when ``append`` returns.

The open segment grows at its end. Where the file system cannot add to a file (mounted object
stores), it is written anew as its next generation, with a closing line; the older file goes when
the newer one is on the disk and was read back. No file is ever renamed or written over. ``lines``
has the format, ``reading`` says which files count.

The file is long because an append, what it may leave behind, and the mending of that are one thing.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any

from ..checks import advise, whole
from ..exceptions import JournalError
from .compacting import compact
from .files import FILES, NO_APPEND, Files
from .lines import CLOSED, SEALED, WHOLE, Damage, Head, Walk, ended, headed, lines_of, text_of
from .reading import Listing, explained, name_of, read, read_back

__all__ = ["Segments", "compact", "read"]


@dataclass(frozen=True)
class _Tail:
    """The file that grows.

    Attributes:
        number: of its segment; and its generation.
        through: the last segment that it covers.
        first: number of its first record; and how many it has.
        size: in bytes, and the checksum of its last line.
        state: what that line says, if it is a closing line.
        body: what the file has, where it is written anew for each append, without the closing
            line of the last time; and the checksum there.
    """

    number: int
    generation: int
    through: int
    first: int
    records: int
    size: int
    crc: int
    state: str | None
    body: tuple[bytes, int] | None = None


class Segments:
    """The one writer of a journal; whoever opens one holds its ``WriterLock``.

    An append costs one write and one fsync; where files cannot be added to, it writes up to
    ``limit`` records anew. Use it as a context manager, or call ``open`` and ``close``.

    Args:
        folder: of the journal; made where it is missing.
        limit: records of a segment, >= 1.
        files: the disk.
        remaining: gives what there is without a torn record, as the end of the warning.

    Raises:
        ValueError: ``limit`` is no whole number >= 1.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        limit: int = 256,
        *,
        files: Files = FILES,
        remaining: Callable[[], str] = lambda: "",
    ) -> None:
        self.folder = Path(folder)
        self._limit: int = whole("limit", limit)
        self._files, self._remaining = files, remaining
        self._id = ""
        self._tail: _Tail | None = None
        self._fd: int | None = None
        self._process = 0
        self._unsure = False  # whether an append that failed may have left something
        self._made: list[Path] = []  # by the append under way
        self._stale: list[Path] = []  # to be deleted after it

    def __enter__(self) -> Segments:
        self.open()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def count(self) -> int:
        """How many records the journal has."""
        tail = self._opened()
        return tail.first + tail.records

    @property
    def id(self) -> str:
        """The random id of the journal."""
        self._opened()
        return self._id

    def open(self) -> None:
        """Find the end of the journal, or begin one.

        A torn last record, which nobody was told is on the disk, is dropped with a warning.

        Raises:
            JournalError: the last file is damaged, or the folder cannot be read or written.
        """
        if self._tail is not None:
            raise JournalError(f"the journal {self.folder} is open already")
        self._process = os.getpid()
        try:
            with contextlib.suppress(FileExistsError, NotADirectoryError):  # see Listing
                self._files.make_folder(self.folder)
                self._files.keep_names(self.folder.parent)
            self._tail = self._reached(self._found(Listing(self._files, self.folder)))
        except Damage as damage:
            raise JournalError(damage.sentence) from None
        except OSError as error:
            raise self._failed(error) from None
        self._made, self._unsure = [], False
        self._clean()

    def append(self, records: Sequence[Mapping[str, Any]]) -> None:
        """Write records; when this returns, all of them are on the disk.

        Args:
            records: what JSON can hold, with strings as names, also within (JSON makes strings of
                numbers); neither "crc" nor "$end" is the name of something in a record itself.

        Raises:
            TypeError: JSON has no such value; nothing was written. NaN and infinity are among them.
            ValueError: a record has a name that it must not have, is 64 MB or larger, or nests
                over 100 deep; nothing was written.
            JournalError: they could not be written. None of them is in the journal then, what was
                there before is, and appending again works once the reason is gone.
        """
        count = self.count
        texts = [text_of(each, f"record {count + i}") for i, each in enumerate(records)]
        if texts:
            self._write(texts)

    def close(self) -> None:
        """Note in the journal that its writer ended, where that can be written; and let go of it.

        A note that cannot be written is nothing lost, so that this raises nothing.
        """
        tail = self._tail
        if tail is None or self._process != os.getpid():
            return
        with contextlib.suppress(JournalError):
            if tail.state not in (SEALED, CLOSED):
                self._write([], CLOSED)
        self._let_go()
        self._tail = None

    # -- the end of the journal

    def _opened(self) -> _Tail:
        if self._tail is None:
            raise JournalError(f"the journal {self.folder} is not open")
        if self._process != os.getpid():
            text = f"was opened by process {self._process}, and this is a fork of it"
            raise JournalError(f"the journal {self.folder} {text}")
        return self._tail

    def _found(self, listing: Listing) -> _Tail:
        """The end of the journal as it is on the disk, without what is torn."""
        if not listing.numbers:
            self._id = secrets.token_hex(8)
            return self._begun(1, 0, [])
        expected = self._expected(listing)
        source = listing.source(listing.numbers[-1])
        walk = Walk(self._files, source.path, source.torn_allowed)
        walk.finish()
        if walk.head is not None and expected is not None and walk.head[:2] != expected:
            text = f"the file is of {walk.head[:2]}, but the one before leads to {expected}"
            raise Damage(source.path, 1, text)
        if walk.state is None and source.generation > 1:
            raise walk.damage("the file was cut off: its closing line is missing")
        torn = walk.torn
        if source.left_out is not None:
            torn = torn or f"{source.left_out}: the file is not whole"
        if torn is not None and self._files.size(source.left_out or source.path):
            advise(
                f"the journal's last record is torn, and is dropped ({torn}){self._remaining()}",
                raises=False,
            )
        if walk.head is None:  # not even the head of a new segment was written
            self._files.remove(source.path)
            self._files.keep_names(self.folder)
            return self._found(Listing(self._files, self.folder))
        head, self._id = walk.head, walk.head.id
        through = source.number if head.through is None else head.through
        tail = _Tail(
            source.number, source.generation, through, head.first, walk.records,
            walk.size, walk.crc, walk.state,
        )  # fmt: skip
        others = [listing.path(tail.number, each) for each in listing.generations[tail.number]]
        self._stale = [path for path in others if path != source.path]
        return tail if walk.torn is None else self._cut(tail)

    def _expected(self, listing: Listing) -> tuple[str, int] | None:
        """Journal and first record of the last file, by the one before; None if it is the first.

        A last file that does not count, since it was merged, is taken from the list.

        Raises:
            Damage: the file before it is damaged or missing.
        """
        while len(listing.numbers) > 1:
            number, last = listing.numbers[-2:]
            source = listing.source(number)
            walk = Walk(self._files, source.path)
            walk.finish()
            if walk.head is None or walk.state is None:
                raise walk.damage("the file was cut off: its closing line is missing")
            if (walk.head.through or number) < last:
                listing.next(number, walk.head)
                return walk.head.id, walk.head.first + walk.records
            listing.refuse_foreign(number, walk.head)
            listing.drop_last()  # it was merged into the one before
        if listing.numbers[0] != 1:
            raise listing.missing(1)
        return None

    def _reached(self, tail: _Tail) -> _Tail:
        """The end of the journal, by now known to grow at its end or to be written anew."""
        if tail.state == SEALED or tail.body is not None:
            return tail
        if tail.generation == 1:
            try:
                self._fd = self._files.open_to_append(self._path(tail))
                return tail
            except OSError as error:
                if error.errno not in NO_APPEND:
                    raise
        return self._anew(tail)

    def _cut(self, tail: _Tail) -> _Tail:
        """The file without what is behind its last whole line."""
        try:
            fd = self._files.open_to_append(self._path(tail))
            try:
                self._files.truncate(fd, tail.size)
                self._files.write_all(fd, b"")
            finally:
                self._files.close(fd)
        except OSError as error:
            if error.errno not in NO_APPEND:
                raise
            return self._anew(tail)
        return tail

    def _anew(self, tail: _Tail) -> _Tail:
        """The file as one that is written anew for each append."""
        data = self._files.read_start(self._path(tail), tail.size)
        return replace(tail, body=(data, tail.crc))

    def _path(self, tail: _Tail) -> Path:
        return self.folder / name_of(tail.number, tail.generation)

    # -- all or nothing

    def _write(self, texts: Sequence[bytes], state: str | None = None) -> None:
        """Write records, and a closing line where there is to be one; or leave all as it was."""
        stale = list(self._stale)
        try:
            tail = self._mended()
            while texts:
                full = tail.state == SEALED or tail.records >= self._limit
                room = self._limit - (0 if full else tail.records)
                part, texts = texts[:room], texts[room:]
                tail = self._next(tail, part) if full else self._grown(tail, part, None)
            if state is not None:
                tail = self._grown(tail, [], state)
            self._tail, self._made, self._unsure = tail, [], False
        except BaseException as error:
            self._stale = stale
            self._let_go()
            with contextlib.suppress(OSError, JournalError):  # else before the next append
                self._tail = self._mended()
            if isinstance(error, OSError):
                raise self._failed(error) from None
            raise
        self._clean()

    def _mended(self) -> _Tail:
        """The end of the journal without what an append that failed left behind it."""
        tail = self._opened()
        if not self._unsure:
            return tail
        for path in self._made:
            with contextlib.suppress(FileNotFoundError):
                self._files.remove(path)
        if tail.body is None and self._files.size(self._path(tail)) > tail.size:
            tail = self._cut(tail)
        self._made, self._unsure = [], False
        return tail

    def _clean(self) -> None:
        """Delete files that newer ones have replaced; what cannot be deleted does not count."""
        stale, self._stale = self._stale, []
        for path in stale:
            try:
                self._files.remove(path)
            except FileNotFoundError:
                pass
            except OSError:
                self._stale.append(path)

    def _let_go(self) -> None:
        fd, self._fd = self._fd, None
        if fd is not None:
            with contextlib.suppress(OSError):
                self._files.close(fd)

    def _failed(self, error: OSError) -> JournalError:
        return JournalError(f"the journal {self.folder} cannot be written: {explained(error)}")

    # -- writing

    def _next(self, tail: _Tail, texts: Sequence[bytes]) -> _Tail:
        """The segment after a full one, which gets its closing line first."""
        if tail.state is None:
            tail = self._grown(tail, [], SEALED)
        self._let_go()
        return self._begun(tail.through + 1, tail.first + tail.records, texts)

    def _begun(self, number: int, first: int, texts: Iterable[bytes]) -> _Tail:
        """A new segment with its first records."""
        head, crc = headed(Head(self._id, first))
        lines, crc, records = lines_of(texts, crc)
        data = head + lines
        tail = _Tail(number, 1, number, first, records, len(data), crc, None)
        self._write_new(self._path(tail), data)
        return tail

    def _grown(self, tail: _Tail, texts: Sequence[bytes], state: str | None) -> _Tail:
        """The segment with further records, and a closing line where there is to be one."""
        if tail.body is None:
            try:
                return self._added(tail, texts, state)
            except OSError as error:
                if error.errno not in NO_APPEND:
                    raise
            self._let_go()
            tail = self._anew(tail)
        return self._rewritten(tail, texts, state or WHOLE)

    def _added(self, tail: _Tail, texts: Sequence[bytes], state: str | None) -> _Tail:
        """The segment with lines added to its file."""
        path = self._path(tail)
        if self._fd is None:
            self._fd = self._files.open_to_append(path)
        if self._files.size(path) != tail.size:
            raise JournalError(f"{path} was changed by somebody else while this process wrote it")
        lines, crc, records = lines_of(texts, tail.crc)
        records += tail.records
        if state is not None:
            line, crc = ended(state, records, crc)
            lines += line
        self._unsure = True
        self._files.write_all(self._fd, lines)
        return replace(tail, records=records, size=tail.size + len(lines), crc=crc, state=state)

    def _rewritten(self, tail: _Tail, texts: Sequence[bytes], state: str) -> _Tail:
        """The segment as its next generation; the older file is deleted after the append."""
        body, crc = tail.body or (b"", 0)
        lines, crc, records = lines_of(texts, crc)
        records += tail.records
        body += lines
        line, last = ended(state, records, crc)
        grown = replace(
            tail, generation=tail.generation + 1, records=records, size=len(body) + len(line),
            crc=last, state=state, body=(body, crc),
        )  # fmt: skip
        while True:
            try:
                self._write_new(self._path(grown), body + line)
                break
            except FileExistsError:  # torn, and could not be deleted
                self._made.remove(self._path(grown))
                self._stale.append(self._path(grown))
                grown = replace(grown, generation=grown.generation + 1)
        read_back(self._files, self._path(grown), grown.size, grown.crc)
        self._stale.append(self._path(tail))
        return grown

    def _write_new(self, path: Path, data: bytes) -> None:
        self._made.append(path)
        self._unsure = True
        self._files.write_new(path, data)
