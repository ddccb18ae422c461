"""The journal's files: what is on the disk, whatever happens to the disk or to the writer."""

import errno
import json
import os
import random
import subprocess
import sys
import warnings
import zlib
from contextlib import suppress
from pathlib import Path

import pytest
from disks import Disk, Failing, FailingNoAppend, Full, NoAppend, NoSync
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sparktune.exceptions import JournalError
from sparktune.storage.files import Files
from sparktune.storage.lines import Head, headed, signed
from sparktune.storage.segments import Segments, compact, read

HELPERS = str(Path(__file__).parents[2] / "helpers")


def some(count, first=0):
    """So many records, told apart by their numbers."""
    return [{"kind": "some", "n": first + i, "value": 0.5 * i} for i in range(count)]


def written(folder, *counts, limit=4, **more):
    """A journal with as many appends, closed."""
    with Segments(folder, limit, **more) as journal:
        for count in counts:
            journal.append(some(count, journal.count))
    return folder


def opened(folder, limit=256, **more):
    journal = Segments(folder, limit, **more)
    journal.open()
    return journal


def names(folder):
    return sorted(path.name for path in folder.iterdir())


DISKS = {
    "real": Files,
    "no append": NoAppend,
    "no append at write": lambda: NoAppend("write", errno.EINVAL),
    "no sync": NoSync,
}


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


def journal_id(folder):
    return json.loads(next(iter(sorted(folder.iterdir()))).read_text().splitlines()[0])["id"]


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
@settings(max_examples=60, deadline=None)
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


def read_all(folder):
    """The numbers of the records, and whether the journal was closed."""
    reading = read(folder)
    return [each["n"] for each in reading], reading.closed


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


# -- a writer that is killed

KILLED = """
import os, sys, warnings
os.fsync = lambda fd: None
sys.path.insert(0, {helpers!r})
from pathlib import Path
from disks import Dying, DyingNoAppend, Files
from sparktune.storage.segments import Segments, compact
kind = {{"real": Dying, "no append": DyingNoAppend}}[sys.argv[2]]
warnings.simplefilter("ignore")

def run(folder, disk, out):
    with Segments(folder, 3, files=disk) as journal:
        for size in (1, 2, 1, 5, 1):
            os.write(out, b"b%d " % (journal.count + size))
            journal.append([{{"n": journal.count + i}} for i in range(size)])
            os.write(out, b"a%d " % journal.count)
    if {compacted}:
        compact(folder, files=disk)
    os.write(out, b"end")

at = 0
while True:
    ended = 0
    for when in ("before", "half", "after"):
        folder = Path(sys.argv[1]) / f"{{at}}-{{when}}"
        folder.mkdir()
        out = os.open(folder / "said", os.O_CREAT | os.O_WRONLY)
        child = os.fork()
        if not child:
            try:
                run(folder, kind(at, when), out)
            finally:
                os._exit(1)
        os.waitpid(child, 0)
        ended += (folder / "said").read_text().endswith("end")
    if ended == 3:
        break
    at += 1
print(at)
"""


@pytest.mark.parametrize("kind", ["real", "no append"])
@pytest.mark.parametrize("compacted", [False, True])
def test_a_writer_killed_at_every_call(tmp_path, run_python, kind, compacted):
    """Killed before, in or after any call: what an append returned for is there, once, in order."""
    runs = tmp_path / "runs"
    runs.mkdir()
    script = KILLED.format(helpers=HELPERS, compacted=compacted)
    steps = int(run_python(script, str(runs), kind).stdout)
    assert steps > 30
    disk = DISKS[kind]()
    for folder in runs.iterdir():
        said = (folder / "said").read_text().split()
        acknowledged = max([int(word[1:]) for word in said if word[0] == "a"], default=0)
        begun = max([int(word[1:]) for word in said if word[0] == "b"], default=0)
        if any(folder.glob("*.jsonl")):
            found, closed = read_all(folder)
            assert found == list(range(len(found)))
            assert acknowledged <= len(found) <= begun
            assert closed or "end" not in said
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            journal = Segments(folder, 3, files=disk)
            journal.open()
        count = journal.count
        assert acknowledged <= count <= begun
        journal.append(some(2, count))
        compact(folder, files=disk)
        journal.append(some(2, count + 2))
        journal.close()
        assert read_all(folder) == (list(range(count + 4)), True)


