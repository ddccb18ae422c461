"""What all commands share: how words are checked, and what is printed where."""

from __future__ import annotations

import argparse
import sys
from typing import Any

__all__ = ["Refused", "add_command", "beginning", "complain", "number", "say"]


class Refused(Exception):  # noqa: N818 (says what became of a command)
    """A command cannot do what it was asked; the message is the sentence that people see."""


def add_command(commands: Any, name: str, text: str, more: str = "") -> argparse.ArgumentParser:
    """Add a command, whose own ``--help`` says what it does, as the list of commands has it.

    Args:
        commands: the subparsers of a parser.
        name: of the command.
        text: what it does, as a line of the list.
        more: sentences that its own help alone has.
    """
    about = f"{text[0].upper()}{text[1:]}. {more}".strip()
    made: argparse.ArgumentParser = commands.add_parser(name, help=text, description=about)
    return made


def number(low: int, high: int) -> Any:
    """A check for argparse: a whole number from ``low`` to ``high``."""

    def check(text: str) -> int:
        if not text.isascii() or not text.isdigit() or not low <= int(text) <= high:
            raise argparse.ArgumentTypeError(
                f"must be a whole number from {low} to {high}, but got {text!r}"
            )
        return int(text)

    return check


def beginning(*ways: str, such: str) -> Any:
    """A check for argparse: a text that begins in one of several ways."""

    def check(text: str) -> str:
        if not text.startswith(ways):
            raise argparse.ArgumentTypeError(f"must be such as {such}, but got {text!r}")
        return text

    return check


def say(text: str) -> None:
    """Print to stdout, at once."""
    print(text, flush=True)  # noqa: T201


def complain(text: str) -> None:
    """Print a sentence to stderr."""
    print(f"sparktune: {text}", file=sys.stderr, flush=True)  # noqa: T201
