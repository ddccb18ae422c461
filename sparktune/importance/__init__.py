"""Which labels mattered: shares by PED-ANOVA, by the GP's Sobol indices, or along an ablation path.

All three look at the trials that have a loss. What each computes is in ped_anova.py, sobol.py and
ablation.py; docs/results.md says which one answers what.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from typing import Any

import numpy as np

from ..arithmetic import own_arithmetic
from ..blas import on_one_thread
from ..checks import one_of, real, whole
from ..history import History, Status
from ..history.holders import history_of
from ..space.distributions import Array
from ..space.points import values_of
from ..space.tree import Space
from ..suggest.candidates import observations
from .ablation import evaluated_by, path
from .fitted import MOST, Fitted
from .ped_anova import LEAST_TOP, best_rows, explained_by
from .result import Importance, Share, Step, shared
from .sobol import total_order

__all__ = ["METHODS", "Importance", "Share", "Step", "importance"]

METHODS = ("sobol", "ped-anova", "ablation")
_AGAINST = ("trials", "space")
_LEAST = 10  # trials with a loss
_DRAWS = 1024
_POOR = 0.5  # accuracy of the GP below which its answer is only a guess


def importance(
    trials: Any,
    method: str = "sobol",
    *,
    labels: Collection[str] | None = None,
    quantile: float = 0.1,
    region: float = 1.0,
    against: str = "trials",
    default: Any = None,
    objective: Callable[[Any], Any] | None = None,
    draws: int = _DRAWS,
    seed: int = 0,
) -> Importance:
    """How much each label mattered, as shares that sum to 1, or are all 0 where none is found.

    - "sobol" fits a GP to the losses, of 400 trials at most, and asks what share of its variance
      over the whole space goes away when all labels but this one stand still: interactions count
      for each of their labels. It does not matter where a search has spent its trials. Takes about
      a second.
    - "ped-anova" asks how much a label says about being among the best trials. It looks at ranks
      alone, so no transform of the losses changes it, and costs 5 ms for 1,000 trials of 10 labels.
      It is of the trials there are: of those of a search that has found good values of a label all
      have them, and the label sets none apart. A label that says no more than chance would has 0;
      where none does, all have.
    - "ablation" goes from ``default`` to the best trial, one label at a time, each time that one
      which lowers the loss most: which changes were worth making. A GP chooses the labels and gives
      the losses, unless there is an ``objective``.

    A label that is active in some candidates only is judged by these, and its share is weighed by
    how often it is active. The result's ``labels`` hold a Share for each label, whose
    ``where_active`` is the figure without that weight. Which branch was taken belongs to the
    choice.

    "sobol" is the total-order index of Saltelli et al. (2010), "Variance based sensitivity analysis
    of model output", table 2 (f); "ped-anova" is of Watanabe, Bansal and Hutter (2023), "PED-ANOVA:
    efficiently quantifying hyperparameter importance in arbitrary subspaces"; "ablation" is of
    Fawcett and Hoos (2016), "Analysing differences between algorithm configurations through
    ablation", and with the GP of Biedenkapp et al. (2017), "Efficient parameter importance analysis
    via ablation with surrogates".

    Args:
        trials: Trials of any kind, also those that were loaded to be read; a Tuner; or a History.
        method: see above.
        labels: those that share the 1; None for all. Not for "ablation".
        quantile: for "ped-anova": the best trials are this share of all, above 0 and below 1, but
            5 at least.
        region: for "ped-anova": the share of all trials, the best ones, among which these stand
            out: 1 asks what made trials good at all, 0.25 what still mattered among the best
            quarter. Above ``quantile`` and at most 1.
        against: for "ped-anova": "trials" compares the best with the region's other trials, and
            "space" with the prior, as if that had been searched at random, which shows where the
            search went. "space" needs ``region=1``.
        default: for "ablation": where the path begins: values by label, or a configuration, as
            ``points_to_evaluate`` takes them.
        objective: for "ablation": evaluates each configuration of the path but the last, in this
            thread, d times at most for d labels that differ.
        draws: for "sobol": size n of the sample, at least 16; the GP predicts the losses of up to
            n (d + 1) candidates for d labels.
        seed: of these draws, and of the fit; the same seed gives the same answer.

    Returns:
        An Importance: a mapping of labels to shares that shows itself in a notebook.

    Raises:
        ValueError: fewer than 10 trials have a loss, or all have the same; a label that the space
            does not have; no ``default`` for "ablation"; a setting out of its range, or of another
            method.
        TypeError: ``trials`` are none, or ``objective`` is no function.
        InvalidTrial: ``default`` is no candidate of the space.
    """
    one_of("method", method, METHODS)
    _refuse_settings_of_others(
        method,
        {
            "labels": (labels is not None, ("ped-anova", "sobol")),
            "quantile": (quantile != 0.1, ("ped-anova",)),
            "region": (region != 1.0, ("ped-anova",)),
            "against": (against != "trials", ("ped-anova",)),
            "default": (default is not None, ("ablation",)),
            "objective": (objective is not None, ("ablation",)),
            "draws": (draws != _DRAWS, ("sobol",)),
        },
    )
    history = history_of(trials)
    space = history.space
    names = _checked_labels(labels, space)
    whole("seed", seed, 0)
    X, y = observations(history)
    _refuse_few(y)
    if method == "ped-anova":
        return _by_densities(space, X, y, names, quantile, region, against)
    rng = np.random.default_rng(seed)
    if method == "sobol":
        return _by_variance(history, names, whole("draws", draws, 16), rng)
    return _by_path(history, default, objective, rng)


def _refuse_settings_of_others(method: str, given: dict[str, tuple[bool, tuple[str, ...]]]) -> None:
    for name, (is_set, methods) in given.items():
        if is_set and method not in methods:
            whose = " and ".join(map(repr, methods))
            raise ValueError(f"`{name}` is a setting of {whose}, but the method is {method!r}")


def _checked_labels(labels: Any, space: Space) -> tuple[str, ...]:
    if labels is None:
        return space.labels
    if isinstance(labels, str):
        raise ValueError(f"`labels` must be a list of labels, but got {labels!r:.100}")
    for label in labels:
        if label not in space.column:
            known = ", ".join(map(repr, space.labels))
            raise ValueError(f"the space has no label {label!r:.100}; it has {known:.500}")
    chosen = tuple(label for label in space.labels if label in set(labels))
    if not chosen:
        raise ValueError("`labels` must hold at least one label, but got none")
    return chosen


def _refuse_few(y: Array) -> None:
    if len(y) < _LEAST:
        raise ValueError(
            f"importance needs at least {_LEAST} trials with a loss, but there "
            f"{'is' if len(y) == 1 else 'are'} {len(y)}"
        )
    if y.min() == y.max():
        raise ValueError(
            f"importance needs losses that differ, but all {len(y)} trials have the loss {y[0]:g}"
        )


@own_arithmetic
def _by_densities(
    space: Space,
    X: Array,
    y: Array,
    names: tuple[str, ...],
    quantile: float,
    region: float,
    against: str,
) -> Importance:
    quantile = real("quantile", quantile, above=0, most=1)
    region = real("region", region, above=0, most=1)
    one_of("against", against, _AGAINST)
    if not quantile < region:
        raise ValueError(
            f"`quantile` must be below `region`, but got quantile={quantile:g} and "
            f"region={region:g}"
        )
    if against == "space" and region < 1:
        raise ValueError(f"against='space' needs region=1, but got region={region:g}")
    inside = best_rows(y, _count(region, len(y), 2 * LEAST_TOP))
    top = best_rows(y, _count(quantile, len(y), LEAST_TOP))[inside]
    found = explained_by(space, X[inside], top, whole_space=against == "space")
    by_label = _rows(space, found.of_all, found.active, found.where_active)
    among = f"all {len(y)}" if region == 1 else f"the best {len(top)}"
    words = f"being one of the best {int(top.sum())} among {among} trials"
    notes = []
    if top.all():
        notes.append("The best trials cannot be told from the others: their losses are the same.")
    elif not sum(by_label[name][0] for name in names) > 0:
        notes.append("No label says more about it than chance would.")
    else:
        total = min(1.0, sum(by_label[name][0] for name in names))
        notes.append(f"By themselves, the labels explain {total:.0%} of it.")
    return Importance(
        "ped-anova", words, shared({name: by_label[name] for name in names}), notes=tuple(notes)
    )


def _rows(space: Space, *columns: Array) -> dict[str, tuple[float, float, float]]:
    """Three (d,) columns by label."""
    rows = zip(*(column.tolist() for column in columns), strict=True)
    return dict(zip(space.labels, rows, strict=True))


def _count(share: float, n: int, least: int) -> int:
    """How many of n trials a share is."""
    return min(n, max(least, math.ceil(share * n - 1e-9)))


@on_one_thread
@own_arithmetic
def _by_variance(
    history: History, names: tuple[str, ...], draws: int, rng: np.random.Generator
) -> Importance:
    space, fitted = history.space, Fitted.to(history, rng)
    found = total_order(fitted.mean, space, rng, draws)
    by_label = _rows(space, found.index, found.active, found.where_active)
    return Importance(
        "sobol",
        f"total-order Sobol indices of a GP of {_some_of(fitted, history)} losses",
        shared({name: by_label[name] for name in names}),
        notes=_on_accuracy(fitted),
    )


def _some_of(fitted: Fitted, history: History) -> str:
    count, of = len(fitted.losses), history.count(Status.OK)
    return str(of) if of <= MOST else f"{count} of {of}"


def _on_accuracy(fitted: Fitted) -> tuple[str, ...]:
    told = (
        f"The GP predicts {max(0.0, fitted.accuracy):.0%} of the variance of losses that it was "
        "not shown"
    )
    return (f"{told}{'.' if fitted.accuracy >= _POOR else ': take this for a guess.'}",)


@own_arithmetic
def _fitted_path(history: History, default: Array, best: Array, evaluate: Any, rng: Any) -> Any:
    fitted = Fitted.to(history, rng)
    return fitted, *path(history.space, default, best, fitted.loss, evaluate)


def _by_path(
    history: History, default: Any, objective: Any, rng: np.random.Generator
) -> Importance:
    space = history.space
    if default is None:
        raise ValueError("an ablation needs `default`, the configuration that its path begins with")
    if objective is not None and not callable(objective):
        raise TypeError(f"`objective` must be a function, but got {objective!r:.100}")
    trial = history.best
    if trial is None:  # there are losses, so there is a best one
        raise ValueError("an ablation needs a best trial, but there is none")
    start, best = space.encode(values_of(space, default)), history.X[trial.number].copy()
    evaluate = None
    if objective is not None:
        evaluate = evaluated_by(objective, space, {best.tobytes(): float(history.y[trial.number])})
    fitted, first, steps = _fitted_path(history, start, best, evaluate, rng)
    gains = {step.label: max(0.0, step.gain) if step.gain == step.gain else 0.0 for step in steps}
    by_label = {name: (gains.get(name, 0.0), 1.0, gains.get(name, 0.0)) for name in space.labels}
    notes = [] if objective is not None else list(_on_accuracy(fitted))
    if not steps:
        notes.insert(0, f"The default is the best configuration, that of trial {trial.number}.")
    if first.error is not None:
        notes.insert(0, f"The objective failed for the default: {first.error}")
    whose = "the objective" if objective is not None else "a GP"
    return Importance(
        "ablation",
        f"what each change gains from the default to trial {trial.number}, by {whose}",
        shared(by_label),
        steps,
        first.loss,
        tuple(notes),
    )
