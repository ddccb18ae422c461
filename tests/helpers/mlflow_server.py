"""An MLflow server of a test's own on loopback, with SQLite behind it."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

__all__ = ["MlflowServer"]

_UP = 120.0  # seconds that a server may take to begin


class MlflowServer:
    """A server on a free port of 127.0.0.1, which can be killed and begun again.

    Args:
        nice: by how much its priority is lowered.

    Attributes:
        uri: of the server, the same after it was begun again.
    """

    def __init__(self, nice=0):
        self._nice = nice
        self.folder = Path(tempfile.mkdtemp(prefix="sparktune-mlflow-"))
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.uri = f"http://127.0.0.1:{self.port}"
        self._process = None
        self.start()

    def start(self):
        """Begin, and wait until requests are answered."""
        command = [
            "nice",
            "-n",
            str(self._nice),
            sys.executable,
            "-m",
            "mlflow",
            "server",
            "--host",
            "127.0.0.1",
        ]
        command += ["--port", str(self.port), "--workers", "1"]
        command += ["--backend-store-uri", f"sqlite:///{self.folder / 'runs.db'}"]
        command += ["--default-artifact-root", str(self.folder / "artifacts")]
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith("MLFLOW_")
        }
        environment["MLFLOW_DISABLE_TELEMETRY"] = "true"
        with (self.folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                command, stdout=log, stderr=log, cwd=self.folder, env=environment,
                start_new_session=True,
            )  # fmt: skip
        deadline = time.monotonic() + _UP
        while not self._is_up():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError((self.folder / "server.log").read_text()[-3000:])
            time.sleep(0.1)

    def _is_up(self):
        try:
            with urllib.request.urlopen(f"{self.uri}/health", timeout=2) as answer:
                return answer.status == 200
        except OSError:
            return False

    def kill(self):
        """End the server and its workers at once, as a crash does."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def close(self):
        """End the server, and remove what it kept."""
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)
