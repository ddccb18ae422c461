"""Templates as people write them: what is one, and what it is called."""

from functools import partial

import pytest
from templated import drawn, function_of, labels_of, module_of, run

from sparktune.hyperas import distributions, optim, tune
from sparktune.hyperas.distributions import choice, uniform, uniformint
from sparktune.hyperas.distributions import choice as pick

EVERYWHERE = '''
def model():
    """A docstring with {{choice([1, 2])}} in it."""
    text = "# {{uniform(0, 1)}}"  # a comment with {{choice([3])}}
    braces = f"{{x}} {len(text)}"
    nested = {"a": {"b": {1, 2}}}
    sizes = {{1, 2, 3}.pop()}
    units = {{choice([8, 16])}}
    return text, braces, nested, sizes, units
'''


def test_only_templates_are_templates():
    """Docstrings, comments, strings, f-strings, dicts and plain sets stay what they are."""
    model = function_of(EVERYWHERE)
    assert labels_of(model) == ["units"]
    found = run(model, units=1)
    assert found == ("# {{uniform(0, 1)}}", "{x} 19", {"a": {"b": {1, 2}}}, {1}, 16)


class Net:
    """Notes what it is made of."""

    def __init__(self):
        self.parts = []

    def add(self, part):
        self.parts.append(part)


def dense(units, activation=None, rate=0.0):
    return (units, activation, rate)


def labelled():
    net = Net()
    net.add(
        dense({{choice([8, 16])}}, activation={{choice(["relu", "elu"])}}, rate={{uniform(0, 1)}})
    )
    net.add(dense(units={{choice([32, 64])}}, activation={{choice(["relu", "elu"])}}))
    net.add({{choice([8, 16])}})
    batch_size = int({{uniform(1, 9)}}) * 2
    settings = {"lr": {{uniform(0, 1)}}, "deep": dict(momentum={{uniform(0, 1)}})}
    settings["decay"] = {{uniform(0, 1)}}
    net.depth: int = {{uniformint(1, 3)}}
    first, second = {{uniform(0, 1)}}, {{uniform(0, 1)}}
    low, high = {{choice([(1, 2), (3, 4)])}}
    if net.depth == {{uniformint(1, 3)}} or {{choice([True, False])}}:
        first += {{uniform(0, 1)}}
    if (width := {{uniform(0, 1)}}) and batch_size:
        second = -{{uniform(0, 1)}} if batch_size else {{uniform(0, 1)}}
    return {"loss": {{uniform(0, 1)}}, "rest": [low, high, width, settings]}


def test_labels_are_variables_and_keywords():
    """A label is the keyword, variable, key or function that a template stands at."""
    assert labels_of(labelled) == [
        "dense", "activation", "rate", "units", "activation_1", "add", "batch_size", "lr",
        "momentum", "decay", "depth", "first", "second", "low_high", "depth_1", "if", "first_1",
        "width", "second_1", "second_2", "loss",
    ]  # fmt: skip


def test_labels_do_not_depend_on_lines():
    """The same function further down, or with lines between, has the same labels."""
    text = "def model():\n    a = {{choice([1, 2])}}\n    a = f({{choice([1, 2])}})\n"
    lower = text.replace("\n", "\n\n# more\n")
    assert labels_of(function_of(text)) == labels_of(function_of(lower)) == ["a", "f"]


def test_a_label_that_is_taken():
    """Numbered labels make way for a variable of the same name."""
    lines = ["a = {{choice([1, 2])}}", "a_1 = {{choice([1, 2])}}", "a = {{choice([3, 4])}}"]
    text = "\n    ".join(["def model():", *lines]) + "\n"
    assert labels_of(function_of(text)) == ["a", "a_1", "a_2"]


def several():
    a, b = {{choice([1, 2])}}, tune(choice([3, 4]))
    c = {
        {
            choice(
                [
                    5,
                    6,
                ]
            )
        }
    }
    d = {
        {
            choice(
                [
                    {"n": {"deep": 1}},
                    {"n": {"deep": 2}},
                ]
            )
        }
    }
    return a, b, c, d


