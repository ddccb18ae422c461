"""What a folder says about the cluster that was started there, and how all of it is stopped."""

from __future__ import annotations

import contextlib
import fcntl
import functools
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ..storage.whole import write_whole

__all__ = ["ClusterError", "Process", "State", "default_folder", "read_state", "stop"]

MARK = "SPARKTUNE_CLUSTER"  # in the environment of all processes of a cluster
_GRACE_SECONDS = 10.0


class ClusterError(RuntimeError):
    """A cluster cannot be started or stopped; the message says why and what to do."""


@dataclass(frozen=True)
class Process:
    """A process of a cluster; the time at which it began tells it from a later one of its pid."""

    name: str
    pid: int
    began: int
    log: str

    @property
    def alive(self) -> bool:
        """Whether this very process still runs."""
        return began_at(self.pid) == self.began


@dataclass(frozen=True)
class State:
    """What a folder says about the cluster that was started there.

    Args:
        mark: what all its processes carry in their environment.
        boot: the kernel's name for the time since the machine was switched on.
        master: ``spark://...``, or ``local[n]`` for a Connect server alone.
        web_ui: the address of the master's web UI.
        remote: ``sc://...`` where there is a Connect server.
        options: the settings it was started with.
        processes: all that were started, dead ones too.
    """

    mark: str
    boot: str
    master: str = ""
    web_ui: str = ""
    remote: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    processes: tuple[Process, ...] = ()

    @property
    def alive(self) -> tuple[Process, ...]:
        """The processes that still run."""
        return tuple(each for each in self.processes if self.boot == boot() and each.alive)


def read_state(folder: str | os.PathLike[str] | None = None) -> State | None:
    """What the folder says about its cluster, None where there is none."""
    path = Path(folder or default_folder()) / "cluster.json"
    try:
        read = json.loads(path.read_text())
        processes = tuple(Process(**each) for each in read.pop("processes"))
        return State(**read, processes=processes)
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ClusterError(f"{path} cannot be read: remove it ({error})") from None


def save_state(state: State, folder: Path) -> None:
    """Write what the folder says; it is there whole or not at all."""
    write_whole(folder / "cluster.json", json.dumps(asdict(state), indent=1).encode())


def default_folder() -> Path:
    """A folder of this user for clusters that name none."""
    caches = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")  # noqa: PTH111
    folder = Path(caches).absolute() / "sparktune" / "cluster"
    nearest = next(each for each in (folder, *folder.parents) if each.exists())
    if not os.access(nearest, os.W_OK):
        return Path(tempfile.gettempdir()) / f"sparktune-{os.getuid()}" / "cluster"
    return folder


def stop(folder: str | os.PathLike[str] | None = None) -> list[str]:
    """Stop the cluster of a folder and its executors; the names of the servers that still ran."""
    path = Path(folder or default_folder()).absolute()
    if not path.is_dir():
        return []
    with locked(path):
        return stop_locked(path)


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """No other process starts or stops the cluster of this folder meanwhile."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / "lock").open("w")
    except OSError as error:
        raise ClusterError(
            f"{folder} cannot be written ({error.strerror}): choose another with --dir"
        ) from None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise ClusterError(
                f"another process is starting or stopping the cluster of {folder}: wait for it"
            ) from None
        yield


def stop_locked(folder: Path) -> list[str]:
    state = read_state(folder)
    if state is None:
        return []
    names = [each.name for each in state.alive]

    def left() -> list[int]:
        # executors and Python workers carry the mark too, also in sessions of their own
        servers = [each.pid for each in state.alive]
        return sorted({*servers, *marked(state.mark)})

    end(left)
    if left():
        raise ClusterError(f"processes do not end, not even when killed: {left()}")
    (folder / "cluster.json").unlink(missing_ok=True)
    shutil.rmtree(folder / "tmp", ignore_errors=True)
    return names


def end(left: Callable[[], list[int]]) -> None:
    """Ask the processes that are ``left`` to end, and kill those that do not within 10 seconds."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        for pid in left():
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, number)
        deadline = time.monotonic() + _GRACE_SECONDS
        while left() and time.monotonic() <= deadline:
            time.sleep(0.05)


CHILDREN: dict[int, subprocess.Popen[bytes]] = {}
"""Servers that this process started itself, and whose end it has to take note of."""


def began_at(pid: int) -> int | None:
    """When a living process began, in the kernel's ticks; None for a dead one."""
    child = CHILDREN.get(pid)
    if child is not None and child.poll() is not None:
        del CHILDREN[pid]
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        # a process with threads left still has its ports, whatever became of its first thread
        dead = fields[0] in "ZX" and len(os.listdir(f"/proc/{pid}/task")) < 2  # noqa: PTH208
    except OSError:
        return None
    return None if dead else int(fields[19])


def marked(mark: str) -> list[int]:
    """The living processes that carry a cluster's mark in their environment."""
    wanted = f"{MARK}={mark}".encode()
    found = []
    for name in os.listdir("/proc"):  # noqa: PTH208
        if name.isdigit() and int(name) != os.getpid():
            with contextlib.suppress(OSError):
                carried = Path(f"/proc/{name}/environ").read_bytes().split(b"\0")
                if wanted in carried and began_at(int(name)) is not None:
                    found.append(int(name))
    return found


@functools.cache
def boot() -> str:
    with contextlib.suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return ""
