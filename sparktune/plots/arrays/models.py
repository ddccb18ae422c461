"""What models of a search believe: the densities l and g of TPE, and the GP along a label."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...arithmetic import own_arithmetic
from ...blas import on_one_thread
from ...checks import whole
from ...history import History, Status
from ...space.distributions import Array, Distribution
from ...space.nodes import Param
from ...space.tree import Space
from ...suggest.axes import Axes
from ...suggest.candidates import observations, with_pruned
from ...suggest.surrogates.gp import GP, fit_warped
from ...suggest.surrogates.parzen import Bandwidths, Parzen
from ...suggest.tpe import TPE, lowest
from .axis import Axis, axis_of, axis_of_numbers
from .door import best_number, drawable, has_label, refuse_no_loss, values_of
from .priors import latents, listed

__all__ = ["Densities", "Surrogate", "densities", "surrogate"]

_GRID = 200  # points of a curve
_FITTED = GP(most=200, most_fitted=64, warp=False)
_BAND = 2.0  # deviations


@dataclass(frozen=True)
class Densities:
    """What TPE believes of one label, where it is active: m values.

    l and g are densities of whole candidates; these are their marginal densities, of a continuous
    label by its value or, where that has a logarithm, by the natural logarithm, of a discrete label
    probabilities.

    Attributes:
        axis: of the label.
        x: (m,) its values.
        l, g, prior: (m,) of good trials, of all, and before any.
        discrete: whether these are probabilities.
        good, others: values in the good trials and in the others, of those in which it is active.
        count: how many trials are good, also those in which it is inactive.
        best: its value in the best trial; nan where it is inactive there.
    """

    axis: Axis
    x: Array
    l: Array  # noqa: E741 (the paper's name)
    g: Array
    prior: Array
    discrete: bool
    good: Array
    others: Array
    count: int
    best: float


@own_arithmetic
def densities(trials: Any, label: str, tpe: TPE | None = None) -> Densities:
    """The densities l and g of TPE at the present state of the history.

    Args:
        trials: the trials, of any method.
        label: of the space.
        tpe: its settings; None for the defaults.

    Raises:
        TypeError, ValueError: no trials, none with a loss, a label that the space does not have, or
            one that was active in none of these.
    """
    history = drawable(trials)
    if tpe is not None and not isinstance(tpe, TPE):
        raise TypeError(f"`tpe` must be a TPE(...), but got {tpe!r:.100}")
    space, tpe = history.space, tpe or TPE()
    j = space.column[has_label(space, label)]
    refuse_no_loss(history, "the densities of TPE")
    X, y = with_pruned(history)
    refuse_never_active(X[:, j], label)
    l, g = tpe.fit(space, history)  # noqa: E741
    distribution = space.distributions[j]
    tried = np.array([distribution.value(z) for z in X[~np.isnan(X[:, j]), j].tolist()])
    axis = axis_of(space.params[j], tried)
    x = listed(distribution, axis) if distribution.discrete else axis.grid(_GRID)
    z = latents(distribution, x)
    good = np.zeros(len(y), bool)
    good[lowest(y, len(l.w))[0]] = True
    good = good[~np.isnan(X[:, j])]
    number = best_number(history)
    best = np.nan if number is None else history[number].values.get(label, np.nan)
    return Densities(
        axis, x, _marginal(l, j, z), _marginal(g, j, z), np.exp(distribution.log_prior(z)),
        distribution.discrete, tried[good], tried[~good], len(l.w), float(best),
    )  # fmt: skip


def refuse_never_active(z: Array, label: str) -> None:
    """Raise ValueError where no trial has a label."""
    if np.isnan(z).all():
        raise ValueError(f"{label!r} was not active in any trial with a loss, so that nothing "
                         "is known of it")  # fmt: skip


def _marginal(mixture: Parzen, j: int, z: Array) -> Array:
    """Density of one label's latents z under a mixture, given that the label is active."""
    space = mixture.space
    axes = Axes.of(space)
    own = Space(Param(space.labels[j], space.distributions[j]))  # without what hangs on a choice
    numeric = np.flatnonzero(axes.numeric == j)
    categorical = np.flatnonzero(axes.categorical == j)
    bandwidths = Bandwidths(
        mixture.bandwidths.sigma[numeric], mixture.bandwidths.leave[categorical]
    )
    units, codes = mixture.units[:, numeric], mixture.codes[:, categorical]
    its = ~np.isnan(units[:, 0] if len(numeric) else codes[:, 0])
    share, of_prior = _active(mixture, j)
    share = mixture.w * share
    # a kernel of a trial without the label draws it from its prior
    prior = mixture.w_prior * of_prior + float(share[~its].sum())
    total = prior + float(share[its].sum())
    marginal = Parzen(own, units[its], codes[its], share[its] / total, prior / total, bandwidths)
    return np.exp(marginal.log_prob(z[:, None]))


