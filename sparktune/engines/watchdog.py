"""A process of its own for trials, under a watchdog that ends it with all that it started.

Three processes take part, on an executor as on the driver's machine:

    worker      Spark's Python worker, or a driver thread; waits for answers and keeps the time
    watchdog    in a session of its own; the parent that all orphans below it fall back to, so that
                it finds every process that a trial started. It passes on what trials print and
                remembers the last of it. When the worker dies or says so, it kills all below it
    trials      runs one trial after the other, and keeps what it imported and unpickled

The worker never runs an objective, so no objective can take it along, and how a trial's process
died is known exactly. Imports the standard library and the worker module alone; Linux only.
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
import warnings
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NoReturn

from . import worker

_HUNG_UP = select.POLLHUP | select.POLLERR | select.POLLNVAL | 0x2000  # POLLRDHUP
_READABLE = select.POLLIN | select.POLLHUP | select.POLLERR
_TAIL_BYTES = 8000
_BACKLOG_BYTES = 1 << 16
_FOREVER = 1e5
_FLUSH_SECONDS = 1.0
_WAIT_SECONDS = 10.0  # for the watchdog to say how a trial's process ended
_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36

_THREAD_SETTERS = (
    "openblas_set_num_threads",
    "openblas_set_num_threads64_",
    "scipy_openblas_set_num_threads",
    "scipy_openblas_set_num_threads64_",
    "MKL_Set_Num_Threads",
    "omp_set_num_threads",
)

# Commands to the watchdog, and what it says.
_FORGET, _TAIL, _KILL_CHILDREN, _KILL_ALL = b"f", b"t", b"c", b"k"
_ENDED = b"e"


class TrialProcess:
    """A process that evaluates trials, as the worker sees it; started by the first of them.

    Args:
        environment: variables to set in it.
        spawn: gives the watchdog's process from the two sockets that it is to use; forks unless
            set.
    """

    def __init__(
        self,
        environment: Mapping[str, str],
        spawn: Callable[[socket.socket, socket.socket, Mapping[str, str]], int] | None = None,
    ) -> None:
        self.environment = dict(environment)
        self.kept: tuple[str, ...] = ()  # digests of what the process holds unpickled
        self.usable = True
        self._data, data = socket.socketpair()
        self._control, control = socket.socketpair()
        self._pid = (spawn or _forked)(control, data, self.environment)
        data.close()
        control.close()
        self._timed_out = False
        self._last = b""

    def evaluate(
        self, message: Mapping[str, Any], hard: float | None, watched: Iterable[int] = ()
    ) -> dict[str, Any]:
        """Evaluate one task; afterwards the process may be of no more use, see ``usable``.

        Args:
            message: see worker.answer_to.
            hard: seconds from the objective's start after which the process is killed.
            watched: sockets to whoever waits for the answer; when one of them is closed from the
                other side, nobody does, and this process exits with all its trials.
        """
        body, began = None, None
        try:
            self._ask(_FORGET)  # answered before the trial can print anything
            _send(self._data, pickle.dumps(message))
            body, began = self._wait(hard, watched)
        except OSError:  # the process is gone
            pass
        if body is None:
            return self._end(began)
        answer: dict[str, Any] = pickle.loads(body)
        self.kept = tuple(answer.pop("kept", ()))
        if answer["status"] == "timeout":
            self._control.sendall(_KILL_CHILDREN)
        if answer["status"] != "returned":
            answer["log_tail"] = self._ask(_TAIL)
        return answer

    def _wait(
        self, hard: float | None, watched: Iterable[int]
    ) -> tuple[bytes | None, float | None]:
        """The answer's bytes, None where the process died; and when the objective began."""
        began: float | None = None
        limit: float | None = None
        data, control = self._data.fileno(), self._control.fileno()
        poll = select.poll()
        poll.register(data, _READABLE)
        poll.register(control, _HUNG_UP)
        for fd in watched:
            poll.register(fd, _HUNG_UP)
        while True:
            left = _FOREVER if limit is None else max(0.0, limit - time.monotonic())
            ready = [fd for fd, _ in poll.poll(int(min(left, _FOREVER) * 1000) + 1)]
            if any(fd not in (data, control) for fd in ready):
                os._exit(1)
            if data in ready:
                frame = _receive(self._data)
                if frame != b"":
                    return frame, began
                began = time.monotonic()
                limit = None if hard is None else began + hard
            elif control in ready:  # the watchdog was killed, and the trial with it
                return None, began
            elif limit is not None and time.monotonic() >= limit:
                self._timed_out = True
                self.kill()
                return None, began

    def _end(self, began: float | None) -> dict[str, Any]:
        """The answer for a process that died."""
        self.usable = False
        seconds = 0.0 if began is None else time.monotonic() - began
        try:
            self._control.settimeout(_WAIT_SECONDS)
            frame: bytes | None = self._last
            while frame is not None and not frame.startswith(_ENDED):
                frame = _receive(self._control)
        except OSError:
            frame = None
        answer: dict[str, Any] = {"status": "died", "exit": None, "seconds": seconds}
        answer["begun"] = began is not None
        if frame is not None:
            answer["exit"] = struct.unpack("!i", frame[1:5])[0]
            answer["log_tail"] = frame[5:].decode(errors="replace")
        if self._timed_out:
            answer.update(status="timeout", hard=True)
        self.close()
        return {**answer, **worker._here(), "error": None}

    def _ask(self, question: bytes) -> str | None:
        with contextlib.suppress(OSError):
            self._control.settimeout(_WAIT_SECONDS)
            self._control.sendall(question)
            frame = _receive(self._control)
            if frame is not None and frame.startswith(question):
                return frame[1:].decode(errors="replace")
            self._last = frame or b""
        self.usable = False  # what comes late would be taken for the answer to another question
        return None

    def kill(self) -> None:
        """Kill the process and all that it started; what waits for an answer is told."""
        with contextlib.suppress(OSError):
            self._control.sendall(_KILL_ALL)

    def close(self) -> None:
        """Let the watchdog kill the process, if it lives, and end."""
        for end in (self._data, self._control):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
        pid, self._pid = self._pid, 0
        if not pid:
            return
        until = time.monotonic() + _WAIT_SECONDS
        with contextlib.suppress(ChildProcessError, ProcessLookupError):
            while not os.waitpid(pid, os.WNOHANG)[0]:
                if time.monotonic() > until:  # it is stuck, and the trial's process ends with it
                    os.kill(pid, signal.SIGKILL)
                time.sleep(0.005)