@pytest.mark.parametrize("disk_of", [Files, NoAppend])
def test_a_tail_torn_at_every_byte(tmp_path, disk_of):
    """Cut at any byte, a reader leaves the torn record out, the writer warns and drops it."""
    folder = written(tmp_path / "whole", 4, 3)
    last = (folder / "000002.jsonl").read_bytes()
    ends = [i + 1 for i, byte in enumerate(last) if byte == 10]
    for size in range(len(last)):
        (folder / "000002.jsonl").write_bytes(last[:size])
        whole = max(0, sum(end <= size for end in ends) - 1)
        reading = read(folder)
        assert [each["n"] for each in reading] == list(range(4 + whole))
        torn = size not in ends
        assert (reading.torn is not None, reading.closed) == (torn, False)
        journal = Segments(folder, 4, files=disk_of())
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            journal.open()
        assert len(caught) == (torn and size > 0)
        assert journal.count == 4 + whole
        if caught:
            assert "000002.jsonl" in str(caught[0].message)
            assert caught[0].filename == __file__
        journal.append([{"n": 4 + whole}])
        journal.close()
        assert read_all(folder) == (list(range(5 + whole)), True)
        for path in folder.glob("00000[2-9]*"):
            path.unlink()


# -- readers while a writer goes on

READER = """
import sys
from sparktune.storage.segments import read
folder, last = sys.argv[1], int(sys.argv[2])
print("ready", flush=True)
seen, passes = 0, 0
while seen < last:
    told = int(sys.stdin.readline())
    for reading in (read(folder), read(folder, seen)):
        first = reading.count
        found = [each["n"] for each in reading]
        assert found == list(range(first, first + len(found))), found
        assert reading.count >= told, (reading.count, told)
    seen, passes = reading.count, passes + 1
    print(seen, flush=True)
"""


@pytest.mark.parametrize("kind", ["real", "no append"])
def test_a_reader_beside_a_writer(tmp_path, kind):
    """A reader sees in order at least what was written before it began, beside any writer."""
    folder = tmp_path / "journal"
    journal = Segments(folder, 8, files=DISKS[kind]())
    journal.open()
    journal.append(some(1))
    last = 600
    reader = subprocess.Popen(
        [sys.executable, "-c", READER, str(folder), str(last)], stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, text=True, cwd=tmp_path,
    )  # fmt: skip
    with reader:
        assert reader.stdout.readline() == "ready\n"
        while journal.count < last:
            reader.stdin.write(f"{journal.count}\n")
            reader.stdin.flush()
            for size in (1, 3, 1, 12, 2, 5):
                journal.append(some(size, journal.count))
            compact(folder)
        for _ in range(100):
            if reader.poll() is None:
                try:
                    reader.stdin.write(f"{journal.count}\n")
                    reader.stdin.flush()
                except BrokenPipeError:
                    break
        output, _ = reader.communicate()
        assert reader.returncode == 0, output
    journal.close()


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


# -- damage


def damaged(tmp_path, name, change):
    folder = written(tmp_path, *[4] * 3)
    path = folder / name
    path.write_bytes(change(path.read_bytes()))
    return folder


def swapped(data):
    lines = data.split(b"\n")
    lines[1], lines[2] = lines[2], lines[1]
    return b"\n".join(lines)


def relined(change):
    """A file whose lines were changed, with checksums that fit."""

    def changed(data):
        texts = [line[: line.rindex(b'"crc"')] for line in data.split(b"\n") if line]
        made, crc = b"", 0
        for text in change(texts):
            line, crc = signed(text, crc)
            made += line
        return made

    return changed


