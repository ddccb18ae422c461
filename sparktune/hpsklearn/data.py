"""What is learnt from: rows and targets as they were given, checked, and how they are encoded."""

from __future__ import annotations

import math
from collections.abc import Mapping, Set
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
import scipy.sparse

from ..plurals import plural
from .columns import NUMBERS, OBJECTS, is_frame, kinds_of
from .travels.fitting import whole_weights
from .words import since

__all__ = [
    "Data",
    "Folds",
    "checked_groups",
    "checked_weights",
    "encoder_of",
    "is_text",
    "side_by_side",
]

Folds: TypeAlias = "tuple[tuple[Any, Any], ...]"
"""Pairs of the rows to learn from and those to judge by."""

_FEW = 15  # values of a column that become columns of their own; more are encoded by the target
_ROWS_FOR_MEANS = 25  # of all, or of the most frequent class, for five folds within a fold


@dataclass(frozen=True)
class Data:
    """Rows, targets and weights of a fit.

    Attributes:
        X: an array, a sparse matrix by rows, a DataFrame, or an array of texts.
        y: an array of targets, a column for each where there are several.
        weights: of the rows; None where all weigh the same.
        groups: of the rows, that folds keep together; None without.
        learnt: rows in the largest set to learn from; by their weights, where those are whole.
        widths: columns of X and of exogenous data beside it; empty without such.
    """

    X: Any
    y: Any
    weights: Any = None
    groups: Any = None
    learnt: int = 0
    widths: tuple[int, ...] = ()

    def weighing(self, folds: Folds) -> tuple[Data, Folds]:
        """These data and their folds without rows of no weight, as if those were not there.

        Raises:
            ValueError: no fold has rows left on both sides.
        """
        kept = np.arange(self.rows) if self.weights is None else np.flatnonzero(self.weights)
        place = np.full(self.rows, -1)
        place[kept] = np.arange(len(kept))
        found = tuple(
            (learn, check)
            for learn, check in ((_placed(place, a), _placed(place, b)) for a, b in folds)
            if len(learn) and len(check)
        )
        if folds and not found:
            raise ValueError(f"n_samples={len(kept)} of a weight above 0 are too few for folds")
        counts = whole_weights(self.weights)
        sizes = [len(a) if counts is None else int(counts[kept[a]].sum()) for a, _ in found]
        learnt = max(sizes, default=len(kept))
        if len(kept) == self.rows:
            return replace(self, learnt=learnt), found
        X = self.X.iloc[kept] if is_frame(self.X) else self.X[kept]
        return replace(
            self, X=X, y=self.y[kept], weights=self.weights[kept], learnt=learnt
        ), found  # fmt: skip

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return int(self.X.shape[0])

    @property
    def columns(self) -> int:
        """How many columns X has; 1 for texts."""
        return int(self.X.shape[1]) if self.X.ndim > 1 else 1

    @property
    def is_sparse(self) -> bool:
        """Whether X is a sparse matrix."""
        return bool(scipy.sparse.issparse(self.X))

    @property
    def is_text(self) -> bool:
        """Whether X holds a text in each row."""
        return bool(self.X.ndim == 1)


def _placed(place: Any, rows: Any) -> Any:
    """Rows by their places among those that are kept."""
    found = place[rows]
    return found[found >= 0]


def is_text(X: Any) -> bool:
    """Whether X is a sequence of texts."""
    if isinstance(X, (str, bytes, Mapping, Set)) or scipy.sparse.issparse(X):
        return False
    if len(getattr(X, "shape", (1,))) != 1 or not hasattr(X, "__len__") or not len(X):
        return False
    return all(isinstance(each, str) for each in X)


def checked_weights(weights: Any, rows: int) -> Any:
    """Weights of rows as an array; None for None, and where all are 1.

    Raises:
        ValueError: not one for each row, no numbers, a negative one, or none above 0.
    """
    from sklearn.utils.validation import _check_sample_weight

    if weights is None:
        return None
    found = np.asarray(weights)
    if found.ndim != 1:
        got = f"the shape {found.shape}" if found.ndim else f"{weights!r:.100}"
        raise ValueError(f"Sample weights must be 1D array, with one for each row, got {got}")
    if len(found) != rows:
        raise ValueError(
            f"`sample_weight` must have one for each of {plural(rows, 'row')}, but has {len(found)}"
        )
    if found.dtype.kind in "mMUSc":
        raise ValueError(f"`sample_weight` must be numbers, but got {weights!r:.100}")
    found = _check_sample_weight(found, np.empty((rows, 1)), dtype=np.float64)
    if (found < 0).any():
        raise ValueError(f"`sample_weight` must be at least 0, but the least is {found.min():g}")
    if not found.any():
        raise ValueError("`sample_weight` must be above 0 for some row, but all are 0")
    return None if (found == 1).all() else found


