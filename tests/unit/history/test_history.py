"""The history of a search: rows, columns, and what it refuses."""

import copy
import math
import pickle

import numpy as np
import pytest

from sparktune import hp
from sparktune.exceptions import BadSearchSpace, InvalidTrial
from sparktune.history import History, Outcome, Status
from sparktune.history.documents import STATUS_STRINGS
from sparktune.space.tree import Space


def tree():
    """A small tree, declared anew each time."""
    return Space(
        {
            "lr": hp.loguniform("lr", -5, 0),
            "m": hp.choice("m", [hp.randint("n", 5), {"x": hp.uniform("x", 0, 1)}]),
        }
    )


def ok(loss):
    """An outcome with a loss."""
    return Outcome(Status.OK, loss=loss)


FAILED = Outcome(Status.FAILED, error="no")
CANCELLED = Outcome(Status.CANCELLED)


def filled(n, space=None):
    """A history of n trials that ended in all ways, with pending ones between."""
    space = space or tree()
    history = History(space)
    for i, row in enumerate(space.sample(np.random.default_rng(0), n)):
        (trial,) = history.start([space.decode(row)], now=100.0 + i)
        if i % 5 == 1:
            trial = history.requeue(trial.number)
        if i % 5 < 2:
            history.finish(trial.number, trial.attempt, ok(math.cos(i)))
        elif i % 5 == 2:
            history.finish(trial.number, 0, FAILED)
        elif i % 5 == 3:
            history.finish(trial.number, 0, CANCELLED)
    return history


def test_a_copy_goes_on_by_itself():
    """A copy has the same trials, and neither sees what happens to the other afterwards."""
    history = filled(30)
    other = history.copy()
    assert list(other) == list(history)
    np.testing.assert_array_equal(other.X, history.X)
    assert (other.best, other.pending) == (history.best, history.pending)
    number = other.start([{"lr": 0.1, "m": 0, "n": 3}], now=0.0)[0].number
    other.finish(number, 0, ok(-99.0))
    assert len(history) == 30
    assert history.best != other.best
    assert history.count(*Status) == 30
    history.start([{"lr": 0.2, "m": 0, "n": 1}], now=0.0)
    assert other[30].values["lr"] == 0.1


def test_a_started_trial_is_pending():
    """`start` numbers trials from 0 and keeps the values, the time and no outcome."""
    history = History(tree())
    assert len(history) == 0
    assert history.X.shape == (0, 4)
    assert history.best is None
    (trial,) = history.start([{"lr": 0.5, "m": 0, "n": 3}], now=12.5)
    (second,) = history.start([{"lr": 0.1, "m": 1, "x": 0.3}], now=13.0)
    assert (trial.number, trial.attempt, trial.started, trial.outcome) == (0, 0, 12.5, None)
    assert (trial.status, trial.loss) == (Status.PENDING, None)
    assert dict(trial.values) == {"lr": 0.5, "m": 0, "n": 3}
    assert second.number == 1
    assert history.pending == [trial, second]
    assert np.isnan(history.y).all()


def test_values_of_a_trial_cannot_be_changed():
    """A trial's values are a read-only copy of what was given."""
    history = History(tree())
    given = {"lr": 0.5, "m": 0, "n": 3}
    (trial,) = history.start([given], now=0.0)
    given["lr"] = 0.7
    assert trial.values["lr"] == 0.5
    with pytest.raises(TypeError):
        trial.values["lr"] = 0.7


def test_a_refused_start_leaves_no_trace():
    """A trial with an unknown label does not enter the history."""
    history = History(tree())
    with pytest.raises(InvalidTrial, match="no label 'unknown'"):
        history.start([{"unknown": 1}], now=0.0)
    assert (len(history), history.count(*Status), history.pending) == (0, 0, [])


def test_a_trial_finishes_once():
    """A second outcome of a trial is refused and changes nothing."""
    history = filled(1)
    with pytest.raises(InvalidTrial, match="trial 0 has ended already as OK"):
        history.finish(0, 0, ok(-100.0))
    with pytest.raises(InvalidTrial, match="ended already"):
        history.finish(0, 0, FAILED)
    assert history.y.tolist() == [1.0]
    assert history.best.loss == 1.0
    assert history.count(*Status) == 1


