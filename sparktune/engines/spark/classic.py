"""A classic session, as a run of trials uses it: through its SparkContext."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from ...checks import advise
from ...exceptions import EngineStopped
from ..base import RunSpec
from ..shipping import Shipment, stand_in_names
from ..travels import sources
from . import internals
from .session import (
    Jobs,
    Link,
    LostSession,
    idle_limit,
    is_local,
    is_on_one_machine,
    is_stopped,
    may_copy,
    refused_profile,
    too_large,
    without_stack,
)
from .slots import task_slots

__all__ = ["ClassicJobs", "ClassicLink"]

_POLL_SECONDS = 5.0


class ClassicJobs(Jobs):
    """RDD jobs of one task in a SparkContext.

    On a local master, where neither ``PYSPARK_PYTHON`` nor ``spark.pyspark.python`` is set, workers
    are started with the driver's own Python instead of the first ``python3`` on the PATH.

    Args:
        session: the session.
        resource_profile: a pyspark ResourceProfile for the tasks, or None.
        tag: that all jobs carry.
    """

    name = "SparkContext"
    needs = "and what the objective imports"
    when_set = "before the session is made"

    def __init__(self, session: Any, resource_profile: Any, tag: str) -> None:
        from pyspark import InheritableThread, cloudpickle

        if is_stopped(session):
            raise EngineStopped("the SparkContext was stopped; create a new session first")
        self.thread = InheritableThread
        self._session = session
        self._sc = context = session.sparkContext
        self._run = tag
        settings = context.getConf()
        chosen = "PYSPARK_PYTHON" in os.environ or settings.contains("spark.pyspark.python")
        self.is_here = is_on_one_machine(str(context.master))
        if is_local(context.master) and not chosen:
            internals.set_python(context, sys.executable)
        self._profile = resource_profile
        self._row = self._one_row(resource_profile)
        if limit := idle_limit(settings, "spark.python.worker"):
            advise(limit)
        cloudpickle.register_pickle_by_value(sources)

    def _one_row(self, profile: Any) -> Any:
        """The RDD that the jobs of all trials run over, with the resources that trials need."""
        row = self._sc.parallelize([0], 1)
        if profile is None:
            return row
        if is_local(self._sc.master):
            raise refused_profile(self._sc.master)
        try:
            return row.withResources(profile)
        except Exception as error:
            raise refused_profile(self._sc.master, f"refused it: {self.words(error)}") from error

    def slots(self) -> int:
        return task_slots(self._session, self._profile)

    def code(self, blob: bytes) -> Any:
        return self._lasting(blob, blob)

    def _lasting(self, blob: bytes, key: Any) -> Any:
        """A broadcast variable that the context keeps for as long as it lasts."""
        handles = vars(self._sc).setdefault("_sparktune_handles", {})
        if key not in handles:
            handles[key] = self._broadcast(blob)
        return handles[key]

    def _broadcast(self, blob: bytes) -> Any:
        try:
            return self._sc.broadcast(blob)
        except Exception as error:
            raise too_large(blob, "as a broadcast variable", error) from error

    def run_task(self, tag: str, title: str, answer: Callable[..., bytes], *args: Any) -> bytes:
        sc = self._sc
        try:
            sc.addJobTag(self._run)
            sc.addJobTag(tag)
            sc.setLocalProperty("spark.job.description", title)
            found: bytes
            (found,) = self._row.mapPartitions(sources.partition_function(answer, *args)).collect()
            return found
        finally:
            if not self.stopped():
                sc.removeJobTag(tag)

    def python_of_workers(self) -> str | None:
        return str(self._sc.pythonExec)

    def cancel(self, tag: str) -> None:
        if not self.stopped():
            self._sc.cancelJobsWithTag(tag)

    @staticmethod
    def words(error: Exception) -> str:
        java = getattr(error, "java_exception", None)
        return without_stack(str(error) if java is None else str(java.toString()))


class ClassicLink(ClassicJobs, Link):
    """A SparkContext, as a run uses it: an RDD job for each task, about 70 ms a trial.

    The objective is broadcast once a run, and the processes for trials keep it unpickled. Executors
    need Python and what the objective imports: neither sparktune nor the cloudpickle package.

    Args:
        session: the session.
        resource_profile: a pyspark ResourceProfile for the tasks, or None.
        spec: of the run.
    """

    def __init__(self, session: Any, resource_profile: Any, spec: RunSpec) -> None:
        super().__init__(session, resource_profile, spec.tag)
        from pyspark import cloudpickle

        self._on_retry = "wait" if may_copy(self._sc.getConf()) else "lost"
        self._sent: list[Any] = []
        self._code = self.code(sources.texts(stand_in_names()))
        with internals.noted_broadcasts(self._sc) as self._users:
            self.shipment = Shipment(spec, cloudpickle, of_spark=True)

    def send(self, digest: str, blob: bytes, lasting: bool) -> tuple[str, Any]:
        """Send a pickle as a broadcast variable."""
        if lasting:
            return ("broadcast", self._lasting(blob, digest))
        self._sent.append(self._broadcast(blob))
        return ("broadcast", self._sent[-1])

    def run_one(
        self,
        tag: str,
        title: str,
        message: Mapping[str, Any],
        wanted: Callable[[], bool],  # noqa: ARG002 (a context that is gone is never mended)
    ) -> bytes:
        message = {**message, "broadcasts": self._users}
        with self._watched(tag):
            return self.run_task(
                tag, title, sources.answer_once, self._code, message, self._on_retry
            )

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
                    stage = internals.stage_of(self._sc, tag)
                    reason = None if stage is None else self.first_failure(stage)
                if reason is not None and not over.is_set():
                    gone.append(reason)
                    self.cancel(tag)
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

    def first_failure(self, stage: int) -> str | None:
        for task in internals.tries_of(self._sc, stage):
            if task.attempt() == 0 and task.errorMessage().isDefined():
                return str(task.errorMessage().get())
        return None

    def seconds_running(self, tag: str) -> float | None:
        stage = internals.stage_of(self._sc, tag)
        tries = [] if stage is None else internals.tries_of(self._sc, stage)
        running = [task for task in tries if task.status() == "RUNNING"]
        launched = [task.launchTime().getTime() / 1000 for task in running]
        return time.time() - min(launched) if launched else None

    def close(self) -> None:
        """Destroy what was sent for this run alone."""
        for broadcast in self._sent if not self.stopped() else ():
            broadcast.destroy()
