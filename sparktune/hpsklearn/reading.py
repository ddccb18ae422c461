"""What an estimator of scikit-learn reads its data by, and what it keeps in mind of them."""

# mypy: disable-error-code="import-untyped"

from __future__ import annotations

import datetime
from typing import Any

import numpy as np
import scipy.sparse
from sklearn.base import BaseEstimator
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_array, check_consistent_length, column_or_1d

from .columns import checked_frame, dates_in, is_frame, kinds_of, numbers_of, refuse_other_kinds
from .data import Data, checked_groups, checked_weights, is_text, side_by_side

__all__ = ["Reader"]


def _by_rows(X: Any) -> Any:
    """A sparse matrix by rows, of real numbers and the short indices that all learners take."""
    X = X.tocsr().astype(np.result_type(X.dtype, np.float32), copy=False)
    if X.indptr.dtype == np.int64 and max(X.nnz, *X.shape) < 2**31:
        X = X.copy()
        X.indices, X.indptr = X.indices.astype(np.int32), X.indptr.astype(np.int32)
    return X


class Reader(BaseEstimator):  # type: ignore[misc]
    """Reads rows, targets and exogenous data: the part of HyperoptEstimator that does.

    Attributes:
        classes_: of the targets, where they are classes.
        n_features_in_, feature_names_in_: as of every estimator; not for texts.
    """

    ex_preprocs: Any
    _widths: tuple[int, ...] = ()
    _kinds: tuple[str, ...] = ()  # of the columns of a DataFrame; see columns

    @property
    def classifies(self) -> bool:
        """Whether targets are classes."""
        raise NotImplementedError

    def _data(
        self, X: Any, y: Any, EX_list: Any, weights: Any, groups: Any, kfolds_group: Any = None
    ) -> Data:
        """The data of a fit, checked; sets what scikit-learn wants to know of them."""
        if y is None:
            raise ValueError(
                f"{type(self).__name__} requires y to be passed, but the target y is None"
            )
        if is_text(X):
            X = np.asarray(X, object)
            for name in ("n_features_in_", "feature_names_in_"):
                if hasattr(self, name):
                    delattr(self, name)
        else:
            X = self._rows(X, fitting=True)
        rows, self._kinds = X.shape[0], kinds_of(X)
        if rows < 2:
            raise ValueError(f"n_samples={rows}: a search needs 2 rows at least, to judge by one")
        check_consistent_length(X, y)
        y = self._targets(y)
        X, widths = self._beside(X, EX_list)
        return Data(
            X, y, checked_weights(weights, rows), checked_groups(groups, kfolds_group, rows),
            widths=widths,
        )  # fmt: skip

    def _rows(self, X: Any, fitting: bool) -> Any:
        """Rows as an array, sparse matrix by rows or DataFrame, with as many columns as ever."""
        if is_frame(X):
            _refuse_same_names(X)
            self._validated(X, reset=fitting, skip=True)
            if not X.shape[0] or not X.shape[1]:
                raise ValueError(
                    f"Found a DataFrame with {X.shape[0]} sample(s) and {X.shape[1]} feature(s), "
                    "while a minimum of 1 is required of each"
                )
            found = checked_frame(X)
        else:
            try:
                found = self._validated(X, reset=fitting)
            except ValueError as error:
                if _holds_texts(X):
                    raise _texts_in(X, error) from error
                raise
            if found.dtype.kind in "mM":
                raise dates_in("X")
        if not fitting:
            refuse_other_kinds(found, self._kinds)
        return _by_rows(found) if scipy.sparse.issparse(found) else found

    def _targets(self, y: Any) -> Any:
        if self.classifies:
            y = column_or_1d(y, warn=True)
            if y.dtype.kind == "f" and np.isnan(y).any():
                raise ValueError("Input y contains NaN.")
            _refuse_objects(y)
            try:
                check_classification_targets(y)
                self.classes_ = np.unique(y)
            except TypeError:  # they cannot be compared
                raise ValueError(
                    "`y` must be all texts or all numbers, with none missing, but holds "
                    f"{', '.join(sorted({type(each).__name__ for each in y}))}"
                ) from None
            if len(self.classes_) < 2:
                raise ValueError(
                    "a classifier needs 2 classes at least, but the only class of y is "
                    f"{self.classes_.tolist()[0]!r}"
                )
            return y
        if _holds_texts(y):
            raise ValueError(
                "a regressor learns numbers, and y holds texts: for labels give `classifier`"
            )
        if _holds_dates(y):
            raise ValueError("a regressor learns numbers, and y holds dates: give a count of days")
        y = check_array(y, ensure_2d=False, dtype="numeric", input_name="y")
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        return y.astype(np.float64) if y.dtype.kind not in "f" else y

    def _beside(self, X: Any, EX_list: Any) -> tuple[Any, tuple[int, ...]]:
        """Rows with those of exogenous data beside them, and how many columns each has."""
        if EX_list is None:
            if self.ex_preprocs:
                raise ValueError("`ex_preprocs` are for exogenous data: give `EX_list`")
            return X, ()
        if not isinstance(EX_list, (list, tuple)):
            raise TypeError(
                f"`EX_list` must be a list of data sets, but is of {type(EX_list).__name__}"
            )
        blocks = list(EX_list)
        if not blocks and not self.ex_preprocs:
            return X, ()
        if self.ex_preprocs is not None and len(blocks) != len(self.ex_preprocs):
            raise ValueError(
                f"`EX_list` must hold a data set for each of {len(self.ex_preprocs)} in "
                f"`ex_preprocs`, but holds {len(blocks)}"
            )
        if X.ndim != 2:
            raise ValueError("`EX_list` goes with rows of numbers as X, but X holds texts")
        checked = [numbers_of(X, "X beside `EX_list`") if is_frame(X) else X]
        for number, block in enumerate(blocks):
            found = _exogenous(block, f"EX_list[{number}]")
            if found.shape[0] != X.shape[0]:
                raise ValueError(
                    f"`EX_list[{number}]` must have a row for each of {X.shape[0]} in X, but has "
                    f"{found.shape[0]}"
                )
            checked.append(found)
        return side_by_side(checked), tuple(each.shape[1] for each in checked)

    def _beside_as_fitted(self, X: Any, EX_list: Any) -> Any:
        """Rows with those of exogenous data beside them, as wide as those of the fit."""
        rows, widths = self._beside(X, EX_list)
        if widths != self._widths:
            raise ValueError(
                f"the columns of X and of each in `EX_list` must be {_counted(self._widths)} as in "
                f"the fit, but are {_counted(widths)}"
            )
        return rows

    def _validated(self, X: Any, *, reset: bool, skip: bool = False) -> Any:
        """Rows checked by scikit-learn's own rules, which keep the columns of the fit in mind."""
        try:
            from sklearn.utils.validation import validate_data
        except ImportError:  # before 1.6
            if skip:
                self._check_feature_names(X, reset=reset)
                self._check_n_features(X, reset=reset)
                return X
            return self._validate_data(
                X, reset=reset, accept_sparse="csr", force_all_finite="allow-nan"
            )
        if skip:
            return validate_data(self, X, reset=reset, skip_check_array=True)
        return validate_data(
            self, X, reset=reset, accept_sparse="csr", ensure_all_finite="allow-nan"
        )


