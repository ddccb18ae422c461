"""The only loop: suggest, evaluate, record, and again."""

from __future__ import annotations

import math
import queue
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import numpy as np

from .engines.base import Engine, Job, Settings, Task, failure_of
from .exceptions import BadSearchSpace, InvalidTrial, RunCancelled
from .history import ENDED, History, Outcome, Status, Trial
from .space.tree import Space, Values
from .suggest import Suggester

__all__ = [
    "Budget",
    "CancelToken",
    "Cancelled",
    "Event",
    "Finished",
    "Reported",
    "Requeued",
    "Started",
    "Stopped",
    "propose",
    "search",
    "trial_seed",
]


@dataclass(frozen=True)
class Budget:
    """When a search ends by itself.

    Attributes:
        max_evals: trials with an outcome of their own (ok, failed or timed out) that the history
            may hold, those it holds already included; None for no limit.
        timeout: seconds from the start of the search; None for no limit.
        loss_threshold: the search ends at a loss this low; None for no limit.
    """

    max_evals: int | None = None
    timeout: float | None = None
    loss_threshold: float | None = None


@dataclass(frozen=True)
class Started:
    """A trial was handed to the engine, or waits for a free slot."""

    trial: Trial


@dataclass(frozen=True)
class Reported:
    """A running trial reported an intermediate value."""

    number: int
    attempt: int
    step: int
    value: float


@dataclass(frozen=True)
class Finished:
    """A trial ended as ok, failed or timed out."""

    trial: Trial


@dataclass(frozen=True)
class Requeued:
    """A trial was lost with its executor and goes into its next attempt."""

    trial: Trial


@dataclass(frozen=True)
class Cancelled:
    """A trial was stopped before its end."""

    trial: Trial


@dataclass(frozen=True)
class Stopped:
    """The last event: why the search ended.

    One of "max_evals", "timeout", "loss_threshold", "cancelled" (by a CancelToken or from outside).
    """

    reason: str


Event: TypeAlias = Started | Reported | Finished | Requeued | Cancelled | Stopped


class CancelToken:
    """Lets another thread end a search."""

    def __init__(self) -> None:
        self.requested = False
        self._wake: Callable[[], None] = lambda: None

    def request(self) -> None:
        """End the search that holds this token: what has ended is kept, what runs is cancelled."""
        self.requested = True
        self._wake()

    def attach(self, wake: Callable[[], None]) -> None:
        """Have ``wake`` called at each request."""
        self._wake = wake


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
) -> Iterator[Event]:
    """Search, and hand out what happens as it happens.

    Whoever holds the iterator holds the search: closing it (leaving a ``for`` loop over
    ``contextlib.closing(search(...))``, or an exception) cancels what is under way, keeps every
    outcome that has arrived, marks the rest as cancelled, and closes the engine.

    Args:
        objective: called with a configuration, and with ``trial=`` where it takes that keyword.
        space: where to search.
        suggester: proposes candidates.
        engine: evaluates them; opened and closed here.
        history: of ``space``; receives the trials, and may hold earlier ones. Those that are
            pending belong to a run that is over and are cancelled.
        budget: when to end.
        seed: all randomness comes from it: a batch's generator from the seed and the number of
            the batch's first trial, a trial's own seed from the seed and its number.
        batch: None refits whenever a slot frees up; k evaluates k candidates of one refit and
            refits when all have ended, which gives the same trials on every engine.
        queue_ahead: without ``batch``, how many trials to draw beyond the engine's slots.
        points: values to evaluate first.
        build: gives what the objective receives, ``space.build`` unless set.
        settings: how the trials are treated.
        token: ends the search from another thread.

    Yields:
        The events, in the order in which they happen; within a batch, by trial number.
    """
    run = _Run(
        space, suggester, engine, history, budget, seed, batch, queue_ahead, list(points),
        build or space.build, settings or Settings(), token or CancelToken(),
    )  # fmt: skip
    if batch is not None and batch < 1:
        raise ValueError(f"`batch >= 1` must hold, but got {batch}")
    if queue_ahead < 0:
        raise ValueError(f"`queue_ahead >= 0` must hold, but got {queue_ahead}")
    for trial in history.pending:  # left by a run that did not end in this process
        _cancel(history, trial)
    try:
        run.token.attach(lambda: run.arrivals.put(None))
        engine.open(Job(objective, run.run_id, space.constants, run.settings), run.report)
        yield from run.events()
    finally:
        run.close()


