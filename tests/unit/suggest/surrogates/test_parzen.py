"""Parzen mixtures over a tree, against slow references and against their own samples."""

import math

import numpy as np
import pytest
from scipy import integrate, stats

from sparktune import hp
from sparktune.space.discrete import Categorical, Integers
from sparktune.space.distributions import Normal, Uniform
from sparktune.space.tree import Param, Space
from sparktune.suggest.surrogates import parzen
from sparktune.suggest.surrogates.parzen import Bandwidths, Parzen

MIXED = Space(
    {
        "x": hp.uniform("x", -1, 2),
        "lr": hp.loguniform("lr", -6, 0),
        "m": hp.pchoice(
            "m",
            [
                (0.5, {"z": hp.normal("z", 1, 2), "s": hp.lognormal("s", 0, 1)}),
                (
                    0.3,
                    [
                        hp.randint("n", -2, 5),
                        hp.choice("deep", [hp.quniform("q", 0, 5, 0.5), hp.qnormal("qn", 0, 3, 1)]),
                    ],
                ),
                (0.2, "none"),
            ],
        ),
        "ql": hp.qloguniform("ql", -1, 3, 1),
        "qs": hp.qlognormal("qs", 0, 1, 0.5),
    }
)

DISCRETE = Space(
    {
        "m": hp.pchoice(
            "m",
            [
                (0.5, hp.randint("n", 4)),
                (0.3, hp.choice("deep", [hp.quniform("q", 0, 3, 1), hp.uniformint("k", 2, 3)])),
                (0.2, "none"),
            ],
        ),
        "ql": hp.qloguniform("ql", -1, 1.5, 1),
    }
)


def bandwidths(space, X, weights, prior_weight=1.0):
    """The bandwidths that TPE takes by default."""
    assumed = Bandwidths.assumed(space, 0.1, 0.4)
    return Bandwidths.likeliest(space, X, weights, prior_weight, assumed, 0.5)


def mixture_of(space, X, weights, prior_weight=1.0):
    """A mixture with bandwidths as TPE takes them."""
    return Parzen.fit(space, X, weights, prior_weight, bandwidths(space, X, weights, prior_weight))


def fitted(space, n, prior_weight=1.0, seed=0, weights=None):
    """A mixture fitted to n draws from the prior with random weights."""
    rng = np.random.default_rng(seed)
    X = space.sample(rng, n)
    return mixture_of(space, X, rng.random(n) if weights is None else weights, prior_weight)


# ---- an independent reference: plain loops, scipy.stats, value by value --------------------------


def reference_factors(distribution, z, mu, width, leave):
    """The density or mass that the kernel at mu gives to each of the latents z."""
    if isinstance(distribution, Categorical):
        return [leave * distribution.p[int(each)] + (1 - leave) * (each == mu) for each in z]
    sigma = width * distribution.scale
    if isinstance(distribution, Normal):  # precisions add up, and so do weighted centres
        kernel, prior = 1 / sigma**2, 1 / distribution.sigma**2
        mu = (kernel * mu + prior * distribution.mu) / (kernel + prior)
        sigma = 1 / math.sqrt(kernel + prior)
    low, high = distribution.support
    kernel = stats.truncnorm((low - mu) / sigma, (high - mu) / sigma, mu, sigma)
    if isinstance(distribution, Integers):
        return kernel.cdf(z + 0.5) - kernel.cdf(z - 0.5)
    if distribution.q is None:
        return kernel.pdf(z)
    values = [distribution.value(each) for each in z]
    ends = np.array([(v - distribution.q / 2, v + distribution.q / 2) for v in values])
    if distribution.log:
        ends = [(math.log(lo) if lo > 0 else -math.inf, math.log(hi)) for lo, hi in ends]
    lo, hi = np.transpose(ends)
    return kernel.cdf(hi) - kernel.cdf(lo)


def reference_prior(distribution, z):
    """The prior's density or mass of a latent."""
    value = distribution.value(z)
    log_prob = float(distribution.log_prob(value))
    if getattr(distribution, "log", False) and not distribution.discrete:
        log_prob += math.log(value)
    return math.exp(log_prob)


