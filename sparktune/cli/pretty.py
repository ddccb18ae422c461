"""A run as rich draws it on a terminal; rich is imported where it is used."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from ..cutting import cut
from .summary import Summary

__all__ = ["has_rich", "live", "rendered", "show"]

_BESIDE = 8  # lines that are neither facts nor trials


def has_rich() -> bool:
    """Whether rich is installed, as the extra [cli] has it."""
    return importlib.util.find_spec("rich") is not None


def show(summary: Summary, top: int, console: Any = None) -> None:
    """Print a summary.

    Args:
        summary: of a run.
        top: how many of the best trials are shown, >= 0.
        console: of rich; None for one of stdout.
    """
    from rich.console import Console

    console = console or Console()
    console.print(rendered(summary, top, console.width))


@contextmanager
def live(top: int, console: Any = None) -> Iterator[Callable[[Summary, list[str]], None]]:
    """A function that draws a summary, and the lines of the trials that ended last, in place.

    Args:
        top: how many of the best trials are shown, as far as the screen has room.
        console: of rich; None for one of stdout.
    """
    from rich.console import Console, Group
    from rich.live import Live
    from rich.text import Text

    console = console or Console()
    with Live(console=console, auto_refresh=False) as view:

        def draw(summary: Summary, lines: list[str]) -> None:
            taken = len(summary.facts) + len(summary.parameters) + len(summary.errors) + len(lines)
            room = max(3, console.height - taken - _BESIDE)
            parts = [rendered(summary, min(top, room), console.width)]
            parts += [Text(line, style="dim", no_wrap=True, overflow="ellipsis") for line in lines]
            view.update(Group(*parts), refresh=True)

        yield draw


def rendered(summary: Summary, top: int, width: int) -> Any:
    """A summary as something that rich can print.

    Args:
        summary: of a run.
        top: how many of the best trials are shown, >= 0.
        width: characters of a line.
    """
    from rich.console import Group
    from rich.text import Text

    parts: list[Any] = [Text(str(summary.where), style="bold", overflow="fold")]
    parts.append(_pairs(summary))
    table = _table(summary, top, width)
    if table is not None:
        parts += ["", table]
    if errors := summary.errors:
        parts += ["", Text("errors", style="bold red")]
        parts += [Text(f"  {each}", no_wrap=True, overflow="ellipsis") for each in errors]
    return Group(*parts)


def _pairs(summary: Summary) -> Any:
    from rich.table import Table
    from rich.text import Text

    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="cyan", no_wrap=True)
    grid.add_column(overflow="fold")
    for name, text in summary.facts:
        style = "bold green" if name == "best loss" else ""
        grid.add_row(Text(f"  {name}"), Text(text, style=style))
    for name, text in summary.parameters:
        grid.add_row(Text(f"    {name}"), Text(text))
    return grid


def _table(summary: Summary, top: int, width: int) -> Any:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    found = summary.table(top, width - 2)
    if found is None:
        return None
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    for header in found.headers:
        justify: Any = "left" if header in found.left else "right"
        style = "bold" if header == "loss" else ""
        table.add_column(
            Text(header), justify=justify, no_wrap=True, overflow="ellipsis", style=style
        )
    last = max(len(row[-1]) for row in found.rows)
    room = max(len(found.headers[-1]), last - max(0, found.width - width + 2))  # rich cuts all
    for place, row in enumerate(found.rows):
        cells = [*row[:-1], cut(row[-1], room)]
        table.add_row(*map(Text, cells), style="green" if place == 0 else "")
    return table
