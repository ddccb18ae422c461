"""The record of a search whose trials workers evaluate, which pull them from the store."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ...history import History, Outcome
from ...history.records import Record, Reported
from ...history.trial import Trial
from ...space.described import describe, in_full
from ...space.tree import Space, Values
from .outcomes import json_text, kinds_left_out
from .rows import fault_of
from .shared import SharedRecord
from .signing import VARIABLE
from .store import ENDED, OWN, QUEUED, RUNNING, Entry, Job, Report

__all__ = ["QueuedRecord"]

_OFTEN = 2  # times that workers leave a trial before the driver says so


class QueuedRecord(SharedRecord):
    """A shared record that puts its trials into the queue, and hands on what becomes of them.

    A row of one of its own trials that somebody has changed is put back as it was.

    Args:
        url, exp_key, lost_after: see StoredSearch.

    Attributes:
        job: that trials which begin now are of, None before workers were told.
    """

    def _forget_run(self) -> None:
        super()._forget_run()
        self.job: Job | None = None
        self._config: Callable[[Values], str] | None = None
        self._given_back: Counter[tuple[int, int]] = Counter()
        self._looked = time.monotonic()
        self._latest: dict[int, Entry] = {}
        self._arrived: Callable[[Entry, int, Outcome | None], bool] | None = None
        self._heard: Callable[[int, int, int, float], bool] | None = None

    @property
    def space(self) -> Space:
        """That trials which are begun now are of."""
        return self._history.space

    def begin_job(self, objective: str, payload: bytes, settings: Mapping[str, Any]) -> None:
        """Keep what workers are told of the run; trials that are begun from now on are of it."""
        space = self.space
        job = Job(objective, payload, json_text(describe(space)), json_text(dict(settings)))
        self._open.put_job(job)
        self.job = job
        self._config = None if payload else lambda values: json_text(in_full(space.build(values)))

    def serve(
        self,
        arrived: Callable[[Entry, int, Outcome | None], bool],
        heard: Callable[[int, int, int, float], bool] | None,
    ) -> None:
        """Hand on what becomes of trials of this driver that workers evaluate.

        Args:
            arrived: called with an entry, an attempt, and its outcome, None where the attempt was
                lost; gives whether anybody waits for that.
            heard: called with reports: number, attempt, step, value; gives whether the trial is to
                stop.
        """
        self._arrived, self._heard = arrived, heard

    def look_at(self, number: int) -> None:
        """Hand on what the store says of a trial of this driver, if it says anything."""
        entry, attempt = self._latest.get(number), self._history[number].attempt
        if entry is None or self._arrived is None:
            return
        outcome = None
        if entry.attempt <= attempt:
            if entry.state != ENDED:
                return
            outcome, why = self.trust.judged(entry)
            if outcome is None:
                self._say_once(f"{self.name}: the outcome of trial {number} is refused, as {why}")
                del self._latest[number]
                self._put_right(number, attempt)
                return
            self._say_what_is_lost(entry)
        was_told = (number, attempt) in self._ended_there  # and is about to be recorded
        self._ended_there[number, attempt] = entry
        if not was_told and not self._arrived(entry, attempt, outcome):  # nobody waits for it yet
            del self._ended_there[number, attempt]

    def _say_what_is_lost(self, entry: Entry) -> None:
        if kinds := kinds_left_out(entry.outcome or ""):
            self._say_left_out(kinds[0])

    # -- what a shared record does otherwise

    def note(self, record: Reported) -> None:
        """Keep nothing: it is the store that a report comes from; see Sink."""

    def refresh(self, history: History) -> list[Record]:
        """See Sink; now and then also what was changed without telling anybody."""
        told: list[Record] = []
        if time.monotonic() - self._looked > self._lost_after:
            self._looked = time.monotonic()
            told = self._look_at_mine(history)
        return told + super().refresh(history)

    def _look_at_mine(self, history: History) -> list[Record]:
        told: list[Record] = []
        found = {entry.number: entry for entry in self._open.look_up(self._mine)}
        for number in sorted(self._mine):
            entry = found.get(number)
            if entry is None or fault_of(entry):
                self._put_right(number)
            elif entry.state != QUEUED or self._is_changed(entry):
                told += self._follow_mine(history, entry)
        return told

    def _follow_mine(self, history: History, entry: Entry) -> list[Record]:
        number = entry.number
        if self._arrived is None:
            return super()._follow_mine(history, entry)
        if self._is_changed(entry):
            self._put_right(number, entry.attempt)
            return []
        if entry.state == QUEUED:
            self._look_at_job(entry)
        self._latest[number] = entry
        self.look_at(number)
        return []

    def _hear(self, reports: Sequence[Report]) -> None:
        for report in reports:
            if self._heard is not None and self._heard(*report):
                self._open.stop(report.number, report.attempt)

    def _let_go(self, number: int) -> Entry | None:
        self._latest.pop(number, None)
        return super()._let_go(number)

    def _new_entry(self, number: int, values: Values, now: float) -> Entry:
        # before a run has a job, what begins is known already, or of a Tuner
        return self._entry(number, 0, values, now, self._first_state)

    @property
    def _first_state(self) -> str:
        return OWN if self.job is None else QUEUED

    def _resumed(self, trial: Trial) -> Entry:
        return self._entry(
            trial.number, trial.attempt, trial.values, trial.started, self._first_state
        )

    def _entry(
        self, number: int, attempt: int, values: Values, now: float, state: str, **more: Any
    ) -> Entry:
        if self.job is not None:
            more["job"] = self.job.id
        if state == QUEUED and self._config is not None:
            try:
                more["config"] = self._config(values)
            except Exception:  # of an expression, which the search is about to meet itself
                state = OWN
        return super()._entry(number, attempt, values, now, state, **more)

    # -- rows that somebody has changed

    def _set_aside(self, entry: Entry, fault: str) -> None:
        if type(entry.number) is not int or not self._put_right(entry.number):
            super()._set_aside(entry, fault)

    def _put_right(self, number: int, attempt: int = 0) -> bool:
        """Put a trial of this driver back as it was begun; False where it has begun none."""
        begun = self._begun.get(number)
        if begun is None or self.store is None or self._of is None:
            return False
        self._say_once(
            f"{self.name}: somebody has changed the row of trial {number}, which is put back"
        )
        if self.job is not None:
            self.store.put_job(self.job)
        attempt = max(attempt, self._history[number].attempt)
        self.store.mend(self._driver, self.trust.signed(replace(begun, attempt=attempt)))
        return True

    def _look_at_job(self, entry: Entry) -> None:
        """Look why a worker has left a trial of this driver; its job may have to be put right."""
        key, job = (entry.number, entry.attempt), self.job
        self._given_back[key] += 1
        times = self._given_back[key] - 1
        if not times or job is None:
            return
        if self._open.job(job.id) != job:
            self._say_once(f"{self.name}: somebody has changed the job of this run: it is put back")
            self._open.put_job(job)
        elif times == _OFTEN:
            wanted = f"the {VARIABLE} of this program"
            if not job.payload:
                wanted = f"--objective {job.objective}"
            self._say_once(
                f"{self.name}: workers leave the trials of this run to others; start one with "
                f"{wanted}. What they say tells more"
            )

    def _is_changed(self, entry: Entry) -> bool:
        """Whether a trial of this driver is another one than was put there."""
        begun = self._begun.get(entry.number)
        if begun is None:
            return False
        told = (entry.candidate, entry.config, entry.job, entry.driver)
        if told != (begun.candidate, begun.config, begun.job, self._driver):
            return True
        if entry.state not in (begun.state, QUEUED, RUNNING, ENDED):
            return True
        waits = self.trust.key is not None and entry.state in (QUEUED, RUNNING)
        return waits and not self.trust.has_signed(entry)
