"""Fits that go on: in steps, after a warm start, from a journal, after an interrupt."""

import os
import pickle
import signal

import numpy as np
import pytest
from estimators import DIABETES, IRIS, lines, quick
from sklearn.exceptions import NotFittedError
from sklearn.metrics import accuracy_score

from sparktune import AllTrialsFailed, Trials, hp, rand
from sparktune import hpsklearn as ours
from sparktune.events import Budget

X, Y = IRIS


def losses(estimator):
    """The losses of all candidates, in their order."""
    return [trial.loss for trial in estimator.trials_.history]


def test_warm_start():
    """A warm start tries as many candidates again, and what they find is what one fit finds."""
    estimator = quick(max_evals=4).fit(X, Y, n_folds=3)
    estimator.fit(X, Y, n_folds=3, warm_start=True)
    assert len(estimator.trials_) == 8
    assert losses(estimator)[:4] == losses(quick(max_evals=4).fit(X, Y, n_folds=3))
    estimator.fit(X, Y, n_folds=3)
    assert len(estimator.trials_) == 4
    assert len(quick(max_evals=4).fit(X, Y, warm_start=True).trials_) == 4  # there was none before


def test_other_data():
    """Trials of other data, folds or losses are not gone on with."""
    estimator = quick().fit(X, Y)
    other = "are of other data, folds or losses"
    for rows, targets, given in ((X[:60], Y[:60], {}), (X, Y, {"n_folds": 3}), (X + 1, Y, {}),
                                 (X, Y[::-1], {}), (X, Y, {"sample_weight": Y + 1})):  # fmt: skip
        with pytest.raises(ValueError, match=other):
            estimator.fit(rows, targets, warm_start=True, **given)
    estimator.set_params(scoring="f1_macro")
    with pytest.raises(ValueError, match=other):
        estimator.fit(X, Y, warm_start=True)


def test_a_journal(tmp_path):
    """A fit with a journal goes on with what is there, and refuses what others have recorded."""
    journal = tmp_path / "journal"
    first = quick(max_evals=3, journal=journal, seed=4).fit(X, Y, n_folds=3)
    again = quick(max_evals=5, journal=journal, seed=4).fit(X, Y, n_folds=3)
    assert losses(again)[:3] == losses(first)
    assert len(again.trials_) == 5
    assert len(again.fit(X, Y, n_folds=3).trials_) == 5
    assert (again.predict(X) == again.best_pipeline_.predict(X)).all()
    with pytest.raises(ValueError, match="take new trials, or another journal"):
        quick(journal=journal).fit(X[1:], Y[1:], n_folds=3)


RESUMED = """
import sys
from sklearn.datasets import load_iris
from sparktune.hpsklearn import HyperoptEstimator, decision_tree_classifier
def scorer(model, X, y):
    return float((model.predict(X) == y).mean())
estimator = HyperoptEstimator(classifier=decision_tree_classifier("t"), preprocessing=[],
                              max_evals=int(sys.argv[1]), journal="j", scoring=scorer)
estimator.fit(*load_iris(return_X_y=True), n_folds=3)
print(len(estimator.trials_))
"""


@pytest.mark.full
def test_a_journal_in_another_process(run_python):
    """What another process has recorded is gone on with, also by a scorer of one's own."""
    assert run_python(RESUMED, "2").stdout == "2\n"
    assert run_python(RESUMED, "3").stdout == "3\n"


def test_names_of_losses_are_the_same_everywhere():
    """A loss or a scorer is known by its name, not by where it stands in memory."""
    from sklearn.metrics import make_scorer

    from sparktune.hpsklearn.travels.evaluation import Evaluation, Judge
    from sparktune.hpsklearn.travels.fitting import Recipe

    def digest(**judge):
        return Evaluation(Recipe(), Judge(**judge), X, Y, None, (), {}).fingerprint()

    def made():
        def scorer(model, X, y):
            return 0.0

        return scorer

    assert digest(scorer=made()) == digest(scorer=made()) != digest()
    assert digest(scorer=make_scorer(accuracy_score)) == digest(scorer=make_scorer(accuracy_score))
    assert digest(loss=accuracy_score) != digest(loss=made())


def test_steps_of_a_fit():
    """fit_iter yields the trials before each step, which has as many candidates as it is sent."""
    estimator = quick(fit_increment=2)
    steps = estimator.fit_iter(X, Y)
    assert len(next(steps)) == 0
    assert [len(steps.send(3)), len(next(steps)), len(steps.send(1))] == [3, 5, 6]
    assert estimator.trials_ is next(steps)
    with pytest.raises(NotFittedError, match="retrain_best_model_on_full_data"):
        estimator.predict(X)
    assert estimator.retrain_best_model_on_full_data(X, Y).score(X, Y) > 0.8
    with pytest.raises(ValueError, match="`fit_increment` must be a whole number >= 1, but got 0"):
        steps.send(0)


def test_steps_that_fail():
    """Steps whose candidates all fail say so, and the next one goes on."""
    kinds = hp.pchoice(
        "c", [(0.7, ours.logistic_regression("l", C=-1.0)), (0.3, ours.gaussian_nb("b"))]
    )
    estimator = quick(classifier=kinds, algo=rand.suggest, seed=_first_fails(kinds))
    steps = estimator.fit_iter(X, Y)
    next(steps)
    with pytest.warns(UserWarning, match="no candidate has a loss yet"):
        steps.send(1)
    for _ in range(30):
        next(steps)
        if hasattr(estimator, "best_loss_"):
            break
    assert estimator.retrain_best_model_on_full_data(X, Y).score(X, Y) > 0.8


