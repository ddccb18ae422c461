"""Spaces narrowed to data: ranges cut at their limits, options left out."""

import numpy as np
import pytest
from estimators import draw
from hypothesis import given
from hypothesis import strategies as st
from properties import examples

from sparktune import hp
from sparktune import hpsklearn as ours
from sparktune.hpsklearn.components import COMPONENTS, FUNCTIONS
from sparktune.hpsklearn.narrowing import Unsuited, narrowed
from sparktune.hpsklearn.ranges import Whole
from sparktune.hpsklearn.travels.limits import LIMITS, Size, keep_within
from sparktune.hpsklearn.words import log_whole, whole
from sparktune.space.tree import Space

LIMITED = [
    name
    for name, component in COMPONENTS.items()
    if component.is_here and any(limit in LIMITS for limit in component.limits.values())
]


def anything(path):
    """That all components suit the data."""


def without(*names):
    """That some classes do not suit the data."""
    return lambda path: "it is tired" if path.rpartition(".")[2] in names else None


@examples(200)
@given(
    name=st.sampled_from(LIMITED),
    rows=st.integers(2, 400),
    columns=st.integers(1, 40),
    targets=st.integers(1, 3),
    seed=st.integers(0, 999),
)
def test_no_draw_is_above_its_limit(name, rows, columns, targets, seed):
    """However small the data, what is drawn from a narrowed component is legal for them."""
    size = Size(rows, columns, targets)
    made = draw(narrowed(FUNCTIONS[name]("it"), size, anything), seed)
    for parameter, limit in COMPONENTS[name].limits.items():
        value = getattr(made, parameter)
        if isinstance(value, int) and getattr(made, "kernel", "knn") == "knn":
            assert 1 <= value <= max(1, LIMITS[limit](size))
    made._validate_params()


@examples(200)
@given(
    low=st.integers(1, 60),
    span=st.integers(1, 2000),
    is_log=st.booleans(),
    rows=st.integers(1, 3000),
    seed=st.integers(0, 999),
)
def test_a_cut_range_is_a_range(low, span, is_log, rows, seed):
    """A whole number is drawn from its range below the limit, or is a limit that is less."""
    entry = Whole(low, low + span, is_log, "rows")
    value = draw(narrowed(entry.node("n"), Size(rows, 1), anything), seed)
    assert isinstance(value, int)
    assert min(low, rows) <= value <= min(low + span, rows)


@pytest.mark.parametrize("entry", [whole(1, 50, "rows"), log_whole(1, 50, "rows")])
def test_where_a_range_is_cut(entry):
    """A range reaches up to the limit, and one below it stays the same node."""
    node = entry.node("n")
    values = [draw(narrowed(node, Size(7, 1), anything), seed) for seed in range(300)]
    assert (min(values), max(values)) == (1, 7)
    assert narrowed(node, Size(50, 1), anything) is node.args[0]
    assert narrowed(node, None, anything) is node.args[0]
    assert narrowed(node, Size(1, 1), anything) == 1


@pytest.mark.parametrize(
    ("limit", "size", "most"),
    [
        ("rows", Size(9, 3), 9),
        ("columns", Size(9, 3), 3),
        ("rows and columns", Size(2, 3), 2),
        ("the number of targets", Size(9, 3, 2), 2),
        ("the degree that makes 5,000 columns", Size(9, 3), 10),
        ("the degree that makes 5,000 columns", Size(9, 98), 2),
        ("the degree that makes 5,000 columns", Size(9, 99), 1),
        ("the degree that makes 5,000 columns", Size(9, 9999), 1),
    ],
)
def test_limits(limit, size, most):
    """Each limit is what its name says."""
    assert LIMITS[limit](size) == most


def test_every_limit_of_a_table_exists():
    """The tables name no limit that there is not."""
    for component in COMPONENTS.values():
        assert set(component.limits.values()) <= {*LIMITS, "nu", "reach"}
        ranges = [*component.settings.values()]
        ranges += [
            r for cases in component.cases for one in cases.settings.values() for r in one.values()
        ]
        named = {each.limit for each in ranges if isinstance(each, Whole) and each.limit}
        assert named <= set(LIMITS)
        assert named <= set(component.limits.values()) or component.name == "ts_lagselector"


def test_options_that_do_not_suit_are_left_out():
    """A choice keeps the odds among the options that suit; one that all suit is the same node."""
    space = hp.pchoice(
        "c", [(0.2, ours.svc("a")), (0.2, ours.ridge("b")), (0.6, {"kind": "plain"})]
    )
    assert narrowed(space, None, anything) is space
    left = narrowed(space, None, without("SVC"))
    assert left.label == "c"
    assert left.options[0] is space.options[1]
    assert np.allclose(left.distribution.p, [0.25, 0.75])


