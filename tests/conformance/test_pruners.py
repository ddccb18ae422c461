"""What every pruning rule promises."""

import functools
import itertools
import math
import os
import sys
import threading

import pytest

from sparktune import History, Outcome, Space, Status, Trials, Tuner, fmin, hp, prune
from sparktune.prune import asked, pruner_of

pytestmark = pytest.mark.usefixtures("sent_by_value")

SPACE = Space.of({"x": hp.uniform("x", 0, 1)})
NAN = float("nan")
RULES = {
    "asha": prune.asha(),
    "hyperband": prune.hyperband(max_steps=27),
    "hyperband of unknown length": prune.hyperband(),
    "median": prune.median(),
    "percentile": prune.percentile(25),
    "patient": prune.patient(2),
    "patient asha": prune.patient(1, rule=prune.asha()),
    "threshold": prune.threshold(upper=1.1),
    "wilcoxon": prune.wilcoxon(),
    "function": lambda history, number: history.last_report(number)[1] > 1.1,
}
HOSTS = {
    "serial": Trials,
    "threads": lambda: Trials(parallelism=3, executor="threads"),
    "processes": lambda: Trials(parallelism=3),
}
quiet = functools.partial(fmin, show_progressbar=False)
NEEDS_OTHERS = {*RULES} - {"threshold", "function", "patient"}


@pytest.fixture(params=RULES)
def rule(request):
    return pruner_of(RULES[request.param])


@pytest.fixture
def rivals(request, rule):
    """Whether the rule compares trials."""
    return request.node.callspec.params["rule"] in NEEDS_OTHERS


def history_of(count):
    history = History(SPACE)
    history.start([{"x": 0.5}] * count, 0.0)
    return history


def report(rule, history, number, step, value):
    """Report, and ask."""
    history.report(number, 0, step, value)
    return asked(rule, history, number)


def test_a_trial_alone_goes_on(rule, rivals):
    """A trial that has nobody to be compared with is not stopped, whatever it reports."""
    if rivals:
        history = history_of(3)
        values = [3.0, NAN, 1.0, math.inf, -math.inf, 5.0]
        stopped = [report(rule, history, 1, step, value) for step, value in enumerate(values)]
        if not any(map(math.isnan, values)) or not isinstance(rule, prune.Patient):
            assert stopped == [False] * 6


def test_a_trial_without_reports_goes_on(rule):
    """Asked too early, a rule has nothing against a trial."""
    if rule != pruner_of(RULES["function"]):  # the user's own
        history = history_of(3)
        report(rule, history, 0, 1, 0.0)
        assert not asked(rule, history, 1)


def test_ties_go_on_together(rule, rivals):
    """Where all trials report the same, a rule that compares them stops none."""
    if not rivals:
        return
    history = history_of(20)
    for number in range(10):
        for step in range(12):
            assert not report(rule, history, number, step, 0.25), (number, step)
        history.finish(number, 0, Outcome(Status.OK, loss=0.25))


def test_any_history_has_an_answer(rule):
    """Odd values, steps that are left out, repeated or go back, odd ends: always True or False."""
    history = history_of(12)
    values = itertools.cycle([1.0, NAN, math.inf, -math.inf, 0.0, 1e308, -1e308])
    others = [Status.FAILED, Status.PRUNED, Status.TIMED_OUT, Status.CANCELLED]
    ok = [Outcome(Status.OK, loss=loss) for loss in (math.inf, 0.0)]
    ends = itertools.cycle([*ok, *map(Outcome, others)])
    steps = [[0], [1, 2, 3], [3, 2, 1], [5, 5, 5], [-3, 0, 9], [2**62, 1], [1, 1, 3, 3, 27, 81]]
    for number, mine in zip(range(11), itertools.cycle(steps)):
        for step in mine:
            assert report(rule, history, number, step, next(values)) in (True, False)
        if number % 4:
            history.finish(number, 0, next(ends))


def test_lower_is_better(rule, rivals):
    """Of trials whose curves do not cross, the best is never stopped, and the worst is first."""
    history, stopped = history_of(40), {}
    for number in range(40):
        level = 1.0 - 0.02 * number if number % 2 else 1.0 + 0.02 * number
        for step in range(1, 28):
            if report(rule, history, number, step, level + 1 / step):
                stopped[number] = step
                history.finish(number, 0, Outcome(Status.PRUNED))
                break
        else:
            history.finish(number, 0, Outcome(Status.OK, loss=level))
    if rivals and not isinstance(rule, prune.Patient):
        assert not [number for number in stopped if number % 2]  # each the best so far
        assert len(stopped) >= 5


def test_it_changes_nothing(rule):
    """A rule reads the history: records and columns are the same after it was asked."""
    history = history_of(4)
    for number in range(3):
        report(rule, history, number, 1, float(number))
    before = [history.reports(n) for n in range(4)], [t.status for t in history]
    for number in range(3):
        asked(rule, history, number)
    assert before == ([history.reports(n) for n in range(4)], [t.status for t in history])


