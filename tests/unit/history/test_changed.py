"""Studies whose space was changed: which trials go on, and what becomes of the others."""

import copy
import json
import pickle
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from properties import examples

from sparktune import Trials, Tuner, fmin, hp
from sparktune.exceptions import BadSearchSpace, InvalidTrial
from sparktune.history import History, Outcome, Status
from sparktune.history.changed import adapted, go_on
from sparktune.history.documents import document_of, params_of
from sparktune.history.failures import failure_text
from sparktune.history.savings import summary_of
from sparktune.prune import Median
from sparktune.search import new_points
from sparktune.space.described import describe, from_description
from sparktune.space.differences import differences
from sparktune.space.expressions import scope
from sparktune.space.tree import Space
from sparktune.trials.tables import table_of


def ok(loss):
    """An outcome with a loss."""
    return Outcome(Status.OK, loss=loss)


def square(x):
    """A function."""
    return x * x


def cube(x):
    """Another."""
    return x**3


OLD = {
    "lr": hp.loguniform("lr", -9, 0),
    "model": hp.choice(
        "model",
        [
            {"kind": "svm", "c": hp.lognormal("c", 0, 1)},
            {"kind": "tree", "depth": hp.uniformint("depth", 1, 9)},
            square,
        ],
    ),
}
NEW = {
    "model": hp.choice(
        "model",
        [
            cube,
            {"kind": "tree", "depth": hp.uniformint("depth", 3, 20), "leaf": hp.randint("leaf", 5)},
            square,
        ],
    ),
    "lr": hp.loguniform("lr", -5, 2),
}
POINTS = [
    {"lr": 0.5, "model": 0, "c": 2.0},
    {"lr": 0.5, "model": 1, "depth": 5},
    {"lr": 0.5, "model": 1, "depth": 2},
    {"lr": 0.0005, "model": 2},
    {"lr": 0.25, "model": 2},
    {"lr": 0.125, "model": 2},
    {"lr": 0.125, "model": 0, "c": 1.0},
    {"lr": 0.75, "model": 2},
]


def recorded(space):
    """The space as it is after a journal."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return from_description(json.loads(json.dumps(describe(space))))


def filled(space, points=POINTS):
    """A history of points with losses -i; 4 failed, 5 and 6 are pending, 7 was cut."""
    history = History(space)
    for i, point in enumerate(points):
        history.start([space.check(point)], 10.0 + i)
        history.report(i, 0, 1, float(i))
        if i == 4:
            history.finish(i, 0, Outcome(Status.FAILED, error="no"))
        elif i == 7:
            history.requeue(i, "cut")
        elif i not in (5, 6):
            history.finish(i, 0, ok(-float(i)))
    return history


@pytest.fixture(params=["alive", "recorded"])
def history(request):
    """A history in the old space, as it was made or as it was read."""
    space = Space(OLD)
    return filled(space if request.param == "alive" else recorded(space))


def quietly(history, new, defaults=None):
    """The history in another space, without the warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return adapted(history, Space.of(new), defaults)


def test_what_fits_goes_on_and_the_rest_is_apart(history):
    """Values are those of the new space; the others keep their own, and their space."""
    before = list(history)
    with pytest.warns(UserWarning, match="4 of 8 earlier trials do not fit") as caught:
        new = adapted(history, Space(NEW), {"leaf": 4})
    sentence = str(caught[0].message)
    assert "'model': 2, 'depth': 1, 'lr': 1" in sentence
    assert "1 of them had not ended and is not begun again" in sentence
    names = ["APART", "OK", "APART", "APART", "FAILED", "PENDING", "APART", "CUT"]
    assert [trial.status.name for trial in new] == names
    assert dict(new[1].values) == {"lr": 0.5, "model": 1, "depth": 5, "leaf": 4}
    assert dict(new[4].values) == {"lr": 0.25, "model": 2}
    assert dict(new[0].values) == POINTS[0]
    assert new[0].apart is history.space
    for old, trial in zip(before, new, strict=True):
        same = ("number", "attempt", "started", "outcome", "cut", "batch")
        assert [getattr(trial, name) for name in same] == [getattr(old, name) for name in same]
        assert new.reports(trial.number) == history.reports(trial.number)
    assert list(history) == before


