"""One writer at a time: a lock of the file system, a lease where others would not see that lock."""

from __future__ import annotations

import contextlib
import os
import threading
import time
import weakref
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from ..exceptions import JournalError, JournalInUse
from ..telling import tell
from .files import FILES, NO_APPEND, NO_LOCK, Files
from .lease import EVERY, Lease, holder_of
from .owner import Owner
from .reading import explained

__all__ = ["WriterLock", "writer_of"]

_TRIES = 10


def _now() -> float:
    """Seconds since the boot, those of a suspended machine included."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def writer_of(folder: str | os.PathLike[str], *, files: Files = FILES) -> Owner | None:
    """Who writes a journal, as far as can be seen without taking its lock; None for nobody.

    An owner on another machine, or before this machine's last start, is given as its last word
    stands: ``Owner.here`` says whether this machine could see that it lives.
    """
    found: Owner | None = None
    with contextlib.suppress(OSError):
        found = Owner.of(files.read_start(Path(folder) / "lock", 4096))
    if found is None:
        with contextlib.suppress(OSError):
            found = holder_of(Path(folder), files)
    return None if found is None or (found.here and not found.lives) else found


class WriterLock:
    """The right to write a journal, for one object of one process of one machine.

    It is a lock on the file ``lock``, which ends with the process, however that ends; processes
    that are forked or started by this one do not hold it. On file systems without locks, and on
    mounts whose locks other machines may not see, it is a lease (see ``lease``) as well: after a
    driver on another machine was killed, taking that takes up to 60 s.

    A writer that was stopped for over 60 s may have lost its lease; it learns that from ``check``,
    which is to be called before each write. Only one that is stopped for so long just between the
    two may write once more.

    Args:
        folder: of the journal; made where it is missing.
        clock: gives seconds that never go back; only differences of it count.
        say: shows the line that says whom it waits for; as ``tell`` does by default.
        pause: waits for so many seconds.
        files: the disk.
        every: seconds from one renewal of a lease to the next.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        *,
        clock: Callable[[], float] = _now,
        say: Callable[[str], None] = tell,
        pause: Callable[[float], None] = time.sleep,
        files: Files = FILES,
        every: float = EVERY,
    ) -> None:
        self.folder = Path(folder)
        self._clock, self._say, self._pause = clock, say, pause
        self._files, self._every = files, every
        self._held: _Held | None = None
        self._let_go: Callable[[], object] = lambda: None

    def __enter__(self) -> WriterLock:
        self.acquire()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()

    def acquire(self) -> None:
        """Become the writer.

        Raises:
            JournalInUse: another one is; the message has its host, its process and since when.
            JournalError: the folder cannot be written.
        """
        if self._held is not None:
            raise JournalError(f"the journal {self.folder} is locked by this object already")
        held = _Held(self.folder, self._files, Owner.me())
        try:
            with contextlib.suppress(FileExistsError, NotADirectoryError):
                self._files.make_folder(self.folder)
            if not held.lock() or not self._files.locks_are_exact(self.folder):
                held.lease = Lease(
                    self.folder, held.owner, self._files, self._clock, self._pause, self._say
                )
                held.lease.take()
                held.keep_renewing(self._every)
            held.sign()
        except BaseException as error:
            held.let_go()
            if isinstance(error, OSError):
                text = f"the journal {self.folder} cannot be made or locked: {explained(error)}"
                raise JournalError(text) from None
            raise
        self._held = held
        # an object that nobody has any more, and the end of the interpreter, release it, too
        self._let_go = weakref.finalize(self, held.let_go)

    def release(self) -> None:
        """Let others write; does nothing where this is not the writer."""
        self._held = None
        self._let_go()

    def check(self) -> None:
        """Look whether this is still the writer, at the price of one look at a file.

        Raises:
            JournalError: it is not: the lease was taken over, the lock's file was deleted, this is
                a fork of the process that took it, or nobody took it.
        """
        if self._held is None:
            raise JournalError(f"the journal {self.folder} is not locked by this process")
        self._held.check()


class _Held:
    """What a writer holds.

    Attributes:
        owner: who holds it.
        lease: None where a lock is enough.
    """

    def __init__(self, folder: Path, files: Files, owner: Owner) -> None:
        self._folder, self._files, self.owner = folder, files, owner
        self._path = folder / "lock"
        self._fd: int | None = None
        self._stop = threading.Event()
        self.lease: Lease | None = None
        _all_held.add(self)

    def lock(self) -> bool:
        """Lock the file ``lock``; False where the file system cannot.

        Raises:
            JournalInUse: another has locked it.
            OSError: the file cannot be made.
        """
        for _ in range(_TRIES):
            try:
                self._fd = self._files.open_to_lock(self._path)
                self._files.lock(self._fd)
                if self._files.same(self._fd, self._path):  # it was not deleted meanwhile
                    return True
            except BlockingIOError:
                self._close()  # what the other wrote into it stays
                raise self._in_use() from None
            except OSError as error:
                if error.errno not in NO_LOCK | NO_APPEND:
                    raise
                break
            self._close()
        self._close()
        return False

    def sign(self) -> None:
        """Write who it is into the file, for the message that others get."""
        if self._fd is not None:
            with contextlib.suppress(OSError):  # such as a full disk
                self._files.truncate(self._fd, 0)
                self._files.write(self._fd, self.owner.data)

    def keep_renewing(self, every: float) -> None:
        """Renew the lease in a thread of its own."""
        threading.Thread(
            target=_renew, args=(self.lease, self._stop, every), daemon=True, name="journal lease"
        ).start()

    def check(self) -> None:
        if self.owner.pid != os.getpid():
            text = f"is locked by process {self.owner.pid}, and this is a fork of it"
            raise JournalError(f"the journal {self._folder} {text}")
        if self.lease is not None:
            self.lease.check()
        elif self._fd is not None and not self._files.same(self._fd, self._path):
            text = "was deleted, so that others may write the journal"
            raise JournalError(f"{self._path} {text}")

    def let_go(self) -> None:
        self._stop.set()
        if self.owner.pid != os.getpid():
            return
        if self.lease is not None:
            self.lease.drop()
        if self._fd is not None:
            with contextlib.suppress(OSError):
                self._files.truncate(self._fd, 0)
                self._files.unlock(self._fd)
        self._close()

    def forget(self) -> None:
        """In a fork: the lock is that of the process that was forked."""
        self._close()

    def _close(self) -> None:
        fd, self._fd = self._fd, None
        if fd is not None:
            with contextlib.suppress(OSError):
                self._files.close(fd)

    def _in_use(self) -> JournalInUse:
        try:
            owner = Owner.of(self._files.read_start(self._path, 4096))
        except OSError:
            owner = None
        who = owner or "another process, which did not say who it is"
        return JournalInUse(f"the journal {self._folder} is being written by {who}")


_all_held: weakref.WeakSet[_Held] = weakref.WeakSet()


def _forget_all() -> None:
    for held in list(_all_held):
        held.forget()


os.register_at_fork(after_in_child=_forget_all)


def _renew(lease: Lease, stop: threading.Event, every: float) -> None:
    while not stop.wait(every) and lease.lost is None:
        lease.renew()
