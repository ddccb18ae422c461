"""Trials: the record of a search as its user sees it, and where its trials run."""

from __future__ import annotations

import math
import os
import pickle
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from .engines.base import Engine, Settings
from .engines.local import Serial, Threads
from .engines.processes import Processes
from .exceptions import AllTrialsFailed
from .history import ENDED, STATUS_FAIL, STATUS_NEW, History, Status, Trial
from .search import CancelToken
from .space.tree import Choice, Param, Space

__all__ = [
    "JOB_STATES",
    "JOB_STATE_CANCEL",
    "JOB_STATE_DONE",
    "JOB_STATE_ERROR",
    "JOB_STATE_NEW",
    "JOB_STATE_RUNNING",
    "Trials",
    "values_of_document",
]

JOB_STATE_NEW = 0
JOB_STATE_RUNNING = 1
JOB_STATE_DONE = 2
JOB_STATE_ERROR = 3
JOB_STATE_CANCEL = 4
JOB_STATES = (
    JOB_STATE_NEW,
    JOB_STATE_RUNNING,
    JOB_STATE_DONE,
    JOB_STATE_ERROR,
    JOB_STATE_CANCEL,
)


class Trials:
    """The trials of a search that runs in this process.

    One trial runs at a time in the caller's thread unless ``parallelism`` or ``executor`` say
    otherwise. A second ``fmin`` with the same Trials and a larger ``max_evals`` goes on where the
    first ended. Trials can be pickled.

    The documents (``trials``, ``results``, ``miscs``, ...) are a view in Hyperopt's shape: changing
    one does not change the record. ``len``, iteration and ``trials`` leave out trials that raised
    or were cancelled; ``_dynamic_trials`` has all.

    Args:
        exp_key: a name that the documents carry.
        refresh: accepted for Hyperopt's sake; there is nothing to read anew.
        parallelism: how many trials at a time.
        executor: where trials run if not in the caller's thread: ``"processes"``, the default with
            ``parallelism`` above 1, which uses all cores for objectives in Python and survives
            their crashes; or ``"threads"`` of this process, which suits objectives that wait or
            share what cannot be pickled.
        trial_timeout: seconds that a trial may take. It is raised inside the objective as an
            exception that ``except Exception`` does not catch; a process that has not reacted
            ``trial_grace`` seconds later is killed. In threads such a trial is given up and runs on
            unheard; in the caller's thread nothing can be done about it.
        trial_grace: seconds between the two.
        trial_cpus: threads that numerical libraries use in each process (OpenMP, OpenBLAS, MKL,
            numexpr, torch); None leaves them alone.
        retry_crashes: whether a trial whose process died is tried once more.

    Attributes:
        parallelism: as given.
        seed: the whole number from which all randomness of the search comes, once it has begun.
        attachments: a dict for the user's own use, kept with the trials.
        fmin_cancelled_reason: why the last run stopped before ``max_evals``, None where it did not.
    """

    asynchronous = False

    def __init__(
        self,
        exp_key: str | None = None,
        refresh: bool = True,  # noqa: ARG002
        *,
        parallelism: int = 1,
        executor: str | None = None,
        trial_timeout: float | None = None,
        trial_grace: float = 5.0,
        trial_cpus: int | None = None,
        retry_crashes: bool = False,
    ) -> None:
        self.parallelism = check_count(parallelism, "parallelism")
        if executor not in (None, "processes", "threads"):
            raise ValueError(
                f"`executor` must be 'processes', 'threads' or None, but got {executor!r}"
            )
        own_processes = executor == "processes" or (executor is None and parallelism > 1)
        if trial_cpus is not None and not own_processes:
            raise ValueError(
                "`trial_cpus` needs processes of their own for the trials, which set it when they "
                f"start: add executor='processes'; got trial_cpus={trial_cpus!r} without it"
            )
        self._executor = executor
        self._settings = settings_of(
            trial_timeout=trial_timeout,
            trial_grace=trial_grace,
            trial_cpus=trial_cpus,
            retry_crashes=retry_crashes,
        )
        self._token = CancelToken()
        self._lock = threading.RLock()
        self._exp_key = exp_key
        self._history: History | None = None
        self._documents: dict[int, dict[str, Any]] = {}
        self._in_use = False
        self.seed: int | None = None
        self.fmin_cancelled_reason: str | None = None
        self.attachments: dict[str, Any] = {}

    @contextmanager
    def _running(self) -> Iterator[None]:
        """While a run lasts, no other may begin with the same trials."""
        with self._lock:
            self._refuse_in_use()
            self._in_use = True
        self._token = CancelToken()
        try:
            yield
        finally:
            self._in_use = False

    @contextmanager
    def _by_hand(self, space: Space) -> Iterator[History]:
        """For one step outside of a run: the history. Other steps wait; a run refuses them."""
        with self._lock:
            self._refuse_in_use()
            yield self._open(space)

    def _refuse_in_use(self) -> None:
        if self._in_use:
            raise RuntimeError(
                "these trials are in use by an fmin that has not ended: wait for it, or take other "
                "trials"
            )

    def cancel(self) -> None:
        """End the run that these trials are in, from another thread; does nothing without one.

        What has ended is kept, what runs is cancelled, and ``fmin`` returns the best so far. A
        trial that runs in the thread of ``fmin`` itself ends first.
        """
        self._token.request()

    def __getstate__(self) -> dict[str, Any]:
        state = {**self.__dict__, "_in_use": False}
        del state["_token"], state["_lock"]
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._token = CancelToken()
        self._lock = threading.RLock()

    def _open(self, space: Space) -> History:
        """The history that a search of ``space`` goes on with."""
        history = self._history
        if history is None or (not len(history) and history.space is not space):
            history = self._history = History(space)
        history.adopt(space)
        return history

    def _engine(self) -> Engine:
        """A new engine for one run."""
        if self._executor == "threads":
            return Threads(self.parallelism)
        if self._executor is None and self.parallelism == 1:
            return Serial()
        return Processes(self.parallelism)

    def _rows(self) -> tuple[Trial, ...]:
        return () if self._history is None else tuple(self._history)

    # The record in Hyperopt's shape.

    @property
    def _dynamic_trials(self) -> list[dict[str, Any]]:
        """Documents of all trials."""
        return [self._document(trial) for trial in self._rows()]

    @property
    def trials(self) -> list[dict[str, Any]]:
        """Documents of the trials that neither raised nor were cancelled."""
        hidden = (JOB_STATE_ERROR, JOB_STATE_CANCEL)
        return [document for document in self._dynamic_trials if document["state"] not in hidden]

    def _document(self, trial: Trial) -> dict[str, Any]:
        if trial.outcome is None:
            return document_of(trial, self._space, self._exp_key)
        if trial.number not in self._documents:
            self._documents[trial.number] = document_of(trial, self._space, self._exp_key)
        return self._documents[trial.number]

    @property
    def _space(self) -> Space:
        if self._history is None:
            raise ValueError("these trials belong to no search yet; fmin begins one")
        return self._history.space

    def __len__(self) -> int:
        return len(self.trials)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter(self.trials)

    def __getitem__(self, index: Any) -> Any:
        return self.trials[index]

    @property
    def tids(self) -> list[int]:
        """Numbers of the trials."""
        return [document["tid"] for document in self.trials]

    @property
    def specs(self) -> list[Any]:
        """None for each trial."""
        return [document["spec"] for document in self.trials]

    @property
    def results(self) -> list[dict[str, Any]]:
        """What the objective returned for each trial."""
        return [document["result"] for document in self.trials]

    @property
    def miscs(self) -> list[dict[str, Any]]:
        """Values of the labels of each trial."""
        return [document["misc"] for document in self.trials]

    @property
    def idxs_vals(self) -> tuple[dict[str, list[int]], dict[str, list[Any]]]:
        """By label: numbers of the trials in which it was active, and its values there."""
        labels = self._space.labels if self._history is not None else ()
        idxs: dict[str, list[int]] = {label: [] for label in labels}
        vals: dict[str, list[Any]] = {label: [] for label in labels}
        for misc in self.miscs:
            for label in labels:
                idxs[label] += misc["idxs"][label]
                vals[label] += misc["vals"][label]
        return idxs, vals

    @property
    def idxs(self) -> dict[str, list[int]]:
        """By label: numbers of the trials in which it was active."""
        return self.idxs_vals[0]

    @property
    def vals(self) -> dict[str, list[Any]]:
        """By label: its values, where it was active; indices for choices."""
        return self.idxs_vals[1]

    def losses(self) -> list[float | None]:
        """The loss of each trial, None without one."""
        return [result.get("loss") for result in self.results]

    def statuses(self) -> list[str]:
        """The status of each trial's result."""
        return [result["status"] for result in self.results]

    def errors(self) -> dict[int, str]:
        """Why trials failed or timed out: number to traceback or reason, and what they printed."""
        return {
            trial.number: error_of(trial)
            for trial in self._rows()
            if trial.status in (Status.FAILED, Status.TIMED_OUT)
        }

    def load_result(self, number: int) -> Any:
        """What the objective of a trial returned, also where it was too large to send.

        Raises:
            FileNotFoundError: the file that holds it is not there (any more).
            ValueError: the trial has no result.
        """
        rows = self._rows()
        if not 0 <= number < len(rows):
            raise ValueError(f"there is no trial {number}, only {len(rows)} trials from 0")
        outcome = rows[number].outcome
        if outcome is None or outcome.status is not Status.OK:
            raise ValueError(f"trial {number} has no result: it is {rows[number].status.name}")
        if outcome.result_file is None:
            return dict(outcome.info)
        return pickle.loads(Path(outcome.result_file).read_bytes())

    def trial_attachments(self, trial: Mapping[str, Any]) -> dict[str, Any]:
        """The attachments of the trial of a document."""
        outcome = self._rows()[trial["tid"]].outcome
        return {} if outcome is None else dict(outcome.attachments)

    def count_by_state_synced(self, state: int) -> int:
        """How many trials are in a job state."""
        return sum(document["state"] == state for document in self._dynamic_trials)

    count_by_state_unsynced = count_by_state_synced

    def refresh(self) -> None:
        """Do nothing: the view is always up to date."""

    def delete_all(self) -> None:
        """Forget all trials and attachments."""
        self._history = None
        self._documents = {}
        self.seed = None
        self.attachments = {}

    # The answer.

    def _best(self) -> Trial:
        best = None if self._history is None else self._history.best
        if best is None:
            raise AllTrialsFailed(failure_text(self._rows()))
        return best

    @property
    def best_trial(self) -> dict[str, Any]:
        """The document of the trial with the lowest loss; AllTrialsFailed without one."""
        return self._document(self._best())

    @property
    def argmin(self) -> dict[str, int | float]:
        """Label to value of the best trial; a choice holds the index of its option."""
        return dict(self._best().values)

    @property
    def best_params(self) -> dict[str, Any]:
        """Label to real value of the best trial; a choice holds its option.

        These are the values as they were drawn. Where the space computes with them, the
        configuration that the objective received is ``space_eval(space, trials.argmin)``.
        """
        return params_of(self._best(), self._space)

    @property
    def best_loss(self) -> float:
        """The lowest loss."""
        loss = self._best().loss
        return math.nan if loss is None else loss

    def count_successful_trials(self) -> int:
        """How many trials have a loss."""
        return self._count(Status.OK)

    def count_failed_trials(self) -> int:
        """How many trials ended without a loss; those that timed out among them."""
        return self._count(Status.FAILED, Status.TIMED_OUT)

    def count_cancelled_trials(self) -> int:
        """How many trials were stopped before their end."""
        return self._count(Status.CANCELLED)

    def count_total_trials(self) -> int:
        """How many trials have ended with or without a loss; cancelled ones do not count."""
        return self._count(*ENDED)

    def _count(self, *statuses: Status) -> int:
        return 0 if self._history is None else self._history.count(*statuses)

    def to_pandas(self) -> Any:
        """All trials as a pandas DataFrame, one row each, indexed by number.

        Columns: status, loss, one ``params_<label>`` for each label (nan where inactive; a choice
        shows its options where all are strings or numbers, else their indices), seconds, host,
        attempt, submitted (UTC; on Spark a trial may wait for a free slot after that), error.

        Raises:
            ImportError: pandas is not installed.
        """
        try:
            import pandas as pd
        except ImportError:
            raise ImportError(
                "to_pandas needs pandas: pip install 'pandas<3', or the extra [pandas] of sparktune"
            ) from None
        rows = []
        labels = self._space.labels if self._history is not None else ()
        shown = [_all_plain(self._space.params[j]) for j in range(len(labels))]
        for trial in self._rows():
            params = params_of(trial, self._space)
            outcome = trial.outcome
            row: dict[str, Any] = {"status": trial.status.name.lower(), "loss": trial.loss}
            for label, plain in zip(labels, shown, strict=True):
                values = params if plain else trial.values
                row[f"params_{label}"] = values.get(label, math.nan)
            row["seconds"] = None if outcome is None else outcome.seconds
            row["host"] = None if outcome is None else outcome.host
            row["attempt"] = trial.attempt
            row["submitted"] = _datetime(trial.started)
            row["error"] = None if outcome is None else outcome.error
            rows.append(row)
        frame = pd.DataFrame(rows)
        frame.index.name = "number"
        return frame

    def fmin(
        self, fn: Any, space: Any, algo: Any = None, max_evals: Any = None, **options: Any
    ) -> Any:
        """``sparktune.fmin(fn, space, algo, max_evals, trials=self, **options)``."""
        from .fmin import fmin  # the one import that goes up the house: a method of convenience

        options = {**options, "allow_trials_fmin": False}
        return fmin(fn, space, algo, max_evals, trials=self, **options)


