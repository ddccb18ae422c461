"""Distributions as scipy's: against quadrature, sums and draws, also in the tails."""

import math
import pickle

import numpy as np
import pytest
from scipy import integrate, stats

from sparktune.hyperopt import rdists

CONTINUOUS = {
    "loguniform": rdists.loguniform_gen(-2, 1),
    "lognorm": rdists.lognorm_gen(-1, 0.5),
}
QUANTISED = {
    "uniform": rdists.quniform_gen(0, 1, 0.1),
    "uniform, coarse": rdists.quniform_gen(-20, -1, 3),
    "uniform, one value": rdists.quniform_gen(0.1, 0.2, 1.0),
    "loguniform": rdists.qloguniform_gen(0, 1, 0.1),
    "loguniform, from 0": rdists.qloguniform_gen(-20, 4, 3),
    "normal": rdists.qnormal_gen(0, 1, 0.25),
    "normal, coarse": rdists.qnormal_gen(-20, 4, 3),
    "lognormal": rdists.qlognormal_gen(0, 1, 0.25),
    "lognormal, coarse": rdists.qlognormal_gen(1, 1, 2),
}
LATENT = {
    rdists.quniform_gen: lambda d: (stats.uniform(d.low, d.high - d.low), False),
    rdists.qloguniform_gen: lambda d: (stats.uniform(d.low, d.high - d.low), True),
    rdists.qnormal_gen: lambda d: (stats.norm(d.mu, d.sigma), False),
    rdists.qlognormal_gen: lambda d: (stats.norm(d.mu, d.sigma), True),
}


def mass(distribution, value):
    """The probability of a value, as an integral of the density before rounding."""
    latent, is_log = LATENT[type(distribution)](distribution)
    ends = np.array([value - distribution.q / 2, value + distribution.q / 2])
    if is_log:
        ends = np.log(np.maximum(ends, 1e-300))
    low, high = latent.support()
    begin, end = np.clip(ends, max(low, latent.ppf(1e-300)), high)
    return integrate.quad(latent.pdf, begin, end, epsabs=0, epsrel=1e-12, limit=200)[0]


def grid(distribution, n=2000):
    """Multiples of q in the middle of a distribution."""
    return np.unique(distribution.rvs(n, random_state=0))


@pytest.mark.parametrize("name", CONTINUOUS)
def test_continuous_functions_fit_together(name):
    """The cdf is the integral of pdf, ppf its inverse, and logarithms and complements are such."""
    known = CONTINUOUS[name]
    points = known.ppf([1e-3, 0.2, 0.7, 0.999])
    for point, share in zip(points, [1e-3, 0.2, 0.7, 0.999], strict=True):
        area = integrate.quad(known.pdf, max(known.a, 1e-12), point, limit=200)[0]
        assert math.isclose(area, share, rel_tol=1e-6)
    assert np.allclose(known.cdf(points), [1e-3, 0.2, 0.7, 0.999], rtol=1e-12)
    assert np.allclose(known.logpdf(points), np.log(known.pdf(points)))
    assert np.allclose(known.sf(points), 1 - known.cdf(points))
    assert np.allclose(known.isf(known.sf(points)), points)
    assert np.allclose(np.exp(known.logcdf(points)), known.cdf(points))
    assert np.allclose(np.exp(known.logsf(points)), known.sf(points))


@pytest.mark.parametrize("name", CONTINUOUS)
def test_continuous_moments_are_integrals(name):
    """Mean, variance and entropy are what the density integrates to."""
    known = CONTINUOUS[name]
    ends = (max(known.a, 1e-9), known.ppf(1 - 1e-14))
    first, second = (
        integrate.quad(lambda x, n=n: x**n * known.pdf(x), *ends, limit=200)[0] for n in (1, 2)
    )
    assert math.isclose(known.mean(), first, rel_tol=1e-6)
    assert math.isclose(known.var(), second - first**2, rel_tol=1e-6)
    entropy = integrate.quad(lambda x: -known.pdf(x) * known.logpdf(x), *ends, limit=200)[0]
    assert math.isclose(known.entropy(), entropy, rel_tol=1e-5)


