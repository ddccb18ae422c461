"""SparkTrials: live documents of trials that run as Spark tasks."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Sequence
from typing import Any

from ..checks import whole
from ..events import Budget, Cancelled, Finished, Started
from ..exceptions import AllTrialsFailed, BadSearchSpace
from ..following import follow
from ..history import ENDED, History, Trial
from ..history.documents import document_of
from ..history.failures import failure_text
from ..run import advise_if_blind
from ..search import search
from ..space.tree import Values
from ..suggest.random import Random
from ..tracking.runs import tracked
from ..tracking.words import params_of_run
from ..trials.spark import (
    FMIN_CANCELLED_REASON_EARLY_STOPPING,
    FMIN_CANCELLED_REASON_LOSS_THRESHOLD,
    FMIN_CANCELLED_REASON_TIMEOUT,
    FMIN_CANCELLED_REASON_USER,
)
from ..trials.spark import SparkTrials as Host
from . import rand
from .base import (
    JOB_STATE_CANCEL,
    JOB_STATE_DONE,
    JOB_STATE_ERROR,
    JOB_STATE_NEW,
    JOB_STATE_RUNNING,
    STATUS_OK,
    Domain,
    Trials,
    spec_from_misc,
)
from .documents import Document, documents_in
from .loop import answer_of, save, set_up
from .points import insert_points
from .randomness import seed_from, seed_in
from .utils import coarse_utcnow

__all__ = [
    "FMIN_CANCELLED_REASON_EARLY_STOPPING", "FMIN_CANCELLED_REASON_LOSS_THRESHOLD",
    "FMIN_CANCELLED_REASON_TIMEOUT", "FMIN_CANCELLED_REASON_USER", "SparkTrials",
]  # fmt: skip


class SparkTrials(Trials):
    """Trials that run as Spark tasks, with documents as ``Trials`` has them.

    A candidate is drawn whenever a task's place is free. An exception of the objective fails its
    trial alone. The arguments are those of ``sparktune.SparkTrials``, which see.

    Args:
        parallelism: how many trials at a time; None for as many as the cluster can run.
        timeout: seconds after which a run ends.
        loss_threshold: a loss at which a run ends.
        spark_session: the session, classic or Spark Connect; None for the active one.
        resource_profile: of pyspark, for the trials' tasks.
        **options: further arguments of ``sparktune.SparkTrials``, such as ``mode="driver"``.
    """

    asynchronous = True

    def __init__(
        self,
        parallelism: int | None = None,
        timeout: float | None = None,
        loss_threshold: float | None = None,
        spark_session: Any = None,
        resource_profile: Any = None,
        **options: Any,
    ) -> None:
        if "journal" in options:
            raise ValueError(
                "`journal` is of sparktune.SparkTrials; here fmin(trials_save_file=...) keeps them"
            )
        super().__init__()
        self._host = Host(
            parallelism, timeout, loss_threshold, spark_session, resource_profile, **options
        )
        self._fmin_cancelled = False

    @property
    def parallelism(self) -> int:
        """How many trials at a time."""
        return self._host.parallelism

    @property
    def user_specified_parallelism(self) -> int | None:
        """How many trials at a time were asked for."""
        return self._host.user_specified_parallelism

    @property
    def timeout(self) -> float | None:
        """Seconds after which a run ends."""
        seconds: float | None = self._host.timeout
        return seconds

    @property
    def loss_threshold(self) -> float | None:
        """A loss at which a run ends."""
        loss: float | None = self._host.loss_threshold
        return loss

    @property
    def fmin_cancelled_reason(self) -> str | None:
        """Why the last run ended early; None where it did not."""
        return self._host.fmin_cancelled_reason

    def log_to_mlflow(self, timeout: float = 600.0) -> int:
        """Log the trials of the last run that MLflow lacks; see ``sparktune.Trials``."""
        return self._host.log_to_mlflow(timeout)

    def count_successful_trials(self) -> int:
        """How many trials have a loss."""
        done = documents_in(self.documents, JOB_STATE_DONE)
        return sum(document["result"]["status"] == STATUS_OK for document in done)

    def count_failed_trials(self) -> int:
        """How many trials failed: raised, or returned another status than ok."""
        done = self.count_by_state_unsynced(JOB_STATE_DONE)
        return done - self.count_successful_trials() + self.count_by_state_unsynced(JOB_STATE_ERROR)

    def count_cancelled_trials(self) -> int:
        """How many trials were stopped before their end."""
        return self.count_by_state_unsynced(JOB_STATE_CANCEL)

    def count_total_trials(self) -> int:
        """How many trials there are in all."""
        return len(self.documents)

    def fmin(
        self,
        fn: Callable[..., Any],
        space: Any,
        algo: Any = None,
        max_evals: Any = None,
        timeout: Any = None,
        loss_threshold: Any = None,
        max_queue_len: int = 1,
        rstate: Any = None,
        verbose: Any = False,
        pass_expr_memo_ctrl: bool | None = None,
        catch_eval_exceptions: bool = False,  # noqa: ARG002 (always so on Spark)
        return_argmin: bool = True,
        show_progressbar: Any = True,
        early_stop_fn: Any = None,
        trials_save_file: Any = "",
        points_to_evaluate: Any = None,
    ) -> Any:
        """``fmin`` on Spark; see there."""
        fn, space, algo, generator = set_up(
            fn, space, algo, rstate, timeout, loss_threshold,
            max_evals=max_evals, max_queue_len=max_queue_len, early_stop_fn=early_stop_fn,
            show_progressbar=show_progressbar, trials_save_file=trials_save_file,
            points=points_to_evaluate or (),
        )  # fmt: skip
        domain = Domain(fn, space, pass_expr_memo_ctrl=pass_expr_memo_ctrl)
        if domain.space is None:
            raise BadSearchSpace("the space has no hyperparameter to search on Spark")
        if domain.pass_expr_memo_ctrl:
            raise ValueError(
                "`pass_expr_memo_ctrl` hands out this process's own objects, so it works with "
                "Trials() only"
            )
        if not _is_random(algo):
            advise_if_blind(self._host.parallelism_given, max_evals)
        given = insert_points(self, points_to_evaluate or ())
        self.pass_over_drawn(generator)
        is_open = max_evals is None or max_evals >= sys.maxsize
        more = None if is_open else max_evals + given - len(self)
        budget = Budget(
            None if more is None else max(0, more) + len(self.waiting()),
            self.timeout if timeout is None else timeout,
            self.loss_threshold if loss_threshold is None else loss_threshold,
        )
        ended = [d for d in self.trials if d["state"] == JOB_STATE_DONE]
        losses = (d["result"].get("loss") for d in ended)
        earlier = len(ended), min((x for x in losses if x is not None and x == x), default=math.inf)
        self._host.delete_all()
        self._fmin_cancelled = False
        with self._host.run(domain.space) as history:
            run, engine = _Run(self, domain, algo, generator, history), self._host.engine()
            ahead = whole("max_queue_len", max_queue_len) - 1
            points = tuple(run.points())
            params = params_of_run(algo, seed_in(rstate), budget, self._host.parallelism_given)
            show = show_progressbar if verbose else False

            def note(event: Any) -> None:
                run.take(event)
                if isinstance(event, Finished):
                    self.refresh()
                    save(self, trials_save_file)

            try:
                with tracked(self._host.tracking, self._host.place, history, params) as tracker:
                    events = search(
                        fn, domain.space, run, engine, history, budget, 0, queue_ahead=ahead,
                        points=points, build=run.build, settings=self._host.settings,
                        token=self._host.token, host=self,
                        tracked=tracker,
                    )  # fmt: skip
                    watchers = [note] if tracker is None else [tracker.take, note]
                    follow(
                        events, self._host, self, history, engine, budget, show, early_stop_fn,
                        watchers, earlier=earlier,
                    )  # fmt: skip
            finally:
                run.cut()
                self._fmin_cancelled = self.fmin_cancelled_reason is not None
                self.refresh()
        if not self.count_successful_trials():
            raise AllTrialsFailed(failure_text(history))
        return answer_of(self, space, return_argmin)

    def waiting(self) -> list[Document]:
        """The documents that nobody has begun."""
        return documents_in(self.documents, JOB_STATE_NEW)


def _is_random(algo: Any) -> bool:
    """Whether a suggest function is random search, of this package or of sparktune."""
    while hasattr(algo, "func"):  # a functools.partial
        algo = algo.func
    return algo is rand.suggest or getattr(algo, "suggester", None) is Random


class _Run:
    """Gives a search its candidates from an algo, and takes what became of them into documents."""

    def __init__(
        self, trials: SparkTrials, domain: Domain, algo: Any, generator: Any, history: History
    ) -> None:
        self._trials, self._domain, self._algo = trials, domain, algo
        self._generator, self._history = generator, history
        self._documents: list[Document] = []  # by number of the trial

    def points(self) -> list[Values]:
        """The points of documents that wait already."""
        self._documents = self._trials.waiting()
        return [self._checked(document) for document in self._documents]

    def suggest(self, _space: Any, _history: Any, _rng: Any, k: int, *_: Any) -> list[Values]:
        """Ask the algo for k documents; see Suggester."""
        trials = self._trials
        ids = trials.new_trial_ids(k)
        trials.refresh()
        documents: Sequence[Document] = self._algo(
            ids, self._domain, trials, seed_from(self._generator)
        )
        trials.note_batch(len(documents))
        trials.insert_trial_docs(documents)
        trials.refresh()
        self._documents += documents
        return [self._checked(document) for document in documents]

    def _checked(self, document: Document) -> Values:
        return self._history.space.check(spec_from_misc(document["misc"]))

    def build(self, values: Values) -> Any:
        """The configuration of a candidate."""
        return self._domain.built(values)

    def take(self, event: Any) -> None:
        """Write into documents what happened."""
        if isinstance(event, Started):
            document = self._documents[event.trial.number]
            document["state"] = JOB_STATE_RUNNING
            document["book_time"] = document["refresh_time"] = coarse_utcnow()
        elif isinstance(event, Finished):
            self._finish(event.trial)
        elif isinstance(event, Cancelled):
            self._documents[event.trial.number]["state"] = JOB_STATE_CANCEL

    def _finish(self, trial: Trial) -> None:
        document, outcome = self._documents[trial.number], trial.outcome
        as_one = document_of(trial, self._history.space, None)
        document["state"], document["result"] = as_one["state"], as_one["result"]
        document["owner"], document["refresh_time"] = as_one["owner"], coarse_utcnow()
        if "error" in as_one["misc"] and as_one["state"] == JOB_STATE_ERROR:
            document["misc"]["error"] = as_one["misc"]["error"]
        for name, thing in (outcome.attachments if outcome is not None else {}).items():
            self._trials.trial_attachments(document)[name] = thing

    def cut(self) -> None:
        """Take what ended with the run, and mark what its end cut off."""
        for number, document in enumerate(self._documents):
            if document["state"] not in (JOB_STATE_NEW, JOB_STATE_RUNNING):
                continue
            if number < len(self._history) and self._history[number].status in ENDED:
                self._finish(self._history[number])
            else:
                document["state"] = JOB_STATE_CANCEL
