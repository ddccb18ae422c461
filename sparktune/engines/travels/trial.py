"""One trial: an objective is called once, under its time limit, and never lets an exception out.

Whatever happens to it is an *answer*, a dict of plain data. Engines inside the driver's process use
this module as it is; where a trial runs elsewhere, the modules beside it add to the answer.

    status    "returned", "raised", "timeout" (stopped at its time limit), "unloadable" (what was
              sent cannot be unpickled here), "unpicklable" (the result cannot be sent back),
              "died" (the trial's process did) or "lost" (this is Spark's own second try of a task;
              the objective was not run again)
    result    the objective's result; where the answer travels, its pickle
    what      "objective" or "configuration", of which status says that it is unloadable
    error     text of the traceback
    type      name of the exception's type, where status is "raised"
    missing   name of a module that is not installed here, where that is the reason
    no_session  whether it failed for want of a Spark session, where it ran elsewhere
    strange   variables of modules that are others here than where the run is
    reports   list of (step, value)
    seconds   run time of the objective
    host      name of the machine
    python    the interpreter
    dropped   what of a result could not be sent, in words
    file      where the whole result was written, if it was too large to send
    note      a sentence about the result for people
    kept      digests of what the trial's process holds unpickled now; read on the way
    accumulated  what the objective added to Spark's accumulators; read on the way
    log_tail  the last lines that the trial printed, unless it returned
    begun     whether the objective had begun, where status is "died"
    loaded    whether the process had unpickled the objective, where status is "died"
    exit      how the trial's process died, as from os.waitpid, where status is "died"
    hard      whether the process had to be killed, where status is "timeout"
    stage     number of the Spark stage, where status is "lost"
"""

from __future__ import annotations

import contextlib
import functools
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any


class TrialTimeout(BaseException):
    """Raised inside an objective when its time is up."""


class TrialContext:
    """What an objective that takes a keyword ``trial`` receives.

    Attributes:
        number: the trial's number, from 0.
        attempt: 0, or more where the trial was lost and queued again.
        seed: a whole number below 2**32, the same for this trial in every repetition of the run.
        gpus: addresses of the GPUs that the trial may use.
        env: environment variables that were set for the trial, but for the user's own, whose
            values are in ``os.environ`` alone.
        run_id: the name of the run.
    """

    def __init__(
        self,
        number: int,
        attempt: int,
        seed: int,
        gpus: Sequence[str] = (),
        env: Mapping[str, str] | None = None,
        run_id: str = "",
        on_report: Callable[[int, int, int, float], None] | None = None,
    ) -> None:
        self.number = number
        self.attempt = attempt
        self.seed = seed
        self.gpus = tuple(gpus)
        self.env = dict(env or {})
        self.run_id = run_id
        self.reports: list[tuple[int, float]] = []
        self._on_report = on_report

    def report(self, step: int, value: float) -> None:
        """Keep an intermediate value, such as the loss after an epoch, in the trial's outcome."""
        pair = (int(step), float(value))
        self.reports.append(pair)
        if self._on_report is not None:
            self._on_report(self.number, self.attempt, *pair)


def evaluate(
    objective: Callable[..., Any],
    config: Any,
    context: Mapping[str, Any],
    wants_trial: bool,
    *,
    limit: float | None = None,
    on_report: Callable[[int, int, int, float], None] | None = None,
) -> dict[str, Any]:
    """Call the objective once and answer what became of it; ``exception`` is added where raised.

    After ``limit`` seconds TrialTimeout is raised inside the objective.
    """
    trial = TrialContext(on_report=on_report, **context)
    extra = {"trial": trial} if wants_trial else {}
    answer: dict[str, Any]
    began = time.monotonic()
    try:
        with _time_limit(limit):
            answer = {"status": "returned", "result": objective(config, **extra), "error": None}
    except TrialTimeout as error:
        answer = {"status": "timeout", "result": None, "error": text_of(error), "hard": False}
    except BaseException as error:  # a trial must not take its process along
        answer = {"status": "raised", "result": None, "error": text_of(error), "exception": error}
        answer["type"] = type(error).__name__
        answer["missing"] = missing_of(error)
    answer["seconds"] = time.monotonic() - began
    answer["reports"] = trial.reports
    return {**answer, **here()}