DAMAGES = {
    "a changed byte": (lambda data: data.replace(b'"n":5', b'"n":6'), "line 3: the checksum"),
    "lines swapped": (swapped, "line 2: the checksum"),
    "a line doubled": (lambda data: data.replace(b'{"kind', data[101:180] + b'{"kind', 1), "line"),
    "a line gone": (lambda data: b"\n".join(data.split(b"\n")[:2] + data.split(b"\n")[3:]), "line"),
    "a tail gone": (lambda data: data[:-1], "line 6: the line is cut off"),
    "a closing line gone": (lambda data: b"\n".join(data.split(b"\n")[:-2]) + b"\n",
                            "closing line is missing"),
    "nothing left": (lambda data: b"", "line 1: this is no journal"),
    "other text": (lambda data: b"Dear diary,\nhello\n", "line 1: this is no journal"),
    "UTF-16": (lambda data: data.decode().encode("utf-16"), "line 1: this is no journal"),
    "a pickle": (lambda data: b"\x80\x04\x95\x00", "sparktune import-hyperopt .* NEW"),
    "an old pickle": (lambda data: b"ccopy_reg\n_reconstructor", "sparktune import-hyperopt"),
    "another journal": (lambda data: data.replace(b'"id":"', b'"id":"ff'), "line 1: the checksum"),
    "records too few": (relined(lambda texts: [*texts[:3], *texts[4:]]), "says 'sealed' and 4"),
    "a newer version": (relined(lambda texts: [texts[0].replace(b"1", b"2", 1), *texts[1:]]),
                        "written by a newer sparktune .its format is 2"),
    "version 0": (relined(lambda texts: [texts[0].replace(b"1", b"0", 1), *texts[1:]]), "version"),
    "a huge first": (relined(lambda texts: [texts[0].replace(b'first":4', b'first":9' + b"9" * 99),
                     *texts[1:]]), "begins with record 9"),
    "a false first": (relined(lambda texts: [texts[0].replace(b'first":4', b'first":true'),
                      *texts[1:]]), "`first` must be a whole number"),
    "a through before it": (relined(lambda texts: [texts[0] + b'"through":1,', *texts[1:]]),
                            "`through`"),
    "a foreign id": (relined(lambda texts: [texts[0].replace(b'"id":"', b'"id":"ff'), *texts[1:]]),
                     "of another journal"),
    "an id of the wrong type": (relined(lambda texts: [texts[0].replace(b'"id":"', b'"id":1,"i":"'),
                                *texts[1:]]), "an id"),
    "no JSON": (relined(lambda texts: [texts[0], b"{a:1,", *texts[1:]]), "line 2: .*no JSON"),
    "NaN": (relined(lambda texts: [texts[0], b'{"a":NaN,', *texts[1:]]), "line 2: .* NaN"),
    "infinity": (relined(lambda texts: [texts[0], b'{"a":-Infinity,', *texts[1:]]), "-Infinity"),
    "no UTF-8": (relined(lambda texts: [texts[0], b'{"a":"\xff",', *texts[1:]]), "line 2: .*UTF-8"),
    "deep": (relined(lambda texts: [texts[0], b'{"a":' + b"[" * 99_999 + b"]" * 99_999 + b",",
             *texts[1:]]), "line 2: .*over 100 lists"),
    "deep, not closed": (relined(lambda texts: [texts[0], b'{"a":' + b"[" * 99_999,
                         *texts[1:]]), "line 2: .*over 100 lists"),
    "a huge number": (relined(lambda texts: [texts[0], b'{"a":' + b"9" * 9_999 + b",", *texts[1:]]),
                      "line"),
    "a list": (relined(lambda texts: [texts[0], b'["a",', *texts[1:]]), "line 2: .*no JSON"),
    "a false end": (relined(lambda texts: [texts[0], b'{"$end":[],', *texts[1:]]), "line 2: its"),
    "a second head": (relined(lambda texts: [*texts[:2], texts[0], *texts[2:]]), "says 'sealed'"),
}  # fmt: skip


@pytest.mark.parametrize("what", DAMAGES)
def test_damage_of_a_sealed_segment_is_an_error(tmp_path, what):
    """Whatever is wrong in a file, the error names the file, mostly the line, and the rule."""
    change, words = DAMAGES[what]
    folder = damaged(tmp_path, "000002.jsonl", change)
    with pytest.raises(JournalError, match=f"000002.jsonl.*{words}"):
        list(read(folder))


