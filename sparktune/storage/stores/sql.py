"""A store in PostgreSQL or SQLite, by SQLAlchemy.

Changes that drivers read are made below the lock of their search's row, whose revision they raise:
in PostgreSQL by ``UPDATE ... RETURNING``, which holds the row until the transaction ends, in SQLite
by BEGIN IMMEDIATE. So a revision is visible only when all below it are. Workers take trials without
that lock, by SKIP LOCKED.

The file is long because the protocol has many methods, each of a statement or two.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from itertools import chain, islice, repeat
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ...checks import advise
from ...exceptions import StoreError, TakenElsewhere
from .connection import CHANGES, QUEUE, Database
from .outages import tried_again
from .schema import make, names_in, require
from .statements import ENTRY, PUT, REPORT, SPACE, UNDER_WAY, Statements
from .store import (
    CUT,
    DEFAULT_LOST_AFTER,
    ENDED,
    FARTHEST,
    QUEUED,
    RESERVED,
    RUNNING,
    Changes,
    Entry,
    Job,
    Report,
    SpaceEntry,
)
from .tables import LONGEST_KEY, drivers, jobs, natural, searches, spaces, trials, workers
from .tables import reports as report_rows
from .urls import checked_url

__all__ = ["SqlStore", "searches_in"]

_PARTS_OF_JOB = tuple(Job.__dataclass_fields__)
_PART = 10_000  # values of a statement
_LONG_DEAD = 86_400.0  # seconds after which those who gave no sign of life are forgotten


class SqlStore:
    """A store; see Store. May be used from several threads.

    While the database is away, as it is when it is restarted, methods wait and try again, for up to
    two minutes, and say so; the constructor for ten seconds, unless a server answers and refuses.

    Args:
        url: as SQLAlchemy has it, such as "sqlite:///runs.db" or "postgresql://user@host/base".
        exp_key: the name of the search.
        lost_after: see Store; None for what is recorded.
        say: is told, in a sentence, when the database is away and when it answers again; a warning
            unless set.
        creates: whether to make the tables and the search where they are missing; to read them
            alone, they have to be there.

    Raises:
        ImportError: the driver of PostgreSQL is missing; the message names the extra.
        StoreError: the database cannot be reached or is of a newer sparktune, or there is none and
            none is made.
        ValueError: a URL or a name that is none.
    """

    def __init__(
        self,
        url: str,
        exp_key: str,
        lost_after: float | None = None,
        say: Callable[[str], None] | None = None,
        creates: bool = True,
    ) -> None:
        self.exp_key = _checked_key(exp_key)
        told = say or (lambda text: advise(text, raises=False))
        self._database = Database(checked_url(url), told, writes=creates)
        self.name, self.tells = self._database.name, self._database.is_postgres
        self.outages = self._database.outages
        self._begin, self._look = self._database.begin, self._database.look
        self._sql = Statements(exp_key, self.tells)
        try:
            self.lost_after = self._find(creates, lost_after)
        except BaseException:
            self._database.close()
            raise

    @tried_again
    def _find(self, creates: bool, lost_after: float | None) -> float:
        """Make the search, or look for it; gives after how many seconds somebody is lost in it."""
        if creates:
            make(self._database, self.exp_key, lost_after)
        else:
            require(self._database, self.exp_key)
        row = sa.select(searches.c.lost_after).where(self._sql.mine(searches))
        with self._look() as c:
            found = c.execute(row).scalar()
        return found if type(found) is float and found > 0 else DEFAULT_LOST_AFTER

    def __repr__(self) -> str:
        return f"SqlStore({self.name!r}, {self.exp_key!r})"

    def _raise(self, c: Connection, ended: int = 0, queued: bool = False) -> int:
        """The next revision, whose number nobody else gets before this transaction ends.

        Args:
            c: the transaction.
            ended: how many more trials that count have ended.
            queued: whether workers are to look for a trial.
        """
        revision = c.execute(self._sql.raising[queued], {"more": ended}).one()[0]
        return natural(revision, "revision of the search", self.name)

    def _lock(self, c: Connection) -> int:
        """Hold the search's row until the transaction ends; gives how many trials have ended."""
        ended = c.execute(self._sql.locking).scalar_one()
        return natural(ended, "number of trials", self.name)

    # -- drivers

    @tried_again
    def join(self, driver: str, seed: int | None, owner: str = "") -> None:
        """See Store."""
        with self._begin() as c:
            self._sign(c, drivers, driver, **({"owner": owner} if owner else {}))
            if seed is not None:
                row = searches.update().where(self._sql.mine(searches), searches.c.seed.is_(None))
                c.execute(row.values(seed=seed))

    @tried_again
    def stay(self, driver: str, owner: str) -> bool:
        """See Store."""
        is_it = sa.and_(self._sql.mine(drivers), drivers.c.id == driver)
        with self._begin() as c:
            known = c.execute(sa.select(drivers.c.owner).where(is_it).with_for_update()).scalar()
            if known not in (None, owner):
                return False
            self._sign(c, drivers, driver, owner=owner)
        return True

    def _sign(self, c: Connection, table: sa.Table, who: str, **more: Any) -> None:
        is_it = sa.and_(self._sql.mine(table), table.c.id == who)
        gap = c.execute(sa.select(self._sql.now - table.c.beat).where(is_it)).scalar()
        if gap is not None:
            if gap > self.lost_after:
                self.outages.was_away()
            c.execute(table.update().where(is_it).values(beat=self._sql.now, **more))
        else:
            old = sa.and_(self._sql.mine(table), table.c.beat < self._sql.now - _LONG_DEAD)
            c.execute(table.delete().where(old))
            row = {"exp_key": self.exp_key, "id": who, "beat": self._sql.now, **more}
            c.execute(table.insert().values(**row))

    @tried_again
    def owners(self) -> list[tuple[str, str]]:
        """See Store."""
        rows = sa.select(drivers.c.id, drivers.c.owner).where(self._sql.mine(drivers))
        with self._look() as c:
            return [(str(id), str(owner)) for id, owner in c.execute(rows)]

    @tried_again
    def leave(self, driver: str) -> None:
        """See Store."""
        with self._begin() as c:
            c.execute(drivers.delete().where(self._sql.mine(drivers), drivers.c.id == driver))
            if self.tells:
                c.execute(self._sql.telling)

    @tried_again
    def first_seed(self) -> int | None:
        """See Store."""
        with self._look() as c:
            return c.execute(sa.select(searches.c.seed).where(self._sql.mine(searches))).scalar()

    @tried_again
    def next_first(self) -> int:
        """See Store."""
        with self._look() as c:
            return int(c.execute(self._sql.next_first).scalar_one())

    @tried_again
    def add_space(self, entry: SpaceEntry) -> bool:
        """See Store."""
        with self._begin() as c:
            revision = self._raise(c)
            count = c.execute(
                sa.select(sa.func.count()).select_from(spaces).where(self._sql.mine(spaces))
            ).scalar_one()
            if count != entry.id - 1:
                last = sa.select(spaces.c.space).where(self._sql.mine(spaces), spaces.c.id == count)
                is_ours = count == entry.id and c.execute(last).scalar() == entry.space
                return self.outages.unsure and is_ours
            if c.execute(self._sql.next_first).scalar_one() != entry.first:
                return False
            row = {name: getattr(entry, name) for name in SPACE} | {"revision": revision}
            c.execute(spaces.insert().values(exp_key=self.exp_key, **row))
            return True

    @tried_again
    def open_batch(self, driver: str, k: int, max_evals: int | None) -> list[int]:
        """See Store."""
        with self._begin() as c:
            ended, mine = self._lock(c), {"driver": driver}
            under_way, free, last = c.execute(self._sql.counting, mine).one()
            room = k if max_evals is None else min(k, max_evals - ended - under_way)
            if room <= 0:
                return []
            numbers: list[int] = []
            first = self._next_number(c, last)
            if free:
                near = self._sql.free.where(trials.c.number < first).order_by(trials.c.number)
                numbers = list(c.execute(near.limit(room), mine).scalars())
                taken = trials.update().where(self._sql.mine(trials), trials.c.number.in_(numbers))
                c.execute(taken.values(driver=driver))
            if (more := room - len(numbers)) > 0:
                new = list(range(first, first + more))
                c.execute(trials.insert(), [self._blank(number, driver) for number in new])
                numbers += new
            return numbers

    def _next_number(self, c: Connection, last: int | None) -> int:
        """The number after the last one; a row far beyond all others is none that we have made."""
        first = 0 if last is None else int(last) + 1
        if first < FARTHEST - 1:
            return first
        return int(c.execute(self._sql.nearest).scalar_one()) + 1

    def _blank(self, number: int, driver: str) -> dict[str, Any]:
        return {
            "exp_key": self.exp_key, "number": number, "attempt": 0, "state": RESERVED,
            "candidate": "", "config": "", "started": 0.0, "job": "", "proof": "", "lost": 0,
            "outcome_proof": "", "worker": "", "driver": driver, "beat": 0.0, "stopping": False,
            "revision": 0, "counts": False,
        }  # fmt: skip

    @tried_again
    def put(
        self, driver: str, entries: Sequence[Entry], outcomes: Sequence[tuple[str, bool]] = ()
    ) -> None:
        """See Store."""
        told: Iterable[tuple[str | None, bool]] = chain(outcomes, repeat((None, False)))
        rows = [
            {f"new_{name}": getattr(entry, name) for name in PUT}
            | {"n": entry.number, "new_status": status, "new_counts": counts, "by": driver}
            for entry, (status, counts) in zip(entries, told, strict=False)
        ]
        with self._begin() as c:
            ended = sum(counts for _, counts in outcomes)
            revision = self._raise(c, ended, any(entry.state == QUEUED for entry in entries))
            rows = [{**row, "new_revision": revision} for row in rows]
            if c.execute(self._sql.putting, rows).rowcount == len(entries):
                return
            begun = sa.select(sa.func.count()).select_from(trials).where(
                self._sql.mine(trials), trials.c.number.in_([entry.number for entry in entries]),
                trials.c.state != RESERVED, trials.c.driver == driver,
            )  # fmt: skip
            if not self.outages.unsure or c.execute(begun).scalar() != len(entries):
                raise TakenElsewhere(
                    f"the store {self.name} has given the numbers of this driver to another one, "
                    f"as it gave no sign of life for {self.lost_after:g} s"
                )

    @tried_again
    def put_job(self, job: Job) -> None:
        """See Store."""
        with self._begin() as c:
            self._raise(c)
            is_it = sa.and_(self._sql.mine(jobs), jobs.c.id == job.id)
            row = {name: getattr(job, name) for name in _PARTS_OF_JOB}
            if c.execute(sa.select(jobs.c.id).where(is_it)).first() is None:
                c.execute(jobs.insert().values(exp_key=self.exp_key, id=job.id, **row))
            else:  # the same, unless somebody has changed it
                c.execute(jobs.update().where(is_it).values(**row))

    @tried_again
    def job(self, id: str) -> Job | None:
        """See Store; None also for a row that holds other things than were put there."""
        columns = [sa.type_coerce(jobs.c[name], sa.types.NULLTYPE) for name in _PARTS_OF_JOB]
        with self._look() as c:
            row = c.execute(
                sa.select(*columns).where(self._sql.mine(jobs), jobs.c.id == id)
            ).first()
        parts: tuple[Any, ...] = () if row is None else tuple(row)
        return Job(*parts) if tuple(map(type, parts)) == (str, bytes, str, str) else None

    # -- workers

    @tried_again
    def sign_worker(self, worker: str, host: str, pid: int) -> None:
        """See Store."""
        with self._begin() as c:
            self._sign(c, workers, worker, host=host[:255], pid=pid)

    @tried_again
    def drop_worker(self, worker: str) -> None:
        """See Store."""
        with self._begin() as c:
            c.execute(workers.delete().where(self._sql.mine(workers), workers.c.id == worker))

    def drivers(self) -> int:
        """See Store."""
        return self._living(drivers)

    def workers(self) -> int:
        """See Store."""
        return self._living(workers)

    @tried_again
    def _living(self, table: sa.Table) -> int:
        count = sa.select(sa.func.count()).select_from(table).where(self._sql.alive(table))
        with self._look() as c:
            return int(c.execute(count).scalar_one())

    @tried_again
    def release(self, worker: str, number: int, attempt: int) -> None:
        """See Store."""
        is_it = self._sql.running(worker, number, attempt)
        with self._begin() as c:
            revision = self._raise(c, queued=True)
            released = trials.update().where(is_it).values(
                state=QUEUED, worker="", revision=revision
            )  # fmt: skip
            c.execute(released)

    @tried_again
    def take(
        self, worker: str, jobs_refused: Collection[str], refused: Collection[int] = ()
    ) -> Entry | None:
        """See Store."""
        given = {"me": worker, "jobs": list(jobs_refused), "numbers": list(refused)}
        if self.outages.unsure:
            mine = sa.and_(trials.c.state == RUNNING, trials.c.worker == worker)
            with self._look() as c:
                row = c.execute(sa.select(*ENTRY).where(self._sql.mine(trials), mine)).first()
            if row is not None:
                return Entry(*row)
        if self.tells:
            with self._database.at_once() as c:
                row = c.execute(self._sql.taking, given).first()
        else:
            with self._look() as c:  # without a writer's lock, as long as there is nothing
                row = c.execute(self._sql.waiting, given).first()
            if row is not None:
                with self._begin() as c:
                    row = c.execute(self._sql.taking, given).first()
        return None if row is None else Entry(*row)

    @tried_again
    def beat(self, worker: str, number: int, attempt: int, reports: Sequence[Report] = ()) -> str:
        """See Store."""
        is_it = self._sql.running(worker, number, attempt)
        beaten = trials.update().where(is_it).values(beat=self._sql.now)
        with self._begin() as c:
            if reports:  # the search's row is locked before a trial's, as by who ends one
                self._keep_reports(c, reports)
            row = c.execute(beaten.returning(trials.c.stopping)).first()
            if row is None:
                c.rollback()
                return "lost"
            return "stop" if row[0] else "on"

    @tried_again
    def report(self, reports: Sequence[Report]) -> None:
        """See Store."""
        with self._begin() as c:
            self._keep_reports(c, reports)

    def _keep_reports(self, c: Connection, reports: Sequence[Report]) -> None:
        if self.outages.unsure and self._are_kept(c, reports):
            return
        revision = self._raise(c)
        common = {"exp_key": self.exp_key, "revision": revision}
        rows = [
            {
                **dict(zip(REPORT, report, strict=True)),
                "value": repr(report.value),
                "place": place,
                **common,
            }
            for place, report in enumerate(reports)
        ]
        c.execute(report_rows.insert(), rows)

    def _are_kept(self, c: Connection, reports: Sequence[Report]) -> bool:
        """Whether these reports are the last ones that were kept of their first trial."""
        first = reports[0].number
        some = [
            (each.attempt, each.step, repr(each.value)) for each in reports if each.number == first
        ]
        last = sa.select(report_rows.c.attempt, report_rows.c.step, report_rows.c.value).where(
            self._sql.mine(report_rows), report_rows.c.number == first
        )  # fmt: skip
        last = last.order_by(report_rows.c.revision.desc(), report_rows.c.place.desc())
        return [tuple(row) for row in c.execute(last.limit(len(some)))] == some[::-1]

    @tried_again
    def stop(self, number: int, attempt: int) -> None:
        """See Store."""
        with self._begin() as c:
            row = trials.update().where(self._sql.one(number, attempt))
            c.execute(row.values(stopping=True))

    @tried_again
    def refuse(self, number: int, attempt: int, proof: str = "") -> None:
        """See Store."""
        is_it = sa.and_(self._sql.one(number, attempt), trials.c.state.not_in(UNDER_WAY))
        with self._begin() as c:
            cut = trials.update().where(is_it).values(
                state=CUT, attempt=attempt + 1, proof=proof, outcome=None, outcome_proof="",
                status=None, counts=False, revision=self._raise(c),
            )  # fmt: skip
            if c.execute(cut).rowcount:
                self._recount(c)

    @tried_again
    def mend(self, driver: str, entry: Entry) -> None:
        """See Store."""
        with self._begin() as c:
            names = set(Entry.__dataclass_fields__) - {"number", "lost", "driver"}
            row = {name: getattr(entry, name) for name in names}
            row |= {"driver": driver, "lost": 0, "status": None, "counts": False, "stopping": False}
            row |= {"beat": self._sql.now, "revision": self._raise(c, queued=entry.state == QUEUED)}
            if not c.execute(
                trials.update().where(self._sql.one(entry.number)).values(**row)
            ).rowcount:
                c.execute(trials.insert().values(exp_key=self.exp_key, number=entry.number, **row))
            self._recount(c)

    @tried_again
    def set_aside(self, number: int) -> None:
        """See Store."""
        with self._begin() as c:
            c.execute(self._sql.locking)
            c.execute(trials.update().where(self._sql.one(number)).values(state=CUT))
            self._recount(c)

    @tried_again
    def under_way(self) -> list[Entry]:
        """See Store."""
        rows = sa.select(*ENTRY).where(self._sql.mine(trials), trials.c.state.in_(UNDER_WAY))
        with self._look() as c:
            return [Entry(*row) for row in c.execute(rows)]

    @tried_again
    def look_up(self, numbers: Collection[int]) -> list[Entry]:
        """See Store."""
        rows = sa.select(*ENTRY).where(self._sql.mine(trials), trials.c.number.in_(list(numbers)))
        with self._look() as c:
            return [Entry(*row) for row in c.execute(rows)]

    @tried_again
    def lives(self, driver: str) -> bool:
        """See Store."""
        with self._look() as c:
            is_it = sa.and_(self._sql.alive(drivers), drivers.c.id == driver)
            return c.execute(sa.select(drivers.c.id).where(is_it)).first() is not None

    @tried_again
    def recount(self) -> None:
        """See Store."""
        with self._begin() as c:
            c.execute(self._sql.locking)
            self._recount(c)

    @tried_again
    def counted(self) -> list[int]:
        """See Store."""
        with self._look() as c:
            return list(c.execute(sa.select(trials.c.number).where(self._sql.counted)).scalars())

    @tried_again
    def count(self, numbers: Collection[int], counts: bool) -> None:
        """See Store."""
        with self._begin() as c:
            c.execute(self._sql.locking)
            for some in _in_parts(numbers):
                them = sa.and_(self._sql.mine(trials), trials.c.number.in_(some))
                c.execute(
                    trials.update().where(them, trials.c.state == ENDED).values(counts=counts)
                )
            self._recount(c)

    def _recount(self, c: Connection) -> None:
        count = sa.select(sa.func.count()).select_from(trials).where(self._sql.counted)
        row = searches.update().where(self._sql.mine(searches))
        c.execute(row.values(ended=count.scalar_subquery()))

    @tried_again
    def finish(
        self,
        who: str,
        number: int,
        attempt: int,
        status: str,
        counts: bool,
        outcome: str,
        proof: str = "",
        overdue: bool = False,
    ) -> bool:
        """See Store."""
        ending = self._sql.ending
        if overdue:
            ending = ending.where(self._sql.is_overdue)
        given = {
            "n": number, "at": attempt, "who": who, "new_status": status, "new_counts": counts,
            "new_outcome": outcome, "new_proof": proof,
        }  # fmt: skip
        with self._begin() as c:
            revision = self._raise(c, int(counts))
            if c.execute(ending, {**given, "new_revision": revision}).rowcount:
                return True
            c.rollback()
        same = sa.and_(trials.c.state == ENDED, trials.c.outcome == outcome)
        return self._was_done(number, attempt, same)

    @tried_again
    def requeue(
        self,
        number: int,
        attempt: int,
        state: str,
        proof: str = "",
        lost: bool = False,
        overdue: bool = False,
    ) -> bool:
        """See Store."""
        is_it = sa.and_(self._sql.one(number, attempt), trials.c.state.in_(UNDER_WAY))
        if overdue:
            is_it = sa.and_(is_it, self._sql.is_overdue)
        with self._begin() as c:
            revision = self._raise(c, queued=state == QUEUED)
            values = {"attempt": attempt + 1, "state": state, "proof": proof, "worker": ""}
            values |= {"revision": revision, "stopping": False, "beat": self._sql.now}
            changed = trials.update().where(is_it).values(
                **values, lost=trials.c.lost + int(lost)
            )  # fmt: skip
            if c.execute(changed).rowcount:
                return True
            c.rollback()
        return self._was_done(number, attempt + 1, trials.c.state == state)

    @tried_again
    def resume(self, driver: str, entry: Entry, max_evals: int | None) -> bool:
        """See Store."""
        is_it = sa.and_(self._sql.one(entry.number, entry.attempt), trials.c.state == CUT)
        with self._begin() as c:
            revision, ended = self._raise(c, queued=entry.state == QUEUED), self._lock(c)
            under_way = c.execute(self._sql.under_way, {"driver": driver}).scalar_one()
            has_room = max_evals is None or ended + under_way < max_evals
            names = ("state", "config", "job", "proof", "lost")
            values: dict[str, Any] = {name: getattr(entry, name) for name in names}
            values |= {"driver": driver, "revision": revision, "beat": self._sql.now}
            if has_room and c.execute(trials.update().where(is_it).values(**values)).rowcount:
                return True
            c.rollback()
        done = sa.and_(trials.c.state == entry.state, trials.c.driver == driver)
        return self._was_done(entry.number, entry.attempt, done)

    def _was_done(self, number: int, attempt: int, done: Any) -> bool:
        """Whether the try before, whose answer was lost with its connection, did it."""
        if not self.outages.unsure:
            return False
        row = sa.select(trials.c.number).where(self._sql.one(number, attempt), done)
        with self._look() as c:
            return c.execute(row).first() is not None

    @tried_again
    def overdue(self) -> list[Entry]:
        """See Store; nobody is overdue for as long after an outage as for this store itself."""
        if not self.outages.over_for(self.lost_after):
            return []
        with self._look() as c:
            rows = c.execute(sa.select(*ENTRY).where(self._sql.mine(trials), self._sql.is_overdue))
            return [Entry(*row) for row in rows]

    # -- reading

    @tried_again
    def read(self, since: int) -> Changes:
        """See Store."""
        given = {"since": since}
        with self._look() as c:
            rows = c.execute(self._sql.reading, given).all()
            if not rows:
                raise self._lost()
            told, spaced, revision = rows[0][:3]
            revision = natural(revision, "revision of the search", self.name)
            if revision < since:
                raise self._lost()
            if revision == since:
                return Changes(since, [], [], [])
            entries = [Entry(*row[3:]) for row in rows if row[3] is not None]
            given["upto"] = revision
            told_reports, told_spaces = [], []
            if _is_after(told, since):
                found = c.execute(self._sql.reading_reports, given)
                told_reports = [Report(n, a, s, _value_of(v)) for n, a, s, v in found]
            if _is_after(spaced, since):
                moved = c.execute(self._sql.reading_spaces, given)
                told_spaces = [SpaceEntry(*row) for row in moved]
            return Changes(revision, entries, told_reports, told_spaces)

    def _lost(self) -> StoreError:
        return StoreError(
            f"the store {self.name} has lost the search {self.exp_key!r:.60}, or some of it: "
            "somebody has removed it, or put an earlier copy in its place"
        )

    def wait(
        self,
        seconds: float,
        until: Callable[[], bool] = lambda: False,
        queue: bool = False,
    ) -> None:
        """See Store."""
        self._database.wait(seconds, until, QUEUE if queue else CHANGES, self.exp_key)

    def close(self) -> None:
        """See Store."""
        self._database.close()


