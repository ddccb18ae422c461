"""One-dimensional distributions, against scipy.stats and against their own definitions."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import integrate, stats

from sparktune.space.discrete import Categorical, Integers
from sparktune.space.distributions import Normal, Uniform, log_ndtr_difference

INF = math.inf

CONTINUOUS = {
    "uniform": (Uniform(-2, 5), stats.uniform(-2, 7)),
    "narrow uniform": (Uniform(1e6, 1e6 + 2.0**-10), stats.uniform(1e6, 2.0**-10)),
    "wide uniform": (Uniform(-8e307, 8e307), stats.uniform(-8e307, 1.6e308)),
    "loguniform": (Uniform(-9, 3, log=True), stats.reciprocal(math.exp(-9), math.exp(3))),
    "normal": (Normal(1.5, 0.3), stats.norm(1.5, 0.3)),
    "wide normal": (Normal(-1e9, 1e8), stats.norm(-1e9, 1e8)),
    "lognormal": (Normal(0.7, 1.2, log=True), stats.lognorm(1.2, scale=math.exp(0.7))),
}

QUANTISED = {
    "quniform": (Uniform(-2, 5, q=0.5), stats.uniform(-2, 7)),
    "quniform, bounds between steps": (Uniform(0.7, 9.1, q=2), stats.uniform(0.7, 8.4)),
    "quniform, one step": (Uniform(0, 1, q=10), stats.uniform(0, 1)),
    "qloguniform": (Uniform(-1, 3, log=True, q=1), stats.loguniform(math.exp(-1), math.exp(3))),
    "qloguniform, fine": (Uniform(0, 3, log=True, q=0.25), stats.loguniform(1, math.exp(3))),
    "qnormal": (Normal(0.3, 2, q=1), stats.norm(0.3, 2)),
    "qnormal, coarse": (Normal(0.3, 2, q=5), stats.norm(0.3, 2)),
    "qlognormal": (Normal(0.5, 0.6, log=True, q=0.5), stats.lognorm(0.6, scale=math.exp(0.5))),
}

WHOLE = {
    "integers": (Integers(-3, 8), stats.randint(-3, 9)),
    "one integer": (Integers(4, 4), stats.randint(4, 5)),
    "far integers": (Integers(2**52, 2**52 + 5), stats.randint(2**52, 2**52 + 6)),
    "categorical": (
        Categorical((0.5, 0.0, 0.3, 0.2)),
        stats.rv_discrete(values=(range(4), (0.5, 0.0, 0.3, 0.2))),
    ),
}


def extremes(reference):
    """Quantiles from the far lower to the far upper tail, the ends, and points outside."""
    p = np.array([0, 1e-300, 1e-12, 1e-3, 0.1, 0.25, 0.5, 0.77, 0.9, 0.999, 1 - 1e-12, 1])
    x = reference.ppf(p)
    return np.unique([*x[np.isfinite(x)], -1e150, -1.0, 0.0, 1.0, 1e150])


@pytest.mark.parametrize("name", CONTINUOUS)
def test_continuous_density_and_cdf_equal_scipy(name):
    """Log density and distribution function equal scipy's from one tail to the other."""
    distribution, reference = CONTINUOUS[name]
    x = extremes(reference)
    ends = [end for end in reference.support() if np.isfinite(end)]
    x = x[[not any(np.isclose(v, end, rtol=1e-13, atol=0) for end in ends) for v in x]]
    assert len(x) > 8
    np.testing.assert_allclose(distribution.log_prob(x), reference.logpdf(x), rtol=1e-9)
    np.testing.assert_allclose(distribution.cdf(x), reference.cdf(x), rtol=1e-9, atol=1e-300)


def test_density_of_a_loguniform_over_all_of_the_floats():
    """Values from 1e-300 to 1e300 keep the density 1 / (x * width)."""
    low, high = -300 * math.log(10), 300 * math.log(10)
    distribution = Uniform(low, high, log=True)
    x = np.array([1e-299, 1e-100, 1.0, 1e100, 1e299])
    expected = -np.log(x) - math.log(high - low)
    np.testing.assert_allclose(distribution.log_prob(x), expected, rtol=1e-12)
    np.testing.assert_allclose(distribution.cdf(x), [1 / 600, 1 / 3, 0.5, 2 / 3, 599 / 600])


