"""A space as plain JSON and back: what comes back, what cannot be recorded, what it costs."""

import datetime
import decimal
import enum
import fractions
import functools
import json
import math
import operator
import pathlib
import pickle
import timeit
import uuid
import warnings
from collections import OrderedDict, namedtuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from properties import examples

from sparktune import hp
from sparktune.exceptions import BadSearchSpace, InvalidTrial
from sparktune.history import History, Outcome, Status
from sparktune.history.documents import document_of, params_of
from sparktune.space.described import (
    describe,
    described,
    from_description,
    is_recorded,
    key_of,
    value_from,
)
from sparktune.space.distributions import Uniform
from sparktune.space.expressions import Node, scope
from sparktune.space.nodes import Param
from sparktune.space.placeholders import Named, ReadDict, ReadTuple, Text, Unknown
from sparktune.space.tree import Space

Point = namedtuple("Point", "x y")


class Colour(enum.Enum):
    """An enumeration."""

    RED = 1


class Model:
    """A class with a method, whose objects are neither data nor known by name."""

    def fit(self):
        """Nothing."""

    @classmethod
    def made(cls):
        """Nothing."""


def through_json(space):
    """A space that was written as text and read again."""
    return from_description(json.loads(json.dumps(describe(space), allow_nan=False)))


def space_of(option):
    """A space with one option that matters."""
    return Space({"x": hp.uniform("x", 0, 1), "m": hp.choice("m", ["other", option])})


def the_option(space):
    """That option, of a space that was read."""
    return space.params[space.column["m"]].options[1]


EVERYTHING = {
    "lr": hp.loguniform("lr", -9, 0.1),
    "units": hp.quniform("units", 8, 64, 8),
    "qlog": hp.qloguniform("qlog", 0, 4, 0.5),
    "mu": [hp.normal("mu", 0.1, 2), hp.qnormal("qmu", 0, 1e-5, 1e-9)],
    "sigma": (hp.lognormal("sigma", -3, 2), hp.qlognormal("qsigma", 0, 1, 0.5)),
    "n": hp.randint("n", 3, 9),
    "model": hp.pchoice(
        "model",
        [
            (
                0.1,
                {"kind": "svm", "c": hp.lognormal("c", 0, 1), "inner": hp.choice("i", [1, None])},
            ),
            (0.2, {"kind": "tree", "depth": scope.int(hp.quniform("depth", 1, 9, 1)) + 1}),
            (0.7, [True, 2.5, math.inf, {"$": "choice"}, {3: "three"}, hp.uniformint("k", -5, 5)]),
        ],
    ),
}


@pytest.mark.parametrize("template", [EVERYTHING, hp.normal("x", 0, 1), [EVERYTHING, [EVERYTHING]]])
def test_a_space_comes_back_column_for_column(template):
    """Labels in their order, distributions, parents and forks are those of the space."""
    space = Space(template)
    back = through_json(space)
    assert back.labels == space.labels
    assert back.distributions == space.distributions
    assert (back.parents, back.forks, back.column) == (space.parents, space.forks, space.column)
    assert describe(back) == describe(space)
    rng, again = np.random.default_rng(0), np.random.default_rng(0)
    X = space.sample(rng, 200)
    np.testing.assert_array_equal(back.sample(again, 200), X)
    np.testing.assert_array_equal(back.mask(X.copy()), space.mask(X.copy()))
    for row in X[:50]:
        values = space.decode(row)
        assert back.decode(row) == values
        assert back.check(values) == space.check(values)
        np.testing.assert_array_equal(back.encode(values), space.encode(values))


def test_probabilities_come_back_to_the_last_digit():
    """What was normalised once is not normalised again, so streams of candidates stay."""
    rng = np.random.default_rng(1)
    for _ in range(200):
        p = rng.random(7)
        space = Space(hp.pchoice("m", list(zip((p / p.sum()).tolist(), range(7), strict=True))))
        assert through_json(space).distributions[0].p == space.distributions[0].p


def test_equal_probabilities_are_not_written():
    """A plain choice has no list of probabilities."""
    assert "p" not in describe(Space(hp.choice("m", [1, 2, 3])))["$"]


