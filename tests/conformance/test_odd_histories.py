"""Any history of admissible points: far out, at the ends, with whatever losses."""

import math

import numpy as np
import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from properties import examples

from sparktune import Trials, Tuner, arithmetic, fmin, hp
from sparktune.history import History, Outcome, Status
from sparktune.history.changed import adapted
from sparktune.space.discrete import Categorical
from sparktune.space.distributions import Normal
from sparktune.space.tree import Space
from sparktune.suggest.adaptive import AdaptiveTPE
from sparktune.suggest.anneal import Anneal
from sparktune.suggest.auto import Auto
from sparktune.suggest.bayes import Bayes
from sparktune.suggest.cma import CMA
from sparktune.suggest.mix import Mix
from sparktune.suggest.random import Random
from sparktune.suggest.tpe import TPE

QUICK = {"n_startup_jobs": 1, "n_candidates": 64, "fantasies": 4}
SUGGESTERS = {
    "random": Random(),
    "anneal": Anneal(),
    "tpe": TPE(n_startup_jobs=1),
    "adaptive": AdaptiveTPE(n_startup_jobs=1),
    "cma": CMA(n_startup_jobs=1, population=4),
    "gp": Bayes(**QUICK),
    "gp-everywhere": Bayes(**QUICK, local_share=0.0),
    "gp-pi": Bayes(**QUICK, acquisition="pi"),
    "gp-lcb": Bayes(**QUICK, acquisition="lcb"),
    "gp-mes": Bayes(**QUICK, acquisition="mes"),
    "forest": Bayes("forest", **QUICK),
    "forest-mes": Bayes("forest", **QUICK, acquisition="mes"),
    "auto": Auto(n_startup_jobs=1),
    "mix": Mix([(0.5, TPE(n_startup_jobs=1)), (0.5, Bayes(**QUICK))]),
}
SPACES = {
    "unbounded": [hp.normal("x", 0, 1), hp.lognormal("y", -3, 2), hp.uniform("u", 0, 1)],
    "quantised": [hp.qnormal("x", 0, 5, 1), hp.qlognormal("y", 0, 1, 0.5), hp.randint("r", 9)],
    "extreme": [
        hp.normal("tiny", 1e3, 1e-300),
        hp.normal("huge", 1e300, 1e306),
        hp.lognormal("all", 0, 70),
        hp.qnormal("fine", 0, 1e-5, 1e-9),
        hp.uniform("wide", -8e307, 8e307),
    ],
    "tree": hp.choice(
        "m",
        [
            {"x": hp.normal("x", 0, 1), "y": hp.qlognormal("y", 0, 1, 0.5)},
            hp.lognormal("z", 0, 1),
            hp.pchoice("p", [(1.0, "a"), (0.0, hp.normal("w", 0, 0.1))]),
        ],
    ),
}
deviations = st.sampled_from([0.0, 4.0, 8.0, 40.0, 300.0, 1e5, 1e17, 1e300]) | st.floats(0, 6)
losses = st.sampled_from([0.0, 1.0, math.inf, -math.inf, 1e308, -1e308, 1e-308, 5e-324, None])


@st.composite
def histories(draw, space):
    """Up to 20 trials of points that a user may give, some failed and some under way."""
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    history = History(space)
    for row in space.sample(rng, draw(st.integers(1, 20))):
        for j, distribution in enumerate(space.distributions):
            far = draw(deviations) * draw(st.sampled_from([0, 0, 1, -1]))
            if far and not np.isnan(row[j]) and not isinstance(distribution, Categorical):
                row[j] = _outwards(distribution, far)
        (trial,) = history.start([space.check(space.decode(row))], 0.0)
        loss = draw(losses | st.floats(allow_nan=False))
        if draw(st.integers(0, 9)):
            outcome = Outcome(Status.FAILED) if loss is None else Outcome(Status.OK, loss=loss)
            history.finish(trial.number, 0, outcome)
    return history


def _outwards(distribution, deviations):
    """The latent so many deviations out, or at an end of what is bounded."""
    if isinstance(distribution, Normal):
        with np.errstate(over="ignore"):
            return distribution.mu + np.float64(distribution.sigma) * deviations
    return distribution.support[deviations > 0]


@pytest.fixture
def strict(monkeypatch):
    """Invalid operations and divisions by zero raise also in our own arithmetic."""
    monkeypatch.setitem(arithmetic._OF_NUMPY, "invalid", "raise")
    monkeypatch.setitem(arithmetic._OF_NUMPY, "divide", "raise")


