"""Pruning: rules that end running trials by what they report, from fmin to the record."""

import functools
import math
import pickle
import threading
import warnings

import numpy as np
import pytest

from sparktune import (
    TPE,
    AllTrialsFailed,
    Bayes,
    History,
    InvalidTrial,
    Outcome,
    Space,
    Status,
    TrialPruned,
    Trials,
    Tuner,
    fmin,
    hp,
    prune,
    rand,
)
from sparktune.suggest.bayes import _ended
from sparktune.suggest.candidates import standings, with_pruned
from sparktune.views.progress import Progress

pytestmark = pytest.mark.usefixtures("sent_by_value")
SPACE = {"x": hp.uniform("x", 0, 1)}
NAN = float("nan")
quiet = functools.partial(fmin, show_progressbar=False)
HOSTS = {
    "serial": Trials,
    "threads": lambda: Trials(parallelism=3, executor="threads"),
    "processes": lambda: Trials(parallelism=2),
}


@pytest.fixture(params=HOSTS)
def host(request):
    return HOSTS[request.param]()


def each_host_with(name, first, *others):
    """All values on all hosts; in processes, which are dear, the gate has the first alone."""
    values = [pytest.param("processes", first)]
    values += [pytest.param("processes", other, marks=pytest.mark.full) for other in others]
    values += [(each, value) for each in ("serial", "threads") for value in (first, *others)]
    return pytest.mark.parametrize(("host", name), values, indirect=["host"])


def curve(config, trial):
    """Ten steps that fall to the loss."""
    for step in range(1, 11):
        trial.report(step, config["x"] + 1 / step)
    return config["x"]


def above_half(history, number):
    """A rule of its own: what lies above a half at the second step is stopped."""
    step, value = history.last_report(number)
    return step >= 2 and value - 1 / step > 0.5


def statuses(trials):
    return [trial.status for trial in trials.history]


def test_pruned_trials_in_the_record(host):
    """They count, keep their reports, have no loss and are never the best."""
    quiet(curve, SPACE, rand, 30, trials=host, pruner=above_half, rstate=0, batch=3)
    assert len(host) == host.count_total_trials() == 30
    for trial in host.history:
        pruned = trial.values["x"] > 0.5
        assert trial.status is (Status.PRUNED if pruned else Status.OK)
        reports = host.reports(trial.number)
        assert reports[:2] == tuple((step, trial.values["x"] + 1 / step) for step in (1, 2))
        assert (trial.loss is None) is pruned
        document = host.document(trial.number)
        if pruned:
            step, value = reports[-1]
            expected = {"status": "fail", "pruned": True, "step": step, "value": value}
            assert document["result"] == expected
            assert document["state"] == 2  # done
            assert "error" not in document["misc"]
    pruned = host.count_pruned_trials()
    assert 8 < pruned < 22
    assert host.losses().count(None) == host.statuses().count("fail") == pruned
    assert host.best_trial["result"]["loss"] == min(x for x in host.vals["x"])
    assert host.count_failed_trials() == 0
    assert host.errors() == {}
    assert f"30 trials: {30 - pruned} ok, {pruned} pruned, " in host.summary()
    copy = pickle.loads(pickle.dumps(host))
    assert statuses(copy) == statuses(host)
    assert copy.reports(3) == host.reports(3)


def test_pruned_trials_in_tables():
    """A table has the last report of each trial."""
    pytest.importorskip("pandas")
    trials = Trials()
    quiet(curve, SPACE, rand, 10, trials=trials, pruner=above_half, rstate=0)
    table = trials.to_pandas()
    for number, row in table.iterrows():
        assert (row["last_step"], row["last_value"]) == trials.reports(number)[-1]
        assert row["status"] == trials.history[number].status.name.lower()


