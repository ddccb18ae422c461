"""The command `sparktune dashboard` in a process of its own."""

import re
import signal
import subprocess
import sys

from dashboards import Client
from recorded_runs import searched


def test_it_is_there_until_ctrl_c(tmp_path):
    """The command prints the address, answers there, and ends quietly with Ctrl-C."""
    searched(tmp_path / "a", 3)
    command = [sys.executable, "-m", "sparktune", "dashboard", str(tmp_path), "--port", "0"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            address = re.search(r"http://\S+", process.stdout.readline())[0]
            client = Client(address).enter()
            assert client.json("/api/runs/r0")["counts"]["ok"] > 0
            with client.events() as lists:  # what is still open does not keep it from ending
                next(lists)
                process.send_signal(signal.SIGINT)
                _, errors = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == 130
    assert "Traceback" not in errors
