"""How a search stands, as lines of plain text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..cutting import cut
from .standing import Grid, Standing

__all__ = ["TOP", "lines_of", "text_of"]

TOP, _WIDTH = 10, 120  # trials and characters, where nobody says how many
_NAMES = 14  # characters of the names of facts


def text_of(heading: str, standing: Standing, top: int = TOP, width: int | None = _WIDTH) -> str:
    """A heading and how a search stands below it.

    Args:
        heading: the first line.
        standing: of the search.
        top: how many of the best trials are shown, >= 0.
        width: characters of a line, to which longer ones are cut; None for whole ones.
    """
    lines = [heading, *_pairs(standing.facts, "  "), *_pairs(standing.parameters, "    ")]
    table = standing.table(top, _WIDTH if width is None else width)
    if table is not None:
        lines += ["", *lines_of(table)]
    if errors := standing.errors:
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
