"""The journal's files: what is on the disk, whatever happens to the disk or to the writer."""

import errno
import json
import os
import subprocess
import sys
import zlib
from contextlib import suppress
from pathlib import Path

import pytest
from disks import Disk, Failing, FailingNoAppend, Full, NoAppend, NoSync
from hypothesis import given
from hypothesis import strategies as st
from journals import DISKS, journal_id, names, opened, read_all, some, written
from properties import examples

from sparktune.exceptions import JournalError
from sparktune.storage.files import Files
from sparktune.storage.segments import Segments, compact, read

HELPERS = str(Path(__file__).parents[2] / "helpers")


@pytest.fixture(params=DISKS)
def disk(request):
    return DISKS[request.param]()


# -- what is written is read


@pytest.mark.parametrize("limit", [1, 4, 256])
def test_what_was_appended_is_read(tmp_path, disk, limit):
    """A journal gives its records back in order, whatever the disk and the sizes of appends."""
    folder = tmp_path / "deep" / "journal"
    count = 0
    for appends in ((1, 3, 0, 2), (), (9,), (4, 4)):
        with Segments(folder, limit, files=disk) as journal:
            assert journal.count == count
            for size in appends:
                journal.append(some(size, count))
                count += size
                assert journal.count == count
                assert len(list(read(folder, files=disk))) == count
    reading = read(folder)
    assert [each["n"] for each in reading] == list(range(count))
    assert (reading.count, reading.torn, reading.closed) == (count, None, True)
    assert reading.id == journal_id(folder)


@pytest.mark.parametrize("since", range(12))
def test_reading_since_a_record(tmp_path, since, disk):
    """Reading since a record gives it and all after it, from one segment as from many."""
    folder = written(tmp_path, 3, 4, 3, files=disk)
    reading = read(folder, since)
    assert [each["n"] for each in reading] == list(range(since, 10))
    assert reading.closed


def test_files_before_the_first_wanted_are_not_opened(tmp_path):
    """A reader that follows a journal opens no file that it has read to its end."""
    folder = written(tmp_path, *[4] * 20)
    opened = []

    class Seen(Files):
        def open_to_read(self, path):
            opened.append(path.name)
            return super().open_to_read(path)

    assert len(list(read(folder, 78, files=Seen()))) == 2
    assert set(opened) == {"000020.jsonl"}


def test_the_format_is_text_for_jq(tmp_path):
    """Each line is a JSON object whose last key is the checksum, carried on through the file."""
    with Segments(tmp_path, 2) as journal:
        journal.append([{"größe": "ä\u2028\n"}, {}])
        journal.append([{"a": [1, None, True]}])
    assert names(tmp_path) == ["000001.jsonl", "000002.jsonl"]
    for name, ends in (("000001.jsonl", ["sealed"]), ("000002.jsonl", ["closed"])):
        lines = (tmp_path / name).read_bytes().decode().split("\n")
        assert lines.pop() == ""
        found, crc = [json.loads(line) for line in lines], 0
        for line, each in zip(lines, found, strict=True):
            text = line[: line.rindex('"crc"')]
            crc = zlib.crc32(text.encode(), crc)
            assert list(each)[-1] == "crc"
            assert each["crc"] == f"{crc:08x}"
        assert {"journal": "sparktune", "version": 1}.items() <= found[0].items()
        assert [each["$end"] for each in found if "$end" in each] == ends
    assert "größe" in (tmp_path / "000001.jsonl").read_text(encoding="utf-8")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False,
    allow_infinity=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)  # fmt: skip


@given(
    st.lists(st.lists(st.dictionaries(st.text().filter(lambda k: k not in ("crc", "$end")), JSON,
    max_size=3), max_size=4), max_size=5),
    st.integers(1, 3), st.booleans(),
)  # fmt: skip
@examples(25)
def test_any_json_comes_back(tmp_path_factory, appends, limit, appendable):
    """What JSON can hold comes back as it was, also texts that are no UTF-8."""
    folder = tmp_path_factory.mktemp("any")
    with Segments(folder, limit, files=Files() if appendable else NoAppend()) as journal:
        for records in appends:
            journal.append(records)
    assert list(read(folder)) == [each for records in appends for each in records]


@pytest.mark.parametrize("text", ["\ud800", "\x00", "\u2028\u2029", "\r\n", '"crc":"00000000"}'])
def test_odd_texts_come_back(tmp_path, text):
    """Half a pair, line ends of all kinds, and what looks like a checksum are texts as others."""
    with Segments(tmp_path) as journal:
        journal.append([{text: [text]}, {"a": 1}])
    assert list(read(tmp_path)) == [{text: [text]}, {"a": 1}]


