"""The two databases that a store may be in: their URLs and connections."""

from __future__ import annotations

import functools
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

__all__ = ["checked_url", "engine_of", "is_refusal"]


def is_refusal(text: str) -> bool:
    """Whether PostgreSQL answers, and the same would be no better later, by a driver's message."""
    return "FATAL" in text and "the database system is" not in text


def checked_url(url: Any) -> Any:
    """A URL of one of the two databases; its errors do not show it, for it may have a password."""
    try:
        found = make_url(url)
    except (ArgumentError, TypeError, ValueError, AttributeError):
        raise ValueError(
            "the URL of a store must be such as 'sqlite:///runs.db' or "
            "'postgresql://user:password@host/database', but what was given cannot be read"
        ) from None
    backend = found.get_backend_name()
    if backend not in ("sqlite", "postgresql"):
        raise ValueError(f"a store is in PostgreSQL or SQLite, but the URL begins with {backend!r}")
    if backend == "sqlite" and (not found.database or ":memory:" in found.database):
        raise ValueError(
            "a store in SQLite is a file that processes share, such as 'sqlite:///runs.db', but "
            "the URL names none"
        )
    return found.set(drivername="postgresql+psycopg") if found.drivername == "postgresql" else found


def engine_of(url: Any) -> sa.Engine:
    """An engine for a checked URL; in SQLite each transaction takes the writer's lock at once.

    Raises:
        ImportError: the driver of PostgreSQL is missing; the message names the extra.
    """
    try:
        if url.get_backend_name() == "postgresql":
            return sa.create_engine(url, pool_size=4, max_overflow=12)
        engine = sa.create_engine(url, connect_args={"timeout": 60.0, "check_same_thread": False})
    except (ImportError, NoSuchModuleError) as error:
        raise ImportError('PostgreSQL needs psycopg: pip install "sparktune[sql]"') from error

    @sa.event.listens_for(engine, "connect")
    def begin_ourselves(connection: Any, _: Any) -> None:
        connection.isolation_level = None
        # where somebody has written what is no UTF-8, one row is wrong, and not every look
        connection.text_factory = functools.partial(str, encoding="utf-8", errors="replace")
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")

    @sa.event.listens_for(engine, "begin")
    def lock_at_once(connection: Connection) -> None:
        if connection.get_execution_options().get("isolation_level") != "AUTOCOMMIT":
            connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine
