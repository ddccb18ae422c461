"""What has been tried: a fold of records, with numpy columns for the suggesters.

The file is long because the fold and the columns that it keeps up to date are one thing.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..exceptions import InvalidTrial
from ..plurals import plural
from ..space.distributions import Array
from ..space.tree import Space, Values
from .records import Ended, Record, Reported, Requeued, Started
from .reports import Reports
from .same_space import refuse_other
from .sink import Sink
from .trial import ENDED, Outcome, Status, Trial, no_trial

__all__ = ["History"]


class History:
    """All trials of one search, by number, with columns of numpy arrays.

    Each trial is encoded once. Rows are immutable; the columns grow in place and are handed out as
    read-only views, valid until the next trial is started. A trial's values are what is recorded;
    its row of ``X`` is always encoded from them, so that a history that was read back has the rows
    that it had.

    Args:
        space: the space that the trials are candidates of.
        sink: keeps every record beyond this process; None keeps them in memory only. Copies of a
            history have none.

    Attributes:
        lock: held by whoever changes the history, and by a Pruner that reads it.
    """

    def __init__(self, space: Space, sink: Sink | None = None) -> None:
        self.space = space
        self.sink = sink
        self._trials: list[Trial] = []
        self._X = np.empty((0, len(space)))
        self._y = np.empty(0)
        self._variance = np.empty(0)
        self._status = np.empty(0, np.int8)
        self._counts = dict.fromkeys(Status, 0)
        self._best: int | None = None
        self._reports = Reports()
        self.lock = threading.RLock()

    def __len__(self) -> int:
        return len(self._trials)

    def __repr__(self) -> str:
        told = {status: self.count(status) for status in Status}
        counts = ", ".join(f"{n} {s.name.lower()}" for s, n in told.items() if n) or "none yet"
        return f"<History of {plural(len(self), 'trial')}: {counts}>"

    def __iter__(self) -> Iterator[Trial]:
        return iter(tuple(self._trials))

    def __getitem__(self, number: int) -> Trial:
        return self._trials[number]

    @property
    def X(self) -> Array:  # noqa: N802 (the field's name)
        """(n, d) latents of the trials, a column for each of ``space.labels``, nan where inactive.

        A latent is the coordinate in which a label is searched: the natural logarithm of the value
        for loguniform, lognormal and their q forms, the index of the option for a choice, and the
        value itself for all others.
        """
        return self._view(self._X)

    @property
    def y(self) -> Array:
        """(n,) losses, nan for trials without one."""
        return self._view(self._y)

    @property
    def variance(self) -> Array:
        """(n,) variances of the losses as the objective stated them, 0 where it did not."""
        return self._view(self._variance)

    @property
    def status(self) -> NDArray[np.int8]:
        """(n,) Status of each trial."""
        return self._view(self._status)

    def _view(self, column: NDArray[Any]) -> NDArray[Any]:
        view = column[: len(self)]
        view.flags.writeable = False
        return view

    def copy(self) -> History:
        """Another history of the same trials, which goes on by itself."""
        with self.lock:
            other = self._columns()
            other._X, other._reports = self._X.copy(), self._reports_of(other)
        return other

    def hiding(self, numbers: Collection[int]) -> History:
        """The history as it would be if some trials were under way and had reported nothing.

        Of the others it is told what they report later, and nothing else. Costs O(n).
        """
        with self.lock:
            other = self._columns()
            other._reports = self._reports.hiding(numbers)
        for number in set(numbers) - set(other.apart.tolist()):
            other._trials[number] = replace(other._trials[number], outcome=None, cut=False)
            other._set_status(number, Status.PENDING)
            other._y[number], other._variance[number] = np.nan, 0.0
        if other._best in numbers:
            found = np.flatnonzero(other.y == np.nanmin(other.y, initial=np.inf))
            other._best = int(found[0]) if len(found) else None
        return other

    def _columns(self) -> History:
        """Another history of the same trials, with the rows of this one."""
        other = History(self.space)
        other._trials, other._X = list(self._trials), self._X
        other._y, other._status = self._y.copy(), self._status.copy()
        other._variance = self._variance.copy()
        other._counts, other._best = dict(self._counts), self._best
        return other

    def adopt(self, space: Space) -> None:
        """Go on in ``space``, which must have the same labels, distributions, branches and options.

        Raises:
            BadSearchSpace: it has not; the message names what differs.
        """
        if space is self.space:
            return
        refuse_other(self.space, space)
        space.declared = self.space.declared  # an objective may have changed options since
        self.move(space)

    def move(self, space: Space) -> None:
        """Go on in a space of the same candidates, as whoever calls this has made sure."""
        if space.labels != self.space.labels:
            columns = [self.space.column[label] for label in space.labels]
            self._X = self._X[:, columns]
        self.space = space

    def changed(self, space: Space, values: Iterable[Values | None]) -> History:
        """The same trials in another space, as a history of its own; see changed.py.

        Numbers, attempts, outcomes and reports are the same. A trial without values in ``space``
        is kept apart: in the record with its own values and their space, but nan in ``X`` and
        ``y``, APART in ``status``, and out of ``best``, ``ended``, ``pending``, ``cut`` and
        ``reports_at``, so that a suggester or pruner sees neither an observation nor a candidate
        that was tried. Costs some 10 microseconds a trial.

        Args:
            space: of the new history.
            values: of each trial there, None for those that are to be apart.
        """
        other = History(space)
        with self.lock:
            for trial, each in zip(self._trials, values, strict=True):
                if each is None:
                    other._add(replace(trial, apart=trial.space_in(self.space)))
                else:
                    other._add(replace(trial, values=MappingProxyType(dict(each)), apart=None))
            other._reports = self._reports_of(other)
        return other

    def _reports_of(self, other: History) -> Reports:
        """The reports of these trials for another history of them."""
        return Reports(self._reports.pairs, apart=other.apart.tolist())

    @property
    def apart(self) -> NDArray[np.intp]:
        """Numbers of the trials that the space does not have; see ``changed``."""
        return np.flatnonzero(self.status == Status.APART)

    def count(self, *statuses: Status) -> int:
        """How many trials have one of these statuses."""
        return sum(self._counts[status] for status in statuses)

    @property
    def ended(self) -> NDArray[np.intp]:
        """Numbers of the trials that count as an evaluation."""
        return np.flatnonzero(np.isin(self.status, ENDED))

    @property
    def pending(self) -> list[Trial]:
        """The trials that are under way."""
        return self._with(Status.PENDING)

    @property
    def left(self) -> list[Trial]:
        """The trials that are under way and that nobody who shares the record evaluates."""
        return self.pending if self.sink is None else self.sink.left(self)

    def listen(self, wake: Callable[[], None], max_evals: int | None) -> None:
        """Begin a run: call ``wake``, in any thread, when others have recorded something.

        Where they have taken what ``max_evals`` leaves, ``resume`` is refused.
        """
        if self.sink is not None:
            self.sink.listen(wake, max_evals)

    @property
    def cut(self) -> list[Trial]:
        """The trials that the end of their run cut off, and that no other has begun again."""
        return self._with(Status.CUT)

    def _with(self, status: Status) -> list[Trial]:
        return [self._trials[number] for number in np.flatnonzero(self.status == status)]

    def reports(self, number: int) -> tuple[tuple[int, float], ...]:
        """The (step, value) pairs that a trial reported, those of earlier attempts left out."""
        return self._reports.of(number)

    def report_count(self, number: int) -> int:
        """How many reports a trial has made."""
        return self._reports.count(number)

    def last_report(self, number: int) -> tuple[int, float] | None:
        """The (step, value) that a trial reported last, None where it reported nothing."""
        return self._reports.last(number)

    def furthest_before_last(self, number: int) -> float:
        """The furthest step that a trial had reported before its last report; -inf if none."""
        return self._reports.furthest_before_last(number)

    @property
    def furthest_step(self) -> float:
        """The furthest step that any trial has reported; -inf without reports. Costs O(n)."""
        return self._reports.furthest

    def reports_at(self, step: int) -> tuple[NDArray[np.intp], Array]:
        """Numbers of the trials that reported at a step, and what they did: two (m,) arrays.

        A trial that reported several times at the step has the last of these values. The arrays
        are valid until the next report.
        """
        return self._reports.at(step)

    @property
    def best(self) -> Trial | None:
        """The trial with the lowest loss, the earliest of them where several have it."""
        return None if self._best is None else self._trials[self._best]

    def reserve(self, k: int, max_evals: int | None = None) -> Sequence[int]:
        """Numbers for the next k trials.

        Where others share the record, nobody else gets these numbers, and there are fewer where
        others have taken what ``max_evals`` leaves.
        """
        if self.sink is None:
            return range(len(self), len(self) + k)
        return self.sink.reserve(len(self), k, max_evals)

    def start(
        self, batch: Sequence[Values], now: float, numbers: Sequence[int] | None = None
    ) -> list[Trial]:
        """Add pending trials.

        Args:
            batch: their values.
            now: in seconds since the epoch.
            numbers: of ``reserve``; None for the next ones.

        Raises:
            InvalidTrial: values that are no candidate of the space; nothing is added.
        """
        numbers = self.reserve(len(batch)) if numbers is None else numbers
        self.apply(Started(batch, now, numbers))
        return [self._trials[number] for number in numbers]

    def refresh(self) -> list[Record]:
        """What others have recorded since the last time; it is in the history now."""
        return [] if self.sink is None else self.sink.refresh(self)

    def follow(self, record: Record) -> None:
        """Fold in what others have recorded, which the sink has already."""
        with self.lock:
            sink, self.sink = self.sink, None
            try:
                self.apply(record)
            finally:
                self.sink = sink

    def report(self, number: int, attempt: int, step: int, value: float) -> None:
        """Record an intermediate value of a pending trial.

        Raises:
            InvalidTrial: as in ``finish``.
        """
        self.apply(Reported(number, attempt, step, value))

    def requeue(self, number: int, why: str = "lost") -> Trial:
        """Give a pending trial its next attempt; answers of earlier ones are refused then.

        Args:
            number: of the trial.
            why: "lost", and it is pending again; or "cut", and it waits for ``resume``.

        Raises:
            InvalidTrial: no such trial, or one that is not pending.
        """
        self.apply(Requeued(number, why))
        return self._trials[number]

    def resume(self, number: int) -> Trial:
        """Begin a trial again that was cut off: it is pending.

        Raises:
            InvalidTrial: it was not cut off.
            TakenElsewhere: others that share the record have begun it, or have left no room.
        """
        self.apply(Requeued(number, "resumed"))
        return self._trials[number]

    def finish(self, number: int, attempt: int, outcome: Outcome) -> Trial:
        """Record the outcome of a pending trial, once.

        Raises:
            InvalidTrial: no such trial, one that has an outcome already, an attempt other than the
                current one, or an outcome that ends nothing.
        """
        self.apply(Ended(number, attempt, outcome))
        return self._trials[number]

    def apply(self, record: Record) -> None:
        """Fold one record in."""
        with self.lock:
            _FOLDS[type(record)](self, record)

    def records(self) -> Iterator[Record]:
        """Records that give these trials as they stand: by batch, with reports and outcomes."""
        begun = (trial for trial in self if not trial.reserved)
        for _, together in groupby(begun, key=lambda trial: trial.batch):
            batch = list(together)
            yield Started([trial.values for trial in batch], batch[0].started)
            for trial in batch:
                number, attempt = trial.number, trial.attempt
                for done in range(attempt):
                    yield Requeued(number, "cut" if trial.cut and done + 1 == attempt else "lost")
                for step, value in self.reports(number):
                    yield Reported(number, attempt, step, value)
                if trial.outcome is not None:
                    yield Ended(number, attempt, trial.outcome)

    def _start(self, record: Started) -> None:
        pairs, now, known = self.space.encoder.pairs(record.values), record.now, len(self)
        numbers = record.numbers or range(known, known + len(pairs))
        for number in numbers if numbers[0] < known else ():
            if number < known and not self._trials[number].reserved:
                raise InvalidTrial(f"trial {number} was begun already")
        if self.sink is not None:
            self._keep(Started([values for values, _ in pairs], now, numbers))
        for number, (values, row) in zip(numbers, pairs, strict=True):
            trial = Trial(number, 0, MappingProxyType(values), now, batch=numbers[0])
            while number > len(self._trials):
                place = len(self._trials)
                self._append(Trial(place, 0, {}, now, reserved=True), self._nothing)
            if number == len(self._trials):
                self._append(trial, row)
            else:
                self._trials[number], self._X[number] = trial, row
                self._set_status(number, trial.status)

    @property
    def _nothing(self) -> Array:
        """The row of a trial that the space does not have."""
        return np.full(len(self.space), np.nan)

    def _append(self, trial: Trial, row: Array | list[float]) -> None:
        """Take a trial in, as it stands."""
        number, status = trial.number, trial.status
        if number == len(self._y):
            self._grow()
        self._X[number], self._y[number], self._variance[number] = row, np.nan, 0.0
        self._status[number] = status
        self._counts[status] += 1
        self._trials.append(trial)
        self._note_loss(trial)

    def _add(self, trial: Trial) -> None:
        """Take a trial in that comes from another history."""
        if trial.outcome is not None:
            _refuse_no_end(trial.number, trial.outcome)
        there = trial.apart is None
        self._append(trial, self.space.encode(trial.values) if there else self._nothing)

    def _grow(self) -> None:
        more = max(64, len(self._y))
        self._X = np.concatenate([self._X, np.empty((more, len(self.space)))])
        self._y = np.concatenate([self._y, np.empty(more)])
        self._variance = np.concatenate([self._variance, np.empty(more)])
        self._status = np.concatenate([self._status, np.empty(more, np.int8)])

    def _report(self, record: Reported) -> None:
        self._current(record.number, record.attempt)
        if self.sink is not None:
            self.sink.note(record)
        self._reports.add(record.number, record.step, record.value)

    def _requeue(self, record: Requeued) -> None:
        if record.why == "resumed":
            self._resume(record)
            return
        trial = self.pending_trial(record.number)
        self._keep(record)
        cut = record.why == "cut"
        self._trials[trial.number] = replace(trial, attempt=trial.attempt + 1, cut=cut)
        self._reports.forget(trial.number)
        if cut:
            self._set_status(trial.number, Status.CUT)

    def _resume(self, record: Requeued) -> None:
        number = record.number
        if not 0 <= number < len(self) or self._status[number] != Status.CUT:
            raise InvalidTrial(f"trial {number} was not cut off, so it cannot be begun again")
        self._keep(record)
        self._trials[number] = replace(self._trials[number], cut=False)
        self._set_status(number, Status.PENDING)

    def _keep(self, record: Record) -> None:
        """Keep a record, before anything of it is in the history."""
        if self.sink is not None:
            self.sink.append(record)

    def _finish(self, record: Ended) -> None:
        number, outcome = record.number, record.outcome
        trial = self._current(number, record.attempt)
        _refuse_no_end(number, outcome)
        self._keep(record)
        self._trials[number] = trial = trial.with_outcome(outcome)
        self._set_status(number, outcome.status)
        self._note_loss(trial)

    def _note_loss(self, trial: Trial) -> None:
        """Take the loss of a trial in, where it has one and counts."""
        if trial.loss is not None and trial.apart is None:
            self._y[trial.number] = trial.loss
            self._variance[trial.number] = trial.variance
            best = self.best
            if best is None or (trial.loss, trial.number) < (best.loss, best.number):
                self._best = trial.number

    def _set_status(self, number: int, status: Status) -> None:
        self._counts[Status(self._status[number])] -= 1
        self._counts[status] += 1
        self._status[number] = status

    def pending_trial(self, number: int) -> Trial:
        """The trial of a number, which must be under way.

        Raises:
            InvalidTrial: no such trial, or one that has ended or was cut off.
        """
        if not 0 <= number < len(self._trials):
            raise InvalidTrial(no_trial(number, len(self)))
        trial = self._trials[number]
        if trial.apart is not None:
            raise InvalidTrial(
                f"trial {number} is of an earlier space, and the space as it was changed since "
                "does not have it"
            )
        if trial.status is not Status.PENDING:
            raise InvalidTrial(f"trial {number} has ended already as {trial.status.name}")
        return trial

    def _current(self, number: int, attempt: int) -> Trial:
        """The pending trial of a number, which must be at this attempt."""
        trial = self.pending_trial(number)
        if attempt != trial.attempt:
            raise InvalidTrial(
                f"trial {number} is at attempt {trial.attempt}; attempt {attempt} came too late"
            )
        return trial

    def __getstate__(self) -> dict[str, Any]:
        with self.lock:
            trials, pairs = list(self._trials), self._reports.pairs
            reports = {number: list(each) for number, each in pairs.items()}
        return {"space": self.space, "trials": trials, "reports": reports}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["space"])  # type: ignore[misc]
        self.extend(state["trials"])
        self._reports = Reports(state["reports"], apart=self.apart.tolist())

    def extend(self, trials: Iterable[Trial]) -> None:
        """Add recorded trials, renumbered from the end of this history, as they stand."""
        first = len(self)
        with self.lock:
            for old in trials:
                values, number = MappingProxyType(dict(old.values)), len(self)
                batch = first + old.batch
                self._add(replace(old, number=number, values=values, batch=batch))


def _refuse_no_end(number: int, outcome: Outcome) -> None:
    if outcome.status not in (*ENDED, Status.CANCELLED):
        raise InvalidTrial(f"trial {number} cannot end as {outcome.status.name}")


_FOLDS: dict[type, Any] = {
    Started: History._start,
    Reported: History._report,
    Requeued: History._requeue,
    Ended: History._finish,
}
