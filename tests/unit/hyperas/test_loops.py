"""Loops: a draw for each round, or one for all with a warning."""

import re

import pytest
from templated import function_of, parents_of, run

from sparktune.hyperas import optim
from sparktune.hyperas.model import prepared


def written(*lines):
    """A function of these lines."""
    return function_of("\n    ".join(["def model(data=None):", *lines]) + "\n")


def tree(*lines):
    return parents_of(prepared(written(*lines)).space)


ALWAYS = set()


def test_rounds_up_to_a_choice():
    """Each round has a label, which is active where the count reaches it."""
    found = tree("for i in range({{choice([1, 3, 2])}}):", "    u = {{choice([8, 16], i)}}")
    assert found == {
        "range": ALWAYS,
        "u[0]": ALWAYS,
        "u[1]": {("range", 1), ("range", 2)},
        "u[2]": {("range", 1)},
    }


@pytest.mark.parametrize(
    ("loop", "labels"),
    [
        ("for i in range(2)", ["u[0]", "u[1]"]),
        ("for i in range(1, 4, 2)", ["u[1]", "u[3]"]),
        ("for i in ('a', 'b')", ["u[a]", "u[b]"]),
        ("for i, name in enumerate(['x', 'y'])", ["u[0]", "u[1]"]),
        ("for name, i in zip('ab', (5, 6))", ["u[5]", "u[6]"]),
        ("for i in reversed(range(2))", ["u[1]", "u[0]"]),
    ],
)
def test_known_loops(loop, labels):
    """A loop over any values that are known has a label for each."""
    assert list(tree(f"{loop}:", "    u = {{uniform(0, 1, i)}}")) == labels


def test_counts_by_other_ways():
    """The count may be a variable, a whole number, or a number that was rounded."""
    variable = tree("n = {{choice([1, 2])}}", "for i in range(n + 1):", "    u = {{randint(2, i)}}")
    assert variable["u[2]"] == {("n", 1)}
    whole = tree("for i in range({{uniformint(1, 2)}}):", "    u = {{randint(2, i)}}")
    assert whole["u[1]"] == {("range", 1)}
    cast = tree("for i in range(int({{quniform(1, 2, 1)}})):", "    u = {{randint(2, i)}}")
    assert cast["u[1]"] == {("range", 1)}


def test_comprehensions():
    """A comprehension has its rounds as a loop has."""
    model = written("return [{{choice([8, 16], i)}} for i in range({{choice([1, 2])}})]")
    assert parents_of(prepared(model).space) == {
        "range": ALWAYS, "return[0]": ALWAYS, "return[1]": {("range", 1)},
    }  # fmt: skip
    assert run(model, **{"range": 1, "return[0]": 0, "return[1]": 1}) == [8, 16]


def test_loops_in_loops():
    """Several variables make a label for each combination that there is."""
    model = written(
        "out = []",
        "for i in range({{choice([1, 2])}}):",
        "    width = {{choice([1, 2], i)}}",
        "    for j in range(width):",
        "        out.append({{randint(5, i, j)}})",
        "return out",
    )
    found = parents_of(prepared(model).space)
    assert set(found) == {
        "range", "width[0]", "width[1]", "append[0,0]", "append[0,1]", "append[1,0]", "append[1,1]"
    }  # fmt: skip
    assert found["append[0,1]"] == {("width[0]", 1)}
    assert found["width[1]"] == found["append[1,0]"] == {("range", 1)}
    assert found["append[1,1]"] == {("width[1]", 1)}
    values = {"range": 1, "width[0]": 0, "append[0,0]": 4, "width[1]": 1}
    assert run(model, **values, **{"append[1,0]": 2, "append[1,1]": 3}) == [4, 2, 3]


def test_conditions_in_rounds():
    """A condition is decided for each round, by its draws and by the variable of the loop."""
    found = tree(
        "for i in range(2):",
        "    if {{choice(['conv', 'dense'], i)}} == 'dense':",
        "        units = {{choice([8, 16], i)}}",
        "    if i > 0:",
        "        rate = {{uniform(0, 1, i)}}",
    )
    assert found == {
        "if[0]": ALWAYS,
        "units[0]": {("if[0]", 1)},
        "if[1]": ALWAYS,
        "units[1]": {("if[1]", 1)},
        "rate[1]": ALWAYS,
    }


def test_ranges_of_rounds():
    """The range of a round may be of the loop's variable."""
    space = prepared(written("for i in range(1, 3):", "    u = {{uniform(0, 10 * i, i)}}")).space
    assert [each.high for each in space.distributions] == [10.0, 20.0]