def reference_log_prob(space, X, weights, prior_weight, shared, rows):
    """The log of sum_i w_i prod_j k_ij for each candidate, label by label and kernel by kernel."""
    n = len(X)
    w = [prior_weight * (sum(weights) / n if n else 1.0), *weights]
    kinds = [isinstance(each, Categorical) for each in space.distributions]
    total = np.zeros(len(rows))
    for i in range(-1, n):
        product = np.full(len(rows), w[i + 1] / sum(w))
        for j, distribution in enumerate(space.distributions):
            on = ~np.isnan(rows[:, j])
            z = rows[on, j]
            if i < 0 or math.isnan(X[i][j]):
                factors = [reference_prior(distribution, each) for each in z]
            elif not len(z):
                factors = z
            elif kinds[j]:
                leave = shared.leave[sum(kinds[:j])]
                factors = reference_factors(distribution, z, X[i][j], None, leave)
            else:
                width = shared.sigma[j - sum(kinds[:j])]
                factors = reference_factors(distribution, z, X[i][j], width, None)
            product[on] *= factors
        total += product
    return np.log(total)


@pytest.mark.parametrize(("space", "n"), [(MIXED, 1), (MIXED, 12), (DISCRETE, 15)])
@pytest.mark.parametrize("prior_weight", [1.0, 0.1])
@pytest.mark.parametrize("width", [0.02, 0.15, 2.0])
def test_log_prob_equals_a_slow_reference(space, n, prior_weight, width):
    """The density of candidates equals plain loops over kernels and labels with scipy.stats."""
    rng = np.random.default_rng(5)
    X, weights = space.sample(rng, n), rng.random(n)
    assumed = Bandwidths.assumed(space, width, 0.3)
    shared = Bandwidths(
        assumed.sigma * rng.uniform(0.8, 1.2, len(assumed.sigma)),
        assumed.leave * rng.uniform(0.2, 2.0, len(assumed.leave)),
    )
    mixture = Parzen.fit(space, X, weights, prior_weight, shared)
    candidates = np.concatenate([space.sample(rng, 15), mixture.sample(rng, 15), X[:3]])
    expected = reference_log_prob(space, X, weights, prior_weight, shared, candidates)
    np.testing.assert_allclose(mixture.log_prob(candidates), expected, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("space", [MIXED, DISCRETE])
def test_blocks_do_not_matter(space, monkeypatch):
    """Densities are the same, however many kernels are in memory at a time."""
    mixture = fitted(space, 50)
    X = space.sample(np.random.default_rng(1), 20)
    whole = mixture.log_ratio(X)
    monkeypatch.setattr(parzen, "_BLOCK", 60)
    np.testing.assert_allclose(mixture.log_ratio(X), whole, rtol=1e-12, atol=1e-12)


# ---- bandwidths ----------------------------------------------------------------------------------


def left_out_likelihood(space, X, sigma):
    """Mean log density of each observation under the mixture of the others, by plain loops."""
    shared = Bandwidths(np.array(sigma), np.empty(0))
    logs = []
    for i in range(len(X)):
        others = np.delete(X, i, axis=0)
        # the prior keeps the weight of one observation
        logs.append(
            Parzen.fit(space, others, np.ones(len(others)), 1.0, shared).log_prob(X[[i]])[0]
        )
    return np.mean(logs)


@pytest.mark.parametrize("spread", [0.02, 0.1, 0.3])
def test_bandwidths_are_the_likeliest(spread):
    """For one label the bandwidth is about as likely as the best on a fine grid."""
    space = Space(hp.uniform("x", 0, 1))
    rng = np.random.default_rng(0)
    X = np.clip(rng.normal(0.5, spread, (24, 1)), 0.001, 0.999)
    assumed = Bandwidths.assumed(space, 0.1, 0.4)
    found = Bandwidths.likeliest(space, X, np.ones(24), 1.0, assumed, 1e-6).sigma
    grid = np.geomspace(0.005, 2, 60)
    best = max(left_out_likelihood(space, X, [width]) for width in grid)
    assert left_out_likelihood(space, X, found) > best - 0.03


def test_a_label_that_does_not_matter_gets_a_wide_bandwidth():
    """Good trials that agree in one label and not in another give a narrow and a wide bandwidth."""
    space = Space([hp.uniform("x", -5, 5), hp.uniform("z", 0, 1), hp.normal("n", 3, 2)])
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.normal(2, 0.2, 20), rng.random(20), rng.normal(3, 2, 20)])
    x, z, n = bandwidths(space, X, np.ones(20)).sigma
    assert x < 0.06
    assert z > 0.3
    assert n > 0.15


