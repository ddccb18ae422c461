"""Pictures of a space, and of what models of a search believe."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..plurals import plural
from ..space.distributions import Array
from ..suggest.tpe import TPE
from . import arrays
from .arrays.priors import space_of
from .style import (
    BEST,
    BLACK,
    BLUE,
    GRAY,
    RED,
    SKY,
    beyond,
    faded,
    grid_of,
    legend,
    mark_best,
    one_axes,
    safe,
    set_axis,
    set_losses,
    short,
    spread,
)

__all__ = ["plot_densities", "plot_space", "plot_surrogate"]

_LONGEST = 90  # characters of the other labels' values


def plot_space(
    space: Any,
    labels: Any = None,
    ax: Any = None,
    *,
    samples: int = 1000,
    log: bool = True,
    seed: int = 0,
) -> Any:
    """Draw the distributions of a space: each label's prior, and a histogram of draws.

    Args:
        space: a space as ``fmin`` takes it, a Space, or trials.
        labels: a list of labels; None for the first 20.
        ax: Axes to draw into, one for each label; None for a new figure.
        samples: candidates that are drawn for the histograms, 0 for none.
        log: whether labels with a logarithm have a logarithmic axis; else they have an even one,
            which ends where 95 % of the draws do.
        seed: of the draws.

    Returns:
        An array of Axes; for a single label the Axes.

    Raises:
        ImportError: matplotlib is not installed.
        BadSearchSpace, ValueError: no space, a label that it does not have, or a wrong setting.
    """
    found = arrays.priors(space, labels, samples, log, seed)
    axes = grid_of(ax, len(found), 4 if len(found) > 4 else 2, (2.9, 2.4))
    for own, each in zip(axes, found, strict=True):
        _prior(own, each)
    count = len(space_of(space))
    if ax is None and len(found) > 1:
        shown = (
            plural(len(found), "label")
            if len(found) == count
            else f"{len(found)} of {count} labels"
        )
        drawn = f", and {samples:,} draws" if samples else ""
        axes[0].figure.suptitle(f"Distributions of {shown}{drawn}", fontsize="medium")
    return axes if len(axes) > 1 else axes[0]


def _prior(ax: Any, each: arrays.Prior) -> None:
    if each.discrete and (each.axis.scale == "options" or len(each.x) <= 40):
        drawn = each.heights if len(each.heights) else None
        width = 0.8 * (float(np.diff(each.x).min()) if len(each.x) > 1 else 1.0)
        even = each.axis.scale in ("linear", "options")
        if drawn is not None and even:
            ax.bar(each.x, drawn, width=width, color=SKY, edgecolor="white", linewidth=0.5)
        if len(each.x) <= 12 or drawn is None:
            ax.vlines(each.x, 0, each.p, color=BLUE, linewidth=1.2)
        ax.scatter(each.x, each.p, color=BLUE, s=18, zorder=3)
        ax.set_ylabel("probability")
    else:
        if len(each.heights):
            ax.stairs(each.heights, each.edges, fill=True, color=SKY, alpha=0.7)
        ax.plot(each.x, each.p, color=BLUE, linewidth=1.5)
        ax.set_ylabel("probability" if each.discrete else "density")
    set_axis(ax, "x", each.axis)
    top = max(float(np.max(each.p, initial=0)), float(np.max(each.heights, initial=0)))
    if each.axis.scale == "linear" and not each.discrete and len(each.heights):
        top = min(top, 1.6 * float(np.max(each.heights)))
    ax.set_ylim(0, top * 1.12 if 0 < top < 1e300 else 1.0)
    if each.active < 1:
        ax.set_title(f"active in {each.active:.0%}", fontsize="small")


def plot_densities(trials: Any, label: str, ax: Any = None, *, tpe: TPE | None = None) -> Any:
    """Draw l(x) and g(x) of TPE for one label, at the present state of the trials.

    l is the density of the good trials and g that of all; TPE proposes where l / g is highest.

    Args:
        trials: as in ``plot_optimization_history``, of any method.
        label: of the space.
        ax: Axes to draw into; None for a new figure.
        tpe: its settings, such as ``TPE(gamma=0.5)``; None for the defaults.

    Returns:
        The Axes.

    Raises:
        ImportError: matplotlib is not installed.
        TypeError, ValueError: no trials, none with a loss, a label that the space does not have, or
            one that was never active.
    """
    found = arrays.densities(trials, label, tpe)
    ax = one_axes(ax)
    bars = found.discrete and (found.axis.scale == "options" or len(found.x) <= 40)
    curves: list[tuple[str, Array, str, str]] = [
        ("l: good trials", found.l, BLUE, "-"),
        ("g: all trials", found.g, RED, "--"),
    ]
    curves += [("prior", found.prior, GRAY, ":")]
    handles = []
    top = max(float(p.max()) for _, p, _, _ in curves)
    for place, (_, p, color, style) in enumerate(curves):
        if not bars:
            (line,) = ax.plot(found.x, p, color=color, linestyle=style, linewidth=1.8)
            handles.append(line)
            continue
        step = float(np.diff(found.x).min()) if len(found.x) > 1 else 1.0
        if found.axis.scale in ("linear", "options"):
            hatch = ("", "////", "....")[place]
            handles.append(
                ax.bar(found.x + (place - 1) * 0.26 * step, p, width=0.25 * step, color=color,
                       hatch=hatch, edgecolor="white", linewidth=0.4)
            )  # fmt: skip
        else:
            (line,) = ax.plot(found.x, p, color=color, linestyle=style, marker="o", markersize=4)
            handles.append(line)
    names = [name for name, _, _, _ in curves]
    for values, row, color, marker in (
        (found.others, 0.02, RED, "|"),
        (found.good, 0.055, BLUE, "|"),
    ):
        x = values + (spread(np.arange(len(values)), 0.6) if found.axis.scale == "options" else 0)
        ax.scatter(
            found.axis.clip(x), np.full(len(x), row), marker=marker, color=color, s=36,
            linewidth=0.9, alpha=faded(len(x)), transform=ax.get_xaxis_transform(), zorder=4,
        )  # fmt: skip
    names[0] = f"l: {plural(found.count, 'good trial')}"
    if not math.isnan(found.best):
        handles.append(ax.scatter(
            found.axis.clip(np.array([found.best])), [0.055], transform=ax.get_xaxis_transform(),
            **BEST,
        ))  # fmt: skip
        names.append("best trial")
    set_axis(ax, "x", found.axis)
    ax.set_ylim(-0.1 * top, top * 1.08)
    ax.set_ylabel("probability" if found.discrete else "density")
    ax.set_title(f"TPE: densities of {safe(label)}, where it is active")
    legend(ax, handles, names)
    return ax


def plot_surrogate(trials: Any, label: str, ax: Any = None, *, seed: int = 0) -> Any:
    """Draw a GP's mean and band along one label, the others at the best configuration's values.

    The dots are the trials, which have values of their own for the other labels, so that most lie
    above the curve.

    Args:
        trials: as in ``plot_optimization_history``, of any method.
        label: of the space.
        ax: Axes to draw into; None for a new figure.
        seed: of the fit.

    Returns:
        The Axes.

    Raises:
        ImportError: matplotlib is not installed.
        TypeError, ValueError: no trials, fewer than three with a loss, a label that the space does
            not have, or one that was never active.
    """
    found = arrays.surrogate(trials, label, seed)
    ax = one_axes(ax)
    axis, x = found.axis, found.x
    dots = found.values + (spread(np.arange(len(found.values))) if axis.scale == "options" else 0)
    low = float(np.min(found.low[np.isfinite(found.low)], initial=found.loss_axis.low))
    high = float(np.max(found.high[np.isfinite(found.high)], initial=found.loss_axis.low))
    window = found.loss_axis
    reach = max(window.high - window.low, 1e-300)
    window = arrays.Axis(
        "loss", "linear", max(low, window.low - reach), max(min(high, window.high), window.high)
    )
    inside = (found.losses >= window.low) & (found.losses <= window.high)
    drawn = ax.scatter(
        axis.clip(dots[inside]), found.losses[inside], s=16, color=BLACK, alpha=faded(len(dots)),
        linewidth=0, zorder=3,
    )  # fmt: skip
    out = beyond(ax, axis.clip(dots), found.losses, window, edgecolor=BLACK)
    if axis.scale == "options":
        size = np.array([found.mean - found.low, found.high - found.mean])
        line = ax.errorbar(
            x, window.clip(found.mean), np.abs(size), fmt="s", color=BLUE, capsize=6, zorder=4,
            markersize=7,
        )  # fmt: skip
        band = line
    else:
        ends = (
            np.clip(p, window.low - reach, window.high + reach) for p in (found.low, found.high)
        )
        band = ax.fill_between(x, *ends, color=SKY, alpha=0.45, linewidth=0)
        (line,) = ax.plot(x, window.clip(found.mean), color=BLUE, linewidth=2)
    best = int(np.argmin(found.losses))
    star = mark_best(ax, float(axis.clip(dots[[best]])[0]), found.losses[best], window)
    set_axis(ax, "x", axis)
    set_losses(ax, window, above=bool(out))
    texts = {k: v if isinstance(v, str) else short(float(v)) for k, v in found.others.items()}
    others = ", ".join(f"{name}={text}" for name, text in texts.items())
    if axis.scale == "options":
        others = "those of the best trial with each option"
    ax.set_title(f"GP along {safe(label)}")
    if others:
        ax.annotate(
            safe(f"others: {others}", _LONGEST), (0, 0), (0, -34), xycoords="axes fraction",
            textcoords="offset points", fontsize="small", color=GRAY, va="top",
        )  # fmt: skip
    handles, names = [line, drawn, star], ["mean", "trials", f"best: trial {found.base}"]
    if axis.scale != "options":
        handles, names = [line, band, drawn, star], ["mean", "± 2 deviations", *names[1:]]
    if found.left_out:
        names[names.index("trials")] = f"trials ({found.left_out:,} not fitted)"
    legend(ax, handles, names, loc="best")
    return ax
