"""Search spaces as trees: drawing, building, encoding and checking of candidates."""

import itertools
import math
import pickle
import types
from collections import deque

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from properties import examples

from sparktune import hp
from sparktune.exceptions import BadSearchSpace, DuplicateLabel, InvalidTrial
from sparktune.space.expressions import Node, scope
from sparktune.space.tree import Choice, Param, Space

DEEP = hp.choice(
    "model",
    [
        {"kind": "svm", "c": hp.lognormal("c", 0, 1), "eps": hp.uniform("eps", 0, 1)},
        {
            "kind": "tree",
            "depth": hp.uniformint("depth", 1, 9),
            "split": hp.choice(
                "split",
                [
                    "gini",
                    hp.choice("entropy", [{"base": 2}, {"base": hp.uniform("base", 2, 10)}]),
                ],
            ),
        },
        "none",
    ],
)


def rng(seed=0):
    """A generator that is always the same."""
    return np.random.default_rng(seed)


def test_containers_of_all_kinds_nest():
    """Dicts, lists, tuples and plain values are kept around the values of the nodes."""
    x, n = hp.uniform("x", 0, 1), hp.randint("n", 9)
    space = Space({"a": [x, (n, {"b": x}), "s"], "c": (), "d": {1: n, None: None}})
    config = space.build({"x": 0.25, "n": 7})
    assert config == {"a": [0.25, (7, {"b": 0.25}), "s"], "c": (), "d": {1: 7, None: None}}
    assert space.labels == ("x", "n")
    assert len(space) == 2


def test_a_single_node_is_a_space():
    """The whole template may be one hyperparameter or one expression."""
    assert Space(hp.randint("n", 9)).build({"n": 4}) == 4
    assert Space(hp.randint("n", 9) + 1).build({"n": 4}) == 5


def test_parts_of_a_template_are_built_alone():
    """`build` evaluates any template made of the space's nodes."""
    space = Space(DEEP)
    assert space.build({"model": 0, "c": 1.5, "eps": 0.5}, template=[DEEP]) == [
        {"kind": "svm", "c": 1.5, "eps": 0.5}
    ]


def test_branches_three_deep():
    """A candidate holds the labels of the branches it took and no others."""
    space = Space(DEEP)
    assert space.build({"model": 2}) == "none"
    assert space.build({"model": 1, "depth": 3, "split": 0}) == {
        "kind": "tree",
        "depth": 3,
        "split": "gini",
    }
    deepest = {"model": 1, "depth": 3, "split": 1, "entropy": 1, "base": 2.5}
    assert space.build(deepest)["split"] == {"base": 2.5}
    names = {frozenset(space.decode(row)): row for row in space.sample(rng(), 200)}
    assert set(names) == {
        frozenset({"model"}),
        frozenset({"model", "c", "eps"}),
        frozenset({"model", "depth", "split"}),
        frozenset({"model", "depth", "split", "entropy"}),
        frozenset({"model", "depth", "split", "entropy", "base"}),
    }


def test_parents_name_the_options_that_activate_a_label():
    """Each label knows the pairs of choice and option any one of which activates it."""
    space = Space(DEEP)
    parents = {
        label: {(space.labels[j], option) for j, option in space.parents[space.column[label]]}
        for label in space.labels
    }
    assert parents == {
        "model": set(),
        "c": {("model", 0)},
        "eps": {("model", 0)},
        "depth": {("model", 1)},
        "split": {("model", 1)},
        "entropy": {("split", 1)},
        "base": {("entropy", 1)},
    }
    for j, pairs in enumerate(space.parents):
        assert all(parent < j for parent, _ in pairs)


def test_a_node_in_two_branches_is_active_in_both():
    """A node that stands in two options is active where either is taken, with one value."""
    x = hp.uniform("x", 0, 1)
    space = Space({"m": hp.choice("m", [[x], {"a": x, "b": 2 * x}, 0])})
    assert sorted(space.parents[space.column["x"]]) == [(0, 0), (0, 1)]
    for row in space.sample(rng(), 50):
        assert ("x" in space.decode(row)) == (row[0] < 2)
    assert space.build({"m": 1, "x": 0.25}) == {"m": {"a": 0.25, "b": 0.5}}


@pytest.mark.parametrize("first", [True, False])
def test_a_node_outside_all_choices_is_always_active(first):
    """A node in a branch that stands in the root too is active in every candidate."""
    x = hp.uniform("x", 0, 1)
    choice = hp.choice("m", [x, 0])
    space = Space([x, choice] if first else [choice, x])
    assert space.parents[space.column["x"]] == ()
    assert not np.isnan(space.sample(rng(), 50)).any()


