"""The lines of a journal's files: one JSON object a line, with a checksum as its last key.

The checksum of a line is ``zlib.crc32(text, before)`` in eight hex digits: of the line's text up to
``"crc"``, carried on from the checksum of the line before (0 at a file's start). So a line that was
changed, lost, doubled or moved is seen, and the last line's checksum is that of the whole file.

Three kinds of lines:

- the head, first in each file: ``{"journal":"sparktune","version":1,"id":...,"first":...}``, with
  the random id of the journal and the number of the file's first record; a file that several were
  merged into says as ``"through"`` up to which segment;
- the records;
- closing lines: ``{"$end":STATE,"records":...}`` with how many records the file has. The state is
  "sealed" (the next segment follows), "whole" (all of a file that was written at once) or "closed"
  (its writer ended); after "closed" another writer may go on.
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from .files import REMEDY, Files

__all__ = [
    "CLOSED",
    "SEALED",
    "WHOLE",
    "Damage",
    "Head",
    "Walk",
    "ended",
    "headed",
    "import_sentence",
    "lines_of",
    "object_of",
    "parsed",
    "signed",
    "text_of",
]

SEALED, WHOLE, CLOSED = "sealed", "whole", "closed"
LONGEST = 64 * 2**20  # bytes of a line
DEEPEST = 100  # objects and lists within each other
VERSION = 1
BLOCK = 2**20

_HEAD = b'{"journal":"sparktune"'
_END = b'{"$end":'
_TAIL = len('"crc":"01234567"}')
_STATED = re.compile(rb'"crc":"([0-9a-f]{8})"}')
_BRACKETS = re.compile(r'"(?:[^"\\]|\\.)*"|[\[{]|[\]}]')
_PICKLES = (b"ccopy_reg", b"ccopyreg", b"chyperopt", b"(ihyperopt", b"(dp", b"(lp")


class Damage(Exception):  # noqa: N818 (JournalError is what people see)
    """A file of a journal is not as it was written.

    Args:
        path: of the file.
        line: where, 1 for the first; None if it is no line.
        text: what is wrong, as the end of a sentence.
    """

    def __init__(self, path: Path, line: int | None, text: str) -> None:
        super().__init__(path, line, text)
        self.spot = (path, line)
        self.sentence = f"{path}{'' if line is None else f', line {line}'}: {text}"


class Head(NamedTuple):
    """The first line of a file: the journal's id, the first record, the last segment it covers."""

    id: str
    first: int
    through: int | None = None


def text_of(record: Mapping[str, Any], where: str) -> bytes:
    """A record as the text that its checksum is of.

    Raises:
        TypeError: JSON has no such value, or none that comes back as it was: NaN, infinity, a key
            that is no string. What has to be kept so is encoded by the caller.
        ValueError: a name that is kept for the file itself, a record of over 64 MB, or one with
            over 100 lists and dicts within each other.
    """
    record = dict(record)
    for name in record:
        if not isinstance(name, str):
            raise TypeError(f"{where}: the names in a record must be strings, but got {name!r}")
        if name in ("crc", "$end"):
            raise ValueError(f"{where}: a record must not have the name {name!r}")
    try:
        data = _encoded(record)
    except RecursionError:
        raise ValueError(f"{where}: {_too_deep()}") from None
    except (TypeError, ValueError) as error:
        text = str(error)
        if "Out of range" in text:
            text = "JSON has no NaN and no infinity, which have to be written as text"
        raise TypeError(f"{where} cannot be written as JSON: {text}") from None
    if _many_brackets(data) and _depth(data.decode()) > DEEPEST:
        raise ValueError(f"{where}: {_too_deep()}")
    if len(data) > LONGEST - 100:
        raise ValueError(
            f"{where} has {len(data):,} bytes, but a record must have less than {LONGEST - 100:,}"
        )
    return data[:-1] + (b"," if record else b"")


def _encoded(record: dict[str, Any]) -> bytes:
    text = _as_it_is(record)
    try:
        return text.encode()
    except UnicodeEncodeError:  # half of a pair, as in names of files that are no UTF-8
        return _in_ascii(record).encode()


_as_it_is = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode
_in_ascii = json.JSONEncoder(allow_nan=False, separators=(",", ":")).encode


def signed(text: bytes, crc: int) -> tuple[bytes, int]:
    """A text as a line, and the checksum of it that the next line goes on from."""
    crc = zlib.crc32(text, crc)
    return b'%b"crc":"%08x"}\n' % (text, crc), crc


