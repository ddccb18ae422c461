"""What pictures draw, beside slow and plain computations of the same."""

import itertools
import math

import numpy as np
import pytest
from drawn_runs import SPACE, begun, ended, mixed
from scipy.integrate import trapezoid
from scipy.stats import rankdata

from sparktune import TPE, Space, Trials, Tuner, fmin, hp
from sparktune.history import History, Outcome, Status
from sparktune.plots import arrays
from sparktune.plots.arrays.axis import Axis, axis_of

INF = math.inf


def of_label(history, label, status=Status.OK):
    """Number to value of the trials with a status in which a label is active."""
    return {t.number: t.values[label] for t in history if t.status is status and label in t.values}


def test_the_course_has_the_lowest_loss_so_far():
    """Best-so-far is the minimum of all losses up to a trial; others are counted by kind."""
    history = mixed()
    found = arrays.course(history)
    best, expected = INF, []
    for trial in history:
        if trial.loss is not None:
            best = min(best, trial.loss)
            expected.append((trial.number, trial.loss, best))
    assert [*zip(found.numbers, found.losses, found.best, strict=True)] == expected
    assert found.best_trial == history.best.number
    words = {"timed out": Status.TIMED_OUT, "cut off": Status.CUT, "running": Status.PENDING}
    for word, numbers in found.without.items():
        status = words[word] if word in words else Status[word.upper()]
        assert numbers.tolist() == [t.number for t in history if t.status is status]
    assert found.count == len(history)


def test_values_over_trials():
    """Losses, labels, results and functions of results stand over the numbers of their trials."""
    history = mixed()
    names = {"loss": "loss", "C": "C", "acc": "accuracy", "score": lambda r: 1 - r["loss"]}
    loss, c, accuracy, score = arrays.over_trials(history, names)
    losses = {t.number: t.loss for t in history if t.loss is not None}
    assert dict(zip(loss.numbers, loss.values, strict=True)) == losses
    assert [dict(zip(c.numbers, c.values, strict=True))] == [
        {t.number: t.values["C"] for t in history if "C" in t.values}
    ]
    assert set(accuracy.values) == {0.5}
    assert accuracy.axis.label == "acc"
    np.testing.assert_allclose(score.values, 1 - loss.values)
    assert [each.axis.label for each in arrays.over_trials(history)] == [
        "loss", *history.space.labels
    ]  # fmt: skip
    with pytest.raises(ValueError, match=r"no trial has a number under 'text'.*'lr'.*'accuracy'"):
        arrays.over_trials(history, ["text"])


def test_slices_have_the_values_where_a_label_is_active():
    """Each label has the values of its trials with their losses, and those of failures."""
    history = mixed()
    for each in arrays.slices(history):
        label = each.axis.label
        values = of_label(history, label)
        assert dict(zip(each.numbers, each.values, strict=True)) == values
        assert each.losses.tolist() == [history[n].loss for n in values]
        assert sorted(each.pruned) == sorted(of_label(history, label, Status.PRUNED).values())
        late = of_label(history, label, Status.TIMED_OUT).values()
        assert sorted(each.failed) == sorted(
            [*of_label(history, label, Status.FAILED).values(), *late]
        )


def test_axes_say_what_labels_are():
    """An axis has scale, bounds and options of its label."""
    axes = {each.axis.label: each.axis for each in arrays.slices(mixed())}
    assert (axes["lr"].scale, axes["lr"].high) == ("log", 1.0)
    assert axes["lr"].low == pytest.approx(1e-4)
    assert axes["C"].scale == "log"
    assert axes["model"].options == ("svm", "tree", "none")
    assert (axes["model"].low, axes["model"].high) == (-0.5, 2.5)
    assert (axes["depth"].low, axes["depth"].high, axes["depth"].whole) == (1, 9, True)
    assert axes["one"].options == ("only",)
    assert axes["shift"].scale == "linear"
    assert axes["shift"].low < -2


@pytest.mark.parametrize(
    "axis",
    [
        Axis("x", "linear", -2.0, 3.0), Axis("x", "log", 1e-6, 1e3),
        Axis("x", "symlog", 0.0, 1e3, threshold=0.5), Axis("x", "linear", -1e100, 1e100),
    ],
)  # fmt: skip
def test_places_on_an_axis_lead_back(axis):
    """Values at places are at these places, and beyond the ends is at an end."""
    places = np.linspace(0, 1, 7)
    np.testing.assert_allclose(axis.place(axis.at(places)), places, atol=1e-12)
    assert axis.place(np.array([-1e308, 1e308, np.nan]))[:2].tolist() == [0, 1]


