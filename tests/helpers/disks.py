"""Disks that fail, for a journal: each is the real one, but for some calls."""

import errno
import os
import signal

from sparktune.storage.files import Files


class Disk(Files):
    """Sees each call, by its name and its arguments, before it is made.

    Attributes:
        calls: the names of the calls so far.
    """

    def __init__(self):
        self.calls = []

    def before(self, name, *arguments):
        """Called before each call; what it raises is what the call raises."""


def _seen(name):
    real = getattr(Files, name)

    def call(self, *arguments):
        self.calls.append(name)
        self.before(name, *arguments)
        return real(self, *arguments)

    return call


CHANGES = ("make_folder", "create", "open_to_append", "write", "sync", "sync_folder", "truncate")
CHANGES += ("close", "remove")
for _name in (*CHANGES, "names", "open_to_read", "read", "size"):
    setattr(Disk, _name, _seen(_name))


class Dying(Disk):
    """Kills its process at the n-th call that changes something: before it or in its midst.

    Args:
        at: which call, 0 for the first.
        when: "before" or "half" (of a write).
    """

    def __init__(self, at, when):
        Disk.__init__(self)
        self.at, self.when, self.count = at, when, 0

    def before(self, name, *arguments):
        if name not in CHANGES:
            return
        if self.count == self.at:
            if name == "write" and self.when == "half":
                fd, data = arguments
                os.write(fd, bytes(data[: max(1, len(data) * 2 // 3)]))
            os.kill(os.getpid(), signal.SIGKILL)
        self.count += 1


class NoAppend(Disk):
    """Files can be written once, from their start to their end, as on mounted object stores.

    Args:
        refuses: which call says so: "open_to_append" or "write" (of a file that was opened so).
        error: with which errno.
    """

    def __init__(self, refuses="open_to_append", error=errno.ENOTSUP):
        Disk.__init__(self)
        self.refuses, self.refusal, self.appending = refuses, error, set()

    def open_to_append(self, path):
        if self.refuses == "open_to_append":
            raise OSError(self.refusal, os.strerror(self.refusal), str(path))
        fd = super().open_to_append(path)
        self.appending.add(fd)
        return fd

    def before(self, name, *arguments):
        if name in ("write", "truncate") and arguments[0] in self.appending:
            raise OSError(self.refusal, os.strerror(self.refusal))
        if name == "close":
            self.appending.discard(arguments[0])


class DyingNoAppend(NoAppend, Dying):
    """Both of them."""

    def __init__(self, at, when):
        Dying.__init__(self, at, when)
        NoAppend.__init__(self)

    def before(self, name, *arguments):
        NoAppend.before(self, name, *arguments)
        Dying.before(self, name, *arguments)


class Failing(Disk):
    """One call fails, and perhaps all after it, until ``at`` is set to None.

    Args:
        at: which of the calls that change something, 0 for the first.
        error: with which errno.
        on: whether the calls after it fail as well.
    """

    def __init__(self, at, error=errno.ENOSPC, on=False, changes=CHANGES):
        Disk.__init__(self)
        self.at, self.error, self.on, self.count = at, error, on, 0
        self.changes = changes

    def before(self, name, *arguments):
        if name not in self.changes:
            return
        self.count += 1
        at = self.at
        if at is not None and (self.count - 1 == at or (self.on and self.count > at)):
            if name == "write":
                fd, data = arguments
                os.write(fd, bytes(data[: len(data) // 2]))
            if name == "close":
                os.close(arguments[0])
            raise OSError(self.error, os.strerror(self.error))


class NoSync(Disk):
    """A file system that cannot sync."""

    def before(self, name, *arguments):
        if name in ("sync", "sync_folder"):
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))


class Full(Files):
    """Has no room after so many bytes.

    Args:
        room: in bytes; more may be given later.
    """

    def __init__(self, room):
        self.room = room

    def write(self, fd, data):
        part = bytes(data[: self.room])
        if not part:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self.room -= len(part)
        return super().write(fd, part)


class FailingNoAppend(NoAppend, Failing):
    """Both of them."""

    def __init__(self, *arguments):
        Failing.__init__(self, *arguments)
        NoAppend.__init__(self)

    def before(self, name, *arguments):
        NoAppend.before(self, name, *arguments)
        Failing.before(self, name, *arguments)


class Mounted(NoAppend):
    """A mounted object store: no append, and no locks, or some that only this machine sees."""

    def __init__(self, locks=False):
        super().__init__()
        self.locks = locks

    def lock(self, fd):
        if not self.locks:
            raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
        super().lock(fd)

    def locks_are_exact(self, folder):
        return False
