"""What `importance` and `Trials.importance` answer, show and refuse."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from properties import examples

from sparktune import STATUS_FAIL, Trials, Tuner, fmin, hp, rand, tpe
from sparktune.exceptions import AllTrialsFailed
from sparktune.history import History, Outcome, Status
from sparktune.importance import METHODS, importance
from sparktune.space.tree import Space

EVIL = "</script><img src=x onerror=alert(1)>\"'&\0\u2028\ud800 $x$"

FLAT = {f"x{i}": hp.uniform(f"x{i}", 0, 1) for i in range(4)}
TREE = {
    "model": hp.choice(
        "model",
        [
            {"kind": "svm", "C": hp.loguniform("C", -5, 5)},
            {"kind": "forest", "trees": hp.uniformint("trees", 10, 500)},
        ],
    ),
    "noise": hp.normal("noise", 0, 1),
}


def flat(config):
    return sum(10.0**-i * (config[f"x{i}"] - 0.5) ** 2 for i in range(4))


def tree(config):
    model = config["model"]
    if model["kind"] == "svm":
        return 3 + abs(math.log(model["C"]))
    return abs(model["trees"] - 100) / 100


def at_random(space, objective, n, seed=0):
    """A history of n candidates drawn from the prior."""
    space = Space(space)
    history, rng = History(space), np.random.default_rng(seed)
    for row in space.sample(rng, n):
        values = space.decode(row)
        (trial,) = history.start([values], 0.0)
        loss = objective(space.build(values))
        outcome = Outcome(Status.FAILED) if loss is None else Outcome(Status.OK, loss=loss)
        history.finish(trial.number, 0, outcome)
    return history


def with_losses(space, losses, seed=0):
    """A history of candidates with these losses, whatever their values."""
    left = iter(losses)
    return at_random(space, lambda _: next(left), len(losses), seed)


FLAT_RUN = at_random(FLAT, flat, 400)
TREE_RUN = at_random(TREE, tree, 400)


@pytest.mark.parametrize("method", ["ped-anova", "sobol"])
def test_labels_come_in_the_order_of_what_they_matter(method):
    """On a sum of known parts the shares have their order, and sum to 1."""
    found = importance(FLAT_RUN, method)
    assert list(found)[:2] == ["x0", "x1"]
    assert list(found.values()) == sorted(found.values(), reverse=True)
    assert sum(found.values()) == pytest.approx(1)
    assert found["x0"] > 0.7


@pytest.mark.parametrize("method", ["ped-anova", "sobol"])
def test_a_conditional_space_puts_the_choice_first(method):
    """The choice that matters to all trials leads; what matters to some, has its weight."""
    found = importance(TREE_RUN, method, **{"quantile": 0.5} if method == "ped-anova" else {})
    assert next(iter(found)) == "model"
    by_label = {each.label: each for each in found.labels}
    assert by_label["trees"].active == pytest.approx(0.5, abs=0.1)
    assert by_label["trees"].where_active > by_label["trees"].explained
    assert found["noise"] < 0.05


def test_among_the_best_other_labels_matter():
    """Of the best quarter alone, the label that made trials good at all matters no more."""
    overall = importance(TREE_RUN, "ped-anova")
    among_the_best = importance(TREE_RUN, "ped-anova", region=0.25)
    assert among_the_best["model"] < 0.05 < overall["model"]
    assert among_the_best["trees"] > 0.8


def test_beside_the_space_it_shows_where_a_search_went():
    """A search that spent its trials at one end tells by the prior, not by its other trials."""
    history = History(Space(FLAT))
    rng = np.random.default_rng(0)
    for number in range(200):
        values = dict(zip(FLAT, [0.1 * rng.random(), *rng.random(3)], strict=True))
        (trial,) = history.start([values], 0.0)
        history.finish(trial.number, 0, Outcome(Status.OK, loss=float(number % 17)))
    beside = importance(history, "ped-anova", against="space")
    assert next(iter(beside)) == "x0"
    assert beside["x0"] > 0.9
    assert importance(history, "ped-anova")["x0"] < 0.9


@examples(25)
@given(
    st.lists(st.floats(-50, 50), min_size=12, max_size=60),
    st.sampled_from([np.exp, np.arctan, lambda y: y**3, lambda y: 5 * y - 2]),
)
def test_ranks_alone_decide_by_densities(losses, rising):
    """A transform of the losses that keeps their order changes no share."""
    losses = np.round(losses, 1)
    if losses.min() == losses.max():
        return
    before = importance(with_losses(TREE, losses.tolist()), "ped-anova")
    after = importance(with_losses(TREE, [float(rising(y)) for y in losses]), "ped-anova")
    assert dict(before) == dict(after)


@examples(10)
@given(
    st.lists(
        st.floats(allow_nan=False) | st.sampled_from([math.inf, -math.inf, 1e308, None]),
        min_size=12,
        max_size=30,
    ),
    st.sampled_from(["ped-anova", "sobol"]),
)
def test_shares_are_shares_whatever_the_losses(losses, method):
    """Infinite, huge and missing losses: shares are from 0 to 1 and sum to 1, or all are 0."""
    with_a_loss = [loss for loss in losses if loss is not None]
    if len(with_a_loss) < 10 or min(with_a_loss) == max(with_a_loss):
        return
    fewer = {"draws": 16} if method == "sobol" else {}
    found = importance(with_losses(TREE, losses), method, **fewer)
    shares = list(found.values())
    assert set(found) == {"model", "C", "trees", "noise"}
    assert min(shares) >= 0
    assert sum(shares) == pytest.approx(1) or sum(shares) == 0


def test_labels_may_be_left_out():
    """The labels that are asked for share the 1, and the others are not there."""
    found = importance(FLAT_RUN, labels=["x3", "x1"])
    assert list(found) == ["x1", "x3"]
    assert sum(found.values()) == pytest.approx(1)


def test_the_same_seed_gives_the_same_answer():
    """Draws and fits depend on the seed alone."""
    first, again = (importance(FLAT_RUN, "sobol", seed=3) for _ in range(2))
    assert first.labels == again.labels


def test_best_trials_that_tie_with_all_others_say_so():
    """Where the best cannot be told from the rest, every share is 0 and a note says why."""
    tied = importance(with_losses(FLAT, [1.0] * 20 + [2.0] * 20), "ped-anova", region=0.5)
    assert sum(tied.values()) == 0
    assert "their losses are the same" in tied.notes[0]


def test_every_host_of_trials_is_asked_alike(tmp_path):
    """Trials, trials read from a journal, a tuner and a history give one answer."""
    trials = Trials(journal=tmp_path / "run")
    fmin(flat, FLAT, rand.suggest, 40, trials=trials, rstate=0, show_progressbar=False)
    tuner = Tuner(FLAT)
    for misc, loss in zip(trials.miscs, trials.losses(), strict=True):
        tuner.add({label: value for label, (value,) in misc["vals"].items()}, loss)
    wanted = dict(trials.importance())
    assert dict(importance(trials)) == wanted
    assert dict(Trials.load(tmp_path / "run").importance()) == wanted
    assert dict(importance(trials.history)) == wanted
    assert dict(importance(tuner)) == wanted


def test_trials_pass_settings_on():
    """The method of trials takes all that the function does."""
    trials = Trials()
    fmin(flat, FLAT, rand.suggest, 40, trials=trials, rstate=0, show_progressbar=False)
    found = trials.importance("ablation", default=dict.fromkeys(FLAT, 0.0), objective=flat)
    assert found.method == "ablation"
    assert dict(trials.importance(seed=3)) == dict(importance(trials, seed=3))


def test_trials_without_a_loss_are_left_aside():
    """Failures change nothing."""
    half = at_random(FLAT, lambda c: None if c["x3"] > 0.5 else flat(c), 300)
    found = importance(half, "ped-anova")
    assert list(found)[:2] == ["x0", "x1"]
    with_a_loss = half.count(Status.OK)
    assert with_a_loss < 200
    assert found.words.endswith(f"among all {with_a_loss} trials")


REFUSED = {
    "a method that is none": ({"method": "fanova"}, ValueError, "'fanova'"),
    "a label that is none": ({"labels": ["y"]}, ValueError, "no label 'y'; it has 'x0'"),
    "a label that is no list": ({"labels": "x0"}, ValueError, "list of labels"),
    "no label": ({"labels": []}, ValueError, "at least one label"),
    "a quantile of 0": ({"method": "ped-anova", "quantile": 0}, ValueError, "quantile"),
    "a quantile that is no number": (
        {"method": "ped-anova", "quantile": "0.1"},
        ValueError,
        "quantile",
    ),
    "a region below the quantile": (
        {"method": "ped-anova", "region": 0.05},
        ValueError,
        "below `region`",
    ),
    "an unknown reference": ({"method": "ped-anova", "against": "prior"}, ValueError, "'prior'"),
    "the space with a region": (
        {"method": "ped-anova", "against": "space", "region": 0.5},
        ValueError,
        "region=1",
    ),
    "few draws": ({"method": "sobol", "draws": 3}, ValueError, "draws"),
    "a seed below 0": ({"seed": -1}, ValueError, "seed"),
    "a setting of another method": ({"quantile": 0.2}, ValueError, "a setting of 'ped-anova'"),
    "labels of a path": ({"method": "ablation", "labels": ["x0"]}, ValueError, "labels"),
    "a path without beginning": ({"method": "ablation"}, ValueError, "needs `default`"),
    "an objective that is none": (
        {"method": "ablation", "default": dict.fromkeys(FLAT, 0.0), "objective": 3},
        TypeError,
        "must be a function",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_cannot_be_asked_is_refused(what):
    """A wrong setting is named with its value, before anything is computed."""
    settings_, kind, words = REFUSED[what]
    with pytest.raises(kind, match=words):
        importance(FLAT_RUN, **settings_)


@pytest.mark.parametrize("method", METHODS)
def test_too_few_trials_are_refused(method):
    """Nine losses are too few for any method, and the number is said."""
    with pytest.raises(ValueError, match="at least 10 trials with a loss, but there are 9"):
        importance(with_losses(FLAT, [float(i) for i in range(9)] + [None] * 30), method)


def test_losses_that_are_all_the_same_are_refused():
    """Where no trial is better than another, there is nothing to explain."""
    with pytest.raises(ValueError, match="all 20 trials have the loss 3"):
        importance(with_losses(FLAT, [3.0] * 20))


def test_what_is_no_trials_is_refused():
    """Trials that never ran, and things that are no trials, get a sentence each."""
    with pytest.raises(ValueError, match="belong to no search yet"):
        importance(Trials())
    with pytest.raises(TypeError, match="must be Trials of sparktune"):
        importance([1, 2, 3])
    failed = Trials()
    with pytest.raises(AllTrialsFailed):
        fmin(
            lambda _: {"status": STATUS_FAIL}, FLAT, rand.suggest, 12, trials=failed, rstate=0,
            show_progressbar=False,
        )  # fmt: skip
    with pytest.raises(ValueError, match="there are 0"):
        failed.importance()


def test_it_shows_itself_as_a_table():
    """A line for each label: its share, a bar, how often it is active, and its share there."""
    heading, names, first, *_ = repr(importance(TREE_RUN, "ped-anova")).splitlines()
    assert heading.startswith("Importance (ped-anova): being one of the best 4")
    assert names.split() == ["label", "share", "active", "where", "active"]
    assert first.startswith("trees")
    assert "▇" in first


def test_a_page_shows_labels_as_data():
    """Labels full of markup and nulls are text in HTML, and one line in a terminal."""
    space = {EVIL: hp.uniform(EVIL, 0, 1), "b\nc": hp.uniform("b\nc", 0, 1)}
    history = at_random(space, lambda config: config[EVIL], 60)
    for method, more in (("ped-anova", {}), ("ablation", {"default": {EVIL: 0.9, "b\nc": 0.9}})):
        found = importance(history, method, **more)
        page = found._repr_html_()
        assert "<img" not in page
        assert "\0" not in page + repr(found)
        assert "&lt;/script&gt;" in page
        assert "b c" in repr(found)
        page.encode()


def test_options_full_of_markup_are_data():
    """The same of options in the steps of a path."""
    space = hp.choice("c", [EVIL, "plain", "other"])
    history = at_random(space, lambda option: float(option == EVIL) - (option == "plain"), 60)
    page = importance(history, "ablation", default={"c": 0})._repr_html_()
    assert "<img" not in page
    assert "plain" in page


def test_a_frame_has_a_row_a_label_or_a_step():
    """As a DataFrame it is indexed by label."""
    frame = importance(FLAT_RUN).to_pandas()
    assert list(frame.columns) == ["share", "explained", "active", "where_active"]
    assert frame.index[0] == "x0"
    path = importance(FLAT_RUN, "ablation", default=dict.fromkeys(FLAT, 0.0)).to_pandas()
    assert list(path.columns) == ["share", "old", "new", "with_it", "loss", "gain", "error"]
    assert set(path.index) <= set(FLAT)


def test_a_label_that_is_not_there_is_a_key_error():
    """It is a mapping like any other."""
    found = importance(FLAT_RUN)
    assert len(found) == 4
    assert "x9" not in found
    with pytest.raises(KeyError):
        found["x9"]


def test_where_a_search_has_spent_its_trials_does_not_matter():
    """After a search that went to good places the variance of the GP still has the right order."""
    trials = Trials()
    fmin(flat, FLAT, tpe.suggest, 120, trials=trials, rstate=1, show_progressbar=False)
    found = trials.importance()
    assert found.method == "sobol"
    assert list(found)[:2] == ["x0", "x1"]
    assert found["x0"] > 0.7


def test_of_many_trials_some_are_fitted():
    """A thousand trials take a GP of 400, evenly from the best to the worst."""
    found = importance(at_random(FLAT, flat, 1000))
    assert "of a GP of 400 of 1000 losses" in found.words
    assert list(found)[:2] == ["x0", "x1"]


def test_stated_variances_are_noise():
    """Losses that are stated to be far from their means do not make a label matter."""
    space = Space(FLAT)
    history, rng = History(space), np.random.default_rng(0)
    for row in space.sample(rng, 80):
        (trial,) = history.start([space.decode(row)], 0.0)
        x0, x1 = trial.values["x0"], trial.values["x1"]
        noisy = x1 > 0.8
        outcome = Outcome(Status.OK, loss=x0 + 2 * noisy, variance=4.0 if noisy else 1e-6)
        history.finish(trial.number, 0, outcome)
    assert importance(history)["x0"] > 0.95
