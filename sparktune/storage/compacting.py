"""Merging the files of a journal into fewer, at no moment of which a reader misses a record."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import NamedTuple

from ..exceptions import JournalError
from .files import FILES, Files
from .lines import SEALED, Damage, Head, Walk, ended, headed, signed
from .reading import Listing, explained, read_back

__all__ = ["compact"]

MERGED = 16 * 2**20  # bytes up to which files are merged


class _Part(NamedTuple):
    """A file that is not the last, and what its head says."""

    number: int
    path: Path
    head: Head
    size: int


def compact(folder: str | os.PathLike[str], *, files: Files = FILES) -> tuple[int, int]:
    """Merge the sealed segments of a journal into files of up to 16 MB.

    Readers and the open ``Segments`` of this process may go on meanwhile; whoever calls it holds
    the ``WriterLock``. A merged file is whole and on the disk before the first of its parts is
    deleted, so that it may be killed at any step. It needs room for one merged file, and deletes
    what an earlier one that was killed has left.

    Args:
        folder: of the journal.
        files: the disk.

    Returns:
        How many files the journal had, and has.

    Raises:
        JournalError: a file is damaged or cannot be written; every record is still there.
    """
    try:
        return _compacted(files, Path(folder))
    except Damage as damage:
        raise JournalError(damage.sentence) from None
    except OSError as error:
        text = f"the journal {folder} cannot be compacted: {explained(error)}"
        raise JournalError(text) from None


def _compacted(files: Files, folder: Path) -> tuple[int, int]:
    listing = Listing(files, folder)
    if not listing.numbers:
        raise JournalError(f"{folder} holds no journal")
    before = sum(map(len, listing.generations.values()))
    parts, last = _parts(files, listing)
    for group in _groups(parts):
        _merge(files, listing, group)
    listing = Listing(files, folder)
    kept, last = _parts(files, listing)
    _sweep(files, listing, {part.path for part in kept}, last)
    return before, len(kept) + len(listing.generations[last])


def _parts(files: Files, listing: Listing) -> tuple[list[_Part], int]:
    """The files that count, but for the last segment's; and the number of that."""
    if listing.numbers[0] != 1:
        raise listing.missing(1)
    parts: list[_Part] = []
    number = 1
    while True:
        source = listing.source(number)
        walk = Walk(files, source.path, source.torn_allowed)
        for _ in walk:
            break
        if walk.head is None:
            return parts, number
        after = listing.next(number, walk.head)
        if after is None:
            return parts, number
        parts.append(_Part(number, source.path, walk.head, files.size(source.path)))
        number = after


def _groups(parts: list[_Part]) -> list[list[_Part]]:
    """Which of them become one file, each two or more."""
    groups: list[list[_Part]] = [[]]
    for part in parts:
        if groups[-1] and sum(each.size for each in groups[-1]) + part.size > MERGED:
            groups.append([])
        groups[-1].append(part)
    return [group for group in groups if len(group) > 1]


def _merge(files: Files, listing: Listing, group: list[_Part]) -> None:
    """Write one file of several, as the next generation of the first."""
    first, last = group[0], group[-1]
    through = last.number if last.head.through is None else last.head.through
    line, crc = headed(Head(first.head.id, first.head.first, through))
    lines, records = [line], 0
    for part in group:
        walk = Walk(files, part.path)
        for text in walk:
            line, crc = signed(text[: -len('"crc":"01234567"}')], crc)
            lines.append(line)
        if walk.state is None:
            raise walk.damage("the file was cut off: its closing line is missing")
        if part.head.id != first.head.id or part.head.first != first.head.first + records:
            raise Damage(part.path, 1, f"the file does not go on at record {records}")
        records += walk.records
    line, crc = ended(SEALED, records, crc)
    lines.append(line)
    path = listing.path(first.number, listing.generations[first.number][-1] + 1)
    data = b"".join(lines)
    try:
        files.write_new(path, data)
    except OSError:
        with contextlib.suppress(OSError):
            files.remove(path)
        raise
    read_back(files, path, len(data), crc)


def _sweep(files: Files, listing: Listing, kept: set[Path], last: int) -> None:
    """Delete what does not count, but of the last segment.

    From the lowest number up: so that each file that is still there leads to the next.
    """
    for number in listing.numbers:
        for generation in listing.generations[number]:
            path = listing.path(number, generation)
            if number < last and path not in kept:
                files.remove(path)
