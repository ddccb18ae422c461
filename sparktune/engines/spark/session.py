"""Spark sessions: which one to use, what it can be asked, and what an engine needs of it."""

from __future__ import annotations

import contextlib
import os
import re
import sys
import threading
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from ...exceptions import EngineStopped
from ..shipping import Shipment
from . import internals

__all__ = [
    "Jobs",
    "Link",
    "LostSession",
    "active_session",
    "advice_on_python",
    "checked_session",
    "idle_limit",
    "is_connect",
    "is_local",
    "is_on_one_machine",
    "is_stopped",
    "may_copy",
    "refused_profile",
    "too_large",
    "without_stack",
]

_NO_JAVA = (
    "Spark could not be started: it needs Java 17 (`java -version` tells what is there). On Debian "
    "or Ubuntu: apt-get install openjdk-17-jre-headless; else see https://adoptium.net. "
    "Spark said: {}"
)


class LostSession(Exception):  # noqa: N818
    """The session that a trial was submitted to is gone, and the trial with it."""


class Jobs(Protocol):
    """Jobs of one task in a Spark session, made for what carries one tag.

    Making it checks the session, and raises EngineStopped where it was stopped, ValueError where
    it does not support a setting.

    Attributes:
        name: what people call a session of this kind.
        is_here: whether tasks run on this machine.
        thread: makes threads that inherit what Spark keeps for each thread.
        needs: what tasks need of the workers' Python beside its version, in words.
        when_set: when that Python is chosen, in words.
    """

    name: str
    needs: str
    when_set: str
    is_here: bool
    thread: Callable[..., threading.Thread]
    _session: Any

    def slots(self) -> int:
        """How many tasks the cluster runs at a time; may start a job to find out."""

    def code(self, blob: bytes) -> Any:
        """What stands for code in a task that carries it, for as long as the session lasts."""

    def run_task(self, tag: str, title: str, answer: Callable[..., bytes], *args: Any) -> bytes:
        """What ``answer(*args)`` gives in a task; its job carries the common tag and its own.

        Raises:
            Exception: Spark could not run it, see ``words``.
        """

    def cancel(self, tag: str) -> None:
        """Cancel the jobs that carry a tag."""

    def words(self, error: Exception) -> str:
        """Spark's own words for an error, without Java's stack."""

    def python_of_workers(self) -> str | None:
        """The Python that runs tasks, where that can be known; may start a job to find out."""

    def stopped(self) -> bool:
        """Whether the session can run nothing any more."""
        return is_stopped(self._session)


class Link(Jobs, Protocol):
    """What JobPerTrial asks of a Spark session; made for one run, with what the run sends.

    Making one also raises UnpicklableObjective where something cannot be pickled.

    Attributes:
        shipment: what the run sends, pickled.
    """

    shipment: Shipment

    def send(self, digest: str, blob: bytes, lasting: bool) -> tuple[str, Any]:
        """Bring a pickle to where executors find it; returns its place, see Shipment.message."""

    def run_one(
        self, tag: str, title: str, message: Mapping[str, Any], wanted: Callable[[], bool]
    ) -> bytes:
        """Run a task in a job that carries the run's tag and its own; returns the answer's bytes.

        Raises:
            LostSession: the trial is lost, and may be submitted again.
            EngineStopped: the session is gone, and no other can take its place.
            Exception: Spark could not run it, see ``words``; a session that is gone is left so
                where the run is not ``wanted`` any more.
        """

    def first_failure(self, stage: int) -> str | None:  # noqa: ARG002
        """Why the first try of a stage's task ended; None where Spark's records are not seen."""
        return None

    def seconds_running(self, tag: str) -> float | None:
        """How long the task of a job has been running, where that can be known."""

    def close(self) -> None:
        """Free what was sent for this run alone; called once nothing runs any more."""


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
    return internals.is_context_stopped(session.sparkContext)


def is_local(master: Any) -> bool:
    """Whether tasks run in threads of Spark's own JVM, by the master."""
    return re.match(r"local(\[|$)", str(master)) is not None


def is_on_one_machine(master: str) -> bool:
    """Whether the tasks of a master run on its own machine."""
    return re.match(r"local(\[|-cluster\[|$)", master) is not None