def test_categories_that_good_trials_agree_in_are_kept():
    """Kernels keep a category that good trials agree in, and leave one that they do not."""
    space = Space([hp.choice("same", ["a", "b", "c"]), hp.choice("any", ["a", "b", "c"])])
    X = np.column_stack([np.ones(18), np.arange(18) % 3])
    same, other = bandwidths(space, X, np.ones(18)).leave
    assert same == 0.1  # the least
    assert other > 0.5


def test_bandwidths_without_observations_are_the_assumed_ones():
    """One observation says nothing about bandwidths."""
    for n in (0, 1):
        shared = bandwidths(MIXED, MIXED.sample(np.random.default_rng(0), n), np.ones(n))
        assert set(shared.sigma) == {0.1}
        assert set(shared.leave) == {0.4}


# ---- normalisation -------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [0, 1, 3, 40])
@pytest.mark.parametrize(
    "node",
    [
        hp.uniform("x", -1, 2),
        hp.loguniform("x", -7, 2),
        hp.normal("x", 1, 2),
        hp.lognormal("x", 0, 1),
    ],
    ids=lambda node: repr(node.distribution),
)
def test_a_continuous_density_integrates_to_one(node, n):
    """Over the latents of one label the density integrates to 1."""
    space = Space(node)
    distribution = space.distributions[0]
    mixture = fitted(space, n)
    low, high = distribution.support
    if not np.isfinite(low):
        low, high = distribution.middle - 40, distribution.middle + 40
    z = np.linspace(low, high, 40_001)
    assert integrate.simpson(np.exp(mixture.log_prob(z[:, None])), x=z) == pytest.approx(1, 1e-6)


@pytest.mark.parametrize("n", [0, 1, 7, 60])
def test_a_discrete_tree_sums_to_one(n):
    """Over all candidates of a tree with branches the probabilities sum to 1."""
    rows = DISCRETE.enumerate(np.random.default_rng(0), 1000)
    assert len(rows) == (4 + 4 + 2 + 1) * 5
    mass = np.exp(fitted(DISCRETE, n).log_prob(rows))
    assert mass.sum() == pytest.approx(1, abs=1e-12)
    assert (mass > 0).all()


@pytest.mark.parametrize(
    ("node", "values"),
    [
        (hp.qnormal("x", 0, 3, 1), np.arange(-200, 201)),
        (hp.qlognormal("x", 0, 0.5, 0.5), np.arange(0, 20_000) * 0.5),
        (Param("x", Uniform(0.3, 5.4, q=2)), np.arange(0, 7, 2)),
        (hp.randint("x", -3, 9), np.arange(-3, 9)),
    ],
    ids=lambda thing: repr(getattr(thing, "distribution", "")),
)
def test_a_quantised_label_sums_to_one(node, values):
    """Over the values of one quantised label the probabilities sum to 1."""
    space = Space(node)
    mixture = fitted(space, 25)
    rows = np.array([[space.distributions[0].latent(value)] for value in values])
    assert np.exp(mixture.log_prob(rows)).sum() == pytest.approx(1, abs=1e-6)


def test_a_conditional_density_integrates_to_one():
    """A tree whose branches hold a continuous, a discrete and no label integrates to 1."""
    space = Space(hp.choice("m", [hp.uniform("x", 0, 1), hp.randint("n", 3), "none"]))
    mixture = fitted(space, 20)
    nan = math.nan
    rows = np.array([[1, nan, n] for n in range(3)] + [[2, nan, nan]])
    mass = np.exp(mixture.log_prob(rows)).sum()
    x = np.linspace(0, 1, 4001)
    line = np.column_stack([np.zeros_like(x), x, np.full_like(x, nan)])
    mass += integrate.simpson(np.exp(mixture.log_prob(line)), x=x)
    assert mass == pytest.approx(1, abs=1e-8)


# ---- sampling ------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [0, 2, 30])
def test_samples_of_a_discrete_tree_follow_log_prob(n):
    """Counts of forty thousand samples pass a chi-square test against log_prob."""
    mixture = fitted(DISCRETE, n, prior_weight=0.3)
    rows = DISCRETE.enumerate(np.random.default_rng(0), 1000)
    index = {(row + 0.0).tobytes(): i for i, row in enumerate(rows)}
    counts = np.zeros(len(rows))
    for row in mixture.sample(np.random.default_rng(1), 40_000):
        counts[index[(row + 0.0).tobytes()]] += 1
    expected = 40_000 * np.exp(mixture.log_prob(rows))
    assert expected.min() > 5
    assert stats.chisquare(counts, expected * (40_000 / expected.sum())).pvalue > 1e-3


