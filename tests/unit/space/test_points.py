"""Points that people give: by index, by option, and as whole configurations."""

import math
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from properties import examples

from sparktune import hp, scope
from sparktune.exceptions import InvalidTrial
from sparktune.space.points import by_labels, values_of
from sparktune.space.tree import Space

SVM = {"kind": "svm", "C": hp.loguniform("C", -5, 5)}
FOREST = {
    "kind": "forest",
    "n": scope.int(hp.quniform("n", 1, 100, 1)),
    "depth": hp.choice("depth", [None, 3, 5]),
}
SPACE = Space(
    {
        "model": hp.choice("m", [SVM, FOREST, "none"]),
        "lr": 10 ** hp.uniform("log_lr", -5, 0),
        "opt": hp.choice("opt", ["adam", "sgd", 1, True]),
    }
)
REST = {"lr": 0.01, "opt": "sgd"}


@pytest.mark.parametrize(
    ("point", "values"),
    [
        ({"model": {"kind": "svm", "C": 2}, **REST}, {"m": 0, "C": 2.0, "opt": 1}),
        (
            {"model": {"kind": "forest", "n": 7, "depth": None}, **REST},
            {"m": 1, "n": 7.0, "depth": 0, "opt": 1},
        ),
        ({"model": "none", "lr": 0.01, "opt": True}, {"m": 2, "opt": 3}),
        ({"model": "none", "lr": 0.01, "opt": 1.0}, {"m": 2, "opt": 2}),
        ({"m": 2, "log_lr": -2, "opt": "adam"}, {"m": 2, "opt": 0}),
        ({"m": "none", "log_lr": [-2], "opt": [3], "C": []}, {"m": 2, "opt": 3}),
        ({"m": {"kind": "svm", "C": 2.0}, "log_lr": -2, "opt": True}, {"m": 0, "C": 2.0, "opt": 3}),
        (
            {"m": {"kind": "svm", "C": 2.0}, "C": 2, "log_lr": -2, "opt": 0},
            {"m": 0, "C": 2.0, "opt": 0},
        ),
        (
            {"m": 1, "n": 4, "depth": 5, "log_lr": -2, "opt": 0},
            {"m": 1, "n": 4.0, "depth": 2, "opt": 0},
        ),
        (
            {"m": 1, "n": 4, "depth": 1, "log_lr": -2, "opt": 1},
            {"m": 1, "n": 4.0, "depth": 1, "opt": 1},
        ),
    ],
)  # fmt: skip
def test_points_in_all_forms(point, values):
    """Labels take values, indices and options; a configuration is read whole; an index wins."""
    found = values_of(SPACE, point)
    assert found.pop("log_lr") == pytest.approx(-2)
    assert found == values
    assert list(found) == [label for label in SPACE.labels if label in found]


@pytest.mark.parametrize(
    ("point", "sentence"),
    [
        (3, "a point maps labels to values, but got 3"),
        ({"model": "none", "lr": 0.01}, r"at \['opt'\]: the key 'opt' is missing"),
        ({"model": "none", **REST, "z": 1}, "the space has no label 'z'"),
        ({"model": "x", **REST}, r"'m' has no option like 'x'; it takes .* index from 0 to 2"),
        ({"m": 7, "log_lr": 0, "opt": 0}, "'m' has no option like 7; it takes"),
        (
            {"model": {"kind": "forest", "n": 7, "depth": 4}, **REST},
            r"nearest is option 1, but at \['model'\]\['depth'\] 'depth' has no option like 4",
        ),
        (
            {"model": {"kind": "svm"}, **REST},
            r"nearest is option 0, but at \['model'\]\['C'\] the key 'C' is missing",
        ),
        (
            {"model": {"kind": "svm", "C": 1.0, "D": 2}, **REST},
            r"option 0, but at \['model'\]\['D'\] the space has no key 'D'",
        ),
        ({"model": "none", "lr": 5, "opt": "sgd"}, "5 for no value: 'log_lr' takes a number"),
        (
            {"model": "none", "lr": "x", "opt": "sgd"},
            "does not tell 'log_lr' .*: give 'log_lr' its",
        ),
        (
            {"m": {"kind": "svm", "C": 1}, "C": 2, "log_lr": 0, "opt": 0},
            "'C' is 2.0 elsewhere, but",
        ),
        ({"m": 2, "opt": 0}, "no key 'm'|no value for 'log_lr'"),
        ({"m": 0, "log_lr": 0, "opt": 0}, "no value for 'C'"),
        ({"m": 2, "log_lr": 1, "opt": 0}, "'log_lr' takes a number from -5 to 0, but got 1"),
    ],
)
def test_what_is_no_point(point, sentence):
    """A point that does not fit is refused in one sentence with the place and the label."""
    with pytest.raises(InvalidTrial, match=sentence):
        values_of(SPACE, point)