def test_the_bar_says_how_many_and_what_it_saved():
    """Pruned trials are counted beside failed ones, with the share of the time saved."""

    class Bar:
        postfix = ""

        def update(self, n):
            return True

    history = History(Space.of(SPACE))
    history.start([{"x": 0.5}] * 5, 0.0)
    progress = Progress(bar := Bar(), history)
    progress.draw()
    assert bar.postfix == "best loss: none yet, 5 running"

    def end(number, reports, **outcome):
        for step in range(reports):
            history.report(number, 0, step, 1.0)
        trial = history.finish(number, 0, Outcome(**outcome))
        progress._savings.add(trial)
        progress.draw()

    end(0, 2, status=Status.PRUNED, seconds=1.0)
    # nobody knows how long it would have been
    assert bar.postfix == "best loss: none yet, 1 pruned, 4 running"
    end(1, 8, status=Status.OK, loss=0.5, seconds=10.0)
    end(2, 12, status=Status.OK, loss=0.5, seconds=10.0)
    # ten reports in the mean, so the first would have taken 5 s: 4 of 25 s
    assert bar.postfix == "best loss: 0.5, 1 pruned (16% saved), 2 running"
    assert Progress(bar, history)._savings.share == pytest.approx(4 / 25)
    trials = Trials()
    with trials.run(Space.of(SPACE)) as empty:
        assert trials.summary() == "no trials"
        empty.extend(history)
    assert trials.summary().startswith("5 trials: 2 ok, 1 pruned, 2 running, best loss 0.5 of")


def test_an_objective_without_trial_is_told(host):
    """With a pruner, an objective that cannot report draws a warning at the start."""
    with pytest.warns(UserWarning, match="the objective takes no `trial`"):
        quiet(lambda c: c["x"], SPACE, rand, 3, trials=host, pruner=prune.asha())
    assert len(host) == 3


@each_host_with("wrong", "raises", "answers None")
def test_a_pruner_that_goes_wrong_ends_the_run(host, wrong):
    """Its exception leaves fmin, no trial fails of it, and what has ended is kept."""

    def rule(history, number):
        if number < 4:
            return False
        return {}["missing"] if wrong == "raises" else None

    error, text = (KeyError, "missing") if wrong == "raises" else (TypeError, "True or False")
    with pytest.raises(error, match=text):
        quiet(curve, SPACE, rand, 50, trials=host, pruner=rule)
    assert 1 <= host.count_successful_trials() < 50
    assert host.count_failed_trials() == 0


@each_host_with("error", KeyError, SystemExit, TrialPruned)
def test_a_trial_ends_at_the_report_where_the_pruner_goes_wrong(host, error):
    """Its training is not waited for, and the next run begins it again."""

    def objective(config, trial):
        for step in range(1_000_000):
            trial.report(step, 1.0)

    def rule(history, number):
        raise error

    with pytest.raises(error):
        quiet(objective, SPACE, rand, 5, trials=host, pruner=rule)
    assert len(host) == 0
    assert host.history.cut[0].number == 0
    quiet(curve, SPACE, rand, 2, trials=host)
    assert statuses(host)[:2] == [Status.OK] * 2


def test_an_objective_that_never_reports_is_told(host):
    """With a pruner, a first loss without a report draws a warning, once; a report keeps it off."""
    with pytest.warns(UserWarning, match="trial .: it reported nothing") as seen:
        quiet(lambda config, trial: config["x"], SPACE, rand, 3, trials=host, pruner=prune.asha())
    assert len(seen) == 1
    quiet(curve, SPACE, rand, 6, trials=host, pruner=prune.asha())


def test_an_objective_of_memo_and_ctrl_cannot_report():
    """With `pass_expr_memo_ctrl` there is no `trial`, which a pruner's user is told."""
    with pytest.warns(UserWarning, match="the objective takes no `trial`"):
        quiet(
            lambda expr, memo, ctrl: 1.0, SPACE, rand, 2, pruner=prune.asha(),
            pass_expr_memo_ctrl=True,
        )  # fmt: skip


