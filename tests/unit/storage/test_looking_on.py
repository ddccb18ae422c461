"""A journal that somebody else writes: reading it on and on, and who that is."""

import shutil
import subprocess
import sys

import pytest

from sparktune import JournalError, Status, Trials, fmin, hp
from sparktune.storage.files import Files
from sparktune.storage.lock import WriterLock, writer_of
from sparktune.storage.replaying import Recorded, replay


def run(folder, count, seed=3):
    """A run up to so many trials."""
    space = {"x": hp.uniform("x", 0, 1)}
    trials = Trials(journal=folder)
    fmin(
        lambda c: c["x"], space, max_evals=count, trials=trials, rstate=seed, show_progressbar=False
    )


def test_what_was_read_is_added_to(tmp_path):
    """Reading on gives what reading all gives, in the history that was there."""
    run(tmp_path, 3)
    first = replay(tmp_path)
    history, count = first.history, first.count
    run(tmp_path, 5)
    again = replay(tmp_path, first)
    whole = replay(tmp_path)
    assert again.history is history
    assert again.count == whole.count > count
    assert [t.values for t in again.history] == [t.values for t in whole.history]
    assert (again.runs, again.begun, again.seed, again.closed) == (2, whole.begun, 3, True)
    assert again.id == whole.id


def test_another_journal_in_its_place_is_read_from_the_beginning(tmp_path):
    """A folder that was emptied holds nothing, and a new journal in it is another one."""
    folder = tmp_path / "run"
    for count in (5, 1, 9):  # shorter and longer than what was there
        run(folder, 4)
        known = replay(folder)
        shutil.rmtree(folder)
        assert replay(folder, known) == Recorded()
        run(folder, count)
        found = replay(folder, known)
        assert found.id != known.id
        assert found.history.count(Status.OK) == count
        shutil.rmtree(folder)


def test_who_writes(tmp_path):
    """It is the process that has the lock, and nobody once that has ended or was killed."""
    assert writer_of(tmp_path) is None
    with WriterLock(tmp_path):
        assert "(this one)" in str(writer_of(tmp_path))
    assert writer_of(tmp_path) is None
    script = (
        "import sys\n"
        "from sparktune.storage.lock import WriterLock\n"
        "lock = WriterLock(sys.argv[1])\n"
        "lock.acquire()\n"
        "print('locked', flush=True)\n"
        "sys.stdin.read()\n"
    )
    words = [sys.executable, "-c", script, str(tmp_path)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "locked\n"
        assert writer_of(tmp_path).pid == other.pid
        other.kill()
        other.wait()
        assert (tmp_path / "lock").read_text() != ""
        assert writer_of(tmp_path) is None


def test_who_has_a_lease(tmp_path):
    """Where the file system has no locks the owner of the newest lease is it."""

    class NoLocks(Files):
        def open_to_lock(self, path):
            raise OSError(95, "no locks")

    files = NoLocks()
    with WriterLock(tmp_path, files=files):
        assert "(this one)" in str(writer_of(tmp_path, files=files))
    assert writer_of(tmp_path, files=files) is None
    text = '{"id": "0", "host": "far", "machine": "m", "pid": 7, "started": 1, "since": "s"}'
    (tmp_path / "lease.000001.00000000000000aa").write_text(text)
    far = writer_of(tmp_path)
    assert (str(far), far.here) == ("process 7 on far, since s", False)


def test_a_damaged_journal_is_refused_when_read_on(tmp_path):
    """The error has the file and the line."""
    run(tmp_path, 3)
    known = replay(tmp_path)
    file = tmp_path / "000001.jsonl"
    file.write_text(file.read_text().replace("kind", "kimd", 1))
    with pytest.raises(JournalError, match="line 2: the checksum"):
        replay(tmp_path, known)
