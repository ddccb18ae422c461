"""Whether trials of one space are candidates of another, column for column."""

from __future__ import annotations

from typing import Any

from ..exceptions import BadSearchSpace
from ..space.tree import Space

__all__ = ["refuse_other"]


def refuse_other(old: Space, new: Space) -> None:
    """Raise where a space has not the labels, distributions, branches and options of another.

    Raises:
        BadSearchSpace: the message names the labels that differ.
    """
    before, now = _signature(old), _signature(new)
    differing = [
        repr(label)
        for label in sorted({*before, *now})
        if before.get(label) != now.get(label) or not new.has_options_of(old, label)
    ]
    if differing:
        raise BadSearchSpace(
            "these trials were made in another space, which differs in "
            f"{', '.join(differing)}; use new trials, or the space that they were made in"
        )


def _signature(space: Space) -> dict[str, Any]:
    """What of each label has to be equal for two spaces to hold the same candidates."""
    return {
        label: (
            space.distributions[j],
            {(space.labels[parent], option) for parent, option in space.parents[j]},
        )
        for j, label in enumerate(space.labels)
    }