@pytest.mark.parametrize(
    ("record", "kind", "words"),
    [
        ({"a": float("nan")}, TypeError, "NaN"),
        ({"a": [float("inf")]}, TypeError, "infinity"),
        ({"a": {1, 2}}, TypeError, "set"),
        ({1: 2}, TypeError, "strings"),
        ({"crc": 2}, ValueError, "'crc'"),
        ({"$end": 2}, ValueError, "'\\$end'"),
        ({"a": "x" * 70_000_000}, ValueError, "bytes"),
    ],
)
def test_what_json_cannot_hold_is_refused(tmp_path, record, kind, words):
    """A record that would not come back as it was is refused before anything is written."""
    with Segments(tmp_path) as journal:
        with pytest.raises(kind, match=f"record 1.*{words}"):
            journal.append([{"a": 0}, record])
        assert journal.count == 0
        journal.append(some(1))
    assert list(read(tmp_path)) == some(1)


def nested(depth):
    found = 1
    for _ in range(depth):
        found = [found]
    return {"a": found}


def test_nesting_has_the_same_limit_for_writer_and_reader(tmp_path):
    """A record nests up to 100 deep; brackets in texts, and long lists, do not count."""
    wide = {"a": "[" * 500, "b": [[1]] * 500, "c": '\\"[' * 99}
    with Segments(tmp_path) as journal:
        journal.append([nested(99), wide])
        for depth in (100, 100_000):
            with pytest.raises(ValueError, match="over 100"):
                journal.append([nested(depth)])
    assert list(read(tmp_path)) == [nested(99), wide]


def test_a_journal_that_is_not_open_says_so(tmp_path):
    """A journal is opened before it is written, once, and not by a fork of the process."""
    journal = Segments(tmp_path)
    with pytest.raises(JournalError, match="not open"):
        journal.append(some(1))
    journal.open()
    with pytest.raises(JournalError, match="open already"):
        journal.open()
    journal.close()
    journal.close()
    with pytest.raises(JournalError, match="not open"):
        _ = journal.count
    with pytest.raises(ValueError, match="`limit` must be a whole number >= 1"):
        Segments(tmp_path, 0)
    with pytest.raises(ValueError, match="`since` must be a whole number >= 0"):
        read(tmp_path, -1)


def test_a_closed_journal_is_not_written_again(tmp_path):
    """Opening and closing a closed journal leaves its files as they are."""
    folder = written(tmp_path, 3)
    before = (folder / "000001.jsonl").read_bytes()
    written(folder)
    assert (folder / "000001.jsonl").read_bytes() == before


# -- file systems without append


@pytest.mark.parametrize("refuses", ["open_to_append", "write"])
@pytest.mark.parametrize("error", [errno.ENOTSUP, errno.EINVAL, errno.EPERM, errno.ENOSYS])
def test_without_append_each_append_is_a_new_generation(tmp_path, refuses, error):
    """The open segment is written anew, whole, and the older generation goes only after that."""
    disk = NoAppend(refuses, error)
    with Segments(tmp_path, 3, files=disk) as journal:
        for number in range(5):
            journal.append(some(1, number))
            assert [each["n"] for each in read(tmp_path)] == list(range(number + 1))
            assert len(names(tmp_path)) == 1 + number // 3
    assert names(tmp_path)[0] == "000001.g0004.jsonl"
    assert names(tmp_path)[1].startswith("000002.g000")
    assert read_all(tmp_path) == ([0, 1, 2, 3, 4], True)


def test_append_that_stops_working_is_done_without(tmp_path):
    """A file system that refuses a later append gets a new generation, without what it tore."""

    class Later(NoAppend):
        def before(self, name, *arguments):
            if name == "write" and arguments[0] in self.appending and self.late:
                os.write(arguments[0], b'{"half')
            if self.late:
                super().before(name, *arguments)

    disk = Later("write")
    disk.late = False
    with Segments(tmp_path, files=disk) as journal:
        journal.append(some(2))
        disk.late = True
        journal.append(some(2, 2))
        journal.append(some(2, 4))
    assert read_all(tmp_path) == (list(range(6)), True)
    assert len(names(tmp_path)) == 1


def test_no_file_is_renamed_or_written_over(tmp_path):
    """Without append, a file is made once, written from start to end, and deleted at most."""
    disk = NoAppend()
    written(tmp_path, 1, 1, 5, 1, files=disk)
    assert disk.calls.count("create") >= 6
    assert set(disk.calls).isdisjoint({"truncate", "rename", "replace"})