_NO_SESSION = (
    "CONTEXT_ONLY_VALID_ON_DRIVER", "SPARK-5063", "NO_ACTIVE_OR_DEFAULT_SESSION",
    "NO_ACTIVE_SESSION", "SESSION_OR_CONTEXT_NOT_EXISTS", "SparkContext._active_spark_context",
)  # fmt: skip
_LOOKS = {"getActiveSession", "getDefaultSession", "_active_spark_context", "_instantiatedSession"}
_OF_A_SESSION = {
    "range", "sql", "table", "createDataFrame", "sparkContext", "catalog", "readStream", "read",
    "newSession", "udf", "parallelize", "textFile", "broadcast", "accumulator", "_jvm", "_jsc",
}  # fmt: skip


def missing_of(error: BaseException) -> str | None:
    """The name of the module whose lack an exception tells of."""
    return error.name if isinstance(error, ModuleNotFoundError) else None


def wants_session(error: BaseException | None) -> bool:
    """Whether an exception comes of making or looking up a Spark session."""
    if "pyspark" not in sys.modules:
        return False
    seen: list[BaseException] = []
    each = error
    while each is not None and each not in seen:
        seen.append(each)
        if any(mark in str(each) for mark in _NO_SESSION):
            return True
        none = isinstance(each, AttributeError) and each.obj is None
        if none and each.name in _OF_A_SESSION:  # type: ignore[attr-defined]
            return True
        frames = traceback.walk_tb(each.__traceback__)
        if any(_LOOKS.intersection(frame.f_code.co_names) for frame, _ in frames):
            return True
        each = each.__cause__ or each.__context__
    return False


def here() -> dict[str, Any]:
    """The entries of an answer that say where the trial ran."""
    return {"host": socket.gethostname(), "python": sys.executable}


def text_of(error: BaseException) -> str:
    """The traceback of an exception, without the frames at both ends that are not the user's."""
    trace = error.__traceback__.tb_next if error.__traceback__ else None
    summary = traceback.TracebackException(type(error), error, trace)
    if not isinstance(error, TrialTimeout):
        return "".join(summary.format())
    alarm = (_ring.__code__.co_filename, _ring.__code__.co_name)
    summary.stack[:] = [f for f in summary.stack if (f.filename, f.name) != alarm]
    return "".join([*list(summary.format())[:-1], f"TrialTimeout: {error}\n"])


def _time_limit(seconds: float | None) -> contextlib.AbstractContextManager[None]:
    """Raise TrialTimeout in this thread after so many seconds: at the next step of Python code."""
    if seconds is None:
        return contextlib.nullcontext()
    if threading.current_thread() is threading.main_thread():
        return _alarm(seconds)
    return _thread_timer(seconds)


@contextlib.contextmanager
def _alarm(seconds: float) -> Iterator[None]:
    ring = functools.partial(_ring, seconds)
    before, began = signal.signal(signal.SIGALRM, ring), time.monotonic()
    left, interval = 0.0, 0.0
    try:
        left, interval = signal.setitimer(signal.ITIMER_REAL, seconds)
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        if left:  # somebody else's timer goes on
            left = max(left - (time.monotonic() - began), 0.001)
            signal.setitimer(signal.ITIMER_REAL, left, interval)


def _ring(seconds: float, *_: Any) -> None:
    raise TrialTimeout(f"stopped after {seconds:g} s")


@contextlib.contextmanager
def _thread_timer(seconds: float) -> Iterator[None]:
    import ctypes

    thread, lock, state = threading.get_ident(), threading.Lock(), {"over": False, "rang": False}

    def ring() -> None:
        with lock:
            if not state["over"]:
                state["rang"] = True
                raise_in = ctypes.pythonapi.PyThreadState_SetAsyncExc
                raise_in(ctypes.c_ulong(thread), ctypes.py_object(TrialTimeout))

    timer = threading.Timer(seconds, ring)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        with lock:
            state["over"] = True
        timer.cancel()
        if state["rang"]:  # let it arrive here rather than in the middle of what follows
            with contextlib.suppress(TrialTimeout):
                for _ in range(1000):
                    time.sleep(0)
