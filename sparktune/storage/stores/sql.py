"""A store in PostgreSQL or SQLite, by SQLAlchemy.

Changes that drivers read are made below the lock of their search's row, whose revision they raise:
in PostgreSQL by ``UPDATE ... RETURNING``, which holds the row until the transaction ends, in SQLite
by BEGIN IMMEDIATE. So a revision is visible only when all below it are. Workers take trials without
that lock, by SKIP LOCKED.

The file is long because it has a statement or two for each method of the protocol.
"""

from __future__ import annotations

import contextlib
import functools
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import zip_longest
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from ...checks import advise
from ...exceptions import StoreError, TakenElsewhere
from ...history.trial import ENDED as COUNT
from .databases import checked_url, engine_of, is_refusal
from .outages import ConnectionLost, Outages, tried_again
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
)
from .tables import LONGEST_KEY
from .tables import drivers as _drivers
from .tables import jobs as _jobs
from .tables import meta as _meta
from .tables import reports as _reports
from .tables import searches as _searches
from .tables import spaces as _spaces
from .tables import trials as _trials
from .tables import version as _version
from .tables import workers as _workers

__all__ = ["VERSION", "SqlStore"]

VERSION = 1
_CHANGES, _QUEUE = "sparktune", "sparktune_queue"  # what PostgreSQL tells, by channel
_AWAY = 0.2  # seconds between two tries to listen to a database that is away
_POLL = 0.02  # seconds between two looks at a SQLite database, which cost microseconds

_ENTRY = [_trials.c[name] for name in Entry.__dataclass_fields__]
_REPORT = ("number", "attempt", "step", "value")
_SPACE = ("id", "first", "space", "defaults", "proof")
_UNDER_WAY = (QUEUED, RUNNING, OWN)
_NOT_PUT = ("number", "lost", "worker", "driver")
_PUT = tuple(name for name in Entry.__dataclass_fields__ if name not in _NOT_PUT)
_INSERTING = _trials.insert()
_PARTS_OF_JOB = tuple(Job.__dataclass_fields__)
_TOO_LARGE = 2**62
_COUNTING = tuple(status.name.lower() for status in COUNT)