def _forked(control: socket.socket, data: socket.socket, environment: Mapping[str, str]) -> int:
    """The watchdog as a copy of this process: what Spark told its worker is known there too."""
    sys.stdout.flush()
    sys.stderr.flush()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of forks beside threads
        pid = os.fork()
    if not pid:
        watch(control.fileno(), data.fileno(), environment)
    return pid


def _send(stream: socket.socket, frame: bytes) -> None:
    stream.sendall(struct.pack("!Q", len(frame)))
    stream.sendall(frame)


def _receive(stream: socket.socket) -> bytes | None:
    """The next frame, None at the end."""
    head = _exactly(stream, 8)
    return None if head is None else _exactly(stream, struct.unpack("!Q", head)[0])


def _exactly(stream: socket.socket, size: int) -> bytes | None:
    buffer = bytearray(size)
    view, done = memoryview(buffer), 0
    while done < size:
        try:
            count = stream.recv_into(view[done:])
        except ConnectionError:
            return None
        if not count:
            return None
        done += count
    return bytes(buffer)


# The watchdog's process.


def watch(control: int, data: int, environment: Mapping[str, str]) -> NoReturn:
    """Start the process for trials and watch it until it or the worker ends."""
    try:
        with contextlib.suppress(OSError):  # it leads its session already
            os.setsid()
        for fd in (control, data):
            os.set_inheritable(fd, False)
        _prctl(_PR_SET_CHILD_SUBREAPER, 1)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        _keep_only({0, 1, 2, control, data})
        pipes = [os.pipe(), os.pipe()]
        parent = os.getpid()
        pid = os.fork()
        if not pid:
            _run_trials(data, [write for _, write in pipes], environment, parent)
        os.close(data)
        for _, write in pipes:
            os.close(write)
        _Watchdog(control, pid, [read for read, _ in pipes]).run()
    except BaseException:
        traceback.print_exc()
    finally:
        _kill_below(os.getpid())
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
        for number, write in enumerate(outputs, 1):
            os.dup2(write, number)
        _keep_only({0, 1, 2, data})
        signal.signal(signal.SIGINT, signal.default_int_handler)
        sys.stdin = open(0, closefd=False)  # noqa: SIM115
        sys.stdout = open(1, "w", buffering=1, closefd=False)  # noqa: SIM115
        sys.stderr = open(2, "w", buffering=1, closefd=False)  # noqa: SIM115
        os.environ.update(environment)
        if "OMP_NUM_THREADS" in environment:
            _set_threads(int(environment["OMP_NUM_THREADS"]))
        stream, store = socket.socket(fileno=data), worker.Store()
        while (frame := _receive(stream)) is not None:
            message = pickle.loads(frame)
            answer = worker.answer_to(message, store, lambda: _send(stream, b""))
            for output in (sys.stdout, sys.stderr):
                with contextlib.suppress(Exception):
                    output.flush()
            _send(stream, answer)
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
        outputs: read ends of its standard output and error.
    """

    def __init__(self, control: int, pid: int, outputs: list[int]) -> None:
        self._control = socket.socket(fileno=control)
        self._pid = pid
        self._backlog = {read: bytearray() for read in outputs}
        self._open = set(outputs)
        self._target = dict(zip(outputs, (1, 2), strict=True))
        self._tail = bytearray()
        self._status: int | None = None
        wake, rings = os.pipe()
        for fd in (wake, rings, *outputs):
            os.set_blocking(fd, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(rings, warn_on_full_buffer=False)
        self._wake = wake

    def run(self) -> None:
        """Watch until the worker or the trials' process is gone."""
        self._reap()
        while self._status is None:
            poll = select.poll()
            poll.register(self._control, _READABLE)
            poll.register(self._wake, select.POLLIN)
            for read, backlog in self._backlog.items():
                if backlog:
                    poll.register(self._target[read], select.POLLOUT)
                if len(backlog) < _BACKLOG_BYTES and read in self._open:
                    poll.register(read, _READABLE)
            for fd, _ in poll.poll():
                if fd == self._control.fileno():
                    try:
                        commands = self._control.recv(100)
                        self._obey(commands)
                    except OSError:  # the worker is gone, and answers with it
                        return
                    if not commands:
                        _kill_below(os.getpid())
                        self._flush()
                        return
                elif fd == self._wake:
                    os.read(self._wake, 1000)
                    self._reap()
                elif fd in self._open:
                    self._take(fd)
            self._pass_on()
        _kill_below(os.getpid())
        self._flush()
        frame = _ENDED + struct.pack("!i", self._status) + bytes(self._tail)
        with contextlib.suppress(OSError):
            _send(self._control, frame)

    def _flush(self) -> None:
        """Pass on all that was printed, for a moment."""
        until = time.monotonic() + _FLUSH_SECONDS
        self._drain()
        while any(self._backlog.values()) and time.monotonic() < until:
            time.sleep(0.01)
            self._drain()

    def _obey(self, commands: bytes) -> None:
        for command in (commands[i : i + 1] for i in range(len(commands))):
            if command == _FORGET:
                self._drain()
                self._tail.clear()
                _send(self._control, _FORGET)
            elif command == _TAIL:
                self._drain()
                _send(self._control, _TAIL + bytes(self._tail))
            elif command == _KILL_CHILDREN:
                _kill_below(self._pid, also_orphans_but=self._pid)
            elif command == _KILL_ALL:
                os.kill(self._pid, signal.SIGKILL)

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
            self._open.discard(read)
            return False
        self._backlog[read] += text
        self._tail = (self._tail + text)[-_TAIL_BYTES:]
        return True

    def _pass_on(self) -> None:
        """Write what was printed to where this process prints, as far as that takes it."""
        for read, backlog in self._backlog.items():
            while backlog:
                poll = select.poll()
                poll.register(self._target[read], select.POLLOUT)
                ready = poll.poll(0)
                if not ready:
                    break
                try:
                    written = os.write(self._target[read], backlog[:4096])
                except OSError:  # nobody reads it any more
                    written = len(backlog)
                del backlog[:written]


