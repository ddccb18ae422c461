"""Search spaces: what is one, and what the objective receives of it."""

import inspect

import numpy as np
import pytest
from quiet_runs import SPACE, loss_of, run

import sparktune.hyperopt as hyperopt
from sparktune.hyperopt import Ctrl, Domain, hp
from sparktune.hyperopt.exceptions import BadSearchSpace, DuplicateLabel
from sparktune.hyperopt.pyll import as_apply, scope, stochastic
from sparktune.hyperopt.pyll_utils import EQ, Cond, expr_to_config
from sparktune.space.texts import option_names


def test_labels_are_strings_and_of_one_node():
    """A label that is no string, or of two nodes, is refused."""
    for word in (hp.uniform, hp.normal, hp.randint, hp.choice):
        with pytest.raises(TypeError, match="require string label"):
            word(3, [0, 1])
    with pytest.raises(DuplicateLabel, match="'x'"):
        Domain(loss_of, [hp.uniform("x", 0, 1), hp.choice("x", [1, 2])])


def test_bounds_may_be_computed():
    """Bounds that an expression gives are bounds; wrong ones are found when the space is read."""
    rate = hp.loguniform("rate", scope.log(0.001), scope.log(0.1))
    assert all(0.001 <= v <= 0.1 for v in run(20, lambda c: 0.0, rate).vals["rate"])
    with pytest.raises(ValueError, match="'n'"):
        Domain(None, hp.randint("n", scope.int(5.5), 2))


def test_bounds_of_another_hyperparameter_are_refused():
    """Bounds that depend on another hyperparameter are refused with what to do, but sampled."""
    a = hp.uniform("a", 0, 1)
    space = [a, hp.uniform("b", 0, a + 1)]
    with pytest.raises(BadSearchSpace, match=r"'b'.*cannot depend"):
        Domain(None, space)
    assert len(stochastic.sample(space, rng=0)) == 2


def test_probabilities_may_be_weights():
    """Probabilities of pchoice that do not sum to 1 are scaled; negative ones are refused."""
    thirds = hp.pchoice("p", [(0.33, "a"), (0.33, "b"), (0.33, "c")])
    assert {stochastic.sample(thirds, rng=seed) for seed in range(40)} == {"a", "b", "c"}
    heavy = hp.pchoice("p", [(1, "a"), (99, "b")])
    vals = run(100, lambda c: 0.0, heavy).vals["p"]
    assert vals.count(1) > 90
    for wrong in ([(-1.0, "a"), (2.0, "b")], [(0.0, "a")], []):
        with pytest.raises(BadSearchSpace):
            hp.pchoice("p", wrong)


def test_uniformint_halves_its_ends():
    """Of uniformint both ends are half as likely as what is between, as in Hyperopt."""
    vals = run(1200, lambda c: 0.0, hp.uniformint("u", 1, 3)).vals["u"]
    shares = [vals.count(v) / 1200 for v in (1, 2, 3)]
    assert shares == pytest.approx([0.25, 0.5, 0.25], abs=0.06)


def test_space_eval_takes_what_documents_hold():
    """Lists of one, empty lists and None are values as documents write them."""
    point = {"x": [0.5], "kind": [1], "q": [4.0], "n": []}
    wanted = {"x": 0.5, "kind": {"q": 4.0}}
    assert hyperopt.space_eval(SPACE, point) == wanted
    assert hyperopt.space_eval(SPACE, {"x": 0.5, "kind": 1, "q": 4.0, "n": None}) == wanted
    assert hyperopt.space_eval(hp.uniform("x", 0, 1), {"x": 0.25}) == 0.25
    misc = run(1).miscs[0]
    assert "x" in hyperopt.space_eval(SPACE, misc["vals"])


def test_lists_arrive_as_tuples():
    """Lists of a space are tuples for the objective, also below dicts."""
    space = {"a": [1, [hp.uniform("x", 0, 0.5)]], "t": (2,)}
    seen = []
    run(1, lambda c: seen.append(c) or 0.0, space)
    assert (seen[0]["a"][0], type(seen[0]["a"][1]), seen[0]["t"]) == (1, tuple, (2,))


def test_samples_take_generators_of_all_kinds():
    """Sample takes a Generator, a RandomState, a seed and nothing, and repeats for a seed."""
    for rng in (np.random.default_rng(0), np.random.RandomState(0), 0, None):
        assert -5 <= stochastic.sample(SPACE, rng=rng)["x"] <= 5
    assert stochastic.sample(SPACE, rng=5) == stochastic.sample(SPACE, rng=5)
    assert hyperopt.pyll.stochastic.sample is stochastic.sample


def test_a_value_that_is_missing_is_told():
    """Evaluating a space without one of its values says that it is missing."""
    with pytest.raises(ValueError, match="no value for 'x'"):
        Domain(loss_of, SPACE).evaluate({"kind": 0, "n": 1}, Ctrl(None))


def test_conditions_are_compared_by_what_they_say():
    """Conditions of the same label, option and kind are one in a set, and show what they say."""
    same, other = EQ("kind", 1), Cond("kind", 1, ">")
    assert same == EQ("kind", 1)
    assert same not in (other, EQ("kind", 2), EQ("other", 1), "kind = 1")
    assert len({same, EQ("kind", 1), other}) == 2
    assert (repr(same), str(other)) == ("Cond{kind = 1}", "Cond{kind > 1}")


def test_a_space_says_when_a_hyperparameter_has_a_value():
    """Expr_to_config finds each label's node and the conditions under which it is active."""
    found = {}
    expr_to_config(as_apply(SPACE), (EQ("outer", 2),), found)
    assert {label: each["node"].name for label, each in found.items()} == {
        "x": "uniform", "kind": "randint", "n": "randint", "q": "quniform",
    }  # fmt: skip
    assert [each["label"] for each in found.values()] == list(found)
    always = (EQ("outer", 2),)
    assert found["x"]["conditions"] == found["kind"]["conditions"] == {always}
    assert found["n"]["conditions"] == {(*always, EQ("kind", 0))}
    assert found["q"]["conditions"] == {(*always, EQ("kind", 1))}


def test_options_are_called_by_what_they_hold():
    """Tables and MLflow call options by their constants, functions and labels, not by a place."""

    class Model:
        def __repr__(self):
            return "Model()"

    @scope.define
    def named_model(C):
        return C

    C = hp.lognormal("C", 0, 1)
    options = {
        "None": None, "a": "a", "2.5": np.float64(2.5), "[x, 1]": ["x", 1], "svm": {"kind": "svm"},
        "forest": {"kind": "forest", "q": hp.quniform("q", 1, 9, 1)}, "Model()": Model(),
        "<whole>": scope.int(hp.quniform("whole", 1, 9, 1)), "named_model(…)": scope.named_model(C),
    }  # fmt: skip
    found = Domain(None, hp.choice("model", list(options.values()))).space
    assert option_names(found.template[0].options) == tuple(options)
    one_draw = hp.choice("i", ["a", C])
    both = [one_draw, scope.switch(one_draw.pos_args[0], 1, 2)]
    found = Domain(None, both).space
    assert option_names(found.template[0][0].options) == ("[a, 1]", "[<C>, 2]")


def test_functions_of_hp_name_their_parameters():
    """`help` of a function of hp shows the names of its parameters."""
    assert list(inspect.signature(hp.uniform).parameters) == ["label", "low", "high"]
    assert list(inspect.signature(hp.qnormal).parameters) == ["label", "mu", "sigma", "q"]
