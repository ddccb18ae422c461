"""Reading what is no description of a space: one sentence, whatever it is."""

import copy
import json
import sys

import numpy as np
import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from properties import examples

from sparktune import hp
from sparktune.exceptions import BadSearchSpace
from sparktune.space.described import describe, described, from_description, value_from
from sparktune.space.expressions import scope
from sparktune.space.tree import Space

VALID = describe(
    Space(
        {
            "lr": hp.loguniform("lr", -9, 0),
            "q": hp.qnormal("q", 0, 5, 1),
            "m": hp.pchoice(
                "m",
                [
                    (0.25, {"n": scope.int(hp.quniform("n", 1, 9, 1)), 3: (1, 2), "f": len}),
                    (0.25, [hp.randint("r", 9), np.arange(3), {1, 2}, b"x", 10**30, float("inf")]),
                    (0.5, "none"),
                ],
            ),
        }
    )
)


def whole(template, *labels):
    """A description with a template."""
    return {"version": 1, "labels": list(labels), "$": template}


def refused(data):
    """The sentence with which data are refused."""
    with pytest.raises(BadSearchSpace) as caught:
        from_description(data)
    text = str(caught.value)
    assert text
    assert "\n" not in text
    assert len(text) < 1000
    return text


@pytest.mark.parametrize(
    "data", [None, 5, "x", [], {}, {"version": 1}, {"$": 1, "version": 1}, [VALID], object()]
)
def test_what_is_no_description_is_refused(data):
    """Anything else than a dict with version, labels and template is said to be none."""
    assert "no record of a space" in refused(data)


@pytest.mark.parametrize("version", [0, 2, "1", None, True, pytest.param(10**5000, id="huge"), [1]])
def test_another_version_is_refused(version):
    """A later release's record is not guessed at."""
    assert "version" in refused({**VALID, "version": version})


