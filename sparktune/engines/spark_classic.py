"""Trials as Spark tasks through a SparkContext: one job of one task for each.

The objective is pickled once and broadcast once a run; executors keep it unpickled between tasks.
Executors need Python and what the objective imports: neither sparktune nor the cloudpickle package.
"""

from __future__ import annotations

import hashlib
import os
import re
import sys
import threading
from concurrent.futures import Future
from typing import Any

from ..exceptions import EngineStopped
from ..history import Outcome, Status
from . import worker
from .base import Job, OnReport, Task, outcome_of, serialize, unpacked
from .pool import DaemonPool

__all__ = ["SparkClassic"]

_CANCELLED = re.compile(r"SPARK_JOB_CANCELLED|Job \d+ cancelled")
_CRASHED = "Python worker exited unexpectedly"
_EXECUTOR_LOST = "ExecutorLostFailure"
_DIED = (
    "the Python worker died under the objective (os._exit, a signal such as kill -9, a "
    "segmentation fault, or no memory left); Spark says: {}"
)
_REAP_SECONDS = (0.1, 0.2, 0.5, 1, 2, 4, 8, 15)


class SparkClassic:
    """Evaluates each task in a Spark job of its own, submitted from a driver thread.

    Costs about 70 ms a trial. Where Spark runs a task again after its worker or executor died, the
    second run answers "lost" without calling the objective.

    On a local master, where neither ``PYSPARK_PYTHON`` nor ``spark.pyspark.python`` is set, workers
    are started with the driver's own Python instead of the first ``python3`` on the PATH.

    Args:
        context: the SparkContext.
        slots: how many jobs to keep under way; None asks the context when a run begins.
        resource_profile: a pyspark ResourceProfile for the tasks, or None.
    """

    blocking = False

    def __init__(
        self, context: Any, slots: int | None = None, resource_profile: Any = None
    ) -> None:
        self._sc = context
        self._slots = slots
        self._profile = resource_profile
        self._closed = True

    @property
    def slots(self) -> int:
        """As given, else the cores of the cluster as Spark counted them when the run began."""
        if self._slots is None:
            self._slots = self._cluster_slots()
        return self._slots

    def _cluster_slots(self) -> int:
        if not self._is_local:
            # executors register while a first job waits for them; before, Spark answers 2
            self._sc.parallelize([0], 1).count()
        return max(1, int(self._sc.defaultParallelism))

    @property
    def _is_local(self) -> bool:
        return re.match(r"local(\[|$)", str(self._sc.master)) is not None

    def open(self, job: Job, on_report: OnReport | None = None) -> None:  # noqa: ARG002
        """Pickle and broadcast the objective.

        Raises:
            UnpicklableObjective: with the name of what cannot be pickled.
            ValueError: the cluster does not support the resource profile.
            EngineStopped: the SparkContext was stopped.
        """
        if self._stopped():
            raise EngineStopped("the SparkContext was stopped; create a new session first")
        self._prepare_python()
        self._check_profile()
        payload = serialize(
            "the objective", job.objective, (job.objective, job.wants_trial), _dumps
        )
        self._digest = hashlib.sha256(payload).hexdigest()
        self._broadcast = self._sc.broadcast(payload)
        self._run_tag = f"sparktune-{job.run_id}"
        self._cancelled: set[tuple[int, int]] = set()
        self._closed = False
        self._pool = DaemonPool(self.slots, _inheritable_thread)

    def _prepare_python(self) -> None:
        from pyspark import cloudpickle

        cloudpickle.register_pickle_by_value(worker)
        chosen = "PYSPARK_PYTHON" in os.environ or self._sc.getConf().contains(
            "spark.pyspark.python"
        )
        if self._is_local and not chosen:
            self._sc.pythonExec = sys.executable

    def _check_profile(self) -> None:
        if self._profile is None:
            return
        sentence = (
            "resource_profile needs a cluster with stage-level scheduling (standalone, YARN or "
            f"Kubernetes; see Spark's manual), and this master, {self._sc.master}, "
        )
        if self._is_local:
            raise ValueError(sentence + "has none")
        try:
            self._rdd()
        except Exception as error:
            raise ValueError(f"{sentence}refused it: {_spark_message(error)}") from error

    def _rdd(self) -> Any:
        rdd = self._sc.parallelize([0], 1)
        return rdd if self._profile is None else rdd.withResources(self._profile)

    def submit(self, task: Task) -> Future[Outcome]:
        """Evaluate a task in a Spark job."""
        # pickled here, so that what cannot be sent raises in the caller's thread
        what = f"the configuration of trial {task.number}"
        blob = serialize(what, task.config, (task.config, task.full_context), _dumps)
        return self._pool.submit(self._run, task, blob)

    def _run(self, task: Task, blob: bytes) -> Outcome:
        key = (task.number, task.attempt)
        tag = self._tag(*key)
        if self._is_cancelled(key):
            return Outcome(Status.CANCELLED)
        try:
            self._sc.addJobTag(self._run_tag)
            self._sc.addJobTag(tag)
            self._sc.setLocalProperty("spark.job.description", task.title)
            function = worker.spark_partition(self._broadcast, self._digest, blob)
            (reply,) = self._rdd().mapPartitions(function).collect()
            answer = unpacked(reply)
            return self._lost(answer["stage"]) if answer["status"] == "lost" else outcome_of(answer)
        except Exception as error:
            return self._outcome_of_error(error, key)
        finally:
            if not self._stopped():
                self._sc.removeJobTag(tag)

    def _outcome_of_error(self, error: Exception, key: tuple[int, int]) -> Outcome:
        if self._is_cancelled(key):
            return Outcome(Status.CANCELLED)
        if self._stopped():
            raise EngineStopped(
                "the SparkContext was stopped while trials were running; finished trials are kept"
            ) from error
        message = _spark_message(error)
        if _CANCELLED.search(message):
            return Outcome(Status.CANCELLED, error=f"cancelled from outside: {message}")
        return _outcome_of_message(message)

    def _lost(self, stage: int) -> Outcome:
        """What the first attempt of a task ended of, by Spark's own record."""
        spark = self._sc._jsc.sc()
        spark.listenerBus().waitUntilEmpty(5000)
        tasks = spark.statusStore().taskList(stage, 0, 100)
        messages = [
            tasks.apply(i).errorMessage().get()
            for i in range(tasks.size())
            if tasks.apply(i).attempt() == 0 and tasks.apply(i).errorMessage().isDefined()
        ]
        return _outcome_of_message(_without_stack(messages[0] if messages else "no reason"))

    def _tag(self, number: int, attempt: int) -> str:
        return f"{self._run_tag}-{number}-{attempt}"

    def _is_cancelled(self, key: tuple[int, int]) -> bool:
        return self._closed or key in self._cancelled

    def _stopped(self) -> bool:
        jsc = self._sc._jsc
        try:
            return jsc is None or bool(jsc.sc().isStopped())
        except Exception:  # the JVM is gone
            return True

    def cancel(self, number: int, attempt: int) -> None:
        """Cancel the task's Spark job; Spark kills its Python worker within about 4 seconds."""
        self._cancelled.add((number, attempt))
        self._sc.cancelJobsWithTag(self._tag(number, attempt))

    def close(self) -> None:
        """Cancel all jobs of the run and drop the broadcast, in the background where need be."""
        if self._closed:
            return
        self._closed = True
        self._pool.close()
        if self._pool.wait(0) or self._stopped():
            self._free()
            return
        self._sc.cancelJobsWithTag(self._run_tag)
        threading.Thread(target=self._reap, name="sparktune-reaper", daemon=True).start()

    def _reap(self) -> None:
        """Cancel again what was submitted while the jobs were being cancelled."""
        for seconds in _REAP_SECONDS:
            if self._pool.wait(seconds) or self._stopped():
                break
            self._sc.cancelJobsWithTag(self._run_tag)
        self._free()

    def _free(self) -> None:
        if not self._stopped():
            self._broadcast.destroy()


