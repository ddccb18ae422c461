"""Ablation paths from a default to the best configuration."""

import math

import numpy as np
import pytest

from sparktune import hp
from sparktune.exceptions import InvalidTrial
from sparktune.history import History, Outcome, Status
from sparktune.importance import importance
from sparktune.space.tree import Space

FLAT = {name: hp.uniform(name, 0, 1) for name in "abc"}
TREE = {
    "depth": hp.uniformint("depth", 1, 9),
    "model": hp.choice(
        "model",
        [
            {"kind": "linear", "penalty": hp.loguniform("penalty", -5, 0)},
            {"kind": "trees", "count": hp.uniformint("count", 10, 100)},
        ],
    ),
}


def bowl(config):
    return 9 * config["a"] ** 2 + 4 * config["b"] ** 2 + config["c"] ** 2


def tree(config):
    model = config["model"]
    if model["kind"] == "linear":
        return 5 + 0.1 * config["depth"] + model["penalty"]
    return 1 + 0.1 * config["depth"] + (model["count"] - 50) ** 2 / 1000


def recorded(space, objective, n=60, best=None):
    """A history of n candidates, and of one that is the best."""
    space = Space(space)
    history = History(space)
    rng = np.random.default_rng(0)
    points = [space.decode(row) for row in space.sample(rng, n)] + ([best] if best else [])
    for values in points:
        (trial,) = history.start([values], 0.0)
        loss = objective(space.build(values))
        history.finish(trial.number, 0, Outcome(Status.OK, loss=loss))
    return history


FLAT_RUN = recorded(FLAT, bowl, best={"a": 0.0, "b": 0.0, "c": 0.0})
TREE_RUN = recorded(TREE, tree, best={"depth": 1, "model": 1, "count": 50})
FLAT_DEFAULT = {"a": 0.9, "b": 0.9, "c": 0.9}
TREE_DEFAULT = {"depth": 8, "model": 0, "penalty": 0.5}


def of(history, **settings):
    return importance(history, "ablation", **settings)


def test_the_change_that_gains_most_comes_first():
    """Labels come in the order of their gains, and the gains are those of the objective."""
    found = of(FLAT_RUN, default=FLAT_DEFAULT, objective=bowl)
    assert [step.label for step in found.steps] == ["a", "b", "c"]
    gains = [0.81 * weight for weight in (9, 4, 1)]
    assert [step.gain for step in found.steps] == pytest.approx(gains)
    assert found.start == pytest.approx(0.81 * 14)
    assert found.steps[-1].loss == 0
    assert found["a"] == pytest.approx(9 / 14)
    assert sum(found.values()) == pytest.approx(1)


def test_a_surrogate_stands_in_for_the_objective():
    """Without an objective a GP tells the losses of the path, and says how well it predicts."""
    found = of(FLAT_RUN, default=FLAT_DEFAULT)
    assert [step.label for step in found.steps] == ["a", "b", "c"]
    assert found["a"] == pytest.approx(9 / 14, abs=0.1)
    assert "The GP predicts" in found.notes[-1]


def test_the_objective_is_asked_once_a_step_and_never_for_what_is_known():
    """A path of d changes costs d evaluations: the default, and all but the last step."""
    asked = []

    def counted(config):
        asked.append(config)
        return bowl(config)

    of(FLAT_RUN, default=FLAT_DEFAULT, objective=counted)
    assert len(asked) == 3
    assert asked[0] == FLAT_DEFAULT


def test_a_choice_brings_the_labels_below_it():
    """A step to another option names it, and what became active with it."""
    found = of(TREE_RUN, default=TREE_DEFAULT, objective=tree)
    first, second = found.steps
    assert (first.label, first.old, first.new) == ("model", "linear", "trees")
    assert first.with_it == ("count",)
    assert (second.label, second.old, second.new) == ("depth", "8", "1")
    assert second.with_it == ()
    assert "(with count)" in repr(found)


def test_a_change_that_hurts_gains_less_than_nothing():
    """Where a change is a step back, its gain is negative and its share 0."""

    def against(config):
        return bowl(config) if config["b"] else bowl(config) + 20

    found = of(FLAT_RUN, default=FLAT_DEFAULT, objective=against)
    by_label = {step.label: step for step in found.steps}
    assert by_label["b"].gain < 0
    assert found["b"] == 0


def test_an_objective_that_fails_on_the_way_is_told():
    """A step that failed says why, has no loss, and the next gains from the last known loss."""

    def failing(config):
        if config["a"] == 0 and config["b"] != 0:
            raise ArithmeticError("no such thing")
        return bowl(config)

    found = of(FLAT_RUN, default=FLAT_DEFAULT, objective=failing)
    first, second, _ = found.steps
    assert first.error == "ArithmeticError: no such thing"
    assert math.isnan(first.loss)
    assert second.gain == pytest.approx(0.81 * 13)
    assert found["a"] == 0
    assert "failed: ArithmeticError" in repr(found)


def test_a_failed_result_is_told_like_an_exception():
    """An objective that returns a failure has its reason in the step."""
    found = of(
        FLAT_RUN,
        default=FLAT_DEFAULT,
        objective=lambda config: {"status": "fail"},
    )
    assert found.steps[0].error == "the objective returned STATUS_FAIL"
    assert found.notes[0].startswith("The objective failed for the default")


def test_a_default_that_is_the_best_has_no_path():
    """There is nothing to change, and that is said."""
    found = of(FLAT_RUN, default={"a": 0.0, "b": 0.0, "c": 0.0})
    assert found.steps == ()
    assert sum(found.values()) == 0
    assert found.notes[0] == "The default is the best configuration, that of trial 60."


def test_a_default_may_be_a_configuration():
    """What the objective would receive does as well as values by label."""
    configuration = {"depth": 8, "model": {"kind": "linear", "penalty": 0.5}}
    found = of(TREE_RUN, default=configuration)
    assert found.steps == of(TREE_RUN, default=TREE_DEFAULT).steps


def test_a_default_outside_the_space_is_refused():
    """A candidate that the space does not have is named."""
    with pytest.raises(InvalidTrial, match="'a'"):
        of(FLAT_RUN, default={"a": 7, "b": 0.5, "c": 0.5})