def test_values_of_zero_have_a_place_on_a_logarithmic_axis():
    """A label that is logarithmic and rounded may be 0, which its axis has a linear part for."""
    axis = axis_of(hp.qloguniform("n", -3, 5, 1), np.array([0.0, 7.0]))
    assert (axis.scale, axis.low, axis.threshold) == ("symlog", 0.0, 1.0)


def test_a_choice_of_very_many_options_is_a_number():
    """More options than anybody reads have no names."""
    axis = axis_of(hp.choice("many", list(range(1000))), np.array([3.0]))
    assert (axis.scale, axis.high, axis.options) == ("linear", 999, ())


@pytest.mark.parametrize(
    ("losses", "shown"),
    [
        ([], (0, 1)), ([INF, -INF, math.nan], (0, 1)), ([2.0], (2, 2)), ([1, 2, INF], (1, 2)),
        ([*range(20), 1e6], (0, 20)), ([1e308, -1e308], (-1e100, 1e100)), ([0, 1e6], (0, 1e6)),
    ],
)  # fmt: skip
def test_the_window_leaves_out_what_would_make_all_else_a_line(losses, shown):
    """Infinite losses, and a few that are far above the rest, are beyond the window."""
    low, high = arrays.window(np.array(losses, float))
    assert low == shown[0]
    assert shown[1] * 0.9 <= high <= shown[1] if len(losses) == 21 else high == shown[1]


def test_a_contour_has_the_losses_at_trials_and_means_of_neighbours_between():
    """At the cells of trials stand their mean losses; every other cell has its neighbours' mean."""
    history = mixed(80)
    found = arrays.contour(history, "lr", "model")
    a, b = len(found.grid_x), len(found.grid_y)
    assert (a, b) == (64, 3)
    assert found.z.shape == (b, a)
    cells = {}
    for x, y, loss in zip(found.x_values, found.y_values, found.losses, strict=True):
        column = int(np.argmin(np.abs(found.x.place(found.grid_x) - found.x.place(np.array([x])))))
        cells.setdefault((int(y), column), []).append(
            float(found.loss_axis.clip(np.array([loss]))[0])
        )
    for (row, column), losses in cells.items():
        assert found.z[row, column] == pytest.approx(np.mean(losses))
    for row in range(b):
        for column in range(a):
            if (row, column) not in cells:
                near = [(row, column - 1, 1), (row, column + 1, 1)]
                near += [(row + 1, column, 1e-4), (row - 1, column, 1e-4)]  # other options
                near = [(found.z[r, c], w) for r, c, w in near if 0 <= r < b and 0 <= c < a]
                expected = np.average([z for z, _ in near], weights=[w for _, w in near])
                assert found.z[row, column] == pytest.approx(expected, abs=1e-8)


def test_a_contour_of_labels_that_were_never_active_together_is_empty():
    """Two labels of different branches have no points and no losses between them."""
    found = arrays.contour(mixed(), "C", "depth")
    assert len(found.numbers) == found.z.size == 0


def test_ranks():
    """Ranks are those of scipy, from 0 to 1."""
    losses = np.array([3.0, 1.0, INF, 1.0, 7.0, -INF])
    np.testing.assert_allclose(arrays.ranks(losses), (rankdata(losses) - 1) / 5)
    assert arrays.ranks(np.array([4.0])).tolist() == [0]


def test_parallel_coordinates_draw_the_best_last():
    """Lines go from the highest loss to the best trial, with nan where a label is inactive."""
    history = mixed()
    found = arrays.parallel_coordinates(history)
    assert found.numbers[-1] == found.best_trial == history.best.number
    assert (np.diff(found.losses) <= 0).all()
    for row, number in zip(found.places, found.numbers, strict=True):
        values = history[int(number)].values
        for place, axis in zip(row, found.axes, strict=True):
            value = values.get(axis.label, math.nan)
            np.testing.assert_allclose(place, axis.place(np.array([value]))[0])