def test_several_in_a_line_and_over_lines():
    """Templates may share a line, stretch over lines, and hold braces."""
    assert run(several, a=1, b=0, c=1, d=1) == (2, 3, 6, {"n": {"deep": 2}})


SCALES = (0.1, 1.0)
RATE = uniform(0, 1)


def scale():
    return choice([10, 20])


def by_what_names_mean():
    a = {{pick([1, 2])}}
    b = {{distributions.choice(SCALES)}}
    c = {{RATE}}
    d = {{scale()}}
    e = tune(distribution) if False else 0
    f = optim_tune(pick([3, 4]))
    return a, b, c, d, e, f


optim_tune = tune
distribution = choice([1])


def test_names_are_what_they_stand_for():
    """Aliases, attributes, variables and functions of a module give distributions alike."""
    a, b, c, d, e, f = run(by_what_names_mean, a=1, b=0, c=0.25, d=1, f=0)
    assert (a, b, c, d, e, f) == (2, 0.1, 0.25, 20, 0, 3)


def test_tune_of_ones_own():
    """A function of another kind that is called tune or choice makes no template."""
    model = function_of(
        "def model():\n    a = {{choice([1, 2])}}\n    return tune(a), {len({a})}\n",
        tune=lambda x: x + 1,
    )
    assert labels_of(model) == ["a"]
    assert run(model, a=0) == (2, {1})


def test_star_import():
    """A star import of the distributions is all that a module needs."""
    text = (
        "from sparktune.hyperas.distributions import *\n"
        "def model():\n    return f(x={{randint(3)}})\n"
    )
    assert run(function_of(text, f=lambda x: x), x=2) == 2


def test_imports_inside():
    """A function may import the distributions and what they hold itself."""
    text = (
        "def model():\n    from sparktune.hyperas.distributions import choice as one_of\n"
        "    from math import sqrt, pi\n    import os.path\n"
        "    root = {{one_of([pi, sqrt, os.path.join])}}\n    return root\n"
    )
    import math
    import os

    model = function_of(text, name="model")
    assert [run(model, root=each) for each in range(3)] == [math.pi, math.sqrt, os.path.join]


def test_old_conditional():
    """`conditional` of older examples is what was drawn, and its branch hangs on it."""
    text = (
        "def model():\n    if conditional({{choice(['two', 'three'])}}) == 'three':\n"
        "        return {{choice([8, 16])}}\n"
    )
    model = function_of(text)
    space = optim.space_of(model)
    assert space.labels == ("conditional", "return")
    assert space.parents == ((), ((0, 1),))
    assert run(model, conditional=1, **{"return": 1}) == 16


class Layer:
    """Counts how many were made."""

    made = 0

    def __init__(self, rate):
        Layer.made += 1
        self.rate = rate


def layered(n):
    layer = {{choice([Layer(0.5), Layer(n), None, Layer])}}
    return layer


def test_options_that_are_made():
    """An option that makes an object makes a new one in each trial, of the function's variables."""
    first, second = (run(layered, 3, layer=1) for _ in range(2))
    assert first is not second
    assert first.rate == second.rate == 3
    assert run(layered, 3, layer=0).rate == 0.5
    assert run(layered, 3, layer=2) is None
    assert run(layered, 3, layer=3) is Layer
    space = optim.space_of(layered)
    assert space.params[0].options == ("Layer(0.5)", "Layer(n)", None, "Layer")
    assert isinstance(space.real({"layer": 0})["layer"], Layer)
    assert space.real({"layer": 1})["layer"] == "Layer(n)"


def lambdas(n):
    action = {{choice([lambda x: x + n, lambda x: x - n, float("nan"), "lambda x: x + n"])}}
    return action


