"""The server of a dashboard: on this machine's own address, until Ctrl-C."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Callable, Iterable
from typing import Any

from ..extras import lacking
from .watching import Place, Watcher

__all__ = ["HOST", "PORT", "Dashboard"]

HOST, PORT = "127.0.0.1", 8765
_PATIENCE = 5  # seconds for requests that are under way at the end


class Dashboard:
    """A page of runs, for browsers of this machine.

    Args:
        places: where the runs are recorded.
        port: 0 for any that is free; None for 8765, or any that is free where that is taken.

    Attributes:
        address: of the page, with the token that lets a browser in.

    Raises:
        ImportError: Starlette or uvicorn is missing; the message names the extra.
        JournalError: a place cannot be read.
        ValueError: the port is taken.
    """

    def __init__(self, places: Iterable[Place], port: int | None = None) -> None:
        try:
            import uvicorn

            from .app import app_of
        except ModuleNotFoundError as error:
            raise lacking("the dashboard", str(error.name), "dashboard") from error
        watcher, token = Watcher(places), secrets.token_urlsafe(24)
        self._listening = _listening(port)
        self.address = f"http://{HOST}:{self._listening.getsockname()[1]}/?token={token}"
        app = app_of(watcher, token, lambda: self._server.should_exit)
        config = uvicorn.Config(
            app, log_level="warning", access_log=False, server_header=False,
            timeout_graceful_shutdown=_PATIENCE,
        )  # fmt: skip
        self._server: Any = uvicorn.Server(config)

    def run(self, ready: Callable[[str], None] = lambda _: None) -> None:
        """Answer until Ctrl-C, SIGTERM or ``stop()``.

        Args:
            ready: is given the address.
        """
        with self._listening:
            ready(self.address)
            self._server.run(sockets=[self._listening])

    def stop(self) -> None:
        """Have ``run`` return, from any thread."""
        self._server.should_exit = True


def _listening(port: int | None) -> socket.socket:
    """A socket at a port of this machine's own address."""
    found = socket.socket()
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((HOST, PORT if port is None else port))
    except OSError as error:
        if port is not None:
            found.close()
            raise ValueError(f"port {port} of {HOST} cannot be had: {error.strerror}") from None
        found.bind((HOST, 0))
    found.listen()
    return found
