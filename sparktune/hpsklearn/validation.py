"""Which rows candidates learn from and which they are judged by."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..checks import advise, real, whole
from .data import Folds

__all__ = ["folds_of"]


def folds_of(
    y: Any,
    groups: Any,
    *,
    classifies: bool,
    valid_size: Any,
    n_folds: Any,
    cv: Any,
    shuffle: Any,
    seed: int,
) -> Folds:
    """The folds of a search.

    Args:
        y: targets.
        groups: of the rows, which folds keep together; None without.
        classifies: whether each fold is to have its share of every class, where there is enough.
        valid_size: share of the rows to judge by, without folds.
        n_folds: 2 or more; -1 for as many as there are rows; None for none.
        cv: a number, a splitter of scikit-learn or an iterable of folds; None for none.
        shuffle: whether rows are taken in another order; None for yes, unless groups or a
            splitter settle it.
        seed: of the order.

    Raises:
        ValueError: a number out of its range, too few rows, or settings that exclude each other.
    """
    from sklearn.model_selection import LeaveOneOut, check_cv

    rows = len(y)
    if shuffle not in (None, True, False):
        raise ValueError(f"`cv_shuffle` must be True, False or None, but got {shuffle!r}")
    if n_folds is not None and n_folds != -1:
        n_folds = whole("n_folds", n_folds, 2)
    X = np.zeros((rows, 1))
    if n_folds is None and cv is not None:
        if isinstance(cv, (int, np.integer)):
            n_folds = whole("cv", cv, 2)
        else:
            if shuffle:
                raise ValueError("`cv_shuffle` is settled by `cv`: set it there")
            splitter = check_cv(cv, y, classifier=classifies)
            return _checked(splitter.split(X, y, groups))
    if n_folds == -1:
        return _checked(LeaveOneOut().split(X))
    if n_folds is not None:
        if n_folds > rows:
            raise ValueError(f"`n_folds` must be at most the {rows} rows, but got {n_folds}")
        return _checked(_k_folds(y, groups, classifies, n_folds, shuffle, seed).split(X, y, groups))
    share = real("valid_size", valid_size, "a share", above=0, most=1)
    return _checked(_held_out(X, y, groups, classifies, share, shuffle, seed))


def _k_folds(y: Any, groups: Any, classifies: bool, count: int, shuffle: Any, seed: int) -> Any:
    from sklearn.model_selection import GroupKFold, KFold, StratifiedGroupKFold, StratifiedKFold

    if groups is not None:
        mixed = bool(shuffle)
        order = {"shuffle": True, "random_state": seed} if mixed else {}
        return (StratifiedGroupKFold if classifies else GroupKFold)(count, **order)
    order = {"shuffle": True, "random_state": seed} if shuffle is not False else {}
    if classifies:
        fewest = int(np.unique(y, return_counts=True)[1].min())
        if fewest >= count:
            return StratifiedKFold(count, **order)
        advise(
            f"the rarest class has {fewest} rows, fewer than {count} folds: folds do not have a "
            "share of each class"
        )
    return KFold(count, **order)


def _held_out(
    X: Any, y: Any, groups: Any, classifies: bool, share: float, shuffle: Any, seed: int
) -> Any:
    from sklearn.model_selection import GroupShuffleSplit, ShuffleSplit, StratifiedShuffleSplit

    rows = len(y)
    held = min(max(1, round(rows * share)), rows - 1)
    if shuffle is False:
        order = np.arange(rows)
        return [(order[:-held], order[-held:])]
    if groups is not None:
        if len(np.unique(groups)) < 2:
            raise ValueError("`groups` must be two at least, but all rows are of one")
        splitter = GroupShuffleSplit(1, test_size=share, random_state=seed)
        return splitter.split(X, y, groups)
    if classifies:
        counts = np.unique(y, return_counts=True)[1]
        if counts.min() > 1 and len(counts) <= min(held, rows - held):
            return StratifiedShuffleSplit(1, test_size=held, random_state=seed).split(X, y)
    return ShuffleSplit(1, test_size=held, random_state=seed).split(X)


def _checked(folds: Any) -> Folds:
    found = tuple((np.asarray(learn), np.asarray(check)) for learn, check in folds)
    if not found or any(not len(learn) or not len(check) for learn, check in found):
        raise ValueError("`cv` must give folds, each with rows to learn from and to judge by")
    return found
