"""Losses against one label, two, or all of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...arithmetic import own_arithmetic
from ...history import History, Status
from ...space.distributions import Array
from .axis import Axis, axis_of
from .door import (
    MANY,
    chosen,
    drawable,
    has_label,
    most_important,
    numbers_of,
    refuse_no_loss,
    values_of,
)
from .target import Target, target_of

__all__ = [
    "Contour", "Parallel", "Slice", "contour", "pair_of", "parallel_coordinates", "ranks", "slices",
]  # fmt: skip

Ints = NDArray[np.intp]

_GRID = 64  # points of a contour, each way
_ACROSS = 1e-4  # weight of a neighbour that is another option


@dataclass(frozen=True)
class Slice:
    """The losses of the trials in which a label is active.

    Attributes:
        axis: of the label.
        numbers, values, losses: (n,) of trials with a loss, or with the target in its place.
        failed: (m,) values of trials that failed or ran out of time.
        pruned: (k,) values of trials that were pruned.
        loss_axis: of all losses, the same for each label.
        best_trial: number of the best trial; None without one.
    """

    axis: Axis
    numbers: Ints
    values: Array
    losses: Array
    failed: Array
    pruned: Array
    loss_axis: Axis
    best_trial: int | None


@own_arithmetic
def slices(
    trials: Any, labels: Any = None, target: Any = None, target_name: str | None = None
) -> tuple[Slice, ...]:
    """Losses against each label.

    Args:
        trials: the trials.
        labels: a list of labels; None for all, of more than 20 those that matter most.
        target: another number to show than the loss; see ``target_of``.
        target_name: its name.

    Raises:
        TypeError, ValueError: no trials, a label that the space does not have, or no such target.
    """
    history = drawable(trials)
    names = chosen(labels, history.space) or most_important(history, MANY)
    shown = target_of(history, target, target_name)
    return tuple(_slice(history, name, shown) for name in names)


def _slice(history: History, label: str, shown: Target) -> Slice:
    tried = numbers_of(history)
    values = values_of(history, label, tried)
    axis = axis_of(history.space.params[history.space.column[label]], values)
    active, status = ~np.isnan(values), history.status[tried]
    ok = active & (status == Status.OK) & ~np.isnan(shown.y[tried])
    failed = active & np.isin(status, (Status.FAILED, Status.TIMED_OUT))
    pruned = active & (status == Status.PRUNED)
    return Slice(
        axis, tried[ok], values[ok], shown.y[tried[ok]], values[failed], values[pruned], shown.axis,
        shown.best_trial,
    )  # fmt: skip


@dataclass(frozen=True)
class Contour:
    """Two labels, the n trials with a loss in which both are active, and the losses between them.

    Attributes:
        x, y: axes of the labels.
        numbers: (n,) of the trials.
        x_values, y_values, losses: (n,) of these trials.
        grid_x, grid_y: (a,) and (b,) values, evenly spaced on the axes; of a choice, options.
        z: (b, a) losses there: those of the trials, at the grid point that is nearest to each
            (their mean, where there are several), and between them the solution of Laplace's
            equation, so that a point has the mean of its neighbours. Neighbours across two options
            count next to nothing, since these have no order. Infinite losses and others far
            beyond the rest count as the end of ``loss_axis``. Empty where no trial has both.
        loss_axis: of the losses.
        best_trial: number of the best trial, where it is one of these; else None.
    """

    x: Axis
    y: Axis
    numbers: Ints
    x_values: Array
    y_values: Array
    losses: Array
    grid_x: Array
    grid_y: Array
    z: Array
    loss_axis: Axis
    best_trial: int | None


def pair_of(trials: Any, labels: Any, what: str) -> tuple[str, ...]:
    """The labels that were asked for, two or more; None: the two that matter most.

    Raises:
        TypeError, ValueError: no trials, no trial with a loss, fewer than two labels, or one that
            the space does not have.
    """
    history = drawable(trials)
    refuse_no_loss(history, what)
    names = chosen(labels, history.space)
    if names is None:
        names = most_important(history, 2, _together(history))
    if len(names) < 2:
        told = f"the space has {len(history.space)}" if labels is None else f"got {names[0]!r}"
        raise ValueError(f"{what} needs two labels, but {told}")
    return names


def _together(history: History) -> tuple[str, ...] | None:
    """Labels that were active in the best trial, if they are two or more."""
    best = history.best
    labels = () if best is None else tuple(best.values)
    return labels if len(labels) > 1 else None


@own_arithmetic
def contour(
    trials: Any,
    x: str,
    y: str,
    grid: bool = True,
    target: Any = None,
    target_name: str | None = None,
) -> Contour:
    """Losses over two labels.

    Args:
        trials: the trials.
        x: the label across.
        y: the label upwards.
        grid: whether losses are interpolated; else ``z`` is empty.
        target: another number to show than the loss; see ``target_of``.
        target_name: its name.

    Raises:
        TypeError, ValueError: no trials, no trial with a loss, a label that the space does not
            have, or no such target.
    """
    history = drawable(trials)
    space = history.space
    for label in (x, y):
        has_label(space, label)
    shown = target_of(history, target, target_name)
    shown.refuse_none("a contour")
    tried = numbers_of(history)
    values = [values_of(history, label, tried) for label in (x, y)]
    axes = [axis_of(space.params[space.column[n]], v) for n, v in zip((x, y), values, strict=True)]
    has = np.isin(tried, shown.numbers)
    both = ~np.isnan(values[0]) & ~np.isnan(values[1]) & has
    numbers, (xs, ys) = tried[both], (v[both] for v in values)
    losses, loss_axis = shown.y[numbers], shown.axis
    grid_x, grid_y = axes[0].grid(_GRID), axes[1].grid(_GRID)
    z = np.empty((0, 0))
    if grid and len(numbers):
        columns = _nearest(axes[0], grid_x, xs), _nearest(axes[1], grid_y, ys)
        shape = len(grid_y), len(grid_x)
        links = tuple(_ACROSS if axis.scale == "options" else 1.0 for axis in axes)
        z = _between(columns[1] * shape[1] + columns[0], loss_axis.clip(losses), shape, links)
    best = shown.best_trial if shown.best_trial in set(numbers.tolist()) else None
    return Contour(axes[0], axes[1], numbers, xs, ys, losses, grid_x, grid_y, z, loss_axis, best)


def _nearest(axis: Axis, grid: Array, values: Array) -> Ints:
    """The place of the grid that is nearest to each value."""
    places = axis.place(grid)
    edges = (places[1:] + places[:-1]) / 2
    return np.searchsorted(edges, axis.place(values)).astype(np.intp)


def _between(
    cells: Ints, losses: Array, shape: tuple[int, int], weights: tuple[float, ...]
) -> Array:
    """Losses everywhere, from those at some cells, by Laplace's equation on the grid.

    ``weights`` are those of neighbours across and upwards.
    """
    from scipy.sparse import csr_array, diags_array
    from scipy.sparse.linalg import spsolve

    b, a = shape
    count = np.bincount(cells, minlength=a * b)
    known = count > 0
    low, high = float(losses.min()), float(losses.max())
    span = (high - low) or 1.0
    z = np.bincount(cells, (losses - low) / span, a * b) / np.maximum(count, 1)
    if not known.all():
        at = np.arange(a * b).reshape(b, a)
        pairs = [(at[:, 1:].ravel(), at[:, :-1].ravel()), (at[1:].ravel(), at[:-1].ravel())]
        here = np.concatenate([each for pair in pairs for each in pair])
        there = np.concatenate([each for pair in pairs for each in pair[::-1]])
        weight = np.repeat(weights, [2 * len(each) for each, _ in pairs])
        links = csr_array((weight, (here, there)), shape=(a * b, a * b))
        free = np.flatnonzero(~known)
        L = diags_array(links.sum(1)[free]) - links[free][:, free]
        z[free] = spsolve(L.tocsc(), links[free][:, np.flatnonzero(known)] @ z[known])
    found: Array = (low + span * z).reshape(b, a)
    return found


def ranks(losses: Array) -> Array:
    """Ranks of losses, 0 for the lowest and 1 for the highest; equal ones share their mean."""
    n = len(losses)
    ordered = np.sort(losses)
    first, last = (np.searchsorted(ordered, losses, side) for side in ("left", "right"))
    found: Array = (first + last - 1) / 2 / max(n - 1, 1)
    return found


@dataclass(frozen=True)
class Parallel:
    """The n trials with a loss as lines across d axes.

    Attributes:
        axes: of the labels.
        numbers: (n,) of the trials, those with the highest losses first, so that the best is
            drawn last.
        losses: (n,) their losses.
        loss_places: (n,) where losses are on ``loss_axis``, from 0 to 1; those beyond it at an end.
        places: (n, d) where values are on their axes, from 0 to 1; nan where a label is inactive.
        loss_axis: of the losses.
        best_trial: number of the best trial.
    """

    axes: tuple[Axis, ...]
    numbers: Ints
    losses: Array
    loss_places: Array
    places: Array
    loss_axis: Axis
    best_trial: int | None


@own_arithmetic
def parallel_coordinates(
    trials: Any, labels: Any = None, target: Any = None, target_name: str | None = None
) -> Parallel:
    """Every trial as a line across its loss and its labels.

    Args:
        trials: the trials.
        labels: a list of labels, in the order in which they are to stand; None for all, of more
            than 20 those that matter most.
        target: another number to show than the loss; see ``target_of``.
        target_name: its name.

    Raises:
        TypeError, ValueError: no trials, no trial with a loss, a label that the space does not
            have, or no such target.
    """
    history = drawable(trials)
    shown = target_of(history, target, target_name)
    shown.refuse_none("a plot of parallel coordinates")
    space = history.space
    names = chosen(labels, space) or most_important(history, MANY)
    tried, ok = numbers_of(history), shown.numbers
    ok = ok[np.argsort(-history.y[ok], kind="stable")]
    best = shown.best_trial
    if best is not None:  # the earlier of two that are alike
        ok = np.append(ok[ok != best], best)
    places, axes = np.empty((len(ok), len(names))), []
    for column, name in enumerate(names):
        values = values_of(history, name, tried)
        axis = axis_of(space.params[space.column[name]], values)
        axes.append(axis)
        places[:, column] = axis.place(values[np.searchsorted(tried, ok)])
    losses, loss_axis = shown.y[ok], shown.axis
    at = loss_axis.place(loss_axis.clip(losses))
    return Parallel(tuple(axes), ok, losses, at, places, loss_axis, best)
