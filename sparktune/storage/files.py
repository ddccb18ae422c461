"""The few calls by which a journal touches the disk; tests hand in others, which fail."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

__all__ = ["FILES", "NO_APPEND", "NO_LOCK", "REMEDY", "Files"]

REMEDY = "put it back from a copy of the journal, or take another folder for a new search"
"""What to do where a file is lost, as the end of a sentence."""

NO_APPEND = {
    errno.ENOTSUP,
    errno.EOPNOTSUPP,
    errno.ENOSYS,
    errno.EINVAL,
    errno.EPERM,
    errno.ESPIPE,
}
"""What a file system says that cannot add to a file, or cut it."""

_NO_SYNC = {errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS}

NO_LOCK = {*_NO_SYNC, errno.ENOLCK, errno.EPERM}
"""What a file system says that has no locks."""

_Any = TypeVar("_Any")
_EXACT = {"ext2", "ext3", "ext4", "xfs", "btrfs", "zfs", "f2fs", "jfs", "bcachefs", "tmpfs"}
_EXACT |= {"ramfs", "overlay", "nfs4", "fuseblk"}
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_MORE = os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC  # a pipe must not keep us


class Files:
    """The calls of the operating system that a journal needs; each raises OSError."""

    def names(self, folder: Path) -> list[str]:
        """The names in a folder, in order."""
        with os.scandir(folder) as entries:
            return sorted(entry.name for entry in entries)

    def make_folder(self, folder: Path) -> None:
        """Make a folder and those above it where they are missing."""
        folder.mkdir(parents=True, exist_ok=True)

    def create(self, path: Path) -> int:
        """A descriptor to write a file that must not exist yet."""
        return os.open(path, _NEW, 0o666)

    def open_to_append(self, path: Path) -> int:
        """A descriptor that adds to a file."""
        return os.open(path, _MORE)

    def open_to_read(self, path: Path) -> int:
        """A descriptor that reads a regular file, and follows no link."""
        fd = os.open(path, _READ)
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            os.close(fd)
            raise OSError(errno.EINVAL, "it is no regular file", str(path))
        return fd

    def read(self, fd: int, size: int) -> bytes:
        """At most ``size`` bytes; none at the end."""
        return os.read(fd, size)

    def write(self, fd: int, data: bytes | memoryview) -> int:
        """Write, and say how many bytes of it were written."""
        return os.write(fd, data)

    def sync(self, fd: int) -> None:
        """Return when what was written is on the disk."""
        os.fsync(fd)

    def sync_folder(self, folder: Path) -> None:
        """Return when the names in a folder are on the disk."""
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            self.sync(fd)
        finally:
            os.close(fd)

    def truncate(self, fd: int, size: int) -> None:
        """Cut a file."""
        os.ftruncate(fd, size)

    def size(self, path: Path) -> int:
        """The size of a file, in bytes."""
        return path.lstat().st_size

    def close(self, fd: int) -> None:
        """Give a descriptor back."""
        os.close(fd)

    def remove(self, path: Path) -> None:
        """Delete a file."""
        path.unlink()

    def open_to_lock(self, path: Path) -> int:
        """A descriptor of a file that is made where it is missing, for ``lock``."""
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)

    def lock(self, fd: int) -> None:
        """Lock a file for whoever shares this descriptor; BlockingIOError where another has."""
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def unlock(self, fd: int) -> None:
        """Give a lock back, for all who share the descriptor."""
        fcntl.flock(fd, fcntl.LOCK_UN)

    def same(self, fd: int, path: Path) -> bool:
        """Whether a descriptor is of the file that has this name now."""
        try:
            return os.path.samestat(os.fstat(fd), path.lstat())
        except FileNotFoundError:
            return False

    def locks_are_exact(self, folder: Path) -> bool:
        """Whether a lock in a folder is sure to be seen by other machines that share it, if any.

        Many mounted object stores grant locks that only this machine knows.
        """
        device = folder.stat().st_dev
        at = f"{os.major(device)}:{os.minor(device)}"
        try:
            mounts = Path("/proc/self/mountinfo").read_text().splitlines()
        except OSError:
            return False
        kinds = [
            line.partition(" - ")[2].split(" ", 1)[0]
            for line in mounts
            if len(line.split(" ", 3)) > 2 and line.split(" ", 3)[2] == at
        ]
        return bool(kinds) and set(kinds) <= _EXACT

    # -- what is made of these

    def write_all(self, fd: int, data: bytes) -> None:
        """Write all of it, and return when it is on the disk, where the file system can tell."""
        rest = memoryview(data)
        while rest:
            written = self.write(fd, rest)
            if written <= 0:
                raise OSError(errno.EIO, "nothing was written")
            rest = rest[written:]
        self._if_it_can(self.sync, fd)

    def write_new(self, path: Path, data: bytes) -> None:
        """Write a file that must not exist yet, and return when it and its name are on the disk."""
        fd = self.create(path)
        try:
            self.write_all(fd, data)
        except BaseException:
            with contextlib.suppress(OSError):
                self.close(fd)
            raise
        self.close(fd)  # where an object store takes it, or says why not
        self.keep_names(path.parent)

    def keep_names(self, folder: Path) -> None:
        """Return when the names in a folder are on the disk, where the file system can tell."""
        self._if_it_can(self.sync_folder, folder)

    def _if_it_can(self, call: Callable[[_Any], None], what: _Any) -> None:
        try:
            call(what)
        except OSError as error:
            if error.errno not in _NO_SYNC:
                raise

    def read_start(self, path: Path, size: int) -> bytes:
        """The first bytes of a regular file, fewer where it is shorter."""
        data = bytearray()
        fd = self.open_to_read(path)
        try:
            while len(data) < size and (block := self.read(fd, size - len(data))):
                data += block
        finally:
            self.close(fd)
        return bytes(data)


FILES = Files()
