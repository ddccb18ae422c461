"""Pictures of a search: its losses, its hyperparameters, and curves attached to its trials.

All draw with matplotlib, into the current figure. ``trials`` are Trials of this package or of
sparktune, or any iterable of documents, which stay as they are.
"""

from __future__ import annotations

import logging
import math
import numbers
import operator
import pickle
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from ..plots.style import pyplot as shared_pyplot
from ..plurals import plural
from .base import (
    JOB_VALID_STATES,
    STATUS_FAIL,
    STATUS_NEW,
    STATUS_OK,
    STATUS_RUNNING,
    trials_from_docs,
)
from .documents import Document

__all__ = [
    "default_status_colors", "main_plot_1D_attachment", "main_plot_histogram", "main_plot_history",
    "main_plot_vars",
]  # fmt: skip

logger = logging.getLogger(__name__)

default_status_colors = {STATUS_NEW: "k", STATUS_RUNNING: "g", STATUS_OK: "b", STATUS_FAIL: "r"}
_OTHER = "0.5"  # gray, of a status that has no colour, and around dots, some of which are white
_LIGHT = 0.2  # of the lowest loss's line; the highest has 1
_MANY = 10  # lines from which on a legend says nothing


def main_plot_history(
    trials: Iterable[Document],
    do_show: bool = True,
    status_colors: Mapping[str, Any] | None = None,
    title: str = "Loss History",
) -> None:
    """Draw each trial's loss, in the order of the trials, and a line at the best.

    Trials without a loss are left out; one that is nan or infinite leaves its place empty.

    Args:
        trials: the trials.
        do_show: whether to show the figure at once.
        status_colors: status of a result to colour; ``default_status_colors`` unless given.
        title: above the picture.
    """
    pyplot = shared_pyplot()
    colors = default_status_colors if status_colors is None else status_colors
    with_loss = [document for document in trials if document["result"].get("loss") is not None]
    shown = [(n, d) for n, d in enumerate(with_loss) if math.isfinite(_loss(d))]
    statuses = [document["result"].get("status") for _, document in shown]
    pyplot.scatter(
        [number for number, _ in shown], [_loss(document) for _, document in shown],
        c=[colors.get(status, _OTHER) for status in statuses],
    )  # fmt: skip
    pyplot.xlabel("time")
    pyplot.ylabel("loss")
    valid = [document for _, document in shown if document["state"] in JOB_VALID_STATES]
    ok = [document for document in valid if document["result"].get("status") == STATUS_OK]
    if ok:
        best = trials_from_docs(ok, validate=False).average_best_error()
        logger.info("average best error: %s", best)
        pyplot.axhline(best, c="g", label=f"average best error: {best:.5g}")
        pyplot.legend()
    if not shown:
        _say_nothing(pyplot)
    _finish(pyplot, do_show, title)


def main_plot_histogram(
    trials: Iterable[Document], do_show: bool = True, title: str = "Loss Histogram"
) -> None:
    """Draw how often losses are how high, of those that are finite.

    Args:
        trials: the trials.
        do_show: whether to show the figure at once.
        title: above the picture.
    """
    pyplot = shared_pyplot()
    losses = [loss for loss in map(_loss, trials) if math.isfinite(loss)]
    logger.info("a histogram of %s", plural(len(losses), "loss", "losses"))
    pyplot.hist(losses)
    if not losses:
        _say_nothing(pyplot)
    pyplot.xlabel("loss")
    pyplot.ylabel("frequency")
    _finish(pyplot, do_show, title)


