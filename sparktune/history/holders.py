"""The history behind whatever holds one: trials of any kind, a Tuner, or a History itself."""

from __future__ import annotations

from typing import Any

from .history import History

__all__ = ["history_of", "trials_in_words"]


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
            "`trials` must be Trials of sparktune of any kind, a Tuner or a History "
            "(Trials.from_documents makes Trials of Hyperopt's), but got "
            f"{trials_in_words(trials)}"
        )
    return found


def trials_in_words(given: Any) -> str:
    """What was given for trials, for a sentence: classes of one name say of which package."""
    if isinstance(given, type):
        return f"the class {given.__name__}: write {given.__name__}()"
    if not hasattr(given, "trials"):
        return f"{given!r:.200}"
    package, _, module = type(given).__module__.partition(".")
    if package == __package__.partition(".")[0] and module.startswith("hyperopt."):
        package += ".hyperopt"
    return f"{type(given).__name__}() of {package}"


_NOTHING = object()
