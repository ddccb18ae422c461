"""Pictures of another number than the loss, of the mean of several runs, and of the time of day."""

import math
from datetime import datetime, timezone

import numpy as np
import pytest
from drawn_runs import begun, ended, mixed

from sparktune import hp, plots
from sparktune.history import History, Outcome, Status
from sparktune.plots import arrays
from sparktune.space.tree import Space


def scored(n=30, seed=0):
    """A history whose results have a score, apart from every fifth."""
    history = History(Space([hp.uniform("x", 0, 1), hp.loguniform("y", -3, 0)]))
    for number, row in enumerate(history.space.sample(np.random.default_rng(seed), n)):
        (trial,) = history.start([history.space.decode(row)], float(number))
        info = {"score": 10 * float(row[0])} if number % 5 else {"note": "none"}
        outcome = Outcome(Status.OK, loss=(row[0] - 0.5) ** 2, info=info, seconds=2.0)
        history.finish(trial.number, 0, outcome)
    return history


def scores(history):
    """Number to score of the trials that have one."""
    return {t.number: t.outcome.info["score"] for t in history if "score" in t.outcome.info}


def by_result(result):
    """The score of a result that may have none."""
    return result.get("score")


@pytest.mark.parametrize("target", ["score", by_result])
def test_arrays_have_the_target(target):
    """A key of results, and a function of them, stand in the losses' place where trials have it."""
    history = scored()
    expected = scores(history)
    course = arrays.course(history, target)
    (one,) = arrays.slices(history, ["x"], target)
    contour = arrays.contour(history, "x", "y", False, target)
    parallel = arrays.parallel_coordinates(history, None, target)
    for each in (course, one, contour, parallel):
        assert dict(zip(each.numbers.tolist(), each.losses.tolist(), strict=True)) == expected
    assert arrays.edf(history, target).runs[0].losses.tolist() == sorted(expected.values())
    assert course.count == len(history)


def test_the_best_so_far_of_a_target_is_that_of_the_lowest_loss():
    """A target has no direction of its own, so that the trial with the lowest loss is the best."""
    history = scored()
    found, expected, best = arrays.course(history, "score"), [], math.inf
    for number, score in scores(history).items():
        if history[number].loss < best:
            best, incumbent = history[number].loss, score
        expected.append(incumbent)
    assert found.best.tolist() == expected


def test_the_star_is_missing_where_the_best_trial_has_no_target():
    """The best trial is that of the lowest loss, whether or not it has the target."""
    history = ended(3.0, 1.0, 2.0)
    found = arrays.target_of(history, lambda r: r["loss"] if r["loss"] > 1 else None)
    assert (found.best_trial, found.numbers.tolist()) == (None, [0, 2])


def test_targets_have_names(pyplot):
    """Axes, bars and titles say what is drawn."""
    history = scored()
    ax = plots.plot_optimization_history(history, target="score")
    assert (ax.get_ylabel(), ax.get_title().split(" of ")[0]) == ("score", "score")
    named = {"target": by_result, "target_name": "points"}
    assert plots.plot_slice(history, ["x"], **named).get_ylabel() == "points"
    assert plots.plot_edf(history, **named).get_xlabel() == "points"
    for draw in (plots.plot_contour, plots.plot_rank):
        ax = draw(history, ["x", "y"], **named)
        assert "points" in ax.get_title()
        assert "points" in ax.figure.axes[-1].get_ylabel()
    ax = plots.plot_parallel_coordinate(history, **named)
    assert ax.get_xticklabels()[0].get_text() == ax.figure.axes[-1].get_ylabel() == "points"
    assert plots.plot_edf(history, target_name="error").get_xlabel() == "error"
    ax = plots.plot_optimization_history([history, history], target=by_result)
    assert ax.get_ylabel() == "target"


@pytest.mark.parametrize(
    ("more", "text"),
    [
        ({"target": "no"}, "no trial has a number under 'no'; there are 'loss', 'score'"),
        ({"target": 3}, "`target` must be a key of results, a function of a result, or None, but"),
        ({"target": lambda r: r["score"]}, "`target` failed on the result of trial 0: KeyError"),
        ({"target_name": 3}, "`target_name` must be a text, but got 3"),
    ],
)
def test_a_target_that_is_none_is_refused(more, text):
    """A key that no result has, a function that raises, and other things are named."""
    with pytest.raises(ValueError, match=text):
        arrays.course(scored(), **more)


