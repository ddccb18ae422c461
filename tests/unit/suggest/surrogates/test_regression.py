"""What a kernel regression believes of observed losses."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal, spearmanr

from sparktune import hp
from sparktune.history import History, Outcome, Status
from sparktune.space.tree import Space
from sparktune.suggest.surrogates.outputs import power, standardised
from sparktune.suggest.surrogates.parzen import Bandwidths
from sparktune.suggest.surrogates.regression import _covariance, _fits, believed
from sparktune.suggest.tpe import TPE

FLAT = Space({"x": hp.uniform("x", 0, 1), "y": hp.uniform("y", 0, 1)})
TREE = Space(
    {
        "k": hp.choice("k", [{"a": hp.uniform("a", 0, 1)}, {"b": hp.quniform("b", 0, 1, 0.1)}]),
        "c": hp.choice("c", [1, 2, 3]),
    }
)


def some(n, noise=0.0, seed=0):
    """Latents, true losses and observed ones."""
    rng = np.random.default_rng(seed)
    X = FLAT.sample(rng, n)
    true = ((X - 0.4) ** 2).sum(1)
    return X, true, true + noise * rng.normal(size=n)


def assumed(space):
    return Bandwidths.assumed(space, 0.1, 0.4)


def test_smooth_losses_are_believed():
    """Without noise the believed losses have the order of the observed ones."""
    X, true, y = some(60)
    assert spearmanr(believed(FLAT, X, y, assumed(FLAT)), true)[0] > 0.999


def test_noise_is_taken_away():
    """Where the noise is as large as the signal, what is believed is nearer to the truth."""
    X, true, y = some(100, noise=0.15)
    found = believed(FLAT, X, y, assumed(FLAT))
    assert np.corrcoef(found, true)[0, 1] > np.corrcoef(y, true)[0, 1] + 0.1


def test_a_stated_variance_counts():
    """A loss that is said to be uncertain is not believed, and does not disturb the others."""
    X, true, y = some(60)
    far = int(np.argmax(y))
    y[far] = -1.0
    variance = np.full(60, 1e-6)
    certain = believed(FLAT, X, y, assumed(FLAT), variance)
    variance[far] = 4.0
    uncertain = believed(FLAT, X, y, assumed(FLAT), variance)
    assert uncertain[far] > max(certain[far], np.median(uncertain))
    assert spearmanr(uncertain, true)[0] > max(0.99, spearmanr(certain, true)[0])


def test_stated_variances_beyond_all_losses_say_nothing():
    """Tiny losses that are said to be quite uncertain are believed to be all about the same."""
    X, _, y = some(60)
    found = believed(FLAT, X, 1e-200 * y, assumed(FLAT), np.full(60, 1e-300))
    assert np.ptp(found) < 1e-3


def test_of_many_those_near_the_good_are_seen():
    """Of 400 observations the far ones stay as they were observed."""
    X, true, y = some(400, noise=0.15)
    found = believed(FLAT, X, y, assumed(FLAT))
    same = found == power(standardised(y)[0])[0]
    assert same.sum() == 336
    assert true[same].mean() > true[~same].mean()


def test_trees_have_a_regression_too():
    """In a tree of numbers, steps and categories the believed losses follow the truth."""
    rng = np.random.default_rng(0)
    X = TREE.sample(rng, 90)
    column = TREE.column
    a, b = X[:, column["a"]], X[:, column["b"]]
    true = np.where(np.isnan(a), 0.5 + b, a**2) + 0.3 * X[:, column["c"]]
    y = true + 0.4 * rng.normal(size=90)
    found = believed(TREE, X, y, assumed(TREE))
    assert np.corrcoef(found, true)[0, 1] > np.corrcoef(y, true)[0, 1]


def test_likelihoods_are_those_of_a_normal_law():
    """With stated variances of 0 the likelihood is the normal density, up to a constant."""
    X, _, y = some(12, noise=0.1)
    K, t = _covariance(FLAT, X, assumed(FLAT), 4.0), standardised(y)[0]
    found, means = _fits(K, t, np.zeros(12))
    wanted = [
        multivariate_normal(np.zeros(12), K + noise * np.eye(12)).logpdf(t)
        for noise in np.geomspace(1e-4, 30, 16)
    ]
    np.testing.assert_allclose(np.diff(found), np.diff(wanted), rtol=1e-6)
    noise = np.geomspace(1e-4, 30, 16)[5]
    of_the_signal = K @ np.linalg.solve(K + noise * np.eye(12), t)
    np.testing.assert_allclose(means(5), of_the_signal)
    np.testing.assert_allclose(_fits(K, t, None)[1](5), of_the_signal)


@pytest.mark.parametrize("value", [0.0, 3.0, float("inf")])
def test_losses_that_are_all_the_same(value):
    """Losses without a difference are believed without a difference."""
    X, _, _ = some(30)
    found = believed(FLAT, X, np.full(30, value), assumed(FLAT))
    np.testing.assert_allclose(found, 0.0, atol=1e-9)


@pytest.mark.parametrize("n", [60, 80, 150, 400])
def test_tpe_does_not_close_in_on_a_lucky_draw(n):
    """One loss far below its neighbours draws fewer of TPE's candidates with the regression."""
    X, _, y = some(n, noise=0.02)
    lucky = int(np.argmax(y))
    y[lucky] = -1.0
    history = History(FLAT)
    for i, loss in enumerate(y):
        history.start([FLAT.decode(X[i])], 0.0)
        history.finish(i, 0, Outcome(Status.OK, loss=float(loss)))
    near = {}
    for regression in (True, False):
        drawn = TPE(regression=regression).suggest(FLAT, history, np.random.default_rng(0), 64)
        U = np.array([[c["x"], c["y"]] for c in drawn])
        near[regression] = np.mean(np.abs(U - X[lucky]).max(1) < 0.15)
    assert near[True] < near[False]
