"""What is worked out once for each space."""

import gc
import weakref

import numpy as np

from sparktune import hp
from sparktune.space.tree import Space
from sparktune.suggest.axes import Axes
from sparktune.suggest.maximise import Moves


def space():
    return Space(
        {
            "x": hp.uniform("x", -1, 3),
            "n": hp.normal("n", 2, 3),
            "q": hp.quniform("q", 0, 1, 0.1),
            "c": hp.choice("c", [{"lr": hp.loguniform("lr", -9, 0)}, 1]),
        }
    )


def test_units():
    """The ends of a range are 0 and 1 in units, two deviations of a normal prior as well."""
    tree = space()
    axes = Axes.of(tree)
    low = tree.encode({"x": -1.0, "n": -4.0, "q": 0.0, "c": 0, "lr": np.exp(-9)})
    high = tree.encode({"x": 3.0, "n": 8.0, "q": 1.0, "c": 0, "lr": 1.0})
    units = axes.units(np.stack([low, high]))
    bounded = ~axes.normal & ~np.isin(np.arange(4), axes.quantised)
    np.testing.assert_allclose(units[:, bounded | axes.normal], [[0] * 3, [1] * 3], atol=1e-12)


def test_parts_keep_kinds():
    """Axes of some labels tell these apart as the whole ones do."""
    axes = Axes.of(space())
    part = axes.part(axes.quantised, np.array([], np.intp))
    assert list(part.quantised) == [0]
    assert len(part.always) == len(part.sometimes) == len(part.categorical) == 0
    assert part.priors == [axes.priors[at] for at in axes.quantised]


def test_made_once_for_each_space():
    """The same space has the same object, another space another one, each class its own."""
    first, second = space(), space()
    assert Axes.of(first) is Axes.of(first)
    assert Axes.of(first) is not Axes.of(second)
    assert isinstance(Moves.of(first), Moves)


def test_a_space_is_not_kept_alive():
    """What was worked out of a space goes with it."""
    known = space()
    gone = weakref.ref(known), weakref.ref(Axes.of(known))
    Moves.of(known)
    del known
    gc.collect()
    assert [each() for each in gone] == [None, None]
