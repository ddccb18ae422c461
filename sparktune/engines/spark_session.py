"""Spark sessions: the active one or a new one, and what kind it is."""

from __future__ import annotations

import os
import sys
from typing import Any

__all__ = ["checked_session", "is_connect", "is_stopped"]

_NO_JAVA = (
    "Spark could not be started: it needs Java 17 (`java -version` tells what is there). On Debian "
    "or Ubuntu: apt-get install openjdk-17-jre-headless; else see https://adoptium.net. "
    "Spark said: {}"
)


def checked_session(session: Any, mode: str) -> Any:
    """A session that trials can run in: the given one, the active one, or a new one."""
    if session is None:
        session = _active_or_new(mode)
    if not is_connect(session) and not hasattr(session, "sparkContext"):
        raise ValueError(f"`spark_session` must be a SparkSession, but got {session!r}")
    return session


def is_connect(session: Any) -> bool:
    """Whether a session is one of Spark Connect."""
    return type(session).__module__.startswith("pyspark.sql.connect")


def is_stopped(session: Any) -> bool:
    """Whether a session can run nothing any more."""
    if is_connect(session):
        return bool(session.is_stopped)
    return session.sparkContext._jsc is None


def _active_or_new(mode: str) -> Any:
    try:
        from pyspark.sql import SparkSession
    except ImportError as error:
        raise ImportError(
            "SparkTrials needs pyspark, which is not installed: pip install 'sparktune[spark]' "
            "(and Java 17), or 'sparktune[connect]' or pyspark-client for a Spark Connect server "
            f"({error})"
        ) from None
    session = SparkSession.getActiveSession() or _active_connect()
    if session is not None:
        return session
    # fmin draws a progress bar of its own, over which Spark would draw and log every cancelled task
    options = {"spark.ui.showConsoleProgress": "false", "spark.log.level": "ERROR"}
    if mode == "driver":
        options["spark.scheduler.mode"] = "FAIR"
    builder = SparkSession.builder.appName("sparktune")
    if "SPARK_REMOTE" not in os.environ:  # else a Spark Connect server, which has its own
        builder = builder.config(map=options)
    # read when a SparkContext is made: without it, local workers run the first python3 on the PATH
    ours = "PYSPARK_PYTHON" not in os.environ and not os.environ.get("MASTER")
    if ours:
        os.environ["PYSPARK_PYTHON"] = sys.executable
    try:
        return builder.getOrCreate()
    except Exception as error:
        if "JAVA_GATEWAY" in str(error) or "Java gateway" in str(error):
            raise RuntimeError(_NO_JAVA.format(error)) from error
        if "CONNECT_URL_NOT_SET" in str(error):
            raise RuntimeError(
                "only the Spark Connect client is installed, and there is no active session: make "
                "one with SparkSession.builder.remote('sc://host:port').getOrCreate(), or set "
                "SPARK_REMOTE"
            ) from error
        raise
    finally:
        if ours:
            del os.environ["PYSPARK_PYTHON"]


def _active_connect() -> Any:
    """The active Spark Connect session, where its client has been used."""
    module = sys.modules.get("pyspark.sql.connect.session")
    if module is None:
        return None
    return module.SparkSession.getActiveSession() or module.SparkSession._get_default_session()