def _counted(widths: tuple[int, ...]) -> str:
    """Columns of X and of exogenous data in words."""
    return ", ".join(map(str, widths)) or "those of X alone"


def _exogenous(block: Any, name: str) -> Any:
    """An exogenous data set as an array or a sparse matrix of numbers."""
    if is_frame(block):
        block = numbers_of(block, f"`{name}`")
    if _holds_dates(block):
        raise dates_in(f"`{name}`")
    if _holds_texts(block):
        raise ValueError(f"`{name}` must be rows of numbers, but holds texts")
    return check_array(block, accept_sparse="csr", input_name=name)


def _refuse_same_names(X: Any) -> None:
    """Raise ValueError where columns of a DataFrame cannot be told apart."""
    twice = X.columns[X.columns.duplicated()]
    if len(twice):
        raise ValueError(f"X has several columns of the name {twice[0]!r}: give each its own")


def _refuse_objects(y: Any) -> None:
    """Raise ValueError for labels that are neither an array of numbers nor texts."""
    if y.dtype == object and len(y) and not any(isinstance(each, str) for each in y):
        kinds = ", ".join(sorted({type(each).__name__ for each in y}))
        raise ValueError(
            f"Unknown label type: y is an array of objects ({kinds}): make it one of numbers or of "
            "texts, with none missing"
        )


def _texts_in(X: Any, error: ValueError) -> ValueError:
    """What to say of rows that hold texts, where an error of scikit-learn says less."""
    values = np.asarray(X, object)
    others = ", ".join(sorted({type(e).__name__ for e in values.flat if not isinstance(e, str)}))
    if not values.ndim:
        return ValueError(f"X must have a text for each row, but is one text: {X!r:.100}")
    if values.ndim > 1:
        return ValueError(f"X holds texts, which only a DataFrame may have in its columns: {error}")
    if others:
        return ValueError(f"texts as X are one for each row, but X holds {others} beside them")
    return ValueError("X holds texts, but the fit was of rows of numbers")


def _holds_dates(thing: Any) -> bool:
    """Whether dates are among the values of an array, or of what becomes one."""
    found = None if scipy.sparse.issparse(thing) else np.asarray(thing)
    if found is None or found.dtype.kind not in "OmM":
        return False
    return found.dtype.kind != "O" or any(isinstance(each, datetime.date) for each in found.flat)


def _holds_texts(thing: Any) -> bool:
    """Whether a text is among the values of an array, or of what becomes one."""
    found = None if scipy.sparse.issparse(thing) else np.asarray(thing)
    if found is None or found.dtype.kind not in "OUS":
        return False
    return found.dtype.kind != "O" or any(isinstance(each, str) for each in found.flat)
