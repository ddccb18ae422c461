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

__all__ = [
    "answer_once",
    "arrow_function",
    "package",
    "partition_function",
    "serve_store",
    "texts",
]

_PARTS = (
    "modules", "limit", "tracked", "trial", "logs", "line", "store", "stand_in", "task", "watchdog",
    "trial_process", "spark_worker", "store_process",
)  # each imports earlier ones  # fmt: skip


@functools.cache
def texts(names: bytes) -> bytes:
    """The compressed source texts, and the pickled ``names`` of the stand_in module."""
    import pickle

    parts = {part: (Path(__file__).parent / f"{part}.py").read_text() for part in _PARTS}
    return zlib.compress(pickle.dumps((parts, names)))


@functools.cache
def package() -> bytes:
    """All of sparktune, for workers of a store: compressed texts by their paths in its folder."""
    import pickle

    root = Path(__file__).parents[2]
    return zlib.compress(
        pickle.dumps({str(path.relative_to(root)): path.read_text() for path in root.rglob("*.py")})
    )


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


def serve_store(blob: Any, message: Mapping[str, Any]) -> bytes:
    """Run a worker of a store until it ends; in Spark's further tries of a task, another one.

    Args:
        blob: from ``texts()``, or a broadcast variable that holds it.
        message: see serve in the store_process module, whose answer this gives.
    """
    import sys

    module = load(getattr(blob, "value", blob))
    code = message["package"]
    message = {**message, "package": getattr(code, "value", code)}
    answer: bytes = sys.modules[f"{module.__package__}.store_process"].serve(message)
    return answer


def partition_function(
    answer: Callable[..., bytes], *args: Any
) -> Callable[[Iterable[Any]], list[bytes]]:
    """A function for mapPartitions that gives ``answer(*args)``, where answer is one of these."""

    def partition(rows: Iterable[Any]) -> list[bytes]:
        for _ in rows:  # a worker whose input is not read to its end is not used again
            pass
        return [answer(*args)]

    return partition


def arrow_function(
    answer: Callable[..., bytes], *args: Any
) -> Callable[[Iterable[Any]], Iterator[Any]]:
    """A function for mapInArrow that gives ``answer(*args)``, where answer is one of these."""

    def batches(rows: Iterable[Any]) -> Iterator[Any]:
        import pyarrow

        for _ in rows:
            pass
        yield pyarrow.RecordBatch.from_pydict({"answer": [answer(*args)]})

    return batches
