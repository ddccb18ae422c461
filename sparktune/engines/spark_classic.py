"""Trials as Spark tasks through a SparkContext.

The objective is pickled once and broadcast once a run; the processes for trials keep it unpickled.
Executors need Python and what the objective imports: neither sparktune nor the cloudpickle package.
"""

from __future__ import annotations

import os
import re
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from ..exceptions import EngineStopped
from . import remote
from .base import RunSpec
from .shipping import Shipment
from .spark_base import JobPerTrial, LostSession, too_large, without_stack

__all__ = ["SparkClassic"]

_POLL_SECONDS = 5.0


class SparkClassic(JobPerTrial):
    """Evaluates each task in a Spark job of its own through a SparkContext; about 70 ms a trial.

    On a local master, where neither ``PYSPARK_PYTHON`` nor ``spark.pyspark.python`` is set, workers
    are started with the driver's own Python instead of the first ``python3`` on the PATH.

    Args:
        context: the SparkContext.
        slots: how many jobs to keep under way; None asks the context when a run begins.
        resource_profile: a pyspark ResourceProfile for the tasks, or None.
    """

    def __init__(
        self, context: Any, slots: int | None = None, resource_profile: Any = None
    ) -> None:
        super().__init__(slots)
        self._sc = context
        self._profile = resource_profile

    def _cluster_slots(self) -> int:
        if not self._is_local:
            # executors register while a first job waits for them; before, Spark answers 2
            self._sc.parallelize([0], 1).count()
        return int(self._sc.defaultParallelism)

    @property
    def _is_local(self) -> bool:
        return re.match(r"local(\[|$)", str(self._sc.master)) is not None

    def _prepare(self, spec: RunSpec) -> Shipment:
        from pyspark import cloudpickle

        if self._stopped():
            raise EngineStopped("the SparkContext was stopped; create a new session first")
        cloudpickle.register_pickle_by_value(remote)
        self._choose_python()
        self._row = self._one_row()
        self._on_retry = "wait" if self._may_copy() else "lost"
        self._broadcasts: dict[Any, Any] = {}
        registry = self._sc._pickled_broadcast_vars
        registry.clear()
        shipment = Shipment(spec, cloudpickle)
        # the user's own broadcast variables have to go along with every job that refers to them
        self._broadcasts.update({variable._jbroadcast.id(): variable for variable in registry})
        registry.clear()
        return shipment

    def _choose_python(self) -> None:
        chosen = "PYSPARK_PYTHON" in os.environ or self._sc.getConf().contains(
            "spark.pyspark.python"
        )
        if self._is_local and not chosen:
            self._sc.pythonExec = sys.executable

    def _one_row(self) -> Any:
        """What the jobs of all trials run over, with the resources that trials need."""
        row = self._sc.parallelize([0], 1)
        if self._profile is None:
            return row
        sentence = (
            "resource_profile needs a cluster with stage-level scheduling (standalone, YARN or "
            f"Kubernetes; see Spark's manual), and this master, {self._sc.master}, "
        )
        if self._is_local:
            raise ValueError(sentence + "has none")
        try:
            return row.withResources(self._profile)
        except Exception as error:
            raise ValueError(f"{sentence}refused it: {_words(error)}") from error

    def _may_copy(self) -> bool:
        """Whether Spark starts copies of slow tasks of one-task jobs."""
        conf = self._sc.getConf()
        return bool(
            conf.get("spark.speculation", "false") == "true"
            and conf.contains("spark.speculation.task.duration.threshold")
        )

    def _send(self, digest: str, blob: bytes, lasting: bool) -> tuple[str, Any]:
        # kept by the context itself, for as long as it lasts
        sent = vars(self._sc).setdefault("_sparktune_handles", {}) if lasting else {}
        if digest not in sent:
            try:
                sent[digest] = self._sc.broadcast(blob)
            except Exception as error:
                raise too_large(blob, "as a broadcast variable", error) from error
        self._broadcasts[digest] = sent[digest]
        return ("broadcast", digest)

    def _collect(self, tag: str, title: str, message: Mapping[str, Any]) -> bytes:
        sc = self._sc
        function = remote.partition_function(
            remote.sources(), message, self._broadcasts, self._on_retry
        )
        try:
            sc.addJobTag(self._spec.tag)
            sc.addJobTag(tag)
            sc.setLocalProperty("spark.job.description", title)
            answer: bytes
            with self._watched(tag):
                (answer,) = self._row.mapPartitions(function).collect()
            return answer
        finally:
            if not self._stopped():
                sc.removeJobTag(tag)

    @contextmanager
    def _watched(self, tag: str) -> Iterator[None]:
        """Where Spark may copy slow tasks: end a job whose copy waits for a first try that died."""
        if self._on_retry != "wait":
            yield
            return
        over, gone = threading.Event(), []

        def watch() -> None:
            while not over.wait(_POLL_SECONDS):
                reason = None
                with suppress(Exception):  # asked again in a moment
                    reason = self._reason_of_first_try(tag)
                if reason is not None and not over.is_set():
                    gone.append(reason)
                    self._cancel_jobs(tag)
                    return

        threading.Thread(target=watch, name="sparktune-watch", daemon=True).start()
        try:
            yield
        except Exception as error:
            if gone:
                raise LostSession(without_stack(gone[0])) from error
            raise
        finally:
            over.set()

    def _stage_of(self, tag: str) -> int | None:
        """The stage of a running job."""
        store = self._sc._jsc.sc().statusStore()
        for number in self._sc.statusTracker().getActiveJobsIds():
            job = store.job(number)
            if job.jobTags().contains(tag) and job.stageIds().size():
                return int(job.stageIds().apply(0))
        return None

    def _tries(self, stage: int) -> list[Any]:
        """What Spark's records say of the tries of a stage's one task."""
        spark = self._sc._jsc.sc()
        with suppress(Exception):  # a busy bus: what it knows by now has to do
            spark.listenerBus().waitUntilEmpty(10_000)
        tasks = spark.statusStore().taskList(stage, 0, 100)
        return [tasks.apply(i) for i in range(tasks.size())]

    def _reason_of_first_try(self, tag: str) -> str | None:
        """Why the first try of a running job's task ended, None while it lives."""
        stage = self._stage_of(tag)
        return None if stage is None else self._first_failure(stage)

    def _first_failure(self, stage: int) -> str | None:
        for task in self._tries(stage):
            if task.attempt() == 0 and task.errorMessage().isDefined():
                return str(task.errorMessage().get())
        return None

    def _seconds_running(self, tag: str) -> float | None:
        stage = self._stage_of(tag)
        launched = [
            task.launchTime().getTime() / 1000
            for task in ([] if stage is None else self._tries(stage))
            if task.status() == "RUNNING"
        ]
        return time.time() - min(launched) if launched else None

    def _cancel_jobs(self, tag: str) -> None:
        if not self._stopped():
            self._sc.cancelJobsWithTag(tag)

    def _message_of(self, error: Exception) -> str:
        if self._stopped():
            raise EngineStopped(
                "the SparkContext was stopped while trials were running; finished trials are kept"
            ) from error
        return _words(error)

    def _stopped(self) -> bool:
        jsc = self._sc._jsc
        try:
            return jsc is None or bool(jsc.sc().isStopped())
        except Exception:  # the JVM is gone
            return True

    def _free(self) -> None:
        if not self._stopped():
            self._broadcasts[self._shipment.digest].destroy()

    def _thread(self, **kwargs: Any) -> threading.Thread:
        from pyspark import InheritableThread

        thread: threading.Thread = InheritableThread(**kwargs)
        return thread


def _words(error: Exception) -> str:
    java = getattr(error, "java_exception", None)
    return without_stack(str(error) if java is None else str(java.toString()))
