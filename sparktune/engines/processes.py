"""Trials in processes of this machine: all cores for objectives in Python, and no Java."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..history.results import Answer
from .answers import answer_of, cancelled, unstartable, with_result
from .base import OnReport, RunSpec, Task, hearing
from .paths import paths_here
from .pool import DaemonPool
from .shipping import Shipment
from .travels.trial_process import TrialProcess, died_idle

__all__ = ["Processes"]

_FOLDER = Path(__file__).parent / "travels"
_PROGRAM = """
import sys, types
sys.path[:] = [entry for entry in sys.path if entry]
package = sys.modules["_sparktune"] = types.ModuleType("_sparktune")
package.__path__ = [sys.argv[1]]
from _sparktune import watchdog
watchdog.watch(int(sys.argv[2]), int(sys.argv[3]), {})
"""


class Processes:
    """Trials in long-lived processes of this machine, one trial at a time in each.

    The objective is pickled once and unpickled once a process; results come back pickled. A trial
    that crashes takes its process along and nothing else, and a cancelled one is killed with all
    that it started. Processes begin with the first trials of a run (about 0.1 s each) and end with
    the run, also when this program dies.

    Args:
        slots: how many processes.
    """

    blocking = False
    raises = False
    hears_reports = True

    def __init__(self, slots: int) -> None:
        self.slots = slots
        self._closed = True
        self._pool = DaemonPool(slots, threading.Thread)
        self._lock = threading.Lock()
        self._idle: list[TrialProcess] = []
        self._busy: dict[tuple[int, int], TrialProcess | None] = {}
        self._stopping: set[tuple[int, int]] = set()

    def open(self, spec: RunSpec, on_report: OnReport | None = None) -> None:
        """Pickle the objective; an UnpicklableObjective names what of it cannot be pickled."""
        import cloudpickle

        spec = replace(spec, settings=spec.settings.sharing_cores(self.slots))
        self._spec, self._on_report = spec, on_report
        self._shipment = Shipment(spec, cloudpickle)
        self._closed = False
        self._pool = DaemonPool(self.slots, threading.Thread)

    def submit(self, task: Task) -> Future[Answer]:
        """Evaluate a task in a process."""
        key = (task.number, task.attempt)
        blob = self._shipment.pack(task)
        with self._lock:
            self._busy[key] = None
        return self._pool.call(self._run_or_say_why_not, task, blob)

    def _run_or_say_why_not(self, task: Task, blob: bytes) -> Answer:
        try:
            return self._run(task, blob)
        except OSError as error:  # no process could be started
            with self._lock:
                wanted = self._busy.pop((task.number, task.attempt), self) is not self
            return unstartable(error) if wanted else cancelled()

    def _run(self, task: Task, blob: bytes) -> Answer:
        key = (task.number, task.attempt)
        process = self._take(key)
        while process is not None:
            served = bool(process.kept)
            answer = self._answer(process, key, blob)
            if answer.get("apart") and process.usable:
                answer = self._answer(process, key, self._shipment.pack(task, apart=True))
            if served and died_idle(answer):
                process = self._take(key)
                continue
            if not self._give_back(key, process):
                break
            return answer_of(with_result(answer), self._spec.settings)
        return cancelled()

    def _answer(self, process: TrialProcess, key: tuple[int, int], blob: bytes) -> dict[str, Any]:
        places = {
            digest: ("kept", None) if digest in process.kept else ("bytes", thing)
            for digest, thing in dict(self._shipment.blobs).items()  # submit may add to them
        }
        message = self._shipment.message(blob, places)
        message |= {"path": paths_here(), "max_result": float("inf"), "env": {}}
        message["tracking"] = self._spec.tracking_of(key)
        message["reports"] = "answered" if self._spec.answers_reports else "sent"
        hear = hearing(self.stop, key, self._stopping, self._on_report)
        return process.evaluate(message, self._spec.settings.hard, hear=hear)

    def _take(self, key: tuple[int, int]) -> TrialProcess | None:
        """A process for a task, None where the task is cancelled."""
        with self._lock:
            if key not in self._busy:
                return None
            process = self._busy[key] = self._idle.pop() if self._idle else None
        if process is not None:
            return process
        settings = self._spec.settings
        environment = {**settings.env, **settings.environment}
        process = TrialProcess(environment, _spawned)
        with self._lock:
            if key in self._busy:
                self._busy[key] = process
                return process
        process.close()
        return None

    def _give_back(self, key: tuple[int, int], process: TrialProcess) -> bool:
        """Keep a process for the next task if it is usable; returns whether its answer counts."""
        with self._lock:
            wanted = self._busy.pop(key, None) is not None
            self._stopping.discard(key)
            process.forget_stop()
            if wanted and process.usable and not self._closed:
                self._idle.append(process)
                return True
        process.close()
        return wanted

    def stop(self, number: int, attempt: int) -> None:
        """Let a task end at its next report; kill its process where none comes in its grace."""
        key = (number, attempt)
        with self._lock:
            process = self._busy.get(key)
            if key in self._busy:
                self._stopping.add(key)
            if process is not None:
                process.stop(self._spec.settings.grace)

    def cancel(self, number: int, attempt: int) -> None:
        """Kill the task's process and all that it started."""
        with self._lock:
            process = self._busy.pop((number, attempt), None)
        if process is not None:
            process.kill()

    def close(self) -> None:
        """Kill all processes."""
        self._closed = True
        self._pool.close()
        for key in list(self._busy):  # one by one: an interrupt leaves the rest to the next call
            self.cancel(*key)
        while self._idle:
            with self._lock:
                process = self._idle.pop() if self._idle else None
            if process is not None:
                process.close()


def _spawned(control: socket.socket, data: socket.socket, environment: Mapping[str, str]) -> int:
    """The watchdog in a fresh interpreter; gives its process number."""
    if not sys.executable:
        raise FileNotFoundError("sys.executable is empty, so it is not known which Python to run")
    fds = (control.fileno(), data.fileno())
    process = subprocess.Popen(
        [sys.executable, "-c", _PROGRAM, str(_FOLDER), *map(str, fds)],
        pass_fds=fds,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        env={**os.environ, **environment},
    )
    process.returncode = 0  # it is waited for where it is closed
    return process.pid
