"""Local ascent of an acquisition function."""

import numpy as np
import pytest
from searches import TREE

from sparktune.space.tree import Space
from sparktune.suggest.acquisition import ACQUISITIONS
from sparktune.suggest.maximise import Surface, TrustRegion, local_ascent
from sparktune.suggest.surrogates.forest import Forest
from sparktune.suggest.surrogates.gp import GP
from sparktune.suggest.surrogates.outputs import standardised


def surface(surrogate, n=40):
    space, rng = Space(TREE), np.random.default_rng(0)
    X = space.sample(rng, n)
    y = standardised(np.nansum(np.tanh(X), axis=1))
    posterior = surrogate.fit(space, X, y, rng)
    return Surface(space, posterior, ACQUISITIONS["ei"], np.array([y.min()])), rng


@pytest.mark.parametrize("surrogate", [GP(), Forest()])
def test_it_ascends(surrogate):
    """Its values are those of the surface where it ends, the highest above all of the pool's."""
    found, rng = surface(surrogate)
    pool = found.space.sample(rng, 100)
    score = found.at(pool)
    X, value = local_ascent(found, pool, score, rng)
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
    X, _ = local_ascent(found, pool, found.at(pool), rng, region)
    assert region.holds(X).all()
