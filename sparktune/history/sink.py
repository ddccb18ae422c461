"""Where a history keeps its records beyond this process."""

from __future__ import annotations

from typing import Protocol

from .records import Record, Reported

__all__ = ["Sink"]


class Sink(Protocol):
    """Keeps records in their order. The history calls it before anybody sees what they say."""

    def append(self, record: Record) -> None:
        """Keep a record; it is durable once this returns.

        Raises:
            JournalError: it cannot be kept; then the history does not take it either.
        """

    def note(self, record: Reported) -> None:
        """Keep a report with the next record, at most a second later."""