def test_density_at_the_ends_and_just_outside():
    """A uniform's ends belong to it; the next float outside has density 0."""
    for distribution in (Uniform(-2, 5), Uniform(0, 1)):
        low, high = distribution.support
        inside = distribution.log_prob([low, high])
        np.testing.assert_allclose(inside, -math.log(high - low))
        outside = distribution.log_prob([np.nextafter(low, -INF), np.nextafter(high, INF)])
        np.testing.assert_array_equal(outside, [-INF, -INF])
        np.testing.assert_array_equal(distribution.cdf([-INF, low, high, INF]), [0, 0, 1, 1])
    assert Normal(0, 1, log=True).log_prob(0.0) == -INF
    assert Normal(0, 1, log=True).log_prob(-1.0) == -INF
    np.testing.assert_array_equal(Normal(0, 1).cdf([-INF, INF]), [0, 1])


@pytest.mark.parametrize("name", QUANTISED)
def test_quantised_mass_is_a_difference_of_scipys_cdf(name):
    """A multiple of q has the mass that scipy's cdf gives its cell, and all of them sum to 1."""
    distribution, reference = QUANTISED[name]
    q = distribution.q
    k = np.arange(-60, 2000)
    values = k * q
    expected = reference.cdf(values + q / 2) - reference.cdf(values - q / 2)
    mass = np.exp(distribution.log_prob(values))
    np.testing.assert_allclose(mass, expected, rtol=1e-9, atol=1e-15)
    assert mass.sum() == pytest.approx(1, abs=1e-12)
    np.testing.assert_allclose(distribution.cdf(values), np.cumsum(mass), atol=1e-12)
    between = values + 0.4 * q
    np.testing.assert_allclose(distribution.cdf(between), np.cumsum(mass), atol=1e-12)
    np.testing.assert_array_equal(distribution.log_prob(between), -INF)


def test_quantised_tails_do_not_cancel():
    """Masses of a quantised normal 30 deviations out equal the density times the step."""
    fine = Normal(0, 1, q=1e-6)
    x = np.array([-30.0, -10.0, 10.0, 30.0])
    expected = stats.norm.logpdf(x) + math.log(1e-6)
    np.testing.assert_allclose(fine.log_prob(x), expected, rtol=1e-8)


@pytest.mark.parametrize("name", WHOLE)
def test_whole_numbers_equal_scipy(name):
    """Masses and distribution functions of integers and indices equal scipy's."""
    distribution, reference = WHOLE[name]
    low, high = reference.support()
    x = np.arange(low - 2, high + 3)
    with np.errstate(divide="ignore"):
        expected = np.log(reference.pmf(x))
    np.testing.assert_allclose(distribution.log_prob(x), expected, rtol=1e-12)
    np.testing.assert_allclose(distribution.cdf(x), reference.cdf(x), rtol=1e-12)
    if high < 100:
        np.testing.assert_array_equal(distribution.log_prob(x + 0.5), -INF)
        np.testing.assert_allclose(distribution.cdf(x + 0.5), reference.cdf(x + 0.5))
    mass = sum(math.exp(distribution.log_prob(value)) for value in distribution.values())
    assert mass == pytest.approx(1)


@pytest.mark.parametrize("name", CONTINUOUS)
def test_continuous_samples_follow_scipy(name):
    """Ten thousand samples pass a Kolmogorov-Smirnov test against scipy's distribution."""
    distribution, reference = CONTINUOUS[name]
    z = distribution.sample(np.random.default_rng(1), 10_000)
    x = np.array([distribution.value(float(latent)) for latent in z])
    assert stats.kstest(x, reference.cdf).pvalue > 1e-3


