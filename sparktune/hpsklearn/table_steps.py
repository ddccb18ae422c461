"""The table of preprocessing steps: a row for each that hyperopt-sklearn knows.

Its two own ones are made of scikit-learn's: ``ts_lagselector`` keeps the first columns,
``colkmeans`` puts each column into bins by k-means.
"""

from __future__ import annotations

import numpy as np

from .component import STEP, TEXT, Component
from .ranges import Cases
from .words import log_whole, one_of, real, since, whole

__all__ = ["STEPS"]

_PRE = "sklearn.preprocessing."
_TEXT = "sklearn.feature_extraction.text."
_WORDS = {
    "analyzer": {
        "word": {"ngram_range": one_of((1, 1), (1, 2), (1, 3)),
                 "stop_words": one_of(None, "english")},
        "char": {"ngram_range": one_of((1, 3), (2, 4), (2, 5))},
        "char_wb": {"ngram_range": one_of((1, 3), (2, 4), (2, 5))},
    },
}  # fmt: skip
_ANALYZER = Cases("analyzer", _WORDS["analyzer"])
_BINNING = {"quantile_method": "averaged_inverted_cdf"} if since("1.7") else {}

STEPS = (
    Component("binarizer", _PRE + "Binarizer", STEP, {"threshold": real(0, 1)}, sparse=True),
    Component("min_max_scaler", _PRE + "MinMaxScaler", STEP,
              {"feature_range": one_of((0, 1), (-1, 1)), "clip": one_of(False, True)}),
    Component("max_abs_scaler", _PRE + "MaxAbsScaler", STEP, sparse=True),
    Component("normalizer", _PRE + "Normalizer", STEP, {"norm": one_of("l1", "l2", "max")},
              sparse=True),
    Component("robust_scaler", _PRE + "RobustScaler", STEP,
              {"quantile_range": one_of((25.0, 75.0), (10.0, 90.0), (5.0, 95.0), (1.0, 99.0))},
              sparse=True, for_sparse={"with_centering": False}),
    Component("standard_scaler", _PRE + "StandardScaler", STEP, sparse=True,
              for_sparse={"with_mean": False}),
    Component("quantile_transformer", _PRE + "QuantileTransformer", STEP,
              {"n_quantiles": log_whole(10, 1000, "rows"),
               "output_distribution": one_of("uniform", "normal")},
              limits={"n_quantiles": "rows"}),
    Component("power_transformer", _PRE + "PowerTransformer", STEP),
    Component("one_hot_encoder", _PRE + "OneHotEncoder", STEP,
              {"max_categories": log_whole(3, 50), "handle_unknown": "infrequent_if_exist",
               "sparse_output": False}),
    Component("ordinal_encoder", _PRE + "OrdinalEncoder", STEP,
              {"min_frequency": one_of(None, 2, 5), "handle_unknown": "use_encoded_value",
               "unknown_value": -1}),
    Component("polynomial_features", _PRE + "PolynomialFeatures", STEP,
              {"degree": whole(2, 3, "the degree that makes 5,000 columns"),
               "interaction_only": one_of(False, True), "include_bias": False}, sparse=True,
              limits={"degree": "the degree that makes 5,000 columns"}),
    Component("spline_transformer", _PRE + "SplineTransformer", STEP,
              {"n_knots": whole(3, 10), "degree": whole(1, 3),
               "extrapolation": one_of("constant", "linear"), "include_bias": False}),
    Component("k_bins_discretizer", _PRE + "KBinsDiscretizer", STEP,
              {"n_bins": log_whole(2, 30, "rows"), "encode": one_of("onehot-dense", "ordinal")},
              (Cases("strategy", {"uniform": {}, "kmeans": {}, "quantile": _BINNING}),),
              limits={"n_bins": "rows"}),
    Component("tfidf_vectorizer", _TEXT + "TfidfVectorizer", TEXT,
              {"sublinear_tf": one_of(False, True), "norm": one_of("l1", "l2"),
               "max_features": log_whole(500, 50_000)}, (_ANALYZER,)),
    Component("hashing_vectorizer", _TEXT + "HashingVectorizer", TEXT,
              {"norm": one_of("l1", "l2"), "binary": one_of(False, True),
               "n_features": one_of(2**14, 2**16, 2**18), "alternate_sign": False}, (_ANALYZER,)),
    Component("count_vectorizer", _TEXT + "CountVectorizer", TEXT,
              {"binary": one_of(False, True), "max_features": log_whole(500, 50_000),
               "dtype": np.float64}, (_ANALYZER,)),
    Component("pca", "sklearn.decomposition.PCA", STEP,
              {"n_components": real(0.5, 0.999), "whiten": one_of(False, True)},
              limits={"n_components": "rows and columns"}),
    Component("ts_lagselector", "sparktune.hpsklearn.making.first_columns", STEP,
              {"lag_size": log_whole(1, 100, "columns")}),
    Component("colkmeans", _PRE + "KBinsDiscretizer", STEP,
              {"n_bins": log_whole(2, 20, "rows"), "strategy": "kmeans",
               "encode": one_of("ordinal", "onehot-dense")}, limits={"n_bins": "rows"}),
)  # fmt: skip
