"""The random forest: how it splits, what its leaves say, and pending trials."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from properties import examples

from sparktune import hp
from sparktune.space.tree import Space
from sparktune.suggest.surrogates.forest import Forest

FLAT = Space({"x": hp.uniform("x", 0, 1), "y": hp.uniform("y", 0, 1)})
TREE = Space(
    {
        "x": hp.uniform("x", 0, 1),
        "k": hp.choice("k", [{"u": hp.uniform("u", 0, 1)}, {"c": hp.choice("c", [1, 2, 3])}, 0]),
    }
)


def fitted(space, loss, n=60, seed=0, **settings):
    rng = np.random.default_rng(seed)
    X = space.sample(rng, n)
    y = loss(X)
    return Forest(warp=False, **settings).fit(space, X, y, rng), X, y, rng


@examples(25)
@given(seed=st.integers(0, 10**6), splits=st.sampled_from(["random", "best"]))
def test_grown_out_it_knows_its_observations(seed, splits):
    """Trees that see all observations and end in single ones give these back, nearly for sure."""
    found, X, y, _ = fitted(
        TREE, lambda X: np.nansum(X, axis=1) + X[:, 0] ** 2, 40, seed, splits=splits
    )
    mean, std = found.predict(X)
    np.testing.assert_allclose(mean[0], y, atol=1e-9)
    assert (std < 0.011 * y.std()).all()


def test_the_best_split_by_trying_all():
    """A tree of one split takes the threshold that leaves the least squared error."""
    rng = np.random.default_rng(0)
    X = FLAT.sample(rng, 30)
    y = np.where(X[:, 1] > 0.6, 2.0, 0.0) + rng.normal(size=30)
    forest = Forest(trees=1, splits="best", min_samples_split=30, warp=False)
    mean = forest.fit(FLAT, X, y, rng).predict(X)[0][0]
    errors = {}
    for j in range(2):
        for threshold in X[:, j]:
            left = X[:, j] <= threshold
            if not left.all():
                error = sum(((y[side] - y[side].mean()) ** 2).sum() for side in (left, ~left))
                errors[error] = left
    left = errors[min(errors)]
    np.testing.assert_allclose(mean, np.where(left, y[left].mean(), y[~left].mean()))


def test_the_best_split_of_categories_by_trying_all():
    """Categories are split into the two sets that leave the least squared error."""
    space = Space(hp.choice("c", list(range(6))))
    rng = np.random.default_rng(1)
    X = space.sample(rng, 60)
    y = np.array([3.0, 0.0, 2.5, 0.3, 2.8, 0.1])[X[:, 0].astype(int)] + 0.1 * rng.normal(size=60)
    forest = Forest(trees=1, splits="best", min_samples_split=60, warp=False)
    found = forest.fit(space, X, y, rng)
    best = min(
        sum(((y[side] - y[side].mean()) ** 2).sum() for side in (inside, ~inside))
        for bits in range(1, 63)
        for inside in [(bits >> X[:, 0].astype(int)) % 2 == 1]
        if 0 < inside.sum() < 60
    )
    assert ((y - found.predict(X)[0][0]) ** 2).sum() == pytest.approx(best)


def test_total_variance():
    """The variance is that of the leaves' means, the mean of what leaves hold, and the noise."""
    found, X, y, _ = fitted(FLAT, lambda X: X[:, 0] * 3, trees=7, min_samples_split=20)
    leaves = found.nodes.leaves(found.columns, X[:5])
    means, within = found.nodes.mean[leaves], found.nodes.variance[leaves]
    mean, std = found.predict(X[:5])
    np.testing.assert_allclose(mean[0], means.mean(0))
    wanted = means.var(0) + within.mean(0) + 1e-4 * np.var(y)
    np.testing.assert_allclose(std**2, wanted)


def test_leaves_hold_what_falls_into_them():
    """Each leaf's weight, mean and variance are those of the observations that reach it."""
    found, X, y, _ = fitted(TREE, lambda X: np.nansum(X, axis=1), trees=4, min_samples_split=8)
    for leaves in found.nodes.leaves(found.columns, X):
        for leaf in np.unique(leaves):
            mine = y[leaves == leaf]
            assert found.nodes.weight[leaf] == len(mine)
            assert found.nodes.mean[leaf] == pytest.approx(mine.mean())
            assert found.nodes.variance[leaf] == pytest.approx(mine.var(), abs=1e-12)


