"""One trial: an objective is called once, under its time limit, and never lets an exception out.

Whatever happens to it is an *answer*, a dict of plain data. Engines inside the driver's process use
this module as it is; where a trial runs elsewhere, the modules beside it add to the answer.

    status    "returned", "raised", "timeout" (stopped at its time limit), "pruned" (stopped by a
              rule that saw its reports), "unloadable" (what was sent cannot be unpickled here),
              "unpicklable" (the result cannot be sent back), "died" (the trial's process did) or
              "lost" (this is Spark's own second try of a task; the objective was not run again)
    result    the objective's result; where the answer travels, its pickle
    what      "objective" or "configuration", of which status says that it is unloadable
    error     text of the traceback
    type      name of the exception's type, where status is "raised"
    missing   name of a module that is not installed here, where that is the reason
    no_session  whether it failed for want of a Spark session, where it ran elsewhere
    strange   variables of modules that are others here than where the run is
    reports   list of (step, value), but for those that were heard while the trial ran
    seconds   run time of the objective
    host      name of the machine
    python    the interpreter
    dropped   what of a result could not be sent, in words
    file      where the whole result was written, if it was too large to send
    note      a sentence about the result for people
    untracked  why the trial's run of MLflow was not active, as a sentence; None where it was
    kept      digests of what the trial's process holds unpickled now; read on the way
    accumulated  what the objective added to Spark's accumulators; read on the way
    has_loss  whether the result is, or holds, a number that is not NaN, where status is "returned"
    log_tail  the last lines that the trial printed, unless it was pruned or has a loss
    begun     whether the objective had begun, where status is "died"
    loaded    whether the process had unpickled the objective, where status is "died"
    exit      how the trial's process died, as from os.waitpid, where status is "died"
    hard      whether the process had to be killed, where status is "timeout" or "pruned"
    stage     number of the Spark stage, where status is "lost"
"""

from __future__ import annotations

import contextlib
import math
import operator
import socket
import sys
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from .limit import Guard, TrialTimeout, time_limit

Hear: TypeAlias = "Callable[[int, float], bool]"
"""Takes a report (step, value) and answers whether the trial is to stop."""


class TrialPruned(BaseException):
    """Raised inside an objective by a report, once a pruner has decided that its trial is to stop.

    It is no Exception, so ``except Exception`` lets it pass, and ``finally`` runs. An objective may
    raise it itself, to end its trial as pruned on its own decision.
    """


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
        hear: Hear | None = None,
        is_over: Callable[[], bool] | None = None,
        guard: contextlib.AbstractContextManager[Any] | None = None,
    ) -> None:
        self.number = number
        self.attempt = attempt
        self.seed = seed
        self.gpus = tuple(gpus)
        self.env = dict(env or {})
        self.run_id = run_id
        self.reports: list[tuple[int, float]] = []
        self._hear, self._is_over = hear, is_over
        self._guard = contextlib.nullcontext() if guard is None else guard
        self._copied = False

    def report(self, step: int, value: float, *, raises: bool = True) -> bool:
        """Report an intermediate value, such as the loss after an epoch; it is kept in the record.

        With a pruner this is where its decision reaches the trial. In processes of their own trials
        send the report and go on, and the decision is heard at the next report; with ``batch=``
        they wait for it.

        Args:
            step: how far the trial is, such as the number of the epoch: a whole number.
            value: lower is better, as for a loss; a number, which may be NaN.
            raises: whether to end the trial here, once it is to stop.

        Returns:
            Whether the trial is to stop, which only ``raises=False`` lets one see.

        Raises:
            TrialPruned: the trial is to stop.
            ValueError: a step or value that is none.
            RuntimeError: this is a copy in another process, which nobody hears.
        """
        pair = checked_report(step, value)
        if self._copied:
            raise RuntimeError(
                "only the `trial` that an objective was called with can report, and this is a copy "
                "of it in another process"
            )
        if self._hear is None:
            self.reports.append(pair)
            return False
        with self._guard:
            stop = self._hear(*pair)
        if stop and raises:
            raise _pruned(f"stopped at its report of step {pair[0]}")
        return stop

    @property
    def should_stop(self) -> bool:
        """Whether a pruner has decided that the trial is to stop; its next report raises then.

        An objective that returns a result all the same is recorded with that result.
        """
        with self._guard:
            return self._is_over is not None and self._is_over()

    def __getstate__(self) -> dict[str, Any]:
        here = {"_hear": None, "_is_over": None, "_guard": contextlib.nullcontext()}
        return {**self.__dict__, **here, "_copied": True}


