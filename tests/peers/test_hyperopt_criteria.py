"""Hyperopt's criteria, distributions, graphs and pictures, next to those of sparktune.hyperopt."""

import inspect
import math

import numpy as np
import pytest

import sparktune.hyperopt as ours
from sparktune.hyperopt import criteria, graph_viz, plotting, rdists

hyperopt = pytest.importorskip("hyperopt")
theirs_of = {
    name: pytest.importorskip(f"hyperopt.{name}")
    for name in ("criteria", "graph_viz", "plotting", "rdists")
}

FUNCTIONS = {
    criteria: ("EI_empirical", "EI_gaussian", "EI_gaussian_empirical", "logEI_gaussian", "UCB"),
    graph_viz: ("dot_hyperparameters",),
    plotting: (
        "main_plot_history", "main_plot_histogram", "main_plot_vars", "main_plot_1D_attachment",
    ),
    rdists: (
        "loguniform_gen", "lognorm_gen", "quniform_gen", "qloguniform_gen", "qnormal_gen",
        "qlognormal_gen",
    ),
}  # fmt: skip
QUANTISED = {
    "quniform_gen": [(0, 1, 0.1), (-20, -1, 3), (0.1, 0.2, 1), (0, 2, 2)],
    "qloguniform_gen": [(0, 1, 0.1), (-20, 4, 3), (math.log(0.05), math.log(0.75), 0.5)],
    "qnormal_gen": [(0, 1, 0.1), (-20, 4, 3), (0, 10, 1)],
    "qlognormal_gen": [(0, 1, 0.1), (1, 2, 2), (-0.5, 2, 0.25)],
}
CASES = [(name, arguments) for name, several in QUANTISED.items() for arguments in several]


def module(ours):
    """Hyperopt's module of the same name."""
    return theirs_of[ours.__name__.rpartition(".")[2]]


@pytest.mark.parametrize("where", FUNCTIONS, ids=lambda each: each.__name__)
def test_parameters_are_hyperopts(where):
    """Names, order and defaults of parameters are Hyperopt's, but for lines that one can see."""
    for name in FUNCTIONS[where]:
        given = [inspect.signature(getattr(each, name)) for each in (where, module(where))]
        mine, known = ({k: p.default for k, p in each.parameters.items()} for each in given)
        for defaults in (mine, known):
            defaults.pop("preprocessing_fn", None)  # a function, which equals itself only
        widths = mine.pop("line_width", None), known.pop("line_width", None)
        assert widths in [(None, None), (1.0, 0.1)]
        assert mine == known, name


def test_criteria_are_hyperopts():
    """Criteria have Hyperopt's values where those have their digits, and the same draws."""
    mean, var = np.linspace(-3, 3, 13), np.linspace(0.5, 4, 13)
    known = module(criteria)
    for name in ("EI_gaussian", "logEI_gaussian", "UCB"):
        found, expected = (getattr(each, name)(mean, var, 0.5) for each in (criteria, known))
        assert np.allclose(found, expected, rtol=1e-9), name
    drawn = [
        each.EI_gaussian_empirical(1.0, 4.0, 0.5, np.random.default_rng(0), 1000)
        for each in (criteria, known)
    ]
    assert drawn[0] == drawn[1]
    assert criteria.EI_empirical(mean, 0.5) == known.EI_empirical(mean, 0.5)


def test_hyperopt_loses_digits_of_improvement_far_below():
    """Where a mean is far below the threshold Hyperopt's logarithm is off, and here it is not."""
    exact = -0.5 * 1e10 - 0.5 * math.log(2 * math.pi) - 2 * math.log(1e5)
    assert criteria.logEI_gaussian(-1e5, 1.0, 0.0) == pytest.approx(exact, rel=1e-14)
    assert module(criteria).logEI_gaussian(-1e5, 1.0, 0.0) > exact + 5


@pytest.mark.parametrize(("name", "arguments"), CASES)
def test_quantised_distributions_are_hyperopts(name, arguments):
    """Masses, tables and draws under numpy's global seed are Hyperopt's."""
    mine, known = getattr(rdists, name)(*arguments), getattr(module(rdists), name)(*arguments)
    q = arguments[-1]
    points = np.arange(-40, 41) * q / 2
    assert np.allclose(mine.pmf(points), known.pmf(points), rtol=1e-9, atol=1e-15)
    for point in (0, 0.0, 2 * q, -q, 0.3 * q):
        assert mine.pmf(point) == pytest.approx(known.pmf(point), rel=1e-9, abs=1e-15)
        assert isinstance(mine.pmf(point), float)
        assert isinstance(mine.logpmf(point), float)
    if hasattr(known, "xs"):  # an end that only rounding reaches may be there or not
        for table in ("xs", "ps"):
            found, expected = (getattr(each, table)[each.ps > 1e-12] for each in (mine, known))
            assert np.allclose(found, expected), table
        assert (mine.qlow, mine.qhigh) == (known.qlow, known.qhigh)
    draws = []
    for each in (mine, known):
        np.random.seed(0)  # noqa: NPY002
        draws.append([each.rvs(), *each.rvs(size=5), *each.rvs(size=(2, 3)).ravel()])
    assert draws[0] == draws[1]
    assert list(map(type, draws[0])) == list(map(type, draws[1]))


