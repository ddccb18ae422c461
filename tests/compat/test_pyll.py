"""Graphs of function applications, and the functions that they are made of."""

import contextlib
import inspect
import math
import operator
import time

import numpy as np
import pytest

from sparktune.hyperopt import hp
from sparktune.hyperopt.pyll import (
    Apply,
    Literal,
    as_apply,
    base,
    clone,
    clone_merge,
    dfs,
    rec_eval,
    scope,
    stochastic,
    toposort,
)


def test_a_function_may_be_defined_again():
    """The same function defined again, as by running a cell again, takes the place of the first."""

    def make(add):
        def cell_function(x):
            return x + add

        return cell_function

    scope.define(make(1))
    scope.define(make(2))
    assert rec_eval(scope.cell_function(1)) == 3
    scope.undefine("cell_function")
    with pytest.raises(AttributeError, match="cell_function"):
        _ = scope.cell_function

    def uniform(x):
        return x

    with pytest.raises(ValueError, match="cannot be overridden"):
        scope.define(uniform)


def test_nodes_of_unknown_length_do_not_iterate():
    """A node whose items nobody knows is no iterable, rather than one without an end."""
    with pytest.raises(TypeError, match="is not known"):
        list(scope.int(3))
    first, second = as_apply((4, 5))
    assert (rec_eval(first), rec_eval(second)) == (4, 5)


def test_long_graphs_are_evaluated():
    """A chain of thousands of nodes is no recursion; it can be cloned and sorted."""
    node = as_apply(0)
    for _ in range(5000):
        node = node + 1
    assert rec_eval(node) == rec_eval(clone(node)) == 5000
    assert toposort(node)[-1] is node


def test_graphs_that_go_round_are_refused():
    """A node among its own arguments is found, by evaluation and by sorting."""
    node = Apply("identity", [Literal(1)], [])
    node.pos_args[0] = node
    with pytest.raises(RuntimeError, match="its own arguments"):
        rec_eval(node, max_program_len=50)
    with pytest.raises(ValueError, match="its own arguments"):
        toposort(node)


# Nodes.


def test_operators_between_nodes_are_those_of_their_values():
    """Arithmetic and comparison take a node on either side, and give what the values give."""
    seven = as_apply(7)
    names = ("add", "sub", "mul", "truediv", "floordiv", "pow", "lt", "le", "gt", "ge")
    for function in (getattr(operator, name) for name in names):
        for left, right in ((seven, 2), (2, seven), (seven, 7), (seven, as_apply(9))):
            wanted = function(rec_eval(left), rec_eval(right))
            assert rec_eval(function(left, right)) == wanted, function
    assert rec_eval(-seven) == -7


def test_a_node_can_be_called_and_indexed():
    """Calling or indexing a node does so with its value."""
    assert rec_eval(as_apply(divmod)(7, 2)) == (3, 1)
    assert rec_eval(as_apply(int)("11", base=2)) == 3
    assert rec_eval(as_apply([4, 5])[as_apply(1)]) == 5


def test_nodes_are_keys_by_identity():
    """A node is true and equal to itself alone, though its value may be that of another."""
    one, other = as_apply(0), as_apply(0)
    assert one
    assert one != other
    assert len({one, other}) == 2


def test_a_graph_is_printed_as_numbered_lines():
    """Each node has a line, arguments are below it, and what has been printed is referred to."""
    shared = hp.uniform("x", 0, 1)
    assert str(as_apply({"b": shared, "a": [1, shared, scope.max(2, 3)]})).splitlines() == [
        "0 dict",
        "1  a =",
        "2   pos_args",
        "3     Literal{1}",
        "4     float",
        "5       hyperopt_param",
        "6         Literal{x}",
        "7         uniform",
        "8           Literal{0}",
        "9           Literal{1}",
        "10     max",
        "11       Literal{2}",
        "12       Literal{3}",
        "13  b =",
        "14   float  [line:4]",
    ]


