"""Workers of a store as tasks of Spark: how they are tried, started, waited for and ended."""

from __future__ import annotations

import atexit
import contextlib
import functools
import os
import pickle
import threading
import uuid
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ..checks import advise, whole
from ..engines.paths import paths_here
from ..engines.spark.classic import ClassicJobs
from ..engines.spark.connect import ConnectJobs
from ..engines.spark.job_per_trial import CANCELLED, NOT_BEGUN, cancel_until
from ..engines.spark.session import (
    Jobs,
    advice_on_python,
    checked_session,
    is_connect,
    without_stack,
)
from ..engines.travels import sources
from ..engines.workers import name_of
from ..exceptions import EngineStopped, StoreError
from ..plurals import plural
from ..storage.stores.opening import url_of
from ..storage.stores.signing import VARIABLE, key_of_environment

__all__ = ["SparkWorkers", "run_workers", "start_workers"]

_TRIES = 3  # where Spark lost the task: a local master tries none again
_TO_END = 10.0  # seconds in which Spark ends a job that is cancelled


def run_workers(
    spark: Any,
    url: str | None = None,
    n: int | None = None,
    exp_key: str = "default",
    *,
    reserve_timeout: float | None = 60.0,
    **options: Any,
) -> int:
    """Evaluate trials of a store in tasks of Spark, and wait until the workers have ended.

    Each ends ``reserve_timeout`` seconds after its last trial. Ctrl-C ends all of them, and what
    they were evaluating goes back to the queue. Beside a search in the same program, see
    ``start_workers``, whose arguments these are.

    Returns:
        How many trials they have evaluated.

    Raises:
        EngineStopped, StoreError, ImportError, RuntimeError, ValueError: as of ``start_workers``,
            and of the ``wait`` of what it gives.
    """
    started = start_workers(spark, url, n, exp_key, reserve_timeout=reserve_timeout, **options)
    with started as workers:
        return workers.wait()


def start_workers(
    spark: Any,
    url: str | None = None,
    n: int | None = None,
    exp_key: str = "default",
    *,
    objectives: Iterable[str | Callable[..., Any]] = (),
    poll_interval: float = 0.1,
    max_jobs: int | None = None,
    reserve_timeout: float | None = None,
    last_job_timeout: float | None = None,
    max_consecutive_failures: int | None = 4,
    resource_profile: Any = None,
) -> SparkWorkers:
    """Start workers of a store as tasks of Spark, and go on while they evaluate trials.

    As in ``with start_workers(spark, url, 8, "exp1", objectives=["pkg.mod:fn"]): fmin(...)``, at
    whose end they end. A worker takes a task slot for as long as it lives, so that other jobs of
    the application get what is left; it is a process of its own beside Spark's Python worker, below
    which each trial has one, too. First one is tried, which takes some seconds: it opens the store
    and imports the objectives, so that what is wrong with executors is said here.

    Executors reach the database themselves. They need numpy, scipy, cloudpickle, tqdm, SQLAlchemy,
    for PostgreSQL psycopg, on Spark Connect pyarrow, and what the objective imports; sparktune goes
    along. Where Spark tries a task again, as it does when it lost the executor, that is just
    another worker. The URL and the key of SPARKTUNE_STORE_KEY are in the tasks, which Spark sends
    over its network; neither is shown, logged, or left in the environment of Spark's processes.

    Args:
        spark: the session, classic or of Spark Connect; None takes the active one, or starts one.
        url: of the store; None for that of SPARKTUNE_STORE. A file of SQLite is for executors of
            this machine.
        n: how many workers, at least 1; None for as many as the session runs tasks at a time. What
            is beyond that waits for a slot.
        exp_key: the name of the search.
        objectives: what workers evaluate by name, such as "pkg.mod:fn", or functions of modules;
            without a key there must be one. A file of them that executors lack is sent by
            ``spark.sparkContext.addPyFile(path)`` or ``spark.addArtifacts(path, pyfile=True)``.
        poll_interval: seconds, above 0, between two looks for a trial, where the database does not
            tell.
        max_jobs: trials, at least 1, after which a worker ends; None for no limit.
        reserve_timeout: seconds, above 0, without a trial after which a worker ends; None for no
            limit.
        last_job_timeout: seconds, above 0, after which a worker begins no trial any more; None for
            no limit.
        max_consecutive_failures: failed trials in a row, at least 1, after which a worker ends with
            an error; None for no limit.
        resource_profile: as in ``SparkTrials``.

    Returns:
        The workers, for ``with``, ``wait()`` and ``stop()``.

    Raises:
        EngineStopped: Spark could not run a worker.
        ImportError: this Python, or that of executors, lacks something; the message says which.
        RuntimeError: Spark could not be started.
        StoreError: executors cannot reach the database.
        ValueError: no URL, an argument out of its range, or an objective that executors cannot
            import.
    """
    count = whole("n", n, none=True)
    found, machine = _located(url)
    key_of_environment()  # refuses one that is too short
    session = checked_session(spark, "cluster")
    tag = f"sparktune-workers-{uuid.uuid4().hex[:12]}"
    jobs = (ConnectJobs if is_connect(session) else ClassicJobs)(session, resource_profile, tag)
    message = {
        "package": jobs.code(sources.package()),
        "path": paths_here(installed=False) if jobs.is_here else (),
        "url": found,
        "exp_key": exp_key,
        "objectives": _names(objectives),
        "secret": os.environ.get(VARIABLE) or None,
        "machine": machine,
        "quiet": jobs.is_here,
        "try": False,
        "options": {
            "poll_interval": poll_interval,
            "max_jobs": max_jobs,
            "reserve_timeout": reserve_timeout,
            "last_job_timeout": last_job_timeout,
            "max_consecutive_failures": max_consecutive_failures,
        },
    }  # fmt: skip
    with SparkWorkers(jobs, tag, 1, {**message, "try": True}) as first:
        first.wait()
    slots = jobs.slots()
    if count is not None and count > slots and not _may_grow(session):
        advise(
            f"n={count} workers, but this session runs {plural(slots, 'task')} at a time: the "
            "others wait until some of these have ended"
        )
    return SparkWorkers(jobs, tag, count or slots, message)