class SqlStore:
    """A store; see Store. May be used from several threads.

    While the database is away, as it is when it is restarted, methods wait and try again, for up to
    two minutes, and say so; the constructor for ten seconds, unless a server answers and refuses.

    Args:
        url: as SQLAlchemy has it, such as "sqlite:///runs.db" or "postgresql://user@host/base".
        exp_key: the name of the search.
        lost_after: see Store.
        say: is told, in a sentence, when the database is away and when it answers again; a warning
            unless set.
    """

    def __init__(
        self,
        url: str,
        exp_key: str,
        lost_after: float = 30.0,
        say: Callable[[str], None] | None = None,
    ) -> None:
        self._url = checked_url(url)
        self.exp_key = _checked_key(exp_key)
        self.lost_after = lost_after
        self.name = self._url.set(query={}).render_as_string(hide_password=True)
        self._is_postgres = self._url.get_backend_name() == "postgresql"
        self._engine = engine_of(self._url)
        self.outages = Outages(self.name, say or (lambda text: advise(text, raises=False)))
        self._waiting: Any = None
        self._listening = ""
        self.tells = self._is_postgres
        self._seen = -1
        self._now: Any = sa.literal_column(
            "extract(epoch from clock_timestamp())"
            if self._is_postgres
            else "((julianday('now') - 2440587.5) * 86400.0)"
        )
        self._up: Any = sa.literal_column("extract(epoch from pg_postmaster_start_time())")
        try:
            self._create()
        except BaseException:
            self._engine.dispose()
            raise

    def __repr__(self) -> str:
        return f"SqlStore({self.name!r}, {self.exp_key!r})"

    # -- transactions

    @contextlib.contextmanager
    def _begin(self) -> Iterator[Connection]:
        """A transaction that changes something."""
        is_committing = False
        try:
            with self._told(), self._engine.connect() as connection, connection.begin():
                yield connection
                is_committing = True
        except ConnectionLost as error:
            error.unsure = is_committing
            raise

    @contextlib.contextmanager
    def _look(self) -> Iterator[Connection]:
        """A connection that reads, a statement at a time."""
        with self._told(), self._engine.connect() as connection:
            yield connection.execution_options(isolation_level="AUTOCOMMIT")

    @contextlib.contextmanager
    def _at_once(self) -> Iterator[Connection]:
        """A connection for one statement that changes something, a transaction of its own."""
        try:
            with self._look() as connection:
                yield connection
        except ConnectionLost as error:
            error.unsure = True
            raise

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        """A database's errors in a sentence, which never has the password."""
        try:
            yield
        except SQLAlchemyError as error:
            cause = getattr(error, "orig", None) or error
            text = " ".join(str(cause).split())
            secrets = [self._url.password, self._url.query.get("password")]
            for secret in filter(None, secrets):
                text = text.replace(str(secret), "...")
            kind = ConnectionLost if self._is_passing(error) else StoreError
            raise kind(f"the store {self.name}: {text[:300]}") from None

    def _is_passing(self, error: SQLAlchemyError) -> bool:
        """Whether the same may succeed later: a lost connection, a lock that somebody holds."""
        if self._is_postgres:
            is_lost = isinstance(error, DBAPIError) and error.connection_invalidated
            if not self.outages.was_reached and is_refusal(str(getattr(error, "orig", ""))):
                return False
            return is_lost or isinstance(error, (OperationalError, PoolTimeout))
        return isinstance(error, OperationalError) and "locked" in str(error.orig)

    @tried_again
    def _create(self) -> None:
        """Make what is missing of the tables, and the row of the search."""
        with self._begin() as c:
            if self._is_postgres:  # of several that begin, one makes the tables
                c.execute(sa.text("SELECT pg_advisory_xact_lock(725019)"))
            known = sa.inspect(c).has_table(_version.name)
            found = c.execute(sa.select(_version.c.version)).scalar() if known else None
            if found is not None and _natural(found, "version of its tables", self.name) > VERSION:
                raise StoreError(
                    f"the store {self.name} was made by a newer sparktune (its tables are of "
                    f"version {found}, this one knows {VERSION}): update sparktune here"
                )
            if found is None:
                _meta.create_all(c)
                c.execute(_version.insert().values(version=VERSION))
            there = sa.select(_searches.c.revision).where(self._mine(_searches))
            if c.execute(there).first() is None:
                c.execute(_searches.insert().values(exp_key=self.exp_key, revision=0, ended=0))

    def _mine(self, table: sa.Table) -> Any:
        return table.c.exp_key == self.exp_key

    def _one(self, number: int) -> Any:
        return sa.and_(self._mine(_trials), _trials.c.number == number)

    def _raise(self, c: Connection, ended: int = 0, queued: bool = False) -> int:
        """The next revision, whose number nobody else gets before this transaction ends.

        Args:
            c: the transaction.
            ended: how many more trials that count have ended.
            queued: whether workers are to look for a trial.
        """
        revision = c.execute(self._raising[queued], {"more": ended}).one()[0]
        return _natural(revision, "revision of the search", self.name)

    @functools.cached_property
    def _raising(self) -> Any:
        """Statements that raise the revision and tell drivers, and workers by the second."""
        row = _searches.update().where(self._mine(_searches)).values(
            revision=_searches.c.revision + 1, ended=_searches.c.ended + sa.bindparam("more")
        )  # fmt: skip
        if not self._is_postgres:
            return [row.returning(_searches.c.revision)] * 2
        told = [sa.func.pg_notify(name, self.exp_key) for name in (_CHANGES, _QUEUE)]
        return [row.returning(_searches.c.revision, *told[:count]) for count in (1, 2)]

    def _lock(self, c: Connection) -> int:
        """Hold the search's row until the transaction ends; gives how many trials have ended."""
        row = sa.select(_searches.c.ended).where(self._mine(_searches)).with_for_update()
        return _natural(c.execute(row).scalar_one(), "number of trials", self.name)

    def _tell(self, c: Connection) -> None:
        if self._is_postgres:
            c.execute(sa.select(sa.func.pg_notify(_CHANGES, self.exp_key)))

    # -- drivers

    @tried_again
    def join(self, driver: str, seed: int | None) -> None:
        """See Store."""
        with self._begin() as c:
            self._sign(c, _drivers, driver)
            if seed is not None:
                row = _searches.update().where(self._mine(_searches), _searches.c.seed.is_(None))
                c.execute(row.values(seed=seed))

    def _sign(self, c: Connection, table: sa.Table, who: str, **more: Any) -> None:
        is_it = sa.and_(self._mine(table), table.c.id == who)
        gap = c.execute(sa.select(self._now - table.c.beat).where(is_it)).scalar()
        if gap is not None:
            if gap > self.lost_after:
                self.outages.was_away()
            c.execute(table.update().where(is_it).values(beat=self._now))
        else:
            row = {"exp_key": self.exp_key, "id": who, "beat": self._now, **more}
            c.execute(table.insert().values(**row))

    @tried_again
    def leave(self, driver: str) -> None:
        """See Store."""
        with self._begin() as c:
            c.execute(_drivers.delete().where(self._mine(_drivers), _drivers.c.id == driver))
            self._tell(c)

    @tried_again
    def first_seed(self) -> int | None:
        """See Store."""
        with self._look() as c:
            return c.execute(sa.select(_searches.c.seed).where(self._mine(_searches))).scalar()

    def _alive(self, table: sa.Table) -> Any:
        return sa.and_(self._mine(table), self._is_recent(table))

    def _is_recent(self, table: sa.Table) -> Any:
        """Whether a sign of life is one: neither long ago, nor to come, as no clock gives it."""
        heard = self._heard(table)
        return heard.between(self._now - self.lost_after, self._now + self.lost_after)

    def _heard(self, table: sa.Table) -> Any:
        """The last sign of life, but no earlier than the database could hear one."""
        return sa.func.greatest(table.c.beat, self._up) if self._is_postgres else table.c.beat

    @tried_again
    def add_space(self, space: str, defaults: str, expected: int, proof: str = "") -> bool:
        """See Store."""
        with self._begin() as c:
            revision = self._raise(c)
            count = c.execute(
                sa.select(sa.func.count()).select_from(_spaces).where(self._mine(_spaces))
            ).scalar_one()
            if count != expected:
                last = sa.select(_spaces.c.space).where(self._mine(_spaces), _spaces.c.id == count)
                is_ours = count == expected + 1 and c.execute(last).scalar() == space
                return self.outages.unsure and is_ours
            first = c.execute(
                sa.select(sa.func.coalesce(sa.func.max(_trials.c.number) + 1, 0)).where(
                    self._mine(_trials), _trials.c.state != RESERVED
                )
            ).scalar_one()
            row = {"id": count + 1, "first": first, "space": space, "defaults": defaults}
            row |= {"proof": proof, "revision": revision}
            c.execute(_spaces.insert().values(exp_key=self.exp_key, **row))
            return True

    @tried_again
    def open_batch(self, driver: str, k: int, max_evals: int | None) -> list[int]:
        """See Store."""
        with self._begin() as c:
            ended, mine = self._lock(c), {"driver": driver}
            under_way, free, last = c.execute(self._counting, mine).one()
            room = k if max_evals is None else min(k, max_evals - ended - under_way)
            if room <= 0:
                return []
            numbers: list[int] = []
            first = self._next_number(c, last)
            if free:
                near = self._free.where(_trials.c.number < first).order_by(_trials.c.number)
                numbers = list(c.execute(near.limit(room), mine).scalars())
                taken = _trials.update().where(self._mine(_trials), _trials.c.number.in_(numbers))
                c.execute(taken.values(driver=driver))
            if (more := room - len(numbers)) > 0:
                new = list(range(first, first + more))
                c.execute(_INSERTING, [self._blank(number, driver) for number in new])
                numbers += new
            return numbers

    @functools.cached_property
    def _counting(self) -> Any:
        """Asks how many are under way, how many numbers are free, and for the last number."""
        last = sa.select(sa.func.max(_trials.c.number)).where(
            self._mine(_trials), _trials.c.number < FARTHEST
        )
        free = sa.select(sa.func.count()).select_from(self._free.subquery())
        parts = (self._under_way, free, last)
        return sa.select(*(part.scalar_subquery() for part in parts))

    @functools.cached_property
    def _free(self) -> Any:
        """The reserved numbers of drivers that are dead, and of the one that asks."""
        return sa.select(_trials.c.number).where(
            self._mine(_trials), _trials.c.state == RESERVED,
            _trials.c.driver.not_in(self._others),
        )  # fmt: skip

    @functools.cached_property
    def _others(self) -> Any:
        """The names of all other drivers that give signs of life."""
        is_other = _drivers.c.id != sa.bindparam("driver")
        return sa.select(_drivers.c.id).where(self._alive(_drivers), is_other)

    @functools.cached_property
    def _under_way(self) -> Any:
        """How many trials are begun, or reserved by other drivers, and have not ended."""
        reserved = sa.and_(_trials.c.state == RESERVED, _trials.c.driver.in_(self._others))
        return sa.select(sa.func.count()).select_from(_trials).where(
            self._mine(_trials), sa.or_(_trials.c.state.in_(_UNDER_WAY), reserved)
        )  # fmt: skip

    def _next_number(self, c: Connection, last: int | None) -> int:
        """The number after the last one; a row far beyond all others is none that we have made."""
        first = 0 if last is None else int(last) + 1
        if first < FARTHEST - 1:
            return first
        count = sa.select(sa.func.count()).select_from(_trials).where(self._mine(_trials))
        nearest = sa.select(sa.func.max(_trials.c.number)).where(
            self._mine(_trials), _trials.c.number < count.scalar_subquery()
        )
        return int(c.execute(nearest).scalar_one()) + 1

    def _blank(self, number: int, driver: str) -> dict[str, Any]:
        return {
            "exp_key": self.exp_key, "number": number, "attempt": 0, "state": RESERVED,
            "candidate": "", "config": "", "started": 0.0, "job": "", "proof": "", "lost": 0,
            "outcome_proof": "", "worker": "", "driver": driver, "beat": 0.0, "stopping": False,
            "revision": 0,
        }  # fmt: skip

    @tried_again
    def put(
        self, driver: str, entries: Sequence[Entry], outcomes: Sequence[tuple[str, bool]] = ()
    ) -> None:
        """See Store."""
        statuses: list[str | None] = [status for status, _ in outcomes]
        rows = [
            {f"new_{name}": getattr(entry, name) for name in _PUT}
            | {"n": entry.number, "new_status": status, "by": driver}
            for entry, status in zip_longest(entries, statuses)
        ]
        with self._begin() as c:
            ended = sum(counts for _, counts in outcomes)
            revision = self._raise(c, ended, any(entry.state == QUEUED for entry in entries))
            rows = [{**row, "new_revision": revision} for row in rows]
            if c.execute(self._putting, rows).rowcount == len(entries):
                return
            begun = sa.select(sa.func.count()).select_from(_trials).where(
                self._mine(_trials), _trials.c.number.in_([entry.number for entry in entries]),
                _trials.c.state != RESERVED, _trials.c.driver == driver,
            )  # fmt: skip
            if not self.outages.unsure or c.execute(begun).scalar() != len(entries):
                raise TakenElsewhere(
                    f"the store {self.name} has given the numbers of this driver to another one, "
                    f"as it gave no sign of life for {self.lost_after:g} s"
                )

    @functools.cached_property
    def _putting(self) -> Any:
        mine = sa.and_(
            self._mine(_trials), _trials.c.number == sa.bindparam("n"),
            _trials.c.state == RESERVED, _trials.c.driver == sa.bindparam("by"),
        )  # fmt: skip
        names = (*_PUT, "status", "revision")
        values: dict[str, Any] = {name: sa.bindparam(f"new_{name}") for name in names}
        values |= {"beat": self._now, "stopping": False, "worker": ""}
        return _trials.update().where(mine).values(**values)

    @tried_again
    def put_job(self, job: Job) -> None:
        """See Store."""
        with self._begin() as c:
            self._raise(c)
            is_it = sa.and_(self._mine(_jobs), _jobs.c.id == job.id)
            row = {name: getattr(job, name) for name in _PARTS_OF_JOB}
            if c.execute(sa.select(_jobs.c.id).where(is_it)).first() is None:
                c.execute(_jobs.insert().values(exp_key=self.exp_key, id=job.id, **row))
            else:  # the same, unless somebody has changed it
                c.execute(_jobs.update().where(is_it).values(**row))

    @tried_again
    def job(self, id: str) -> Job | None:
        """See Store; None also for a row that holds other things than were put there."""
        columns = [sa.type_coerce(_jobs.c[name], sa.types.NULLTYPE) for name in _PARTS_OF_JOB]
        with self._look() as c:
            row = c.execute(sa.select(*columns).where(self._mine(_jobs), _jobs.c.id == id)).first()
        parts: tuple[Any, ...] = () if row is None else tuple(row)
        return Job(*parts) if tuple(map(type, parts)) == (str, bytes, str, str) else None

    # -- workers

    @tried_again
    def sign_worker(self, worker: str, host: str, pid: int) -> None:
        """See Store."""
        with self._begin() as c:
            self._sign(c, _workers, worker, host=host[:255], pid=pid)

    @tried_again
    def drop_worker(self, worker: str) -> None:
        """See Store."""
        with self._begin() as c:
            c.execute(_workers.delete().where(self._mine(_workers), _workers.c.id == worker))

    def drivers(self) -> int:
        """See Store."""
        return self._living(_drivers)

    def workers(self) -> int:
        """See Store."""
        return self._living(_workers)

    @tried_again
    def _living(self, table: sa.Table) -> int:
        count = sa.select(sa.func.count()).select_from(table).where(self._alive(table))
        with self._look() as c:
            return int(c.execute(count).scalar_one())

    @tried_again
    def release(self, worker: str, number: int, attempt: int) -> None:
        """See Store."""
        is_it = sa.and_(
            self._one(number), _trials.c.attempt == attempt, _trials.c.state == RUNNING,
            _trials.c.worker == worker,
        )  # fmt: skip
        with self._begin() as c:
            revision = self._raise(c, queued=True)
            released = _trials.update().where(is_it).values(
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
            mine = sa.and_(_trials.c.state == RUNNING, _trials.c.worker == worker)
            with self._look() as c:
                row = c.execute(sa.select(*_ENTRY).where(self._mine(_trials), mine)).first()
            if row is not None:
                return Entry(*row)
        if self._is_postgres:
            with self._at_once() as c:
                row = c.execute(self._taking, given).first()
        else:
            with self._look() as c:  # without a writer's lock, as long as there is nothing
                row = c.execute(self._waits, given).first()
            if row is not None:
                with self._begin() as c:
                    row = c.execute(self._taking, given).first()
        return None if row is None else Entry(*row)

    @functools.cached_property
    def _waits(self) -> Any:
        """The first trial that waits for a worker."""
        refused: list[Any] = [sa.bindparam(name, expanding=True) for name in ("jobs", "numbers")]
        waits = sa.select(_trials.c.number).where(
            self._mine(_trials), _trials.c.state == QUEUED,
            _trials.c.job.not_in(refused[0]), _trials.c.number.not_in(refused[1]),
        )  # fmt: skip
        return waits.order_by(_trials.c.number).limit(1)

    @functools.cached_property
    def _taking(self) -> Any:
        first = self._waits.with_for_update(skip_locked=True).scalar_subquery()
        taken = _trials.update().where(self._mine(_trials), _trials.c.number == first)
        taken = taken.values(
            state=RUNNING, worker=sa.bindparam("me"), beat=self._now, stopping=False
        )  # fmt: skip
        return taken.returning(*_ENTRY)

    @tried_again
    def beat(self, worker: str, number: int, attempt: int, reports: Sequence[Report] = ()) -> str:
        """See Store."""
        is_it = sa.and_(
            self._one(number), _trials.c.attempt == attempt, _trials.c.state == RUNNING,
            _trials.c.worker == worker,
        )  # fmt: skip
        with self._begin() as c:
            if reports:  # the search's row is locked before a trial's, here as elsewhere
                self._keep_reports(c, reports)
            is_me = sa.and_(self._mine(_workers), _workers.c.id == worker)
            c.execute(_workers.update().where(is_me).values(beat=self._now))
            beaten = _trials.update().where(is_it).values(beat=self._now)
            row = c.execute(beaten.returning(_trials.c.stopping)).first()
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
                **dict(zip(_REPORT, report, strict=True)),
                "value": repr(report.value),
                "place": place,
                **common,
            }
            for place, report in enumerate(reports)
        ]
        c.execute(_reports.insert(), rows)

    def _are_kept(self, c: Connection, reports: Sequence[Report]) -> bool:
        """Whether these reports are the last ones that were kept of their first trial."""
        first = reports[0].number
        some = [
            (each.attempt, each.step, repr(each.value)) for each in reports if each.number == first
        ]
        last = sa.select(_reports.c.attempt, _reports.c.step, _reports.c.value).where(
            self._mine(_reports), _reports.c.number == first
        )  # fmt: skip
        last = last.order_by(_reports.c.revision.desc(), _reports.c.place.desc())
        return [tuple(row) for row in c.execute(last.limit(len(some)))] == some[::-1]

    @tried_again
    def stop(self, number: int, attempt: int) -> None:
        """See Store."""
        with self._begin() as c:
            is_it = sa.and_(self._one(number), _trials.c.attempt == attempt)
            c.execute(_trials.update().where(is_it).values(stopping=True))

    @tried_again
    def refuse(self, number: int, attempt: int) -> None:
        """See Store."""
        is_it = sa.and_(
            self._one(number), _trials.c.attempt == attempt, _trials.c.state.not_in(_UNDER_WAY)
        )
        with self._begin() as c:
            cut = _trials.update().where(is_it).values(
                state=CUT, attempt=attempt + 1, outcome=None, outcome_proof="", status=None,
                revision=self._raise(c),
            )  # fmt: skip
            if c.execute(cut).rowcount:
                self._recount(c)

    @tried_again
    def mend(self, driver: str, entry: Entry) -> None:
        """See Store."""
        with self._begin() as c:
            names = set(Entry.__dataclass_fields__) - {"number", "lost", "driver"}
            row = {name: getattr(entry, name) for name in names}
            row |= {"driver": driver, "lost": 0, "status": None, "stopping": False}
            row |= {"beat": self._now, "revision": self._raise(c, queued=entry.state == QUEUED)}
            if not c.execute(
                _trials.update().where(self._one(entry.number)).values(**row)
            ).rowcount:
                c.execute(_trials.insert().values(exp_key=self.exp_key, number=entry.number, **row))
            self._recount(c)

    @tried_again
    def set_aside(self, number: int) -> None:
        """See Store."""
        with self._begin() as c:
            c.execute(_trials.update().where(self._one(number)).values(state=CUT))
            self._recount(c)

    @tried_again
    def under_way(self) -> list[Entry]:
        """See Store."""
        rows = sa.select(*_ENTRY).where(self._mine(_trials), _trials.c.state.in_(_UNDER_WAY))
        with self._look() as c:
            return [Entry(*row) for row in c.execute(rows)]

    @tried_again
    def look_up(self, numbers: Collection[int]) -> list[Entry]:
        """See Store."""
        rows = sa.select(*_ENTRY).where(self._mine(_trials), _trials.c.number.in_(list(numbers)))
        with self._look() as c:
            return [Entry(*row) for row in c.execute(rows)]

    @tried_again
    def lives(self, driver: str) -> bool:
        """See Store."""
        with self._look() as c:
            is_it = sa.and_(self._alive(_drivers), _drivers.c.id == driver)
            return c.execute(sa.select(_drivers.c.id).where(is_it)).first() is not None

    @tried_again
    def recount(self) -> None:
        """See Store."""
        with self._begin() as c:
            self._recount(c)

    def _recount(self, c: Connection) -> None:
        count = sa.select(sa.func.count()).select_from(_trials).where(
            self._mine(_trials), _trials.c.state == ENDED, _trials.c.status.in_(_COUNTING)
        )  # fmt: skip
        row = _searches.update().where(self._mine(_searches))
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
    ) -> bool:
        """See Store."""
        given = {
            "n": number, "at": attempt, "who": who, "new_status": status, "new_outcome": outcome,
            "new_proof": proof,
        }  # fmt: skip
        with self._begin() as c:
            revision = self._raise(c, int(counts))
            if c.execute(self._ending, {**given, "new_revision": revision}).rowcount:
                return True
            c.rollback()
        same = sa.and_(_trials.c.state == ENDED, _trials.c.outcome == outcome)
        return self._was_done(number, attempt, same)

    @functools.cached_property
    def _ending(self) -> Any:
        who: Any = sa.bindparam("who")
        is_it = sa.and_(
            self._mine(_trials), _trials.c.number == sa.bindparam("n"),
            _trials.c.attempt == sa.bindparam("at"), _trials.c.state.in_(_UNDER_WAY),
            sa.or_(_trials.c.worker == who, _trials.c.driver == who),
        )  # fmt: skip
        return _trials.update().where(is_it).values(
            state=ENDED, status=sa.bindparam("new_status"), outcome=sa.bindparam("new_outcome"),
            outcome_proof=sa.bindparam("new_proof"), revision=sa.bindparam("new_revision"),
        )  # fmt: skip

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
        is_it = sa.and_(
            self._one(number), _trials.c.attempt == attempt, _trials.c.state.in_(_UNDER_WAY)
        )
        if overdue:
            is_it = sa.and_(is_it, self._is_overdue)
        with self._begin() as c:
            revision = self._raise(c, queued=state == QUEUED)
            values = {"attempt": attempt + 1, "state": state, "proof": proof, "worker": ""}
            values |= {"revision": revision, "stopping": False, "beat": self._now}
            changed = _trials.update().where(is_it).values(
                **values, lost=_trials.c.lost + int(lost)
            )  # fmt: skip
            if c.execute(changed).rowcount:
                return True
            c.rollback()
        return self._was_done(number, attempt + 1, _trials.c.state == state)

    @tried_again
    def resume(self, driver: str, entry: Entry, max_evals: int | None) -> bool:
        """See Store."""
        is_it = sa.and_(
            self._one(entry.number), _trials.c.attempt == entry.attempt, _trials.c.state == CUT
        )
        with self._begin() as c:
            revision, ended = self._raise(c, queued=entry.state == QUEUED), self._lock(c)
            under_way = c.execute(self._under_way, {"driver": driver}).scalar_one()
            has_room = max_evals is None or ended + under_way < max_evals
            names = ("state", "config", "job", "proof")
            values: dict[str, Any] = {name: getattr(entry, name) for name in names}
            values |= {"driver": driver, "revision": revision, "beat": self._now, "lost": 0}
            if has_room and c.execute(_trials.update().where(is_it).values(**values)).rowcount:
                return True
            c.rollback()
        done = sa.and_(_trials.c.state == entry.state, _trials.c.driver == driver)
        return self._was_done(entry.number, entry.attempt, done)

    def _was_done(self, number: int, attempt: int, done: Any) -> bool:
        """Whether the try before, whose answer was lost with its connection, did it."""
        if not self.outages.unsure:
            return False
        row = sa.select(_trials.c.number).where(
            self._one(number), _trials.c.attempt == attempt, done
        )
        with self._look() as c:
            return c.execute(row).first() is not None

    @tried_again
    def overdue(self) -> list[Entry]:
        """See Store; nobody is overdue for as long after an outage as for this store itself."""
        if not self.outages.over_for(self.lost_after):
            return []
        with self._look() as c:
            rows = c.execute(sa.select(*_ENTRY).where(self._mine(_trials), self._is_overdue))
            return [Entry(*row) for row in rows]

    @property
    def _is_overdue(self) -> Any:
        alive = sa.select(_drivers.c.id).where(self._alive(_drivers))
        silent = sa.and_(_trials.c.state == RUNNING, sa.not_(self._is_recent(_trials)))
        return sa.or_(silent, sa.and_(_trials.c.state == OWN, _trials.c.driver.not_in(alive)))

    # -- reading

    @tried_again
    def read(self, since: int) -> Changes:
        """See Store."""
        given = {"since": since}
        with self._look() as c:
            rows = c.execute(self._reading, given).all()
            if not rows:
                raise StoreError(f"the store {self.name} has lost the search {self.exp_key!r:.60}")
            told, spaced, revision = rows[0][:3]
            revision = _natural(revision, "revision of the search", self.name)
            if revision <= since:
                return Changes(since, [], [], [])
            entries = [Entry(*row[3:]) for row in rows if row[3] is not None]
            reports, spaces = [], []
            given["upto"] = revision
            if _is_after(told, since):
                found = c.execute(self._reading_reports, given)
                reports = [Report(n, a, s, _value_of(v)) for n, a, s, v in found]
            if _is_after(spaced, since):
                spaces = [SpaceEntry(*row) for row in c.execute(self._reading_spaces, given)]
            return Changes(revision, entries, reports, spaces)

    @functools.cached_property
    def _reading(self) -> Any:
        """Asks for the revisions of reports, spaces and search, and for trials: in one look."""
        last = [
            sa.select(sa.func.max(table.c.revision)).where(self._mine(table)).scalar_subquery()
            for table in (_reports, _spaces)
        ]
        new = sa.and_(
            self._mine(_trials), _trials.c.revision > sa.bindparam("since"),
            _searches.c.revision > sa.bindparam("since"),
        )  # fmt: skip
        rows = sa.select(*last, _searches.c.revision, *_ENTRY).select_from(
            _searches.outerjoin(_trials, new)
        )  # fmt: skip
        return rows.where(self._mine(_searches)).order_by(_trials.c.number)

    @functools.cached_property
    def _reading_reports(self) -> Any:
        columns = [_reports.c[name] for name in _REPORT]
        found = sa.select(*columns).where(self._is_between(_reports))
        return found.order_by(_reports.c.revision, _reports.c.place)

    @functools.cached_property
    def _reading_spaces(self) -> Any:
        columns = [_spaces.c[name] for name in _SPACE]
        return sa.select(*columns).where(self._is_between(_spaces)).order_by(_spaces.c.id)

    def _is_between(self, table: sa.Table) -> Any:
        since: Any = sa.bindparam("since")
        upto: Any = sa.bindparam("upto")
        return sa.and_(self._mine(table), table.c.revision > since, table.c.revision <= upto)

    def wait(
        self,
        seconds: float,
        until: Callable[[], bool] = lambda: False,
        queue: bool = False,
    ) -> None:
        """See Store; PostgreSQL tells, and of SQLite a number is looked at that costs little."""
        end = time.monotonic() + seconds
        while not until():
            left = end - time.monotonic()
            if left <= 0:
                return
            try:
                with self._told():
                    if self._was_changed(left, _QUEUE if queue else _CHANGES):
                        return
            except ConnectionLost:  # which whoever looks for the change will tell, or not
                self._forget_waiting()
                time.sleep(min(left, _AWAY))

    def _was_changed(self, left: float, channel: str) -> bool:
        if self._waiting is None:
            self._waiting = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            self._listening = ""
        if self._listening != channel:  # what came before is not told
            if self._is_postgres:
                self._waiting.execute(sa.text(f"UNLISTEN *; LISTEN {channel}"))
            self._listening = channel
            return True
        if self._is_postgres:
            from psycopg import Error

            driver = self._waiting.connection.driver_connection
            try:
                heard = driver.notifies(timeout=min(left, 0.5), stop_after=1)
                return any(each.payload == self.exp_key for each in heard)
            except Error as error:
                raise ConnectionLost(f"the store {self.name}: {error}") from None
        seen = self._waiting.exec_driver_sql("PRAGMA data_version").scalar()
        if seen != self._seen:
            self._seen = seen
            return True
        time.sleep(min(left, _POLL))
        return False

    def _forget_waiting(self) -> None:
        waiting, self._waiting = self._waiting, None
        with contextlib.suppress(SQLAlchemyError):
            if waiting is not None:
                waiting.invalidate()
                waiting.close()

    def close(self) -> None:
        """See Store."""
        waiting, self._waiting = self._waiting, None
        with contextlib.suppress(SQLAlchemyError):
            if waiting is not None:
                waiting.close()
        self._engine.dispose()


def _natural(value: Any, what: str, name: str) -> int:
    """A number of a row that only this file changes."""
    if type(value) is not int or not 0 <= value < _TOO_LARGE:
        raise StoreError(
            f"the store {name}: its {what} is {value!r:.60}, which somebody has written there; "
            "take another exp_key, or put the row right"
        )
    return value


def _is_after(revision: Any, since: int) -> bool:
    """Whether a table has something newer; where the number is none, it has to be looked at."""
    return revision is not None and (type(revision) is not int or revision > since)


def _value_of(text: Any) -> Any:
    """The value of a report; what is none, as it is."""
    try:
        return float(text)
    except (TypeError, ValueError):
        return text


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
