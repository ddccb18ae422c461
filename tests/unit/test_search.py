"""The loop: its events, budgets, order, and what it leaves behind."""

import threading
from concurrent.futures import Future
from contextlib import closing

import numpy as np
import pytest

from sparktune import EngineStopped, InvalidTrial, hp
from sparktune.engines.local import Serial, Threads
from sparktune.events import (
    Budget,
    Cancelled,
    Finished,
    Reported,
    Requeued,
    Started,
    Stopped,
    StopReason,
)
from sparktune.history import History, Outcome, Status
from sparktune.history.results import Answer
from sparktune.search import search
from sparktune.space.tree import Space
from sparktune.suggest.random import Random
from sparktune.suggest.tpe import TPE


@pytest.fixture
def space():
    return Space({"x": hp.uniform("x", 0, 1)})


def go(objective, space, engine=None, budget=None, history=None, **options):
    """Runs a search to its end: events and history."""
    history = History(space) if history is None else history
    suggester = options.pop("suggester", Random())
    budget = budget or Budget(max_evals=10)
    seed = options.pop("seed", 0)
    events = list(
        search(objective, space, suggester, engine or Serial(), history, budget, seed, **options)
    )
    return events, history


def of_kind(events, kind):
    return [event for event in events if isinstance(event, kind)]


def one_minimum(config):
    return (config["x"] - 0.3) ** 2


class Backwards(Threads):
    """Threads whose trials end in the opposite order within each batch."""

    def in_turn(self, k):
        """The objective, for batches of k trials that run side by side."""
        ended = [threading.Event() for _ in range(100)]

        def objective(config, trial):
            if (trial.number + 1) % k:
                assert ended[trial.number + 1].wait(60)
            ended[trial.number].set()
            return one_minimum(config)

        return objective


@pytest.mark.parametrize("engine", [Serial(), Threads(3)], ids=["serial", "threads"])
def test_every_trial_starts_and_finishes(space, engine):
    """Each of max_evals trials gives a Started, then a Finished; Stopped comes last."""
    events, history = go(lambda c: c["x"], space, engine)
    assert [e.trial.number for e in of_kind(events, Started)] == list(range(10))
    assert sorted(e.trial.number for e in of_kind(events, Finished)) == list(range(10))
    assert events[-1] == Stopped(StopReason.MAX_EVALS)
    assert history.count(Status.OK) == 10


def test_serial_events_come_before_the_next_trial_runs(space):
    """In this thread a consumer that leaves stops before another trial is evaluated."""
    ran = []
    events = search(
        lambda c: ran.append(c) or 1.0, space, Random(), Serial(), History(space), Budget(10), 0
    )
    with closing(events):
        for event in events:
            if isinstance(event, Finished):
                break
    assert len(ran) == 1


def test_slots_are_refilled_before_an_event_is_handed_out(space):
    """With several slots, a consumer that takes its time does not leave a slot empty."""
    running = threading.Semaphore(0)

    def objective(config):
        running.release()
        return 0.0

    history = History(space)
    with closing(
        search(objective, space, Random(), Threads(1), history, Budget(max_evals=5), 0)
    ) as events:
        for event in events:
            if isinstance(event, Finished):
                assert len(history) == event.trial.number + 2
                assert running.acquire(timeout=10)
                assert running.acquire(timeout=10)
                break


def test_a_batch_is_the_same_on_every_engine_at_any_parallelism(space):
    """With batch=k the seed alone decides the trials, though they end in another order."""
    runs = []
    for engine in (Serial(), Threads(2), Backwards(5), Backwards(16)):
        objective = engine.in_turn(5) if isinstance(engine, Backwards) else one_minimum
        events, history = go(
            objective, space, engine, Budget(max_evals=30), batch=5, suggester=TPE(), seed=3
        )
        assert [e.trial.number for e in of_kind(events, Finished)] == list(range(30))
        runs.append([trial.values["x"] for trial in history])
    assert runs[0] == runs[1] == runs[2] == runs[3]
    assert len(set(runs[0])) == 30


def test_a_batch_waits_for_all_of_its_trials(space):
    """No trial of a batch starts before every trial of the one before has ended."""
    events, _ = go(lambda c: c["x"], space, Threads(4), Budget(max_evals=9), batch=4)
    kinds = [type(e).__name__[0] for e in events if not isinstance(e, Stopped)]
    assert "".join(kinds) == "SSSSFFFFSSSSFFFFSF"