def test_a_generation_that_is_not_whole_does_not_count(tmp_path):
    """A reader takes the newest whole generation, says so, and the writer goes on after it."""
    folder = written(tmp_path, 2, 1, files=NoAppend())
    (whole,) = names(folder)
    newer = folder / "000001.g0009.jsonl"
    newer.write_bytes((folder / whole).read_bytes()[:-5])
    reading = read(folder)
    assert [each["n"] for each in reading] == [0, 1, 2]
    assert "000001.g0009.jsonl: the file is not whole" in reading.torn
    with pytest.warns(UserWarning, match="torn, and is dropped .*g0009"):
        journal = opened(folder, files=NoAppend())
    journal.append(some(1, 3))
    journal.close()
    assert read_all(folder) == ([0, 1, 2, 3], True)
    assert len(names(folder)) == 1


def test_what_cannot_be_deleted_does_not_count(tmp_path):
    """Older generations that stay, since deleting fails, do not disturb."""

    class Keeping(NoAppend):
        def before(self, name, *arguments):
            super().before(name, *arguments)
            if name == "remove":
                raise PermissionError(errno.EACCES, "no")

    written(tmp_path, 1, 1, 3, 1, files=Keeping())
    assert len(names(tmp_path)) > 5
    assert read_all(tmp_path) == ([0, 1, 2, 3, 4, 5], True)
    written(tmp_path, 1, files=NoAppend())
    assert read_all(tmp_path) == ([0, 1, 2, 3, 4, 5, 6], True)


def test_a_file_that_comes_back_different_is_an_error(tmp_path):
    """The older generation stays where the newer one is not what was written."""

    class Lying(NoAppend):
        def write(self, fd, data):
            return super().write(fd, bytes(data).replace(b"some", b"same"))

    written(tmp_path, 1, files=NoAppend())
    journal = Segments(tmp_path, files=Lying())
    journal.open()
    with pytest.raises(JournalError, match="as the file system gives it back"):
        journal.append(some(1, 1))
    journal.close()
    assert read_all(tmp_path)[0] == [0]


# -- a disk that fails


@pytest.mark.parametrize("disk_of", [Failing, FailingNoAppend])
@pytest.mark.parametrize("on", [False, True])
@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EIO])
def test_an_append_that_fails_leaves_what_was_there(tmp_path, disk_of, on, error):
    """At whichever call the disk fails: one error, nothing added or lost, and then it goes on."""
    sentences = []
    for at in range(100):
        folder = tmp_path / str(at)
        written(folder, 3)
        disk = disk_of(None, error, on)
        journal = Segments(folder, 4, files=disk)
        journal.open()
        disk.at, disk.count = at, 0
        try:
            journal.append(some(6, 3))
        except JournalError as raised:
            sentences.append(str(raised))
            assert journal.count == 3
            kept = [each["n"] for each in read(folder)]
            assert kept[:3] == [0, 1, 2]
            assert on or len(kept) == 3
            disk.at = None
            journal.append(some(6, 3))
        count = disk.count
        disk.at = None
        journal.append(some(1, 9))
        journal.close()
        assert read_all(folder) == (list(range(10)), True)
        if at > count:
            break
    assert len(sentences) > 5
    assert all(os.strerror(error) in each for each in sentences)


def test_a_full_disk_at_every_byte(tmp_path):
    """Where there is no more room, the sentence says so, and what fits later is added."""
    for room in range(0, 200, 7):
        folder = tmp_path / str(room)
        disk = Full(10_000)
        journal = Segments(folder, 2, files=disk)
        journal.open()
        journal.append(some(1))
        disk.room = room
        added = 1
        while added < 20:
            with suppress(JournalError):
                journal.append(some(1, added))
            if journal.count == added:
                break
            added += 1
        assert read_all(folder)[0] == list(range(added))
        disk.room = 10_000
        journal.append(some(3, added))
        journal.close()
        assert read_all(folder) == (list(range(added + 3)), True)


def test_a_disk_too_full_to_begin(tmp_path):
    """A journal that cannot be begun says why, and can be begun later."""
    with pytest.raises(JournalError, match="No space left"):
        Segments(tmp_path, files=Full(10)).open()
    with pytest.warns(UserWarning, match="torn"):
        written(tmp_path, 2)
    assert read_all(tmp_path) == ([0, 1], True)