def _kill_below(root: int, also_orphans_but: int | None = None) -> None:
    """Kill all processes below ``root``, and those that come while it does so.

    Helpers that clean up after others (multiprocessing's and joblib's resource trackers) end by
    themselves and get a moment for it.

    Args:
        root: a process.
        also_orphans_but: also kill the children of this process, but for this one.
    """
    for attempt in range(50):
        below = _below(root)
        if also_orphans_but is not None:
            mine = _below(os.getpid(), without=also_orphans_but)
            below = [pid for pid in {*below, *mine} if pid != also_orphans_but]
        doomed = [pid for pid in below if attempt > 20 or not _is_tracker(pid)]
        for pid in doomed:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0] if also_orphans_but is None else False:
                pass
        if not below:
            return
        time.sleep(0.002 if attempt < 10 else 0.05)


def _below(root: int, without: int | None = None) -> list[int]:
    """All living processes below ``root``, leaving out ``without`` and what is below it."""
    children: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):  # noqa: PTH208
        if name.isdigit():
            with contextlib.suppress(OSError):
                with open(f"/proc/{name}/stat") as file:  # noqa: PTH123
                    state, parent = file.read().rpartition(")")[2].split()[:2]
                if state not in "ZX":
                    children.setdefault(int(parent), []).append(int(name))
    found: list[int] = []
    level = [root]
    while level:
        level = [pid for parent in level for pid in children.get(parent, []) if pid != without]
        found += level
    return found


