"""What happens in a search, when it ends, and how another thread ends it."""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from .history.records import Reported
from .history.trial import Outcome, Trial

__all__ = [
    "Budget",
    "CancelToken",
    "Cancelled",
    "Event",
    "Finished",
    "Reported",
    "Requeued",
    "Started",
    "StopReason",
    "Stopped",
]


@dataclass(frozen=True)
class Budget:
    """When a search ends by itself.

    Attributes:
        max_evals: trials with an outcome of their own (ok, failed, timed out or pruned) that the
            history may hold, those it holds already included; None for no limit.
        timeout: seconds from the start of the search; None for no limit.
        loss_threshold: the search ends at a loss this low; None for no limit.
    """

    max_evals: int | None = None
    timeout: float | None = None
    loss_threshold: float | None = None


@dataclass(frozen=True)
class Started:
    """A trial was handed to the engine, or waits for a free slot."""

    trial: Trial


@dataclass(frozen=True)
class Finished:
    """A trial ended as ok, failed, timed out or pruned.

    Attributes:
        trial: with its outcome.
        exception: why it failed, alive, where the engine has it in this process; no record keeps
            it.
    """

    trial: Trial
    exception: BaseException | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Requeued:
    """A trial was lost with its executor, or its process died, and it goes into its next attempt.

    Attributes:
        trial: in its next attempt.
        outcome: of the attempt before.
    """

    trial: Trial
    outcome: Outcome


@dataclass(frozen=True)
class Cancelled:
    """A trial was stopped before its end: from outside, or cut off by the end of the search."""

    trial: Trial


class StopReason(enum.Enum):
    """Why a run ended; the values are Hyperopt's sentences."""

    MAX_EVALS = "max_evals trials have ended"
    TIMEOUT = "fmin run cancelled due to timeout"
    LOSS_THRESHOLD = "fmin run cancelled because of loss threshold"
    EARLY_STOPPING = "fmin run cancelled by early stopping condition"
    USER = "fmin run cancelled by the user"


@dataclass(frozen=True)
class Stopped:
    """The last event: why the search ended by itself."""

    reason: StopReason


Event: TypeAlias = Started | Reported | Finished | Requeued | Cancelled | Stopped


class CancelToken:
    """Lets another thread end a search."""

    def __init__(self) -> None:
        self.requested = False
        self._wake: Callable[[], None] = lambda: None

    def request(self) -> None:
        """End the search that holds this token: what has ended is kept, what runs is cancelled."""
        self.requested = True
        self._wake()

    def attach(self, wake: Callable[[], None]) -> None:
        """Have ``wake`` called at each request."""
        self._wake = wake
