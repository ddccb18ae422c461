"""An MLflow server of a test's own on loopback, with SQLite behind it, and a front before it."""

import http.server
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

__all__ = ["Front", "MlflowServer", "runs_of"]

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


def runs_of(client, name):
    """The runs of an experiment that are no trial's, and the others by number of the trial."""
    experiment = client.get_experiment_by_name(name)
    others, children = [], {}
    for run in client.search_runs([experiment.experiment_id], max_results=1000):
        number = run.data.tags.get("sparktune.trial")
        if number is None:
            others.append(run)
        else:
            children.setdefault(int(number), []).append(run)
    return others, children


class Front:
    """Stands before a server, and turns some requests away with a time to wait.

    Attributes:
        many: how many requests to turn away yet.
        turned_away: how many were.
        too_early: requests of a connection that was turned away, within the time to wait.
    """

    def __init__(self, port):
        self.many = self.turned_away = self.too_early = 0
        front, lock, until = self, threading.Lock(), {}

        class Handler(http.server.BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def do(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                key = (self.path, body)
                with lock:
                    front.too_early += time.monotonic() < until.get(key, 0.0)
                    is_turned_away = front.many > 0
                    if is_turned_away:
                        front.many -= 1
                        front.turned_away += 1
                        until[key] = time.monotonic() + 1.0
                if is_turned_away:
                    self.answer(429, b"{}", {"Retry-After": "1"})
                    return
                asked = urllib.request.Request(
                    f"http://127.0.0.1:{port}{self.path}", body or None, method=self.command,
                    headers={"Content-Type": "application/json"},
                )  # fmt: skip
                try:
                    with urllib.request.urlopen(asked) as given:
                        self.answer(given.status, given.read(), {})
                except urllib.error.HTTPError as error:
                    self.answer(error.code, error.read(), {})

            do_GET = do_POST = do_PATCH = do  # noqa: N815 (as the library has it)

            def answer(self, status, body, headers):
                self.send_response(status)
                for name, value in {"Content-Type": "application/json", **headers}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.uri = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()
