"""The words in which a search space is written: what they give, and what they refuse."""

import math
import re

import numpy as np
import pytest

from sparktune import hp, hyperopt
from sparktune.exceptions import BadSearchSpace
from sparktune.space.tree import Space
from tests.helpers.hyperopt_words import OF_HYPEROPT

WORDS = {
    "uniform": ((-1, 2), float),
    "quniform": ((0, 9, 2), float),
    "loguniform": ((-3, 1), float),
    "qloguniform": ((0, 4, 1), float),
    "normal": ((0, 1), float),
    "qnormal": ((0, 5, 1), float),
    "lognormal": ((0, 1), float),
    "qlognormal": ((0, 2, 1), float),
    "randint": ((7,), int),
    "uniformint": ((1, 4), int),
    "choice": ((["a", "b"],), str),
    "pchoice": (([(0.3, "a"), (0.7, "b")],), str),
}


def built(node, n=300, seed=0):
    """What an objective receives for n draws of a node."""
    space = Space(node)
    return [space.build(space.decode(row)) for row in space.sample(np.random.default_rng(seed), n)]


def test_every_word_is_listed():
    """The words tested here are the words there are."""
    assert set(WORDS) == set(hp.__all__)


@pytest.mark.parametrize("word", WORDS)
def test_words_give_native_types(word):
    """The objective receives Python's own float and int, or the option itself."""
    arguments, kind = WORDS[word]
    values = built(getattr(hp, word)("x", *arguments))
    assert {type(value) for value in values} == {kind}
    assert len(set(values)) > 1


@pytest.mark.parametrize("word", WORDS)
def test_numpy_arguments_give_native_types(word):
    """Arguments from numpy do not leak numpy types into the values."""
    arguments, kind = WORDS[word]
    if word == "pchoice":
        arguments = ([(np.float64(0.3), "a"), (np.float32(0.7), "b")],)
    elif word != "choice":
        arguments = tuple(np.asarray(arguments, np.int64))
    assert {type(value) for value in built(getattr(hp, word)("x", *arguments), 50)} == {kind}


@pytest.mark.parametrize(
    ("word", "q"), [("quniform", 2), ("qloguniform", 1), ("qnormal", 1), ("qlognormal", 1)]
)
def test_quantised_words_give_multiples(word, q):
    """Values of the q words are multiples of q."""
    values = built(getattr(hp, word)("x", *WORDS[word][0]))
    assert all(value % q == 0 for value in values)


@pytest.mark.parametrize(
    ("word", "arguments", "low", "high"),
    [
        ("uniform", (-1, 2), -1, 2),
        ("quniform", (0, 9, 2), 0, 8),
        ("loguniform", (-3, 1), math.exp(-3), math.e),
        ("qloguniform", (0, 2, 1), 1, 7),
    ],
)
def test_bounds_hold_and_are_approached(word, arguments, low, high):
    """Draws fill the range between the bounds and do not leave it."""
    values = built(getattr(hp, word)("x", *arguments), 2000)
    assert low <= min(values) <= low + 0.02 * (high - low)
    assert high - 0.02 * (high - low) <= max(values) <= high


def test_randint_excludes_its_upper_end():
    """randint(n) gives 0 to n - 1, randint(low, high) gives low to high - 1."""
    assert set(built(hp.randint("x", 3))) == {0, 1, 2}
    assert set(built(hp.randint("x", -1, 2))) == {-1, 0, 1}
    assert set(built(hp.randint("x", 5, 6))) == {5}
    assert set(built(hp.randint("x", 1))) == {0}


def test_uniformint_includes_both_ends():
    """`uniformint` gives low to high, both included, each as likely."""
    values = built(hp.uniformint("x", 1, 3), 3000)
    shares = [values.count(value) / 3000 for value in (1, 2, 3)]
    assert shares == pytest.approx([1 / 3] * 3, abs=0.04)
    assert set(values) == {1, 2, 3}


def test_bounds_of_integers_may_be_whole_floats():
    """Whole floats are taken as bounds, and give ints."""
    assert {type(v) for v in built(hp.uniformint("x", 1.0, 3.0), 20)} == {int}
    assert set(built(hp.randint("x", np.float64(2)))) == {0, 1}


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("label", [None, 3, 1.5, ["x"], b"x"])
def test_labels_are_strings(word, label):
    """A label that is no string is a TypeError that asks for one."""
    with pytest.raises(TypeError, match="require string label"):
        getattr(hp, word)(label, *WORDS[word][0])


