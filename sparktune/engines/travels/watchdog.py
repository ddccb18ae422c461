"""The process that watches over the process for trials, and ends it with all that it started.

Three processes take part, on an executor as on the driver's machine:

    worker      Spark's Python worker, or a driver thread; waits for answers and keeps the time
    watchdog    in a session of its own; the parent that all orphans below it fall back to, so that
                it finds every process that a trial started. It passes on what trials print and
                remembers the last of it. When the worker dies or says so, it kills all below it
    trials      runs one trial after the other, and keeps what it imported and unpickled

The worker never runs an objective, so no objective can take it along, and how a trial's process
died is known exactly. This module is the lower two and how they talk to the worker; Linux only.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import pickle
import select
import signal
import socket
import struct
import sys
import time
import traceback
from collections.abc import Mapping
from typing import NoReturn, TypeAlias

from . import logs, stand_in, task
from .line import BEGUN, LOADED, READABLE, STOP, Line, receive, send
from .store import Store

# Commands of the worker to the watchdog, a byte each; its answers begin with the same one.
FORGET = b"f"  # what was printed until now
TAIL = b"t"  # asks for the last of what was printed
KILL_CHILDREN = b"c"  # all but the trials' process itself
KILL_ALL = b"k"
IDLE = b"i"  # no task is under way; the next begins with FORGET
ENDED = b"e"  # said unasked: the trials' process ended; with its wait status and the tail

_TAIL_BYTES = 8000
_BACKLOG_BYTES = 1 << 16
_FLUSH_SECONDS = 1.0
_LOOK_SECONDS = 1.0
_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36

_THREAD_SETTERS = (
    "openblas_set_num_threads",
    "openblas_set_num_threads64_",
    "scipy_openblas_set_num_threads",
    "scipy_openblas_set_num_threads64_",
    "MKL_Set_Num_Threads",
    "omp_set_num_threads",
)


Lease: TypeAlias = "tuple[str | None, float]"
"""How long an idle process is kept: while a file exists; without one, for so many seconds."""


def watch(
    control: int, data: int, environment: Mapping[str, str], lease: Lease | None = None
) -> NoReturn:
    """Start the process for trials and watch it until it, the worker or its lease ends."""
    try:
        with contextlib.suppress(OSError):  # it leads its session already
            os.setsid()
        for fd in (control, data):
            os.set_inheritable(fd, False)
        _prctl(_PR_SET_CHILD_SUBREAPER, 1)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        _keep_only({0, 1, 2, control, data})
        pipes = [os.pipe(), os.pipe(), os.pipe()]
        parent = os.getpid()
        pid = os.fork()
        if not pid:
            _run_trials(data, [write for _, write in pipes], environment, parent)
        os.close(data)
        for _, write in pipes:
            os.close(write)
        _Watchdog(control, pid, [read for read, _ in pipes], lease).run()
    except BaseException:
        traceback.print_exc()
    finally:
        _kill_below()
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        os._exit(0)


def _run_trials(
    data: int, outputs: list[int], environment: Mapping[str, str], parent: int
) -> NoReturn:
    """The process for trials: evaluate one task after the other until the worker is gone."""
    try:
        os.setpgid(0, 0)
        _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)
        *printed, logged = outputs
        for number, write in enumerate(printed, 1):
            os.dup2(write, number)
        _keep_only({0, 1, 2, data, logged})
        signal.signal(signal.SIGINT, signal.default_int_handler)
        sys.stdin = open(0, closefd=False)  # noqa: SIM115
        sys.stdout = open(1, "w", buffering=1, closefd=False)  # noqa: SIM115
        sys.stderr = open(2, "w", buffering=1, closefd=False)  # noqa: SIM115
        logs.keep(logged)
        os.environ.update(environment)
        if environment.get("OMP_NUM_THREADS", "").isdecimal():
            _set_threads(int(environment["OMP_NUM_THREADS"]))
        stand_in.install()
        stream, store = socket.socket(fileno=data), Store(main=True)
        while (frame := receive(stream)) is not None:
            if frame == STOP:  # it came when the trial had ended
                continue
            message = pickle.loads(frame)
            line = Line(stream, message["reports"] == "answered")
            head, result = task.answer_to(
                message, store, lambda: send(stream, BEGUN), lambda: send(stream, LOADED),
                line.hear, line.is_over,
            )  # fmt: skip
            for output in (sys.stdout, sys.stderr):
                with contextlib.suppress(Exception):
                    output.flush()
            send(stream, head)
            send(stream, result)
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def _set_threads(number: int) -> None:
    """Set the threads of numerical libraries that were loaded before, as pyarrow loads numpy's."""
    with open("/proc/self/maps") as file:  # noqa: PTH123
        paths = {line.split()[-1] for line in file if ".so" in line}
    for path in paths:
        if any(name in path for name in ("openblas", "mkl_rt", "gomp", "iomp")):
            with contextlib.suppress(OSError):
                library = ctypes.CDLL(path)
                for setter in _THREAD_SETTERS:
                    with contextlib.suppress(AttributeError):
                        getattr(library, setter)(number)


