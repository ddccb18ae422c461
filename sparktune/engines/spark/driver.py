"""Trials in threads of the driver, for objectives that use Spark themselves."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any

from ..base import OnReport, RunSpec, Task
from ..local import Threads
from . import internals
from .job_per_trial import cancel_until

__all__ = ["ConnectDriver", "ContextDriver"]

_PAUSES = (0.2,) * 300


class _Driver(Threads):
    """Threads whose Spark jobs end with their trial; ``cancel_jobs`` cancels those with a tag."""

    raises = False

    def __init__(
        self,
        slots: int,
        cancel_jobs: Callable[[str], Any],
        thread: Callable[..., threading.Thread] = threading.Thread,
    ) -> None:
        super().__init__(slots, thread)
        self._cancel_jobs = cancel_jobs

    def open(self, spec: RunSpec, on_report: OnReport | None = None) -> None:
        """Prepare for the tasks of a run; see Engine."""
        self._tags: list[str] = []  # of all tasks that run
        super().open(spec, on_report)

    def cancel(self, number: int, attempt: int) -> None:
        """End the task's future and cancel its Spark jobs, those that it goes on to start too."""
        super().cancel(number, attempt)
        self._cancel_until_idle(self._spec.tag_of(number, attempt))

    def close(self) -> None:
        """Cancel all tasks and their Spark jobs."""
        super().close()
        self._cancel_until_idle(self._spec.tag)

    def _cancel_until_idle(self, tag: str) -> None:
        """Keep cancelling for a while: an objective that ignores it may start more jobs."""

        def cancel() -> None:
            with contextlib.suppress(Exception):  # a session that is gone runs nothing
                self._cancel_jobs(tag)

        cancel_until(lambda: tag not in self._tags, cancel, pauses=_PAUSES)

    @contextlib.contextmanager
    def _tagged(self, task: Task) -> Iterator[tuple[str, str]]:
        """Note the tags of a task for as long as it runs."""
        tags = (self._spec.tag, self._spec.tag_of(task.number, task.attempt))
        self._tags.extend(tags)
        try:
            yield tags
        finally:
            for tag in tags:
                self._tags.remove(tag)


class ContextDriver(_Driver):
    """Threads of the driver of a classic session, each trial with a job group of its own.

    The jobs of a trial run in a scheduler pool of their own, unless the user chose one; pools share
    the cluster evenly where ``spark.scheduler.mode`` is FAIR.

    Args:
        session: the session.
        slots: how many trials at a time.
    """

    def __init__(self, session: Any, slots: int) -> None:
        from pyspark import InheritableThread

        self._session = session
        self._sc = session.sparkContext
        super().__init__(slots, self._sc.cancelJobsWithTag, InheritableThread)

    def _evaluate(self, task: Task) -> dict[str, Any]:
        sc = self._sc
        pool = sc.getLocalProperty("spark.scheduler.pool")
        with self._tagged(task) as (run, tag):
            sc.setJobGroup(tag, task.title, interruptOnCancel=False)
            sc.addJobTag(run)
            sc.addJobTag(tag)
            if pool is None:
                sc.setLocalProperty("spark.scheduler.pool", tag)
            try:
                with contextlib.suppress(Exception):  # gone, as the objective will tell
                    internals.make_active(self._session)
                return super()._evaluate(task)
            finally:
                with contextlib.suppress(Exception):  # the context was stopped
                    sc.removeJobTag(tag)
                    sc.setLocalProperty("spark.scheduler.pool", pool)


class ConnectDriver(_Driver):
    """Threads on this side of a Spark Connect session, each trial's queries under its own tag.

    Args:
        session: the session.
        slots: how many trials at a time.
    """

    def __init__(self, session: Any, slots: int) -> None:
        self._session = session
        super().__init__(slots, session.interruptTag)

    def _evaluate(self, task: Task) -> dict[str, Any]:
        with self._tagged(task) as tags:
            for tag in tags:
                self._session.addTag(tag)
            try:
                with contextlib.suppress(Exception):
                    internals.make_connect_active(self._session)
                return super()._evaluate(task)
            finally:
                for tag in tags:
                    self._session.removeTag(tag)