def test_the_distribution_of_losses():
    """The share is that of the trials whose losses are at most as high."""
    one, other = ended(3.0, 1.0, None, 1.0, INF), ended(2.0)
    found = arrays.edf({"a": one, "b": other})
    assert found.runs[0].losses.tolist() == [1, 1, 3, INF]
    assert found.runs[0].share.tolist() == [0.5, 0.5, 0.75, 1]
    assert [each.name for each in found.runs] == ["a", "b"]
    assert (found.axis.low, found.axis.high) == (1, 3)
    with pytest.raises(ValueError, match="distribution of b needs a trial with a loss, but none"):
        arrays.edf({"a": one, "b": ended(None)})


def test_reports_by_trial():
    """A line has a trial's steps in order, with the last value of each."""
    history = begun(n=3)
    for step, value in ((2, 1.0), (1, 5.0), (2, 0.5)):
        history.report(1, 0, step, value)
    history.finish(1, 0, Outcome(Status.PRUNED))
    (line,) = arrays.reports(history).lines
    assert (line.number, line.status) == (1, "pruned")
    assert line.steps.tolist() == [1, 2]
    assert line.values.tolist() == [5, 0.5]
    with pytest.raises(ValueError, match="no trial reported anything"):
        arrays.reports(begun(n=2))


def test_priors_are_densities():
    """Densities integrate to what is on the axis, probabilities sum to 1, samples follow them."""
    space = {
        "u": hp.uniform("u", -1, 1), "lu": hp.loguniform("lu", -3, 4), "n": hp.normal("n", 1, 0.5),
        "ln": hp.lognormal("ln", 1, 1), "q": hp.quniform("q", 0, 1, 0.25),
        "c": hp.pchoice("c", [(0.2, "a"), (0.8, hp.uniform("deep", 0, 1))]),
    }  # fmt: skip
    space_of = dict(zip(Space(space).labels, Space(space).distributions, strict=True))
    for log in (True, False):
        found = {each.axis.label: each for each in arrays.priors(space, samples=20_000, log=log)}
        for label, each in found.items():
            if each.discrete:
                assert each.p.sum() == pytest.approx(1)
                np.testing.assert_allclose(each.heights, each.p, atol=0.02)
                continue
            x = np.log(each.x) if each.axis.scale == "log" else each.x
            assert trapezoid(each.p, x) == pytest.approx(1, abs=0.1), (log, label)
            edges = np.log(each.edges) if each.axis.scale == "log" else each.edges
            mass = np.diff(space_of[label].cdf(each.edges))
            np.testing.assert_allclose(each.heights * np.diff(edges), mass, atol=0.02)
        assert found["lu"].axis.scale == ("log" if log else "linear")
        assert found["c"].p.tolist() == [0.2, 0.8]
        assert found["deep"].active == pytest.approx(0.8, abs=0.02)


@pytest.fixture(scope="module")
def fitted():
    """A history, and draws from TPE's l and g of it."""
    history = mixed(150)
    rng = np.random.default_rng(0)
    return history, [each.sample(rng, 50_000) for each in TPE().fit(history.space, history)]


@pytest.mark.parametrize("label", ["lr", "model", "C", "depth", "q", "deep", "shift", "one"])
def test_densities_are_those_that_tpe_draws_from(label, fitted):
    """The marginal densities of l and g are those of draws in which the label is active."""
    history, draws = fitted
    found = arrays.densities(history, label)
    j = history.space.column[label]
    for drawn_all, p in zip(draws, (found.l, found.g), strict=True):
        z = drawn_all[:, j]
        z = z[~np.isnan(z)]
        if found.discrete:
            values, count = np.unique(
                [history.space.distributions[j].value(each) for each in z], return_counts=True
            )
            expected = dict(zip(values, count / len(z), strict=True))
            got = dict(zip(found.x.tolist(), p.tolist(), strict=True))
            assert max(abs(got[v] - expected.get(v, 0)) for v in got) < 0.03
        else:
            latents = np.log(found.x) if found.axis.scale == "log" else found.x
            mass = np.concatenate([[0], np.cumsum((p[1:] + p[:-1]) / 2 * np.diff(latents))])
            drawn = np.searchsorted(np.sort(z), latents) / len(z)
            np.testing.assert_allclose(mass, drawn - drawn[0], atol=0.03)
    active = [t for t in history if t.status in (Status.OK, Status.PRUNED) and label in t.values]
    assert len(found.good) + len(found.others) == len(active)