def test_a_node_that_occurs_again_is_one_node():
    """Nodes and expressions that stand in several places are the same ones there."""
    x = hp.uniform("x", 0, 1)
    twice = x * 2
    back = through_json(Space([x, x, twice, {"a": [twice]}])).template
    assert back[0] is back[1] is back[2].args[0]
    assert back[2] is back[3]["a"][0]


def test_an_expression_of_itself_a_thousand_times_is_small():
    """Shared expressions are written once, so that x + x doubled 200 times has 200 entries."""
    x = hp.uniform("x", 0, 1)
    for _ in range(200):
        x = x + x
    assert len(json.dumps(describe(Space([x])))) < 100_000


PLAIN = [
    None,
    True,
    0,
    -7,
    2**63,
    -(10**30),
    0.1,
    -0.0,
    1e-320,
    math.inf,
    -math.inf,
    2 + 3j,
    complex(math.nan, -math.inf),
    "",
    "ü\ud800",
    b"",
    b"\x00\xff",
    bytearray(b"x"),
    range(2, 10**12, 3),
    ...,
    (),
    (1, (2, [3])),
    {},
    {1: 2, None: (3,)},
    {"$": 1},
    {"$": "uniform", "label": "y"},
    {"a": {"$": []}},
    {(1, 2): [3]},
    set(),
    {1, "a"},
    frozenset({(1, 2)}),
    slice(1, None, 2),
    datetime.datetime(2024, 2, 29, 1, 2, 3, 4),
    datetime.date(1, 1, 1),
    datetime.time(23, 59),
    datetime.datetime(2024, 1, 1, tzinfo=datetime.timezone(datetime.timedelta(hours=-5))),
    datetime.timedelta(-3, 5, 7),
    10**5000,
]


@pytest.mark.parametrize("value", PLAIN, ids=range(len(PLAIN)))
def test_plain_data_come_back_by_value(value):
    """Plain data are what they were, type for type."""
    back = the_option(through_json(space_of(value)))
    assert type(back) is type(value)
    by_value = isinstance(value, (int, set))  # whose text is too long, or in any order
    assert back == value if by_value else repr(back) == repr(value)
    assert not is_recorded(through_json(space_of(value)))


def test_nan_comes_back():
    """NaN as an option is NaN."""
    assert math.isnan(the_option(through_json(space_of(math.nan))))


ARRAYS = [
    np.arange(6).reshape(2, 3),
    np.array([]),
    np.zeros((0, 5)),
    np.array(3.5),
    np.array([np.nan, np.inf]),
    np.array([1 + 2j]),
    np.array(["a", "bcd"]),
    np.array([b"a"]),
    np.array([True, False]),
    np.array([1, 2], ">i2"),
    np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    np.float16([0.1, 65504]),
    np.array(["2024-01-01", "NaT"], "M8[D]"),
    np.array([5], "m8[ms]"),
    np.array([2**64 - 1], np.uint64),
    np.float32(0.1),
    np.int8(-3),
    np.bool_(True),
    np.str_("s"),
    np.datetime64("2024-01-01T05"),
    np.timedelta64(7, "D"),
    np.float64(-np.inf),
]


@pytest.mark.parametrize("value", ARRAYS, ids=range(len(ARRAYS)))
def test_numpy_comes_back_by_value(value):
    """Arrays and scalars have their values, types and shapes."""
    back = the_option(through_json(space_of(value)))
    assert type(back) is type(value)
    assert back.dtype == value.dtype
    assert back.shape == value.shape
    np.testing.assert_array_equal(back, value)


LARGE = [np.zeros(10_001), np.full(9000, "x" * 1000), np.array([object()]), np.zeros(2, "i4,f8")]
LARGE += [np.longdouble(1), np.ma.masked_array([1, 2], [0, 1]), np.recarray(1, "i4,f8")]


@pytest.mark.parametrize("value", LARGE, ids=range(len(LARGE)))
def test_other_arrays_are_objects(value):
    """What is large, or no plain array, is known by its type."""
    with pytest.warns(UserWarning, match="by type and position"):
        back = through_json(space_of(value))
    assert the_option(back) == Unknown(type(value).__module__, type(value).__qualname__)


