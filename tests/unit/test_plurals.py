"""Counts as sentences have them."""

import pytest

from sparktune import Trials, Tuner, fmin, hp
from sparktune.exceptions import AllTrialsFailed
from sparktune.plurals import plural
from sparktune.views.pace import Pace

SPACE = {"x": hp.uniform("x", 0, 1)}


def test_one_has_the_word_and_others_the_plural():
    """One thing is in the singular, none and several are not; large counts have commas."""
    assert plural(1, "trial") == "1 trial"
    assert [plural(n, "trial") for n in (0, 2, 2000)] == ["0 trials", "2 trials", "2,000 trials"]
    assert [plural(n, "loss", "losses") for n in (1, 2)] == ["1 loss", "2 losses"]


def test_a_record_of_one_trial_speaks_of_one():
    """The history, the summary and the progress of a single trial have no plural."""
    trials = Trials()
    fmin(lambda config: 0.5, SPACE, max_evals=1, trials=trials, show_progressbar=False)
    assert repr(trials.history) == "<History of 1 trial: 1 ok>"
    assert trials.summary().startswith("1 trial: 1 ok, best loss")
    assert Pace(0, 1).of_all == "0 of 1 trial"
    assert Pace(1, None).of_all == "1 trial"
    assert Pace(1500, 2000).of_all == "1,500 of 2,000 trials"
    assert repr(Tuner(SPACE)).startswith("Tuner of 1 label,")


def test_why_there_is_no_best_trial_has_its_verbs():
    """One trial that was pruned, or runs, is said in the singular, and several in the plural."""
    tuner = Tuner(SPACE)
    tuner.ask(2)
    with pytest.raises(AllTrialsFailed, match="2 were cancelled or are running"):
        _ = tuner.best
    tuner = Tuner(SPACE)
    tuner.ask()
    with pytest.raises(AllTrialsFailed, match="1 was cancelled or is running"):
        _ = tuner.best