@pytest.mark.parametrize("label", ["x", "lr", "z", "s"])
def test_samples_of_a_continuous_label_follow_log_prob(label):
    """Samples pass a Kolmogorov-Smirnov test against the integrated density."""
    node = MIXED.params[MIXED.column[label]]
    space = Space(node)
    mixture = fitted(space, 6, prior_weight=0.5)
    low, high = node.distribution.support
    if not np.isfinite(low):
        low, high = node.distribution.middle - 40, node.distribution.middle + 40
    z = np.linspace(low, high, 20_001)
    density = np.exp(mixture.log_prob(z[:, None]))
    cdf = integrate.cumulative_trapezoid(density, z, initial=0)
    sample = mixture.sample(np.random.default_rng(2), 20_000)[:, 0]
    assert stats.kstest(sample, lambda at: np.interp(at, z, cdf)).pvalue > 1e-3


def test_samples_are_candidates_of_the_space():
    """Samples are snapped, within the support, and nan exactly where a label is inactive."""
    mixture = fitted(MIXED, 30)
    X = mixture.sample(np.random.default_rng(3), 500)
    for row in X:
        again = MIXED.encode(MIXED.check(MIXED.decode(row)))
        np.testing.assert_allclose(again, row, rtol=1e-9, atol=1e-12)
    for j, distribution in enumerate(MIXED.distributions):
        z = X[~np.isnan(X[:, j]), j]
        assert len(z) > 5
        low, high = distribution.support
        assert ((low <= z) & (z <= high)).all()
        np.testing.assert_array_equal(distribution.snap(z), z)
    assert np.isfinite(mixture.log_prob(X)).all()


def test_the_same_generator_gives_the_same_samples():
    """Sampling depends on the generator alone."""
    mixture = fitted(MIXED, 10)
    first, second = (mixture.sample(np.random.default_rng(4), 50) for _ in range(2))
    np.testing.assert_array_equal(first, second)


# ---- the prior -----------------------------------------------------------------------------------


def test_without_observations_the_mixture_is_the_prior():
    """With no observations the density is the product of the priors of the active labels."""
    mixture = mixture_of(MIXED, np.empty((0, len(MIXED))), np.empty(0))
    X = MIXED.sample(np.random.default_rng(0), 50)
    expected = np.zeros(50)
    for j, distribution in enumerate(MIXED.distributions):
        on = ~np.isnan(X[:, j])
        expected[on] += distribution.log_prior(X[on, j])
    np.testing.assert_allclose(mixture.log_prob(X), expected, rtol=1e-12)
    assert mixture.w_prior == 1.0
    assert len(mixture.w) == 0


def test_labels_of_other_branches_contribute_their_prior():
    """Observations of one branch leave the labels of another at their prior."""
    space = Space(hp.choice("m", [hp.uniform("x", 0, 1), hp.normal("z", 0, 1)]))
    X = np.array([[0, x, math.nan] for x in (0.1, 0.12, 0.14)])
    mixture = mixture_of(space, X, np.ones(3), 1.0)
    z = np.array([-2.0, 0.0, 0.7])
    rows = np.column_stack([np.ones(3), np.full(3, math.nan), z])
    log_prob = mixture.log_prob(rows)
    shape = log_prob - stats.norm.logpdf(z)
    np.testing.assert_allclose(shape, shape[0], rtol=1e-12)
    assert math.exp(shape[0]) < 0.5  # the branch itself was never seen
    sample = mixture.sample(np.random.default_rng(0), 20_000)
    sample = sample[sample[:, 0] == 1, 2]
    assert stats.kstest(sample, "norm").pvalue > 1e-3


def test_the_prior_weighs_as_much_as_asked():
    """Weights are relative to the mean observation, and sum to 1."""
    mixture = fitted(MIXED, 4, prior_weight=2.0, weights=np.array([1.0, 2.0, 3.0, 6.0]))
    np.testing.assert_allclose([mixture.w_prior, *mixture.w], np.array([6, 1, 2, 3, 6]) / 18)
    scaled = fitted(MIXED, 4, prior_weight=2.0, weights=np.array([1.0, 2.0, 3.0, 6.0]) * 1e-9)
    np.testing.assert_allclose(scaled.w, mixture.w)


