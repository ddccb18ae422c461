"""The space that is inferred from points alone."""

import numpy as np
import pytest

from sparktune import BadSearchSpace, Space, hp
from sparktune.cli.inferred import inferred


def of(points):
    """The inferred space."""
    return Space(inferred(points))


def parents(space, label):
    """The (label, option) pairs that activate a label."""
    return {(space.labels[j], option) for j, option in space.parents[space.column[label]]}


def test_labels_that_are_always_active():
    """Floats are uniform over what was observed, whole numbers go from 0 or the lowest."""
    points = [
        {"x": 0.5, "n": 3, "m": -2, "k": np.int64(4), "c": 1.5},
        {"x": np.float64(-1.0), "n": 7, "m": 5, "k": 4, "c": 1.5},
    ]
    space = of(points)
    ranges = {x: (d.low, d.high) for x, d in zip(space.labels, space.distributions, strict=True)}
    assert ranges == {"x": (-1.0, 0.5), "n": (0, 7), "m": (-2, 5), "k": (0, 4), "c": (1.0, 2.0)}
    assert space.forks == ()
    assert [space.check(point) for point in points]


def test_branches_hang_below_what_says_when_they_are_active():
    """Of nested choices the inner one is found, and its options have their number."""
    points = [
        {"model": 0, "depth": 3.0, "leaves": 4},
        {"model": 0, "depth": 5.0, "leaves": 9},
        {"model": 1, "rate": 0.1, "penalty": 0},
        {"model": 1, "rate": 0.2, "penalty": 1, "share": 0.5},
        {"model": 2, "rate": 0.3, "penalty": 1, "share": 0.25},
        {"model": 4},
    ]
    space = of(points)
    assert parents(space, "depth") == parents(space, "leaves") == {("model", 0)}
    assert parents(space, "rate") == parents(space, "penalty") == {("model", 1), ("model", 2)}
    assert parents(space, "share") == {("penalty", 1)}
    assert parents(space, "model") == set()
    model = space.params[space.column["model"]]
    assert model.options[3:] == (3, 4)
    assert model.options[0]["option"] == 0
    assert [space.check(point) for point in points]


def test_of_several_the_one_with_the_fewest_values():
    """A number that happens to tell the points apart is no branch."""
    points = [{"n": i, "model": i % 2, **({"x": float(i)} if i % 2 else {})} for i in range(8)]
    assert parents(of(points), "x") == {("model", 1)}


@pytest.mark.parametrize(
    ("points", "label"),
    [
        ([{"x": 0.5, "y": 1.0}, {"x": 0.5}], "y"),
        ([{"n": 1, "y": 1.0}, {"n": 1}], "y"),
        ([{"x": 0.5}, {"y": 0.5}], "x"),
        ([{"x": "big"}], "x"),
        ([{"x": float("inf")}, {"x": 1.0}], "x"),
        ([{"n": 2**60}], "n"),
    ],
)
def test_what_no_space_has_is_refused(points, label):
    """The sentence has the label."""
    with pytest.raises(BadSearchSpace, match=repr(label)):
        inferred(points)


def test_points_of_a_real_space_are_in_the_inferred_one():
    """Whatever a space with branches draws fits the space that is inferred from the draws."""
    inner = hp.choice("in", [hp.normal("a", 0, 1), {"b": hp.randint("b", 3, 9), "k": "text"}])
    space = Space(
        {"c": hp.choice("c", [0, inner, hp.lognormal("z", 0, 1)]), "q": hp.randint("q", 5)}
    )
    rows = space.sample(np.random.default_rng(0), 200)
    points = [space.decode(row) for row in rows]
    found = of(points)
    assert set(found.labels) == set(space.labels)
    for label in space.labels:
        assert parents(found, label) == parents(space, label)
    assert [found.check(point) for point in points] == [
        {label: point[label] for label in found.labels if label in point} for point in points
    ]
