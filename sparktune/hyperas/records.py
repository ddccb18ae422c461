"""What minimize asks of trials, be they those of sparktune or documents of sparktune.hyperopt."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from ..exceptions import AllTrialsFailed
from ..fmin import fmin
from ..history.documents import JOB_STATE_DONE, JOB_STATE_ERROR, values_of_document
from ..history.holders import trials_in_words
from ..history.results import STATUS_OK
from ..history.trial import Status
from ..hyperopt import base as documents
from ..hyperopt import hp
from ..hyperopt.fmin import fmin as fmin_of_documents
from ..trials.record import Trials
from .spaces import ModelSpace

__all__ = ["Ended", "Host", "best_of", "host_of"]


@dataclass(frozen=True)
class Ended:
    """A trial that has ended.

    Attributes:
        number: of the trial.
        loss: None for a failed one.
        values: label to index or number.
        attachments: what it returned beside its result: to ask by ``in``, to read, set and delete.
    """

    number: int
    loss: float | None
    values: Mapping[str, Any]
    attachments: Any


class Host(Protocol):
    """Trials, as minimize uses them."""

    @property
    def folder(self) -> Path | None:
        """Where files of these trials belong; None where there is no such place."""

    @property
    def workers_record(self) -> bool:
        """Whether what runs a trial records it, so that nothing of it passes here."""

    def search(
        self, objective: Callable[..., Any], space: ModelSpace, settings: Mapping[str, Any]
    ) -> None:
        """Run the fmin that the trials belong to."""

    def ended(self) -> Iterator[Ended]:
        """The trials that have ended so far."""


@dataclass(frozen=True)
class _Own:
    """Trials of sparktune."""

    trials: Trials

    @property
    def folder(self) -> Path | None:
        return self.trials.folder

    @property
    def workers_record(self) -> bool:
        return self.trials.workers_record

    def search(
        self, objective: Callable[..., Any], space: ModelSpace, settings: Mapping[str, Any]
    ) -> None:
        fmin(objective, space.template, trials=self.trials, **settings)

    def ended(self) -> Iterator[Ended]:
        for trial in self.trials.history or ():
            outcome = trial.outcome
            if outcome is not None:
                loss = outcome.loss if trial.status is Status.OK else None
                yield Ended(trial.number, loss, trial.values, outcome.attachments)


@dataclass(frozen=True)
class _Documents:
    """Trials of sparktune.hyperopt."""

    trials: documents.Trials
    folder = None
    workers_record = False

    def search(
        self, objective: Callable[..., Any], space: ModelSpace, settings: Mapping[str, Any]
    ) -> None:
        fmin_of_documents(objective, space.written(hp), trials=self.trials, **settings)

    def ended(self) -> Iterator[Ended]:
        for document in self.trials.documents:
            if document["state"] in (JOB_STATE_DONE, JOB_STATE_ERROR):
                result = document["result"]
                loss = float(result["loss"]) if result.get("status") == STATUS_OK else None
                attached = self.trials.trial_attachments(document)
                yield Ended(
                    document["tid"], None if loss != loss else loss, values_of_document(document),
                    attached,
                )  # fmt: skip


def host_of(trials: Any) -> Host:
    """Trials that a user gave: new ones for None.

    Raises:
        TypeError: something else.
    """
    if trials is None:
        return _Own(Trials())
    if isinstance(trials, Trials):
        return _Own(trials)
    if isinstance(trials, documents.Trials):
        return _Documents(trials)
    raise TypeError(
        "`trials` must be Trials(), SparkTrials() or StoreTrials() of sparktune, or Trials() or "
        f"SparkTrials() of sparktune.hyperopt, but got {trials_in_words(trials)}"
    )


def best_of(host: Host) -> list[Ended]:
    """The trials with a loss, the best first.

    Raises:
        AllTrialsFailed: there are none.
    """
    good = [trial for trial in host.ended() if trial.loss is not None]
    if not good:
        raise AllTrialsFailed("no trial has a loss")
    return sorted(good, key=lambda trial: (trial.loss, trial.number))
