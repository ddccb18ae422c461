"""A search in a store, to read."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...checks import advise
from ...exceptions import InvalidTrial, StoreError
from ...history import History, Outcome
from ...history.records import Record
from ..replaying import Recorded
from .opening import URL_VARIABLE, open_store, place_of, secretless, url_of
from .replaying import HalfCut, history_of, records_of
from .rows import fault_of, fault_of_report
from .signing import VARIABLE, key_of_environment
from .store import FARTHEST, QUEUED, RESERVED, Changes, Entry, Report, SpaceEntry, Store
from .trust import Trust

__all__ = ["Alive", "StoredSearch"]

_SENTENCES = 20  # about rows that are none


@dataclass(frozen=True)
class Alive:
    """Who takes part in a search.

    Attributes:
        drivers: how many give signs of life.
        workers: likewise.
        waiting: how many trials wait for a worker.
    """

    drivers: int
    workers: int
    waiting: int


class StoredSearch:
    """Makes a history of the rows of a search; nothing is made or changed in the database.

    A pickle has no URL that holds a password: what is unpickled takes that of SPARKTUNE_STORE then,
    which has to be of the same database.

    Whoever can write into the database may have written any row. A row that is none is left out,
    with a warning; with a key, what is not signed with it is no outcome and no space.

    Args:
        url: of the database; None for that of SPARKTUNE_STORE.
        exp_key: the name of the search.
        lost_after: see Store; None for what is recorded.

    Attributes:
        name: for people.
        exp_key: as given.
        trust: by which it is read.

    Raises:
        ImportError, ValueError, StoreError: as of ``open_store``.
    """

    _creates = False

    def __init__(self, url: Any, exp_key: str, lost_after: float | None = None) -> None:
        self._url, self.exp_key, self._given_lost_after = url_of(url), exp_key, lost_after
        self.trust = Trust(key_of_environment(), exp_key)
        self._of: History | None = None  # made of what was there up to this revision
        self._revision = 0
        self._spaces: list[SpaceEntry] = []
        self._said: set[str] = set()
        self._place = ""
        with self._opened() as store:
            self.name = f"{store.name} ({exp_key})"
        self._place = place_of(self._url)

    @property
    def search_id(self) -> str:
        """A short text that tells the search from others, by where it is and its name."""
        return hashlib.sha256(self.name.encode()).hexdigest()[:16]

    KEPT: tuple[str, ...] = ("exp_key", "name", "_place", "_given_lost_after")

    def __getstate__(self) -> dict[str, Any]:
        state = {name: copy(self.__dict__[name]) for name in self.KEPT}
        return {**state, "_url": None if self._url is None else secretless(self._url)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self.trust = Trust(key_of_environment(), self.exp_key)
        self._of, self._revision, self._spaces, self._said = None, 0, [], set()

    @contextmanager
    def _opened(self) -> Iterator[Store]:
        """The store; what was unpickled has to find the database that it is of.

        Raises:
            StoreError: it does not.
        """
        if self._place and self._url is None and not os.environ.get(URL_VARIABLE):
            raise StoreError(
                f"these trials are of {self.name}, whose URL has a password and was not pickled: "
                f"set {URL_VARIABLE} to it"
            )
        if self._place and (found := place_of(url_of(self._url))) != self._place:
            raise StoreError(
                f"these trials are of {self._place}, but {URL_VARIABLE} is of {found}: set it to "
                "the URL of the first, or take new trials for the second"
            )
        given = self._given_lost_after
        store = open_store(self._url, self.exp_key, given, creates=self._creates)
        try:
            yield store
        finally:
            store.close()

    @property
    def folder(self) -> Path | None:
        """Where files of the trials belong; None for a server, and without a key."""
        if self.trust.key is None:
            return None
        url = url_of(self._url)
        from .urls import file_of  # SQLAlchemy is there now

        if (file := file_of(url)) is None:
            return None
        return file.with_name(f"{file.name}-files")

    def alive(self) -> Alive:
        """Who takes part."""
        with self._opened() as store:
            waiting = sum(entry.state == QUEUED for entry in store.under_way())
            return Alive(store.drivers(), store.workers(), waiting)

    def replay(self, known: Recorded | None = None) -> Recorded:
        """What is recorded; its history is None where the search has no space yet.

        Args:
            known: what was read before: what was changed since is folded into it.

        Raises:
            StoreError: its first space is not to be believed, or the database cannot be reached.
        """
        with self._opened() as store:
            return self._recorded_since(store, None if known is None else known.history)

    def _recorded_since(self, store: Store, known: History | None) -> Recorded:
        """What is recorded; folded into a history that was made of what was there before."""
        if known is None or known is not self._of:
            return self._recorded(store)
        changes = store.read(self._revision)
        if self._added(changes.spaces):
            return self._recorded(store)
        entries, reports = self._sifted(changes, len(known))
        self._revision = changes.revision
        for entry in entries:
            self._follow(known, entry, reports.get(entry.number, ()))
        return Recorded(known, self._seed_in(store), changes.revision, id=self.exp_key)

    def _recorded(self, store: Store) -> Recorded:
        changes = store.read(0)
        if changes.revision < self._revision:
            raise StoreError(
                f"{self.name} has lost what was recorded there before: somebody has removed it, or "
                "put an earlier copy in its place; to begin anew take new trials"
            )
        spaces = self._trusted(changes.spaces)
        if changes.spaces and changes.entries and not spaces:
            why = self.trust.fault_of_space(changes.spaces[0]) or ""
            if VARIABLE in why:
                why = (
                    f"it was begun with another {VARIABLE}, or without one: set it as it was then, "
                    "or take another exp_key"
                )
            raise StoreError(f"the space in {self.name} cannot be read: {why}")
        entries, reports = self._sifted(changes, 0)
        history = history_of(spaces, entries, reports, self._outcome, self._leave_out)
        self._of, self._revision = history, changes.revision
        self._spaces = list(changes.spaces)
        name = None if history is None else self.exp_key
        return Recorded(history, self._seed_in(store), changes.revision, id=name)

    def _seed_in(self, store: Store) -> int | None:
        seed: Any = store.first_seed()
        if seed is None or (type(seed) is int and seed >= 0):
            return seed
        self._say_once(f"{self.name}: its seed is {seed!r:.60}, which is none")
        return None

    def _added(self, spaces: Sequence[SpaceEntry]) -> list[SpaceEntry]:
        """Those spaces that are to be believed, and were not read before."""
        known = {space.id for space in self._spaces}
        return self._trusted([space for space in spaces if space.id not in known])

    def _trusted(self, spaces: Sequence[SpaceEntry]) -> list[SpaceEntry]:
        """Spaces that are to be believed; the others are left out, with a warning."""
        found = []
        for space in spaces:
            if fault := self.trust.fault_of_space(space):
                self._say_once(f"{self.name}: space {space.id!r:.60} is left out: {fault}")
            else:
                found.append(space)
        return found

    def _sifted(self, changes: Changes, known: int) -> tuple[list[Entry], dict[int, list[Report]]]:
        """Entries by number, and reports by trial, without those that are none.

        Args:
            changes: as read.
            known: how many trials the history has.
        """
        entries, farthest = [], known + len(changes.entries) + FARTHEST
        for entry in changes.entries:
            fault = fault_of(entry)
            if fault is not None:
                self._set_aside(entry, fault)
            elif entry.number >= farthest:
                self._set_aside(entry, "its number is far from all others")
            elif entry.state == RESERVED:  # whose rows tell nobody of themselves
                self._leave_out(entry, HalfCut("it is a number that no trial has begun"))
            else:
                entries.append(entry)
        entries.sort(key=lambda entry: entry.number)
        reports: dict[int, list[Report]] = {}
        for report in changes.reports:
            if fault := fault_of_report(report):
                self._say_once(f"{self.name}: a report is left out: {fault}")
            else:
                reports.setdefault(report.number, []).append(report)
        return entries, reports

    def _follow(self, history: History, entry: Entry, reports: Sequence[Report]) -> list[Record]:
        """Fold what an entry says of its trial into the history; gives the records."""
        told: list[Record] = []
        try:
            for record in records_of(history, entry, self._outcome, reports):
                history.follow(record)
                told.append(record)
        except (InvalidTrial, ValueError) as error:
            self._leave_out(entry, error)
        return told

    def _outcome(self, entry: Entry) -> Outcome | None:
        """The outcome of an entry; None, and a warning, where it is not to be believed."""
        found, why = self.trust.judged(entry)
        if found is None:
            self._refuse(
                entry, f"{self.name}: the outcome of trial {entry.number} is refused, as {why}"
            )
        return found

    def _say_once(self, sentence: str) -> None:
        if sentence in self._said or len(self._said) > _SENTENCES:
            return
        self._said.add(sentence)
        if len(self._said) > _SENTENCES:
            sentence = f"{self.name}: there is more of this kind, which is not told one by one"
        advise(sentence, raises=False)

    # -- what else a driver does

    def _set_aside(self, entry: Entry, fault: str) -> None:
        """An entry is no row of a trial."""
        self._leave_out(entry, fault)

    def _leave_out(self, entry: Entry, why: object) -> None:
        """An entry is no trial that fits."""
        self._say_once(f"{self.name}, trial {entry.number!r:.60} is left out: {why}"[:500])

    def _refuse(self, entry: Entry, sentence: str) -> None:  # noqa: ARG002
        """An outcome is not to be believed."""
        self._say_once(f"{sentence}; it is shown as pending")