KNOWN_BY_NAME = [
    (len, "function", "builtins", "len"),
    (math.exp, "function", "math", "exp"),
    (operator.add, "function", "_operator", "add"),
    (np.log, "function", "numpy", "log"),
    (Model, "class", __name__, "Model"),
    (Model.fit, "function", __name__, "Model.fit"),
    (Model.made, "function", __name__, "Model.made"),
    (through_json, "function", __name__, "through_json"),
    (int, "class", "builtins", "int"),
    (np.float32, "class", "numpy", "float32"),
    (str.upper, "function", "builtins", "str.upper"),
    (Colour.RED, "member", __name__, "Colour.RED"),
    (math, "module", "math", ""),
    (functools.lru_cache(space_of), "function", __name__, "space_of"),
]


@pytest.mark.parametrize(
    ("thing", "what", "module", "name"), KNOWN_BY_NAME, ids=range(len(KNOWN_BY_NAME))
)
def test_what_has_a_name_comes_back_as_its_name(thing, what, module, name):
    """Functions, classes, members and modules are placeholders, without a warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        back = through_json(space_of(thing))
    assert the_option(back) == Named(what, module, name)
    assert name in repr(the_option(back))
    assert hash(the_option(back)) == hash(Named(what, module, name))
    assert is_recorded(back)


TEXTS = [pathlib.Path("a/b"), decimal.Decimal("1.50"), fractions.Fraction(1, 3), uuid.UUID(int=5)]


@pytest.mark.parametrize("value", TEXTS, ids=str)
def test_what_its_text_makes_it_comes_back_as_text(value):
    """Paths and exact numbers are shown, and told apart by their text."""
    back = the_option(through_json(space_of(value)))
    assert isinstance(back, Text)
    assert back.text == str(value)
    assert key_of(back).text == key_of(value).text


OBJECTS = [Model(), lambda x: x, Model().fit, "x".upper, functools.partial(len, []), list[int]]
OBJECTS += [type("S", (str,), {})("s"), datetime.datetime(2024, 1, 1, fold=1), slice("a")]


@pytest.mark.parametrize("value", OBJECTS, ids=range(len(OBJECTS)))
def test_other_objects_are_known_by_type_with_one_warning(value):
    """One warning names the labels; the placeholder has the type."""
    space = Space([space_of(value).template, hp.choice("clf", [value, value, {"a": value}])])
    with pytest.warns(UserWarning, match="by type and position") as caught:
        data = describe(space)
    assert len(caught) == 1
    assert "in 'm'" in str(caught[0].message)
    assert "in 'clf'" in str(caught[0].message)
    assert caught[0].filename == __file__
    back = from_description(data)
    kind = type(value)
    assert the_option(back) == Unknown(kind.__module__, kind.__qualname__)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert describe(back) == data


def test_objects_outside_all_choices_are_named_as_such():
    """A constant that no record can hold does not need a label to be warned of."""
    with pytest.warns(UserWarning, match="Model outside all choices"):
        describe(Space({"model": Model(), "x": hp.uniform("x", 0, 1)}))


def test_nothing_is_pickled_to_describe():
    """Objects that cannot be pickled are described like others."""

    class Stubborn:
        def __reduce_ex__(self, protocol):
            raise AssertionError

    with pytest.warns(UserWarning, match="Stubborn in 'm'"):
        describe(space_of(Stubborn()))


def test_containers_of_classes_of_their_own():
    """Their class is known by name, their items as ever, with nodes in them."""
    y = hp.uniform("y", 0, 1)
    space = Space(
        {"m": hp.choice("m", [OrderedDict(a=y), Point(1, y), type("L", (list,), {})([y])])}
    )
    back = through_json(space)
    ordered, point, own = back.params[0].options
    assert isinstance(ordered, ReadDict)
    assert ordered.kind == ("collections", "OrderedDict")
    assert isinstance(point, ReadTuple)
    assert point.kind == (__name__, "Point")
    assert point.named["x"] == 1
    assert back.labels == space.labels
    assert back.build({"m": 0, "y": 0.5}) == {"m": {"a": 0.5}}
    assert back.build({"m": 1, "y": 0.5}) == {"m": (1, 0.5)}
    assert back.build({"m": 2, "y": 0.5}) == {"m": [0.5]}
    assert describe(back) == describe(space)
    assert own.kind[1] == "L"


def test_a_read_expression_cannot_be_evaluated():
    """The sentence says that the record has the function's name only."""
    back = through_json(Space({"n": scope.int(hp.quniform("n", 1, 9, 1))}))
    with pytest.raises(BadSearchSpace, match="was read from a record"):
        back.build({"n": 3.0})


