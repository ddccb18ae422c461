"""The GP: its kernel, likelihood, posterior and fantasies."""

import gc
import math
import weakref

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from properties import examples
from scipy import stats

from sparktune import hp
from sparktune.history import History, Outcome, Status
from sparktune.space.tree import Space
from sparktune.suggest.acquisition import ACQUISITIONS
from sparktune.suggest.bayes import Bayes
from sparktune.suggest.surrogates.gp import GP, GPPosterior
from sparktune.suggest.surrogates.gp_kernel import (
    Features,
    Hyperparameters,
    Kernel,
    Likelihood,
    log_prior,
)
from sparktune.suggest.surrogates.outputs import power, standardised

TREE = Space(
    {
        "a": hp.uniform("a", 0, 1),
        "n": hp.randint("n", 9),
        "k": hp.choice(
            "k",
            [
                {"x": hp.normal("x", 0, 1), "q": hp.quniform("q", 0, 1, 0.1)},
                {"y": hp.choice("y", [1, 2, {"z": hp.loguniform("z", -3, 3)}])},
                0,
            ],
        ),
    }
)
FEATURES = Features.of(TREE)
D, GROUPS = len(TREE), len(FEATURES.groups)


def data(n, seed=0):
    rng = np.random.default_rng(seed)
    return TREE.sample(rng, n), rng.normal(size=n), rng


def hyperparameters(rng):
    return Hyperparameters.unpack(rng.normal(size=D + 2 + GROUPS - 1), FEATURES)


def posterior(n=25, seed=0):
    X, y, rng = data(n, seed)
    h = hyperparameters(rng)
    return GPPosterior.of(Kernel(FEATURES, h), X, y), h, X, y, rng


def kernel(h, a, b):
    """The covariance of two candidates, label by label, as the module's docstring has it."""
    value = h.signal
    columns = {j: label for label, j in enumerate(FEATURES.columns)}
    conditions = list(dict.fromkeys([(), *(TREE.parents[j] for j in FEATURES.columns)]))
    for g, condition in enumerate(conditions):
        labels = [j for j in range(D) if TREE.parents[j] == condition]
        on = [~np.isnan(x[labels[0]]) for x in (a, b)]
        if all(on):
            r2 = 0.0
            for j in labels:
                theta, distribution = h.theta[columns[j]], TREE.distributions[j]
                if TREE.labels[j] in ("k", "y"):
                    r2 += theta * (a[j] != b[j])
                else:
                    r2 += theta * ((a[j] - b[j]) / distribution.scale) ** 2
            r = np.sqrt(5 * r2)
            m = (1 + r + r**2 / 3) * np.exp(-r)
            value *= m if g == 0 else h.kappa[g - 1] + (1 - h.kappa[g - 1]) * m
        elif any(on):
            value *= h.kappa[g - 1]
    return value


def gram(h, A, B):
    return np.array([[kernel(h, a, b) for b in B] for a in A])


def test_posterior_by_its_definition():
    """Means and deviations are those of the textbook's formulas with the kernel written out."""
    found, h, X, y, rng = posterior()
    new = TREE.sample(rng, 12)
    K, k = gram(h, X, X) + h.noise * np.eye(len(X)), gram(h, new, X)
    mean, std = found.predict(new)
    np.testing.assert_allclose(mean[0], k @ np.linalg.solve(K, y), rtol=1e-6, atol=1e-8)
    variance = h.signal - np.einsum("mn,nm->m", k, np.linalg.solve(K, k.T))
    np.testing.assert_allclose(std**2, variance, rtol=1e-6, atol=1e-8)


@examples(30)
@given(seed=st.integers(0, 10**6))
def test_the_kernel_is_positive_definite(seed):
    """Covariances of any candidates, whatever the hyperparameters, have no negative eigenvalue."""
    X, _, rng = data(20, seed)
    h = hyperparameters(rng)
    K = gram(h, X, X)
    np.testing.assert_allclose(np.diag(K), h.signal)
    assert np.linalg.eigvalsh(K).min() > -1e-9 * h.signal


def test_a_branch_is_compared_with_itself_only():
    """Labels that only one of two candidates has do not change their covariance."""
    h = hyperparameters(np.random.default_rng(0))
    first, second, other = (
        TREE.encode({"a": 0.1, "n": 3, "k": 0, "x": x, "q": 0.5}) for x in (0.0, 1.0, 0.0)
    )
    other = TREE.encode({"a": 0.9, "n": 3, "k": 1, "y": 0})
    assert kernel(h, first, other) == kernel(h, second, other)
    assert kernel(h, first, second) < h.signal


STATED = pytest.mark.parametrize("stated", [False, True])


