"""The runs of MLflow that one run of a search makes: fed by events, written by threads.

    search  parent run   tags ``sparktune.search.<id>``; parameters, and metrics by step
    trial   child run    tags ``mlflow.parentRunId``, ``sparktune.search`` and ``sparktune.trial``

Whatever becomes of a trial, its child run is brought up to date by one job, which asks for what is
missing and can be done again. By these tags runs are found again after an end of this process.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping
from typing import Any

from ..checks import advise
from ..events import Cancelled, Event, Finished, Started
from ..history import ENDED, History, Status, Trial
from ..plurals import plural
from . import words
from .children import Child, Children, free_names
from .contexts import Outage, context_for, live_context
from .place import Place
from .sender import Sender
from .server import Found, Server, for_others

__all__ = ["Tracker"]

logger = logging.getLogger("sparktune.tracking")

_SECONDS_BETWEEN = 1.0  # two jobs for the parent
_SECONDS_FOR_PARENT = 5.0  # until the first trial goes without it
_PATIENCE = 10.0  # seconds of silence until somebody is told
_AT_END, _AT_END_SILENT, _AT_INTERRUPT = 60.0, 5.0, 5.0
_LONG_AWAY = 60.0
_BEGINNING = threading.Lock()  # of two searches in one parent one is the first
_OF_SEARCH, _NO_SUFFIX = "sparktune.search.", "no suffix"
_SHARED = ("mlflow.user", "mlflow.source.name", "mlflow.source.type")
_COUNTS = {
    "trials_ok": (Status.OK,),
    "trials_failed": (Status.FAILED, Status.TIMED_OUT),
    "trials_pruned": (Status.PRUNED,),
    "trials_cancelled": (Status.CANCELLED, Status.CUT),
}


class Tracker:
    """Takes the events of one run, and has them written.

    Args:
        history: of the search.
        place: where the runs are; what is found out is written there.
        params: text by name, of the parent.
        first: number of the first trial to track, where the search was not tracked before.
        is_live: whether the run of a trial is there before the trial is sent.

    Attributes:
        place, is_live: as given.
        written: how many trials were logged.
    """

    def __init__(
        self,
        history: History,
        place: Place,
        params: Mapping[str, str],
        first: int = 0,
        is_live: bool = False,
    ) -> None:
        import mlflow

        self.is_live = is_live
        self._history, self._params = history, dict(params)
        self._active = mlflow.active_run()
        uri = str(mlflow.get_tracking_uri())
        self._server = Server(uri)
        self._is_new = place.move(uri, first)
        self.place = place
        self._sender = Sender(self._begin, self._end_parent)
        self._status = "FINISHED"
        self.written = 0
        self._children = Children(self._server, place, history)
        self._lock = threading.Lock()  # of the next two and of written
        self._own: set[int] = set()
        self._metrics: list[tuple[str, float, float, int]] = []
        self._shown = time.monotonic()
        self._suffix = ""
        self._said = False
        self._waited = False
        self._outage = Outage()  # in which the next trials go without their runs

    def start(self) -> None:
        """Begin to write; returns at once."""
        self._sender.start()

    # -- what happens, in the thread of the search

    def take(self, event: Event) -> None:
        """Take note of an event; costs microseconds."""
        if isinstance(event, Started):
            with self._lock:
                self._own.add(event.trial.number)
        elif isinstance(event, (Finished, Cancelled)) and event.trial.number in self._own:
            self.note(event.trial, time.time())
            if isinstance(event, Finished):
                self._note_best()
        now = time.monotonic()
        if now - self._shown >= _SECONDS_BETWEEN:
            self._shown = now
            self._sender.put(self._write_parent)
            self._say_if_silent()

    def note(self, trial: Trial, ended: float | None = None) -> None:
        """Have the run of a trial brought up to date."""
        child, state = self._children.get(trial.number), words.state_of(trial)
        with self._lock:
            self._own.add(trial.number)
            if ended is not None or child.wanted != state:
                child.ended = ended
            child.wanted = state
        self._sender.put(lambda: self._write_child(trial, child))

    def _note_best(self) -> None:
        best, history = self._history.best, self._history
        if best is not None and best.loss is not None:
            step = history.count(*ENDED)
            with self._lock:
                self._metrics.append(("best_loss", best.loss, time.time(), step))

    def _say_if_silent(self) -> None:
        if not self._said and self._sender.seconds_silent > _PATIENCE:
            self._said = True
            why = self._sender.trouble or "no answer yet"
            advise(
                f"MLflow at {self.place.uri} has taken nothing for {_PATIENCE:g} s ({why}): the "
                "search goes on, and its runs are logged once the server is back",
                raises=False,
            )

    # -- what trials are told, in the threads that send them

    def context_of(self, number: int, attempt: int) -> dict[str, Any] | None:
        """What a trial has to know, see travels.tracked; None where there is no parent yet.

        Waits for the parent, a few seconds and once a run; and for the trial's own run, where it is
        to be there before, but not again while the server stays away.
        """
        self._wait_for_parent()
        uri = for_others(self._server.uri)
        if not self.is_live:
            return context_for(self.place, self.place.parent, number, attempt, uri)
        return live_context(
            self.place, uri, number, attempt, self._outage, self._why_away(), self._children.begin
        )

    def of_run(self) -> dict[str, Any] | None:
        """What workers have to know, see OfWorker; None where there is no parent yet."""
        self._wait_for_parent()
        place = self.place
        if not place.parent:
            return None
        self._children.made_elsewhere = self.is_live
        told: dict[str, Any] = {"search": place.search, "experiment": place.experiment}
        told |= {"parent": place.parent, "suffix": self._suffix, "tags": self._children.tags}
        return {**told, "live": self.is_live, "uri": for_others(self._server.uri)}

    def _wait_for_parent(self) -> None:
        if not self._waited:
            self._sender.is_ready.wait(_SECONDS_FOR_PARENT)
            self._waited = True

    def _why_away(self) -> str | None:
        """Why a trial is not to wait for its run; None where the server is there, or may be."""
        if not self._sender.is_ready.is_set():
            return self._sender.refusal or self._sender.trouble or "the server has not answered yet"
        return self._outage.why(self._sender.answered)

    # -- the end

    def close(self, status: str, seconds: float | None = None) -> int:
        """Send what is left, within a bounded time; how many trials are still to be logged.

        Args:
            status: of the parent, where it was begun here: "FINISHED", "FAILED" or "KILLED".
            seconds: that this may take, less a few; by what the server did so far unless given.
        """
        for number in self._owned():
            trial, child = self._history[number], self._children.find(number)
            if trial.status is Status.PENDING or (child and child.wanted == words.state_of(trial)):
                continue
            self.note(trial)  # it ended with the run, as no event said
        self._sender.put(self._write_parent)
        began, before = time.monotonic(), self.written
        limit = self._seconds_at_end(status) if seconds is None else seconds
        try:
            self._sender.drain(limit)
        finally:
            self._status = status
            left = self._unwritten()
            self._sender.close(_AT_INTERRUPT)
        took, rest = time.monotonic() - began, self.written - before
        logger.info(
            "MLflow has %s of this run; the last %d took %.1f s, %.1f a second",
            plural(self.written, "trial"), rest, took, rest / max(took, 1e-3),
        )  # fmt: skip
        return left

    def _seconds_at_end(self, status: str) -> float:
        if status == "KILLED":
            return _AT_INTERRUPT
        away = self._sender.seconds_silent
        never = not self._sender.is_ready.is_set() and self._sender.trouble is not None
        return _AT_END_SILENT if never or away > _LONG_AWAY else _AT_END

    def _unwritten(self) -> int:
        """How many trials that have ended are not, or not wholly, on the server."""
        left = 0
        for number in self._owned():
            trial, child = self._history[number], self._children.find(number)
            if child is not None and trial.status is not Status.PENDING:
                left += child.state != words.state_of(trial)
        return left

    def _owned(self) -> list[int]:
        """The numbers of the trials of this run."""
        with self._lock:
            return sorted(self._own)

    @property
    def refusal(self) -> str | None:
        """What the server said of the first job that it refused."""
        return self._sender.refusal

    @property
    def trouble(self) -> str | None:
        """Why the last try came to nothing; None where it was taken."""
        return self._sender.trouble

    # -- what is written, in the threads of the sender

    def _begin(self) -> None:
        with _BEGINNING:
            self._find_parent()

    def _find_parent(self) -> None:
        """Find the parent or make it, and what it has of the search already."""
        place, server, key = self.place, self._server, f"{_OF_SEARCH}{self.place.search}"
        if self._active is not None:
            run = server.run(self._active.info.run_id)
        else:
            known = place.parent or (None if self._is_new else server.parent_of(key))
            self._is_new = False  # a second try finds what this one may have made
            run = server.run(server.begin(known or None, {key: ""}).info.run_id)
        place.parent, place.experiment = run.info.run_id, run.info.experiment_id
        tags = run.data.tags
        self._suffix = self._children.suffix = _suffix_in(tags, key, place.search)
        self._children.tags = {name: tags[name] for name in _SHARED if name in tags}
        if tags.get(key):  # tracked before
            place.first = int(tags[f"sparktune.first_trial{self._suffix}"])
            self._find_children()
        params = free_names(run.data.params, self._params, self._suffix)
        told = {key: self._suffix or _NO_SUFFIX}
        told[f"sparktune.first_trial{self._suffix}"] = str(place.first)
        server.log(place.parent, params, [], told)

    def _find_children(self) -> None:
        """Take over the runs that trials have already, and log those that have none."""
        found = self._server.trials_of(self.place.experiment, self.place.search)
        for number, one in found.items():
            self._children.get(number).adopt(one)
        if not self.place.is_shared:
            for trial in list(self._history)[self.place.first :]:
                there = found.get(trial.number, Found("", None)).state
                if trial.outcome is not None and there != words.state_of(trial):
                    self.note(trial)

    def _write_child(self, trial: Trial, child: Child) -> None:
        """Bring the run of a trial up to date."""
        was_missing = self._children.write(trial, child)
        with self._lock:
            self.written += was_missing

    def _write_parent(self) -> None:
        """Write what has come for the parent."""
        with self._lock:
            metrics, self._metrics = self._metrics, []
        now, step = time.time(), self._history.count(*ENDED)
        counts = {name: self._history.count(*which) for name, which in _COUNTS.items()}
        told = metrics + [(name, float(count), now, step) for name, count in counts.items()]
        best = self._history.best
        tags = {} if best is None else {f"sparktune.best_trial{self._suffix}": str(best.number)}
        try:
            named = [(f"{name}{self._suffix}", *rest) for name, *rest in told]
            self._server.log(self.place.parent, {}, named, tags)  # type: ignore[arg-type]
        except BaseException:
            with self._lock:
                self._metrics = metrics + self._metrics
            raise

    def _end_parent(self) -> None:
        if self._active is None:
            self._server.end_active(self._status)


def _suffix_in(tags: Mapping[str, str], key: str, search: str) -> str:
    """What names of a search end with in a parent that has these tags: "" for its first search."""
    if tags.get(key):
        return "" if tags[key] == _NO_SUFFIX else tags[key]
    others = any(name.startswith(_OF_SEARCH) and name != key for name in tags)
    return f"_{search[:6]}" if others else ""