def test_more_weight_draws_the_density_towards_an_observation():
    """An observation of high weight raises the density where it lies."""
    space = Space(hp.uniform("x", 0, 1))
    X = np.array([[0.1], [0.9]])
    left = mixture_of(space, X, np.array([9.0, 1.0]), 1.0)
    right = mixture_of(space, X, np.array([1.0, 9.0]), 1.0)
    assert left.log_prob(X[:1]) > right.log_prob(X[:1]) + 0.5
    assert left.log_prob(X[1:]) < right.log_prob(X[1:]) - 0.5


# ---- degenerate input ----------------------------------------------------------------------------


def test_a_weight_of_zero_leaves_its_observation_out():
    """A kernel of weight 0 has no part in the density, and is never drawn."""
    space = Space(hp.choice("c", ["a", "b", "c"]))
    X = np.array([[0.0], [1.0], [1.0]])
    mixture = mixture_of(space, X, np.array([0.0, 1.0, 1.0]), 1e-9)
    leave = mixture.bandwidths.leave[0]
    mass = np.exp(mixture.log_prob(np.array([[0.0], [1.0], [2.0]])))
    np.testing.assert_allclose(mass, [leave / 3, 1 - 2 * leave / 3, leave / 3], rtol=1e-6)
    assert np.isfinite(mixture.log_prob(X)).all()


def test_weights_that_are_all_zero_count_as_equal():
    """Where no observation has weight, all have the same."""
    mixture = fitted(MIXED, 3, weights=np.zeros(3))
    np.testing.assert_allclose([mixture.w_prior, *mixture.w], np.full(4, 0.25))


def test_equal_observations_keep_a_bandwidth():
    """Many equal observations leave a proper density, with all its mass near them or the prior."""
    for node in (hp.uniform("x", 0, 1), hp.randint("x", 50), hp.normal("x", 0, 1)):
        space = Space(node)
        distribution = space.distributions[0]
        X = np.full((200, 1), distribution.snap(np.asarray(distribution.middle)) + 0.0)
        mixture = mixture_of(space, X, np.ones(200), 1.0)
        assert 0.004 < mixture.bandwidths.sigma[0] < 0.1
        assert np.isfinite(mixture.log_prob(X)).all()
        sample = mixture.sample(np.random.default_rng(0), 2000)
        assert np.mean(np.abs(sample - X[0]) <= 0.1 * distribution.scale) > 0.9


def test_observations_on_the_bounds():
    """Observations on both ends of a range give finite densities and samples inside."""
    space = Space([hp.uniform("x", 0, 1), hp.randint("n", 5), hp.qloguniform("q", -2, 2, 1)])
    low = [d.latent(v) for d, v in zip(space.distributions, (0, 0, 0), strict=True)]
    high = [d.latent(v) for d, v in zip(space.distributions, (1, 4, 7), strict=True)]
    X = np.array([low, high] * 10)
    mixture = mixture_of(space, X, np.ones(20), 1.0)
    assert np.isfinite(mixture.log_prob(X)).all()
    sample = mixture.sample(np.random.default_rng(0), 2000)
    assert np.isfinite(sample).all()
    assert set(sample[:, 1]) == set(range(5))
    assert (sample[:, 0] >= 0).all()
    assert (sample[:, 0] <= 1).all()


def test_far_candidates_keep_finite_densities():
    """Candidates hundreds of bandwidths from every kernel have finite log densities."""
    space = Space([hp.normal("z", 0, 1), hp.qnormal("q", 0, 1, 1), hp.uniform("x", 0, 1)])
    mixture = mixture_of(space, np.zeros((200, 3)), np.ones(200), 1.0)
    far = mixture.log_prob(np.array([[30.0, 30.0, 1.0], [-100.0, 100.0, 0.0], [0.0, 0.0, 0.0]]))
    assert np.isfinite(far).all()
    assert far[0] < -300
    assert far[1] < far[0] < far[2]


def test_options_without_probability_are_never_drawn():
    """An option of probability 0 that was observed by hand neither breaks nor spreads."""
    space = Space(hp.pchoice("c", [(0.0, "a"), (1.0, "b")]))
    mixture = mixture_of(space, np.array([[1.0], [1.0]]), np.ones(2), 1.0)
    assert set(mixture.sample(np.random.default_rng(0), 1000)[:, 0]) == {1.0}
    assert np.exp(mixture.log_prob(np.array([[0.0], [1.0]]))) == pytest.approx([0, 1])
    by_hand = mixture_of(space, np.array([[0.0], [1.0]]), np.ones(2), 1.0)
    assert np.isfinite(by_hand.log_prob(np.array([[0.0], [1.0]]))).all()
