"""Local ascent of an acquisition function."""

import numpy as np
import pytest
from searches import TREE

from sparktune import hp
from sparktune.space.tree import Space
from sparktune.suggest.acquisition import ACQUISITIONS
from sparktune.suggest.maximise import Surface, local_ascent
from sparktune.suggest.regions import TrustRegion
from sparktune.suggest.surrogates.forest import Forest
from sparktune.suggest.surrogates.gp import GP
from sparktune.suggest.surrogates.outputs import standardised


def surface(surrogate, n=40):
    space, rng = Space(TREE), np.random.default_rng(0)
    X = space.sample(rng, n)
    y = standardised(np.nansum(np.tanh(X), axis=1))[0]
    posterior = surrogate.fit(space, X, y, rng)
    return Surface(space, posterior, ACQUISITIONS["ei"][0], np.array([y.min()])), rng


@pytest.mark.parametrize("surrogate", [GP(), Forest()])
def test_it_ascends(surrogate):
    """Its values are those of the surface where it ends, the highest above all of the pool's."""
    found, rng = surface(surrogate)
    pool = found.space.sample(rng, 100)
    score = found.at(pool)
    region = TrustRegion(found.space, pool[0], 0.2)
    X, value = local_ascent(found, pool, score, rng, region)
    np.testing.assert_allclose(value, found.at(X), rtol=1e-8, atol=1e-8)
    assert value.max() > score.max()
    for row in X:
        values = found.space.decode(row)
        assert found.space.check(values) == values


def test_gradients_stay_in_the_trust_region():
    """Started in a region, ascent by gradients leaves no numeric label outside of it."""
    found, rng = surface(GP())
    space = found.space
    region = TrustRegion(space, space.encode({"kind": 0, "x": 0.5}), 0.05)
    pool = region.pool(rng, 50)
    X, _ = local_ascent(found, pool, found.at(pool), rng, region, bound=True)
    assert region.holds(X).all()


@pytest.mark.parametrize("bound", [True, False])
@pytest.mark.parametrize("far", [-60.0, 4.0, 60.0])
def test_it_ascends_where_an_unbounded_label_lies_far_out(far, bound):
    """Where the best value is many deviations out, ascent by gradients gets on from there."""
    space, rng = Space({"x": hp.normal("x", 0, 1)}), np.random.default_rng(0)
    X = np.concatenate([space.sample(rng, 20), far + rng.normal(size=(10, 1))])
    y = standardised(np.abs(X[:, 0] - far))[0]
    posterior = GP().fit(space, X, y, rng)
    found = Surface(space, posterior, ACQUISITIONS["ei"][0], np.array([y.min()]))
    region = TrustRegion(space, X[[int(y.argmin())]][0], 0.2)
    pool = region.pool(rng, 50)
    score = found.at(pool)
    ended, value = local_ascent(found, pool, score, rng, region, bound)
    assert value.max() > score.max() + 1e-6
    if bound:
        assert region.holds(ended).all()
