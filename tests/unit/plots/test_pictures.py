"""Pictures, judged by what is on their axes; some are drawn, with warnings as errors."""

import contextlib
import itertools
import math
import sys
import warnings

import numpy as np
import pytest
from drawn_runs import begun, ended, mixed
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from properties import examples

from sparktune import Space, SparkTrials, StoreTrials, Trials, Tuner, fmin, hp, plots, rand
from sparktune.history import History, Outcome, Status
from sparktune.importance import importance
from sparktune.plots import arrays

INF = math.inf


def dots(collection):
    """Where the dots of a scatter are, (n, 2)."""
    return np.ma.getdata(collection.get_offsets())


def names_in(ax):
    """The texts of a legend."""
    return [text.get_text() for text in ax.get_legend().get_texts()]


def test_history(pyplot):
    """Dots are the losses, the line is the best so far, the star the best trial."""
    history = mixed()
    ax, found = plots.plot_optimization_history(history), arrays.course(history)
    inside = found.losses <= found.axis.high
    np.testing.assert_allclose(
        dots(ax.collections[0]), np.column_stack([found.numbers, found.losses])[inside]
    )
    assert ax.lines[0].get_ydata()[: len(found.best)].tolist() == found.best.tolist()
    assert dots(ax.collections[-1]).tolist() == [[history.best.number, history.best.loss]]
    assert f"failed ({history.count(Status.FAILED)})" in names_in(ax)
    assert str(len(history)) in ax.get_title()


def test_history_of_several_runs(pyplot):
    """Each run has a line of its own."""
    ax = plots.plot_optimization_history({"a_": mixed(seed=1), "_b": mixed(seed=2)})
    assert len(ax.lines) == 2
    assert [name.split(":")[0] for name in names_in(ax)] == ["a_", " _b"]


def test_losses_far_above_all_others_are_triangles(pyplot):
    """A loss beyond the axis is at its edge, and the legend counts it."""
    ax = plots.plot_optimization_history(ended(*range(1, 20), 1e9, INF))
    assert ax.get_ylim()[1] < 30
    assert "loss (21), 2 of them beyond the axis" in names_in(ax)


def test_over_trials(pyplot):
    """Each quantity has axes with its name and scale, one below the other."""
    axes = plots.plot_over_trials(mixed(), ["loss", "lr", "model", "accuracy"])
    assert [ax.get_ylabel() for ax in axes] == ["loss", "lr", "model", "accuracy"]
    assert [ax.get_yscale() for ax in axes] == ["linear", "log", "linear", "linear"]
    assert [t.get_text() for t in axes[2].get_yticklabels()] == ["svm", "tree", "none"]
    assert axes[3].get_xlabel() == "trial"


def test_slice(pyplot):
    """Each label has axes with its trials, and an axis that is logarithmic where the label is."""
    history = mixed()
    axes = plots.plot_slice(history)
    assert [ax.get_xlabel() for ax in axes] == list(history.space.labels)
    by_label = dict(zip(history.space.labels, axes, strict=True))
    assert by_label["lr"].get_xscale() == by_label["C"].get_xscale() == "log"
    (found,) = arrays.slices(history, ["C"])
    assert sorted(dots(by_label["C"].collections[0])[:, 0]) == pytest.approx(sorted(found.values))
    alone = plots.plot_slice(history, ["C"])
    assert alone.get_xlabel() == "C"


def test_contour(pyplot):
    """Two labels have one picture, three have one for each pair."""
    history = mixed()
    ax = plots.plot_contour(history, ["lr", "C"])
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("lr", "C")
    axes = plots.plot_contour(history, ["lr", "C", "model"])
    assert axes.shape == (3, 3)
    assert axes[2, 0].get_xlabel() == "lr"
    assert len(plots.plot_contour(history, ["C", "depth"]).texts) == 1


def test_rank(pyplot):
    """Dots have the ranks of their losses as colours, the best on top."""
    ax = plots.plot_rank(mixed(), ["lr", "q"])
    ranks = ax.collections[0].get_array()
    assert ranks[-1] == 0
    assert (np.diff(ranks) <= 0).all()


def test_parallel_coordinates(pyplot):
    """There is a line for each trial with a loss, across all labels."""
    history = mixed()
    ax = plots.plot_parallel_coordinate(history)
    paths = ax.collections[0].get_segments()
    assert len(paths) == history.count(Status.OK)
    assert {len(path) for path in paths} == {1 + len(history.space)}
    names = [text.get_text() for text in ax.get_xticklabels()]
    assert names == ["loss", *history.space.labels]