def test_what_is_apart_counts_for_nothing(history):
    """Columns, counts, best, pending and cut leave it out, though its loss is the lowest."""
    new = quietly(history, NEW, {"leaf": 0})
    assert len(new) == 8
    assert new.apart.tolist() == [0, 2, 3, 6]
    assert new.best.number == 1
    assert new.count(Status.OK) == 1
    assert new.count(*Status) == 8
    assert new.ended.tolist() == [1, 4]
    assert [trial.number for trial in new.pending] == [5]
    assert [trial.number for trial in new.cut] == [7]
    assert np.isnan(new.X[new.apart]).all()
    assert np.isnan(new.y[new.apart]).all()
    for trial in (new[1], new[4], new[5]):
        np.testing.assert_array_equal(new.X[trial.number], new.space.encode(trial.values))
    assert new.reports_at(1)[0].tolist() == [1, 4, 5]
    assert new.report_count(0) == 1
    assert new_points(new, [dict(POINTS[0])]) == [POINTS[0]]


def test_what_is_apart_is_over(history):
    """It can be neither told, reported, queued nor begun again."""
    new = quietly(history, NEW, {"leaf": 0})
    for act in (
        lambda: new.finish(6, 0, ok(1.0)), lambda: new.report(6, 0, 2, 1.0), lambda: new.requeue(6)
    ):  # fmt: skip
        with pytest.raises(InvalidTrial, match="of an earlier space"):
            act()
    new.requeue(5, "cut")
    assert [new.resume(trial.number).number for trial in new.cut] == [5, 7]
    new.finish(7, 1, ok(-99.0))
    assert new.best.number == 7


def test_copies_and_pickles_keep_it_apart(history):
    """A copy, a pickle, and what a pruner is shown have it as it is."""
    new = quietly(history, NEW, {"leaf": 0})
    for other in (
        new.copy(),
        copy.deepcopy(new),
        pickle.loads(pickle.dumps(new)),
        new.hiding({0, 5}),
    ):
        assert other.apart.tolist() == [0, 2, 3, 6]
        assert other.best.number == 1
        assert other.reports_at(1)[0].tolist()[:2] == [1, 4]
        assert other.count(*Status) == 8
        assert other[0].apart.labels == history.space.labels
    assert new.hiding({0, 5}).reports(5) == ()


def test_pruners_do_not_compare_with_it():
    """Reports in another space are no measure for those in this one."""
    space = Space({"x": hp.uniform("x", 0, 1)})
    history = History(space)
    for i in range(10):
        history.start([{"x": i / 10}], 0.0)
        history.report(i, 0, 1, float(i))
        history.finish(i, 0, ok(float(i)))
    new = quietly(history, {"x": hp.uniform("x", 0.55, 1)})
    assert new.count(Status.OK) == 4
    new.start([{"x": 0.6}], 0.0)
    new.report(10, 0, 1, 7.0)
    assert Median(startup=4).stops(history_with(history, 7.0), 10)
    assert not Median(startup=4).stops(new, 10)
    assert new.furthest_step == 1


def history_with(history, value):
    """The same with a trial that reports at the first step."""
    history.start([{"x": 0.5}], 0.0)
    history.report(10, 0, 1, value)
    return history


def test_views_show_what_is_apart(history):
    """Documents, parameters, summary and table have it, with its own labels and options."""
    new = quietly(history, NEW, {"leaf": 0})
    document = document_of(new[0], new.space, None)
    assert document["misc"]["vals"] == {"lr": [0.5], "model": [0], "c": [2.0], "depth": []}
    assert document["result"] == {"loss": 0.0, "status": "ok"}
    assert document["state"] == 4
    shown = {"lr": 0.5, "model": {"kind": "svm", "c": 2.0}, "c": 2.0}
    assert params_of(new[0], new.space) == shown
    assert "4 of an earlier space" in summary_of(new)
    table = table_of(new)
    assert table["status"].tolist()[0] == "apart"
    assert table["params_c"].tolist()[0] == 2.0
    assert table["loss"].tolist()[2] == -2.0
    assert {"params_leaf", "params_depth", "params_c"} <= set(table.columns)