@STATED
def test_likelihood_by_its_definition(stated):
    """The value is minus the log density of the losses and of the prior, up to constants."""
    X, y, rng = data(20)
    variance = rng.gamma(1, 0.2, size=20) if stated else None
    likelihood = Likelihood(FEATURES, X)
    found, wanted = [], []
    for _ in range(2):
        z = rng.normal(size=D + 2 + GROUPS - 1 + stated)
        h = Hyperparameters.unpack(z, FEATURES)
        noise = np.full(20, h.noise) + (h.stated * variance if stated else 0)
        density = stats.multivariate_normal(np.zeros(20), gram(h, X, X) + np.diag(noise))
        sizes = [
            sum(TREE.parents[j] == TREE.parents[i] for j in range(D)) for i in FEATURES.columns
        ]
        correlated = stats.multivariate_normal(0.5 * np.log(sizes), 0.75 + 0.25 * np.eye(D))
        lengths = correlated.logpdf(np.log(h.theta**-0.5))
        kappa, share = np.split(z[D + 2 :], [GROUPS - 1])
        prior = lengths + stats.gamma.logpdf(h.signal, 2) + stats.norm.logpdf(kappa, -1, 1.5).sum()
        prior += stats.gamma.logpdf(h.noise, 1.1, scale=1 / 30)
        prior += stats.norm.logpdf(share, 2, 2).sum()
        found.append(likelihood(z, y, variance)[0])
        wanted.append(-density.logpdf(y) - prior)
    assert found[0] - found[1] == pytest.approx(wanted[0] - wanted[1], rel=1e-8)


@STATED
def test_gradient_of_the_likelihood(stated):
    """The gradient by all hyperparameters is that of finite differences."""
    X, y, rng = data(20)
    likelihood = Likelihood(FEATURES, X)
    variance = rng.gamma(1, 0.2, size=20) if stated else None
    z = rng.normal(size=D + 2 + GROUPS - 1 + stated)
    slopes = [
        (likelihood(z + 1e-5 * e, y, variance)[0] - likelihood(z - 1e-5 * e, y, variance)[0]) / 2e-5
        for e in np.eye(len(z))
    ]
    np.testing.assert_allclose(likelihood(z, y, variance)[1], slopes, rtol=1e-6, atol=1e-6)
    prior = [
        (
            log_prior(FEATURES, Hyperparameters.unpack(z + 1e-5 * e, FEATURES), z + 1e-5 * e)[0]
            - log_prior(FEATURES, Hyperparameters.unpack(z - 1e-5 * e, FEATURES), z - 1e-5 * e)[0]
        )
        / 2e-5
        for e in np.eye(len(z))
    ]
    by_z = log_prior(FEATURES, Hyperparameters.unpack(z, FEATURES), z)[1]
    np.testing.assert_allclose(by_z, prior, rtol=1e-6, atol=1e-6)


def test_the_search_of_hyperparameters_arrives():
    """No step in any hyperparameter from those found is clearly better."""
    X, _, rng = data(60)
    y = standardised(np.nan_to_num(X[:, 0]) ** 2 + 0.1 * rng.normal(size=60))[0]
    likelihood = Likelihood(FEATURES, X)
    found, value = likelihood.likeliest(y)
    z = found.pack()
    for step in (*np.eye(len(z)), *-np.eye(len(z))):
        assert likelihood(z + 0.1 * step, y)[0] > value - 0.05


def test_a_pending_trial_is_an_observation_without_noise():
    """Fantasies condition on their value as one more observation, in R, means and deviations."""
    found, h, X, y, rng = posterior()
    x, new = TREE.sample(rng, 1), TREE.sample(rng, 12)
    normals = np.array([-1.0, 0.0, 2.0])
    more, values = found.with_pending(x[0], normals)
    mean, std = found.predict(x)
    np.testing.assert_allclose(values, mean[0, 0] + std[0] * normals)
    noise = np.append(np.full(len(X), h.noise), 1e-6 * h.signal)
    both = np.concatenate([X, x])
    K, k = gram(h, both, both) + np.diag(noise), gram(h, new, both)
    means, std = more.predict(new)
    for s in range(3):
        wanted = k @ np.linalg.solve(K, np.append(y, values[s]))
        np.testing.assert_allclose(means[s], wanted, rtol=1e-5, atol=1e-7)
    variance = h.signal - np.einsum("mn,nm->m", k, np.linalg.solve(K, k.T))
    np.testing.assert_allclose(std**2, variance, rtol=1e-5, atol=1e-7)