def test_edf(pyplot):
    """A run's line is at the share of its trials with at most a loss."""
    ax = plots.plot_edf([ended(1.0, 2.0, 2.0, 4.0), ended(3.0)])
    assert ax.lines[0].get_ydata().tolist() == [0, 0.25, 0.75, 0.75, 1, 1]
    assert names_in(ax) == ["run 0 (4 trials)", "run 1 (1 trial)"]


def test_intermediate_values(pyplot):
    """Lines are what trials reported, by how they stand."""
    history = mixed()
    ax = plots.plot_intermediate_values(history)
    reporting = [t for t in history if history.reports(t.number)]
    lines = [each for each in ax.collections if hasattr(each, "get_segments")]
    assert sum(len(each.get_segments()) for each in lines) == len(reporting)
    pruned = sum(trial.status is Status.PRUNED for trial in reporting)
    assert f"pruned ({pruned})" in names_in(ax)


def test_reports_far_above_all_others_are_counted(pyplot):
    """A title says how many trials reported something beyond the axis."""
    history = begun(n=12)
    for number in range(12):
        history.report(number, 0, 1, 1e9 if number == 3 else float(number))
    ax = plots.plot_intermediate_values(history)
    assert ax.get_title() == "Reports of 12 trials, 1 of them beyond the axis in part"
    assert ax.get_ylim()[1] < 30


@pytest.mark.parametrize("log", [True, False])
def test_space(pyplot, log):
    """Each label has its prior, on an axis that is logarithmic where that is asked for."""
    space = [hp.uniform("u", -1, 1), hp.loguniform("lu", -3, 4), hp.normal("n", 1, 0.5)]
    space.append(hp.lognormal("ln", 1, 1))
    axes = plots.plot_space(space, log=log)
    scale = "log" if log else "linear"
    assert [ax.get_xscale() for ax in axes] == ["linear", scale, "linear", scale]
    assert axes[0].lines[0].get_ydata() == pytest.approx(0.5)


def test_space_of_trials(pyplot):
    """Trials have a space, too, of which the labels are drawn that are asked for."""
    axes = plots.plot_space(mixed(2), ["lr", "model"], samples=0)
    assert [ax.get_xlabel() for ax in axes] == ["lr", "model"]


@pytest.mark.parametrize("label", ["lr", "model", "depth"])
def test_models(pyplot, label):
    """TPE's densities and the GP's mean are on the axis of their label."""
    history = mixed(40)
    ax, found = plots.plot_densities(history, label), arrays.densities(history, label)
    if found.discrete:
        heights = [[bar.get_height() for bar in bars] for bars in ax.containers]
        np.testing.assert_allclose(heights, [found.l, found.g, found.prior])
    else:
        assert ax.lines[0].get_ydata().tolist() == found.l.tolist()
    own = plots.plot_surrogate(history, label)
    assert own.get_xlabel() == ax.get_xlabel() == label
    best = min(
        (t for t in history if t.loss is not None and label in t.values), key=lambda t: t.loss
    )
    assert f"best: trial {best.number}" in names_in(own)


def test_timeline(pyplot):
    """There is a bar for each trial, and the title says in how many slots."""
    history = mixed(80)
    ax, found = plots.plot_timeline(history), arrays.timeline(history)
    bars = [
        each for each in ax.collections if len(each.get_paths()) and len(each.get_paths()[0]) == 5
    ]
    assert sum(len(each.get_paths()) for each in bars) == 80
    assert f"in {len(found.hosts)} slots" in ax.get_title()
    assert {"host-0", "host-1"} <= {text.get_text() for text in ax.get_yticklabels()}
    assert f"begun again ({found.retried.sum()})" in names_in(ax)


def test_importances(pyplot):
    """Bars are the shares, of an Importance or of trials."""
    history = mixed(80)
    shares = importance(history)
    for ax in (plots.plot_param_importances(shares), plots.plot_param_importances(history)):
        assert [bar.get_width() for bar in ax.patches] == pytest.approx(list(shares.values()))
        assert [text.get_text() for text in ax.get_yticklabels()] == list(shares)
    with pytest.raises(ValueError, match="an Importance has its settings already"):
        plots.plot_param_importances(shares, quantile=0.2)


