"""Which rows candidates learn from, and which they are judged by."""

import warnings

import numpy as np
import pytest
from estimators import IRIS, lines, quick
from hypothesis import given
from hypothesis import strategies as st
from sklearn.model_selection import GroupKFold, KFold, TimeSeriesSplit

from sparktune.hpsklearn.validation import folds_of

Y = np.repeat([0, 1], [60, 30])


def folds(y=Y, groups=None, **given):
    """Folds, of classes and the seed 0 where nothing else is said."""
    usual = {"classifies": True, "valid_size": 0.2, "n_folds": None, "cv": None,
             "shuffle": None, "seed": 0}  # fmt: skip
    return folds_of(
        np.asarray(y), None if groups is None else np.asarray(groups), **{**usual, **given}
    )


def checked(found):
    """The rows to judge by, of each fold."""
    return [check.tolist() for _, check in found]


def test_held_out_rows_are_stratified_and_shuffled():
    """A share of each class is held out, by the seed."""
    ((learn, check),) = folds()
    assert sorted([*learn, *check]) == list(range(90))
    assert np.bincount(Y[check]).tolist() == [12, 6]
    assert checked(folds()) == checked(folds()) != checked(folds(seed=1))
    assert check.tolist() != sorted(check)


def test_the_last_rows():
    """Without shuffling the last rows are held out, and folds are in order."""
    assert checked(folds(shuffle=False)) == [list(range(72, 90))]
    plain = folds(shuffle=False, n_folds=3, classifies=False)
    assert checked(plain) == [list(range(30)), list(range(30, 60)), list(range(60, 90))]


@given(
    rows=st.integers(3, 60), share=st.floats(0.001, 1), classifies=st.booleans(),
    shuffle=st.sampled_from([None, True, False]), kinds=st.integers(1, 4),
)  # fmt: skip
def test_any_share(rows, share, classifies, shuffle, kinds):
    """Whatever the share, some rows are held out, some are left, and none is both."""
    y = np.arange(rows) % kinds
    ((learn, check),) = folds(y, valid_size=share, classifies=classifies, shuffle=shuffle)
    assert sorted([*learn, *check]) == list(range(rows))
    assert len(learn)
    assert len(check) >= (1 if classifies else min(2, rows - 1))
    assert abs(len(check) - share * rows) <= 2


@given(
    sizes=st.lists(st.integers(1, 6), min_size=2, max_size=8), share=st.floats(0.01, 1),
    count=st.sampled_from([None, 2, -1]), shuffle=st.sampled_from([None, True, False]),
    classifies=st.booleans(),
)  # fmt: skip
def test_groups_stay_together(sizes, share, count, shuffle, classifies):
    """No group is on both sides of a fold, however it is split."""
    groups = np.repeat([f"g{n}" for n in range(len(sizes))], sizes)
    y = np.arange(len(groups)) % 2
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of too few rows of a class
        found = folds(
            y, groups, valid_size=share, n_folds=count, shuffle=shuffle, classifies=classifies
        )
    for learn, check in found:
        assert not set(groups[learn]) & set(groups[check])
        assert len(learn)
        assert len(check)
    if count is not None:
        assert sorted(row for _, check in found for row in check) == list(range(len(groups)))
        assert len(found) == (2 if count == 2 else len(sizes))


def test_the_last_groups():
    """Without shuffling the groups that end last are held out."""
    groups = ["b", "b", "a", "c", "a", "c"]
    assert checked(folds([0, 1] * 3, groups, shuffle=False)) == [[3, 5]]
    assert checked(folds([0, 1] * 3, groups, shuffle=False, valid_size=0.7)) == [[2, 3, 4, 5]]


def test_groups_in_another_order():
    """With cv_shuffle=True groups come into folds by the seed."""
    groups = np.arange(90) // 9
    for classifies in (True, False):
        by_seed = {str(checked(folds(Y, groups, n_folds=3, shuffle=True, seed=seed,
                                     classifies=classifies))) for seed in range(4)}  # fmt: skip
        assert len(by_seed) > 1


def test_k_folds_are_stratified():
    """Each fold has its share of every class; regressions have plain folds."""
    for _, check in folds(n_folds=5):
        assert np.bincount(Y[check]).tolist() == [12, 6]
    sizes = [len(check) for _, check in folds(n_folds=4, classifies=False)]
    assert sizes == [23, 23, 22, 22]


def test_too_few_of_a_class():
    """Where a class has fewer rows than there are folds, that is said, and folds are plain."""
    with pytest.warns(UserWarning, match="rarest class has 2 rows, fewer than 3 folds"):
        found = folds([0] * 10 + [1] * 2, n_folds=3)
    assert sorted(row for _, check in found for row in check) == list(range(12))
    ((learn, check),) = folds([0] * 10 + [1])  # a single row cannot be on both sides
    assert len(check) == 2
    assert len(learn) == 9


