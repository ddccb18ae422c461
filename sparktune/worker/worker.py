"""A worker of a store: reserves trials, evaluates them, reports."""

from __future__ import annotations

import contextlib
import logging
import math
import os
import platform
import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from ..checks import real, whole
from ..engines.base import Task
from ..exceptions import InvalidTrial, JournalError, StoreError
from ..history import ENDED, Outcome, Status
from ..history.failures import reason_of
from ..history.results import Answer, failure_of
from ..plurals import plural
from ..search import trial_seed
from ..storage.stores.opening import name_here, open_store
from ..storage.stores.outcomes import text_of_outcome
from ..storage.stores.reaping import reap
from ..storage.stores.rows import fault_of
from ..storage.stores.signing import VARIABLE, Key, key_of_environment
from ..storage.stores.store import BEAT, QUEUED, Entry, Report, Store
from ..storage.stores.trust import Trust
from .jobs import Jobs, LoadedJob
from .refusals import Refusals, Refused

__all__ = ["Worker"]

logger = logging.getLogger(__name__)
_IDLE = 1.0  # seconds between two looks for a trial, where the database tells of one
_BETWEEN_REPORTS = 0.05  # seconds: reports that come faster travel together
_MOST_REFUSED = 10_000


class _Stopped(Exception):  # noqa: N818 (it never leaves this file)
    """This worker is to end at once, and its trial goes back to the queue."""


