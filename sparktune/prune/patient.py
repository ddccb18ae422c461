"""A rule that gives trials time to recover."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..arithmetic import nan_as_worst
from ..checks import keep, real, whole
from ..history import History
from .pruner import Pruner, pruner_of

__all__ = ["Patient"]


@dataclass(frozen=True)
class Patient:
    """Stop a trial whose last reports brought no progress, where another rule agrees.

    There is progress where the best of the last ``patience`` reports is below the best of all
    before them by more than ``min_delta``; of values that are NaN there is none. Costs O(s) for s
    reports of the trial.

    Args:
        patience: how many reports without progress it takes, at least 1.
        min_delta: by how much a value has to be lower to be progress, at least 0.
        rule: a pruner or a function (history, number) -> bool that has to agree, which for ASHA it
            can at its rungs alone; None for none: then a trial that has converged is stopped as
            well, and has no loss.

    Raises:
        ValueError: a setting out of its range.
        TypeError: ``rule`` is no pruner.
    """

    patience: int
    min_delta: float = 0.0
    rule: Pruner | Callable[[History, int], bool] | None = None

    def __post_init__(self) -> None:
        keep(
            self,
            patience=whole("patience", self.patience, of="patient"),
            min_delta=real("min_delta", self.min_delta, least=0, finite=True, of="patient"),
        )
        pruner_of(self.rule, "rule")

    def stops(self, history: History, number: int) -> bool:
        """Whether a trial is to stop at its last report; see Pruner."""
        values = [value for _, value in history.reports(number)]
        if len(values) <= self.patience:
            return False
        best_before, best_since = map(_best, (values[: -self.patience], values[-self.patience :]))
        if best_since < best_before - self.min_delta:
            return False
        rule = pruner_of(self.rule)
        return rule is None or rule.stops(history, number)


def _best(values: list[float]) -> float:
    return float(nan_as_worst(np.array(values)).min())
