"""The command line: ``sparktune COMMAND ...``, or ``python -m sparktune COMMAND ...``."""

from .commands import main

__all__ = ["main"]
