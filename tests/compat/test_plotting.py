"""Pictures of a search, judged by what is on their axes."""

import inspect
import math
import pickle
import sys
from types import MappingProxyType

import numpy as np
import pytest

import sparktune
from sparktune.hyperopt import Trials, fmin, hp, plotting, rand
from sparktune.hyperopt.fmin import generate_trial

OK, FAIL = "ok", "fail"


@pytest.fixture
def pyplot():
    """Pyplot without a screen, and no figure left over."""
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    from matplotlib import pyplot

    pyplot.close("all")
    yield pyplot
    for number in pyplot.get_fignums():
        pyplot.figure(number).canvas.draw()  # what cannot be drawn fails here
    pyplot.close("all")


def of(*rows, **more):
    """Trials of rows: the result, and the values by label."""
    trials = Trials()
    for tid, (result, values) in enumerate(rows):
        document = generate_trial(tid, values)
        for label in {label for _, given in rows for label in given} - set(values):
            document["misc"]["idxs"][label], document["misc"]["vals"][label] = [], []
        document["result"], document["state"] = result, 2
        document.update(more)
        trials.insert_trial_doc(document)
    trials.refresh()
    return trials


def losses_of(*losses):
    """Trials with these losses; None fails."""
    return of(*(({"status": FAIL} if y is None else {"status": OK, "loss": y}, {}) for y in losses))


def dots(axes):
    """Where the dots of the axes are, a row each."""
    return np.asarray(axes.collections[0].get_offsets()).tolist()


def colors(axes):
    """Red, green and blue of the dots of the axes, from left to right."""
    order = np.argsort(np.asarray(axes.collections[0].get_offsets())[:, 0])
    return axes.collections[0].get_facecolors()[order, :3].tolist()


def searched():
    """Trials of a search with a choice that has conditional hyperparameters."""
    space = hp.choice(
        "kind", [{"log_c": hp.loguniform("log_c", -9, 2)}, {"n": hp.randint("n", 5)}, {"flat": 1}]
    )

    def objective(given):
        if given.get("n") == 0:
            return {"status": FAIL}
        return given.get("n", 0.5) if "log_c" not in given else abs(math.log(given["log_c"]))

    trials = Trials()
    fmin(objective, space, algo=rand.suggest, max_evals=40, trials=trials, rstate=0, verbose=False)
    return trials


def test_history_has_a_dot_for_each_loss(pyplot):
    """Losses are drawn in order, and a line marks the best of them."""
    plotting.main_plot_history(losses_of(3.0, 1.0, 2.0), do_show=False)
    axes = pyplot.gca()
    assert dots(axes) == [[0, 3], [1, 1], [2, 2]]
    assert list(axes.lines[0].get_ydata()) == [1, 1]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("time", "loss")
    assert axes.get_title() == "Loss History"


def test_history_of_failures_and_odd_losses(pyplot):
    """What has no loss is left out, what is no number leaves a gap, failures have their colour."""
    trials = of(
        ({"status": FAIL}, {}),
        ({"status": FAIL, "loss": 0.5}, {}),
        ({"status": OK, "loss": math.nan}, {}),
        ({"status": OK, "loss": math.inf}, {}),
        ({"status": OK, "loss": 2.0}, {}),
        ({"status": "suspended", "loss": 3.0}, {}),
    )
    plotting.main_plot_history(trials, do_show=False, title="mine")
    axes = pyplot.gca()
    assert dots(axes) == [[0, 0.5], [3, 2], [4, 3]]
    assert colors(axes) == [[1, 0, 0], [0, 0, 1], [0.5, 0.5, 0.5]]
    assert list(axes.lines[0].get_ydata()) == [2, 2]
    assert axes.get_title() == "mine"


def test_history_has_the_colors_that_are_given(pyplot):
    """Colours by status may be given."""
    trials = losses_of(1.0, 2.0)
    plotting.main_plot_history(trials, do_show=False, status_colors={OK: "yellow"})
    assert colors(pyplot.gca()) == [[1, 1, 0]] * 2


