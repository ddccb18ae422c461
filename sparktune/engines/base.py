"""The protocol of engines, and what all of them share: outcomes from answers."""

from __future__ import annotations

import functools
import inspect
import math
import os
import pickle
import signal
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

import numpy as np

from ..exceptions import InvalidLoss, InvalidResultStatus
from ..history import STATUS_FAIL, STATUS_OK, Outcome, Status

__all__ = [
    "Engine",
    "Job",
    "OnReport",
    "Settings",
    "Task",
    "failure_of",
    "outcome_of",
    "takes_trial",
]

OnReport: TypeAlias = Callable[[int, int, int, float], None]
"""Called with (number, attempt, step, value)."""


_THREADS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "NUMEXPR_MAX_THREADS",
    "TORCH_NUM_THREADS",
)


@dataclass(frozen=True)
class Settings:
    """How the trials of a run are treated.

    Attributes:
        timeout: seconds that a trial may take from the objective's start; None for no limit.
        grace: seconds after that in which a trial has to react before its process is killed.
        cpus: how many threads numerical libraries use in a trial; None leaves them alone.
        max_result_mb: size of a result that is not sent as a whole any more.
        artifact_dir: where larger results are written; a folder that all machines share.
        max_retries: how often a trial that was lost with its executor is queued again.
        retry_crashes: whether a trial whose process died counts as lost rather than failed.
    """

    timeout: float | None = None
    grace: float = 5.0
    cpus: int | None = None
    max_result_mb: float = 50.0
    artifact_dir: str | None = None
    max_retries: int = 1
    retry_crashes: bool = False

    @property
    def hard(self) -> float | None:
        """Seconds from the objective's start after which its process is killed."""
        return None if self.timeout is None else self.timeout + self.grace

    @property
    def environment(self) -> dict[str, str]:
        """Variables to set for the trials."""
        return {} if self.cpus is None else dict.fromkeys(_THREADS, str(self.cpus))


@dataclass(frozen=True)
class Job:
    """What all trials of a run have in common.

    Attributes:
        objective: called with a configuration.
        run_id: a name for the run, unique among the runs of a cluster.
        options: things that configurations may hold and that are no plain data; the large ones are
            sent once.
        settings: how the trials are treated.
    """

    objective: Callable[..., Any]
    run_id: str
    options: tuple[Any, ...] = ()
    settings: Settings = field(default_factory=Settings)

    @property
    def tag(self) -> str:
        """What marks everything of the run in Spark."""
        return f"sparktune-{self.run_id}"

    def tag_of(self, number: int, attempt: int) -> str:
        """What marks one attempt at one trial in Spark."""
        return f"{self.tag}-{number}-{attempt}"

    @property
    def wants_trial(self) -> bool:
        """Whether the objective takes a keyword ``trial``."""
        return takes_trial(self.objective)


@dataclass(frozen=True)
class Task:
    """One attempt at one trial.

    Attributes:
        number: of the trial.
        attempt: of the trial.
        config: what the objective receives.
        context: further arguments of the trial's TrialContext, such as its seed.
        title: a short line for people, such as the description of a Spark job.
    """

    number: int
    attempt: int
    config: Any
    context: Mapping[str, Any]
    title: str = ""

    @property
    def full_context(self) -> dict[str, Any]:
        """All arguments of the TrialContext."""
        return {"number": self.number, "attempt": self.attempt, **self.context}


