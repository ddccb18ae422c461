"""Rules that end a running trial by what it has reported; for ``fmin(..., pruner=...)``.

    from sparktune.prune import asha
    fmin(objective, space, max_evals=200, trials=Trials(parallelism=8), pruner=asha())

Lower values are better, as for losses. A rule compares trials at the same step only; of several
reports of a trial at one step the last counts, a step that a trial left out does not concern it,
and NaN is worse than any number. A trial that is the first at a step is compared with nobody.
"""

from .halving import Asha, Hyperband
from .patient import Patient
from .percentile import Median, Percentile
from .pruner import Pruner, asked, pruner_of
from .threshold import Threshold
from .wilcoxon import Wilcoxon

asha, hyperband, median, percentile = Asha, Hyperband, Median, Percentile
patient, threshold, wilcoxon = Patient, Threshold, Wilcoxon

__all__ = [
    "Asha",
    "Hyperband",
    "Median",
    "Patient",
    "Percentile",
    "Pruner",
    "Threshold",
    "Wilcoxon",
    "asha",
    "asked",
    "hyperband",
    "median",
    "patient",
    "percentile",
    "pruner_of",
    "threshold",
    "wilcoxon",
]


def __dir__() -> list[str]:
    return sorted(__all__)
