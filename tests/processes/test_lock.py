"""One writer at a time, by a lock or by a lease, whoever dies or sleeps."""

import errno
import gc
import json
import os
import signal
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from disks import Mounted

from sparktune.exceptions import JournalError, JournalInUse
from sparktune.storage.files import Files
from sparktune.storage.lease import Lease
from sparktune.storage.lock import WriterLock
from sparktune.storage.owner import Owner
from sparktune.storage.segments import Segments, read


class Time:
    """A clock that passes while somebody waits; then things may happen.

    Attributes:
        now: seconds.
        events: what happens at which second.
    """

    def __init__(self):
        self.now = 1000.0
        self.events = {}

    def __call__(self):
        return self.now

    def pause(self, seconds):
        self.now += seconds
        for at in sorted(self.events):
            if at <= self.now:
                self.events.pop(at)()


@pytest.fixture
def now():
    return Time()


@pytest.fixture
def said():
    return []


def elsewhere(name="other"):
    """An owner on another machine."""
    return replace(Owner.me(), host=name, machine=f"boot of {name}", pid=4321)


@pytest.fixture
def lease(tmp_path, now, said):
    """Makes leases of one folder."""

    def make(owner=None, files=None):
        files = files or Mounted()
        return Lease(tmp_path, owner or elsewhere(), files, now, now.pause, said.append)

    return make


@pytest.fixture
def lock(tmp_path, now, said):
    """Makes locks of one folder."""

    def make(files=None, **more):
        files = files or Files()
        return WriterLock(
            tmp_path, clock=now, pause=now.pause, say=said.append, files=files, **more
        )

    return make


def leases(folder):
    return sorted(path.name for path in folder.glob("lease.*"))


# -- in one process


@pytest.mark.parametrize("disk", [Files, Mounted, lambda: Mounted(True)])
def test_one_writer_at_a_time(lock, disk):
    """A second writer is refused with who the first is, and admitted after it."""
    first, second = lock(disk()), lock(disk())
    with first:
        first.check()
        with pytest.raises(JournalInUse, match=r"by process \d+ \(this one\) on .*, since 2"):
            second.acquire()
        with pytest.raises(JournalError, match="by this object already"):
            first.acquire()
        with pytest.raises(JournalError, match="not locked by this process"):
            second.check()
        first.check()
    first.release()
    with second, pytest.raises(JournalInUse):
        first.acquire()
    with pytest.raises(JournalError, match="not locked by this process"):
        first.check()
    with first:
        first.check()


@pytest.mark.parametrize("disk", [Files, Mounted])
def test_a_lock_that_nobody_has_any_more_is_released(lock, disk, tmp_path):
    """A writer that was forgotten with its objects does not keep others out."""
    forgotten = lock(disk())
    forgotten.acquire()
    del forgotten
    gc.collect()
    with lock(disk()):
        pass
    assert leases(tmp_path) == []


def test_a_lock_whose_file_was_deleted_is_noticed(lock, tmp_path):
    """A writer whose lock file was deleted learns that others may write."""
    first = lock()
    first.acquire()
    (tmp_path / "lock").unlink()
    with pytest.raises(JournalError, match="was deleted, so that others may write"):
        first.check()
    with lock():
        with pytest.raises(JournalError, match="was deleted"):
            first.check()
        first.release()
    with lock():
        pass


@pytest.mark.parametrize("text", [b"", b"{", b"[1]", b'{"id": 1}', b"\x80\x04", b"[" * 99_999])
def test_a_lock_without_a_name_still_holds(lock, tmp_path, text):
    """What stands in the lock's file is for the message alone."""
    first = lock()
    with first:
        (tmp_path / "lock").write_bytes(text)
        with pytest.raises(JournalInUse, match="another process, which did not say who it is"):
            lock().acquire()


