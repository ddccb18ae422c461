"""The best candidates of one split, judged again on further ones."""

import os
import signal

import numpy as np
import pytest
from estimators import DIABETES, IRIS, lines, quick
from sklearn.model_selection import ShuffleSplit

from sparktune import StoreTrials, Trials, rand
from sparktune import hpsklearn as ours
from sparktune.hpsklearn.standings import Again, standings

pytestmark = pytest.mark.usefixtures("sent_by_value")

X, Y = DIABETES


def fitted(max_evals=16, **settings):
    """A fit of quick regressors by random search."""
    more = {"fit": {}, **settings}
    fit = more.pop("fit")
    return quick(regressor=lines(), algo=rand.suggest, max_evals=max_evals, **more).fit(X, Y, **fit)


def again_of(estimator):
    """The trials that judged candidates again."""
    return [each for each in estimator.trials_.history if each.outcome.info.get("again")]


def test_the_best_are_judged_again():
    """An eighth of the candidates are judged three times more; the best mean is chosen."""
    estimator = fitted(finalists=None)
    history = estimator.trials_.history
    best = sorted(list(history)[:16], key=lambda trial: trial.loss)[:2]
    assert len(history) == 18
    assert [trial.values for trial in history][16:] == [trial.values for trial in best]
    assert all(len(trial.outcome.info["losses"]) == 3 for trial in again_of(estimator))
    means = [
        np.mean([first.loss, *again.outcome.info["losses"]])
        for first, again in zip(best, again_of(estimator), strict=True)
    ]
    assert estimator.best_loss_ == pytest.approx(min(means))
    chosen = best[int(np.argmin(means))]
    learner = estimator.best_model()["learner"]
    drawn = history.space.build(chosen.values)["candidate"]["regressor"]
    wanted = {**drawn.get_params(), "random_state": 0}
    assert {**learner.get_params(), "random_state": 0} == wanted


def test_losses_are_those_of_the_splits():
    """A further loss is what the candidate has on a further split, which all finalists share."""
    estimator = quick(
        regressor=ours.ridge("r"), algo=rand.suggest, max_evals=6, finalists=3, seed=5
    ).fit(X, Y)
    seeds = np.random.SeedSequence(5).generate_state(3).tolist()
    space = estimator.trials_.history.space
    for trial in again_of(estimator):
        model = space.build(trial.values)["candidate"]["regressor"]
        for seed, loss in zip(seeds, trial.outcome.info["losses"], strict=True):
            ((learn, check),) = ShuffleSplit(1, test_size=0.2, random_state=seed).split(X)
            score = model.fit(X[learn], Y[learn]).score(X[check], Y[check])
            assert 1 - score == pytest.approx(loss)


def test_how_many():
    """`finalists` says how many; one alone has nothing to be compared with."""
    assert len(again_of(fitted(6, finalists=4))) == 4
    assert len(again_of(fitted(6, finalists=1))) == 0
    assert len(again_of(fitted(16, finalists=0))) == 0
    assert len(again_of(fitted(15, finalists=None))) == 0
    assert len(again_of(fitted(3, finalists=5))) == 3
    with pytest.raises(ValueError, match="`finalists` must be a whole number >= 0"):
        fitted(3, finalists=-1)


@pytest.mark.parametrize(
    "settings",
    [
        {"fit": {"n_folds": 3}},
        {"fit": {"cv_shuffle": False}},
        {"cv": ShuffleSplit(2, random_state=0)},
    ],
    ids=["folds", "the last rows", "a splitter"],
)
def test_where_there_are_none(settings):
    """Folds judge a candidate several times already, and the last rows are one split alone."""
    assert len(fitted(5, finalists=3, **settings).trials_) == 5


def test_groups_and_weights():
    """Further splits keep groups together, and leave out rows without weight, as the first does."""
    groups = np.arange(len(Y)) // 10
    weights = np.where(np.arange(len(Y)) % 3, 1, 0)
    estimator = fitted(5, finalists=2, fit={"groups": groups, "sample_weight": weights})
    assert len(again_of(estimator)) == 2
    assert np.isfinite(estimator.best_loss_)


def test_the_table_has_them_first():
    """A candidate and its further losses are one row; those judged again come before all others."""
    pytest.importorskip("pandas")
    estimator = fitted(8, finalists=3)
    table = estimator.leaderboard()
    assert len(table) == 8
    assert table.splits.tolist() == [4] * 3 + [1] * 5
    assert table.loss.iloc[0] == estimator.best_loss_
    assert table.loss[:3].is_monotonic_increasing
    assert table.loss[3:].is_monotonic_increasing
    assert (table.deviation[:3] > 0).all()
    history = estimator.trials_.history
    first = history[int(table.index[0])]
    more = next(each for each in again_of(estimator) if each.values == first.values)
    assert table.seconds.iloc[0] == pytest.approx(first.outcome.seconds + more.outcome.seconds)


def test_a_warm_start():
    """Further candidates are tried beside those that were, and no finalist is judged twice."""
    estimator = fitted(6, finalists=2)
    before = {frozenset(each.values.items()) for each in again_of(estimator)}
    estimator.fit(X, Y, warm_start=True)
    tried = [each for each in estimator.trials_.history if not each.outcome.info.get("again")]
    keys = [frozenset(each.values.items()) for each in again_of(estimator)]
    assert len(tried) == 12
    assert len(keys) == len(set(keys))
    assert before <= set(keys)


def test_a_journal(tmp_path):
    """A fit goes on with finalists that a journal has, and with what is missing of them."""
    first = fitted(6, finalists=2, journal=tmp_path / "j")
    again = fitted(6, finalists=3, journal=tmp_path / "j")
    assert len(again.trials_) == 9
    assert [t.values for t in again_of(again)][:2] == [t.values for t in again_of(first)]
    more = fitted(8, finalists=0, journal=tmp_path / "j")
    assert len(more.trials_) == 11


def test_a_store(tmp_path):
    """A record in a store has finalists as one in memory has."""
    here = fitted(5, finalists=2)
    stored = fitted(5, finalists=2, trials=Trials(store=f"sqlite:///{tmp_path / 's.db'}"))
    assert stored.best_loss_ == here.best_loss_


def test_an_interrupt_among_them():
    """On Ctrl-C among the finalists the best so far is taken."""

    def interrupting(y, predicted):
        interrupting.calls += 1
        if interrupting.calls == 6:
            os.kill(os.getpid(), signal.SIGINT)
        return float(np.mean((y - predicted) ** 2))

    interrupting.calls = 0
    with pytest.warns(UserWarning, match="the search was interrupted"):
        estimator = fitted(5, finalists=2, loss_fn=interrupting)
    assert hasattr(estimator, "best_pipeline_")


def test_finalists_that_fail():
    """A finalist that fails on a further split is not chosen; if all do, the first losses count."""

    def fails_later(y, predicted):
        fails_later.calls += 1
        if fails_later.calls > fails_later.most:
            raise RuntimeError("no more")
        return float(np.mean((y - predicted) ** 2))

    for most, judged in ((6, 0), (9, 1)):
        fails_later.calls, fails_later.most = 0, most
        estimator = fitted(6, finalists=2, loss_fn=fails_later, refit=False)
        assert len(again_of(estimator)) == judged
        ranked = standings(estimator.trials_.history)
        assert estimator.best_loss_ == ranked[0].loss
        assert len(ranked) == len(estimator.leaderboard()) == 6
        assert sum(each.again is not None for each in ranked) == 2
        assert (
            ranked[0].again.loss is not None if judged else ranked[0].again is None
        ) or not judged


def test_no_time_is_left(monkeypatch):
    """With a timeout candidates have four fifths of it, and finalists the rest."""
    asked = []
    true = ours.search.fmin

    def noted(*args, **options):
        asked.append(options["timeout"])
        return true(*args, **options)

    monkeypatch.setattr("sparktune.hpsklearn.search.fmin", noted)
    fitted(5, finalists=2, timeout=1000.0)
    tried, judged = asked
    assert 790 < tried <= 800
    assert 900 < judged <= 1000


def test_steps_share_the_time(monkeypatch, tmp_path, clock):
    """A search in several steps leaves the finalists their fifth of the time."""
    asked = []
    true = ours.search.fmin

    def noted(*args, **options):
        asked.append(options["timeout"])
        true(*args, **options)
        clock.advance(300.0)

    monkeypatch.setattr("sparktune.hpsklearn.search.fmin", noted)
    monkeypatch.setattr("sparktune.hpsklearn.search.time", clock)
    dumped = {"fit_increment": 2, "fit_increment_dump_filename": tmp_path / "trials.pkl"}
    fitted(4, finalists=2, timeout=1000.0, **dumped)
    assert asked == [800.0, 500.0, 400.0]


def test_texts_of_classes():
    """Further splits are of classes' shares, as the first is."""
    rows, labels = IRIS
    estimator = quick(algo=rand.suggest, max_evals=5, finalists=2).fit(rows, labels)
    assert len(again_of(estimator)) == 2


def test_candidates_once_more():
    """The suggester of finalists gives each that has not begun, in order."""
    estimator = fitted(5, finalists=0)
    history = estimator.trials_.history
    points = tuple(trial.values for trial in list(history)[:3])
    again = Again(points, len(history))
    assert again.suggest(history.space, history, np.random.default_rng(0), 2) == list(points[:2])
    assert len(again.suggest(history.space, history, np.random.default_rng(0), 5)) == 5
    later = Again(points, 1)
    (left,) = later.suggest(history.space, history, np.random.default_rng(0), 1)
    assert left == points[0]


@pytest.mark.full
def test_a_store_with_workers(tmp_path, monkeypatch):
    """Workers of a store judge finalists as well."""
    import subprocess
    import sys

    monkeypatch.setenv("SPARKTUNE_STORE_KEY", "a key of some length")
    url = f"sqlite:///{tmp_path / 'store.db'}"
    command = [sys.executable, "-m", "sparktune", "worker", "--store", url, "--exp-key", "k"]
    with subprocess.Popen([*command, "--max-jobs", "7"], stderr=subprocess.PIPE) as worker:
        there = fitted(5, finalists=2, trials=StoreTrials(url, "k", parallelism=1))
        assert worker.wait(60) == 0, worker.stderr.read()
    assert there.best_loss_ == fitted(5, finalists=2).best_loss_