def test_why_there_is_no_best_says_what_is_apart():
    """A study of which nothing fits has no best trial, and the sentence says why."""
    history = filled(Space(OLD), POINTS[:2])
    new = quietly(history, {"z": hp.uniform("z", 0, 1), **OLD}, {"z": 0.5})
    assert new.count(Status.OK) == 2
    new = quietly(history, {"lr": hp.loguniform("lr", -9, -8)})
    assert "2 are of an earlier space" in failure_text(new)


def test_a_label_without_a_default_is_named(history):
    """Only where a trial that fits needs it, with the number of one."""
    with pytest.raises(BadSearchSpace, match=r"'leaf' \(active in trial 1\)"):
        adapted(history, Space(NEW))
    both = {**OLD, "a": hp.uniform("a", 0, 1), "b": hp.choice("b", ["u", hp.normal("n", 0, 1)])}
    with pytest.raises(BadSearchSpace, match=r"'a' .* 'b' \(active in 8 trials"):
        adapted(history, Space(both))
    with pytest.raises(BadSearchSpace, match=r"'n' \(active in 8 trials"):
        adapted(history, Space(both), {"a": 0, "b": 1})
    new = adapted(history, Space(both), {"a": 0, "b": "u"})
    assert dict(new[0].values) == {**POINTS[0], "a": 0.0, "b": 0}


@pytest.mark.parametrize(
    ("defaults", "words"),
    [
        ({"nix": 1}, "a default for 'nix', but the space has no such label"),
        ({10**5000: 1}, "a default for a int"),
        ({"lr": 99.0}, "the default of 'lr' takes a number from"),
        ({"lr": "x"}, "the default of 'lr' takes a number"),
        ({"leaf": 1.5}, "the default of 'leaf' takes a whole number"),
        ({"model": "svm"}, "the default of 'model' must be one of its options, but got 'svm'"),
        ({"model": 3}, "must be one of its options, but got 3"),
        ({"model": True}, "must be one of its options"),
        ([("lr", 1)], "defaults come as a dict by label"),
    ],
)  # fmt: skip
def test_wrong_defaults_are_refused(defaults, words, history):
    """In one sentence with the label, the rule and the value."""
    with pytest.raises(BadSearchSpace) as caught:
        adapted(history, Space(NEW), defaults)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("options", "default", "index"),
    [
        (["a", "b"], "b", 1),
        (["a", "b"], 1, 1),
        ([10, 1], 1, 1),
        ([square, cube], cube, 1),
        ([{"k": 1}, [np.float64(2)]], [2.0], 1),
    ],
)
def test_a_default_is_an_option_or_its_index(options, default, index):
    """By value first; by index where no option is a number."""
    history = filled(Space(OLD), POINTS[:2])
    new = adapted(history, Space({**OLD, "o": hp.choice("o", options)}), {"o": default})
    assert [trial.values["o"] for trial in new] == [index, index]


def test_a_default_that_is_a_number_is_no_index():
    """Where options are numbers, another number is none of them."""
    history = filled(Space(OLD), POINTS[:2])
    with pytest.raises(BadSearchSpace, match="one of its options, but got 0"):
        adapted(history, Space({**OLD, "o": hp.choice("o", [10, 20])}), {"o": 0})


def moved(before, after, values, defaults=None):
    """The values of one trial in another space; None where it is apart. Also after a record."""
    found = []
    for space in (Space([before]), recorded(Space([before]))):
        history = History(space)
        history.start([space.check(values)], 0.0)
        new = Space([after])
        trial = quietly(history, new, defaults or {"y": 0.25} if "y" in new.column else defaults)[0]
        found.append(None if trial.apart else dict(trial.values))
    assert found[0] == found[1]
    return found[0]


