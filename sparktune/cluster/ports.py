"""Addresses and ports: who listens, what a web UI tells, which ports are free."""

from __future__ import annotations

import contextlib
import json
import random
import socket
import urllib.request
from typing import Any

from .state import ClusterError

__all__ = ["answers", "bind", "bracketed", "free_port", "web_ui_json"]


def answers(host: str, port: int) -> bool:
    """Whether somebody listens."""
    try:
        with socket.create_connection((host, port), timeout=1) as found:
            return bool(found.getsockname() != found.getpeername())  # a port can reach itself
    except OSError:
        return False


def free_port(host: str) -> int:
    """A port that no other socket gets by chance before ours, or while it is started anew."""
    for port in random.sample(range(20_000, 32_000), 100):
        with contextlib.suppress(OSError):
            bind(host, port)
            return port
    raise ClusterError(f"no free port was found on {host}: give one with --connect-port")


def bind(host: str, port: int) -> None:
    """Raise OSError where a port cannot be used."""
    family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    with socket.socket(family, socket.SOCK_STREAM) as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        trial.bind(address)


def bracketed(host: str) -> str:
    """A host as it stands in an address."""
    return f"[{host}]" if ":" in host else host


def web_ui_json(address: str) -> dict[str, Any] | None:
    """What a master's web UI tells, None where it does not answer."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # it is near
    try:
        with opener.open(f"{address}/json/", timeout=3) as answer:
            read = json.load(answer)
    except (OSError, ValueError):
        return None
    return read if isinstance(read, dict) else None
