"""What the columns of a DataFrame hold, and which of them nothing can be learnt from."""

from __future__ import annotations

import datetime
import math
import numbers
from collections.abc import Collection, Hashable
from typing import Any

import numpy as np

__all__ = [
    "NOTHING",
    "NUMBERS",
    "OBJECTS",
    "TEXTS",
    "VALUES",
    "checked_frame",
    "dates_in",
    "is_frame",
    "kinds_of",
    "numbers_of",
    "refuse_other_kinds",
]

NUMBERS, OBJECTS, TEXTS, VALUES, NOTHING = (
    "numbers", "numbers as objects", "texts", "values", "nothing but missing values",
)  # fmt: skip
"""Kinds of columns; values are what has equals and an order, such as truth or intervals."""

_DATES = (datetime.date, datetime.time, datetime.timedelta, np.datetime64, np.timedelta64)


def is_frame(X: Any) -> bool:
    """Whether X is a DataFrame of pandas."""
    return hasattr(X, "iloc") and hasattr(X, "dtypes") and getattr(X, "ndim", 0) == 2


def checked_frame(X: Any) -> Any:
    """A DataFrame of numbers that are finite; a sparse matrix where all its columns are sparse.

    Raises:
        ValueError: a column holds dates, complex or infinite numbers.
    """
    import pandas
    from pandas.api import types

    for place, (name, kind) in enumerate(X.dtypes.items()):
        if types.is_datetime64_any_dtype(kind) or types.is_timedelta64_dtype(kind):
            raise dates_in(f"column {name!r}")
        if types.is_complex_dtype(kind):
            raise _complex_in(name)
        if types.is_float_dtype(kind):
            _refuse_infinite(X.iloc[:, place], name)
    sparse = [isinstance(kind, pandas.SparseDtype) for kind in X.dtypes]
    if all(sparse) and all(kind.fill_value == 0 for kind in X.dtypes):
        return X.sparse.to_coo().tocsr()
    return X.apply(_dense) if any(sparse) else X


def kinds_of(X: Any) -> tuple[str, ...]:
    """The kind of each column of a DataFrame; empty for arrays and sparse matrices.

    Raises:
        ValueError: a column holds what is no number, text or category, or values of several kinds.
    """
    if not is_frame(X):
        return ()
    return tuple(_kind_of(X.iloc[:, place], name) for place, name in enumerate(X.columns))


def refuse_other_kinds(X: Any, fitted: tuple[str, ...]) -> None:
    """Raise ValueError where a column holds texts in place of numbers of the fit, or vice versa.

    Args:
        X: rows to answer for.
        fitted: the kinds of the columns in the fit; empty where those were arrays.
    """
    if not is_frame(X):
        if set(fitted) - {NUMBERS}:
            raise ValueError(
                "X must be a DataFrame, as in the fit, where not all columns were numbers, but is "
                f"of {type(X).__name__}"
            )
        return
    known = fitted or (NUMBERS,) * X.shape[1]
    for name, kind, before in zip(X.columns, kinds_of(X), known, strict=True):
        if kind == NOTHING:
            continue
        were_numbers, were_texts = before in (NUMBERS, OBJECTS), before == TEXTS
        if (kind == TEXTS and were_numbers) or (kind != TEXTS and were_texts):
            raise ValueError(f"column {name!r} held {before} in the fit, but holds {kind} now")


def numbers_of(X: Any, what: str) -> Any:
    """A DataFrame of numbers alone as an array, in which all that is missing is NaN.

    Args:
        X: the DataFrame.
        what: it is, for a message.

    Raises:
        ValueError: a column holds something else.
    """
    found = checked_frame(X)
    for name, kind in zip(X.columns, kinds_of(X), strict=True):
        if kind in (TEXTS, VALUES):
            raise ValueError(f"{what} must be numbers alone, but column {name!r} holds {kind}")
    return found.to_numpy(dtype=float, na_value=math.nan) if is_frame(found) else found


def dates_in(what: str) -> ValueError:
    """What to say of dates, and of what they are in."""
    return ValueError(
        f"{what} holds dates: give what is to be learnt from them as numbers, such as year and "
        "weekday"
    )


def _kind_of(column: Any, name: Any) -> str:
    import pandas
    from pandas.api import types

    if types.is_numeric_dtype(column.dtype):
        return NUMBERS
    known = column.dropna()
    kinds = {type(each) for each in known}
    if not kinds:
        return NOTHING
    if any(issubclass(kind, (*_DATES, pandas.Period)) for kind in kinds):
        raise dates_in(f"column {name!r}")
    strange = [kind.__name__ for kind in kinds if not _is_one_value(kind)]
    if strange:
        raise ValueError(
            f"column {name!r} holds values that are neither numbers nor texts: {strange[0]}"
        )
    if len({issubclass(kind, str) for kind in kinds}) > 1:
        raise ValueError(f"column {name!r} holds texts beside other values: make all of them texts")
    if all(issubclass(kind, str) for kind in kinds):
        return TEXTS
    if column.dtype == object and all(issubclass(k, (numbers.Number, np.bool_)) for k in kinds):
        if any(issubclass(k, numbers.Complex) and not issubclass(k, numbers.Real) for k in kinds):
            raise _complex_in(name)
        _refuse_infinite(known, name)
        return OBJECTS
    _refuse_unordered(known, name)
    return VALUES


def _is_one_value(kind: type) -> bool:
    """Whether objects of a class are a value each, rather than a collection of such."""
    collects = issubclass(kind, Collection) and not issubclass(kind, (str, bytes))
    return issubclass(kind, Hashable) and not collects


def _refuse_unordered(known: Any, name: Any) -> None:
    """Raise ValueError for values that encoders cannot put in order."""
    try:
        sorted(known.unique())
    except TypeError as error:
        raise ValueError(
            f"column {name!r} holds values that have no order ({error}): make texts of them"
        ) from None


def _refuse_infinite(column: Any, name: Any) -> None:
    if np.isinf(column.to_numpy(dtype=float, na_value=math.nan)).any():
        raise ValueError(
            "Input X contains infinity or a value too large for dtype('float64'): see "
            f"column {name!r}"
        )


def _complex_in(name: Any) -> ValueError:
    return ValueError(f"Complex data not supported: column {name!r} holds complex numbers")


def _dense(column: Any) -> Any:
    return column.sparse.to_dense() if hasattr(column.dtype, "fill_value") else column
