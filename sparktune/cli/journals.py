"""The commands ``show`` and ``compact``: what is recorded of a run, for people and programs."""

from __future__ import annotations

import argparse
import select
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..plurals import plural
from ..storage.files import FILES
from ..storage.lock import WriterLock
from ..storage.reading import Listing
from ..storage.segments import compact
from .export import csv_lines, json_of
from .follow import follow_in_lines, follow_on_screen
from .pretty import has_rich, show
from .sources import Source, source_of
from .summary import Summary
from .text import text_of
from .words import Refused, add_command, complain, number, say

__all__ = ["add_commands", "add_source", "summary_in"]

_TOP = 10


def add_commands(commands: Any) -> None:
    """Add them to the subparsers of a parser."""
    text = "a run's summary and its best trials, also while the run goes on"
    add = add_command(commands, "show", text)
    add_source(add)
    text = f"how many of the best trials (default: {_TOP})"
    add.add_argument("--top", type=number(0, 10**6), metavar="N", help=text)
    form = add.add_mutually_exclusive_group()
    text = "all trials as CSV, with the columns of to_pandas()"
    form.add_argument("--csv", action="store_true", help=text)
    form.add_argument("--json", action="store_true", help="summary and all trials as JSON")
    text = "stay, and show what comes, until Ctrl-C; waits for a journal that is not there yet"
    form.add_argument("--follow", "-f", action="store_true", help=text)
    add.set_defaults(run=_show)

    text = "merge the files of a journal that nobody is writing into fewer"
    merge = add_command(commands, "compact", text)
    merge.add_argument("path", metavar="PATH", help="the folder of the journal")
    merge.set_defaults(run=_compact)


def add_source(command: argparse.ArgumentParser) -> None:
    """Add the words that say where a run is recorded."""
    text = "the folder of a run's journal, or the URL of a store (default: SPARKTUNE_STORE)"
    command.add_argument("path", metavar="PATH", nargs="?", help=text)
    text = "in a store, the name of the search (default: %(default)s)"
    command.add_argument("--exp-key", default="default", metavar="KEY", help=text)


def _show(words: argparse.Namespace) -> int:
    if words.top is not None and (words.csv or words.json):
        raise ValueError("--top is of the table: --csv and --json print all trials")
    source, top = source_of(words.path, words.exp_key), _TOP if words.top is None else words.top
    _print_whatever_comes()
    on_terminal = sys.stdout.isatty()
    pretty = on_terminal and has_rich()
    if words.follow:
        pause = _pause_of(sys.stdout)
        if pretty:
            return follow_on_screen(source, top, pause)
        return follow_in_lines(source, top, _width(), pause)
    summary = summary_in(source)
    if words.csv:
        for line in csv_lines(summary.history):
            sys.stdout.write(f"{line}\n")
        sys.stdout.flush()
    elif words.json:
        say(json_of(summary))
    elif pretty:
        show(summary, top)
    else:
        say(text_of(summary, top, _width()))
    return 0


def summary_in(source: Source) -> Summary:
    """How the run of a source stands, after a word where its last record is torn.

    Raises:
        Refused: there is none.
    """
    recorded = source.replay()
    if recorded.id is None:
        raise Refused(f"{source.name} holds no {source.what}")
    summary = source.summary(recorded)
    if summary.torn is not None:
        complain(summary.torn)
    return summary


def _width() -> int | None:
    """Characters of a line of the terminal; None where stdout is none."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def _print_whatever_comes() -> None:
    """Let characters that stdout cannot encode come as escapes, rather than end the command."""
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="backslashreplace")


def _pause_of(stream: Any) -> Callable[[float], None]:
    """A function that waits, and raises BrokenPipeError once nobody reads a stream any more."""
    try:
        end = select.poll()
        end.register(stream.fileno(), 0)
    except (OSError, ValueError):  # it is no file
        return time.sleep

    def pause(seconds: float) -> None:
        if end.poll(seconds * 1000):
            raise BrokenPipeError

    return pause


def _compact(words: argparse.Namespace) -> int:
    folder = Path(words.path)
    if not Listing(FILES, folder).numbers:
        raise Refused(f"{folder} holds no journal")
    with WriterLock(folder):
        before, after = compact(folder)
    became = f" became {after}" if after < before else ", none to merge"
    say(f"{folder}: {plural(before, 'file')}{became}")
    return 0
