"""Expressions over hyperparameters, evaluated on native values."""

import collections
import math
import operator

import numpy as np
import pytest

from sparktune import BadSearchSpace, hp
from sparktune.space.expressions import Call, Node, Scope, scope
from sparktune.space.tree import Space

Point = collections.namedtuple("Point", "x y")


def built(template, **values):
    """The configuration of one candidate."""
    return Space(template).build(values)


@pytest.mark.parametrize(
    "function",
    [
        operator.add,
        operator.sub,
        operator.mul,
        operator.truediv,
        operator.floordiv,
        operator.mod,
        operator.pow,
        operator.lt,
        operator.le,
        operator.gt,
        operator.ge,
        operator.eq,
        operator.ne,
    ],
)
def test_operators_work_in_both_directions(function):
    """`node op number`, `number op node` and `node op node` give what the numbers give."""
    n, m = hp.randint("n", 10), hp.randint("m", 10)
    for a, b in ((7, 3), (3, 7), (5, 5)):
        assert built(function(n, b), n=a) == function(a, b)
        assert built(function(a, n), n=b) == function(a, b)
        assert built(function(n, m), n=a, m=b) == function(a, b)
        assert type(built(function(n, b), n=a)) is type(function(a, b))


def test_unary_operators():
    """Minus, plus and abs apply to the value."""
    x = hp.uniform("x", -5, 5)
    assert built([-x, +x, abs(x)], x=-2.5) == [2.5, -2.5, 2.5]


def test_expressions_nest():
    """An expression is a node like any other and may be part of a further one."""
    x = hp.uniform("x", 0, 1)
    node = {"a": 10 ** (2 * x - 1), "b": [scope.int(3 * x) + 1]}
    assert built(node, x=0.75) == {"a": 10**0.5, "b": [3]}


def test_comparison_is_an_expression():
    """== and < of nodes are evaluated in the trial and give bools."""
    n = hp.randint("n", 10)
    assert isinstance(n == 3, Call)
    assert built([n == 3, n != 3, n > 5], n=3) == [True, False, False]


def test_indexing_through_a_choice():
    """A choice between lists can be indexed, by numbers, slices and other nodes."""
    c = hp.choice("c", [[1, 2, 3], [4, 5, 6]])
    assert built(c[1], c=1) == 5
    assert built(c[1:], c=0) == [2, 3]
    assert built(c[hp.randint("i", 3)], c=1, i=2) == 6
    assert built(hp.choice("c", [{"k": 1}, {"k": hp.uniform("u", 0, 1)}])["k"], c=1, u=0.5) == 0.5


def test_a_list_of_nodes_is_indexed_by_a_node():
    """scope.getitem picks one of several nodes by the value of another."""
    i = hp.randint("i", 2)
    both = scope.getitem([hp.uniform("a", 0, 1), hp.uniform("b", 0, 1)], i)
    assert built(both, i=1, a=0.25, b=0.75) == 0.75


def test_a_choice_between_functions_is_called():
    """The value of a node may be called with values of other nodes."""
    f = hp.choice("f", [math.sqrt, abs])
    assert built(f(hp.randint("n", 99)), f=0, n=16) == 4.0
    assert built(f(hp.randint("n", 99) - 20), f=1, n=16) == 4


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("int", (2.9,), 2),
        ("float", (2,), 2.0),
        ("str", (2,), "2"),
        ("bool", (0,), False),
        ("len", ([1, 2],), 2),
        ("sum", ([1, 2],), 3),
        ("abs", (-2,), 2),
        ("round", (2.567, 1), 2.6),
        ("max", (1, 3, 2), 3),
        ("min", ([4, 3],), 3),
        ("pow", (2, 3), 8),
        ("exp", (0,), 1.0),
        ("log", (math.e,), 1.0),
        ("log2", (8,), 3.0),
        ("log10", (100,), 2.0),
        ("sqrt", (9,), 3.0),
        ("sin", (0,), 0.0),
        ("cos", (0,), 1.0),
        ("tan", (0,), 0.0),
        ("floor", (2.5,), 2),
        ("ceil", (2.5,), 3),
        ("getitem", ([5, 6], 1), 6),
    ],
)
def test_scope_functions(name, arguments, expected):
    """Every function of scope gives what Python's gives."""
    n = hp.randint("n", 2)
    got = built([n, getattr(scope, name)(*arguments)], n=0)[1]
    assert got == expected
    assert type(got) is type(expected)
    assert name in dir(scope)


def test_scope_calls_nest_and_take_keywords():
    """Scope functions take nodes, containers of nodes and keywords."""
    own = Scope({"int": int, "round": round, "sum": sum})
    x, y = hp.uniform("x", 0, 9), hp.uniform("y", 0, 9)
    node = own.int(own.round(own.sum([x, y, 1]), ndigits=1))
    assert built(node, x=1.26, y=2.7) == 5
    assert built(own.round(own.sum([x, y]), ndigits=own.int(x)), x=1.26, y=2.71) == 4.0