def test_trials_drawn_ahead_wait_for_a_slot(space):
    """queue_ahead draws trials beyond the slots, which run when a slot is free."""
    at_once, most, two = [], [], threading.Barrier(2)

    def objective(config):
        at_once.append(1)
        two.wait(60)
        most.append(len(at_once))
        two.wait(60)
        at_once.pop()
        return 0.0

    events, history = go(objective, space, Threads(2), Budget(max_evals=12), queue_ahead=3)
    first_end = next(i for i, e in enumerate(events) if isinstance(e, Finished))
    assert len(of_kind(events[:first_end], Started)) == 5
    assert max(most) == 2
    assert history.count(Status.OK) == 12


def test_max_evals_counts_what_the_history_holds(space):
    """A second search with a larger max_evals goes on; failed trials count, cancelled ones not."""
    history = History(space)
    (trial,) = history.start([{"x": 0.5}], 0.0)
    history.finish(trial.number, 0, Outcome(Status.CANCELLED))

    def objective(config):
        if config["x"] > 0.5:
            raise ValueError("half of them")
        return 0.0

    go(objective, space, history=history, budget=Budget(max_evals=6))
    assert history.count(Status.OK, Status.FAILED) == 6
    assert history.count(Status.FAILED) > 0
    go(objective, space, history=history, budget=Budget(max_evals=10))
    assert len(history) == 11


def test_going_on_gives_the_trials_of_one_long_run(space):
    """Fifteen trials and then five more are the same as twenty, where no budget sets the widths."""
    tpe = TPE(n_startup_jobs=5, final_width=1)
    halves = History(space)
    go(lambda c: c["x"], space, budget=Budget(15), suggester=tpe, history=halves)
    go(lambda c: c["x"], space, budget=Budget(20), suggester=tpe, history=halves)
    _, whole = go(lambda c: c["x"], space, budget=Budget(20), suggester=tpe)
    assert [trial.values for trial in whole] == [trial.values for trial in halves]


def test_a_run_that_was_cut_off_goes_on_as_it_would_have(space):
    """A run taken up with the budget it had gives the trials of one that was not cut off."""
    tpe = TPE(n_startup_jobs=5)
    _, whole = go(lambda c: c["x"], space, budget=Budget(24), suggester=tpe)
    cut = History(space)
    for trial in list(whole)[:16]:
        cut.finish(cut.start([trial.values], 0.0)[0].number, 0, trial.outcome)
    go(lambda c: c["x"], space, budget=Budget(24), suggester=tpe, history=cut)
    assert [trial.values for trial in whole] == [trial.values for trial in cut]


def test_a_timeout_cancels_what_runs_and_keeps_what_ended(space, clock):
    """At the timeout running trials are cancelled, finished ones kept, and the search is over."""
    began, over = threading.Semaphore(0), threading.Event()

    def objective(config, trial):
        if trial.number == 4:
            for _ in range(3):  # in the slots of the first four, which have ended then
                began.acquire(timeout=60)
            clock.advance(11)
        elif trial.number > 4:
            began.release()
            over.wait(60)
        return config["x"]

    events, history = go(objective, space, Threads(4), Budget(max_evals=500, timeout=10))
    over.set()
    assert events[-1] == Stopped(StopReason.TIMEOUT)
    assert of_kind(events, Cancelled)
    assert history.count(Status.PENDING) == 0
    assert history.count(Status.OK) == len(of_kind(events, Finished)) == 5


def test_a_timeout_is_kept_where_nothing_happens(space):
    """A search whose trials neither report nor end is over at its timeout."""
    over = threading.Event()
    budget = Budget(max_evals=500, timeout=0.1)
    events, history = go(lambda c: over.wait(60), space, Threads(4), budget)
    over.set()
    assert events[-1] == Stopped(StopReason.TIMEOUT)
    assert history.count(Status.CUT) == len(history)


def test_a_loss_threshold_ends_the_search(space):
    """The search ends at the first loss that is low enough."""
    events, history = go(lambda c: c["x"], space, budget=Budget(loss_threshold=0.2))
    losses = [e.trial.loss for e in of_kind(events, Finished)]
    assert losses[-1] <= 0.2
    assert all(loss > 0.2 for loss in losses[:-1])
    assert events[-1] == Stopped(StopReason.LOSS_THRESHOLD)
    assert len(history) == len(losses)