def test_a_pruner_that_goes_wrong_at_the_last_trial():
    """The end of the budget does not hide it."""
    with pytest.raises(ZeroDivisionError):
        quiet(curve, SPACE, rand, 1, pruner=lambda history, number: 1 / 0)


def test_where_every_trial_was_pruned():
    """There is no best trial, and the error says why."""
    with pytest.raises(AllTrialsFailed, match="no trial has a loss, as 4 of 4 were pruned"):
        quiet(curve, SPACE, rand, 4, pruner=prune.threshold(upper=-1))


def test_arguments_that_are_no_pruners(host):
    """They are refused before anything is evaluated."""
    for wrong in (prune.asha, "asha", 3):
        with pytest.raises(TypeError, match="`pruner`"):
            quiet(curve, SPACE, rand, 3, trials=host, pruner=wrong)
    assert host.history is None


def test_a_batch_sees_what_was_before_it():
    """With batches a rule sees the trials of earlier ones as they ended, and its own trial."""
    seen = []

    def rule(history, number):
        others = {n: history[n].status for n in range(len(history)) if n != number}
        seen.append((number, others, history.reports_at(1)[0].tolist(), history.count(Status.OK)))
        return False

    trials = Trials(parallelism=2, executor="threads")
    quiet(curve, SPACE, rand, 6, trials=trials, batch=3, pruner=rule)
    for number, others, reported, ok in seen:
        first = number // 3 * 3
        assert others == {n: Status.OK if n < first else Status.PENDING for n in others}
        assert reported == [*range(first), number]
        assert ok == first


def test_without_batches_a_rule_sees_everything():
    """What others report meanwhile is there, whatever came of them."""
    door, seen = threading.Barrier(2, timeout=60), []

    def objective(config, trial):
        trial.report(1, 1.0)
        door.wait()
        trial.report(2, 1.0)
        return config["x"]

    def rule(history, number):
        if history.last_report(number)[0] == 2:
            seen.append(len(history.reports_at(1)[0]))
        return False

    trials = Trials(parallelism=2, executor="threads")
    quiet(objective, SPACE, rand, 2, trials=trials, pruner=rule)
    assert seen == [2, 2]


def test_in_processes_a_trial_stops_while_others_run(gate):
    """A rule stops a trial that goes on for ever, while another waits."""
    door = gate.door()

    def objective(config, trial):
        if trial.number == 0:
            door()
            return 1.0
        while True:
            trial.report(0, 1.0)

    def rule(history, number):
        if number == 4:
            gate.open()
        return number > 0

    trials = Trials(parallelism=2)
    with pytest.warns(UserWarning, match="trial 0: it reported nothing"):
        quiet(objective, SPACE, rand, 5, trials=trials, pruner=rule)
    assert statuses(trials) == [Status.OK] + [Status.PRUNED] * 4


def test_what_was_told_a_tuner():
    """`report` records and answers; a candidate that was stopped is told as TrialPruned."""
    tuner = Tuner(SPACE, rand, pruner=prune.asha(), rstate=0)
    first, second, third = tuner.ask(3)
    assert tuner.report(first, 1, 0.5) is False
    assert tuner.report(second.number, 1, 0.7) is True
    assert tuner.report(second.number, 2, 0.1) is True  # what was said stands
    assert tuner.tell(second, TrialPruned()).status is Status.PRUNED
    assert tuner.report(third, 0, float("nan")) is False
    tuner.tell(first, 0.4)
    tuner.tell(third, 0.3)  # a result counts, whatever was said
    assert tuner.trials.losses() == [0.4, None, 0.3]
    assert tuner.trials.reports(1) == ((1, 0.7), (2, 0.1))
    assert tuner.tell(tuner.ask(), TrialPruned).status is Status.PRUNED
    with pytest.raises(InvalidTrial, match="trial 0 has ended already as OK"):
        tuner.report(first, 2, 0.1)
    with pytest.raises(ValueError, match="report: `step` must be a whole number"):
        tuner.report(tuner.ask(), 0.5, 1.0)
    with pytest.raises(TypeError, match="`pruner` takes a rule, not its class"):
        Tuner(SPACE, pruner=prune.asha)


