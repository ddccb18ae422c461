"""How the tables of a store come to be, and how those of an earlier version become today's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ...exceptions import StoreError
from .connection import Database
from .tables import meta, natural, searches, version

__all__ = ["STEPS", "make", "names_in", "require"]

STEPS: list[Callable[[Connection], None]] = []
"""What makes the tables of a version those of the next: the first of version 1, and so on."""
_LOCK = 725019  # of PostgreSQL, by which one of several that begin makes the tables
_NAMED = 10  # searches that a message names


def make(database: Database, exp_key: str, lost_after: float | None) -> None:
    """Make what is missing of the tables, and the row of a search; see Store for ``lost_after``.

    Raises:
        StoreError: the tables are of a newer sparktune.
    """
    with database.begin() as c:
        if database.is_postgres:
            c.execute(sa.text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
        found = _version_in(database, c)
        if found is None:
            meta.create_all(c)
            c.execute(version.insert().values(version=_newest()))
        elif found < _newest():
            for step in STEPS[found - 1 :]:
                step(c)
            c.execute(version.update().values(version=_newest()))
        if c.execute(sa.select(searches.c.revision).where(_is_named(exp_key))).first() is None:
            c.execute(searches.insert().values(exp_key=exp_key, revision=0, ended=0))
        if lost_after is not None:
            c.execute(searches.update().where(_is_named(exp_key)).values(lost_after=lost_after))


def require(database: Database, exp_key: str) -> None:
    """Refuse to read where nothing is; nothing is made.

    Raises:
        StoreError: there is no such database, it holds no tables of today's version, or no search
            of that name; the message names those that it holds.
    """
    with _readable(database) as c:
        if c.execute(sa.select(searches.c.revision).where(_is_named(exp_key))).first() is None:
            names = sa.select(searches.c.exp_key).order_by(searches.c.exp_key).limit(_NAMED + 1)
            raise StoreError(
                f"there is no search {exp_key!r:.60} in the store {database.name}; "
                + _listed([repr(name)[:60] for name in c.execute(names).scalars()])
            )


def names_in(database: Database) -> list[str]:
    """The names of all searches, in their order; nothing is made.

    Raises:
        StoreError: there is no such database, or it holds no tables of today's version.
    """
    with _readable(database) as c:
        return list(c.execute(sa.select(searches.c.exp_key).order_by(searches.c.exp_key)).scalars())


@contextmanager
def _readable(database: Database) -> Iterator[Connection]:
    """A connection that reads a database with tables of today's version."""
    if not database.is_there:
        raise StoreError(f"there is no store {database.name}")
    with database.look() as c:
        found = _version_in(database, c)
        if found is None:
            raise StoreError(f"there is no store in {database.name}: it has no tables of sparktune")
        if found < _newest():
            raise StoreError(
                f"the store {database.name} was made by an older sparktune: a run that goes on "
                "with it, or a worker, brings its tables up to date"
            )
        yield c


def _newest() -> int:
    """The version of today's tables."""
    return 1 + len(STEPS)


def _listed(names: list[str]) -> str:
    if not names:
        return "it holds none"
    more = ", and more" if len(names) > _NAMED else ""
    return f"it holds {', '.join(names[:_NAMED])}{more}"


def _is_named(exp_key: str) -> Any:
    return searches.c.exp_key == exp_key


def _version_in(database: Database, c: Connection) -> int | None:
    """The version of the tables, None where there are none."""
    if not sa.inspect(c).has_table(version.name):
        return None
    found = c.execute(sa.select(version.c.version)).scalar()
    if found is None:
        return None
    if natural(found, "version of its tables", database.name) > _newest():
        raise StoreError(
            f"the store {database.name} was made by a newer sparktune (its tables are of version "
            f"{found}, this one knows {_newest()}): update sparktune here"
        )
    return int(found)
