"""What a worker does not evaluate, and leaves to others."""

from __future__ import annotations

from typing import Any

__all__ = ["Refusals", "Refused"]

_AGAIN = 10.0  # seconds after which what was refused is looked at again
_LONGEST = 300.0  # seconds, where it was refused again and again


class Refused(Exception):  # noqa: N818 (it never leaves this room)
    """This worker does not evaluate a trial, or all of its job; the message says why.

    Args:
        text: why.
        whole_job: whether it takes no trial of the job.
    """

    def __init__(self, text: str, whole_job: bool = True) -> None:
        super().__init__(text)
        self.whole_job = whole_job


class Refusals:
    """What was refused; it is looked at again, each time twice as late, up to five minutes."""

    def __init__(self) -> None:
        self._until: dict[Any, tuple[float, float]] = {}

    def __len__(self) -> int:
        return len(self._until)

    def add(self, what: Any, now: float) -> None:
        """Refuse something; ``now`` in seconds of a clock."""
        wait = min(2 * self._until[what][1], _LONGEST) if what in self._until else _AGAIN
        self._until[what] = now + wait, wait

    def at(self, now: float) -> list[Any]:
        """What is not to be looked at now."""
        return [what for what, (until, _) in self._until.items() if until > now]
