"""What minimize asks of trials, be they those of sparktune or documents of sparktune.hyperopt."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..exceptions import AllTrialsFailed
from ..fmin import fmin
from ..history.documents import JOB_STATE_DONE, JOB_STATE_ERROR
from ..history.results import STATUS_OK
from ..history.trial import Status
from ..hyperopt import base as documents
from ..hyperopt import hp
from ..hyperopt.fmin import fmin as fmin_of_documents
from ..trials.record import Trials
from .spaces import ModelSpace

__all__ = ["Ended", "best_of", "checked_host", "ended", "search"]


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


def checked_host(trials: Any) -> Any:
    """Trials to run in: new ones for None.

    Raises:
        TypeError: something else.
    """
    if trials is None:
        return Trials()
    if not isinstance(trials, (Trials, documents.Trials)):
        raise TypeError(
            "`trials` must be Trials() or SparkTrials(), of sparktune or sparktune.hyperopt, but "
            f"got {trials!r:.200}"
        )
    return trials


def search(
    host: Any, objective: Callable[..., Any], space: ModelSpace, settings: Mapping[str, Any]
) -> None:
    """Run the fmin that trials belong to."""
    if isinstance(host, Trials):
        fmin(objective, space.template, trials=host, **settings)
    else:
        fmin_of_documents(objective, space.written(hp), trials=host, **settings)


def ended(host: Any) -> Iterator[Ended]:
    """The trials that have ended so far."""
    if isinstance(host, Trials):
        for trial in host.history or ():
            outcome = trial.outcome
            if outcome is not None:
                loss = outcome.loss if trial.status is Status.OK else None
                yield Ended(trial.number, loss, trial.values, outcome.attachments)
        return
    for document in host.documents:
        if document["state"] in (JOB_STATE_DONE, JOB_STATE_ERROR):
            result = document["result"]
            loss = float(result["loss"]) if result.get("status") == STATUS_OK else None
            values = {label: vals[0] for label, vals in document["misc"]["vals"].items() if vals}
            attached = host.trial_attachments(document)
            yield Ended(document["tid"], None if loss != loss else loss, values, attached)


def best_of(host: Any) -> list[Ended]:
    """The trials with a loss, the best first.

    Raises:
        AllTrialsFailed: there are none.
    """
    good = [trial for trial in ended(host) if trial.loss is not None]
    if not good:
        raise AllTrialsFailed("no trial has a loss")
    return sorted(good, key=lambda trial: (trial.loss, trial.number))