def every(trials, labels=("lr", "model")):
    """Each picture of trials, by name, as something to call."""
    first, second = labels
    return {
        "history": lambda **more: plots.plot_optimization_history(trials, **more),
        "over": lambda **more: plots.plot_over_trials(trials, [first], **more),
        "slice": lambda **more: plots.plot_slice(trials, [first], **more),
        "contour": lambda **more: plots.plot_contour(trials, [first, second], **more),
        "rank": lambda **more: plots.plot_rank(trials, [first, second], **more),
        "parallel": lambda **more: plots.plot_parallel_coordinate(trials, **more),
        "edf": lambda **more: plots.plot_edf(trials, **more),
        "reports": lambda **more: plots.plot_intermediate_values(trials, **more),
        "space": lambda **more: plots.plot_space(trials, [first], **more),
        "densities": lambda **more: plots.plot_densities(trials, first, **more),
        "surrogate": lambda **more: plots.plot_surrogate(trials, first, **more),
        "timeline": lambda **more: plots.plot_timeline(trials, **more),
        "importances": lambda **more: plots.plot_param_importances(trials, **more),
    }


@pytest.mark.parametrize("name", every(None))
def test_pictures_go_where_they_are_told(pyplot, name, drawn):
    """A picture is drawn into the axes that are given, makes no figure, and changes no setting."""
    figure, ax = pyplot.subplots()
    before = dict(pyplot.rcParams)
    assert every(mixed())[name](ax=ax) is ax
    assert pyplot.get_fignums() == [figure.number]
    assert dict(pyplot.rcParams) == before
    assert ax.has_data()
    with pytest.raises(TypeError, match="`ax` must be an Axes of matplotlib, but got 3"):
        every(mixed())[name](ax=3) if name not in ("over", "slice", "space") else plots.plot_edf(
            mixed(), ax=3
        )


def test_as_many_axes_as_pictures(pyplot):
    """Several pictures go into as many axes, and another number of them is refused."""
    _, axes = pyplot.subplots(1, 2)
    plots.plot_slice(mixed(), ["lr", "C"], axes)
    assert [ax.get_xlabel() for ax in axes] == ["lr", "C"]
    with pytest.raises(ValueError, match="`ax` must hold 3 Axes, one for each picture, but got 2"):
        plots.plot_slice(mixed(), ["lr", "C", "q"], axes)
    with pytest.raises(TypeError, match="`ax` must be an Axes of matplotlib, but got 1"):
        plots.plot_slice(mixed(), ["lr"], 1)


@pytest.mark.parametrize("host", ["Trials", "journal", "store", "SparkTrials", "Tuner"])
def test_trials_of_any_host(pyplot, tmp_path, host):
    """Every host's trials can be drawn, also those that were loaded to be read."""
    space = hp.choice("model", [hp.uniform("a", 0, 1), hp.loguniform("lr", -3, 0)])
    url = f"sqlite:///{tmp_path / 'runs.db'}"
    made = {
        "journal": lambda: Trials(journal=tmp_path / "run"),
        "store": lambda: Trials(store=url),
        "Tuner": lambda: Tuner(space).trials,
    }
    trials = made.get(host, Trials)()
    fmin(
        lambda x: x, space, algo=rand.suggest, max_evals=12, trials=trials, rstate=0,
        show_progressbar=False,
    )  # fmt: skip
    loaded = {
        "journal": lambda: Trials.load(tmp_path / "run"),
        "store": lambda: StoreTrials.load(url),
        "Tuner": lambda: Tuner(space, trials=trials),
    }
    shown = loaded.get(host, lambda: trials)()
    if host == "SparkTrials":
        shown = SparkTrials.__new__(SparkTrials)
        shown.__dict__.update(trials.__dict__)
    ax = plots.plot_optimization_history(shown)
    assert "12 trials" in ax.get_title()
    assert len(plots.plot_slice(shown)) == 3
    pyplot.close("all")  # the same as others, which are drawn


HOSTILE = [
    "$x^",
    "_x_{",
    "a\nb",
    "nul\0l",
    "👩‍🚀 emoji",
    "\\frac{1}{0} $$",
    "日本語",
    "x" * 300,
    "%s {0}",
    "\ud800",
]


