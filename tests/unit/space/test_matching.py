"""Options of one space found in another by value, spaces that differ, and spaces revived."""

import json
import warnings
from collections import OrderedDict, defaultdict, namedtuple

import numpy as np
import pytest

from sparktune import hp
from sparktune.exceptions import BadSearchSpace
from sparktune.space.described import describe, from_description, is_recorded
from sparktune.space.differences import differences
from sparktune.space.expressions import scope
from sparktune.space.matching import matched, place_of, same_as_recorded
from sparktune.space.revived import revived
from sparktune.space.tree import Space

Point = namedtuple("Point", "x y")


class Model:
    """An object of a record's type only."""

    def __init__(self, depth=1):
        self.depth = depth

    def __eq__(self, other):
        return isinstance(other, Model) and other.depth == self.depth

    __hash__ = None


def recorded(space):
    """The space as it is after a journal."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return from_description(json.loads(json.dumps(describe(space))))


def choice(*options):
    """A space of one choice."""
    return Space(hp.choice("m", list(options)))


def both(old, new):
    """How options go together, where the old space is alive and where it was read."""
    live, read = matched(old, new, "m"), matched(recorded(old), new, "m")
    assert matched(recorded(old), recorded(new), "m") == read
    return live, read


def square(x):
    """A function."""
    return x * x


def cube(x):
    """Another."""
    return x**3


def adder(n):
    """Functions of one name."""
    return lambda x: x + n


def counter(n):
    """Functions of one name that have one."""

    def count(x):
        return x + n

    return count


@pytest.mark.parametrize(
    ("old", "new", "places"),
    [
        (["a", "b", "c"], ["c", "a", "d"], [1, None, 0]),
        ([1, 1.0, True, "1"], ["1", True, 1.0, 1], [3, 2, 1, 0]),
        ([float("nan"), float("inf")], [float("inf"), float("nan")], [1, 0]),
        (["a", "a", "b"], ["a", "b", "a", "a"], [0, 2, 1]),
        ([np.float64(0.5), [np.int64(3)]], [[3], 0.5], [1, 0]),
        ([(1, 2), [1, 2]], [[1, 2]], [None, 0]),
        ([{"a": 1, "b": [2]}], [{"b": [2], "a": 1}], [0]),
        ([{"a": 1}, {"a": 2}], [{"a": 2}, {"a": 3}], [None, 0]),
        ([{1: 2, None: 3}], [{None: 3, 1: 2}], [0]),
        ([{1, 2, "x"}], [{"x", 2, 1}], [0]),
        ([np.arange(3), np.arange(3.0)], [np.arange(3.0), np.arange(4)], [None, 0]),
        ([square, cube, int], [int, square], [1, None, 0]),
        ([{"f": square}, {"f": cube}], [{"f": cube}], [None, 0]),
    ],
)
def test_options_are_matched_by_value(old, new, places):
    """Wherever an option stands, it is itself, in memory and after a record."""
    assert both(choice(*old), choice(*new)) == (places, places)


def test_functions_that_share_a_name():
    """A record tells them apart by place; alive they are compared by what they close over."""
    old, new = choice(counter(1), counter(2)), choice(counter(2), counter(3))
    assert both(old, new) == ([None, 0], [0, 1])
    assert matched(recorded(old), choice("other", counter(2)), "m") == [None, 1]


def test_a_function_whose_code_was_changed():
    """Alive it is another one; a record knows its name alone."""
    space = {}
    exec("def f(x): return x", space)
    one = space["f"]
    exec("def f(x): return -x", space)
    assert both(choice(one), choice(space["f"])) == ([None], [0])


def test_objects_are_matched_by_type_and_place_after_a_record():
    """Alive by value; after a record an object is the one of its type at the same place."""
    old = choice(Model(1), Model(2), adder(1))
    assert both(old, choice(Model(2), Model(1), adder(1))) == ([1, 0, 2], [0, 1, 2])
    assert matched(recorded(old), choice("x", Model(1), "y"), "m") == [None, 1, None]


def branch(**more):
    """An option with hyperparameters."""
    return {"kind": "svm", "c": hp.lognormal("c", 0, 1), **more}


@pytest.mark.parametrize(
    ("old", "new", "places"),
    [
        ([branch(), "x"], ["y", branch()], [1, None]),
        ([branch()], ["y", branch(eps=hp.uniform("eps", 0, 1))], [1]),
        ([branch(eps=hp.uniform("eps", 0, 1))], [{"kind": "tree"}, branch()], [1]),
        ([branch()], [{"kind": "svm"}], [0]),
        ([branch(cache=1)], [branch(cache=2)], [None]),
        ([{"c": hp.uniform("c", 0, 1)}], [{"d": hp.uniform("d", 0, 1)}], [None]),
        (
            [{"c": hp.uniform("c", 0, 1)}],
            [7, {"c": hp.uniform("c", 0, 1), "d": hp.randint("d", 3)}],
            [1],
        ),
        ([hp.uniform("c", 0, 1)], [1, hp.normal("c", 0, 1)], [1]),
        ([hp.uniform("c", 0, 1)], [1, hp.uniform("d", 0, 1)], [None]),
        (
            [{"f": square, "c": hp.uniform("c", 0, 1)}],
            [{"f": square, "d": hp.uniform("d", 0, 1)}],
            [0],
        ),
        (
            [{"f": square, "c": hp.uniform("c", 0, 1)}],
            [{"f": cube, "c": hp.uniform("c", 0, 1)}],
            [None],
        ),
        ([{"p": {"c": hp.uniform("c", 0, 1)}, "k": 1}], ["z", {"k": 1}], [1]),
        ([[hp.uniform("c", 0, 1), 5]], ["z", [hp.uniform("c", 0, 1), 5]], [1]),
        ([(hp.uniform("c", 0, 1), 5)], [[hp.uniform("c", 0, 1), 5]], [None]),
        (
            [{"c": hp.uniform("c", 0, 1), "d": hp.uniform("d", 0, 1)}, hp.uniform("e", 0, 1)],
            [
                {"c": hp.uniform("c", 0, 1)},
                {"d": hp.uniform("d", 0, 1), "e": hp.uniform("e", 0, 1)},
            ],
            [0, 1],
        ),
    ],
)
def test_a_branch_stays_what_it_is_when_labels_change(old, new, places):
    """Constants decide, and labels where there are no constants."""
    assert both(choice(*old), choice(*new)) == (places, places)


def test_a_branch_with_an_object_in_it():
    """Its object has to be the same one: by value alive, by place after a record."""
    old = choice({"o": Model(1), "c": hp.uniform("c", 0, 1)})
    new = choice("x", {"o": Model(1), "c": hp.uniform("c", 0, 1), "d": hp.uniform("d", 0, 1)})
    assert both(old, new) == ([1], [None])


def test_many_options_are_matched_quickly():
    """Ten thousand options, equal ones among them, are not compared with each other."""
    options = [str(i // 2) for i in range(10_000)]
    found = matched(choice(*options), choice(*reversed(options)), "m")
    assert sorted(found) == list(range(10_000))
    assert matched(choice(*[None] * 10_000), choice(*[None] * 9_000), "m")[9_000:] == [None] * 1_000


def test_same_as_recorded():
    """Data by value, functions by name, objects by type, nodes by label, expressions in full."""
    x = hp.uniform("x", 0, 1)
    for thing in (5, "a", [1, {2}], square, Model(), x, x + 1, np.float64(2)):
        option = recorded(Space([x, hp.choice("m", [thing])])).params[1].options[0]
        assert same_as_recorded(option, thing)
    assert not same_as_recorded(1, 1.0)
    assert not same_as_recorded(square, cube)
    assert same_as_recorded(Model(1), Model(2))
    assert not same_as_recorded(x + 1, x + 2)


def test_an_option_is_found_by_its_value():
    """By being it, or by equal value; an object by its value, too."""
    space = choice(Model(1), Model(2), "a", square, np.float64(3))
    found = [
        place_of(each, space, "m") for each in (Model(2), "a", square, 3.0, "b", Model(9), cube)
    ]
    assert found == [1, 2, 3, 4, None, None, None]


# Sentences.

X = {"x": hp.uniform("x", 0, 1)}
SENTENCES = [
    ({}, {"y": hp.uniform("y", 0, 1)}, ["'y' was added"]),
    ({"y": hp.uniform("y", 0, 1)}, {}, ["'y' was removed"]),
    (
        hp.uniform("a", 0, 1),
        hp.uniform("a", 0, 2),
        ["'a' was widened: from 0 to 1 before, from 0 to 2 now"],
    ),
    (
        hp.randint("a", 9),
        hp.randint("a", 2, 5),
        ["'a' was narrowed: from 0 to 8 before, from 2 to 4 now"],
    ),
    (
        hp.loguniform("a", 0, 1),
        hp.loguniform("a", 0.5, 2),
        ["'a' was moved: from 1 to 2.71828 before, from 1.64872 to 7.38906 now"],
    ),
    (
        hp.uniform("a", 0, 1),
        hp.uniform("a", 0, 1 + 1e-12),
        ["'a' was widened: from 0.0 to 1.0 before, from 0.0 to 1.000000000001 now"],
    ),
    (
        hp.uniform("a", 1, 2),
        hp.normal("a", 0, 1),
        [
            "'a' has another distribution: uniform from 1 to 2 before, "
            "normal with mu 0 and sigma 1 now"
        ],
    ),
    (
        hp.quniform("a", 0, 8, 2),
        hp.quniform("a", 0, 8, 4),
        [
            "'a' has another distribution: uniform from 0 to 8 in steps of 2 before, "
            "uniform from 0 to 8 in steps of 4 now"
        ],
    ),
    (
        hp.uniform("a", 1, 2),
        hp.loguniform("a", 0, 1),
        [
            "'a' has another distribution: uniform from 1 to 2 before, "
            "log-uniform from 1 to 2.71828 now"
        ],
    ),
    (
        hp.randint("a", 9),
        hp.choice("a", [1, 2]),
        ["'a' was whole numbers from 0 to 8 before, and is a choice of 2 options now"],
    ),
    (
        hp.choice("a", ["p", "q"]),
        hp.choice("a", ["q", "r", "s"]),
        ["'a' lost the option 'p'", "'a' gained the options 'r', 's'"],
    ),
    (
        hp.choice("a", ["p", "q"]),
        hp.choice("a", ["q", "p"]),
        ["the options of 'a' stand in another order"],
    ),
    (
        hp.choice("a", list(range(9))),
        hp.choice("a", [0]),
        ["'a' lost the options 1, 2, 3, 4, 5 and 3 more"],
    ),
    (
        hp.pchoice("a", [(0.5, 1), (0.5, 2)]),
        hp.pchoice("a", [(0.2, 1), (0.8, 2)]),
        ["the options of 'a' have other probabilities"],
    ),
    (
        hp.choice("a", [[hp.uniform("b", 0, 1)], 2]),
        hp.choice("a", [[hp.uniform("b", 0, 1) + 1], 2]),
        ["options of 'a' hold other things: [<an expression>]"],
    ),
    (
        [hp.choice("a", ["u", "v"]), hp.uniform("b", 0, 1)],
        hp.choice("a", ["u", ["v", hp.uniform("b", 0, 1)]]),
        [
            "'a' lost the option 'v'",
            "'a' gained the option ['v', <'b'>]",
            "'b' was active always before, and is with ['v', <'b'>] of 'a' now",
        ],
    ),
]


@pytest.mark.parametrize(("old", "new", "sentences"), SENTENCES, ids=range(len(SENTENCES)))
def test_a_sentence_for_each_difference(old, new, sentences):
    """Each names the label, and says what it was and is."""
    old, new = Space([X, old]), Space([X, new])
    found = differences(old, new)
    assert found == sentences
    assert differences(recorded(old), new) == found
    assert differences(old, old) == differences(recorded(old), old) == []


def test_what_is_no_difference():
    """The order of labels, what stands outside choices, and functions of a name are none."""
    one = Space({"x": hp.uniform("x", 0, 1), "y": hp.choice("y", [square, "a"]), "k": 1})
    two = Space([hp.choice("y", [square, "a"]), hp.uniform("x", 0, 1) * 2])
    assert differences(one, two) == differences(recorded(one), two) == []


def test_branches_that_moved_are_said():
    """A label that is active with another option is named, with both."""
    n = hp.randint("n", 5)
    old = Space(hp.choice("m", [["a", n], ["b", hp.randint("k", 3)]]))
    new = Space(hp.choice("m", [["a", hp.randint("k", 3)], ["b", hp.randint("n", 5)]]))
    found = differences(old, new)
    assert sum("was active with" in each for each in found) == 2
    assert differences(recorded(old), new) != []


def test_options_that_cannot_be_shown():
    """An option whose repr raises is named by its type."""

    class Shy:
        def __repr__(self):
            raise RuntimeError

    assert differences(choice(1, Shy()), choice(1)) == ["'m' lost the option a Shy"]


# Revived.


def everything(clf="clf"):
    """A space with all that a record has by name, type or place."""
    n = scope.int(hp.quniform("n", 1, 9, 1))
    return Space(
        {
            "outside": (Model(7), square),
            "n": n,
            "twice": [n, n + 1, scope.max(n, 2), hp.choice("f", [square, cube])(3)],
            clf: hp.choice(
                clf,
                [Model(1), {"o": [Model(2), Model(3)], "x": hp.uniform("x", 0, 1)}, Point(1, cube)],
            ),
            "own": [OrderedDict(a=hp.uniform("u", 0, 1)), defaultdict(list, b=1), {square}],
        }
    )


def test_a_recorded_space_is_revived():
    """Every configuration is what it was, with the live functions, objects and classes."""
    space = everything()
    read = recorded(space)
    assert is_recorded(read)
    again = revived(read, everything())
    assert not is_recorded(again)
    assert differences(space, again) == []
    assert again.labels == space.labels
    for row in space.sample(np.random.default_rng(0), 30):
        values = space.decode(row)
        old, new = space.build(values), again.build(values)
        assert new == old
        assert type(new["own"][0]) is OrderedDict
        assert new["own"][1].default_factory is list
        assert type(new["clf"]) is type(old["clf"])
    assert again.template["n"] is again.template["twice"][0]


def test_what_the_live_space_lacks_is_named():
    """All that is missing stands in one sentence, with the labels."""
    with pytest.raises(BadSearchSpace) as caught:
        revived(recorded(everything()), everything("other"))
    sentence = str(caught.value)
    assert "Model that is not in the record> in 'clf'" in sentence
    assert "square" not in sentence
    lacking = choice(hp.uniform("x", 0, 1))
    with pytest.raises(BadSearchSpace, match=r"<function .*square>.* in 'm'"):
        revived(recorded(choice(square)), lacking)


def test_a_record_cannot_name_what_is_not_there():
    """A function that neither the space nor scope holds is not looked for elsewhere."""
    data = describe(Space([scope.int(hp.uniform("x", 0, 1))]))
    data["$"][0]["function"] = {
        "$": "named",
        "what": "function",
        "module": "builtins",
        "name": "exec",
    }
    with pytest.raises(BadSearchSpace, match=r"no <function builtins\.exec>"):
        revived(from_description(data), choice(1))