@pytest.mark.parametrize("name", SPACES)
@pytest.mark.parametrize("method", SUGGESTERS)
@examples(60, quick=3, suppress_health_check=list(HealthCheck))
@given(data=st.data(), k=st.integers(1, 4), seed=st.integers(0, 99))
def test_any_history_is_gone_on_with(method, name, strict, data, k, seed):
    """Whatever was tried, however far out, with whatever losses, k candidates follow."""
    space = Space(SPACES[name])
    history = data.draw(histories(space))
    candidates = SUGGESTERS[method].suggest(space, history, np.random.default_rng(seed), k, 60)
    assert len(candidates) == k
    for values in candidates:
        assert all(math.isfinite(value) for value in values.values())
        assert space.check(values) == values


CHANGED = {
    "unbounded": [hp.normal("x", 5, 1), hp.lognormal("y", -3, 2), hp.uniform("u", 0.3, 2)],
    "quantised": [hp.qnormal("x", 0, 5, 2), hp.randint("r", 2, 12), hp.uniform("new", 0, 1)],
    "tree": hp.choice(
        "m",
        [
            hp.pchoice("p", [(0.5, hp.normal("w", 0, 0.1)), (0.5, "b")]),
            {"x": hp.uniform("x", -1, 1), "y": hp.qlognormal("y", 0, 1, 0.5)},
        ],
    ),
}


@pytest.mark.parametrize("name", CHANGED)
@pytest.mark.parametrize("method", SUGGESTERS)
def test_trials_of_an_earlier_space_are_as_if_cancelled(method, name, strict):
    """A suggester sees what fits a changed space, and of the rest nothing at all."""
    old, new, suggester = Space(SPACES[name]), Space(CHANGED[name]), SUGGESTERS[method]
    history = History(old)
    for i, row in enumerate(old.sample(np.random.default_rng(5), 40)):
        history.start([old.decode(row)], 0.0)
        history.report(i, 0, 1, float(i % 7))
        if i % 9:
            outcome = Outcome(Status.OK, loss=float(i % 11))
            history.finish(i, 0, Outcome(Status.PRUNED) if i % 5 == 1 else outcome)
    with pytest.warns(UserWarning, match="do not fit"):
        history = adapted(history, new, {"new": 0.5} if "new" in new.column else {})
    assert 0 < history.count(Status.APART) < 40
    assert history.count(Status.OK)
    without = History(new)
    anywhere = new.decode(new.sample(np.random.default_rng(6), 1)[0])
    for trial in history:
        apart = trial.apart is not None
        without.start([anywhere if apart else trial.values], 0.0)
        if not apart:
            without.report(trial.number, 0, *history.last_report(trial.number))
        outcome = Outcome(Status.CANCELLED) if apart else trial.outcome
        if outcome is not None:
            without.finish(trial.number, 0, outcome)
    for k in (1, 3):
        one, other = (
            suggester.suggest(new, each, np.random.default_rng(7), k, 90)
            for each in (history, without)
        )
        assert one == other
        assert all(new.check(values) == values for values in one)


@pytest.mark.parametrize("method", ["tpe", "gp", "forest", "auto", "anneal", "adaptive", "cma"])
def test_a_tuner_goes_on_from_far_points(method):
    """Points told 60 deviations out, or a whole climb to there, are gone on from."""
    tuner = Tuner({"x": hp.normal("x", 0, 1)}, algo=SUGGESTERS[method], rstate=0)
    for i in range(25):
        tuner.add({"x": 2.5 * i}, -2.5 * i)
    tuner.add({"x": -1e300}, {"status": "fail"})
    assert len(tuner.ask(4)) == 4


@pytest.mark.parametrize("far", [5.0, 12.0])
@pytest.mark.parametrize("method", ["gp", "auto"])
def test_the_trust_region_follows_the_best(method, far):
    """An optimum many deviations from the mean is found, without any hint."""

    def objective(config):
        return abs(config["x"] - far) + (config["m"] - 0.3) ** 2

    space = {"x": hp.normal("x", 0, 1), "m": hp.uniform("m", 0, 1)}
    best = fmin(
        objective, space, algo=SUGGESTERS[method], max_evals=45, rstate=0, show_progressbar=False
    )
    assert abs(best["x"] - far) < 0.5


def test_fmin_goes_on_from_given_points_and_from_its_own_trials():
    """Points to evaluate that lie far out are tried first, and a second run goes on from them."""
    trials = Trials()
    for total in (30, 40):
        best = fmin(
            lambda c: abs(math.log(c["lr"]) - 9), {"lr": hp.lognormal("lr", -5, 1)},
            algo=SUGGESTERS["gp"], max_evals=total, trials=trials, rstate=0,
            points_to_evaluate=[{"lr": 8000.0}, {"lr": 1e-300}], show_progressbar=False,
        )  # fmt: skip
    assert len(trials) == 40
    assert abs(math.log(best["lr"]) - 9) < 0.1
