"""Trials as Spark tasks: a job of one task for each trial, from a pool of driver threads."""

from __future__ import annotations

import contextlib
import functools
import re
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from typing import Any

from ...exceptions import EngineStopped, RunCancelled
from ...history.results import Answer
from ...history.trial import Outcome, Status
from ..answers import ADVICE_ON_SPARK, answer_of, cancelled, hand_on_reports, unpacked
from ..base import OnReport, RunSpec, Task
from ..paths import paths_here
from ..pool import DaemonPool
from .session import Link, LostSession, advice_on_python, without_stack

__all__ = ["CANCELLED", "NOT_BEGUN", "JobPerTrial", "cancel_until"]

CANCELLED = re.compile(
    r"SPARK_JOB_CANCELLED|OPERATION_CANCELED|Job \d+ (was )?cancelled|Stage \d+ (was )?cancelled"
)
_ALL_CANCELLED = re.compile(
    r"part of cancelled job group|part of cancelled job tags|cancellation of all jobs"
)
NOT_BEGUN = re.compile(
    "Cannot run program|Error from python worker|connect back|PYTHON_VERSION_MISMATCH|ImportError|"
    "different (minor )?version|ModuleNotFoundError|PACKAGE_(NOT_INSTALLED|VERSION)|UnpicklingError"
)
_WORKER_DIED = "Python worker exited unexpectedly"
_LOST = ("ExecutorLostFailure", "TaskResultLost", "TaskKilled", "ExecutorDeadException")
_DIED = "Spark's Python worker died under the trial (killed, or no memory left): {}"
_IDLE = "terminated due to idle timeout"
_SILENT = (
    "Spark killed its Python worker, which is silent while a trial runs: set "
    "spark.python.worker.killOnIdleTimeout to false, or idleTimeoutSeconds to more than a trial "
    "takes. Spark said: {}"
)
_OVERDUE_SECONDS = 300.0  # loading what the objective captured is in it
_ASK_SECONDS = 0.5
_AGAIN_SECONDS = (0.1, 0.2, 0.5, 1, 2, 4, 8, 15)

_over: deque[str] = deque(maxlen=20)  # the last runs of this program that have ended


