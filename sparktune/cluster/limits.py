"""What a cluster allows its workers, by what its session and a worker tell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..engines.spark.session import idle_limit
from .check import Check

__all__ = ["access_mode", "limits"]

_LITTLE_MB = 2048
_OURS_MB = 60  # the process for trials and its watchdog, before they load anything of the user's
_USAGE = "spark.databricks.clusterUsageTags."
_STANDARD = ("USER_ISOLATION", "STANDARD", "DATA_SECURITY_MODE_STANDARD")
_MODES = {
    "dedicated": (
        "ok",
        "classic sessions, GPUs and the ML runtime work",
        "",
    ),
    "standard": (
        "warning",
        "Spark Connect, without SparkContext, ML runtime and GPUs",
        "Install what the objective imports as libraries of the compute; take dedicated access "
        "for GPUs.",
    ),
    "serverless": (
        "warning",
        "Spark Connect; a trial has 1 GB of memory and disk together, no network and no GPU",
        f"Keep a trial and all that it loads below 1 GB, of which sparktune takes {_OURS_MB} MB, "
        "and read data and write results through the driver.",
    ),
}


def access_mode(answer: Mapping[str, Any], connect: bool, remote: str = "") -> str:
    """The access mode of Databricks compute; empty elsewhere.

    Args:
        answer: of the probe, whose settings are what the session tells of itself.
        connect: whether the session is one of Spark Connect.
        remote: the server's address, where one was given.
    """
    settings, runtimes = answer["settings"], answer["runtimes"]
    mode = settings.get(f"{_USAGE}dataSecurityMode", "").upper()
    cluster = settings.get(f"{_USAGE}clusterId", "") or "x-databricks-cluster-id=" in remote
    host = remote.partition("://")[2].partition("/")[0]
    if not (mode or cluster or any(runtimes) or "databricks" in host):
        return ""
    if any(each.startswith("client.") for each in runtimes) or (connect and not (mode or cluster)):
        return "serverless"
    if mode in _STANDARD:
        return "standard"
    # a dedicated cluster can be reached through Spark Connect as well, and then tells its mode
    return "standard" if connect and not mode else "dedicated"


def limits(answer: Mapping[str, Any], connect: bool, remote: str = "") -> Iterator[Check]:
    """What trials have to do with; arguments as of ``access_mode``."""
    if mode := access_mode(answer, connect, remote):
        status, found, advice = _MODES[mode]
        found = f"Databricks, {mode}: {found} (by its documents; not tried there)"
        yield Check("access mode", status, found, advice)
    megabytes = answer["memory"]
    if megabytes is not None:
        found = f"{megabytes} MB for a worker's processes, of which sparktune takes {_OURS_MB}"
        advice = "A trial that takes more is killed: keep its data small, or run fewer at a time."
        little = megabytes < _LITTLE_MB
        status = "warning" if little else "ok"
        yield Check("worker memory", status, found, advice if little else "")
    if not answer["network"]:
        advice = "Objectives cannot load data or talk to a server: capture the data, or read files."
        yield Check("worker network", "warning", "loopback alone", advice)
    prefixes = ("spark.sql.execution.pyspark.udf",) if connect else ()
    if said := idle_limit(answer["settings"], *prefixes, "spark.python.worker"):
        found, _, advice = said.partition(": ")
        yield Check("long trials", "problem", found, f"{advice[0].upper()}{advice[1:]}.")
