"""A worker of a store: reserves trials, evaluates them, reports.

The file is long because what is taken, what of it is trusted and what becomes of it are one loop.
"""

from __future__ import annotations

import contextlib
import importlib
import logging
import math
import os
import platform
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from .checks import real, whole
from .engines.base import Option, RunSpec, Task
from .engines.processes import Processes
from .engines.settings import Settings, settings_of
from .exceptions import InvalidTrial, JournalError, StoreError
from .history import ENDED, Outcome, Status
from .history.results import Answer, failure_of
from .search import trial_seed
from .space.reading import value_from
from .space.tree import Space
from .storage.lines import parsed
from .storage.outcomes import text_of_outcome
from .storage.reaping import reap
from .storage.rows import fault_of
from .storage.shared import name_here, open_store
from .storage.signing import VARIABLE, Key, key_of_environment
from .storage.store import QUEUED, Entry, Job, Report, Store
from .unpickling import loads

__all__ = ["Worker", "objectives_of"]

logger = logging.getLogger(__name__)
_IDLE = 1.0  # seconds between two looks for a trial, where the database tells of one
_BEAT = 2.0  # seconds between two signs of life
_BETWEEN_REPORTS = 0.05  # seconds: reports that come faster travel together
_AGAIN = 10.0  # seconds after which what was refused is looked at again
_MOST_REFUSED = 10_000
_NO_DATA = (ValueError, TypeError, AttributeError, LookupError, OverflowError, RecursionError)


class _Refused(Exception):  # noqa: N818 (it never leaves this file)
    """This worker does not evaluate a trial, or all of its job; the message says why.

    Args:
        text: why.
        whole_job: whether it takes no trial of the job.
    """

    def __init__(self, text: str, whole_job: bool = True) -> None:
        super().__init__(text)
        self.whole_job = whole_job


class _Stopped(Exception):  # noqa: N818 (it never leaves this file)
    """This worker is to end at once, and its trial goes back to the queue."""


class _Refusals:
    """What was refused; it may be put right, and is looked at again, each time twice as late."""

    def __init__(self) -> None:
        self._until: dict[Any, tuple[float, float]] = {}

    def __len__(self) -> int:
        return len(self._until)

    def add(self, what: Any, now: float) -> None:
        """Refuse something; ``now`` in seconds of a clock."""
        wait = 2 * self._until[what][1] if what in self._until else _AGAIN
        self._until[what] = now + wait, wait

    def at(self, now: float) -> list[Any]:
        """What is not to be looked at now."""
        return [what for what, (until, _) in self._until.items() if until > now]


class _Loaded(NamedTuple):
    """A job, ready to be evaluated.

    Attributes:
        id: of the job.
        space: that makes configurations; None where they come ready-made.
        engine: that evaluates its trials, open.
        seed: of the driver.
        run_id: of the driver's run.
        retries: how often a trial whose process died is tried again.
    """

    id: str
    space: Space | None
    engine: Processes
    seed: int
    run_id: str
    retries: int


def objectives_of(names: Iterable[str]) -> dict[str, Callable[..., Any]]:
    """Functions by their names, such as "pkg.mod:fn", imported.

    Raises:
        ValueError: one is no such name, or there is no such function; the message has it.
    """
    found = {}
    for name in names:
        module, colon, path = name.partition(":")
        if not (module and colon and path):
            raise ValueError(f"an objective is named as 'pkg.mod:fn', but got {name!r}")
        try:
            thing: Any = importlib.import_module(module)
            for part in path.split("."):
                thing = getattr(thing, part)
        except (Exception, SystemExit) as error:  # of a module that is somebody's program
            text = f"{type(error).__name__}: {error}"
            raise ValueError(f"the objective {name!r} cannot be imported: {text}") from None
        if not callable(thing):
            raise ValueError(f"the objective {name!r} is no function, but {thing!r:.60}")
        found[name] = thing
    return found


