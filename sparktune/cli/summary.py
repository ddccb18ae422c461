"""What there is to say of a run that is recorded: how it stands, since when, and who writes it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from ..exceptions import JournalError
from ..plurals import plural
from ..storage.files import FILES
from ..storage.lock import writer_of
from ..storage.owner import Owner
from ..storage.reading import Listing
from ..storage.replaying import Recorded, torn_words
from ..storage.stores.reader import Alive
from ..views.standing import Standing
from ..views.values import one_line

__all__ = ["Summary", "age", "iso_time", "moment", "summary_of"]


@dataclass(frozen=True)
class Summary(Standing):
    """A run as it stands.

    Attributes:
        history: as of Standing.
        where: the folder of the journal, or the name of the store.
        seed: the whole number from which all randomness comes; None where no run has begun.
        runs: how many runs have begun.
        begun: when the first run or trial did, in seconds since the epoch; None without one.
        written: when the last record was written, in seconds since the epoch.
        now: when this was read.
        writer: who writes it; None for nobody.
        closed: whether the last writer closed the journal; of a store, whether no driver lives.
        alive: who takes part in a search of a store; None for a journal.
        torn: that a journal's last record is torn, in words; None where it is not.
    """

    where: Path | str
    seed: int | None
    runs: int
    begun: float | None
    written: float | None
    now: float
    writer: Owner | None
    closed: bool
    alive: Alive | None = None
    torn: str | None = None

    @property
    def facts(self) -> list[tuple[str, str]]:
        """What there is to say, as pairs of a name and a text."""
        runs = "" if not self.runs else f", {plural(self.runs, 'run')}"
        seed = "" if self.seed is None else f", seed {self.seed}"
        begun = "not yet" if self.begun is None else moment(self.begun)
        found = [("begun", f"{begun}{runs}{seed}")]
        if self.written is not None:
            ago = age(self.now - self.written)
            found.append(("last written", f"{moment(self.written)}, {ago} ago"))
        found.append(("writer", self._writer) if self.alive is None else ("alive", self._alive))
        return found + super().facts

    @property
    def _alive(self) -> str:
        if self.alive is None:
            return ""
        names = [(self.alive.drivers, "driver"), (self.alive.workers, "worker")]
        return ", ".join(plural(count, name) for count, name in names)

    @property
    def under_way(self) -> dict[str, int]:
        """How many pending trials there are, by what becomes of them."""
        if self.alive is None:
            return super().under_way
        pending = self.counts["pending"]
        waiting = min(self.alive.waiting, pending)
        return {"waiting for a worker": waiting, "running": pending - waiting}

    @property
    def _writer(self) -> str:
        if self.writer is None:
            ended = "" if self.closed or self.history is None else ", and the last one was cut off"
            return f"nobody{ended}"
        unseen = "" if self.writer.here else "; from here it cannot be seen whether that goes on"
        return one_line(f"{self.writer}{unseen}")


def moment(seconds: float) -> str:
    """Seconds since the epoch as a time in UTC."""
    try:
        found = datetime.fromtimestamp(seconds, timezone.utc)
    except (ValueError, OverflowError, OSError):
        return "at no time that there is"
    return f"{found:%Y-%m-%d %H:%M:%S} UTC"


def iso_time(seconds: float | None, to: str = "microseconds") -> str | None:
    """Seconds since the epoch as ISO 8601 has a time in UTC; None for None.

    Args:
        seconds: since the epoch.
        to: the smallest unit that is written.
    """
    if seconds is None:
        return None
    found = datetime.fromtimestamp(seconds, timezone.utc)
    return found.isoformat(timespec=to).replace("+00:00", "Z")


def age(seconds: float) -> str:
    """So many seconds in words."""
    for size, unit in ((86400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(0.0, seconds):.0f} s"


def summary_of(folder: Path, recorded: Recorded) -> Summary:
    """The summary of what was read of a journal.

    Args:
        folder: of the journal.
        recorded: what was read of it.
    """
    history = recorded.history
    starts = [trial.started for trial in history or ()]
    begun = min(filter(None, [*starts, recorded.begun]), default=None)
    writer = writer_of(folder)
    return Summary(
        history, folder, recorded.seed, recorded.runs, begun, _written(folder), time.time(),
        writer, recorded.closed, torn=torn_words(folder, recorded), is_running=writer is not None,
    )  # fmt: skip


def _written(folder: Path) -> float | None:
    """When the last file of a journal was written; None where that cannot be seen."""
    try:
        listing = Listing(FILES, folder)
        number = listing.numbers[-1]
        return listing.path(number, listing.generations[number][-1]).stat().st_mtime
    except (OSError, JournalError, IndexError):
        return None
