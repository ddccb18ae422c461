"""HTML for notebooks: plain elements with styles of their own, and data that stays data.

There is no script, no class that means anything, and nothing from outside; colours are those of the
page around, so that light and dark themes both do.
"""

from __future__ import annotations

import html
from collections.abc import Collection, Iterable, Sequence

__all__ = ["block", "bold", "clean", "escaped", "faint", "listed", "pairs", "table"]

_LINE = "1px solid rgba(128, 128, 128, 0.35)"
_CELL = "padding: 0.15em 0.9em 0.15em 0; border: 0; background: none; vertical-align: top"
_NUMBERS = "font-variant-numeric: tabular-nums"


def clean(text: str) -> str:
    """A text without what no page and no message can carry: nulls, lone surrogates, controls.

    Line ends stay, as line feeds; every other blank is a space.
    """
    lines = str(text).replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return "\n".join(
        "".join(
            c if c.isprintable() else " " if c.isspace() else "\N{REPLACEMENT CHARACTER}"
            for c in line
        )
        for line in lines
    )


def escaped(text: str) -> str:
    """A text as HTML shows it, inside elements and attributes alike."""
    return html.escape(clean(text), quote=True)


def block(*parts: str) -> str:
    """Parts of HTML as one, in which no page looks for formulas."""
    style = "line-height: 1.45; overflow-x: auto; max-width: 100%"
    return f'<div class="tex2jax_ignore mathjax_ignore" style="{style}">{"".join(parts)}</div>'


def bold(text: str) -> str:
    """A text as a heading; nothing for none."""
    if not text:
        return ""
    return f'<div style="font-weight: bold; margin: 0.3em 0 0.15em 0">{escaped(text)}</div>'


def faint(text: str) -> str:
    """A text that stands back."""
    return f'<div style="opacity: 0.7">{escaped(text)}</div>'


def listed(texts: Iterable[str], *, mono: bool = False) -> str:
    """Texts below each other, as they are, blanks and all.

    Args:
        texts: one a block.
        mono: whether all characters are equally wide.
    """
    font = "font-family: monospace; " if mono else ""
    style = font + "white-space: pre-wrap; overflow-wrap: anywhere; margin-left: 1em"
    return "".join(f'<div style="{style}">{escaped(text)}</div>' for text in texts)


def pairs(rows: Iterable[tuple[str, str]], strong: str = "") -> str:
    """Names and what there is to say of each.

    Args:
        rows: pairs of a name and a text.
        strong: the name whose text stands out.
    """
    lines = []
    for name, text in rows:
        weight = "; font-weight: bold" if name == strong else ""
        lines.append(
            f'<tr style="background: none"><td style="{_CELL}; text-align: left; opacity: 0.7">'
            f'{escaped(name)}</td><td style="{_CELL}; text-align: left; {_NUMBERS}{weight}">'
            f"{escaped(text)}</td></tr>"
        )
    return _table(lines)


def table(
    headers: Sequence[str],
    rows: Iterable[Sequence[str]],
    left: Collection[str] = (),
    *,
    first: bool = False,
    wraps: bool = False,
) -> str:
    """A table of texts, numbers to the right.

    Args:
        headers: of the columns.
        rows: a text for each column.
        left: headers of the columns that are no numbers.
        first: whether the first row stands out.
        wraps: whether the last column may take several lines.
    """
    blanks = "white-space: nowrap"
    aligned = ["left" if each in left else "right" for each in headers]
    head = "".join(
        f'<th style="{_CELL}; text-align: {side}; border-bottom: {_LINE}; font-weight: normal; '
        f'opacity: 0.7">{escaped(each)}</th>'
        for each, side in zip(headers, aligned, strict=True)
    )
    lines = [f'<tr style="background: none">{head}</tr>']
    for place, row in enumerate(rows):
        weight = "; font-weight: bold" if first and not place else ""
        cells = "".join(
            f'<td style="{_CELL}; text-align: {side}; {_NUMBERS}'
            f'{"" if wraps and column == len(row) - 1 else f"; {blanks}"}{weight}">'
            f"{escaped(each)}</td>"
            for column, (each, side) in enumerate(zip(row, aligned, strict=True))
        )
        lines.append(f'<tr style="background: none">{cells}</tr>')
    return _table(lines)


def _table(lines: Iterable[str]) -> str:
    style = "border-collapse: collapse; border: 0; margin: 0.2em 0 0.4em 0; font-size: inherit"
    return f'<table style="{style}"><tbody>{"".join(lines)}</tbody></table>'
