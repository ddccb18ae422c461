"""Bayesian optimisation: what it finds, how batches spread, and what it refuses."""

import functools
import re

import numpy as np
import pytest
from searches import BOWL, TREE, bowl, run, tree

from sparktune import Trials, bayes, fmin, hp, rand
from sparktune.history import History, Outcome, Status
from sparktune.space.tree import Space
from sparktune.suggest.bayes import Bayes
from sparktune.suggest.branches import branch_of, sample_of, within
from sparktune.suggest.maximise import pool_of
from sparktune.suggest.random import Random
from sparktune.suggest.regions import TrustRegion
from sparktune.suggest.surrogates.forest import Forest
from sparktune.suggest.surrogates.gp import GP

ACQUISITIONS = ("ei", "pi", "lcb", "mes")
QUICK = ("forest-ei",)


def each(surrogate, acquisition):
    """A suggester, in the full tests alone where it takes its time."""
    name = f"{surrogate}-{acquisition}"
    marks = () if name in QUICK else pytest.mark.full
    return pytest.param(Bayes(surrogate, acquisition), id=name, marks=marks)


@pytest.mark.parametrize(
    "suggester", [each(surrogate, a) for surrogate in ("gp", "forest") for a in ACQUISITIONS]
)
def test_better_than_random_search(suggester):
    """Every surrogate with every acquisition beats random search on a bowl, in batches of 8."""
    if suggester.surrogate == "gp":
        seeds, share = range(1 if suggester.acquisition == "mes" else 3), 0.1  # it takes its time
    else:
        seeds, share = range(4), 0.9
    ours = [run(BOWL, bowl, 48, 8, seed, suggester).best.loss for seed in seeds]
    random = [run(BOWL, bowl, 48, 8, seed, Random()).best.loss for seed in seeds]
    assert np.mean(ours) < share * np.mean(random)


def test_the_gp_finds_the_bottom_of_a_bowl():
    """Within 48 evaluations in batches of 8, a smooth bowl's loss is a hundredth of random's."""
    ours = [run(BOWL, bowl, 48, 8, seed, Bayes()).best.loss for seed in range(3)]
    random = [run(BOWL, bowl, 48, 8, seed, Random()).best.loss for seed in range(3)]
    assert max(ours) < 0.01 * np.median(random)


@pytest.mark.parametrize("surrogate", [pytest.param("gp", marks=pytest.mark.full), "forest"])
def test_the_right_branch_is_found(surrogate):
    """In a tree whose best branch is bad where it is not tuned, the exact optimum is found."""
    best = [run(TREE, tree, 96, 8, seed, Bayes(surrogate)).best for seed in range(3)]
    assert sum(trial.loss == 0 for trial in best) >= 2


def test_a_region_of_failures_is_left():
    """Where trials fail, hardly any further ones are spent."""
    space = {"x": hp.uniform("x", 0, 1), "y": hp.uniform("y", 0, 1)}

    def loss(config):
        return None if config["x"] < 0.4 else (config["x"] - 0.6) ** 2 + config["y"]

    history = run(space, loss, 64, 8, 0, Bayes())
    late = [trial.status == Status.FAILED for trial in history][32:]
    assert sum(late) <= 8
    assert history.best.loss < 0.01


@pytest.mark.parametrize("surrogate", ["gp", "forest"])
def test_a_batch_is_spread(surrogate):
    """The candidates of one batch are not all at one place."""
    space = Space(BOWL)
    history = run(BOWL, bowl, 24, 8, 0, Bayes())
    batch = Bayes(surrogate, local_share=0.0).suggest(
        space, history, np.random.default_rng(0), 8, None
    )
    X = np.array([space.encode(values) for values in batch])
    apart = np.sqrt(((X[:, None] - X[None]) ** 2).sum(-1))[np.triu_indices(8, 1)]
    assert apart.min() > 1e-3
    assert apart.max() > 0.1


