"""The record of a search in a store, which several drivers may share; a Sink of its history."""

from __future__ import annotations

import os
import platform
import threading
import time
import uuid
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from typing import Any

from ..checks import advise
from ..exceptions import InvalidTrial, JournalError, StoreError, TakenElsewhere
from ..history import ENDED as COUNT
from ..history import History, Outcome, Status
from ..history.changed import adapted
from ..history.records import Ended, Record, Reported, Requeued, Started
from ..history.trial import Trial
from ..space.described import describe, described, in_full
from ..space.reading import from_description, value_from
from ..space.tree import Space, Values
from .journal import Recorded
from .lines import parsed
from .outcomes import json_text, outcome_of, text_of_outcome
from .reaping import reap
from .signing import VARIABLE, Key, key_of_environment, same
from .store import CUT, ENDED, OWN, QUEUED, Changes, Entry, Job, Report, SpaceEntry, Store

__all__ = ["URL_VARIABLE", "SharedRecord", "history_of", "open_store"]

URL_VARIABLE = "SPARKTUNE_STORE"
_TICK = 1.0  # seconds between two looks at what waits to be written
_TOGETHER = 256


def open_store(
    url: Any, exp_key: Any, lost_after: float = 30.0, say: Callable[[str], None] | None = None
) -> Store:
    """The store of a URL, or of SPARKTUNE_STORE for None; see SqlStore.

    Raises:
        ImportError: SQLAlchemy is not installed; the message names the extra.
        ValueError: there is no URL, or it is none.
        StoreError: the database cannot be reached.
    """
    from .sql import SqlStore

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
        self._forget()
        with self._opened() as store:
            self.name = f"{store.name} ({exp_key})"

    def __getstate__(self) -> dict[str, Any]:
        names = ("_exp_key", "_is_queue", "_lost_after", "name", "seed")
        return {name: self.__dict__[name] for name in names}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._url, self.key, self._mutex = None, key_of_environment(), threading.RLock()
        self._forget()

    def _forget(self) -> None:
        self.store: Store | None = None
        self.job = ""
        self._driver = ""
        self._revision = 0
        self._spaces: list[SpaceEntry] = []
        self._mine: set[int] = set()
        self._ended_there: set[tuple[int, int]] = set()
        self._notes: list[Report] = []
        self._latest: dict[int, Entry] = {}
        self._heard: Callable[[int, int, int, float], bool] | None = None
        self._arrived: Callable[[Entry, int, Outcome | None], bool] | None = None
        self._wake: Callable[[], None] = lambda: None
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
            if changes.spaces:
                return self._recorded(store)
            self._revision, reports = changes.revision, _by_trial(changes.reports)
            for entry in sorted(changes.entries, key=lambda entry: entry.number):
                self._follow(known.history, entry, reports.get(entry.number, ()))
            return known

    def alive(self) -> tuple[int, int]:
        """How many drivers and workers give signs of life."""
        with self._opened() as store:
            return store.drivers(), store.workers()

    def _recorded(self, store: Store) -> Recorded:
        changes = store.read(0)
        history = history_of(changes, self._outcome_of_stored)
        self._revision, self._spaces = changes.revision, list(changes.spaces)
        name = None if history is None else self._exp_key
        return Recorded(history, store.first_seed(), changes.revision, id=name)

    @contextmanager
    def writing(self, known: History | None, anew: bool) -> Iterator[Recorded]:  # noqa: ARG002
        """Be one of the drivers; gives what is recorded."""
        with self._opened() as store:
            self.store, self._driver = store, name_here()
            store.join(self._driver, None)
            over = threading.Event()
            threads = [
                threading.Thread(target=work, args=(over, store), daemon=True)
                for work in (self._live, self._watch)
            ]
            try:
                reap(store, self.key)
                recorded = self._recorded(store)
                self.seed = recorded.seed
                for thread in threads:
                    thread.start()
                yield recorded
            finally:
                over.set()
                for thread in threads:
                    if thread.ident is not None:
                        thread.join()
                try:
                    self._flush()
                finally:
                    store.leave(self._driver)
                    spaces, revision = self._spaces, self._revision
                    self._forget()
                    self._spaces, self._revision = spaces, revision

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
        if not self._spaces or changed:
            told = (json_text(describe(history.space)), json_text(described(dict(defaults))))
            if not store.add_space(*told, len(self._spaces)):
                raise StoreError(
                    f"{self.name} has got another space from another driver meanwhile: run it again"
                )
            if not self._spaces:
                self._import(history)
            self._spaces.append(SpaceEntry(len(self._spaces) + 1, 0, *told))
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
        proof = "" if self.key is None else self.key.of_outcome(
            self._exp_key, entry.number, entry.attempt, text
        )  # fmt: skip
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
        self._mine.update(record.numbers)

    def _new_entry(self, number: int, values: Values, now: float) -> Entry:
        return self._entry(number, 0, values, now, QUEUED if self._is_queue else OWN)

    def _entry(self, number: int, attempt: int, values: Values, now: float, state: str) -> Entry:
        candidate, config = json_text(dict(values)), ""
        if state == QUEUED and self._config is not None:
            try:
                config = self._config(values)
            except Exception:  # of an expression, which the search is about to meet itself
                state = OWN
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
            if not self._open.resume(self._driver, entry):
                raise TakenElsewhere(f"trial {number} was begun again by another driver")
            self._mine.add(number)
            return
        if (number, trial.attempt) in self._ended_there:  # as the store said itself
            self._ended_there.discard((number, trial.attempt))
            return
        state = CUT if record.why == "cut" else OWN
        if not self._open.requeue(number, trial.attempt, state, lost=state == OWN):
            self._mine.discard(number)
            raise TakenElsewhere(f"trial {number} was taken up by another driver")
        if state == CUT:
            self._mine.discard(number)

    def _append_ended(self, record: Ended) -> None:
        number, attempt, outcome = record.number, record.attempt, record.outcome
        self._mine.discard(number)
        self._latest.pop(number, None)
        if (number, attempt) in self._ended_there:
            self._ended_there.discard((number, attempt))
            return
        text, left_out = text_of_outcome(outcome, self.key is not None)
        if left_out is not None:
            self._say_once(
                f"a trial's result holds more than plain data ({left_out}), which the store does "
                f"not keep; set {VARIABLE} to a secret, and it is kept and signed"
            )
        proof = "" if self.key is None else self.key.of_outcome(
            self._exp_key, number, attempt, text
        )  # fmt: skip
        status = outcome.status
        counts = status in COUNT
        name = status.name.lower()
        if not self._open.finish(self._driver, number, attempt, name, counts, text, proof):
            raise TakenElsewhere(f"trial {number} was taken up by another driver")

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
        if sentence not in self._said:
            self._said.add(sentence)
            advise(sentence, raises=False)

    # -- what others record

    def reserve(self, first: int, k: int, max_evals: int | None) -> Sequence[int]:  # noqa: ARG002
        """Numbers that no other driver has; see Sink."""
        return self._open.open_batch(self._driver, k, max_evals)

    def left(self, history: History) -> list[Trial]:  # noqa: ARG002
        """None: what the dead left was cut off when they were found dead; see Sink."""
        return []

    def listen(self, wake: Callable[[], None]) -> None:
        """See Sink."""
        self._wake = wake

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
        changes = self._open.read(self._revision)
        if changes.revision == self._revision:
            return []
        known = {space.id for space in self._spaces}
        if any(space.id not in known for space in changes.spaces):
            raise StoreError(
                f"another driver has changed the space of {self.name}: what has ended is kept; run "
                "this one again, in the space as it is now"
            )
        self._revision = changes.revision
        told: list[Record] = []
        reports = _by_trial(changes.reports)
        for number in self._mine & reports.keys():
            for report in reports.pop(number):
                if self._heard is not None and self._heard(*report):
                    self._open.stop(number, report.attempt)
        for entry in sorted(changes.entries, key=lambda entry: entry.number):
            if entry.number in self._mine:
                self._follow_mine(history, entry)
            else:
                told += self._follow(history, entry, reports.pop(entry.number, ()))
        for number, some in reports.items():
            if number < len(history) and history[number].status is Status.PENDING:
                for report in some:
                    if report.attempt == history[number].attempt:
                        history.follow(Reported(*report))
        return told

    def _follow_mine(self, history: History, entry: Entry) -> None:
        """Tell the engine what the store says of a trial of this driver."""
        if self._arrived is not None:
            self._latest[entry.number] = entry
            self.look_at(entry.number)
        elif entry.attempt > history[entry.number].attempt or entry.driver != self._driver:
            self._mine.discard(entry.number)
            self._follow(history, entry, ())

    def look_at(self, number: int) -> None:
        """Hand on what the store says of a trial of this driver, if it says anything."""
        entry, attempt = self._latest.get(number), self._history[number].attempt
        if entry is None or self._arrived is None:
            return
        outcome = None
        if entry.attempt <= attempt:
            if entry.state != ENDED:
                return
            outcome = self._outcome(entry)
            if outcome is None:
                del self._latest[number]
                return
        self._ended_there.add((number, attempt))
        if not self._arrived(entry, attempt, outcome):  # nobody waits for it yet
            self._ended_there.discard((number, attempt))

    def _follow(self, history: History, entry: Entry, reports: Sequence[Report]) -> list[Record]:
        told = []
        try:
            for record in records_of(history, entry, self._outcome, reports):
                history.follow(record)
                told.append(record)
        except (InvalidTrial, JournalError, ValueError) as error:
            self._say_once(f"{self.name}, trial {entry.number} is left out: {error}")
        return told

    def _outcome(self, entry: Entry) -> Outcome | None:
        """The outcome of an entry, None where it is not to be trusted, and was refused."""
        found = self._outcome_of_stored(entry)
        if found is None and self.store is not None:
            self._say_once(
                f"{self.name}: the outcome of trial {entry.number} is refused, as it is not signed "
                f"with this {VARIABLE} for attempt {entry.attempt}; the trial is begun again"
            )
            self.store.refuse(entry.number, entry.attempt)
        return found

    def _outcome_of_stored(self, entry: Entry) -> Outcome | None:
        text = entry.outcome or ""
        if self.key is not None:
            expected = self.key.of_outcome(self._exp_key, entry.number, entry.attempt, text)
            if not same(expected, entry.outcome_proof):
                return None
        return outcome_of(text, is_trusted=self.key is not None)

    # -- for workers

    def begin_job(self, objective: str, payload: bytes, settings: Mapping[str, Any]) -> None:
        """Keep what workers are told of the run; trials that are begun from now on are of it."""
        space = self._history.space
        job = Job(objective, payload, json_text(describe(space)), json_text(dict(settings)))
        self._open.put_job(job)
        self.job = job.id
        self._config = None if payload else lambda values: json_text(in_full(space.build(values)))

    @property
    def exp_key(self) -> str:
        """The name of the search."""
        return self._exp_key

    @property
    def space(self) -> Space:
        """That trials which are begun now are of."""
        return self._history.space

    _of: History | None = None

    @property
    def _history(self) -> History:
        if self._of is None:
            raise StoreError(f"{self.name} has no history yet")
        return self._of


