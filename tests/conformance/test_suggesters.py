"""What every suggester promises, whatever its method."""

import numpy as np
import pytest

from sparktune import hp
from sparktune.history import History, Outcome, Status
from sparktune.space.expressions import scope
from sparktune.space.tree import Space
from sparktune.suggest.adaptive import AdaptiveTPE
from sparktune.suggest.anneal import Anneal
from sparktune.suggest.auto import Auto
from sparktune.suggest.bayes import Bayes
from sparktune.suggest.cma import CMA
from sparktune.suggest.mix import Mix
from sparktune.suggest.random import Random
from sparktune.suggest.tpe import TPE

SUGGESTERS = {
    "random": Random(),
    "anneal": Anneal(),
    "tpe": TPE(),
    "tpe-1": TPE(n_startup_jobs=1, n_EI_candidates=1),
    "adaptive": AdaptiveTPE(),
    "cma": CMA(),
    "cma-1": CMA(n_startup_jobs=1, population=4),
    "gp": Bayes(),
    "gp-pi": Bayes(acquisition="pi", n_candidates=200),
    "gp-lcb": Bayes(acquisition="lcb", n_candidates=200),
    "gp-mes": Bayes(acquisition="mes", n_candidates=200, n_startup_jobs=1),
    "forest": Bayes("forest"),
    "forest-pi": Bayes("forest", acquisition="pi", n_candidates=200),
    "forest-lcb": Bayes("forest", acquisition="lcb", n_candidates=200),
    "forest-mes": Bayes("forest", acquisition="mes", n_candidates=200, n_startup_jobs=1),
    "auto": Auto(),
    "mix": Mix([(0.3, Random()), (0.3, TPE()), (0.4, Anneal())]),
}
METHODS = ["random", "anneal", "tpe", "adaptive", "cma", "gp", "gp-mes", "forest", "auto", "mix"]
REPEATS = {"random", "mix"}  # may propose one point of a discrete space twice

shared = hp.uniform("shared", 0, 1)
SPACES = {
    "flat": {"x": hp.uniform("x", -1, 1), "y": hp.lognormal("y", 0, 1)},
    "mixed": [
        hp.loguniform("lr", -9, 0),
        scope.int(hp.quniform("n", 1, 9, 2)),
        hp.choice("c", ["a", "b", "c"]),
        hp.randint("r", 5),
        hp.qnormal("qn", 0, 3, 0.5),
        hp.qloguniform("ql", -2, 3, 1),
    ],
    "tree": hp.choice(
        "m",
        [
            {"kind": "a", "k": hp.uniformint("k", 1, 3)},
            {
                "kind": "b",
                "x": hp.normal("x", 0, 1),
                "deep": hp.choice("d", [1, hp.uniform("u", 0, 1)]),
            },
            {"kind": "c"},
        ],
    ),
    "shared": hp.choice("s", [{"a": shared}, {"b": shared, "c": hp.randint("i", 1000)}, None]),
    "discrete": {"i": hp.randint("i", 3), "j": hp.pchoice("j", [(0.9, "x"), (0.1, "y")])},
    "categories": [hp.choice(f"c{i}", list(range(2 + 5 * i))) for i in range(4)],
    "fine": hp.quniform("q", 0, 1, 0.001),
    "wide": [hp.uniform("w", -1e9, 1e9), hp.loguniform("t", -60, -40), hp.qlognormal("z", 3, 2, 5)],
    "many": {f"x{i}": hp.uniform(f"x{i}", 0, 1) for i in range(40)},
}


MANY = {
    "o": hp.choice("o", range(100_000)),
    "p": hp.pchoice("p", [(1e-5, i) for i in range(100_000)]),
    "deep": hp.choice("deep", [hp.uniform("x1", 0, 1), *range(99_999)]),
    "x": hp.uniform("x", 0, 1),
}


