"""What runs in Spark's Python worker: it hands tasks to its trial process."""

from __future__ import annotations

import contextlib
import os
import pickle
import select
import sys
from collections.abc import Iterable, Mapping
from typing import Any

from .line import HUNG_UP
from .trial_process import TrialProcess, died_idle

_IDLE_SECONDS = 10.0

_processes: dict[str, TrialProcess] = {}  # by run


def evaluate_in_worker(message: Mapping[str, Any]) -> bytes:
    """Evaluate one task in this Spark worker's process for its run, and answer in bytes.

    The process ends when its run does: where that is a broadcast variable that Spark removes then,
    soon after that; elsewhere after some seconds without a task.

    Args:
        message: see Shipment.message in the shipping module, before the process for trials.

    Returns:
        The pickled answer without its result, followed by the pickled result.
    """
    from pyspark import TaskContext

    where = TaskContext.get()
    gpus = gpus_of_task()
    shown = dict(message["environment"])
    if gpus:
        shown["CUDA_VISIBLE_DEVICES"] = ",".join(gpus)
    environment = {**message["env"], **shown}
    run = message["run"]
    for other, process in list(_processes.items()):
        elsewhere = process.environment != environment if other == run else process.gone
        if elsewhere or other in message["over"]:
            _processes.pop(other).close()
    users = {n: _of_broadcast(thing, "path", "value") for n, thing in message["broadcasts"].items()}
    sent = {
        **message,
        "gpus": gpus,
        "environment": shown,
        "path": [*sys.path, *message["path"]],
        "env": {},  # they are in the process's environment, and nowhere else
        "broadcasts": users,
        "task_context": None if where is None else _pickled(vars(where)),
    }
    answer: dict[str, Any] = {}
    for _ in range(2):
        served = run in _processes
        if not served:
            kind, path = _place(*message["places"][message["objective"]])
            lease = (path if kind == "broadcast" else None, _IDLE_SECONDS)
            _processes[run] = TrialProcess(environment, lease=lease)
        process = _processes[run]
        sent["places"] = {
            digest: ("kept", None) if digest in process.kept else _place(kind, thing)
            for digest, (kind, thing) in message["places"].items()
        }
        answer = process.evaluate(sent, message["hard"], sockets())
        if not process.usable:
            _processes.pop(run).close()
        if not (served and died_idle(answer)):
            break
    _accumulate(answer.pop("accumulated", ()))
    result: bytes = answer.pop("result", b"")
    return pickle.dumps(answer) + result


def gpus_of_task() -> tuple[str, ...]:
    """The addresses of the GPUs that this task may use."""
    from pyspark import TaskContext

    where = TaskContext.get()
    resources = {} if where is None else where.resources()
    return tuple(resources["gpu"].addresses) if "gpu" in resources else ()


def _pickled(attributes: Mapping[str, Any]) -> bytes | None:
    with contextlib.suppress(Exception):  # of some release; the one of the first task stays
        return pickle.dumps(dict(attributes))
    return None


def _of_broadcast(broadcast: Any, as_file: str, as_value: str) -> tuple[str, Any]:
    """The file of a broadcast variable of Spark; its value where Spark's files are encrypted."""
    path = getattr(broadcast, "_path", None)
    return (as_file, path) if path else (as_value, broadcast.value)


def _place(kind: str, thing: Any) -> tuple[str, Any]:
    if kind == "broadcast":
        return _of_broadcast(thing, "broadcast", "bytes")
    if kind == "artifact":
        from pyspark import SparkFiles

        return ("file", SparkFiles.get(thing))
    return (kind, thing)


def sockets() -> list[int]:
    """The sockets to whoever gave this process its task: those that its parent does not have."""
    ours = {fd for process in _processes.values() for fd in process.sockets}
    inherited = set(_sockets_of(os.getppid()).values())
    names = {fd: name for fd, name in _sockets_of(os.getpid()).items() if fd not in ours}
    found = [fd for fd, name in names.items() if name not in inherited]
    gone = {fd for fd, _ in hang_ups(found).poll(0)}
    return [fd for fd in found if fd not in gone]


def hang_ups(ends: Iterable[int]) -> select.poll:
    """What tells which of some sockets are closed from the other side."""
    poll = select.poll()
    for fd in ends:
        poll.register(fd, HUNG_UP)
    return poll


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
    hang_ups(sockets()).poll()
    os._exit(1)