class JobPerTrial:
    """Evaluates each task in a Spark job of its own, submitted from a driver thread.

    Where Spark runs a task again after its worker or executor died, the second run answers "lost"
    without calling the objective.

    Args:
        link: makes the link to a session for a run.
        slots: how many jobs to keep under way; None asks the cluster when a run begins, and the
            attribute is 1 until then.
    """

    blocking = False
    raises = False
    hears_reports = False

    def __init__(self, link: Callable[[RunSpec], Link], slots: int | None = None) -> None:
        self._link_for, self._slots_given = link, slots
        self.slots = slots or 1
        self._closed = threading.Event()
        self._closed.set()

    def open(self, spec: RunSpec, on_report: OnReport | None = None) -> None:
        """Pickle and send the objective; raises what making its link does, see Link."""
        self._spec, self._on_report = spec, on_report
        self._link = self._link_for(spec)
        self._places: dict[str, tuple[str, Any]] = {}
        self._sending = threading.Lock()
        try:
            self._send_new()
            self.slots = self._slots_given or max(1, self._link.slots())
        except BaseException:
            self._link.close()
            raise
        self._cancelled: set[tuple[int, int]] = set()
        self._overdue: dict[tuple[int, int], float] = {}
        self._submitted: dict[tuple[int, int], float] = {}
        self._closed = threading.Event()
        self._pool = DaemonPool(self.slots, self._link.thread)
        if spec.settings.hard is not None:
            threading.Thread(
                target=self._cancel_overdue, args=(spec.settings.hard,), name="sparktune-overdue",
                daemon=True,
            ).start()  # fmt: skip

    def _cancel_overdue(self, hard: float) -> None:
        """Cancel tasks as the last resort, where neither watchdog nor worker keeps their time."""
        limit = hard + _OVERDUE_SECONDS
        while not self._closed.wait(min(limit, _OVERDUE_SECONDS)):
            for key, submitted in list(self._submitted.items()):
                if time.monotonic() - submitted <= limit or key in self._overdue:
                    continue
                with contextlib.suppress(Exception):
                    seconds = self._link.seconds_running(self._spec.tag_of(*key))
                    if seconds is not None and seconds > limit:
                        self._overdue[key] = seconds
                        self._link.cancel(self._spec.tag_of(*key))

    def submit(self, task: Task) -> Future[Answer]:
        """Evaluate a task in a Spark job."""
        # pickled here, so that what cannot be sent raises in the caller's thread
        blob = self._link.shipment.pack(task)
        self._send_new()
        return self._pool.call(self._run, task, blob)

    def _send_new(self) -> None:
        """Send what was not sent yet; a configuration may refer to handles that nobody knew."""
        shipment = self._link.shipment
        with self._sending:
            while shipment.blobs:
                digest, blob = shipment.blobs.popitem()
                if digest not in self._places:
                    place = self._link.send(digest, blob, digest in shipment.lasting)
                    self._places = {**self._places, digest: place}

    def _run(self, task: Task, blob: bytes) -> Answer:
        key = (task.number, task.attempt)
        self._submitted[key] = time.monotonic()
        try:
            return self._answered(task, key, blob)
        finally:
            del self._submitted[key]

    def _answered(self, task: Task, key: tuple[int, int], blob: bytes) -> Answer:
        if self._is_cancelled(key):
            return cancelled()
        link, tag = self._link, self._spec.tag_of(*key)
        tracking = self._spec.tracking_of(key)

        def run(blob: bytes) -> dict[str, Any]:
            message = link.shipment.message(blob, self._places) | {"over": tuple(_over)}
            message["tracking"] = tracking
            message["path"] = paths_here(installed=False) if link.is_here else ()
            return unpacked(
                link.run_one(tag, task.title, message, lambda: not self._closed.is_set())
            )

        try:
            answer = run(blob)
            if answer.get("apart"):
                blob = link.shipment.pack(task, apart=True)
                self._send_new()
                answer = run(blob)
        except Exception as error:
            return self._answer_of_error(error, key)
        if answer["status"] != "lost":
            hand_on_reports(answer, task, self._on_report)
            return answer_of(answer, self._spec.settings, ADVICE_ON_SPARK)
        if self._is_cancelled(key):
            return cancelled()
        reason = None
        with contextlib.suppress(Exception):  # Spark's records cannot be read
            reason = link.first_failure(answer["stage"])
        return self._answer_of_message(reason or "its first try went down", Status.LOST)

    def _answer_of_error(self, error: Exception, key: tuple[int, int]) -> Answer:
        if self._is_cancelled(key):
            return cancelled()
        if key in self._overdue:
            text = (
                f"cancelled by the driver after {self._overdue[key]:.1f} s: neither the trial nor "
                f"its watchdog reacted to its time limit of {self._spec.settings.timeout:g} s"
            )
            return Answer(Outcome(Status.TIMED_OUT, error=text, seconds=self._overdue[key]))
        if isinstance(error, LostSession):
            return Answer(Outcome(Status.LOST, error=str(error)))
        if isinstance(error, EngineStopped):
            raise error
        if self._link.stopped():
            raise EngineStopped(
                f"the {self._link.name} was stopped while trials were running; finished trials are "
                "kept"
            ) from error
        message = self._link.words(error)
        if _ALL_CANCELLED.search(message):
            raise RunCancelled(f"the run was cancelled from outside: {message}") from error
        if CANCELLED.search(message):
            return cancelled(f"cancelled from outside: {message}")
        return self._answer_of_message(message, Status.FAILED)

    def _answer_of_message(self, message: str, otherwise: Status) -> Answer:
        """What Spark's reason for a failed task stands for."""
        message = without_stack(message)
        if _IDLE in message:  # it would be killed again
            return Answer(Outcome(Status.FAILED, error=_SILENT.format(message), error_type="spark"))
        lost = any(text in message for text in _LOST)
        if _WORKER_DIED in message and not lost:
            return Answer(Outcome(Status.CRASHED, error=_DIED.format(message)))
        if lost or otherwise is Status.LOST:
            return Answer(Outcome(Status.LOST, error=message))
        text = f"Spark could not run the trial: {message}"
        not_begun = NOT_BEGUN.search(message) is not None
        if not_begun:
            text += f"\n{self._about_python}"
        return Answer(Outcome(Status.FAILED, error=text, error_type="spark"), None, not_begun)

    @functools.cached_property
    def _about_python(self) -> str:
        """Advice on the Python of workers."""
        return advice_on_python(self._link, "Trials")

    def _is_cancelled(self, key: tuple[int, int]) -> bool:
        return self._closed.is_set() or key in self._cancelled

    def stop(self, number: int, attempt: int) -> None:
        """Cancel the task: what it reports is not heard before its end."""
        self.cancel(number, attempt)

    def cancel(self, number: int, attempt: int) -> None:
        """Cancel the task's Spark job; its processes are gone within about 4 seconds."""
        key = (number, attempt)
        self._cancelled.add(key)
        tag = self._spec.tag_of(*key)
        cancel_until(lambda: key not in self._submitted, lambda: self._link.cancel(tag))

    def close(self) -> None:
        """Cancel all jobs of the run and free what was sent, without waiting for either."""
        if self._closed.is_set():
            return
        self._closed.set()
        self._pool.close()
        _over.append(self._spec.run_id)
        link, pool, tag = self._link, self._pool, self._spec.tag

        def over() -> bool:
            return pool.wait(0) or link.stopped()

        if over():
            link.close()
        else:
            cancel_until(over, lambda: link.cancel(tag), link.close)


def cancel_until(
    over: Callable[[], bool],
    cancel: Callable[[], None],
    afterwards: Callable[[], None] = lambda: None,
    pauses: Iterable[float] = _AGAIN_SECONDS,
) -> None:
    """Cancel in the background, and again what was about to be submitted, until it is over.

    Args:
        over: whether nothing is left that could submit anything.
        cancel: asks Spark; a server that cannot be reached may hold it up.
        afterwards: called at the end.
        pauses: seconds between one request and the next; after the last it is given up.
    """
    asked = threading.Event()

    def reap() -> None:
        for seconds in pauses:
            cancel()
            asked.set()
            until = time.monotonic() + seconds
            while not over() and time.monotonic() < until:
                time.sleep(0.05)
            if over():
                break
        afterwards()

    threading.Thread(target=reap, name="sparktune-reaper", daemon=True).start()
    asked.wait(_ASK_SECONDS)
