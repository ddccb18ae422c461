"""Trials: the record of a search as its user sees it, and where its trials run."""

from __future__ import annotations

import math
import pickle
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from ..checks import one_of, whole
from ..engines.base import Engine
from ..engines.local import Serial, Threads
from ..engines.processes import Processes
from ..engines.settings import settings_of
from ..events import Budget, CancelToken, StopReason
from ..exceptions import AllTrialsFailed
from ..history import ENDED, STATUS_FAIL, STATUS_OK, History, Status, Trial
from ..history.documents import document_of, params_of, result_of
from ..history.failures import error_of, failure_text
from ..run import run
from ..space.tree import Space
from .tables import table_of

__all__ = ["Trials", "checked_trials"]


class Trials:
    """The trials of a search that runs in this process.

    One trial runs at a time in the caller's thread unless ``parallelism`` or ``executor`` say
    otherwise. A second ``fmin`` with the same Trials and a larger ``max_evals`` goes on where the
    first ended. Trials can be pickled.

    The documents (``trials``, ``results``, ``miscs``, ...) are a view in Hyperopt's shape: changing
    one does not change the record. ``len``, iteration and ``trials`` show the trials that count
    for ``max_evals``: those that ended with a loss, failed or ran out of time. Those that were
    cancelled or cut off, or are under way, are left out; ``_dynamic_trials`` has all.

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
        history: the record itself, None before the first run.
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
        self.parallelism: int = whole("parallelism", parallelism)
        one_of("executor", executor, ("processes", "threads"), none=True)
        own_processes = executor == "processes" or (executor is None and parallelism > 1)
        if trial_cpus is not None and not own_processes:
            raise ValueError(
                "`trial_cpus` needs processes of their own for the trials, which set it when they "
                f"start: add executor='processes'; got trial_cpus={trial_cpus!r} without it"
            )
        self._executor = executor
        self.settings = settings_of(
            trial_timeout=trial_timeout,
            trial_grace=trial_grace,
            trial_cpus=trial_cpus,
            retry_crashes=retry_crashes,
        )
        self.token = CancelToken()
        self.exp_key = exp_key
        self._lock = threading.RLock()
        self._history: History | None = None
        self._documents: dict[int, dict[str, Any]] = {}
        self._in_use = False
        self.seed: int | None = None
        self.fmin_cancelled_reason: str | None = None
        self.attachments: dict[str, Any] = {}

    # What a run asks of its host; see run.Host.

    @property
    def history(self) -> History | None:
        """The record itself: every trial, and numpy columns; None before the first run."""
        return self._history

    @property
    def parallelism_given(self) -> int | None:
        """How many trials at a time the user asked for."""
        return self.parallelism

    @property
    def limits(self) -> Budget:
        """When a run ends, unless fmin says otherwise: at its ``max_evals``."""
        return Budget()

    @contextmanager
    def step(self, space: Space) -> Iterator[History]:
        """The history, for one step by hand; steps wait for each other.

        Raises:
            RuntimeError: a run with these trials has not ended.
            BadSearchSpace: the trials were made in another space.
        """
        with self._lock:
            self._refuse_in_use()
            yield self._open(space)

    @contextmanager
    def run(self, space: Space) -> Iterator[History]:
        """The history, for a run; raises what ``step`` does."""
        with self._lock:
            self._refuse_in_use()
            self._in_use = True
        self.token = CancelToken()
        try:
            yield self._open(space)
        finally:
            self._in_use = False

    def engine(self) -> Engine:
        """A new engine for one run."""
        if self._executor == "threads":
            return Threads(self.parallelism)
        if self._executor is None and self.parallelism == 1:
            return Serial()
        return Processes(self.parallelism)

    def ended(self, reason: StopReason | None) -> None:
        """Take note of why a run ended; None while it lasts."""
        early = reason not in (None, StopReason.MAX_EVALS)
        self.fmin_cancelled_reason = reason.value if reason is not None and early else None

    def _refuse_in_use(self) -> None:
        if self._in_use:
            raise RuntimeError(
                "these trials are in use by an fmin that has not ended: wait for it, or take other "
                "trials"
            )

    def _open(self, space: Space) -> History:
        """The history that a search of ``space`` goes on with."""
        history = self._history
        if history is None or (not len(history) and history.space is not space):
            history = self._history = History(space)
        history.adopt(space)
        return history

    def cancel(self) -> None:
        """End the run that these trials are in, from another thread; does nothing without one.

        What has ended is kept, what runs is cut off, and ``fmin`` returns the best so far. A trial
        that runs in the thread of ``fmin`` itself ends first.
        """
        self.token.request()

    def __getstate__(self) -> dict[str, Any]:
        state = {**self.__dict__, "_in_use": False}
        del state["token"], state["_lock"]
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self.token = CancelToken()
        self._lock = threading.RLock()

    # The record in Hyperopt's shape.

    @property
    def _dynamic_trials(self) -> list[dict[str, Any]]:
        """Documents of all trials."""
        return [self._document(trial) for trial in self._history or ()]

    @property
    def trials(self) -> list[dict[str, Any]]:
        """Documents of the trials that count for ``max_evals``."""
        return [self._document(trial) for trial in self._counted()]

    def document(self, number: int) -> dict[str, Any]:
        """The document of one trial."""
        return self._document(self._trial(number))

    def _trial(self, number: int) -> Trial:
        if self._history is None or not 0 <= number < len(self._history):
            there = 0 if self._history is None else len(self._history)
            raise ValueError(f"there is no trial {number}, only {there} trials from 0")
        return self._history[number]

    def _counted(self) -> list[Trial]:
        """The trials that count, by number."""
        history = self._history
        if history is None:
            return []
        numbers = np.flatnonzero(np.isin(history.status, ENDED))
        return [history[number] for number in numbers.tolist()]

    def _document(self, trial: Trial) -> dict[str, Any]:
        if trial.outcome is None:
            return document_of(trial, self._space, self.exp_key)
        if trial.number not in self._documents:
            self._documents[trial.number] = document_of(trial, self._space, self.exp_key)
        return self._documents[trial.number]

    @property
    def _space(self) -> Space:
        if self._history is None:
            raise ValueError("these trials belong to no search yet; fmin begins one")
        return self._history.space

    def __len__(self) -> int:
        return self._count(*ENDED)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter(self.trials)

    def __getitem__(self, index: Any) -> Any:
        return self.trials[index]

    @property
    def tids(self) -> list[int]:
        """Numbers of the trials."""
        return [trial.number for trial in self._counted()]

    @property
    def specs(self) -> list[Any]:
        """None for each trial."""
        return [None] * len(self)

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
        """The loss of each trial, None without one; read from a column, at no cost a document."""
        history = self._history
        if history is None:
            return []
        losses = history.y[np.isin(history.status, ENDED)]
        return [None if loss != loss else loss for loss in losses.tolist()]

    def statuses(self) -> list[str]:
        """The status of each trial's result."""
        history = self._history
        if history is None:
            return []
        ok = history.status[np.isin(history.status, ENDED)] == Status.OK
        return [STATUS_OK if each else STATUS_FAIL for each in ok.tolist()]

    def errors(self) -> dict[int, str]:
        """Why trials failed or timed out: number to traceback or reason, and what they printed."""
        return {
            trial.number: error_of(trial)
            for trial in self._history or ()
            if trial.status in (Status.FAILED, Status.TIMED_OUT)
        }

    def load_result(self, number: int) -> Any:
        """What the objective of a trial returned, also where it was too large to send.

        Raises:
            FileNotFoundError: the file that holds it is not there (any more).
            ValueError: the trial has no result.
        """
        trial = self._trial(number)
        outcome = trial.outcome
        if outcome is None or outcome.status is not Status.OK:
            raise ValueError(f"trial {number} has no result: it is {trial.status.name}")
        if outcome.result_file is None:
            return result_of(outcome)
        return pickle.loads(Path(outcome.result_file).read_bytes())

    def trial_attachments(self, trial: Mapping[str, Any]) -> dict[str, Any]:
        """The attachments of the trial of a document."""
        outcome = self._trial(trial["tid"]).outcome
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
            raise AllTrialsFailed(failure_text(self._history))
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
        """How many trials were stopped before their end; those that were cut off among them."""
        return self._count(Status.CANCELLED, Status.CUT)

    def count_total_trials(self) -> int:
        """How many trials count for ``max_evals``, with or without a loss."""
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
        return table_of(self._history)

    def fmin(
        self, fn: Any, space: Any, algo: Any = None, max_evals: Any = None, **options: Any
    ) -> Any:
        """``sparktune.fmin(fn, space, algo, max_evals, trials=self, **options)``."""
        options.pop("allow_trials_fmin", None)
        return run(self, fn, space, algo, max_evals, **options)


def checked_trials(trials: Any) -> Trials:
    """The Trials that were given, new ones for None, or an error that says what was given."""
    if trials is None:
        return Trials()
    if not isinstance(trials, Trials):
        raise TypeError(f"`trials` must be Trials() or SparkTrials(), but got {trials!r}")
    return trials