def test_arguments_are_known_by_name():
    """What was given is found by name, and what was not is marked as missing."""
    draw = scope.uniform(0, high=1)
    assert [draw.arg[name].obj for name in ("low", "high")] == [0, 1]
    assert draw.arg["rng"] is draw.arg["size"] is base.MissingArgument
    assert as_apply(3).arg == {}
    several = scope.call_method(as_apply("a"), "format", 1, 2, key=3).arg
    assert [each.obj for each in several["args"]] == [1, 2]
    assert several["kwargs"]["key"].obj == 3
    with pytest.raises(TypeError, match="too many"):
        _ = scope.identity(1, 2).arg
    with pytest.raises(TypeError, match="twice"):
        _ = scope.identity(1, obj=2).arg


def test_arguments_can_be_set_by_name():
    """An argument is given by name, or given anew; one that was given by position stays."""
    node = scope.uniform(0, size=(), high=1)
    node.set_kwarg("rng", 3)
    node.set_kwarg("high", as_apply(4))
    assert [name for name, _ in node.named_args] == ["high", "rng", "size"]
    assert [each.obj for _, each in node.named_args[:2]] == [4, 3]
    with pytest.raises(NotImplementedError, match="by position"):
        scope.uniform(0, 1).set_kwarg("low", 2)


def test_inputs_can_be_replaced():
    """A node takes the place of another wherever that was an argument, and the places are told."""
    one, two, nine = map(as_apply, (1, 2, 9))
    node = Apply("dict", [as_apply([])], [["a", one], ["b", two], ["c", one]])
    assert node.replace_input(one, nine) == [1, 3]
    assert rec_eval(node) == {"a": 9, "b": 2, "c": 9}
    assert node.replace_input(one, nine) == []
    difference = scope.sub(one, two)
    assert difference.replace_input(one, nine) == [0]
    assert difference.eval() == 7


def test_a_literal_has_the_length_of_its_value():
    """Values that have items can be unpacked as nodes, and all others have no length."""
    letters, numbers = as_apply("abc"), as_apply(np.arange(2.0))
    assert (len(letters), len(numbers)) == (3, 2)
    assert [rec_eval(each) for each in letters] == ["a", "b", "c"]
    with pytest.raises(IndexError):
        letters[3]
    for value in (3, None, str):
        with pytest.raises(TypeError, match="is not known"):
            len(as_apply(value))


def test_a_node_is_evaluated_by_itself():
    """Eval gives a node's value."""
    assert (as_apply(3) + 4).eval() == 7


def test_a_copy_may_have_other_arguments():
    """A node is copied with other inputs, which have to be as many."""
    node = scope.sub(5, 2)
    assert rec_eval(node.clone_from_inputs([as_apply(9), as_apply(1)])) == 8
    assert rec_eval(node) == 3
    with pytest.raises(TypeError, match="2 inputs"):
        node.clone_from_inputs([as_apply(9)])
    assert as_apply(3).clone_from_inputs([]).obj == 3


def test_a_copy_of_a_space_shares_no_node():
    """A cloned space draws the same as the original, with nodes of its own."""
    space = as_apply({"x": hp.uniform("x", 0, 1), "c": hp.choice("c", [1, hp.randint("n", 9)])})
    copied = clone(space)
    assert not set(dfs(space)) & set(dfs(copied))
    assert [node.name for node in dfs(copied)] == [node.name for node in dfs(space)]
    for seed in range(9):
        drawn = [stochastic.sample(each, np.random.default_rng(seed)) for each in (space, copied)]
        assert drawn[0] == drawn[1]


def test_dicts_and_keywords_are_sorted_by_name():
    """Keys of a dict and keywords of a node come in their order."""
    assert list(rec_eval(as_apply({"b1": 1, "a2": 2, "a10": 3}))) == ["a10", "a2", "b1"]
    assert [name for name, _ in scope.dict(b1=1, a2=2).named_args] == ["a2", "b1"]
    assert rec_eval(as_apply({2: "b", 1: "a"})) == {1: "a", 2: "b"}
    assert rec_eval(as_apply({2: "b", "1": "a"})) == {2: "b", "1": "a"}


def test_equal_pure_nodes_are_merged():
    """Of nodes that apply the same function to the same arguments a merged copy has one."""
    shared = as_apply([1, 2])
    expr = as_apply([scope.len(shared), scope.len(shared), scope.len(as_apply([1, 2]))])
    apart, merged = clone_merge(expr), clone_merge(expr, merge_literals=True)
    assert rec_eval(apart) == rec_eval(merged) == (2, 2, 2)
    assert apart.pos_args[0] is apart.pos_args[1]
    assert apart.pos_args[0] is not apart.pos_args[2]
    assert len(dfs(merged)) < len(dfs(apart)) < len(dfs(expr))


