"""DataFrames: which columns become which numbers, and which are refused."""

import datetime
import enum

import numpy as np
import pytest
import scipy.sparse
from estimators import IRIS, lines
from estimators import quick as quick_estimator
from sklearn.impute import SimpleImputer

from sparktune import hpsklearn as ours

pd = pytest.importorskip("pandas")

X, Y = IRIS
ROWS = len(Y)
FRAME = pd.DataFrame(X, columns=list("abcd"))


def quick(**settings):
    """An estimator of one candidate: what columns become does not hang on how many there are."""
    return quick_estimator(**{"max_evals": 1, **settings})


def encoded(frame, y=Y, **settings):
    """What the steps of a fitted pipeline get of a DataFrame."""
    estimator = quick(**settings).fit(frame, y)
    return np.asarray(estimator.best_pipeline_.named_steps["encoder"].transform(frame))


def cycle(*values):
    """Values over and over, one for each row."""
    return [values[row % len(values)] for row in range(ROWS)]


def test_numbers_alone():
    """A DataFrame of numbers is what an array of them is, and its columns are checked."""
    estimator = quick().fit(FRAME, Y)
    assert (estimator.predict(FRAME) == quick().fit(X, Y).predict(X)).all()
    assert list(estimator.feature_names_in_) == list("abcd")
    with pytest.raises(ValueError, match="feature names"):
        estimator.predict(FRAME[["b", "a", "c", "d"]])
    assert len(quick().fit(pd.DataFrame(X), Y).predict(pd.DataFrame(X))) == ROWS


@pytest.mark.parametrize(
    "column",
    [
        pytest.param(lambda: np.array(cycle(1.0, np.nan, 4.0)), id="float"),
        pytest.param(lambda: pd.array(cycle(1, None, 4), dtype="Int64"), id="Int64"),
        pytest.param(lambda: pd.array(cycle(1.0, None, 4.0), dtype="Float32"), id="Float32"),
        pytest.param(lambda: np.array(cycle(1, None, 4), object), id="object"),
        pytest.param(lambda: pd.array(cycle(1, pd.NA, 4), dtype=object), id="NA as object"),
    ],
)
def test_missing_numbers(column):
    """A missing number is the column's median, and a column beside it says where it was."""
    found = encoded(FRAME.assign(e=column()))
    assert sorted(set(found[:, 4])) == [1.0, 2.5, 4.0]
    assert found[:, 5].tolist() == cycle(0.0, 1.0, 0.0)


def test_missing_at_the_time_of_predictions():
    """Numbers that are missing only where predictions are asked for are filled in, too."""
    estimator = quick().fit(FRAME, Y)
    assert len(estimator.predict(FRAME.where(FRAME.a > 5))) == ROWS


@pytest.mark.parametrize(
    "column",
    [
        pytest.param(lambda: np.array(cycle(True, False)), id="bool"),
        pytest.param(lambda: pd.array(cycle(True, False), dtype="boolean"), id="boolean"),
        pytest.param(lambda: np.array(cycle(1, 0), np.uint8), id="uint8"),
    ],
)
def test_numbers_of_other_kinds(column):
    """Columns of truth values and of small numbers are numbers."""
    assert encoded(FRAME.assign(e=column()))[:, 4].tolist() == cycle(1.0, 0.0)


@pytest.mark.parametrize(
    "column",
    [
        pytest.param(lambda: np.array(cycle("x", "y", None), object), id="object"),
        pytest.param(lambda: np.array(cycle("x", "y", np.nan), object), id="nan"),
        pytest.param(lambda: pd.array(cycle("x", "y", None), dtype="string"), id="string"),
        pytest.param(lambda: pd.Categorical(cycle("x", "y", None)), id="category"),
        pytest.param(lambda: pd.Categorical(cycle(5, 7, None)), id="category of numbers"),
    ],
)
def test_texts_and_categories(column):
    """A column of few values becomes one for each, of which missing is one, too."""
    frame = FRAME.assign(e=column())
    found = encoded(frame)
    assert found.shape == (ROWS, 4 + 3)
    assert found[:, 4:].sum(axis=1).tolist() == [1.0] * ROWS
    estimator = quick().fit(frame, Y)
    never_seen = frame.assign(e=pd.array(["never seen"] * ROWS, dtype=object))
    assert len(estimator.predict(never_seen)) == ROWS


