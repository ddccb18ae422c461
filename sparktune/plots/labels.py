"""Pictures of losses against each label, and of which labels matter."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..importance import Importance, importance
from ..plurals import plural
from . import arrays
from .arrays.door import drawable
from .arrays.target import LOSS
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
    losses_or,
    mark_best,
    note,
    one_axes,
    safe,
    set_axis,
    set_losses,
    short,
    spread,
)

__all__ = ["plot_parallel_coordinate", "plot_param_importances", "plot_slice"]

_MOST_BARS = 25


def plot_slice(
    trials: Any,
    labels: Any = None,
    ax: Any = None,
    *,
    target: Any = None,
    target_name: str | None = None,
) -> Any:
    """Draw losses against each label: the later a trial, the lighter; failed ones at the top.

    Args:
        trials: as in ``plot_optimization_history``.
        labels: a list of labels; None for all, of more than 20 those that matter most.
        ax: Axes to draw into, one for each label; None for a new figure.
        target: another number to draw than the loss: a key of the dict that the objective returned,
            or a function of that dict; the best trial is still that with the lowest loss.
        target_name: what axes call it.

    Returns:
        An array of Axes; for a single label the Axes.

    Raises:
        ImportError: matplotlib is not installed.
        TypeError, ValueError: no trials, a label that the space does not have, or no such target.
    """
    found = arrays.slices(trials, labels, target, target_name)
    what = found[0].loss_axis.label
    axes = grid_of(ax, len(found), 4, (2.9, 2.5))
    last = max((int(each.numbers.max()) for each in found if len(each.numbers)), default=0)
    drawn = None
    for own, each in zip(axes, found, strict=True):
        drawn = _slice(own, each, last) or drawn
    for place, own in enumerate(axes):
        own.set_ylabel(safe(what) if place % 4 == 0 or ax is not None else "")
    if drawn is not None:
        color_bar(axes if len(axes) > 1 else axes[0], drawn, "trial", aspect=30)
    title = f"{losses_or(what)} against {plural(len(found), 'label')}"
    count = len(drawable(trials).space)
    if labels is None and len(found) < count:
        title += f" of {count}, those that matter most"
    if ax is None and len(axes) > 1:
        axes[0].figure.suptitle(title, fontsize="medium")
    else:
        axes[0].set_title(title, fontsize="medium")
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
        note(ax, f"no trial with {'a loss' if each.loss_axis.label == LOSS else 'it'} has it")
    return drawn


def plot_parallel_coordinate(
    trials: Any,
    labels: Any = None,
    ax: Any = None,
    *,
    target: Any = None,
    target_name: str | None = None,
) -> Any:
    """Draw each trial as a line across its loss and its labels; the darker, the lower the loss.

    Where a label is inactive, a line goes below its axis.

    Args:
        trials: as in ``plot_optimization_history``.
        labels: a list of labels, in the order in which they are to stand; None for all, of more
            than 20 those that matter most.
        ax: Axes to draw into; None for a new figure.
        target: another number to draw than the loss: a key of the dict that the objective returned,
            or a function of that dict; the best trial is still that with the lowest loss.
        target_name: what axes call it.

    Returns:
        The Axes.

    Raises:
        ImportError: matplotlib is not installed.
        TypeError, ValueError: no trials, none with a loss, a label that the space does not have,
            or no such target.
    """
    found = arrays.parallel_coordinates(trials, labels, target, target_name)
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
    bar = color_bar(ax, lines, found.loss_axis.label, pad=0.01)
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
