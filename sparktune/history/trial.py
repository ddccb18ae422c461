"""A trial: one candidate, and what became of it."""

from __future__ import annotations

import enum
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from .. import markup
from ..space.tree import Space, Values

__all__ = ["ASIDE", "ENDED", "Outcome", "Status", "Trial", "no_trial"]


class Status(enum.IntEnum):
    """How a trial stands."""

    PENDING = 0
    """Started, without an outcome yet."""
    OK = 1
    """Ended with a loss."""
    FAILED = 2
    """Ended without a loss: by an exception, a wrong result, a crash, or on its own word."""
    CANCELLED = 3
    """Stopped from outside, or given up; does not count as an evaluation."""
    LOST = 4
    """An engine's answer for a trial that went down with its executor; never in a history."""
    CRASHED = 5
    """An engine's answer for a trial whose process died under it; FAILED in a history."""
    TIMED_OUT = 6
    """Stopped at the time limit of a trial."""
    PRUNED = 7
    """Stopped by a rule that saw its reports; counts as an evaluation, and has no loss."""
    CUT = 8
    """Cut off by the end of its run; the next run begins with it, as its next attempt."""
    APART = 9
    """Of an earlier space, and not to be had in the present one; counts for nothing."""
    RESERVED = 10
    """A number that a driver which shares the history has, and that no trial has begun yet."""


ENDED = (Status.OK, Status.FAILED, Status.TIMED_OUT, Status.PRUNED)
"""What counts as an evaluation."""

ASIDE = (Status.CANCELLED, Status.APART, Status.RESERVED)
"""What neither counts nor will, so that its candidate was never tried."""


def _no_mapping() -> Mapping[str, Any]:
    return MappingProxyType({})


@dataclass(frozen=True)
class Outcome:
    """What became of a trial.

    Attributes:
        status: one of ENDED or CANCELLED (an engine may also answer LOST or CRASHED).
        loss: what is minimised; a number where the status is OK, else None.
        variance: the objective's estimate of the loss's variance, where it gave one.
        info: what else the objective returned in its dict, attachments apart.
        attachments: large things that the objective returned beside its result, by name.
        error: why it failed, with the traceback where there is one.
        error_type: name of the exception's type, or of what went wrong; None where the objective
            itself declared the failure.
        log_tail: the last lines that the trial printed, where it ran in a process of its own and
            gave no result.
        seconds: run time of the objective, where it ran.
        host: where it ran.
        note: a sentence about the result, such as what of it was too large to send.
        result_file: where the whole result lies, if it was too large to send.

    Raises:
        ValueError: the status is OK without a loss, or another one with a loss; or the loss is NaN.
    """

    status: Status
    loss: float | None = None
    variance: float | None = None
    info: Mapping[str, Any] = field(default_factory=_no_mapping)
    attachments: Mapping[str, Any] = field(default_factory=_no_mapping)
    error: str | None = None
    error_type: str | None = None
    log_tail: str | None = None
    seconds: float | None = None
    host: str | None = None
    note: str | None = None
    result_file: str | None = None

    def __post_init__(self) -> None:
        if (self.status is Status.OK) != (self.loss is not None):
            raise ValueError(f"a loss goes with status OK alone: {self.status!r}, {self.loss!r}")
        if self.loss is not None and math.isnan(self.loss):
            raise ValueError("a loss must not be NaN")

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "info": dict(self.info), "attachments": dict(self.attachments)}


@dataclass(frozen=True)
class Trial:
    """One candidate and what became of it.

    Attributes:
        number: 0 for the first trial of a history.
        attempt: 0, and one more each time the trial was lost or cut off.
        values: label to value, active labels only; a choice holds the index of its option.
        started: seconds since the epoch.
        outcome: None while it is pending or cut.
        cut: whether its run ended before it, and no other has begun it again.
        batch: number of the first trial that was started together with it.
        apart: the space that ``values`` are of, where the space was changed since and the present
            one does not have them; None else.
        reserved: whether it is a number and nothing more; see Status.
    """

    number: int
    attempt: int
    values: Values
    started: float
    outcome: Outcome | None = None
    cut: bool = False
    batch: int = 0
    apart: Space | None = None
    reserved: bool = False

    @property
    def status(self) -> Status:
        """APART where it is; PENDING or CUT without an outcome, else the outcome's status."""
        if self.reserved:
            return Status.RESERVED
        if self.apart is not None:
            return Status.APART
        if self.outcome is None:
            return Status.CUT if self.cut else Status.PENDING
        return self.outcome.status

    @property
    def variance(self) -> float:
        """The variance of the loss as the objective stated it; 0 where it did not."""
        stated = None if self.outcome is None else self.outcome.variance
        return stated if stated is not None and 0 <= stated < math.inf else 0.0

    @property
    def loss(self) -> float | None:
        """The loss, None without one."""
        return None if self.outcome is None else self.outcome.loss

    def with_outcome(self, outcome: Outcome) -> Trial:
        """The trial as it ended; ``dataclasses.replace`` takes three times as long."""
        t = self
        return Trial(t.number, t.attempt, t.values, t.started, outcome, t.cut, t.batch, t.apart)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "values": dict(self.values)}

    def _repr_html_(self) -> str:
        rows = [("status", self.status.name.lower().replace("_", " "))]
        outcome = self.outcome
        if outcome is not None:
            found = {"loss": outcome.loss, "seconds": outcome.seconds, "host": outcome.host}
            rows += [(name, str(value)) for name, value in found.items() if value is not None]
        rows += [("attempt", str(self.attempt))] if self.attempt else []
        rows += [(label, repr(value)) for label, value in self.values.items()]
        error = (outcome and outcome.error) or ""
        return markup.block(
            markup.bold(f"trial {self.number}"), markup.pairs(rows, "loss"),
            markup.listed([error], mono=True) if error else "",
        )  # fmt: skip

    def space_in(self, present: Space) -> Space:
        """The space that its values are of: the present one, unless it is apart."""
        return present if self.apart is None else self.apart


def no_trial(number: object, count: int) -> str:
    """That a number is of none of so many trials."""
    known = f"the trials are 0 to {count - 1}" if count else "there are no trials yet"
    return f"there is no trial {number!r}: {known}"
