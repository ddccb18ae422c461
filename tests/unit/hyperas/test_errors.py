"""Templates that cannot be: each is refused before the run, with file and line."""

import re

import pytest
from templated import function_of

from sparktune import BadSearchSpace, hp
from sparktune.hyperas import optim, tune
from sparktune.hyperas.distributions import choice, conditional, uniform


def refused(*lines, **names):
    text = "\n    ".join(["def model(data, n=3):", *lines, "return 0"]) + "\n"
    with pytest.raises((TypeError, ValueError), match=r"^<cell \d+>:\d+: ") as caught:
        optim.space_of(function_of(text, **names))
    return str(caught.value)


@pytest.mark.parametrize(
    ("lines", "line", "said"),
    [
        (["x = {{chioce([1, 2])}}"], 2, "nothing is known by the name 'chioce'; the distributions"),
        (["x = 1", "x = tune(nothing.choice([1]))"], 3, "nothing is known by the name 'nothing'"),
        (["x = {{choice([1, MISSING])}}"], 2, "nothing is known by the name 'MISSING'"),
        (["x = {{1, 2}}"], 2, "{{1, 2}} must hold a distribution, one of choice, lognormal,"),
        (["x = {{1}}"], 2, "of sparktune.hyperas.distributions, but got 1"),
        (["x = {{'a': 1}}"], 2, "{{'a': 1}} must hold a distribution"),
        (["x = {{k for k in 'ab'}}"], 2, "{{k for k in 'ab'}} must hold a distribution"),
        (["x = {{len('ab')}}"], 2, "but got 2"),
        (["x = {{choice}}"], 2, "but got <function choice"),
        (["x = tune()"], 2, "tune() must hold a distribution"),
        (["x = tune(choice([1]), 2)"], 2, "must hold a distribution"),
        (["x = {{choice([])}}"], 2, "'x': a choice needs at least one option, but got none"),
        (["x = {{choice(3)}}"], 2, "options come as a list"),
        (["x = {{uniform(1, 0)}}"], 2, "`low < high` must hold"),
        (["x = {{uniform('a', 'b')}}"], 2, "must be a real number"),
        (["x = {{uniform(1)}}"], 2, "cannot be evaluated: TypeError: uniform() missing 1"),
        (["x = {{uniform(0, 1 / 0)}}"], 2, "cannot be evaluated: ZeroDivisionError"),
        (["x = {{uniform(0, n)}}"], 2, "needs 'n', which has no value before the function runs"),
        (["y = [1, 2]", "x = {{choice(y)}}"], 3, "needs 'y', which has no value before"),
        (["x = {{choice([1, uniform(0, 1)])}}"], 2, "is written {{uniform(0, 1)}}"),
        (["x = (", "  {{", "  unifrom(0, 1)}})"], 3, "nothing is known by the name 'unifrom'"),
    ],
)
def test_templates_that_are_none(lines, line, said):
    """A template with a wrong name, no distribution, or unknown numbers is refused by its line."""
    text = refused(*lines)
    assert re.match(rf"<cell \d+>:{line}: ", text)
    assert said in text


def test_a_distribution_that_was_not_imported():
    """A distribution's name that the module does not know is told where it comes from."""
    made = function_of("def model():\n    x = {{uniform(0, 1)}}\n")
    del made.__globals__["uniform"]
    with pytest.raises(
        BadSearchSpace, match=r":2: .*: from sparktune.hyperas.distributions import u"
    ):
        optim.space_of(made)


def test_a_node_of_hp():
    """A node with a label of its own is no distribution of a template."""
    assert "but got <'x': Uniform" in refused("x = {{hp.uniform('x', 0, 1)}}", hp=hp)


def plain():
    return 1


async def asynchronous():
    return {{choice([1, 2])}}


def generator():
    yield {{choice([1, 2])}}


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (plain, r"test_errors\.py:\d+: plain holds no template, so there is nothing to search"),
        (asynchronous, r"test_errors\.py:\d+: asynchronous is a generator or asynchronous"),
        (generator, r"test_errors\.py:\d+: generator is a generator or asynchronous"),
        (lambda: {{choice([1, 2])}}, r"test_errors\.py:\d+: a lambda cannot be a template"),
        (len, r"`model` must be a function of Python that holds templates, but got <built-in"),
    ],
)
def test_functions_that_are_none(model, said):
    """What holds no template, and what is no plain function, is refused with what to do."""
    with pytest.raises(ValueError, match=said):
        optim.space_of(model)


def test_a_source_that_is_not_there():
    """A function whose source nobody has, as at the prompt, is told what to do."""
    module = {"choice": choice}
    exec("def model():\n    return {{choice([1, 2])}}\n", module)
    with pytest.raises(
        BadSearchSpace, match=r"the source of model cannot be had \(<string>, line 1\)"
    ):
        optim.space_of(module["model"])


def test_templates_that_run_by_themselves():
    """A plain call of a function with templates says that no search made it."""
    for call in (
        lambda: {{choice([1, 2])}},
        lambda: tune(uniform(0, 1)),
        lambda: conditional(uniform(0, 1)),
    ):
        with pytest.raises(TypeError, match=r"the template of .* was reached by a call that no"):
            call()
    with pytest.raises(TypeError, match=r"`tune` takes a distribution, such as .*, but got 3"):
        tune(3)
    assert conditional("two") == "two"


def test_all_branches_impossible():
    """A function none of whose templates can be reached has nothing to search."""
    text = "def model():\n    if False:\n        return {{choice([1, 2])}}\n"
    with pytest.raises(
        BadSearchSpace, match=r"<cell \d+>:1: none of the templates of model can be"
    ):
        optim.space_of(function_of(text))


def test_doubtful_ranges():
    """Bounds that hardly anybody means draw the warning of sparktune.hp, once."""
    made = function_of("def model():\n    rate = {{loguniform(0.001, 0.1)}}\n")
    with pytest.warns(UserWarning, match="'rate': the bounds are natural logarithms") as caught:
        optim.space_of(made)
    assert len(caught) == 1
    assert caught[0].filename == __file__
