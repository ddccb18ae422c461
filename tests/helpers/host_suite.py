"""What every host promises: wherever the trials of a run are recorded and evaluated.

A test module names its hosts in ``HOSTS`` and imports all of this file; a test marked
``hosts(trait, ...)`` is for the hosts that have these traits.
"""

import pickle
import signal
import threading
from dataclasses import dataclass
from typing import Any

import pytest

from sparktune import (
    AllTrialsFailed,
    BadSearchSpace,
    InvalidLoss,
    Status,
    Trials,
    Tuner,
    fmin,
    hp,
    scope,
    tpe,
)

SPACE = {"x": hp.uniform("x", -1, 1), "n": hp.randint("n", 5)}


@dataclass(frozen=True)
class HostKind:
    """A kind of host under test.

    Attributes:
        make: called with pytest's request; gives a new host of two slots where it has several.
        traits: "raises" (an exception of the objective leaves fmin), "records" (it never does),
            "side_by_side" (several slots).
    """

    make: Any
    traits: frozenset


@pytest.fixture
def host(host_kind, request):
    """A new host."""
    return request.module.HOSTS[host_kind].make(request)


@pytest.fixture
def another(host_kind, request):
    """A function that makes one more host of the kind."""
    return lambda: request.module.HOSTS[host_kind].make(request)


def run(host, objective, max_evals, space=SPACE, **options):
    options = {"rstate": 3, "show_progressbar": False, **options}
    return fmin(objective, space, max_evals=max_evals, trials=host, **options)


def loss(config):
    return config["x"] ** 2 + config["n"]


def values(host):
    return [(trial.number, dict(trial.values), trial.loss) for trial in host.history]


@pytest.mark.hosts("raises")
@pytest.mark.parametrize("wrong", ["raise", "result", "space"])
def test_what_goes_wrong_leaves_fmin_once_it_is_recorded(host, wrong):
    """An exception, a wrong result or an expression that fails leaves fmin, with its trial kept."""
    space = {"y": scope.log(hp.uniform("x", -2, -1))} if wrong == "space" else SPACE
    kinds = {"raise": KeyError, "result": InvalidLoss, "space": BadSearchSpace}

    def objective(config):
        if wrong == "raise":
            raise KeyError("gone")
        return "no number"

    with pytest.raises(kinds[wrong]):
        run(host, objective, 4, space)
    assert host.count_failed_trials() >= 1


@pytest.mark.hosts("records")
@pytest.mark.parametrize("wrong", ["raise", "result", "space"])
def test_what_goes_wrong_is_recorded_and_the_run_goes_on(host, wrong):
    """An exception, a wrong result or an expression that fails is its trial's failure, no more."""
    space = {"y": scope.log(hp.uniform("x", -1, 1))} if wrong == "space" else SPACE

    def objective(config):
        if wrong == "space":
            return config["y"]
        if config["n"] > 1 and wrong == "raise":
            raise KeyError("gone")
        return "no number" if config["n"] > 1 else 1.0

    run(host, objective, 20, space)
    assert host.count_failed_trials() > 0
    assert host.count_total_trials() == 20
    words = {"raise": "KeyError: 'gone'", "result": "but got 'no number'", "space": "log(<'x'"}
    assert words[wrong] in next(iter(host.errors().values()))


def test_failures_are_caught_on_request(host):
    """With catch_eval_exceptions the run goes on on every host."""
    run(host, lambda c: loss(c) if c["n"] else 1 / 0, 20, catch_eval_exceptions=True)
    assert host.count_total_trials() == 20
    assert host.count_failed_trials() > 0


def test_what_counts_is_what_is_shown(host):
    """A loop of fmin(max_evals=len(trials) + 1) evaluates one trial a turn, whatever fails."""
    for turn in range(1, 7):
        run(
            host, lambda c, trial: None if trial.number % 2 else 1.0, len(host) + 1,
            catch_eval_exceptions=True,
        )  # fmt: skip
        assert len(host) == len(host.trials) == len(host.losses()) == len(host._dynamic_trials)
        assert len(host) == turn
    assert host.losses() == [1.0, None] * 3
    assert host.statuses() == ["ok", "fail"] * 3


@pytest.mark.parametrize("stop", [6, *(pytest.param(n, marks=pytest.mark.full) for n in (1, 8))])
def test_a_run_that_was_cut_in_batches_goes_on_as_it_would_have(host, another, stop):
    """Cut at any trial of a batch and called again, a run has the trials of one that was not."""
    whole = another()
    run(whole, loss, 12, batch=4, algo=tpe.suggest)

    def cut(trials, count=0):
        return count + 1 >= stop, [count + 1]

    run(host, loss, 12, batch=4, algo=tpe.suggest, early_stop_fn=cut)
    assert 0 < host.count_total_trials() < 12
    run(host, loss, 12, batch=4, algo=tpe.suggest)
    assert values(host) == values(whole)
    assert host.count_cancelled_trials() == 0


def test_what_was_cut_off_is_begun_again(host, gate):
    """A trial that its run cut off keeps number and parameters, and is tried once more."""
    door = gate.door()

    def objective(config, trial):
        if trial.attempt == 0 and trial.number > 1:
            door()
        return {"loss": loss(config), "attempt": trial.attempt, "seed": trial.seed}

    def cancel():
        gate.reached_by(1)
        host.cancel()
        if "side_by_side" not in traits:
            gate.open()

    traits = host_traits(host)
    thread = threading.Thread(target=cancel, daemon=True)
    thread.start()
    run(host, objective, 6)
    thread.join()
    cut = {t.number: dict(t.values) for t in host.history.cut}
    assert host.count_cancelled_trials() == len(cut)
    assert all(host.document(number)["state"] == 4 for number in cut)
    gate.open()
    run(host, objective, 6)
    assert host.count_total_trials() == len(host.history) == 6
    for number, parameters in cut.items():
        assert dict(host.history[number].values) == parameters
        assert host.document(number)["result"]["attempt"] == host.history[number].attempt == 1