@pytest.mark.parametrize(
    ("name", "arguments"), [("loguniform_gen", (-2, 1)), ("lognorm_gen", (-1, 0.5))]
)
def test_continuous_distributions_are_hyperopts(name, arguments):
    """Densities, quantiles and, where Hyperopt's can draw, seeded draws are Hyperopt's."""
    mine, known = getattr(rdists, name)(*arguments), getattr(module(rdists), name)(*arguments)
    points = np.linspace(0.01, 4, 30)
    for function in ("pdf", "logpdf", "cdf", "sf"):
        found, expected = (getattr(each, function)(points) for each in (mine, known))
        assert np.allclose(found, expected, rtol=1e-9, atol=1e-12), function
    assert np.allclose(mine.ppf([0.1, 0.5, 0.9]), known.ppf([0.1, 0.5, 0.9]))
    if name == "lognorm_gen":
        with pytest.raises(AttributeError):
            known.rvs(size=7)
        return
    draws = []
    for each in (mine, known):
        np.random.seed(0)  # noqa: NPY002
        draws.append(each.rvs(size=7))
    assert np.allclose(draws[0], draws[1], rtol=1e-14)


def space(hp):
    """A space with choices in choices and a node that two options share."""
    shared = hp.uniform("shared", 0, 1)
    inner = hp.choice("inner", [hp.normal("deep", 0, 1), {"a": shared}])
    return {
        "always": hp.loguniform("always", -1, 1),
        "one": hp.choice("outer", [inner, shared, hp.randint("n", 5)]),
    }


def test_graphs_are_hyperopts():
    """The lines of a graph are Hyperopt's, in whichever order, each once."""
    found = graph_viz.dot_hyperparameters(space(ours.hp)).splitlines()
    expected = module(graph_viz).dot_hyperparameters(space(hyperopt.hp)).splitlines()
    assert set(found) == set(expected)
    assert (found[0], found[-1]) == (expected[0], expected[-1])


@pytest.fixture
def pyplot():
    """Pyplot without a screen, and no figure left over."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    pyplot.close("all")
    yield pyplot
    pyplot.close("all")


def run():
    """Hyperopt's trials of a search, with attached curves."""
    import pickle

    trials = hyperopt.Trials()
    hyperopt.fmin(
        lambda given: given["always"], space(hyperopt.hp), algo=hyperopt.rand.suggest,
        max_evals=25, trials=trials, rstate=np.random.default_rng(0), verbose=False,
    )  # fmt: skip
    for document in trials.trials:
        curve = pickle.dumps(np.arange(3) + document["tid"])
        trials.trial_attachments(document)["curve"] = curve
    return trials


def dots_and_colors(collection):
    """A row for each dot, from left to right: where it is, and its colour."""
    dots = np.asarray(collection.get_offsets())
    colors = np.broadcast_to(collection.get_facecolors(), (len(dots), 4))
    rows = np.column_stack([dots, colors])
    return rows[np.argsort(rows[:, 0])]


DRAWINGS = [
    ("main_plot_history", {}),
    ("main_plot_histogram", {}),
    ("main_plot_vars", {"colorize_best": 3}),
    ("main_plot_vars", {"columns": 2, "arrange_by_loss": True}),
    ("main_plot_1D_attachment", {"attachment_name": "curve"}),
    ("main_plot_1D_attachment", {"attachment_name": "curve", "num_trails": 4}),
]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("name", "settings"), DRAWINGS)
def test_pictures_are_hyperopts(pyplot, name, settings):
    """Dots, lines, bars, titles and places of axes are Hyperopt's, for Hyperopt's own trials."""
    trials, seen = run(), []
    for where in (plotting, module(plotting)):
        pyplot.figure()
        getattr(where, name)(trials, do_show=False, **settings)
        seen.append(pyplot.gcf().axes)
    assert len(seen[0]) == len(seen[1])
    for mine, known in zip(*seen, strict=True):
        assert mine.get_title() == known.get_title()
        assert mine.get_xlabel() == known.get_xlabel()
        assert np.allclose(mine.get_position().bounds, known.get_position().bounds)
        for kind, data in (
            ("lines", lambda each: each.get_xydata()),
            ("collections", dots_and_colors),
            ("patches", lambda each: each.get_bbox().bounds),
        ):
            found, expected = ([*map(data, getattr(each, kind))] for each in (mine, known))
            assert len(found) == len(expected)
            assert all(np.allclose(*pair, atol=1e-3) for pair in zip(found, expected, strict=True))


def test_status_colors_are_hyperopts():
    """Each status has Hyperopt's colour."""
    assert plotting.default_status_colors == module(plotting).default_status_colors
