"""The only loop: suggest, evaluate, record, and again.

The file is long because the state of a search and all that changes it are one thing.
"""

from __future__ import annotations

import math
import queue
import time
import uuid
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import numpy as np

from .engines.base import Engine, Option, RunSpec, Task, Tracking
from .engines.settings import Settings
from .events import (
    Budget,
    Cancelled,
    CancelToken,
    Event,
    Finished,
    Requeued,
    Started,
    Stopped,
    StopReason,
)
from .exceptions import (
    BadSearchSpace,
    EngineStopped,
    InvalidTrial,
    RunCancelled,
    TakenElsewhere,
)
from .heard import Heard
from .history import ASIDE, ENDED, History, Outcome, Status, Trial
from .history.failures import error_of
from .history.records import Ended
from .history.records import Requeued as Taken
from .history.results import Answer, failure_of
from .plurals import plural
from .prune import Pruner
from .space.tree import Space, Values
from .suggest import Suggester

__all__ = ["new_points", "propose", "search", "trial_seed"]


def search(
    objective: Callable[..., Any],
    space: Space,
    suggester: Suggester,
    engine: Engine,
    history: History,
    budget: Budget,
    seed: int,
    *,
    batch: int | None = None,
    queue_ahead: int = 0,
    points: tuple[Values, ...] = (),
    build: Callable[[Values], Any] | None = None,
    settings: Settings | None = None,
    token: CancelToken | None = None,
    host: Any = None,
    pruner: Pruner | None = None,
    received: Callable[[int, Outcome], Outcome] | None = None,
    tracked: Tracking | None = None,
) -> Iterator[Event]:
    """Search, and hand out what happens as it happens.

    Whoever holds the iterator holds the search: closing it (leaving a ``for`` loop over
    ``contextlib.closing(search(...))``, or an exception) cancels what is under way, keeps every
    outcome that has arrived, cuts the rest off, and closes the engine.

    What an earlier search or a Tuner left without an outcome comes first, with the number and the
    parameters that it had. So a search that goes on after an end gives the trials of one that did
    not end there, where it is serial or in batches. Where trials run in the caller's thread, one
    under which the process has ended more often than ``settings.max_retries`` is failed instead.

    Args:
        objective: called with a configuration, and with ``trial=`` where it takes that keyword.
        space: where to search.
        suggester: proposes candidates.
        engine: evaluates candidates, such as ``Trials(parallelism=4).engine()``; opened and closed
            here.
        history: of ``space``; receives the trials, and may hold earlier ones.
        budget: when to end.
        seed: all randomness comes from it: a batch's generator from the seed and the number of
            the batch's first trial, a trial's own seed from the seed and its number.
        batch: None refits whenever a slot frees up; k, at least 1, evaluates k candidates of one
            refit and refits when all have ended, which gives the same trials on every engine.
        queue_ahead: without ``batch``, how many trials to draw beyond the engine's slots, at
            least 0.
        points: values to evaluate first, but for those that ``history`` holds.
        build: gives what the objective receives, ``space.build`` unless set.
        settings: how the trials are treated.
        token: ends the search from another thread.
        host: the Trials object that the objective must not take along to other processes; None
            for none.
        pruner: asked at each report whether its trial is to stop; ``engine`` has to hear reports.
            With ``batch`` it sees the trials of earlier batches and the one that reports, which
            waits for the answer.
        received: called in this process with number and outcome of each trial that it evaluated,
            before anything is recorded; gives the outcome to record.
        tracked: gives what trials have to know about MLflow.

    Yields:
        The events, in the order in which they happen; within a batch, by trial number.

    Raises:
        ValueError: ``batch`` is below 1, or ``queue_ahead`` below 0.
        UnpicklableObjective: the objective has to leave this process and cannot.
        InvalidTrial: the suggester gave another number of candidates than it was asked for.
        EngineStopped: the engine cannot go on, or one trial after the other failed before the
            objective began for a reason that they share.
        BaseException: what ``pruner`` raised; no trial fails of it.
    """
    run = _Run(
        space, suggester, engine, history, budget, seed, batch, queue_ahead,
        new_points(history, points),
        build or space.build, settings or Settings(), token or CancelToken(), pruner,
        received or (lambda _, outcome: outcome),
    )  # fmt: skip
    for name, value, least in (("batch", batch, 1), ("queue_ahead", queue_ahead, 0)):
        if value is not None and value < least:
            raise ValueError(f"`{name} >= {least}` must hold, but got {value}")
    for trial in history.left:  # of a Tuner, or of a run that did not end in this process
        history.requeue(trial.number, "cut")
    try:
        run.token.attach(lambda: run.arrivals.put(None))
        history.listen(lambda: run.arrivals.put(None), budget.max_evals)
        options = tuple(Option(*each) for each in space.constants)
        own = (history,) if host is None else (host, history)
        waits = pruner is not None and batch is not None
        spec = RunSpec(objective, run.run_id, options, run.settings, own, waits, tracked)
        engine.open(spec, run.heard.report)
        yield from run.events()
    finally:
        run.close()


