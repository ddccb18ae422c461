"""The record of a search in a store, which several drivers may share; a Sink of its history.

The file is long because what is written, what is read and what of it is trusted are one matter.
"""

from __future__ import annotations

import os
import platform
import threading
import time
import uuid
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import copy
from dataclasses import replace
from itertools import islice
from typing import Any

from ...checks import advise
from ...exceptions import InvalidTrial, JournalError, SpaceElsewhere, StoreError, TakenElsewhere
from ...history import ENDED as COUNT
from ...history import History, Outcome, Status
from ...history.changed import adapted
from ...history.records import Ended, Record, Reported, Requeued, Started
from ...history.trial import Trial
from ...space.described import describe, described, in_full
from ...space.reading import from_description, value_from
from ...space.tree import Space, Values
from ..journal import Recorded
from ..lines import parsed
from .outcomes import json_text, outcome_of, text_of_outcome
from .presence import Presence
from .reaping import reap
from .rows import fault_of, fault_of_report, fault_of_space
from .signing import VARIABLE, Key, key_of_environment, same
from .store import (
    CUT,
    ENDED,
    FARTHEST,
    OWN,
    QUEUED,
    RESERVED,
    RUNNING,
    Changes,
    Entry,
    Job,
    Report,
    SpaceEntry,
    Store,
)

__all__ = ["URL_VARIABLE", "SharedRecord", "history_of", "open_store"]

URL_VARIABLE = "SPARKTUNE_STORE"
_TICK = 1.0  # seconds between two looks at what waits to be written
_TOGETHER = 256
_OFTEN = 2  # times that workers leave a trial before the driver says so
_SENTENCES = 20  # of one run, about rows that are none


def open_store(
    url: Any, exp_key: Any, lost_after: float = 30.0, say: Callable[[str], None] | None = None
) -> Store:
    """The store of a URL, or of SPARKTUNE_STORE for None; see SqlStore.

    Raises:
        ImportError: SQLAlchemy is not installed; the message names the extra.
        ValueError: there is no URL, or it is none.
        StoreError: the database cannot be reached.
    """
    try:
        from .sql import SqlStore
    except ModuleNotFoundError as error:
        raise ImportError(
            f"a store needs SQLAlchemy, and PostgreSQL psycopg besides ({error}): "
            'pip install "sparktune[sql]"'
        ) from error

    found = os.environ.get(URL_VARIABLE) if url is None else url
    if not found:
        raise ValueError(
            f"there is no store: give its URL, or set {URL_VARIABLE} to it, such as "
            "'sqlite:///runs.db'"
        )
    return SqlStore(found, exp_key, lost_after, say)


def name_here() -> str:
    """A name for a driver or worker of this process that nobody else has."""
    return f"{platform.node()[:40]}-{os.getpid()}-{uuid.uuid4().hex[:8]}"