def test_a_graph_is_made_by_the_name_of_a_function():
    """Apply takes the name of a function, values and nodes."""
    node = base.apply("sub", 5, as_apply(3))
    assert rec_eval(node) == 2
    assert rec_eval(base.apply("dict", b=1, a=2)) == {"a": 2, "b": 1}


def test_rec_eval_takes_hyperopts_parameters():
    """The parameters of rec_eval are those of Hyperopt's, with nothing of the room's own."""
    wanted = "expr deepcopy_inputs memo max_program_len memo_gc print_trace print_node_on_error"
    assert " ".join(inspect.signature(rec_eval).parameters) == wanted


# The table of functions.


def doubled(x):
    """A function that nobody defines but the tests."""
    return 2 * x


@pytest.fixture
def defined():
    """The name of ``doubled``, which is not in scope afterwards."""
    yield "doubled"
    with contextlib.suppress(KeyError):
        scope.undefine("doubled")


def test_ways_to_define_a_function(defined):
    """Each way to define gives the function back, and says of its nodes what it was told."""
    assert scope.define(doubled) is doubled
    assert rec_eval(scope.doubled(4)) == 8
    assert scope.define_if_new(doubled) is doubled
    scope.undefine(doubled)
    assert scope.define_pure(doubled) is doubled
    assert scope.doubled(4).pure
    scope.undefine(doubled)
    assert scope.define_info(o_len=2)(doubled) is doubled
    assert len(scope.doubled(4)) == 2
    scope.undefine(doubled)
    with pytest.raises(AttributeError, match=r"@scope\.define"):
        _ = scope.doubled


def test_another_function_of_a_name_is_refused(defined):
    """Define_if_new takes a function again, and no other one of its name."""
    scope.define_if_new(doubled)

    def another(x):
        return x

    another.__name__ = "doubled"
    with pytest.raises(ValueError, match="'doubled'"):
        scope.define_if_new(another)
    assert rec_eval(scope.doubled(4)) == 8


def test_functions_are_put_into_a_namespace():
    """Functions of scope are taken by their names and by new ones; unknown ones are refused."""
    into = {}
    scope.import_(into, "len", whole="int")
    assert {name: rec_eval(function("17")) for name, function in into.items()} == {
        "len": 2, "whole": 17,
    }  # fmt: skip
    assert sorted(scope.inject("max", low="min")) == ["low", "max"]
    with pytest.raises(base.PyllImportError, match="nothing_such"):
        scope.inject("nothing_such")


def test_entries_of_the_table_say_their_names():
    """A function of scope shows as what a person writes."""
    assert repr(scope.int) == "scope.int"


def test_a_node_brings_its_function_along(run_python, tmp_path):
    """A node with define_params is evaluated where it is unpickled, though nothing defines it."""
    (tmp_path / "mine.py").write_text("def tripled(x):\n    return 3 * x\n")
    script = """
import pickle, sys
from sparktune.hyperopt.pyll import Apply, as_apply, rec_eval, scope
if sys.argv[1:]:
    import mine
    node = Apply("tripled", [as_apply(4)], {}, define_params={"f": mine.tripled})
    print(pickle.dumps(node).hex())
else:
    print(rec_eval(pickle.loads(bytes.fromhex(open("node").read()))))
"""
    (tmp_path / "node").write_text(run_python(script, "write").stdout)
    assert run_python(script).stdout == "12\n"


