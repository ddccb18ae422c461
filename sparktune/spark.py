"""SparkTrials: trials that run as Spark tasks."""

from __future__ import annotations

import os
import sys
from typing import Any

from .engines.base import Engine
from .trials import Trials, check_parallelism

__all__ = [
    "FMIN_CANCELLED_REASON_EARLY_STOPPING",
    "FMIN_CANCELLED_REASON_LOSS_THRESHOLD",
    "FMIN_CANCELLED_REASON_TIMEOUT",
    "FMIN_CANCELLED_REASON_USER",
    "SparkTrials",
]

FMIN_CANCELLED_REASON_EARLY_STOPPING = "fmin run cancelled by early stopping condition"
FMIN_CANCELLED_REASON_LOSS_THRESHOLD = "fmin run cancelled because of loss threshold"
FMIN_CANCELLED_REASON_TIMEOUT = "fmin run cancelled due to timeout"
FMIN_CANCELLED_REASON_USER = "fmin run cancelled by the user"

_NO_JAVA = (
    "Spark could not be started: it needs Java 17 (`java -version` tells what is there). On Debian "
    "or Ubuntu: apt-get install openjdk-17-jre-headless; else see https://adoptium.net. "
    "Spark said: {}"
)


class SparkTrials(Trials):
    """The trials of a search that runs on Spark, each as a task of its own.

    The driver suggests, executors evaluate: the objective is pickled once and sent once, and
    executors need Python (the driver's minor version) and what the objective imports, nothing of
    sparktune. A trial costs about 70 ms beside the objective's own time, so objectives of less
    than half a second gain little. An objective that raises fails its trial and nothing else; one
    that kills its Python worker as well.

    Args:
        parallelism: how many trials to keep under way; None takes the cores that the cluster has
            when the run begins. More trials at a time end sooner, but each is chosen knowing less.
        timeout: seconds after which a run stops and returns its best; ``fmin(timeout=...)`` wins.
        loss_threshold: a loss at which a run stops; ``fmin(loss_threshold=...)`` wins.
        spark_session: the session to run in; None takes the active one, or starts one.
        resource_profile: a pyspark ``ResourceProfile`` for the trials' tasks, on clusters with
            stage-level scheduling.

    Attributes:
        user_specified_parallelism: as given.

    Raises:
        ImportError: pyspark is not installed.
        RuntimeError: Spark could not be started.
        ValueError: an argument out of its range, or a session that is not a classic one.
    """

    asynchronous = True

    def __init__(
        self,
        parallelism: int | None = None,
        timeout: float | None = None,
        loss_threshold: float | None = None,
        spark_session: Any = None,
        resource_profile: Any = None,
    ) -> None:
        super().__init__()
        self.user_specified_parallelism = parallelism
        if parallelism is not None:
            check_parallelism(parallelism)
        self._parallelism = parallelism
        self.timeout = check_timeout(timeout)
        self.loss_threshold = check_loss_threshold(loss_threshold)
        self.resource_profile = resource_profile
        self._session = _classic(spark_session if spark_session is not None else _session())

    @property
    def parallelism(self) -> int:
        """How many trials are kept under way; asks the cluster where it was not given."""
        if self._parallelism is None:
            self._parallelism = self._engine().slots
        return self._parallelism

    @parallelism.setter
    def parallelism(self, value: int) -> None:
        self._parallelism = check_parallelism(value)

    def _engine(self) -> Engine:
        from .engines.spark_classic import SparkClassic

        if self._session is None or self._session.sparkContext._jsc is None:
            self._session = _classic(_session())  # unpickled, or the old one was stopped
        return SparkClassic(self._session.sparkContext, self._parallelism, self.resource_profile)

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "_session": None, "resource_profile": None}


def check_timeout(timeout: Any) -> float | None:
    """Seconds above 0 or None, or an error that says so."""
    if timeout is not None and (
        isinstance(timeout, (bool, str)) or not _is_number(timeout) or not timeout > 0
    ):
        raise ValueError(f"`timeout` must be a number of seconds > 0 or None, but got {timeout!r}")
    return None if timeout is None else float(timeout)


def check_loss_threshold(threshold: Any) -> float | None:
    """A real number or None, or an error that says so."""
    if threshold is not None and (
        isinstance(threshold, (bool, str)) or not _is_number(threshold) or threshold != threshold
    ):
        raise ValueError(f"`loss_threshold` must be a real number or None, but got {threshold!r}")
    return None if threshold is None else float(threshold)


def _is_number(value: Any) -> bool:
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return True


def _session() -> Any:
    """The active session, or a new one."""
    try:
        from pyspark.sql import SparkSession
    except ImportError:
        raise ImportError(
            "SparkTrials needs pyspark, which is not installed: pip install 'sparktune[spark]' "
            "(and Java 17)"
        ) from None
    session = SparkSession.getActiveSession()
    if session is not None:
        return session
    # fmin draws a progress bar of its own, over which Spark would draw and log every cancelled task
    quiet = {"spark.ui.showConsoleProgress": "false", "spark.log.level": "ERROR"}
    builder = SparkSession.builder.appName("sparktune").config(map=quiet)
    # read when a SparkContext is made: without it, local workers run the first python3 on the PATH
    ours = "PYSPARK_PYTHON" not in os.environ and not os.environ.get("MASTER")
    if ours:
        os.environ["PYSPARK_PYTHON"] = sys.executable
    try:
        return builder.getOrCreate()
    except Exception as error:
        if "JAVA_GATEWAY" in str(error) or "Java gateway" in str(error):
            raise RuntimeError(_NO_JAVA.format(error)) from error
        raise
    finally:
        if ours:
            del os.environ["PYSPARK_PYTHON"]


def _classic(session: Any) -> Any:
    if type(session).__module__.startswith("pyspark.sql.connect"):
        raise ValueError(
            "SparkTrials runs on classic sessions; this one is a Spark Connect session "
            "(created with .remote(...)), which is not supported yet"
        )
    if not hasattr(session, "sparkContext"):
        raise ValueError(f"`spark_session` must be a SparkSession, but got {session!r}")
    return session