def test_a_placeholder_cannot_be_called():
    """Neither a function nor an object that is known by name or type does anything."""
    for thing in (Named("function", "m", "f"), Unknown("m", "C"), Text("pathlib", "P", "a")):
        with pytest.raises(BadSearchSpace, match="cannot be called"):
            thing(1)


def test_views_of_trials_in_a_space_that_was_read():
    """Documents and parameters show placeholders as options, and points are checked."""
    with pytest.warns(UserWarning, match="by type"):
        space = through_json(
            Space(hp.choice("m", [len, Model(), {"k": Model, "x": hp.uniform("x", 0, 1)}]))
        )
    history = History(space)
    for i, point in enumerate(({"m": 0}, {"m": 1}, {"m": 2, "x": 0.5})):
        history.start([space.check(point)], 0.0)
        history.finish(i, 0, Outcome(Status.OK, loss=1.0 - i))
    assert document_of(history[2], space, None)["misc"]["vals"] == {"m": [2], "x": [0.5]}
    assert params_of(history[0], space) == {"m": Named("function", "builtins", "len")}
    assert params_of(history.best, space)["m"] == {"k": Named("class", __name__, "Model"), "x": 0.5}
    with pytest.raises(InvalidTrial, match="'x'"):
        space.check({"m": 2})
    again = pickle.loads(pickle.dumps(history))
    assert again.space.labels == space.labels
    assert again.space.params[0].options[:2] == space.params[0].options[:2]


def test_the_deepest_that_is_written_can_be_read():
    """What can be described comes back through JSON; what is deeper is refused in a sentence."""
    for wrap in (
        lambda node: [node], lambda node: (node,), lambda node: {"a": node}, lambda node: {1: node},
        lambda node: node + 1, lambda node: Point(1, node), lambda node: scope.max(a=node),
    ):  # fmt: skip
        node = hp.uniform("x", 0, 1)
        for _ in range(120):
            node = wrap(node)
        assert through_json(Space([node])).labels == ("x",)
        for _ in range(150):
            node = wrap(node)
        with pytest.raises(BadSearchSpace, match="nested too deeply"):
            describe(Space([node]))


def test_what_has_no_word_is_refused():
    """A distribution or node of an unknown kind is named in one sentence."""

    class Own(Uniform):
        pass

    with pytest.raises(
        BadSearchSpace, match="'x' has a distribution that no record has a word for"
    ):
        describe(Space(Param("x", Own(0, 1))))
    with pytest.raises(BadSearchSpace, match="node of unknown kind"):
        described(Node())


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text(max_size=2) | st.just("$") | st.integers(), inner, max_size=3)
    ),
    max_leaves=10,
)


@examples(200)
@given(values)
def test_any_plain_value_comes_back(value):
    """Whatever nests, as an option or by itself, is the same afterwards."""
    assert the_option(through_json(space_of(value))) == value
    assert value_from(json.loads(json.dumps(described(value)))) == value
    assert key_of(value_from(described(value))).text == key_of(value).text


def test_ten_thousand_options_are_quick():
    """A choice of many plain options costs some milliseconds; the limit has room to spare."""
    for options in (list(map(str, range(10_000))), np.linspace(0, 1, 10_000).tolist()):
        space = Space(hp.choice("m", options))
        data = describe(space)
        assert min(timeit.repeat(lambda space=space: describe(space), number=1, repeat=3)) < 0.1
        assert (
            min(timeit.repeat(lambda data=data: from_description(data), number=1, repeat=3)) < 0.1
        )