def test_a_forgotten_label_is_explained():
    """hp.choice([..], ..) and hp.uniform(0, 1, 2) ask for the label."""
    with pytest.raises(TypeError, match=r"require string label: .* but got \[1, 2\]"):
        hp.choice([1, 2], [3])
    with pytest.raises(TypeError, match="require string label"):
        hp.uniform(0, 1, 2)


@pytest.mark.parametrize("words", [hp, hyperopt.hp])
@pytest.mark.parametrize("word", WORDS)
def test_a_forgotten_label_is_shown_in_the_call_that_was_meant(words, word):
    """Every word without its label says that it comes first, and where, before what was given."""
    arguments = WORDS[word][0]
    call = f"hp.{word}('x', {', '.join(map(repr, arguments))})"
    told = f"the first argument of hp.{word} is the label, as in {call}, but got {arguments[0]!r}"
    with pytest.raises(TypeError, match=re.escape(f"require string label: {told}")):
        getattr(words, word)(*arguments)


@pytest.mark.parametrize("words", [hp, hyperopt.hp])
@pytest.mark.parametrize(
    ("word", "arguments", "names", "call"),
    [
        ("uniform", (3, 0, 1), {}, "hp.uniform('x', 0, 1), but got 3"),
        ("uniform", (None, 0), {"high": 1}, "hp.uniform('x', 0, high=1), but got None"),
        ("uniform", (), {"label": 3, "low": 0, "high": 1}, "hp.uniform('x', low=0, high=1), "),
        ("choice", (7, ["a"]), {}, "hp.choice('x', ['a']), but got 7"),
        ("choice", (["option"] * 99,), {}, "hp.choice('x', ...), but got ['option', "),
        ("randint", (None, 5), {}, "hp.randint('x', 5), but got None"),
    ],
)
def test_what_stands_for_the_label_is_left_out_of_the_call(words, word, arguments, names, call):
    """Where something else is in its place the call has a label there; long arguments are cut."""
    with pytest.raises(TypeError, match=re.escape(f"is the label, as in {call}")):
        getattr(words, word)(*arguments, **names)


