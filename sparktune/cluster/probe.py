"""Asks a Spark session what its workers are; run as a program, whose last line is the answer.

Needs nothing of sparktune, neither here nor on workers: what it sends travels by value, as this
file is the main program. Arguments: "master" or "remote", its address (may be empty), cores.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any

__all__: list[str] = []


def look(_: Any = None) -> str:
    """What a worker has, as JSON."""
    import ctypes
    import importlib.metadata
    import json
    import os
    import platform
    import socket
    import sys

    versions = {}
    for name in ("pyarrow", "pandas", "numpy"):
        try:
            __import__(name)
            versions[name] = importlib.metadata.version(name)
        except Exception:
            versions[name] = ""
    lacking = []
    if not sys.platform.startswith("linux"):
        lacking.append(f"Linux (it is {sys.platform})")
    try:
        with open("/proc/self/stat") as file:  # noqa: PTH123
            file.read()
    except OSError:
        lacking.append("a readable /proc")
    if hasattr(os, "fork"):
        try:
            child = os.fork()
        except OSError as error:
            lacking.append(f"leave to start processes ({error})")
        else:
            if not child:  # 36: PR_SET_CHILD_SUBREAPER
                code = 2
                try:
                    code = 1 if ctypes.CDLL(None).prctl(36, 1, 0, 0, 0) else 0
                finally:
                    os._exit(code)
            if os.waitpid(child, 0)[1]:
                lacking.append("prctl(PR_SET_CHILD_SUBREAPER)")
    else:
        lacking.append("os.fork")
    return json.dumps(
        {
            "host": socket.gethostname(),
            "python": platform.python_version(),
            "executable": sys.executable,
            "versions": versions,
            "lacking": lacking,
        }
    )


def _nothing(batches: Any) -> Any:
    yield from batches


def _seconds_of(job: Callable[[], Any]) -> float:
    """How long a job takes, the median of three."""
    seconds = []
    for _ in range(3):
        began = time.perf_counter()
        job()
        seconds.append(time.perf_counter() - began)
    return sorted(seconds)[1]


def _ask_classic(master: str, cores: str) -> dict[str, Any]:
    from pyspark.sql import SparkSession

    options = {
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.log.level": "WARN",
        "spark.executor.memory": "512m",
    }
    if master:
        options["spark.master"] = master
    if cores:
        options["spark.cores.max"] = cores
    if master.startswith("local"):
        options |= {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}
    session = SparkSession.builder.appName("sparktune doctor").config(map=options).getOrCreate()
    context = session.sparkContext
    answer: dict[str, Any] = json.loads(context.parallelize([0], 1).map(look).collect()[0])
    return {
        **answer,
        "slots": context.defaultParallelism,
        "spark": context.version,
        "seconds": _seconds_of(lambda: context.parallelize([0], 1).map(bool).collect()),
    }


def _ask_connect(remote: str) -> dict[str, Any]:
    from pyspark.sql import SparkSession
    from pyspark.sql.functions import spark_partition_id, udf

    session = SparkSession.builder.remote(remote).getOrCreate()
    asked = session.range(0, 1, 1, 1).select(udf(look, "string", useArrow=False)("id"))
    answer: dict[str, Any] = json.loads(asked.collect()[0][0])
    seconds, error = None, ""
    try:
        seconds = _seconds_of(
            lambda: session.range(0, 1, 1, 1).mapInArrow(_nothing, "id long").collect()
        )
    except Exception as failure:
        error = str(failure)
    return {
        **answer,
        "slots": session.range(100_000).groupBy(spark_partition_id()).count().count(),
        "spark": session.version,
        "seconds": seconds,
        "arrow_error": error,
    }


def main(kind: str, address: str, cores: str) -> None:
    """Print the answer, or what went wrong, as the last line."""
    try:
        answer = _ask_connect(address) if kind == "remote" else _ask_classic(address, cores)
    except Exception as error:
        answer = {"error": f"{type(error).__name__}: {error}"}
    print("\n" + json.dumps(answer), flush=True)  # noqa: T201


if __name__ == "__main__":
    sys.path.pop(0)  # this folder
    main(*sys.argv[1:])