def test_unknown_scope_functions_are_refused():
    """An unknown function is an AttributeError that names the way out."""
    with pytest.raises(AttributeError, match=r"no function 'nothing'; add one with @scope\.define"):
        scope.nothing(1)


def test_a_node_that_occurs_twice_is_evaluated_once():
    """A function applied in one node is called once per candidate, wherever the node stands."""
    calls = []
    own = Scope({})

    @own.define
    def counted(x):
        calls.append(x)
        return [x]

    node = own.counted(hp.randint("n", 5))
    space = Space({"a": node, "b": [node, node[0] + 1], "c": hp.choice("c", [node, 0])})
    config = space.build({"n": 3, "c": 0})
    assert config == {"a": [3], "b": [[3], 4], "c": [3]}
    assert calls == [3]
    space.build({"n": 4, "c": 1})
    assert calls == [3, 4]


def test_only_the_chosen_branch_is_evaluated():
    """A function that stands in another option is not called."""
    own = Scope({})

    @own.define
    def explode():
        raise AssertionError

    space = Space(hp.choice("c", [1, own.explode()]))
    assert space.build({"c": 0}) == 1
    with pytest.raises(BadSearchSpace, match=r"explode\(\) cannot be evaluated.*AssertionError"):
        space.build({"c": 1})


def test_define_gives_the_function_back():
    """scope.define leaves the function as it is and adds it under its name."""
    own = Scope({})

    @own.define
    def twice(x):
        return 2 * x

    assert twice(4) == 8
    assert isinstance(own.twice(4), Node)
    assert built(own.twice(hp.randint("n", 5)), n=3) == 6
    assert own.define(twice) is twice


def test_define_takes_a_new_version_of_the_same_function():
    """Running the cell of a notebook again replaces the function."""
    own = Scope({})

    def version(result):
        def shift(x):
            return x + result

        return shift

    own.define(version(1))
    own.define(version(10))
    assert built(own.shift(hp.randint("n", 5)), n=3) == 13


def test_define_refuses_a_name_that_is_taken():
    """A function does not silently replace another one of the same name."""
    own = Scope({"log": math.log})

    def log(x):
        return x

    with pytest.raises(ValueError, match="already has a function 'log'"):
        own.define(log)
    log.__qualname__ = "log"  # as at the top of a module
    with pytest.raises(ValueError, match="already has a function 'log'"):
        own.define(log)
    assert built(own.log(hp.randint("n", 5)), n=1) == 0.0


def test_define_refuses_what_has_no_name():
    """Only named functions can be defined."""
    with pytest.raises(TypeError, match="named function"):
        scope.define(3)


@pytest.mark.parametrize("node", [hp.uniform("x", 0, 1), hp.uniform("x", 0, 1) > 0.5])
def test_nodes_have_no_truth_value(node):
    """if, and, not and max over nodes are refused with the way out."""
    for use in (bool, lambda n: n and 1, lambda n: not n, lambda n: 0 if n else 1):
        with pytest.raises(TypeError, match=r"no truth value .* hp\.choice"):
            use(node)
    with pytest.raises(TypeError, match="no truth value"):
        max(node, 3)


def test_nodes_are_not_iterable():
    """Looping over a node, unpacking it and asking for its length end at once."""
    node = hp.choice("c", [[1, 2], [3, 4]])
    for use in (iter, list, len, lambda n: [*n], lambda n: 1 in n):
        with pytest.raises(TypeError):
            use(node)


@pytest.mark.parametrize(
    ("use", "sentence"),
    [
        (int, r"int\(\) needs a value.*scope\.int"),
        (float, r"float\(\) or a function of math .*scope\.float"),
        (complex, r"complex\(\)"),
        (range, r"range\(\) or an index .*scope\.getitem"),
        (lambda n: [1, 2][n], r"range\(\) or an index .*scope\.getitem"),
        (lambda n: [1, 2][:n], r"range\(\) or an index"),
        (lambda n: round(n, 2), r"scope\.round"),
        (len, r"scope\.len"),
        (list, r"iteration needs a value.*node\[0\]"),
        (lambda n: 1 in n, r"hp\.choice"),
        (lambda n: divmod(n, 2), "node // number"),
        (math.log, r"function of math .*scope\.log"),
        (math.floor, r"scope\.floor"),
        (math.ceil, r"scope\.ceil"),
        (math.trunc, r"scope\.int"),
        (np.exp, r"np\.exp needs a value.*scope\.exp"),
        (np.log10, r"scope\.log10"),
        (np.tanh, r"np\.tanh .*@scope\.define"),
        (lambda n: np.maximum(n, 1), r"np\.maximum .*@scope\.define"),
        (lambda n: np.round(n, 2), r"scope\.round"),
        (np.mean, r"np\.mean .*inside the objective"),
        (lambda n: np.linspace(0, n), r"np\.linspace"),
        (lambda n: np.asarray(n, float), "an array of float64"),
        (np.float64, "an array of float64"),
        (lambda n: f"{n:.2f}", r"the format code '\.2f' .*inside the objective"),
        (lambda n: "%.2f" % n, r"scope\.float"),  # noqa: UP031
    ],
)
@pytest.mark.parametrize("node", [hp.randint("label", 5), hp.uniform("label", 0, 1) + 1])
def test_what_needs_a_value_says_what_a_node_is(node, use, sentence):
    """Whatever Python and numpy do with a number at once says what to write instead."""
    with pytest.raises(TypeError, match=sentence) as info:
        use(node)
    assert "'label'" in str(info.value)
    assert "known only in a trial" in str(info.value)
    assert "objective" in str(info.value)


