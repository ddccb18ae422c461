"""A run as plain text, for files and for terminals without rich."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from .summary import Grid, Summary, iso_time
from .values import cut, digits

__all__ = ["ended_line", "text_of"]

_NAMES = 14  # characters of the names of facts


def text_of(summary: Summary, top: int, width: int | None) -> str:
    """A summary as lines.

    Args:
        summary: of a run.
        top: how many of the best trials are shown, >= 0.
        width: characters of a line, to which longer ones are cut; None for whole ones.
    """
    lines = [str(summary.where), *_pairs(summary.facts, "  ")]
    lines += _pairs(summary.parameters, "    ")
    table = summary.table(top, 120 if width is None else width)
    if table is not None:
        lines += ["", *lines_of(table)]
    if errors := summary.errors:
        lines += ["", "errors", *(f"  {each}" for each in errors)]
    return "\n".join(cut(line, width) for line in lines)


def _pairs(pairs: Iterable[tuple[str, str]], indent: str) -> Iterator[str]:
    names = _NAMES - len(indent) + 2
    names = max([names, *(len(name) + 2 for name, _ in pairs)])
    return (f"{indent}{name:<{names}}{text}" for name, text in pairs)


def lines_of(grid: Grid) -> list[str]:
    """A table as aligned lines, the headers first."""
    widths = [max(map(len, column)) for column in zip(grid.headers, *grid.rows, strict=True)]
    return ["  ".join(_cells(row, grid, widths)).rstrip() for row in (grid.headers, *grid.rows)]


def _cells(row: Iterable[str], grid: Grid, widths: Iterable[int]) -> Iterator[str]:
    for header, cell, width in zip(grid.headers, row, widths, strict=True):
        yield cell.ljust(width) if header in grid.left else cell.rjust(width)


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
