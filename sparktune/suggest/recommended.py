"""Which evaluated candidate is best by a model of all losses, instead of by its own luck."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..arithmetic import own_arithmetic
from ..blas import on_one_thread
from ..exceptions import AllTrialsFailed
from ..history import History, Status, Trial
from ..history.failures import failure_text, with_parameters
from .candidates import observations
from .noise import NOISY, is_exact
from .surrogates.gp import fit_warped

__all__ = ["Recommended", "recommended"]

_BAND = 2.0  # deviations
_CAUTION = 0.5  # deviations that a mean counts as higher, so that of two alike the surer one is it


@dataclass(frozen=True)
class Recommended:
    """The trial that a model believes to be the best, beside the one that had the lowest loss.

    Attributes:
        trial: the recommended one.
        mean, low, high: of the loss without its noise at its candidate: what the model believes,
            and the ends of a band of two deviations on each side.
        luckiest: the trial of the lowest loss; often the same.
        parameters: of the trial, for people: of a choice what its option is called.
    """

    trial: Trial
    mean: float
    low: float
    high: float
    luckiest: Trial
    parameters: str

    @property
    def number(self) -> int:
        """Of the recommended trial."""
        return self.trial.number

    @property
    def values(self) -> dict[str, int | float]:
        """Label to value of the recommended trial; a choice holds the index of its option."""
        return dict(self.trial.values)

    def __str__(self) -> str:
        text = (
            f"trial {self.trial.number}: loss {self.trial.loss:.6g}, believed {self.mean:.6g} "
            f"({self.low:.6g} to {self.high:.6g}), {self.parameters}"
        )
        if self.trial.number == self.luckiest.number:
            return f"{text}; it has the lowest loss, too"
        lowest = self.luckiest
        return f"{text}; the lowest loss is {lowest.loss:.6g}, of trial {lowest.number}"


@on_one_thread
@own_arithmetic
def recommended(history: History) -> Recommended:
    """Find the evaluated candidate that a model believes to have the lowest mean loss.

    A Gaussian process is fitted to all losses, of more than 400 to the best and the latest:
    it costs as much as a batch of ``bayes.suggest``. Where it takes at most 1 % of their variance
    for noise, and the objective states none, the answer is the trial of the lowest loss; else the
    one of the lowest mean, plus half the mean's deviation: a trial counts as much as its neighbours
    bear it out. A model cannot tell noise from a surface rougher than it can follow, but replicates
    can: where two of them or more all had the loss that their candidate had before, the lowest loss
    is the answer, too.

    Raises:
        AllTrialsFailed: no trial has a loss.
    """
    luckiest = history.best
    if luckiest is None:
        raise AllTrialsFailed(failure_text(history))
    if is_exact(history):
        loss = float(history.y[luckiest.number])
        shown = with_parameters(luckiest, history.space)
        return Recommended(luckiest, loss, loss, loss, luckiest, shown)
    numbers = np.flatnonzero(history.status == Status.OK)
    X, y = observations(history)
    variance = history.variance[numbers]
    posterior, warped = fit_warped(history.space, X, y, variance, np.random.default_rng(0))
    means, sd = posterior.predict(X)
    if posterior.noise > NOISY or variance.any():
        best = int(np.argmin(means[0] + _CAUTION * sd))
    else:
        best = int(np.searchsorted(numbers, luckiest.number))
    ends = means[0, best] + _BAND * sd[best] * np.array([0.0, -1.0, 1.0])
    mean, low, high = warped.back(ends).tolist()
    trial = history[int(numbers[best])]
    shown = with_parameters(trial, history.space)
    return Recommended(trial, mean, low, high, luckiest, shown)