def propose(
    space: Space,
    suggester: Suggester,
    history: History,
    max_evals: int | None,
    seed: int,
    k: int,
    points: Sequence[Values] = (),
) -> list[Values]:
    """The next batch: k candidates, the first of ``points`` among them, the rest from one refit.

    All randomness comes from the seed and the number of the batch's first trial.

    Raises:
        InvalidTrial: the suggester gave another number of candidates than it was asked for.
    """
    candidates = list(points[:k])
    k -= len(candidates)
    if k > 0:
        rng = np.random.default_rng([seed, len(history)])
        drawn = suggester.suggest(space, history, rng, k, max_evals)
        if len(drawn) != k:
            raise InvalidTrial(f"{suggester} was asked for {k} candidates and gave {len(drawn)}")
        candidates += drawn
    return candidates


def trial_seed(seed: int, number: int) -> int:
    """A trial's own seed, a whole number below 2**32, from that of the search and its number."""
    return int(np.random.SeedSequence([seed, number]).generate_state(1)[0])


Arrival: TypeAlias = tuple[int, int, "Future[Outcome]"] | Reported | None
"""(number, attempt, future), an intermediate value, or None as a reason to look around."""

_MANY_CANCELLED = 20


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
    run_id: str = field(default_factory=lambda: uuid.uuid4().hex[:12])
    waiting: deque[Trial] = field(default_factory=deque)
    running: dict[int, Future[Outcome]] = field(default_factory=dict)
    held: dict[int, Event] = field(default_factory=dict)
    arrivals: queue.SimpleQueue[Arrival] = field(default_factory=queue.SimpleQueue)
    cancelled_in_a_row: int = 0
    began: float = field(default_factory=lambda: time.monotonic())

    def events(self) -> Iterator[Event]:
        """All events up to the end; leaves pending trials to close."""
        happened: list[Event] = []
        while True:
            reason = self.reason_to_stop()
            if self.engine.blocking or reason is not None:
                yield from happened
                happened = []
            if reason is not None:
                yield from self.close()
                yield Stopped(reason)
                return
            happened += self.draw()
            if self.engine.blocking:
                yield from happened
                happened = []
            self.submit()
            yield from happened
            happened = self.collect()

    def reason_to_stop(self) -> str | None:
        if self.token.requested:
            return "cancelled"
        best, threshold = self.history.best, self.budget.loss_threshold
        loss = None if best is None else best.loss
        if threshold is not None and loss is not None and loss <= threshold:
            return "loss_threshold"
        if self.seconds_left() <= 0:
            return "timeout"
        if not self.running and not self.waiting and self.trials_left() <= 0:
            return "max_evals"
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

    def draw(self) -> list[Event]:
        """Start as many trials as there is room for, from one refit."""
        under_way = len(self.running) + len(self.waiting)
        if self.batch is not None:
            room = 0 if under_way else self.batch
        else:
            room = self.engine.slots + self.queue_ahead - under_way
        k = max(0, int(min(room, self.trials_left())))
        candidates = propose(
            self.space, self.suggester, self.history, self.budget.max_evals, self.seed, k,
            self.points,
        )  # fmt: skip
        del self.points[:k]
        started = [self.history.start(values, time.time()) for values in candidates]
        self.waiting.extend(started)
        return [Started(trial) for trial in started]

    def submit(self) -> None:
        """Hand waiting trials to the free slots."""
        while self.waiting and len(self.running) < self.engine.slots:
            trial = self.waiting[0]
            number, attempt = trial.number, trial.attempt
            context = {"seed": trial_seed(self.seed, number), "run_id": self.run_id}
            title = f"trial {number}: " + ", ".join(
                f"{label}={value:.4g}" for label, value in trial.values.items()
            )
            future: Future[Outcome]
            try:
                config = self.build(trial.values)
            except BadSearchSpace as error:  # an expression of the space that raised
                future = Future()
                future.set_result(failure_of(error))
            else:
                task = Task(number, attempt, config, context, title[:200])
                future = self.engine.submit(task)
            self.waiting.popleft()
            self.running[number] = future
            future.add_done_callback(
                lambda done, number=number, attempt=attempt: self.arrivals.put(  # type: ignore[misc]
                    (number, attempt, done)
                )
            )

    def collect(self) -> list[Event]:
        """Wait for the next arrivals, at most until the time is up, and record them."""
        left = self.seconds_left()
        happened: list[Event] = []
        try:
            item = self.arrivals.get(timeout=min(max(left, 0.0), threading.TIMEOUT_MAX))
            while True:
                happened += self.record(item)
                item = self.arrivals.get_nowait()
        except queue.Empty:
            return happened

    def record(self, item: Arrival) -> list[Event]:
        """Write one arrival into the history."""
        if item is None:
            return []
        if isinstance(item, Reported):
            return [item]
        number, attempt, future = item
        trial = self.history[number]
        if self.running.get(number) is not future:
            return []
        # the future stays in running until its outcome is in the history: an interrupt in between
        # leaves it for close to record
        try:
            outcome = future.result()
        except RunCancelled:
            self.token.requested = True
            return []
        if self.is_retried(outcome, attempt):
            trial = self.history.requeue(number)
            self.waiting.appendleft(trial)
            del self.running[number]
            return [Requeued(trial)]
        outcome = _final(outcome, attempt)
        self.note_cancelled(outcome)
        # the event has the live exception, which the history does not keep
        trial = replace(self.history.finish(number, attempt, outcome), outcome=outcome)
        del self.running[number]
        event = Cancelled(trial) if outcome.status is Status.CANCELLED else Finished(trial)
        return [event] if self.batch is None else self.in_order(event)

    def is_retried(self, outcome: Outcome, attempt: int) -> bool:
        crashed = outcome.status is Status.CRASHED and self.settings.retry_crashes
        lost = outcome.status is Status.LOST
        return (crashed or lost) and attempt < self.settings.max_retries

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

    def report(self, number: int, attempt: int, step: int, value: float) -> None:
        """Take an intermediate value from an engine, in any thread."""
        self.arrivals.put(Reported(number, attempt, step, value))

    def close(self) -> list[Event]:
        """Stop the engine, record what has ended, cancel the rest; what that made happen."""
        happened: list[Event] = []
        try:
            for number, future in list(self.running.items()):
                if self.history[number].outcome is not None:
                    del self.running[number]
                elif future.done() and not future.cancelled() and future.exception() is None:
                    happened += self.record((number, self.history[number].attempt, future))
            happened += [self.held.pop(number) for number in sorted(self.held)]
            for number in sorted({*self.running, *(trial.number for trial in self.waiting)}):
                happened.append(Cancelled(_cancel(self.history, self.history[number])))
            self.running.clear()
            self.waiting.clear()
        finally:
            self.engine.close()
        return happened


def _final(outcome: Outcome, attempt: int) -> Outcome:
    """The outcome to record of a trial that is not tried again."""
    if outcome.status is Status.LOST:
        text = f"lost {attempt + 1} times with its executor: {outcome.error}"
        return replace(outcome, status=Status.FAILED, error=text, error_type="lost")
    if outcome.status is Status.CRASHED:
        return replace(outcome, status=Status.FAILED, error_type="crashed")
    return outcome


def _cancel(history: History, trial: Trial) -> Trial:
    return history.finish(trial.number, trial.attempt, Outcome(Status.CANCELLED))