class SharedRecord:
    """Keeps the records of a search in a store, and folds in what others keep there.

    A pickle has no URL, which may hold a password: what is unpickled takes that of SPARKTUNE_STORE.

    Whoever can write into the database may have written any row. A row that is none is left out,
    with a warning; what it keeps waiting is cut off, or put back where this driver began it. With a
    key, what is not signed with it is no outcome and no space.

    Args:
        url: of the database; None for that of SPARKTUNE_STORE.
        exp_key: the name of the search.
        is_queue: whether workers evaluate the trials, rather than this driver.
        lost_after: seconds without a sign of life after which a driver or worker is dead.

    Attributes:
        name: for people.
        seed: that is recorded, None before the first run.
        store: while a run or step goes on.
        job: that trials which are begun now are of, for workers.
        key: by which things are signed; None without one.
    """

    def __init__(
        self, url: Any, exp_key: str, is_queue: bool = False, lost_after: float = 30.0
    ) -> None:
        self._url, self._exp_key = url, exp_key
        self._is_queue, self._lost_after = is_queue, lost_after
        self.seed: int | None = None
        self.key: Key | None = key_of_environment()
        self._mutex = threading.RLock()
        self._driver = name_here()
        self._mine: set[int] = set()
        self._begun: dict[int, Entry] = {}
        self._originals: dict[int, str] = {}
        self._presence: Presence | None = None
        self._forget()
        with self._opened() as store:
            self.name = f"{store.name} ({exp_key})"

    def __getstate__(self) -> dict[str, Any]:
        names = ["_exp_key", "_is_queue", "_lost_after", "seed", "_driver", "_mine", "_begun"]
        names += ["_originals"]
        with self._mutex:
            return {name: copy(self.__dict__[name]) for name in names}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._url, self.key, self._mutex = None, key_of_environment(), threading.RLock()
        self._presence = None
        self._forget()
        self.__dict__.update(state)
        if not self._mine:
            self._driver = name_here()
        self.name = f"the store of {URL_VARIABLE} ({self._exp_key})"

    def _forget(self) -> None:
        self.store: Store | None = None
        self.job = ""
        self._revision = 0
        self._spaces: list[SpaceEntry] = []
        self._ended_there: dict[tuple[int, int], Entry] = {}
        self._unclear: set[int] = set()
        self._queued: set[tuple[int, int]] = set()
        self._given_back: Counter[tuple[int, int]] = Counter()
        self._starved = self._looked = time.monotonic()
        self._notes: list[Report] = []
        self._latest: dict[int, Entry] = {}
        self._heard: Callable[[int, int, int, float], bool] | None = None
        self._arrived: Callable[[Entry, int, Outcome | None], bool] | None = None
        self._wake: Callable[[], None] = lambda: None
        self._max_evals: int | None = None
        self._failed: Exception | None = None
        self._said: set[str] = set()

    @contextmanager
    def _opened(self) -> Iterator[Store]:
        store = open_store(self._url, self._exp_key, self._lost_after)
        try:
            yield store
        finally:
            store.close()

    def replay(self, known: Recorded | None = None) -> Recorded:
        """What is recorded; no driver has to be there.

        Args:
            known: what was read before: what was changed since is folded into it.
        """
        with self._opened() as store:
            if known is None or known.history is None:
                return self._recorded(store)
            changes = store.read(self._revision)
            if self._trusted(changes.spaces):
                return self._recorded(store)
            entries, reports = self._sound(changes, len(known.history))
            self._revision = changes.revision
            for entry in entries:
                self._follow(known.history, entry, reports.get(entry.number, ()))
            return known

    def alive(self) -> tuple[int, int]:
        """How many drivers and workers give signs of life."""
        with self._opened() as store:
            return store.drivers(), store.workers()

    def _recorded(self, store: Store) -> Recorded:
        changes = store.read(0)
        spaces = self._trusted(changes.spaces)
        if changes.spaces and not spaces:
            why = fault_of_space(changes.spaces[0]) or (
                f"it was begun with another {VARIABLE}, or without one: set it as it was then, or "
                "take another exp_key"
            )
            raise StoreError(f"the space in {self.name} cannot be read: {why}")
        entries, reports = self._sound(changes, 0)
        history = history_of(spaces, entries, reports, self._outcome, self._leave_out)
        self._revision, self._spaces = changes.revision, list(changes.spaces)
        name = None if history is None else self._exp_key
        return Recorded(history, self._seed_in(store), changes.revision, id=name)

    def _recorded_since(self, store: Store, known: History | None) -> Recorded:
        """What is recorded; in a history that was recorded here and goes on, where there is one."""
        if known is None or known is not self._of or not self._revision:
            return self._recorded(store)
        changes = store.read(self._revision)
        if {space.id for space in changes.spaces} - {space.id for space in self._spaces}:
            return self._recorded(store)
        entries, reports = self._sound(changes, len(known))
        self._revision = changes.revision
        for entry in entries:
            self._follow(known, entry, reports.get(entry.number, ()))
        return Recorded(known, self._seed_in(store), changes.revision, id=self._exp_key)

    def _seed_in(self, store: Store) -> int | None:
        seed: Any = store.first_seed()
        if seed is None or (type(seed) is int and seed >= 0):
            return seed
        self._say_once(f"{self.name}: its seed is {seed!r:.60}, which is none")
        return None

    # -- what is to be trusted

    def _trusted(self, spaces: Sequence[SpaceEntry]) -> list[SpaceEntry]:
        """Spaces that somebody who may has put there; the others are left out, with a warning."""
        found = []
        for space in spaces:
            fault, key = fault_of_space(space), self.key
            if key is None and self.store is not None and fault is None and space.proof:
                raise StoreError(
                    f"the search in {self.name} is signed: set {VARIABLE} to its secret, or take "
                    "another exp_key"
                )
            if fault is None and key is not None:
                proof = key.of_space(self._exp_key, space.id, space.space, space.defaults)
                fault = (
                    None if same(proof, space.proof) else f"it is not signed with this {VARIABLE}"
                )
            if fault is None:
                found.append(space)
            else:
                self._say_once(f"{self.name}: space {space.id!r:.60} is left out: {fault}")
        return found

    def _sound(self, changes: Changes, known: int) -> tuple[list[Entry], dict[int, list[Report]]]:
        """Entries by number, and reports by trial, without those that are none.

        Args:
            changes: as read.
            known: how many trials the history has.
        """
        entries = []
        for entry in changes.entries:
            fault = fault_of(entry)
            if fault is None and entry.number >= known + len(changes.entries) + FARTHEST:
                fault = "its number is far from all others"
            if fault is None and entry.state == RESERVED:  # whose rows tell nobody of themselves
                self._leave_out(entry, _HalfCut("it is a number that no trial has begun"))
            elif fault is None:
                entries.append(entry)
            elif type(entry.number) is not int or not self._put_right(entry.number):
                self._leave_out(entry, fault)
        entries.sort(key=lambda entry: entry.number)
        reports: dict[int, list[Report]] = {}
        for report in changes.reports:
            if fault := fault_of_report(report):
                self._say_once(f"{self.name}: a report is left out: {fault}")
            else:
                reports.setdefault(report.number, []).append(report)
        if self.store is not None:
            self._originals |= {e.number: e.candidate for e in entries if e.state == CUT}
            entries = [entry for entry in entries if not self._is_foreign(entry)]
        return entries, reports

    def _is_foreign(self, entry: Entry) -> bool:
        """Whether an entry waits for workers, and none will take it; it is cut off then."""
        store, number, attempt = self.store, entry.number, entry.attempt
        if store is None or entry.state not in (QUEUED, RUNNING) or number in self._mine:
            return False
        why = ""
        if self.key is not None and not self.key.has_signed(self._exp_key, entry):
            why = f"it is not signed with this {VARIABLE}"
        elif self.key is None and entry.proof:
            why = "it is signed, as nothing of this search is"
        elif (
            entry.state == QUEUED
            and (number, attempt) in self._queued
            and not store.lives(entry.driver)
        ):
            why = "a worker has left it to others, and its driver is gone"
        self._queued.add((number, attempt))
        if why:
            self._say_once(
                f"{self.name}: trial {number} waits for workers, but {why}: it is cut off"
            )
            store.requeue(number, attempt, CUT)
        return bool(why)

    def _leave_out(self, entry: Entry, why: object) -> None:
        """Say that an entry is no trial, and have nobody wait for it."""
        self._say_once(f"{self.name}, trial {entry.number!r:.60} is left out: {why}"[:500])
        if self.store is None:
            return
        if isinstance(why, _HalfCut):
            self.store.refuse(entry.number, entry.attempt)
        elif entry.state != CUT:
            self.store.set_aside(entry.number)

    def _audit(self, history: History) -> None:
        """Look at what is said to be under way, where it leaves no number for a trial."""
        store = self._open
        under_way = store.under_way()
        unread = {entry.number for entry in store.read(self._revision).entries}
        for entry in under_way:
            if fault := fault_of(entry):
                self._leave_out(entry, fault)
            elif (
                self._is_foreign(entry)
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
                store.requeue(entry.number, entry.attempt, CUT)
        store.recount()

    def _put_right(self, number: int, attempt: int = 0) -> bool:
        """Put a trial of this driver back as it was begun; False where it is none of its queue."""
        begun = self._begun.get(number)
        if begun is None or self.store is None or not self._is_queue or self._of is None:
            return False
        self._say_once(
            f"{self.name}: somebody has changed the row of trial {number}, which is put back"
        )
        if self._told is not None:
            self.store.put_job(self._told)
        attempt = max(attempt, self._history[number].attempt)
        self.store.mend(self._driver, self.signed(replace(begun, attempt=attempt)))
        return True

    def _look_at_job(self, entry: Entry) -> None:
        """Look why a worker has left a trial of this driver; its job may have to be put right."""
        key, told = (entry.number, entry.attempt), self._told
        self._given_back[key] += 1
        times = self._given_back[key] - 1
        if not times or told is None:
            return
        if self._open.job(told.id) != told:
            self._say_once(f"{self.name}: somebody has changed the job of this run: it is put back")
            self._open.put_job(told)
        elif times == _OFTEN:
            wanted = f"the {VARIABLE} of this program"
            if not told.payload:
                wanted = f"--objective {told.objective}"
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
        waits = self.key is not None and entry.state in (QUEUED, RUNNING)
        return waits and not self._key_signed(entry)

    def _key_signed(self, entry: Entry) -> bool:
        return self.key is not None and self.key.has_signed(self._exp_key, entry)

    @contextmanager
    def writing(self, known: History | None, anew: bool) -> Iterator[Recorded]:
        """Be one of the drivers; gives what is recorded.

        Args:
            known: what was recorded when somebody last looked, to which is added what came since.
            anew: whether to read everything all the same.
        """
        with self._opened() as store:
            self.store = store
            store.join(self._driver, None)
            self._over = over = threading.Event()
            self._threads: list[threading.Thread] = []
            try:
                reap(store, self.key)
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
                    spaces, revision = self._spaces, self._revision
                    self._forget()
                    self._spaces, self._revision = spaces, revision

    def _start_thread(self, work: Callable[[threading.Event, Store], None]) -> None:
        thread = threading.Thread(target=work, args=(self._over, self._open), daemon=True)
        self._threads.append(thread)
        thread.start()

    def _stay_or_leave(self, store: Store) -> None:
        """Sign out, unless trials are under way that somebody evaluates by hand, as of a Tuner."""
        if self._mine:
            if self._presence is None:
                self._presence = Presence(self, self._opened, self._driver, self._lost_after / 4)
            return
        if self._presence is not None:
            self._presence.end()
            self._presence = None
        store.leave(self._driver)

    def _live(self, over: threading.Event, store: Store) -> None:
        """Give signs of life, write reports that wait, and take up what the dead left."""
        every = min(5.0, self._lost_after / 4)
        signed = time.monotonic()
        while not over.wait(min(_TICK, every)):
            try:
                self._flush()
                if time.monotonic() - signed >= every:
                    signed = time.monotonic()
                    store.join(self._driver, None)
                    reap(store, self.key)
            except Exception as error:  # of the next record, which somebody waits for
                self._failed = error
                self._wake()

    def _watch(self, over: threading.Event, store: Store) -> None:
        """Wake the search when something was changed."""
        while not over.is_set():
            try:
                store.wait(2.0, over.is_set)
            except StoreError:  # a restart of the database, which the next call will tell or not
                over.wait(1.0)
                store.close()
            self._wake()

    def begin(self, history: History, changed: bool, defaults: Mapping[str, Any]) -> None:
        """Keep what a history records from now on; what it holds, where nothing is kept yet."""
        store = self._open
        text = json_text(describe(history.space)) if changed or not self._spaces else ""
        if not self._spaces or (changed and text != self._spaces[-1].space):
            told = (text, json_text(described(dict(defaults))))
            id = len(self._spaces) + 1
            proof = "" if self.key is None else self.key.of_space(self._exp_key, id, *told)
            if not store.add_space(*told, id - 1, proof):
                raise SpaceElsewhere(
                    f"{self.name} has got another space from another driver meanwhile: run it again"
                )
            if id == 1:
                self._import(history)
            self._spaces.append(SpaceEntry(id, 0, *told))
        self._of = history
        history.sink = self

    def _import(self, history: History) -> None:
        """Put the trials in that the history held before it had a store."""
        trials = iter(history)
        while some := list(islice(trials, _TOGETHER)):
            numbers = self._open.open_batch(self._driver, len(some), None)
            if numbers != [trial.number for trial in some]:
                raise StoreError(f"{self.name} has got trials from another driver meanwhile")
            ended: list[Trial] = []
            rest: list[Trial] = []
            for trial in some:
                (ended if trial.outcome is not None else rest).append(trial)
            entries, outcomes = [], []
            for trial in ended:
                outcome: Any = trial.outcome
                text, _ = text_of_outcome(outcome, self.key is not None)
                entry = self._entry(trial.number, trial.attempt, trial.values, trial.started, ENDED)
                entries.append(self._with_outcome(entry, text))
                name = outcome.status.name.lower()
                outcomes.append((name, outcome.status in COUNT))
            if entries:
                self._open.put(self._driver, entries, outcomes)
            reports = [
                Report(trial.number, trial.attempt, *pair)
                for trial in some
                for pair in history.reports(trial.number)
            ]
            if reports:
                self._open.report(reports)
            left = [
                self._entry(trial.number, trial.attempt, trial.values, trial.started, CUT)
                for trial in rest
            ]
            if left:
                self._open.put(self._driver, left)

    def _with_outcome(self, entry: Entry, text: str) -> Entry:
        proof = "" if self.key is None else self.key.of_outcome(self._exp_key, entry, text)
        return replace(entry, outcome=text, outcome_proof=proof)

    @property
    def _open(self) -> Store:
        if self.store is None:
            raise StoreError(f"{self.name} is not open: no run or step is going on")
        if self._failed is not None:
            failed, self._failed = self._failed, None
            raise failed
        return self.store

    def note_run(self, seed: int) -> None:
        """Record that a run begins."""
        self._open.join(self._driver, seed)
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

    def _take_note(self, entries: Iterable[Entry]) -> None:
        """Note entries as those of this driver that are under way."""
        for entry in entries:
            self._begun[entry.number] = entry
            self._mine.add(entry.number)

    def _let_go(self, number: int) -> Entry | None:
        """No longer count a trial as one of this driver; what it was begun as, if it was."""
        self._mine.discard(number)
        self._latest.pop(number, None)
        return self._begun.pop(number, None)

    def _new_entry(self, number: int, values: Values, now: float) -> Entry:
        # before a run has a job, what begins is known already, or of a Tuner
        return self._entry(number, 0, values, now, QUEUED if self._is_queue and self.job else OWN)

    def _entry(self, number: int, attempt: int, values: Values, now: float, state: str) -> Entry:
        text, config = json_text(dict(values)), ""
        candidate = self._originals.get(number, text)
        if state == QUEUED and self._config is not None:
            try:
                config = self._config(values)
            except Exception:  # of an expression, which the search is about to meet itself
                state = OWN
        elif candidate != text:
            config = text
        entry = Entry(number, attempt, state, candidate, config, now, job=self.job)
        return self.signed(entry)

    _config: Callable[[Values], str] | None = None

    def signed(self, entry: Entry) -> Entry:
        """An entry with its signature, where there is a key."""
        if self.key is None:
            return entry
        return replace(entry, proof=self.key.of_entry(self._exp_key, entry))

    def _append_requeued(self, record: Requeued) -> None:
        number = record.number
        trial = self._history[number]
        if record.why == "resumed":
            state = QUEUED if self._is_queue else OWN
            entry = self._entry(number, trial.attempt, trial.values, trial.started, state)
            if not self._open.resume(self._driver, entry, self._max_evals):
                raise self._taken(number, "begun again by another driver, or others leave no room")
            self._take_note([entry])
            return
        if self._ended_there.pop((number, trial.attempt), None) is not None:
            return  # as the store said itself
        state = CUT if record.why == "cut" else OWN
        if not self._open.requeue(number, trial.attempt, state, lost=state == OWN):
            self._let_go(number)
            raise self._taken(number, "taken up by another driver")
        if state == CUT:
            begun = self._let_go(number)
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
        text, left_out = text_of_outcome(outcome, self.key is not None)
        if left_out is not None:
            self._say_once(
                f"a trial's result holds more than plain data ({left_out}), which the store does "
                f"not keep; set {VARIABLE} to a secret, and it is kept and signed"
            )
        status = outcome.status
        entry = begun or Entry(number, attempt, OWN, "", "", 0.0)
        proof = self._with_outcome(replace(entry, attempt=attempt), text).outcome_proof
        told = (status.name.lower(), status in COUNT, text, proof)
        if not self._open.finish(self._driver, number, attempt, *told):
            raise self._taken(number, "taken up by another driver")

    def _taken(self, number: int, how: str) -> TakenElsewhere:
        """What to raise where the store knows more of a trial than is known here.

        What it knows may have been read already, so the next refresh looks at the trial itself.
        """
        self._unclear.add(number)
        return TakenElsewhere(f"trial {number} was {how}")

    def note(self, record: Reported) -> None:
        """Keep a report with the next record, a second later at most; see Sink."""
        if self._is_queue:  # that is where it comes from
            return
        with self._mutex:
            self._notes.append(
                Report(record.number, record.attempt, int(record.step), float(record.value))
            )

    def _flush(self) -> None:
        with self._mutex:
            if self._notes and self.store is not None:
                self.store.report(self._notes)
                self._notes = []

    def _say_once(self, sentence: str) -> None:
        if sentence in self._said or len(self._said) > _SENTENCES:
            return
        self._said.add(sentence)
        if len(self._said) > _SENTENCES:
            sentence = f"{self.name}: there is more of this kind, which is not told one by one"
        advise(sentence, raises=False)

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

    def listen(self, wake: Callable[[], None], max_evals: int | None) -> None:
        """See Sink."""
        self._wake, self._max_evals = wake, max_evals
        self._start_thread(self._watch)

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

    def refresh(self, history: History) -> list[Record]:
        """Fold what others have recorded into the history; see Sink."""
        told: list[Record] = []
        if self._is_queue and time.monotonic() - self._looked > self._lost_after:
            self._looked = time.monotonic()
            told += self._look_at_mine(history)
        if self._unclear:
            for entry in self._open.look_up(self._unclear):
                if fault_of(entry) is None and entry.number not in self._mine:
                    told += self._follow(history, entry, ())
            self._unclear.clear()
        changes = self._open.read(self._revision)
        if changes.revision == self._revision:
            return told
        known = {space.id for space in self._spaces}
        if self._trusted([space for space in changes.spaces if space.id not in known]):
            raise StoreError(
                f"another driver has changed the space of {self.name}: what has ended is kept; run "
                "this one again, in the space as it is now"
            )
        entries, reports = self._sound(changes, len(history))
        self._revision = changes.revision
        for number in self._mine & reports.keys():
            for report in reports.pop(number):
                if self._heard is not None and self._heard(*report):
                    self._open.stop(number, report.attempt)
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

    def _look_at_mine(self, history: History) -> list[Record]:
        """Look at the trials of this driver whose rows were changed without telling anybody."""
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
        """Tell the engine what the store says of a trial of this driver."""
        number = entry.number
        if self._arrived is not None:
            if self._is_changed(entry):
                self._put_right(number, entry.attempt)
                return []
            if entry.state == QUEUED:
                self._look_at_job(entry)
            self._latest[number] = entry
            self.look_at(number)
        elif (
            entry.state == ENDED
            or entry.attempt > history[number].attempt
            or entry.driver != self._driver
        ):
            self._let_go(number)
            return self._follow(history, entry, ())
        return []

    def look_at(self, number: int) -> None:
        """Hand on what the store says of a trial of this driver, if it says anything."""
        entry, attempt = self._latest.get(number), self._history[number].attempt
        if entry is None or self._arrived is None:
            return
        outcome = None
        if entry.attempt <= attempt:
            if entry.state != ENDED:
                return
            outcome, why = self._judged(entry)
            if outcome is None:
                self._say_once(f"{self.name}: the outcome of trial {number} is refused, as {why}")
                del self._latest[number]
                self._put_right(number, attempt)
                return
        was_told = (number, attempt) in self._ended_there  # and is about to be recorded
        self._ended_there[number, attempt] = entry
        if not was_told and not self._arrived(entry, attempt, outcome):  # nobody waits for it yet
            del self._ended_there[number, attempt]

    def _follow(self, history: History, entry: Entry, reports: Sequence[Report]) -> list[Record]:
        told: list[Record] = []
        try:
            for record in records_of(history, entry, self._outcome, reports):
                history.follow(record)
                told.append(record)
        except (InvalidTrial, ValueError) as error:
            self._leave_out(entry, error)
        return told

    def _outcome(self, entry: Entry) -> Outcome | None:
        """The outcome of an entry, None where it is not to be trusted, and was refused."""
        found, why = self._judged(entry)
        if found is None:
            sentence = f"{self.name}: the outcome of trial {entry.number} is refused, as {why}"
            if self.store is None:
                self._say_once(f"{sentence}; it is shown as pending")
            else:
                self._say_once(f"{sentence}; the trial is begun again")
                self.store.refuse(entry.number, entry.attempt)
        return found

    def _judged(self, entry: Entry) -> tuple[Outcome | None, str]:
        """The outcome of an entry; or None, and why it is not to be trusted."""
        text, key = entry.outcome or "", self.key
        if key is not None:  # before anything of it is unpickled
            signed = same(key.of_outcome(self._exp_key, entry, text), entry.outcome_proof)
            if not signed:
                return None, f"it is not signed with this {VARIABLE} for attempt {entry.attempt}"
        try:
            outcome = outcome_of(text, is_trusted=key is not None)
        except JournalError as error:
            return None, f"it is none: {error}"[:300]
        if outcome.status not in (*COUNT, Status.CANCELLED):
            return None, f"no trial ends as {outcome.status.name}"
        return outcome, ""

    # -- for workers

    def begin_job(self, objective: str, payload: bytes, settings: Mapping[str, Any]) -> None:
        """Keep what workers are told of the run; trials that are begun from now on are of it."""
        space = self._history.space
        job = Job(objective, payload, json_text(describe(space)), json_text(dict(settings)))
        self._open.put_job(job)
        self.job, self._told = job.id, job
        self._config = None if payload else lambda values: json_text(in_full(space.build(values)))

    @property
    def exp_key(self) -> str:
        """The name of the search."""
        return self._exp_key

    @property
    def space(self) -> Space:
        """That trials which are begun now are of."""
        return self._history.space

    _told: Job | None = None
    _of: History | None = None

    @property
    def _history(self) -> History:
        if self._of is None:
            raise StoreError(f"{self.name} has no history yet")
        return self._of


class _HalfCut(InvalidTrial):
    """A row says that its trial goes on no more, but nobody who may has cut it off."""


def history_of(
    spaces: Sequence[SpaceEntry],
    entries: Sequence[Entry],
    reports: Mapping[int, Sequence[Report]],
    outcome_of_entry: Callable[[Entry], Outcome | None],
    leave_out: Callable[[Entry, object], None],
) -> History | None:
    """The history that entries of a store stand for; None without a space.

    Args:
        spaces: in their order.
        entries: by number.
        reports: by trial.
        outcome_of_entry: gives the outcome of an entry that has ended, None for one to refuse.
        leave_out: called with an entry that is no trial, and why.

    Raises:
        StoreError: a space is damaged.
    """
    spaces = sorted(spaces, key=lambda space: space.id)
    if not spaces:
        return None
    history = History(_space_of(spaces.pop(0).space))
    for entry in entries:
        while spaces and entry.number >= spaces[0].first:
            history = _moved(history, spaces.pop(0))
        try:
            told = reports.get(entry.number, ())
            for record in records_of(history, entry, outcome_of_entry, told):
                history.apply(record)
        except (InvalidTrial, ValueError) as error:
            leave_out(entry, error)
    for space in spaces:
        history = _moved(history, space)
    return history


def _space_of(text: str) -> Space:
    try:
        return from_description(parsed(text.encode()))
    except ValueError as error:
        raise StoreError(f"the space in the store cannot be read: {error}") from None


def _moved(history: History, space: SpaceEntry) -> History:
    new = _space_of(space.space)
    if not len(history):
        return History(new)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it was said when the space was changed
        try:
            return adapted(history, new, value_from(parsed(space.defaults.encode())))
        except ValueError as error:
            raise StoreError(f"the space in the store cannot be read: {error}") from None


def records_of(
    history: History,
    entry: Entry,
    outcome_of_entry: Callable[[Entry], Outcome | None],
    reports: Sequence[Report] = (),
) -> Iterator[Record]:
    """What has to be folded into a history for a trial to stand as its entry says."""
    number = entry.number
    trial = history[number] if number < len(history) else None
    attempt, cut = 0, False
    if trial is None or trial.reserved:
        values = parsed(entry.candidate.encode())
        if type(values) is not dict:
            raise InvalidTrial(f"its candidate is {entry.candidate!r:.60}")
        yield Started([values], entry.started, [number])
    elif trial.outcome is not None or trial.apart is not None:
        return
    else:
        attempt, cut = trial.attempt, trial.cut
    while attempt < entry.attempt:
        if cut:
            yield Requeued(number, "resumed")
        attempt += 1
        cut = attempt == entry.attempt and entry.state == CUT
        yield Requeued(number, "cut" if cut else "lost")
    if cut and entry.state != CUT:
        yield Requeued(number, "resumed")
    if entry.state == CUT and not cut:
        raise _HalfCut("it was cut off, and has not got its next attempt")
    if not cut:
        held = set(history.reports(number))
        for each in reports:
            if each.attempt == entry.attempt and (each.step, each.value) not in held:
                yield Reported(*each)
    if entry.state == ENDED:
        outcome = outcome_of_entry(entry)
        if outcome is not None:
            yield Ended(number, entry.attempt, outcome)


_APPENDS: dict[type, Callable[[SharedRecord, Any], None]] = {
    Started: SharedRecord._append_started,
    Requeued: SharedRecord._append_requeued,
    Ended: SharedRecord._append_ended,
}