def test_lists_of_steps():
    """A list in which one step does not suit is left out as a whole."""
    space = hp.choice(
        "p", [[], [ours.pca("a"), ours.standard_scaler("b")], [ours.standard_scaler("b2")]]
    )
    left = narrowed(space, None, without("PCA"))
    assert [len(option) for option in left.options] == [0, 1]


def test_choices_below_choices():
    """A choice without options that suit is an option that does not suit."""
    inner = hp.choice("inner", [ours.svc("a"), ours.svc("b")])
    outer = hp.choice("outer", [inner, ours.ridge("r")])
    left = narrowed(outer, None, without("SVC"))
    assert set(Space(left).labels) == {"outer", "r.alpha"}
    with pytest.raises(Unsuited, match="Ridge does not suit: it is tired"):
        narrowed(outer, None, without("SVC", "Ridge"))


def test_nothing_that_suits():
    """A space that suits nowhere is refused with the reason."""
    with pytest.raises(ValueError, match="SVC does not suit: it is tired"):
        narrowed({"classifier": ours.svc("a")}, None, without("SVC"))
    rest = hp.pchoice("c", [(1.0, ours.svc("a")), (0.0, ours.ridge("b"))])
    with pytest.raises(ValueError, match="SVC does not suit"):
        narrowed(rest, None, without("SVC"))


def test_what_is_shared_stays_shared():
    """A node that stands in several places is one node afterwards, too."""
    k = whole(1, 50, "rows").node("k")
    space = {"a": k, "b": [k, ours.k_neighbors_classifier("n", n_neighbors=k)]}
    left = narrowed(space, Size(5, 1), anything)
    assert left["a"] is left["b"][0]
    config = draw(left, 2)
    assert config["a"] == config["b"][0] == config["b"][1].n_neighbors <= 5


class Bounded:
    """Something with parameters, as an estimator has them."""

    def __init__(self, **values):
        self.__dict__.update(values)

    def set_params(self, **values):
        self.__dict__.update(values)


def test_values_are_kept_within_what_reaches_a_step():
    """A number above its limit becomes the limit; shares and what is no number stay."""
    X, y = np.zeros((6, 4)), np.zeros(6)
    limits = {"n": "rows", "share": "rows", "word": "rows", "flag": "rows", "few": "columns"}
    step = Bounded(n=50, share=0.5, word="auto", flag=True, few=np.int64(3))
    keep_within(step, limits, X, y)
    assert vars(step) == {"n": 6, "share": 0.5, "word": "auto", "flag": True, "few": 3}


def test_nu_that_classes_allow():
    """Nu is at most what the rarest and the most frequent class allow, as libsvm demands."""
    step = Bounded(nu=0.9)
    keep_within(step, {"nu": "nu"}, np.zeros((10, 1)), np.array([0] * 8 + [1] * 2))
    assert step.nu == pytest.approx(0.4, rel=1e-2)
    assert step.nu < 0.4
    keep_within(step, {"nu": "nu"}, np.zeros((10, 1)), np.arange(10) % 2)
    assert step.nu < 0.4
    weights = np.where(np.arange(10) % 2, 1.0, 9.0)
    keep_within(step, {"nu": "nu"}, np.zeros((10, 1)), np.array(["a", "b"] * 5), weights)
    assert step.nu == pytest.approx(0.2, rel=1e-2)


def test_reach_of_neighbours():
    """A radius is at least half as much again as the way to the loneliest row's neighbour."""
    step = Bounded(radius=0.1)
    keep_within(step, {"radius": "reach"}, np.array([[0.0], [1.0], [5.0]]), np.zeros(3))
    assert step.radius == pytest.approx(6.0)
    keep_within(step, {"radius": "reach"}, np.array([[0.0]]), np.zeros(1))
    assert step.radius == pytest.approx(6.0)


def test_what_is_left_of_a_choice_keeps_its_weights():
    """Options of which some alone suit are as likely to each other as they were."""
    loss = hp.pchoice("l", [(0.5, "hinge"), (0.1, "log_loss"), (0.4, "modified_huber")])
    space = ours.sgd_classifier("s", loss=loss)
    left = narrowed(space, None, anything, lambda _: {"loss": ("log_loss", "modified_huber")})
    found = left.args[1]["loss"]
    assert found.options == ("log_loss", "modified_huber")
    assert found.distribution.p == pytest.approx((0.2, 0.8))
