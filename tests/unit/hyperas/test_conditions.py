"""Conditions: which options a template hangs on, and what nobody can know before a trial."""

import pytest
from templated import function_of, parents_of

from sparktune.hyperas.model import prepared


def tree(*lines, **names):
    """What activates each label of a function of these lines."""
    text = "\n    ".join(["def model(data=None, *more):", *lines, "return None"]) + "\n"
    return parents_of(prepared(function_of(text, **names)).space)


ALWAYS = set()


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["if {{choice(['one', 'two'])}} == 'two':", "    n = {{randint(2)}}"], {("if", 1)}),
        (["if not {{choice(['one', 'two'])}} == 'two':", "    n = {{randint(2)}}"], {("if", 0)}),
        (["if {{choice(['a', 'b', 'c'])}} in ('a', 'c'):", "    n = {{randint(2)}}"],
         {("if", 0), ("if", 2)}),
        (["c = {{choice([True, False])}}", "if c:", "    n = {{randint(2)}}"], {("c", 0)}),
        (["c = {{choice([True, False])}}", "if c: pass", "else:", "    n = {{randint(2)}}"],
         {("c", 1)}),
        (["c = {{choice([1, 2, 3])}}", "if c == 1: pass", "elif c == 2: pass", "else:",
          "    n = {{randint(2)}}"], {("c", 2)}),
        (["c = {{choice([1, 2])}}", "x = {{randint(2)}} if c > 1 else 0"], {("c", 1)}),
        (["c = {{choice([1, 2])}}", "x = c > 1 and {{randint(2)}}"], {("c", 1)}),
        (["c = {{choice([1, 2])}}", "x = c > 1 or {{randint(2)}}"], {("c", 0)}),
        (["if (c := {{choice([1, 2])}}) > 1: x = {{randint(2)}}"], {("c", 1)}),
        (["c: int = {{choice([1, 2])}}", "double = 2 * c + 1", "if double == 5:",
          "    x = {{randint(2)}}"], {("c", 1)}),
        (["c = {{choice(['adam', 'sgd'])}}", "if c.startswith('a'): x = {{randint(2)}}"],
         {("c", 0)}),
        (["c = {{choice([8, 16])}}", "if isinstance(c, int) and len(str(c)) == 2:",
          "    x = {{randint(2)}}"], {("c", 1)}),
        (["c = {{choice(['a', 'b', 'c'])}}", "match c:", "    case 'a' | 'b': x = {{randint(2)}}"],
         {("c", 0), ("c", 1)}),
        (["c = {{choice(['a', 'b', 'c'])}}", "match c:", "    case 'a': pass",
          "    case 'b' if data: pass", "    case _: x = {{randint(2)}}"], {("c", 1), ("c", 2)}),
        (["c = {{choice([(1, 'a'), (2, 'b')])}}", "match c:", "    case (2, name):",
          "        x = {{randint(2)}}"], {("c", 1)}),
        (["c = {{choice([None, True])}}", "match c:", "    case None: x = {{randint(2)}}"],
         {("c", 0)}),
        (["c = {{choice([1, 2])}}", "if c == 1:", "    return 0", "x = {{randint(2)}}"],
         {("c", 1)}),
        (["c = {{choice([1, 2])}}", "if c == 1: pass", "else:", "    raise ValueError(c)",
          "x = {{randint(2)}}"], {("c", 0)}),
        (["c = {{choice([1, 2])}}", "if data: d = 1", "if c == 1 and data:",
          "    x = {{randint(2)}}"], {("c", 0)}),
        (["c = {{choice([1, 2])}}", "with open(data) as file:", "    if c == 2:",
          "        x = {{randint(2)}}"], {("c", 1)}),
        (["c = {{choice([1, 2])}}", "def block(y):", "    if c == 2:",
          "        return {{randint(2)}}"], {("c", 1)}),
        (["c = {{choice([1, 2])}}", "found = [{{randint(2)}} for _ in data if c == 2]"],
         {("c", 1)}),
        (["c, d = {{choice([1, 2])}}, 3", "if c == 1: x = {{randint(2)}}"], ALWAYS),
        (["c = data.get({{choice([1, 2])}})", "if c == 1: x = {{randint(2)}}"], ALWAYS),
        (["c = {{choice([1, 2])}}", "c = 2", "if c == 1: x = {{randint(2)}}"], ALWAYS),
        (["c = {{choice([1, 2])}}", "def change():", "    nonlocal c; c = 3",
          "if c == 1: x = {{randint(2)}}"], ALWAYS),
        (["global c", "c = {{choice([1, 2])}}", "if c == 1: x = {{randint(2)}}"], ALWAYS),
        (["c = {{choice([[1], [2]])}}", "c.append(data)", "if c == [1]: x = {{randint(2)}}"],
         ALWAYS),
        (["c = {{uniform(0, 1)}}", "if c > 0.5: x = {{randint(2)}}"], ALWAYS),
        (["c = {{choice([1, 2])}}", "if c == data: x = {{randint(2)}}"], ALWAYS),
        (["c = {{choice([1, 2])}}", "if c < 'a': x = {{randint(2)}}"], ALWAYS),
        (["c = {{choice([1, 2])}}", "while c == data: c = 3", "if c == 1: x = {{randint(2)}}"],
         ALWAYS),
        (["c = {{choice([1, 2])}}", "if more and c in more: x = {{randint(2)}}"], ALWAYS),
        (["if {{choice([len(data), 2])}} == 2: x = {{randint(2)}}"], ALWAYS),
    ],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore:.*is one draw for all its rounds:UserWarning")
