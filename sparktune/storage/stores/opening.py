"""How a store is found: by its URL, or that of the environment."""

from __future__ import annotations

import os
import platform
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from ...extras import lacking
from .signing import VARIABLE
from .store import Store

__all__ = [
    "URL_VARIABLE", "hide_secrets", "name_here", "open_store", "place_of", "searches_of",
    "secretless", "url_of",
]  # fmt: skip

URL_VARIABLE = "SPARKTUNE_STORE"


def url_of(url: Any) -> Any:
    """A URL, or that of SPARKTUNE_STORE for None, checked, as SQLAlchemy has it.

    Raises:
        ImportError: SQLAlchemy is not installed; the message names the extra.
        ValueError: there is no URL, or it is none.
    """
    with _needing_extra():
        from .urls import checked_url

    found = os.environ.get(URL_VARIABLE) if url is None else url
    if not found:
        raise ValueError(
            f"there is no store: give its URL, or set {URL_VARIABLE} to it, such as "
            "'sqlite:///runs.db'"
        )
    return checked_url(found)


def place_of(url: Any) -> str:
    """Where a database is, of a checked URL: the same for all its users."""
    parts = {name: getattr(url, name) for name in ("host", "port", "database")}
    where = {name: value for name, value in url.query.items() if name in ("host", "port")}
    return str(type(url).create(url.drivername, **parts, query=where))


def secretless(url: Any) -> str | None:
    """A checked URL as a text, None where it has a password."""
    if url.password is not None or any("pass" in name for name in url.query):
        return None
    return str(url.render_as_string(hide_password=False))


def open_store(
    url: Any,
    exp_key: Any,
    lost_after: float | None = None,
    say: Callable[[str], None] | None = None,
    creates: bool = True,
) -> Store:
    """The store of a URL, or of SPARKTUNE_STORE for None; see SqlStore.

    Raises:
        ImportError: SQLAlchemy is not installed; the message names the extra.
        ValueError: there is no URL, or it is none.
        StoreError: the database cannot be reached; or there is none, and none is made.
    """
    url = url_of(url)
    with _needing_extra():
        from .sql import SqlStore

    return SqlStore(url, exp_key, lost_after, say, creates)


def searches_of(url: Any) -> list[str]:
    """The names of the searches in a store, in their order.

    Args:
        url: of the database; None for that of SPARKTUNE_STORE.

    Raises:
        ImportError: SQLAlchemy is not installed; the message names the extra.
        ValueError: there is no URL, or it is none.
        StoreError: there is no store, or it cannot be reached.
    """
    url = url_of(url)
    with _needing_extra():
        from .sql import searches_in

    return searches_in(url)


def hide_secrets() -> None:
    """Take key and URL out of the environment, which the processes of trials inherit."""
    for name in (URL_VARIABLE, VARIABLE):
        os.environ.pop(name, None)


def name_here() -> str:
    """A name for a driver or worker of this process that nobody else has."""
    return f"{platform.node()[:40]}-{os.getpid()}-{uuid.uuid4().hex[:8]}"


@contextmanager
def _needing_extra() -> Iterator[None]:
    try:
        yield
    except ModuleNotFoundError as error:
        raise lacking("a store", str(error.name), "sql") from error
