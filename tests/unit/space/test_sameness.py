"""Options compared by value, above all across a pickle."""

import collections
import copy
import datetime
import decimal
import enum
import functools
import itertools
import math
import pickle
import re
import types
from dataclasses import dataclass, field
from pathlib import PurePosixPath

import cloudpickle
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from properties import examples

from sparktune import BadSearchSpace, Trials, fmin, hp, scope
from sparktune.space.sameness import keep, same

pd = pytest.importorskip("pandas")


class Plain:
    """An object without an == of its own."""

    def __init__(self, value):
        self.value = value

    def double(self):
        return 2 * self.value


class Slotted:
    __slots__ = ("hidden", "value")

    def __init__(self, value):
        self.value = value


class Equal:
    """An object whose == leaves a part of it aside."""

    stamps = itertools.count()

    def __init__(self, value):
        self.value = value
        self.made = next(self.stamps)

    def __eq__(self, other):
        return isinstance(other, Equal) and self.value == other.value

    __hash__ = None


@dataclass
class Settings:
    value: object
    more: list = field(default_factory=list)


class Kind(enum.Enum):
    ONE = 1
    TWO = 2


class Estimator:
    """What scikit-learn's estimators are: parameters, and what fit adds."""

    def __init__(self, value):
        self.value = value

    def get_params(self, deep=True):
        return {"value": self.value}


class Cached:
    """An object whose pickle leaves a part of it out."""

    def __init__(self, value):
        self.value, self.cache = value, {}

    def __getstate__(self):
        return {"value": self.value}

    def __setstate__(self, state):
        self.__init__(**state)


def closing_over(value):
    """A function that closes over a value."""
    return lambda x: (x, value)


def recursive(value):
    """A function that closes over itself."""

    def inner(n):
        return value if n == 0 else inner(n - 1)

    return inner


def local_class(size):
    """A class made in a function."""

    class Local:
        value = size

        def method(self):
            return super().__init__() or size

    return Local


def defaulting(value):
    """A function with defaults of both kinds."""

    def function(x=value, *, y=(value,)):
        return x, y

    return function


def cyclic(value):
    """An object that holds itself, by way of a list."""
    thing = Plain(value)
    thing.list = [thing, {"again": thing}]
    return thing


def member(value):
    """A set of objects that are not equal to their copies."""
    return {Plain(value), Plain(0), math.nan}


MAKERS = {
    "list": lambda n: [n, [n]],
    "tuple": lambda n: (n, 0),
    "dict": lambda n: {"kind": n},
    "dict, key": lambda n: {n: 0},
    "dict, key that is an object": lambda n: {(Kind(n), math.nan): 0},
    "set": lambda n: {n, 7},
    "set of objects": member,
    "nan": lambda n: [math.nan, n, complex(math.nan, n)],
    "numpy scalar": lambda n: np.float32(n),
    "datetime64": lambda n: [np.datetime64("NaT", "D"), np.datetime64(n, "D")],
    "array": lambda n: np.array([math.nan, n]),
    "array of objects": lambda n: np.array([[n], "a", Plain(n)], dtype=object),
    "structured array": lambda n: np.array([(n, math.nan)], dtype=[("a", int), ("b", float)]),
    "masked array": lambda n: np.ma.array([1, 2], mask=[n == 1, n == 2]),
    "data frame": lambda n: pd.DataFrame({"a": [math.nan, n]}),
    "series": lambda n: pd.Series([1, 2], index=["a", n]),
    "index": lambda n: pd.Index(["a", n]),
    "object": Plain,
    "slots": Slotted,
    "own ==": Equal,
    "dataclass": lambda n: Settings(math.nan, [n]),
    "dataclass of arrays": lambda n: Settings(np.arange(n)),
    "namespace": lambda n: types.SimpleNamespace(a={"b": n}),
    "named tuple": lambda n: collections.namedtuple("Pair", "a b")(n, Plain(n)),
    "deque": lambda n: collections.deque([Plain(n)]),
    "ordered": lambda n: collections.OrderedDict(a=Plain(n)),
    "enum": Kind,
    "estimator": Estimator,
    "cached": Cached,
    "cyclic": cyclic,
    "lambda": lambda n: (lambda x: x + 1) if n == 1 else (lambda x: x + 2),
    "closure": closing_over,
    "closure over an object": lambda n: closing_over(Plain([n])),
    "recursive": recursive,
    "defaults": defaulting,
    "partial": lambda n: functools.partial(round, ndigits=n),
    "partial of a lambda": lambda n: functools.partial(closing_over(n), n),
    "method": lambda n: Plain(n).double,
    "method of a list": lambda n: [n].append,
    "local class": local_class,
    "object of a local class": lambda n: local_class(n)(),
    "builtin": lambda n: [abs, round][n - 1],
    "ufunc": lambda n: [np.exp, np.log][n - 1],
    "class": lambda n: [Plain, Slotted][n - 1],
    "range": range,
    "slice": lambda n: slice(0, n),
    "date": lambda n: datetime.date(2020, 1, n),
    "decimal": decimal.Decimal,
    "pattern": lambda n: re.compile("a" * n),
    "path": lambda n: PurePosixPath("/" + "a" * n),
    "generator of numpy": np.random.default_rng,
    "expression": lambda n: [hp.uniform("u", 0, 1) + n],
    "node in a dict": lambda n: {"kind": n, "u": hp.uniform("u", 0, 1)},
    "type of a number": lambda n: [True, 1, 1.0][n - 1 :][:1],
}


def through_a_pickle(thing):
    """A copy, as another session has it."""
    return pickle.loads(cloudpickle.dumps(thing))