def test_one_for_each_row_or_group():
    """n_folds=-1 leaves out each row, or each group, in its turn."""
    assert checked(folds([0, 1, 0, 1], n_folds=-1)) == [[0], [1], [2], [3]]
    assert checked(folds([0, 1, 0, 1], list("abba"), n_folds=-1)) == [[0, 3], [1, 2]]


def test_splitters_and_folds_of_ones_own():
    """A number, a splitter, folds or masks may be cv; n_folds goes before it."""
    assert len(folds(cv=3)) == 3
    assert len(folds(cv=3, n_folds=2)) == 2
    assert checked(folds(cv=TimeSeriesSplit(2))) == [list(range(30, 60)), list(range(60, 90))]
    groups = np.arange(90) % 3
    assert len(folds(Y, groups, cv=GroupKFold(3))) == 3
    first = np.arange(90) < 60
    assert checked(folds(cv=[(first, ~first)])) == [list(range(60, 90))]
    assert checked(folds(cv=iter([([0, 1], [2])]))) == [[2]]


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"valid_size": 0}, "`valid_size` must be a share above 0 and at most 1, but got 0"),
        ({"valid_size": 1.5}, "`valid_size` must be a share .* but got 1.5"),
        ({"n_folds": 1}, "`n_folds` must be a whole number >= 2, but got 1"),
        ({"n_folds": True}, "`n_folds` must be a whole number >= 2, but got True"),
        ({"n_folds": 2.5}, "`n_folds` must be a whole number >= 2, but got 2.5"),
        ({"n_folds": 91}, "`n_folds` must be at most the 90 rows, but got 91"),
        ({"n_folds": 4, "groups": np.arange(90) % 3}, "must be at most the 3 groups, but got 4"),
        ({"groups": np.zeros(90)}, "`groups` must be two at least, but all rows are of one"),
        ({"cv": 1}, "`cv` must be a whole number >= 2, but got 1"),
        ({"cv": "five"}, "Expected .?cv.? as an integer"),
        ({"cv": []}, "`cv` must give folds, but gave none"),
        ({"cv": [([0], [])]}, "`cv` must give folds, each with rows to learn from and to jud"),
        ({"cv": [([0], [90])]}, r"`cv` must give rows by their numbers from 0 to 89, .* \[90\]"),
        ({"cv": [([-1], [0])]}, r"`cv` must give rows by their numbers from 0 to 89"),
        ({"cv": [([0.5], [0])]}, r"`cv` must give rows by their numbers"),
        ({"cv": KFold(3), "shuffle": True}, "`cv_shuffle` is settled by `cv`: set it there"),
        ({"shuffle": "yes"}, "`cv_shuffle` must be True, False or None, but got 'yes'"),
    ],
)  # fmt: skip
def test_wrong_settings(given, sentence):
    """What makes no folds is refused with the rule and the value."""
    with pytest.raises(ValueError, match=sentence):
        folds(**given)


def test_the_estimator_judges_by_folds():
    """Losses are means over folds, whose number is kept; the variance is that of the mean."""
    estimator = quick().fit(*IRIS, n_folds=3)
    assert estimator.n_splits_ == 3
    best = estimator.trials_.history.best.outcome
    losses = best.info["losses"]
    assert best.loss == pytest.approx(np.mean(losses))
    assert best.info["loss_variance"] == best.variance == pytest.approx(np.var(losses, ddof=1) / 3)
    assert quick().fit(*IRIS).n_splits_ == 1
    share = quick().fit(*IRIS).trials_.history.best.outcome
    assert share.variance == pytest.approx(share.loss * (1 - share.loss) / 14)


def test_one_row_alone():
    """Leaving out one row at a time, predictions are judged all together."""
    X, _ = IRIS
    estimator = quick(regressor=lines(), max_evals=2).fit(X[::5], X[::5, 0], n_folds=-1)
    assert estimator.n_splits_ == 15
    assert 0 <= estimator.best_loss_ < 1
    with pytest.raises(
        Exception, match="the loss is nan; of the folds, which judge by one row each"
    ):
        quick(regressor=lines(), max_evals=2, scoring="r2").fit(X[::9], X[::9, 0], n_folds=-1)


def test_the_order_of_rows_has_a_seed_of_its_own():
    """random_state changes the held out rows, and the seed alone both."""
    X, y = IRIS

    def held_out(**given):
        estimator = quick(max_evals=1, seed=given.pop("seed", 0)).fit(X, y, **given)
        return estimator.trials_.history.space.template["data"]

    assert held_out() == held_out() == held_out(random_state=0)
    assert held_out(random_state=1) == held_out(random_state=1, seed=5) != held_out()
    assert held_out(seed=5) != held_out()
