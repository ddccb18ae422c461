"""Hyperopt's other methods: annealing, mixtures, random columns and adaptive TPE."""

import functools
import re

import numpy as np
import pytest
from runs import BOWL, TREE, bowl, run, tree

from sparktune import Trials, anneal, atpe, auto, fmin, hp, mix, rand, tpe
from sparktune.algorithms import Domain, suggester_of
from sparktune.history import History, Outcome, Status
from sparktune.space.tree import Space
from sparktune.suggest.adaptive import AdaptiveTPE, importance
from sparktune.suggest.anneal import Anneal
from sparktune.suggest.bayes import Bayes
from sparktune.suggest.mix import Mix
from sparktune.suggest.random import Random
from sparktune.suggest.tpe import TPE

MIXED = functools.partial(
    mix.suggest,
    p_suggest=[
        (0.2, rand.suggest),
        (0.3, anneal.suggest),
        (0.5, functools.partial(tpe.suggest, n_startup_jobs=5)),
    ],
)


@pytest.mark.parametrize(
    "suggester", [Anneal(), AdaptiveTPE(), Mix([(0.5, TPE()), (0.5, Anneal())])]
)
def test_better_than_random_search(suggester):
    """Each method beats random search on a bowl and finds the branch that is best in a tree."""
    ours = [run(BOWL, bowl, 96, 4, seed, suggester).best.loss for seed in range(5)]
    random = [run(BOWL, bowl, 96, 4, seed, Random()).best.loss for seed in range(5)]
    assert np.median(ours) < 0.5 * np.median(random)
    assert np.median([run(TREE, tree, 96, 4, s, suggester).best.loss for s in range(5)]) < 0.2


@pytest.mark.parametrize(
    "algo",
    [
        anneal.suggest,
        functools.partial(anneal.suggest, avg_best_idx=3.0, shrink_coef=0.05),
        MIXED,
        atpe.suggest,
        atpe,
        auto.suggest,
        functools.partial(auto.suggest, n_startup_jobs=8),
    ],
)
def test_fmin_takes_it(algo):
    """Fmin takes each method's function, module or partial."""
    trials = Trials()
    best = fmin(
        tree, TREE, algo=algo, max_evals=30, trials=trials, show_progressbar=False,
        rstate=np.random.default_rng(0),
    )  # fmt: skip
    assert "kind" in best
    assert len(trials) == 30


@pytest.mark.parametrize("suggest", [anneal.suggest, atpe.suggest, auto.suggest, MIXED])
def test_hyperopts_signature(suggest):
    """Called as Hyperopt calls it, each gives a new document for each id."""
    trials = Trials()
    fmin(bowl, BOWL, algo=rand.suggest, max_evals=20, trials=trials, show_progressbar=False)
    documents = suggest([100, 101], Domain(bowl, BOWL), trials, 7)
    assert [document["tid"] for document in documents] == [100, 101]
    assert all(set(document["misc"]["vals"]) == set(BOWL) for document in documents)


def test_columns_of_random_search():
    """rand.suggest_batch gives the ids and values of each label, only where it is active."""
    domain = Domain(tree, TREE)
    ids = list(range(50, 80))
    idxs, vals = rand.suggest_batch(ids, domain, Trials(), 3)
    assert set(idxs) == set(vals) == set(domain.space.labels)
    assert idxs["kind"] == ids
    for label, option in (("x", 0), ("n", 1), ("y", 2)):
        at = [tid for tid, kind in zip(ids, vals["kind"], strict=True) if kind == option]
        assert idxs[label] == at
        assert len(vals[label]) == len(at)


def test_annealing_shrinks_around_the_best():
    """The more trials, the nearer candidates are to good ones; without shrinking they stay far."""
    nodes = {"x": hp.uniform("x", 0, 1), "c": hp.choice("c", [0, 1, 2])}
    space = Space(nodes)

    def spread(n, **settings):
        history = run(nodes, lambda c: abs(c["x"] - 0.7) + (c["c"] != 1), n, 1, 0, Random())
        found = Anneal(avg_best_idx=1.0, **settings).suggest(
            space, history, np.random.default_rng(0), 300
        )
        far = [abs(values["x"] - history.best.values["x"]) for values in found]
        kept = [values["c"] == history.best.values["c"] for values in found]
        return np.mean(far), np.mean(kept)

    assert spread(100)[0] < 0.5 * spread(10)[0]
    assert spread(100)[1] > spread(10)[1]
    assert spread(100, shrink_coef=0.0)[0] > 4 * spread(100)[0]


def test_a_mixture_takes_its_shares():
    """Candidates come from the methods by their probabilities."""
    space = Space(BOWL)
    history = run(BOWL, bowl, 30, 5, 0, Random())

    class Marked:
        def __init__(self, value):
            self.value = value

        def suggest(self, space, history, rng, k, budget):
            return [dict.fromkeys(space.labels, self.value) for _ in range(k)]

    found = Mix([(0.2, Marked(0.25)), (0.8, Marked(0.75))]).suggest(
        space, history, np.random.default_rng(0), 500
    )
    assert np.mean([values["x0"] == 0.25 for values in found]) == pytest.approx(0.2, abs=0.06)


def test_methods_of_a_batch_know_each_other():
    """The second method of a batch sees the first one's candidates as pending."""
    space = Space(BOWL)
    history = run(BOWL, bowl, 10, 5, 0, Random())
    seen = []

    class Watching:
        def suggest(self, space, history, rng, k, budget):
            seen.append(history.count(Status.PENDING))
            return Random().suggest(space, history, rng, k, budget)

    for seed in range(5):
        Mix([(0.5, Watching()), (0.5, Watching())]).suggest(
            space, history, np.random.default_rng(seed), 6
        )
    assert max(seen) > 0
    assert history.count(Status.PENDING) == 0