X = hp.uniform("x", 0, 1)
CASES = [
    (X, hp.uniform("x", -5, 5), {"x": 0.5}, {"x": 0.5}),
    (X, hp.uniform("x", 0.6, 5), {"x": 0.5}, None),
    (hp.randint("x", 9), hp.uniform("x", 0, 9), {"x": 5}, {"x": 5.0}),
    (hp.quniform("x", 0, 9, 0.5), hp.randint("x", 9), {"x": 5}, {"x": 5}),
    (hp.quniform("x", 0, 9, 0.5), hp.randint("x", 9), {"x": 5.5}, None),
    (hp.quniform("x", 0, 8, 2), hp.quniform("x", 0, 8, 4), {"x": 2}, None),
    (X, hp.lognormal("x", 0, 1), {"x": 0.0}, None),
    (X, hp.normal("x", 50, 1), {"x": 0.5}, {"x": 0.5}),
    (hp.randint("x", 9), hp.choice("x", ["a", 5]), {"x": 5}, {"x": 1}),
    (hp.quniform("x", 0, 9, 1), hp.choice("x", ["a", 5]), {"x": 5}, {"x": 1}),
    (hp.randint("x", 9), hp.choice("x", ["a", 5]), {"x": 1}, None),
    (hp.choice("x", [0.5, "a"]), X, {"x": 0}, {"x": 0.5}),
    (hp.choice("x", [0.5, "a"]), X, {"x": 1}, None),
    (hp.choice("x", [0.5, 3]), X, {"x": 1}, None),
    (hp.choice("x", ["a", "b"]), hp.choice("x", ["b", "c"]), {"x": 1}, {"x": 0}),
    (hp.choice("x", ["a", "b"]), hp.choice("x", ["b", "c"]), {"x": 0}, None),
    ([X, hp.randint("y", 3)], X, {"x": 0.5, "y": 1}, {"x": 0.5}),
    # branches
    ([X, hp.choice("m", ["a", "b"])], hp.choice("m", ["a", ["b", X]]), {"x": 0.5, "m": 0},
     {"m": 0}),
    ([X, hp.choice("m", ["a", ["b", 1]])], hp.choice("m", ["a", ["b", X]]), {"x": 0.5, "m": 1},
     None),
    (hp.choice("m", ["a", {"k": "b", "x": X}]), [X, hp.choice("m", ["a", {"k": "b"}])],
     {"x": 0.5, "m": 1}, {"x": 0.5, "m": 1}),
    (hp.choice("m", ["a", {"k": "b", "x": X}]), [X, hp.choice("m", ["a", {"k": "b"}])],
     {"m": 0}, None),
    (hp.choice("m", [["a", X], ["b"]]), X, {"x": 0.5, "m": 0}, {"x": 0.5}),
    (hp.choice("m", [{"k": 1, "i": hp.choice("i", ["u", {"x": X}])}, "v"]),
     {"i": hp.choice("i", [{"x": X, "y": hp.uniform("y", 0, 1)}])}, {"m": 0, "i": 1, "x": 0.5},
     {"i": 0, "x": 0.5, "y": 0.25}),
    ({"n": scope.int(hp.quniform("n", 1, 9, 1))}, {"n": hp.quniform("n", 1, 12, 1)}, {"n": 4},
     {"n": 4.0}),
]  # fmt: skip


@pytest.mark.parametrize(("before", "after", "values", "found"), CASES, ids=range(len(CASES)))
def test_values_in_another_space(before, after, values, found):
    """Values, options and branches find their place, or the trial is apart."""
    assert moved(before, after, values) == found


