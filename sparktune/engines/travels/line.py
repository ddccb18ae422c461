"""How a process for trials and its worker talk: frames of bytes over a pair of sockets.

Tasks and answers are pickles; all other frames are a byte, with what belongs to it.
"""

from __future__ import annotations

import os
import select
import socket
import struct
import threading

HUNG_UP = select.POLLHUP | select.POLLERR | select.POLLNVAL | 0x2000  # POLLRDHUP
READABLE = select.POLLIN | select.POLLHUP | select.POLLERR

BEGUN = b""  # the objective begins
LOADED = b"l"  # the process has the objective
REPORTED = b"r"  # with the step and the value
STOP = b"s"  # of the worker: the trial is to stop at its next report; or answers one
GO_ON = b"g"  # answers a report

REPORT = struct.Struct("!qd")


def send(stream: socket.socket, frame: bytes) -> None:
    """Send a frame of bytes."""
    stream.sendall(struct.pack("!Q", len(frame)))
    stream.sendall(frame)


def receive(stream: socket.socket) -> bytes | None:
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


class Line:
    """How the reports of one trial get to its worker, and the word to stop from there.

    Args:
        stream: to the worker.
        waits: whether each report waits for its answer.
    """

    def __init__(self, stream: socket.socket, waits: bool) -> None:
        self._stream, self._waits = stream, waits
        self._process, self._stops = os.getpid(), False
        self._lock = threading.Lock()

    def hear(self, step: int, value: float) -> bool:
        """Send a report; whether the trial is to stop."""
        if os.getpid() != self._process:
            raise RuntimeError(
                "only the process that runs the objective can report, and this is one that it "
                "started"
            )
        with self._lock:
            send(self._stream, REPORTED + REPORT.pack(step, value))
            if self._waits:
                self._stops = receive(self._stream) != GO_ON
        return self.is_over()

    def is_over(self) -> bool:
        """Whether the trial is to stop, as far as was said."""
        if self._waits or self._stops or os.getpid() != self._process:
            return self._stops
        with self._lock:
            poll = select.poll()
            poll.register(self._stream, READABLE)
            if poll.poll(0):
                receive(self._stream)  # STOP, or the worker is gone
                self._stops = True
        return self._stops
