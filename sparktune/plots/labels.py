"""Pictures of losses against labels, and of which labels matter."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..importance import Importance, importance
from ..space.distributions import Array
from . import arrays
from .arrays.door import drawable
from .arrays.labels import pair_of
from .style import (
    BEST,
    BLACK,
    BLUE,
    GRAY,
    MARKS,
    beyond,
    color_bar,
    faded,
    found_at,
    grid_of,
    mark_best,
    note,
    one_axes,
    plural,
    safe,
    set_axis,
    set_losses,
    short,
    spread,
)

__all__ = [
    "plot_contour", "plot_parallel_coordinate", "plot_param_importances", "plot_rank", "plot_slice",
]  # fmt: skip

_LEVELS = 12
_MOST_BARS = 25


def plot_slice(trials: Any, labels: Any = None, ax: Any = None) -> Any:
    """Draw losses against each label: the later a trial, the lighter; failed ones at the top.

    Args:
        trials: as in ``plot_optimization_history``.
        labels: a list of labels; None for all, of more than 20 those that matter most.
        ax: Axes to draw into, one for each label; None for a new figure.

    Returns:
        An array of Axes; for a single label the Axes.

    Raises:
        ImportError: matplotlib is not installed.
        TypeError, ValueError: no trials, or a label that the space does not have.
    """
    found = arrays.slices(trials, labels)
    axes = grid_of(ax, len(found), 4, (2.9, 2.5))
    last = max((int(each.numbers.max()) for each in found if len(each.numbers)), default=0)
    drawn = None
    for own, each in zip(axes, found, strict=True):
        drawn = _slice(own, each, last) or drawn
    for place, own in enumerate(axes):
        own.set_ylabel("loss" if place % 4 == 0 or ax is not None else "")
    if drawn is not None:
        color_bar(axes if len(axes) > 1 else axes[0], drawn, "trial", aspect=30)
    _title_of_all(axes, ax, f"Losses against {plural(len(found), 'label')}", trials, len(found))
    return axes if len(axes) > 1 else axes[0]


def _slice(ax: Any, each: arrays.Slice, last: int) -> Any:
    axis, losses, x = each.axis, each.losses, each.values
    if axis.scale == "options":
        x = x + spread(each.numbers)
    inside = (losses >= each.loss_axis.low) & (losses <= each.loss_axis.high)
    drawn = None
    if len(x):
        drawn = ax.scatter(
            axis.clip(x[inside]), losses[inside], c=each.numbers[inside], cmap="viridis", vmin=0,
            vmax=max(last, 1), s=18, edgecolor="white", linewidth=0.3, alpha=0.9,
            rasterized=len(x) > 3000,
        )  # fmt: skip
    out = beyond(ax, axis.clip(x), losses, each.loss_axis, edgecolor=GRAY)
    if len(each.failed):
        is_choice = axis.scale == "options"
        tried = each.failed + (spread(np.arange(len(each.failed))) if is_choice else 0)
        color, marker = MARKS["failed"]
        ax.scatter(
            axis.clip(tried), np.full(len(tried), 0.955), transform=ax.get_xaxis_transform(), s=16,
            color=color, marker=marker, linewidth=0.8, alpha=faded(len(tried)),
        )  # fmt: skip
    set_losses(ax, each.loss_axis, "", above=True)
    low, high = ax.get_ylim()
    ax.set_ylim(low, high + (0.05 * (high - low) if len(each.failed) or out else 0))
    set_axis(ax, "x", axis)
    at = found_at(each.numbers, each.best_trial)
    if len(at):
        mark_best(ax, float(axis.clip(x[at])[0]), losses[at][0], each.loss_axis)
    if not len(x):
        note(ax, "no trial with a loss has it")
    return drawn


def _title_of_all(axes: Any, ax: Any, title: str, trials: Any, shown: int) -> None:
    """A title above all pictures of a new figure, or above the first one."""
    count = len(drawable(trials).space)
    if shown < count:
        title += f" of {count}, those that matter most"
    if ax is None and len(axes) > 1:
        axes[0].figure.suptitle(title, fontsize="medium")
    else:
        axes[0].set_title(title, fontsize="medium")


def plot_contour(trials: Any, labels: Any = None, ax: Any = None) -> Any:
    """Draw losses over two labels, interpolated between the trials; of more, over each pair.

    Args:
        trials: as in ``plot_optimization_history``.
        labels: two labels or more; None for the two of the best trial that matter most.
        ax: Axes to draw into, for n labels one or n² of them; None for a new figure.

    Returns:
        The Axes; for n > 2 labels an (n, n) array of them, empty ones on the diagonal.

    Raises:
        ImportError: matplotlib is not installed.
        TypeError, ValueError: no trials, none with a loss, or a label that the space does not have.
    """
    return _pairs(trials, labels, ax, "a contour", _contour)


def plot_rank(trials: Any, labels: Any = None, ax: Any = None) -> Any:
    """Draw the trials over two labels, coloured by the rank of their losses; of more, each pair.

    Args:
        trials: as in ``plot_optimization_history``.
        labels: two labels or more; None for the two of the best trial that matter most.
        ax: Axes to draw into, for n labels one or n² of them; None for a new figure.

    Returns:
        The Axes; for n > 2 labels an (n, n) array of them, empty ones on the diagonal.

    Raises:
        ImportError: matplotlib is not installed.
        TypeError, ValueError: no trials, none with a loss, or a label that the space does not have.
    """
    return _pairs(trials, labels, ax, "a plot of ranks", _rank)


def _pairs(trials: Any, labels: Any, ax: Any, what: str, draw: Any) -> Any:
    names = pair_of(trials, labels, what)
    if len(names) == 2:
        own = one_axes(ax, (6.4, 4.8))
        drawn, text = draw(own, trials, *names)
        if drawn is not None:
            bar = color_bar(own, drawn, text)
            if draw is _rank:
                losses = arrays.contour(trials, *names, grid=False).losses
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
            found, text = draw(own, trials, x, y)
            drawn = found if found is not None else None
            own.set_title("")
            own.set_xlabel(own.get_xlabel() if row == n - 1 else "")
            own.set_ylabel(own.get_ylabel() if column == 0 else "")
            own.tick_params(labelsize="small")
    if drawn is not None:
        color_bar(axes.ravel(), drawn, text, aspect=40)
    return axes


def _contour(ax: Any, trials: Any, x: str, y: str) -> tuple[Any, str]:
    found = arrays.contour(trials, x, y)
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
    ax.set_title(f"Losses over two labels, {plural(len(found.numbers), 'trial')}")
    return drawn, "loss, between the trials"


def _edges(axis: arrays.Axis, grid: Array) -> Array:
    """Ends of the cells around grid points."""
    places = axis.place(grid)
    middle = axis.at((places[1:] + places[:-1]) / 2)
    return np.concatenate([[axis.low], middle, [axis.high]])


def _rank(ax: Any, trials: Any, x: str, y: str) -> tuple[Any, str]:
    found = arrays.contour(trials, x, y, grid=False)
    style = {
        "c": arrays.ranks(found.losses), "cmap": "viridis", "vmin": 0, "vmax": 1, "s": 26,
        "edgecolor": "white", "linewidth": 0.4,
    }  # fmt: skip
    drawn = _points(ax, found, style)
    ax.set_title(f"Ranks of losses, {plural(len(found.numbers), 'trial')}")
    return drawn, "rank of the loss (and the loss): 0 is the best"


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


def plot_parallel_coordinate(trials: Any, labels: Any = None, ax: Any = None) -> Any:
    """Draw each trial as a line across its loss and its labels; the darker, the lower the loss.

    Where a label is inactive, a line goes below its axis.

    Args:
        trials: as in ``plot_optimization_history``.
        labels: a list of labels, in the order in which they are to stand; None for all, of more
            than 20 those that matter most.
        ax: Axes to draw into; None for a new figure.

    Returns:
        The Axes.

    Raises:
        ImportError: matplotlib is not installed.
        TypeError, ValueError: no trials, none with a loss, or a label that the space does not have.
    """
    found = arrays.parallel_coordinates(trials, labels)
    from matplotlib.collections import LineCollection

    d = len(found.axes)
    ax = one_axes(ax, (max(7.0, 1.25 * (d + 1)), 4.6))
    off = -0.12
    heights = np.column_stack([found.loss_places, found.places])
    heights = np.where(np.isnan(heights), off, heights)
    for column, axis in enumerate(found.axes, 1):
        if axis.scale == "options":
            on = heights[:, column] != off
            room = 0.35 / max(len(axis.options), 2)
            moved: Any = heights[:, column] + spread(found.numbers, room)
            heights[:, column] = np.where(on, np.clip(moved, 0, 1), off)
    paths = np.stack([np.broadcast_to(np.arange(d + 1.0), heights.shape), heights], axis=2)
    n = len(paths)
    lines = LineCollection(
        list(paths), cmap="viridis", linewidths=0.9,
        alpha=float(np.clip(12 / np.sqrt(n), 0.15, 0.8)),
        rasterized=n > 1000,
    )  # fmt: skip
    lines.set_array(found.loss_axis.clip(found.losses))
    low, high = found.loss_axis.low, found.loss_axis.high
    lines.set_clim(low, high if high > low else low + max(abs(low), 1.0) * 1e-3)
    ax.add_collection(lines)
    ax.plot(*paths[-1].T, color=BLACK, linewidth=3.2, zorder=4)
    ax.plot(*paths[-1].T, color=BEST["facecolor"], linewidth=1.6, zorder=5)
    for column, axis in enumerate((found.loss_axis, *found.axes)):
        ax.axvline(column, ymin=0, ymax=1, color=GRAY, linewidth=0.8, zorder=2)
        _ticks(ax, column, axis)
    if (heights == off).any():
        ax.axhline(off, color=GRAY, linewidth=0.6, linestyle=":", zorder=1)
        ax.set_yticks([off], ["inactive"])
    else:
        ax.set_yticks([])
    names = [safe(axis.label, 16) for axis in (found.loss_axis, *found.axes)]
    turned = {"rotation": 30, "ha": "right", "rotation_mode": "anchor"} if d > 7 else {}
    ax.set_xticks(range(d + 1), names, **turned)
    ax.set_xlim(-0.15, d + 0.75)
    ax.set_ylim(off - 0.06, 1.06)
    for side in ("top", "right", "left", "bottom"):
        ax.spines[side].set_visible(False)
    ax.tick_params(length=0)
    title = f"{plural(n, 'trial')} across {plural(d, 'label')}, the best one on top"
    count = len(drawable(trials).space)
    ax.set_title(
        title + (f" (those that matter most of {count})" if labels is None and d < count else "")
    )
    bar = color_bar(ax, lines, "loss", pad=0.01)
    bar.solids.set_alpha(1)
    return ax


def _ticks(ax: Any, column: int, axis: arrays.Axis) -> None:
    """A few values beside one of the parallel axes."""
    if axis.scale == "options":
        step = -(-len(axis.options) // 8)
        values = np.arange(0, len(axis.options), step, dtype=float)
        names = [safe(axis.options[int(v)], 10) for v in values]
    else:
        values = axis.at(np.linspace(0, 1, 4))
        values = np.unique(np.round(values)) if axis.whole and axis.high - axis.low >= 3 else values
        names = [short(value) for value in values.tolist()]
    for place, name in zip(axis.place(values), names, strict=True):
        ax.text(
            column + 0.03, place, name, fontsize="x-small", va="center", zorder=6,
            bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.7, "pad": 0.4},
        )  # fmt: skip


def plot_param_importances(trials: Any, ax: Any = None, **settings: Any) -> Any:
    """Draw which labels mattered, the most important one on top.

    Args:
        trials: an Importance, or trials as in ``plot_optimization_history``.
        ax: Axes to draw into; None for a new figure.
        settings: of ``sparktune.importance.importance``, such as ``method``; for trials alone.

    Returns:
        The Axes.

    Raises:
        ImportError: matplotlib is not installed.
        TypeError, ValueError: no trials, too few to tell, or a wrong setting.
    """
    if isinstance(trials, Importance):
        if settings:
            raise ValueError(f"an Importance has its settings already, but got {settings!r:.100}")
        found = trials
    else:
        found = importance(drawable(trials), **settings)
    rows = found.labels[:_MOST_BARS]
    ax = one_axes(ax, (7.0, 1.2 + 0.32 * len(rows)))
    y = np.arange(len(rows))[::-1]
    shares = np.array([each.share for each in rows])
    bars = ax.barh(y, shares, color=BLUE, height=0.7)
    texts = [
        f"{each.share:.1%}" + ("" if each.active >= 1 else f" (active in {each.active:.0%})")
        for each in rows
    ]
    ax.bar_label(bars, texts, padding=4, fontsize="small")
    ax.set_yticks(y, [safe(each.label, 24) for each in rows])
    ax.set_xlim(0, max(float(shares.max(initial=0.0)) * 1.35, 0.05))
    ax.set_ylim(-0.6, len(rows) - 0.4)
    ax.set_xlabel("share of the importance")
    ax.xaxis.set_major_formatter(_percent())
    left = len(found.labels) - len(rows)
    more = f"; {left} more have less" if left else ""
    ax.set_title(f"Importance by {found.method}{more}")
    return ax


def _percent() -> Any:
    from matplotlib.ticker import PercentFormatter

    return PercentFormatter(1.0, decimals=0)
