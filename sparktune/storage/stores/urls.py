"""The URLs of the two databases that a store may be in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

__all__ = ["checked_url", "file_of"]

_DRIVERS = {
    "sqlite": "sqlite", "sqlite+pysqlite": "sqlite",
    "postgresql": "postgresql+psycopg", "postgresql+psycopg": "postgresql+psycopg",
}  # fmt: skip
_EXAMPLES = "'sqlite:///runs.db' or 'postgresql://user@host/database'"


def checked_url(url: Any) -> Any:
    """A URL of one of the two databases, that of SQLite with the whole path of its file.

    Raises:
        ValueError: it is none; the message does not show it, for it may have a password.
    """
    try:
        found = make_url(url)
    except (ArgumentError, TypeError, ValueError, AttributeError):
        raise ValueError(
            f"the URL of a store must be such as {_EXAMPLES}, but what was given cannot be read"
        ) from None
    name = found.drivername
    if name not in _DRIVERS:
        hint = ", whose driver is psycopg" if name.startswith("postgresql+") else ""
        hint = hint or ", which is written postgresql" * name.startswith("postgres")
        raise ValueError(
            f"a store is in PostgreSQL or SQLite, as in {_EXAMPLES}, but the URL begins with "
            f"{name!r}{hint}"
        )
    if "@" in (found.host or ""):
        raise ValueError(
            "the URL of a store has two @: one in a user's name or password is written %40"
        )
    found = found.set(drivername=_DRIVERS[name])
    if name.startswith("postgresql"):
        return found
    if not found.database or ":memory:" in found.database:
        raise ValueError(
            "a store in SQLite is a file that processes share, such as 'sqlite:///runs.db' with "
            "three slashes, but the URL names none"
        )
    path = file_of(found)
    return found if path is None else found.set(database=str(path.expanduser().absolute()))


def file_of(url: Any) -> Path | None:
    """The file of a database in SQLite; None for others, and for what SQLite calls a URI."""
    if url.get_backend_name() != "sqlite" or url.database.startswith("file:"):
        return None
    return Path(url.database)
