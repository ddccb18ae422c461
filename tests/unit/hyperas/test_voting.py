"""VotingModel: what several models say as one."""

import numpy as np
import pytest

from sparktune.hyperas.voting import VotingModel

ROWS = np.zeros((2, 1))


class Says:
    """Predicts what it was told, as Keras does: with a batch size."""

    def __init__(self, *rows):
        self.rows = np.array(rows)

    def predict(self, X, batch_size=None, verbose="auto"):
        assert (batch_size, verbose) == (128, 0)
        return self.rows


class Classes:
    """Predicts as scikit-learn does: classes, and probabilities apart."""

    def __init__(self, *rows):
        self.rows = np.array(rows)

    def predict(self, X):
        return self.rows.argmax(axis=1)

    def predict_proba(self, X):
        return self.rows


SURE = Says([0.0, 1.0], [1.0, 0.0])
UNSURE = Says([0.6, 0.4], [0.6, 0.4])


def test_hard_votes_are_a_majority():
    """The class of most models wins, not the largest one."""
    assert VotingModel([SURE, UNSURE, UNSURE]).predict(ROWS).tolist() == [0, 0]
    assert VotingModel([SURE, UNSURE, SURE], nb_classes=3).predict(ROWS).tolist() == [1, 0]


def test_soft_votes_are_means():
    """Probabilities are averaged, by weights where there are."""
    assert VotingModel([SURE, UNSURE, UNSURE], "soft").predict(ROWS).tolist() == [1, 0]
    weighted = VotingModel([SURE, UNSURE], "soft", weights=[0.1, 0.9])
    assert weighted.predict(ROWS).tolist() == [0, 0]


def test_weights_count_in_hard_votes():
    """A model of weight 3 outvotes two of weight 1."""
    assert VotingModel([SURE, UNSURE, UNSURE], weights=[3, 1, 1]).predict(ROWS).tolist() == [1, 0]


def test_models_of_other_frameworks():
    """Classes, probabilities and a single probability of the second class are understood."""
    learners = [Classes([0.1, 0.2, 0.7], [0.5, 0.3, 0.2])]
    assert VotingModel(learners).predict(ROWS).tolist() == [2, 0]
    assert VotingModel(learners, "soft").predict(ROWS).tolist() == [2, 0]
    assert VotingModel([Says([0.7], [0.2])], "soft").predict(ROWS).tolist() == [1, 0]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (([],), "`model_list` must hold at least one model"),
        (([SURE], "loud"), "`voting` must be 'hard' or 'soft', but got 'loud'"),
        (([SURE], "soft", [1, 2]), "`weights` must have one for each of 1 model, but has 2"),
        (([SURE], "soft", [-1]), "`weights` must be a number >= 0, but got -1"),
        (([SURE], "soft", [0]), "`weights` must be above 0 for some model"),
        (([SURE], "hard", None, 0), "`nb_classes` must be a whole number >= 1 or None"),
    ],
)
def test_what_is_refused(arguments, said):
    """Each wrong argument gets one sentence."""
    with pytest.raises(ValueError, match=said):
        VotingModel(*arguments)


def test_soft_votes_need_probabilities():
    """Classes alone cannot vote softly."""
    with pytest.raises(ValueError, match="voting='soft' needs probabilities of classes, but Says"):
        VotingModel([Says(1, 0)], "soft").predict(ROWS)
