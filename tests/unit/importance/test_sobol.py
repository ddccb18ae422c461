"""Total-order indices of functions whose indices are known."""

import numpy as np
import pytest

from sparktune import hp
from sparktune.importance.sobol import total_order
from sparktune.space.tree import Space

N = 1 << 13


def flat(d, low=0.0, high=1.0):
    return Space([hp.uniform(f"x{i}", low, high) for i in range(d)])


def indices(f, space, n=N, seed=0):
    return total_order(f, space, np.random.default_rng(seed), n)


def test_the_function_of_ishigami_and_homma():
    """Its total-order indices are known in closed form."""
    a, b = 7.0, 0.1
    v1 = (1 + b * np.pi**4 / 5) ** 2 / 2
    v2, v13 = a**2 / 8, b**2 * np.pi**8 * (1 / 18 - 1 / 50)
    wanted = np.array([v1 + v13, v2, v13]) / (v1 + v2 + v13)

    def f(X):
        return np.sin(X[:, 0]) + a * np.sin(X[:, 1]) ** 2 + b * X[:, 2] ** 4 * np.sin(X[:, 0])

    assert indices(f, flat(3, -np.pi, np.pi)).index == pytest.approx(wanted, abs=0.02)


def test_labels_that_add_up_share_the_variance():
    """Without interactions the indices are the shares of the variance."""
    weights = np.array([4.0, 2.0, 1.0, 0.0])
    found = indices(lambda X: X @ weights, flat(4)).index
    assert found == pytest.approx(weights**2 / (weights**2).sum(), abs=0.02)
    assert found[3] == 0


def test_a_label_below_a_choice_has_its_part_of_the_variance():
    """Of x in one of two branches both indices are known, and where it is active it is all."""
    space = Space(hp.choice("kind", [{"x": hp.uniform("x", 0, 1)}, 0]))
    x = space.column["x"]
    found = indices(lambda X: np.nan_to_num(X[:, x]), space)
    variance = 1 / 6 - 1 / 16
    wanted = {"x": 0.5 / 12 / variance, "kind": 0.25 / 3 / variance}
    for label, index in wanted.items():
        assert found.index[space.column[label]] == pytest.approx(index, abs=0.02)
    assert found.active[x] == pytest.approx(0.5, abs=0.01)
    assert found.where_active[x] == pytest.approx(1, abs=0.03)


def test_a_function_that_is_the_same_everywhere_has_no_indices():
    """Where nothing varies, nothing is explained."""
    found = indices(lambda X: np.full(len(X), 3.0), flat(2))
    assert found.index.tolist() == [0, 0]
    assert found.where_active.tolist() == [0, 0]


@pytest.mark.parametrize("seed", range(20))
def test_few_draws_do_not_make_more_than_all(seed):
    """However few the draws, no share of the variance is above 1."""
    found = indices(lambda X: np.exp(5 * X[:, 0]), flat(2), 16, seed)
    assert found.index.max() <= 1
    assert found.where_active.max() <= 1


def test_the_function_is_asked_at_candidates_alone():
    """Labels that are inactive are nan in whatever the function is asked about."""
    space = Space(hp.choice("kind", [{"x": hp.uniform("x", 0, 1)}, {"y": hp.normal("y", 0, 1)}]))
    kind, x, y = (space.column[label] for label in ("kind", "x", "y"))

    def f(X):
        assert (np.isnan(X[:, x]) == (X[:, kind] == 1)).all()
        assert (np.isnan(X[:, y]) == (X[:, kind] == 0)).all()
        return np.nan_to_num(X).sum(1)

    indices(f, space, 256)
