"""Which rows candidates learn from and which they are judged by."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from ..checks import advise, real, whole
from ..plurals import plural
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
        n_folds: 2 or more; -1 for as many as there are rows, or groups; None for none.
        cv: a number, a splitter of scikit-learn or an iterable of folds; None for none.
        shuffle: whether rows are taken in another order; None for yes, unless groups or a
            splitter settle it.
        seed: of the order.

    Raises:
        ValueError: a number out of its range, too few rows, or settings that exclude each other.
    """
    from sklearn.model_selection import LeaveOneGroupOut, LeaveOneOut, check_cv

    rows = len(y)
    if shuffle not in (None, True, False):
        raise ValueError(f"`cv_shuffle` must be True, False or None, but got {shuffle!r}")
    if n_folds is not None and n_folds != -1:
        n_folds = whole("n_folds", n_folds, 2)
    X, named = np.zeros((rows, 1)), "n_folds"
    if n_folds is None and cv is not None:
        if isinstance(cv, (int, np.integer)):
            named, n_folds = "cv", whole("cv", cv, 2)
        else:
            if isinstance(cv, type):
                raise TypeError(f"`cv` must be a splitter, but got its class: {cv.__name__}(...)")
            if shuffle:
                raise ValueError("`cv_shuffle` is settled by `cv`: set it there")
            if isinstance(cv, Iterable) and not isinstance(cv, str):
                return _checked(cv, rows)
            splitter = check_cv(cv, y, classifier=classifies)
            return _checked(splitter.split(X, y, groups), rows)
    if groups is not None and len(np.unique(groups)) < 2:
        raise ValueError("`groups` must be two at least, but all rows are of one")
    if n_folds == -1:
        alone = LeaveOneOut() if groups is None else LeaveOneGroupOut()
        return _checked(alone.split(X, y, groups), rows)
    if n_folds is not None:
        most = rows if groups is None else len(np.unique(groups))
        if n_folds > most:
            of = "rows" if groups is None else "groups"
            raise ValueError(f"`{named}` must be at most the {most} {of}, but got {n_folds}")
        if groups is not None:
            return _checked(_folds_of_groups(y, groups, classifies, n_folds, shuffle, seed), rows)
        return _checked(_k_folds(y, classifies, n_folds, shuffle, seed).split(X, y), rows)
    share = real("valid_size", valid_size, "a share", above=0, most=1)
    return _checked(_held_out(X, y, groups, classifies, share, shuffle, seed), rows)


def _k_folds(y: Any, classifies: bool, count: int, shuffle: Any, seed: int) -> Any:
    from sklearn.model_selection import KFold, StratifiedKFold

    order = {"shuffle": True, "random_state": seed} if shuffle is not False else {}
    if classifies and _in_each_class(y, count):
        return StratifiedKFold(count, **order)
    return KFold(count, **order)


def _folds_of_groups(
    y: Any, groups: Any, classifies: bool, count: int, shuffle: Any, seed: int
) -> Any:
    """Folds that keep groups together; in the order of chance where ``shuffle`` is True."""
    from sklearn.model_selection import GroupKFold, StratifiedGroupKFold

    if classifies and _in_each_class(y, count):
        order = {"shuffle": True, "random_state": seed} if shuffle else {}
        folds = list(StratifiedGroupKFold(count, **order).split(y, y, groups))
        if all(len(check) for _, check in folds):
            return folds
    if not shuffle:
        return GroupKFold(count).split(y, y, groups)
    names, places = np.unique(groups, return_inverse=True)
    fold = np.random.default_rng(seed).permutation(len(names))[places] % count
    return [(np.flatnonzero(fold != each), np.flatnonzero(fold == each)) for each in range(count)]


def _in_each_class(y: Any, count: int) -> bool:
    """Whether each class has a row for each fold; else says that folds lack some."""
    fewest = int(np.unique(y, return_counts=True)[1].min())
    if fewest < count:
        advise(
            f"the rarest class has {plural(fewest, 'row')}, fewer than {count} folds: folds do not "
            "have a share of each class"
        )
    return fewest >= count


def _held_out(
    X: Any, y: Any, groups: Any, classifies: bool, share: float, shuffle: Any, seed: int
) -> Any:
    from sklearn.model_selection import GroupShuffleSplit, ShuffleSplit, StratifiedShuffleSplit

    rows = len(y)
    held = _part(share, rows, 1 if classifies or rows < 3 else 2)  # R2 of one row is undefined
    if groups is not None:
        held = _part(share, len(np.unique(groups)))
        if shuffle is False:
            return [_last_groups(groups, held)]
        return GroupShuffleSplit(1, test_size=held, random_state=seed).split(X, y, groups)
    if shuffle is False:
        order = np.arange(rows)
        return [(order[:-held], order[-held:])]
    if classifies:
        counts = np.unique(y, return_counts=True)[1]
        if counts.min() > 1 and len(counts) <= min(held, rows - held):
            return StratifiedShuffleSplit(1, test_size=held, random_state=seed).split(X, y)
    return ShuffleSplit(1, test_size=held, random_state=seed).split(X)


def _part(share: float, count: int, least: int = 1) -> int:
    """A share of a number, at least so many of them, and not all."""
    return min(max(least, round(count * share)), count - 1)


def _last_groups(groups: Any, count: int) -> tuple[Any, Any]:
    """The rows of all groups but so many, and those of the groups that end last."""
    last = {group: row for row, group in enumerate(groups.tolist())}
    held = sorted(last, key=lambda group: last[group])[-count:]
    among = np.isin(groups, held)
    return np.flatnonzero(~among), np.flatnonzero(among)


def _checked(folds: Any, rows: int) -> Folds:
    found = tuple(tuple(_rows_of(each, rows) for each in _pair(fold)) for fold in folds)
    if not found:
        raise ValueError("`cv` must give folds, but gave none, as a generator does the second time")
    if any(not len(learn) or not len(check) for learn, check in found):
        raise ValueError("`cv` must give folds, each with rows to learn from and to judge by")
    return found


def _pair(fold: Any) -> tuple[Any, Any]:
    """The rows of a fold to learn from, and those to judge by."""
    try:
        learn, check = fold
    except (TypeError, ValueError):
        raise ValueError(
            "`cv` must give pairs of the rows to learn from and those to judge by, but gave "
            f"{fold!r:.100}"
        ) from None
    return learn, check


def _rows_of(given: Any, rows: int) -> Any:
    """The numbers of rows; a mask says which it has."""
    found = np.asarray(given)
    if found.dtype == bool and found.shape == (rows,):
        return np.flatnonzero(found)
    numbers = found.ndim == 1 and (found.dtype.kind in "iu" or not len(found))
    if not numbers or (len(found) and (found.min() < 0 or found.max() >= rows)):
        raise ValueError(
            f"`cv` must give rows by their numbers from 0 to {rows - 1}, or masks of {rows}, but "
            f"gave {given!r:.100}"
        )
    return found