class SparkWorkers:
    """Workers of a store that run as tasks of Spark; ``start_workers`` makes them.

    Leaving its ``with`` stops them. One that ends with an error says so in a warning, but for the
    last, where somebody waits.

    Args:
        jobs: of the session.
        tag: that all jobs carry.
        n: how many.
        message: to each; see serve of the process module.

    Attributes:
        n: how many were started.
    """

    def __init__(self, jobs: Jobs, tag: str, n: int, message: Mapping[str, Any]) -> None:
        self.n = n
        self._jobs, self._tag, self._message = jobs, tag, message
        self._code = jobs.code(sources.texts(pickle.dumps({})))
        self._change = threading.Condition()
        self._left, self._done, self._stopping, self._waiting = n, 0, False, False
        self._errors: list[Exception] = []
        atexit.register(self._end)
        for number in range(n):
            run = functools.partial(self._run, number)
            jobs.thread(target=run, name=f"sparktune-worker-{number}", daemon=True).start()

    def __repr__(self) -> str:
        return f"SparkWorkers({self.alive} of {self.n})"

    @property
    def alive(self) -> int:
        """How many have not ended yet, or wait for a task slot."""
        with self._change:
            return self._left

    def wait(self) -> int:
        """Wait until all have ended.

        Returns:
            How many trials they have evaluated, but for what workers did that were stopped.

        Raises:
            EngineStopped, StoreError, ImportError, ValueError: what the first of those ended with
                that ended with an error.
        """
        with self._change:
            self._waiting = True
            try:
                self._change.wait_for(lambda: self._left == 0)
            finally:
                self._waiting = False
            if self._errors and not self._stopping:
                raise self._errors[0]
            return self._done

    def stop(self) -> None:
        """End all of them; what they are evaluating goes back to the queue within some seconds."""
        with self._change:
            self._stopping = True
        if self._is_over():
            return
        cancel_until(self._is_over, lambda: self._jobs.cancel(self._tag))
        with self._change:
            self._change.wait_for(lambda: self._left == 0, _TO_END)

    def __enter__(self) -> SparkWorkers:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _end(self) -> None:
        """End them with this program."""
        self._stopping = True
        with contextlib.suppress(Exception):
            self._jobs.cancel(self._tag)

    def _is_over(self) -> bool:
        return self._left == 0 or self._jobs.stopped()

    def _answer(self, number: int) -> tuple[int, Exception | None]:
        """What a worker has evaluated when it ends, and with which error."""
        title = f"worker {number} of the search {self._message['exp_key']}"
        told = self._jobs.run_task(
            f"{self._tag}-{number}", title, sources.serve_store, self._code, self._message
        )
        answer = pickle.loads(told)
        return answer["done"], _error_of(answer)

    def _run(self, number: int) -> None:
        done, error, cancelled = 0, None, False
        for _ in range(_TRIES):
            if self._stopping:
                break
            try:
                done, error = self._answer(number)
                break
            except Exception as caught:
                words = self._jobs.words(caught)
                cancelled = CANCELLED.search(words) is not None
                text = f"Spark could not run a worker, or ended it: {without_stack(words)[:2000]}"
                not_begun = NOT_BEGUN.search(words) is not None
                if not_begun:
                    text += f"\n{advice_on_python(self._jobs, 'Workers')}"
                error = EngineStopped(text)
                if cancelled or not_begun:
                    break
        with self._change:
            self._left -= 1
            self._done += done
            if error is not None:
                self._errors.append(error)
            left = self._left
            told = self._stopping or cancelled or (self._waiting and not left)
            self._change.notify_all()
        if error is not None and not told:
            advise(f"a worker has ended, and {left} of {self.n} go on: {error}", raises=False)
        if not left:
            atexit.unregister(self._end)