def test_finish_gives_the_ended_trial():
    """`finish` gives the trial with its outcome, which is also the one in the history."""
    history = History(tree())
    (pending,) = history.start([{"lr": 0.5, "m": 0, "n": 3}], now=1.0)
    ended = history.finish(0, 0, ok(0.25))
    assert ended is history[0]
    assert (ended.status, ended.loss, ended.values) == (Status.OK, 0.25, pending.values)
    assert pending.outcome is None
    assert history.pending == []


@pytest.mark.parametrize("number", [-1, 1, 99])
def test_unknown_trials_are_refused(number):
    """An outcome for a trial that was never started is refused."""
    history = History(tree())
    history.start([{"lr": 0.5, "m": 0, "n": 3}], now=0.0)
    with pytest.raises(InvalidTrial, match=f"no trial {number}"):
        history.finish(number, 0, ok(0.0))
    assert history.count(Status.PENDING) == 1


@pytest.mark.parametrize("number", [-1, 1, 99])
def test_unknown_trials_are_not_queued_again(number):
    """Only a trial that was started can be queued again."""
    history = History(tree())
    history.start([{"lr": 0.5, "m": 0, "n": 3}], now=0.0)
    with pytest.raises(InvalidTrial, match=f"no trial {number}"):
        history.requeue(number)
    assert history[0].attempt == 0


def test_answers_of_earlier_attempts_are_refused():
    """After a trial was queued again only its new attempt can end it."""
    history = History(tree())
    history.start([{"lr": 0.5, "m": 0, "n": 3}], now=0.0)
    assert history.requeue(0).attempt == 1
    assert history.requeue(0).attempt == 2
    for late in (0, 1, 3):
        with pytest.raises(InvalidTrial, match=f"at attempt 2; attempt {late} came too late"):
            history.finish(0, late, ok(-1.0))
    assert history.count(Status.PENDING) == 1
    assert np.isnan(history.y[0])
    assert history.finish(0, 2, ok(3.0)).attempt == 2
    assert history.best.loss == 3.0


def test_an_ended_trial_is_not_queued_again():
    """`requeue` is for pending trials."""
    history = filled(1)
    with pytest.raises(InvalidTrial, match="trial 0 has ended"):
        history.requeue(0)


@pytest.mark.parametrize("status", [Status.LOST, Status.PENDING])
def test_a_trial_ends_as_ok_failed_or_cancelled(status):
    """LOST and PENDING end nothing."""
    history = History(tree())
    history.start([{"lr": 0.5, "m": 0, "n": 3}], now=0.0)
    with pytest.raises(InvalidTrial, match=f"cannot end as {status.name}"):
        history.finish(0, 0, Outcome(status))
    assert history.count(Status.PENDING) == 1


@pytest.mark.parametrize("n", [1, 63, 64, 65, 128, 129, 300])
def test_columns_equal_rows(n):
    """X, y and status hold what the trials hold, across every growth of the columns."""
    history = filled(n)
    space = history.space
    assert history.X.shape == (n, len(space))
    assert history.y.shape == history.status.shape == (n,)
    for trial in history:
        number = trial.number
        np.testing.assert_array_equal(history.X[number], space.encode(trial.values))
        assert history.status[number] == trial.status
        if trial.loss is None:
            assert math.isnan(history.y[number])
        else:
            assert history.y[number] == trial.loss
    assert [trial.number for trial in history] == list(range(n))
    assert [trial.started for trial in history] == [100.0 + i for i in range(n)]


def test_counts_follow_the_statuses():
    """`count` gives how many trials have one of the statuses asked for."""
    history = filled(103)
    for status in Status:
        assert history.count(status) == sum(trial.status is status for trial in history)
    assert history.count(Status.OK) == 42
    assert history.count(Status.FAILED) == 21
    assert history.count(Status.CANCELLED) == 20
    assert history.count(Status.PENDING) == len(history.pending) == 20
    assert history.count(*Status) == 103
    assert history.count() == 0


