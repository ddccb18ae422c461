"""What people are told while something goes on: through ``logging``, else on standard error."""

from __future__ import annotations

import contextlib
import logging
import sys

__all__ = ["LOGGER", "tell"]

LOGGER = logging.getLogger("sparktune")


def tell(text: str, level: int = logging.INFO) -> None:
    """Log a line under the logger ``sparktune``, or write it where nobody has set up logging.

    A program that has given the logger ``sparktune`` a level of its own, or disabled logging, has
    decided; one whose handlers take this level gets the line; else it goes to standard error, at
    once.

    Args:
        text: the line, or several.
        level: as of ``logging``.
    """
    takes = LOGGER.isEnabledFor(level)
    refuses = LOGGER.level != logging.NOTSET or LOGGER.disabled or LOGGER.manager.disable >= level
    if takes and LOGGER.hasHandlers():
        LOGGER.log(level, "%s", text)
    elif takes or not refuses:
        _write(text)


def _write(text: str) -> None:
    with contextlib.suppress(AttributeError, OSError, ValueError):  # there is none, or it is closed
        sys.stderr.write(f"sparktune: {text}\n")
        sys.stderr.flush()