def checked_report(step: Any, value: Any) -> tuple[int, float]:
    """A report in plain types.

    Raises:
        ValueError: ``step`` is no whole number, or ``value`` no real one.
    """
    whole: int | None
    number: float | None
    try:
        whole = operator.index(step)
    except TypeError:
        whole = int(step) if isinstance(step, float) and step.is_integer() else None
    if whole is None or isinstance(step, bool) or not -(2**63) <= whole < 2**63:
        raise ValueError(f"report: `step` must be a whole number, but got {step!r}")
    try:
        number = None if isinstance(value, (str, bytes, bool)) else float(value)
    except OverflowError:  # a huge int
        number = math.inf if value > 0 else -math.inf
    except Exception:  # whatever a strange type raises, it is no real number
        number = None
    if number is None:
        raise ValueError(f"report: `value` must be a real number, but got {value!r}")
    return whole, number


def _pruned(text: str) -> BaseException:
    """A TrialPruned, also by the name that the objective may have imported here."""
    home = sys.modules.get("sparktune.engines.travels.trial")
    public = getattr(home, "TrialPruned", TrialPruned)
    if public is TrialPruned:
        return TrialPruned(text)
    made: BaseException = type("TrialPruned", (TrialPruned, public), {})(text)
    return made


def _is_pruned(error: BaseException) -> bool:
    home = sys.modules.get("sparktune.engines.travels.trial")
    return isinstance(error, (TrialPruned, getattr(home, "TrialPruned", TrialPruned)))


def evaluate(
    objective: Callable[..., Any],
    config: Any,
    context: Mapping[str, Any],
    wants_trial: bool,
    *,
    limit: float | None = None,
    hear: Hear | None = None,
    is_over: Callable[[], bool] | None = None,
) -> dict[str, Any]:
    """Call the objective once and answer what became of it; ``exception`` is added where raised.

    Args:
        objective: called with ``config``.
        config: the configuration.
        context: arguments of the TrialContext.
        wants_trial: whether the objective takes a keyword ``trial``.
        limit: seconds after which TrialTimeout is raised inside the objective.
        hear: is told each report; without it the answer has them all.
        is_over: whether the trial is to stop.
    """
    guard = Guard()
    trial = TrialContext(hear=hear, is_over=is_over, guard=guard, **context)
    extra = {"trial": trial} if wants_trial else {}
    answer: dict[str, Any]
    began = time.monotonic()
    try:
        with time_limit(limit, guard):
            answer = {"status": "returned", "result": objective(config, **extra), "error": None}
            answer["has_loss"] = _has_loss(answer["result"])
    except TrialTimeout as error:
        answer = {"status": "timeout", "result": None, "error": text_of(error), "hard": False}
    except BaseException as error:  # a trial must not take its process along
        answer = {"status": "raised", "result": None, "error": text_of(error), "exception": error}
        answer["type"] = type(error).__name__
        answer["missing"] = missing_of(error)
        if _is_pruned(error):
            answer = {"status": "pruned", "result": None, "error": None, "hard": False}
    answer["seconds"] = time.monotonic() - began
    answer["reports"] = trial.reports
    return {**answer, **here()}


def _has_loss(result: Any) -> bool:
    """Whether a result looks like one with a loss; who reads it in the driver knows for sure."""
    try:
        if isinstance(result, Mapping):
            return result.get("status", "ok") == "ok" and not math.isnan(result["loss"])
        return not math.isnan(result)
    except Exception:  # whatever a strange type raises, it is no real number
        return False


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
    own = time_limit.__code__.co_filename
    summary.stack[:] = [frame for frame in summary.stack if frame.filename != own]
    return "".join([*list(summary.format())[:-1], f"TrialTimeout: {error}\n"])