def test_an_empty_format_code_shows_the_node():
    """An f-string without a code prints a node as repr does, for debugging."""
    node = hp.uniform("x", 0, 1)
    assert f"{node}" == f"{node!r}" == str(node) == repr(node)


def test_arithmetic_with_numpys_numbers_gives_nodes():
    """Numbers and arrays of numpy stand on either side of an operator."""
    x = hp.uniform("x", 0, 1)
    node = [np.float64(2) * x, np.log(10) - x, np.int64(3) > x, x + np.float32(1), -x * np.pi]
    assert built(node, x=0.5) == [1.0, math.log(10) - 0.5, True, 1.5, -0.5 * math.pi]
    np.testing.assert_array_equal(built(np.array([1, 2]) * x, x=0.5), [0.5, 1.0])
    np.testing.assert_array_equal(built(x < np.array([0, 2]), x=0.5), [False, True])
    assert built([(x > 0.2) & (x < 0.4), (x < 0.2) | (x > 0.4)], x=0.5) == [False, True]


def test_nodes_stand_in_arrays_of_objects():
    """An array of objects may hold nodes, as the options of a choice."""
    x, n = hp.uniform("x", 0, 1), hp.randint("n", 5)
    for made in (np.array([x, n]), np.array([x, n], dtype=object)):
        assert made.flat[0] is x
        assert built(hp.choice("c", made), c=1, n=3) == 3


def test_nodes_are_hashed_by_identity():
    """Two nodes are different keys, and the same node finds itself."""
    a, b = hp.uniform("a", 0, 1), hp.uniform("b", 0, 1)
    assert {a: 1, b: 2, a + b: 3}[a] == 1
    assert len({a, b, a}) == 2


def test_configurations_are_fresh_copies():
    """What an objective does to the containers it received does not reach the space."""
    inner = {"k": [1, 2]}
    template = {"x": hp.uniform("x", 0, 1), "c": hp.choice("c", [inner, 0]), "l": [inner]}
    space = Space(template)
    config = space.build({"x": 0.5, "c": 0})
    config.pop("x")
    config["c"].pop("k")
    config["l"][0]["k"].clear()
    config["l"].append(1)
    assert space.build({"x": 0.5, "c": 0}) == {"x": 0.5, "c": {"k": [1, 2]}, "l": [{"k": [1, 2]}]}
    assert inner == {"k": [1, 2]}
    assert set(template) == {"x", "c", "l"}


def test_kinds_of_containers_are_kept():
    """Named tuples, ordered and default dicts, subclasses and nested ones keep their types."""

    class Bag(list):
        pass

    class Pair(tuple):
        __slots__ = ()

    x = hp.uniform("x", 0, 1)
    ordered = collections.OrderedDict([("b", x), ("a", 2)])
    default = collections.defaultdict(list, {"k": [x]})
    config = built([Point(x, y=[x]), ordered, default, Bag([x]), Pair([x, 1]), (x,), ()], x=0.5)
    point, ordered, default, bag, pair, single, empty = config
    assert type(point) is Point
    assert point == Point(0.5, [0.5])
    assert type(ordered) is collections.OrderedDict
    assert list(ordered.items()) == [("b", 0.5), ("a", 2)]
    assert type(default) is collections.defaultdict
    assert default == {"k": [0.5]}
    assert default["new"] == []
    assert type(bag) is Bag
    assert bag == [0.5]
    assert type(pair) is Pair
    assert pair == (0.5, 1)
    assert single == (0.5,)
    assert empty == ()


def test_objects_are_passed_by_identity():
    """An option that is no container reaches the objective as the very object."""
    model, frame = object(), {1, 2}
    space = Space([hp.choice("c", [model, frame, len]), model])
    assert space.build({"c": 0})[0] is model
    assert space.build({"c": 1})[0] is frame
    assert space.build({"c": 2})[0] is len
    assert space.build({"c": 2})[1] is model


def test_nodes_show_what_they_are():
    """`repr` names labels, functions and arguments."""
    node = scope.round(1 + hp.uniform("x", 0, 1), ndigits=2)
    assert (
        repr(node)
        == "round(add(1, <'x': Uniform(low=0.0, high=1.0, log=False, q=None)>), ndigits=2)"
    )
    assert repr(hp.choice("c", [1, 2])) == "<'c': choice of 2>"