VALUES = {
    "identity": (scope.identity(3), 3),
    "identity of a text": (scope.identity("ab"), "ab"),
    "pos_args": (scope.pos_args(1, 2), (1, 2)),
    "call": (scope.call(int, ("11",), {"base": 2}), 3),
    "call without keywords": (scope.call(max, (1, 2)), 2),
    "call_method": (scope.call_method("ab", "upper"), "AB"),
    "call_method_pure": (scope.call_method_pure("a,b", "split", sep=","), ["a", "b"]),
    "repeat": (scope.repeat(3, "a"), ["a", "a", "a"]),
    "str_join": (scope.str_join("-", ["a", "b"]), "a-b"),
    "switch": (scope.switch(as_apply(1), "a", "b"), "b"),
    "kwswitch": (scope.kwswitch("b", a=1, b=2, c=3), 2),
    "array_union": (scope.array_union([5, 1], [2, 1]), [1, 2, 5]),
    "array_union1": (scope.array_union1([[5, 1], [2, 1]]), [1, 2, 5]),
    "asarray": (scope.asarray((1, 2), "float"), [1.0, 2.0]),
    "bincount": (scope.bincount([2, 4], offset=1, minlength=5), [0, 1, 0, 1, 0]),
    "bincount of weights": (scope.bincount([1, 1], weights=[0.5, 0.25]), [0.0, 0.75]),
    "bincount of shares": (scope.bincount(np.array([1]), p=np.array([[0.2, 0.3, 0.5]])), [0, 1, 0]),
    "pow": (scope.pow(2, 3), 8),
    "exp": (scope.exp(0.5), math.exp(0.5)),
    "log": (scope.log(2), math.log(2)),
    "sin": (scope.sin(1), math.sin(1)),
    "cos": (scope.cos(1), math.cos(1)),
    "tan": (scope.tan(1), math.tan(1)),
    "sqrt": (scope.sqrt(9), 3),
    "sum": (scope.sum([1, 2, 5]), 8),
    "minimum": (scope.minimum([1, 4], [3, 2]), [1, 2]),
    "maximum": (scope.maximum([1, 4], [3, 2]), [3, 4]),
    "eq": (scope.eq(1, 1.0), True),
    "getattr": (scope.getattr(3, "real"), 3),
    "list": (scope.list((1, 2)), [1, 2]),
    "range": (scope.list(scope.range(1, 4)), [1, 2, 3]),
    "float": (scope.float("2"), 2.0),
}


@pytest.mark.parametrize("name", VALUES)
def test_functions_of_scope(name):
    """Each function that scope has from the start gives its value."""
    node, wanted = VALUES[name]
    found = rec_eval(node)
    assert (found.tolist() if isinstance(found, np.ndarray) else found) == wanted
    assert type(found) is type(wanted) or isinstance(found, (np.ndarray, np.generic))


def test_methods_that_change_are_called_on_a_copy():
    """Copy_call_method_pure leaves its object as it is, call_method does not."""
    numbers = [1, 2, 5]
    held = Literal(numbers)
    assert rec_eval(scope.copy_call_method_pure(held, "pop")) == 5
    assert numbers == [1, 2, 5]
    rec_eval(scope.call_method(held, "append", 4))
    assert numbers == [1, 2, 5, 4]


def test_functions_of_scope_are_functions_of_the_module():
    """Those that are no builtins can be called as they are."""
    assert base.switch(1, "a", "b") == "b"
    assert base.repeat(2, 0) == [0, 0]
    with pytest.raises(KeyError, match="lost"):
        base.Raise(KeyError, "lost")


def test_raise_raises(capsys):
    """Raise is an exception when it is evaluated, and the node is printed."""
    with pytest.raises(ZeroDivisionError, match="by hand"):
        rec_eval(scope.Raise(ZeroDivisionError, "by hand"))
    assert "ZeroDivisionError" in capsys.readouterr().out


def test_the_time_is_told_beside_the_argument():
    """Curtime gives the time and its argument, which can be unpacked."""
    begin = time.time()
    when, argument = scope.curtime("x")
    assert begin <= rec_eval(when) <= time.time()
    assert rec_eval(argument) == "x"


# Draws.

DRAWS = {
    "uniform": ((2, 3), lambda rng, n: rng.uniform(2, 3, n)),
    "loguniform": ((-1, 2), lambda rng, n: np.exp(rng.uniform(-1, 2, n))),
    "quniform": ((0, 10, 2.5), lambda rng, n: np.round(rng.uniform(0, 10, n) / 2.5) * 2.5),
    "qloguniform": ((0, 3, 2), lambda rng, n: np.round(np.exp(rng.uniform(0, 3, n)) / 2) * 2),
    "normal": ((1, 2), lambda rng, n: rng.normal(1, 2, n)),
    "qnormal": ((0, 5, 2), lambda rng, n: np.round(rng.normal(0, 5, n) / 2) * 2),
    "lognormal": ((0, 1), lambda rng, n: np.exp(rng.normal(0, 1, n))),
    "qlognormal": ((0, 2, 3), lambda rng, n: np.round(np.exp(rng.normal(0, 2, n)) / 3) * 3),
    "randint": ((2, 9), lambda rng, n: rng.integers(2, 9, n)),
}


