"""Rows as arrays and sparse matrices of any kind."""

import numpy as np
import pytest
import scipy.sparse
from estimators import IRIS, quick

from sparktune import hpsklearn as ours
from sparktune.hpsklearn.data import Data, encoder_of
from sparktune.hpsklearn.travels.fitting import whole_weights

X, Y = IRIS
GAPS = np.where(X > 6, np.nan, X)


@pytest.mark.parametrize(
    "change",
    [
        np.asfortranarray,
        np.float32,
        lambda X: (X * 10).astype(np.int16),
        lambda X: X.mean(axis=0) < X,
        lambda X: X.astype(object),
        lambda X: X.tolist(),
        lambda X: GAPS,
        lambda X: np.c_[X, np.full(75, np.nan)],
    ],
    ids=["Fortran", "float32", "int16", "bool", "object", "list", "missing", "all missing"],
)
def test_arrays(change):
    """Arrays of numbers of any kind are learnt from; missing ones are filled in."""
    estimator = quick().fit(change(X), Y)
    assert estimator.score(change(X), Y) > 0.7
    assert estimator.n_features_in_ == np.shape(change(X))[1]


@pytest.mark.parametrize("kind", ["csr", "csc", "coo", "lil", "bsr"])
@pytest.mark.parametrize("of", ["matrix", "array"])
def test_sparse_matrices(kind, of):
    """Sparse matrices and arrays of any format are learnt from as they are."""
    sparse = getattr(scipy.sparse, f"{kind}_{of}")(np.where(X > 3, X, 0))
    scaled = {"preprocessing": [ours.max_abs_scaler("m")]}
    estimator = quick(classifier=ours.linear_svc("s"), **scaled).fit(sparse, Y)
    assert estimator.score(sparse, Y) > 0.7
    assert scipy.sparse.issparse(estimator.best_pipeline_[:-1].transform(sparse.tocsr()))


def test_missing_numbers_in_sparse_matrices():
    """Missing numbers of a sparse matrix are filled in, and it stays one."""
    sparse = scipy.sparse.csr_matrix(np.where(GAPS < 1, 0, GAPS))
    estimator = quick(classifier=ours.linear_svc("s")).fit(sparse, Y)
    assert estimator.score(sparse, Y) > 0.7
    assert scipy.sparse.issparse(estimator.best_pipeline_.named_steps["encoder"].transform(sparse))


def test_complete_numbers_need_no_encoder():
    """Arrays and sparse matrices without gaps go to the first step as they are."""
    for rows in (X, scipy.sparse.csr_matrix(X), (X * 10).astype(int)):
        assert encoder_of(rows, Y, True, 0) is None
    assert "encoder" not in quick().fit(X, Y).best_pipeline_.named_steps


def test_sizes():
    """Data know their rows and columns, and how many rows the largest fold learns from."""
    data = Data(X, Y, np.r_[np.zeros(5), np.full(70, 2.0)])
    folds = ((np.arange(50), np.arange(50, 75)), (np.arange(5), np.arange(5, 10)))
    kept, found = data.weighing(folds)
    assert (kept.rows, kept.columns, kept.learnt) == (70, 4, 90)
    assert len(found) == 1  # of the other one no row is left to learn from
    assert found[0][0].tolist() == list(range(45))
    with pytest.raises(ValueError, match="n_samples=70 of a weight above 0 are too few for folds"):
        data.weighing(folds[1:])


def test_huge_weights_are_not_counted():
    """Weights that no whole number can hold are weights, and rows are not repeated by them."""
    for weights in (np.full(75, 1e300), np.full(75, 2.0**63)):
        assert whole_weights(weights) is None
    assert whole_weights(np.full(75, 20.0)).tolist() == [20] * 75
    assert whole_weights(np.full(75, 21.0)) is None
