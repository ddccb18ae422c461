"""Connections to the database of a store: transactions, errors in sentences, waiting for changes.

Connections of PostgreSQL come from SQLAlchemy's pool. In SQLite a transaction takes the writer's
lock at once, so that none has to be given up half way.
"""

from __future__ import annotations

import contextlib
import functools
import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DBAPIError, NoSuchModuleError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from ...exceptions import StoreError
from ...extras import lacking
from .outages import ConnectionLost, Outages
from .urls import file_of

__all__ = ["CHANGES", "QUEUE", "Database"]

CHANGES, QUEUE = "sparktune", "sparktune_queue"  # what PostgreSQL tells, by channel
_AWAY = 0.2  # seconds between two tries to listen to a database that is away
_ASK = 0.5  # seconds between two looks whether the waiting is to end, while PostgreSQL tells
_POLL = 0.02  # seconds between two looks at a SQLite database, which cost microseconds

_UNKNOWN_HOST = re.compile(  # as psycopg says it, and as libpq does
    r"""(?:failed to resolve host|could not translate host name) ['"]([^'"]*)['"].*not known"""
)


class Database:
    """A database of a store.

    Args:
        url: checked.
        say: is told, in a sentence, when the database is away and when it answers again.
        writes: whether anything is to be changed; a database to read may be one that cannot be.

    Attributes:
        name: for people: without a password.
        is_postgres: whether it is PostgreSQL rather than SQLite.
        outages: when it was away.
        engine: SQLAlchemy's.

    Raises:
        ImportError: the driver of PostgreSQL is missing; the message names the extra.
    """

    def __init__(self, url: Any, say: Callable[[str], None], writes: bool = True) -> None:
        self._url = url
        self.name = url.set(query={}).render_as_string(hide_password=True)
        self.is_postgres = url.get_backend_name() == "postgresql"
        self.outages = Outages(self.name, say)
        self.engine = _engine_of(url, writes)
        self._path = file_of(url)
        self._file: tuple[int, int] | None = None
        self._waiting: Any = None
        self._listening = ""
        self._seen = -1

    @property
    def is_there(self) -> bool:
        """Whether there may be such a database; of SQLite, which makes one, whether its file is."""
        return self._path is None or self._path.exists()

    def _look_for_file(self) -> None:
        """Refuse to go on in a file of SQLite that others no longer find."""
        if self._path is None:
            return
        found = None
        with contextlib.suppress(OSError):
            stat = self._path.stat()
            found = stat.st_dev, stat.st_ino
        if self._file is None:
            self._file = found
        elif found != self._file:
            raise StoreError(
                f"the store {self.name}: its file was removed or replaced while it was in use, and "
                "what it held with it"
            )

    @contextlib.contextmanager
    def begin(self) -> Iterator[Connection]:
        """A transaction that changes something."""
        self._look_for_file()
        is_committing = False
        try:
            with self.told(), self.engine.connect() as connection, connection.begin():
                yield connection
                is_committing = True
        except ConnectionLost as error:
            error.unsure = is_committing
            raise

    @contextlib.contextmanager
    def look(self) -> Iterator[Connection]:
        """A connection that reads, a statement at a time."""
        self._look_for_file()
        with self.told(), self.engine.connect() as connection:
            yield connection.execution_options(isolation_level="AUTOCOMMIT")

    @contextlib.contextmanager
    def at_once(self) -> Iterator[Connection]:
        """A connection for one statement that changes something, a transaction of its own."""
        try:
            with self.look() as connection:
                yield connection
        except ConnectionLost as error:
            error.unsure = True
            raise

    @contextlib.contextmanager
    def told(self) -> Iterator[None]:
        """A database's errors in a sentence, which never has the password."""
        try:
            yield
        except SQLAlchemyError as error:
            cause = getattr(error, "orig", None) or error
            text = " ".join(str(cause).split())
            if unknown := _UNKNOWN_HOST.search(text):
                text = f"the host name {unknown[1]!r} is not known here"
            told = self._url.query.items()
            secrets = [self._url.password, *(value for name, value in told if "pass" in name)]
            for secret in filter(None, secrets):
                text = text.replace(str(secret), "...")
            kind = ConnectionLost if self._is_passing(error) else StoreError
            raise kind(f"the store {self.name}: {text[:300]}") from None

    def _is_passing(self, error: SQLAlchemyError) -> bool:
        """Whether the same may succeed later: a lost connection, a lock that somebody holds."""
        if self.is_postgres:
            is_lost = isinstance(error, DBAPIError) and error.connection_invalidated
            text = str(getattr(error, "orig", ""))
            if not self.outages.was_reached and (_is_refusal(text) or _UNKNOWN_HOST.search(text)):
                return False
            return is_lost or isinstance(error, (OperationalError, PoolTimeout))
        return isinstance(error, OperationalError) and "locked" in str(error.orig)

    def wait(self, seconds: float, until: Callable[[], bool], channel: str, payload: str) -> None:
        """Return once something was changed, at the latest after so many seconds.

        PostgreSQL tells; of SQLite a number is looked at that costs little. The first time it
        returns at once, as what came before is not told.

        Args:
            seconds: at most.
            until: asked twice a second at least; True ends the waiting.
            channel: of what PostgreSQL tells.
            payload: with which what is waited for is told.
        """
        end = time.monotonic() + seconds
        while not until():
            left = end - time.monotonic()
            if left <= 0:
                return
            try:
                with self.told():
                    if self._was_changed(left, channel, payload):
                        return
            except ConnectionLost:  # the next call that asks for something says so
                self._forget_waiting()
                time.sleep(min(left, _AWAY))

    def _was_changed(self, left: float, channel: str, payload: str) -> bool:
        if self._waiting is None:
            self._waiting = self.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            self._listening = ""
        if self._listening != channel:
            if self.is_postgres:
                self._waiting.execute(sa.text(f"UNLISTEN *; LISTEN {channel}"))
            self._listening = channel
            return True
        if self.is_postgres:
            from psycopg import Error

            driver = self._waiting.connection.driver_connection
            try:
                heard = driver.notifies(timeout=min(left, _ASK), stop_after=1)
                return any(each.payload == payload for each in heard)
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
        """Give the connections back; the next use makes new ones."""
        waiting, self._waiting = self._waiting, None
        with contextlib.suppress(SQLAlchemyError):
            if waiting is not None:
                waiting.close()
        self.engine.dispose()


def _engine_of(url: Any, writes: bool) -> sa.Engine:
    try:
        if url.get_backend_name() == "postgresql":
            return sa.create_engine(url, pool_size=4, max_overflow=12)
        engine = sa.create_engine(url, connect_args={"timeout": 60.0, "check_same_thread": False})
    except (ImportError, NoSuchModuleError) as error:
        raise lacking("a store in PostgreSQL", "psycopg", "sql") from error

    @sa.event.listens_for(engine, "connect")
    def begin_ourselves(connection: Any, _: Any) -> None:
        connection.isolation_level = None
        # where somebody has written what is no UTF-8, one row is wrong, and not every look
        connection.text_factory = functools.partial(str, encoding="utf-8", errors="replace")
        if writes:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")

    @sa.event.listens_for(engine, "begin")
    def lock_at_once(connection: Connection) -> None:
        if connection.get_execution_options().get("isolation_level") != "AUTOCOMMIT":
            connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def _is_refusal(text: str) -> bool:
    """Whether PostgreSQL answers, and the same would be no better later, by a driver's message."""
    passes = ("the database system is", "too many clients", "remaining connection slots")
    if any(each in text for each in passes):
        return False
    return any(each in text for each in ("FATAL", "no password supplied", "invalid "))