def new_points(history: History, points: Sequence[Values]) -> list[Values]:
    """The points that a history does not hold, or only as what counts for nothing."""
    if not points:
        return []
    rows = (trial for trial in history if trial.status not in ASIDE)
    held = {frozenset(trial.values.items()) for trial in rows}
    return [point for point in points if frozenset(point.items()) not in held]


def propose(
    space: Space,
    suggester: Suggester,
    history: History,
    max_evals: int | None,
    seed: int,
    numbers: Sequence[int],
    points: Sequence[Values] = (),
) -> list[Values]:
    """The next batch: a candidate a number, first of ``points``, the rest from one refit.

    All randomness comes from the seed and the number of the batch's first trial.

    Raises:
        InvalidTrial: the suggester gave another number of candidates than it was asked for.
    """
    candidates = list(points[: len(numbers)])
    k = len(numbers) - len(candidates)
    if k > 0:
        rng = np.random.default_rng([seed, numbers[0]])
        drawn = suggester.suggest(space, history, rng, k, max_evals)
        if len(drawn) != k:
            raise InvalidTrial(
                f"{suggester} was asked for {plural(k, 'candidate')} and gave {len(drawn)}"
            )
        candidates += drawn
    return candidates


def trial_seed(seed: int, number: int) -> int:
    """A trial's own seed, a whole number below 2**32, from that of the search and its number."""
    return int(np.random.SeedSequence([seed, number]).generate_state(1)[0])


Arrival: TypeAlias = tuple[int, int, "Future[Answer]"] | None
"""(number, attempt, future), or None as a reason to look around."""

_MANY_CANCELLED = 20
_MANY_FAULTS = 3
_HEARS_SIGNALS = 2.0  # seconds of one wait: a signal from just before it is heard after it


