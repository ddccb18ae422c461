"""A run that is looked at: what is recorded of it, and the JSON that a browser gets of that."""

from __future__ import annotations

import gzip
import math
import threading
from typing import Any, Protocol

import numpy as np

from ..exceptions import JournalError
from ..history import History, Status
from ..report import document_of, importance_of, json_of
from ..report.columns import number_of
from ..storage.replaying import Recorded
from ..views.standing import Standing
from ..views.values import one_line

__all__ = ["Source", "Watched"]


class Source(Protocol):
    """Where a run is recorded.

    Attributes:
        name: for people.
    """

    name: str

    def replay(self, known: Recorded | None = None) -> Recorded:
        """What is recorded; of what was read before, the rest is read.

        Raises:
            JournalError: it is damaged, or cannot be reached.
        """

    def summary(self, recorded: Recorded) -> Standing:
        """What there is to say of it."""


_NOT_YET = {"shares": None, "why": "they are being computed"}


class Watched:
    """A run, as it was when it was last read. May be used from several threads.

    Args:
        key: by which a browser asks for it.
        source: where it is recorded.

    Attributes:
        version: a text that is another one after each change; empty until it was read.
    """

    def __init__(self, key: str, source: Source) -> None:
        self.key, self.name, self._source = key, source.name, source
        self.version = ""
        self._recorded: Recorded | None = None
        self._error = ""
        self._lock = threading.Lock()  # of the history, which is read on in place
        self._is_shown, self._weighed = False, -1  # with so many losses, below 0 for never
        self._importance: dict[str, Any] = _NOT_YET
        self._made: tuple[str, bytes] = ("", b"")
        self._read: tuple[str | None, int] | None = None  # what of the record was counted
        self._counted: dict[str, Any] = {}
        self._line = {"key": key, "name": self.name, "version": "", "error": ""}

    def refresh(self) -> bool:
        """Read what is new; whether anything was."""
        with self._lock:
            try:
                recorded = self._source.replay(self._recorded)
                if self._recorded is None or recorded.id != self._recorded.id:
                    self._weighed, self._importance = -1, _NOT_YET
                read, self._recorded, self._error = (recorded.id, recorded.count), recorded, ""
                if read != self._read:
                    self._counted, self._read = _counted_in(recorded.history), read
                self._counted["state"] = self._source.summary(recorded).state
            except JournalError as error:
                self._recorded, self._read, self._counted = None, None, {}
                self._error = str(error)
            return self._told()

    def _told(self) -> bool:
        """Bring version and line up to date; whether they are other ones now."""
        before = self.version
        state = self._error or self._counted["state"]
        self.version = f"{self._read} {state} {self._weighed}"
        told = {"key": self.key, "name": self.name, "version": self.version}
        self._line = {**told, "error": one_line(self._error), **self._counted}
        return self.version != before

    def line(self) -> dict[str, Any]:
        """What a list of runs shows of it, from its last reading; waits for nothing.

        ``key``, ``name``, ``version``, ``error`` (a sentence, or empty); and once it could be read
        ``trials``, ``failed``, ``best`` and ``state``, ``begun`` and ``changed`` (seconds since the
        epoch, null without trials).
        """
        return self._line

    def document(self) -> tuple[str, bytes]:
        """Its version, and the gzipped JSON of its document; made once for each version.

        Raises:
            JournalError: it could not be read.
        """
        with self._lock:
            self._refuse_unread()
            self._is_shown = True
            if self._made[0] != self.version and self._recorded is not None:
                standing = self._source.summary(self._recorded)
                history = self._recorded.history
                document = document_of(
                    history, self.name, standing=standing, importance=self._importance
                )
                document["key"], document["version"] = self.key, self.version
                self._made = self.version, packed(document)
            return self._made

    def weigh(self) -> bool:
        """Compute the importances of what somebody looks at; whether there are other ones now.

        They come after the document, for they take a second, and anew once a tenth more trials have
        a loss.
        """
        if not self._is_shown:
            return False
        with self._lock:
            history = None if self._recorded is None else self._recorded.history
            count = 0 if history is None else history.count(Status.OK)
            if self._error or (self._weighed >= 0 and count <= 1.1 * self._weighed):
                return False
            self._weighed, self._importance = count, importance_of(history)
            return self._told()

    def course(self) -> bytes:
        """The gzipped JSON of its losses: ``losses`` and ``ended``, by number.

        A loss is null where the trial has none; ended is in seconds since the run began.

        Raises:
            JournalError: it could not be read.
        """
        with self._lock:
            self._refuse_unread()
            history = None if self._recorded is None else self._recorded.history
            return packed({"key": self.key, "version": self.version, **_course_of(history)})

    def _refuse_unread(self) -> None:
        if self._error:
            raise JournalError(self._error)


def packed(value: Any) -> bytes:
    """A value of JSON, gzipped; quickly rather than small."""
    return gzip.compress(json_of(value).encode(), compresslevel=1)


def _counted_in(history: History | None) -> dict[str, Any]:
    if history is None:
        return {"trials": 0, "failed": 0, "best": None, "begun": None, "changed": None}
    trials = [trial for trial in history if not trial.reserved]
    ended = [end for trial in trials if math.isfinite(end := _end_of(trial))]
    begun = [trial.started for trial in trials]
    return {
        "trials": len(trials),
        "failed": history.count(Status.FAILED, Status.TIMED_OUT),
        "best": None if history.best is None else number_of(history.best.loss),
        "begun": min(begun, default=None),
        "changed": max([*begun, *ended], default=None),
    }


def _end_of(trial: Any) -> float:
    seconds = None if trial.outcome is None else trial.outcome.seconds
    return math.nan if seconds is None else trial.started + seconds


def _course_of(history: History | None) -> dict[str, Any]:
    if history is None:
        return {"losses": [], "ended": []}
    begun = min((trial.started for trial in history if not trial.reserved), default=0.0)
    ended = [_end_of(trial) - begun for trial in history]
    losses = np.where(history.status == Status.OK, history.y, np.nan).tolist()
    return {
        "losses": [None if loss != loss else number_of(loss) for loss in losses],
        "ended": [None if end != end else round(end, 3) for end in ended],
    }