def test_a_mixture_of_users_functions():
    """A user's own suggest function may be part of a mixture."""

    def mine(new_ids, domain, trials, seed):
        return rand.suggest(new_ids, domain, trials, seed)

    algo = functools.partial(mix.suggest, p_suggest=[(0.5, mine), (0.5, tpe.suggest)])
    trials = Trials()
    fmin(bowl, BOWL, algo=algo, max_evals=20, trials=trials, show_progressbar=False)
    assert len(trials) == 20


def test_adaptive_settings_follow_the_run():
    """After an improvement it is greedy; the longer without one, the more it looks about."""
    better, worse = np.linspace(1, 0, 50), np.linspace(0, 1, 50)
    greedy, looking = AdaptiveTPE().settings(better), AdaptiveTPE().settings(worse)
    assert (greedy.prior_weight, greedy.n_EI_candidates, greedy.gamma(60)) == (0.5, 48, 9)
    assert looking.prior_weight > 1.9
    assert looking.n_EI_candidates < 13
    assert looking.gamma(60) > 20
    assert looking.gamma(1000) == 25


def test_importance_of_labels():
    """What explains the losses is found important, what does not hardly so."""
    space = Space(
        {"x": hp.uniform("x", 0, 1), "c": hp.choice("c", [0, 1, 2]), "z": hp.normal("z", 0, 1)}
    )
    X = space.sample(np.random.default_rng(0), 200)
    y = (X[:, space.column["x"]] - 0.5) ** 2 + 0.1 * (X[:, space.column["c"]] == 1)
    found = dict(zip(space.labels, importance(space, X, y), strict=True))
    assert found["x"] > 0.3
    assert found["c"] > 0.2
    assert found["z"] < 0.05


def test_labels_that_do_not_matter_are_held():
    """Some candidates have the best trial's very value of a label that does not matter."""
    space = {"x": hp.uniform("x", 0, 1), "z": hp.uniform("z", 0, 1)}
    history = run(space, lambda c: abs(c["x"] - 0.6), 60, 4, 0, Random())
    found = AdaptiveTPE(hold=1.0).suggest(Space(space), history, np.random.default_rng(0), 60)
    held = np.mean([values["z"] == history.best.values["z"] for values in found])
    assert 0.25 < held < 0.75
    assert np.mean([values["x"] == history.best.values["x"] for values in found]) < 0.1


@pytest.mark.parametrize(
    ("algo", "error", "message"),
    [
        (functools.partial(anneal.suggest, avg_best_idx=0.5), ValueError, "must be a number >= 1"),
        (functools.partial(anneal.suggest, shrink_coef=-1), ValueError, "must be a number >= 0"),
        (functools.partial(anneal.suggest, shrink=1), TypeError, "no setting 'shrink'; it has"),
        (
            functools.partial(atpe.suggest, hold=2),
            ValueError,
            "`hold` must be a number from 0",
        ),
        (
            functools.partial(auto.suggest, n_startup_jobs=0),
            ValueError,
            "whole number >= 1",
        ),
        (mix.suggest, TypeError, "p_suggest"),
        (functools.partial(mix.suggest, p_suggest=[]), ValueError, "sum to 1, but got []"),
        (functools.partial(mix.suggest, p_suggest=3), TypeError, "must be a list of (probability,"),
        (
            functools.partial(mix.suggest, p_suggest=[(0.5, rand.suggest)]),
            ValueError,
            "from 0 to 1 and sum to 1, but got [0.5]",
        ),
        (functools.partial(mix.suggest, p_suggest=[(1.0, None)]), TypeError, "but got None"),
    ],
)
def test_wrong_settings(algo, error, message):
    """A wrong setting is refused before any trial, with the rule and the value."""
    with pytest.raises(error, match=re.escape(message)):
        fmin(bowl, BOWL, algo=algo, max_evals=3)


def test_a_mixture_is_recognised_with_its_methods():
    """The methods of a mixture become suggesters with their settings."""
    found = suggester_of(MIXED, None, Domain(bowl, BOWL), Trials())
    assert [type(suggester) for _, suggester in found.p_suggest] == [Random, Anneal, TPE]
    assert found.p_suggest[2][1].n_startup_jobs == 5


def test_the_rule_of_auto():
    """Auto takes TPE for branches early and for histories of thousands, else the process."""
    flat, branched = Space(BOWL), Space(TREE)

    def chosen(space, n, budget, noise=0.0):
        rng = np.random.default_rng(0)
        history = History(space)
        for row in space.sample(rng, n):
            trial = history.start(space.decode(row), 0.0)
            loss = float(np.nansum(row**2)) + noise * rng.normal()
            history.finish(trial.number, 0, Outcome(Status.OK, loss=loss))
        return type(auto.Auto().chosen(space, history, budget))

    assert chosen(flat, 30, 100) is Bayes
    assert chosen(flat, 1000, 5000) is TPE
    assert chosen(branched, 39, 100) is TPE
    assert chosen(branched, 41, 100) is Bayes
    assert chosen(branched, 59, None) is TPE
    assert chosen(branched, 61, None) is Bayes
    assert chosen(flat, 120, 200) is Bayes
    assert chosen(flat, 120, 200, noise=1.0) is TPE
    assert chosen(flat, 128, 200, noise=1.0) is Bayes
