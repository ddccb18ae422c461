"""The history behind whatever holds one: trials of any kind, a Tuner, or a History itself."""

from __future__ import annotations

from typing import Any

from .history import History

__all__ = ["history_of"]


def history_of(trials: Any) -> History:
    """The history of trials, also of those that were loaded to be read, or of a Tuner.

    Raises:
        TypeError: it is none of these.
        ValueError: no search has begun with these trials.
    """
    found = trials if isinstance(trials, History) else getattr(trials, "history", _NOTHING)
    if found is None:
        raise ValueError("these trials belong to no search yet")
    if not isinstance(found, History):
        raise TypeError(
            "`trials` must be Trials of sparktune (Trials.from_documents makes them of "
            f"Hyperopt's), but got {trials!r:.100}"
        )
    return found


_NOTHING = object()