@pytest.mark.full
@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount")
def test_a_small_real_disk(tmp_path):
    """On a tmpfs that fills up: an error, nothing lost, and on it goes once there is room."""
    disk = tmp_path / "disk"
    disk.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=128k", "none", str(disk)], check=False
    )
    if made.returncode:
        pytest.skip("mounting is not allowed")
    try:
        (disk / "other").write_bytes(b"x" * 60_000)
        journal = Segments(disk / "journal", 64)
        journal.open()
        count = 0
        with pytest.raises(JournalError, match="No space left on device"):
            while True:
                journal.append(some(7, count))
                count += 7
        assert count > 100
        assert read_all(disk / "journal")[0] == list(range(count))
        (disk / "other").unlink()
        for _ in range(20):
            journal.append(some(7, count))
            count += 7
        journal.close()
        assert read_all(disk / "journal") == (list(range(count)), True)
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_a_read_only_folder_is_a_clear_error(tmp_path):
    """A folder that cannot be written is an error as the journal is opened, before any trial."""
    disk = Failing(0, errno.EROFS, changes=("create",))
    with pytest.raises(JournalError, match="cannot be written: Read-only file system"):
        Segments(tmp_path, files=disk).open()


def test_a_second_writer_is_noticed(tmp_path):
    """A file that somebody else added to, or deleted, is not written any more."""
    first, second = Segments(tmp_path), Segments(tmp_path)
    first.open()
    first.append(some(1))
    second.open()
    second.append(some(1, 1))
    with pytest.raises(JournalError, match="changed by somebody else"):
        first.append(some(1, 1))
    first.close()
    second.append(some(1, 2))
    assert read_all(tmp_path)[0] == [0, 1, 2]
    (tmp_path / "000001.jsonl").unlink()
    with pytest.raises(JournalError, match="No such file"):
        second.append(some(1, 3))
    second.close()


def test_a_reader_whose_files_go_away_looks_again(tmp_path):
    """Files that are merged while somebody reads them are found again, and no record is missed."""
    folder = written(tmp_path, *[4] * 5)
    reading = read(folder)
    found = [next(reading)["n"] for _ in range(6)]
    assert compact(folder) == (5, 2)
    found += [each["n"] for each in reading]
    assert found == list(range(20))


# -- merging


@pytest.mark.parametrize("disk_of", [Files, NoAppend, NoSync])
def test_compact_merges_sealed_segments(tmp_path, disk_of):
    """All segments but the open one become one file, again and again, and nothing else changes."""
    folder, disk = tmp_path / "journal", disk_of()
    journal = Segments(folder, 2, files=disk)
    journal.open()
    for round_ in range(1, 5):
        for _ in range(5):
            journal.append(some(2, journal.count))
        before, after = compact(folder, files=disk)
        assert (after, before > after) == (2, True)
        assert len(names(folder)) == 2
        assert read_all(folder)[0] == list(range(round_ * 10))
        assert [each["n"] for each in read(folder, 7)] == list(range(7, round_ * 10))
    journal.close()
    written(folder, 1, limit=2)
    assert read_all(folder) == (list(range(41)), True)


def test_merged_files_have_a_limit(tmp_path, monkeypatch):
    """Files are merged up to a size, and those that have it are left alone."""
    monkeypatch.setattr(sys.modules["sparktune.storage.compacting"], "MERGED", 1000)
    folder = written(tmp_path, *[4] * 20)
    while len(set(compact(folder))) > 1:
        first = names(folder)
    assert 3 < len(first) < 15
    compact(folder)
    assert names(folder) == first
    assert read_all(folder) == (list(range(80)), True)


def test_compact_of_a_damaged_journal_changes_nothing(tmp_path):
    """Files are checked before anything is merged, and the error names the file and line."""
    folder = written(tmp_path, *[4] * 4)
    data = bytearray((folder / "000002.jsonl").read_bytes())
    data[110] ^= 1
    (folder / "000002.jsonl").write_bytes(data)
    with pytest.raises(JournalError, match=r"000002.jsonl, line 2: the checksum"):
        compact(folder)
    assert len(names(folder)) == 4
    with pytest.raises(JournalError, match="holds no journal"):
        compact(tmp_path.parent)
    with pytest.raises(JournalError, match="there is no journal at"):
        compact(tmp_path / "nowhere")


def test_compact_on_a_full_disk_leaves_all(tmp_path):
    """Without room for the merged file, the files stay as they were, and no piece of it is left."""
    folder = written(tmp_path, *[4] * 4)
    with pytest.raises(JournalError, match="cannot be compacted: No space left"):
        compact(folder, files=Full(100))
    assert names(folder) == [f"00000{i}.jsonl" for i in range(1, 5)]
    assert read_all(folder) == (list(range(16)), True)


def test_calls_are_few(tmp_path):
    """An append is one write and one sync."""
    disk = Disk()
    with Segments(tmp_path, files=disk) as journal:
        journal.append(some(1))
        disk.calls.clear()
        journal.append(some(5, 1))
        assert disk.calls == ["size", "write", "sync"]