def test_points_come_first(space):
    """Given points are evaluated before anything is suggested."""
    _, history = go(lambda c: c["x"], space, points=({"x": 0.25}, {"x": 0.75}))
    assert [trial.values["x"] for trial in history][:2] == [0.25, 0.75]
    assert len(history) == 10


def test_leaving_early_cancels_and_keeps(space):
    """A consumer that leaves finds every arrived outcome kept and the rest cancelled."""
    history, over = History(space), threading.Event()

    def objective(config):
        return over.wait(60) if config["x"] > 0.5 else 0.0

    with closing(
        search(objective, space, Random(), Threads(3), history, Budget(max_evals=50), 0)
    ) as events:
        for event in events:
            if isinstance(event, Finished):
                break
    over.set()
    assert history.count(Status.PENDING) == 0
    assert history.count(Status.OK) >= 1
    assert history.count(Status.CUT) >= 1


def test_reports_are_handed_out_as_they_come(space):
    """Intermediate values of a running trial are events, and kept in its outcome."""

    def objective(config, trial):
        for step in range(3):
            trial.report(step, 1.0 / (step + 1))
        return 0.0

    events, history = go(objective, space, budget=Budget(max_evals=2))
    assert [(e.number, e.step) for e in of_kind(events, Reported)] == [
        (0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2),
    ]  # fmt: skip
    assert history.reports(0) == ((0, 1.0), (1, 1 / 2), (2, 1 / 3))


class Losing:
    """An engine that loses trials as told: the outcomes by trial number and attempt."""

    slots = 2
    blocking = False
    raises = False

    def __init__(self, lost):
        self.lost = lost

    def open(self, spec, on_report=None):
        self.spec = spec

    def submit(self, task):
        future = Future()
        if (task.number, task.attempt) in self.lost:
            future.set_result(Answer(Outcome(Status.LOST, error="executor 1 went away")))
        else:
            loss = self.spec.objective(task.config)
            future.set_result(Answer(Outcome(Status.OK, loss=loss)))
        return future

    def cancel(self, number, attempt):
        pass

    def close(self):
        self.closed = True


class Broken(Losing):
    """An engine whose trials, but for some, fail as all trials would, before they begin."""

    def __init__(self, slots, fine=()):
        super().__init__(())
        self.slots, self.fine = slots, fine

    def submit(self, task):
        if task.number in self.fine:
            return super().submit(task)
        future = Future()
        outcome = Outcome(Status.FAILED, error="no module named knobs")
        future.set_result(Answer(outcome, shared_fault=True))
        return future


@pytest.mark.parametrize(("slots", "most"), [(1, 3), (2, 3), (5, 5)])
def test_a_fault_that_no_candidate_changes_ends_the_search(space, slots, most):
    """After three such answers in a row, or one for each slot, it ends with the reason."""
    history = History(space)
    engine = Broken(slots)
    with pytest.raises(EngineStopped, match=r"(?s)before the objective began.*named knobs"):
        go(lambda c: c["x"], space, engine, Budget(None, timeout=60), history)
    assert most <= history.count(Status.FAILED) < most + slots
    assert engine.closed
    assert not history.pending


def test_any_other_answer_shows_that_trials_can_begin(space):
    """Such answers that others stand between end nothing, and neither do fewer."""
    engine = Broken(1, fine=(2, 5, 8))
    _, history = go(lambda c: c["x"], space, engine, Budget(max_evals=9))
    assert (history.count(Status.OK), history.count(Status.FAILED)) == (3, 6)
    _, history = go(lambda c: c["x"], space, Broken(8), Budget(max_evals=7))
    assert history.count(Status.FAILED) == 7


def test_reports_that_arrived_are_kept_by_whoever_leaves(space):
    """A trial whose outcome is kept as the search is left keeps what it reported, too."""

    class OnDemand(Losing):
        def open(self, spec, on_report=None):
            super().open(spec)
            self.on_report, self.second = on_report, Future()

        def submit(self, task):
            return super().submit(task) if task.number == 0 else self.second

    engine, history = OnDemand(set()), History(space)
    with closing(search(lambda c: c["x"], space, Random(), engine, history, Budget(2), 0)) as run:
        for event in run:
            if isinstance(event, Finished):
                engine.on_report(1, 0, 7, 0.5)
                engine.second.set_result(Answer(Outcome(Status.OK, loss=1.0)))
                break
    assert history[1].status is Status.OK
    assert history.reports(1) == ((7, 0.5),)


