"""Points to try first in every form, and evaluations that are known before a run."""

import math

import pytest

from sparktune import (
    InvalidLoss,
    InvalidTrial,
    Status,
    TrialPruned,
    Trials,
    Tuner,
    fmin,
    hp,
    tpe,
)

pytestmark = pytest.mark.usefixtures("sent_by_value")

SPACE = {
    "model": hp.choice("m", [{"kind": "svm", "C": hp.uniform("C", 0, 9)}, {"kind": "tree"}]),
    "x": hp.uniform("x", -5, 5),
}
POINTS = [
    {"m": 1, "x": 0.5},
    {"m": {"kind": "svm", "C": 2}, "x": 1},
    {"model": {"kind": "svm", "C": 3.0}, "x": 2},
]
VALUES = [{"m": 1, "x": 0.5}, {"m": 0, "C": 2.0, "x": 1.0}, {"m": 0, "C": 3.0, "x": 2.0}]


def objective(config):
    return config["x"] ** 2 + config["model"].get("C", 5.0)


def go(fn, max_evals, trials, points=None, **options):
    options = {"rstate": 0, "show_progressbar": False, **options}
    return fmin(
        fn, SPACE, tpe.suggest, max_evals, trials=trials, points_to_evaluate=points, **options
    )


@pytest.mark.parametrize(
    "options", [{}, {"parallelism": 2, "executor": "threads"}, {"parallelism": 2}], ids=str
)
def test_points_in_every_form_with_every_trials(options):
    """Points by index, by option and by configuration are evaluated as what they stand for."""
    trials = Trials(**options)
    go(objective, 3, trials, POINTS)
    assert [dict(trial.values) for trial in trials.history] == VALUES
    assert trials.losses() == [5.25, 3.0, 7.0]


def test_known_losses_are_recorded_and_not_evaluated():
    """A pair of a point and its result is a trial at once, and counts for max_evals."""
    seen, trials = [], Trials()
    results = [0.25, {"loss": 1.5, "accuracy": 0.5}, {"status": "fail"}]
    results += [math.nan, ValueError("no"), TrialPruned()]
    points = [({"m": 1, "x": -0.125 * i}, result) for i, result in enumerate(results)]
    go(lambda config: seen.append(config) or 9.0, 8, trials, [POINTS[0], *points])
    assert len(seen) == 2
    assert seen[0] == {"model": {"kind": "tree"}, "x": 0.5}
    assert len(trials) == 8
    assert trials.losses()[:2] == [0.25, 1.5]
    assert trials.results[1]["accuracy"] == 0.5
    statuses = [trial.status for trial in trials.history]
    assert statuses[2:6] == [Status.FAILED, Status.FAILED, Status.FAILED, Status.PRUNED]
    assert "ValueError: no" in trials.errors()[4]
    assert trials.argmin == {"m": 1, "x": 0.0}


def test_known_losses_are_recorded_once():
    """The same call on the same trials records and evaluates nothing twice."""
    trials = Trials()
    points = [({"m": 1, "x": 1}, 0.5), ({"m": 1, "x": 1}, 0.75), {"m": 1, "x": 2.0}]
    for max_evals in (3, 3, 4):
        go(objective, max_evals, trials, points)
        assert trials.losses()[:3] == [0.5, 0.75, 9.0]
        assert len(trials) == max_evals
    go(objective, 5, trials, [*points, {"m": 1, "x": 1}])
    assert trials.vals["x"].count(1.0) == 2


def test_known_losses_may_be_all_there_is():
    """A run whose budget is spent by what is known evaluates nothing and returns the best."""
    points = [({"m": 1, "x": 0.25 * i}, abs(i - 3)) for i in range(6)]
    assert go(lambda config: 1 / 0, 6, Trials(), points) == {"m": 1, "x": 0.75}


def test_known_losses_teach_the_surrogate():
    """After 60 known losses the next proposals are near their best; without them they are not."""

    def distance(points):
        trials = Trials()
        go(objective, 10 + len(points), trials, points, rstate=1)
        proposed = trials.vals["x"][len(points) :]
        return sum(abs(x - 4) for x in proposed) / len(proposed)

    xs = [-5 + i / 6 for i in range(60)]
    known = [({"m": 1, "x": x}, (x - 4) ** 2) for x in xs]
    assert distance(known) < 0.5 * distance([])


@pytest.mark.parametrize(
    ("points", "error", "sentence"),
    [
        ([({"m": 1, "x": 1}, None)], InvalidLoss, r"points_to_evaluate\[0\]: .*but got None"),
        ([({"m": 1, "x": 1}, "low")], InvalidLoss, r"points_to_evaluate\[0\]: .*'low'"),
        ([{"m": 1, "x": 1}, ({"m": 2, "x": 1}, 1.0)], InvalidTrial, r"\[1\]: 'm' has no option"),
        ([{"model": "svm", "x": 1}], InvalidTrial, r"\[0\]: the configuration does not fit"),
        ([3], InvalidTrial, r"\[0\]: a point maps labels to values, but got 3"),
        ("points", TypeError, "`points_to_evaluate` must be a list of dicts, but got 'points'"),
    ],
)
def test_wrong_points_and_results(points, error, sentence):
    """What is no point or no result is refused before anything is recorded."""
    trials = Trials()
    with pytest.raises(error, match=sentence):
        go(objective, 3, trials, points)
    assert trials.history is None


def test_a_tuner_takes_the_same():
    """Points of a Tuner, and what is added to it, may have every form as well."""
    tuner = Tuner(SPACE, rstate=0, points_to_evaluate=[*POINTS, ({"m": 1, "x": 3.0}, 0.125)])
    assert tuner.best == {"m": 1, "x": 3.0}
    assert [candidate.values for candidate in tuner.ask(3)] == VALUES
    trial = tuner.add({"model": {"kind": "svm", "C": 8}, "x": 0}, 0.0625)
    assert trial.values == {"m": 0, "C": 8.0, "x": 0.0}
    assert tuner.best_config == {"model": {"kind": "svm", "C": 8.0}, "x": 0.0}
