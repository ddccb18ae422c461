"""hyperopt-sklearn's surface: preprocessing and model for data, chosen by a search.

>>> from sparktune.hpsklearn import HyperoptEstimator, any_regressor, any_preprocessing
>>> best = HyperoptEstimator(regressor=any_regressor("r"), preprocessing=any_preprocessing("p"),
...                          max_evals=50, trials=SparkTrials())  # doctest: +SKIP
>>> best.fit(X, y).score(X_test, y_test)  # doctest: +SKIP

Beside HyperoptEstimator there is a function of (label, **overrides) for each component, such as
``svc``, ``random_forest_regressor`` or ``pca``, and choices between them: ``any_classifier``,
``all_regressors`` and others. Needs scikit-learn.
"""

from ..extras import lacking as _lacking

try:
    import sklearn as _sklearn  # noqa: F401
except ModuleNotFoundError as error:
    raise _lacking("sparktune.hpsklearn", "scikit-learn", "sklearn", name="sklearn") from error

from .components import (
    FUNCTIONS,
    all_classifiers,
    all_preprocessing,
    all_regressors,
    any_classifier,
    any_preprocessing,
    any_regressor,
    any_sparse_classifier,
    any_sparse_preprocessing,
    any_sparse_regressor,
    any_text_preprocessing,
)
from .estimator import HyperoptEstimator

globals().update(FUNCTIONS)

__all__ = [
    "HyperoptEstimator",
    "all_classifiers",
    "all_preprocessing",
    "all_regressors",
    "any_classifier",
    "any_preprocessing",
    "any_regressor",
    "any_sparse_classifier",
    "any_sparse_preprocessing",
    "any_sparse_regressor",
    "any_text_preprocessing",
    *FUNCTIONS,
]
