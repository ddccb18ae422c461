"""MongoTrials is not here; its place is taken by a store in PostgreSQL or SQLite."""

from __future__ import annotations

import re
import sys
from typing import Any, NoReturn

__all__ = ["MongoTrials", "main_worker"]

_WORKER = "sparktune worker --store {store} --exp-key {key} --objective your.module:your_function"


class MongoTrials:
    """Refuses, with the very lines to use instead."""

    def __init__(self, arg: Any = None, exp_key: Any = None, *_: Any, **__: Any) -> NoReturn:
        key = "default" if exp_key is None else str(exp_key)
        shown = re.sub(r"//.*@", "//", str(arg))  # it may hold a password
        raise NotImplementedError(
            f"MongoTrials({shown!r:.100}, exp_key={exp_key!r:.60}) has no MongoDB here: trials "
            "wait for workers in PostgreSQL or SQLite. Use sparktune.StoreTrials("
            f"'postgresql://user@host/database', exp_key={key!r}) in place of it, with "
            "sparktune.fmin and sparktune.hp, and in place of hyperopt-mongo-worker: "
            f"{_WORKER.format(store='postgresql://user@host/database', key=key)}"
        )


def main_worker() -> NoReturn:
    """What ``hyperopt-mongo-worker`` calls: ends with the command to use instead."""
    words = sys.argv[1:]
    options = {
        word.partition("=")[0]: word.partition("=")[2] or following
        for word, following in zip(words, [*words[1:], ""], strict=True)
        if word.startswith("--")
    }
    command = _WORKER.format(
        store="postgresql://user@host/database", key=options.get("--exp-key", "default")
    )
    for name in ("--poll-interval", "--max-jobs", "--reserve-timeout", "--last-job-timeout"):
        if name in options:
            command += f" {name} {options[name]}"
    sys.exit(f"hyperopt-mongo-worker has no MongoDB here; use this in place of it:\n  {command}")
