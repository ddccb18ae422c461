"""Graphs of function applications, and the functions that they are made of."""

import pytest

from sparktune.hyperopt.pyll import as_apply, clone, rec_eval, scope, toposort
from sparktune.hyperopt.pyll.base import Apply, Literal


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
