"""How the trials of a run are treated."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..checks import flag, real, whole

__all__ = ["Settings", "limit_of", "settings_of"]

_THREADS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "NUMEXPR_MAX_THREADS",
    "TORCH_NUM_THREADS",
)


@dataclass(frozen=True)
class Settings:
    """How the trials of a run are treated.

    Attributes:
        timeout: seconds that a trial may take from the objective's start; None for no limit.
        grace: seconds after that in which a trial has to react before its process is killed.
        cpus: how many threads numerical libraries use in a trial; None leaves them alone.
        max_result_mb: megabytes from which on a result is not sent as a whole.
        artifact_dir: where larger results are written; a folder that all machines share.
        max_retries: how often a trial that was lost with its executor is queued again.
        retry_crashes: whether a trial whose process died counts as lost rather than failed.
        trials_per_process: how many trials a process evaluates before a fresh one takes its place;
            None for no limit.
    """

    timeout: float | None = None
    grace: float = 5.0
    cpus: int | None = None
    max_result_mb: float = 50.0
    artifact_dir: str | None = None
    max_retries: int = 1
    retry_crashes: bool = False
    trials_per_process: int | None = None

    @property
    def hard(self) -> float | None:
        """Seconds from the objective's start after which its process is killed."""
        return None if self.timeout is None else self.timeout + self.grace

    @property
    def environment(self) -> dict[str, str]:
        """Variables to set for the trials."""
        return {} if self.cpus is None else dict.fromkeys(_THREADS, str(self.cpus))


def settings_of(
    trial_timeout: Any = None,
    trial_grace: Any = 5.0,
    trial_cpus: Any = None,
    retry_crashes: Any = False,
    max_retries: Any = 1,
    max_result_mb: Any = 50.0,
    artifact_dir: Any = None,
    trials_per_process: Any = None,
) -> Settings:
    """Settings from the arguments of Trials; raises ValueError for one out of its range."""
    return Settings(
        limit_of(trial_timeout),
        real("trial_grace", trial_grace, "a number of seconds", above=0),
        whole("trial_cpus", trial_cpus, none=True),
        real("max_result_mb", max_result_mb, "a number of megabytes", above=0),
        _folder(artifact_dir),
        whole("max_retries", max_retries, 0),
        flag("retry_crashes", retry_crashes),
        whole("trials_per_process", trials_per_process, none=True),
    )


def limit_of(trial_timeout: Any) -> float | None:
    """Seconds that a trial may take, None for no limit; raises ValueError for anything else."""
    seconds = real("trial_timeout", trial_timeout, "a number of seconds", above=0, none=True)
    return None if seconds == math.inf else seconds


def _folder(artifact_dir: Any) -> str | None:
    if artifact_dir is None:
        return None
    if not isinstance(artifact_dir, (str, os.PathLike)):
        raise ValueError(f"`artifact_dir` must be a path or None, but got {artifact_dir!r}")
    folder = os.fspath(artifact_dir)
    if "://" in str(folder):
        raise ValueError(
            "`artifact_dir` must be a folder that driver and executors alike have mounted, but got "
            f"the address {folder!r}"
        )
    return str(Path(folder).absolute())
