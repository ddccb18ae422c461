"""What has been tried: trials as rows, and the same as numpy columns for the suggesters."""

from __future__ import annotations

import enum
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .exceptions import BadSearchSpace, InvalidTrial
from .space.distributions import Array
from .space.tree import Choice, Param, Space, Values

__all__ = [
    "ENDED",
    "STATUS_FAIL",
    "STATUS_NEW",
    "STATUS_OK",
    "STATUS_RUNNING",
    "STATUS_STRINGS",
    "STATUS_SUSPENDED",
    "History",
    "Outcome",
    "Status",
    "Trial",
]

STATUS_NEW = "new"
STATUS_RUNNING = "running"
STATUS_SUSPENDED = "suspended"
STATUS_OK = "ok"
STATUS_FAIL = "fail"
STATUS_STRINGS = (STATUS_NEW, STATUS_RUNNING, STATUS_SUSPENDED, STATUS_OK, STATUS_FAIL)


class Status(enum.IntEnum):
    """How a trial stands."""

    PENDING = 0
    """Started, without an outcome yet."""
    OK = 1
    """Ended with a loss."""
    FAILED = 2
    """Ended without a loss: by an exception, a wrong result, a crash, or on its own word."""
    CANCELLED = 3
    """Stopped before its end, with the run or from outside; does not count as an evaluation."""
    LOST = 4
    """An engine's answer for a trial that went down with its executor; never in a history."""
    CRASHED = 5
    """An engine's answer for a trial whose process died under it; FAILED in a history."""
    TIMED_OUT = 6
    """Stopped at the time limit of a trial."""


ENDED = (Status.OK, Status.FAILED, Status.TIMED_OUT)
"""What counts as an evaluation."""


def _no_mapping() -> Mapping[str, Any]:
    return MappingProxyType({})


@dataclass(frozen=True)
class Outcome:
    """What became of a trial.

    Attributes:
        status: OK, FAILED, TIMED_OUT or CANCELLED (an engine may also answer LOST or CRASHED).
        loss: what is minimised; a number where the status is OK, else None.
        variance: the objective's estimate of the loss's variance, where it gave one.
        info: the objective's whole result, attachments apart.
        attachments: large things that the objective returned beside its result, by name.
        error: why it failed, with the traceback where there is one.
        error_type: name of the exception's type, where there was one.
        log_tail: the last lines that the trial printed, where it ran in a process of its own and
            gave no result.
        reports: the (step, value) pairs that the objective reported.
        seconds: run time of the objective, where it ran.
        host: where it ran.
        note: a sentence about the result, such as what of it was too large to send.
        result_file: where the whole result lies, if it was too large to send.
        exception: the objective's own exception where it was raised in this process. It keeps its
            frames alive, so a history does not store it, and it is not pickled.
    """

    status: Status
    loss: float | None = None
    variance: float | None = None
    info: Mapping[str, Any] = field(default_factory=_no_mapping)
    attachments: Mapping[str, Any] = field(default_factory=_no_mapping)
    error: str | None = None
    error_type: str | None = None
    log_tail: str | None = None
    reports: tuple[tuple[Any, Any], ...] = ()
    seconds: float | None = None
    host: str | None = None
    note: str | None = None
    result_file: str | None = None
    exception: BaseException | None = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        if (self.status is Status.OK) != (self.loss is not None):
            raise ValueError(f"a loss goes with status OK alone: {self.status!r}, {self.loss!r}")
        if self.loss is not None and math.isnan(self.loss):
            raise ValueError("a loss must not be NaN")

    def __getstate__(self) -> dict[str, Any]:
        state = {**self.__dict__, "exception": None}
        state["info"], state["attachments"] = dict(self.info), dict(self.attachments)
        return state


@dataclass(frozen=True)
class Trial:
    """One candidate and what became of it.

    Attributes:
        number: 0 for the first trial of a history.
        attempt: 0, and one more each time the trial was lost and queued again.
        values: label to value, active labels only; a choice holds the index of its option.
        started: seconds since the epoch.
        outcome: None while it is pending.
    """

    number: int
    attempt: int
    values: Values
    started: float
    outcome: Outcome | None = None

    @property
    def status(self) -> Status:
        """PENDING without an outcome, else the outcome's status."""
        return Status.PENDING if self.outcome is None else self.outcome.status

    @property
    def loss(self) -> float | None:
        """The loss, None without one."""
        return None if self.outcome is None else self.outcome.loss

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "values": dict(self.values)}


