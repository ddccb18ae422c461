"""The URLs of the two databases that a store may be in."""

from __future__ import annotations

from typing import Any

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

__all__ = ["checked_url"]


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