def filled(space, n, rng):
    """A history of n finished trials, with some failed, cancelled and pending ones between."""
    history = History(space)
    for i, row in enumerate(space.sample(rng, n)):
        (trial,) = history.start([space.decode(row)], 0.0)
        if i % 7 == 3:
            history.finish(trial.number, 0, Outcome(Status.FAILED, error="no"))
        elif i % 7 == 4:
            history.finish(trial.number, 0, Outcome(Status.CANCELLED))
        elif i % 7 != 5:
            history.finish(trial.number, 0, Outcome(Status.OK, loss=float(np.nansum(row))))
    return history


def with_losses(space, losses, seed=0):
    """A history of one finished trial for each loss; None stands for a failed one."""
    history = History(space)
    for row, loss in zip(
        space.sample(np.random.default_rng(seed), len(losses)), losses, strict=True
    ):
        (trial,) = history.start([space.decode(row)], 0.0)
        outcome = Outcome(Status.FAILED) if loss is None else Outcome(Status.OK, loss=loss)
        history.finish(trial.number, 0, outcome)
    return history


def check(space, candidates, k):
    """There are k candidates, and each is exactly one of the space: bounds, steps, labels."""
    assert len(candidates) == k
    for values in candidates:
        assert space.check(values) == dict(values)
        assert list(values) == [label for label in space.labels if label in values]
        assert all(type(value) in (int, float) for value in values.values())
        row = space.encode(values)[None]
        for j, label in enumerate(space.labels):
            assert (label in values) == space.active(j, row)[0]


@pytest.mark.parametrize("name", SPACES)
@pytest.mark.parametrize("method", SUGGESTERS)
def test_k_candidates_of_the_space(method, name):
    """A suggester gives k candidates that fit the space, whatever the history holds."""
    space = Space(SPACES[name])
    for n, k, budget in ((0, 3, 60), (1, 1, None), (2, 3, 10), (40, 4, 60), (40, 4, None)):
        history = filled(space, n, np.random.default_rng(0))
        X, y, status = history.X.copy(), history.y.copy(), history.status.copy()
        rng = np.random.default_rng(1)
        check(space, SUGGESTERS[method].suggest(space, history, rng, k, budget), k)
        assert len(history) == n
        np.testing.assert_array_equal(history.X, X)
        np.testing.assert_array_equal(history.y, y)
        np.testing.assert_array_equal(history.status, status)


@pytest.mark.parametrize("name", ["flat", "mixed", "tree", "shared"])
@pytest.mark.parametrize("method", SUGGESTERS)
def test_a_function_of_its_arguments(method, name):
    """The same history and generator give the same candidates, another generator gives others."""
    space = Space(SPACES[name])
    history = filled(space, 30, np.random.default_rng(0))
    draws = [
        SUGGESTERS[method].suggest(space, history, np.random.default_rng(seed), 5, None)
        for seed in (5, 5, 6)
    ]
    assert draws[0] == draws[1]
    assert draws[0] != draws[2]


@pytest.mark.parametrize("name", ["flat", "mixed", "tree", "shared", "fine", "categories"])
@pytest.mark.parametrize("method", [m for m in METHODS if m not in REPEATS])
def test_no_candidate_twice(method, name):
    """A batch has k distinct candidates, none of which was tried or is pending."""
    space = Space(SPACES[name])
    history = filled(space, 30, np.random.default_rng(0))
    known = [dict(trial.values) for trial in history if trial.status != Status.CANCELLED]
    for seed in range(3):
        more = SUGGESTERS[method].suggest(space, history, np.random.default_rng(seed + 9), 8, 60)
        for values in more:
            if name in ("tree", "shared") and len(values) == 1:
                continue  # a branch without further labels has one candidate only
            assert dict(values) not in known
            known.append(dict(values))
            history.start([values], 0.0)


@pytest.mark.parametrize("method", [m for m in METHODS if m not in REPEATS])
def test_a_discrete_space_is_exhausted_first(method):
    """All six candidates of a small space are proposed before any is repeated, then goes on."""
    space = Space(SPACES["discrete"])
    history = History(space)
    for number in range(6):
        values = SUGGESTERS[method].suggest(space, history, np.random.default_rng(number), 1, 50)[0]
        history.start([values], 0.0)
        history.finish(number, 0, Outcome(Status.OK, loss=float(number % 3)))
    assert len({tuple(trial.values.items()) for trial in history}) == 6
    check(space, SUGGESTERS[method].suggest(space, history, np.random.default_rng(9), 3, 50), 3)


