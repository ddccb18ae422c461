"""A real Jupyter kernel, spoken to as a notebook's page does."""

import os
import queue
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


class Kernel:
    """A kernel in a process of its own, which finds this checkout.

    Args:
        folder: that it works in.
        env: further environment variables.
    """

    def __init__(self, folder, **env):
        from jupyter_client.manager import start_new_kernel

        paths = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
        self._manager, self._client = start_new_kernel(
            kernel_name="python3", startup_timeout=120, cwd=str(folder),
            env={**os.environ, "PYTHONPATH": paths, "PYSPARK_PYTHON": sys.executable, **env},
        )  # fmt: skip

    def begin(self, code, *, attended=True):
        """Begin a cell; the id of its request.

        Args:
            code: of the cell.
            attended: whether somebody is there who could answer a prompt.
        """
        return self._client.execute(code, allow_stdin=attended)

    def messages(self, request, seconds=240):
        """All messages that a cell made, and the reply to its request, once it has ended."""
        found = []
        while True:
            try:
                message = self._client.get_iopub_msg(timeout=seconds)
            except queue.Empty:
                raise AssertionError(f"the cell did not end: {found}") from None
            if message["parent_header"].get("msg_id") != request:
                continue
            kind, content = message["msg_type"], message["content"]
            if kind == "status" and content["execution_state"] == "idle":
                break
            found.append((kind, content))
        while True:
            reply = self._client.get_shell_msg(timeout=seconds)
            if reply["parent_header"].get("msg_id") == request:
                return found, reply["content"]

    def run(self, code, *, attended=True):
        """What a cell that has to succeed prints to stdout."""
        found, reply = self.messages(self.begin(code, attended=attended))
        assert reply["status"] == "ok", reply
        return "".join(
            content["text"]
            for kind, content in found
            if kind == "stream" and content["name"] == "stdout"
        )

    def press_stop(self):
        """What the stop button of a notebook does."""
        self._manager.interrupt_kernel()

    def close(self):
        self._client.stop_channels()
        self._manager.shutdown_kernel(now=True)
