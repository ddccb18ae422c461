"""Ask and tell: a search whose user evaluates the candidates by means of their own."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, overload

import numpy as np

from .algo import suggester_of
from .checks import whole
from .engines.travels.trial import checked_report
from .exceptions import BadSearchSpace, InvalidTrial, TakenElsewhere
from .history import History, Outcome, Status, Trial
from .history.results import failure_of
from .known import Known, check_points, record, record_new, told
from .plurals import plural
from .prune import asked, pruner_of
from .run import seed_of
from .search import new_points, propose, trial_seed
from .space.points import values_of
from .space.tree import Space, Values
from .suggest.recommended import Recommended
from .suggest.tpe import TPE
from .trials.record import Trials, checked_trials
from .unpickling import loads
from .views.page import page_of
from .views.standing import Standing
from .views.text import text_of

__all__ = ["Candidate", "Tuner"]


@dataclass(frozen=True)
class Candidate:
    """A point to evaluate; it can be pickled and sent anywhere.

    Attributes:
        number: of its trial, by which ``tell`` and ``cancel`` know it, too.
        values: label to value, active labels only; a choice holds the index of its option.
        config: the configuration, as an objective would receive it.
        seed: a whole number below 2**32, the same for this trial in every repetition of the search.
    """

    number: int
    values: Values = field(hash=False)
    config: Any = field(compare=False)
    seed: int


class Tuner:
    """A search without a loop of its own: ask for candidates, evaluate them anywhere, tell.

    Whatever was asked and not told yet is pending, and the next ``ask`` takes it into account.
    The same seed and the same sizes of batches give the candidates that ``fmin`` tries. An ``ask``
    costs one refit of ``algo``, whatever its ``k``; nothing runs between two calls. They may come
    from several threads: each waits for the one before. What a run with the same ``trials`` cut off
    is handed out first, with the number that it had.

    Between two calls a Tuner can be pickled, with its pending trials and with an ``algo`` of one's
    own; it goes on as if it had not been. A new Tuner or an ``fmin`` with the same ``trials`` goes
    on as well, but ``fmin`` takes over what is pending when it begins and evaluates it first: a
    result that comes after that is recorded by ``add``.

    Args:
        space: nested dicts, lists and tuples with ``hp.…`` nodes, or a Space.
        algo: as in ``fmin``.
        trials: where the trials are recorded; any there count, and may be of ``fmin`` or of other
            Tuners. New ones for None.
        rstate: the seed, as in ``fmin``.
        max_evals: evaluations planned in all, at least 1, by which a suggester measures its start
            and when it turns from exploring to refining; None leaves it open. More may be asked
            for.
        points_to_evaluate: points to hand out first, in any form that ``fmin`` takes; pairs (point,
            result) are recorded at once, and those that ``trials`` hold are left out.
        pruner: as in ``fmin``; answers in ``report``.

    Attributes:
        trials: the record; its views and tables work as after ``fmin``.
        space: as a Space.
        seed: the whole number from which all randomness comes.

    Raises:
        BadSearchSpace, DuplicateLabel: the space cannot be searched, or ``trials`` were made in
            another one.
        InvalidTrial: a point of ``points_to_evaluate`` does not fit the space.
        TypeError, ValueError: an argument of a wrong type or out of its range.
        RuntimeError: here and in every method, while an ``fmin`` runs with the same ``trials``.
    """

    def __init__(
        self,
        space: Any,
        algo: Any = None,
        trials: Trials | None = None,
        *,
        rstate: Any = None,
        max_evals: int | None = None,
        points_to_evaluate: Iterable[Any] | None = None,
        pruner: Any = None,
    ) -> None:
        self._pruner = pruner
        self._stopping: set[tuple[int, int]] = set()
        pruner_of(pruner)
        self.trials = checked_trials(trials)
        self.space = Space.of(space)
        self._max_evals = whole("max_evals", max_evals, none=True)
        points, known = check_points(points_to_evaluate, self.space)
        self._algo = algo
        self._suggester = suggester_of(algo, TPE(), self.trials)
        seed = seed_of(rstate, self.trials.seed)
        with self.trials.step(self.space) as history:
            record_new(history, known)
            self.space = history.space  # that of the trials, where it is kept
            self._points = new_points(history, points)
            self.seed = self.trials.agree(seed, rstate is not None)

    def __repr__(self) -> str:
        return text_of(self._heading, Standing(self.trials.history))

    def _repr_html_(self) -> str:
        return page_of(self._heading, Standing(self.trials.history))

    @property
    def history(self) -> History | None:
        """That of its trials."""
        return self.trials.history

    @property
    def _heading(self) -> str:
        return f"Tuner of {plural(len(self.space), 'label')}, seed {self.seed}"

    def __getstate__(self) -> dict[str, Any]:
        import cloudpickle  # algo may be a function of a script

        state = {**self.__dict__, "_algo": cloudpickle.dumps(self._algo)}
        state["_pruner"] = cloudpickle.dumps(self._pruner)
        del state["_suggester"]
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._algo, self._pruner = loads(state["_algo"]), loads(state["_pruner"])
        self._suggester = suggester_of(self._algo, TPE(), self.trials)

    @overload
    def ask(self, k: None = None) -> Candidate: ...
    @overload
    def ask(self, k: int) -> list[Candidate]: ...
    def ask(self, k: int | None = None) -> Candidate | list[Candidate]:
        """The next candidate, or a list of k from one refit; pending from now on.

        Args:
            k: None for one Candidate, or how many, at least 1.

        Raises:
            BadSearchSpace: an expression of the space raised for a candidate. Its trial is recorded
                as failed, nothing else is begun, and the next ``ask`` goes on.
            ValueError: ``k`` is neither None nor a whole number above 0.
        """
        count = whole("k", k, none=True) or 1
        with self.trials.step(self.space) as history:
            asked = self._begun(history, history.cut[:count], count)
            if len(asked) < count:
                history.refresh()
                asked += self._begun(history, [], count - len(asked))
        return asked[0] if k is None else asked

    def _begun(self, history: History, cut: list[Trial], count: int) -> list[Candidate]:
        """So many candidates, pending from now on; fewer where others have begun those cut off."""
        numbers = history.reserve(count - len(cut))
        drawn = propose(
            self.space, self._suggester, history, self._max_evals, self.seed, numbers, self._points
        )
        configs = []
        for j, values in enumerate(drawn):
            try:
                configs.append(self.space.build(values))
            except BadSearchSpace as error:
                record(history, Known(values, failure_of(error).outcome))
                del self._points[j : j + 1]  # those given come first in a batch
                raise
        begun = []
        for trial in cut:
            with contextlib.suppress(TakenElsewhere):
                begun.append(history.resume(trial.number))
        asked = [self._candidate(trial, self.space.build(trial.values)) for trial in begun]
        started = history.start(drawn, time.time(), numbers) if drawn else []
        del self._points[: len(drawn)]
        return asked + list(map(self._candidate, started, configs))

    def report(self, number: int | Candidate, step: int, value: float) -> bool:
        """Record an intermediate value of a candidate that is being evaluated.

        Args:
            number: of the trial, which has to be pending; or the Candidate itself.
            step: how far it is: a whole number.
            value: lower is better; a number, which may be NaN.

        Returns:
            Whether ``pruner`` has said, now or before, that the evaluation is to stop;
            ``tell(number, TrialPruned())`` records that it did. A result that it gives all the same
            can be told as any other.

        Raises:
            InvalidTrial: no trial of that number is pending.
            ValueError: a step or value that is none.
        """
        pair = checked_report(step, value)
        with self.trials.step(self.space) as history:
            trial = _pending(history, number)
            key = trial.number, trial.attempt
            history.report(*key, *pair)
            rule = pruner_of(self._pruner)
            with history.lock:
                if rule and key not in self._stopping and asked(rule, history, trial.number):
                    self._stopping.add(key)
                return key in self._stopping

    def tell(self, number: int | Candidate, result: Any) -> Trial:
        """Record what became of a candidate, once.

        Args:
            number: of the trial, which has to be pending; or the Candidate itself.
            result: what an objective returns: the loss, or a dict with ``loss`` and ``status`` and
                anything else worth keeping; a loss of NaN or ``STATUS_FAIL`` is a failed trial. Or
                an exception, for a trial that failed with it; TrialPruned for one that was stopped
                by what it reported.

        Returns:
            The trial with its outcome.

        Raises:
            InvalidTrial: no trial of that number is pending: it was never asked, was told already,
                or was given up.
            InvalidLoss, InvalidResultStatus: ``result`` is none; the trial stays pending.
        """
        with self.trials.step(self.space) as history:
            trial = _pending(history, number)
            return history.finish(trial.number, trial.attempt, told(result))

    def add(self, point: Any, result: Any) -> Trial:
        """Record an evaluation that was never asked for, such as one from before the search.

        Args:
            point: label to value of all active labels, with indices or options for choices; or the
                configuration itself, as in ``points_to_evaluate`` of ``fmin``.
            result: as in ``tell``.

        Returns:
            The new trial.

        Raises:
            InvalidTrial: ``point`` does not fit the space; the message names the label.
            InvalidLoss, InvalidResultStatus: ``result`` is none; nothing is recorded.
        """
        known = Known(values_of(self.space, point), told(result))
        with self.trials.step(self.space) as history:
            return record(history, known)

    def cancel(self, number: int | Candidate) -> Trial:
        """Give a pending trial up, by its number or Candidate: its point may be proposed again.

        Returns:
            The trial, cancelled.

        Raises:
            InvalidTrial: no trial of that number is pending.
        """
        with self.trials.step(self.space) as history:
            trial = _pending(history, number)
            return history.finish(trial.number, trial.attempt, Outcome(Status.CANCELLED))

    @property
    def pending(self) -> list[Candidate]:
        """What was asked and neither told nor given up, by number."""
        with self.trials.step(self.space) as history:
            return [self._candidate(t, self.space.build(t.values)) for t in history.pending]

    @property
    def best(self) -> dict[str, int | float]:
        """Label to value of the trial with the lowest loss; AllTrialsFailed without one."""
        return self.trials.argmin

    @property
    def best_config(self) -> Any:
        """The configuration of that trial, as an objective would receive it; errors as of ``best``.

        BadSearchSpace is raised where an expression of the space raises.
        """
        return self.space.build(self.best)

    @property
    def recommended(self) -> Recommended:
        """The trial that is believed to be the best; see ``Trials.recommended``.

        Raises:
            AllTrialsFailed: no trial has a loss.
        """
        return self.trials.recommended

    def _candidate(self, trial: Trial, config: Any) -> Candidate:
        seed = trial_seed(self.seed, trial.number)
        return Candidate(trial.number, dict(trial.values), config, seed)


def _pending(history: History, number: Any) -> Trial:
    """The pending trial of a number or Candidate that a user gave."""
    if isinstance(number, Candidate):
        values, number = number.values, number.number
        if not 0 <= number < len(history) or dict(history[number].values) != dict(values):
            raise InvalidTrial(
                f"that candidate is of another search: here trial {number} has other values"
            )
    if isinstance(number, bool) or not isinstance(number, (int, np.integer)):
        raise InvalidTrial(f"a trial is known by its number, a whole number, but got {number!r}")
    trial = history[int(number)] if 0 <= number < len(history) else None
    if trial is not None and trial.status is not Status.PENDING:
        after_all = "add(point, result) records a result that came after all"
        if trial.status is Status.CANCELLED:
            raise InvalidTrial(f"trial {number} was given up; {after_all}")
        if trial.attempt > 0:
            raise InvalidTrial(
                f"trial {number} was begun again by an fmin with the same trials, or by another "
                f"program that shares them, where it is {trial.status.name}; {after_all}"
            )
    return history.pending_trial(int(number))