class History:
    """All trials of one search, by number.

    Each trial is encoded once. Rows are immutable; the columns grow in place and are handed out as
    read-only views, valid until the next trial is started.

    Args:
        space: the space that the trials are candidates of.
    """

    def __init__(self, space: Space) -> None:
        self.space = space
        self._trials: list[Trial] = []
        self._X = np.empty((0, len(space)))
        self._y = np.empty(0)
        self._status = np.empty(0, np.int8)
        self._counts = dict.fromkeys(Status, 0)
        self._best: int | None = None

    def __len__(self) -> int:
        return len(self._trials)

    def __iter__(self) -> Iterator[Trial]:
        return iter(tuple(self._trials))

    def __getitem__(self, number: int) -> Trial:
        return self._trials[number]

    @property
    def X(self) -> Array:  # noqa: N802 (the field's name)
        """(n, d) latents of the trials, nan where a label is inactive."""
        return self._view(self._X)

    @property
    def y(self) -> Array:
        """(n,) losses, nan for trials without one."""
        return self._view(self._y)

    @property
    def status(self) -> NDArray[np.int8]:
        """(n,) Status of each trial."""
        return self._view(self._status)

    def _view(self, column: NDArray[Any]) -> NDArray[Any]:
        view = column[: len(self)]
        view.flags.writeable = False
        return view

    def copy(self) -> History:
        """Another history of the same trials, which goes on by itself."""
        other = History(self.space)
        other._trials = list(self._trials)
        other._X, other._y, other._status = self._X.copy(), self._y.copy(), self._status.copy()
        other._counts, other._best = dict(self._counts), self._best
        return other

    def adopt(self, space: Space) -> None:
        """Go on in ``space``, which must have the same labels, distributions and branches.

        Raises:
            BadSearchSpace: it has not; the message names what differs.
        """
        old, new = _signature(self.space), _signature(space)
        if old != new:
            differing = [
                repr(label) for label in sorted({*old, *new}) if old.get(label) != new.get(label)
            ]
            raise BadSearchSpace(
                "these trials were made in another space, which differs in "
                f"{', '.join(differing)}; use new trials, or the space that they were made in"
            )
        if space.labels != self.space.labels:
            columns = [self.space.column[label] for label in space.labels]
            self._X = self._X[:, columns]
        self.space = space

    def count(self, *statuses: Status) -> int:
        """How many trials have one of these statuses."""
        return sum(self._counts[status] for status in statuses)

    @property
    def pending(self) -> list[Trial]:
        """The trials without an outcome."""
        numbers = np.flatnonzero(self.status == Status.PENDING)
        return [self._trials[number] for number in numbers]

    @property
    def best(self) -> Trial | None:
        """The trial with the lowest loss, the earliest of them where several have it."""
        return None if self._best is None else self._trials[self._best]

    def start(self, values: Values, now: float) -> Trial:
        """Add a pending trial; ``now`` in seconds since the epoch."""
        number = len(self._trials)
        for label in values:
            if label not in self.space.column:
                raise InvalidTrial(f"the space has no label {label!r}")
        row = self.space.encode(values)
        if number == len(self._y):
            self._grow()
        self._X[number] = row
        self._y[number] = np.nan
        self._status[number] = Status.PENDING
        trial = Trial(number, 0, MappingProxyType(dict(values)), now)
        self._trials.append(trial)
        self._counts[Status.PENDING] += 1
        return trial

    def _grow(self) -> None:
        more = max(64, len(self._y))
        self._X = np.concatenate([self._X, np.empty((more, len(self.space)))])
        self._y = np.concatenate([self._y, np.empty(more)])
        self._status = np.concatenate([self._status, np.empty(more, np.int8)])

    def requeue(self, number: int) -> Trial:
        """Give a lost pending trial its next attempt; answers of earlier ones are refused then."""
        trial = self.pending_trial(number)
        self._trials[number] = replace(trial, attempt=trial.attempt + 1)
        return self._trials[number]

    def pending_trial(self, number: int) -> Trial:
        """The trial of a number, which must have no outcome.

        Raises:
            InvalidTrial: no such trial, or one that has an outcome already.
        """
        if not 0 <= number < len(self._trials):
            raise InvalidTrial(f"there is no trial {number}, only {len(self)} trials from 0")
        trial = self._trials[number]
        if trial.outcome is not None:
            raise InvalidTrial(f"trial {number} has ended already as {trial.status.name}")
        return trial

    def finish(self, number: int, attempt: int, outcome: Outcome) -> Trial:
        """Record the outcome of a pending trial, once.

        Raises:
            InvalidTrial: no such trial, one that has an outcome already, an attempt other than the
                current one, or an outcome that ends nothing.
        """
        trial = self.pending_trial(number)
        if attempt != trial.attempt:
            raise InvalidTrial(
                f"trial {number} is at attempt {trial.attempt}; attempt {attempt} came too late"
            )
        if outcome.status not in (*ENDED, Status.CANCELLED):
            raise InvalidTrial(f"trial {number} cannot end as {outcome.status.name}")
        if outcome.exception is not None:
            outcome = replace(outcome, exception=None)
        trial = self._trials[number] = replace(trial, outcome=outcome)
        self._status[number] = outcome.status
        self._counts[Status.PENDING] -= 1
        self._counts[outcome.status] += 1
        if outcome.loss is not None:
            self._y[number] = outcome.loss
            best = self.best
            if best is None or (outcome.loss, number) < (best.loss, best.number):
                self._best = number
        return trial

    def __getstate__(self) -> dict[str, Any]:
        return {"space": self.space, "trials": self._trials}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["space"])  # type: ignore[misc]
        self.extend(state["trials"])

    def extend(self, trials: Iterable[Trial]) -> None:
        """Add recorded trials, renumbered from the end of this history, as they stand."""
        for old in trials:
            trial = self.start(old.values, old.started)
            for _ in range(old.attempt):
                self.requeue(trial.number)
            if old.outcome is not None:
                self.finish(trial.number, old.attempt, old.outcome)


def _plain_options(param: Param) -> tuple[Any, ...]:
    """The options of a choice; those that are no plain values are not compared."""
    options = param.options if isinstance(param, Choice) else ()
    plain = (str, int, float, bool, type(None))
    return tuple(o if isinstance(o, plain) else ... for o in options)


def _signature(space: Space) -> dict[str, Any]:
    """What of each label has to be equal for two spaces to hold the same candidates."""
    return {
        label: (
            space.distributions[j],
            {(space.labels[parent], option) for parent, option in space.parents[j]},
            _plain_options(space.params[j]),
        )
        for j, label in enumerate(space.labels)
    }