def test_a_lost_trial_is_queued_again_and_then_fails(space):
    """A trial lost with its executor gets one more attempt, and then fails with the reason."""
    engine = Losing({(1, 0), (3, 0), (3, 1)})
    events, history = go(lambda c: c["x"], space, engine, Budget(max_evals=5))
    assert [e.trial.number for e in of_kind(events, Requeued)] == [1, 3]
    assert (history[1].status, history[1].attempt) == (Status.OK, 1)
    assert history[3].status is Status.FAILED
    assert "lost 2 times with its executor: executor 1 went away" in history[3].outcome.error
    assert history.count(Status.OK) == 4
    assert engine.closed


def test_an_engine_that_cannot_go_on_ends_the_search_with_its_error(space):
    """An engine's own failure leaves the search; what has ended is kept, the rest cancelled."""

    class Broken(Losing):
        def submit(self, task):
            future = super().submit(task)
            if task.number == 3:
                future = Future()
                future.set_exception(RuntimeError("the cluster is gone"))
            return future

    history = History(space)
    engine = Broken(set())
    with pytest.raises(RuntimeError, match="the cluster is gone"):
        go(lambda c: c["x"], space, engine, history=history)
    assert history.count(Status.OK) == 3
    assert history.count(Status.PENDING) == 0
    assert engine.closed


def test_a_suggester_that_raises_leaves_nothing_pending(space):
    """An error while suggesting leaves the search, with the history in order."""

    class Tired(Random):
        def suggest(self, space, history, rng, k, budget=None):
            if len(history) >= 3:
                raise ArithmeticError("no more")
            return super().suggest(space, history, rng, k, budget)

    history = History(space)
    with pytest.raises(ArithmeticError):
        go(lambda c: c["x"], space, Threads(2), history=history, suggester=Tired())
    assert history.count(Status.PENDING) == 0


def test_trial_seeds_depend_on_the_run_and_the_number(space):
    """A trial's own seed is the same in every repetition, and another for each trial."""

    def seeds(seed):
        found = []
        go(lambda c, trial: found.append(trial.seed) or 0.0, space, seed=seed)
        return found

    assert seeds(1) == seeds(1)
    assert len({*seeds(1), *seeds(2)}) == 20


def test_waiting_does_not_poll(space, clock):
    """However long a trial runs, the loop looks at its clock a few times and waits in between."""
    budget = Budget(max_evals=1, timeout=500)
    go(lambda c: threading.Event().wait(0.5), space, Threads(1), budget)
    assert clock.looks < 10


def test_pending_trials_are_seen_by_the_suggester(space):
    """A suggester that is asked while trials run finds them pending in the history."""
    seen = []

    class Watching(Random):
        def suggest(self, space, history, rng, k, budget=None):
            seen.append((k, int(np.sum(history.status == Status.PENDING)), budget))
            return super().suggest(space, history, rng, k, budget)

    release = threading.Event()

    def objective(config):
        if config["x"] != 0.125:
            release.wait(10)
        return 0.0

    with closing(
        search(
            objective, space, Watching(), Threads(3), History(space), Budget(max_evals=9), 0,
            points=({"x": 0.125},),
        )
    ) as events:  # fmt: skip
        for event in events:
            if isinstance(event, Finished):
                break
    release.set()
    assert seen[:2] == [(2, 0, 9), (1, 2, 9)]


@pytest.mark.parametrize("options", [{"batch": 0}, {"queue_ahead": -1}])
def test_sizes_that_would_wait_for_ever_are_refused(space, options):
    """A batch of nothing is refused."""
    with pytest.raises(ValueError, match=next(iter(options))):
        go(lambda c: 0.0, space, **options)


def test_a_suggester_must_give_what_it_was_asked_for(space):
    """Too few candidates are refused instead of waited for."""

    class Mean(Random):
        def suggest(self, space, history, rng, k, budget=None):
            return []

    with pytest.raises(InvalidTrial, match="asked for 1 candidate and gave 0"):
        go(lambda c: 0.0, space, suggester=Mean())
