"""Nodes that no search would find, and options that can be used once: refused with their path."""

import collections
import functools
import io
import itertools
import operator
import re
import types
from dataclasses import dataclass
from typing import ClassVar
from unittest.mock import MagicMock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from properties import examples

from sparktune import BadSearchSpace, hp, scope
from sparktune.space.hidden import find_hidden
from sparktune.space.tree import Space

pd = pytest.importorskip("pandas")


@dataclass
class Settings:
    inside: object


@dataclass(frozen=True)
class Key:
    inside: object


class Slotted:
    __slots__ = ("inside", "unset")

    def __init__(self, inside):
        self.inside = inside

    def method(self):
        return self.inside


class Endless:
    """An object that holds itself, and something beside."""

    def __init__(self, inside):
        self.around = [self, {"self": self}]
        self.inside = inside


class Dict(dict):
    """A dict with attributes."""


def with_attribute(thing, value):
    """A container with an attribute beside its items."""
    thing.extra = value
    return thing


def class_with(value):
    """A class that holds a value, in a base class."""
    return type("Child", (type("Base", (), {"inside": value}),), {})


HIDING = {
    "partial, keyword": (lambda x: functools.partial(round, ndigits=x), ".keywords['ndigits'] is"),
    "partial, positional": (lambda x: functools.partial(max, x), ".args[0] is"),
    "partial of a partial": (lambda x: functools.partial(functools.partial(max, x), 2), ".args"),
    "list in a dataclass": (lambda x: Settings([x]), ".inside[0] is"),
    "namespace": (lambda x: types.SimpleNamespace(a={"b": x}), ".a['b'] is"),
    "object in an object": (lambda x: Settings(Settings(x)), ".inside.inside is"),
    "slots": (Slotted, ".inside is"),
    "cycle": (Endless, ".inside is"),
    "method": (lambda x: Slotted(x).method, ".__self__.inside is"),
    "closure": (lambda x: lambda: x, ".__closure__[0] is"),
    "default": (lambda x: lambda y=x: y, ".__defaults__[0] is"),
    "class": (class_with, ".inside is"),
    "object of a class": (lambda x: class_with(x)(), ".inside is"),
    "series": (lambda x: pd.Series([x]), "holds"),
    "frame": (lambda x: pd.DataFrame({"a": [1, 2], "b": [x, "b"]}), "holds"),
    "index": (lambda x: pd.Index([1, x], dtype=object), "holds"),
    "array": (lambda x: np.array([[1, x]], dtype=object), ".flat[1] is"),
    "structured array": (lambda x: np.array([(x, 1)], [("a", object), ("b", int)]), "['a'].flat"),
    "values": (lambda x: {"a": x}.values(), "holds"),
    "items": (lambda x: {"a": x}.items(), "holds"),
    "keys": (lambda x: {x: 1}.keys(), "holds"),
    "set": (lambda x: {x}, "holds"),
    "frozen set of tuples": (lambda x: frozenset({(1, x)}), "holds"),
    "deque": (lambda x: collections.deque([1, x]), "[1] is"),
    "mapping proxy": (lambda x: types.MappingProxyType({"a": x}), "holds"),
    "chain map": (lambda x: collections.ChainMap({}, {"a": x}), ".maps[1]['a'] is"),
    "user dict": (lambda x: collections.UserDict(a=x), ".data['a'] is"),
    "attribute of a dict": (lambda x: with_attribute(Dict(), x), ".extra is"),
    "factory of a dict": (lambda x: collections.defaultdict(lambda: x), ".default_factory"),
    "slice": (lambda x: slice(0, x), "holds"),
    "getter": (lambda x: operator.itemgetter(x), "holds"),
    "expression": (lambda x: Settings(x + 1), ".inside is add"),
    "key of a dict in an object": (lambda x: Settings({(x, 1): 2}), ".inside holds"),
}  # fmt: skip


@pytest.mark.parametrize("name", HIDING)
def test_a_hidden_node_is_refused_with_the_path_to_it(name):
    """A node in any kind of object is refused by its label and the way to it, wherever it is."""
    make, rest = HIDING[name]
    places = {
        "space['model'].options[1]": lambda thing: {"model": hp.choice("model", [1, thing])},
        "space['a'][0]": lambda thing: {"a": (thing,)},
        "space[0].args[0]": lambda thing: [scope.str(thing)],
        "space['c'].options[0]['k']": lambda thing: {"c": hp.pchoice("c", [(1, {"k": thing})])},
    }
    for place, around in places.items():
        space = [hp.uniform("x", 0, 1), around(make(hp.uniform("hidden", 0, 1)))][1]
        path = re.escape(f"{place}{rest}" if rest[0] != "h" else place)
        with pytest.raises(
            BadSearchSpace, match=f"only in dicts, lists and tuples: {path}.*'hidden'"
        ):
            Space(space)


def test_pipelines_of_scikit_learn_are_looked_into():
    """A node that an estimator in a pipeline received is refused with the way to it."""
    pipeline = pytest.importorskip("sklearn.pipeline")
    from sklearn.svm import SVC

    model = pipeline.Pipeline([("svc", SVC(C=hp.uniform("C", 0, 1)))])
    with pytest.raises(BadSearchSpace, match=re.escape("options[0].steps[0][1].C is <'C'")):
        Space(hp.choice("model", [model]))