@pytest.mark.parametrize("name", {**QUANTISED, **WHOLE})
def test_discrete_samples_follow_their_masses(name):
    """Counts of ten thousand samples pass a chi-square test against log_prob."""
    distribution, _ = {**QUANTISED, **WHOLE}[name]
    z = distribution.sample(np.random.default_rng(2), 10_000)
    x = np.array([distribution.value(float(latent)) for latent in z])
    values, counts = np.unique(x, return_counts=True)
    expected = 10_000 * np.exp(distribution.log_prob(values))
    assert (expected > 0).all()
    common = expected > 5
    observed = np.append(counts[common], counts[~common].sum())
    wanted = np.append(expected[common], 10_000 - expected[common].sum())
    if wanted[-1] < 1e-6:
        assert observed[-1] == 0
        observed, wanted = observed[:-1], wanted[:-1]
    wanted *= observed.sum() / wanted.sum()
    assert stats.chisquare(observed, wanted).pvalue > 1e-3 if len(observed) > 1 else True


# ---- any distribution ----------------------------------------------------------------------------

numbers = st.floats(-100, 100)
steps = st.sampled_from([0.01, 0.1, 0.25, 1 / 3, 0.5, 1, 2, 7, 50])
quanta = st.none() | steps


@st.composite
def uniforms(draw, q=quanta):
    """Uniform distributions of all four kinds."""
    log = draw(st.booleans())
    low = draw(st.floats(-15, 10) if log else numbers)
    width = draw(st.floats(1e-3, 10 if log else 100))
    return Uniform(low, low + width, log=log, q=draw(q))


@st.composite
def normals(draw, q=quanta):
    """Normal distributions of all four kinds."""
    log = draw(st.booleans())
    mu = draw(st.floats(-5, 5) if log else numbers)
    sigma = draw(st.floats(0.01, 1.5 if log else 20))
    return Normal(mu, sigma, log=log, q=draw(q))


@st.composite
def integers(draw):
    """Ranges of whole numbers."""
    low = draw(st.integers(-(10**6), 10**6))
    return Integers(low, low + draw(st.integers(0, 300)))


@st.composite
def categoricals(draw):
    """Choices with up to six options, some of them impossible."""
    p = np.array(draw(st.lists(st.floats(0, 1), min_size=1, max_size=6)))
    assume(p.sum() > 1e-3)
    return Categorical(tuple(p / p.sum()))


whole = integers() | categoricals()
anything = uniforms() | normals() | whole
discrete = uniforms(steps) | normals(steps) | whole


def drawn(distribution, size=20):
    """Some latents of a distribution, always the same."""
    return distribution.sample(np.random.default_rng(3), size)


@given(anything)
def test_samples_are_snapped_and_within_the_support(distribution):
    """Samples do not move when snapped, and lie within the support."""
    z = drawn(distribution)
    np.testing.assert_array_equal(distribution.snap(z), z)
    low, high = distribution.support
    assert ((low <= z) & (z <= high)).all()
    assert np.isfinite(z).all()