X = {"$": "uniform", "label": "x", "low": 0, "high": 1}
WRONG = {
    "unknown tag": ({"$": "exec", "label": "x"}, "unknown kind, 'exec'"),
    "tag of another type": ({"$": ["uniform"]}, "unknown kind, a list"),
    "huge tag": ({"$": 10**5000}, "a number of 16610 bits"),
    "missing field": ({"$": "uniform", "label": "x", "low": 0}, "'uniform' has no 'high'"),
    "no label": ({"$": "normal", "mu": 0, "sigma": 1}, "has no 'label'"),
    "unknown field": ({**X, "more": 1}, "unknown field 'more'"),
    "label of another type": ({**X, "label": 3}, "'label' must be a string"),
    "text for a number": ({**X, "low": "0"}, "'low' must be a finite number, but is '0'"),
    "bool for a number": ({**X, "low": True}, "'low' must be a finite number"),
    "nan": ({**X, "low": float("nan")}, "'low' must be a finite number, but is nan"),
    "huge int": ({**X, "high": 10**5000}, "'high' must be a finite number"),
    "bounds in reverse": ({**X, "low": 2}, "in 'x': `low < high` must hold"),
    "negative step": ({**X, "q": -1}, "`q > 0` must hold"),
    "log of another type": ({**X, "log": 1}, "'log' must be true or false"),
    "sigma": ({"$": "normal", "label": "x", "mu": 0, "sigma": 0}, "`sigma > 0`"),
    "fractions": ({"$": "integers", "label": "x", "low": 0.5, "high": 2}, "whole number"),
    "no options": ({"$": "choice", "label": "x", "options": []}, "at least one option"),
    "many options": ({"$": "choice", "label": "x", "options": 10**9}, "'options' must be a list"),
    "options as range": (
        {
            "$": "choice",
            "label": "x",
            "options": {"$": "range", "start": 0, "stop": 10**9, "step": 1},
        },
        "'options' must be a list, but is a dict",
    ),
    "negative p": ({"$": "choice", "label": "x", "p": [-1, 2], "options": [1, 2]}, "probabilities"),
    "text p": ({"$": "choice", "label": "x", "p": ["1"], "options": [1]}, "probabilities"),
    "p of another sum": ({"$": "choice", "label": "x", "p": [0.1], "options": [1]}, "sum to"),
    "p of another length": ({"$": "choice", "label": "x", "p": [1], "options": [1, 2]}, "1 prob"),
    "label twice": ([X, X], "the label 'x' occurs twice"),
    "in itself": (
        {"$": "choice", "label": "x", "options": [{"$": "again", "label": "x"}]},
        "'x' contains itself",
    ),
    "label in its own option": ({"$": "choice", "label": "x", "options": [X]}, "occurs twice"),
    "too late": ([{"$": "again", "label": "x"}, X], "'x' comes too late"),
    "again of nothing": ([X, {"$": "again"}], "either a label or a number"),
    "again of a call": ([X, {"$": "again", "call": 3}], "3 comes too late"),
    "a call in itself": (
        [
            X,
            {
                "$": "call",
                "number": 0,
                "function": {"$": "named", "what": "function", "module": "m", "name": "f"},
                "args": [{"$": "again", "call": 0}],
                "kwargs": {},
            },
        ],
        "0 comes too late",
    ),
    "a call of data": (
        [X, {"$": "call", "number": 0, "function": 5, "args": [], "kwargs": {}}],
        "no function",
    ),
    "kwargs": (
        [X, {"$": "call", "number": 0, "function": 5, "args": [], "kwargs": []}],
        "dict by names",
    ),
    "named of another kind": ([X, {"$": "named", "what": "x", "module": "m", "name": "n"}], "kind"),
    "name of another type": ([X, {"$": "object", "module": 1, "name": "n"}], "'module' must be"),
    "pairs": ([X, {"$": "dict", "items": [[1]]}], "pairs of key and value"),
    "unhashable key": ([X, {"$": "dict", "items": [[[], 1]]}], "unhashable"),
    "unhashable member": ([X, {"$": "set", "items": [[]]}], "unhashable"),
    "a node as key": ({"$": "dict", "items": [[X, 1]]}, "key of a dict"),
    "a node in a set": (
        [X, {"$": "set", "items": [{"$": "again", "label": "x"}]}],
        "cannot stand in a set",
    ),
    "a type": ([X, {"$": "tuple", "items": [], "type": "list"}], "'type' must be a list"),
    "half a type": ([X, {"$": "tuple", "items": [], "type": ["list"]}], "a module and a name"),
    "fields": ([X, {"$": "tuple", "items": [], "type": ["m", "n"], "fields": [1]}], "strings"),
    "nan by itself": ([X, float("nan")], "nan is no number of JSON"),
    "a huge number": ([X, 10**5000], "a number of 16610 bits is too large"),
    "no hex": ([X, {"$": "int", "hex": "12"}], "no number in hex"),
    "no float": ([X, {"$": "float", "text": "1e5"}], "'1e5' is no float"),
    "no base64": ([X, {"$": "bytes", "base64": "x"}], "damaged"),
    "no date": ([X, {"$": "datetime", "text": "yesterday"}], "yesterday"),
    "a long time": ([X, {"$": "timedelta", "days": 10**18, "seconds": 0, "microseconds": 0}], "d"),
    "no step": ([X, {"$": "range", "start": 0, "stop": 1, "step": 0}], "zero"),
    "half a slice": ([X, {"$": "slice", "start": "a", "stop": 1, "step": 0}], "whole numbers"),
    "objects": ([X, {"$": "array", "dtype": "|O", "shape": [1], "values": [1]}], "unknown type"),
    "a large array": ([X, {"$": "array", "dtype": "<f8", "shape": [10**9], "values": []}], "shape"),
    "wide texts": (
        [X, {"$": "array", "dtype": "<U99999999", "shape": [1], "values": ["a"]}],
        "large",
    ),
    "room for long texts": (
        [X, {"$": "array", "dtype": "<U999999", "shape": [1], "values": ["a"]}],
        "an array of <U999999 has short texts only",
    ),
    "negative shape": (
        [X, {"$": "array", "dtype": "<f8", "shape": [-1, -1], "values": [1.0]}],
        "sh",
    ),
    "many axes": ([X, {"$": "array", "dtype": "<f8", "shape": [1] * 99, "values": [1.0]}], "32"),
    "other items": (
        [X, {"$": "array", "dtype": "<f8", "shape": [1], "values": ["a"]}],
        "another k",
    ),
    "beyond int8": ([X, {"$": "array", "dtype": "|i1", "shape": [1], "values": [300]}], "hold"),
    "a tuple": ((X,), "a tuple is nothing that JSON has"),
    "a key of JSON": ({3: X}, "3 is a key that JSON does not have"),
    "no node": ([1, 2], "no hyperparameter"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_data_are_refused_in_one_sentence(case):
    """Each kind of damage has a sentence that says what it is."""
    template, words = WRONG[case]
    assert words in refused(whole(template, "x"))


def test_labels_that_are_not_those_of_the_nodes():
    """A record whose order of keys was changed is refused, for its columns would be others."""
    assert "labels" in refused({**VALID, "labels": sorted(VALID["labels"])})
    assert "labels" in refused({**VALID, "labels": None})
    turned = json.loads(json.dumps(VALID, sort_keys=True))
    assert "damaged" in refused({**turned, "labels": VALID["labels"]})


def nested(wrap, levels):
    """Something in so many containers."""
    data = X
    for _ in range(levels):
        data = wrap(data)
    return data


@pytest.mark.parametrize(
    "wrap",
    [
        lambda data: [data],
        lambda data: {"a": data},
        lambda data: {"$": "tuple", "items": [data]},
        lambda data: {"$": "complex", "real": data, "imag": 0.0},
        lambda data: {"$": "array", "dtype": "<f8", "shape": [1], "values": [data]},
        lambda data: {"$": "again", "label": data},
        lambda data: {"$": "range", "start": data, "stop": 1, "step": 1},
        lambda data: {"$": data},
    ],
)
@pytest.mark.parametrize(
    ("levels", "limit"),
    [
        (30_000, None), (30_000, 20_000),
        pytest.param(100_000, None, marks=pytest.mark.full),
        pytest.param(100_000, 20_000, marks=pytest.mark.full),
    ],
)  # fmt: skip
def test_deep_nesting_is_refused(wrap, levels, limit):
    """Tens of thousands of levels are no crash, whatever the program allows for recursion."""
    before = sys.getrecursionlimit()
    try:
        sys.setrecursionlimit(limit or before)
        assert "damaged" in refused(whole(nested(wrap, levels), "x"))
    finally:
        sys.setrecursionlimit(before)


def test_data_that_contain_themselves():
    """A list that is in itself is nested too deeply."""
    loop = []
    loop.append(loop)
    assert "nested too deeply" in refused(whole([X, loop], "x"))


def test_reading_imports_nothing():
    """Names of modules that were never imported leave no trace."""
    assert "antigravity" not in sys.modules
    named = {"$": "named", "what": "function", "module": "antigravity", "name": "fly"}
    space = from_description(whole([X, named, {"$": "object", "module": "this", "name": "s"}], "x"))
    assert repr(space.template[1]) == "<function antigravity.fly>"
    assert not {"antigravity", "this"} & set(sys.modules)


def test_values_are_read_with_the_same_sentences():
    """A single value that is damaged is refused like a space."""
    with pytest.raises(BadSearchSpace, match="damaged"):
        value_from({"$": "int", "hex": 5})
    assert value_from([1, {"$": "tuple", "items": [2]}]) == [1, (2,)]


@pytest.mark.parametrize("texts", [["a", "b" * 3000], ["a", "b" * 30], ["b" * 3000], []])
def test_arrays_of_texts_are_read_as_they_were(texts):
    """Texts of any length come back, and room for long ones that there are not is not written."""
    array = np.array(texts, str)
    assert value_from(described(array)).tolist() == texts
    wide = described(np.array(texts, "<U99999"))
    assert wide["$"] == "object"


@pytest.mark.parametrize(
    "tag", ["uniform", "choice", "call", "again", "named", "object", "integers", "normal", "index"]
)
def test_a_result_holds_plain_data(tag):
    """Nodes and names of code are refused where only what a result may hold is read."""
    with pytest.raises(BadSearchSpace, match=f"of a kind that no result has, '{tag}'"):
        value_from({"a": [{"$": tag}]}, plain=True)
    assert value_from({"a": {"$": "tuple", "items": [1]}}, plain=True) == {"a": (1,)}


def places(data, path=()):
    """All places in nested JSON."""
    yield path
    items = data.items() if isinstance(data, dict) else enumerate(data)
    for key, item in items if isinstance(data, (dict, list)) else ():
        yield from places(item, (*path, key)) if isinstance(item, (dict, list)) else [(*path, key)]


PLACES = [path for path in places(VALID) if path]
JUNK = st.sampled_from(
    [
        None,
        True,
        -1,
        0,
        3,
        10**400,
        2**3000,
        -0.5,
        1e308,
        float("nan"),
        float("inf"),
        "",
        "x",
        "lr",
        "$",
        [],
        {},
        [[]],
        {"$": "again", "label": "m"},
        {"$": "again", "label": "lr"},
        {"$": "choice"},
        {"$": "uniform", "label": "lr", "low": 0, "high": 1},
        [0] * 50,
        "uniform",
        "integers",
        "tuple",
    ]
)


def mutate(data, path, how, junk):
    """Change one place of nested JSON."""
    *way, last = path
    for key in way:
        data = data[key] if isinstance(data, (dict, list)) and _has(data, key) else None
        if data is None:
            return
    if not isinstance(data, (dict, list)) or not _has(data, last):
        return
    if how == "delete":
        del data[last]
    elif how == "rename" and isinstance(data, dict):
        data[junk if isinstance(junk, str) else "other"] = data.pop(last)
    elif how == "double" and isinstance(data, list):
        data.append(copy.deepcopy(data[last]))
    else:
        data[last] = copy.deepcopy(junk)


def _has(data, key):
    return key in data if isinstance(data, dict) else isinstance(key, int) and key < len(data)


CHANGES = st.lists(
    st.tuples(
        st.sampled_from(PLACES), st.sampled_from(["delete", "rename", "double", "set"]), JUNK
    ),
    min_size=1,
    max_size=3,
)


def space_or_sentence(data):
    """The space of a description, or None where it is refused in one sentence."""
    try:
        return from_description(data)
    except BadSearchSpace as error:
        sentence = str(error)
    assert sentence
    assert "\n" not in sentence
    return None


@examples(10_000, quick=75, suppress_health_check=list(HealthCheck))
@given(CHANGES)
def test_mutated_descriptions(changes):
    """Whatever is changed in a description, it gives a space that works, or one sentence."""
    data = copy.deepcopy(VALID)
    for path, how, junk in changes:
        mutate(data, path, how, junk)
    space = space_or_sentence(data)
    if space is None:
        return
    assert describe(space)["labels"] == data["labels"]
    X = space.sample(np.random.default_rng(0), 3)
    for row in X:
        space.check(space.decode(row))


json_values = st.recursive(
    JUNK.map(copy.copy) | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["$", "label", "items", "options", "a"]), inner, max_size=4
        )
    ),
    max_leaves=12,
)


@examples(300, suppress_health_check=list(HealthCheck))
@given(json_values)
def test_any_json_as_a_template(data):
    """Any JSON in the place of a template is refused in one sentence, or is a space."""
    space_or_sentence(whole(data, "lr"))
