"""How a search stands, as HTML for notebooks."""

from __future__ import annotations

from .. import markup
from .standing import Grid, Standing
from .text import TOP

__all__ = ["grid", "page_of"]

WIDE = 150  # characters of a table with a column for each label


def page_of(heading: str, standing: Standing, top: int = TOP) -> str:
    """A heading and how a search stands below it; the words are those of ``text_of``.

    Args:
        heading: the first line.
        standing: of the search.
        top: how many of the best trials are shown, >= 0.
    """
    parts = [markup.bold(heading), markup.pairs(standing.facts, "best loss")]
    found = standing.table(top, WIDE)
    if found is not None:
        parts.append(grid(found, first=True))
    if errors := standing.errors:
        parts += [markup.bold("errors"), markup.listed(errors)]
    return markup.block(*parts)


def grid(found: Grid, *, first: bool = False) -> str:
    """A table as HTML.

    Args:
        found: the texts.
        first: whether the first row stands out.
    """
    return markup.table(found.headers, found.rows, found.left, first=first)