@given(anything, st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_snap_is_idempotent(distribution, where):
    """Snapping any latent of the support twice is the same as once."""
    low, high = distribution.support
    low, high = (low, high) if np.isfinite(low) else (-30.0, 6.0)
    z = low + np.array(where) * (high - low)
    once = distribution.snap(z)
    np.testing.assert_array_equal(distribution.snap(once), once)


@given(anything)
def test_values_and_latents_round_trip(distribution):
    """Value to latent to value gives the same value, a native number."""
    for z in drawn(distribution):
        value = distribution.value(float(z))
        assert type(value) is (int if isinstance(distribution, (Integers, Categorical)) else float)
        latent = distribution.latent(value)
        assert type(latent) is float
        again = distribution.value(latent)
        assert latent == pytest.approx(z, rel=1e-9, abs=1e-12)
        if distribution.discrete:
            assert (again, latent) == (value, z)
        else:
            assert again == pytest.approx(value, rel=1e-12)
        assert distribution.check(value, "x") == value


@given(normals(), st.floats(-1e308, 1e308) | st.sampled_from([-INF, INF, 800.0, -800.0]))
def test_the_value_of_any_latent_can_be_given_back(distribution, z):
    """However far out a latent lies, its value is one that the label takes."""
    with np.errstate(over="ignore"):
        value = distribution.value(z)
        assert math.isfinite(value)
        assert distribution.check(value, "x") == pytest.approx(value, rel=1e-15)
        assert math.isfinite(distribution.latent(value))


@given(anything)
def test_cells_contain_their_latents(distribution):
    """The cell of a snapped latent contains it, and snapping inside the cell leads back."""
    z = drawn(distribution)
    lo, hi = distribution.cells(z)
    assert (lo <= z).all()
    assert (z <= hi).all()
    if distribution.discrete and not isinstance(distribution, Categorical):
        for share in (0.001, 0.5, 0.999):
            start = np.maximum(lo, hi - 50)  # the cell of the value 0 has no lower end
            inside = start + share * (hi - start)
            np.testing.assert_array_equal(distribution.snap(inside), z)


@given(anything)
def test_log_prior_agrees_with_log_prob(distribution):
    """Masses per latent equal those per value; densities differ by the derivative of exp."""
    z = drawn(distribution)
    x = np.array([distribution.value(float(latent)) for latent in z])
    jacobian = z if getattr(distribution, "log", False) and not distribution.discrete else 0.0
    expected = distribution.log_prior(z) - jacobian
    low, high = distribution.support
    # exp and log move the very ends of a support out of it
    at = (z > low + 1e-12 * abs(low)) & (z < high - 1e-12 * abs(high)) | distribution.discrete
    np.testing.assert_allclose(distribution.log_prob(x)[at], expected[at], rtol=1e-7, atol=1e-7)


@given(discrete)
def test_masses_of_all_values_sum_to_one(distribution):
    """values() lists every value once, and their masses sum to 1."""
    values = list(itertools.islice(distribution.values(), 4001))
    assume(len(values) <= 4000)
    z = np.array([distribution.latent(value) for value in values])
    assert np.exp(distribution.log_prior(z)).sum() == pytest.approx(1, abs=1e-6)
    assert len(set(values)) == len(values)
    drawn_values = {distribution.value(float(latent)) for latent in drawn(distribution, 200)}
    assert drawn_values <= set(values)


@given(uniforms() | normals() | integers())
def test_middle_and_scale_cover_the_prior(distribution):
    """The middle halves the prior, and the scale around it holds at least 95 % of it."""
    z = distribution.sample(np.random.default_rng(4), 4000)
    lo, hi = distribution.cells(z)
    assert np.mean(lo <= distribution.middle) > 0.46
    assert np.mean(hi >= distribution.middle) > 0.46
    assert np.mean((hi - distribution.middle) * 2 >= -distribution.scale) > 0.94
    assert np.mean((lo - distribution.middle) * 2 <= distribution.scale) > 0.94


@pytest.mark.parametrize("distribution", [Uniform(-5, 5, q=1), Normal(0, 1, q=1)])
def test_zero_has_no_sign(distribution):
    """A small negative latent is rounded to 0.0, not to -0.0, which prints as another number."""
    assert str(distribution.value(-0.2)) == "0.0"


def test_a_continuous_distribution_lists_no_values():
    """values() of a continuous distribution is refused."""
    with pytest.raises(TypeError, match="continuous"):
        next(Uniform(0, 1).values())
    with pytest.raises(TypeError, match="continuous"):
        next(Normal(0, 1).values())


def test_values_of_a_quantised_normal_come_nearest_first():
    """The multiples of q are listed outwards from the median, up to eight deviations."""
    values = list(Normal(0.2, 1, q=0.5).values())
    assert values[:5] == [0.0, 0.5, -0.5, 1.0, -1.0]
    assert (min(values), max(values)) == (-8.0, 8.0)


# ---- check ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("distribution", "good", "bad"),
    [
        (Uniform(-1, 2), [-1, 0, np.float64(2), 1.5], [-1.1, 2.01]),
        (Uniform(0, 1, log=True), [1, math.e], [0, 0.99, -1, 2.72]),
        (Uniform(0, 9.5, q=2), [0, 10], [-1, 11, 12]),
        (Uniform(-3, 1, log=True, q=1), [0, 1, 3], [-1, 4]),
        (Normal(0, 1), [-1e9, 0, 5.5], []),
        (Normal(0, 1, log=True), [1e-9, 7], [0, -1]),
        (Normal(0, 1, log=True, q=1), [0, 7], [-1]),
        (Integers(1, 3), [1, 3.0, np.int64(2)], [0, 4, 1.5]),
        (Categorical((0.5, 0.5)), [0, 1, 1.0], [-1, 2, 0.5]),
    ],
    ids=str,
)
def test_check_accepts_the_range_and_refuses_what_lies_outside(distribution, good, bad):
    """Values within the range come back as native numbers; others are refused by label."""
    for value in good:
        checked = distribution.check(value, "x")
        assert checked == value
        assert type(checked) in (int, float)
    for value in [*bad, "1", b"1", True, np.True_, None, math.nan, INF, -INF, [1], 1j, {}]:
        with pytest.raises(ValueError, match="'x' takes"):
            distribution.check(value, "x")


