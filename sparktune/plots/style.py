"""What all pictures share: matplotlib, texts that cannot break it, colours, and axes of labels.

Nothing here changes settings of matplotlib, chooses a backend or shows a figure. Colours are those
of Okabe and Ito and the maps viridis and cividis, which people see alike who see colours
differently; whatever a colour says a marker or a hatch says, too.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import markup
from ..cutting import cut
from ..extras import lacking
from ..space.distributions import Array
from .arrays.axis import Axis
from .arrays.target import LOSS

__all__ = [
    "BEST", "BLACK", "BLUE", "GRAY", "GREEN", "MARKS", "ORANGE", "PURPLE", "RED", "RUNS", "SKY",
    "beside", "beyond", "color_bar", "faded", "found_at", "grid_of", "legend", "losses_or",
    "mark_best", "named", "note", "one_axes", "pyplot", "safe", "set_axis", "set_losses",
    "short", "spread",
]  # fmt: skip

BLACK, GRAY = "#000000", "#707070"
BLUE, ORANGE, GREEN, RED = "#0072B2", "#E69F00", "#009E73", "#D55E00"
PURPLE, SKY, YELLOW = "#CC79A7", "#56B4E9", "#F0E442"
MARKS: dict[str, tuple[str, str]] = {
    "ok": (BLUE, "o"),
    "pruned": (ORANGE, "v"),
    "failed": (RED, "x"),
    "timed out": (PURPLE, "+"),
    "running": (GREEN, ">"),
    "cut off": (GRAY, "1"),
    "cancelled": (BLACK, "2"),
}
"""Colour and marker of a trial by how it stands."""
RUNS = ((BLUE, "-"), (RED, "--"), (GREEN, "-."), (BLACK, ":"), (PURPLE, (0, (5, 1, 1, 1, 1, 1))))
"""Colour and line of one run among several; a sixth begins again."""
BEST: dict[str, Any] = {
    "marker": "*", "s": 190, "facecolor": YELLOW, "edgecolor": BLACK, "linewidth": 1.0, "zorder": 9
}  # fmt: skip

_LONGEST = 40  # characters of a label
_LONGEST_TICK = 16
_TICKS = 12  # options that are written below an axis
_PAD = 0.04  # of an axis, beyond its ends


def pyplot() -> Any:
    """The module matplotlib.pyplot.

    Raises:
        ImportError: matplotlib is not installed; the message says how it is.
    """
    try:
        from matplotlib import pyplot as found
    except ModuleNotFoundError as error:
        raise lacking("a picture", "matplotlib", "plots") from error
    return found


# Texts.


def safe(text: object, longest: int = _LONGEST) -> str:
    """A text in one line that matplotlib shows as it is, cut where it is long.

    A dollar begins no formula, and a character that the font lacks is shown as missing.
    """
    line = cut(" ".join(markup.clean(str(text)).split()), longest)
    known = _glyphs()
    missing = "�" if ord("�") in known else "?"
    line = "".join(c if ord(c) in known else missing for c in line)
    return line.replace("$", r"\$")


def named(text: object) -> str:
    """A text for a legend, which leaves out what begins with an underscore."""
    line = safe(text)
    return f" {line}" if line.startswith("_") else line


def _glyphs() -> frozenset[int]:
    """The characters that the fonts have which are set now."""
    from matplotlib.font_manager import FontProperties, findfont

    found: frozenset[int] = frozenset()
    for family in FontProperties().get_family():
        try:
            found |= _glyphs_of(
                findfont(FontProperties(family=[family]), fallback_to_default=False)
            )
        except ValueError:  # that font is not there
            continue
    return found or _glyphs_of(findfont(FontProperties()))


@functools.lru_cache(maxsize=16)
def _glyphs_of(path: str) -> frozenset[int]:
    from matplotlib.font_manager import get_font

    return frozenset(get_font(path).get_charmap())


def short(value: float) -> str:
    """A number in a few characters."""
    text = f"{value:.3g}"
    value = float(text)
    return f"{value:,.0f}" if value.is_integer() and abs(value) < 1e6 else text


def losses_or(name: str, word: str = "Losses") -> str:
    """What a title calls the numbers that are drawn: losses, or the name of a target."""
    return word if name == LOSS else safe(name)


# Axes.


def one_axes(ax: Any, size: tuple[float, float] = (7.0, 4.2)) -> Any:
    """The axes that were given, or those of a new figure.

    Raises:
        TypeError: what was given is no Axes.
    """
    if ax is None:
        return pyplot().subplots(figsize=size, layout="constrained")[1]
    pyplot()
    return _checked(ax)


def _checked(ax: Any) -> Any:
    from matplotlib.axes import Axes

    if not isinstance(ax, Axes):
        raise TypeError(f"`ax` must be an Axes of matplotlib, but got {ax!r:.100}")
    return ax


def grid_of(
    ax: Any, count: int, columns: int, size: tuple[float, float], **shared: Any
) -> np.ndarray[Any, Any]:
    """(count,) axes: those that were given, or of a new figure with so many side by side.

    Args:
        ax: an Axes for a single one, an array or list of ``count`` Axes, or None.
        count: how many.
        columns: side by side, at most.
        size: of each in a new figure, in inches.
        shared: for ``subplots``.

    Raises:
        TypeError: what was given holds something else than Axes.
        ValueError: it holds another number of them.
    """
    found: np.ndarray[Any, Any]
    if ax is not None:
        given = np.atleast_1d(np.asarray(ax, dtype=object)).ravel()
        if len(given) != count:
            raise ValueError(
                f"`ax` must hold {count} Axes, one for each picture, but got {len(given)}"
            )
        found = np.empty(count, object)
        for place, each in enumerate(given):
            found[place] = _checked(each)
        return found
    columns = max(1, min(columns, count))
    rows = -(-count // columns)
    _, axes = pyplot().subplots(
        rows, columns, figsize=(size[0] * columns + 0.6, size[1] * rows + 0.4),
        layout="constrained", squeeze=False, **shared,
    )  # fmt: skip
    for spare in axes.ravel()[count:]:
        spare.remove()
    found = axes.ravel()[:count]
    return found


def set_axis(ax: Any, side: str, axis: Axis, name: str | None = None, pad: float = _PAD) -> None:
    """Give one side of axes ("x" or "y") the scale, ends, ticks and name of a label."""
    ticks = ax.xaxis if side == "x" else ax.yaxis
    scale = ax.set_xscale if side == "x" else ax.set_yscale
    limits = ax.set_xlim if side == "x" else ax.set_ylim
    if axis.scale == "log":
        scale("log")
        limits(*_wider_log(axis, pad))
        if axis.high / axis.low < 20:
            _plain_ticks(ticks)
    elif axis.scale == "symlog":
        scale("symlog", linthresh=axis.threshold)
        limits(axis.low - 0.3 * axis.threshold, _wider_log(axis, pad)[1])
    elif axis.scale == "options":
        limits(axis.low, axis.high)
        _option_ticks(ax, side, axis.options)
    else:
        limits(*_wider(axis.low, axis.high, pad))
        if axis.whole:
            from matplotlib.ticker import MaxNLocator

            ticks.set_major_locator(MaxNLocator("auto", integer=True))
    ticks.set_label_text(safe(axis.label if name is None else name))


def _wider(low: float, high: float, pad: float = _PAD) -> tuple[float, float]:
    span = high - low
    if not span > 1e-9 * max(abs(low), abs(high), 1e-200):
        span = max(abs(low), 1e-12 if low else 1.0)
        pad = 0.5
    return low - pad * span, high + pad * span


def _wider_log(axis: Axis, pad: float) -> tuple[float, float]:
    low, high = (
        math.log10(max(axis.low, axis.threshold, 1e-300)),
        math.log10(max(axis.high, 1e-300)),
    )
    low, high = _wider(min(low, high), high, pad) if high > low else (low - 0.5, high + 0.5)
    return 10.0 ** max(low, -305.0), 10.0 ** min(high, 305.0)


def _plain_ticks(ticks: Any) -> None:
    """Numbers as people write them, at a few places of a logarithmic axis that is short."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    ticks.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    ticks.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    ticks.set_minor_formatter(NullFormatter())