def _is_tracker(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:  # noqa: PTH123
            return b"resource_tracker" in file.read()
    except OSError:
        return False


# In Spark's Python worker.

_current: TrialProcess | None = None


def evaluate_in_worker(message: Mapping[str, Any], broadcasts: Mapping[Any, Any]) -> bytes:
    """Evaluate one task in the trial process of this Spark worker, and answer in bytes.

    Args:
        message: see worker.answer_to; here with ``environment`` and ``hard`` beside it.
        broadcasts: by digest Spark's Broadcast objects, and by number those of the user.
    """
    global _current
    from pyspark import TaskContext

    where = TaskContext.get()
    resources = {} if where is None else where.resources()
    gpus = tuple(resources["gpu"].addresses) if "gpu" in resources else ()
    environment = dict(message["environment"])
    if gpus:
        environment["CUDA_VISIBLE_DEVICES"] = ",".join(gpus)
    if _current is not None and _current.environment != environment:
        _current.close()
        _current = None
    path = list(sys.path)
    users = _users(broadcasts)
    answer: dict[str, Any] = {}
    for _ in range(2):
        served = _current is not None
        if _current is None:
            _current = TrialProcess(environment)
        places = {
            digest: ("kept", None) if digest in _current.kept else _place(kind, thing, broadcasts)
            for digest, (kind, thing) in message["places"].items()
        }
        sent = {
            **message,
            "places": places,
            "gpus": gpus,
            "env": environment,
            "path": path,
            "broadcasts": users,
            "task_context": None if where is None else _pickled(vars(where)),
        }
        answer = _current.evaluate(sent, message["hard"], _sockets())
        if not _current.usable:
            _current.close()
            _current = None
        if not (served and died_idle(answer)):
            break
    _accumulate(answer.pop("accumulated", ()))
    return pickle.dumps(answer)


def died_idle(answer: Mapping[str, Any]) -> bool:
    """Whether a process was gone before the objective began, so that another one may take it."""
    return answer["status"] == "died" and not answer["begun"]


def _users(broadcasts: Mapping[Any, Any]) -> dict[int, tuple[str, Any]]:
    """Where the user's own broadcast variables are found, by number."""
    users: dict[int, tuple[str, Any]] = {}
    for number, thing in broadcasts.items():
        if isinstance(number, int):
            path = getattr(thing, "_path", None)  # none where Spark's files are encrypted
            users[number] = ("path", path) if path else ("value", thing.value)
    return users


def _pickled(attributes: Mapping[str, Any]) -> bytes | None:
    try:
        return pickle.dumps(dict(attributes))
    except Exception:  # of some release; the one of the first task stays
        return None


def _place(kind: str, thing: Any, broadcasts: Mapping[Any, Any]) -> tuple[str, Any]:
    if kind == "broadcast":
        broadcast = broadcasts[thing]
        path = getattr(broadcast, "_path", None)
        return ("broadcast", path) if path else ("bytes", broadcast.value)  # none if encrypted
    if kind == "artifact":
        from pyspark import SparkFiles

        return ("file", SparkFiles.get(thing))
    return (kind, thing)


def _sockets() -> list[int]:
    """The sockets to whoever gave this process its task: those that its parent does not have."""
    ours = () if _current is None else (_current._data.fileno(), _current._control.fileno())
    inherited = set(_sockets_of(os.getppid()).values())
    found = [fd for fd, name in _sockets_of(os.getpid()).items() if name not in inherited]
    poll = select.poll()
    for fd in found:
        if fd not in ours:
            poll.register(fd, _HUNG_UP)
    gone = {fd for fd, _ in poll.poll(0)}
    return [fd for fd in found if fd not in ours and fd not in gone]


def _sockets_of(pid: int) -> dict[int, str]:
    """The names of a process's sockets by file descriptor, as far as they can be seen."""
    found = {}
    with contextlib.suppress(OSError):
        for fd in os.listdir(f"/proc/{pid}/fd"):  # noqa: PTH208
            with contextlib.suppress(OSError):
                name = os.readlink(f"/proc/{pid}/fd/{fd}")  # noqa: PTH115
                if name.startswith("socket:"):
                    found[int(fd)] = name
    return found


def _accumulate(added: Iterable[tuple[int, bytes]]) -> None:
    """Hand what trials added to accumulators to Spark."""
    for number, blob in added:
        from pyspark.accumulators import _deserialize_accumulator

        zero, param, value = pickle.loads(blob)
        accumulator = _deserialize_accumulator(number, zero, param)
        accumulator._value = param.addInPlace(accumulator._value, value)


def wait_until_hung_up() -> None:
    """Wait until whoever talks to this process is gone, and exit."""
    poll = select.poll()
    for fd in _sockets():
        poll.register(fd, _HUNG_UP)
    poll.poll()
    os._exit(1)