@pytest.mark.parametrize("losses", [(), (None, None), (math.nan,)])
def test_without_losses_pictures_are_empty(pyplot, losses):
    """Trials that have no loss yet give axes without data."""
    plotting.main_plot_history(losses_of(*losses), do_show=False)
    assert not pyplot.gca().lines
    assert dots(pyplot.gca()) == []
    pyplot.figure()
    plotting.main_plot_histogram(losses_of(*losses), do_show=False)
    assert sum(patch.get_height() for patch in pyplot.gca().patches) == 0
    pyplot.figure()
    plotting.main_plot_vars(losses_of(*losses), do_show=False)
    plotting.main_plot_1D_attachment(losses_of(*losses), "curve", do_show=False)


def test_histogram_counts_finite_losses(pyplot):
    """Every finite loss is in a bar, and nothing else."""
    plotting.main_plot_histogram(losses_of(1, 1, 2, 9, None, math.nan, math.inf), do_show=False)
    axes = pyplot.gca()
    heights = [patch.get_height() for patch in axes.patches]
    assert (sum(heights), heights[0], heights[-1]) == (4, 2, 1)
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("loss", "frequency")
    assert axes.get_title() == "Loss Histogram"


def test_vars_has_axes_for_each_label(pyplot):
    """Labels are in order, each with the values of the trials in which it was active."""
    trials = searched()
    plotting.main_plot_vars(trials, do_show=False, columns=2)
    kind, log_c, n = pyplot.gcf().axes
    assert [axes.get_title() for axes in (kind, log_c, n)] == ["kind", "log_c", "n"]
    for axes in (kind, log_c, n):
        label = axes.get_title()
        expected = list(zip(trials.idxs[label], trials.vals[label], strict=True))
        assert np.allclose(sorted(dots(axes)), expected)
    assert len(dots(n)) < len(dots(kind)) == 40
    assert (log_c.get_yscale(), kind.get_yscale()) == ("log", "linear")
    assert log_c.get_subplotspec().get_gridspec().get_geometry() == (2, 2)


def test_vars_are_the_darker_the_lower_the_loss(pyplot):
    """The best is black, the worst white, as is what has no loss."""
    losses = (1.0, 3.0, 2.0, math.nan, math.inf)
    rows = [({"status": OK, "loss": loss}, {"x": 0.0}) for loss in losses]
    plotting.main_plot_vars(of(*rows, ({"status": FAIL}, {"x": 0.0})), do_show=False)
    assert colors(pyplot.gca()) == [[share] * 3 for share in (0, 1, 0.5, 1, 1, 1)]


def test_vars_draws_the_best_last(pyplot):
    """Dots of lower losses lie on those of higher ones, and all on those of no loss."""
    losses = (1.0, None, 3.0, 0.5)
    results = [{"status": FAIL} if y is None else {"status": OK, "loss": y} for y in losses]
    plotting.main_plot_vars(of(*((each, {"x": 0.0}) for each in results)), do_show=False)
    assert [tid for tid, _ in dots(pyplot.gca())] == [1, 2, 0, 3]


def test_vars_colorize_the_best(pyplot):
    """The best colorize_best + 1 trials are green; all, where there are no more."""
    trials = of(*(({"status": OK, "loss": float(y)}, {"x": y}) for y in (4, 1, 3, 2, 0)))
    plotting.main_plot_vars(trials, do_show=False, colorize_best=1)
    green = [(r, b) == (0, 0) and g > 0 for r, g, b in colors(pyplot.gca())]
    assert green == [False, True, False, False, True]
    pyplot.figure()
    plotting.main_plot_vars(trials, do_show=False, colorize_best=10)
    assert all(r == b == 0 for r, _, b in colors(pyplot.gca()))