def _option_ticks(ax: Any, side: str, options: Sequence[str]) -> None:
    step = -(-len(options) // _TICKS) if options else 1
    places = list(range(0, len(options), step))
    names = [safe(options[place], _LONGEST_TICK) for place in places]
    width = ax.get_position().width * ax.figure.get_size_inches()[0]  # of about 12 letters an inch
    if side == "y":
        ax.set_yticks(places, names)
    elif sum(len(name) + 2 for name in names) > 10 * width:
        ax.set_xticks(places, names, rotation=35, ha="right", rotation_mode="anchor")
    else:
        ax.set_xticks(places, names)
    (ax.xaxis if side == "x" else ax.yaxis).set_minor_locator(_no_ticks())


def _no_ticks() -> Any:
    from matplotlib.ticker import NullLocator

    return NullLocator()


def set_losses(ax: Any, axis: Axis, name: str = "loss", above: bool = False) -> None:
    """Give the y side the window of losses, with room for what is above it."""
    low, high = _wider(axis.low, axis.high, 0.05)
    ax.set_ylim(low, high + (0.05 * (high - low) if above else 0.0))
    ax.set_ylabel(safe(name))
    ax.grid(True, axis="y", color="#DDDDDD", linewidth=0.6)
    ax.set_axisbelow(True)


def beyond(ax: Any, x: Any, losses: Array, axis: Axis, **style: Any) -> int:
    """Mark losses beyond the window by triangles at its edge, and say how many there are."""
    above, below = losses > axis.high, losses < axis.low
    for rows, marker, place in ((above, "^", 0.985), (below, "v", 0.015)):
        if rows.any():
            ax.scatter(
                x[rows], np.full(int(rows.sum()), place), marker=marker, s=28, clip_on=False,
                transform=ax.get_xaxis_transform(), zorder=4,
                **{"facecolor": "none", "edgecolor": BLUE, **style},
            )  # fmt: skip
    return int(above.sum() + below.sum())


def mark_best(ax: Any, x: float, y: float, axis: Axis | None = None) -> Any:
    """Draw the star of the best trial."""
    if axis is not None:
        y = float(axis.clip(np.array([y]))[0])
    return ax.scatter([x], [y], **BEST)


def found_at(numbers: Any, number: int | None) -> Any:
    """(0,) or (1,) the place of a trial among numbers of trials."""
    return np.flatnonzero(np.asarray(numbers) == (-1 if number is None else number))


def faded(count: int) -> float:
    """How opaque dots are of which there are so many."""
    return float(np.clip(8.0 / math.sqrt(max(count, 1)), 0.25, 0.85))


def spread(numbers: Any, width: float = 0.5, step: float = 0.7548776662) -> Array:
    """Numbers between -width / 2 and width / 2, to move dots by that would hide each other."""
    found: Array = ((np.asarray(numbers) * step) % 1.0 - 0.5) * width
    return found


def note(ax: Any, text: str) -> None:
    """Write in the middle of axes why nothing is there."""
    ax.text(
        0.5, 0.5, safe(text, 80), ha="center", va="center", transform=ax.transAxes, color=GRAY,
        bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8},
    )  # fmt: skip


def legend(ax: Any, handles: Sequence[Any], names: Sequence[str], **more: Any) -> None:
    """A legend that hides nothing more than it has to; none without handles."""
    if handles:
        style = {"fontsize": "small", "framealpha": 0.9, **more}
        drawn = ax.legend(list(handles), [named(name) for name in names], **style)
        for handle in drawn.legend_handles:  # of thousands of dots each is faint
            if handle is not None and handle.get_alpha() is not None:
                handle.set_alpha(max(handle.get_alpha(), 0.45))


def beside(values: Array, axis: Axis) -> str:
    """Where a legend stands that a line of these values leaves free at its end."""
    high = len(values) and axis.place(values[-1:])[0] > 0.5
    return "center right" if high else "upper right"


def color_bar(ax: Any, drawn: Any, text: str, **more: Any) -> Any:
    """A bar that says what colours mean."""
    first = np.atleast_1d(np.asarray(ax, dtype=object)).ravel()[0]
    bar = first.figure.colorbar(drawn, ax=list(ax) if isinstance(ax, np.ndarray) else ax, **more)
    bar.set_label(safe(text, 70))
    return bar