def test_the_whole_batch_may_be_in_the_trust_region_but_its_first():
    """With a local share of 1, all but the first candidate lie near the incumbent."""
    space = Space(BOWL)
    history = run(BOWL, bowl, 24, 8, 0, Bayes())
    batch = Bayes(local_share=1.0, reach=0.05).suggest(
        space, history, np.random.default_rng(0), 6, None
    )
    X = np.array([space.encode(values) for values in batch])[1:]
    assert (np.ptp(X, axis=0) <= 0.1 + 1e-9).all()


def test_the_trust_region_around_a_candidate():
    """Candidates of the region keep its branch and differ by at most the reach."""
    space, rng = Space(TREE), np.random.default_rng(0)
    row = space.encode({"kind": 2, "y": 0.3, "d": 1})
    region = TrustRegion(space, row, 0.1)
    assert region.holds(region.pool(rng, 200)).all()
    others = space.sample(rng, 200)
    inside = region.holds(others)
    assert (others[inside][:, space.column["kind"]] == 2).all()
    assert 0 < inside.sum() < 60


def test_branches_are_drawn_and_sampled():
    """A branch is drawn down to where trials went, and all its samples take it."""
    space, rng = Space(TREE), np.random.default_rng(0)
    X = space.sample(rng, 60)
    for _ in range(20):
        branch = branch_of(space, X, rng)
        drawn = sample_of(space, branch, rng, 10)
        assert len(within(drawn, branch)) == 10
    assert branch_of(space, X[:3], rng) == ()


def test_the_pool_is_of_the_space():
    """Candidates around the best trials are candidates of the space, in every branch."""
    space, rng = Space(TREE), np.random.default_rng(0)
    history = run(TREE, tree, 32, 8, 0, Random())
    pool = pool_of(space, history, rng, 400)
    assert len(pool) == 400
    for row in pool:
        values = space.decode(row)
        assert space.check(values) == values
    assert set(pool[:, space.column["kind"]]) == {0, 1, 2}


@pytest.mark.parametrize(
    "algo",
    [
        bayes.suggest,
        bayes,
        functools.partial(bayes.suggest, surrogate="forest", acquisition="lcb"),
        functools.partial(bayes.suggest, n_startup_jobs=5),
        Bayes(Forest(trees=10)),
        Bayes(GP(most=50)),
    ],
)
def test_fmin_takes_it(algo):
    """Fmin takes the function, the module, partials and suggesters with surrogates of their own."""
    trials = Trials()
    best = fmin(
        bowl, BOWL, algo=algo, max_evals=24, trials=trials, show_progressbar=False,
        rstate=np.random.default_rng(0),
    )  # fmt: skip
    assert set(best) == set(BOWL)
    assert len(trials) == 24


def test_hyperopts_signature():
    """Called as Hyperopt calls it, it gives a new document for each id."""
    from sparktune.algo import Domain

    trials = Trials()
    fmin(bowl, BOWL, algo=rand.suggest, max_evals=20, trials=trials, show_progressbar=False)
    documents = bayes.suggest([100, 101], Domain(bowl, BOWL), trials, 7, surrogate="forest")
    assert [document["tid"] for document in documents] == [100, 101]
    assert set(documents[0]["misc"]["vals"]) == set(BOWL)


def test_fit_answers_questions():
    """A fitted surrogate says where losses are low."""
    space = Space(BOWL)
    history = run(BOWL, bowl, 40, 8, 0, Bayes())
    found = Bayes().fit(space, history, np.random.default_rng(0))
    good, bad = (
        space.encode(dict(zip(BOWL, row, strict=True))) for row in ([0.3, 0.4, 0.5, 0.6], [1.0] * 4)
    )
    mean, _ = found.predict(np.stack([good, bad]))
    assert mean[0, 0] < mean[0, 1]