@pytest.mark.parametrize("name", CONTINUOUS)
def test_continuous_draws(name):
    """Draws follow the cdf, and numpy's global seed repeats them."""
    known = CONTINUOUS[name]
    assert stats.kstest(known.rvs(size=3000, random_state=1), known.cdf).pvalue > 1e-3
    np.random.seed(3)  # noqa: NPY002
    first = known.rvs(size=(2, 3))
    np.random.seed(3)  # noqa: NPY002
    assert (known.rvs(size=(2, 3)) == first).all()
    assert first.shape == (2, 3)


@pytest.mark.parametrize("name", CONTINUOUS)
def test_continuous_ones_can_be_frozen_pickled_and_moved(name):
    """They do what distributions of scipy do: freeze, pickle, take loc and scale."""
    known = CONTINUOUS[name]
    point = known.ppf(0.3)
    assert pickle.loads(pickle.dumps(known)).cdf(point) == known.cdf(point)
    assert known(loc=1, scale=2).cdf(1 + 2 * point) == pytest.approx(0.3)
    assert isinstance(known, stats.rv_continuous)


@pytest.mark.parametrize("name", ["lognorm", "loguniform"])
def test_outside_of_their_support(name):
    """Beyond the ends there is no density, and the cdf is 0 or 1."""
    known = CONTINUOUS[name]
    assert known.pdf(-1.0) == known.cdf(-1.0) == 0.0
    assert known.logpdf(-1.0) == -math.inf
    assert known.cdf(1e9) == pytest.approx(1.0)


def test_lognormal_tails():
    """Far out, logarithms of both tails are those of the normal distribution."""
    known = rdists.lognorm_gen(1, 0.1)
    assert known.logsf(math.exp(6)) == pytest.approx(stats.norm.logsf(50))
    assert known.logcdf(math.exp(-4)) == pytest.approx(stats.norm.logcdf(-50))


def test_continuous_ones_are_exact():
    """Tails, quantiles, moments and entropy have the digits of their formulas, also far out."""
    known = rdists.lognorm_gen(1, 0.1)
    share = stats.norm.sf(20)
    assert known.sf(math.exp(3)) == pytest.approx(share, rel=1e-10, abs=0)
    assert known.isf(share) == pytest.approx(math.exp(3), rel=1e-10)
    assert known.logpdf(math.exp(5)) == pytest.approx(stats.norm.logpdf(40) - math.log(0.1) - 5)
    tiny = rdists.lognorm_gen(-60, 0.5).ppf(0.3)
    assert tiny == pytest.approx(math.exp(-60 + 0.5 * stats.norm.ppf(0.3)), rel=1e-10, abs=0)
    wide = rdists.lognorm_gen(0, 3)
    first, second, *_ = wide.stats(moments="mvsk")
    assert first == pytest.approx(math.exp(4.5), rel=1e-10)
    assert second == pytest.approx(math.expm1(9) * math.exp(9), rel=1e-10)
    sixth = math.expm1(132) / (6 * 22 * math.exp(12))
    assert rdists.loguniform_gen(-2, 20).moment(6) == pytest.approx(sixth, rel=1e-10)
    assert wide.entropy() == pytest.approx(math.log(3) + 0.5 * math.log(2 * math.pi * math.e))
    assert rdists.lognorm_gen(0, 0.001).entropy() == pytest.approx(
        math.log(0.001) + 0.5 * math.log(2 * math.pi * math.e), rel=1e-13
    )