def test_texts_cannot_break_a_picture(pyplot):
    """Labels, options, hosts and names of runs full of signs are shown, without a warning."""
    space = {text: hp.uniform(text, 0, 1) for text in HOSTILE[:4]}
    space["c"] = hp.choice(HOSTILE[4], HOSTILE)
    history = History(Space(space))
    for i, row in enumerate(history.space.sample(np.random.default_rng(0), 40)):
        (trial,) = history.start([history.space.decode(row)], float(i))
        history.report(trial.number, 0, 1, 1.0)
        outcome = Outcome(Status.OK, loss=float(row[0]), seconds=1.0, host=HOSTILE[i % 10])
        history.finish(trial.number, 0, outcome)
    for draw in every(history, (HOSTILE[0], HOSTILE[4])).values():
        draw()
    plots.plot_densities(history, HOSTILE[4])
    assert plots.plot_slice(history, ["$x^"]).get_xlabel() == r"\$x^"
    plots.plot_edf(dict.fromkeys(HOSTILE, history))
    plots.plot_over_trials(history, dict.fromkeys(HOSTILE[:5], "loss"))
    pyplot.close("all")


def test_many_labels_are_cut_to_those_that_matter(pyplot):
    """Of more than 20 labels a picture shows 20, and says so."""
    history = ended(*np.random.default_rng(0).normal(size=40).tolist(),
                    space=[hp.uniform(f"x{i}", 0, 1) for i in range(24)])  # fmt: skip
    axes = plots.plot_slice(history)
    assert len(axes) == 20
    assert axes[0].figure._suptitle.get_text().startswith("Losses against 20 labels of 24")
    title = plots.plot_parallel_coordinate(history).get_title()
    assert title.endswith("(those that matter most of 24)")
    pyplot.close("all")


def test_without_matplotlib_a_sentence_names_the_extra(monkeypatch):
    """Whoever has no matplotlib is told what to install, and has the arrays all the same."""
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.delitem(sys.modules, "matplotlib.pyplot", raising=False)
    with pytest.raises(ImportError, match=r"pip install 'sparktune\[plots\]'"):
        plots.plot_optimization_history(mixed(10))
    assert len(arrays.course(mixed(10)).numbers)


@st.composite
def spaces(draw):
    """Spaces of a few labels of any kind, in branches and outside."""
    count = itertools.count()

    def leaf():
        label, low = f"x{next(count)}", draw(st.floats(-5, 5))
        kinds = (
            lambda: hp.uniform(label, low, low + draw(st.sampled_from([1e-6, 1, 1e6]))),
            lambda: hp.loguniform(label, low, low + draw(st.sampled_from([1e-3, 1, 9]))),
            lambda: hp.quniform(label, low, low + 5, draw(st.sampled_from([0.1, 1, 7]))),
            lambda: hp.qloguniform(label, low, low + 3, 1),
            lambda: hp.normal(label, low, draw(st.sampled_from([1e-6, 1, 1e6]))),
            lambda: hp.qlognormal(label, low, 1, 1),
            lambda: hp.lognormal(label, low, 3),
            lambda: hp.randint(label, draw(st.sampled_from([1, 3, 10**6]))),
            lambda: hp.choice(label, draw(st.sampled_from([["a"], [1, 2], list(range(300))]))),
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of bounds that are no multiples of q
            return draw(st.sampled_from(kinds))()

    branches = [leaf(), [leaf(), hp.choice("deep", [0, leaf()])]]
    return Space([leaf(), hp.choice("branch", branches), leaf()])


losses = st.sampled_from([None, 0.0, 1.0, INF, -INF, 1e308, -1e308, 5e-324]) | st.floats(-9, 9)


@examples(12, quick=2, suppress_health_check=list(HealthCheck))
@given(spaces(), st.lists(losses, min_size=1, max_size=14), st.data())
def test_any_search_can_be_drawn(drawn, space, given_losses, data):
    """Whatever the space and the losses, each picture is drawn without a warning, or refused."""
    seconds = data.draw(st.sampled_from([0.0, 1.0, 1e9]))
    history = ended(*given_losses, space=space, seconds=seconds)
    label = data.draw(st.sampled_from(space.labels))
    other = data.draw(st.sampled_from([each for each in space.labels if each != label]))
    for name, draw in every(history, (label, other)).items():
        # what needs more than there is says so; the rest is always drawn
        refuses = name not in ("history", "over", "slice", "space", "timeline")
        with contextlib.suppress(ValueError) if refuses else contextlib.nullcontext():
            draw()
    drawn()


@pytest.mark.parametrize("name", every(None))
def test_nothing_to_draw(pyplot, name):
    """Without a trial a sentence says so; a space can be drawn all the same."""
    if name == "space":
        assert every(begun())[name]().has_data()
        return
    with pytest.raises(ValueError, match=r"nothing to draw|to no search yet"):
        every(begun())[name]()