@pytest.mark.parametrize("name", DRAWS)
def test_draws_are_those_of_a_generator(name):
    """Each word draws what numpy's generator of the same seed does, as function, node and hp."""
    arguments, wanted = DRAWS[name]
    found = getattr(stochastic, name)(*arguments, rng=np.random.default_rng(5), size=(4,))
    assert found.tolist() == wanted(np.random.default_rng(5), 4).tolist()
    node = getattr(scope, name)(*arguments, size=(4,))
    assert stochastic.sample(node, rng=np.random.default_rng(6)).tolist() == (
        wanted(np.random.default_rng(6), 4).tolist()
    )
    labelled = getattr(hp, name)("x", *arguments)
    drawn = [stochastic.sample(labelled, rng=np.random.default_rng(seed)) for seed in range(9)]
    assert drawn == [wanted(np.random.default_rng(seed), None) for seed in range(9)]
    assert {type(each) for each in drawn} == {int if name == "randint" else float}


def test_uniformint_is_rounded():
    """Draws of uniformint are rounded uniform ones, as ints."""
    node = hp.uniformint("x", 1, 6)
    drawn = [stochastic.sample(node, rng=np.random.default_rng(seed)) for seed in range(9)]
    assert drawn == [round(np.random.default_rng(seed).uniform(1, 6)) for seed in range(9)]


def test_randint_with_one_bound_begins_at_0():
    """A single bound of randint is the upper one."""
    found = stochastic.randint(7, rng=np.random.default_rng(5), size=50)
    assert found.tolist() == np.random.default_rng(5).integers(7, size=50).tolist()


@pytest.mark.parametrize("name", ["categorical", "randint_via_categorical"])
def test_options_are_drawn_by_their_shares(name):
    """Numbers of options are drawn with probabilities, which may be weights."""
    for draw in (
        getattr(stochastic, name),
        lambda *a, **k: rec_eval(getattr(scope, name)(*a, **k)),
    ):
        found = draw([0, 1, 3], rng=np.random.default_rng(0), size=2000)
        assert len(found) == 2000
        assert np.bincount(found, minlength=3) / 2000 == pytest.approx([0, 0.25, 0.75], abs=0.04)


def test_one_of_several_is_drawn():
    """One_of takes options as arguments, choice as a sequence; all are as likely."""
    for node in (scope.one_of("a", "b", "c"), scope.choice(["a", "b", "c"])):
        drawn = [stochastic.sample(node, rng=np.random.default_rng(seed)) for seed in range(90)]
        wanted = ["abc"[np.random.default_rng(seed).integers(3)] for seed in range(90)]
        assert drawn == wanted


def test_a_graph_makes_a_generator():
    """Rng_from_seed is a generator that draws as numpy's does."""
    rng = rec_eval(scope.rng_from_seed(3))
    assert rng.random() == np.random.default_rng(3).random()


def test_all_draws_of_a_graph_get_one_generator():
    """Recursive_set_rng_kwarg lets all draws of a graph use one generator, the last ones first."""
    graph = as_apply([scope.uniform(0, 1), {"a": scope.normal(0, 1, rng=None)}, 3])
    rng = np.random.default_rng(4)
    assert stochastic.recursive_set_rng_kwarg(graph, np.random.default_rng(4)) is graph
    normal = rng.normal(0, 1)
    assert rec_eval(graph) == (rng.uniform(0, 1), {"a": normal}, 3)


def test_functions_that_draw_can_be_added():
    """A function that is marked as one that draws gets the generator of a sample."""

    @stochastic.implicit_stochastic
    @scope.define
    def thrown(sides, rng=None):
        return int(rng.integers(1, sides + 1))

    try:
        assert thrown(6, np.random.default_rng(0)) == np.random.default_rng(0).integers(1, 7)
        drawn = {stochastic.sample(scope.thrown(6), rng=seed) for seed in range(60)}
    finally:
        scope.undefine("thrown")
        stochastic.implicit_stochastic_symbols.discard("thrown")
    assert drawn == {1, 2, 3, 4, 5, 6}
