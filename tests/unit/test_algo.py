"""What `algo=` may be: each method as Hyperopt calls it, with its settings and its faults."""

import functools
import inspect
import pickle
import re

import numpy as np
import pytest
from searches import BOWL, TREE, bowl, run, tree

import sparktune
from sparktune import Trials, anneal, atpe, auto, bayes, cma, fmin, mix, rand, tpe
from sparktune.algo import Domain, suggester_of
from sparktune.suggest.adaptive import AdaptiveTPE
from sparktune.suggest.anneal import Anneal
from sparktune.suggest.auto import Auto
from sparktune.suggest.bayes import Bayes
from sparktune.suggest.cma import CMA
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


@pytest.mark.parametrize("seeds", [3, pytest.param(5, marks=pytest.mark.full)])
@pytest.mark.parametrize(
    "suggester",
    [
        Anneal(),
        pytest.param(AdaptiveTPE(), marks=pytest.mark.full),
        pytest.param(Mix([(0.5, TPE()), (0.5, Anneal())]), marks=pytest.mark.full),
    ],
)
def test_better_than_random_search(suggester, seeds):
    """Each method beats random search on a bowl and finds the branch that is best in a tree."""
    ours = [run(BOWL, bowl, 96, 4, seed, suggester).best.loss for seed in range(seeds)]
    random = [run(BOWL, bowl, 96, 4, seed, Random()).best.loss for seed in range(seeds)]
    assert np.median(ours) < 0.5 * np.median(random)
    assert np.median([run(TREE, tree, 96, 4, s, suggester).best.loss for s in range(seeds)]) < 0.2


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


def test_a_mixture_of_users_functions():
    """A user's own suggest function may be part of a mixture."""

    def mine(new_ids, domain, trials, seed):
        return rand.suggest(new_ids, domain, trials, seed)

    algo = functools.partial(mix.suggest, p_suggest=[(0.5, mine), (0.5, tpe.suggest)])
    trials = Trials()
    fmin(bowl, BOWL, algo=algo, max_evals=20, trials=trials, show_progressbar=False)
    assert len(trials) == 20


@pytest.mark.parametrize(
    ("algo", "error", "message"),
    [
        (functools.partial(anneal.suggest, avg_best_idx=0.5), ValueError, "must be a number >= 1"),
        (functools.partial(cma.suggest, population=3), ValueError, "must be a whole number >= 4"),
        (functools.partial(cma.suggest, after=-1), ValueError, "must be a whole number >= 0"),
        (functools.partial(cma.suggest, sigma=0), ValueError, "a number above 0 and at most 1"),
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
    found = suggester_of(MIXED, None, Trials())
    assert [type(suggester) for _, suggester in found.p_suggest] == [Random, Anneal, TPE]
    assert found.p_suggest[2][1].n_startup_jobs == 5


SETTINGS = {
    "tpe": (tpe, TPE, {"n_startup_jobs": 5, "leave": 0.2}),
    "anneal": (anneal, Anneal, {"avg_best_idx": 3.0}),
    "atpe": (atpe, AdaptiveTPE, {"n_startup_jobs": 5, "hold": 0.3}),
    "auto": (auto, Auto, {"n_startup_jobs": 5}),
    "bayes": (bayes, Bayes, {"n_startup_jobs": 5, "local_share": 0.5}),
    "cma": (cma, CMA, {"n_startup_jobs": 5, "sigma": 0.1, "population": 4}),
}


@pytest.mark.parametrize("name", SETTINGS)
def test_settings_are_the_same_however_they_are_given(name):
    """A partial, a suggester with its settings and a direct call mean one and the same method."""
    face, suggester, settings = SETTINGS[name]
    runs = []
    for algo in (functools.partial(face.suggest, **settings), suggester(**settings)):
        trials = Trials()
        fmin(bowl, BOWL, algo=algo, max_evals=14, trials=trials, rstate=2, show_progressbar=False)
        runs.append(trials.losses())
    assert runs[0] == runs[1]
    documents = face.suggest([20], Domain(bowl, BOWL), trials, 7, **settings)
    rng = np.random.default_rng(7)
    (drawn,) = suggester(**settings).suggest(trials.history.space, trials.history, rng, 1, None)
    assert {label: vals[0] for label, vals in documents[0]["misc"]["vals"].items()} == drawn


@pytest.mark.parametrize("face", [tpe, rand, anneal, atpe, auto, bayes, cma, mix], ids=repr)
def test_a_method_by_its_name(face):
    """Each method can be pickled, has the signature and the docs of its class, and its name."""
    assert pickle.loads(pickle.dumps(face)) is face
    assert pickle.loads(pickle.dumps(face.suggest)) is face.suggest
    names = list(inspect.signature(face.suggest).parameters)
    assert names[:4] == ["new_ids", "domain", "trials", "seed"]
    assert set(names[4:]) == {*inspect.signature(face.suggest.suggester).parameters, "verbose"}
    assert inspect.getdoc(face.suggest.suggester) in face.suggest.__doc__
    assert getattr(sparktune, repr(face).rpartition(".")[2]) is face


def test_settings_by_position_come_in_hyperopts_order():
    """tpe.suggest takes its settings in the order that Hyperopt has them in."""
    names = list(inspect.signature(tpe.suggest).parameters)
    assert names[4:9] == ["prior_weight", "n_startup_jobs", "n_EI_candidates", "gamma", "verbose"]
    by_name = {"prior_weight": 0.5, "n_startup_jobs": 3, "n_EI_candidates": 9}
    trials = Trials()
    fmin(bowl, BOWL, algo=rand.suggest, max_evals=20, trials=trials, show_progressbar=False)
    domain = Domain(bowl, BOWL)
    first = tpe.suggest([20], domain, trials, 1, 0.5, 3, 9)
    assert first[0]["misc"] == tpe.suggest([20], domain, trials, 1, **by_name)[0]["misc"]
