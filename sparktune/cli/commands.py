"""The parser of all commands, and what of them ends with which exit code."""

from __future__ import annotations

import argparse
import os
import sys
import warnings
from collections.abc import Sequence
from typing import Any

from ..cluster.state import ClusterError
from ..exceptions import JournalError
from . import clusters, dashboards, importing, journals, reports, workers
from .words import Refused, complain

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command.

    Args:
        argv: its words; None for those this process was given.

    Returns:
        0 where all is well, 1 where it is not, 2 for words that make no command, 130 after Ctrl-C.
    """
    parser = _parser()
    try:
        words = parser.parse_args(argv)
    except SystemExit as end:
        return int(end.code or 0)
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _show_warning  # type: ignore[assignment]
            return int(words.run(words))
    except (ValueError, ClusterError, JournalError, Refused, ImportError) as error:
        complain(str(error))
        return 2 if isinstance(error, ValueError) else 1
    except BrokenPipeError:
        _drop_output()
        return 1
    except KeyboardInterrupt:
        complain("interrupted")
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="sparktune", description="Looks into runs, and helps with tuning on Spark."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    journals.add_commands(commands)
    reports.add_commands(commands)
    importing.add_commands(commands)
    dashboards.add_commands(commands)
    workers.add_commands(commands)
    clusters.add_commands(commands)
    return parser


def _show_warning(message: Warning | str, category: type[Warning], *_: Any) -> None:
    """Print our own warnings without the line of this program that called us."""
    kind = "" if category is UserWarning else f"{category.__name__}: "
    complain(f"{kind}{message}")


def _drop_output() -> None:
    """Let what is still to be written go nowhere, since whoever read it has gone."""
    try:
        with open(os.devnull, "w") as nowhere:  # noqa: PTH123 (its descriptor is wanted)
            os.dup2(nowhere.fileno(), sys.stdout.fileno())
    except (OSError, ValueError):
        pass  # stdout is no file