def test_several_options_that_match():
    """Where options cannot be told apart, the sentence asks for the index; given, it decides."""
    a, b = hp.uniform("a", 0, 1), hp.uniform("b", 0, 2)
    space = Space({"part": hp.choice("c", [a, b]), "same": hp.choice("s", ["x", "x"])})
    with pytest.raises(InvalidTrial, match=r"several options of 'c' are like 0.5 at \['part'\]: "):
        values_of(space, {"part": 0.5, "same": "x", "s": 0})
    with pytest.raises(InvalidTrial, match=r"several options of 's' .* give 's' its index"):
        values_of(space, {"part": 1.5, "same": "x"})
    assert values_of(space, {"part": 0.5, "c": 1, "same": "x", "s": 1}) == {
        "c": 1,
        "b": 0.5,
        "s": 1,
    }
    assert values_of(space, {"part": 1.5, "same": "x", "s": 0}) == {"c": 1, "b": 1.5, "s": 0}


def test_what_is_told_elsewhere_decides():
    """A label that stands elsewhere, too, settles choices and expressions before it."""
    x, y = hp.uniform("x", 0, 1), hp.uniform("y", 0, 1)
    space = Space([hp.choice("c", [x, y]), x + y, y])
    assert values_of(space, [0.25, 0.75, 0.5]) == {"c": 0, "x": 0.25, "y": 0.5}
    with pytest.raises(InvalidTrial, match=r"is not what .* gives"):
        values_of(Space({"x": x, "y": y, "sum": x + y}), {"x": 0.25, "y": 0.5, "sum": 1})
    with pytest.raises(InvalidTrial, match=r"does not tell 'x'.*: give 'x' its value as well"):
        values_of(Space({"sum": x + y}), {"sum": 1})
    assert values_of(Space({"sum": x + y}), {"sum": 1, "x": 0.25}) == {"x": 0.25, "y": 0.75}


NUMBER, WHOLE = hp.uniform("x", 0.5, 4), hp.uniformint("n", 0, 9)


@pytest.mark.parametrize(
    "expression",
    [
        NUMBER + 1, 1 + NUMBER, NUMBER - 1, 1 - NUMBER, 3 * NUMBER, NUMBER / 3, 3 / NUMBER, -NUMBER,
        +NUMBER, NUMBER**2, 2**NUMBER, 10 ** -NUMBER, abs(NUMBER), scope.exp(NUMBER),
        scope.log(NUMBER), scope.log(NUMBER, 2), scope.log2(NUMBER), scope.log10(NUMBER),
        scope.sqrt(NUMBER), scope.float(NUMBER), scope.max(NUMBER, 0.1), scope.min(9, NUMBER),
        scope.int(NUMBER) * 10, scope.round(NUMBER), scope.floor(NUMBER), scope.ceil(NUMBER),
        scope.pow(NUMBER, 3), 2**WHOLE, 0.1 * WHOLE, scope.str(WHOLE), WHOLE // 2, WHOLE % 11,
        scope.getitem(["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"], WHOLE),
        scope.int(hp.choice("c", [1.0, 2.5])), 2 * hp.choice("c", [1, 2, WHOLE + 5]),
        scope.int(hp.quniform("q", 1, 50, 1)) * 8, scope.sin(WHOLE),
    ],
    ids=str,
)  # fmt: skip
def test_expressions_are_solved(expression):
    """What a space computes with Python's own functions is computed backwards."""
    space, rng = Space({"a": expression}), np.random.default_rng(0)
    for row in space.sample(rng, 20):
        config = space.build(space.decode(row))
        again = space.build(values_of(space, config))
        assert again == config or math.isclose(again["a"], config["a"], rel_tol=1e-8)


