"""Early stopping: when it says stop."""

import pytest

from sparktune import Tuner, hp
from sparktune.early_stop import no_progress_loss


def feed(stop, losses):
    """The number of trials after which ``stop`` stops, None if it does not."""
    tuner, arguments = Tuner(hp.uniform("x", 0, 1)), []
    for n, loss in enumerate(losses, 1):
        tuner.add({"x": 0.5}, {"status": "fail"} if loss is None else loss)
        done, arguments = stop(tuner.trials, *arguments)
        if done:
            return n
    return None


def test_it_counts_trials_since_the_best():
    """It stops after so many finished trials without a better one."""
    assert feed(no_progress_loss(3), [3, 2, 2, 2.5, 2, 1]) == 5
    assert feed(no_progress_loss(3), [3, 2, 2, 1, 1, 0]) is None


def test_progress_may_have_to_be_large():
    """An improvement of less than percent_increase per cent is none."""
    losses = [-100, -101, -102, -103, -104]
    assert feed(no_progress_loss(3, percent_increase=10), losses) == 4
    assert feed(no_progress_loss(3), losses) is None


def test_failures_count_as_no_progress():
    """Trials without a loss are trials without progress."""
    assert feed(no_progress_loss(3), [None, None, None, 1]) == 3
    assert feed(no_progress_loss(3), [1, None, None, None]) == 4


@pytest.mark.parametrize("percent", [0.0, 10.0])
def test_a_finite_loss_is_progress_after_an_infinite_one(percent):
    """After losses of infinity the first finite one is progress; after minus infinity none is."""
    inf = float("inf")
    assert feed(no_progress_loss(3, percent), [inf, inf, 5.0, 5.0, 5.0, 5.0]) == 6
    assert feed(no_progress_loss(3, percent), [-inf, -5.0, -inf, -1e300]) == 4


@pytest.mark.parametrize("arguments", [(0,), (True,), (5, -1.0), (5, float("nan"))])
def test_arguments_out_of_range(arguments):
    """Arguments out of range are refused."""
    with pytest.raises(ValueError, match="must be a"):
        no_progress_loss(*arguments)