def may_copy(conf: Any) -> bool:
    """Whether Spark starts copies of slow tasks of one-task jobs, by the settings of a session."""
    try:
        copies = conf.get("spark.speculation", "false") == "true"
        return copies and bool(conf.get("spark.speculation.task.duration.threshold", ""))
    except Exception:  # a Spark Connect server that does not tell
        return False


def refused_profile(master: str, why: str = "has none") -> ValueError:
    """The error for a resource profile that this master does not take."""
    return ValueError(
        "resource_profile needs a cluster with stage-level scheduling (standalone, YARN or "
        f"Kubernetes; see Spark's manual), and this master, {master}, {why}"
    )


def advice_on_python(jobs: Jobs, who: str) -> str:
    """Advice on the Python of Spark's workers, where tasks do not begin.

    Args:
        jobs: of the session; may be asked for a job.
        who: needs it.
    """
    python = None
    with contextlib.suppress(Exception):  # it runs nothing at all
        python = jobs.python_of_workers()
    minor = "{}.{}".format(*sys.version_info)
    return (
        f"Spark's workers run {python or 'a Python that they do not tell'}. {who} need Python "
        f"{minor} there, as here, {jobs.needs}. Set PYSPARK_PYTHON (or spark.pyspark.python) to "
        f"such a Python {jobs.when_set}; `sparktune doctor` tells what the workers have"
    )


def idle_limit(conf: Any, *prefixes: str) -> str:
    """A sentence where Spark kills Python workers that wait for a long trial; else empty.

    Workers are silent while a trial runs, and Spark may be set to kill silent ones.

    Args:
        conf: has ``get(key, default)``.
        prefixes: of the settings that hold for this kind of session, what counts most first.
    """

    def told(name: str, otherwise: str) -> str:
        answers = (str(conf.get(f"{prefix}.{name}", "") or "") for prefix in prefixes)
        return next(filter(None, answers), otherwise)

    try:
        kills, seconds = told("killOnIdleTimeout", "false"), told("idleTimeoutSeconds", "0")
    except Exception:  # a Spark Connect server that does not tell
        return ""
    if kills.lower() != "true" or seconds in ("0", "0s"):
        return ""
    return (
        f"Spark kills every trial of more than {seconds.rstrip('s')} s in this session, as its "
        f"Python worker is silent meanwhile: set {prefixes[0]}.killOnIdleTimeout to false, or "
        f"{prefixes[0]}.idleTimeoutSeconds to more than a trial takes"
    )


def active_session() -> Any:
    """The session that this process has already; None without one, and nothing is started."""
    if "pyspark" not in sys.modules:
        return None
    from pyspark.sql import SparkSession

    internals.forget_stopped_context()
    # active is what belongs to this thread; a session that another thread made is the default
    return (
        SparkSession.getActiveSession()
        or internals.default_connect_session()
        or internals.default_session()
    )


def _active_or_new(mode: str) -> Any:
    try:
        from pyspark.sql import SparkSession
    except ImportError as error:
        raise ImportError(
            "SparkTrials needs pyspark, which is not installed: pip install 'sparktune[spark]' "
            "(and Java 17), or 'sparktune[connect]' or pyspark-client for a Spark Connect server "
            f"({error})"
        ) from None
    session = active_session()
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
        if isinstance(error, ImportError) and "SPARK_REMOTE" in os.environ:  # such as gRPC's
            raise ImportError(
                "a session of Spark Connect needs packages that are not installed: pip install "
                f"'sparktune[connect]' ({error})"
            ) from error
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


def too_large(blob: bytes, how: str, error: Exception) -> EngineStopped:
    """The error for what Spark could not send."""
    return EngineStopped(
        f"the objective and what it captures are {len(blob) / 2**20:.0f} MB pickled, and Spark "
        f"could not send them {how}: {without_stack(str(error))[:500]}. Give the driver more "
        "memory (spark.driver.memory), or keep the data in a file or table that executors can "
        "read, and load it inside the objective"
    )


def without_stack(text: str) -> str:
    """Text of a Java exception without the lines of its stack."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith(("at ", "... "))]
    return "\n".join(line for line in lines if line.strip() and line != "Driver stacktrace:")