def lines_of(texts: Iterable[bytes], crc: int) -> tuple[bytes, int, int]:
    """Texts as lines, the checksum of the last of them, and how many they are."""
    lines = []
    for text in texts:
        line, crc = signed(text, crc)
        lines.append(line)
    return b"".join(lines), crc, len(lines)


def headed(head: Head) -> tuple[bytes, int]:
    """The first line of a file, and its checksum."""
    through = b"" if head.through is None else b'"through":%d,' % head.through
    fields = b'"version":%d,"id":"%b","first":%d,' % (VERSION, head.id.encode(), head.first)
    return signed(b"%b,%b%b" % (_HEAD, fields, through), 0)


def ended(state: str, records: int, crc: int) -> tuple[bytes, int]:
    """A closing line, and its checksum."""
    return signed(b'%b"%b","records":%d,' % (_END, state.encode(), records), crc)


def object_of(line: bytes) -> dict[str, Any]:
    """A line whose checksum holds as the object that it is, without the checksum.

    Raises:
        ValueError: it is no JSON, or such as a journal does not hold; the message ends a sentence.
    """
    found = parsed(line)
    try:
        del found["crc"]
    except (TypeError, KeyError):
        raise ValueError("the line is no JSON object") from None
    return found  # type: ignore[no-any-return]


def parsed(line: bytes) -> Any:
    """What a line of JSON stands for; raises as ``object_of`` does."""
    try:
        text = str(line, "utf-8")
        if len(line) > 2 * DEEPEST and _many_brackets(line) and _depth(text) > DEEPEST:
            raise ValueError(_too_deep())
        found, end = _scan(text, 0)
        if end != len(text):
            raise StopIteration
    except (StopIteration, json.JSONDecodeError):
        raise ValueError("the line is no JSON object") from None
    except UnicodeDecodeError:
        raise ValueError("the line is not UTF-8") from None
    except RecursionError:
        raise ValueError(_too_deep()) from None
    except ValueError as error:
        if "digits" in str(error):  # which Python refuses to read, in words of its own
            raise ValueError("a number in the line has too many digits") from None
        raise
    return found


def _refused(name: str) -> None:
    raise ValueError(f"a journal holds no {name}")


_scan = json.JSONDecoder(parse_constant=_refused).scan_once  # type: ignore[attr-defined]


def _too_deep() -> str:
    return f"a record must not have over {DEEPEST} lists and dicts within each other"


def _many_brackets(line: bytes) -> bool:
    return line.count(b"[") + line.count(b"{") > DEEPEST


def _depth(text: str) -> int:
    """How many lists and objects stand within each other, at most."""
    deep = deepest = 0
    for found in _BRACKETS.finditer(text):
        deep += {"[": 1, "{": 1, "]": -1, "}": -1}.get(found[0], 0)
        deepest = max(deepest, deep)
    return deepest