@pytest.mark.parametrize("name", MAKERS)
def test_an_option_made_again_is_the_same_and_another_is_not(name):
    """What is made in the same way is the same, also after a pickle; what differs is not."""
    make = MAKERS[name]
    assert same(make(1), make(1))
    assert not same(make(1), make(2))
    assert not same(make(2), make(1))
    for kept in (through_a_pickle([make(1)]), through_a_pickle(keep([make(1)]))):
        assert same(list(kept), [make(1)])
        assert not same(list(kept), [make(2)])


def test_what_an_objective_did_to_an_option_changes_nothing():
    """A model that an objective fitted goes on in this session, and as a fresh one in the next."""

    def run(trials, option, max_evals):
        def objective(config):
            config["o"].fitted = np.arange(max_evals)
            return 0.0

        fmin(objective, {"o": hp.choice("o", [option])}, max_evals=max_evals, trials=trials,
             rstate=0, show_progressbar=False)  # fmt: skip

    trials, option = Trials(), Plain([1])
    run(trials, option, 2)
    run(trials, option, 4)
    run(through_a_pickle(trials), option, 6)
    again = through_a_pickle(trials)
    run(again, Plain([1]), 6)
    assert len(again) == 6
    with pytest.raises(BadSearchSpace, match="'o' lost the option"):
        run(through_a_pickle(trials), Plain([2]), 6)


def test_a_list_that_was_edited_in_place_is_seen():
    """An option that is changed between two runs is another one, though the node is the same."""
    options = [[64], {"a": [1]}]
    space, trials = {"o": hp.choice("o", options)}, Trials()
    fmin(lambda c: 0.0, space, max_evals=2, trials=trials, show_progressbar=False)
    options[1]["a"].append(2)
    with pytest.raises(BadSearchSpace, match="differs in 'o'"):
        fmin(lambda c: 0.0, space, max_evals=4, trials=trials, show_progressbar=False)


def test_every_label_whose_options_changed_is_named():
    """Options that changed places are refused by the labels of their choices, wherever they are."""

    def space(turn):
        step = -1 if turn else 1
        inner = hp.choice("inner", [(1, 2), (3, 4)][::step])
        return {
            "a": hp.choice("a", [[1], [2]][::step]),
            "b": hp.choice("b", ["x", {"in": inner}]),
            "c": hp.pchoice("c", [(0.5, {1}), (0.5, {2})][::step]),
            "d": hp.choice("d", [[1], [2]]),
        }

    trials = Trials()
    fmin(lambda c: 0.0, space(False), max_evals=2, trials=trials, show_progressbar=False)
    fmin(lambda c: 0.0, space(False), max_evals=3, trials=trials, show_progressbar=False)
    with pytest.raises(BadSearchSpace, match=r"of 'a' stand in another order; .*'inner'.*'c'"):
        fmin(lambda c: 0.0, space(True), max_evals=4, trials=trials, show_progressbar=False)


def test_what_cannot_be_compared_ends():
    """Locks are the same by class, endless and deep things come to an end."""
    import threading

    assert same([threading.Lock()], [threading.Lock()])
    deep, other = [], []
    for _ in range(50_000):
        deep, other = [deep], [other]
    assert same(deep, other)
    assert not same(deep, other[0])
    chain = Plain(None)
    for _ in range(5000):
        chain = Plain(chain)
    assert same(keep([chain]), (copy.copy(chain),))


def test_a_match_that_fails_leaves_nothing_behind():
    """Members of sets are tried one by one, and a failed try decides nothing about the rest."""
    shared = [Plain(1), Plain(2)]
    old = {0, *(Member((one, 0)) for one in shared)}
    new = {0, *(Member((Plain(n), 0)) for n in (2, 1))}
    assert same(old, new)
    assert not same(old, {0, Member((Plain(1), 0)), Member((Plain(1), 0))})


class Member(Plain):
    """An object that can stand in a set."""


ATOMS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=3), st.binary(max_size=3)
)
THINGS = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.lists(inner, max_size=3).map(tuple),
        st.dictionaries(ATOMS, inner, max_size=3),
        st.sets(ATOMS, max_size=3),
        inner.map(Plain),
        inner.map(Slotted),
        inner.map(Settings),
        inner.map(closing_over),
        inner.map(lambda thing: types.SimpleNamespace(thing=thing)),
        inner.map(lambda thing: functools.partial(max, thing)),
        st.lists(st.floats(), max_size=3).map(np.array),
    ),
    max_leaves=12,
)


@examples(150)
@given(THINGS)
def test_anything_is_the_same_as_its_pickle(thing):
    """Whatever an option holds, its copy from a pickle is the same, and as it was when kept."""
    assert same(thing, through_a_pickle(thing))
    kept = keep([thing])
    assert same(kept, (thing,))
    assert same(through_a_pickle(kept), (thing,))
    assert same(through_a_pickle(kept), (through_a_pickle(thing),))


@examples(100)
@given(THINGS, ATOMS, ATOMS)
def test_what_differs_deep_inside_differs(thing, one, other):
    """Two things that differ in a single value, wherever it stands, are not the same."""
    equal = type(one) is type(other) and (one == other or (one != one and other != other))
    for wrap in (lambda x: [thing, {"k": (x,)}], lambda x: Plain([thing, x]), closing_over):
        assert same(wrap(one), through_a_pickle(wrap(other))) == equal


def test_names_of_scope_are_the_same():
    """Expressions of the same functions and arguments are the same."""

    def node(k):
        return [scope.int(hp.quniform("q", 0, 9, 1)) + k]

    assert same(node(1), through_a_pickle(node(1)))
    assert not same(node(1), node(2))