def test_check_is_as_narrow_as_the_range():
    """A range of tiny numbers does not accept what lies many widths outside."""
    for distribution in (Uniform(0, 1e-12), Uniform(-1e-12, 0, q=1e-13)):
        with pytest.raises(ValueError, match="'x' takes"):
            distribution.check(5e-10, "x")


def test_check_names_the_range_as_it_was_given():
    """The message shows the bounds, without the slack for rounding."""
    with pytest.raises(ValueError, match="number from 0 to 1, but got 2"):
        Uniform(0, 1).check(2, "x")
    with pytest.raises(ValueError, match="number from 0 to 9, but got 11"):
        Uniform(0, 9, q=1).check(11, "x")


def test_check_refuses_a_step_that_is_never_drawn():
    """Where a bound lies half-way between two steps, the step beyond it is refused."""
    distribution = Uniform(0, 9, q=2)
    assert distribution.log_prob(10) == -INF
    with pytest.raises(ValueError, match="'x' takes"):
        distribution.check(10, "x")


@pytest.mark.parametrize(
    "distribution",
    [Uniform(0, 10, q=1), Uniform(0, 3, log=True, q=1), Normal(0, 1, q=1), Normal(0, 1, True, 1)],
    ids=str,
)
def test_latents_of_values_between_the_steps_are_snapped(distribution):
    """A value between two multiples of q has the latent of the nearer one."""
    assert distribution.latent(3.3) == distribution.latent(3)
    assert distribution.value(distribution.latent(3.3)) == 3.0


def test_check_refuses_numbers_beyond_floats():
    """A whole number that no float can hold is refused by label, like infinity."""
    for distribution in (Uniform(0, 1), Normal(0, 1), Integers(0, 1), Categorical((1.0,))):
        with pytest.raises(ValueError, match="'x' takes"):
            distribution.check(10**400, "x")


# ---- refusals ------------------------------------------------------------------------------------


@pytest.mark.parametrize("bounds", [(1, 0), (0, 0), (0.0, -0.0), (5, 5), (-1, -2), (0, -1)])
def test_empty_ranges_are_refused(bounds):
    """Low must be below high, where one of them is 0 as well."""
    with pytest.raises(ValueError, match=r"`low < high` must hold, but got low="):
        Uniform(*bounds)
    if bounds[0] > bounds[1]:
        with pytest.raises(ValueError, match=r"`low <= high` must hold, but got low="):
            Integers(*bounds)


@pytest.mark.parametrize("q", [0, 0.0, -1, -1e-300])
def test_steps_must_be_positive(q):
    """A step of 0 or less is refused."""
    for make in (lambda: Uniform(0, 1, q=q), lambda: Normal(0, 1, q=q)):
        with pytest.raises(ValueError, match="`q > 0` must hold, but got q="):
            make()


@pytest.mark.parametrize("sigma", [0, -1])
def test_deviations_must_be_positive(sigma):
    """A standard deviation of 0 or less is refused."""
    with pytest.raises(ValueError, match="`sigma > 0` must hold, but got sigma="):
        Normal(0, sigma)


@pytest.mark.parametrize("bad", [math.nan, INF, -INF, np.float64("nan")])
def test_parameters_must_be_finite(bad):
    """NaN and infinities are refused by the parameter's name."""
    for name, make in {
        "low": lambda: Uniform(bad, 1),
        "high": lambda: Uniform(0, bad),
        "mu": lambda: Normal(bad, 1),
        "sigma": lambda: Normal(0, bad),
        "q": lambda: Uniform(0, 1, q=bad),
    }.items():
        with pytest.raises(ValueError, match=f"`{name}` must be finite"):
            make()
    with pytest.raises(ValueError, match="`high` must be a whole number"):
        Integers(0, bad)