def check_count(value: Any, name: str, optional: bool = False) -> Any:
    """A whole number above 0 (or None, where ``optional``), or an error that says so."""
    if value is None and optional:
        return None
    try:
        whole = not isinstance(value, (bool, str)) and int(value) == value
    except (TypeError, ValueError, OverflowError):
        whole = False
    if not whole or value < 1:
        rule = "a whole number >= 1 or None" if optional else "a whole number >= 1"
        raise ValueError(f"`{name}` must be {rule}, but got {value!r}")
    return int(value)


def settings_of(
    trial_timeout: Any = None,
    trial_grace: Any = 5.0,
    trial_cpus: Any = None,
    retry_crashes: Any = False,
    max_retries: Any = 1,
    max_result_mb: Any = 50.0,
    artifact_dir: Any = None,
) -> Settings:
    """Settings of trials, or an error that says what is wrong with one."""
    limits = {"trial_timeout": trial_timeout, "trial_grace": trial_grace}
    for name, value in {**limits, "max_result_mb": max_result_mb}.items():
        real = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not (real and value > 0) and not (value is None and name == "trial_timeout"):
            rule = "a number of seconds > 0" if name in limits else "a number of megabytes > 0"
            rule += " or None" if name == "trial_timeout" else ""
            raise ValueError(f"`{name}` must be {rule}, but got {value!r}")
    for name, value, low in (("trial_cpus", trial_cpus, 1), ("max_retries", max_retries, 0)):
        whole = isinstance(value, int) and not isinstance(value, bool)
        if not (whole and value >= low) and not (value is None and name == "trial_cpus"):
            rule = f"a whole number >= {low}" + (" or None" if name == "trial_cpus" else "")
            raise ValueError(f"`{name}` must be {rule}, but got {value!r}")
    if not isinstance(retry_crashes, bool):
        raise ValueError(f"`retry_crashes` must be True or False, but got {retry_crashes!r}")
    if artifact_dir is not None and not isinstance(artifact_dir, (str, os.PathLike)):
        raise ValueError(f"`artifact_dir` must be a path or None, but got {artifact_dir!r}")
    folder = None if artifact_dir is None else os.fspath(artifact_dir)
    if folder is not None and "://" in str(folder):
        raise ValueError(
            "`artifact_dir` must be a folder that driver and executors alike have mounted, but got "
            f"the address {folder!r}"
        )
    limit = None if trial_timeout == math.inf else trial_timeout
    return Settings(
        limit, trial_grace, trial_cpus, max_result_mb,
        None if folder is None else str(Path(folder).absolute()),
        max_retries, retry_crashes,
    )  # fmt: skip


