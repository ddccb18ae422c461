"""The protocol of engines, and what they are given."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple, Protocol, TypeAlias

from ..history.results import Answer
from .settings import Settings

__all__ = [
    "Engine", "OnReport", "Option", "RunSpec", "Task", "Tracking", "hearing", "takes_trial"
]  # fmt: skip

OnReport: TypeAlias = Callable[[int, int, int, float], bool]
"""Called with (number, attempt, step, value); gives whether the trial is to stop."""


class Option(NamedTuple):
    """Something that configurations may hold.

    Attributes:
        value: the object itself.
        label: of the innermost choice that it is, or is in, an option of; None outside of all.
        changes: whether an expression of the space receives it, which may change it.
    """

    value: Any
    label: str | None = None
    changes: bool = False


class Tracking(Protocol):
    """What trials have to know about MLflow.

    Attributes:
        is_live: whether a trial's own run is there before the trial is.
    """

    @property
    def is_live(self) -> bool: ...  # noqa: D102 (see above)

    def context_of(self, number: int, attempt: int) -> Mapping[str, Any] | None:
        """What an attempt at a trial has to know, see travels.tracked; in the sending thread."""

    def of_run(self) -> Mapping[str, Any] | None:
        """What others have to know to tell trials of the run the same, as plain data."""


@dataclass(frozen=True)
class RunSpec:
    """What all trials of a run have in common.

    Attributes:
        objective: called with a configuration.
        run_id: a name for the run, unique among the runs of a cluster.
        options: what configurations may hold; one object each wherever the trials run.
        settings: how the trials are treated.
        own: what belongs to the run and never leaves this process: its trials and their history.
        answers_reports: whether a trial that reports waits for the answer, wherever it runs.
        tracked: gives what trials have to know about MLflow; None where nothing is tracked.
    """

    objective: Callable[..., Any]
    run_id: str
    options: tuple[Option, ...] = ()
    settings: Settings = field(default_factory=Settings)
    own: tuple[Any, ...] = ()
    answers_reports: bool = False
    tracked: Tracking | None = None

    @property
    def tag(self) -> str:
        """The tag that all jobs of the run carry in Spark."""
        return f"sparktune-{self.run_id}"

    def tag_of(self, number: int, attempt: int) -> str:
        """The tag that the job of one attempt at one trial carries in Spark."""
        return f"{self.tag}-{number}-{attempt}"

    def tracking_of(self, key: tuple[int, int]) -> Mapping[str, Any] | None:
        """What an attempt at a trial, by number and attempt, has to know about MLflow.

        A server that the user's variables for trials name is where trials find it.
        """
        told = None if self.tracked is None else self.tracked.context_of(*key)
        uri = self.settings.env.get("MLFLOW_TRACKING_URI")
        if told is None or not told["live"] or uri is None:
            return told
        return {**told, "live": {**told["live"], "uri": uri}}

    @cached_property
    def wants_trial(self) -> bool:
        """Whether the objective takes a keyword ``trial``."""
        return takes_trial(self.objective)


@dataclass(frozen=True)
class Task:
    """One attempt at one trial.

    Attributes:
        number: the trial's number.
        attempt: how many attempts at the trial came before.
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

    A future ends with an Answer whose outcome is OK, FAILED, TIMED_OUT, PRUNED, CANCELLED, LOST
    (the task went down with its executor and may be submitted again as the next attempt) or CRASHED
    (its process died under the objective). It raises only where the engine itself cannot go on:
    EngineStopped, or RunCancelled where somebody outside stopped the whole run. What a task
    reported has been handed to ``on_report`` before its future ends; a task for which that answers
    True is stopped.
    """

    @property
    def slots(self) -> int:
        """How many tasks to keep under way."""

    @property
    def blocking(self) -> bool:
        """Whether submit returns only when the task has ended."""

    @property
    def raises(self) -> bool:
        """Whether an exception of the objective may leave ``fmin``: it is alive in this process."""

    @property
    def hears_reports(self) -> bool:
        """Whether reports arrive while their trial runs, so that it can be stopped."""

    def open(self, spec: RunSpec, on_report: OnReport | None = None) -> None:
        """Prepare for the tasks of a run; ``on_report`` may be called from any thread.

        Raises:
            UnpicklableObjective: the objective has to leave the process and cannot be pickled.
        """

    def submit(self, task: Task) -> Future[Answer]:
        """Evaluate a task."""

    def stop(self, number: int, attempt: int) -> None:
        """Let a task end as PRUNED at its next report; by force where none comes in its grace.

        A result that it gives before that counts. Where reports are not heard it is cancelled.
        """

    def cancel(self, number: int, attempt: int) -> None:
        """Stop a task as soon as the engine can; its future ends as CANCELLED."""

    def close(self) -> None:
        """Stop all tasks and free what open took; returns without waiting for them."""


def hearing(
    stop: Callable[[int, int], None],
    key: tuple[int, int],
    stopping: Collection[tuple[int, int]],
    on_report: OnReport | None,
) -> Callable[[int, float], bool]:
    """What hears the reports of one task: hands each on, and answers whether the task is to stop.

    Args:
        stop: of the engine; called where ``on_report`` says that the task is to stop.
        key: number and attempt of the task.
        stopping: of the tasks that the engine was told to stop.
        on_report: as given to ``open``.
    """

    def hear(step: int, value: float) -> bool:
        if on_report is not None and on_report(*key, step, value):
            stop(*key)
        return key in stopping

    return hear


def refuse_other_arguments(objective: Callable[..., Any]) -> None:
    """Refuse an objective that cannot be called with a configuration alone, or with ``trial`` too.

    Raises:
        TypeError: it asks for more or for nothing; the message has its signature.
    """
    try:
        signature = inspect.signature(objective, follow_wrapped=False)
    except (TypeError, ValueError):  # of a function written in C
        return
    further = {"trial": None} if takes_trial(objective) else {}
    try:
        signature.bind(None, **further)
    except TypeError as error:
        name = getattr(objective, "__name__", type(objective).__name__)
        raise TypeError(
            "the objective is called with one argument, the configuration, and `trial` where it "
            f"has a parameter of this name, but {name}{signature} cannot be called so: {error}"
        ) from None


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
    trial = signature.parameters.get("trial")
    if trial is None:
        return False
    later = trial.kind is trial.POSITIONAL_OR_KEYWORD and trial is not parameters[0]
    return later or trial.kind is trial.KEYWORD_ONLY
