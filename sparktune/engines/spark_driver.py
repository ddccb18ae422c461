"""Trials in threads of the driver, for objectives that use Spark themselves."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

from ..history import Outcome
from .base import Job, OnReport, Task
from .local import Threads

__all__ = ["ConnectDriver", "ContextDriver"]

_AGAIN_SECONDS = 60.0


class _Driver(Threads):
    """Threads whose Spark jobs belong to their trial, and end with it."""

    def open(self, job: Job, on_report: OnReport | None = None) -> None:
        """Prepare for the tasks of a run; see Engine."""
        self._run_tag = f"sparktune-{job.run_id}"
        self._tags: Counter[str] = Counter()
        super().open(job, on_report)

    def _tag(self, number: int, attempt: int) -> str:
        return f"{self._run_tag}-{number}-{attempt}"

    def _cancel_jobs(self, tag: str) -> None:
        raise NotImplementedError

    def cancel(self, number: int, attempt: int) -> None:
        """End the task's future and cancel its Spark jobs, those that it goes on to start too."""
        super().cancel(number, attempt)
        self._cancel_until_idle(self._tag(number, attempt))

    def _gave_up(self, task: Task) -> None:
        self._cancel_until_idle(self._tag(task.number, task.attempt))

    def close(self) -> None:
        """Cancel all tasks and their Spark jobs."""
        super().close()
        self._cancel_until_idle(self._run_tag)

    def _cancel_until_idle(self, tag: str) -> None:
        """Cancel jobs, and again what an objective starts that does not mind, for a while."""
        self._cancel_jobs(tag)

        def again() -> None:
            until = time.monotonic() + _AGAIN_SECONDS
            while tag in self._tags and time.monotonic() < until:
                time.sleep(0.2)
                self._cancel_jobs(tag)

        threading.Thread(target=again, name="sparktune-reaper", daemon=True).start()

    @contextlib.contextmanager
    def _tagged(self, task: Task) -> Iterator[tuple[str, str]]:
        """The tags of a task, noted for as long as it runs."""
        tags = (self._run_tag, self._tag(task.number, task.attempt))
        self._tags.update(tags)
        try:
            yield tags
        finally:
            self._tags.subtract(tags)
            for tag in tags:
                if self._tags[tag] <= 0:
                    del self._tags[tag]


class ContextDriver(_Driver):
    """Threads of the driver of a classic session, each trial with a job group of its own.

    The jobs of a trial run in a scheduler pool of their own, unless the user chose one; pools share
    the cluster evenly where ``spark.scheduler.mode`` is FAIR.

    Args:
        context: the SparkContext.
        slots: how many trials at a time.
    """

    def __init__(self, context: Any, slots: int) -> None:
        self._sc = context
        super().__init__(slots)

    def _new_pool(self) -> Any:
        from pyspark import InheritableThread

        from .pool import DaemonPool

        return DaemonPool(self.slots, InheritableThread)

    def _evaluate(self, task: Task) -> Outcome:
        sc = self._sc
        pool = sc.getLocalProperty("spark.scheduler.pool")
        with self._tagged(task) as (run, tag):
            sc.setJobGroup(tag, task.title, interruptOnCancel=False)
            sc.addJobTag(run)
            sc.addJobTag(tag)
            if pool is None:
                sc.setLocalProperty("spark.scheduler.pool", tag)
            try:
                return super()._evaluate(task)
            finally:
                with contextlib.suppress(Exception):  # the context was stopped
                    sc.removeJobTag(tag)
                    sc.setLocalProperty("spark.scheduler.pool", pool)

    def _cancel_jobs(self, tag: str) -> None:
        with contextlib.suppress(Exception):
            self._sc.cancelJobsWithTag(tag)


class ConnectDriver(_Driver):
    """Threads on this side of a Spark Connect session, each trial's queries under its own tag.

    Args:
        session: the session.
        slots: how many trials at a time.
    """

    def __init__(self, session: Any, slots: int) -> None:
        self._session = session
        super().__init__(slots)

    def _evaluate(self, task: Task) -> Outcome:
        with self._tagged(task) as tags:
            for tag in tags:
                self._session.addTag(tag)
            try:
                return super()._evaluate(task)
            finally:
                for tag in tags:
                    self._session.removeTag(tag)

    def _cancel_jobs(self, tag: str) -> None:
        def interrupt() -> None:
            with contextlib.suppress(Exception):
                self._session.interruptTag(tag)

        threading.Thread(target=interrupt, daemon=True).start()
