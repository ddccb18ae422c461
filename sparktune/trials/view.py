"""A record as its user sees it: documents in Hyperopt's shape, columns, the best trial, a table."""

from __future__ import annotations

import math
import operator
import os
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..exceptions import AllTrialsFailed
from ..history import ENDED, STATUS_FAIL, STATUS_OK, History, Status, Trial
from ..history.documents import document_of, params_of, result_of
from ..history.failures import error_of, failure_text
from ..history.savings import summary_of
from ..history.trial import no_trial
from ..importance import Importance, importance
from ..space.distributions import Array
from ..space.tree import Space
from ..suggest.recommended import Recommended, recommended
from ..unpickling import loads
from ..views.page import page_of
from ..views.standing import Standing
from ..views.text import text_of
from .optuna import study_of
from .tables import table_of

__all__ = ["View"]


class View(ABC):
    """What a history shows; changing a document does not change the history.

    Attributes:
        exp_key: a name that the documents carry.
    """

    def __init__(self, exp_key: str | None) -> None:
        self.exp_key = exp_key
        self._documents: dict[int, dict[str, Any]] = {}

    @property
    @abstractmethod
    def history(self) -> History | None:
        """The record itself: every trial, and numpy columns; None before the first run."""

    @property
    def _dynamic_trials(self) -> list[dict[str, Any]]:
        """Documents of all trials."""
        return [self._document(trial) for trial in self.history or ()]

    @property
    def trials(self) -> list[dict[str, Any]]:
        """Documents of the trials that count for ``max_evals``."""
        return [self._document(trial) for trial in self._counted()]

    def document(self, number: int) -> dict[str, Any]:
        """The document of the trial of this number; ValueError where there is none."""
        return self._document(self._trial(number))

    def _trial(self, number: int) -> Trial:
        count = 0 if self.history is None else len(self.history)
        try:
            index = operator.index(number)
        except TypeError:
            index = -1
        if self.history is None or not 0 <= index < count:
            raise ValueError(no_trial(number, count))
        return self.history[index]

    def _counted(self) -> list[Trial]:
        """The trials that count, by number."""
        history = self.history
        return [] if history is None else [history[number] for number in history.ended.tolist()]

    def _document(self, trial: Trial) -> dict[str, Any]:
        if trial.outcome is None:
            return document_of(trial, self._space, self.exp_key)
        if trial.number not in self._documents:
            last = None if self.history is None else self.history.last_report(trial.number)
            document = document_of(trial, self._space, self.exp_key, last)
            self._documents[trial.number] = document
        return self._documents[trial.number]

    @property
    def _space(self) -> Space:
        if self.history is None:
            raise ValueError("these trials belong to no search yet; fmin begins one")
        return self.history.space

    def __len__(self) -> int:
        return self._count(*ENDED)

    def __repr__(self) -> str:
        return text_of(self._heading, self._standing)

    def _repr_html_(self) -> str:
        return page_of(self._heading, self._standing)

    @property
    def _standing(self) -> Standing:
        """How these trials stand, for those who show it."""
        return Standing(self.history)

    @property
    def _heading(self) -> str:
        """What these trials are, in a line."""
        return type(self).__name__

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
        labels = self._space.labels if self.history is not None else ()
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
        losses = self._losses
        shown = losses.astype(object)
        shown[np.isnan(losses)] = None
        return list(shown)

    def statuses(self) -> list[str]:
        """The status of each trial's result."""
        return list(np.array([STATUS_OK, STATUS_FAIL], object)[np.isnan(self._losses).astype(int)])

    @property
    def _losses(self) -> Array:
        """(n,) losses of the trials that count, nan for those without one."""
        return np.empty(0) if self.history is None else self.history.y[self.history.ended]

    def errors(self) -> dict[int, str]:
        """Why trials failed or timed out: number to traceback or reason, and what they printed."""
        return {
            trial.number: error_of(trial)
            for trial in self.history or ()
            if trial.status in (Status.FAILED, Status.TIMED_OUT)
        }

    def load_result(self, number: int) -> Any:
        """What the objective of a trial returned, also where it was too large to send.

        What was too large is read from its file, and unpickled, at each call.

        Raises:
            FileNotFoundError: the file that holds it is not there (any more).
            ValueError: there is no trial of this number, or it has no result.
        """
        trial = self._trial(number)
        outcome = trial.outcome
        if outcome is None or outcome.status is not Status.OK:
            raise ValueError(f"trial {number} has no result: it is {trial.status.name}")
        if outcome.result_file is None:
            return result_of(outcome)
        return loads(Path(outcome.result_file).read_bytes())

    def trial_attachments(self, trial: Mapping[str, Any]) -> dict[str, Any]:
        """The attachments of the trial of a document; ValueError where there is no such trial."""
        outcome = self._trial(trial["tid"]).outcome
        return {} if outcome is None else dict(outcome.attachments)

    def count_by_state_synced(self, state: int) -> int:
        """How many trials are in a job state."""
        return sum(document["state"] == state for document in self._dynamic_trials)

    count_by_state_unsynced = count_by_state_synced

    # The answer.

    def _best(self) -> Trial:
        best = None if self.history is None else self.history.best
        if best is None:
            raise AllTrialsFailed(failure_text(self.history))
        return best

    @property
    def best_trial(self) -> dict[str, Any]:
        """The document of the trial with the lowest loss; AllTrialsFailed without one."""
        return self._document(self._best())

    @property
    def argmin(self) -> dict[str, int | float]:
        """Label to value of the best trial; a choice holds the index of its option.

        Raises:
            AllTrialsFailed: no trial has a loss.
        """
        return dict(self._best().values)

    @property
    def best_params(self) -> dict[str, Any]:
        """Label to real value of the best trial; a choice holds its option.

        These are the values as they were drawn. Where the space computes with them, the
        configuration that the objective received is ``space_eval(space, trials.argmin)``. Of trials
        that were loaded without their space, what an option computes stands as
        ``<int(3.0), not computed>``.

        Raises:
            AllTrialsFailed: no trial has a loss.
        """
        return params_of(self._best(), self._space)

    @property
    def recommended(self) -> Recommended:
        """The trial that is believed to be the best, with what is believed of its mean loss.

        Where losses have noise, the lowest of many is a lucky one. A Gaussian process fitted to all
        losses (and to the ``loss_variance`` that the objective states) says how much of a loss its
        neighbours bear out. Without noise it is the trial of the lowest loss. Costs a fit: 0.05 s
        for 128 trials of 10 labels, 0.2 s for 400, and hardly more beyond.

        Raises:
            AllTrialsFailed: no trial has a loss.
        """
        if self.history is None:
            raise AllTrialsFailed(failure_text(None))
        return recommended(self.history)

    @property
    def best_loss(self) -> float:
        """The lowest loss; AllTrialsFailed without one."""
        loss = self._best().loss
        return math.nan if loss is None else loss

    def count_successful_trials(self) -> int:
        """How many trials have a loss."""
        return self._count(Status.OK)

    def count_failed_trials(self) -> int:
        """How many trials ended without a loss; those that timed out among them."""
        return self._count(Status.FAILED, Status.TIMED_OUT)

    def count_pruned_trials(self) -> int:
        """How many trials a pruner ended; they have no loss."""
        return self._count(Status.PRUNED)

    def count_cancelled_trials(self) -> int:
        """How many trials were stopped before their end; those that were cut off among them."""
        return self._count(Status.CANCELLED, Status.CUT)

    def count_total_trials(self) -> int:
        """How many trials count for ``max_evals``, with or without a loss."""
        return self._count(*ENDED)

    def reports(self, number: int) -> tuple[tuple[int, float], ...]:
        """The (step, value) pairs that a trial reported, in the order in which they came.

        Raises:
            ValueError: there is no trial of this number.
        """
        trial = self._trial(number)
        return () if self.history is None else self.history.reports(trial.number)

    def summary(self) -> str:
        """How many trials there are of each kind, what pruning saved, and the best loss.

        The share of trial-seconds saved is an estimate: that a pruned trial would have made as many
        reports as those with a loss did in the mean, each in the time of its own.
        """
        return "no trials" if self.history is None else summary_of(self.history)

    def importance(self, method: str = "sobol", **settings: Any) -> Importance:
        """How much each label mattered: a mapping of labels to shares.

        They sum to 1, or are all 0 where none is found.

        Args:
            method: "sobol" (what varies the losses), "ped-anova" (what sets the best trials
                apart) or "ablation" (which changes from a default to the best configuration were
                worth it).
            settings: of the method; see ``sparktune.importance.importance``, also for the errors.
        """
        return importance(self, method, **settings)

    def _count(self, *statuses: Status) -> int:
        return 0 if self.history is None else self.history.count(*statuses)

    def report(self, path: str | os.PathLike[str], *, name: str | None = None) -> Path:
        """Write all that there is to see of these trials into one page of HTML.

        It needs nothing else, no network and no server: the best configuration as Python, the
        pictures, what each label mattered, why trials failed, and a table of all trials that can
        be sorted and searched. What trials brought is shown as text and never run. Trials that go
        on are shown as they are now; an older page of that name is replaced.

        Args:
            path: of the file, such as ``"run.html"``, in a folder that is there.
            name: the heading; None for ``exp_key``, or the kind of these trials without one.

        Returns:
            The path.

        Raises:
            OSError: it cannot be written there.
        """
        if name is not None and not isinstance(name, str):
            raise TypeError(f"`name` must be a text, but got {name!r:.100}")
        from ..report import document_of, page, write

        title = name or self.exp_key or type(self).__name__
        about = self._heading
        about = "" if about == title else about
        document = document_of(self.history, str(title), about=about, standing=self._standing)
        return write(path, page(document))

    def to_pandas(self) -> Any:
        """All trials as a pandas DataFrame, one row each, indexed by number.

        Columns: status, loss, last_step and last_value (of its last report), one
        ``params_<label>`` for each label (nan where inactive; a choice shows its options where all
        are texts, numbers, bools or None, else their indices), seconds, host, attempt, submitted
        (UTC; on Spark a trial may wait for a free slot after that), error.

        Raises:
            ImportError: pandas is not installed.
        """
        return table_of(self.history)

    def to_optuna(self, storage: Any = None, study_name: str | None = None) -> Any:
        """The trials that count for ``max_evals`` as a study of Optuna, for plots and dashboard.

        A label is a parameter of that name, where it is active; options that Optuna cannot hold
        stand as a short text. A label without bounds (``normal`` and its kin) has the range that
        was observed, widened by a tenth on each side; that, and what else Optuna has no
        distribution for, is said in the study's user attribute ``sparktune_distributions``. Trials
        that failed or ran out of time have the state FAIL. Reports, times, host, error, and what
        of ``info`` JSON can hold go along. A second call with the same ``study_name`` adds what is
        not there yet; a study that maximises gets the losses with the other sign.

        Args:
            storage: None for memory alone; a URL such as ``sqlite:///runs.db``; the path of a
                journal file; or a storage of Optuna's.
            study_name: of a new study, or of one that goes on; None for a new one of any name.

        Returns:
            The ``optuna.Study``.

        Raises:
            ImportError: Optuna is not installed.
            ValueError: there are no trials, or the study is of another space or of several
                objectives.
        """
        return study_of(self.history, storage, study_name)
