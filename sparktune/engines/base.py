"""The protocol of engines, and what all of them share: outcomes from answers, and pickling."""

from __future__ import annotations

import contextlib
import functools
import inspect
import math
import pickle
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import numpy as np

from ..exceptions import InvalidLoss, InvalidResultStatus, UnpicklableObjective
from ..history import STATUS_FAIL, STATUS_OK, Outcome, Status

__all__ = ["Engine", "Job", "OnReport", "Task", "outcome_of", "serialize", "takes_trial"]

OnReport: TypeAlias = Callable[[int, int, int, float], None]
"""Called with (number, attempt, step, value)."""


@dataclass(frozen=True)
class Job:
    """What all trials of a run have in common.

    Attributes:
        objective: called with a configuration.
        run_id: a name for the run, unique among the runs of a cluster.
    """

    objective: Callable[..., Any]
    run_id: str

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

    A future ends with an Outcome of status OK, FAILED, CANCELLED, or LOST (the task went down
    with its executor and may be submitted again with the next attempt). It raises only where the
    engine itself cannot go on.
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


def outcome_of(answer: Mapping[str, Any]) -> Outcome:
    """The outcome that an answer of the worker stands for."""
    common: dict[str, Any] = {
        "seconds": answer.get("seconds"),
        "host": answer.get("host"),
        "reports": tuple(answer.get("reports", ())),
    }
    status, error, host = answer["status"], answer.get("error"), answer.get("host")
    if status == "returned":
        return _interpret(answer["result"], common)
    if status == "raised":
        return Outcome(
            Status.FAILED,
            error=error,
            error_type=answer.get("type"),
            exception=answer.get("exception"),
            **common,
        )
    if status == "unloadable":
        text = f"the objective or its arguments could not be unpickled on {host}:\n{error}"
        return Outcome(Status.FAILED, error=text, **common)
    text = (
        f"the objective ended, but its result cannot be pickled: {', '.join(answer['dropped'])}; "
        f"what could be kept is in the trial's result\n{error}"
    )
    return Outcome(Status.FAILED, info=answer["result"], error=text, **common)


def unpacked(blob: bytes) -> dict[str, Any]:
    """An answer that travelled, with its result unpickled."""
    answer: dict[str, Any] = pickle.loads(blob)
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

    def failed(exception: Exception, info: Mapping[str, Any]) -> Outcome:
        return Outcome(
            Status.FAILED,
            info=info,
            error=str(exception),
            error_type=type(exception).__name__,
            exception=exception,
            **common,
        )

    if not isinstance(result, Mapping):
        loss = _real(result)
        if loss is None:
            sentence = "an objective returns a number or a dict with a loss, but got "
            return failed(InvalidLoss(sentence + _shown(result)), {})
        result = {"loss": loss, "status": STATUS_OK}
    info = {key: item for key, item in result.items() if key != "attachments"}
    attachments = result.get("attachments")
    if attachments is not None and not isinstance(attachments, Mapping):
        sentence = f"'attachments' must be a dict of things by name, but got {_shown(attachments)}"
        return failed(InvalidLoss(sentence), info)
    common["attachments"] = dict(attachments or {})
    status = info.setdefault("status", STATUS_OK)
    if not isinstance(status, str) or status not in (STATUS_OK, STATUS_FAIL):
        sentence = f"the objective's status must be 'ok' or 'fail', but got {_shown(status)}"
        return failed(InvalidResultStatus(sentence), info)
    if status == STATUS_FAIL:
        return Outcome(
            Status.FAILED, info=info, error="the objective returned STATUS_FAIL", **common
        )
    loss = _real(info.get("loss"))
    if loss is None:
        sentence = "the objective's result must hold a real number as 'loss', but got "
        return failed(InvalidLoss(sentence + _shown(info)), info)
    if math.isnan(loss):
        info["status"] = STATUS_FAIL
        return Outcome(Status.FAILED, info=info, error="the objective returned NaN", **common)
    info["loss"] = loss
    variance = _real(info.get("loss_variance"))
    return Outcome(Status.OK, loss=loss, variance=variance, info=info, **common)


def serialize(what: str, thing: Any, payload: Any, dumps: Callable[[Any], bytes]) -> bytes:
    """Pickle ``payload``, which holds ``thing``: an objective or a configuration.

    Raises:
        UnpicklableObjective: with the names of what ``thing`` refers to and cannot be pickled.
    """
    try:
        return dumps(payload)
    except Exception as error:
        culprits = _culprits(thing, dumps)
        reason = (str(error).strip().splitlines() or [""])[0]
        raise UnpicklableObjective(
            f"{what} must leave this process, but cannot be pickled: "
            f"{', '.join(culprits) or f'it is a {type(thing).__name__}'} "
            f"({type(error).__name__}: {reason}); "
            "create such things inside the objective, or pass what they are made from"
        ) from error


def _culprits(thing: Any, dumps: Callable[[Any], bytes], depth: int = 2) -> list[str]:
    """What of a thing cannot be pickled, in words; functions are looked into."""
    culprits: list[str] = []
    for name, part in _parts(thing):
        if _can_pickle(part, dumps):
            continue
        inside = _culprits(part, dumps, depth - 1) if depth and inspect.isroutine(part) else []
        culprits += inside or [f"its {name} of type {type(part).__name__}"]
    return culprits


def _parts(thing: Any) -> list[tuple[str, Any]]:
    """What an objective or a configuration refers to, each with a name for people."""
    if isinstance(thing, dict):
        return [(f"item {key!r}", item) for key, item in thing.items()]
    if isinstance(thing, (list, tuple)):
        return [(f"item {i}", item) for i, item in enumerate(thing)]
    parts: list[tuple[str, Any]] = []
    if isinstance(thing, functools.partial):
        parts += [(f"argument {i}", item) for i, item in enumerate(thing.args)]
        parts += [(f"argument {key!r}", item) for key, item in thing.keywords.items()]
        return parts + _parts(thing.func)
    if inspect.ismethod(thing):
        return _parts(thing.__self__) + _parts(thing.__func__)
    if not inspect.isfunction(thing):
        attributes = getattr(thing, "__dict__", {})
        return [(f"attribute {key!r}", item) for key, item in attributes.items()]
    for key, cell in zip(thing.__code__.co_freevars, thing.__closure__ or (), strict=True):
        with contextlib.suppress(ValueError):  # a cell that is still empty
            parts.append((f"variable {key!r}", cell.cell_contents))
    used = [key for key in thing.__code__.co_names if key in thing.__globals__]
    parts += [(f"global {key!r}", thing.__globals__[key]) for key in used]
    return parts + [("default", item) for item in thing.__defaults__ or ()]


def _can_pickle(thing: Any, dumps: Callable[[Any], bytes]) -> bool:
    try:
        dumps(thing)
    except Exception:
        return False
    return True