class Worker:
    """Evaluates trials of one search, one after the other, each in a process below a watchdog.

    It takes trials whose objective is among ``objectives``, or whose job and candidate are signed
    with its key; nothing else is unpickled, imported or called. What it does not take it leaves to
    others, and looks at again after ten seconds, then twenty, and so on.

    Args:
        url: of the store; None for that of SPARKTUNE_STORE.
        exp_key: the name of the search.
        objectives: functions by the names under which drivers may ask for them.
        poll_interval: seconds between two looks for a trial, where the database does not tell.
        max_jobs: trials after which it ends; None for no limit.
        reserve_timeout: seconds without a trial after which it ends; None for no limit.
        last_job_timeout: seconds after which it begins no trial any more; None for no limit.
        max_consecutive_failures: failed trials in a row after which it ends with an error.
        key: of the store; None for that of SPARKTUNE_STORE_KEY, if it is set.
        say: is told what happens, in lines.

    Attributes:
        store: where the trials are.
        name: of the worker, there.
        done: how many trials it has evaluated.

    Raises:
        ImportError, StoreError: as of ``open_store``.
        ValueError: there is neither an objective nor a key, or an argument is out of its range.
    """

    def __init__(
        self,
        url: str | None,
        exp_key: str,
        objectives: Mapping[str, Callable[..., Any]],
        *,
        poll_interval: float = 0.1,
        max_jobs: int | None = None,
        reserve_timeout: float | None = None,
        last_job_timeout: float | None = None,
        max_consecutive_failures: int | None = 4,
        key: Key | None = None,
        say: Callable[[str], None] = logger.info,
    ) -> None:
        self._trust = Trust(key_of_environment() if key is None else key, exp_key)
        if self._trust.key is None and not objectives:
            raise ValueError(
                "this worker would take no trial: name objectives (--objective pkg.mod:fn), or set "
                f"{VARIABLE} to the secret of the driver"
            )
        seconds = "a number of seconds"
        self._poll: float = real("poll_interval", poll_interval, seconds, above=0, finite=True)
        self._most: int | None = whole("max_jobs", max_jobs, none=True)
        self._reserve_timeout: float | None = real(
            "reserve_timeout", reserve_timeout, seconds, above=0, none=True
        )
        self._last_job_timeout: float | None = real(
            "last_job_timeout", last_job_timeout, seconds, above=0, none=True
        )
        self._most_failures: int | None = whole(
            "max_consecutive_failures", max_consecutive_failures, none=True
        )
        self.store: Store = open_store(url, exp_key, say=say)
        self.name, self._say = name_here(), say
        self._jobs_refused, self._trials_refused = Refusals(), Refusals()
        self._said: set[str] = set()
        self._signed = -math.inf
        self._jobs = Jobs(self.store, self._trust, objectives, self._on_report)
        self._reports: queue.SimpleQueue[Report] = queue.SimpleQueue()
        self._evaluating: int | None = None
        self.done = 0
        self._stop, self._at_once, self._woken = threading.Event(), False, threading.Event()

    def stop(self, at_once: bool = False) -> None:
        """Let it end, within about a second; from any thread, or a signal's handler.

        Args:
            at_once: whether it gives the trial that it evaluates back to the queue, rather than
                ending it first.
        """
        self._at_once = self._at_once or at_once
        self._stop.set()
        if self._evaluating is not None and not at_once:
            self._say(f"ends after trial {self._evaluating}")
        if at_once:
            self._woken.set()

    def run(self) -> int:
        """Evaluate trials until a limit is reached.

        Returns:
            How many.

        Raises:
            StoreError: too many trials failed in a row; or the database cannot be reached.
        """
        began = idle_since = time.monotonic()
        failures = 0
        self._say(f"{self.name} waits for trials of {self.store.name} ({self.store.exp_key})")
        try:
            while (why := self._limit(began, idle_since)) is None:
                now = time.monotonic()
                if self._sign():
                    reap(self.store, self._trust)
                entry = self._take(now)
                if entry is None:
                    seconds = _IDLE if self.store.tells else self._poll
                    self.store.wait(seconds, self._stop.is_set, queue=True)
                    continue
                try:
                    outcome = self._evaluate(entry)
                except Refused as error:
                    self._refuse(entry, error)
                    continue
                except BaseException as error:
                    self._jobs.close()
                    with contextlib.suppress(StoreError):  # others find it when this one is silent
                        self.store.release(self.name, entry.number, entry.attempt)
                    if not isinstance(error, _Stopped):
                        raise
                    continue
                idle_since = time.monotonic()
                if outcome is None:
                    continue
                self.done += 1
                failures = failures + 1 if outcome.status is Status.FAILED else 0
                if self._most_failures is not None and failures >= self._most_failures:
                    raise StoreError(
                        f"{plural(failures, 'trial')} failed in a row, the last with: "
                        f"{(outcome.error or 'no reason')[-300:]}"
                    )
            self._say(f"{self.name} ends: {why}")
        finally:
            self._jobs.close()
            try:
                self.store.drop_worker(self.name)
            finally:
                self.store.close()
        return self.done

    def _limit(self, began: float, idle_since: float) -> str | None:
        """Why it is to begin no trial any more; None where it goes on."""
        now, reserve = time.monotonic(), self._reserve_timeout
        if self._stop.is_set():
            return "it was told to"
        if self._most is not None and self.done >= self._most:
            return f"it has evaluated max_jobs={plural(self._most, 'trial')}"
        if self._last_job_timeout is not None and now - began > self._last_job_timeout:
            return f"last_job_timeout={self._last_job_timeout:g} s are over"
        if reserve is not None and now - idle_since > reserve:
            return f"there was no trial for it for reserve_timeout={reserve:g} s"
        return None

    def _sign(self) -> bool:
        """Give a sign of life, if it is time for one; whether it was."""
        now = time.monotonic()
        if now - self._signed < min(BEAT, self.store.lost_after / 4):
            return False
        self._signed = now
        self.store.sign_worker(self.name, platform.node(), os.getpid())
        return True

    def _take(self, now: float) -> Entry | None:
        """The next trial, but for what was refused and is not to be looked at yet."""
        jobs, trials = self._jobs_refused, self._trials_refused
        if len(jobs) + len(trials) > _MOST_REFUSED:
            raise StoreError(
                f"over {_MOST_REFUSED:,} trials in {self.store.name} are none for this worker: "
                "somebody fills the queue, or it has another key than the drivers"
            )
        return self.store.take(self.name, jobs.at(now), trials.at(now))

    def _evaluate(self, entry: Entry) -> Outcome | None:
        """What became of a trial; None where it is tried again, or was taken away meanwhile.

        Raises:
            Refused: it is none for this worker.
        """
        number, attempt = entry.number, entry.attempt
        if fault := fault_of(entry):
            raise Refused(fault, whole_job=False)
        answer: Answer | None
        retries = 0
        try:
            job = self._jobs.load(entry)
            config = job.config(entry)
        except (Refused, StoreError):
            raise
        except Exception as error:  # of a signed job that does not load here, or of an expression
            text = f"{type(error).__name__}: {error}"
            answer = failure_of(InvalidTrial(text), host=platform.node())
        else:
            context = {"seed": trial_seed(job.seed, number), "run_id": job.run_id}
            task = Task(number, attempt, config, context, f"trial {number}")
            self._evaluating, retries = number, job.retries
            try:
                answer = self._watched(task, job)
            finally:
                self._evaluating = None
        if answer is None:
            self._say(f"trial {number} was taken away: it was cut off, or begun again elsewhere")
            return None
        outcome = answer.outcome
        if outcome.status is Status.CRASHED:
            if entry.lost < retries:
                proof = self._trust.again(entry).proof
                self.store.requeue(number, attempt, QUEUED, proof, lost=True)
                return None
            outcome = replace(outcome, status=Status.FAILED, error_type="crashed")
        has_key = self._trust.key is not None
        try:
            text, left_out = text_of_outcome(outcome, has_key)
        except JournalError as error:  # it is too large
            outcome = Outcome(
                Status.FAILED, error=str(error), error_type="InvalidResult",
                seconds=outcome.seconds, host=outcome.host,
            )  # fmt: skip
            text, left_out = text_of_outcome(outcome, has_key)
        proof = self._trust.with_outcome(entry, text).outcome_proof
        name, counts = outcome.status.name.lower(), outcome.status in ENDED
        if not self.store.finish(self.name, number, attempt, name, counts, text, proof):
            self._say(
                f"trial {number} was cut off, or begun again elsewhere: its outcome is refused"
            )
            return None
        self._say(f"trial {number}: {name}{_told(outcome, left_out)}")
        return outcome

    def _refuse(self, entry: Entry, error: Refused) -> None:
        """Leave a trial, or all of its job, to others."""
        now = time.monotonic()
        if error.whole_job:
            self._jobs_refused.add(entry.job, now)
        else:
            self._trials_refused.add(entry.number, now)
        line = f"trial {entry.number!r:.60} is left to others: {error}"
        if line not in self._said and len(self._said) < _MOST_REFUSED:
            self._said.add(line)
            self._say(line)
        self.store.release(self.name, entry.number, entry.attempt)

    # -- one trial

    def _on_report(self, number: int, attempt: int, step: int, value: float) -> bool:
        self._reports.put(Report(number, attempt, step, value))
        self._woken.set()
        return False

    def _heard(self) -> Iterator[Report]:
        """The reports that have come, each once."""
        with contextlib.suppress(queue.Empty):
            while True:
                yield self._reports.get_nowait()

    def _watched(self, task: Task, job: LoadedJob) -> Answer | None:
        """The answer of a trial; None where the store has given it to somebody else meanwhile.

        Raises:
            _Stopped: the worker is to end at once.
        """
        number, attempt = task.number, task.attempt
        self._woken.clear()
        future = job.engine.submit(task)
        future.add_done_callback(lambda _: self._woken.set())
        while not self._at_once:
            self._woken.wait(min(BEAT, self.store.lost_after / 4))
            self._woken.clear()
            over = future.done()
            reports = [each for each in self._heard() if each[:2] == (number, attempt)]
            if over and not reports:
                return future.result()
            self._sign()
            word = self.store.beat(self.name, number, attempt, reports)
            if word == "lost":
                job.engine.cancel(number, attempt)
                return None
            if word == "stop":
                job.engine.stop(number, attempt)
            if over:
                return future.result()
            if reports:
                time.sleep(_BETWEEN_REPORTS)
        raise _Stopped


def _told(outcome: Outcome, left_out: str | None) -> str:
    """What a line says of an outcome, after its status."""
    told = "" if outcome.loss is None else f", loss {outcome.loss:.6g}"
    if outcome.status is Status.FAILED:
        told += f": {reason_of(outcome)[:200]}"
    if left_out is not None:
        told += f"; its result holds more than plain data ({left_out}), which is not kept"
    return told
