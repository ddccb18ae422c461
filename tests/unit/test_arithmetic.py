"""The program's floating-point settings, which change nothing of a search."""

import functools
import math
import warnings

import numpy as np
import pytest
from scipy import special

from sparktune import (
    Trials,
    Tuner,
    anneal,
    atpe,
    auto,
    bayes,
    cma,
    fmin,
    hp,
    mix,
    rand,
    scope,
    space_eval,
    tpe,
)
from sparktune.arithmetic import own_arithmetic

FOREST = functools.partial(bayes.suggest, surrogate="forest")
ALGOS = {
    "tpe": tpe.suggest,
    "auto": functools.partial(auto.suggest, n_startup_jobs=9),
    "gp": functools.partial(bayes.suggest, n_candidates=100),
    "gp-mes": functools.partial(bayes.suggest, n_candidates=100, acquisition="mes"),
    "forest": functools.partial(FOREST, n_candidates=100),
    "anneal": anneal.suggest,
    "cma": functools.partial(cma.suggest, n_startup_jobs=9, population=4),
    "atpe": atpe.suggest,
    "rand": rand.suggest,
    "mix": functools.partial(mix.suggest, p_suggest=[(0.5, tpe.suggest), (0.5, rand.suggest)]),
}


def spaced():
    return {
        "a": hp.uniform("a", -1, 1),
        "lr": hp.lognormal("lr", -600, 50),
        "q": hp.qloguniform("q", -3, 30, 0.5),
        "n": scope.int(hp.quniform("n", 1, 10, 1)),
        "c": hp.choice("c", [{"k": "x", "p": hp.normal("p", 0, 1)}, {"k": "y"}]),
    }


def losses(scale):
    return lambda c: scale * (c["a"] ** 2 + c["n"] / 10)


@pytest.fixture
def strictest():
    """Floating-point errors of numpy and of scipy raise, and so do warnings."""
    with warnings.catch_warnings(), np.errstate(all="raise"), special.errstate(all="raise"):
        warnings.simplefilter("error")
        with np.printoptions(precision=1, legacy="1.13"):
            yield


DEAR = {"auto", "gp", "gp-mes", "forest"}


@pytest.mark.parametrize(
    ("algo", "scale"),
    [
        *((algo, scale) for algo in ALGOS if algo not in DEAR for scale in (1e30, 1.0)),
        ("gp", 1e30),
        *(pytest.param(algo, 1.0, marks=pytest.mark.full) for algo in sorted(DEAR)),
        *(pytest.param(algo, 1e30, marks=pytest.mark.full) for algo in sorted(DEAR - {"gp"})),
    ],
)
def test_a_run_is_the_same_in_a_strict_program(algo, scale, strictest):
    """Settings under which every rounding raises give the trials of a program without them."""
    found = []
    for state in ({"all": "raise"}, {"all": "ignore"}):
        trials = Trials()
        with np.errstate(**state):
            fmin(
                losses(scale), spaced(), algo=ALGOS[algo], max_evals=30, trials=trials, rstate=0,
                show_progressbar=False, batch=6,
            )  # fmt: skip
        found.append((trials.idxs_vals, trials.losses()))
    assert found[0] == found[1]


def test_every_way_in_is_open_in_a_strict_program(strictest):
    """Declaring, asking, telling, adding, viewing and evaluating raise nothing of ours."""
    space = spaced()
    tuner = Tuner(space, algo=auto.suggest, rstate=0)
    point = {"a": 1.0, "lr": 1e-300, "q": 0.0, "n": 3, "c": 0, "p": 1e200}
    assert tuner.add(point, np.float32(1e-40)).loss < 1e-39
    for number in range(1, 25):
        assert tuner.tell(tuner.ask().number, 1e300 * (-1) ** number).loss is not None
    trials = tuner.trials
    trials.to_pandas()
    assert trials.best_loss == min(trials.losses())
    assert space_eval(space, point)["c"] == {"k": "x", "p": 1e200}
    assert space_eval(space, trials.argmin) == tuner.best_config
    assert len(trials.trials) == len(trials.results) == 25
    assert trials.best_params["lr"] > 0
    documents = tpe.suggest([25, 26], _domain(space), trials, 3)
    assert [document["tid"] for document in documents] == [25, 26]


def _domain(space):
    from sparktune.algo import Domain

    return Domain(None, space)


@pytest.mark.parametrize("make", [Trials, lambda: Trials(executor="threads")])
def test_the_objective_sees_the_programs_settings(make):
    """An objective and a suggest function of one's own run under their program's settings."""
    seen = []

    def suggest(new_ids, domain, trials, seed):
        seen.append(np.geterr())
        return tpe.suggest(new_ids, domain, trials, seed)

    def objective(x):
        seen.append(np.geterr())
        return x

    trials = make()
    mine = np.geterr() if trials._executor else {**np.geterr(), "under": "raise"}
    with np.errstate(**mine):
        fmin(
            objective, hp.uniform("x", 0, 1), algo=suggest, max_evals=5, trials=trials, rstate=0,
            show_progressbar=False,
        )  # fmt: skip
        assert np.geterr() == mine
    assert seen == [mine] * 10


def test_settings_are_back_after_an_error():
    """What leaves our arithmetic by an exception leaves the program's settings as they were."""

    @own_arithmetic
    def fails(x):
        assert np.exp(np.float64(-1000)) == 0
        assert special.log_ndtr(-1e300) < 0
        assert math.isnan(np.float64(np.inf) - np.float64(np.inf))
        raise LookupError(x)

    with np.errstate(all="raise"), special.errstate(all="raise"):
        before = np.geterr(), special.geterr()
        with pytest.raises(LookupError, match="here"):
            fails("here")
        assert (np.geterr(), special.geterr()) == before
