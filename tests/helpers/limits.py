"""A Python for Spark's workers that has little memory and no network but loopback."""

import contextlib
import os
import shutil
import signal
import stat
import subprocess
import sys
import threading
from pathlib import Path

_V1, _V2 = Path("/sys/fs/cgroup/memory"), Path("/sys/fs/cgroup")
_MARK = "SPARKTUNE_TEST_ALLOWANCE"


def offline():
    """The words before a command that leave it no network but loopback; None where none do."""
    for user in ([], ["--map-root-user"]):
        words = ["unshare", "--net", *user, "sh", "-c", 'ip link set lo up && exec "$@"', "sh"]
        if shutil.which("unshare") and shutil.which("ip"):
            done = subprocess.run([*words, "true"], capture_output=True, check=False)
            if not done.returncode:
                return words
    return None


class Allowance:
    """The memory of all Python processes that Spark starts, together; a context manager.

    The kernel keeps it where this process may make a memory cgroup. Else their memory is added up
    several times a second, and the largest is killed when it is too much, as the kernel does.

    Args:
        megabytes: that they may take.
        folder: for the program.

    Attributes:
        python: a program to start them by.
        kept_by: ``"cgroup"`` or ``"watching"``.
    """

    def __init__(self, megabytes, folder):
        self._bytes, self._most, self._over = megabytes << 20, 0, threading.Event()
        self.python = str(folder / "python")
        self._mark = f"{_MARK}={self.python}"
        self._group = self._made()
        self.kept_by = "cgroup" if self._group else "watching"
        join = f"echo $$ >{self._group}/cgroup.procs\n" if self._group else ""
        Path(self.python).write_text(f'#!/bin/sh\n{join}{self._mark} exec {sys.executable} "$@"\n')
        Path(self.python).chmod(stat.S_IRWXU)

    def _made(self):
        """A cgroup with this limit, None where there can be none."""
        for root, limit in ((_V1, "memory.limit_in_bytes"), (_V2, "memory.max")):
            group = root / f"sparktune-{os.getpid()}"
            with contextlib.suppress(OSError):
                group.mkdir()
                try:
                    if (group / limit).exists():
                        (group / limit).write_text(str(self._bytes))
                        return group
                except OSError:
                    pass
                group.rmdir()
        return None

    def __enter__(self):
        if self._group is None:
            threading.Thread(target=self._watch, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._over.set()
        if self._group is not None:
            for pid in (self._group / "cgroup.procs").read_text().split():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(int(pid), signal.SIGKILL)
            while (self._group / "cgroup.procs").read_text():
                pass
            self._group.rmdir()

    def _watch(self):
        while not self._over.wait(0.05):
            sizes = {pid: proportional(pid) for pid in self._pids()}
            self._most = max(self._most, sum(sizes.values()))
            if sum(sizes.values()) > self._bytes:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(max(sizes, key=sizes.get), signal.SIGKILL)

    def _pids(self):
        mark = self._mark.encode()
        for path in Path("/proc").glob("[0-9]*/environ"):
            with contextlib.suppress(OSError):
                if mark in path.read_bytes().split(b"\0"):
                    yield int(path.parent.name)


def proportional(pid):
    """The memory of a process in bytes, with its share of what it shares with others."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) << 10
    return 0