def test_a_folder_that_cannot_be_locked_is_a_clear_error(tmp_path, lock):
    """A folder that is a file, and a disk that refuses, are errors with the reason."""

    class ReadOnly(Files):
        def open_to_lock(self, path):
            raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    with pytest.raises(JournalError, match="cannot be made or locked: Read-only file system"):
        lock(ReadOnly()).acquire()
    (tmp_path / "file").write_text("")
    with pytest.raises(JournalError, match="cannot be made or locked: Not a directory"):
        WriterLock(tmp_path / "file").acquire()


def test_a_link_in_place_of_the_lock_is_not_followed(tmp_path, lock):
    """The lock's file is in the folder."""
    (tmp_path / "other").write_text("precious")
    (tmp_path / "lock").symlink_to(tmp_path / "other")
    with pytest.raises(JournalError, match="it is a link"):
        lock().acquire()
    assert (tmp_path / "other").read_text() == "precious"


# -- processes

HELPERS = str(Path(__file__).parents[1] / "helpers")
HOLDER = """
import os, subprocess, sys
sys.path.insert(0, {helpers!r})
from disks import Files, Mounted
from sparktune.storage.lock import WriterLock
lock = WriterLock(sys.argv[1], files={disk})
lock.acquire()
seen, runs = os.pipe()
child = {child}
print(child, flush=True)
sys.stdin.read()
"""
FORK = """os.fork()
if not child:
    os.write(runs, b".")
    sys.stdin.readline()
    os._exit(0)
os.read(seen, 1)
"""
STARTED = "subprocess.Popen(['cat'], close_fds=False, stdout=subprocess.DEVNULL).pid"


