"""What runs in the process of a worker that a Spark task started; see travels.store_process."""

from __future__ import annotations

import contextlib
import os
import platform
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from sqlalchemy.engine import make_url

from ..exceptions import StoreError
from ..storage.owner import boot
from ..storage.stores.opening import hide_secrets
from ..storage.stores.signing import Key
from ..worker import Worker, objectives_of

__all__ = ["machine_of", "serve"]

_TO_END = 10.0  # seconds in which a worker whose task was killed gives its trial back


def machine_of(folder: Path) -> tuple[str, int, int]:
    """What is equal for two processes that see one folder on one machine.

    Raises:
        OSError: there is no such folder.
    """
    seen = folder.stat()
    return boot() or platform.node(), seen.st_dev, seen.st_ino


def serve(
    line: socket.socket, message: Mapping[str, Any], clean: Callable[[], None]
) -> dict[str, Any]:
    """Be a worker until a limit is reached, or the task at the other end of a line is gone.

    Args:
        line: to Spark's Python worker; nothing comes over it any more.
        message: ``url``; ``exp_key``; ``objectives``, their names; ``secret`` of the store, None
            for that of the environment; ``options`` of Worker; ``machine`` where a store in SQLite
            is, None for another; ``quiet``, whether nothing is written to standard error; ``try``,
            whether it only looks whether it could work.
        clean: is called where this process has to end at once.

    Returns:
        The answer; see serve of the store_process module.
    """
    say = _say_nothing if message["quiet"] or message["try"] else _say
    workers: list[Worker] = []
    cut = threading.Event()

    def watch() -> None:
        with contextlib.suppress(OSError):
            line.recv(1)
        cut.set()
        for worker in workers:
            worker.stop(at_once=True)
        time.sleep(_TO_END)
        clean()
        os._exit(1)

    threading.Thread(target=watch, name="sparktune-line", daemon=True).start()
    error: tuple[str, str] | None = None
    try:
        _check_machine(message)
        secret = message["secret"]
        key = None if secret is None else Key(secret)
        names = objectives_of(message["objectives"])
        options = message["options"]
        workers.append(
            Worker(message["url"], message["exp_key"], names, key=key, say=say, **options)
        )
        hide_secrets()
        if message["try"]:
            workers[0].store.close()
        elif not cut.is_set():
            workers[0].run()
    except (StoreError, ValueError, ImportError) as caught:
        error = (type(caught).__name__, str(caught))
    except Exception as caught:
        traceback.print_exc()  # into the log of the executor
        error = ("Exception", f"{type(caught).__name__}: {caught}")
    return {"done": sum(worker.done for worker in workers), "error": error}


def _check_machine(message: Mapping[str, Any]) -> None:
    """Refuse a store in SQLite that is not here."""
    if message["machine"] is None:
        return
    path = Path(make_url(message["url"]).database or "")
    seen = None
    with contextlib.suppress(OSError):
        seen = machine_of(path.parent)
    if seen != message["machine"]:
        raise StoreError(
            f"{path} is not the file that the driver has: a store in SQLite is for workers of one "
            f"machine, and this one runs on {platform.node()}; PostgreSQL is for several"
        )


def _say_nothing(_: str) -> None:
    """Keep a line to oneself."""


def _say(text: str) -> None:
    """Write a line into the log of the executor."""
    sys.stderr.write(f"sparktune: {text}\n")