def test_options_that_close_over_variables():
    """A lambda among the options sees the function's own variables; equal texts stay apart."""
    assert run(lambdas, 10, action=0)(1) == 11
    assert run(lambdas, 10, action=1)(1) == -9
    assert run(lambdas, 10, action=2) != run(lambdas, 10, action=2)
    assert run(lambdas, 10, action=3) == "lambda x: x + n"


def optional():
    rate = {{choice([None, {{uniform(0, 0.5)}}, Layer({{uniform(0.5, 1)}})])}}
    return rate


def test_templates_in_options():
    """A template in an option is drawn only where the option is."""
    space = optim.space_of(optional)
    assert space.labels == ("rate", "rate_1", "Layer")
    assert space.parents == ((), ((0, 1),), ((0, 2),))
    assert run(optional, rate=0) is None
    assert run(optional, rate=1, rate_1=0.25) == 0.25
    assert run(optional, rate=2, Layer=0.75).rate == 0.75


def test_options_are_fresh_copies():
    """An option that the function changes is whole again in the next trial."""
    model = function_of(
        "def model():\n    sizes = {{choice([[1, 2], [3]])}}\n    sizes.append(0)\n"
        "    return sizes\n"
    )
    assert [run(model, sizes=0) for _ in range(2)] == [[1, 2, 0]] * 2


@pytest.mark.parametrize(
    ("template", "values"),
    [
        ("randint(3)", {0, 1, 2}),
        ("randint(2, 4)", {2, 3}),
        ("uniformint(1, 3)", {1, 2, 3}),
        ("quniform(0, 4, 2)", {0.0, 2.0, 4.0}),
        ("qloguniform(0, 1, 1)", {1.0, 2.0, 3.0}),
        ("qnormal(0, 0.3, 1)", {-1.0, 0.0, 1.0}),
        ("qlognormal(0, 0.3, 1)", {1.0, 2.0}),
        ("choice(range(2))", {0, 1}),
        ("choice(options=('a', 'b'))", {"a", "b"}),
        ("uniform(0, high=1)", None),
        ("loguniform(-1, 1)", None),
        ("normal(mu=0, sigma=1)", None),
        ("lognormal(0, 1)", None),
    ],
)
def test_all_distributions(template, values):
    """Every distribution of Hyperas draws what that of sparktune.hp does."""
    model = function_of(f"def model():\n    x = {{{{{template}}}}}\n    return x\n")
    found = [(real["x"], function()) for real, function in drawn(model, size=200)]
    assert all(real == got and type(real) is type(got) for real, got in found)
    if values is not None:
        assert {got for _, got in found} <= values | {-2.0, 0.0, 3.0}
        assert values & {got for _, got in found}
    else:
        assert len({got for _, got in found}) == 200


def test_the_table():
    """space_of shows labels, ranges, conditions and lines, one a row."""
    module = module_of(
        "def model():\n    if {{choice(['one', 'two'])}} == 'two':\n"
        "        n = {{choice([2, 3])}}\n    for i in range(2):\n        x = {{uniform(0, 1, i)}}\n"
    )
    rows = repr(optim.space_of(module["model"])).splitlines()
    path = module["model"].__code__.co_filename
    assert [row.split() for row in rows] == [
        [
            "if",
            "{{choice(['one',",
            "'two'])}}",
            "always",
            f"{path.split()[0]}",
            f"{path.split()[1]}:2",
        ],
        ["n", "{{choice([2,", "3])}}", "if", "if", "is", "'two'", *f"{path}:3".split()],
        ["x[0]", "{{uniform(0,", "1,", "i)}}", "always", *f"{path}:5".split()],
        ["x[1]", "{{uniform(0,", "1,", "i)}}", "always", *f"{path}:5".split()],
    ]


def test_a_partial():
    """A partial of a function with templates is a model as well."""

    def model(a, b, *, c=1):
        return a, b, c, {{choice([1, 2])}}

    assert run(partial(model, 1, c=3), 2, **{"return": 1}) == (1, 2, 3, 2)