def test_a_moved_label_takes_the_default():
    """A label that had no part in a trial, and has now, may be given one."""
    before = hp.choice("m", ["a", {"k": "b", "x": X}])
    after = [X, hp.choice("m", ["a", {"k": "b"}])]
    assert moved(before, after, {"m": 0}, {"x": 0.75}) == {"m": 0, "x": 0.75}


def test_what_is_apart_comes_back_where_it_fits(history):
    """A space that is narrowed and widened again loses nothing."""
    narrow = quietly(history, {**OLD, "lr": hp.loguniform("lr", -0.7, 0)})
    assert narrow.count(Status.APART) == 4
    again = adapted(narrow, Space(OLD))
    assert again.count(Status.APART) == 0
    for old, new in zip(history, again, strict=True):
        assert (old.status, dict(old.values)) == (new.status, dict(new.values))
    np.testing.assert_array_equal(again.X, history.X)
    assert again.best.number == history.best.number
    assert again.reports_at(1)[0].tolist() == history.reports_at(1)[0].tolist()


# The three choices.


def test_the_same_space_goes_on(history):
    """Whatever is to be done on a change: without one it is the same history, in the live space."""
    for on_change in ("error", "keep", "adapt"):
        live = Space({"model": OLD["model"], "lr": OLD["lr"]})
        X = {label: history.X[:, history.space.column[label]] for label in live.labels}
        assert go_on(history, live, on_change) is history
        assert history.space is live
        for label, column in X.items():
            np.testing.assert_array_equal(history.X[:, live.column[label]], column)
        assert history.space.build(history[4].values) == {"lr": 0.25, "model": square}


def test_error_says_every_difference(history):
    """And what can be done; the history stays as it was."""
    before = history.space
    with pytest.raises(BadSearchSpace) as caught:
        go_on(history, Space(NEW))
    sentence = str(caught.value)
    for each in differences(Space(OLD), Space(NEW)):
        assert each in sentence
    assert "on_space_change='adapt'" in sentence
    assert history.space is before


def test_keep_goes_on_in_the_recorded_space(history):
    """With the functions of the given space where the recorded one has names."""
    kept = go_on(history, Space(NEW), "keep")
    assert kept is history
    assert differences(Space(OLD), kept.space) == []
    assert kept.space.build(kept[4].values) == {"lr": 0.25, "model": square}
    assert kept.best.number == 3


def test_keep_needs_what_the_record_names():
    """A function that the given space does not hold is named."""
    history = filled(recorded(Space(OLD)))
    with pytest.raises(BadSearchSpace, match=r"no <function .*square> in 'model'"):
        go_on(history, Space({"lr": hp.loguniform("lr", -9, 0)}), "keep")


def test_adapt_goes_on_in_the_given_space(history):
    """As ``adapted`` does, with the defaults."""
    with pytest.warns(UserWarning, match="do not fit"):
        new = go_on(history, space := Space(NEW), "adapt", {"leaf": 1})
    assert new.space is space
    assert new[1].values["leaf"] == 1


def test_another_choice_is_refused(history):
    """With the three that there are."""
    with pytest.raises(ValueError, match="`on_space_change` must be 'error', 'keep' or 'adapt'"):
        go_on(history, Space(OLD), "ignore")


def test_a_function_that_was_changed_is_a_difference_in_memory():
    """Its name is the same, its code is not: it was lost, and another gained."""
    scopes = [{}, {}]
    for code, names in zip(("return x", "return -x"), scopes, strict=True):
        exec(f"def f(x): {code}", names)
    one, two = (Space(hp.choice("m", [names["f"], "a"])) for names in scopes)
    with pytest.raises(BadSearchSpace, match="'m' lost the option <function f"):
        go_on(History(one), two)
    assert go_on(History(recorded(one)), two).space is two


# With the rest of the house.


def in_space(history):
    """Trials that hold a history."""
    trials = Trials()
    trials._history = history
    return trials