@pytest.mark.parametrize("draw", [arrays.edf, lambda h, **t: arrays.contour(h, "x", "y", **t)])
def test_nothing_has_the_target(draw):
    """Where the function finds nothing, a sentence says which value no trial has."""
    with pytest.raises(ValueError, match="needs a trial with the value 'points', but none"):
        draw(scored(), target=lambda result: None, target_name="points")


def test_the_mean_of_runs():
    """The mean and the deviation of the best so far, from where all have one, to the shortest."""
    runs = [ended(3.0, None, 1.0, 2.0), ended(None, 5.0, 4.0, 0.0, 0.0)]
    found = arrays.runs_of("a", runs)
    assert (found.count, found.length, found.shortest) == (2, 4, True)
    assert found.numbers.tolist() == [1, 2, 3]
    best = np.array([[3.0, 1.0, 1.0], [5.0, 4.0, 0.0]])
    np.testing.assert_allclose(found.mean, best.mean(0))
    np.testing.assert_allclose(found.deviation, best.std(0, ddof=1))
    alone = arrays.runs_of("b", [ended(1.0, 2.0)])
    assert alone.deviation.tolist() == [0, 0]
    assert len(arrays.runs_of("c", [ended(None, None), ended(1.0, 2.0)]).numbers) == 0
    far = arrays.runs_of("d", [ended(1e308), ended(-1e308), ended(1e308)])
    assert np.isfinite([*far.mean, *far.deviation]).all()


def test_runs_with_an_error_bar(pyplot):
    """One line and its band for a list of runs, and for each name of a dict of lists."""
    runs = [mixed(20, seed=seed) for seed in range(4)]
    ax = plots.plot_optimization_history(runs, error_bar=True)
    found = arrays.runs_of("", runs)
    line = max(ax.lines, key=lambda each: each.get_linewidth())
    np.testing.assert_allclose(line.get_ydata()[:-1], found.mean)
    (name,) = [text.get_text() for text in ax.get_legend().get_texts()]
    assert name.startswith("mean of 4 runs: ")
    names = {"$a": runs[:2], "b": (runs[2],), "none": [ended(None, None)]}
    ax = plots.plot_optimization_history(names, error_bar=True)
    texts = [text.get_text().split(":")[0] for text in ax.get_legend().get_texts()]
    assert texts == [r"\$a of 2 runs", "b of 1 run", "none of 1 run"]
    ax = plots.plot_optimization_history(dict(enumerate(runs)), error_bar=True)
    assert ax.get_title() == "Best loss so far of 4 runs"
    ax = plots.plot_optimization_history([ended(1.0, 2.0), ended(3.0)], error_bar=True)
    assert ax.get_title() == "Best loss so far of 2 runs, up to the end of the shortest"


@pytest.mark.parametrize(
    ("nothing", "text"),
    [
        (ended(1.0), "needs several runs, as a list or a dict, but got one"),
        ([], "got no run"), ({"a": []}, "the runs of 'a' must be at least one"),
    ],
)  # fmt: skip
def test_an_error_bar_of_no_runs(pyplot, nothing, text):
    """A single run has no deviation, and no run has no mean."""
    with pytest.raises(ValueError, match=text):
        plots.plot_optimization_history(nothing, error_bar=True)


@pytest.mark.parametrize("seconds", [0.0, 5.0, 1e5, 1e9])
def test_a_timeline_with_the_time_of_day(pyplot, seconds):
    """Bars begin at the date of their trials, however long these took."""
    from matplotlib import dates

    history = begun(n=2, now=1.7e9)
    history.finish(0, 0, Outcome(Status.OK, loss=1.0, seconds=seconds, host="h"))
    ax = plots.plot_timeline(history, clock=True)
    low, high = (dates.num2date(each) for each in ax.get_xlim())
    assert low < datetime.fromtimestamp(1.7e9, timezone.utc) < high
    assert seconds <= (high - low).total_seconds() <= 1.03 * max(seconds, 1)
    assert ax.get_xlabel().startswith("time (")


def test_a_date_that_there_is_not(pyplot):
    """A trial that began beyond all dates has a time since the first alone."""
    history = begun(n=1, now=1e18)
    with pytest.raises(ValueError, match=r"`clock` needs trials that have a date, but .* 1e\+18 s"):
        plots.plot_timeline(history, clock=True)