def test_a_choice_in_two_branches_brings_its_own_branches():
    """What stands below a shared choice depends on that choice alone."""
    inner = hp.choice("inner", [hp.uniform("x", 0, 1), 0])
    space = Space([hp.choice("a", [inner, 1]), hp.choice("b", [2, inner])])
    labels = {frozenset(space.decode(row)) for row in space.sample(rng(), 200)}
    base = {"a", "b"}
    assert labels == {
        frozenset(base),
        frozenset({*base, "inner"}),
        frozenset({*base, "inner", "x"}),
    }
    column = space.column
    assert set(space.parents[column["inner"]]) == {(column["a"], 0), (column["b"], 1)}
    assert space.parents[column["x"]] == ((column["inner"], 0),)


def test_nodes_below_expressions_are_found():
    """Hyperparameters in the arguments of functions belong to the branch of the function."""
    node = scope.round(hp.uniform("x", 0, 9) + 1, ndigits=hp.randint("k", 3))
    space = Space(hp.choice("m", [node, 0]))
    assert set(space.labels) == {"m", "x", "k"}
    assert space.parents[space.column["k"]] == ((0, 0),)
    assert space.build({"m": 0, "x": 2.46, "k": 1}) == 3.5


def test_a_choice_stands_before_what_depends_on_it():
    """A choice comes first even where a node of its branch is met earlier."""
    x = hp.uniform("x", 0, 1)
    late = hp.choice("late", [x, 0])
    space = Space([hp.choice("early", [x, 1]), late])
    assert space.column["x"] > max(space.column["early"], space.column["late"])


@pytest.mark.parametrize(
    "template",
    [
        lambda: [hp.uniform("x", 0, 1), hp.uniform("x", 0, 1)],
        lambda: [hp.uniform("x", 0, 1), {"a": (hp.normal("x", 0, 1),)}],
        lambda: hp.choice("x", [hp.uniform("x", 0, 1)]),
        lambda: hp.choice("c", [hp.uniform("x", 0, 1), hp.uniform("x", 0, 1)]),
        lambda: [hp.randint("n", 3), scope.int(hp.quniform("x", 0, 9, 1)) + hp.randint("x", 3)],
    ],
)
def test_a_label_for_two_nodes_is_refused(template):
    """Two different nodes of one label are refused by the label, equal or not."""
    with pytest.raises(DuplicateLabel, match="label 'x'"):
        Space(template())


@pytest.mark.parametrize(
    ("one", "other", "words"),
    [
        (
            hp.loguniform("x", 0, 1),
            hp.normal("x", 0, 2),
            "one is loguniform, 1 to 2.718, the other normal, mu 0, sigma 2",
        ),
        (
            hp.randint("x", 3),
            hp.choice("x", [{"kind": "a", "y": hp.uniform("y", 0, 1)}, "line\n2"]),
            "one is whole number, 0 to 2, the other one of 2: {kind: a, y: <y>}, line 2",
        ),
    ],
)
def test_a_label_for_two_nodes_is_explained_in_words(one, other, words):
    """The error says what each of the two is as a space shows it, and what to do."""
    with pytest.raises(DuplicateLabel) as raised:
        Space([one, {"b": other}])
    assert str(raised.value) == (
        f"two hyperparameters carry the label 'x': {words}; give each a label of its own, or put "
        "one node in both places"
    )


@pytest.mark.parametrize("template", [{}, [], None, 3, {"x": 1, "y": [2, (3,)]}, scope.int(2.5)])
def test_a_space_without_hyperparameters_is_refused(template):
    """A template with nothing to search is refused."""
    with pytest.raises(BadSearchSpace, match="no hyperparameter"):
        Space(template)


def test_nodes_that_cannot_be_evaluated_are_refused():
    """A node in a set or as the key of a dict is refused by its label, also deep inside."""
    a, b = hp.uniform("a", 0, 1), hp.uniform("b", 0, 1)
    for hidden in ({b}, frozenset({b}), hp.choice("c", [{b}]), scope.len({b})):
        with pytest.raises(BadSearchSpace, match=r"in a (frozen)?set.*'b'"):
            Space([a, hidden])
    for hidden in ({b: 1}, {b + 1: 1}, [({b: 1},)], scope.len({b: 1})):
        with pytest.raises(BadSearchSpace, match=r"key of a dict.*'b'"):
            Space([a, hidden])