def _active(mixture: Parzen, j: int) -> tuple[Array, float]:
    """(n,) probability that label j is active in a draw of each kernel, and in one of the prior.

    Exact where one choice alone activates a label; of several they are taken for independent.
    """
    space, axes = mixture.space, Axes.of(mixture.space)
    n = len(mixture.w)
    if not space.parents[j]:
        return np.ones(n), 1.0
    kernels, prior = np.ones(n), 1.0
    for column in dict.fromkeys(column for column, _ in space.parents[j]):
        options = [option for parent, option in space.parents[j] if parent == column]
        k = int(np.flatnonzero(axes.categorical == column)[0])
        own, leave = mixture.codes[:, k], mixture.bandwidths.leave[k]
        p = float(axes.options[k][options].sum())
        took = np.where(np.isnan(own), p, leave * p + (1 - leave) * np.isin(own, options))
        above, above_prior = _active(mixture, column)
        kernels, prior = kernels * (1 - above * took), prior * (1 - above_prior * p)
    return 1 - kernels, 1 - prior


@dataclass(frozen=True)
class Surrogate:
    """The GP of the losses along one label, m values.

    Attributes:
        axis: of the label.
        x: (m,) its values; of a choice those of its options that some trial with a loss has.
        mean, low, high: (m,) losses: the mean, and the ends of a band of two deviations on each
            side, as the GP believes of the loss without its noise. It is fitted to warped losses,
            and these are their way back.
        values, losses: (n,) of the trials that the GP is fitted to, in which the label is active.
        others: label to value of all other labels, of a choice the option's name, as they are in
            the best trial that has the label (of a choice, the best with each option).
        base: number of that trial; of a choice that of the best.
        loss_axis: of the losses.
        left_out: how many trials with a loss the GP has not seen, since it sees 200 at most.
    """

    axis: Axis
    x: Array
    mean: Array
    low: Array
    high: Array
    values: Array
    losses: Array
    others: dict[str, int | float | str]
    base: int
    loss_axis: Axis
    left_out: int


@on_one_thread
@own_arithmetic
def surrogate(trials: Any, label: str, seed: int = 0) -> Surrogate:
    """The GP's mean and band along a label, the others at the best configuration's values.

    Args:
        trials: the trials, of any method.
        label: of the space.
        seed: of the fit.

    Raises:
        TypeError, ValueError: no trials, fewer than three with a loss, a label that the space does
            not have, or one that was active in none of these.
    """
    history = drawable(trials)
    space = history.space
    j = space.column[has_label(space, label)]
    rng = np.random.default_rng(whole("seed", seed, 0))
    refuse_no_loss(history, "a GP", 3)
    X, y = observations(history)
    refuse_never_active(X[:, j], label)
    numbers = np.flatnonzero(history.status == Status.OK)
    axis, rows, x = _along(history, j, X, y)
    posterior, warped = fit_warped(space, X, y, history.variance[numbers], rng, _FITTED)
    mean, sd = posterior.predict(rows)
    back = warped.back
    middle = mean[0]
    active = ~np.isnan(X[:, j])
    base = _best_row(y, active)
    trial = history[int(numbers[base])]
    others = {name: _named(space, name, v) for name, v in trial.values.items() if name != label}
    values = values_of(history, label, numbers[active])
    return Surrogate(
        axis, x, back(middle), back(middle - _BAND * sd), back(middle + _BAND * sd), values,
        y[active], others, int(numbers[base]), axis_of_numbers("loss", y),
        max(0, len(y) - _FITTED.most),
    )  # fmt: skip


def _named(space: Space, label: str, value: int | float) -> int | float | str:
    axis = axis_of(space.params[space.column[label]], np.array([value], float))
    return axis.options[int(value)] if axis.scale == "options" else value


def _best_row(y: Array, among: NDArray[np.bool_]) -> int:
    return (
        int(np.argmin(np.where(among, y, np.inf)))
        if np.isfinite(y[among]).any()
        else int(np.flatnonzero(among)[0])
    )


def _along(history: History, j: int, X: Array, y: Array) -> tuple[Axis, Array, Array]:
    """The axis of a label, rows of latents along it, and its values there."""
    space = history.space
    distribution: Distribution = space.distributions[j]
    tried = np.array([distribution.value(z) for z in X[~np.isnan(X[:, j]), j].tolist()])
    axis = axis_of(space.params[j], tried)
    if axis.scale == "options":
        x = np.unique(tried)
        rows = np.stack([X[_best_row(y, X[:, j] == option)] for option in x])
        return axis, rows, x
    x = listed(distribution, axis) if distribution.discrete else axis.grid(_GRID)
    rows = np.repeat(X[[_best_row(y, ~np.isnan(X[:, j]))]], len(x), axis=0)
    rows[:, j] = latents(distribution, x)
    return axis, rows, x