def checked_groups(groups: Any, kfolds_group: Any, rows: int) -> Any:
    """Groups of rows as an array, from either name that they may come by; None without.

    Raises:
        ValueError: both are given, there is not one for each row, or they cannot be told apart.
    """
    if groups is not None and kfolds_group is not None:
        raise ValueError("`groups` and `kfolds_group` are one: give either")
    found = kfolds_group if groups is None else groups
    if found is None:
        return None
    found = np.asarray(found)
    if found.shape != (rows,):
        raise ValueError(
            f"`groups` must have one for each of {plural(rows, 'row')}, but has the shape "
            f"{found.shape}"
        )
    try:
        complete = bool((found == found).all()) and np.unique(found).size > 0
    except TypeError:  # they cannot be compared
        complete = False
    if not complete:
        kinds = ", ".join(sorted({type(each).__name__ for each in found.tolist()}))
        raise ValueError(
            f"`groups` must be all texts or all numbers, with none missing, but holds {kinds}"
        )
    return found


def side_by_side(blocks: list[Any]) -> Any:
    """Data sets beside each other: a sparse matrix where one of them is, else an array."""
    if any(scipy.sparse.issparse(each) for each in blocks):
        return scipy.sparse.hstack([scipy.sparse.csr_matrix(each) for each in blocks]).tocsr()
    return np.hstack(blocks)


def encoder_of(X: Any, y: Any, classifies: bool, seed: int) -> Any:
    """A step that makes complete numbers of rows; None for arrays and sparse matrices of such.

    Missing numbers become the column's median, with a column beside that says where they were.
    Columns of text or categories become a column for each value, a missing one being a value too;
    of more than 15 values they become the mean target of each (Micci-Barreca 2001,
    scikit-learn's TargetEncoder), or a whole number each where there are several targets, or too
    few rows for the folds that the means are taken on.

    Args:
        X: an array, sparse matrix, DataFrame or array of texts.
        y: targets.
        classifies: whether they are classes.
        seed: for the folds of the TargetEncoder.

    Raises:
        ValueError: a column holds what is no number, text or category, or values of several kinds.
    """
    if getattr(X, "ndim", 2) == 1:
        return None
    from sklearn.impute import SimpleImputer

    imputer = SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True)
    if not is_frame(X):
        values = X.data if scipy.sparse.issparse(X) else X
        return imputer if values.dtype.kind == "f" and np.isnan(values).any() else None
    return _of_frame(X, imputer, _for_many_values(y, classifies, seed))


def _for_many_values(y: Any, classifies: bool, seed: int) -> Any:
    """The encoder of columns that have many values."""
    from sklearn.preprocessing import OrdinalEncoder

    most = np.unique(y, return_counts=True)[1].max() if classifies else len(y)
    if np.ndim(y) == 1 and most >= _ROWS_FOR_MEANS:
        return _by_target(classifies, seed)
    return OrdinalEncoder(
        handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-1
    )


def _by_target(classifies: bool, seed: int) -> Any:
    """A TargetEncoder whose folds are the same in every fit."""
    from sklearn.model_selection import KFold, StratifiedKFold
    from sklearn.preprocessing import TargetEncoder

    kind = "auto" if classifies else "continuous"  # for whole numbers would be taken for classes
    if not since("1.9"):
        return TargetEncoder(target_type=kind, random_state=seed)
    folds = StratifiedKFold if classifies else KFold
    return TargetEncoder(target_type=kind, cv=folds(5, shuffle=True, random_state=seed))


def _of_frame(X: Any, imputer: Any, for_many: Any) -> Any:
    from sklearn.compose import ColumnTransformer
    from sklearn.preprocessing import OneHotEncoder

    places: dict[str, list[int]] = {NUMBERS: [], OBJECTS: [], "few": [], "many": []}
    for place, kind in enumerate(kinds_of(X)):
        if kind not in places:
            kind = "few" if X.iloc[:, place].nunique() <= _FEW else "many"
        places[kind].append(place)
    if len(places[NUMBERS]) == X.shape[1]:
        return imputer
    one_each = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    parts = [
        ("numbers", imputer, places[NUMBERS]),
        ("objects", _of_objects(imputer), places[OBJECTS]),
        ("few", _of_objects(one_each), places["few"]),
        ("many", _of_objects(for_many), places["many"]),
    ]
    return ColumnTransformer([each for each in parts if each[2]], sparse_threshold=0)


def _of_objects(encoder: Any) -> Any:
    """An encoder behind a step that gives it an array in which all that is missing is NaN."""
    import pandas
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer

    as_array = FunctionTransformer(
        pandas.DataFrame.to_numpy, kw_args={"dtype": object, "na_value": math.nan},
        feature_names_out="one-to-one",
    )  # fmt: skip
    return make_pipeline(as_array, encoder)