def _keep_only(wanted: set[int]) -> None:
    """Let all other file descriptors lead nowhere; closing them might hit ones that come later."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for name in os.listdir("/proc/self/fd"):  # noqa: PTH208
        if int(name) not in wanted | {nowhere}:
            with contextlib.suppress(OSError):
                os.fstat(int(name))
                os.dup2(nowhere, int(name))


def _prctl(option: int, value: int) -> None:
    with contextlib.suppress(OSError, AttributeError):  # another system than Linux
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


class _Watchdog:
    """Waits for commands, for the end of the trials' process, and for what is printed.

    Args:
        control: socket to the worker.
        pid: of the trials' process.
        outputs: read ends of its standard output and error, and of what it logs unseen.
        lease: how long the process is kept without a task, None for as long as its worker lives.
    """

    def __init__(self, control: int, pid: int, outputs: list[int], lease: Lease | None) -> None:
        self._control = socket.socket(fileno=control)
        self._pid = pid
        self._lease = lease
        self._idle_since: float | None = None
        self._open = list(outputs)
        self._target = dict(zip(outputs[:2], (1, 2), strict=True))
        self._backlog = {read: bytearray() for read in self._target}
        self._tail = bytearray()
        self._status: int | None = None
        self._wake, rings = os.pipe()
        for fd in (self._wake, rings, *outputs):
            os.set_blocking(fd, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(rings, warn_on_full_buffer=False)

    def run(self) -> None:
        """Watch until the worker, the trials' process or what it is kept for is gone."""
        self._reap()
        while self._status is None:
            poll = select.poll()
            poll.register(self._control, READABLE)
            poll.register(self._wake, select.POLLIN)
            for read, backlog in self._backlog.items():
                if backlog:
                    poll.register(self._target[read], select.POLLOUT)
            for read in self._open:
                if len(self._backlog.get(read, b"")) < _BACKLOG_BYTES:
                    poll.register(read, READABLE)
            for fd, _ in poll.poll(None if self._idle_since is None else _LOOK_SECONDS * 1000):
                if fd == self._control.fileno():
                    try:
                        commands = self._control.recv(100)
                        self._obey(commands)
                    except OSError:  # the worker is gone, and answers with it
                        return
                    if not commands:
                        self._let_go()
                        return
                elif fd == self._wake:
                    os.read(self._wake, 1000)
                    self._reap()
                elif fd in self._open:
                    self._take(fd)
            self._pass_on()
            if self._is_over():
                self._let_go()
                return
        self._let_go()
        frame = ENDED + struct.pack("!i", self._status) + bytes(self._tail)
        with contextlib.suppress(OSError):
            send(self._control, frame)

    def _is_over(self) -> bool:
        """Whether the process waits for nothing that will come."""
        if self._idle_since is None or self._lease is None:
            return False
        path, seconds = self._lease
        if path is not None:
            return not os.path.exists(path)  # noqa: PTH110
        return time.monotonic() - self._idle_since >= seconds

    def _let_go(self) -> None:
        """Kill what is left, and pass on what it printed."""
        _kill_below()
        self._flush()

    def _flush(self) -> None:
        """Pass on all that was printed, for a moment."""
        until = time.monotonic() + _FLUSH_SECONDS
        self._drain()
        while any(self._backlog.values()) and time.monotonic() < until:
            time.sleep(0.01)
            self._drain()

    def _obey(self, commands: bytes) -> None:
        for command in (commands[i : i + 1] for i in range(len(commands))):
            if command == FORGET:
                self._idle_since = None
                self._drain()
                self._tail.clear()
                send(self._control, FORGET)
            elif command == TAIL:
                self._drain()
                send(self._control, TAIL + bytes(self._tail))
            elif command == KILL_CHILDREN:
                _kill_below(spare=self._pid)
            elif command == KILL_ALL:
                os.kill(self._pid, signal.SIGKILL)
            elif command == IDLE:
                self._idle_since = time.monotonic()

    def _reap(self) -> None:
        """Note the end of the trials' process, and let orphans that ended go."""
        with contextlib.suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if not pid:
                    return
                if pid == self._pid:
                    self._status = status

    def _drain(self) -> None:
        for read in list(self._open):
            for _ in range(64):
                if not self._take(read):
                    break
        self._pass_on()

    def _take(self, read: int) -> bool:
        """Take what was printed; whether there was anything."""
        try:
            text = os.read(read, 4096)
        except BlockingIOError:
            return False
        if not text:
            self._open.remove(read)
            return False
        if read in self._backlog:
            self._backlog[read] += text
        self._tail = (self._tail + text)[-_TAIL_BYTES:]
        return True

    def _pass_on(self) -> None:
        """Write what was printed to where this process prints, as far as that takes it."""
        for read, backlog in self._backlog.items():
            poll = select.poll()
            poll.register(self._target[read], select.POLLOUT)
            while backlog and poll.poll(0):
                try:
                    written = os.write(self._target[read], backlog[:4096])
                except OSError:  # nobody reads it any more
                    written = len(backlog)
                del backlog[:written]


def _kill_below(spare: int | None = None) -> None:
    """Kill all processes below this one but ``spare``, and those that come while it does so.

    Helpers that clean up after others (multiprocessing's and joblib's resource trackers) end by
    themselves and get a moment for it.
    """
    for attempt in range(50):
        below = [pid for pid in _below() if pid != spare]
        if not below:
            return
        for pid in below:
            if attempt > 20 or not _is_tracker(pid):
                with contextlib.suppress(OSError):
                    os.kill(pid, signal.SIGKILL)
        time.sleep(0.002 if attempt < 10 else 0.05)


def _below() -> list[int]:
    """All living processes below this one."""
    children: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):  # noqa: PTH208
        if name.isdigit():
            with contextlib.suppress(OSError), open(f"/proc/{name}/stat") as file:  # noqa: PTH123
                state, parent = file.read().rpartition(")")[2].split()[:2]
                if state not in "ZX":
                    children.setdefault(int(parent), []).append(int(name))
    found: list[int] = []
    level = [os.getpid()]
    while level:
        level = [pid for parent in level for pid in children.get(parent, [])]
        found += level
    return found


def _is_tracker(pid: int) -> bool:
    with contextlib.suppress(OSError), open(f"/proc/{pid}/cmdline", "rb") as file:  # noqa: PTH123
        return b"resource_tracker" in file.read()
    return False