def test_vars_arranged_by_loss(pyplot):
    """The horizontal axis may be the loss; what has none is not drawn there."""
    trials = of(
        ({"status": OK, "loss": 3.0}, {"x": 0.1}),
        ({"status": FAIL}, {"x": 0.2}),
        ({"status": OK, "loss": 1.0}, {"x": 0.3}),
    )
    plotting.main_plot_vars(trials, do_show=False, arrange_by_loss=True)
    found = np.ma.filled(pyplot.gca().collections[0].get_offsets(), math.nan)
    assert sorted(found[~np.isnan(found).any(axis=1)].tolist()) == [[1.0, 0.3], [3.0, 0.1]]


def test_vars_of_whole_numbers_have_no_ticks_between(pyplot):
    """The axis of a choice has ticks at whole numbers alone."""
    rows = (({"loss": n, "status": OK}, {"kind": n % 2, "x": n / 2}) for n in range(4))
    plotting.main_plot_vars(of(*rows), do_show=False)
    kind, x = pyplot.gcf().axes
    assert all(float(tick).is_integer() for tick in kind.get_yticks())
    assert not all(float(tick).is_integer() for tick in x.get_yticks())


def test_vars_of_equal_losses_and_of_choices_named_log(pyplot):
    """One loss for all is black, and a label with log in it may have the value 0."""
    trials = of(*(({"status": OK, "loss": 1.0}, {"catalog": value}) for value in (0, 1, 2)))
    plotting.main_plot_vars(trials, do_show=False)
    assert pyplot.gca().get_yscale() == "linear"
    assert colors(pyplot.gca()) == [[0, 0, 0]] * 3


def test_documents_need_not_be_trials(pyplot):
    """Read-only documents in any iterable, and labels that only some of them know, will do."""
    first = generate_trial(0, {"x": 1.0})
    second = generate_trial(1, {"x": 2.0, "y": 3.0})
    for document in (first, second):
        document["result"], document["state"] = MappingProxyType({"status": OK, "loss": 1.0}), 2
    documents = (MappingProxyType(first), MappingProxyType(second))
    plotting.main_plot_history(documents, do_show=False)
    assert dots(pyplot.gca()) == [[0, 1], [1, 1]]
    pyplot.figure()
    plotting.main_plot_histogram(documents, do_show=False)
    assert sum(patch.get_height() for patch in pyplot.gca().patches) == 2
    pyplot.figure()
    plotting.main_plot_vars(iter(documents), do_show=False)
    assert [dots(axes) for axes in pyplot.gcf().axes] == [[[1, 2], [0, 1]], [[1, 3]]]
    plotting.main_plot_1D_attachment(documents, "curve", do_show=False)


def test_documents_of_trials_that_raised(pyplot):
    """A loss that was noted before its trial raised is drawn, but is not the best."""
    trials = losses_of(2.0, 1.0)
    trials._dynamic_trials[1]["state"] = 3
    plotting.main_plot_history(trials._dynamic_trials, do_show=False)
    assert dots(pyplot.gca()) == [[0, 2], [1, 1]]
    assert list(pyplot.gca().lines[0].get_ydata()) == [2, 2]


def test_trials_of_sparktune_itself_can_be_drawn(pyplot):
    """sparktune.Trials, which are no list of documents, have the same pictures."""
    trials = sparktune.Trials()
    sparktune.fmin(
        lambda given: given["x"], {"x": sparktune.hp.uniform("x", 0, 1)}, max_evals=5,
        algo=sparktune.rand.suggest, trials=trials, rstate=0, show_progressbar=False,
    )  # fmt: skip
    plotting.main_plot_history(trials, do_show=False)
    assert np.allclose(dots(pyplot.gca()), list(enumerate(trials.losses())))
    pyplot.figure()
    plotting.main_plot_vars(trials, do_show=False)
    assert np.allclose(sorted(dots(pyplot.gca())), list(enumerate(trials.vals["x"])))
    plotting.main_plot_1D_attachment(trials, "curve", do_show=False)