def error_of(trial: Trial) -> str:
    """Why a trial failed, and the last that it printed."""
    outcome = trial.outcome
    text = (outcome.error if outcome is not None else None) or "no reason was given"
    if outcome is None or not outcome.log_tail:
        return text
    return f"{text.rstrip()}\nthe last it printed:\n{outcome.log_tail.rstrip()}"


def _all_plain(param: Param) -> bool:
    """Whether all values of a label can stand in a table."""
    options = param.options if isinstance(param, Choice) else ()
    return all(isinstance(option, (str, int, float, bool)) for option in options)


def _datetime(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, timezone.utc).replace(tzinfo=None)


def params_of(trial: Trial, space: Space) -> dict[str, Any]:
    """Label to real value of a trial, active labels only; a choice holds its option."""
    config = {
        label: space.params[space.column[label]] for label in space.labels if label in trial.values
    }
    built: dict[str, Any] = space.build(trial.values, config)
    return built


def document_of(trial: Trial, space: Space, exp_key: str | None) -> dict[str, Any]:
    """A trial in the shape of Hyperopt's documents."""
    tid, outcome = trial.number, trial.outcome
    misc: dict[str, Any] = {
        "tid": tid,
        "cmd": ("domain_attachment", "FMinIter_Domain"),
        "workdir": None,
        "idxs": {label: [tid] if label in trial.values else [] for label in space.labels},
        "vals": {
            label: [trial.values[label]] if label in trial.values else [] for label in space.labels
        },
    }
    result: dict[str, Any] = {"status": STATUS_NEW}
    state, ended = JOB_STATE_RUNNING, None
    if outcome is not None:
        state, result = _state(outcome.status, outcome.info), dict(outcome.info)
        if outcome.status is not Status.OK:
            result.setdefault("status", STATUS_FAIL)
        if outcome.error is not None:
            kind = outcome.status.name.lower()
            misc["error"] = (outcome.error_type or kind, outcome.error)
        if outcome.seconds is not None:
            ended = _datetime(trial.started + outcome.seconds)
    return {
        "state": state,
        "tid": tid,
        "spec": None,
        "result": result,
        "misc": misc,
        "exp_key": exp_key,
        "owner": None if outcome is None else outcome.host,
        "version": trial.attempt,
        "book_time": _datetime(trial.started),
        "refresh_time": ended,
    }


def _state(status: Status, info: Mapping[str, Any]) -> int:
    if status is Status.CANCELLED:
        return JOB_STATE_CANCEL
    said_so = info.get("status") == STATUS_FAIL
    return JOB_STATE_DONE if status is Status.OK or said_so else JOB_STATE_ERROR


def values_of_document(document: Mapping[str, Any]) -> dict[str, Any]:
    """Label to value, active labels only, of a document in Hyperopt's shape."""
    return {label: vals[0] for label, vals in document["misc"]["vals"].items() if len(vals)}


def failure_text(trials: tuple[Trial, ...]) -> str:
    """Why there is no best trial: how many failed, and the first with its parameters."""
    failed = [trial for trial in trials if trial.status in (Status.FAILED, Status.TIMED_OUT)]
    if not failed:
        others = f" ({len(trials)} were cancelled or are running)" if trials else ""
        return f"no trial has ended{others}, so there is no best one"
    first = failed[0]
    return (
        f"all {len(failed)} trials failed, so there is no best one; the first failure, "
        f"trial {first.number} with {dict(first.values)!r}:\n{error_of(first)}"
    )
