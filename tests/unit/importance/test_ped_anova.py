"""PED-ANOVA beside a slow reference, group means and exact expectations."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from properties import examples

from sparktune import hp
from sparktune.importance.ped_anova import Bins, best_rows, chance, divergence, explained_by
from sparktune.space.discrete import Categorical
from sparktune.space.tree import Space

MIXED = {
    "rate": hp.loguniform("rate", -7, 0),
    "units": hp.quniform("units", 8, 64, 8),
    "count": hp.randint("count", 5),
    "weight": hp.normal("weight", 0, 2),
    "kind": hp.pchoice(
        "kind",
        [
            (0.5, "a"),
            (
                0.3,
                {
                    "x": hp.uniform("x", 0, 1),
                    "deep": hp.choice("deep", [1, hp.qnormal("z", 0, 5, 1)]),
                },
            ),
            (0.2, {"y": hp.qlognormal("y", 0, 1, 0.5)}),
        ],
    ),
}
SPACE = Space(MIXED)


def drawn(n, seed):
    """Latents of n candidates, and a target of some of them."""
    rng = np.random.default_rng(seed)
    X = SPACE.sample(rng, n)
    return X, best_rows(rng.random(n), max(2, n // 4))


def slowly(distribution, z, top):
    """Pearson's divergence less its expectation, in plain loops."""
    bins = Bins.of(distribution)
    m, n, t = len(bins.w), len(z), int(top.sum())
    place = [
        int(v)
        if bins.u is None
        else int(np.argmin(np.abs(bins.u - distribution.position(np.array([v])))))
        for v in z
    ]
    counts = np.array([sum(1 for i in range(n) if place[i] == b) for b in range(m)], float)
    G = bins.kernels(counts, t)
    G = np.eye(m) if G is None else G
    found = expected = 0.0
    for x in range(m):
        p = sum(G[x, place[i]] for i in range(n)) / n
        p_top = sum(G[x, place[i]] for i in range(n) if top[i]) / t
        spread = sum(G[x, place[i]] ** 2 for i in range(n)) / n - p**2
        if p > 0:
            found += p_top**2 / p
            expected += (n - t) / (n - 1) / t * spread / p
    return found - 1 - expected


@pytest.mark.parametrize("seed", range(3))
def test_every_kind_of_label_agrees_with_plain_loops(seed):
    """What a label explains is beta q_j² (D - E D) / (q (1 - q)), computed bin by bin."""
    X, top = drawn(150, seed)
    found = explained_by(SPACE, X, top)
    q = top.mean()
    for j, distribution in enumerate(SPACE.distributions):
        on = ~np.isnan(X[:, j])
        its, beta = top[on], on.mean()
        wanted = 0.0
        if 0 < its.sum() < len(its):
            excess = max(0.0, slowly(distribution, X[on, j], its))
            wanted = beta * its.mean() ** 2 * excess / (q * (1 - q))
        assert found.of_all[j] == pytest.approx(wanted, abs=1e-12)
        assert found.active[j] == beta


def test_a_category_explains_the_variance_between_its_options():
    """Of a category, D stands for the variance of the options' shares of good trials."""
    X, top = drawn(4000, 1)
    j = SPACE.column["kind"]
    top = (X[:, j] == 0) & (np.arange(len(X)) % 2 == 0)
    between = np.var([top[X[:, j] == option].mean() for option in X[:, j]])
    share = between / top.var()
    by_chance = (1 - top.mean()) / top.sum() * 2 * top.mean() / (1 - top.mean())
    found = explained_by(SPACE, X, top)
    assert found.of_all[j] == pytest.approx(share, abs=2 * by_chance)
    assert found.where_active[j] == pytest.approx(found.of_all[j])


def test_a_label_that_decides_alone_explains_nearly_all():
    """Where one option holds all the best trials and nothing else, its label explains them."""
    X, _ = drawn(2000, 2)
    j = SPACE.column["kind"]
    found = explained_by(SPACE, X, X[:, j] == 1)
    assert 0.99 < found.of_all[j] <= 1


def test_labels_below_a_choice_count_by_how_often_they_are_active():
    """A label that decides among its own trials has that figure, and less among all of them."""
    X, _ = drawn(3000, 3)
    kind, x = SPACE.column["kind"], SPACE.column["x"]
    top = (X[:, kind] == 1) & (np.nan_to_num(X[:, x], nan=9) < 0.5)
    found = explained_by(SPACE, X, top)
    assert found.active[x] == np.mean(X[:, kind] == 1)
    assert found.where_active[x] > 0.85
    q, within = top.mean(), found.active[x]
    share = within * (0.5**2) / (q * (1 - q))  # var of the share of good trials among its own
    assert found.of_all[x] == pytest.approx(share, rel=0.2)
    assert found.of_all[x] < found.where_active[x]