class Worker:
    """Evaluates trials of one search, one after the other, each in a process below a watchdog.

    It takes trials whose objective is among ``objectives``, or whose job and candidate are signed
    with its key; nothing else is unpickled, imported or called. What it does
    not take it leaves to others, and looks at again after ten seconds, then twenty, and so on.

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
        self._key = key_of_environment() if key is None else key
        self._objectives = dict(objectives)
        if self._key is None and not objectives:
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
        self._jobs_refused, self._trials_refused = _Refusals(), _Refusals()
        self._said: set[str] = set()
        self._signed = -math.inf
        self._job: _Loaded | None = None
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
            while not self._stop.is_set() and (self._most is None or self.done < self._most):
                now = time.monotonic()
                if self._last_job_timeout is not None and now - began > self._last_job_timeout:
                    break
                if self._sign():
                    reap(self.store, self._key)
                entry = self._take(now)
                if entry is None:
                    if (
                        self._reserve_timeout is not None
                        and now - idle_since > self._reserve_timeout
                    ):
                        break
                    seconds = _IDLE if self.store.tells else self._poll
                    self.store.wait(seconds, self._stop.is_set, queue=True)
                    continue
                try:
                    outcome = self._evaluate(entry)
                except _Refused as error:
                    self._refuse(entry, error)
                    continue
                except BaseException as error:
                    self._close_job()
                    with contextlib.suppress(StoreError):  # others find it when this one is silent
                        self.store.release(self.name, entry.number, entry.attempt)
                    if isinstance(error, _Stopped):
                        break
                    raise
                idle_since = time.monotonic()
                if outcome is None:
                    continue
                self.done += 1
                failures = failures + 1 if outcome.status is Status.FAILED else 0
                if self._most_failures is not None and failures >= self._most_failures:
                    raise StoreError(
                        f"{failures} trials failed in a row, the last with: "
                        f"{(outcome.error or 'no reason')[-300:]}"
                    )
        finally:
            self._close_job()
            try:
                self.store.drop_worker(self.name)
            finally:
                self.store.close()
        return self.done

    def _sign(self) -> bool:
        """Give a sign of life, if it is time for one; whether it was."""
        now = time.monotonic()
        if now - self._signed < min(_BEAT, self.store.lost_after / 4):
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
            _Refused: it is none for this worker.
        """
        number, attempt = entry.number, entry.attempt
        if fault := fault_of(entry):
            raise _Refused(fault, whole_job=False)
        try:
            job = self._load(entry)
            config = self._config(entry, job)
        except (_Refused, StoreError):
            raise
        except Exception as error:  # of a signed job that does not load here, or of an expression
            answer: Answer | None = failure_of(
                InvalidTrial(f"{type(error).__name__}: {error}"), host=platform.node()
            )
        else:
            context = {"seed": trial_seed(job.seed, number), "run_id": job.run_id}
            task = Task(number, attempt, config, context, f"trial {number}")
            answer = self._watched(task, job)
        if answer is None:
            self._say(f"trial {number} was taken away")
            return None
        outcome = answer.outcome
        if outcome.status is Status.CRASHED:
            if self._is_retried(entry):
                again = replace(entry, attempt=attempt + 1)
                proof = "" if self._key is None else self._key.of_entry(self.store.exp_key, again)
                self.store.requeue(number, attempt, QUEUED, proof, lost=True)
                return None
            outcome = replace(outcome, status=Status.FAILED, error_type="crashed")
        try:
            text, _ = text_of_outcome(outcome, self._key is not None)
        except JournalError as error:  # it is too large
            outcome = Outcome(
                Status.FAILED, error=str(error), error_type="InvalidResult",
                seconds=outcome.seconds, host=outcome.host,
            )  # fmt: skip
            text, _ = text_of_outcome(outcome, self._key is not None)
        proof = ""
        if self._key is not None:
            proof = self._key.of_outcome(self.store.exp_key, entry, text)
        name, counts = outcome.status.name.lower(), outcome.status in ENDED
        if not self.store.finish(self.name, number, attempt, name, counts, text, proof):
            self._say(f"trial {number} was begun again elsewhere; its outcome is refused")
            return None
        loss = "" if outcome.loss is None else f", loss {outcome.loss:.6g}"
        self._say(f"trial {number}: {name}{loss}")
        return outcome

    def _refuse(self, entry: Entry, error: _Refused) -> None:
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

    def _is_retried(self, entry: Entry) -> bool:
        return self._job is not None and entry.lost < self._job.retries

    # -- what is to be trusted

    def _load(self, entry: Entry) -> _Loaded:
        """The job of a trial; the one before is let go."""
        if self._key is not None and not self._key.has_signed(self.store.exp_key, entry):
            text = f"it is not signed with this {VARIABLE}, for this search, number and attempt"
            raise _Refused(text, whole_job=False)
        if self._job is not None and self._job.id == entry.job:
            return self._job
        job = self.store.job(entry.job)
        if job is None or job.id != entry.job:
            raise _Refused("its job is not there, or was changed", whole_job=False)
        self._close_job()
        objective, space = self._objective(job)
        settings = _settings_of(job.settings)
        options = () if space is None else tuple(Option(*each) for each in space.constants)
        engine = Processes(1)
        engine.open(
            RunSpec(objective, settings.run_id, options, settings.of_trials), self._on_report
        )
        self._job = _Loaded(
            job.id, space, engine, settings.seed, settings.run_id, settings.retries_of_crashes
        )
        return self._job

    def _objective(self, job: Job) -> tuple[Callable[..., Any], Space | None]:
        """What is called, and the space where configurations are made here."""
        if job.payload:
            if self._key is None:
                raise _Refused(f"its objective is pickled, and this worker has no {VARIABLE}")
            objective, space = loads(job.payload)  # signed: the entry's proof covers the job's id
            return objective, space
        if job.objective not in self._objectives:
            raise _Refused(
                f"its objective {job.objective!r:.100} is none of this worker's (--objective)"
            )
        return self._objectives[job.objective], None

    def _config(self, entry: Entry, job: _Loaded) -> Any:
        """What the objective receives."""
        try:
            if job.space is None:
                return value_from(parsed(entry.config.encode()), plain=True)
            text = entry.config or entry.candidate
            ((values, _),) = job.space.encoder.pairs([parsed(text.encode())])
        except _NO_DATA as error:
            raise _Refused(f"its candidate is none: {error}"[:300], whole_job=False) from None
        return job.space.build(values)

    def _close_job(self) -> None:
        if self._job is not None:
            self._job.engine.close()
            self._job = None

    # -- one trial

    def _on_report(self, number: int, attempt: int, step: int, value: float) -> bool:
        self._reports.append(Report(number, attempt, step, value))
        self._woken.set()
        return False

    def _watched(self, task: Task, job: _Loaded) -> Answer | None:
        """The answer of a trial; None where the store has given it to somebody else meanwhile.

        Raises:
            _Stopped: the worker is to end at once.
        """
        number, attempt = task.number, task.attempt
        self._reports: list[Report] = []
        self._woken.clear()
        future = job.engine.submit(task)
        future.add_done_callback(lambda _: self._woken.set())
        while not self._at_once:
            self._woken.wait(min(_BEAT, self.store.lost_after / 4))
            self._woken.clear()
            over = future.done()
            reports, self._reports = self._reports, []
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


class _JobSettings(NamedTuple):
    """How the trials of a job are treated.

    Attributes:
        of_trials: as engines have it.
        seed: of the driver.
        run_id: of the driver's run.
        retries_of_crashes: how often a trial whose process died is tried again.
    """

    of_trials: Settings
    seed: int
    run_id: str
    retries_of_crashes: int


def _settings_of(text: str) -> _JobSettings:
    """The settings of a job; nothing in the text is trusted.

    Raises:
        _Refused: they are none.
    """
    try:
        found = parsed(text.encode())
        seed, run_id, retries = found["seed"], found["run_id"], found["max_retries"]
        if type(seed) is not int or seed < 0 or type(run_id) is not str:
            raise ValueError("no seed")
        settings = settings_of(
            trial_timeout=found["timeout"], trial_grace=found["grace"], max_retries=retries,
            retry_crashes=found["retry_crashes"],
        )  # fmt: skip
    except _NO_DATA as error:
        raise _Refused(f"the settings of its job are none: {error}"[:300]) from None
    crashes = settings.max_retries if settings.retry_crashes else 0
    return _JobSettings(settings, seed, run_id[:40], crashes)
