"""One line of what the doctor found."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Check"]


@dataclass(frozen=True)
class Check:
    """What was found, and what to do about it.

    Args:
        name: what was looked at.
        status: ``"ok"``, ``"warning"`` or ``"problem"``.
        found: what is there.
        advice: one sentence; empty where all is well.
    """

    name: str
    status: str
    found: str
    advice: str = ""