def test_continuous_draws_are_of_the_generator():
    """Draws are those of the generator: of its uniform, or of scipy's lognormal numbers."""
    found = rdists.loguniform_gen(-2, 1).rvs(size=4, random_state=np.random.default_rng(3))
    assert found == pytest.approx(np.exp(np.random.default_rng(3).uniform(-2, 1, 4)), rel=1e-12)
    found = rdists.lognorm_gen(-1, 0.5).rvs(size=4, random_state=np.random.default_rng(3))
    wanted = np.random.default_rng(3).standard_normal(4)
    assert found == pytest.approx(np.exp(-1 + 0.5 * wanted), rel=1e-12)


@pytest.mark.parametrize("name", QUANTISED)
def test_draws_have_the_shape_asked_for(name):
    """As many draws are given as are asked for."""
    known = QUANTISED[name]
    assert known.rvs((2, 3), random_state=0).shape == (2, 3)
    assert len(known.rvs(5)) == 5
    assert np.ndim(known.rvs()) == 0


@pytest.mark.parametrize("name", QUANTISED)
def test_masses_are_integrals(name):
    """The probability of a value is what is rounded to it, and all add up to 1."""
    known = QUANTISED[name]
    values = grid(known)
    for value in values[:: max(1, len(values) // 8)]:
        assert math.isclose(known.pmf(value), mass(known, value), rel_tol=1e-8), value
    steps = np.arange(round(values[0] / known.q) - 4000, round(values[-1] / known.q) + 4001)
    assert math.isclose(known.pmf(steps * known.q).sum(), 1, rel_tol=1e-3)
    assert np.allclose(np.exp(known.logpmf(values)), known.pmf(values))


@pytest.mark.parametrize("name", QUANTISED)
def test_draws_follow_the_masses(name):
    """Values are drawn as often as their probabilities say."""
    known = QUANTISED[name]
    values, counts = np.unique(known.rvs(4000, random_state=2), return_counts=True)
    expected = 4000 * known.pmf(values)
    common = expected >= 8
    rest = [counts[~common].sum(), 4000 - expected[common].sum()]
    statistic = ((counts - expected)[common] ** 2 / expected[common]).sum()
    assert statistic < stats.chi2.isf(1e-4, common.sum())
    assert abs(rest[0] - rest[1]) < 5 * math.sqrt(rest[1] + 4)


@pytest.mark.parametrize("name", QUANTISED)
def test_other_numbers_have_no_mass(name):
    """What lies between multiples is never drawn, however large it is."""
    known = QUANTISED[name]
    value = float(grid(known)[0])
    assert known.pmf(value + 0.3 * known.q) == 0.0
    assert known.logpmf(value + 0.3 * known.q) == -math.inf
    assert known.pmf(known.q * (10**8 + 0.3)) == 0.0
    assert known.pmf(math.nan) == 0.0
    assert known.pmf(math.inf) == 0.0


def test_shapes_follow_the_argument():
    """A number gives a float, an array or a list an array of its shape."""
    known = rdists.qnormal_gen(0, 1, 1)
    assert type(known.pmf(1)) is not np.ndarray
    assert type(known.logpmf(1)) is float
    assert known.logpmf(np.zeros((2, 3))).shape == (2, 3)
    assert known.pmf([0, 1]).shape == (2,)
    assert known.pmf(np.array(0.0)).shape == ()
    assert known.in_domain(3)
    assert not known.in_domain(3.5)
    assert known.in_domain(np.array([1.0, 1.5])).tolist() == [True, False]


def test_computed_multiples_are_multiples():
    """A multiple that was computed counts, though it is one to within rounding only."""
    known = rdists.quniform_gen(0, 1, 0.1)
    assert known.pmf(0.1 * 3) == known.pmf(0.3) == pytest.approx(0.1)
    assert known.pmf(0.1 * 3 - 0.3) == pytest.approx(0.05)


@pytest.mark.parametrize(
    ("made", "arguments"),
    [
        (rdists.quniform_gen, (0, 10)),
        (rdists.qloguniform_gen, (0, 3)),
        (rdists.qnormal_gen, (0, 10)),
        (rdists.qlognormal_gen, (0, 2)),
    ],
)
def test_draws_are_ints_where_q_is_one(made, arguments):
    """The type of the step is that of the draws, of one and of many."""
    assert type(made(*arguments, 1).rvs()) is int
    assert type(made(*arguments, 1.0).rvs()) is float
    assert made(*arguments, 1).rvs(3).dtype == np.int64
    assert made(*arguments, 1.0).rvs((2, 2)).dtype == float


def test_draws_beyond_ints():
    """Draws that no int64 holds stay floats."""
    assert rdists.qlognormal_gen(60, 0.1, 1).rvs(5, random_state=0).min() > 1e20


def test_normal_tails():
    """Hundreds of deviations out, and where a step is tiny, logarithms keep their digits."""
    known = rdists.qnormal_gen(0, 1, 1)
    for value in (9, 40, 500):
        expected = stats.norm.logsf(value - 0.5)
        expected += math.log1p(-math.exp(stats.norm.logsf(value + 0.5) - expected))
        assert known.logpmf(value) == pytest.approx(expected, rel=1e-12)
        assert known.logpmf(-value) == known.logpmf(value)
    tiny = rdists.qnormal_gen(0, 1, 1e-9)
    for value in (0.0, 3.0, 30.0):
        expected = stats.norm.logpdf(value) + math.log(1e-9)
        assert tiny.logpmf(value) == pytest.approx(expected, abs=1e-9)


def test_narrow_and_wide_steps_meet():
    """Where the formula changes, masses of steps next to each other do not jump."""
    for at in (0.0, 2.0, 8.0):
        steps = 1e-3 / (1 + at) * np.array([0.9, 0.99, 1.01, 1.1])
        logs = np.array([rdists.qnormal_gen(-at, 1, q).logpmf(0.0) - math.log(q) for q in steps])
        # of the middle of a step: no first, a small second derivative
        assert np.allclose(logs, stats.norm.logpdf(at) + (at**2 - 1) * steps**2 / 24, atol=2e-12)


def test_lognormal_masses_far_up():
    """Where floats are further apart than the steps, a step has the mass that its density gives."""
    known = rdists.qlognormal_gen(0, 1, 1)
    for value in (1e6, 1e12, 1e20):
        expected = stats.norm.logpdf(math.log(value)) - math.log(value)
        assert known.logpmf(value) == pytest.approx(expected, rel=1e-9)


def test_loguniform_masses_far_up():
    """A step high up has the share of the logarithm that it covers, to all digits."""
    known = rdists.qloguniform_gen(0, 25, 1)
    for value in (10**6, 10**10):
        expected = 2 * math.atanh(0.5 / value) / 25
        assert math.isclose(known.pmf(value), expected, rel_tol=1e-12)


def test_tables_of_uniform_ones():
    """qlow, qhigh, xs and ps say what values there are, and how likely."""
    known = rdists.quniform_gen(0, 5, 2)
    assert (known.qlow, known.qhigh) == (0, 4)
    assert known.xs.tolist() == [0, 2, 4]
    assert known.ps == pytest.approx([0.2, 0.4, 0.4])
    log = rdists.qloguniform_gen(math.log(0.25), math.log(0.75), 1)
    assert log.xs.tolist() == [0, 1]
    assert log.ps == pytest.approx(np.array([math.log(2), math.log(1.5)]) / math.log(3))
    assert isinstance(log, rdists.quniform_gen)


@pytest.mark.parametrize(
    ("made", "arguments"),
    [
        (rdists.quniform_gen, (1, 0, 1)),
        (rdists.quniform_gen, (0, 1, 0)),
        (rdists.qloguniform_gen, (0, 1000, 1)),
        (rdists.qnormal_gen, (0, 0, 1)),
        (rdists.qlognormal_gen, (0, 1, -1)),
    ],
)
def test_bad_parameters_are_refused(made, arguments):
    """Parameters that no hyperparameter may have are refused when the distribution is made."""
    with pytest.raises(ValueError, match=r"must|bounds"):
        made(*arguments)
