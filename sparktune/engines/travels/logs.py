"""What trials log: the last of it is kept, whether or not their process shows it.

In a process whose logging nobody set up, records below WARNING are not even made. Here they are
made from INFO on and go into the last lines that a failed trial shows; what is printed, and what
handlers receive, stays as it would be.
"""

from __future__ import annotations

import contextlib
import logging
import os
from typing import Any


class _Ours(int):
    """A level that nobody but this module has set."""


_FORMAT = logging.Formatter("%(levelname)s:%(name)s:%(message)s")
_deliver = logging.Logger.callHandlers


def keep(write: int) -> None:
    """Write what is logged and not printed, from INFO on, to a file descriptor.

    Args:
        write: leads to the watchdog.
    """
    if logging.root.level == logging.WARNING:
        logging.root.setLevel(_Ours(logging.INFO))

    def deliver(self: logging.Logger, record: logging.LogRecord) -> None:
        usual = not (
            record.levelno < logging.WARNING and isinstance(self.getEffectiveLevel(), _Ours)
        )
        if usual:
            _deliver(self, record)
        if record.levelno >= logging.INFO and not (usual and _is_printed(self, record)):
            with contextlib.suppress(Exception):  # a record that no text can be made of
                os.write(write, f"{_FORMAT.format(record)}\n".encode(errors="replace"))

    logging.Logger.callHandlers = deliver  # type: ignore[method-assign]


def _is_printed(logger: logging.Logger, record: logging.LogRecord) -> bool:
    """Whether a handler writes a record to standard output or error."""
    handlers: list[Any] = []
    at: logging.Logger | None = logger
    while at is not None:
        handlers += at.handlers
        at = at.parent if at.propagate else None
    if not handlers and logging.lastResort is not None:
        handlers = [logging.lastResort]
    return any(record.levelno >= each.level and _prints(each) for each in handlers)


def _prints(handler: Any) -> bool:
    with contextlib.suppress(Exception):  # it has no stream, or one without a file
        return handler.stream.fileno() in (1, 2)
    return False
