"""Criteria of Gaussian beliefs: against integrals of their definitions, also far out."""

import math

import numpy as np
import pytest
from scipy import integrate, stats

from sparktune.hyperopt import criteria

SCORES = [-5000.0, -60.0, -20.1, -19.9, -7.1, -4.55, -1.0, -1e-3]


def multiple_of_density(score):
    """Expected improvement over the density, as an integral without cancellation."""
    z = -score
    scale = max(z, 1.0)
    value, _ = integrate.quad(
        lambda t: t * math.exp(-(z / scale) * t - (t / scale) ** 2 / 2),
        0, 60, epsabs=0, epsrel=1e-13, limit=500,
    )  # fmt: skip
    return value / scale**2


@pytest.mark.parametrize("score", SCORES)
def test_log_improvement_below_the_threshold(score):
    """It has 12 digits of what is left over the density, from next to the threshold to far off."""
    left = criteria.logEI_gaussian(score, 1.0, 0.0) - stats.norm.logpdf(score)
    assert math.isclose(left, math.log(multiple_of_density(score)), rel_tol=1e-12, abs_tol=1e-8)
    if score > -30:  # the difference itself has no more digits than its terms
        assert math.isclose(left, math.log(multiple_of_density(score)), abs_tol=1e-12)


@pytest.mark.parametrize(
    ("mean", "var", "thresh"), [(1, 4, 0.5), (-4, 9, -6), (0, 1, 0), (0, 1, 6)]
)
def test_improvement_is_the_integral(mean, var, thresh):
    """It is what the normal density integrates to, weighted by what lies above the threshold."""
    sigma = math.sqrt(var)
    expected, _ = integrate.quad(
        lambda x: (x - thresh) * stats.norm.pdf(x, mean, sigma),
        thresh, max(mean, thresh) + 12 * sigma, epsabs=0, epsrel=1e-11,
    )  # fmt: skip
    assert math.isclose(criteria.EI_gaussian(mean, var, thresh), expected, rel_tol=1e-10)
    assert math.isclose(
        criteria.logEI_gaussian(mean, var, thresh), math.log(expected), abs_tol=1e-10
    )


def test_improvement_far_below_keeps_its_digits():
    """Ten deviations below, where the textbook formula has lost half of its digits."""
    expected = multiple_of_density(-10.0) * stats.norm.pdf(-10.0)
    assert math.isclose(criteria.EI_gaussian(-10, 1, 0), expected, rel_tol=1e-12)


def test_empirical_improvement():
    """It is the mean of what samples are above the threshold, also of normal draws."""
    assert criteria.EI_empirical([1, 2, 5], 2) == 1.0
    drawn = criteria.EI_gaussian_empirical(1.0, 4.0, 0.5, np.random.default_rng(0), 100_000)
    assert math.isclose(drawn, criteria.EI_gaussian(1.0, 4.0, 0.5), rel_tol=0.02)
    old = criteria.EI_gaussian_empirical(1.0, 4.0, 0.5, np.random.RandomState(0), 100_000)
    assert math.isclose(old, drawn, rel_tol=0.02)


def test_arrays_are_broadcast():
    """Means, variances and thresholds may be arrays that fit together, or numbers."""
    means, thresholds = np.array([0.0, -3.0, 2.0]), np.array([[0.0], [1.0]])
    found = criteria.logEI_gaussian(means, 2.0, thresholds)
    assert found.shape == criteria.EI_gaussian(means, 2.0, thresholds).shape == (2, 3)
    alone = [[criteria.logEI_gaussian(m, 2.0, t) for m in means] for t in (0.0, 1.0)]
    assert found.tolist() == alone
    three = criteria.logEI_gaussian(means, np.array([1.0, 2.0, 3.0]), 0.5)
    pairs = zip(means, (1.0, 2.0, 3.0), strict=True)
    assert three.tolist() == [criteria.logEI_gaussian(m, v, 0.5) for m, v in pairs]
    assert criteria.logEI_gaussian(means[:2], 1.0, 0.0).shape == (2,)
    assert np.isscalar(criteria.logEI_gaussian(0, 1, 0))
    assert np.isscalar(criteria.UCB(0, 1, 1))


def test_without_variance_the_mean_improves():
    """A certain variable improves by what it is above the threshold, or not at all."""
    assert criteria.EI_gaussian(3.0, 0.0, 1.0) == pytest.approx(2.0)
    assert criteria.EI_gaussian(1.0, 0.0, 3.0) == 0.0
    assert criteria.logEI_gaussian(1.0, 0.0, 1.0) == -math.inf


def test_beyond_what_floats_hold():
    """A score whose square is no float gives no improvement, and nan stays nan."""
    assert criteria.logEI_gaussian(-1e200, 1.0, 0.0) == -math.inf
    assert criteria.EI_gaussian(1e200, 1.0, 0.0) == pytest.approx(1e200)
    assert math.isnan(criteria.logEI_gaussian(math.nan, 1.0, 0.0))


def test_negative_variances_are_refused():
    """A variance below 0 is no variance."""
    for criterion in (criteria.EI_gaussian, criteria.logEI_gaussian, criteria.UCB):
        with pytest.raises(ValueError, match="below 0"):
            criterion(0.0, -1.0, 0.0)


def test_confidence_bound():
    """It is so many standard deviations above the mean."""
    assert criteria.UCB(1, 4, 1) == 3
    assert criteria.UCB(np.array([0, 1]), np.array([1, 4]), 2).tolist() == [2, 5]