def test_expressions_that_nobody_can_solve():
    """A function of the user's own, or one with two solutions, asks for its label."""

    def own(x):
        return x * x * x

    space = Space({"a": scope.define(own) and scope.own(NUMBER), "b": 1})
    with pytest.raises(InvalidTrial, match=r"computed by own.* does not tell 'x' at"):
        values_of(space, {"a": 8.0, "b": 1})
    assert values_of(space, {"a": 8.0, "b": 1, "x": 2}) == {"x": 2.0}
    with pytest.raises(InvalidTrial, match="is not what own"):
        values_of(space, {"a": 8.0, "b": 1, "x": 3})
    with pytest.raises(InvalidTrial, match="does not tell 'z'"):
        values_of(Space(abs(hp.normal("z", 0, 1))), 2)
    with pytest.raises(InvalidTrial, match="never gives 7"):
        values_of(Space(scope.int(WHOLE) * 2), 7)


def test_lists_and_numbers_of_another_type():
    """What went through JSON or a table still matches: a list for a tuple, 1.0 for 1."""
    space = Space({"layers": hp.choice("l", [(64, 32), [64], 1, "1"]), "k": (1, np.int64(2))})
    for option, index in (
        ((64, 32), 0),
        ([64.0, 32], 0),
        ((64,), 1),
        ([64], 1),
        (1.0, 2),
        ("1", 3),
    ):
        assert values_of(space, {"layers": option, "k": [1, 2]}) == {"l": index}
    assert by_labels(space, {"l": [64]}) == {"l": 1}
    assert by_labels(space, {"l": [1]}) == {"l": 1}
    assert by_labels(Space(hp.choice("e", [5, []])), {"e": []}) == {"e": 1}


def test_a_space_that_is_a_choice_or_a_number():
    """The template need not be a dict."""
    space = Space(hp.choice("m", [SVM, {"kind": "none"}]))
    assert values_of(space, {"kind": "svm", "C": 1}) == {"m": 0, "C": 1.0}
    assert values_of(space, {"kind": "none"}) == {"m": 1}
    assert values_of(space, {"m": 1}) == {"m": 1}
    assert values_of(Space(hp.uniform("x", 0, 1)), 0.5) == {"x": 0.5}
    with pytest.raises(InvalidTrial, match="'m' has no option like"):
        values_of(space, {"C": 1})


def test_objects_as_options():
    """Functions, classes and arrays are found by value."""
    options = [math.sin, dict, np.arange(3), {"f": math.cos}]
    space = Space(hp.choice("o", options))
    for index, option in enumerate([math.sin, dict, np.arange(3), {"f": math.cos}]):
        assert values_of(space, option) == {"o": index}
        assert by_labels(space, {"o": option}) == {"o": index}


def test_ambiguous_choices_cost_no_more_than_a_look_at_each():
    """Many choices that cannot be told apart are refused at once."""
    pairs = [
        hp.choice(f"c{i}", [hp.uniform(f"a{i}", 0, 1), hp.uniform(f"b{i}", 0, 1)])
        for i in range(60)
    ]
    with pytest.raises(InvalidTrial, match="several options of 'c0'"):
        values_of(Space(pairs), [0.5] * 60)
    deep = hp.uniform("x", 0, 1)
    for i in range(12):
        deep = hp.choice(f"d{i}", [deep, [deep]])
    with pytest.raises(InvalidTrial, match="has no option like"):
        values_of(Space(deep), "no")