@pytest.mark.parametrize(
    "what", ["a changed byte", "a pickle", "other text", "a newer version", "lines swapped", "deep"]
)
def test_damage_of_the_last_segment_is_an_error(tmp_path, what):
    """Neither reader nor writer takes damage in the midst of the last file for a torn record."""
    change, _ = DAMAGES[what]
    folder = damaged(tmp_path, "000003.jsonl", lambda data: change(data.replace(b"9", b"5")))
    before = (folder / "000003.jsonl").read_bytes()
    for act in (lambda: list(read(folder)), Segments(folder).open):
        with pytest.raises(JournalError, match=r"000003.jsonl"):
            act()
    assert (folder / "000003.jsonl").read_bytes() == before


def test_a_line_of_over_64_mb_is_not_read(tmp_path):
    """A file without an end of line is not read into memory as a whole."""
    folder = written(tmp_path, 4, 4)
    with (folder / "000001.jsonl").open("ab") as file:
        file.truncate(2**40)
    with pytest.raises(JournalError, match="longer than 67,108,864 bytes"):
        list(read(folder))


def test_a_missing_segment_is_an_error(tmp_path):
    """A segment that is missing is named."""
    folder = written(tmp_path, *[4] * 4)
    data = (folder / "000003.jsonl").read_bytes()
    (folder / "000003.jsonl").unlink()
    with pytest.raises(JournalError, match=r"000003.jsonl: this file is missing, but 000004"):
        list(read(folder))
    (folder / "000003.jsonl").write_bytes(data)
    (folder / "000001.jsonl").unlink()
    with pytest.raises(JournalError, match=r"000001.jsonl: this file is missing"):
        list(read(folder))


def test_what_is_no_journal_is_refused(tmp_path):
    """A folder without a journal, a file and a pickle are refused with a sentence each."""
    with pytest.raises(JournalError, match="there is no journal at"):
        list(read(tmp_path / "nowhere"))
    with pytest.raises(JournalError, match="holds no journal"):
        list(read(tmp_path))
    path = tmp_path / "trials.pkl"
    path.write_bytes(b"\x80\x04\x95")
    sentence = f"sparktune import-hyperopt {path} NEW"
    for act in (lambda: list(read(path)), Segments(path).open, lambda: compact(path)):
        with pytest.raises(JournalError, match=sentence):
            act()
    path.write_bytes(b"hello")
    for act in (lambda: list(read(path)), Segments(path).open, Segments(path / "below").open):
        with pytest.raises(JournalError, match=r"a journal is a folder|Not a directory"):
            act()
    assert path.read_bytes() == b"hello"


def test_a_foreign_file_is_not_deleted(tmp_path):
    """A file that has a journal's name but is none is neither read nor touched."""
    path = tmp_path / "000001.jsonl"
    for text in ('{"a": 1}\n', "", "{", "x" * 100):
        path.write_text(text)
        if text not in ("", "{"):
            with pytest.raises(JournalError, match="this is no journal of sparktune"):
                Segments(tmp_path).open()
            assert path.read_text() == text


@pytest.mark.parametrize("kind", ["link", "pipe", "folder"])
def test_links_and_pipes_are_not_read(tmp_path, kind):
    """What leads out of the folder, or is no file, is refused, and does not keep the reader."""
    folder = written(tmp_path / "journal", 4, 4)
    path = folder / "000001.jsonl"
    other = path.rename(tmp_path / "other")
    if kind == "link":
        path.symlink_to(other)
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        path.mkdir()
    with pytest.raises(JournalError, match=r"000001.jsonl cannot be read: it is (a link|no reg)"):
        list(read(folder))
    with pytest.raises(JournalError, match=r"it is (a link|no regular)"):
        compact(folder)


def test_other_names_in_the_folder_do_not_count(tmp_path):
    """Only names that a journal gives are looked at."""
    folder = written(tmp_path, 4, 1)
    others = (
        "lock",
        "1.jsonl",
        "0000003.jsonl",
        "000003.g0001.jsonl",
        "000003.g2.jsonl",
        "x.jsonl",
    )
    for name in (*others, "000003.jsonl~", "000003.jsonl.gz", "٠٠٠٠٠٣.jsonl"):
        (folder / name).write_text("other")
    assert read_all(folder) == (list(range(5)), True)