class Engine(Protocol):
    """Evaluates tasks; used by one run at a time, from one thread.

    A future ends with an Outcome of status OK, FAILED, TIMED_OUT or CANCELLED; or LOST (the task
    went down with its executor and may be submitted again with the next attempt) or CRASHED (its
    process died under the objective). It raises only where the engine itself cannot go on:
    EngineStopped, or RunCancelled where somebody outside stopped the whole run.
    """

    @property
    def slots(self) -> int:
        """How many tasks to keep under way."""

    @property
    def blocking(self) -> bool:
        """Whether submit returns only when the task has ended."""

    def open(self, job: Job, on_report: OnReport | None = None) -> None:
        """Prepare for the tasks of a run; ``on_report`` may be called from any thread, or never.

        Raises:
            UnpicklableObjective: the objective has to leave the process and cannot be pickled.
        """

    def submit(self, task: Task) -> Future[Outcome]:
        """Evaluate a task."""

    def cancel(self, number: int, attempt: int) -> None:
        """Stop a task as soon as the engine can; its future ends as CANCELLED."""

    def close(self) -> None:
        """Stop all tasks and free what open took; returns without waiting for them."""


def takes_trial(objective: Callable[..., Any]) -> bool:
    """Whether an objective has a parameter ``trial`` beside its configuration."""
    if isinstance(objective, functools.partial):
        return "trial" not in objective.keywords and takes_trial(objective.func)
    try:
        signature = inspect.signature(objective, follow_wrapped=False)
    except (TypeError, ValueError):
        return False
    parameters = list(signature.parameters.values())
    wrapped = getattr(objective, "__wrapped__", None)
    if wrapped is not None and any(p.kind is p.VAR_KEYWORD for p in parameters):
        return takes_trial(wrapped)
    return any(
        p.name == "trial"
        and (
            p.kind is p.KEYWORD_ONLY
            or (p.kind is p.POSITIONAL_OR_KEYWORD and p is not parameters[0])
        )
        for p in parameters
    )


def outcome_of(answer: Mapping[str, Any], settings: Settings) -> Outcome:
    """The outcome that an answer of the worker stands for."""
    common: dict[str, Any] = {
        "seconds": answer.get("seconds"),
        "host": answer.get("host"),
        "reports": tuple(answer.get("reports", ())),
        "log_tail": answer.get("log_tail") or None,
        "note": answer.get("note"),
        "result_file": answer.get("file"),
    }
    status, error, host = answer["status"], answer.get("error"), answer.get("host")
    if status == "returned":
        return _interpret(answer["result"], common)
    if status == "raised":
        return Outcome(
            Status.FAILED,
            error=f"{error}{_missing(answer)}",
            error_type=answer.get("type"),
            exception=answer.get("exception"),
            **common,
        )
    if status == "timeout":
        return Outcome(Status.TIMED_OUT, error=_timed_out(answer, settings), **common)
    if status == "died":
        when = "under the objective" if answer["begun"] else "before the objective began"
        text = f"the trial's process died {when}: {_death(answer['exit'])}"
        return Outcome(Status.CRASHED, error=text, **common)
    if status == "unloadable":
        text = f"the objective or its arguments could not be unpickled on {host}:\n{error}"
        return Outcome(Status.FAILED, error=text + _missing(answer), **common)
    text = (
        f"the objective ended, but its result cannot be pickled: {', '.join(answer['dropped'])}; "
        f"what could be kept is in the trial's result\n{error}"
    )
    return Outcome(Status.FAILED, info=answer["result"], error=text, **common)


def failure_of(exception: Exception, **more: Any) -> Outcome:
    """The outcome that an exception of ours stands for: its sentence, without a traceback."""
    return Outcome(
        Status.FAILED,
        error=str(exception),
        error_type=type(exception).__name__,
        exception=exception,
        **more,
    )


def _missing(answer: Mapping[str, Any]) -> str:
    """What to do about a module that is not where the trial ran."""
    name = answer.get("missing")
    if name is None:
        return ""
    return (
        f"\nthe module {name!r} is not installed for {answer['python']} on {answer['host']}: "
        "install it on every executor; or send a module of your own with spark.addArtifacts(..., "
        "pyfile=True), sc.addPyFile or cloudpickle.register_pickle_by_value"
    )


def _timed_out(answer: Mapping[str, Any], settings: Settings) -> str:
    seconds, limit = answer["seconds"], settings.timeout
    if not answer["hard"]:
        return f"stopped at its time limit of {limit:g} s, after {seconds:.2f} s\n{answer['error']}"
    return (
        f"killed after {seconds:.2f} s: it did not react to its time limit of {limit:g} s within "
        f"{settings.grace:g} s"
    )