def _first_fails(kinds):
    """A seed whose first candidate fails, and not all of five do."""
    for seed in range(50):
        estimator = quick(classifier=kinds, algo=rand.suggest, max_evals=5, seed=seed)
        try:
            estimator.fit(X, Y)
        except AllTrialsFailed:
            continue
        found = losses(estimator)
        if found[0] is None:
            return seed
    raise AssertionError("no such seed")


def test_dumps(tmp_path):
    """With a file the trials are pickled there every so many candidates, also where some fail."""
    seen = []
    path = tmp_path / "trials.pkl"

    def loss(y, predicted):
        seen.append(len(pickle.loads(path.read_bytes())) if path.exists() else 0)
        if len(seen) < 3:
            raise RuntimeError("not yet")
        return 1 - accuracy_score(y, predicted)

    estimator = quick(loss_fn=loss, max_evals=5, fit_increment=2, fit_increment_dump_filename=path)
    estimator.fit(X, Y)
    assert seen == [0, 0, 2, 2, 4]
    kept = pickle.loads(path.read_bytes())
    assert len(kept) == 5
    assert kept.losses() == estimator.trials_.losses()
    assert [each.name for each in tmp_path.iterdir()] == ["trials.pkl"]
    with pytest.raises(AllTrialsFailed):
        quick(loss_fn=lambda y, p: None, max_evals=3, fit_increment_dump_filename=str(path)).fit(
            X, Y
        )
    assert len(pickle.loads(path.read_bytes())) == 2  # before the last


def test_ctrl_c(caplog):
    """Ctrl-C ends the search, and the best so far is fitted and answers."""
    seen = []

    def loss(y, predicted):
        seen.append(1)
        if len(seen) == 3:
            os.kill(os.getpid(), signal.SIGINT)
        return 1 - accuracy_score(y, predicted)

    estimator = quick(loss_fn=loss, max_evals=50)
    with pytest.warns(UserWarning, match="search was interrupted: the best candidate so far is ta"):
        estimator.fit(X, Y)
    assert len(estimator.trials_) in (2, 3)
    assert estimator.score(X, Y) > 0.8
    assert "2 finished trials are kept" in caplog.text


def test_ctrl_c_before_a_loss(capsys):
    """Ctrl-C before any candidate has a loss leaves the fit."""

    def loss(y, predicted):
        os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        quick(loss_fn=loss, max_evals=5).fit(X, Y)


class Limited(Trials):
    """Trials with a limit of their own, as SparkTrials may have."""

    @property
    def limits(self):
        return Budget(None, None, 10.0)


@pytest.mark.parametrize("dumps", [False, True])
def test_limits_of_the_trials(tmp_path, dumps):
    """Where trials end the run by a limit of their own, the fit takes what there is by then."""
    path = tmp_path / "trials.pkl" if dumps else None
    estimator = quick(trials=Limited(), max_evals=20, fit_increment_dump_filename=path)
    assert len(estimator.fit(X, Y).trials_) == 1
    assert estimator.score(X, Y) > 0.5


@pytest.mark.parametrize("dumps", [False, True])
def test_a_fit_with_a_time_limit(tmp_path, dumps):
    """After its time a fit takes the best so far, also where it goes in steps."""
    path = tmp_path / "trials.pkl" if dumps else None
    estimator = quick(max_evals=10**6, timeout=1, fit_increment_dump_filename=path)
    assert estimator.fit(X, Y).score(X, Y) > 0.5


def test_retraining_on_other_data():
    """The best candidate can be fitted to other data of the same columns."""
    estimator = quick(regressor=lines()).fit(*DIABETES)
    other = DIABETES[0][::-1][:40], DIABETES[1][::-1][:40]
    before = estimator.predict(other[0])
    assert not np.allclose(
        estimator.retrain_best_model_on_full_data(*other).predict(other[0]), before
    )
    with pytest.raises(ValueError, match=r"must have no columns beside .*but have \(10, 1\)"):
        estimator.retrain_best_model_on_full_data(*other, EX_list=[other[0][:, :1]])
    assert len(estimator.predict(other[0])) == 40  # what it was fitted to counts still


def test_retraining_on_data_of_another_kind():
    """Other columns, missing numbers and other classes are fitted to; texts for rows are not."""
    pandas = pytest.importorskip("pandas")
    estimator = quick(classifier=ours.sgd_classifier("s"), use_partial_fit=True, max_evals=1)
    estimator.fit(X, Y)
    estimator.retrain_best_model_on_full_data(
        np.where(X > 6, np.nan, X), np.array(["a", "b"])[Y % 2]
    )
    assert set(estimator.predict(X)) <= {"a", "b"}
    frame = pandas.DataFrame(X).assign(kind=["p", "q", "r"] * 25).rename(columns=str)
    estimator.retrain_best_model_on_full_data(frame, Y)
    with pytest.raises(ValueError, match="X must be rows of columns, as in the search"):
        estimator.retrain_best_model_on_full_data(["a text"] * 75, Y)
    assert len(estimator.predict(frame)) == 75