# -- damage at random


def mutate(folder, draw):
    """Change one thing in a journal, as ``draw`` (a function from a range to a number) says."""
    paths = sorted(folder.glob("*.jsonl"))
    path = paths[draw(len(paths))]
    data = bytearray(path.read_bytes())
    kind = draw(12)
    at = draw(len(data)) if data else 0
    if kind == 0:
        data[at : at + 1] = bytes([draw(256)])
    elif kind == 1:
        del data[at : at + 1 + draw(40)]
    elif kind == 2:
        data[at:at] = bytes([draw(256)]) * (1 + draw(3))
    elif kind == 3:
        del data[at:]
    elif kind == 4:
        data += bytes(data[at : at + draw(200)])
    elif kind == 5:
        data[at : at + 8] = bytes(8)
    elif kind in (6, 7, 8):
        lines = data.split(b"\n")
        one, two = draw(len(lines)), draw(len(lines))
        if kind == 6:
            lines[one], lines[two] = lines[two], lines[one]
        elif kind == 7:
            del lines[one]
        else:
            lines.insert(two, lines[one])
        data = b"\n".join(lines)
    elif kind == 9:
        path.unlink()
        return
    elif kind == 10:
        path.rename(folder / f"{1 + draw(6):06}.jsonl")
        return
    else:
        bits = bytearray(data)
        if bits:
            bits[at] ^= 1 << draw(8)
        data = bits
    path.write_bytes(data)


def originals(folder):
    """Three journals: of several segments, without append, and merged."""
    made = [folder / name for name in ("plain", "anew", "merged")]
    written(made[0], 1, 2, 3, 1, 3)
    written(made[1], 1, 2, 3, 1, 3, files=NoAppend())
    written(made[2], *[2] * 9)
    compact(made[2])
    return [{path.name: path.read_bytes() for path in each.iterdir()} for each in made]


@pytest.mark.parametrize("times", [500, pytest.param(10_000, marks=pytest.mark.full)])
def test_mutated_journals(tmp_path, times):
    """A changed journal gives its records, or fewer and says so, or an error: never others."""
    journals = originals(tmp_path)
    folder = tmp_path / "mutated"
    folder.mkdir()
    ends, sentences = {"exact": 0, "fewer": 0, "error": 0}, []
    for seed in range(times):
        files = journals[seed % 3]
        count = 18 if seed % 3 == 2 else 10
        for path in folder.iterdir():
            path.unlink()
        for name, data in files.items():
            (folder / name).write_bytes(data)
        random_ = random.Random(seed)
        for _ in range(random_.choice((1, 1, 1, 2, 3))):
            if any(folder.glob("*.jsonl")):
                mutate(folder, random_.randrange)
        reading = read(folder)
        found = []
        try:
            found += [each["n"] for each in reading]
        except JournalError as error:
            ends["error"] += 1
            sentences.append(str(error))
            assert found == list(range(len(found)))
            continue
        assert found == list(range(len(found))), seed
        if len(found) < count:
            assert reading.torn or not reading.closed, seed
            ends["fewer"] += 1
        else:
            assert len(found) == count
            ends["exact"] += 1
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            journal = Segments(folder, 4)
            journal.open()  # the writer finds the same end
        assert journal.count == len(found), seed
        journal.close()
    assert min(ends.values()) > times / 50, ends
    assert all(str(folder) in each for each in sentences)


@given(st.binary(max_size=300), st.booleans())
@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_bytes_as_a_journal(tmp_path, data, headed_):
    """Whatever bytes stand in a file, reading ends with no records, said, or with a sentence."""
    head = headed(Head("0" * 16, 0))[0] if headed_ else b""
    (tmp_path / "000001.jsonl").write_bytes(head + data)
    reading = read(tmp_path)
    try:
        assert list(reading) == []
        assert not reading.closed
    except JournalError:
        pass


def test_calls_are_few(tmp_path):
    """An append is one write and one sync."""
    disk = Disk()
    with Segments(tmp_path, files=disk) as journal:
        journal.append(some(1))
        disk.calls.clear()
        journal.append(some(5, 1))
        assert disk.calls == ["size", "write", "sync"]
