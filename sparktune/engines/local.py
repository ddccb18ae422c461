"""Engines inside this process: one trial after the other, or several in threads."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import AbstractContextManager
from typing import Any

from ..history.results import Answer
from .answers import answer_of, cancelled
from .base import OnReport, RunSpec, Task, hearing
from .pool import DaemonPool
from .travels.tracked import Beside, tracked
from .travels.trial import evaluate

__all__ = ["Serial", "Threads"]


class _Here:
    """An engine that calls the caller's own function object, in this process."""

    raises = True
    hears_reports = True
    blocking: bool

    def open(self, spec: RunSpec, on_report: OnReport | None = None) -> None:
        """Prepare for the tasks of a run; see Engine."""
        self._spec, self._on_report = spec, on_report
        self._stopping: set[tuple[int, int]] = set()

    def _evaluate(self, task: Task) -> dict[str, Any]:
        spec, key = self._spec, (task.number, task.attempt)
        hear = hearing(self.stop, key, self._stopping, self._on_report)
        return evaluate(
            spec.objective, task.config, task.full_context, spec.wants_trial,
            limit=spec.settings.timeout, hear=hear, is_over=lambda: key in self._stopping,
        )  # fmt: skip

    def _tracked(self, task: Task) -> AbstractContextManager[Beside]:
        """MLflow beside a task; runs know their trial where this process has one at a time."""
        spec = self._spec
        if not self.blocking and (spec.tracked is None or not spec.tracked.is_live):
            return tracked(None)
        told = spec.tracking_of((task.number, task.attempt))
        if told is not None and not self.blocking:
            told = {**told, "tags": None}
        return tracked(told, is_own=False)

    def stop(self, number: int, attempt: int) -> None:
        """Let a task end at its next report."""
        self._stopping.add((number, attempt))


class Serial(_Here):
    """One trial at a time, in the caller's thread, with the caller's own function object.

    A debugger stops in the objective, closures that append to a list work, and an exception keeps
    its live traceback for a post-mortem. A time limit is raised inside the objective, which native
    code holds up and a bare ``except`` swallows: there is no process to kill.
    """

    slots = 1
    blocking = True

    def submit(self, task: Task) -> Future[Answer]:
        """Evaluate a task now; a KeyboardInterrupt inside it leaves this method."""
        with self._tracked(task) as beside:
            found = self._evaluate(task)
            beside.ended(found["status"])
        answer = answer_of({**found, "untracked": beside.note}, self._spec.settings)
        if isinstance(answer.exception, KeyboardInterrupt):
            raise answer.exception
        future: Future[Answer] = Future()
        future.set_result(answer)
        return future

    def cancel(self, number: int, attempt: int) -> None:
        """Do nothing: no task is under way between two calls."""

    def close(self) -> None:
        """Do nothing: there is nothing to free."""


class Threads(_Here):
    """Trials in threads of this process, with the caller's own function object.

    For objectives that wait (services, files, subprocesses) or release the interpreter's lock
    (most of numpy). A thread cannot be killed: a trial that was cancelled, or does not react to its
    time limit or to the word to stop, runs on unheard until it reports, returns or the program
    ends.

    Args:
        slots: how many trials at a time.
        thread: makes a thread; see DaemonPool.
    """

    blocking = False

    def __init__(
        self, slots: int, thread: Callable[..., threading.Thread] = threading.Thread
    ) -> None:
        self.slots, self._thread = slots, thread
        self._ends: dict[tuple[int, int], Future[Answer]] = {}
        self._began: dict[tuple[int, int], float] = {}
        self._given_up: dict[tuple[int, int], str] = {}  # as an answer's status says it
        self._timers: dict[tuple[int, int], threading.Timer] = {}
        self._pool = DaemonPool(slots, thread)

    def open(self, spec: RunSpec, on_report: OnReport | None = None) -> None:
        """Prepare for the tasks of a run; see Engine."""
        super().open(spec, on_report)
        self._pool = DaemonPool(self.slots, self._thread)

    def submit(self, task: Task) -> Future[Answer]:
        """Evaluate a task in a thread."""
        key = (task.number, task.attempt)
        end = self._ends[key] = Future()
        work = self._pool.call(self._tracked_in_time, task)

        def finish(done: Future[Answer]) -> None:
            if self._ends.pop(key, None) is None:
                return
            if done.cancelled():
                end.set_result(cancelled())
            elif (error := done.exception()) is not None:
                end.set_exception(error)
            else:
                end.set_result(done.result())

        work.add_done_callback(finish)
        return end

    def _tracked_in_time(self, task: Task) -> Answer:
        """Evaluate a task, with MLflow beside it."""
        key = (task.number, task.attempt)
        with self._tracked(task) as beside:
            answer = self._evaluate_in_time(task)
            is_heard = key in self._ends
            beside.ended(answer["status"] if is_heard else self._given_up.pop(key, "pruned"))
        return answer_of({**answer, "untracked": beside.note}, self._spec.settings)

    def _evaluate_in_time(self, task: Task) -> dict[str, Any]:
        """Evaluate a task; at the hard limit its future ends and another thread takes its slot."""
        key, hard = (task.number, task.attempt), self._spec.settings.hard
        self._began[key] = time.monotonic()
        timer = None if hard is None else self._give_up_after(hard, key, "timeout")
        try:
            return self._evaluate(task)
        finally:
            del self._began[key]
            for each in (timer, self._timers.pop(key, None)):
                if each is not None:
                    each.cancel()

    def _give_up_after(self, seconds: float, key: tuple[int, int], why: str) -> threading.Timer:
        """End a task's future later, unless it has ended, and let another thread take its slot."""

        def give_up() -> None:
            seconds = time.monotonic() - self._began.get(key, time.monotonic())
            answer = {"status": why, "hard": True, "seconds": seconds}
            end = self._ends.pop(key, None)
            if end is not None:
                self._pool.grow(1)
                self._given_up[key] = why
                end.set_result(answer_of(answer, self._spec.settings))
                self.cancel(*key)  # and what belongs to it, as Spark jobs do

        timer = threading.Timer(seconds, give_up)
        timer.daemon = True
        timer.start()
        return timer

    def stop(self, number: int, attempt: int) -> None:
        """Let a task end at its next report; give it up where none comes in its grace."""
        key = (number, attempt)
        if key in self._began and key not in self._stopping:
            grace = self._spec.settings.grace
            self._timers[key] = self._give_up_after(grace, key, "pruned")
        super().stop(number, attempt)

    def cancel(self, number: int, attempt: int) -> None:
        """End the task's future; a thread that runs it goes on unheard."""
        end = self._ends.pop((number, attempt), None)
        if end is not None:
            end.set_result(cancelled())

    def close(self) -> None:
        """Cancel all tasks; threads end after what they are running."""
        for number, attempt in list(self._ends):
            self.cancel(number, attempt)
        self._pool.close()
