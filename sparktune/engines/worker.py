"""The only code of sparktune that runs on an executor: bytes in, bytes out.

It imports the standard library alone, travels by value, and never lets an exception out: whatever
happens to an objective is an *answer*, a dict of plain data.

    status    "returned", "raised", "unloadable" (what was sent cannot be unpickled here),
              "unpicklable" (the result cannot be sent back) or "lost" (this is Spark's own second
              try of a task; the objective was not run again)
    result    the objective's result; pickled where the answer travels
    error     text of the traceback
    type      name of the exception's type, where status is "raised"
    reports   list of (step, value)
    seconds   run time of the objective
    host      name of the machine
    stage     number of the Spark stage, where status is "lost"
"""

from __future__ import annotations

import pickle
import socket
import sys
import time
import traceback
import types
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

_CACHE = "_sparktune_worker_cache"


class TrialContext:
    """What an objective that takes a keyword ``trial`` receives.

    Attributes:
        number: the trial's number, from 0.
        attempt: 0, or more where the trial was lost and queued again.
        seed: a whole number below 2**32, the same for this trial in every repetition of the run.
        gpus: addresses of the GPUs that the trial may use.
        env: environment variables meant for the trial.
        run_id: the name of the run.
    """

    def __init__(
        self,
        number: int,
        attempt: int,
        seed: int,
        gpus: Sequence[str] = (),
        env: Mapping[str, str] | None = None,
        run_id: str = "",
        on_report: Callable[[int, int, int, float], None] | None = None,
    ) -> None:
        self.number = number
        self.attempt = attempt
        self.seed = seed
        self.gpus = tuple(gpus)
        self.env = dict(env or {})
        self.run_id = run_id
        self._reports: list[tuple[int, float]] = []
        self._on_report = on_report

    def report(self, step: int, value: float) -> None:
        """Keep an intermediate value, such as the loss after an epoch, in the trial's outcome."""
        pair = (int(step), float(value))
        self._reports.append(pair)
        if self._on_report is not None:
            self._on_report(self.number, self.attempt, *pair)


def evaluate(
    objective: Callable[..., Any],
    config: Any,
    context: Mapping[str, Any],
    wants_trial: bool,
    on_report: Callable[[int, int, int, float], None] | None = None,
) -> dict[str, Any]:
    """Call the objective once and answer what became of it; ``exception`` is added where raised."""
    trial = TrialContext(on_report=on_report, **context)
    extra = {"trial": trial} if wants_trial else {}
    answer: dict[str, Any]
    began = time.monotonic()
    try:
        answer = {"status": "returned", "result": objective(config, **extra), "error": None}
    except BaseException as error:  # a trial must not take its process along
        answer = {"status": "raised", "result": None, "error": _text(error), "exception": error}
        answer["type"] = type(error).__name__
    answer["seconds"] = time.monotonic() - began
    answer["reports"] = trial._reports
    answer["host"] = socket.gethostname()
    return answer


def run(load: Callable[[], bytes], digest: str, task: bytes) -> bytes:
    """Evaluate one task and answer in bytes.

    Args:
        load: gives the pickled (objective, wants_trial); called only where this process has not
            unpickled it before.
        digest: identifies what ``load`` gives.
        task: the pickled (config, context).
    """
    try:
        objective, wants_trial = _cached(digest, load)
        config, context = pickle.loads(task)
    except BaseException as error:
        host = socket.gethostname()
        return pickle.dumps({"status": "unloadable", "error": _text(error), "host": host})
    answer = evaluate(objective, config, context, wants_trial)
    answer.pop("exception", None)
    try:
        answer["result"] = _dumps(answer["result"])
    except BaseException as error:
        answer["status"], answer["error"] = "unpicklable", _text(error)
        answer["result"], answer["dropped"] = _keep(answer["result"])
    return pickle.dumps(answer)


def spark_partition(
    broadcast: Any, digest: str, task: bytes
) -> Callable[[Iterable[Any]], list[bytes]]:
    """A function for mapPartitions that evaluates one task."""

    def partition(rows: Iterable[Any]) -> list[bytes]:
        from pyspark import TaskContext

        for _ in rows:  # a worker whose input is not read to its end is not used again
            pass
        where = TaskContext.get()
        if where is not None and where.attemptNumber() > 0:
            return [pickle.dumps({"status": "lost", "stage": where.stageId()})]
        return [run(lambda: broadcast.value, digest, task)]

    return partition


def _text(error: BaseException) -> str:
    """The traceback, without this file's own frame."""
    trace = error.__traceback__.tb_next if error.__traceback__ else None
    return "".join(traceback.format_exception(type(error), error, trace))


def _cached(digest: str, load: Callable[[], bytes]) -> Any:
    """The unpickled object; one is kept for the life of the process."""
    # a module of its own survives where this code, which travels by value, is made anew each time
    cache = vars(sys.modules.setdefault(_CACHE, types.ModuleType(_CACHE)))
    if cache.get("digest") != digest:
        cache.update(digest=None, thing=None)  # frees the old one before the new one is loaded
        cache["thing"] = pickle.loads(load())
        cache["digest"] = digest
    return cache["thing"]


def _dumps(thing: Any) -> bytes:
    try:
        from pyspark.cloudpickle import dumps
    except ImportError:
        return pickle.dumps(thing)
    blob: bytes = dumps(thing)
    return blob


def _keep(result: Any) -> tuple[bytes, list[str]]:
    """What of a result can be sent, pickled, and the names of what cannot."""
    kept: dict[Any, Any] = {}
    dropped: list[str] = []
    for key, item in result.items() if isinstance(result, dict) else ():
        try:
            pickle.loads(_dumps((key, item)))
            kept[key] = item
        except BaseException:
            dropped.append(f"{key!r} ({type(item).__name__})")
    if not isinstance(result, dict):
        dropped.append(type(result).__name__)
    return _dumps(kept), dropped
