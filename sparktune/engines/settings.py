"""How the trials of a run are treated."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ..checks import flag, real, whole

__all__ = ["Environment", "Settings", "environment_of", "limit_of", "settings_of"]

_FOREVER = 3.2e9  # seconds
_THREADS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "NUMEXPR_MAX_THREADS",
    "TORCH_NUM_THREADS",
)


class Environment(Mapping[str, str]):
    """Environment variables for trials, whose values nothing shows or keeps.

    A repr has the names alone, and so has a pickle: what is unpickled has ``lost`` them.

    Args:
        variables: values by name.
        lost: names whose values stayed in the process that made the pickle.
    """

    def __init__(
        self, variables: Mapping[str, str] | None = None, lost: tuple[str, ...] = ()
    ) -> None:
        self._variables = dict(variables or {})
        self.lost = lost

    def __getitem__(self, name: str) -> str:
        return self._variables[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._variables)

    def __len__(self) -> int:
        return len(self._variables)

    def __repr__(self) -> str:
        return f"{{{', '.join(f'{name!r}: ...' for name in self)}}}"

    def _ipython_key_completions_(self) -> list[str]:
        return list(self)

    def __reduce__(self) -> tuple[Any, ...]:
        return Environment, (None, (*self.lost, *self))

    def __deepcopy__(self, memo: Any) -> Environment:
        return self

    __copy__ = __deepcopy__


@dataclass(frozen=True)
class Settings:
    """How the trials of a run are treated.

    Attributes:
        timeout: seconds that a trial may take from the objective's start; None for no limit.
        grace: seconds after that in which a trial has to react before its process is killed.
        cpus: how many threads numerical libraries use in a trial; None leaves them alone.
        max_result_mb: megabytes from which on a result is not sent as a whole.
        artifact_dir: where larger results are written; a folder that all machines share.
        max_retries: how often a trial that was lost with its executor, or with the process of a
            serial search, is queued again.
        retry_crashes: whether a trial whose process died counts as lost rather than failed.
        trials_per_process: how many trials a process evaluates before a fresh one takes its place;
            None for no limit.
        env: variables that the user sets for the trials.
    """

    timeout: float | None = None
    grace: float = 5.0
    cpus: int | None = None
    max_result_mb: float = 50.0
    artifact_dir: str | None = None
    max_retries: int = 1
    retry_crashes: bool = False
    trials_per_process: int | None = None
    env: Environment = field(default_factory=Environment)

    @property
    def hard(self) -> float | None:
        """Seconds from the objective's start after which its process is killed."""
        return None if self.timeout is None else self.timeout + self.grace

    @property
    def environment(self) -> dict[str, str]:
        """Variables to set for the trials."""
        return {} if self.cpus is None else dict.fromkeys(_THREADS, str(self.cpus))

    def sharing_cores(self, slots: int) -> Settings:
        """These settings, with this machine's cores shared out among several trials at a time.

        Else numerical libraries would use every core in each of them, and mostly wait for each
        other. Where the user has said how many threads there are, that stands.
        """
        if slots == 1 or self.cpus is not None or {*os.environ, *self.env} & {*_THREADS}:
            return self
        return replace(self, cpus=max(1, len(os.sched_getaffinity(0)) // slots))


def settings_of(
    trial_timeout: Any = None,
    trial_grace: Any = 5.0,
    trial_cpus: Any = None,
    retry_crashes: Any = False,
    max_retries: Any = 1,
    max_result_mb: Any = 50.0,
    artifact_dir: Any = None,
    trials_per_process: Any = None,
    env: Any = None,
) -> Settings:
    """Settings from the arguments of Trials; raises ValueError for one out of its range."""
    cpus = whole("trial_cpus", trial_cpus, none=True)
    return Settings(
        limit_of(trial_timeout),
        real("trial_grace", trial_grace, "a number of seconds", above=0),
        cpus,
        real("max_result_mb", max_result_mb, "a number of megabytes", above=0),
        _folder(artifact_dir),
        whole("max_retries", max_retries, 0),
        flag("retry_crashes", retry_crashes),
        whole("trials_per_process", trials_per_process, none=True),
        environment_of(env, cpus),
    )


def environment_of(env: Any, cpus: int | None = None) -> Environment:
    """Environment variables as the user gave them; the sentences of its errors have no values.

    Args:
        env: a dict of names to values, or None.
        cpus: threads that numerical libraries use in a trial, which are variables, too.

    Raises:
        ValueError: it is no such dict.
    """
    if env is None or isinstance(env, Environment):
        return env or Environment()
    rule = "`env` must be a dict of names to values, both strings"
    if not isinstance(env, Mapping):
        raise ValueError(f"{rule}, or None, but got an object of type {type(env).__name__}")
    for name, value in env.items():
        if not isinstance(name, str):
            raise ValueError(f"{rule}, but a name is of type {type(name).__name__}")
        if not isinstance(value, str):
            kind = type(value).__name__
            raise ValueError(f"{rule}, but the value of {name!r} is of type {kind}")
        if not name or "=" in name or "\0" in name:
            before = name.partition("=")[0].partition("\0")[0]
            raise ValueError(
                f"{rule}, but a name is empty, or has '=' or a zero byte in it, after {before!r}"
            )
        if "\0" in value:
            raise ValueError(f"{rule}, but the value of {name!r} has a zero byte in it")
        if cpus is not None and name in _THREADS:
            raise ValueError(f"`env` sets {name!r}, and so does trial_cpus={cpus}: give one")
        for text, whose in ((name, "a name"), (value, f"the value of {name!r}")):
            try:
                os.fsencode(text)
            except UnicodeEncodeError:
                raise ValueError(f"{rule}, but {whose} is no text that a system can hold") from None
    return Environment(env)


def limit_of(trial_timeout: Any) -> float | None:
    """Seconds that a trial may take, None for no limit; raises ValueError for anything else.

    Over a hundred years are no limit, too: no system has a timer for them.
    """
    seconds = real("trial_timeout", trial_timeout, "a number of seconds", above=0, none=True)
    return None if seconds is not None and seconds > _FOREVER else seconds


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
