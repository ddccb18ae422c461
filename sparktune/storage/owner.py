"""Who writes a journal: a process of a machine, and whether it lives."""

from __future__ import annotations

import json
import os
import secrets
import socket
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from pathlib import Path

__all__ = ["Owner", "boot"]


@dataclass(frozen=True)
class Owner:
    """A writer.

    Attributes:
        id: random, 16 hex digits.
        host: the machine's name, for people.
        machine: this boot of the machine, and the process numbers that are seen there; "" where
            that is not known.
        pid: of the process.
        started: the process's start, in the kernel's ticks since the boot.
        since: when it began to write, in UTC, for people; never compared with anything.
        serial: whether it evaluates one trial after the other itself, so that one may end it.
    """

    id: str
    host: str
    machine: str
    pid: int
    started: int
    since: str
    serial: bool = False

    @classmethod
    def me(cls, serial: bool = False) -> Owner:
        """This process, as a new owner."""
        pid = os.getpid()
        since = datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M:%S UTC")
        started = (_stat(pid) or ("", 0))[1]
        me = (secrets.token_hex(8), socket.gethostname(), _machine(), pid, started, since)
        return cls(*me, serial)

    @classmethod
    def of(cls, data: bytes) -> Owner | None:
        """What ``data`` wrote; None where it is cut off or something else."""
        try:
            found = json.loads(data)
            owner = cls(**found)
        except (ValueError, TypeError, RecursionError):
            return None
        kinds = {name: type(value) for name, value in asdict(owner).items()}
        others = {"pid": int, "started": int, "serial": bool}
        right = all(kind is others.get(name, str) for name, kind in kinds.items())
        return owner if right else None

    @property
    def data(self) -> bytes:
        """As a line of JSON."""
        return json.dumps(asdict(self)).encode() + b"\n"

    @property
    def here(self) -> bool:
        """Whether it is of this boot of this machine, so that ``lives`` can tell."""
        return bool(self.machine) and self.machine == _machine()

    @property
    def is_of_this_boot(self) -> bool:
        """Whether its machine is this one, which was not started anew since."""
        return self.machine.partition("/")[0] == boot() != ""

    @property
    def lives(self) -> bool:
        """Whether the process runs on this machine, and is not another with the same number."""
        if self.pid <= 0 or self.pid > 2**31 - 1:
            return False
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            pass  # it is somebody else's
        found = _stat(self.pid)
        return found is None or (found[0] not in "ZX" and found[1] == self.started)

    def __str__(self) -> str:
        me = " (this one)" if self.here and self.pid == os.getpid() else ""
        host, since = (" ".join(text.split()) for text in (self.host, self.since))
        return f"process {self.pid}{me} on {host:.200}, since {since:.40}"


def boot() -> str:
    """What is the same for all that runs since this machine was started; "" where unknown."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def _machine() -> str:
    try:
        numbers = Path("/proc/self/ns/pid").stat().st_ino
    except OSError:
        return ""
    return f"{found}/{numbers}" if (found := boot()) else ""


def _stat(pid: int) -> tuple[str, int] | None:
    """State and start of a process; None where that cannot be seen."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
        return fields[0], int(fields[19])
    except (OSError, IndexError, ValueError):
        return None
