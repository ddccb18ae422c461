"""Pictures of what a search did: losses, values, reports, distributions of losses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..plurals import plural
from . import arrays
from .arrays.door import named_runs
from .arrays.target import LOSS
from .style import (
    BLACK,
    BLUE,
    MARKS,
    RUNS,
    beside,
    beyond,
    faded,
    found_at,
    grid_of,
    legend,
    losses_or,
    mark_best,
    note,
    one_axes,
    safe,
    set_axis,
    set_losses,
    spread,
)

__all__ = [
    "plot_edf", "plot_intermediate_values", "plot_optimization_history", "plot_over_trials",
]  # fmt: skip

_NO_LOSS = "no trial has a loss"


def plot_optimization_history(
    trials: Any,
    ax: Any = None,
    *,
    target: Any = None,
    target_name: str | None = None,
    error_bar: bool = False,
) -> Any:
    """Draw losses over trials, with the best so far; below them, who has no loss.

    Losses that are far beyond all others are triangles at the edge.

    Args:
        trials: trials of any kind, also those that were loaded to be read, a Tuner, or a History;
            a list of them, or a dict of names and trials, draws one line for each.
        ax: Axes to draw into; None for a new figure.
        target: another number to draw than the loss: a key of the dict that the objective returned,
            or a function of that dict; the best trial is still that with the lowest loss.
        target_name: what axes call it.
        error_bar: whether several runs are one line, the mean of their best so far, in a band of
            one standard deviation between runs each way. A dict of names and lists of trials, such
            as ``{"TPE": [a, b, c], "random": [d, e, f]}``, has a line for each name.

    Returns:
        The Axes.

    Raises:
        ImportError: matplotlib is not installed.
        TypeError, ValueError: no trials, none yet, no such target, or ``error_bar`` of a single
            run.
    """
    several = isinstance(trials, (Mapping, list, tuple))
    if error_bar:
        if not several:
            raise ValueError("`error_bar` needs several runs, as a list or a dict, but got one")
        return _means(trials, ax, target, target_name)
    if several:
        return _histories(named_runs(trials), ax, target, target_name)
    found = arrays.course(trials, target, target_name)
    what = found.axis.label
    ax = one_axes(ax)
    numbers, losses, axis = found.numbers, found.losses, found.axis
    inside = (losses >= axis.low) & (losses <= axis.high)
    color, marker = MARKS["ok"]
    dots = ax.scatter(
        numbers[inside], losses[inside], s=18, color=color, marker=marker, linewidth=0,
        alpha=faded(len(numbers)), rasterized=len(numbers) > 3000,
    )  # fmt: skip
    handles, names = ([dots], [f"{what} ({len(numbers):,})"]) if len(numbers) else ([], [])
    out = beyond(ax, numbers, losses, axis)
    if out:
        names[0] += f", {out:,} of them beyond the axis"
    if len(numbers):
        end = found.count - 1
        x, y = np.append(numbers, max(end, numbers[-1])), np.append(found.best, found.best[-1])
        (line,) = ax.plot(x, axis.clip(y), color=BLACK, linewidth=1.6, drawstyle="steps-post")
        handles, names = [*handles, line], [*names, "best so far"]
    _rug(ax, found, handles, names)
    title = f"{losses_or(what)} of {plural(found.count, 'trial')}"
    if found.best_trial is not None:
        place = int(np.flatnonzero(numbers == found.best_trial)[0])
        star = mark_best(ax, found.best_trial, losses[place], axis)
        handles, names = [*handles, star], [*names, f"best: trial {found.best_trial}"]
        title += f": the best is {losses[place]:.5g}"
    else:
        note(ax, _NO_LOSS)
    set_losses(ax, axis, what, above=bool(out))
    low, high = ax.get_ylim()
    ax.set_ylim(low - 0.04 * len(found.without) * (high - low), high)
    _over_numbers(ax, found.count)
    ax.set_title(title)
    legend(ax, handles, names, loc=beside(found.best, axis))
    return ax


def _rug(ax: Any, found: arrays.Course, handles: list[Any], names: list[str]) -> None:
    """A row of marks for each kind of trials without a loss, at the bottom."""
    for row, (word, numbers) in enumerate(found.without.items()):
        color, marker = MARKS[word]
        marks = ax.scatter(
            numbers, np.full(len(numbers), 0.02 + 0.035 * row), s=16, color=color, marker=marker,
            transform=ax.get_xaxis_transform(), linewidth=0.9, alpha=faded(len(numbers)),
        )  # fmt: skip
        handles.append(marks)
        names.append(f"{word} ({len(numbers):,})")


def _over_numbers(ax: Any, count: int) -> None:
    from matplotlib.ticker import MaxNLocator

    ax.xaxis.set_major_locator(MaxNLocator("auto", integer=True))
    margin = max(0.5, 0.02 * count)
    ax.set_xlim(-margin, count - 1 + margin)
    ax.set_xlabel("trial")


def _means(runs: Any, ax: Any, target: Any, target_name: str | None) -> Any:
    """Means of the best so far over runs, with bands."""
    if not runs:
        raise ValueError("there is nothing to draw: got no run")
    grouped = isinstance(runs, Mapping) and any(isinstance(r, (list, tuple)) for r in runs.values())
    groups = named_runs(runs) if grouped else {"": _members(runs)}
    found = []
    for name, each in groups.items():
        own = each if isinstance(each, (list, tuple)) else [each]
        found.append(arrays.runs_of(name, own, target, target_name))
    what = _what(target, target_name)
    ends = [each.mean + sign * each.deviation for each in found for sign in (-1, 0, 1)]
    axis = arrays.Axis(what, "linear", *arrays.window(np.concatenate(ends)))
    ax = one_axes(ax)
    handles, names = [], []
    for place, each in enumerate(found):
        color, style = RUNS[place % len(RUNS)]
        x = np.append(each.numbers, each.length - 1)[: len(each.numbers) + 1]
        mean, deviation = (np.append(v, v[-1:]) for v in (each.mean, each.deviation))
        x = x[: len(mean)]
        low, high = axis.clip(mean - deviation), axis.clip(mean + deviation)
        ax.fill_between(x, low, high, color=color, alpha=0.2, step="post", linewidth=0)
        for edge in (low, high):
            ax.plot(x, edge, color=color, linestyle=style, linewidth=0.6, drawstyle="steps-post")
        (line,) = ax.plot(
            x, axis.clip(mean), color=color, linestyle=style, linewidth=1.8, drawstyle="steps-post"
        )
        handles.append(line)
        told = f"{mean[-1]:.4g} ± {deviation[-1]:.2g}" if len(mean) else _NO_LOSS
        names.append(f"{each.name or 'mean'} of {plural(each.count, 'run')}: {told}")
    set_losses(ax, axis, f"best {what} so far, mean ± deviation")
    _over_numbers(ax, max(each.length for each in found))
    cut = ", up to the end of the shortest" if any(each.shortest for each in found) else ""
    ax.set_title(f"Best {safe(what)} so far of {plural(sum(r.count for r in found), 'run')}{cut}")
    last = [each.mean[-1] for each in found if len(each.mean)]
    legend(ax, handles, names, loc=beside(np.array([np.max(last, initial=axis.low)]), axis))
    return ax


def _members(runs: Any) -> list[Any]:
    return list(runs.values()) if isinstance(runs, Mapping) else list(runs)


def _what(target: Any, target_name: str | None) -> str:
    if target_name is not None:
        return target_name
    return LOSS if target is None else target if isinstance(target, str) else "target"


def _histories(runs: dict[str, Any], ax: Any, target: Any, target_name: str | None) -> Any:
    if not runs:
        raise ValueError("there is nothing to draw: got no run")
    found = {name: arrays.course(each, target, target_name) for name, each in runs.items()}
    what = _what(target, target_name)
    ax = one_axes(ax)
    every = np.concatenate([each.losses for each in found.values()])
    low, high = arrays.window(every)
    axis = arrays.Axis(what, "linear", low, high)
    handles, names = [], []
    for place, (name, each) in enumerate(found.items()):
        color, style = RUNS[place % len(RUNS)]
        ax.scatter(each.numbers, axis.clip(each.losses), s=10, color=color, linewidth=0, alpha=0.25)
        x = np.append(each.numbers, each.count - 1)
        y = np.append(each.best, each.best[-1:]) if len(each.best) else np.empty(0)
        (line,) = ax.plot(
            x[: len(y)], axis.clip(y), color=color, linestyle=style, drawstyle="steps-post"
        )
        handles.append(line)
        names.append(f"{name}: {each.best[-1]:.5g}" if len(y) else f"{name}: {_NO_LOSS}")
    set_losses(ax, axis, what)
    _over_numbers(ax, max(each.count for each in found.values()))
    ax.set_title(f"Best {safe(what)} so far of {plural(len(found), 'run')}")
    legend(ax, handles, names, loc="upper right")
    return ax


def plot_over_trials(trials: Any, names: Any = None, ax: Any = None) -> Any:
    """Draw the loss, labels or results over trials, one picture below the other.

    ``plot_over_trials(trials, ["loss", "a", "b"])`` shows how the loss and the labels a and b
    settle, and ``{"accuracy": lambda result: 1 - result["loss"]}`` the accuracy over trials.

    Args:
        trials: as in ``plot_optimization_history``.
        names: a name or several: "loss", a label, or a key of the dict that the objective returned
            under which numbers stand; or a dict of names and, for each, one of these or a function
            of that dict. None for the loss and all labels; of more than 20 those that matter most.
        ax: Axes to draw into, one for each name; None for a new figure.

    Returns:
        An array of Axes; for a single name the Axes.

    Raises:
        ImportError: matplotlib is not installed.
        TypeError, ValueError: no trials, or a name of nothing that is there.
    """
    found = arrays.over_trials(trials, names)
    columns = 1 if len(found) <= 4 else 3
    axes = grid_of(ax, len(found), columns, (6.4, 1.9) if columns == 1 else (4.0, 1.9))
    count = max((int(each.numbers.max()) + 1 for each in found if len(each.numbers)), default=1)
    for own, each in zip(axes, found, strict=True):
        values, numbers = each.values, each.numbers
        if each.axis.scale == "options":
            values = values + spread(numbers)
        own.scatter(
            numbers, each.axis.clip(values), s=14, color=BLUE, linewidth=0,
            alpha=faded(len(values)), rasterized=len(values) > 3000,
        )  # fmt: skip
        at = found_at(numbers, each.best_trial)
        if len(at):
            mark_best(own, int(numbers[at][0]), float(values[at][0]), each.axis)
        if not len(values):
            note(own, "no trial has it")
        _over_numbers(own, count)
        set_axis(own, "y", each.axis, pad=0.08)
    if ax is None:
        for own in axes[:-columns]:  # those below have the same trials
            own.set_xlabel("")
    if ax is None and columns > 1:
        axes[0].figure.suptitle(f"Over {plural(count, 'trial')}", fontsize="medium")
    else:
        axes[0].set_title(f"Over {plural(count, 'trial')}")
    return axes if len(axes) > 1 else axes[0]


def plot_edf(
    trials: Any, ax: Any = None, *, target: Any = None, target_name: str | None = None
) -> Any:
    """Draw the share of trials that have at most which loss, a line for each run.

    Args:
        trials: as in ``plot_optimization_history``; a list of them, or a dict of names and trials,
            for several runs.
        ax: Axes to draw into; None for a new figure.
        target: another number to draw than the loss: a key of the dict that the objective returned,
            or a function of that dict; the best trial is still that with the lowest loss.
        target_name: what axes call it.

    Returns:
        The Axes.

    Raises:
        ImportError: matplotlib is not installed.
        TypeError, ValueError: no trials, a run in which no trial has a loss, or no such target.
    """
    found = arrays.edf(trials, target, target_name)
    ax = one_axes(ax)
    axis, handles, names = found.axis, [], []
    for place, run in enumerate(found.runs):
        color, style = RUNS[place % len(RUNS)]
        inside = run.losses <= axis.high
        x = np.concatenate([[axis.low], axis.clip(run.losses[inside]), [axis.high]])
        y = np.concatenate([[0.0], run.share[inside], [float(inside.mean())]])
        (line,) = ax.plot(x, y, color=color, linestyle=style, drawstyle="steps-post")
        handles.append(line)
        names.append(f"{run.name} ({plural(len(run.losses), 'trial')})".strip())
    set_axis(ax, "x", axis)
    ax.set_ylim(-0.02, 1.02)
    ax.set_ylabel(f"share of trials with at most this {safe(axis.label, 24)}")
    ax.grid(True, color="#DDDDDD", linewidth=0.6)
    ax.set_title(f"Empirical distribution of {losses_or(axis.label, 'losses')}")
    if len(found.runs) > 1:
        legend(ax, handles, names, loc="lower right")
    return ax


def plot_intermediate_values(trials: Any, ax: Any = None) -> Any:
    """Draw what each trial reported over its steps; a mark at the end of a line says its status.

    Args:
        trials: as in ``plot_optimization_history``.
        ax: Axes to draw into; None for a new figure.

    Returns:
        The Axes.

    Raises:
        ImportError: matplotlib is not installed.
        TypeError, ValueError: no trials, or none that reported anything.
    """
    found = arrays.reports(trials)
    ax = one_axes(ax)
    from matplotlib.collections import LineCollection
    from matplotlib.ticker import MaxNLocator

    axis, handles, names = found.axis, [], []
    few = len(found.lines) <= 40
    for word in MARKS:
        its = [line for line in found.lines if line.status == word]
        if not its:
            continue
        color, marker = MARKS[word]
        paths = [np.column_stack([line.steps, axis.clip(line.values)]) for line in its]
        ax.add_collection(
            LineCollection(
                paths, colors=color, linewidths=1.0 if few else 0.7,
                alpha=0.8 if few else 0.35, rasterized=len(found.lines) > 1000,
            )
        )  # fmt: skip
        ends = np.array([path[-1] for path in paths])
        shown = word != "ok" or len(ends) <= 40
        size = 22 if shown else 8
        handles.append(
            ax.scatter(ends[:, 0], ends[:, 1], s=size, color=color, marker=marker, linewidth=0.9,
                       zorder=3, alpha=faded(len(ends)))
        )  # fmt: skip
        names.append(f"{word} ({len(its):,})")
    for line in found.lines:
        if line.number == found.best_trial:
            (best,) = ax.plot(
                line.steps, axis.clip(line.values), color=BLACK, linewidth=2, zorder=5
            )
            mark_best(ax, line.steps[-1], line.values[-1], axis)
            handles.append(best)
            names.append(f"best: trial {line.number}")
    steps = np.concatenate([line.steps for line in found.lines])
    span = max(float(steps.max() - steps.min()), 1.0)
    ax.set_xlim(steps.min() - 0.04 * span, steps.max() + 0.04 * span)
    ax.xaxis.set_major_locator(MaxNLocator("auto", integer=True))
    ax.set_xlabel("step")
    set_losses(ax, axis, "reported value")
    out = sum(bool((line.values > axis.high).any()) for line in found.lines)
    cut = f", {out:,} of them beyond the axis in part" if out else ""
    ax.set_title(f"Reports of {plural(len(found.lines), 'trial')}{cut}")
    legend(ax, handles, names, loc="upper right")
    return ax