def test_a_surrogate_of_ones_own():
    """Any object with fit(space, X, y, rng) is taken as a surrogate."""

    class Half:
        def fit(self, space, X, y, rng):
            return Forest(trees=5).fit(space, X[::2], y[::2], rng)

    assert run(BOWL, bowl, 32, 8, 0, Bayes(Half())).best.loss < 1


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"surrogate": "rf"}, ValueError, "`surrogate` must be one of 'gp', 'forest', or a"),
        (
            {"surrogate": 3},
            TypeError,
            "a method fit(space, X, y, rng), but got 3",
        ),
        ({"surrogate": GP}, TypeError, "or an object with a method fit"),
        (
            {"acquisition": "ucb"},
            ValueError,
            "one of 'mix', 'ei', 'pi', 'lcb', 'mes', but got 'ucb'",
        ),
        ({"n_startup_jobs": 0}, ValueError, "`n_startup_jobs` must be a whole number >= 1"),
        ({"n_candidates": 5}, ValueError, "`n_candidates` must be a whole number >= 16"),
        ({"fantasies": 1.5}, ValueError, "`fantasies` must be a whole number >= 1"),
        ({"local_share": 2}, ValueError, "`local_share` must be a number from 0 to 1, but got 2"),
        ({"branch_share": None}, ValueError, "`branch_share` must be a number from 0 to 1"),
        ({"random_share": "x"}, ValueError, "`random_share` must be a number from 0 to 1"),
        ({"reach": 0}, ValueError, "`reach` must be a number above 0 and at most 1, but got 0"),
        ({"acqisition": "ei"}, TypeError, "no setting 'acqisition'; it has surrogate"),
    ],
)
def test_wrong_settings(settings, error, message):
    """A wrong setting is refused before any trial, with the rule and the value."""
    with pytest.raises(error, match=re.escape(message)):
        fmin(bowl, BOWL, algo=functools.partial(bayes.suggest, **settings), max_evals=3)


def test_one_finished_trial_is_enough():
    """With an initial design of one trial, a fit of that one proposes the next."""
    space = Space(BOWL)
    history = History(space)
    (trial,) = history.start([space.decode(space.sample(np.random.default_rng(0), 1)[0])], 0.0)
    history.finish(trial.number, 0, Outcome(Status.OK, loss=1.0))
    assert len(Bayes(n_startup_jobs=1).suggest(space, history, np.random.default_rng(1), 2)) == 2


def test_every_trial_has_its_acquisition_in_batches_of_any_size():
    """Single candidates take the acquisitions of a mix in turn, as those of a batch do."""
    history = run(BOWL, bowl, 24, 8, 0, Bayes())
    for number in range(24, 32):
        rng = np.random.default_rng(0)
        mixed = Bayes(local_share=1.0).suggest(history.space, history, rng, 1)
        rng = np.random.default_rng(0)
        by_ei = Bayes("gp", "ei", local_share=1.0).suggest(history.space, history, rng, 1)
        assert (mixed == by_ei) == (number % 2 == 0)
        trial = history.start(mixed, 0.0)[0]
        history.finish(trial.number, 0, Outcome(Status.OK, loss=bowl(mixed[0])))


def test_the_trust_region_shrinks_on_failures():
    """After failures near the incumbent a batch lies nearer to it than after improvements."""
    optimum, rng = np.array([0.3, 0.4, 0.5, 0.6]), np.random.default_rng(1)
    space, spread = Space(BOWL), []
    for improves in (True, False):
        history = run(BOWL, bowl, 24, 8, 0, Random())
        best = space.encode(history.best.values)
        better = [best + share * (optimum - best) for share in (0.2, 0.4, 0.6)]
        worse = [best - share * (optimum - best) for share in np.linspace(0.01, 0.02, 24)]
        for row in better if improves else worse:
            (trial,) = history.start([space.decode(row)], 0.0)
            loss = bowl(space.build(trial.values))
            history.finish(trial.number, 0, Outcome(Status.OK, loss=loss))
        batch = Bayes(local_share=1.0, n_startup_jobs=24).suggest(space, history, rng, 8, None)
        X = np.array([space.encode(values) for values in batch])[1:]
        spread.append(np.ptp(X, axis=0).max())
    assert spread[0] > 0.3
    assert spread[1] <= 0.05 + 1e-9