def _error_of(answer: Mapping[str, Any]) -> Exception | None:
    """What a worker ended with, as an exception of the driver."""
    if answer["error"] is None:
        return None
    kind, text = answer["error"]
    where = f"on {answer['host']}"
    if kind == "ImportError":
        return ImportError(
            f"workers cannot run with {answer['python']} {where}: {text}. They need there what "
            "`pip install 'sparktune[sql]'` brings, though not sparktune itself"
        )
    if kind == "ValueError":
        if "cannot be imported" in text:
            text += (
                f" ({where}); spark.sparkContext.addPyFile(path), or on Spark Connect "
                "spark.addArtifacts(path, pyfile=True), sends its file to executors"
            )
        return ValueError(text)
    if kind == "died":
        return StoreError(f"the process of a worker {where} died with {text}")
    return StoreError(f"a worker {where} has ended: {text}")


def _names(objectives: Any) -> tuple[str, ...]:
    """Objectives by their names."""
    given = (objectives,) if isinstance(objectives, str) or callable(objectives) else objectives
    names = []
    for each in given:
        name = each if isinstance(each, str) else name_of(each)
        if name is None:
            raise ValueError(
                f"`objectives` must be names such as 'pkg.mod:fn', or functions that another "
                f"program can import by one, but got {each!r:.100}: put it into a module of its "
                f"own (not `__main__`), or set {VARIABLE}"
            )
        names.append(name)
    return tuple(names)


def _located(url: Any) -> tuple[str, tuple[str, int, int] | None]:
    """A URL that means the same in another folder; and where its file is, None without one."""
    found, machine = url_of(url), None
    from ..storage.stores.urls import file_of  # SQLAlchemy is there now
    from .process import machine_of

    path = file_of(found)
    if path is not None:
        try:
            machine = machine_of(path.parent)
        except OSError as error:
            raise ValueError(f"there is no folder for the store {path}: {error}") from None
    return found.render_as_string(hide_password=False), machine


def _may_grow(session: Any) -> bool:
    """Whether Spark may add executors to an application, by its settings."""
    with contextlib.suppress(Exception):  # a Spark Connect server that does not tell
        return str(session.conf.get("spark.dynamicAllocation.enabled", "false")).lower() == "true"
    return False
