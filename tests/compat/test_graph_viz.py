"""Search spaces in the DOT language: which nodes and arrows there are."""

from sparktune.hyperopt import hp
from sparktune.hyperopt.graph_viz import dot_hyperparameters


def lines(space):
    """What is between the brackets, in order."""
    first, *inner, last = dot_hyperparameters(space).splitlines()
    assert (first, last) == ("digraph {", "}")
    return inner


def test_hyperparameters_without_condition_are_boxes():
    """What always has a value is a box that nothing leads to."""
    space = {"a": hp.uniform("x", 0, 1), "b": hp.normal("y", 0, 1)}
    assert sorted(lines(space)) == ['"x" [ shape=box];', '"y" [ shape=box];']
    assert lines({}) == []


def test_an_option_leads_to_what_it_holds():
    """Between a choice and what one option holds is an ellipse that names the option."""
    space = hp.choice("c", [hp.uniform("x", 0, 1), 3])
    assert sorted(lines(space)) == [
        '"c" -> "c=0";',
        '"c" [ shape=box];',
        '"c=0" -> "x";',
        '"c=0" [ shape=ellipse];',
        '"x" [ shape=box];',
    ]


def test_weighted_choices_are_choices():
    """An option that has a probability leads to what it holds as well."""
    space = hp.pchoice("c", [(0.1, 3), (0.9, hp.uniform("x", 0, 1))])
    assert {'"c" -> "c=1";', '"c=1" -> "x";'} < set(lines(space))


def test_several_choices_are_joined():
    """What depends on two choices at once hangs on an ellipse that both of theirs lead to."""
    space = hp.choice("c", [hp.choice("d", [1, hp.uniform("x", 0, 1)]), 3])
    found = lines(space)
    assert {
        '"c=0 & d=1" [ shape=ellipse];', '"c=0 & d=1" -> "x";', '"c=0" -> "c=0 & d=1";',
        '"d=1" -> "c=0 & d=1";', '"c" -> "c=0";', '"d" -> "d=1";', '"c=0" -> "d";',
    } <= set(found)  # fmt: skip
    assert len(found) == len(set(found))


def test_what_stands_under_two_options_hangs_on_both():
    """A node that two of three options share has an arrow from each of them."""
    shared = hp.uniform("x", 0, 1)
    found = lines(hp.choice("c", [shared, shared, 3]))
    assert {'"c=0" -> "x";', '"c=1" -> "x";'} <= set(found)
    assert '"c=2" [ shape=ellipse];' not in found


def test_names_are_quoted():
    """Quotation marks and backslashes of labels are written as DOT wants them."""
    assert lines(hp.uniform('a"b\\c', 0, 1)) == ['"a\\"b\\\\c" [ shape=box];']