def test_the_same_variable_again():
    """Two loops may have variables of one name."""
    found = tree(
        "for i in range(1):", "    u = {{randint(2, i)}}",
        "for i in range(2):", "    v = {{randint(2, i)}}",
    )  # fmt: skip
    assert list(found) == ["u[0]", "v[0]", "v[1]"]


@pytest.mark.parametrize(
    ("lines", "line", "advice"),
    [
        (["for i in range(3):", "    u = {{choice([8, 16])}}"], 2, "{{choice([8, 16], i)}}"),
        (["for layer in data:", "    u = {{randint(2)}}"], 2, "{{randint(2, layer)}}"),
        (["while data:", "    u = {{randint(2)}}"], 2, None),
        (["x = [{{randint(2)}} for _ in range(3)]"], 2, "{{randint(2, _)}}"),
        (["x = {n: {{randint(2)}} for n in range(3)}"], 2, "{{randint(2, n)}}"),
        (["x = sum(n for n in range(3) if {{randint(2)}})"], 2, "{{randint(2, n)}}"),
        (["for i in range(2):", "    for j in range(2):", "        u = {{randint(2, i)}}"], 3,
         "{{randint(2, j)}}"),
    ],
)  # fmt: skip
def test_one_draw_for_all_rounds(lines, line, advice):
    """A template in a loop without its variable warns of the line, and of what to write."""
    with pytest.warns(UserWarning, match=r"<cell \d+>:\d+: .*is one draw for all its") as caught:
        space = prepared(written(*lines)).space
    (warning,) = caught
    text = str(warning.message)
    assert f"stands in the loop of line {line}," in text
    assert advice is None or text.endswith(f"write {advice}")
    assert len(space) in (1, 2)


@pytest.mark.parametrize(
    "lines",
    [
        ["for u in range({{choice([2, 3])}}): pass"],
        ["x = [n for n in range({{choice([2, 3])}})]"],
        ["for _ in range(2):", "    def block(): pass", "x = {{choice([2, 3])}}"],
        ["for _ in range(2): pass", "else:", "    x = {{choice([2, 3])}}"],
    ],
)
def test_no_warning(lines):
    """What a loop evaluates once draws no warning."""
    assert len(prepared(written(*lines)).space) == 1


@pytest.mark.parametrize(
    "lines",
    [
        ["for i in data:", "    u = {{randint(2, i)}}"],
        ["for i in range(len(data)):", "    u = {{randint(2, i)}}"],
        ["n = {{uniform(1, 4)}}", "for i in range(int(n)):", "    u = {{randint(2, i)}}"],
        ["for i in range(3):", "    i += 1", "    u = {{randint(2, i)}}"],
        ["for i in range(10_000):", "    u = {{randint(2, i)}}"],
        ["for i in [[1], [2]]:", "    u = {{randint(2, i)}}"],
    ],
)
def test_rounds_that_nobody_can_count(lines):
    """Rounds that are not known before the run are refused, with file and line."""
    where = rf"<cell \d+>:{len(lines) + 1}: \{{\{{randint\(2, i\)\}}\}} is one draw for each round"
    with pytest.raises(ValueError, match=where):
        prepared(written(*lines))


def test_more_rounds_than_known():
    """A round that was not known before the run says so when a trial comes to it."""
    model = written("for i in range(len(SIZES)):", "    u = {{uniform(0, 1, i)}}")
    model.__globals__["SIZES"] = (1, 2)
    ready = prepared(model)
    model.__globals__["SIZES"] = (1, 2, 3)
    values = {"u[0]": 0.1, "u[1]": 0.2}
    with pytest.raises(RuntimeError, match=re.escape("has not drawn 'u[2]': its loop has more")):
        ready.objective(()).drawing(values)()


def test_warnings_stand_at_the_users_line():
    """The warning shows the line that called into the package."""
    model = written("for i in range(3):", "    u = {{choice([8, 16])}}")
    with pytest.warns(UserWarning, match="is one draw for all") as caught:
        optim.space_of(model)
    assert caught[0].filename == __file__


def test_values_stand_in_the_order_of_the_lines():
    """What minimize returns has a loop's labels before those of later lines, round by round."""
    model = written(
        "total = 0", "for i in range({{choice([2, 3])}}):", "    total += {{choice([8, 16], i)}}",
        "return total + {{uniform(0, 1)}}",
    )  # fmt: skip
    for how in (True, False):
        best, _ = optim.minimize(model, None, max_evals=8, verbose=False, eval_space=how)
        assert list(best) == ["range", "total[0]", "total[1]", "return"]
