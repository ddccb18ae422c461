"""A run as plain text, for files and for terminals without rich."""

from __future__ import annotations

from ..views import text
from ..views.values import digits
from .summary import Summary, iso_time

__all__ = ["ended_line", "text_of"]


def text_of(summary: Summary, top: int, width: int | None) -> str:
    """A summary as lines.

    Args:
        summary: of a run.
        top: how many of the best trials are shown, >= 0.
        width: characters of a line, to which longer ones are cut; None for whole ones.
    """
    return text.text_of(str(summary.where), summary, top, width)


def ended_line(summary: Summary, number: int, best: float | None) -> str:
    """One line for a trial that ended: when that was seen, number, status, loss, the best so far.

    Args:
        summary: of the run.
        number: of the trial.
        best: the lowest loss up to it, None without one.
    """
    history = summary.history
    if history is None:
        return ""
    trial = history[number]
    loss = f"loss {digits(trial.loss, 6)}" if trial.loss is not None else ""
    so_far = "" if best is None else f"best {digits(best, 6)}"
    word = trial.status.name.lower().replace("_", " ")
    at = iso_time(summary.now, "seconds")
    line = f"{at} trial {number:<5} {word:<9} {loss:<16} {so_far}"
    return line.rstrip()
