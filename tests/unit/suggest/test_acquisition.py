"""Acquisition functions against integrals, other formulas and finite differences."""

import numpy as np
import pytest
from scipy import integrate, stats

from sparktune.suggest.acquisition import (
    ACQUISITIONS,
    Acquisition,
    bound,
    ei,
    lcb,
    log_h,
    mes,
    minima,
    pi,
)

MEAN = np.array([[-1.0, 0.3, 2.0], [-0.5, 0.1, 2.5]])
STD = np.array([0.5, 1.2, 0.1])
TARGET = np.array([-0.4, -0.9])
EACH = {name: each[0] for name, each in ACQUISITIONS.items() if len(each) == 1}
EACH |= {"mean": Acquisition(bound(0.0)), "wide": Acquisition(bound(4.0))}


@pytest.mark.parametrize("z", [-1e3, -101.0, -99.0, -30.0, -5.0, -1.01, -0.99, 0.0, 2.0, 30.0])
def test_log_h_is_its_integral(z):
    """Log h is the logarithm of the integral that defines it, in both tails and in between."""
    scale = 1 / max(1.0, abs(z))

    def inside(u):  # t = u scale
        t = u * scale
        return t * np.exp((z * t - t**2 / 2) if z < 0 else -((t - z) ** 2) / 2)

    ends = (0, 60) if z < 0 else (0, (z + 40) / scale)
    peak = None if z <= 0 else [z / scale]
    value = integrate.quad(inside, *ends, epsabs=0, epsrel=1e-12, limit=500, points=peak)[0]
    wanted = np.log(value * scale) - 0.5 * np.log(2 * np.pi) - (z**2 / 2 if z < 0 else 0)
    assert log_h(np.array(z)) == pytest.approx(wanted, rel=1e-9, abs=1e-9)


def test_log_h_has_no_step():
    """Log h rises everywhere, also where its formula changes."""
    for around in (-100.0, -1.0):
        z = around + np.linspace(-1e-6, 1e-6, 101)
        assert (np.diff(log_h(z)) > 0).all()


def test_ei_of_one_normal():
    """EI of one normal is the log of the mean improvement, by integration."""
    for m, s in ((0.0, 1.0), (2.0, 0.5), (-3.0, 2.0)):
        wanted = integrate.quad(
            lambda y, m=m, s=s: (-0.5 - y) * stats.norm.pdf(y, m, s),
            -60, -0.5, epsabs=0, limit=300, points=[m - 10 * s, min(m, -0.5) - 1e-9],
        )[0]  # fmt: skip
        found = ei(np.array([[m]]), np.array([s]), np.array([-0.5])).value[0]
        assert found == pytest.approx(np.log(wanted), rel=1e-6)


def test_fantasies_are_the_joint_improvement():
    """Averaged over fantasies of a pending trial, EI is the joint one, less what is had without."""
    mean, K, best = np.array([0.2, -0.1]), np.array([[1.0, 0.6], [0.6, 0.8]]), -0.3
    draws = np.random.default_rng(0).multivariate_normal(mean, K, 2_000_000)
    had = np.maximum(best - draws[:, 0], 0)
    joint = np.maximum(best - draws.min(1), 0)
    gained = (joint - had).mean()
    pending = mean[0] + stats.norm.ppf((np.arange(2000) + 0.5) / 2000)
    means = mean[1] + K[0, 1] * (pending - mean[0])
    std = np.sqrt(K[1, 1] - K[0, 1] ** 2)
    found = ei(means[:, None], np.array([std]), np.minimum(best, pending)).value[0]
    assert np.exp(found) == pytest.approx(gained, rel=0.01)


def test_pi_is_a_probability():
    """PI is the log of the mean probability to get 0.01 below the target."""
    z = (TARGET[:, None] - 0.01 - MEAN) / STD
    found = pi(MEAN, STD, TARGET).value
    np.testing.assert_allclose(found, np.log(stats.norm.cdf(z).mean(0)), rtol=1e-10)


def test_lcb_is_the_bound_below_zero():
    """LCB is minus the mean of means and 1.8 deviations."""
    np.testing.assert_allclose(lcb(MEAN, STD, TARGET).value, 1.8 * STD - MEAN.mean(0))


def entropy_above(m, s, t):
    """Entropy of a normal that is known to be above t, by integration."""
    mass = stats.norm.sf(t, m, s)

    def inside(y):
        p = stats.norm.pdf(y, m, s) / mass
        return -p * np.log(p) if p > 0 else 0.0

    low = max(t, m - 12 * s)
    return integrate.quad(inside, low, m + 12 * s, epsabs=1e-12, limit=300)[0]


def test_mes_is_the_fall_of_entropy():
    """MES is the normal's entropy less that of the normal above each minimum, on average."""
    std = np.array([0.5, 1.2, 0.8])
    found = mes(MEAN[:1], std, TARGET).value
    for i, (m, s) in enumerate(zip(MEAN[0], std, strict=True)):
        above = [entropy_above(m, s, t) for t in TARGET]
        wanted = stats.norm(m, s).entropy() - np.mean(above)
        assert found[i] == pytest.approx(wanted, rel=1e-6, abs=1e-9)


def test_minima_are_minima():
    """Drawn minima have the quartiles of the minimum of independent normals."""
    rng = np.random.default_rng(0)
    mean, std = rng.normal(size=(2, 300)), rng.uniform(0.2, 1, 300)
    found = minima(mean, std, rng.random((2, 20_000)))
    for i in range(2):
        true = (mean[i] + std * rng.normal(size=(20_000, 300))).min(1)
        np.testing.assert_allclose(
            np.quantile(found[i], [0.25, 0.75]), np.quantile(true, [0.25, 0.75]), atol=0.03
        )


@pytest.mark.parametrize("name", EACH)
@pytest.mark.parametrize("fantasies", [1, 2])
def test_derivatives(name, fantasies):
    """Derivatives by means and deviations are those of finite differences."""
    acquisition = EACH[name]
    mean = MEAN[:fantasies]
    found = acquisition(mean, STD, TARGET)
    h = 1e-6
    for s in range(fantasies):
        step = np.zeros_like(mean)
        step[s] = h
        slope = (
            acquisition(mean + step, STD, TARGET).value
            - acquisition(mean - step, STD, TARGET).value
        ) / (2 * h)
        np.testing.assert_allclose(found.by_mean[s], slope, rtol=1e-5, atol=1e-8)
    slope = (
        acquisition(mean, STD + h, TARGET).value - acquisition(mean, STD - h, TARGET).value
    ) / (2 * h)
    np.testing.assert_allclose(found.by_std, slope, rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize("name", EACH)
def test_hopeless_and_certain_candidates(name):
    """Values and derivatives stay finite a million deviations from the target."""
    mean, std = np.array([[1e6, -1e6, 0.0]]), np.array([1.0, 1.0, 1e-9])
    for part in EACH[name](mean, std, np.zeros(1)):
        assert np.isfinite(part).all()


def test_what_targets_are():
    """Max-value entropy search alone takes draws of the minimum for its targets."""
    assert [name for name, each in EACH.items() if each.of_minima] == ["mes"]


def test_a_mix_is_half_expected_improvement():
    """Every second trial of a mix takes expected improvement, and no two others are the same."""
    kinds = [each.function for each in ACQUISITIONS["mix"]]
    assert kinds[::2] == [ei] * 3
    values = [kind(MEAN, STD, TARGET).value for kind in kinds[1::2]]
    assert len({value.tobytes() for value in values}) == 3
