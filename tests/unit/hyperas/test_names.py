"""The names by which templates are known: Hyperas', and those on executors without sparktune."""

import pytest

from sparktune import hp, hyperopt, space_eval
from sparktune.engines.travels import stand_in
from sparktune.hyperas import distributions, optim, utils
from sparktune.hyperas.distributions import choice, uniform
from sparktune.hyperas.travels.objective import shown_as
from sparktune.hyperopt import rand, tpe


def model():
    units = {{choice([8, 16])}}
    if {{choice(["one", "two"])}} == "two":
        return {{uniform(0, 1)}}
    return units


def test_values_of_records():
    """eval_hyperopt_space takes values as records have them, and refuses other spaces."""
    space = optim.space_of(model)
    assert utils.eval_hyperopt_space(space, {"units": [1], "if": [0], "return": []}) == {
        "units": 16, "if": "one",
    }  # fmt: skip
    assert space_eval(space, {"units": 1, "if": 0}) == {"units": 16, "if": {"if": "one"}}
    with pytest.raises(TypeError, match="`space` must be that of a function with templates"):
        utils.eval_hyperopt_space({"x": hp.uniform("x", 0, 1)}, {"x": 1})


def test_words_on_executors():
    """Every distribution has a stand-in, so that a module of the user's can be imported there."""
    assert set(stand_in.WORDS) == {*distributions.__all__, "tune"}


class Made:
    """An option that is made in each trial."""


def listed():
    option = {{choice([Made(), [1, [2]], {"a": [3]}])}}
    loss = {{uniform(0, 1)}}
    return {"loss": loss, "status": "ok", "model": option}


@pytest.mark.parametrize("algo", [tpe.suggest, rand.suggest, None])
def test_trials_of_hyperopts_surface(algo):
    """Trials and methods of sparktune.hyperopt hold documents of the search, and no models."""
    trials = hyperopt.Trials()
    run, best = optim.minimize(listed, None, algo, 12, trials, verbose=False)
    assert len(trials) == 12
    assert run["loss"] == min(trials.losses())
    assert trials.argmin["loss"] == run["loss"]
    assert not trials.attachments
    if isinstance(best, Made):
        assert isinstance(run["option"], Made)
    else:
        assert shown_as(best) == shown_as(run["option"])
    models = optim.best_models(20, listed, None, algo, 12, hyperopt.Trials(), verbose=False)
    assert {type(each) for each in models} == {Made, list, dict}


def test_other_trials():
    """Trials that are none are refused before the run."""
    with pytest.raises(
        TypeError, match=r"`trials` must be Trials\(\), .* or StoreTrials\(\) .* got \[\]"
    ):
        optim.minimize(listed, None, trials=[], verbose=False)