@pytest.mark.parametrize("method", ["gp", "gp-mes", "gp-lcb", "forest", "auto"])
def test_pending_trials_keep_candidates_away(method):
    """Where the last batch is still pending, the next one goes elsewhere."""
    space = Space({"x": hp.uniform("x", 0, 1), "y": hp.uniform("y", 0, 1)})
    history = History(space)
    for row in space.sample(np.random.default_rng(0), 24):
        (trial,) = history.start([space.decode(row)], 0.0)
        loss = float(((row - 0.4) ** 2).sum())
        history.finish(trial.number, 0, Outcome(Status.OK, loss=loss))
    first = SUGGESTERS[method].suggest(space, history, np.random.default_rng(1), 1, None)[0]
    (trial,) = history.start([first], 0.0)
    second = SUGGESTERS[method].suggest(space, history, np.random.default_rng(1), 1, None)[0]
    apart = np.hypot(first["x"] - second["x"], first["y"] - second["y"])
    assert apart > 1e-3


ODD = {
    "infinite": [np.inf, -np.inf] * 20,
    "huge": [1e308, -1e308] * 20,
    "tiny": [1e-308, 2e-308] * 20,
    "equal": [3.0] * 40,
    "ties": [float(i % 2) for i in range(40)],
    "far": [1e12] + [float(i) for i in range(39)],
    "one": [0.0],
    "all infinite": [np.inf] * 20,
    "one among failures": [None] * 20 + [1.0],
    "failures only": [None] * 20,
    "half failed": [None, 1.0, 2.0, None] * 10,
}


@pytest.mark.parametrize("losses", ODD)
@pytest.mark.parametrize("method", SUGGESTERS)
def test_odd_losses(method, losses):
    """Infinite, huge, equal, missing and far losses neither stop nor warn a suggester."""
    for name in ("mixed", "tree"):
        space = Space(SPACES[name])
        history = with_losses(space, ODD[losses])
        rng = np.random.default_rng(1)
        check(space, SUGGESTERS[method].suggest(space, history, rng, 4, None), 4)


@pytest.mark.parametrize("method", SUGGESTERS)
def test_equal_trials(method):
    """Many trials of one point, with different losses, do not stop a suggester."""
    space = Space(SPACES["mixed"])
    history = History(space)
    values = space.decode(space.sample(np.random.default_rng(0), 1)[0])
    for loss in np.random.default_rng(1).normal(size=30):
        (trial,) = history.start([values], 0.0)
        history.finish(trial.number, 0, Outcome(Status.OK, loss=float(loss)))
    check(space, SUGGESTERS[method].suggest(space, history, np.random.default_rng(2), 4, None), 4)


@pytest.fixture(scope="module")
def ten_thousand():
    """A history of so many trials, which suggesters read alone."""
    return filled(Space(SPACES["mixed"]), 10_000, np.random.default_rng(0))


@pytest.mark.parametrize("method", METHODS)
def test_ten_thousand_trials(method, ten_thousand):
    """A history of 10,000 trials is no reason to stop."""
    space, rng = ten_thousand.space, np.random.default_rng(1)
    check(space, SUGGESTERS[method].suggest(space, ten_thousand, rng, 8, None), 8)


@pytest.fixture(scope="module")
def of_many_options():
    """A history of 40 trials in choices of 100,000 options, which suggesters read alone."""
    return filled(Space(MANY), 40, np.random.default_rng(0))


@pytest.mark.parametrize("method", METHODS)
def test_choices_of_many_options(method, of_many_options):
    """Choices of 100,000 options, one of them holding a label, cost no table of all of them."""
    space = of_many_options.space
    for trials in (History(space), of_many_options):
        suggester = SUGGESTERS[method]
        candidates = suggester.suggest(space, trials, np.random.default_rng(1), 4, None)
        check(space, candidates, 4)