def test_the_best_trial_is_the_earliest_of_the_lowest():
    """`best` is the lowest loss, and the lowest number among equals, in whatever order they end."""
    history = History(tree())
    for _ in range(6):
        history.start([{"lr": 0.5, "m": 0, "n": 3}], now=0.0)
    history.finish(5, 0, ok(math.inf))
    assert history.best.number == 5
    history.finish(4, 0, ok(1.0))
    assert history.best.number == 4
    history.finish(2, 0, ok(1.0))
    assert history.best.number == 2
    history.finish(3, 0, ok(1.0))
    assert history.best.number == 2
    history.finish(0, 0, ok(2.0))
    assert history.best.number == 2
    history.finish(1, 0, ok(-math.inf))
    assert history.best.number == 1


def test_trials_without_a_loss_are_never_best():
    """Failed and cancelled trials have no loss and are not the best."""
    history = History(tree())
    for _ in range(3):
        history.start([{"lr": 0.5, "m": 0, "n": 3}], now=0.0)
    history.finish(0, 0, CANCELLED)
    history.finish(1, 0, FAILED)
    assert history.best is None
    history.finish(2, 0, ok(1e300))
    assert history.best.number == 2


def test_columns_are_read_only():
    """The columns handed out cannot be written to, and the history can still grow."""
    history = filled(3)
    for column in (history.X, history.y, history.status):
        with pytest.raises(ValueError, match="read-only"):
            column[0] = 0
    history.start([{"lr": 0.5, "m": 0, "n": 3}], now=0.0)
    history.finish(3, 0, ok(-7.0))
    assert history.y[3] == -7.0


def test_iteration_sees_the_trials_of_its_start():
    """Starting trials while looping over the history does not extend the loop."""
    history = filled(2)
    for trial in history:
        history.start([trial.values], now=0.0)
    assert len(history) == 4


@pytest.mark.parametrize("clone", [lambda h: pickle.loads(pickle.dumps(h)), copy.deepcopy])
def test_a_history_survives_pickling(clone):
    """A pickled history has the same trials, columns, counts and best, and goes on."""
    history = filled(101)
    again = clone(history)
    assert list(again) == list(history)
    for name in ("X", "y", "status"):
        np.testing.assert_array_equal(getattr(again, name), getattr(history, name))
    assert again.best == history.best
    assert [again.count(status) for status in Status] == [history.count(s) for s in Status]
    assert [t.attempt for t in again.pending] == [t.attempt for t in history.pending]
    number = again.start([{"lr": 0.5, "m": 0, "n": 3}], now=0.0)[0].number
    again.finish(number, 0, ok(-9.0))
    assert (len(again), len(history)) == (102, 101)
    assert again.best.number == 101
    with pytest.raises(TypeError):
        again[0].values["lr"] = 0.0


def test_trials_can_be_pickled_and_copied():
    """A single trial survives pickling and copying, as the outcome in it does."""
    for trial in filled(5):
        for again in (pickle.loads(pickle.dumps(trial)), copy.deepcopy(trial)):
            assert again == trial


def test_outcomes_are_kept_whole_in_a_pickle():
    """All that an outcome holds comes back from a pickle."""
    outcome = Outcome(
        Status.FAILED,
        info={"a": [1]},
        attachments={"model": b"1"},
        error="Traceback",
        log_tail="last line",
        seconds=1.5,
        host="here",
    )
    again = pickle.loads(pickle.dumps(outcome))
    assert again == outcome
    assert again.attachments == {"model": b"1"}


def test_extend_renumbers_trials_and_keeps_how_they_stand():
    """Trials of another history are added at the end with their attempts and outcomes."""
    old, history = filled(10), filled(3)
    history.extend(old)
    assert len(history) == 13
    for trial, copied in zip(old, list(history)[3:], strict=True):
        assert copied.number == trial.number + 3
        assert copied.values == trial.values
        assert (copied.attempt, copied.started) == (trial.attempt, trial.started)
        assert copied.outcome == trial.outcome
    assert history.count(Status.OK) == 2 + old.count(Status.OK)