@pytest.mark.parametrize(
    ("word", "arguments", "error", "message"),
    [
        ("uniform", (1, 0), ValueError, "low < high"),
        ("uniform", (0, 0), ValueError, "low < high"),
        ("uniform", (0, math.nan), ValueError, "`high` must be finite"),
        ("uniform", (-math.inf, 0), ValueError, "`low` must be finite"),
        ("uniform", ("0", 1), TypeError, "`low` must be a real number"),
        ("uniform", (0, True), TypeError, "`high` must be a real number"),
        ("uniform", (0, None), TypeError, "`high` must be a real number"),
        ("quniform", (0, 1, 0), ValueError, "q > 0"),
        ("quniform", (0, 1, -1), ValueError, "q > 0"),
        ("quniform", (0, 1, "1"), TypeError, "`q` must be a real number"),
        ("quniform", (2, 1, 1), ValueError, "low < high"),
        ("loguniform", (1, 0), ValueError, "low < high"),
        ("loguniform", (0, 1000), ValueError, r"write log\(1000\)"),
        ("qloguniform", (0, 1000, 1), ValueError, r"write log\(1000\)"),
        ("qloguniform", (0, 1, 0), ValueError, "q > 0"),
        ("normal", (0, 0), ValueError, "sigma > 0"),
        ("normal", (0, -1), ValueError, "sigma > 0"),
        ("normal", ("0", 1), TypeError, "`mu` must be a real number"),
        ("qnormal", (0, 1, 0), ValueError, "q > 0"),
        ("lognormal", (1000, 1), ValueError, "natural logarithm"),
        ("qlognormal", (0, 1, math.nan), ValueError, "`q` must be finite"),
        ("randint", (0,), ValueError, "low < high"),
        ("randint", (-5,), ValueError, "low < high"),
        ("randint", (3, 3), ValueError, "low < high"),
        ("randint", (3, 0), ValueError, "low < high"),
        ("randint", (2.5,), ValueError, "whole number"),
        ("randint", (0.5, 3), ValueError, "`low` must be a whole number, but got 0.5"),
        ("randint", ("3",), TypeError, "whole number"),
        ("randint", (True,), TypeError, "whole number"),
        ("randint", (), TypeError, r"\(upper\) or \(low, high\)"),
        ("randint", (1, 2, 3), TypeError, r"\(upper\) or \(low, high\)"),
        ("uniformint", (1, 1), ValueError, "low < high"),
        ("uniformint", (2, 1), ValueError, "low <=? high"),
        ("uniformint", (1, 2.5), ValueError, "`high` must be a whole number, but got 2.5"),
        ("uniformint", (1, math.inf), ValueError, "`high` must be a whole number"),
        ("uniformint", (0, 2**60), ValueError, r"2\*\*53"),
        ("choice", ([],), BadSearchSpace, "at least one option"),
        ("choice", ((),), BadSearchSpace, "at least one option"),
        ("choice", (np.array([]),), BadSearchSpace, "at least one option"),
        ("choice", ("abc",), TypeError, "options come as a list"),
        ("choice", (b"abc",), TypeError, "options come as a list"),
        ("choice", ({"a": 1},), TypeError, "options come as a list"),
        ("choice", ({1, 2},), TypeError, "options come as a list"),
        ("choice", (3,), TypeError, "options come as a list"),
        ("choice", (None,), TypeError, "options come as a list"),
        ("choice", (hp.uniform("y", 0, 1),), TypeError, "options come as a list"),
        ("pchoice", ([],), BadSearchSpace, "at least one option"),
        ("pchoice", ({0.5: 1},), TypeError, "options come as a list"),
        ("pchoice", ([0.5, 0.5],), TypeError, r"\(probability, option\) pairs"),
        ("pchoice", ([(0.5, 1, 2), (0.5, 1)],), TypeError, r"\(probability, option\) pairs"),
        ("pchoice", (["ab", "cd"],), TypeError, r"\(probability, option\) pairs"),
        ("pchoice", ([("a", 0.5), ("b", 0.5)],), TypeError, "a probability is a number"),
        ("pchoice", ([(True, 1)],), TypeError, "a probability is a number"),
        ("pchoice", ([(0.5, 1), (0.6, 2)],), BadSearchSpace, "sum to 1"),
        ("pchoice", ([(0.5, 1)],), BadSearchSpace, "sum to 1"),
        ("pchoice", ([(-0.5, 1), (1.5, 2)],), BadSearchSpace, "must not be negative"),
        ("pchoice", ([(math.nan, 1), (1.0, 2)],), BadSearchSpace, "must not be negative"),
    ],
)
def test_refusals_name_the_label_and_the_rule(word, arguments, error, message):
    """Wrong numbers are ValueErrors, wrong types TypeErrors; each names the label and the rule."""
    with pytest.raises(error, match=message) as info:
        getattr(hp, word)("learning rate", *arguments)
    assert "'learning rate'" in str(info.value)


@pytest.mark.parametrize(
    ("word", "arguments"),
    [("uniform", (0, 10**400)), ("normal", (10**400, 1)), ("randint", (10**400,))],
)
def test_numbers_beyond_floats_are_refused_by_label(word, arguments):
    """A whole number that no float can hold is a ValueError that names the label."""
    with pytest.raises(ValueError, match="'x'"):
        getattr(hp, word)("x", *arguments)


@pytest.mark.parametrize("bounds", [(2.5,), (0, 2.5)])
def test_randint_names_the_bound_that_is_wrong(bounds):
    """A wrong upper end of randint is not reported as the lower one."""
    with pytest.raises(ValueError, match=r"whole number, but got 2\.5") as info:
        hp.randint("x", *bounds)
    assert "`low`" not in str(info.value)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (range(2, 5), {2, 3, 4}),
        ((0.5, 1.5), {0.5, 1.5}),
        (np.array([1, 2]), {1, 2}),
        (np.array([0.5, 1.5]), {0.5, 1.5}),
        (np.array(["a", "b"]), {"a", "b"}),
        pytest.param((x * x for x in (2, 3)), {4, 9}, id="generator"),
        ([None, "a", 3], {None, "a", 3}),
    ],
)
def test_options_come_from_any_sequence(options, expected):
    """Lists, tuples, ranges, arrays and generators give options of native types."""
    values = built(hp.choice("x", options), 60)
    assert set(values) == expected
    assert {type(value) for value in values} == {type(value) for value in expected}