def test_what_a_template_hangs_on(lines, expected):
    """The last template is active under the options that the condition leaves, and else always."""
    *_, found = tree(*lines).values()
    assert found == expected


def test_branches_in_branches():
    """Each level of a tree hangs on the one above it."""
    found = tree(
        "if {{choice(['a', 'b'])}} == 'a':",
        "    c = {{choice([1, 2, 3])}}",
        "    if c > 1:",
        "        d = {{uniform(0, 1)}}",
        "    elif data:",
        "        e = {{uniform(0, 1)}}",
        "else:",
        "    f = {{uniform(0, 1)}}",
    )
    assert found == {
        "if": ALWAYS,
        "c": {("if", 0)},
        "d": {("c", 1), ("c", 2)},
        "e": {("c", 0)},
        "f": {("if", 1)},
    }


def test_either_of_two():
    """What happens where one of two choices says so hangs on the options of both."""
    found = tree(
        "a = {{choice([1, 2])}}",
        "b = {{choice([1, 2])}}",
        "if a == 1 or b == 2:",
        "    x = {{uniform(0, 1)}}",
        "if a == b == 1:",
        "    y = {{uniform(0, 1)}}",
        "if a + b == 4:",
        "    z = {{uniform(0, 1)}}",
    )
    assert found["x"] == {("a", 0), ("b", 1)}
    assert found["y"] in ({("a", 0)}, {("b", 0)})
    assert found["z"] in ({("a", 1)}, {("b", 1)})


def test_the_narrowest_of_several():
    """Of conditions that all have to hold a template hangs on the least probable."""
    found = tree(
        "a = {{choice([1, 2])}}",
        "b = {{choice([1, 2, 3, 4])}}",
        "if b == 1:",
        "    if a == 1:",
        "        x = {{uniform(0, 1)}}",
    )
    assert found["x"] == {("b", 0)}


def test_names_outside():
    """Variables of the module decide as far as they are known; what cannot happen is left out."""
    lines = [
        "c = {{choice(OPTIONS)}}",
        "if c == DEFAULT: x = {{uniform(0, 1)}}",
        "if DEBUG: y = {{uniform(0, 1)}}",
        "if DEBUG and c == DEFAULT:",
        "    if {{choice([1, 2])}} == 1: z = {{uniform(0, 1)}}",
        "if kinds.one == c: v = {{uniform(0, 1)}}",
    ]
    names = {"OPTIONS": ("a", "b"), "DEFAULT": "b", "kinds": type("kinds", (), {"one": "a"})}
    assert tree(*lines, DEBUG=False, **names) == {"c": ALWAYS, "x": {("c", 1)}, "v": {("c", 0)}}
    assert tree(*lines, DEBUG=True, **names)["z"] == {("if", 0)}


def test_no_calls_of_the_users():
    """A condition that calls functions of the user's is left to the trial."""

    def check(value):
        raise AssertionError("called before the run")

    lines = ["c = {{choice([1, 2])}}", "if check(c): x = {{uniform(0, 1)}}"]
    assert tree(*lines, check=check)["x"] == ALWAYS


def test_numbers_that_decide():
    """Whole numbers of which others depend are choices of their values, equally likely."""
    lines = ["n = {{uniformint(1, 3)}}", "if n > 1: x = {{uniform(0, 1)}}"]
    text = "\n    ".join(["def model():", *lines, "return n"]) + "\n"
    space = prepared(function_of(text)).space
    assert parents_of(space)["x"] == {("n", 1), ("n", 2)}
    assert space.real({"n": 2, "x": 0.5}) == {"n": 3, "x": 0.5}
    lines = ["q = {{quniform(0, 2, 1)}}", "if q == 2: x = {{uniform(0, 1)}}"]
    space = prepared(function_of("\n    ".join(["def model():", *lines]) + "\n")).space
    assert space.distributions[0].p == (0.25, 0.5, 0.25)
    assert space.real({"q": 1}) == {"q": 1.0}


def test_a_branch_that_was_not_expected():
    """A template that is reached though it is inactive says so, with file and line."""
    text = "def model():\n    if {{choice([1, 2])}} in LIST:\n        return {{choice([3, 4])}}\n"
    module = {"LIST": [1]}
    model = function_of(text, **module)
    ready = prepared(model)
    assert parents_of(ready.space)["return"] == {("if", 0)}
    model.__globals__["LIST"].append(2)
    with pytest.raises(RuntimeError, match=r"<cell \d+>:3: \{\{choice\(\[3, 4\]\)\}\} is reached"):
        ready.objective(()).drawing({"if": 2})()
