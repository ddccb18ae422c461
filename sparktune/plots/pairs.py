"""Pictures of losses over two labels."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..plurals import plural
from ..space.distributions import Array
from . import arrays
from .arrays.labels import pair_of
from .style import (
    BEST,
    BLACK,
    color_bar,
    found_at,
    grid_of,
    losses_or,
    note,
    one_axes,
    safe,
    set_axis,
    spread,
)

__all__ = ["plot_contour", "plot_rank"]

_LEVELS = 12


def plot_contour(
    trials: Any,
    labels: Any = None,
    ax: Any = None,
    *,
    target: Any = None,
    target_name: str | None = None,
) -> Any:
    """Draw losses over two labels, interpolated between the trials; of more, over each pair.

    Args:
        trials: as in ``plot_optimization_history``.
        labels: two labels or more; None for the two of the best trial that matter most.
        ax: Axes to draw into, for n labels one or n² of them; None for a new figure.
        target: another number to draw than the loss: a key of the dict that the objective returned,
            or a function of that dict; the best trial is still that with the lowest loss.
        target_name: what axes call it.

    Returns:
        The Axes; for n > 2 labels an (n, n) array of them, empty ones on the diagonal.

    Raises:
        ImportError: matplotlib is not installed.
        TypeError, ValueError: no trials, none with a loss, a label that the space does not have,
            or no such target.
    """
    return _pairs(trials, labels, ax, "a contour", _contour, (target, target_name))


def plot_rank(
    trials: Any,
    labels: Any = None,
    ax: Any = None,
    *,
    target: Any = None,
    target_name: str | None = None,
) -> Any:
    """Draw the trials over two labels, coloured by the rank of their losses; of more, each pair.

    Args:
        trials: as in ``plot_optimization_history``.
        labels: two labels or more; None for the two of the best trial that matter most.
        ax: Axes to draw into, for n labels one or n² of them; None for a new figure.
        target: another number to draw than the loss: a key of the dict that the objective returned,
            or a function of that dict; the best trial is still that with the lowest loss.
        target_name: what axes call it.

    Returns:
        The Axes; for n > 2 labels an (n, n) array of them, empty ones on the diagonal.

    Raises:
        ImportError: matplotlib is not installed.
        TypeError, ValueError: no trials, none with a loss, a label that the space does not have,
            or no such target.
    """
    return _pairs(trials, labels, ax, "a plot of ranks", _rank, (target, target_name))


def _pairs(
    trials: Any, labels: Any, ax: Any, what: str, draw: Any, target: tuple[Any, str | None]
) -> Any:
    names = pair_of(trials, labels, what)
    if len(names) == 2:
        own = one_axes(ax, (6.4, 4.8))
        drawn, text = draw(own, trials, *names, target)
        if drawn is not None:
            bar = color_bar(own, drawn, text)
            if draw is _rank:
                losses = arrays.contour(trials, *names, False, *target).losses
                places = np.linspace(0, 1, 5)
                at = np.quantile(losses, places, method="nearest").tolist()
                shown = [f"{p:g} ({y:.3g})" for p, y in zip(places, at, strict=True)]
                bar.set_ticks(places, labels=shown)
        return own
    n = len(names)
    axes = grid_of(ax, n * n, n, (2.3, 2.1)).reshape(n, n)
    for row, y in enumerate(names):
        for column, x in enumerate(names):
            own = axes[row, column]
            if row == column:
                own.set_axis_off()
                own.text(0.5, 0.5, safe(x), ha="center", va="center", transform=own.transAxes)
                continue
            found, text = draw(own, trials, x, y, target)
            drawn = found if found is not None else None
            own.set_title("")
            own.set_xlabel(own.get_xlabel() if row == n - 1 else "")
            own.set_ylabel(own.get_ylabel() if column == 0 else "")
            own.tick_params(labelsize="small")
    if drawn is not None:
        color_bar(axes.ravel(), drawn, text, aspect=40)
    return axes


def _contour(
    ax: Any, trials: Any, x: str, y: str, target: tuple[Any, str | None]
) -> tuple[Any, str]:
    found = arrays.contour(trials, x, y, True, *target)
    drawn = None
    if found.z.size and "options" in (found.x.scale, found.y.scale):
        drawn = ax.pcolormesh(
            _edges(found.x, found.grid_x), _edges(found.y, found.grid_y), found.z, cmap="cividis",
            rasterized=True,
        )  # fmt: skip
    elif min(found.z.shape) >= 2 and float(np.ptp(found.z)) > 0:
        levels = np.linspace(found.z.min(), found.z.max(), _LEVELS + 1)
        if (np.diff(levels) > 0).all():
            grid = found.grid_x, found.grid_y, found.z, levels
            drawn = ax.contourf(*grid, cmap="cividis")
            ax.contour(*grid, colors="white", linewidths=0.3, alpha=0.6)
    _points(ax, found, {"color": BLACK, "s": 10, "edgecolor": "white", "linewidth": 0.5})
    what = found.loss_axis.label
    ax.set_title(f"{losses_or(what)} over two labels, {plural(len(found.numbers), 'trial')}")
    return drawn, f"{what}, between the trials"


def _edges(axis: arrays.Axis, grid: Array) -> Array:
    """Ends of the cells around grid points."""
    places = axis.place(grid)
    middle = axis.at((places[1:] + places[:-1]) / 2)
    return np.concatenate([[axis.low], middle, [axis.high]])


def _rank(ax: Any, trials: Any, x: str, y: str, target: tuple[Any, str | None]) -> tuple[Any, str]:
    found = arrays.contour(trials, x, y, False, *target)
    style = {
        "c": arrays.ranks(found.losses), "cmap": "viridis", "vmin": 0, "vmax": 1, "s": 26,
        "edgecolor": "white", "linewidth": 0.4,
    }  # fmt: skip
    drawn = _points(ax, found, style)
    what = found.loss_axis.label
    ax.set_title(f"Ranks of {losses_or(what, 'losses')}, {plural(len(found.numbers), 'trial')}")
    return drawn, f"rank of the {what} (and the {what}): 0 is the lowest"


def _points(ax: Any, found: arrays.Contour, style: dict[str, Any]) -> Any:
    """The trials, those of the lowest losses on top, and the best."""
    order = np.argsort(-found.losses, kind="stable")
    place = {}
    for side, axis, values in (("x", found.x, found.x_values), ("y", found.y, found.y_values)):
        step = 0.7548776662 if side == "x" else 0.5698402910  # no two alike
        moved = values + (spread(found.numbers, 0.6, step) if axis.scale == "options" else 0)
        place[side] = axis.clip(moved)
        set_axis(ax, side, axis, pad=0.02)
    if not len(order):
        note(ax, "no trial with a loss has both")
        return None
    if "c" in style:
        style = {**style, "c": style["c"][order]}
    drawn = ax.scatter(place["x"][order], place["y"][order], zorder=3, **style)
    at = found_at(found.numbers, found.best_trial)
    if len(at):
        ax.scatter(place["x"][at], place["y"][at], **BEST)
    return drawn
