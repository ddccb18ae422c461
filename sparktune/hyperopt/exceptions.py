"""Hyperopt's exceptions: those of sparktune, by the same names."""

from ..exceptions import (
    AllTrialsFailed,
    BadSearchSpace,
    DuplicateLabel,
    InvalidLoss,
    InvalidResultStatus,
    InvalidTrial,
)

__all__ = [
    "AllTrialsFailed",
    "BadSearchSpace",
    "DuplicateLabel",
    "InvalidAnnotatedParameter",
    "InvalidLoss",
    "InvalidResultStatus",
    "InvalidTrial",
]


class InvalidAnnotatedParameter(ValueError):  # noqa: N818 (Hyperopt's name)
    """A parameter of an annotated objective is no hyperparameter."""