def _in_parts(numbers: Collection[int]) -> Iterator[list[int]]:
    """Numbers in lists that a statement takes."""
    rest = iter(numbers)
    while some := list(islice(rest, _PART)):
        yield some


def _is_after(revision: Any, since: int) -> bool:
    """Whether a table has something newer; where the number is none, it has to be looked at."""
    return revision is not None and (type(revision) is not int or revision > since)


def _value_of(text: Any) -> Any:
    """The value of a report; what is none, as it is."""
    try:
        return float(text)
    except (TypeError, ValueError):
        return text


def searches_in(url: Any) -> list[str]:
    """The names of the searches of a checked URL's database; see ``opening.searches_of``."""
    database = Database(url, lambda text: advise(text, raises=False), writes=False)
    try:
        return names_in(database)
    finally:
        database.close()


def _checked_key(exp_key: Any) -> str:
    if not isinstance(exp_key, str) or not 0 < len(exp_key) <= LONGEST_KEY:
        raise ValueError(
            f"`exp_key` must be a name of at most {LONGEST_KEY} characters, but got {exp_key!r:.60}"
        )
    if "\0" in exp_key or any("\ud800" <= each <= "\udfff" for each in exp_key):
        raise ValueError(
            "`exp_key` must be a text that a database can hold, without zero bytes and halves of "
            f"characters, but got {exp_key!r:.60}"
        )
    return exp_key
