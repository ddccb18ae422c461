"""How the code that runs a trial gets to an executor: as source text, inside the Spark task.

Executors need nothing of sparktune. The functions of this module travel by value, so they refer to
the standard library alone; they unpack the other modules, once per Python worker.
"""

from __future__ import annotations

import functools
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

__all__ = ["arrow_function", "partition_function", "texts"]

_PARTS = (
    "modules", "limit", "trial", "logs", "line", "store", "stand_in", "task", "watchdog",
    "trial_process", "spark_worker",
)  # each imports earlier ones  # fmt: skip


@functools.cache
def texts(names: bytes) -> bytes:
    """The compressed source texts, and the pickled ``names`` of the stand_in module."""
    import pickle

    parts = {part: (Path(__file__).parent / f"{part}.py").read_text() for part in _PARTS}
    return zlib.compress(pickle.dumps((parts, names)))


def load(blob: bytes) -> Any:
    """The spark_worker module made from ``texts()``; made once in a process."""
    import pickle
    import sys
    import types
    import zlib

    name = f"_sparktune_{zlib.crc32(blob):08x}"
    if name not in sys.modules:
        package = sys.modules[name] = types.ModuleType(name)
        package.__path__ = []
        parts, names = pickle.loads(zlib.decompress(blob))
        for part, text in parts.items():
            module = types.ModuleType(f"{name}.{part}")
            module.__package__ = name
            sys.modules[module.__name__] = module
            setattr(package, part, module)
            exec(compile(text, f"sparktune/engines/travels/{part}.py", "exec"), vars(module))
        vars(sys.modules[f"{name}.stand_in"])["names"] = pickle.loads(names)
    return sys.modules[f"{name}.spark_worker"]


def answer_once(blob: Any, message: Mapping[str, Any], on_retry: str) -> bytes:
    """Evaluate a task, unless this is Spark's own second try of it.

    Args:
        blob: from ``texts()``, or a broadcast variable that holds it.
        message: the task; see Shipment.message in the shipping module.
        on_retry: what a second try does: answer "lost"; "wait", where it may be the copy of a slow
            first one, until whoever submitted it cancels it; or "run" the objective as well.
    """
    import pickle

    from pyspark import TaskContext

    where = TaskContext.get()
    module = load(getattr(blob, "value", blob))
    if where is not None and where.attemptNumber() > 0 and on_retry != "run":
        if on_retry == "wait":
            module.wait_until_hung_up()
        return pickle.dumps({"status": "lost", "stage": where.stageId()})
    answer: bytes = module.evaluate_in_worker(message)
    return answer


def partition_function(*args: Any) -> Callable[[Iterable[Any]], list[bytes]]:
    """A function for mapPartitions that answers once; arguments as of ``answer_once``."""

    def partition(rows: Iterable[Any]) -> list[bytes]:
        for _ in rows:  # a worker whose input is not read to its end is not used again
            pass
        return [answer_once(*args)]

    return partition


def arrow_function(*args: Any) -> Callable[[Iterable[Any]], Iterator[Any]]:
    """A function for mapInArrow that answers once; arguments as of ``answer_once``."""

    def batches(rows: Iterable[Any]) -> Iterator[Any]:
        import pyarrow

        for _ in rows:
            pass
        yield pyarrow.RecordBatch.from_pydict({"answer": [answer_once(*args)]})

    return batches