def test_nodes_in_tuples_of_sets_and_keys_are_refused():
    """A node inside a tuple that is a key, or that stands in a set, is refused as well."""
    a, b = hp.uniform("a", 0, 1), hp.uniform("b", 0, 1)
    with pytest.raises(BadSearchSpace, match="set"):
        Space([a, {(b, 1)}])
    with pytest.raises(BadSearchSpace, match="key"):
        Space([a, {(b, 1): 2}])


def test_a_node_of_unknown_kind_is_refused():
    """A node that is neither a hyperparameter nor an expression is refused."""
    with pytest.raises(BadSearchSpace, match="unknown kind"):
        Space([hp.uniform("a", 0, 1), Node()])


def test_draw_asks_where_a_label_is_active():
    """`draw` asks for latents of active labels only, and leaves nan elsewhere."""
    space = Space(hp.choice("c", [hp.uniform("x", 0, 1), hp.uniform("y", 0, 1)]))
    asked = {}

    def pick(j, rows):
        asked[space.labels[j]] = rows.tolist()
        return rows % 2 if j == 0 else rows / 10

    X = space.draw(pick, 4)
    assert asked == {"c": [0, 1, 2, 3], "x": [0, 2], "y": [1, 3]}
    nan = math.nan
    np.testing.assert_array_equal(X, [[0, 0, nan], [1, nan, 0.1], [0, 0.2, nan], [1, nan, 0.3]])


def test_samples_follow_the_probabilities_of_the_branches():
    """Each path of a tree is drawn as often as its probabilities say."""
    tree = hp.pchoice("a", [(0.2, 0), (0.8, hp.pchoice("b", [(0.1, 1), (0.9, 2)]))])
    space = Space(tree)
    X = space.sample(rng(), 20_000)
    built = [space.build(space.decode(row)) for row in X]
    shares = [built.count(value) / len(X) for value in (0, 1, 2)]
    assert shares == pytest.approx([0.2, 0.08, 0.72], abs=0.01)


# ---- any tree ------------------------------------------------------------------------------------


def leaf(label, kind, p):
    """A hyperparameter of one of ten kinds."""
    return [
        lambda: hp.uniform(label, -p, p + 1),
        lambda: hp.quniform(label, -p, p + 1, 0.5),
        lambda: hp.loguniform(label, -p, p),
        lambda: hp.qloguniform(label, -p, p, 0.25),
        lambda: hp.normal(label, p, p),
        lambda: hp.qnormal(label, -p, p, 0.1),
        lambda: hp.lognormal(label, 0, p / 3),
        lambda: hp.qlognormal(label, 0, p / 3, 1),
        lambda: hp.randint(label, -3, round(p)),
        lambda: hp.uniformint(label, 1, 1 + round(p)),
    ][kind]()


@st.composite
def templates(draw, discrete=False):
    """Trees of choices, containers, expressions and leaves, with nodes that occur repeatedly."""
    labels = itertools.count()
    nodes = []
    kinds = st.sampled_from([8, 9] if discrete else range(10))

    def node(depth):
        what = draw(st.integers(0, 9 if depth else 4))
        if what <= 2:
            return leaf(f"x{next(labels)}", draw(kinds), draw(st.sampled_from([1.0, 2.0, 3.0])))
        if what == 3:
            return draw(st.sampled_from([None, "s", 7]))
        if what == 4:
            return draw(st.sampled_from(nodes)) if nodes else 0
        parts = [node(depth - 1) for _ in range(draw(st.integers(1, 3)))]
        if what == 5:
            return parts
        if what == 6:
            return {f"k{i}": part for i, part in enumerate(parts)}
        if what == 7:
            made = scope.getitem([*parts, 0], draw(st.integers(0, 1)))
        elif what == 8 and len(parts) > 1:
            p = draw(st.sampled_from([0.5, 0.25, 0.9]))
            rest = (1 - p) / (len(parts) - 1)
            odds = [p, *[rest] * (len(parts) - 1)]
            made = hp.pchoice(f"c{next(labels)}", list(zip(odds, parts, strict=True)))
        else:
            made = hp.choice(f"c{next(labels)}", parts)
        nodes.append(made)
        return made

    template = [node(3), node(3)]
    try:
        return Space(template)
    except BadSearchSpace:
        assume(False)


