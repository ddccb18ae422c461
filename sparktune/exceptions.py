"""Errors that sparktune raises on purpose, each with one sentence for the person who reads it."""

from __future__ import annotations

__all__ = [
    "AllTrialsFailed",
    "BadSearchSpace",
    "DuplicateLabel",
    "EngineStopped",
    "InvalidLoss",
    "InvalidResultStatus",
    "InvalidTrial",
    "JournalError",
    "JournalInUse",
    "RunCancelled",
    "SpaceElsewhere",
    "StoreError",
    "TakenElsewhere",
    "TrackingError",
    "UnpicklableObjective",
]


def __dir__() -> list[str]:
    return sorted(__all__)


class BadSearchSpace(ValueError):  # noqa: N818 (Hyperopt's name)
    """A space cannot be searched, is not that of the trials, or has an expression that raised.

    The message says why, and names the label where there is one.
    """


class DuplicateLabel(BadSearchSpace):
    """Two different hyperparameters of one space carry the same label."""


class InvalidTrial(ValueError):  # noqa: N818 (Hyperopt's name)
    """A point or trial that was given does not fit, a trial is not pending, or a batch is wrong.

    A batch is wrong where ``algo`` gave another number of candidates than it was asked for.
    """


class InvalidResultStatus(ValueError):  # noqa: N818 (Hyperopt's name)
    """A result, of an objective or told by hand, has a status other than ``'ok'`` or ``'fail'``."""


class InvalidLoss(ValueError):  # noqa: N818 (Hyperopt's name)
    """A result, of an objective or told by hand, has no real number as its loss.

    It is also raised for a result whose ``attachments`` are no dict.
    """


class AllTrialsFailed(RuntimeError):  # noqa: N818 (Hyperopt's name)
    """No trial ended with a loss, so there is no best one."""


class UnpicklableObjective(TypeError):  # noqa: N818 (one of a family)
    """What has to leave this process cannot be pickled; the message says which part of it."""


class EngineStopped(RuntimeError):  # noqa: N818 (one of a family)
    """The engine cannot run any more trials, for example because its SparkContext was stopped."""


class RunCancelled(RuntimeError):  # noqa: N818 (one of a family)
    """Somebody outside stopped all trials of a run, for example by its notebook cell's button.

    An engine raises it. It does not leave ``fmin``, which ends then, keeps what has ended, and
    says so in ``trials.fmin_cancelled_reason``.
    """


class TakenElsewhere(InvalidTrial):
    """Another process that shares the record of a search has gone on with a trial."""


class JournalError(RuntimeError):
    """A journal on disk cannot be read or written; the message names the file, and the line."""


class StoreError(JournalError):
    """A store in a database cannot be reached, or refuses; the message names it."""


class SpaceElsewhere(StoreError):  # noqa: N818 (one of a family)
    """Another driver has begun or changed the space of a search in this moment."""


class JournalInUse(JournalError):  # noqa: N818 (one of a family)
    """Somebody else writes this journal; the message says who, and since when."""


class TrackingError(RuntimeError):
    """``log_to_mlflow`` could not reach MLflow, or it refused; the message says what is not logged.

    A run of ``fmin`` only warns.
    """