class Walk:
    """One pass over the lines of a file, each checked; iterating gives the lines of its records.

    Args:
        files: the disk.
        path: of the file.
        torn_allowed: whether the end may be torn: then lines at the end that do not fit are left
            out, unless one that does fit follows them.

    Attributes:
        head: the first line, None where it is torn.
        line: number of the last line that was read.
        records: how many there were so far.
        size: bytes up to the end of the last line that fits; and ``crc`` its checksum.
        state: what the last line said, if it was a closing line.
        torn: what is wrong with the end, None if nothing is.
    """

    def __init__(self, files: Files, path: Path, torn_allowed: bool = False) -> None:
        self._files, self._path, self._torn_allowed = files, path, torn_allowed
        self.head: Head | None = None
        self.line = self.records = self.size = self.crc = 0
        self.state: str | None = None
        self.torn: str | None = None

    def finish(self) -> None:
        """Go on to the end of the file.

        Raises:
            Damage: the file is not as it was written.
            OSError: it cannot be read.
        """
        for _ in self:
            pass

    def damage(self, text: str) -> Damage:
        """That the line which was read last is wrong."""
        return Damage(self._path, self.line, text)

    def __iter__(self) -> Iterator[bytes]:
        lines = self._lines()
        crc32 = zlib.crc32
        try:
            for line in lines:
                self.line += 1
                crc = crc32(line[:-_TAIL], self.crc)
                if line[-_TAIL:] != b'"crc":"%08x"}' % crc or self.head is None or line[:8] == _END:
                    if not self._special(line, crc, lines):
                        return
                    continue
                self.size += len(line) + 1
                self.crc = crc
                self.state = None
                self.records += 1
                yield line
        finally:
            lines.close()

    def _special(self, line: bytes, crc: int, lines: Iterator[bytes]) -> bool:
        """Take a line that is no record; False if it is torn, and the end of what can be read."""
        fits = line[-_TAIL:] == b'"crc":"%08x"}' % crc and not line.endswith(b"\n")
        if self.head is None:
            found = _head_of(line, self._path)
            if found is not None and fits:
                self.head = found
                self._count(line, crc, None)
                return True
            if found is None and not (self._torn_allowed and _begins_a_head(line)):
                empty = f", but an empty file: {REMEDY}" if line == b"\n" else ""
                raise self.damage(f"this is no journal of sparktune{empty}")
            if not line.endswith(b"\n"):
                raise self.damage("the checksum does not fit the line")
        elif fits:
            self._take_end(line, crc)
            return True
        self._end_torn(line, lines)
        return False

    def _take_end(self, line: bytes, crc: int) -> None:
        try:
            found = object_of(line)
        except ValueError as error:
            raise self.damage(str(error)) from None
        state, count = found.get("$end"), found.get("records")
        if state not in (SEALED, WHOLE, CLOSED) or count != self.records:
            raise self.damage(f"its closing line says {state!r} and {count!r} records")
        self._count(line, crc, state)

    def _count(self, line: bytes, crc: int, state: str | None) -> None:
        self.size += len(line) + 1
        self.crc, self.state = crc, state

    def _end_torn(self, line: bytes, lines: Iterator[bytes]) -> None:
        """Take the end as torn, unless lines that fit each other follow."""
        text = "the checksum does not fit the line"
        if line.endswith(b"\n"):
            line, text = line[:-1], "the line is cut off"
        at = self.line
        for after in lines:
            self.line += 1
            stated = _STATED.fullmatch(line[-_TAIL:])
            if stated is not None and _STATED.fullmatch(after[-_TAIL:]) is not None:
                crc = zlib.crc32(after[:-_TAIL], int(stated[1], 16))
                if after[-_TAIL:] == b'"crc":"%08x"}' % crc:
                    break
            line = after
        else:
            if self._torn_allowed:
                self.torn = Damage(self._path, at, text).sentence
                return
        self.line = at
        raise self.damage(text)

    def _lines(self) -> Any:
        """The lines without their ends; what follows the last end comes with one."""
        pieces: list[bytes] = []  # of a line that goes on
        size = 0
        fd = self._files.open_to_read(self._path)
        try:
            while block := self._files.read(fd, BLOCK):
                first, *others = block.split(b"\n")
                pieces.append(first)
                size += len(first)
                if size > LONGEST:
                    self.line += 1
                    raise self.damage(f"the line is longer than {LONGEST:,} bytes")
                if others:
                    yield b"".join(pieces)
                    pieces = [others.pop()]
                    size = len(pieces[0])
                    yield from others
        finally:
            self._files.close(fd)
        rest = b"".join(pieces)
        if rest or not self.line:
            yield rest + b"\n"


def _begins_a_head(line: bytes) -> bool:
    """Whether a line may be a head whose writing was cut off."""
    if not line.endswith(b"\n") or len(line) > 4096:
        return False
    line = line[:-1].rstrip(b"\0")
    return line[: len(_HEAD)] == _HEAD[: len(line)]


def _head_of(line: bytes, path: Path) -> Head | None:
    """What the first line of a file says; None if it is no head."""
    sentence = import_sentence(line, path)
    if sentence is not None:
        raise Damage(path, None, sentence)
    try:
        found = object_of(line.removesuffix(b"\n"))
    except ValueError:
        return None
    if found.get("journal") != "sparktune":
        return None
    version = _natural(path, found, "version")
    if version > VERSION:
        text = f"written by a newer sparktune (its format is {version}, this one reads {VERSION})"
        raise Damage(path, 1, text)
    name = found.get("id")
    if version < 1 or not isinstance(name, str) or not re.fullmatch("[0-9a-f]{8,64}", name):
        raise Damage(path, 1, f"a head has a version and an id, but got {found!r:.300}")
    through = None if "through" not in found else _natural(path, found, "through")
    return Head(name, _natural(path, found, "first"), through)


def _natural(path: Path, found: Mapping[str, Any], name: str) -> int:
    value = found.get(name)
    if type(value) is not int or value < 0:
        raise Damage(path, 1, f"`{name}` must be a whole number >= 0, but got {value!r:.100}")
    return value


def import_sentence(start: bytes, path: Path) -> str | None:
    """What to do with a file that starts like a pickle; None for others."""
    if not start.startswith(_PICKLES) and not (
        start[:1] == b"\x80" and b"\x01" < start[1:2] < b"\x10"
    ):
        return None
    return (
        "this is a pickle, as Hyperopt's trials_save_file is, which sparktune does not open by "
        f"itself; `sparktune import-hyperopt {path} NEW` makes a journal of it"
    )