def test_the_gp_along_a_label():
    """The mean is low where losses are, the band holds it, and the others are the best trial's."""
    rng, space = np.random.default_rng(0), Space([hp.uniform("x", 0, 1), hp.uniform("y", 0, 1)])
    history = History(space)
    for row in space.sample(rng, 40):
        (trial,) = history.start([space.decode(row)], 0.0)
        history.finish(trial.number, 0, Outcome(Status.OK, loss=(row[0] - 0.3) ** 2 * 10 + row[1]))
    found = arrays.surrogate(history, "x")
    best = history.best
    assert found.base == best.number
    assert found.others == {"y": best.values["y"]}
    truth = (found.x - 0.3) ** 2 * 10 + best.values["y"]
    np.testing.assert_allclose(found.mean, truth, atol=0.3)
    assert (found.low < found.mean).all()
    assert (found.mean < found.high).all()
    assert sorted(found.losses) == sorted(history.y)


def test_the_gp_along_a_choice_has_the_best_trial_of_each_option():
    """Of a choice the options that were tried have a mean each."""
    history = mixed(80)
    found = arrays.surrogate(history, "model")
    assert found.x.tolist() == [0, 1, 2]
    assert np.isfinite(found.mean).all()


def test_trials_of_a_timeline_do_not_overlap_in_a_slot():
    """There are as many slots as trials ran at a time on a host, and none holds two at once."""
    history = mixed(80)
    found = arrays.timeline(history)
    assert sorted(found.numbers) == list(range(80))
    bars = sorted(zip(found.slot, found.start, found.end, strict=True))
    for (slot, _, end), (other, start, _) in itertools.pairwise(bars):
        assert slot != other or start >= end - 1e-6
    for host in set(found.hosts):
        here = [i for i, s in enumerate(found.slot) if found.hosts[s] == host]
        ends = np.maximum(found.end, found.start + 1e-9)
        begins = found.start[here]
        at_once = max(((begins <= t) & (t < ends[here])).sum() for t in begins)
        assert found.hosts.count(host) in (at_once, at_once + 1)
    assert found.retried.sum() == sum(t.attempt > 0 for t in history)
    assert found.busy == pytest.approx(
        (found.end - found.start).sum() / len(found.hosts) / found.now
    )


def test_trials_of_a_timeline_wait_for_one_of_so_many_slots():
    """Where the number of slots is known, a trial begins once one is free."""
    history = begun(n=6)
    for number in range(6):
        history.finish(number, 0, Outcome(Status.OK, loss=0.0, seconds=2.0, host="h"))
    found = arrays.timeline(history, slots=2)
    assert found.start.tolist() == [0, 0, 2, 2, 4, 4]
    assert found.hosts == ("h", "h")
    assert (found.now, found.busy) == (6, 1)
    assert len(arrays.timeline(history).hosts) == 6


def test_a_trial_that_runs_goes_on_until_now():
    """A running trial ends at the last moment that is known, or at the one that is given."""
    history = begun(n=2, now=100.0)
    history.finish(0, 0, Outcome(Status.OK, loss=1.0, seconds=5.0, host="h"))
    assert arrays.timeline(history).end.tolist() == [5, 5]
    later = arrays.timeline(history, now=130.0)
    assert later.end.tolist() == [5, 30]
    assert later.hosts == ("h", "h")


EVERY = {
    "course": arrays.course,
    "over_trials": arrays.over_trials,
    "slices": arrays.slices,
    "contour": lambda trials: arrays.contour(trials, "lr", "C"),
    "parallel": arrays.parallel_coordinates,
    "edf": arrays.edf,
    "densities": lambda trials: arrays.densities(trials, "lr"),
    "surrogate": lambda trials: arrays.surrogate(trials, "lr"),
    "timeline": arrays.timeline,
}
LOSSES = {
    "one": [1.0],
    "failures": [None, None],
    "infinite": [INF, -INF, INF, 1.0],
    "nothing else": [INF] * 4,
    "huge": [1e308, -1e308, 0.0, 5e-324, 1e308],
    "alike": [2.0] * 12,
}