def test_rows_of_an_array_are_options():
    """A matrix gives its rows as options."""
    space = Space(hp.choice("x", np.arange(6).reshape(2, 3)))
    np.testing.assert_array_equal(space.build({"x": 1}), [3, 4, 5])


def test_options_are_taken_over_when_declared():
    """Changing the list of options afterwards does not change the choice."""
    options = ["a", "b"]
    node = hp.choice("x", options)
    options.append("c")
    assert set(built(node, 60)) == {"a", "b"}


def test_the_option_itself_is_received():
    """The objective receives the very object that was given as an option."""
    first, second = object(), object()
    values = built(hp.choice("x", [first, second]), 30)
    assert {id(value) for value in values} == {id(first), id(second)}


def test_choices_are_equally_likely_and_pchoices_as_they_say():
    """Options are drawn as often as their probabilities say."""
    values = built(hp.choice("x", list("abcd")), 4000)
    assert [values.count(v) / 4000 for v in "abcd"] == pytest.approx([0.25] * 4, abs=0.03)
    values = built(hp.pchoice("x", [(0.7, "a"), (0.0, "b"), [0.3, "c"]]), 4000)
    assert [values.count(v) / 4000 for v in "abc"] == pytest.approx([0.7, 0, 0.3], abs=0.03)
    assert "b" not in values


def test_a_choice_of_one_is_allowed():
    """A single option is no search, but a space like any other."""
    assert built(hp.choice("x", ["only"]), 2) == ["only", "only"]
    assert built(hp.pchoice("x", [(1, "only")]), 2) == ["only", "only"]


def test_nan_is_not_a_bound_of_any_word():
    """No word takes NaN for any of its numbers."""
    for word, (arguments, _) in WORDS.items():
        if "choice" in word:
            continue
        for i in range(len(arguments)):
            wrong = [*arguments[:i], math.nan, *arguments[i + 1 :]]
            with pytest.raises(ValueError, match="'x': "):
                getattr(hp, word)("x", *wrong)


@pytest.mark.parametrize("word", WORDS)
def test_words_take_arguments_by_position_and_by_name(word):
    """Any number of arguments may be given by position, the others by name."""
    arguments = {"randint": (1, 5), "uniformint": (1, 4, 1)}.get(word, WORDS[word][0])
    names = OF_HYPEROPT[word].split()
    given = ("x", *arguments)
    assert len(given) == len(names)
    nodes = [
        getattr(hp, word)(*given[:k], **dict(zip(names[k:], given[k:], strict=True)))
        for k in range(len(given) + 1)
    ]
    assert len({node.distribution for node in nodes}) == 1


def test_randint_takes_its_upper_end_alone():
    """One bound is the upper end, by position, as `low` (Hyperopt's name) or as `upper`."""
    for node in (hp.randint("n", 5), hp.randint("n", low=5), hp.randint("n", upper=5)):
        assert (node.distribution.low, node.distribution.high) == (0, 4)
    assert hp.randint("n", 5, None).distribution == hp.randint("n", 5, high=None).distribution
    for wrong in ({"high": 5}, {"low": 1, "upper": 5}, {"high": 5, "upper": 5}):
        with pytest.raises(TypeError, match=r"'n': randint takes \(upper\) or \(low, high\)"):
            hp.randint("n", **wrong)


def test_the_step_of_uniformint_is_one():
    """A step of 1 is accepted; another one, which Hyperopt leaves aside, draws a warning."""
    assert hp.uniformint("n", 1, 9, q=1.0).distribution == hp.uniformint("n", 1, 9).distribution
    with pytest.warns(UserWarning, match=r"'n': .*q=2 changes nothing.*hp\.quniform") as caught:
        node = hp.uniformint("n", 1, 9, q=2)
    assert caught[0].filename == __file__
    assert node.distribution == hp.uniformint("n", 1, 9).distribution
    with pytest.raises(ValueError, match="'n': `q > 0`"):
        hp.uniformint("n", 1, 9, q=0)