def _dumps(thing: Any) -> bytes:
    """Pickle with pyspark's own cloudpickle, which every executor has."""
    import cloudpickle as package
    from pyspark import cloudpickle

    for name in package.list_registry_pickle_by_value():
        if name in sys.modules and name not in cloudpickle.list_registry_pickle_by_value():
            cloudpickle.register_pickle_by_value(sys.modules[name])
    blob: bytes = cloudpickle.dumps(thing)
    return blob


def _inheritable_thread(**kwargs: Any) -> threading.Thread:
    from pyspark import InheritableThread

    thread: threading.Thread = InheritableThread(**kwargs)
    return thread


def _outcome_of_message(message: str) -> Outcome:
    if _EXECUTOR_LOST in message:
        return Outcome(Status.LOST, error=message)
    if _CRASHED in message:
        return Outcome(Status.FAILED, error=_DIED.format(message))
    return Outcome(Status.FAILED, error=f"Spark could not run the trial: {message}")


def _spark_message(error: Exception) -> str:
    """Spark's own words."""
    java = getattr(error, "java_exception", None)
    return _without_stack(str(error) if java is None else str(java.toString()))


def _without_stack(text: str) -> str:
    """Text of a Java exception without the lines of its stack."""
    lines = [line for line in text.splitlines() if not line.startswith(("\tat ", "\t... "))]
    return "\n".join(line for line in lines if line.strip() and line != "Driver stacktrace:")