def test_a_run_goes_on_in_a_changed_space():
    """`max_evals` counts what fits; the record has everything, and the best is of this space."""
    trials = Trials()
    common = {"algo": None, "rstate": 0, "show_progressbar": False}
    fmin(lambda c: c["x"], {"x": hp.uniform("x", 0, 1)}, max_evals=12, trials=trials, **common)
    new = Space({"x": hp.uniform("x", 0.5, 2), "y": hp.choice("y", ["a", "b"])})
    history = quietly(trials.history, new, {"y": "b"})
    fitting = history.count(Status.OK)
    assert 0 < fitting < 12
    trials = in_space(history)
    best = fmin(lambda c: c["x"], new, max_evals=20, trials=trials, **common)
    assert len(trials) == 20
    assert len(trials._dynamic_trials) == 20 + 12 - fitting
    assert best["x"] >= 0.5
    assert trials.best_trial["tid"] == trials.history.best.number
    assert len(trials.losses()) == len(trials.results) == 20
    assert trials.errors() == {}


def test_a_tuner_begins_again_only_what_fits():
    """Cut trials that fit are handed out first; a candidate that is apart cannot be told."""
    space = Space({"x": hp.uniform("x", 0, 1)})
    tuner = Tuner(space, rstate=0)
    asked = tuner.ask(8)
    new = Space({"x": hp.uniform("x", 0.5, 2)})
    history = quietly(tuner.trials.history, new)
    for trial in history.pending:
        history.requeue(trial.number, "cut")
    fits = [trial.number for trial in history.cut]
    other = Tuner(new, trials=in_space(history), rstate=0)
    assert sorted(candidate.number for candidate in other.ask(len(fits))) == fits
    apart = next(candidate for candidate in asked if candidate.number not in fits)
    with pytest.raises(InvalidTrial):
        other.tell(apart.number, 1.0)


labels = st.sampled_from("abcd")
numeric = st.sampled_from(
    [
        lambda label: hp.uniform(label, 0, 1),
        lambda label: hp.uniform(label, 0.25, 4),
        lambda label: hp.randint(label, 4),
        lambda label: hp.normal(label, 0, 1),
        lambda label: hp.choice(label, [0, 1, 0.5, "z"]),
        lambda label: hp.choice(
            label, ["z", {"k": label, label * 2: hp.uniform(label * 2, 0, 1)}, 1]
        ),
        lambda label: hp.choice(label, [1, {"k": label, label * 3: hp.randint(label * 3, 3)}]),
    ]
)
spaces = st.dictionaries(labels, numeric, min_size=1, max_size=4).map(
    lambda made: Space({label: make(label) for label, make in sorted(made.items())})
)


@examples(60)
@given(st.lists(spaces, min_size=2, max_size=4), st.integers(0, 99), st.booleans())
def test_any_changes_lose_no_trial(changes, seed, after_a_record):
    """Through any spaces, every trial keeps its record, and fits or is apart."""
    first, *others = changes
    rng = np.random.default_rng(seed)
    history = History(first)
    for i, row in enumerate(first.sample(rng, 12)):
        history.start([first.decode(row)], float(i))
        if i % 3:
            history.finish(i, 0, ok(float(i)) if i % 2 else Outcome(Status.FAILED))
    begun = list(history)
    for space in others:
        if after_a_record:
            history.space = recorded(history.space)
        defaults = {label: first_value(space, label) for label in space.labels}
        history = quietly(history, space, defaults)
        assert history.space is space
        for old, new in zip(begun, history, strict=True):
            assert (old.number, old.outcome, old.started) == (new.number, new.outcome, new.started)
            if new.apart is None:
                assert space.check(new.values) == dict(new.values)
                assert new.status is old.status
        assert np.isfinite(history.y).sum() == history.count(Status.OK)
        other = pickle.loads(pickle.dumps(history))
        np.testing.assert_array_equal(other.X, history.X)
        assert other.status.tolist() == history.status.tolist()


def first_value(space, label):
    """A value of a label: an option, or a number."""
    param = space.params[space.column[label]]
    options = getattr(param, "options", None)
    return options[0] if options else param.distribution.value(param.distribution.middle)