@pytest.mark.parametrize("losses", LOSSES)
@pytest.mark.parametrize("name", EVERY)
def test_odd_losses(name, losses):
    """Whatever the losses are, there are arrays, or a sentence says how many it takes."""
    history, least = ended(*LOSSES[losses], seconds=1.0), {"surrogate": 3, "course": 0}
    least |= dict.fromkeys(("over_trials", "slices", "timeline"), 0)
    if history.count(Status.OK) < least.get(name, 1):
        with pytest.raises(ValueError, match="with a loss, but"):
            EVERY[name](history)
        return
    found = EVERY[name](history)
    for each in found if isinstance(found, tuple) else [found]:
        for axis in (getattr(each, "axis", None), getattr(each, "loss_axis", None)):
            assert axis is None or np.isfinite([axis.low, axis.high]).all()


@pytest.mark.parametrize("name", EVERY)
def test_no_trials(name):
    """Without a trial a sentence says so, and what are no trials is refused by its name."""
    for nothing in (Trials(), begun()):
        with pytest.raises(ValueError, match=r"nothing to draw|to no search yet"):
            EVERY[name](nothing)
    with pytest.raises(TypeError, match="`trials` must be Trials of sparktune"):
        EVERY[name]([{"tid": 3}] if name != "edf" else 3)


def test_trials_of_any_kind():
    """Trials, a Tuner, those that were loaded to be read, and a history give the same."""
    trials = Trials()
    fmin(lambda x: x, hp.uniform("x", 0, 1), max_evals=5, trials=trials, show_progressbar=False)
    tuner = Tuner(hp.uniform("x", 0, 1), trials=trials)
    for each in (trials, tuner, trials.history):
        assert arrays.course(each).losses.tolist() == trials.losses()


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda h: arrays.slices(h, ["no"]), "the space has no label 'no'; it has 'lr', "),
        (lambda h: arrays.slices(h, "lr"), "`labels` must be a list of labels, but got 'lr'"),
        (lambda h: arrays.slices(h, []), "`labels` must hold at least one label"),
        (lambda h: arrays.contour(h, "lr", 3), "the space has no label 3; it has"),
        (lambda h: arrays.densities(h, "no"), "the space has no label 'no'; it has"),
        (lambda h: arrays.over_trials(h, []), "`names` must hold at least one name"),
        (lambda h: arrays.over_trials(h, {"a": 3}), "or functions of a result, but got 3"),
        (lambda h: arrays.timeline(h, slots=0), "`slots` must be a whole number >= 1 or None"),
        (lambda h: arrays.edf([]), "needs at least one run"),
        (lambda h: arrays.priors(SPACE, samples=-1), "`samples` must be a whole number >= 0"),
    ],
)  # fmt: skip
def test_bad_input_is_refused_by_a_sentence(call, text):
    """What cannot be drawn is refused with the rule and what was given."""
    with pytest.raises(ValueError, match=text):
        call(mixed(20))


@pytest.mark.parametrize("call", [arrays.densities, arrays.surrogate])
def test_a_label_that_was_never_active(call):
    """Of a label that no trial had, nothing is known."""
    history = begun()
    for values in [{"lr": 0.1, "model": 0, "C": 1.0, "one": 0}] * 4:
        (trial,) = history.start([values], 0.0)
        history.finish(trial.number, 0, Outcome(Status.OK, loss=1.0))
    with pytest.raises(ValueError, match="'depth' was not active in any trial with a loss"):
        call(history, "depth")
    assert not len(arrays.slices(history, ["depth"])[0].values)


def test_of_many_labels_those_that_matter_are_shown():
    """Of more than 20 labels the most important ones stand, in the order of the space."""
    space = Space([hp.uniform(f"x{i:02}", 0, 1) for i in range(30)])
    history = History(space)
    for row in space.sample(np.random.default_rng(0), 200):
        (trial,) = history.start([space.decode(row)], 0.0)
        history.finish(trial.number, 0, Outcome(Status.OK, loss=float(row[29] + row[7])))
    labels = [each.axis.label for each in arrays.slices(history)]
    assert len(labels) == 20
    assert labels == sorted(labels)
    assert {"x07", "x29"} <= set(labels)


def test_settings_of_floating_point_change_nothing():
    """Where the program makes errors of floating point raise, arrays come all the same."""
    history = ended(1e308, -1e308, INF, 3.0, 5e-324, 1.0)
    with np.errstate(all="raise"):
        for call in EVERY.values():
            call(history)
