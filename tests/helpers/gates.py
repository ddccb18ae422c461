"""Events between a test and its trials, in whatever thread or process of this machine they run."""

import contextlib
import socket
import threading


class Gate:
    """A gate that trials come to and wait at until the test opens it.

    ``gate.door()`` is a function for objectives. It imports what it needs by itself, so that it
    travels to any Python. A trial that calls ``door(note)`` is known to the test from then on, and
    goes on when the gate is open. When its process dies, the test learns that, too.
    """

    _LONGEST = 120.0  # seconds that either side waits before a test fails instead of hanging

    def __init__(self):
        self._change = threading.Condition()
        self._notes = []
        self._gone = 0
        self._lines = []
        self._open = False
        self._server = socket.create_server(("127.0.0.1", 0), backlog=64)
        threading.Thread(target=self._serve, daemon=True).start()

    def door(self):
        """The function that a trial calls: ``door(note)``, where ``note`` becomes a string.

        With ``hold=True`` it counts as gone only when what the function gives is, or its process.
        """
        address, longest = self._server.getsockname(), self._LONGEST

        def door(note="", hold=False):
            import socket

            line = socket.create_connection(address)
            try:
                line.settimeout(longest)
                line.sendall(f"{note}\n".encode())
                while line.recv(1):
                    pass
            finally:
                if not hold:
                    line.close()
            return line

        return door

    def _serve(self):
        with contextlib.suppress(OSError):  # the gate is closed
            while True:
                line, _ = self._server.accept()
                threading.Thread(target=self._attend, args=(line,), daemon=True).start()

    def _attend(self, line):
        with line, line.makefile() as file:
            note = file.readline().strip()
            with self._change:
                self._notes.append(note)
                self._lines.append(line)
                if self._open:
                    line.shutdown(socket.SHUT_WR)
                self._change.notify_all()
            with contextlib.suppress(OSError):
                file.read()
            with self._change:
                self._gone += 1
                self._change.notify_all()

    def reached_by(self, count):
        """The notes of those that came, in their order, once there are so many."""
        with self._change:
            came = self._change.wait_for(lambda: len(self._notes) >= count, self._LONGEST)
            assert came, f"{len(self._notes)} of {count} trials reached the gate"
            return list(self._notes)

    def left_by(self, count):
        """Wait until so many have gone on, were stopped, or died with their process."""
        with self._change:
            went = self._change.wait_for(lambda: self._gone >= count, self._LONGEST)
            assert went, f"{self._gone} of {count} trials left the gate"

    def open(self):
        """Let all that wait go on, and all that come later."""
        with self._change:
            self._open = True
            for line in self._lines:
                with contextlib.suppress(OSError):
                    line.shutdown(socket.SHUT_WR)

    def close(self):
        """Open the gate for good; nobody can come any more."""
        self.open()
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
