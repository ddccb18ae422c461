"""Which trial is recommended, by a model of all losses."""

import numpy as np
import pytest

from sparktune import Trials, Tuner, fmin, hp, rand
from sparktune.exceptions import AllTrialsFailed
from sparktune.history import History, Outcome, Status
from sparktune.space.tree import Space
from sparktune.suggest.recommended import recommended

SPACE = Space({"x": hp.uniform("x", -1, 1)})


def recorded(xs, losses, variances=None):
    """A history of candidates with these losses."""
    history = History(SPACE)
    for i, (x, loss) in enumerate(zip(xs, losses, strict=True)):
        history.start([{"x": float(x)}], 0.0)
        variance = None if variances is None else float(variances[i])
        history.finish(i, 0, Outcome(Status.OK, loss=float(loss), variance=variance))
    return history


def test_without_noise_the_lowest_loss_is_recommended():
    """A smooth loss is believed, so that the recommended trial has the lowest."""
    xs = np.linspace(-1, 1, 30)
    found = recommended(recorded(xs, (xs - 0.31) ** 2))
    assert found.number == found.luckiest.number
    assert found.mean == pytest.approx(found.trial.loss, abs=1e-3)
    assert "it has the lowest loss, too" in str(found)


def test_a_lucky_draw_is_not_recommended():
    """Of noisy losses one far below its neighbours is not believed, and the valley is found."""
    rng = np.random.default_rng(0)
    xs = rng.uniform(-1, 1, 60)
    losses = (xs - 0.5) ** 2 + rng.normal(0, 0.1, 60)
    worst = int(np.argmax(np.abs(xs - 0.5)))
    losses[worst] = -0.5
    found = recommended(recorded(xs, losses))
    assert found.luckiest.number == worst
    assert abs(found.values["x"] - 0.5) < 0.25
    assert found.low < found.mean < found.high
    assert found.mean > -0.2
    assert f"the lowest loss is -0.5, of trial {worst}" in str(found)


def test_stated_variances_are_believed():
    """A loss of which the objective says that it is uncertain counts less than a certain one."""
    xs = np.linspace(-1, 1, 21)
    losses = (xs - 0.5) ** 2
    losses[2] = -0.3
    variances = np.full(21, 1e-6)
    variances[2] = 1.0
    found = recommended(recorded(xs, losses, variances))
    assert found.luckiest.number == 2
    assert found.values["x"] == pytest.approx(0.5)


def noisy(x):
    """A parabola with noise that does not repeat itself for two values."""
    return (x - 0.5) ** 2 + 0.3 * float(np.sin(1e6 * x))


def test_fmin_returns_the_recommended_trial(capsys):
    """recommend="model" returns that trial's point, in indices or as the configuration."""
    trials = Trials()
    found = fmin(noisy, hp.uniform("x", -1, 1), rand.suggest, 40, trials=trials, rstate=0,
                 show_progressbar=False, recommend="model")  # fmt: skip
    assert found == trials.recommended.values != trials.argmin
    assert f"recommended: trial {trials.recommended.number}" in capsys.readouterr().err
    config = fmin(noisy, hp.uniform("x", -1, 1), rand.suggest, 40, trials=trials, rstate=0,
                  verbose=False, recommend="model", return_argmin=False)  # fmt: skip
    assert config == found["x"]
    assert not capsys.readouterr().err


def test_by_default_fmin_returns_the_lowest_loss():
    """Without `recommend` the answer is trials.argmin, as scripts for Hyperopt expect."""
    trials = Trials()
    found = fmin(noisy, hp.uniform("x", -1, 1), rand.suggest, 40, trials=trials, rstate=0,
                 verbose=False)  # fmt: skip
    assert found == trials.argmin


@pytest.mark.parametrize("value", ["mean", None, True])
def test_another_word_is_refused(value):
    """What else `recommend` may be is said before anything runs."""
    with pytest.raises(ValueError, match="`recommend` must be 'luckiest' or 'model', but got"):
        fmin(noisy, hp.uniform("x", -1, 1), rand.suggest, 4, recommend=value)


def test_without_a_loss_there_is_none():
    """Before the first loss there is nothing to recommend, and the error says so."""
    with pytest.raises(AllTrialsFailed):
        _ = Trials().recommended
    tuner = Tuner({"x": hp.uniform("x", 0, 1)}, rand.suggest)
    with pytest.raises(AllTrialsFailed):
        _ = tuner.recommended


def test_a_tree_with_failures_infinite_losses_and_duplicates():
    """Any history that has a loss has a recommended trial, and one that has a loss."""
    space = {"k": hp.choice("k", [0, {"a": hp.uniform("a", 0, 1)}]), "n": hp.randint("n", 2)}

    def objective(config):
        if config["n"] and config["k"]:
            raise ValueError("no")
        return float("inf") if config["n"] else (config["k"] or {"a": 0.5})["a"]

    trials = Trials()
    fmin(objective, space, rand.suggest, 30, trials=trials, rstate=1, verbose=False,
         catch_eval_exceptions=True)  # fmt: skip
    found = trials.recommended
    assert np.isfinite(found.trial.loss)
    assert found.trial.values["n"] == 0


def test_all_losses_the_same():
    """Where all losses are the same, the first trial is recommended at that loss."""
    found = recommended(recorded([0.1, 0.2, 0.3], [2.0, 2.0, 2.0]))
    assert (found.mean, found.low, found.high) == (2.0, 2.0, 2.0)


@pytest.mark.parametrize("scale", [1e-300, 1e-150, 1e-5, 1e5, 1e150, 1e300])
def test_losses_of_any_size(scale):
    """Losses and variances that are huge or tiny have the same recommended trial as others."""
    xs = np.linspace(-1, 1, 21)
    variances = np.full(21, (1e-3 * min(scale, 1e150)) ** 2)
    found = recommended(recorded(xs, scale * ((xs - 0.5) ** 2 + 1), variances))
    assert found.values["x"] == pytest.approx(0.5)
    assert np.isfinite([found.mean, found.low, found.high]).all()


def test_its_text_names_options():
    """Printed, a recommended trial shows what its options are called, not their indices."""
    space = {"kernel": hp.choice("kernel", ["linear", "rbf"]), "x": hp.uniform("x", -1, 1)}
    trials = Trials()
    fmin(lambda c: c["x"] ** 2, space, rand.suggest, 3, trials=trials, rstate=0, verbose=False)
    option = ["linear", "rbf"][trials.recommended.values["kernel"]]
    assert f"with {{'kernel': '{option}', 'x': " in str(trials.recommended)
