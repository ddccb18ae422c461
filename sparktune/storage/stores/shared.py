"""The record of a search in a store, which several drivers may share; a Sink of its history.

The file is long because a sink both writes and reads, and a driver gives signs of life besides.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from typing import Any

from ...exceptions import SpaceElsewhere, StoreError, TakenElsewhere
from ...history import ENDED as COUNT
from ...history import History, Status
from ...history.records import Ended, Record, Reported, Requeued, Started
from ...history.trial import Trial
from ...plurals import plural
from ...space.described import describe, described
from ...space.tree import Values
from ..owner import Owner
from ..replaying import Recorded
from .opening import name_here
from .outcomes import json_text, text_of_outcome
from .presence import Presence
from .reader import StoredSearch
from .reaping import bury, reap
from .replaying import HalfCut
from .rows import fault_of
from .signing import VARIABLE
from .store import (
    BEAT,
    CUT,
    DEFAULT_LOST_AFTER,
    ENDED,
    OWN,
    QUEUED,
    RUNNING,
    Changes,
    Entry,
    Report,
    SpaceEntry,
    Store,
)

__all__ = ["SharedRecord"]

_TAKEN_UP = "taken up by another program, as this one gave no sign of life"
_TOGETHER = 256
_TRIES = 9  # to add a space, where others begin trials meanwhile


class SharedRecord(StoredSearch):
    """Keeps the records of a search in a store, and folds in what others keep there.

    What a row that is none keeps waiting is cut off.

    Args:
        url, exp_key, lost_after: see StoredSearch.

    Attributes:
        seed: that is recorded, None before the first run.
        store: while a run or step goes on.
        is_written: whether anybody may be writing it, which is always so.
    """

    is_written = True
    _creates = True
    KEPT = (*StoredSearch.KEPT, "seed", "_driver", "_mine", "_begun", "_originals", "_losses")

    def __init__(self, url: Any, exp_key: str, lost_after: float | None = None) -> None:
        self.seed: int | None = None
        self._mutex = threading.RLock()
        self._originals: dict[int, str] = {}
        self._losses: dict[int, int] = {}
        self._strange: set[int] = set()
        self._be_another()
        self._forget_run()
        super().__init__(url, exp_key, lost_after)

    def __getstate__(self) -> dict[str, Any]:
        with self._mutex:
            return super().__getstate__()

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self._mutex, self._pid = threading.RLock(), os.getpid()
        self._presence: Presence | None = None
        self._strange = set()
        if not self._mine:
            self._driver = name_here()
        self._forget_run()

    def _be_another(self) -> None:
        """Become a driver of this process, which has begun nothing yet."""
        self._driver, self._pid = name_here(), os.getpid()
        self._mine: set[int] = set()
        self._begun: dict[int, Entry] = {}
        self._presence = None

    def _forget_run(self) -> None:
        """Begin with nothing of the run before."""
        self.store: Store | None = None
        self._ended_there: dict[tuple[int, int], Entry] = {}
        self._unclear: set[int] = set()
        self._queued: set[tuple[int, int]] = set()
        self._lost_after = DEFAULT_LOST_AFTER
        self._starved = time.monotonic()
        self._notes: list[Report] = []
        self._wake: Callable[[], None] = lambda: None
        self._max_evals: int | None = None
        self._failed: Exception | None = None
        self._said = set()

    @property
    def _open(self) -> Store:
        if self.store is None:
            raise StoreError(f"{self.name} is not open: no run or step is going on")
        if self._failed is not None:
            failed, self._failed = self._failed, None
            raise failed
        return self.store

    @property
    def _history(self) -> History:
        if self._of is None:
            raise StoreError(f"{self.name} has no history yet")
        return self._of

    # -- a run or step, from its beginning to its end

    def replay(self, known: Recorded | None = None) -> Recorded:
        """See StoredSearch; a run reads all of it again, and puts right what is wrong."""
        recorded = super().replay(known)
        self._of = None
        return recorded

    @contextmanager
    def writing(self, known: History | None, anew: bool) -> Iterator[Recorded]:
        """Be one of the drivers; gives what is recorded.

        Args:
            known: what was recorded when somebody last looked, to which is added what came since.
            anew: whether to read everything all the same.
        """
        if os.getpid() != self._pid:  # of a child, forked from the process that was this driver
            self._be_another()
        with self._opened() as store:
            self.store, self._lost_after = store, store.lost_after
            self._owner = Owner.me().data.decode()
            bury(store, self.trust)
            store.join(self._driver, None, self._owner)
            self._over = over = threading.Event()
            self._threads: list[threading.Thread] = []
            try:
                reap(store, self.trust)
                self._reads_all = anew or known is None or known is not self._of
                if self._reads_all:
                    store.recount()
                recorded = self._recorded_since(store, None if anew else known)
                if recorded.history is None and known is not None:
                    recorded = replace(recorded, history=known)
                self.seed = recorded.seed
                self._start_thread(self._live)
                yield recorded
            finally:
                over.set()
                for thread in self._threads:
                    thread.join()
                try:
                    self._flush()
                finally:
                    self._stay_or_leave(store)
                    self._forget_run()

    def _start_thread(self, work: Callable[[threading.Event, Store], None]) -> None:
        thread = threading.Thread(target=work, args=(self._over, self._open), daemon=True)
        self._threads.append(thread)
        thread.start()

    def _stay_or_leave(self, store: Store) -> None:
        """Sign out, unless trials are under way that somebody evaluates by hand, as of a Tuner."""
        if self._mine:
            if self._presence is None:
                told = (self._driver, self._owner, min(BEAT, self._lost_after / 4))
                self._presence = Presence(self, self._opened, *told)
            return
        if self._presence is not None:
            self._presence.end()
            self._presence = None
        store.leave(self._driver)

    def _live(self, over: threading.Event, store: Store) -> None:
        """Give signs of life, write reports that wait, and take up what the dead left."""
        every = min(BEAT, self._lost_after / 4)
        while not over.wait(every):
            try:
                self._flush()
                store.join(self._driver, None, self._owner)
                reap(store, self.trust)
            except Exception as error:  # of the next record, which somebody waits for
                self._failed = error
                self._wake()

    def _watch(self, over: threading.Event, store: Store) -> None:
        """Wake the search when something was changed."""
        while not over.is_set():
            try:
                store.wait(2.0, over.is_set)
            except StoreError:  # the next call that asks for something says so
                over.wait(1.0)
            self._wake()

    def begin(self, history: History, changed: bool, defaults: Mapping[str, Any]) -> None:
        """Keep what a history records from now on; what it holds, where nothing is kept yet."""
        text = json_text(describe(history.space)) if changed or not self._spaces else ""
        if not self._spaces or (changed and not self._is_last_space(text)):
            space = self._add_space(text, json_text(described(dict(defaults))))
            if space.id == 1:
                self._import(history)
            self._spaces.append(space)
        if changed or (self._reads_all and len(history.apart)):
            self._count_anew(history)
        self._of = history
        history.sink = self

    def _add_space(self, text: str, defaults: str) -> SpaceEntry:
        for _ in range(_TRIES):
            first = self._open.next_first()
            space = SpaceEntry(len(self._spaces) + 1, first, text, defaults)
            space = self.trust.signed_space(space)
            if self._open.add_space(space):
                return space
            if self._open.next_first() == first:
                break
        raise SpaceElsewhere(
            f"{self.name} has got another space from another driver meanwhile: run it again"
        )

    def _is_last_space(self, text: str) -> bool:
        last = self._spaces[-1]
        return last.space == text and self.trust.fault_of_space(last) is None

    def _count_anew(self, history: History) -> None:
        """Have those trials count for ``max_evals`` that are of the space as it is now."""
        counted = set(self._open.counted())
        self._open.count(counted & set(history.apart.tolist()), False)
        self._open.count(set(history.ended.tolist()) - counted, True)

    def _import(self, history: History) -> None:
        """Put the trials in that the history held before it had a store."""
        trials = iter(history)
        while some := list(islice(trials, _TOGETHER)):
            numbers = self._open.open_batch(self._driver, len(some), None)
            if numbers != [trial.number for trial in some]:
                raise StoreError(f"{self.name} has got trials from another driver meanwhile")
            entries, outcomes, rest = [], [], []
            for trial in some:
                told = (trial.number, trial.attempt, trial.values, trial.started)
                if trial.outcome is None:
                    rest.append(self._entry(*told, CUT))
                    continue
                text, left_out = text_of_outcome(trial.outcome, self.trust.key is not None)
                if left_out is not None:
                    self._say_left_out(left_out)
                entries.append(self.trust.with_outcome(self._entry(*told, ENDED), text))
                status = trial.outcome.status
                outcomes.append((status.name.lower(), status in COUNT))
            if entries:
                self._open.put(self._driver, entries, outcomes)
            reports = [
                Report(trial.number, trial.attempt, *pair)
                for trial in some
                for pair in history.reports(trial.number)
            ]
            if reports:
                self._open.report(reports)
            if rest:
                self._open.put(self._driver, rest)

    def note_run(self, seed: int, serial: bool = False) -> None:
        """Record that a run begins; see Journal."""
        if serial:
            self._owner = Owner.me(serial).data.decode()
        self._open.join(self._driver, seed, self._owner)
        self.seed = seed

    # -- what the search records

    def append(self, record: Record) -> None:
        """Keep a record, and the reports that wait; see Sink."""
        with self._mutex:
            self._flush()
            _APPENDS[type(record)](self, record)

    def _append_started(self, record: Started) -> None:
        entries = [
            self._new_entry(number, values, record.now)
            for number, values in zip(record.numbers, record.values, strict=True)
        ]
        self._open.put(self._driver, entries)
        self._take_note(entries)

    def _append_requeued(self, record: Requeued) -> None:
        number = record.number
        trial = self._history[number]
        if record.why == "resumed":
            if number in self._strange:
                how = f"cut off, and is not signed with this {VARIABLE}"
                self._say_once(f"{self.name}: trial {number} was {how}: it is not begun again")
                raise TakenElsewhere(f"trial {number} was {how}")
            entry = self._resumed(trial)
            if not self._open.resume(self._driver, entry, self._max_evals):
                raise self._taken(number, "begun again by another driver, or others leave no room")
            self._take_note([entry])
            return
        if self._ended_there.pop((number, trial.attempt), None) is not None:
            return  # as the store said itself
        state, begun = CUT if record.why == "cut" else OWN, self._begun.get(number)
        proof = ""
        if begun is not None:
            proof = self.trust.signed(replace(begun, attempt=trial.attempt + 1)).proof
        if not self._open.requeue(number, trial.attempt, state, proof, lost=state == OWN):
            self._let_go(number)
            raise self._taken(number, _TAKEN_UP)
        if state == CUT:
            self._let_go(number)
            if begun is not None:
                self._originals[number] = begun.candidate

    def _append_ended(self, record: Ended) -> None:
        number, attempt, outcome = record.number, record.attempt, record.outcome
        begun = self._let_go(number)
        there = self._ended_there.pop((number, attempt), None)
        if there is not None and (there.state, there.attempt) == (ENDED, attempt):
            return
        if there is not None:  # it was lost once more than this run allows
            attempt = there.attempt
        text, left_out = text_of_outcome(outcome, self.trust.key is not None)
        if left_out is not None:
            self._say_left_out(left_out)
        status = outcome.status
        entry = begun or Entry(number, attempt, OWN, "", "", 0.0)
        proof = self.trust.with_outcome(replace(entry, attempt=attempt), text).outcome_proof
        told = (status.name.lower(), status in COUNT, text, proof)
        if not self._open.finish(self._driver, number, attempt, *told):
            raise self._taken(number, _TAKEN_UP)

    def _say_left_out(self, kind: str) -> None:
        self._say_once(
            f"a trial's result holds more than plain data ({kind}), which the store does not keep; "
            f"set {VARIABLE} to a secret, and it is kept and signed"
        )

    def _taken(self, number: int, how: str) -> TakenElsewhere:
        """What to raise where the store knows more of a trial than is known here.

        What it knows may have been read already, so the next refresh looks at the trial itself.
        """
        self._unclear.add(number)
        return TakenElsewhere(f"trial {number} was {how}")

    def note(self, record: Reported) -> None:
        """Keep a report with the next record, a second later at most; see Sink."""
        with self._mutex:
            self._notes.append(
                Report(record.number, record.attempt, int(record.step), float(record.value))
            )

    def _flush(self) -> None:
        with self._mutex:
            if self._notes and self.store is not None:
                self.store.report(self._notes)
                self._notes = []

    def _take_note(self, entries: Iterable[Entry]) -> None:
        """Note entries as those of this driver that are under way."""
        for entry in entries:
            self._begun[entry.number] = entry
            self._mine.add(entry.number)

    def _let_go(self, number: int) -> Entry | None:
        """No longer count a trial as one of this driver; what it was begun as, if it was."""
        self._mine.discard(number)
        return self._begun.pop(number, None)

    def _new_entry(self, number: int, values: Values, now: float) -> Entry:
        """The entry of a trial that begins."""
        return self._entry(number, 0, values, now, OWN)

    def _resumed(self, trial: Trial) -> Entry:
        """The entry of a trial that was cut off, and begins again."""
        lost = self.lost(trial.number)
        return self._entry(trial.number, trial.attempt, trial.values, trial.started, OWN, lost=lost)

    def _entry(
        self, number: int, attempt: int, values: Values, now: float, state: str, **more: Any
    ) -> Entry:
        text = json_text(dict(values))
        candidate = self._originals.get(number, text)
        config = "" if candidate == text else text
        told = {"config": config, **more}
        return self.trust.signed(Entry(number, attempt, state, candidate, started=now, **told))

    # -- what others record

    def reserve(self, first: int, k: int, max_evals: int | None) -> Sequence[int]:  # noqa: ARG002
        """Numbers that no other driver has; see Sink."""
        numbers = self._open.open_batch(self._driver, k, max_evals)
        now = time.monotonic()
        if numbers or self._of is None:
            self._starved = now
        elif now - self._starved > self._lost_after:
            self._starved = now
            self._audit(self._of)
        return numbers

    def left(self, history: History) -> list[Trial]:
        """What a Tuner has asked; the dead's was cut off when they were found dead; see Sink."""
        mine = [number for number in sorted(self._mine) if number < len(history)]
        return [history[number] for number in mine if history[number].status is Status.PENDING]

    def lost(self, number: int) -> int:
        """How often a trial that was cut off was lost before, with whichever process; see Sink."""
        return self._losses.get(number, 0)

    def listen(self, wake: Callable[[], None], max_evals: int | None) -> None:
        """See Sink."""
        self._wake, self._max_evals = wake, max_evals
        self._start_thread(self._watch)

    def refresh(self, history: History) -> list[Record]:
        """Fold what others have recorded into the history; see Sink."""
        told: list[Record] = []
        if self._unclear:
            for entry in self._open.look_up(self._unclear):
                if fault_of(entry) is None and entry.number not in self._mine:
                    told += self._follow(history, entry, ())
            self._unclear.clear()
        changes = self._open.read(self._revision)
        if changes.revision == self._revision:
            return told
        if self._added(changes.spaces):
            raise StoreError(
                f"another driver has changed the space of {self.name}: what has ended is kept; run "
                "this one again, in the space as it is now"
            )
        entries, reports = self._sifted(changes, len(history))
        self._revision = changes.revision
        for number in self._mine & reports.keys():
            self._hear(reports.pop(number))
        for entry in entries:
            if entry.number in self._mine:
                told += self._follow_mine(history, entry)
            else:
                told += self._follow(history, entry, reports.pop(entry.number, ()))
        for number, some in reports.items():
            if number < len(history) and history[number].status is Status.PENDING:
                for report in some:
                    if report.attempt == history[number].attempt:
                        history.follow(Reported(*report))
        return told

    def _follow(self, history: History, entry: Entry, reports: Sequence[Report]) -> list[Record]:
        """See StoredSearch; a trial that no longer fits counts for nothing, also once it ends."""
        number = entry.number
        is_apart = number < len(history) and history[number].apart is not None
        if is_apart and entry.state == ENDED and self.store is not None:
            self.store.count([number], False)
        return super()._follow(history, entry, reports)

    def _follow_mine(self, history: History, entry: Entry) -> list[Record]:
        """Take in what the store says of a trial of this driver, where that is news."""
        number = entry.number
        is_here = entry.attempt <= history[number].attempt and entry.driver == self._driver
        if entry.state != ENDED and is_here:
            return []
        self._let_go(number)
        return self._follow(history, entry, ())

    def _hear(self, reports: Sequence[Report]) -> None:
        """Take in reports of a trial of this driver; they are its own."""

    # -- rows that are none

    def _trusted(self, spaces: Sequence[SpaceEntry]) -> list[SpaceEntry]:
        """See StoredSearch; who goes on with what is signed has to have the key.

        Raises:
            StoreError: without a key, a space is signed.
        """
        found = super()._trusted(spaces)
        if self.trust.key is None and self.store is not None and any(s.proof for s in found):
            raise StoreError(
                f"the search in {self.name} is signed: set {VARIABLE} to its secret, or take "
                "another exp_key"
            )
        return found

    def _sifted(self, changes: Changes, known: int) -> tuple[list[Entry], dict[int, list[Report]]]:
        """See StoredSearch; what waits for workers in vain is cut off."""
        entries, reports = super()._sifted(changes, known)
        if self.store is not None:
            for entry in entries:
                if entry.state == CUT:
                    self._note_cut(entry)
            entries = [entry for entry in entries if not self._is_foreign(entry, self.store)]
        return entries, reports

    def _note_cut(self, entry: Entry) -> None:
        """Note what a trial that was cut off was written as, and whether it may begin again."""
        self._originals[entry.number] = entry.candidate
        self._losses[entry.number] = entry.lost
        if self.trust.key is None or self.trust.has_signed(entry):
            self._strange.discard(entry.number)
        else:
            self._strange.add(entry.number)

    def _is_foreign(self, entry: Entry, store: Store) -> bool:
        """Whether an entry waits for workers, and none will take it; it is cut off then."""
        number, attempt = entry.number, entry.attempt
        if entry.state not in (QUEUED, RUNNING) or number in self._mine:
            return False
        why = self.trust.fault_of_candidate(entry)
        if (
            why is None
            and entry.state == QUEUED
            and (number, attempt) in self._queued
            and not store.lives(entry.driver)
        ):
            why = "a worker has left it to others, and its driver is gone"
        self._queued.add((number, attempt))
        if why is not None:
            self._say_once(
                f"{self.name}: trial {number} waits for workers, but {why}: it is cut off"
            )
            store.requeue(number, attempt, CUT, self.trust.again(entry).proof)
        return why is not None

    def _leave_out(self, entry: Entry, why: object) -> None:
        """Say that an entry is no trial, and have nobody wait for it."""
        super()._leave_out(entry, why)
        if self.store is None:
            return
        if isinstance(why, HalfCut):
            self.store.refuse(entry.number, entry.attempt, self.trust.again(entry).proof)
        elif entry.state == ENDED:  # what has ended stays, in case that it is read wrongly
            self.store.count([entry.number], False)
        elif entry.state != CUT:
            self.store.set_aside(entry.number)

    def _refuse(self, entry: Entry, sentence: str) -> None:
        """Have the trial of an outcome begun again that is not to be believed."""
        if self.store is None:
            super()._refuse(entry, sentence)
            return
        self._say_once(f"{sentence}; the trial is begun again")
        self.store.refuse(entry.number, entry.attempt, self.trust.again(entry).proof)

    def _audit(self, history: History) -> None:
        """Look at what is said to be under way, where it leaves no number for a trial."""
        store = self._open
        under_way = store.under_way()
        unread = {entry.number for entry in store.read(self._revision).entries}
        for entry in under_way:
            if fault := fault_of(entry):
                self._leave_out(entry, fault)
            elif (
                self._is_foreign(entry, store)
                or entry.number in self._mine
                or entry.number in unread
                or (entry.number < len(history) and history[entry.number].status is Status.PENDING)
            ):
                continue
            else:
                self._say_once(
                    f"{self.name}: trial {entry.number} is said to be under way, and never began: "
                    "it is cut off"
                )
                store.requeue(entry.number, entry.attempt, CUT, self.trust.again(entry).proof)
        store.recount()
        if under_way:
            self._say_once(
                f"{self.name}: no number is left for this program, which waits for "
                f"{plural(len(under_way), 'trial')} that others have begun"
            )


_APPENDS: dict[type, Callable[[SharedRecord, Any], None]] = {
    Started: SharedRecord._append_started,
    Requeued: SharedRecord._append_requeued,
    Ended: SharedRecord._append_ended,
}
