"""The picture of when trials ran, and where."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import numpy as np

from ..plurals import plural
from . import arrays
from .style import BEST, BLACK, MARKS, found_at, legend, one_axes, safe

__all__ = ["plot_timeline"]

_HATCHES = {"pruned": "////", "failed": "xxxx", "timed out": "++++", "running": "....",
            "cut off": "----", "cancelled": "||||"}  # fmt: skip
_UNITS = ((86400.0 * 3, "days", 86400.0), (3600.0 * 3, "hours", 3600.0), (180.0, "minutes", 60.0))


def plot_timeline(
    trials: Any,
    ax: Any = None,
    *,
    slots: int | None = None,
    now: float | None = None,
    clock: bool = False,
) -> Any:
    """Draw each trial as a bar in a slot of its host: what is white was idle, long bars straggle.

    A bar begins where its trial was handed out, and is as long as its objective ran.

    Args:
        trials: as in ``plot_optimization_history``.
        ax: Axes to draw into; None for a new figure.
        slots: how many trials each host ran at a time, where that is known: those that were handed
            out while all were busy wait. None takes as many slots as there were trials at a time.
        now: until when trials that run have run, in seconds since the epoch; None for the last
            moment that the record knows of.
        clock: whether the axis has the time of day, in this machine's time zone, rather than the
            time since the first trial began.

    Returns:
        The Axes.

    Raises:
        ImportError: matplotlib is not installed.
        TypeError, ValueError: no trials, none that began, or a wrong setting.
    """
    found = arrays.timeline(trials, slots, now)
    from matplotlib.collections import PolyCollection
    from matplotlib.ticker import MaxNLocator

    count = len(found.hosts)
    ax = one_axes(ax, (8.0, float(np.clip(1.6 + 0.22 * count, 2.4, 9.0))))
    unit, seconds, zero = "seconds", 1.0, 0.0
    for least, name, size in _UNITS:
        if found.now >= least:
            unit, seconds = name, size
            break
    if clock:
        seconds, zero = 86400.0, _clock(ax, found.began)
    start, end = found.start / seconds + zero, found.end / seconds + zero
    least = 0.0015 * max(found.now, 1.0 if clock else 1e-9) / seconds  # so that a short one is seen
    thin = 0.4 if len(start) <= 100 * count else 0.0
    words, handles, names = np.array(found.status), [], []
    for word in MARKS:
        rows = np.flatnonzero(words == word)
        if not len(rows):
            continue
        color, _ = MARKS[word]
        left, right = start[rows], np.maximum(end[rows], start[rows] + least)
        low, high = found.slot[rows] - 0.38, found.slot[rows] + 0.38
        corners = np.stack(
            [np.column_stack([left, low]), np.column_stack([left, high]),
             np.column_stack([right, high]), np.column_stack([right, low])], axis=1,
        )  # fmt: skip
        edge = found.retried[rows]
        bars = PolyCollection(
            list(corners), facecolors=color, hatch=_HATCHES.get(word),
            edgecolors=[BLACK if retried else "white" for retried in edge],
            linewidths=[1.4 if retried else thin for retried in edge],
            rasterized=len(rows) > 3000,
        )  # fmt: skip
        ax.add_collection(bars)
        handles.append(_patch(color, _HATCHES.get(word)))
        names.append(f"{word} ({len(rows):,})")
    if found.retried.any():
        handles.append(_patch("white", None, BLACK))
        names.append(f"begun again ({int(found.retried.sum()):,})")
    at = found_at(found.numbers, found.best_trial)
    if len(at):
        middle = (start[at] + end[at]) / 2
        handles.append(ax.scatter(middle, found.slot[at], **BEST))
        names.append(f"best: trial {found.best_trial}")
    now_at = max(found.now / seconds, least)
    ax.set_xlim(zero - 0.01 * now_at, zero + 1.01 * now_at)
    ax.set_ylim(count - 0.4, -0.6)
    ax.yaxis.set_major_locator(MaxNLocator("auto", integer=True))
    _host_ticks(ax, found.hosts)
    if not clock:
        ax.set_xlabel(f"{unit} since the first trial began")
    ax.set_title(
        f"{plural(len(found.numbers), 'trial')} in {plural(count, 'slot')}, busy {found.busy:.0%} "
        "of the time"
    )
    legend(ax, handles, names, loc="upper left", bbox_to_anchor=(1.005, 1.0), borderaxespad=0.0)
    return ax


def _clock(ax: Any, began: float) -> float:
    """Give the x side the time of day; when the first trial began, in days as matplotlib counts."""
    from matplotlib import dates as untyped

    dates: Any = untyped
    try:
        first = datetime.fromtimestamp(began, timezone.utc).astimezone()
    except (OverflowError, OSError, ValueError) as error:
        raise ValueError(
            f"`clock` needs trials that have a date, but the first began {began:.6g} s after 1970"
        ) from error
    zone = first.tzinfo
    locator = dates.AutoDateLocator(tz=zone, minticks=3, maxticks=8)
    ax.xaxis.set_major_locator(locator)
    ax.xaxis.set_major_formatter(dates.ConciseDateFormatter(locator, tz=zone))
    ax.set_xlabel(f"time ({safe(first.tzname() or 'UTC', 12)})")
    return float(dates.date2num(first))


def _patch(color: str, hatch: str | None, edge: str = "white") -> Any:
    from matplotlib.patches import Patch

    return Patch(facecolor=color, hatch=hatch, edgecolor=edge)


def _host_ticks(ax: Any, hosts: tuple[str, ...]) -> None:
    """The host beside the middle of its slots, and lines between hosts."""
    names = list(dict.fromkeys(hosts))
    if len(names) == 1 and not names[0]:
        ax.set_ylabel("slot")
        return
    places = []
    for name in names:
        own = [place for place, each in enumerate(hosts) if each == name]
        places.append((own[0] + own[-1]) / 2)
        if own[0]:
            ax.axhline(own[0] - 0.5, color=BLACK, linewidth=0.6)
    step = -(-len(names) // 24)
    texts = [safe(name or "host not known", 24) for name in names]
    ax.set_yticks(places[::step], texts[::step])
    ax.tick_params(axis="y", length=0)
