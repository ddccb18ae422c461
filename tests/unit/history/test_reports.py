"""What trials report: by trial, by step, and as it looks without some of them."""

import pickle

import numpy as np
import pytest

from sparktune import History, Outcome, Space, Status, hp


@pytest.fixture
def history():
    """Four trials of two batches, of which the second and third reported."""
    history = History(Space.of({"x": hp.uniform("x", 0, 1)}))
    history.start([{"x": 0.1}, {"x": 0.2}], 0.0)
    history.start([{"x": 0.3}, {"x": 0.4}], 1.0)
    for number, step, value in ((1, 0, 0.5), (2, 0, 0.4), (1, 1, 0.3), (2, 5, 0.2), (2, 3, 0.1)):
        history.report(number, 0, step, value)
    return history


def at(history, step):
    """Trial to value at a step."""
    numbers, values = history.reports_at(step)
    return dict(zip(numbers.tolist(), values.tolist(), strict=True))


def test_reports_are_found_by_trial_and_by_step(history):
    """A trial has its reports in order, a step the values that trials have there."""
    assert history.reports(2) == ((0, 0.4), (5, 0.2), (3, 0.1))
    assert history.last_report(2) == (3, 0.1)
    assert history.report_count(2) == 3
    assert (history.reports(0), history.last_report(0), history.report_count(0)) == ((), None, 0)
    assert at(history, 0) == {1: 0.5, 2: 0.4}
    assert at(history, 5) == {2: 0.2}
    assert at(history, 7) == {}
    assert history.furthest_step == 5


def test_the_last_value_at_a_step_counts(history):
    """A step that is reported again keeps one value, the last."""
    history.report(1, 0, 0, float("nan"))
    history.report(1, 0, 0, 0.9)
    assert at(history, 0) == {1: 0.9, 2: 0.4}
    assert history.report_count(1) == 4


def test_how_far_a_trial_had_come_before(history):
    """The furthest earlier step is known also where a trial goes back."""
    assert history.furthest_before_last(1) == 0
    assert history.furthest_before_last(2) == 5
    assert history.furthest_before_last(0) == -np.inf
    history.report(0, 0, 4, 1.0)
    assert history.furthest_before_last(0) == -np.inf


@pytest.mark.parametrize("why", ["lost", "cut"])
def test_reports_of_an_earlier_attempt_are_gone(history, why):
    """A trial that begins again has reported nothing yet, and others keep what they have."""
    history.requeue(1, why)
    assert history.reports(1) == ()
    assert at(history, 0) == {2: 0.4}
    assert at(history, 1) == {}
    if why == "lost":
        history.report(1, 1, 0, 0.7)
        assert at(history, 0) == {1: 0.7, 2: 0.4}
        assert history.furthest_before_last(1) == -np.inf


def test_many_trials_at_a_step():
    """Columns grow, and what is taken out of them leaves the others in place."""
    history = History(Space.of({"x": hp.uniform("x", 0, 1)}))
    history.start([{"x": 0.5}] * 50, 0.0)
    for number in range(50):
        history.report(number, 0, 0, float(number))
    for number in range(0, 50, 3):
        history.requeue(number)
    assert at(history, 0) == {n: float(n) for n in range(50) if n % 3}


def test_a_copy_and_a_pickle_have_all_reports(history):
    """Both go on by themselves, with the batches that trials were started in."""
    for other in (history.copy(), pickle.loads(pickle.dumps(history))):
        assert [other.reports(n) for n in range(4)] == [history.reports(n) for n in range(4)]
        assert [trial.batch for trial in other] == [0, 0, 2, 2]
        other.report(0, 0, 0, 0.1)
        assert at(other, 0) == {0: 0.1, 1: 0.5, 2: 0.4}
    assert at(history, 0) == {1: 0.5, 2: 0.4}


def test_a_history_that_hides_some_trials(history):
    """Hidden trials seem to run and to have reported nothing; of others it hears what comes."""
    for number, loss in ((0, 3.0), (1, 1.0), (2, 2.0)):
        history.finish(number, 0, Outcome(Status.OK, loss=loss))
    seen = history.hiding({1, 2})
    assert [trial.status for trial in seen] == [Status.OK] + [Status.PENDING] * 3
    assert seen.best.number == 0
    assert seen.count(Status.OK) == 1
    np.testing.assert_array_equal(seen.y, [3.0, np.nan, np.nan, np.nan])
    assert (seen.reports(1), seen.last_report(1), seen.report_count(1)) == ((), None, 0)
    assert seen.furthest_before_last(2) == -np.inf
    history.report(3, 0, 0, 0.6)
    assert at(seen, 0) == {3: 0.6}
    assert seen.furthest_step == 0
    assert history.hiding({0, 1, 2}).best is None
    assert history.best.number == 1