def labels_used(thing, values, used):
    """The labels met on the way through a template, by plain recursion."""
    if isinstance(thing, Param):
        used.add(thing.label)
    if isinstance(thing, Choice):
        labels_used(thing.options[values[thing.label]], values, used)
    elif hasattr(thing, "args"):
        labels_used(list(thing.args), values, used)
    elif isinstance(thing, dict):
        labels_used(list(thing.values()), values, used)
    elif isinstance(thing, list):
        for item in thing:
            labels_used(item, values, used)
    return used


@examples(150)
@given(templates(), st.integers(0, 2**32))
def test_any_tree_round_trips(space, seed):
    """Drawn candidates decode, build and encode again; decode and build agree on the labels."""
    X = space.sample(rng(seed), 8)
    assert X.shape == (8, len(space))
    for row in X:
        values = space.decode(row)
        assert set(values) == labels_used(space.template, values, set())
        again = space.encode(values)
        np.testing.assert_allclose(again, row, rtol=1e-9, atol=1e-9)
        assert space.decode(again) == pytest.approx(values, rel=1e-9)
        assert space.check(values) == values
        space.build(values)
        one = row[None]
        for j, label in enumerate(space.labels):
            assert bool(space.active(j, one)[0]) == (label in values)
            assert all(parent < j for parent, _ in space.parents[j])


@examples(100)
@given(templates(discrete=True), st.integers(0, 2**32))
def test_any_discrete_tree_is_listed_completely(space, seed):
    """`enumerate` lists every candidate of a discrete tree once, and nothing else."""
    rows = space.enumerate(rng(), 3000)
    assume(len(rows) < 3000)
    listed = {tuple(space.decode(row).items()) for row in rows}
    assert len(listed) == len(rows)
    drawn = {tuple(space.decode(row).items()) for row in space.sample(rng(seed), 200)}
    assert drawn <= listed
    mass = 0.0
    for row in rows:
        on = ~np.isnan(row)
        mass += math.exp(
            sum(float(space.distributions[j].log_prior(row[j])) for j in np.flatnonzero(on))
        )
    assert mass == pytest.approx(1)


# ---- check, enumerate, discrete ------------------------------------------------------------------

MIXED = {
    "x": hp.uniform("x", 0, 1),
    "m": hp.choice("m", [hp.randint("n", 3), hp.quniform("q", 0, 4, 2)]),
}


def test_check_gives_native_values_in_the_order_of_the_labels():
    """A point of numpy scalars comes back as native numbers, parents before children."""
    space = Space(MIXED)
    values = space.check({"n": np.int64(2), "m": np.float64(0), "x": np.float32(0.5)})
    assert values == {"x": 0.5, "m": 0, "n": 2}
    assert list(values) == ["x", "m", "n"]
    assert [type(value) for value in values.values()] == [float, int, int]


@pytest.mark.parametrize(
    ("point", "message"),
    [
        ({"m": 0, "n": 1}, "no value for 'x'"),
        ({"x": 0.5, "m": 0}, "no value for 'n'"),
        ({"x": 0.5, "n": 0}, "no value for 'm'"),
        ({"x": 0.5, "m": 0, "n": 1, "z": 1}, "no label 'z'; it has 'x', 'm', 'n', 'q'"),
        ({"x": 1.5, "m": 0, "n": 1}, "'x' takes a number from 0 to 1, but got 1.5"),
        ({"x": "a", "m": 0, "n": 1}, "'x' takes a number, but got 'a'"),
        ({"x": True, "m": 0, "n": 1}, "'x' takes a number, but got True"),
        ({"x": math.nan, "m": 0, "n": 1}, "'x' takes a finite number, but got nan"),
        ({"x": 0.5, "m": 2, "n": 1}, "'m' takes the index of an option, 0 to 1, but got 2"),
        ({"x": 0.5, "m": 0, "n": 3}, "'n' takes a whole number from 0 to 2, but got 3"),
        ({"x": 0.5, "m": 1, "q": -2}, "'q' takes a number from 0 to 4, but got -2"),
        ({"x": 0.5, "m": 1, "q": 1.5}, "'q' takes a multiple of 2, but got 1.5"),
        ([0.5, 0, 1], "a point maps labels to values"),
        ("x", "a point maps labels to values"),
    ],
)
def test_check_names_the_label_and_the_rule(point, message):
    """A point that does not fit is refused with the label, the rule and the value."""
    with pytest.raises(InvalidTrial) as info:
        Space(MIXED).check(point)
    assert message in str(info.value)


def test_check_leaves_inactive_labels_aside():
    """A value for a label of a branch that the point does not take is left aside."""
    point = {"x": 0.5, "m": 0, "n": 1}
    assert Space(MIXED).check({**point, "q": 2}) == point


