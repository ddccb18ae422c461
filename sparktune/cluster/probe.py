"""Asks a Spark session what its workers are; run as a program, whose last line is the answer.

Needs nothing of sparktune, neither here nor on workers: what it sends travels by value, as this
file is the main program. Arguments: "master" or "remote", its address (may be empty), cores.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any

__all__ = ["asked"]

SETTINGS = (
    "spark.databricks.clusterUsageTags.clusterId",
    "spark.databricks.clusterUsageTags.dataSecurityMode",
    "spark.python.worker.killOnIdleTimeout",
    "spark.python.worker.idleTimeoutSeconds",
    "spark.sql.execution.pyspark.udf.killOnIdleTimeout",
    "spark.sql.execution.pyspark.udf.idleTimeoutSeconds",
)


def look(_: Any = None) -> str:
    """What a worker has, as JSON."""
    import ctypes
    import importlib.metadata
    import json
    import os
    import platform
    import resource
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
    limits = []
    for path in ("memory.max", "memory/memory.limit_in_bytes"):
        try:
            with open(f"/sys/fs/cgroup/{path}") as file:  # noqa: PTH123
                limits.append(int(file.read()))
        except (OSError, ValueError):  # not there, or "max"
            pass
    limits += [limit for limit in resource.getrlimit(resource.RLIMIT_AS) if limit > 0]
    least = min(limits, default=1 << 62) >> 20
    interfaces = [name for _, name in socket.if_nameindex() if name != "lo"]
    return json.dumps(
        {
            "memory": least if least < 1 << 40 else None,
            "network": bool(interfaces),
            "runtime": os.environ.get("DATABRICKS_RUNTIME_VERSION", ""),
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
    return _of_classic(
        SparkSession.builder.appName("sparktune doctor").config(map=options).getOrCreate()
    )


def _of_classic(session: Any) -> dict[str, Any]:
    context = session.sparkContext
    answer: dict[str, Any] = json.loads(context.parallelize([0], 1).map(look).collect()[0])
    return {
        **answer,
        **_told(session, answer),
        "slots": context.defaultParallelism,
        "spark": context.version,
        "seconds": _seconds_of(lambda: context.parallelize([0], 1).map(bool).collect()),
    }


def _ask_connect(remote: str) -> dict[str, Any]:
    from pyspark.sql import SparkSession

    return _of_connect(SparkSession.builder.remote(remote).getOrCreate())


def _of_connect(session: Any) -> dict[str, Any]:
    from pyspark.sql.functions import spark_partition_id, udf

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
        **_told(session, answer),
        "slots": session.range(100_000).groupBy(spark_partition_id()).count().count(),
        "spark": session.version,
        "seconds": seconds,
        "arrow_error": error,
    }


def _told(session: Any, answer: dict[str, Any]) -> dict[str, Any]:
    """What a session tells of itself; settings that it does not tell are left out."""
    settings = {}
    for name in SETTINGS:
        with contextlib.suppress(Exception):
            value = session.conf.get(name, "")
            settings[name] = "" if value is None else str(value)
    ours = os.environ.get("DATABRICKS_RUNTIME_VERSION", "")
    return {"settings": settings, "runtimes": [ours, answer["runtime"]]}


def asked(session: Any) -> dict[str, Any]:
    """The answer of a session that is there already; what it sends travels by value."""
    from pyspark import cloudpickle

    cloudpickle.register_pickle_by_value(sys.modules[__name__])
    try:
        return _of_classic(session) if hasattr(session, "sparkContext") else _of_connect(session)
    finally:
        cloudpickle.unregister_pickle_by_value(sys.modules[__name__])


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
