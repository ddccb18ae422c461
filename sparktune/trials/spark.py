"""SparkTrials: trials that run as Spark tasks."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Mapping
from typing import Any

from ..checks import advise, one_of, real, whole
from ..engines.base import Engine
from ..engines.settings import settings_of
from ..engines.spark.classic import ClassicLink
from ..engines.spark.connect import ConnectLink
from ..engines.spark.driver import ConnectDriver, ContextDriver
from ..engines.spark.job_per_trial import JobPerTrial
from ..engines.spark.session import (
    checked_session,
    is_connect,
    is_stopped,
)
from ..engines.spark.slots import slots_told, task_slots
from ..events import Budget, StopReason
from ..tracebacks import Short
from .record import Trials

__all__ = [
    "FMIN_CANCELLED_REASON_EARLY_STOPPING",
    "FMIN_CANCELLED_REASON_LOSS_THRESHOLD",
    "FMIN_CANCELLED_REASON_TIMEOUT",
    "FMIN_CANCELLED_REASON_USER",
    "SparkTrials",
]

FMIN_CANCELLED_REASON_EARLY_STOPPING = StopReason.EARLY_STOPPING.value
FMIN_CANCELLED_REASON_LOSS_THRESHOLD = StopReason.LOSS_THRESHOLD.value
FMIN_CANCELLED_REASON_TIMEOUT = StopReason.TIMEOUT.value
FMIN_CANCELLED_REASON_USER = StopReason.USER.value

_IN_DRIVER = 4  # trials that use the cluster themselves


class SparkTrials(Trials):
    """The trials of a search that runs on Spark, each as a task of its own.

    The driver suggests, executors evaluate: the objective is pickled once and sent once, and
    executors need Python (the driver's minor version) and what the objective imports, on Spark
    Connect also pyarrow; nothing of sparktune. A trial costs about 70 ms beside the objective's own
    time (130 ms on Spark Connect), so objectives of less than half a second gain little. With
    ``mode="cluster"`` a trial runs in a process of its own beside Spark's Python worker, which runs
    one trial after the other and keeps what it imported; an objective that raises, crashes or does
    not end takes nothing else along.

    Args:
        parallelism: how many trials to keep under way, at least 1; None takes as many as the
            cluster can really run at once when the run begins (in the driver at most 4), and says
            so where that is more than a tenth of ``max_evals``. There is no upper limit: trials
            beyond the slots wait in Spark, and a cluster that grows takes them up. More trials at a
            time end sooner, but each is chosen knowing less.
        timeout: seconds after which a run stops and returns its best; ``fmin(timeout=...)`` wins.
        loss_threshold: a loss at which a run stops; ``fmin(loss_threshold=...)`` wins.
        spark_session: the session to run in, classic or Spark Connect; None takes the active one,
            or starts one.
        resource_profile: a pyspark ``ResourceProfile`` for the trials' tasks, on clusters with
            stage-level scheduling (on Spark Connect from Spark 4.0 on); with ``mode="cluster"``
            only.
        mode: ``"cluster"``: trials are Spark tasks. ``"driver"``: trials run in threads of the
            driver, for objectives that use Spark themselves (MLlib, data frames); each has a job
            group and a scheduler pool of its own (on Spark Connect a tag).
        trial_timeout: seconds, above 0, that a trial may take from the start of its objective; None
            for no limit. Then an exception that ``except Exception`` does not catch is raised
            inside the objective, and a process that has not reacted ``trial_grace`` seconds later
            is killed. With ``mode="driver"`` there is a thread instead, which cannot be killed: its
            trial counts as timed out, its Spark jobs are cancelled, and it runs on unheard.
        trial_grace: seconds, above 0, that a trial has to react to that exception.
        trial_cpus: threads that numerical libraries use in a trial (OpenMP, OpenBLAS, MKL, numexpr,
            torch), at least 1; None leaves them alone. With ``mode="cluster"`` only.
        max_retries: how often a trial that was lost with its executor, machine or server is queued
            again, at least 0.
        retry_crashes: whether a trial whose process died (a segmentation fault, no memory left)
            counts as lost rather than failed.
        max_result_mb: a result that is larger, pickled, is written to ``artifact_dir`` where the
            trial ran, and only its small entries travel; ``load_result`` reads it.
        artifact_dir: a folder that driver and executors share, such as a mounted volume. Without
            one, of a larger result only the small entries are kept.
        trials_per_process: how many trials a process evaluates before a fresh one takes its place,
            1 for a process for each trial, None for no limit; for objectives that leak memory.
            With ``mode="cluster"`` only.
        env: environment variables that trials find in ``os.environ``, values by name, such as
            tokens; with ``mode="cluster"`` only. They are set before the objective is unpickled,
            too late for what Python or the system's loader read as they start. Nothing here shows,
            logs, records or pickles the values with the trials: trials that were unpickled say
            which they lost. On the way they are in the task, which Spark sends over its network
            and keeps in memory.
        journal, store, exp_key, on_space_change, defaults, tracking: as in ``Trials``.

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
        trials_per_process: int | None = None,
        env: Mapping[str, str] | None = None,
        journal: str | os.PathLike[str] | None = None,
        store: str | None = None,
        exp_key: str | None = None,
        on_space_change: str = "error",
        defaults: Mapping[str, Any] | None = None,
        tracking: Any = None,
    ) -> None:
        self.mode = one_of("mode", mode, ("cluster", "driver"))
        with Short():
            super().__init__(
                exp_key, journal=journal, store=store, on_space_change=on_space_change,
                defaults=defaults, tracking=tracking,
            )  # fmt: skip
        self.user_specified_parallelism = parallelism
        self._parallelism: int | None = whole("parallelism", parallelism, none=True)
        self.timeout = real("timeout", timeout, "a number of seconds", above=0, none=True)
        self.loss_threshold = real("loss_threshold", loss_threshold, "a real number", none=True)
        self.resource_profile = resource_profile
        self.settings = settings_of(
            trial_timeout=trial_timeout,
            trial_grace=trial_grace,
            trial_cpus=trial_cpus,
            max_retries=max_retries,
            retry_crashes=retry_crashes,
            max_result_mb=max_result_mb,
            artifact_dir=artifact_dir,
            trials_per_process=trials_per_process,
            env=self._checked_env(env),
        )
        if mode == "driver":
            _refuse_in_driver(
                resource_profile=resource_profile,
                trial_cpus=trial_cpus,
                trials_per_process=trials_per_process,
            )
        self._session = checked_session(spark_session, mode)

    def _checked_env(self, env: Any) -> Any:
        if env and self.mode == "driver":
            raise ValueError(
                "`env` is for trials that are Spark tasks; with mode='driver' they are threads of "
                "the driver, whose own os.environ they see"
            )
        return env

    @property
    def parallelism(self) -> int:
        """How many trials are kept under way.

        Where it was not given: what the session tells of its room without a job. A run counts anew
        when it begins, waiting for executors that are about to register.
        """
        return self._slots(slots_told)

    @parallelism.setter
    def parallelism(self, value: int) -> None:
        self._parallelism = whole("parallelism", value)

    def _slots(self, count: Callable[[Any, Any], int]) -> int:
        if self._parallelism is not None:
            return self._parallelism
        slots = count(self.session, self.resource_profile)
        return slots if self.mode == "cluster" else min(slots, _IN_DRIVER)

    @property
    def parallelism_given(self) -> int | None:
        """How many trials at a time the user asked for; None where nobody did."""
        return self._parallelism

    @property
    def limits(self) -> Budget:
        """When a run ends, unless fmin says otherwise."""
        return Budget(None, self.timeout, self.loss_threshold)

    @property
    def session(self) -> Any:
        """The Spark session that trials run in: the one given, else the active or a new one."""
        if self._session is None or is_stopped(self._session):
            # unpickled, or the old one was stopped
            self._session = checked_session(None, self.mode)
        return self._session

    def _cluster_engine(self) -> JobPerTrial:
        session, slots = self.session, self._parallelism
        if self._lost_profile and self.resource_profile is None:
            advise(
                "these trials were pickled, and a resource profile cannot be: set "
                "trials.resource_profile again, or go on without one"
            )
            self._lost_profile = False
        link = ConnectLink if is_connect(session) else ClassicLink
        return JobPerTrial(functools.partial(link, session, self.resource_profile), slots)

    def engine(self) -> Engine:
        """A new engine for one run."""
        self._advise_lost_env()
        if self.mode == "cluster":
            return self._cluster_engine()
        session, slots = self.session, self._slots(task_slots)
        if is_connect(session):
            return ConnectDriver(session, slots)
        _advise_fair(session.sparkContext)
        return ContextDriver(session, slots)

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
        advise(
            "the Spark jobs of trials in mode='driver' share the cluster evenly only in a session "
            "made with spark.scheduler.mode=FAIR; this one runs the jobs of earlier trials first"
        )
