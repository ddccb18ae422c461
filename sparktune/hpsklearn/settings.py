"""Ranges that several components share.

They reach the good settings of a model on data of usual size, whether they are scaled or not; what
seldom matters keeps scikit-learn's own value.
"""

from __future__ import annotations

from .ranges import Cases, Part, Sizes
from .words import log, log_whole, one_of, real, since, whole

__all__ = [
    "ADA_TREE",
    "BAGGING",
    "BOOSTING",
    "CATBOOST",
    "ELASTIC",
    "FOREST",
    "GAMMA",
    "HISTOGRAMS",
    "KERNEL",
    "KERNELS",
    "KNN",
    "LAYERS",
    "LIGHTGBM",
    "LIMITED_KNN",
    "MIXTURE",
    "PASSIVE",
    "PENALTY",
    "PROCESS",
    "RADIUS",
    "RATES",
    "SOLVERS",
    "STEPS",
    "TREE",
    "XGBOOST",
    "C",
]

C = log(1e-3, 1e3)
GAMMA = one_of("scale", log(1e-4, 10))
PENALTY = Cases("penalty", {"l2": {}, "l1": {}, "elasticnet": {"l1_ratio": real(0, 1)}})
STEPS = 100_000  # of a support vector machine, which may go on for hours on data without scale

KERNEL = {
    "linear": {},
    "rbf": {"gamma": GAMMA},
    "poly": {"gamma": GAMMA, "degree": whole(2, 4), "coef0": real(0, 1)},
    "sigmoid": {"gamma": GAMMA, "coef0": real(0, 1)},
}
FOREST = {
    "n_estimators": log_whole(30, 500),
    "max_features": one_of("sqrt", real(0.1, 1)),
    "min_samples_leaf": log_whole(1, 20),
    "bootstrap": one_of(True, False),
}
BOOSTING = {
    "learning_rate": log(0.01, 0.5),
    "n_estimators": log_whole(30, 500),
    "max_depth": whole(1, 8),
    "min_samples_leaf": log_whole(1, 50),
    "subsample": real(0.5, 1),
    "max_features": one_of("sqrt", real(0.2, 1)),
}
HISTOGRAMS = {
    "learning_rate": log(0.01, 0.5),
    "max_iter": log_whole(30, 500),
    "max_leaf_nodes": log_whole(4, 128),
    "min_samples_leaf": log_whole(2, 100),
    "l2_regularization": log(1e-6, 100),
    "max_features": real(0.3, 1),
}
XGBOOST = {
    "learning_rate": log(0.01, 0.5),
    "n_estimators": log_whole(30, 500),
    "max_depth": whole(2, 10),
    "min_child_weight": log(0.1, 50),
    "subsample": real(0.5, 1),
    "colsample_bytree": real(0.4, 1),
    "reg_alpha": log(1e-6, 10),
    "reg_lambda": log(1e-3, 100),
    "gamma": log(1e-6, 5),
}
LIGHTGBM = {
    "learning_rate": log(0.01, 0.5),
    "n_estimators": log_whole(30, 500),
    "num_leaves": log_whole(4, 128),
    "min_child_samples": log_whole(2, 100),
    "subsample": real(0.5, 1),
    "subsample_freq": 1,
    "colsample_bytree": real(0.4, 1),
    "reg_alpha": log(1e-6, 10),
    "reg_lambda": log(1e-6, 100),
    "verbosity": -1,
}
CATBOOST = {
    "learning_rate": log(0.01, 0.5),
    "iterations": log_whole(30, 500),
    "depth": whole(2, 9),
    "l2_leaf_reg": log(0.1, 30),
    "random_strength": log(1e-3, 10),
    "verbose": False,
    "allow_writing_files": False,
}
TREE = {
    "max_depth": one_of(None, whole(1, 20)),
    "min_samples_leaf": log_whole(1, 40),
    "max_features": one_of(None, "sqrt", real(0.2, 1)),
    "ccp_alpha": one_of(0.0, log(1e-5, 0.1)),
}
ADA_TREE = {"max_depth": whole(1, 6)}
LAYERS = {
    "hidden_layer_sizes": Sizes(3, log_whole(16, 256)),
    "activation": one_of("relu", "tanh", "logistic"),
    "alpha": log(1e-7, 0.1),
    "max_iter": 200,
}
SOLVERS = Cases(
    "solver",
    {
        "adam": {"learning_rate_init": log(1e-4, 0.03)},
        "sgd": {
            "learning_rate_init": log(1e-4, 0.03),
            "learning_rate": one_of("constant", "adaptive"),
            "momentum": real(0.5, 0.99),
        },
        "lbfgs": {},
    },
)
RATES = Cases(
    "learning_rate",
    {
        "optimal": {},
        "invscaling": {"eta0": log(1e-4, 0.05), "power_t": real(0.1, 0.6)},
        "constant": {"eta0": log(1e-4, 0.01)},
        "adaptive": {"eta0": log(1e-4, 0.05)},
    },
)
KNN = {
    "n_neighbors": log_whole(1, 50, "rows"),
    "weights": one_of("uniform", "distance"),
    "p": one_of(1, 2),
}
RADIUS = {"radius": log(0.1, 100), "weights": one_of("uniform", "distance"), "p": one_of(1, 2)}
BAGGING = {
    "n_estimators": log_whole(10, 200),
    "max_samples": real(0.3, 1),
    "max_features": real(0.3, 1),
    "bootstrap": one_of(True, False),
    "bootstrap_features": one_of(False, True),
}
MIXTURE = {
    "n_components": whole(1, 10, "rows"),
    "covariance_type": one_of("full", "tied", "diag", "spherical"),
    "reg_covar": log(1e-6, 0.1),
    "max_iter": 200,
}
KERNELS = "sklearn.gaussian_process.kernels."
PROCESS = one_of(
    Part(KERNELS + "RBF", {"length_scale": log(0.1, 10)}),
    Part(KERNELS + "Matern", {"length_scale": log(0.1, 10), "nu": one_of(0.5, 1.5, 2.5)}),
    Part(KERNELS + "RationalQuadratic", {"length_scale": log(0.1, 10), "alpha": log(0.1, 10)}),
)
ELASTIC = {} if since("1.8") else {"penalty": "elasticnet"}  # until 1.7 without it l1_ratio is idle
PASSIVE = {"C": log(1e-4, 10), "average": one_of(False, True)}
LIMITED_KNN = {"n_neighbors": "rows"}