@pytest.mark.parametrize("bad", ["1", b"1", True, np.False_, None, [1], 1j])
def test_parameters_must_be_real_numbers(bad):
    """Strings, bools and other things are refused by the parameter's name."""
    for name, make in {
        "low": lambda: Uniform(bad, 5),
        "high": lambda: Uniform(-5, bad),
        "mu": lambda: Normal(bad, 1),
        "sigma": lambda: Normal(0, bad),
    }.items():
        with pytest.raises(TypeError, match=f"`{name}` must be a real number"):
            make()
    with pytest.raises(TypeError, match="`low` must be a whole number"):
        Integers(bad, 5)
    if bad is not None:
        with pytest.raises(TypeError, match="`q` must be a real number"):
            Normal(0, 1, q=bad)


@pytest.mark.parametrize("bad", [10**400, -(10**400)], ids=["high", "low"])
def test_parameters_beyond_floats_are_refused(bad):
    """A whole number that no float can hold is refused like infinity, as a ValueError."""
    with pytest.raises(ValueError, match="`mu`"):
        Normal(bad, 1)
    with pytest.raises(ValueError, match=r"`(low|high)`"):
        Uniform(min(bad, 0), max(bad, 0))
    with pytest.raises(ValueError, match=r"`(low|high)`"):
        Integers(min(bad, 0), max(bad, 0))


def test_log_bounds_whose_exponential_overflows_are_refused():
    """Bounds meant as values instead of logarithms are explained."""
    with pytest.raises(ValueError, match=r"write log\(1000\)"):
        Uniform(0, 1000, log=True)
    with pytest.raises(ValueError, match="natural logarithm"):
        Normal(1000, 1, log=True)
    with pytest.raises(ValueError, match="natural logarithm"):
        Normal(0, 100, log=True)
    assert Uniform(0, 709, log=True).value(709) < INF


def test_ranges_wider_than_floats_are_refused():
    """A range whose width overflows is refused."""
    with pytest.raises(ValueError, match="`high - low` must be a normal float"):
        Uniform(-1e308, 1e308)


def test_bounds_of_small_numpy_types_do_not_wrap_around():
    """Bounds given as numpy's 8-bit integers are taken for the numbers they are."""
    distribution = Uniform(np.int8(-100), np.int8(100))
    assert distribution.scale == 200.0
    z = distribution.sample(np.random.default_rng(0), 1000)
    assert z.min() < -90 < 90 < z.max()
    assert Integers(np.int8(-100), np.int8(100)).scale == 201.0


@pytest.mark.parametrize("bounds", [(0.5, 3), (0, 2.5), (np.float32(1.1), 4)])
def test_integers_take_whole_bounds(bounds):
    """Bounds with a fraction are refused; whole floats are taken."""
    with pytest.raises(ValueError, match="must be a whole number"):
        Integers(*bounds)
    assert Integers(0.0, np.float64(2)) == Integers(0, 2)
    assert type(Integers(0.0, np.float64(2)).high) is int


def test_integers_that_floats_skip_are_refused():
    """Bounds beyond 2**53 are refused."""
    with pytest.raises(ValueError, match=r"2\*\*53"):
        Integers(0, 2**53 + 2)


@pytest.mark.parametrize(
    ("p", "message"),
    [
        ((), "at least one option"),
        ((0.5, 0.4), "sum to 1"),
        ((0.5, 0.6), "sum to 1"),
        ((0.0,), "sum to 1"),
        ((1.5, -0.5), "must not be negative"),
        ((math.nan, 1.0), "must not be negative"),
        ((INF, 0.0), "sum to 1"),
    ],
)
def test_probabilities_must_sum_to_one(p, message):
    """Probabilities are not negative and sum to 1."""
    with pytest.raises(ValueError, match=message):
        Categorical(p)


def test_probabilities_are_normalised_within_rounding():
    """Thirds written with seven digits are accepted and normalised exactly."""
    distribution = Categorical((0.3333333, 0.3333333, 0.3333333))
    assert distribution.p == pytest.approx((1 / 3,) * 3, rel=1e-12)


# ---- log_ndtr_difference -------------------------------------------------------------------------


