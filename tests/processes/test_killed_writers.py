"""Writers that are killed, and readers beside a writer: nothing is lost or doubled."""

import subprocess
import sys
import warnings
from pathlib import Path

import pytest
from disks import NoAppend
from journals import DISKS, read_all, some, written

from sparktune.storage.files import Files
from sparktune.storage.segments import Segments, compact, read

HELPERS = str(Path(__file__).parents[1] / "helpers")

KILLED = """
import os, sys, warnings
os.fsync = lambda fd: None
sys.path.insert(0, {helpers!r})
from pathlib import Path
from disks import CHANGES, Dying, DyingNoAppend
from sparktune.storage.segments import Segments, compact
kind = {{"real": Dying, "no append": DyingNoAppend}}[sys.argv[2]]
warnings.simplefilter("ignore")

def run(folder, disk, out):
    with Segments(folder, 3, files=disk) as journal:
        for size in (1, 2, 1, 5, 1):
            os.write(out, b"b%d " % (journal.count + size))
            journal.append([{{"n": journal.count + i}} for i in range(size)])
            os.write(out, b"a%d " % journal.count)
    compact(folder, files=disk)
    os.write(out, b"end")

def child_of(name, disk):
    folder = Path(sys.argv[1]) / name
    folder.mkdir()
    out = os.open(folder / "said", os.O_CREAT | os.O_WRONLY)
    child = os.fork()
    if not child:
        try:
            run(folder, disk, out)
        finally:
            os._exit(1)
    os.waitpid(child, 0)

whole = kind(-1, "")
run(Path(sys.argv[1]) / "whole", whole, os.open(os.devnull, os.O_WRONLY))
changes = [call for call in whole.calls if call in CHANGES]
for at, call in enumerate(changes):
    child_of(f"{{at}}-before", kind(at, "before"))
    if call == "write":
        child_of(f"{{at}}-half", kind(at, "half"))
child_of("end", kind(len(changes), "before"))
print(len(changes))
"""


@pytest.mark.parametrize("kind", ["real", "no append"])
def test_a_writer_killed_at_every_call(tmp_path, run_python, kind):
    """Killed before or in any call: what an append returned for is there, once, in order."""
    runs = tmp_path / "runs"
    runs.mkdir()
    script = KILLED.format(helpers=HELPERS)
    steps = int(run_python(script, str(runs), kind).stdout)
    assert steps > 30
    disk = DISKS[kind]()
    assert (runs / "end" / "said").read_text().endswith("end")
    for folder in runs.glob("*-*"):
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
    last = 300
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
