"""How many tasks a Spark session really runs at a time."""

from __future__ import annotations

import contextlib
import re
import socket
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

from . import internals
from .session import is_connect, is_local

__all__ = ["slots_of_settings", "slots_told", "task_slots"]

_SETTLE_SECONDS = 1.0  # the executors of a young application register one after the other
_YOUNG_SECONDS = 30.0
_LEAST_ASKED, _MOST_ASKED = 16, 1024  # tasks of a query that measures
_NAP_SECONDS = 0.2


def task_slots(session: Any, profile: Any = None) -> int:
    """How many tasks a session runs at a time; at least 1. Starts a job where it has to.

    That is what its executors have room for, by ``spark.task.cpus`` and what else a task needs. The
    setting ``spark.default.parallelism`` says how finely data are cut, and nothing of room.

    Args:
        session: classic or Spark Connect.
        profile: a pyspark ResourceProfile that the tasks have, or None.
    """
    if is_connect(session):
        return _slots_of_server(session)
    context = session.sparkContext
    slots = internals.concurrent_tasks(context, profile)
    if is_local(context.master):
        return max(1, slots)
    age = time.time() - context.startTime / 1000
    if slots and age > _YOUNG_SECONDS:
        return slots
    internals.run_nothing(context, profile)  # executors register while a first job waits for them
    before, slots = 0, internals.concurrent_tasks(context, profile)
    while slots > before:
        time.sleep(_SETTLE_SECONDS)
        before, slots = slots, internals.concurrent_tasks(context, profile)
    return max(1, slots)


def slots_told(session: Any, profile: Any = None) -> int:
    """How many tasks a session runs at a time, as far as it tells without a job; at least 1.

    A classic session tells what the executors that have registered so far have room for; a Spark
    Connect server its settings, of which some bound the cores of a cluster from above.

    Args:
        session: classic or Spark Connect.
        profile: a pyspark ResourceProfile that the tasks have, or None.
    """
    if not is_connect(session):
        return max(1, internals.concurrent_tasks(session.sparkContext, profile))
    conf = session.conf
    return slots_of_settings(conf) or max(1, int(_cores_at_most(conf) / _cpus(conf)))


def _cores_at_most(conf: Any) -> int:
    """The cores that settings allow an application on a cluster; 0 where they do not say."""

    def number(key: str) -> int:
        told = _told(conf, key)
        return int(told) if told.isdecimal() else 0

    executors = number("spark.executor.instances") * number("spark.executor.cores")
    return executors or number("spark.cores.max") or number("spark.default.parallelism")


def _slots_of_server(session: Any) -> int:
    """How many tasks a Spark Connect server runs at a time, by its settings and by queries."""
    conf = session.conf
    known = slots_of_settings(conf)
    if known is not None:
        return known
    cut = ("spark.default.parallelism", "spark.sql.leafNodeDefaultParallelism")
    if any(_told(conf, key) for key in cut):
        return _side_by_side(session)
    partitions = _partitions(session)
    if not is_local(_told(conf, "spark.master")) and partitions <= 2:
        partitions = _partitions(session)  # executors registered while the first query waited
    return max(1, int(partitions / _cpus(conf)))


def _partitions(session: Any) -> int:
    """As many as a range has: the cores of a server that was not told otherwise."""
    from pyspark.sql.functions import spark_partition_id

    return int(session.range(100_000).groupBy(spark_partition_id()).count().count())


def _side_by_side(session: Any) -> int:
    """How many tasks of a query are seen to run at the same time; a few seconds."""

    def nap(batches: Iterator[Any]) -> Iterator[Any]:
        import pyarrow

        for _ in batches:
            pass
        began = time.time()
        time.sleep(_NAP_SECONDS)
        row = {"host": [socket.gethostname()], "began": [began], "ended": [time.time()]}
        yield pyarrow.RecordBatch.from_pydict(row)

    count, slots = _LEAST_ASKED, 0
    while True:
        spans = session.range(0, count, 1, count).mapInArrow(
            nap, "host string, began double, ended double"
        )
        most: Counter[str] = Counter()
        rows = spans.collect()
        for row in rows:  # the clocks of two hosts may differ
            same = (each for each in rows if each.host == row.host)
            at_once = sum(each.began <= row.began < each.ended for each in same)
            most[row.host] = max(most[row.host], at_once)
        slots = max(slots, most.total())
        if 2 * slots <= count or count >= _MOST_ASKED:
            return slots
        count *= 2


def slots_of_settings(conf: Any) -> int | None:
    """How many tasks run at a time as far as settings say so; None where they do not.

    Args:
        conf: has ``get(key, default)``, such as a session's ``conf``.
    """
    master = _told(conf, "spark.master")
    if local := re.match(r"local(?:\[ *(\d+)|$)", master):
        cores = int(local[1] or 1)
    elif cluster := re.match(r"local-cluster\[ *(\d+) *, *(\d+)", master):
        cores = int(cluster[1]) * int(cluster[2])
    else:
        return None
    return max(1, int(cores / _cpus(conf)))


def _cpus(conf: Any) -> float:
    """The cores that a task takes, which may be half a one."""
    try:
        return float(_told(conf, "spark.task.cpus")) or 1.0
    except ValueError:
        return 1.0


def _told(conf: Any, key: str) -> str:
    """A setting, empty where the session does not tell."""
    with contextlib.suppress(Exception):
        return str(conf.get(key, "") or "")
    return ""