def test_a_view_follows_its_posterior():
    """A view that followed several pending trials is equal to one made after them."""
    found, _, _, _, rng = posterior()
    new = TREE.sample(rng, 50)
    view = found.view(new, 4)
    for x in TREE.sample(rng, 4):
        found, _ = found.with_pending(x, rng.normal(size=5))
        view = found.follow(view)
    mean, std = found.predict(new)
    np.testing.assert_allclose(view.mean, mean, rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(view.std, std, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("name", ["ei", "pi", "lcb", "mes"])
def test_gradient_of_an_acquisition(name):
    """Gradients by the numeric labels are those of finite differences, 0 where inactive."""
    found, _, _, _, rng = posterior()
    found, _ = found.with_pending(TREE.sample(rng, 1)[0], rng.normal(size=3))
    X = TREE.sample(rng, 8)
    slopes_at = found.slopes(X)
    U = np.nan_to_num(FEATURES.axes.units(X))
    target = np.array([-0.5, -1.0, -0.7])

    def value(U):
        local = slopes_at(U)
        return ACQUISITIONS[name][0](local.mean, local.std, target), local

    slopes, local = value(U)
    np.testing.assert_allclose(local.mean, found.predict(X)[0], rtol=1e-9, atol=1e-9)
    gradient = local.gradient(slopes.by_mean, slopes.by_std)
    for j in range(U.shape[1]):
        step = np.zeros_like(U)
        step[:, j] = 1e-5
        wanted = (value(U + step)[0].value - value(U - step)[0].value) / 2e-5
        inactive = np.isnan(X[:, FEATURES.axes.numeric[j]])
        np.testing.assert_allclose(gradient[~inactive, j], wanted[~inactive], rtol=1e-5, atol=1e-7)
        assert not gradient[inactive, j].any()


def test_it_learns_a_function():
    """After 40 trials of a smooth function of four of a tree's labels, its errors are small."""
    rng = np.random.default_rng(0)

    def loss(X):
        Z = np.nan_to_num(X)
        return np.sin(3 * Z[:, 0]) + 0.1 * Z[:, 1] + (X[:, 2] == 1)

    X, new = TREE.sample(rng, 60), TREE.sample(rng, 200)
    y = standardised(loss(X))[0]
    found = GP(warp=False).fit(TREE, X, y, rng)
    mean, std = found.predict(new)
    true = (loss(new) - loss(X).mean()) / loss(X).std()
    assert np.sqrt(np.mean((mean[0] - true) ** 2)) < 0.2
    assert np.mean(np.abs(mean[0] - true) < 3 * std) > 0.9


def test_noise_is_learnt():
    """The noise found is near the variance of the noise there is."""
    rng = np.random.default_rng(0)
    X = TREE.sample(rng, 150)
    signal = X[:, 0] * 4
    y = signal + rng.normal(size=150)
    z = standardised(y)[0]
    likelihood = Likelihood(FEATURES, X)
    noise = likelihood.likeliest(z)[0].noise
    assert noise == pytest.approx(1 / np.var(y), rel=0.35)


def test_the_posterior_says_what_is_noise():
    """The noise of a posterior is the share of the losses' variance that was learnt."""
    found, h, *_ = posterior()
    assert found.noise == h.noise


@pytest.mark.parametrize("y", [np.zeros(30), np.repeat([0.0, 1e6], 15), np.linspace(-1, 1, 30)])
def test_equal_observations_are_no_harm(y):
    """Thirty observations at one place, alike or contradicting each other, give finite values."""
    X = np.tile(TREE.sample(np.random.default_rng(0), 1), (30, 1))
    found = GP().fit(TREE, X, y, np.random.default_rng(1))
    mean, std = found.predict(TREE.sample(np.random.default_rng(2), 5))
    assert np.isfinite(mean).all()
    assert np.isfinite(std).all()


def test_more_observations_than_it_takes():
    """Beyond its limits it conditions on the best and the latest, and still learns."""
    rng = np.random.default_rng(0)
    X = TREE.sample(rng, 300)
    y = standardised(X[:, 0] ** 2)[0]
    found = GP(most=100, most_fitted=50).fit(TREE, X, y, rng)
    assert len(found.seen.F) == 100
    assert np.corrcoef(found.predict(X)[0][0], y)[0, 1] > 0.95


def test_the_same_observations_are_not_fitted_again():
    """The last posterior of a space is given again for the same observations and settings alone."""
    X, y, _ = data(30)

    def fit(X=X, y=y, variance=None, **settings):
        return GP(**settings).fit(TREE, X, y, np.random.default_rng(0), variance)

    last = fit()
    assert fit(X=X.copy(), y=y.copy(), variance=np.zeros(30)) is last
    others = [fit(X=X[::-1]), fit(y=-y), fit(variance=np.ones(30)), fit(warp=False)]
    assert len({id(each) for each in [last, *others]}) == 5
    again = fit()
    assert again is not last
    np.testing.assert_array_equal(again.b, last.b)


def test_the_last_posterior_goes_with_its_space():
    """What was fitted is forgotten when its space is."""
    space = Space({"x": hp.uniform("x", 0, 1)})
    X = space.sample(np.random.default_rng(0), 8)
    found = weakref.ref(GP().fit(space, X, X[:, 0], np.random.default_rng(1)))
    assert found() is not None
    del space
    gc.collect()
    assert found() is None


@pytest.mark.parametrize(("name", "value"), [("most", 1), ("most_fitted", 0), ("most", 2.5)])
def test_wrong_settings(name, value):
    """A limit that is no whole number of at least 2 is refused."""
    with pytest.raises(ValueError, match=f"gp: `{name}` must be a whole number >= 2"):
        GP(**{name: value})


def test_power_is_yeo_and_johnsons():
    """The power is scipy's, up to its grid of exponents, and its derivative is right."""
    z = standardised(np.exp(np.random.default_rng(0).normal(size=200)))[0]
    wanted, _ = stats.yeojohnson(z)
    found, log_slope = power(z)
    np.testing.assert_allclose(found, (wanted - wanted.mean()) / wanted.std(), atol=0.1)
    assert abs(stats.skew(found)) < 0.3
    order = np.argsort(z)
    near = np.diff(found[order]) / np.diff(z[order])
    middle = (np.exp(log_slope[order])[1:] + np.exp(log_slope[order])[:-1]) / 2
    np.testing.assert_allclose(near, middle, rtol=0.05)


def test_standardised_losses():
    """Losses are moved and scaled; infinite ones become the extremes, equal ones 0."""
    z = standardised(np.array([1.0, 2.0, 3.0, np.inf, -np.inf]))[0]
    assert z.mean() == pytest.approx(0)
    assert z.std() == pytest.approx(1)
    assert z[3] == z[2]
    assert z[4] == z[0]
    assert not standardised(np.full(5, 1e308))[0].any()
    assert np.isfinite(standardised(np.array([1e308, -1e308, 0.0]))[0]).all()


@pytest.mark.parametrize("acquisition", ["mix", "mes"])
def test_losses_that_hardly_differ_from_0(acquisition):
    """Losses as small as numbers can be have a deviation, and are learnt from."""
    least = math.ulp(0.0)
    z, scale = standardised(np.array([0.0, least]))
    assert (z.tolist(), scale) == ([-1.0, 1.0], least)
    space = Space({"x": hp.uniform("x", 0, 1)})
    history = History(space)
    for trial in history.start([{"x": x} for x in np.linspace(0, 1, 20)], 0.0):
        loss = least * (trial.values["x"] > 0.5)
        history.finish(trial.number, 0, Outcome(Status.OK, loss=loss, variance=least))
    suggester = Bayes(acquisition=acquisition)
    assert len(suggester.suggest(space, history, np.random.default_rng(0), 2, None)) == 2


def test_a_category_of_many_options_is_compared_as_one_of_few(monkeypatch):
    """Held as the option's index, a category has the covariances that it has option by option."""
    rng = np.random.default_rng(0)
    X, z = TREE.sample(rng, 40), rng.normal(size=D + 2 + GROUPS - 1)
    found = []
    for most in (100, 1):
        monkeypatch.setattr("sparktune.suggest.surrogates.gp_kernel._MANY", most)
        features = Features(TREE)
        kernel = Kernel(features, Hyperparameters.unpack(z, FEATURES))
        posterior = GPPosterior.of(kernel, X[:20], rng.normal(size=20) * 0 + X[:20, 0])
        more, values = posterior.with_pending(X[20], np.array([0.0, 1.0]))
        followed = more.follow(posterior.view(X[20:], 1))
        local = posterior.slopes(X[20:])(np.nan_to_num(features.axes.units(X[20:])))
        slope = local.gradient(np.ones((1, 20)), np.ones(20))
        found.append((len(features.owner), values, followed.mean, followed.std, local.mean, slope))
    assert found[0][0] - found[1][0] == 4
    for few, many in zip(found[0][1:], found[1][1:], strict=True):
        np.testing.assert_allclose(many, few, rtol=1e-6, atol=1e-8)


def test_observations_far_apart_have_no_slope_and_raise_nothing():
    """Where covariances underflow to 0 the likelihood and its gradient are numbers."""
    space = Space([hp.normal("x", 0, 1), hp.choice("c", [0, hp.normal("y", 0, 1)])])
    X = np.array([[0.0, 0, np.nan], [4000.0, 1, -4000.0], [-4000.0, 1, 4000.0], [1.0, 1, 0.0]])
    likelihood = Likelihood(Features.of(space), X)
    value, gradient = likelihood(np.zeros(6), np.array([1.0, -1.0, 0.5, -0.5]))
    assert np.isfinite([value, *gradient]).all()