def log_mass_by_quadrature(a, b):
    """log(Phi(b) - Phi(a)) as an integral of the density, free of differences."""
    if a >= b:
        return -INF
    if a < 0 < b:
        return math.log(math.exp(log_mass_by_quadrature(a, 0)) + stats.norm.cdf(b) - 0.5)
    if a < 0:
        a, b = -b, -a
    # phi(a + t) = phi(a) exp(-a t - t² / 2); s = t * max(a, 1)
    rate = max(a, 1.0)
    top = min(rate * (b - a), 800.0)
    mass = 0.0
    edges = [edge for edge in (0.0, 1.0, 10.0, 60.0) if edge < top] + [top]
    for lo, hi in itertools.pairwise(edges):
        mass += integrate.quad(
            lambda s: math.exp(-a / rate * s - (s / rate) ** 2 / 2), lo, hi, epsabs=0
        )[0]
    return -a * a / 2 - 0.5 * math.log(2 * math.pi) + math.log(mass / rate)


GRID = [-INF, -1e3, -38.5, -20.0, -5.0, -1.0, -1e-3, 0.0, 1e-5, 0.5, 3.0, 8.3, 15.0, 40.0, 1e3, INF]


@pytest.mark.parametrize("a", GRID)
def test_log_mass_of_an_interval_equals_quadrature(a):
    """The log mass between a and b equals an integral, for ends from -inf to inf."""
    b = np.array([end for end in GRID if end >= a])
    got = log_ndtr_difference(np.full(len(b), a), b)
    if not np.isfinite(a):
        expected = stats.norm.logcdf(b) if a < 0 else np.array([-INF])
    else:
        expected = np.array([log_mass_by_quadrature(a, end) for end in b])
    np.testing.assert_allclose(got, expected, rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(log_ndtr_difference(-b, np.full(len(b), -a)), got, rtol=1e-9)


@pytest.mark.parametrize("a", [-1e4, -50.0, -7.0, -0.5, 0.3, 7.0, 50.0, 1e4])
@pytest.mark.parametrize("width", [1e-6, 1e-3, 0.1])
def test_log_mass_of_a_narrow_interval(a, width):
    """Narrow intervals keep their mass in the middle and in both tails."""
    got = log_ndtr_difference(np.array([a]), np.array([a + width]))[0]
    expected = log_mass_by_quadrature(a, a + width)
    assert got == pytest.approx(expected, rel=1e-9, abs=1e-8)


def test_log_mass_of_ends_at_the_limits_of_floats():
    """Ends at the limits of floats give 0, -inf, or a finite number, never NaN or a warning."""
    big = np.finfo(float).max
    tiny = np.nextafter(0, 1)
    a = np.array([-big, -INF, 0.0, big, -big, -INF, INF, 0.0, -tiny])
    b = np.array([big, big, big, INF, 0.0, -INF, INF, 0.0, tiny])
    got = log_ndtr_difference(a, b)
    half = math.log(0.5)
    expected = [0, 0, half, -INF, half, -INF, -INF, -INF]
    np.testing.assert_allclose(got[:8], expected, atol=1e-15)
    assert not np.isnan(got[8])
    assert got[8] < -30


@pytest.mark.parametrize(
    "distribution",
    [
        Uniform(-2, 3),
        Uniform(-3, 1, log=True, q=0.5),
        Normal(1, 2),
        Normal(0, 1, log=True),
        Normal(0, 3, q=1.0),
        Integers(-2, 7),
        Categorical((0.2, 0.0, 0.5, 0.3)),
    ],
    ids=repr,
)
def test_quantiles_and_positions(distribution):
    """Quantiles of even probabilities are distributed as the prior; positions invert them."""
    u = (np.arange(4000) + 0.5) / 4000
    z = distribution.quantile(u)
    np.testing.assert_array_equal(distribution.snap(z), z)
    values = np.array([distribution.value(each) for each in z])
    for value in values[::400]:
        assert np.mean(values <= value) == pytest.approx(float(distribution.cdf(value)), abs=2e-3)
    if distribution.discrete:
        assert np.abs(distribution.position(z) - u).max() < 0.5
        assert (np.diff(distribution.position(z)) >= 0).all()
    else:
        np.testing.assert_allclose(distribution.position(z), u, atol=1e-9)
