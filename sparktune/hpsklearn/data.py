"""What is learnt from: rows and targets as they were given, checked, and how they are encoded."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
import scipy.sparse

from .travels.fitting import whole_weights
from .words import since

__all__ = [
    "Data",
    "Folds",
    "checked_groups",
    "checked_weights",
    "encoder_of",
    "is_frame",
    "is_text",
    "side_by_side",
]

Folds: TypeAlias = "tuple[tuple[Any, Any], ...]"
"""Pairs of the rows to learn from and those to judge by."""

_FEW = 15  # values of a column that become columns of their own; more are encoded by the target


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


def is_frame(X: Any) -> bool:
    """Whether X is a DataFrame of pandas."""
    return hasattr(X, "iloc") and hasattr(X, "dtypes") and getattr(X, "ndim", 0) == 2


def is_text(X: Any) -> bool:
    """Whether X is a sequence of texts."""
    if hasattr(X, "shape") and len(X.shape) != 1:
        return False
    if scipy.sparse.issparse(X) or not hasattr(X, "__len__") or not len(X):
        return False
    return all(isinstance(each, str) for each in X)


def checked_weights(weights: Any, rows: int) -> Any:
    """Weights of rows as an array; None for None, and where all are the same.

    Raises:
        ValueError: not one for each row, a negative one, or none above 0.
    """
    from sklearn.utils.validation import _check_sample_weight

    if weights is None:
        return None
    if np.isscalar(weights):
        raise ValueError(
            f"Sample weights must be 1D array or scalar-free: one for each row, got {weights!r}"
        )
    found = np.asarray(weights)
    if found.ndim != 1:
        raise ValueError("Sample weights must be 1D array or scalar")
    if len(found) != rows:
        raise ValueError(
            f"`sample_weight` must have one for each of {rows} rows, but has {len(found)}"
        )
    found = _check_sample_weight(found, np.empty((rows, 1)), dtype=np.float64)
    if (found < 0).any():
        raise ValueError(f"`sample_weight` must be at least 0, but the least is {found.min():g}")
    if not found.any():
        raise ValueError("`sample_weight` must be above 0 for some row, but all are 0")
    return found


def checked_groups(groups: Any, kfolds_group: Any, rows: int) -> Any:
    """Groups of rows as an array, from either name that they may come by; None without.

    Raises:
        ValueError: both are given, or there is not one for each row.
    """
    if groups is not None and kfolds_group is not None:
        raise ValueError("`groups` and `kfolds_group` are one: give either")
    found = kfolds_group if groups is None else groups
    if found is None:
        return None
    found = np.asarray(found)
    if found.shape != (rows,):
        raise ValueError(f"`groups` must have one for each of {rows} rows, but has {found.shape}")
    return found


def side_by_side(blocks: list[Any]) -> Any:
    """Data sets beside each other: DataFrames as one, sparse matrices as one, else an array."""
    if all(is_frame(each) for each in blocks):
        import pandas

        return pandas.concat([each.reset_index(drop=True) for each in blocks], axis=1)
    if any(scipy.sparse.issparse(each) for each in blocks):
        return scipy.sparse.hstack([scipy.sparse.csr_matrix(each) for each in blocks]).tocsr()
    return np.hstack(blocks)


def encoder_of(X: Any, y: Any, classifies: bool, seed: int) -> Any:
    """A step that makes complete numbers of rows; None where they are that already.

    Missing numbers become the column's median, with a column beside that says where they were.
    Columns of text or categories become a column for each value, a missing one being a value too;
    of more than 15 values they become the mean target of each (Micci-Barreca 2001,
    scikit-learn's TargetEncoder), or a whole number each where there are several targets.

    Args:
        X: an array, sparse matrix, DataFrame or array of texts.
        y: targets.
        classifies: whether they are classes.
        seed: for the folds of the TargetEncoder.

    Raises:
        ValueError: a column holds dates, or values of several kinds.
    """
    if getattr(X, "ndim", 2) == 1:
        return None
    from sklearn.impute import SimpleImputer

    imputer = SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True)
    if not is_frame(X):
        values = X.data if scipy.sparse.issparse(X) else X
        return imputer if values.dtype.kind == "f" and np.isnan(values).any() else None
    several = np.ndim(y) > 1
    return _of_frame(X, imputer, _numbering() if several else _by_target(classifies, seed))


def _numbering() -> Any:
    from sklearn.preprocessing import OrdinalEncoder

    return OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)


def _by_target(classifies: bool, seed: int) -> Any:
    """A TargetEncoder whose folds are the same in every fit."""
    from sklearn.model_selection import KFold, StratifiedKFold
    from sklearn.preprocessing import TargetEncoder

    if not since("1.9"):
        return TargetEncoder(random_state=seed)
    folds = StratifiedKFold if classifies else KFold
    return TargetEncoder(cv=folds(5, shuffle=True, random_state=seed))


def _of_frame(X: Any, imputer: Any, for_many: Any) -> Any:
    from pandas.api import types
    from sklearn.compose import ColumnTransformer
    from sklearn.preprocessing import OneHotEncoder

    numbers: list[int] = []
    few: list[int] = []
    many: list[int] = []
    for place, (name, kind) in enumerate(X.dtypes.items()):
        column = X.iloc[:, place]
        if types.is_datetime64_any_dtype(kind) or types.is_timedelta64_dtype(kind):
            raise ValueError(
                f"column {name!r} holds dates: give what is to be learnt from them as numbers, "
                "such as year and weekday"
            )
        if types.is_numeric_dtype(kind):
            numbers.append(place)
            continue
        found = column.dropna().unique()
        if len({isinstance(each, str) for each in found}) > 1:
            raise ValueError(
                f"column {name!r} holds texts beside other values: make all of them texts"
            )
        (few if len(found) <= _FEW else many).append(place)
    if not few and not many:
        return imputer if X.isna().to_numpy().any() else None
    one_each = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    parts = [("numbers", imputer, numbers), ("few", one_each, few), ("many", for_many, many)]
    return ColumnTransformer([each for each in parts if each[2]])