# ---- adopt ---------------------------------------------------------------------------------------


def test_an_equal_space_is_adopted():
    """A history goes on in a space that was declared again."""
    history = filled(70)
    before = history.X.copy()
    other = tree()
    history.adopt(other)
    assert history.space is other
    np.testing.assert_array_equal(history.X, before)


def test_an_equal_space_in_another_order_is_adopted():
    """Where the new space lists its labels in another order, the columns follow it."""
    history = filled(70)
    other = Space(
        [
            hp.choice("m", [hp.randint("n", 5), {"x": hp.uniform("x", 0.0, 1.0)}]),
            hp.loguniform("lr", -5.0, 0.0),
        ]
    )
    assert other.labels != history.space.labels
    trials = list(history)
    history.adopt(other)
    assert list(history) == trials
    for trial in history:
        np.testing.assert_array_equal(history.X[trial.number], other.encode(trial.values))
    number = history.start([{"lr": 0.5, "m": 1, "x": 0.5}], now=0.0)[0].number
    np.testing.assert_array_equal(history.X[number], other.encode(history[number].values))
    assert history.X.shape == (71, 4)


def model():
    """The choice of tree(), declared anew."""
    return hp.choice("m", [hp.randint("n", 5), {"x": hp.uniform("x", 0, 1)}])


@pytest.mark.parametrize(
    ("make", "label"),
    [
        (lambda: [hp.loguniform("lr", -5, 1), model()], "'lr'"),
        (lambda: [hp.uniform("lr", -5, 0), model()], "'lr'"),
        (lambda: [hp.loguniform("rate", -5, 0), model()], "'lr', 'rate'"),
        (lambda: [model()], "'lr'"),
        (lambda: [hp.loguniform("lr", -5, 0), hp.uniform("new", 0, 1), model()], "'new'"),
        (
            lambda: [
                hp.loguniform("lr", -5, 0),
                hp.choice("m", [{"x": hp.uniform("x", 0, 1)}, hp.randint("n", 5)]),
            ],
            "'m', 'n', 'x'",
        ),
        (
            lambda: [
                hp.loguniform("lr", -5, 0),
                hp.choice("m", [hp.randint("n", 5), hp.uniform("x", 0, 1), 0]),
            ],
            "'m'",
        ),
    ],
)
def test_another_space_is_refused(make, label):
    """Other labels, distributions, branches or numbers of options are refused by the label."""
    history = filled(3)
    space, before = history.space, history.X.copy()
    with pytest.raises(BadSearchSpace, match=f"differs in {label};"):
        history.adopt(Space(make()))
    assert history.space is space
    np.testing.assert_array_equal(history.X, before)


# ---- Outcome -------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [Status.FAILED, Status.CANCELLED, Status.LOST, Status.PENDING])
def test_only_ok_has_a_loss(status):
    """A loss goes with OK, and OK with a loss."""
    with pytest.raises(ValueError, match="a loss goes with status OK alone"):
        Outcome(status, loss=1.0)
    assert Outcome(status).loss is None
    with pytest.raises(ValueError, match="a loss goes with status OK alone"):
        Outcome(Status.OK)


def test_a_loss_is_not_nan():
    """NaN is refused as a loss; infinities and zero are losses."""
    with pytest.raises(ValueError, match="must not be NaN"):
        ok(math.nan)
    with pytest.raises(ValueError, match="must not be NaN"):
        ok(np.float64("nan"))
    assert [ok(x).loss for x in (0.0, math.inf, -math.inf)] == [0.0, math.inf, -math.inf]


def test_outcomes_are_frozen():
    """An outcome cannot be changed, nor can its default info."""
    outcome = ok(1.0)
    with pytest.raises(AttributeError):
        outcome.loss = 0.0
    with pytest.raises(TypeError):
        outcome.info["a"] = 1


def test_status_strings_are_hyperopts():
    """The strings of Hyperopt's statuses, in its order."""
    assert STATUS_STRINGS == ("new", "running", "suspended", "ok", "fail")