def test_encode_leaves_no_negative_zero():
    """Equal candidates have equal bytes: zero is encoded without a sign."""
    space = Space(hp.quniform("q", -2, 2, 1))
    assert space.encode({"q": -0.0}).tobytes() == space.encode({"q": 0.0}).tobytes()


def test_encode_refuses_unknown_labels():
    """A label that the space does not have is a KeyError."""
    with pytest.raises(KeyError, match="z"):
        Space(MIXED).encode({"z": 1})


def test_enumerate_lists_a_discrete_tree_in_order():
    """All candidates of a small tree come in the order of the tree, each once."""
    space = Space(hp.choice("c", [hp.randint("n", 2), hp.quniform("q", 0, 2, 1), "leaf"]))
    rows = space.enumerate(rng(), 100)
    assert [space.build(space.decode(row)) for row in rows] == [0, 1, 0.0, 1.0, 2.0, "leaf"]
    assert [space.decode(row)["c"] for row in rows] == [0, 0, 1, 1, 1, 2]


def test_enumerate_stops_at_the_limit():
    """No more candidates than asked for are listed, out of as many as there are."""
    space = Space([hp.randint("a", 10**9), hp.randint("b", 10**9), hp.qnormal("z", 0, 1, 1e-9)])
    rows = space.enumerate(rng(), 25)
    assert rows.shape == (25, 3)
    assert len(np.unique(rows, axis=0)) == 25
    assert space.enumerate(rng(), 1).shape == (1, 3)


def test_enumerate_leaves_out_what_is_impossible():
    """Options of probability 0 and what stands below them are not listed."""
    space = Space(hp.pchoice("c", [(0.0, hp.randint("n", 5)), (1.0, "only")]))
    np.testing.assert_array_equal(space.enumerate(rng(), 10), [[1, math.nan]])


def test_enumerate_gives_continuous_labels_random_values():
    """Beside each discrete value a continuous label takes a value from its prior."""
    space = Space([hp.randint("n", 4), hp.uniform("x", 0, 1)])
    rows = space.enumerate(rng(), 10)
    np.testing.assert_array_equal(rows[:, 0], [0, 1, 2, 3])
    assert len(np.unique(rows[:, 1])) == 4
    assert ((rows[:, 1] > 0) & (rows[:, 1] < 1)).all()


@pytest.mark.parametrize(
    ("template", "discrete"),
    [
        (hp.randint("n", 3), True),
        (hp.quniform("q", 0, 1, 0.5), True),
        (hp.qlognormal("q", 0, 1, 0.5), True),
        (hp.uniform("x", 0, 1), False),
        ([hp.randint("n", 3), hp.uniform("x", 0, 1)], False),
        (hp.choice("c", ["a", hp.uniform("x", 0, 1)]), True),
        ([hp.choice("c", ["a", hp.randint("n", 3)]), hp.normal("x", 0, 1)], False),
    ],
)
def test_discrete_spaces_are_recognised(template, discrete):
    """A space is discrete where some candidate holds discrete labels only."""
    assert Space(template).discrete is discrete


def test_a_space_with_functions_as_options_can_be_pickled():
    """Options that pickle refuses, such as lambdas, do not keep a space from being saved."""
    space = Space(hp.choice("f", [lambda v: v + 1, abs, {"x": hp.uniform("x", 0, 1)}]))
    copy = pickle.loads(pickle.dumps(space))
    assert copy.labels == space.labels
    assert copy.build({"f": 0})(1) == 2


def test_nodes_are_found_where_they_would_be_missed():
    """A node inside an object, a mapping that is no dict or an array of objects is refused."""
    x, y = hp.uniform("x", 0, 1), hp.uniform("y", 0, 1)
    for hidden in (
        types.SimpleNamespace(a=x),
        types.MappingProxyType({"a": x}),
        deque([x]),
        np.array([x, 1], dtype=object),
        hp.choice("c", [types.SimpleNamespace(a=x)]),
        scope.getitem([1, 2, 3], slice(0, x)),
    ):
        with pytest.raises(BadSearchSpace, match="only in dicts, lists and tuples"):
            Space([y, hidden])


def test_a_space_that_contains_itself_is_refused():
    """A list that holds itself is no space."""
    endless = [hp.uniform("x", 0, 1)]
    endless.append(endless)
    with pytest.raises(BadSearchSpace, match="contains itself"):
        Space(endless)