@pytest.fixture
def holder(tmp_path):
    """Starts a process that holds the lock, and perhaps has a child; gives both."""
    started = []

    def start(disk="Mounted()", child="0"):
        script = HOLDER.format(helpers=HELPERS, disk=disk, child=child)
        process = subprocess.Popen(
            [sys.executable, "-c", script, str(tmp_path)], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        started.append(process)
        return process, int(process.stdout.readline())

    yield start
    for process in started:
        process.stdin.close()
        process.kill()
        process.wait()
        process.stdout.close()


@pytest.mark.parametrize("disk", ["Mounted()", "Files()"])
def test_two_processes(lock, holder, disk, said):
    """Another process that lives is named; one that was killed is replaced at once."""
    process, _ = holder(disk)
    mine = lock(Files() if disk == "Files()" else Mounted())
    for _ in range(2):  # the first attempt leaves the name where it is
        with pytest.raises(JournalInUse, match=rf"by process {process.pid} on "):
            mine.acquire()
    process.send_signal(signal.SIGKILL)
    process.wait()
    with mine:
        mine.check()
    assert said == []


@pytest.mark.parametrize("child", [FORK, STARTED])
def test_children_do_not_hold_the_lock(lock, holder, child):
    """A lock ends with its process, also while what it forked or started lives on."""
    process, other = holder("Files()", child)
    with pytest.raises(JournalInUse):
        lock().acquire()
    process.send_signal(signal.SIGKILL)
    process.wait()
    os.kill(other, 0)  # it lives
    with lock():
        pass
    process.stdin.close()


FORKED = """
import os, sys
from sparktune.exceptions import JournalError
from sparktune.storage.lock import WriterLock
from sparktune.storage.segments import Segments
with WriterLock(sys.argv[1]) as lock, Segments(sys.argv[1]) as journal:
    journal.append([{"a": 1}])
    child = os.fork()
    if not child:
        for act in (lock.check, lambda: journal.append([{"a": 2}])):
            try:
                act()
            except JournalError as error:
                print(error, flush=True)
        journal.close()
        lock.release()
        os._exit(0)
    os.waitpid(child, 0)
    lock.check()
    journal.append([{"a": 3}])
    try:
        WriterLock(sys.argv[1]).acquire()
    except JournalError as error:
        print(error)
"""


def test_a_fork_is_no_writer(tmp_path, run_python):
    """A fork of the writer is told so, and lets go of nothing that its parent holds."""
    lines = run_python(FORKED, str(tmp_path / "journal")).stdout.splitlines()
    assert len(lines) == 3
    assert all("this is a fork of it" in line for line in lines[:2])
    assert "is being written by" in lines[2]
    assert list(read(tmp_path / "journal")) == [{"a": 1}, {"a": 3}]


def test_the_end_of_the_interpreter_gives_a_lease_back(tmp_path, run_python):
    """A script that ends without releasing its lease leaves none behind."""
    script = "import sys\nfrom sparktune.storage.lock import WriterLock, Files\n"
    script += "class Inexact(Files):\n    def locks_are_exact(self, folder): return False\n"
    script += "lock = WriterLock(sys.argv[1], files=Inexact())\nlock.acquire()\n"
    script += "import os; print(*os.listdir(sys.argv[1]))"
    assert "lease.000001." in run_python(script, str(tmp_path / "journal")).stdout
    assert leases(tmp_path / "journal") == []


# -- leases


def test_a_lease_is_renewed_under_the_next_number(lease, tmp_path):
    """Each renewal is a new file, and the one before is deleted: nothing is written over."""
    files = Mounted()
    mine = lease(files=files)
    mine.take()
    for number in range(1, 5):
        (name,) = leases(tmp_path)
        assert name.startswith(f"lease.{number:06}.")
        assert json.loads((tmp_path / name).read_text())["host"] == "other"
        mine.check()
        mine.renew()
    mine.drop()
    assert leases(tmp_path) == []
    assert set(files.calls).isdisjoint({"open_to_append", "truncate"})


def test_the_lease_of_a_dead_machine_is_taken_after_60_seconds(lease, now, said, tmp_path):
    """A lease that nobody renews is taken after 60 s by the clock of who waits, with a line."""
    dead, mine = lease(), lease(elsewhere("third"))
    dead.take()
    began = now()
    mine.take()
    assert 60 <= now() - began <= 62
    (line,) = said
    assert "waiting up to 60 s for the journal" in line
    assert "process 4321 on other, since 2" in line
    mine.check()
    assert len(leases(tmp_path)) == 1
    with pytest.raises(JournalError, match="taken over by process 4321 on third"):
        dead.check()


@pytest.mark.parametrize("text", ["9999-12-31", "1970-01-01"])
def test_clocks_of_two_machines_are_not_compared(lease, now, text):
    """Whatever time the other's lease says it is, it is watched by this one's clock."""
    dead = lease(replace(elsewhere(), since=text))
    dead.take()
    began = now()
    lease(elsewhere("third")).take()
    assert 60 <= now() - began <= 62


def test_a_lease_that_is_renewed_is_in_use(lease, now, said):
    """A lease of another machine that changes while it is watched belongs to the living."""
    alive, mine = lease(), lease(elsewhere("third"))
    alive.take()
    began = now()
    now.events[began + 7] = alive.renew
    with pytest.raises(JournalInUse, match="by process 4321 on other, since"):
        mine.take()
    assert now() - began < 10
    assert len(said) == 1
    alive.check()


def test_a_lease_that_is_given_back_is_taken_at_once(lease, now):
    """Who waits for a lease gets it when its owner ends."""
    alive, mine = lease(), lease(elsewhere("third"))
    alive.take()
    began = now()
    now.events[began + 7] = alive.drop
    mine.take()
    assert now() - began < 10
    mine.check()


def test_an_owner_that_slept_learns_that_it_lost_its_lease(lease, now):
    """An owner that wakes up after its lease was taken over neither renews nor writes."""
    slow, fast = lease(), lease(elsewhere("third"))
    slow.take()
    fast.take()
    slow.renew()
    with pytest.raises(JournalError, match=r"taken over by process 4321 on third.*over 60 s"):
        slow.check()
    slow.drop()
    fast.renew()
    fast.check()


def test_a_late_owner_looks_at_the_disk(lease, now, tmp_path):
    """A check that comes long after the last renewal renews first."""
    mine = lease()
    mine.take()
    now.now += 300
    mine.check()
    assert leases(tmp_path)[0].startswith("lease.000002.")


def test_an_owner_whose_disk_fails_stops_in_time(lease, now):
    """A lease that cannot be renewed for 60 s, in which others may take it, does not count."""

    class Broken(Mounted):
        broken = False

        def before(self, name, *arguments):
            if self.broken:
                raise OSError(errno.EIO, "no")

    files = Broken()
    mine = lease(files=files)
    mine.take()
    files.broken = True
    now.now += 30
    mine.check()
    now.now += 31
    with pytest.raises(JournalError, match="could not be renewed for 61 s"):
        mine.check()
    files.broken = False
    mine.check()
    mine.renew()


def test_two_that_take_a_lease_at_once_never_both_have_it(lease, now, tmp_path):
    """Of two that write their first file at the same moment, at most one goes on."""

    class Interrupted(Mounted):
        """Somebody else acts between two calls."""

        def __init__(self, at, act):
            super().__init__()
            self.at, self.act = at, act

        def before(self, name, *arguments):
            if len(self.calls) == self.at:
                self.act()

    one = 0
    for at in range(1, 30):
        other, held = lease(elsewhere("third")), []

        def act(other=other, held=held):
            try:
                other.take()
                held.append(other)
            except JournalInUse:
                pass

        mine = lease(files=Interrupted(at, act))
        try:
            mine.take()
            held.append(mine)
        except JournalInUse:
            pass
        holding = 0
        for each in held:
            try:
                each.renew()
                each.check()
                holding += 1
            except JournalError:
                pass
        assert holding <= 1
        one += holding
        for path in tmp_path.glob("lease.*"):
            path.unlink()
    assert one > 20


@pytest.mark.parametrize("text", [b"", b"{", b'{"pid": "x"}', b"\xff" * 9999])
def test_a_lease_that_is_torn_is_waited_for(lease, now, said, tmp_path, text):
    """A lease that does not say whose it is, is watched as any other."""
    dead = lease()
    dead.take()
    (tmp_path / leases(tmp_path)[0]).write_bytes(text)
    began = now()
    lease(elsewhere("third")).take()
    assert 60 <= now() - began <= 62
    assert "an unknown process" in said[0]


def test_a_process_number_that_was_given_again_is_another(lease, now):
    """The lease of a process that ended here is taken at once, also if its number lives on."""
    me = Owner.me()
    assert me.lives
    again = replace(me, started=me.started - 1)
    for gone in (again, replace(me, pid=2**22 + 1), replace(me, pid=-1)):
        assert not gone.lives
        lease(gone).take()
        began = now()
        mine = lease(Owner.me())
        mine.take()
        assert now() == began
        mine.drop()


def test_a_thread_renews_the_lease(lock):
    """While a lease is held, a thread of its own renews it, and ends with it."""
    renewed = threading.Event()

    class Seen(Mounted):
        def before(self, name, *arguments):
            super().before(name, *arguments)
            if name == "create" and ".000003." in arguments[0].name:
                renewed.set()

    before = set(threading.enumerate())
    with lock(Seen(), every=0.01):
        (thread,) = set(threading.enumerate()) - before
        assert thread.daemon
        assert renewed.wait(60)
    thread.join(60)
    assert not thread.is_alive()


def test_only_locks_of_known_file_systems_are_trusted(tmp_path):
    """A mount whose locks other machines may not see gets a lease as well."""
    assert not Files().locks_are_exact(Path("/proc"))
    mounts = Path("/proc/mounts").read_text().splitlines()
    kinds = {line.split()[1]: line.split()[2] for line in mounts}
    if kinds.get("/dev/shm") == "tmpfs":
        assert Files().locks_are_exact(Path("/dev/shm"))


def test_a_journal_under_a_lock_reads_as_any_other(tmp_path, lock):
    """Files of the lock and of leases do not disturb the journal."""
    with lock(Mounted()) as held, Segments(tmp_path, files=Mounted()) as journal:
        journal.append([{"a": 1}])
        held.check()
        assert list(read(tmp_path)) == [{"a": 1}]
