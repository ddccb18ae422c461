"""Trials: the record of a search as its user sees it, and where its trials run."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timezone
from typing import Any

from .engines.base import Engine
from .engines.local import Serial, Threads
from .exceptions import AllTrialsFailed
from .history import STATUS_FAIL, STATUS_NEW, History, Status, Trial
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

    One trial runs at a time in the caller's thread unless ``parallelism`` says otherwise. A second
    ``fmin`` with the same Trials and a larger ``max_evals`` goes on where the first ended. Trials
    can be pickled.

    The documents (``trials``, ``results``, ``miscs``, ...) are a view in Hyperopt's shape: changing
    one does not change the record. ``len``, iteration and ``trials`` leave out trials that raised
    or were cancelled; ``_dynamic_trials`` has all.

    Args:
        exp_key: a name that the documents carry.
        refresh: accepted for Hyperopt's sake; there is nothing to read anew.
        parallelism: how many trials at a time.
        executor: where more than one trial at a time run: ``"threads"`` of this process, which
            suits objectives that wait or release the interpreter's lock.

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
    ) -> None:
        self.parallelism = check_parallelism(parallelism)
        if executor not in (None, "threads"):
            raise ValueError(f"`executor` must be 'threads' or None, but got {executor!r}")
        if parallelism > 1 and executor is None:
            raise ValueError(
                f"Trials(parallelism={parallelism}) needs executor='threads'; "
                "for processes on several cores or machines use SparkTrials"
            )
        self._executor = executor
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
        if self._in_use:
            raise RuntimeError(
                "these trials are in use by another fmin that has not ended; give each run its own"
            )
        self._in_use = True
        try:
            yield
        finally:
            self._in_use = False

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_in_use": False}

    def _open(self, space: Space) -> History:
        """The history that a search of ``space`` goes on with."""
        history = self._history
        if history is None or (not len(history) and history.space is not space):
            history = self._history = History(space)
        history.adopt(space)
        return history

    def _engine(self) -> Engine:
        """A new engine for one run."""
        return Serial() if self._executor is None else Threads(self.parallelism)

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
        """Why trials failed: number to traceback or reason, for those that did."""
        return {
            trial.number: trial.outcome.error or "no reason was given"
            for trial in self._rows()
            if trial.outcome is not None and trial.status is Status.FAILED
        }

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
        """How many trials ended without a loss."""
        return self._count(Status.FAILED)

    def count_cancelled_trials(self) -> int:
        """How many trials were stopped before their end."""
        return self._count(Status.CANCELLED)

    def count_total_trials(self) -> int:
        """How many trials have ended with or without a loss; cancelled ones do not count."""
        return self._count(Status.OK, Status.FAILED)

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


def check_parallelism(parallelism: Any) -> int:
    """A whole number above 0, or an error that says so."""
    try:
        whole = not isinstance(parallelism, bool) and int(parallelism) == parallelism
    except (TypeError, ValueError, OverflowError):
        whole = False
    if not whole or parallelism < 1:
        raise ValueError(f"`parallelism` must be a whole number >= 1, but got {parallelism!r}")
    return int(parallelism)


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
    failed = [trial for trial in trials if trial.status is Status.FAILED]
    if not failed:
        others = f" ({len(trials)} were cancelled or are running)" if trials else ""
        return f"no trial has ended{others}, so there is no best one"
    first = failed[0]
    error = first.outcome.error if first.outcome is not None else None
    return (
        f"all {len(failed)} trials failed, so there is no best one; the first failure, "
        f"trial {first.number} with {dict(first.values)!r}:\n{error}"
    )
