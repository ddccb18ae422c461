"""Where MLflow has the runs of a search."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Place"]


@dataclass
class Place:
    """Where the runs of a search are; kept with its trials.

    Attributes:
        search: the search's id, the same wherever its record is gone on with.
        is_recorded: whether another process may have tracked the search before.
        is_shared: whether others may track trials of the search at the same time.
        uri: of the server.
        experiment: the id of the experiment; "" until it is known.
        parent: the id of the parent run; "" until it is known.
        first: number of the first trial that was tracked.
    """

    search: str
    is_recorded: bool = False
    is_shared: bool = False
    uri: str = ""
    experiment: str = ""
    parent: str = ""
    first: int = 0

    def move(self, uri: str, first: int) -> bool:
        """Be at a server; whether no run of the search can be there yet."""
        if self.uri == uri:
            return False
        self.uri, self.experiment, self.parent, self.first = uri, "", "", first
        return not self.is_recorded
