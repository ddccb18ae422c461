"""The command ``report``: a recorded run as a page of HTML."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any

from ..report import document_of, page, write
from .journals import add_source, summary_in
from .sources import source_of
from .words import Refused, add_command, say

__all__ = ["add_commands"]

_FILE = "report.html"


def add_commands(commands: Any) -> None:
    """Add it to the subparsers of a parser."""
    text = "a run as one page of HTML that works offline, also while the run goes on"
    add = add_command(commands, "report", text)
    add_source(add)
    text = "the file, which is replaced where it is there; - for stdout (default: %(default)s)"
    add.add_argument("--out", "-o", default=_FILE, metavar="FILE", help=text)
    text = "the heading (default: the name of the folder or of the search)"
    add.add_argument("--name", metavar="NAME", help=text)
    add.set_defaults(run=_report)


def _report(words: argparse.Namespace) -> int:
    source = source_of(words.path, words.exp_key)
    summary = summary_in(source)
    is_store = words.path is None or "://" in words.path
    name = words.name or (words.exp_key if is_store else Path(os.path.abspath(words.path)).name)  # noqa: PTH100 (of the name alone)
    text = page(document_of(summary.history, name, about=source.name, standing=summary))
    if words.out == "-":
        sys.stdout.flush()
        sys.stdout.buffer.write(text.encode())  # in the page's encoding, whatever the terminal's is
        sys.stdout.buffer.flush()
        return 0
    try:
        say(f"wrote {write(words.out, text)}")
    except OSError as error:
        raise Refused(str(error)) from None
    return 0
