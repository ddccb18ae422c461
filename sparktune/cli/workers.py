"""The command ``worker``: evaluates trials that wait in a store."""

from __future__ import annotations

import argparse
import math
import signal
import sys
from pathlib import Path
from typing import Any

from ..storage.stores.opening import hide_secrets
from ..worker import Worker, objectives_of
from .words import add_command, complain, number

__all__ = ["add_commands"]


def add_commands(commands: Any) -> None:
    """Add it to the subparsers of a parser."""
    text = "evaluate trials that wait in a store, until Ctrl-C"
    more = (
        "It takes trials whose objective --objective names, and trials that are signed with the "
        "secret in SPARKTUNE_STORE_KEY: one of the two is needed. Ctrl-C gives its trial back to "
        "the queue; SIGTERM lets it end first."
    )
    add = add_command(commands, "worker", text, more)
    text = "URL of the database, such as sqlite:///runs.db (default: SPARKTUNE_STORE)"
    add.add_argument("--store", metavar="URL", help=text)
    text = "the name of the search (default: %(default)s)"
    add.add_argument("--exp-key", default="default", metavar="KEY", help=text)
    text = "an objective that it evaluates when asked by this name, any number of times"
    add.add_argument("--objective", action="append", default=[], metavar="PKG.MOD:FN", help=text)
    text = "seconds between two looks for a trial (default: %(default)s)"
    add.add_argument("--poll-interval", type=_seconds, default=0.1, metavar="S", help=text)
    text = "end after so many trials (default: no limit)"
    add.add_argument("--max-jobs", type=number(1, 10**9), metavar="N", help=text)
    text = "end after so many seconds without a trial (default: no limit)"
    add.add_argument("--reserve-timeout", type=_seconds, metavar="S", help=text)
    text = "begin no trial after so many seconds (default: no limit)"
    add.add_argument("--last-job-timeout", type=_seconds, metavar="S", help=text)
    text = "end with an error after so many failed trials in a row (default: %(default)s)"
    failures = number(1, 10**9)
    add.add_argument("--max-consecutive-failures", type=failures, default=4, metavar="N", help=text)
    add.add_argument("--quiet", "-q", action="store_true", help="say nothing but errors")
    add.set_defaults(run=_work)


def _work(words: argparse.Namespace) -> int:
    if (here := str(Path.cwd())) not in sys.path:
        sys.path.insert(0, here)  # as `python -m` has it
    objectives = objectives_of(words.objective)
    worker = _worker_of(words, objectives)
    hide_secrets()
    signal.signal(signal.SIGTERM, lambda *_: worker.stop())
    worker.run()
    return 0


def _worker_of(words: argparse.Namespace, objectives: dict[str, Any]) -> Worker:
    return Worker(
        words.store, words.exp_key, objectives,
        poll_interval=words.poll_interval, max_jobs=words.max_jobs,
        reserve_timeout=words.reserve_timeout, last_job_timeout=words.last_job_timeout,
        max_consecutive_failures=words.max_consecutive_failures,
        say=(lambda _: None) if words.quiet else complain,
    )  # fmt: skip


def _seconds(text: str) -> float:
    try:
        found = float(text)
    except ValueError:
        found = math.nan
    if not 0 < found < math.inf:
        raise argparse.ArgumentTypeError(f"must be a number of seconds above 0, but got {text!r}")
    return found