def _death(status: int | None) -> str:
    """How a process ended, from its wait status."""
    if status is None:
        return "it is not known how"
    if not os.WIFSIGNALED(status):
        return f"it exited with code {os.waitstatus_to_exitcode(status)} (os._exit or the like)"
    number = os.WTERMSIG(status)
    try:
        name = signal.Signals(number).name
    except ValueError:
        name = "a signal"
    why: dict[int, str] = {
        signal.SIGKILL: ", sent by somebody, or by the system because memory ran out",
        signal.SIGSEGV: ", a segmentation fault in native code",
        signal.SIGABRT: ", an abort in native code",
        signal.SIGBUS: ", often a full /dev/shm or memory-mapped file that shrank",
    }
    return f"killed by {name} ({number}){why.get(number, '')}"


def unpacked(blob: bytes) -> dict[str, Any]:
    """An answer that travelled, with its result unpickled."""
    answer: dict[str, Any] = pickle.loads(blob)
    return with_result(answer)


def with_result(answer: dict[str, Any]) -> dict[str, Any]:
    """An answer with its result unpickled."""
    if answer["status"] not in ("returned", "unpicklable"):
        return answer
    try:
        answer["result"] = pickle.loads(answer["result"])
    except Exception as error:
        answer["status"] = "raised"
        answer["error"] = (
            f"the objective ended, but the driver cannot unpickle its result: "
            f"{type(error).__name__}: {error}"
        )
    return answer


def _real(value: object) -> float | None:
    """A value as a float, None where it is no real number."""
    if isinstance(value, (str, bytes, complex, np.complexfloating)) or value is None:
        return None
    try:
        return float(value)  # type: ignore[arg-type]
    except Exception:  # whatever a strange type raises, it is no real number
        return None


def _shown(value: object) -> str:
    """A value for an error message."""
    try:
        return repr(value)[:300]
    except Exception:
        return f"a {type(value).__name__} that cannot be shown"


def _interpret(result: Any, common: dict[str, Any]) -> Outcome:
    """The outcome that an objective's result stands for: a number or a dict with a loss."""
    if not isinstance(result, Mapping):
        loss = _real(result)
        if loss is None:
            sentence = "an objective returns a number or a dict with a loss, but got "
            return failure_of(InvalidLoss(sentence + _shown(result)), **common)
        result = {"loss": loss, "status": STATUS_OK}
    info = {key: item for key, item in result.items() if key != "attachments"}
    attachments = result.get("attachments")
    if attachments is not None and not isinstance(attachments, Mapping):
        sentence = f"'attachments' must be a dict of things by name, but got {_shown(attachments)}"
        return failure_of(InvalidLoss(sentence), info=info, **common)
    common["attachments"] = dict(attachments or {})
    status = info.setdefault("status", STATUS_OK)
    if not isinstance(status, str) or status not in (STATUS_OK, STATUS_FAIL):
        sentence = f"the objective's status must be 'ok' or 'fail', but got {_shown(status)}"
        return failure_of(InvalidResultStatus(sentence), info=info, **common)
    if status == STATUS_FAIL:
        return Outcome(
            Status.FAILED, info=info, error="the objective returned STATUS_FAIL", **common
        )
    loss = _real(info.get("loss"))
    if loss is None:
        sentence = "the objective's result must hold a real number as 'loss', but got "
        return failure_of(InvalidLoss(sentence + _shown(info)), info=info, **common)
    if math.isnan(loss):
        info["status"] = STATUS_FAIL
        return Outcome(Status.FAILED, info=info, error="the objective returned NaN", **common)
    info["loss"] = loss
    variance = _real(info.get("loss_variance"))
    return Outcome(Status.OK, loss=loss, variance=variance, info=info, **common)