def test_many_values():
    """A column of over 15 values becomes the mean target of each: a column for each class."""
    frame = FRAME.assign(e=[f"k{row % 16}" for row in range(ROWS)])
    assert encoded(frame).shape == (ROWS, 4 + 3)
    assert encoded(frame.assign(e=cycle(*"abcdefghijklmno"))).shape == (ROWS, 4 + 15)
    found = encoded(frame, X[:, 0] * 10 // 1, regressor=lines())  # whole numbers are no classes
    assert found.shape == (ROWS, 4 + 1)
    several = encoded(frame, np.c_[X[:, 0], X[:, 1]], regressor=lines())
    assert sorted(set(several[:, 4])) == list(range(16))


def test_many_values_of_few_rows():
    """With too few rows for means, a column of many values becomes whole numbers."""
    frame = pd.DataFrame({"e": [f"k{row}" for row in range(18)] + [None] * 2})
    estimator = quick().fit(frame, np.arange(20) % 2)
    found = estimator.best_pipeline_.named_steps["encoder"].transform(frame)
    assert found.shape == (20, 1)
    assert found.min() == -1


def test_all_sparse_columns():
    """A DataFrame of sparse columns alone is a sparse matrix, and one with others an array."""
    frame = pd.DataFrame(np.where(X > 3, X, 0)).astype(pd.SparseDtype(float, 0))
    estimator = quick(classifier=ours.linear_svc("s"), preprocessing=None).fit(frame, Y)
    names = [option[0].args[0] for option in estimator.space_["preprocessing"].options if option]
    assert "sklearn.preprocessing.MaxAbsScaler" in names  # what sparse matrices get
    assert len(estimator.predict(frame)) == ROWS
    gaps = frame.astype(float).astype(pd.SparseDtype(float, np.nan))
    assert len(quick().fit(gaps, Y).predict(gaps)) == ROWS
    mixed = FRAME.assign(e=pd.array(cycle(1.0, 0.0), dtype="Sparse[float64]"))
    assert len(quick().fit(mixed, Y).predict(mixed)) == ROWS


def test_nothing_but_missing_values():
    """A column without any value is no obstacle."""
    for kind in (float, object):
        frame = FRAME.assign(e=pd.Series([None] * ROWS, dtype=kind))
        assert len(quick().fit(frame, Y).predict(frame)) == ROWS


class Colour(enum.Enum):
    """What can be told apart, and has no order."""

    RED = 1
    BLUE = 2


DATES = "column 'e' holds dates: give what is to be learnt from them as numbers"


@pytest.mark.parametrize(
    ("column", "sentence"),
    [
        (lambda: pd.Timestamp("2020-01-01"), DATES),
        (lambda: pd.Timestamp("2020-01-01", tz="UTC"), DATES),
        (lambda: np.full(ROWS, np.timedelta64(1, "s")), DATES),
        (lambda: datetime.date(2020, 1, 1), DATES),
        (lambda: datetime.time(1), DATES),
        (lambda: pd.period_range("2020-01-01", periods=ROWS), DATES),
        (lambda: pd.Categorical(pd.date_range("2020-01-01", periods=ROWS)), DATES),
        (lambda: cycle(1, "x"), "column 'e' holds texts beside other values: make all of them"),
        (lambda: cycle([1], [2]), "column 'e' holds values that are neither numbers nor texts: li"),
        (lambda: cycle((1,), (2,)), "column 'e' holds values that are neither .*: tuple"),
        (lambda: cycle(*Colour), "column 'e' holds values that have no order .*: make texts of t"),
        (lambda: 1j, "Complex data not supported: column 'e'"),
        (lambda: np.array(cycle(1j, 2), object), "Complex data not supported: column 'e'"),
        (lambda: np.array(cycle(np.inf, 2), object), "Input X contains infinity .*column 'e'"),
        (lambda: np.inf, "Input X contains infinity .*see column 'e'"),
        (lambda: pd.array([np.inf] * ROWS, dtype="Float64"), "Input X contains infinity"),
    ],
)
def test_columns_that_are_refused(column, sentence):
    """What cannot be learnt from as it is, is refused with the column's name."""
    with pytest.raises(ValueError, match=sentence):
        quick().fit(FRAME.assign(e=column()), Y)


def test_columns_of_one_name():
    """Columns that cannot be told apart are refused, of numbers and of texts alike."""
    for frame in (FRAME, FRAME.assign(b="x")):
        with pytest.raises(ValueError, match="X has several columns of the name 'a': give each"):
            quick().fit(frame.set_axis(["a", "a", "c", "d"], axis=1), Y)


@pytest.mark.parametrize(
    ("fitted", "later", "sentence"),
    [
        (FRAME, FRAME.assign(a="x"), "column 'a' held numbers in the fit, but holds texts now"),
        (FRAME, FRAME.assign(a="1"), "column 'a' held numbers in the fit, but holds texts now"),
        (FRAME.assign(a="x"), FRAME, "column 'a' held texts in the fit, but holds numbers now"),
        (FRAME.assign(a="x"), X, "X must be a DataFrame, as in the fit.* but is of ndarray"),
        (FRAME.assign(a="x"), scipy.sparse.csr_matrix(X), "a DataFrame.* but is of csr_matrix"),
        (X, FRAME.assign(a="x"), "column 'a' held numbers in the fit, but holds texts now"),
        (FRAME, ["x", "y"], "X holds texts, but the fit was of rows of numbers"),
    ],
)
@pytest.mark.filterwarnings("ignore:X (does not have valid|has) feature names")
def test_columns_of_another_kind_than_in_the_fit(fitted, later, sentence):
    """Texts in place of numbers, or the other way round, are refused with the column's name."""
    estimator = quick(max_evals=1).fit(fitted, Y)
    with pytest.raises(ValueError, match=sentence):
        estimator.predict(later)


def test_columns_whose_values_are_missing_later():
    """A column without any value where predictions are asked for is of no other kind."""
    for frame in (FRAME, FRAME.assign(a="x"), FRAME.assign(a=pd.Series(cycle(1, 2), dtype=object))):
        estimator = quick(max_evals=1).fit(frame, Y)
        gaps = frame.assign(a=pd.Series([None] * ROWS, dtype=object))
        assert len(estimator.predict(gaps)) == ROWS


def test_exogenous_frames():
    """X and data beside it may be DataFrames of numbers, and are refused with any other column."""
    gaps = FRAME.assign(a=pd.array(cycle(1, None), dtype="Int64"))
    estimator = quick(max_evals=1).fit(gaps, Y, EX_list=[FRAME])
    assert (estimator.predict(gaps, EX_list=[X]) == estimator.predict(gaps, EX_list=[FRAME])).all()
    texts = FRAME.assign(a="x")
    with pytest.raises(ValueError, match=r"`EX_list\[0\]` must be numbers alone, but column 'a'"):
        quick().fit(X, Y, EX_list=[texts])
    with pytest.raises(ValueError, match="X beside `EX_list` must be numbers alone, but column"):
        quick().fit(texts, Y, EX_list=[X])


def test_empty_frames():
    """A DataFrame without rows or columns is refused."""
    with pytest.raises(ValueError, match=r"75 sample\(s\) and 0 feature\(s\)"):
        quick().fit(FRAME[[]], Y)
    with pytest.raises(ValueError, match=r"0 sample\(s\)"):
        quick().fit(FRAME[:0], Y[:0])


def test_encoders_take_part_in_the_cross_validation():
    """What encoders learn, they learn from the rows of each fold alone."""
    seen = []

    class Spy(SimpleImputer):
        def fit(self, X, y=None):
            seen.append(len(X))
            return super().fit(X, y)

    from sparktune.hpsklearn import estimator

    def encoder_of(*_):
        return Spy()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(estimator, "encoder_of", encoder_of)
        quick(max_evals=1).fit(FRAME, Y, n_folds=3)
    assert seen == [50, 50, 50, 75]


@pytest.mark.parametrize(
    ("y", "classes"),
    [
        (lambda: pd.Series(np.array(["p", "q", "r"])[Y]), ["p", "q", "r"]),
        (lambda: pd.Series(np.array(["p", "q", "r"])[Y], dtype="string"), ["p", "q", "r"]),
        (lambda: pd.Series(pd.Categorical(Y)), [0, 1, 2]),
        (lambda: pd.Series(Y, dtype="Int64"), [0, 1, 2]),
        (lambda: pd.Series(Y > 0), [False, True]),
        (lambda: np.array(["p", "q", "r"], object)[Y], ["p", "q", "r"]),
        (lambda: Y.tolist(), [0, 1, 2]),
    ],
    ids=["text", "string", "category", "Int64", "bool", "object", "list"],
)
def test_labels_of_any_kind(y, classes):
    """Labels may be texts, categories, numbers or truth values; predictions are such."""
    estimator = quick().fit(FRAME, y())
    assert estimator.classes_.tolist() == classes
    assert set(np.unique(estimator.predict(FRAME)).tolist()) == set(classes)
    assert estimator.score(FRAME, y()) > 0.6
