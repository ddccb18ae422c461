"""A rule for trials whose steps are repeats: folds of a cross-validation, seeds, instances."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..arithmetic import nan_as_worst
from ..checks import keep, real, whole
from ..history import History
from ..space.distributions import Array

__all__ = ["Wilcoxon"]

_MOST = 1e300  # in size; infinite values count as this
_COUNTED = 13  # steps, as the newest SciPy has it where there are ties


@dataclass(frozen=True)
class Wilcoxon:
    """Stop a trial that is worse than the best one on the folds that both have seen.

    Each step is one fold, repeat or instance, the same for all trials and in any order; its value
    is the loss there. The trial stops where its mean over the steps that the best trial has as well
    is worse, and the one-sided signed-rank test says that the differences are no accident: with a
    p-value below ``p``. Wilcoxon (1945), "Individual comparisons by ranking methods", exact for up
    to 13 steps, and for up to 50 without ties. Costs about 0.5 ms a report.

    Args:
        p: the level of the test, above 0 and at most 0.5. Lower stops fewer trials.
        startup: steps in common before a trial is stopped, at least 2. Up to 3 steps cannot give a
            p-value below 0.1.

    Raises:
        ValueError: a setting out of its range.
    """

    p: float = 0.1
    startup: int = 2

    def __post_init__(self) -> None:
        keep(
            self,
            p=real("p", self.p, above=0, most=0.5, of="wilcoxon"),
            startup=whole("startup", self.startup, 2, of="wilcoxon"),
        )

    def stops(self, history: History, number: int) -> bool:
        """Whether a trial is to stop at its last report; see Pruner."""
        best = history.best
        if best is None:
            return False
        mine, other = dict(history.reports(number)), dict(history.reports(best.number))
        common = sorted(mine.keys() & other.keys())
        if len(common) < self.startup:
            return False
        a, b = (_finite(np.array([values[step] for step in common])) for values in (mine, other))
        if not np.mean(a / 2 - b / 2) > 0:  # halves, of which no difference overflows
            return False
        return _p_value(a / 2 - b / 2) < self.p


def _p_value(differences: Array) -> float:
    """The one-sided p-value of the signed-rank test, the same with every SciPy.

    Few steps are counted out, zeros and ties as well: older releases of SciPy take a normal
    distribution for these, which finds three steps enough.
    """
    from scipy.stats import rankdata, wilcoxon

    if len(differences) > _COUNTED:
        test = wilcoxon(differences, alternative="greater", zero_method="zsplit")
        return float(test.pvalue)
    doubled = np.rint(2 * rankdata(np.abs(differences))).astype(int)  # ranks of ties are halves
    ways = np.ones(1)  # to choose signs, by the sum of the doubled ranks of those above 0
    for rank in doubled[differences != 0].tolist():
        ways = np.pad(ways, (0, rank)) + np.pad(ways, (rank, 0))
    reached = int(doubled[differences > 0].sum())
    return float(ways[reached:].sum() / ways.sum())


def _finite(values: Array) -> Array:
    kept: Array = np.clip(nan_as_worst(values), -_MOST, _MOST)
    return kept