@dataclass
class _Run:
    """The state of one search."""

    space: Space
    suggester: Suggester
    engine: Engine
    history: History
    budget: Budget
    seed: int
    batch: int | None
    queue_ahead: int
    points: list[Values]
    build: Callable[[Values], Any]
    settings: Settings
    token: CancelToken
    pruner: Pruner | None
    received: Callable[[int, Outcome], Outcome]
    run_id: str = field(default_factory=lambda: uuid.uuid4().hex[:12])
    waiting: deque[Trial] = field(default_factory=deque)
    running: dict[int, Future[Answer]] = field(default_factory=dict)
    held: dict[int, Event] = field(default_factory=dict)
    arrivals: queue.SimpleQueue[Arrival] = field(default_factory=queue.SimpleQueue)
    lost: Counter[int] = field(default_factory=Counter)
    cancelled_in_a_row: int = 0
    faults: list[Trial] = field(default_factory=list)  # in a row, that every trial would share
    began: float = field(default_factory=lambda: time.monotonic())

    def __post_init__(self) -> None:
        in_batches = self.batch is not None
        self.heard = Heard(self.history, self.pruner, in_batches, lambda: self.arrivals.put(None))

    def events(self) -> Iterator[Event]:
        """All events up to the end; leaves pending trials to close."""
        happened: list[Event] = self.resume()
        while True:
            if self.heard.error is not None:
                yield from happened
                yield from self.close()
                raise self.heard.error
            reason = self.reason_to_stop()
            if self.engine.blocking or reason is not None:
                yield from happened
                happened = []
            if reason is not None:
                yield from self.close()
                yield Stopped(reason)
                return
            if len(self.faults) >= max(_MANY_FAULTS, self.engine.slots):
                yield from happened
                yield from self.close()
                raise EngineStopped(
                    f"the last {len(self.faults)} trials failed before the objective began, for a "
                    "reason that no other candidate changes; what has ended is kept. Trial "
                    f"{self.faults[-1].number}: {error_of(self.faults[-1])}"
                )
            happened += self.follow()
            happened += self.draw()
            if self.engine.blocking:
                yield from happened
                happened = []
            self.submit()
            yield from happened
            happened = self.collect()

    def reason_to_stop(self) -> StopReason | None:
        if self.token.requested:
            return StopReason.USER
        best, threshold = self.history.best, self.budget.loss_threshold
        loss = None if best is None else best.loss
        if threshold is not None and loss is not None and loss <= threshold:
            return StopReason.LOSS_THRESHOLD
        if self.seconds_left() <= 0:
            return StopReason.TIMEOUT
        most = math.inf if self.budget.max_evals is None else self.budget.max_evals
        if not self.running and not self.waiting and self.history.count(*ENDED) >= most:
            return StopReason.MAX_EVALS  # what others evaluate may be cut off yet
        return None

    def seconds_left(self) -> float:
        if self.budget.timeout is None:
            return math.inf
        return self.budget.timeout - (time.monotonic() - self.began)

    def trials_left(self) -> float:
        if self.budget.max_evals is None:
            return math.inf
        taken = self.history.count(*ENDED, Status.PENDING)
        return self.budget.max_evals - taken

    def resume(self, most: float = math.inf) -> list[Event]:
        """Begin trials again that were cut off, as far as the budget goes.

        One that has taken its process with it too often, as trials of a serial search do, fails.
        """
        happened: list[Event] = []
        kept, before = self.history.sink if self.engine.blocking else None, len(self.waiting)
        for trial in self.history.cut:
            if len(self.waiting) - before >= most or self.trials_left() <= 0:
                break
            try:
                again = self.history.resume(trial.number)
            except TakenElsewhere:
                continue
            times = 0 if kept is None else kept.lost(trial.number)
            if times > self.settings.max_retries:
                outcome = _lost_here(again, times)
                ended = self.history.finish(again.number, again.attempt, outcome)
                happened.append(Finished(ended))
            else:
                self.waiting.append(again)
                happened.append(Started(again))
        return happened

    def follow(self) -> list[Event]:
        """What others that share the history have done, as events."""
        happened: list[Event] = []
        told = self.history.refresh()
        if told and self.points:
            self.points = new_points(self.history, self.points)
        for record in told:
            if isinstance(record, (Ended, Taken)):
                self.let_go(record.number)
            if isinstance(record, Ended):
                trial = self.history[record.number]
                cancelled = trial.status is Status.CANCELLED
                happened.append(Cancelled(trial) if cancelled else Finished(trial))
        return happened

    def let_go(self, number: int) -> None:
        """Evaluate a trial no longer that another driver has gone on with."""
        if number in self.running:
            del self.running[number]
            self.heard.forget(number)
            for attempt in range(self.history[number].attempt + 1):
                self.engine.cancel(number, attempt)
        for trial in [trial for trial in self.waiting if trial.number == number]:
            self.waiting.remove(trial)

    def draw(self) -> list[Event]:
        """Start as many trials as there is room for: what others left, and one refit's."""
        under_way = len(self.running) + len(self.waiting)
        if self.batch is not None:
            room = 0 if under_way else self.batch
        else:
            room = self.engine.slots + self.queue_ahead - under_way
        happened = self.resume(room) if room > 0 and self.history.count(Status.CUT) else []
        room -= len(self.running) + len(self.waiting) - under_way
        k = max(0, int(min(room, self.trials_left())))
        numbers = self.history.reserve(k, self.budget.max_evals) if k else ()
        if not numbers:
            return happened
        candidates = propose(
            self.space, self.suggester, self.history, self.budget.max_evals, self.seed, numbers,
            self.points,
        )  # fmt: skip
        try:
            started = self.history.start(candidates, time.time(), numbers)
        except TakenElsewhere:  # the numbers, as this process was away for long
            return happened
        del self.points[: len(numbers)]
        self.waiting.extend(started)
        return happened + [Started(trial) for trial in started]

    def submit(self) -> None:
        """Hand waiting trials to the free slots."""
        while self.waiting and len(self.running) < self.engine.slots:
            trial = self.waiting[0]
            key = number, attempt = trial.number, trial.attempt
            context = {"seed": trial_seed(self.seed, number), "run_id": self.run_id}
            title = f"trial {number}: " + ", ".join(
                f"{label}={value:.4g}" for label, value in trial.values.items()
            )
            future: Future[Answer]
            try:
                config = self.build(trial.values)
            except BadSearchSpace as error:  # an expression of the space that raised
                future = Future()
                future.set_result(failure_of(error))
            else:
                future = self.engine.submit(Task(number, attempt, config, context, title[:200]))
            self.waiting.popleft()
            self.running[number] = future
            future.add_done_callback(
                lambda done, key=key: self.arrivals.put((*key, done))  # type: ignore[misc]
            )

    def collect(self) -> list[Event]:
        """Wait for the next arrivals, at most until the time is up, and record them."""
        happened: list[Event] = []
        try:
            item = self.arrivals.get(timeout=min(max(self.seconds_left(), 0.0), _HEARS_SIGNALS))
            while True:
                happened += self.record(item)
                item = self.arrivals.get_nowait()
        except queue.Empty:
            return happened

    def record(self, item: Arrival) -> list[Event]:
        """Write one arrival into the history."""
        happened: list[Event] = [*self.heard.take()]
        if item is None:
            return happened
        number, attempt, future = item
        trial = self.history[number]
        if self.running.get(number) is not future:
            return happened
        # stays in running until its outcome is in the history: after an interrupt close records it
        try:
            outcome, exception, shared_fault = future.result()
        except RunCancelled:
            self.token.requested = True
            return happened
        if outcome.status is Status.PRUNED and self.heard.ends_without_judgement(number, attempt):
            return happened  # left running, so that the run's end cuts it off
        if self.is_retried(outcome, number):
            try:
                trial = self.history.requeue(number, "lost")
            except TakenElsewhere:
                del self.running[number]
                return happened
            self.waiting.appendleft(trial)
            del self.running[number]
            return [*happened, Requeued(trial, outcome)]
        outcome = self.received(number, _final(outcome, self.lost[number]))
        self.note_cancelled(outcome)
        try:
            trial = self.history.finish(number, attempt, outcome)
        except TakenElsewhere:  # while this process was away for long
            del self.running[number]
            return happened
        self.heard.forget(number)
        self.faults = [*self.faults, trial] if shared_fault else []
        del self.running[number]
        ended = outcome.status is not Status.CANCELLED
        event = Finished(trial, exception) if ended else Cancelled(trial)
        return happened + ([event] if self.batch is None else self.in_order(event))

    def is_retried(self, outcome: Outcome, number: int) -> bool:
        crashed = outcome.status is Status.CRASHED and self.settings.retry_crashes
        if not crashed and outcome.status is not Status.LOST:
            return False
        self.lost[number] += 1
        return self.lost[number] <= self.settings.max_retries

    def note_cancelled(self, outcome: Outcome) -> None:
        """End the search where everything it submits is cancelled from outside."""
        if outcome.status is not Status.CANCELLED:
            self.cancelled_in_a_row = 0
            return
        self.cancelled_in_a_row += 1
        if self.cancelled_in_a_row >= _MANY_CANCELLED + 2 * self.engine.slots:
            self.token.requested = True

    def in_order(self, event: Finished | Cancelled) -> list[Event]:
        """Events of a batch by trial number: held back while an earlier trial is pending."""
        self.held[event.trial.number] = event
        ready: list[Event] = []
        pending = {*self.running, *(trial.number for trial in self.waiting)}
        for number in sorted(self.held):
            if any(other < number for other in pending):
                break
            ready.append(self.held.pop(number))
        return ready

    def close(self) -> list[Event]:
        """Stop the engine, record what has ended, cut the rest off; what that made happen."""
        happened: list[Event] = [*self.heard.take()]
        taken = False
        try:
            for number, future in list(self.running.items()):
                if self.history[number].outcome is not None:
                    del self.running[number]
                elif future.done() and not future.cancelled() and future.exception() is None:
                    happened += self.record((number, self.history[number].attempt, future))
            happened += [self.held.pop(number) for number in sorted(self.held)]
            for number in sorted({*self.running, *(trial.number for trial in self.waiting)}):
                try:
                    happened.append(Cancelled(self.history.requeue(number, "cut")))
                except TakenElsewhere:
                    taken = True
            self.running.clear()
            self.waiting.clear()
            if taken:  # it may have ended in this very moment
                happened += self.follow()
        finally:
            self.engine.close()
        return happened


def _lost_here(trial: Trial, times: int) -> Outcome:
    """The outcome of a trial, not begun anew yet, under which its process ended so many times."""
    error = f"lost {times} times with its process, which ended without a word while the trial ran"
    note = (
        f"it was begun {trial.attempt} times, and {times} times the process ended under it, "
        "which left no reason (os._exit, a signal, no memory left): it is counted as failed. "
        "executor='processes' gives trials processes of their own, whose end is one failed trial"
    )
    return Outcome(Status.FAILED, error=error, error_type="lost", note=note)


def _final(outcome: Outcome, lost: int) -> Outcome:
    """The outcome to record of a trial that was lost so many times and is not tried again."""
    if outcome.status is Status.LOST:
        times = "once" if lost == 1 else f"{lost} times"
        text = f"lost {times} with its executor: {outcome.error}"
        return replace(outcome, status=Status.FAILED, error=text, error_type="lost")
    if outcome.status is Status.CRASHED:
        return replace(outcome, status=Status.FAILED, error_type="crashed")
    return outcome