def leaf(number):
    """A hyperparameter, an expression of one, or a constant."""
    label = f"p{number}"
    return st.sampled_from(
        [
            hp.uniform(label, -1, 1), hp.loguniform(label, -5, 2), hp.quniform(label, 0, 5, 0.25),
            hp.normal(label, 0, 2), hp.qlognormal(label, 0, 1, 1), hp.uniformint(label, -3, 4),
            scope.int(hp.quniform(label, 1, 9, 1)), 10 ** hp.uniform(label, -4, 0),
            2 * hp.randint(label, 5) + 1, "text", None, 3, True,
        ]
    )  # fmt: skip


@st.composite
def templates(draw, tagged):
    """A random template; where tagged, no two options of a choice look alike."""
    count = iter(range(1000))

    def part(depth):
        kinds = ["leaf"] if depth > 3 else ["leaf", "leaf", "dict", "list", "tuple", "choice"]
        kind = draw(st.sampled_from(kinds))
        if kind == "leaf":
            return draw(leaf(next(count)))
        size = draw(st.integers(1, 3))
        if kind == "choice":
            label = f"c{next(count)}"
            options = [part(depth + 1) for _ in range(size)]
            return hp.choice(label, list(enumerate(options)) if tagged else options)
        parts = [part(depth + 1) for _ in range(size)]
        if kind == "dict":
            return {f"k{i}": each for i, each in enumerate(parts)}
        return parts if kind == "list" else tuple(parts)

    return {"root": hp.uniform("root", 0, 1), "rest": part(0)}


def close(one, other):
    """Whether two configurations are the same up to rounding."""
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-12)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(close(one[k], other[k]) for k in one)
    if isinstance(one, (list, tuple)):
        return type(one) is type(other) and len(one) == len(other) and all(map(close, one, other))
    return type(one) is type(other) and one == other


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3)
    | st.sampled_from([np.float64(1), np.arange(2), np.array([0.5]), math.sin, {1}, 1j, ...]),
    lambda each: st.lists(each, max_size=3)
    | st.dictionaries(st.sampled_from(["root", "rest", "k0", "p0", 1, None]), each, max_size=4)
    | st.tuples(each, each),
    max_leaves=6,
)  # fmt: skip


@examples(80)
@given(template=templates(tagged=False), point=JUNK, seed=st.integers(0, 2**32), data=st.data())
def test_junk_is_refused_in_a_sentence(template, point, seed, data):
    """Whatever is given as a point, or put into a configuration, is a point or InvalidTrial."""
    space = Space(template)
    config = space.build(space.decode(space.sample(np.random.default_rng(seed), 1)[0]))
    labels = data.draw(st.dictionaries(st.sampled_from(space.labels), JUNK, max_size=5))
    for each in (
        point,
        {**config, "rest": point},
        {**config, "root": point},
        {"root": 0.5, **labels},
    ):
        with suppress(InvalidTrial):
            assert set(values_of(space, each)) <= set(space.labels)


@examples(80)
@given(template=templates(tagged=True), seed=st.integers(0, 2**32))
def test_values_of_a_configuration_are_those_it_was_built_from(template, seed):
    """In any nested space, a configuration gives back its values, by keys and by options."""
    space = Space(template)
    values = space.decode(space.sample(np.random.default_rng(seed), 1)[0])
    config = space.build(values)
    found = values_of(space, config)
    assert found.keys() == values.keys()
    assert all(math.isclose(found[k], values[k], rel_tol=1e-8, abs_tol=1e-9) for k in values)
    assert by_labels(space, values) == values


@examples(80)
@given(template=templates(tagged=False), seed=st.integers(0, 2**32))
def test_what_is_found_gives_the_configuration_again(template, seed):
    """Where options may look alike, the values found build the same, or the sentence says so."""
    space = Space(template)
    config = space.build(space.decode(space.sample(np.random.default_rng(seed), 1)[0]))
    found, why = None, ""
    try:
        found = values_of(space, config)
    except InvalidTrial as error:
        why = str(error)
    if found is None:
        assert "several options of" in why or "does not tell" in why
    else:
        assert close(space.build(found), config)