def test_what_a_label_alone_could_not_know_is_not_its():
    """That the best trials have a label active is the choice's doing, and not the label's."""
    X, _ = drawn(3000, 4)
    kind, x = SPACE.column["kind"], SPACE.column["x"]
    rng = np.random.default_rng(0)
    found = explained_by(SPACE, X, (X[:, kind] == 1) & (rng.random(len(X)) < 0.5))
    assert found.of_all[kind] > 0.2
    assert found.of_all[x] < 0.01


@pytest.mark.parametrize("t", [1, 2, 5])
@pytest.mark.parametrize("smoothed", [False, True])
def test_chance_is_the_mean_over_all_targets_of_its_size(t, smoothed):
    """What is subtracted is the mean of the divergence over all subsets of the region."""
    rng = np.random.default_rng(t)
    place, m = rng.integers(0, 4, 9), 4
    G = None
    if smoothed:
        G = rng.random((m, m)) + np.eye(m)
        G /= G.sum(0)
    reference = np.bincount(place, minlength=m) / len(place)
    found = [
        divergence(np.bincount(place[list(rows)], minlength=m).astype(float), reference, G)
        for rows in itertools.combinations(range(len(place)), t)
    ]
    assert chance(reference, G, t, len(place)) == pytest.approx(np.mean(found), abs=1e-12)


def test_chance_of_a_whole_space_is_that_of_independent_draws():
    """Beside a reference that is no sample, targets are drawn with replacement."""
    reference, t = np.array([0.5, 0.3, 0.2]), 3
    mean = 0.0
    for draw in itertools.product(range(3), repeat=t):
        odds = math.prod(reference[list(draw)])
        counts = np.bincount(draw, minlength=3).astype(float)
        mean += odds * divergence(counts, reference, None)
    assert chance(reference, None, t, math.inf) == pytest.approx(mean)


@examples(60)
@given(st.integers(0, 10**6), st.integers(12, 200), st.booleans())
def test_shares_are_within_their_range(seed, n, whole_space):
    """Whatever is drawn, a label explains no less than nothing; beside trials, no more than all."""
    X, top = drawn(n, seed)
    found = explained_by(SPACE, X, top, whole_space)
    assert (found.of_all >= 0).all()
    assert (found.where_active >= 0).all()
    assert np.isfinite(found.of_all).all()
    if not whole_space:
        assert (found.of_all <= 1 + 1e-9).all()
        assert (found.where_active <= 1 + 1e-9).all()


@pytest.mark.parametrize("label", SPACE.labels)
def test_bins_have_the_prior_mass_of_their_label(label):
    """Of each label's bins, the masses sum to 1, and places are the nearest bins."""
    distribution = SPACE.distributions[SPACE.column[label]]
    bins = Bins.of(distribution)
    z = distribution.sample(np.random.default_rng(0), 200)
    places = bins.places(distribution, z)
    assert bins.w.sum() == pytest.approx(1)
    assert places.min() >= 0
    assert places.max() < len(bins.w)
    if bins.u is not None:
        assert (np.diff(bins.u) > 0).all()
        away = np.abs(bins.u[None] - distribution.position(z)[:, None])
        assert np.take_along_axis(away, places[:, None], 1)[:, 0] == pytest.approx(away.min(1))


def test_many_options_are_counted_where_they_were_tried():
    """A category of a million options costs what its tried ones do, and answers alike."""
    rng = np.random.default_rng(0)
    few = Categorical((0.25,) * 4)
    many = Categorical((1 / 2**20,) * 2**20)
    z = rng.integers(0, 4, 400).astype(float)
    top = z == 2
    answers = []
    for distribution in (few, many):
        space = Space({"c": hp.choice("c", list(range(len(distribution.p))))})
        answers.append(explained_by(space, z[:, None], top).of_all[0])
    assert answers[0] == pytest.approx(answers[1])


def test_equal_losses_are_all_among_the_best():
    """The best rows are as many as were asked for, and all that tie with the last of them."""
    y = np.array([3.0, 1.0, 2.0, 2.0, 2.0, math.inf, -math.inf])
    assert best_rows(y, 3).tolist() == [False, True, True, True, True, False, True]
    assert best_rows(y, 2).tolist() == [False, True, False, False, False, False, True]