def history_of(
    changes: Changes, outcome_of_entry: Callable[[Entry], Outcome | None]
) -> History | None:
    """The history that entries of a store stand for; None without a space.

    Raises:
        StoreError: a space is damaged. Trials that are none are left out, with a warning.
    """
    if not changes.spaces:
        return None
    spaces = list(changes.spaces)
    history, reports = History(_space_of(spaces.pop(0).space)), _by_trial(changes.reports)
    for entry in sorted(changes.entries, key=lambda entry: entry.number):
        while spaces and entry.number >= spaces[0].first:
            history = _moved(history, spaces.pop(0))
        try:
            told = reports.get(entry.number, ())
            for record in records_of(history, entry, outcome_of_entry, told):
                history.apply(record)
        except (InvalidTrial, JournalError, ValueError) as error:
            advise(f"trial {entry.number} of the store is left out: {error}", raises=False)
    for space in spaces:
        history = _moved(history, space)
    return history


def _by_trial(reports: Sequence[Report]) -> dict[int, list[Report]]:
    found: dict[int, list[Report]] = {}
    for report in reports:
        found.setdefault(report.number, []).append(report)
    return found


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
    if not cut:
        yield from (Reported(*each) for each in reports if each.attempt == entry.attempt)
    if entry.state == ENDED:
        outcome = outcome_of_entry(entry)
        if outcome is not None:
            yield Ended(number, entry.attempt, outcome)


_APPENDS: dict[type, Callable[[SharedRecord, Any], None]] = {
    Started: SharedRecord._append_started,
    Requeued: SharedRecord._append_requeued,
    Ended: SharedRecord._append_ended,
}