def test_a_pickled_tuner_keeps_its_pruner():
    """Also one that is a function of a script."""
    tuner = Tuner(SPACE, rand, pruner=lambda history, number: number == 1)
    copy = pickle.loads(pickle.dumps(tuner))
    assert [copy.report(candidate, 0, 0.0) for candidate in copy.ask(2)] == [False, True]


def history_with_pruned(last_values, losses):
    """Trials with a loss and a report of it at step 3, and pruned ones with their last report."""
    history = History(Space.of(SPACE))
    history.start([{"x": 0.01 * i} for i in range(len(last_values) + len(losses))], 0.0)
    for number, loss in enumerate(losses):
        history.report(number, 0, 3, loss)
        history.finish(number, 0, Outcome(Status.OK, loss=loss))
    for number, value in enumerate(last_values, len(losses)):
        if value is not None:
            history.report(number, 0, 3, value)
        history.finish(number, 0, Outcome(Status.PRUNED))
    return history


def test_tpe_believes_a_pruned_trial_to_stand_where_its_last_report_stood():
    """It comes after the others, with one of their losses; among infinite ones, too."""
    history = history_with_pruned([0.5, 2.5, NAN, None], [1.0, 2.0, 3.0])
    X, y = with_pruned(history)
    np.testing.assert_array_equal(X, history.X)
    # reports at step 3: 0.5, 1, 2, 2.5, 3, NaN
    expected = [1 / 12, 7 / 12, 11 / 12, 5 / 6]
    np.testing.assert_allclose(standings(history, np.arange(3, 7)), expected)
    assert y.tolist() == [1.0, 2.0, 3.0, 1.0, 2.0, 3.0, 3.0]
    _, y = with_pruned(history_with_pruned([0.5, 2.5], [1.0, math.inf, math.inf]))
    assert y.tolist() == [1.0, math.inf, math.inf, 1.0, math.inf]
    assert len(with_pruned(history_with_pruned([0.5], []))[1]) == 0


def test_tpe_stays_away_from_where_trials_were_pruned():
    """g(x) holds pruned trials, so that candidates near them score lower."""
    space, there = Space.of(SPACE), np.array([[0.07]])
    quotients = []
    for pruned in ([], [3.0] * 6):
        history = history_with_pruned(pruned, [1.0, 1.1, 1.2, 1.3])
        l, g = TPE().fit(space, history)  # noqa: E741
        quotients.append(float(l.log_quotient(g, there)[0]))
    assert quotients[1] < quotients[0]


def test_the_gp_believes_a_pruned_trial_to_stand_where_its_last_report_stood():
    """It counts as the loss of the quantile that its value is of all reports at its step."""
    losses = [1.0, 2.0, 3.0, 4.0, 5.0]
    history = history_with_pruned([3.0, 9.0, float("nan"), None], losses)
    X, z, _ = _ended(history)
    assert len(X) == 9
    standard = (np.array(losses) - 3) / np.std(losses)
    np.testing.assert_allclose(z[:5], standard)
    # of 8 values at step 3 two lie below 3.0 and two are the same; six below 9.0; seven below NaN
    expected = np.quantile(standard, [3 / 8, 6.5 / 8, 7.5 / 8, 5 / 6])
    np.testing.assert_allclose(z[5:], expected)
    rng = np.random.default_rng(0)
    assert len(Bayes(n_startup_jobs=1).suggest(history.space, history, rng, 2)) == 2


def test_no_warning_where_all_is_well():
    """A run with a pruner and an objective that reports says nothing."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        quiet(curve, SPACE, rand, 5, pruner=prune.hyperband())