def test_missing_values_are_told_apart():
    """A loss that depends on which branch was taken, and on its own label there, is learnt."""

    def loss(X):
        return np.where(X[:, 1] == 0, 5 * np.nan_to_num(X[:, 2]), np.where(X[:, 1] == 1, 2.0, -1.0))

    found, _, _, rng = fitted(TREE, loss, 300)
    new = TREE.sample(rng, 200)
    error = found.predict(new)[0][0] - loss(new)
    assert np.sqrt(np.mean(error**2)) < 0.4


def test_unseen_categories_and_far_values():
    """Options that were never tried, and values outside all observations, have a prediction."""
    rng = np.random.default_rng(0)
    X = TREE.sample(rng, 50)
    X = X[X[:, 1] == 0]
    found = Forest().fit(TREE, X, X[:, 0], rng)
    mean, std = found.predict(TREE.sample(rng, 50))
    assert np.isfinite(mean).all()
    assert (std > 0).all()


def test_unknown_places_are_uncertain():
    """Between observations the deviation is larger than at them."""
    found, X, _, rng = fitted(FLAT, lambda X: np.sin(6 * X[:, 0]) + X[:, 1])
    assert found.predict(FLAT.sample(rng, 200))[1].mean() > 3 * found.predict(X)[1].mean()


def test_a_pending_trial_makes_its_place_known():
    """A pending trial counts as what is believed there: means stay, deviations shrink."""
    found, _, _, rng = fitted(FLAT, lambda X: np.sin(6 * X[:, 0]) + X[:, 1])
    x = FLAT.sample(rng, 1)
    before, std = found.predict(x)
    view = found.view(FLAT.sample(rng, 100))
    more, values = found.with_pending(x[0], np.zeros(3))
    assert values == pytest.approx(before[0])
    after, less = more.predict(x)
    assert after == pytest.approx(before)
    assert less[0] < std[0]
    followed = more.follow(view)
    assert (followed.std <= view.std + 1e-12).mean() > 0.9


def test_a_view_follows_its_posterior():
    """A view that followed pending trials is equal to one made after them."""
    found, _, _, rng = fitted(TREE, lambda X: np.nansum(X, axis=1))
    new = TREE.sample(rng, 50)
    view = found.view(new)
    for x in TREE.sample(rng, 3):
        found, _ = found.with_pending(x, np.zeros(2))
        view = found.follow(view)
    mean, std = found.predict(new)
    np.testing.assert_allclose(view.mean, mean)
    np.testing.assert_allclose(view.std, std)


@pytest.mark.parametrize("bootstrap", [False, True])
@pytest.mark.parametrize("features", [0.4, 1.0])
@pytest.mark.parametrize("splits", ["random", "best"])
def test_it_learns_with_all_settings(bootstrap, features, splits):
    """Whatever its settings, a forest predicts a simple function clearly better than the mean."""
    found, _, _, rng = fitted(
        FLAT, lambda X: X[:, 0] + 0.2 * X[:, 1], 150,
        bootstrap=bootstrap, features=features, splits=splits, min_samples_leaf=2,
    )  # fmt: skip
    new = FLAT.sample(rng, 200)
    assert np.corrcoef(found.predict(new)[0][0], new[:, 0] + 0.2 * new[:, 1])[0, 1] > 0.95


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"trees": 0}, "forest: `trees` must be a whole number >= 1, but got 0"),
        ({"min_samples_split": 1}, "`min_samples_split` must be a whole number >= 2"),
        ({"splits": "middle"}, "`splits` must be one of 'random', 'best', but got 'middle'"),
        ({"features": 0}, "`features` must be a number above 0 and at most 1"),
        ({"noise": "no"}, "`noise` must be a number above 0"),
    ],
)
def test_wrong_settings(settings, message):
    """A setting out of its range is refused with the rule and the value."""
    with pytest.raises(ValueError, match=message):
        Forest(**settings)


def test_it_declares_what_it_has_not():
    """Trees have no gradients, and tell no noise from what they do not know."""
    found, X, _, _ = fitted(FLAT, lambda X: X[:, 0])
    assert not found.has_gradients
    assert found.noise == 0
    with pytest.raises(NotImplementedError):
        found.slopes(X)
