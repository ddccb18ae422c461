"""The statements of a store for one search, made once each."""

from __future__ import annotations

import functools
from typing import Any

import sqlalchemy as sa

from .connection import CHANGES, QUEUE
from .store import DEFAULT_LOST_AFTER, ENDED, FARTHEST, OWN, QUEUED, RESERVED, RUNNING, Entry
from .tables import drivers, reports, searches, spaces, trials, workers

__all__ = ["ENTRY", "PUT", "REPORT", "SPACE", "UNDER_WAY", "Statements"]

ENTRY = [trials.c[name] for name in Entry.__dataclass_fields__]
REPORT = ("number", "attempt", "step", "value")
SPACE = ("id", "first", "space", "defaults", "proof")
UNDER_WAY = (QUEUED, RUNNING, OWN)
_NOT_PUT = ("number", "lost", "worker", "driver")
PUT = tuple(name for name in Entry.__dataclass_fields__ if name not in _NOT_PUT)


class Statements:
    """Statements and conditions for the rows of one search.

    Args:
        exp_key: the name of the search.
        is_postgres: whether they are for PostgreSQL rather than SQLite.

    Attributes:
        now: seconds since the epoch, by the clock of the database.
    """

    def __init__(self, exp_key: str, is_postgres: bool) -> None:
        self._exp_key, self._is_postgres = exp_key, is_postgres
        given = sa.select(searches.c.lost_after).where(self.mine(searches)).scalar_subquery()
        self._lost_after = sa.func.coalesce(given, DEFAULT_LOST_AFTER)
        self.now: Any = sa.literal_column(
            "extract(epoch from clock_timestamp())"
            if is_postgres
            else "((julianday('now') - 2440587.5) * 86400.0)"
        )
        self._up: Any = sa.literal_column("extract(epoch from pg_postmaster_start_time())")

    # -- conditions

    def mine(self, table: sa.Table) -> Any:
        """Rows of this search."""
        return table.c.exp_key == self._exp_key

    def one(self, number: int, attempt: int | None = None) -> Any:
        """The row of a trial, of this attempt at it."""
        row = sa.and_(self.mine(trials), trials.c.number == number)
        return row if attempt is None else sa.and_(row, trials.c.attempt == attempt)

    def running(self, worker: str, number: int, attempt: int) -> Any:
        """The row of a trial that a worker evaluates."""
        return sa.and_(
            self.one(number, attempt), trials.c.state == RUNNING, trials.c.worker == worker
        )

    def alive(self, table: sa.Table) -> Any:
        """Drivers or workers that give signs of life."""
        return sa.and_(self.mine(table), self._is_recent(table))

    def _is_recent(self, table: sa.Table) -> Any:
        """Whether a sign of life is one: neither long ago, nor to come, as no clock gives it."""
        heard = self._heard(table)
        return heard.between(self.now - self._lost_after, self.now + self._lost_after)

    def _heard(self, table: sa.Table) -> Any:
        """The last sign of life, but no earlier than the database could hear one."""
        return sa.func.greatest(table.c.beat, self._up) if self._is_postgres else table.c.beat

    @property
    def is_overdue(self) -> Any:
        """Trials whose worker is dead, or whose driver where nobody else evaluates them."""
        is_orphan = trials.c.driver.not_in(sa.select(drivers.c.id).where(self.alive(drivers)))
        has_no_worker = ~sa.exists(sa.select(workers.c.id).where(self.alive(workers)))
        return sa.and_(
            trials.c.state.in_(UNDER_WAY),  # for the index
            sa.or_(
                sa.and_(trials.c.state == RUNNING, sa.not_(self._is_recent(trials))),
                sa.and_(trials.c.state == OWN, is_orphan),
                sa.and_(trials.c.state == QUEUED, is_orphan, has_no_worker),
            ),
        )

    @property
    def counted(self) -> Any:
        """Trials that count for ``max_evals``."""
        return sa.and_(self.mine(trials), trials.c.state == ENDED, trials.c.counts)

    # -- the search's row

    @functools.cached_property
    def raising(self) -> Any:
        """Two that raise the revision by ``more`` and tell drivers, the second workers as well."""
        row = searches.update().where(self.mine(searches)).values(
            revision=searches.c.revision + 1, ended=searches.c.ended + sa.bindparam("more")
        )  # fmt: skip
        if not self._is_postgres:
            return [row.returning(searches.c.revision)] * 2
        told = [sa.func.pg_notify(name, self._exp_key) for name in (CHANGES, QUEUE)]
        return [row.returning(searches.c.revision, *told[:count]) for count in (1, 2)]

    @functools.cached_property
    def telling(self) -> Any:
        """Tells drivers of PostgreSQL that something was changed."""
        return sa.select(sa.func.pg_notify(CHANGES, self._exp_key))

    @functools.cached_property
    def locking(self) -> Any:
        """Holds the search's row until the transaction ends; gives how many trials have ended."""
        return sa.select(searches.c.ended).where(self.mine(searches)).with_for_update()

    # -- numbers

    @functools.cached_property
    def counting(self) -> Any:
        """Asks how many are under way, how many numbers are free, and for the last number."""
        last = sa.select(sa.func.max(trials.c.number)).where(
            self.mine(trials), trials.c.number < FARTHEST
        )
        free = sa.select(sa.func.count()).select_from(self.free.subquery())
        parts = (self.under_way, free, last)
        return sa.select(*(part.scalar_subquery() for part in parts))

    @functools.cached_property
    def free(self) -> Any:
        """The reserved numbers of drivers that are dead, and of the ``driver`` that asks."""
        return sa.select(trials.c.number).where(
            self.mine(trials), trials.c.state == RESERVED, trials.c.driver.not_in(self._others)
        )  # fmt: skip

    @functools.cached_property
    def _others(self) -> Any:
        """The names of all other drivers that give signs of life."""
        is_other = drivers.c.id != sa.bindparam("driver")
        return sa.select(drivers.c.id).where(self.alive(drivers), is_other)

    @functools.cached_property
    def under_way(self) -> Any:
        """How many trials are begun, or reserved by others than ``driver``, and have not ended."""
        reserved = sa.and_(trials.c.state == RESERVED, trials.c.driver.in_(self._others))
        return sa.select(sa.func.count()).select_from(trials).where(
            self.mine(trials), trials.c.state.in_((*UNDER_WAY, RESERVED)),
            sa.or_(trials.c.state != RESERVED, reserved),
        )  # fmt: skip

    @functools.cached_property
    def nearest(self) -> Any:
        """The last number that is below the number of rows: others are none that we have made."""
        count = sa.select(sa.func.count()).select_from(trials).where(self.mine(trials))
        return sa.select(sa.func.max(trials.c.number)).where(
            self.mine(trials), trials.c.number < count.scalar_subquery()
        )

    @functools.cached_property
    def next_first(self) -> Any:
        """The number of the first trial of a space that is added now."""
        last = sa.func.coalesce(sa.func.max(trials.c.number) + 1, 0)
        return sa.select(last).where(self.mine(trials), trials.c.state != RESERVED)

    # -- trials

    @functools.cached_property
    def putting(self) -> Any:
        """Begins the trial ``n`` that ``by`` has reserved, with columns as ``new_...``."""
        reserved = sa.and_(
            self.mine(trials), trials.c.number == sa.bindparam("n"),
            trials.c.state == RESERVED, trials.c.driver == sa.bindparam("by"),
        )  # fmt: skip
        names = (*PUT, "status", "counts", "revision")
        values: dict[str, Any] = {name: sa.bindparam(f"new_{name}") for name in names}
        values |= {"beat": self.now, "stopping": False, "worker": ""}
        return trials.update().where(reserved).values(**values)

    @functools.cached_property
    def waiting(self) -> Any:
        """The first trial that waits for a worker, not of ``jobs`` and none of ``numbers``."""
        refused: list[Any] = [sa.bindparam(name, expanding=True) for name in ("jobs", "numbers")]
        waits = sa.select(trials.c.number).where(
            self.mine(trials), trials.c.state == QUEUED,
            trials.c.job.not_in(refused[0]), trials.c.number.not_in(refused[1]),
        )  # fmt: skip
        return waits.order_by(trials.c.number).limit(1)

    @functools.cached_property
    def taking(self) -> Any:
        """Gives that trial to the worker ``me``; of several at a time each gets another one."""
        first = self.waiting.with_for_update(skip_locked=True).scalar_subquery()
        taken = trials.update().where(self.mine(trials), trials.c.number == first)
        taken = taken.values(
            state=RUNNING, worker=sa.bindparam("me"), beat=self.now, stopping=False
        )  # fmt: skip
        return taken.returning(*ENTRY)

    @functools.cached_property
    def ending(self) -> Any:
        """Ends the attempt ``at`` of the trial ``n`` that ``who`` evaluates or has begun."""
        who: Any = sa.bindparam("who")
        is_it = sa.and_(
            self.mine(trials), trials.c.number == sa.bindparam("n"),
            trials.c.attempt == sa.bindparam("at"), trials.c.state.in_(UNDER_WAY),
            sa.or_(trials.c.worker == who, trials.c.driver == who),
        )  # fmt: skip
        return trials.update().where(is_it).values(
            state=ENDED, status=sa.bindparam("new_status"), counts=sa.bindparam("new_counts"),
            outcome=sa.bindparam("new_outcome"),
            outcome_proof=sa.bindparam("new_proof"), revision=sa.bindparam("new_revision"),
        )  # fmt: skip

    # -- reading

    @functools.cached_property
    def reading(self) -> Any:
        """Asks for the revisions of reports, spaces and search, and for trials ``since`` one."""
        last = [
            sa.select(sa.func.max(table.c.revision)).where(self.mine(table)).scalar_subquery()
            for table in (reports, spaces)
        ]
        new = sa.and_(
            self.mine(trials), trials.c.revision > sa.bindparam("since"),
            searches.c.revision > sa.bindparam("since"),
        )  # fmt: skip
        rows = sa.select(*last, searches.c.revision, *ENTRY).select_from(
            searches.outerjoin(trials, new)
        )  # fmt: skip
        return rows.where(self.mine(searches)).order_by(trials.c.number)

    @functools.cached_property
    def reading_reports(self) -> Any:
        """Asks for reports after ``since``, up to ``upto``."""
        columns = [reports.c[name] for name in REPORT]
        found = sa.select(*columns).where(self._is_between(reports))
        return found.order_by(reports.c.revision, reports.c.place)

    @functools.cached_property
    def reading_spaces(self) -> Any:
        """Asks for spaces after ``since``, up to ``upto``."""
        columns = [spaces.c[name] for name in SPACE]
        return sa.select(*columns).where(self._is_between(spaces)).order_by(spaces.c.id)

    def _is_between(self, table: sa.Table) -> Any:
        since: Any = sa.bindparam("since")
        upto: Any = sa.bindparam("upto")
        return sa.and_(self.mine(table), table.c.revision > since, table.c.revision <= upto)