@pytest.mark.parametrize("many", [2_000, pytest.param(10_000, marks=pytest.mark.full)])
def test_the_work_of_an_answer_does_not_grow(rule, many):
    """With thousands of trials an answer makes about as many calls as with 100."""
    if rule == RULES["hyperband of unknown length"]:
        return  # looks through all trials for the furthest step, once an answer

    def calls(count):
        history, made = history_of(count), []
        for number in range(count - 1):
            for step in (1, 2, 3):
                history.report(number, 0, step, number / count)
            history.finish(number, 0, Outcome(Status.OK, loss=number / count))
        for step in (1, 2, 3):
            history.report(count - 1, 0, step, 1 / 3)
            sys.setprofile(lambda frame, event, _: made.append(event))
            try:
                rule.stops(history, count - 1)
            finally:
                sys.setprofile(None)
        return len(made)

    calls(10)  # what is imported first
    assert calls(many) <= 1.2 * max(calls(count) for count in range(100, 108)) + 20


def test_fmin_and_a_tuner_take_it(rule):
    """A run with the rule ends with a best trial, and its pruned trials have no loss."""

    def objective(config, trial):
        for step in range(1, 6):
            trial.report(step, config["x"] + 1 / step)
        return config["x"]

    trials = Trials()
    options = {"rstate": 1, "show_progressbar": False, "trials": trials, "pruner": rule}
    best = fmin(objective, {"x": hp.uniform("x", 0, 0.2)}, max_evals=30, **options)
    assert len(trials) == 30
    assert trials.losses()[trials.best_trial["tid"]] == best["x"]
    pruned = [t for t in trials.history if t.status is Status.PRUNED]
    assert len(pruned) == trials.count_pruned_trials() == trials.losses().count(None)
    assert all(trials.history.report_count(t.number) for t in pruned)
    tuner = Tuner({"x": hp.uniform("x", 0, 0.2)}, pruner=rule, rstate=1)
    for _ in range(3):
        candidate = tuner.ask()
        assert tuner.report(candidate, 1, 0.1) in (True, False)
        tuner.tell(candidate, 0.1)


ONE_LABEL = {"x": hp.uniform("x", 0, 1)}


def jittered(config, trial):
    """A curve whose steps take no time or some, by chance that nobody can repeat."""
    import random
    import time

    for step in range(1, 10):
        time.sleep(random.SystemRandom().choice([0, 0, 0.001, 0.003]))
        trial.report(step, (config["x"] - 0.3) ** 2 + 1 / step + 0.1 * (trial.seed % 7) / step**2)
    return (config["x"] - 0.3) ** 2


@pytest.mark.parametrize(
    "rule",
    [
        pytest.param(prune.asha(), id="asha"),
        pytest.param(prune.median(startup=2), id="median", marks=pytest.mark.full),
    ],
)
def test_batches_are_pruned_alike_everywhere(rule, busy):
    """With batch=k the same seed gives the same reports and ends on every engine, under load."""
    records = {}
    for name, make in HOSTS.items():
        trials = make()
        quiet(jittered, ONE_LABEL, max_evals=40, trials=trials, pruner=rule, batch=4, rstate=5)
        records[name] = [
            (dict(t.values), t.status, t.loss, trials.reports(t.number)) for t in trials.history
        ]
    assert records["serial"] == records["threads"] == records["processes"]
    ends = [status for _, status, _, _ in records["serial"]]
    assert 5 < ends.count(Status.PRUNED) < 35


@pytest.fixture
def busy():
    """Keeps this process and the machine at work."""
    over = threading.Event()
    child = os.fork()
    if not child:
        while os.getppid() != 1:
            sum(range(10_000))
        os._exit(0)

    def work():
        while not over.is_set():
            sum(range(1000))

    thread = threading.Thread(target=work)
    thread.start()
    yield
    over.set()
    thread.join()
    os.kill(child, 9)
    os.waitpid(child, 0)


@pytest.mark.parametrize("batch", [None, 4])
def test_a_run_that_was_cut_goes_on_as_if_it_had_not_been(batch):
    """Cut at any trial, a serial run or one in batches is pruned as the whole one was."""

    def record(trials):
        return [
            (t.number, dict(t.values), t.status, trials.reports(t.number)) for t in trials.history
        ]

    options = {"max_evals": 14, "batch": batch, "rstate": 3, "pruner": prune.asha()}
    whole = Trials()
    quiet(jittered, ONE_LABEL, trials=whole, **options)
    assert whole.count_pruned_trials()
    for cut in range(1, 13):
        trials = Trials()

        def stop(trials, cut=cut):
            return len(trials) >= cut, []

        quiet(jittered, ONE_LABEL, trials=trials, early_stop_fn=stop, **options)
        quiet(jittered, ONE_LABEL, trials=trials, **options)
        assert record(trials) == record(whole), cut
