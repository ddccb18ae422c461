"""SparkTrials: trials that run as Spark tasks."""

from __future__ import annotations

import os
import sys
import warnings
from typing import Any

from .engines.base import Engine
from .engines.spark_base import JobPerTrial
from .engines.spark_classic import SparkClassic
from .engines.spark_connect import SparkConnect
from .engines.spark_driver import ConnectDriver, ContextDriver
from .trials import Trials, check_count, settings_of

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


_MODES = ("cluster", "driver")
_IN_DRIVER = 4  # trials that use the cluster themselves


class SparkTrials(Trials):
    """The trials of a search that runs on Spark, each as a task of its own.

    The driver suggests, executors evaluate: the objective is pickled once and sent once, and
    executors need Python (the driver's minor version) and what the objective imports, on Spark
    Connect also pyarrow; nothing of sparktune. A trial costs about 70 ms beside the objective's own
    time (130 ms on Spark Connect), so objectives of less than half a second gain little. A trial
    runs in a process of its own beside Spark's Python worker, which runs one trial after the other
    and keeps what it imported; an objective that raises, crashes or does not end takes nothing else
    along.

    Args:
        parallelism: how many trials to keep under way; None takes the task slots that the cluster
            has when the run begins (in the driver at most 4). There is no upper limit: trials
            beyond the slots wait in Spark, and a cluster that grows takes them up. More trials at a
            time end sooner, but each is chosen knowing less.
        timeout: seconds after which a run stops and returns its best; ``fmin(timeout=...)`` wins.
        loss_threshold: a loss at which a run stops; ``fmin(loss_threshold=...)`` wins.
        spark_session: the session to run in, classic or Spark Connect; None takes the active one,
            or starts one.
        resource_profile: a pyspark ``ResourceProfile`` for the trials' tasks, on clusters with
            stage-level scheduling; classic sessions only.
        mode: ``"cluster"``: trials are Spark tasks. ``"driver"``: trials run in threads of the
            driver, for objectives that use Spark themselves (MLlib, data frames); each has a job
            group and a scheduler pool of its own (on Spark Connect a tag).
        trial_timeout: seconds that a trial may take from the start of its objective. It is raised
            inside the objective as an exception that ``except Exception`` does not catch; a
            process that has not reacted ``trial_grace`` seconds later is killed.
        trial_grace: seconds between the two.
        trial_cpus: threads that numerical libraries use in a trial (OpenMP, OpenBLAS, MKL, numexpr,
            torch); None leaves them alone.
        max_retries: how often a trial that was lost with its executor, machine or server is queued
            again.
        retry_crashes: whether a trial whose process died (a segmentation fault, no memory left)
            counts as lost rather than failed.
        max_result_mb: a result that is larger, pickled, is written to ``artifact_dir`` where the
            trial ran, and only its small entries travel; ``load_result`` reads it.
        artifact_dir: a folder that driver and executors share, such as a mounted volume. Without
            one, of a larger result only the small entries are kept.

    Attributes:
        user_specified_parallelism: as given.

    Raises:
        ImportError: pyspark is not installed.
        RuntimeError: Spark could not be started.
        ValueError: an argument out of its range, or not of this kind of session.
    """

    asynchronous = True
    _lost_profile = False

    def __init__(
        self,
        parallelism: int | None = None,
        timeout: float | None = None,
        loss_threshold: float | None = None,
        spark_session: Any = None,
        resource_profile: Any = None,
        *,
        mode: str = "cluster",
        trial_timeout: float | None = None,
        trial_grace: float = 5.0,
        trial_cpus: int | None = None,
        max_retries: int = 1,
        retry_crashes: bool = False,
        max_result_mb: float = 50.0,
        artifact_dir: str | os.PathLike[str] | None = None,
    ) -> None:
        super().__init__()
        self.user_specified_parallelism = parallelism
        if parallelism is not None:
            check_count(parallelism, "parallelism")
        self._parallelism = parallelism
        self.timeout = check_timeout(timeout)
        self.loss_threshold = check_loss_threshold(loss_threshold)
        self.resource_profile = resource_profile
        if mode not in _MODES:
            raise ValueError(f"`mode` must be 'cluster' or 'driver', but got {mode!r}")
        self.mode = mode
        self._settings = settings_of(
            trial_timeout=trial_timeout,
            trial_grace=trial_grace,
            trial_cpus=trial_cpus,
            max_retries=max_retries,
            retry_crashes=retry_crashes,
            max_result_mb=max_result_mb,
            artifact_dir=artifact_dir,
        )
        if mode == "driver":
            _refuse_in_driver(resource_profile=resource_profile, trial_cpus=trial_cpus)
        self._session = _checked(spark_session, mode)
        if resource_profile is not None and _is_connect(self._session):
            raise ValueError(
                "`resource_profile` needs a classic session; this one is Spark Connect"
            )

    @property
    def parallelism(self) -> int:
        """How many trials are kept under way; asks the cluster where it was not given."""
        if self._parallelism is not None:
            return self._parallelism
        slots = self._cluster_engine(None).slots
        return slots if self.mode == "cluster" else min(slots, _IN_DRIVER)

    @parallelism.setter
    def parallelism(self, value: int) -> None:
        self._parallelism = check_count(value, "parallelism")

    def _live_session(self) -> Any:
        if self._session is None or _is_stopped(self._session):
            self._session = _checked(None, self.mode)  # unpickled, or the old one was stopped
        return self._session

    def _cluster_engine(self, slots: int | None) -> JobPerTrial:
        session = self._live_session()
        if self._lost_profile and self.resource_profile is None:
            warnings.warn(
                "these trials were pickled, and a resource profile cannot be: set "
                "trials.resource_profile again, or go on without one",
                stacklevel=4,
            )
            self._lost_profile = False
        if _is_connect(session):
            return SparkConnect(session, slots)
        return SparkClassic(session.sparkContext, slots, self.resource_profile)

    def _engine(self) -> Engine:
        if self.mode == "cluster":
            return self._cluster_engine(self._parallelism)
        session = self._live_session()
        if _is_connect(session):
            return ConnectDriver(session, self.parallelism)
        _advise_fair(session.sparkContext)
        return ContextDriver(session.sparkContext, self.parallelism)

    def __getstate__(self) -> dict[str, Any]:
        """All but the session and the profile, which belong to this process."""
        state = {**super().__getstate__(), "_session": None, "resource_profile": None}
        state["_lost_profile"] = self.resource_profile is not None
        return state


def _refuse_in_driver(**options: Any) -> None:
    for name, value in options.items():
        if value is not None:
            raise ValueError(
                f"`{name}` is for trials that are Spark tasks; with mode='driver' they are threads "
                f"of the driver, but got {value!r}"
            )


def _advise_fair(context: Any) -> None:
    if context.getConf().get("spark.scheduler.mode", "FIFO").upper() != "FAIR":
        warnings.warn(
            "the Spark jobs of trials in mode='driver' share the cluster evenly only in a session "
            "made with spark.scheduler.mode=FAIR; this one runs the jobs of earlier trials first",
            stacklevel=4,
        )


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


def _checked(session: Any, mode: str) -> Any:
    """A session that trials can run in: the given one, the active one, or a new one."""
    if session is None:
        session = _active_or_new(mode)
    if not _is_connect(session) and not hasattr(session, "sparkContext"):
        raise ValueError(f"`spark_session` must be a SparkSession, but got {session!r}")
    return session


def _is_connect(session: Any) -> bool:
    return type(session).__module__.startswith("pyspark.sql.connect")


def _is_stopped(session: Any) -> bool:
    if _is_connect(session):
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