def main_plot_vars(
    trials: Iterable[Document],
    do_show: bool = True,
    fontsize: float = 10,
    colorize_best: int | None = None,
    columns: int = 5,
    arrange_by_loss: bool = False,
) -> None:
    """Draw the values of each hyperparameter, by label, in a grid: the lower the loss the darker.

    A dot is white where the loss is not known, and those of low losses are on top. Where a label
    has "log" in it and all values are above 0, their axis is logarithmic.

    Args:
        trials: the trials.
        do_show: whether to show the figure at once.
        fontsize: of the labels.
        colorize_best: draw ``colorize_best + 1`` trials in green, those of the lowest losses.
        columns: how many pictures side by side.
        arrange_by_loss: whether the horizontal axis is the loss rather than the trial's id.
    """
    pyplot = shared_pyplot()
    documents = list(trials)
    found: dict[str, list[tuple[Any, Any, float]]] = {}
    for document in documents:
        for label, values in document["misc"]["vals"].items():
            one = [(document["tid"], value, _loss(document)) for value in values]
            found.setdefault(label, []).extend(one)
    shade = _shades(map(_loss, documents), colorize_best)
    width = max(1, min(columns, len(found)))
    height = -(-len(found) // width)
    _make_room(pyplot, width, height)
    if not found:
        _say_nothing(pyplot)
    for number, label in enumerate(sorted(found), 1):
        axes = pyplot.subplot(height, width, number)
        axes.set_title(label, fontsize=fontsize)
        axes.tick_params(labelbottom=False)
        if not found[label]:
            continue
        # the best on top
        rows = sorted(found[label], key=lambda row: row[2] if math.isfinite(row[2]) else math.inf)
        tids, values, losses = zip(*reversed(rows), strict=True)
        if "log" in label and min(values) > 0:
            axes.set_yscale("log")
        elif all(isinstance(value, numbers.Integral) for value in values):
            axes.yaxis.get_major_locator().set_params(integer=True)
        axes.scatter(
            losses if arrange_by_loss else tids, values, c=[shade(loss) for loss in losses],
            edgecolors=_OTHER, linewidths=0.5,
        )  # fmt: skip
    pyplot.gcf().supxlabel("loss" if arrange_by_loss else "trial", fontsize=fontsize)
    _finish(pyplot, do_show)


def _make_room(pyplot: Any, width: int, height: int) -> None:
    """Let a new figure of the usual size grow to what a grid of pictures needs."""
    figure = pyplot.gcf()
    usual = list(figure.get_size_inches()) == list(pyplot.rcParams["figure.figsize"])
    if usual and not figure.axes:
        wide, high = figure.get_size_inches()
        figure.set_size_inches(max(wide, 2.8 * width), max(high, 2.2 * height))
        figure.set_layout_engine("constrained")


def _shades(losses: Iterable[float], colorize_best: int | None) -> Callable[[float], Any]:
    """What gives a loss its colour."""
    known = sorted(filter(math.isfinite, losses))
    lowest, span = (known[0], known[-1] - known[0]) if known else (0.0, 0.0)
    below = -math.inf
    if colorize_best is not None:
        below = known[colorize_best + 1] if colorize_best + 1 < len(known) else math.inf
    logger.info("finite losses: %d, the lowest %s, over a range of %s", len(known), lowest, span)

    def shade(loss: float) -> tuple[float, float, float]:
        if not math.isfinite(loss):
            return 1.0, 1.0, 1.0
        share = (loss - lowest) / span if span else 0.0
        return (0.0, 1.0 - share, 0.0) if loss < below else (share, share, share)

    return shade


def main_plot_1D_attachment(  # noqa: N802 (Hyperopt's)
    trials: Iterable[Document],
    attachment_name: str,
    do_show: bool = True,
    colorize_by_loss: bool = True,
    max_darkness: float = 0.5,
    num_trails: int | None = None,
    preprocessing_fn: Callable[[Any], Any] = lambda x: x,
    line_width: float = 1.0,
) -> None:
    """Draw one-dimensional attachments, such as learning curves, a line for each trial.

    Attachments of another shape are left out. Fewer than ten lines have a legend of their losses.

    Args:
        trials: the trials; documents alone hold no attachments.
        attachment_name: of a pickle, or of the array itself.
        do_show: whether to show the figure at once.
        colorize_by_loss: whether a line is the darker the higher the loss; red where there is none.
        max_darkness: how dark the highest is, from 0 to 1.
        num_trails: draw so many trials that have a loss, from the lowest loss on in even steps;
            None for all trials.
        preprocessing_fn: what is drawn of an attachment.
        line_width: of the lines, in points.
    """
    pyplot = shared_pyplot()
    curves = list(_curves(trials, attachment_name))
    known = sorted((each for each in curves if math.isfinite(each[0])), key=operator.itemgetter(0))
    lowest, span = (known[0][0], known[-1][0] - known[0][0]) if known else (0.0, 0.0)
    if num_trails is not None:
        steps = np.linspace(0, len(known), min(num_trails, len(known)), endpoint=False, dtype=int)
        curves = [known[step] for step in steps]
    for loss, curve in curves:
        is_known = math.isfinite(loss)
        share = max((loss - lowest) / span, _LIGHT) if is_known and span else 1.0
        color = (0.0 if is_known else 1.0, 0.0, 0.0, max_darkness * share)
        pyplot.plot(
            preprocessing_fn(curve), linewidth=line_width,
            color=color if colorize_by_loss else None,
            label=f"loss: {loss:.5}" if is_known else "no loss",
        )  # fmt: skip
    if 0 < len(curves) < _MANY:
        pyplot.legend()
    _finish(pyplot, do_show, attachment_name)


def _curves(trials: Any, name: str) -> Iterable[tuple[float, Any]]:
    """The loss and the attachment of each trial that has one of one dimension."""
    attachments_of: Any = getattr(trials, "trial_attachments", lambda _: {})
    for document in trials:
        attachments = attachments_of(document)
        if name not in attachments:
            continue
        thing = attachments[name]
        curve = np.squeeze(
            np.asanyarray(pickle.loads(thing) if isinstance(thing, bytes) else thing)
        )
        if curve.ndim == 1:
            yield _loss(document), curve
        else:
            logger.warning(
                "%r of trial %s has %s", name, document["tid"], plural(curve.ndim, "dimension")
            )


def _say_nothing(pyplot: Any) -> None:
    """Write into an empty picture why it is empty."""
    axes = pyplot.gca()
    axes.text(0.5, 0.5, "no trial has a loss", ha="center", va="center", transform=axes.transAxes)


def _loss(document: Document) -> float:
    """The loss of a document, nan without one."""
    loss = document["result"].get("loss")
    return math.nan if loss is None else float(loss)


def _finish(pyplot: Any, do_show: bool, title: str | None = None) -> None:
    if title is not None:
        pyplot.title(title)
    if do_show:
        pyplot.show()
