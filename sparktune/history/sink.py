"""Where a history keeps its records beyond this process."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from .records import Record, Reported

__all__ = ["Sink"]


class Sink(Protocol):
    """Keeps records in their order. The history calls it before anybody sees what they say.

    Several histories may share what a sink keeps; what the others record comes with ``refresh``.
    """

    @property
    def name(self) -> str:
        """Where that is, for people."""

    def append(self, record: Record) -> None:
        """Keep a record; it is durable once this returns.

        Raises:
            JournalError: it cannot be kept; then the history does not take it either.
        """

    def note(self, record: Reported) -> None:
        """Keep a report with the next record, at most a second later."""

    def reserve(self, first: int, k: int, max_evals: int | None) -> Sequence[int]:
        """Numbers for the next k trials; fewer where others have taken what ``max_evals`` leaves.

        Args:
            first: the number after the last one that the history has.
            k: how many are wanted.
            max_evals: how many trials there may be that count.
        """

    def refresh(self, history: Any) -> list[Record]:
        """Fold what others have recorded into a history, and give it."""

    def left(self, history: Any) -> list[Any]:
        """The pending trials of a history that nobody evaluates, as its run ended elsewhere."""

    def lost(self, number: int) -> int:
        """How often the process of a serial search has ended under a trial, as is recorded.

        A database counts here as well how often its workers or executors were lost.
        """

    def listen(self, wake: Callable[[], None], max_evals: int | None) -> None:
        """Begin a run that ends with ``max_evals`` trials.

        ``wake`` is called, in any thread, when there is something to refresh. Until ``max_evals``
        is known no trial is begun again that others leave no room for.
        """
