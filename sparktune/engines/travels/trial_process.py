"""A process of its own for trials, as the worker sees it; see the watchdog module."""

from __future__ import annotations

import contextlib
import gc
import os
import pickle
import select
import signal
import socket
import struct
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from .line import BEGUN, GO_ON, HUNG_UP, LOADED, READABLE, REPORT, REPORTED, STOP, receive, send
from .modules import edited, forget
from .trial import Hear, here
from .watchdog import ENDED, FORGET, IDLE, KILL_ALL, KILL_CHILDREN, TAIL, Lease, watch

_FOREVER = 1e5
_WAIT_SECONDS = 10.0  # for the watchdog to answer and to end


class TrialProcess:
    """A process that evaluates trials, as the worker sees it; started by the first of them.

    Args:
        environment: variables to set in it.
        spawn: starts the watchdog with its two sockets and gives its pid; forks unless set.
        lease: how long it is kept without a task, None for as long as this process lives.
    """

    def __init__(
        self,
        environment: Mapping[str, str],
        spawn: Callable[[socket.socket, socket.socket, Mapping[str, str]], int] | None = None,
        lease: Lease | None = None,
    ) -> None:
        self.environment = dict(environment)
        self.kept: tuple[str, ...] = ()  # digests of what the process holds unpickled
        self.usable = True
        self._lease, self._trials, self._has_objective = lease, 0, False
        self._wake, self._ring = os.pipe()
        self._sending = threading.Lock()
        self._stop_by: float | None = None  # when a trial is killed that was to stop
        self._waits = False  # whether its reports wait for their answers
        self._data, data = socket.socketpair()
        self._control, control = socket.socketpair()
        try:
            if spawn is None:
                self._pid = _forked(control, data, self.environment, lease)
            else:
                self._pid = spawn(control, data, self.environment)
        except OSError:
            self._pid = 0
            self.close()
            raise
        finally:
            data.close()
            control.close()
        self._began: float | None = None  # of the objective
        self._timed_out = False
        self._last = b""

    def evaluate(
        self,
        message: Mapping[str, Any],
        hard: float | None,
        watched: Iterable[int] = (),
        hear: Hear | None = None,
    ) -> dict[str, Any]:
        """Evaluate one task; afterwards the process may be of no more use, see ``usable``.

        Args:
            message: see Shipment.message in the shipping module.
            hard: seconds from the objective's start after which the process is killed.
            watched: sockets to whoever waits for the answer; when one of them is closed from the
                other side, nobody does, and this process exits with all its trials.
            hear: is told each report, where the message wants them while the trial runs.

        Returns:
            The answer, see the trial module; its result is the pickle that came.
        """
        head, result, self._began = None, None, None
        self._waits = message["reports"] == "answered"
        with contextlib.suppress(OSError):  # the process is gone
            self._ask(FORGET)  # answered before the trial can print anything
            with self._sending:
                send(self._data, pickle.dumps(message))
                if self._stop_by is not None and not self._waits:  # said before there was a trial
                    send(self._data, STOP)
            head = self._wait(hard, watched, hear)
            result = None if head is None else receive(self._data)
        if head is None or result is None:
            return self._end()
        answer: dict[str, Any] = {**pickle.loads(head), "result": result}
        self.kept = tuple(answer.pop("kept", ()))
        if answer["status"] in ("timeout", "pruned"):
            self._tell(KILL_CHILDREN)
        if answer["status"] != "pruned" and not answer.pop("has_loss", False):
            answer["log_tail"] = self._ask(TAIL)
        self._trials += answer["status"] != "unloadable"
        most = message["per_process"]
        if most is not None and self._trials >= most:
            self.usable = False
        elif self._lease is not None:
            self._tell(IDLE)
        return answer

    def _wait(self, hard: float | None, watched: Iterable[int], hear: Hear | None) -> bytes | None:
        """The answer's head, None where the process died; notes when the objective began."""
        limit: float | None = None
        data, control = self._data.fileno(), self._control.fileno()
        poll = select.poll()
        poll.register(data, READABLE)
        poll.register(self._wake, select.POLLIN)
        poll.register(control, HUNG_UP)
        for fd in watched:
            poll.register(fd, HUNG_UP)
        while True:
            ends = [end for end in (limit, self._stop_by) if end is not None]
            left = min((end - time.monotonic() for end in ends), default=_FOREVER)
            ready = [fd for fd, _ in poll.poll(int(min(max(left, 0.0), _FOREVER) * 1000) + 1)]
            if any(fd not in (data, control, self._wake) for fd in ready):
                os._exit(1)
            if self._wake in ready:  # _stop_by was set
                os.read(self._wake, 100)
            if data in ready:
                frame = receive(self._data)
                if frame == LOADED:
                    self._has_objective = True
                elif frame == BEGUN:
                    self._began = time.monotonic()
                    limit = None if hard is None else self._began + hard
                elif frame is not None and frame.startswith(REPORTED):
                    self._take_report(frame[1:], hear)
                else:
                    return frame
            elif control in ready:  # the watchdog was killed, and the trial with it
                return None
            elif any(time.monotonic() >= end for end in ends):
                self._timed_out = True
                self.kill()
                return None

    def _take_report(self, packed: bytes, hear: Hear | None) -> None:
        stop = (hear is not None and hear(*REPORT.unpack(packed))) or self._stop_by is not None
        if self._waits:
            send(self._data, STOP if stop else GO_ON)

    def stop(self, grace: float) -> None:
        """Let the trial end at its next report; kill the process ``grace`` seconds later.

        May be called from another thread. It holds until ``forget_stop``.
        """
        with self._sending:
            if self._stop_by is not None:
                return
            self._stop_by = time.monotonic() + grace
            with contextlib.suppress(OSError):  # the process is gone
                if not self._waits:
                    send(self._data, STOP)
                os.write(self._ring, b"s")

    def _end(self) -> dict[str, Any]:
        """The answer for a process that died."""
        self.usable = False
        seconds = 0.0 if self._began is None else time.monotonic() - self._began
        answer: dict[str, Any] = {"status": "died", "exit": None, "seconds": seconds}
        answer |= {"begun": self._began is not None, "loaded": self._has_objective}
        frame: bytes | None = self._last
        try:
            self._control.settimeout(_WAIT_SECONDS)
            while frame is not None and not frame.startswith(ENDED):
                frame = receive(self._control)
        except OSError:
            frame = None
        if frame is not None:
            answer["exit"] = struct.unpack("!i", frame[1:5])[0]
            answer["log_tail"] = frame[5:].decode(errors="replace")
        if self._stop_by is not None:
            answer.update(status="pruned", hard=True)
        elif self._timed_out:
            answer.update(status="timeout", hard=True)
        self.close()
        return {**answer, **here(), "error": None}

    def forget_stop(self) -> None:
        """Take the word to stop back, now that the trial has ended."""
        self._stop_by = None

    @property
    def sockets(self) -> tuple[int, int]:
        """The file descriptors by which this process talks to the other."""
        return self._data.fileno(), self._control.fileno()

    def _ask(self, question: bytes) -> str | None:
        with contextlib.suppress(OSError):
            self._control.settimeout(_WAIT_SECONDS)
            self._control.sendall(question)
            frame = receive(self._control)
            if frame is not None and frame.startswith(question):
                return frame[1:].decode(errors="replace")
            self._last = frame or b""
        self.usable = False  # what comes late would be taken for the answer to another question
        return None

    @property
    def gone(self) -> bool:
        """Whether the process has ended by itself."""
        poll = select.poll()
        poll.register(self._control, HUNG_UP)
        return bool(poll.poll(0))

    def kill(self) -> None:
        """Kill the process and all that it started; what waits for an answer is told."""
        self._tell(KILL_ALL)

    def _tell(self, command: bytes) -> None:
        with contextlib.suppress(OSError):  # the watchdog is gone, and the process with it
            self._control.sendall(command)

    def close(self) -> None:
        """Let the watchdog kill the process, if it lives, and end."""
        for end in (self._data, self._control):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
        with self._sending:
            for fd in {self._wake, self._ring} - {-1}:
                os.close(fd)
            self._wake = self._ring = -1
        pid, self._pid = self._pid, 0
        if not pid:
            return
        until = time.monotonic() + _WAIT_SECONDS
        with contextlib.suppress(ChildProcessError, ProcessLookupError):
            while not os.waitpid(pid, os.WNOHANG)[0]:
                if time.monotonic() > until:  # it is stuck, and the trial's process ends with it
                    os.kill(pid, signal.SIGKILL)
                time.sleep(0.005)


def _forked(
    control: socket.socket,
    data: socket.socket,
    environment: Mapping[str, str],
    lease: Lease | None,
) -> int:
    """The watchdog as a copy of this process: what Spark told its worker is known there too."""
    sys.stdout.flush()
    sys.stderr.flush()
    stale = edited()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of forks beside threads
        pid = os.fork()
    if not pid:
        gc.freeze()  # a collection would copy the memory of all that the worker holds
        forget(stale)
        watch(control.fileno(), data.fileno(), environment, lease)
    return pid


def died_idle(answer: Mapping[str, Any]) -> bool:
    """Whether a process was gone before the objective began, so that another one may take it."""
    return answer["status"] == "died" and not answer["begun"]