def with_curves(*losses):
    """Trials with an attached curve each, which begins with its number."""
    trials = losses_of(*losses)
    for number, document in enumerate(trials):
        trials.trial_attachments(document)["curve"] = pickle.dumps([[number, 1, 2]])
    return trials


def test_attachments_are_lines(pyplot):
    """Each trial's curve is a line, the darker the higher its loss, red where there is none."""
    plotting.main_plot_1D_attachment(
        with_curves(2.0, 4.0, None, 3.0), "curve", do_show=False, line_width=2
    )
    axes = pyplot.gca()
    assert [list(line.get_ydata()) for line in axes.lines] == [[n, 1, 2] for n in range(4)]
    assert [line.get_color() for line in axes.lines] == [
        (0, 0, 0, 0.1), (0, 0, 0, 0.5), (1, 0, 0, 0.5), (0, 0, 0, 0.25),
    ]  # fmt: skip
    labels = [text.get_text() for text in axes.get_legend().get_texts()]
    assert labels == ["loss: 2.0", "loss: 4.0", "no loss", "loss: 3.0"]
    assert axes.get_title() == "curve"
    assert {line.get_linewidth() for line in axes.lines} == {2}


def test_attachments_of_some_trials(pyplot):
    """num_trails picks in even steps from the lowest loss on, each at most once."""
    trials = with_curves(5.0, None, 1.0, 3.0, 2.0, math.nan)
    plotting.main_plot_1D_attachment(trials, "curve", do_show=False, num_trails=2)
    assert [line.get_ydata()[0] for line in pyplot.gca().lines] == [2, 3]
    pyplot.figure()
    plotting.main_plot_1D_attachment(trials, "curve", do_show=False, num_trails=9)
    assert [line.get_ydata()[0] for line in pyplot.gca().lines] == [2, 4, 3, 0]


def test_attachments_may_be_changed_before(pyplot):
    """A function may change curves; without colours by loss lines have those of matplotlib."""
    plotting.main_plot_1D_attachment(
        with_curves(1.0, 1.0), "curve", do_show=False, colorize_by_loss=False,
        preprocessing_fn=np.cumsum,
    )  # fmt: skip
    lines = pyplot.gca().lines
    assert list(lines[1].get_ydata()) == [1, 2, 4]
    assert lines[0].get_color() != lines[1].get_color()


def test_attachments_that_are_no_curves(pyplot):
    """Matrices, numbers and other names are left out, arrays need no pickle, ten need no legend."""
    trials = with_curves(*range(13))
    for number, thing in enumerate((pickle.dumps(np.eye(2)), pickle.dumps(3.0), np.arange(4))):
        trials.trial_attachments(trials[number])["curve"] = thing
    del trials.trial_attachments(trials[3])["curve"]
    plotting.main_plot_1D_attachment(trials, "curve", do_show=False)
    assert len(pyplot.gca().lines) == 10
    assert list(pyplot.gca().lines[0].get_ydata()) == [0, 1, 2, 3]
    assert pyplot.gca().get_legend() is None


def test_figures_are_shown_where_that_is_asked_for(pyplot, monkeypatch):
    """do_show shows the figure, once, and is on unless said otherwise."""
    shown = []
    monkeypatch.setattr(pyplot, "show", lambda: shown.append(pyplot.gcf()))
    trials = with_curves(1.0)
    for draw in (plotting.main_plot_history, plotting.main_plot_histogram, plotting.main_plot_vars):
        draw(trials)
    plotting.main_plot_1D_attachment(trials, "curve")
    assert len(shown) == 4
    for name in plotting.__all__[1:]:
        assert inspect.signature(getattr(plotting, name)).parameters["do_show"].default is True


def test_without_matplotlib_an_error_names_the_extra(monkeypatch):
    """Whoever has no matplotlib is told what to install."""
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.delitem(sys.modules, "matplotlib.pyplot", raising=False)
    with pytest.raises(ImportError, match=r"pip install 'sparktune\[plots\]'"):
        plotting.main_plot_histogram(Trials(), do_show=False)