def host_traits(host):
    """Whether trials run beside the thread of fmin."""
    return () if host.engine().blocking else ("side_by_side",)


def test_ctrl_c_cuts_off_and_the_next_run_goes_on(host, gate):
    """An interrupted run keeps what has ended; the same call again gives the whole."""
    door = gate.door()

    def objective(config, trial):
        if trial.attempt == 0 and trial.number == 1:
            door()
        return loss(config)

    interrupted = threading.Event()

    def interrupt():
        gate.reached_by(1)
        while True:  # a signal just before the trial begins to wait does not wake it
            signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
            if interrupted.wait(10):
                return

    thread = threading.Thread(target=interrupt, daemon=True)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        run(host, objective, 6)
    interrupted.set()
    thread.join()
    gate.open()
    assert host.fmin_cancelled_reason == "fmin run cancelled by the user"
    run(host, objective, 6)
    assert host.count_total_trials() == len(host.history) == 6
    assert host.fmin_cancelled_reason is None


def test_a_smaller_budget_leaves_what_was_cut(host):
    """Where the budget is spent, trials that were cut off stay so."""
    run(host, loss, 8, batch=4, early_stop_fn=lambda trials: (True, []))
    ended, cut = host.count_total_trials(), len(host.history.cut)
    assert ended + cut == len(host.history)
    run(host, loss, ended)
    assert (host.count_total_trials(), len(host.history.cut)) == (ended, cut)


def test_points_are_tried_once(host):
    """Points that the record holds are not tried again, by fmin or a Tuner."""
    points = [{"x": 0.25, "n": 1}, {"x": 0.5, "n": 2}]
    run(host, loss, 3, points_to_evaluate=points)
    new = {"x": 0.75, "n": 3}
    run(host, loss, 5, points_to_evaluate=[*points, new])
    tried = [dict(trial.values) for trial in host.history]
    assert [tried.count(point) for point in [*points, new]] == [1, 1, 1]
    assert tried[3] == new
    tuner = Tuner(SPACE, trials=host, points_to_evaluate=[new, {"x": 0.125, "n": 0}])
    assert tuner.ask().values == {"x": 0.125, "n": 0}


def test_known_results_are_recorded_not_evaluated(host):
    """A point with its result is a trial before the first that is evaluated, and counts."""
    run(host, loss, 3, points_to_evaluate=[{"x": 0.5, "n": 2}, ({"x": 0.25, "n": 1}, -9.0)])
    assert len(host) == 3
    assert [dict(trial.values) for trial in host.history][:2] == [
        {"x": 0.25, "n": 1},
        {"x": 0.5, "n": 2},
    ]
    assert host.history[0].outcome.host is None
    assert host.best_loss == -9.0


def test_a_tuner_hands_out_what_a_run_cut_off(host):
    """A Tuner on the trials of a run begins with what the run left."""
    run(host, loss, 8, batch=4, early_stop_fn=lambda trials: (True, []))
    left = [(trial.number, dict(trial.values)) for trial in host.history.cut]
    tuner = Tuner(SPACE, trials=host)
    asked = tuner.ask(len(left) + 1)
    assert [(c.number, c.values) for c in asked[:-1]] == left
    assert asked[-1].number == len(host.history) - 1
    assert tuner.tell(asked[0].number, 0.5).status is Status.OK


def test_trials_go_on_in_a_pickle(host):
    """Pickled trials hold all that the record holds, and go on."""
    run(host, loss, 6, batch=3, early_stop_fn=lambda trials: (len(trials) > 3, []))
    copy = pickle.loads(pickle.dumps(host))
    assert values(copy) == values(host)
    assert [t.number for t in copy.history.cut] == [t.number for t in host.history.cut]
    for each in (host, copy):
        run(each, loss, 10, batch=3)
    assert values(copy) == values(host)


def test_one_run_at_a_time(host):
    """While a run lasts, another run or step with the same trials is refused."""
    refused = []

    def stop(trials):
        for call in (lambda: run(trials, loss, 9), lambda: Tuner(SPACE, trials=trials)):
            with pytest.raises(RuntimeError, match="in use by an fmin that has not ended"):
                call()
            refused.append(call)
        return False, []

    run(host, loss, 2, early_stop_fn=stop)
    assert len(refused) == 4
    run(host, loss, 4)


def test_reports_are_in_the_record(host):
    """What trials reported is in the history by trial, and nowhere else."""

    def objective(config, trial):
        for step in range(3):
            trial.report(step, step * 0.5)
        return loss(config)

    run(host, objective, 2)
    assert host.history.reports(0) == host.history.reports(1) == ((0, 0.0), (1, 0.5), (2, 1.0))


def test_no_trial_with_a_loss(host):
    """Where every trial failed, the error counts them and shows the first."""
    with pytest.raises(AllTrialsFailed, match=r"(?s)all 3 trials failed.*ZeroDivisionError"):
        run(host, lambda c: 1 / 0, 3, catch_eval_exceptions=True)


def test_batches_are_those_of_a_serial_run(host):
    """batch=k gives the same trials on every host."""
    serial = Trials()
    for each in (host, serial):
        run(each, loss, 12, batch=5)
    assert values(host) == values(serial)
    assert host.seed == serial.seed == 3
