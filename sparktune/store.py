"""Workers of a store as tasks of Spark."""

from __future__ import annotations

import os
from typing import Any

from .checks import whole
from .storage.stores.opening import URL_VARIABLE
from .storage.stores.signing import VARIABLE

__all__ = ["run_workers"]


def run_workers(
    spark: Any,
    url: str | None = None,
    n: int = 1,
    exp_key: str = "default",
    *,
    objectives: tuple[str, ...] = (),
    reserve_timeout: float = 60.0,
    **options: Any,
) -> int:
    """Evaluate trials of a store in tasks of Spark, each of which is a worker.

    Returns when all of them have ended: each does ``reserve_timeout`` seconds after its last trial.
    Executors need sparktune with the extra [sql], and what the objective imports; they reach the
    database themselves. The URL and the key of SPARKTUNE_STORE_KEY travel with the tasks, and stand
    in no description of them.

    Args:
        spark: the session, classic or of Spark Connect.
        url: of the store; None for that of SPARKTUNE_STORE.
        n: how many workers; a session with fewer task slots runs them one after the other.
        exp_key: the name of the search.
        objectives: what workers evaluate by name, such as "pkg.mod:fn"; see Worker.
        reserve_timeout: seconds without a trial after which a worker ends.
        options: further ones of Worker.

    Returns:
        How many trials they have evaluated.

    Raises:
        ValueError: no URL, or an argument out of its range.
    """
    count = whole("n", n)
    found = os.environ.get(URL_VARIABLE) if url is None else url
    if not found:
        raise ValueError(f"there is no store: give its URL, or set {URL_VARIABLE} to it")
    key = os.environ.get(VARIABLE)
    settings = {"reserve_timeout": reserve_timeout, **options}

    def work(batches: Any) -> Any:
        import os

        import pyarrow

        from sparktune.worker import Worker, objectives_of

        if key:
            os.environ[VARIABLE] = key
        for batch in batches:
            for _ in range(batch.num_rows):
                worker = Worker(found, exp_key, objectives_of(objectives), **settings)
                yield pyarrow.RecordBatch.from_pydict({"done": [worker.run()]})

    frame = spark.range(0, count, 1, count).mapInArrow(work, "done long")
    return sum(row.done for row in frame.collect())
