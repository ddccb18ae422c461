"""What holds a history, and what is said of things that hold none."""

import pytest

import sparktune
from sparktune import Trials, Tuner, fmin, hp, hyperopt
from sparktune.history.holders import history_of, trials_in_words

SPACE = {"x": hp.uniform("x", 0, 1)}


class Own(hyperopt.Trials):
    """Trials of a script."""


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (Trials(), "Trials() of sparktune"),
        (hyperopt.Trials(), "Trials() of sparktune.hyperopt"),
        (Tuner(SPACE), "Tuner() of sparktune"),
        (Trials, "the class Trials: write Trials()"),
        ("runs/svm", "'runs/svm'"),
        ([{"tid": 0}], "[{'tid': 0}]"),
    ],
)
def test_trials_in_words_say_of_which_package_they_are(given, words):
    """Trials of several packages have one name, so that the package stands behind it."""
    assert trials_in_words(given) == words


def test_trials_of_a_script_are_of_its_module():
    """A class of one's own is named with the module that it is in."""
    assert trials_in_words(Own()) == f"Own() of {__name__.partition('.')[0]}"


def test_every_door_names_what_it_takes():
    """The call fmin names all kinds of trials that it takes, and plots and importance theirs."""
    with pytest.raises(TypeError) as raised:
        fmin(lambda config: 0.0, SPACE, max_evals=1, trials=hyperopt.Trials())
    assert str(raised.value) == (
        "`trials` must be Trials(), SparkTrials() or StoreTrials() of sparktune, but got Trials() "
        "of sparktune.hyperopt"
    )
    with pytest.raises(TypeError, match=r"a Tuner or a History .*, but got Trials\(\) of sparktun"):
        history_of(hyperopt.Trials())
    for theirs in (Trials(), Tuner(SPACE)):
        with pytest.raises(TypeError, match=r"got T.*\(\) of sparktune, which has its own fmin"):
            hyperopt.fmin(lambda x: x, SPACE, sparktune.hyperopt.rand.suggest, 1, trials=theirs)