def test_keys_that_hold_nodes_are_refused():
    """A node in an object that is the key of a dict is refused."""
    for key in (Key(hp.uniform("x", 0, 1)), (1, Key(hp.uniform("x", 0, 1)))):
        with pytest.raises(BadSearchSpace, match=r"key of a dict: space\[0\] has the key.*'x'"):
            Space([{key: 1}, hp.uniform("y", 0, 1)])


def test_an_object_may_keep_its_own_space():
    """Methods and classes are options where what they belong to keeps the space for itself."""

    class Model:
        space: ClassVar = {"c": hp.lognormal("c", 0, 1)}

        def __init__(self):
            self.space = {"fit": hp.choice("fit", [self.fit, self.other]), **Model.space}

        def fit(self):
            """Something to choose."""

        other = fit

    assert set(Space(Model().space).labels) == {"fit", "c"}
    assert set(Space(hp.choice("m", [{"class": Model, **Model.space}])).labels) == {"m", "c"}
    with pytest.raises(BadSearchSpace, match="'c'"):
        Space(hp.choice("m", [Model, hp.uniform("x", 0, 1)]))


@pytest.mark.parametrize(
    "make",
    [
        lambda: (i for i in range(3)),
        lambda: iter([1, 2]),
        lambda: map(abs, [1]),
        lambda: zip([1], [2], strict=True),
        lambda: enumerate([1]),
        lambda: reversed([1]),
        itertools.count,
        lambda: io.StringIO("a"),
        lambda: (hp.uniform(f"hidden{i}", 0, 1) for i in range(2)),
        lambda: Once(),
    ],
)
def test_iterators_are_refused(make):
    """What only the first trial could go through is refused as such, also in a container."""
    x = hp.uniform("x", 0, 1)
    for space in (hp.choice("c", [make(), 1]), {"x": x, "data": [make()]}, [x, scope.sum(make())]):
        with pytest.raises(BadSearchSpace, match=r"space\S+ is an iterator .*first trial"):
            Space(space)


class Once:
    """An iterator written by hand."""

    def __iter__(self):
        return self

    def __next__(self):
        raise StopIteration


@pytest.mark.parametrize(
    "option",
    [
        len,
        Settings,
        Settings([1, {"a": 2}]),
        functools.partial(round, ndigits=2),
        {1, 2}.union,
        pd.DataFrame({"a": [1], "b": ["x"]}),
        np.array(["a", None], dtype=object),
        types,
        np.random.default_rng(0),
        collections.defaultdict(list, a=1),
        range(3),
        {"a": 1}.values(),
        re.compile("a"),
        Endless(1),
        MagicMock(),
    ],
    ids=lambda option: type(option).__name__,
)
def test_objects_without_nodes_are_options(option):
    """Objects of all kinds that hold no node pass as they are."""
    space = Space({"c": hp.choice("c", [option, 0]), "x": hp.uniform("x", 0, 1)})
    assert space.labels == ("c", "x")


@pytest.mark.full
def test_the_search_for_nodes_is_bounded():
    """In objects of millions of parts the search ends after its share of them, near ones first."""
    looked_at = {}
    chain = Settings(None)
    for _ in range(60_000):
        chain = Settings(chain)
    assert list(find_hidden(chain, looked_at)) == []
    assert len(looked_at) <= 50_000
    big = Settings(None)
    big.rows, big.node = [[0] for _ in range(100_000)], hp.uniform("x", 0, 1)
    assert next(find_hidden(big, {})).path == ".node"


def test_no_code_of_an_object_runs():
    """Looking into an option calls none of its properties, lengths or iterations."""

    class Loud:
        def __getattribute__(self, name):
            if name not in ("__class__",):
                raise AssertionError(name)
            return object.__getattribute__(self, name)

        def __iter__(self):
            raise AssertionError

        __len__ = __bool__ = __iter__

    assert list(find_hidden(Loud(), {})) == []


WRAPS = [
    lambda x: [x],
    lambda x: (0, x),
    lambda x: {"k": x},
    Settings,
    Slotted,
    Endless,
    lambda x: types.SimpleNamespace(a=1, b=x),
    lambda x: functools.partial(max, key=x),
    lambda x: collections.deque([x]),
    lambda x: np.array([x, None], dtype=object)[:1],
    lambda x: pd.Series([x, None], dtype=object),
    lambda x: {"k": x}.values(),
    lambda x: lambda: x,
]


@examples(150)
@given(st.lists(st.sampled_from(WRAPS), max_size=8), st.booleans())
def test_a_node_at_any_depth_is_searched_or_refused(wraps, node):
    """Below containers alone a node is searched; below any object it is refused, nothing else."""
    thing = hp.uniform("inner", 0, 1) if node else 1
    for wrap in wraps:
        thing = wrap(thing)
    template = {"c": hp.choice("c", [thing, 0])}
    if not node:
        assert Space(template).labels == ("c",)
    elif all(wrap in WRAPS[:3] for wrap in wraps):
        assert Space(template).labels == ("c", "inner")
    else:
        with pytest.raises(BadSearchSpace, match="'inner'"):
            Space(template)
