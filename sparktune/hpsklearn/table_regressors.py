"""The table of regressors: a row for each that hyperopt-sklearn knows, and CatBoost's.

What predicts without learning a target (clusters, outliers) stands in a table of its own.
"""

from __future__ import annotations

from .component import OTHER, REGRESSOR, Component
from .ranges import Cases, Part
from .settings import (
    ADA_TREE,
    BAGGING,
    BOOSTING,
    CATBOOST,
    FOREST,
    HISTOGRAMS,
    KERNEL,
    KNN,
    LAYERS,
    LIGHTGBM,
    LIMITED_KNN,
    MIXTURE,
    PASSIVE,
    PENALTY,
    PROCESS,
    RADIUS,
    SOLVERS,
    STEPS,
    TREE,
    XGBOOST,
)
from .words import log, log_whole, one_of, real, since, whole

__all__ = ["OTHERS", "REGRESSORS"]

_LINEAR = "sklearn.linear_model."
_ALPHA = log(1e-5, 100)
_PRIORS = {name: log(1e-8, 0.01) for name in ("alpha_1", "alpha_2", "lambda_1", "lambda_2")}
_ALPHAS = "alphas" if since("1.7") else "n_alphas"
_PATH = {"eps": log(1e-5, 0.01), _ALPHAS: whole(30, 150), "cv": 3, "max_iter": 2000}
_PLS = {"max_iter": 500, "tol": log(1e-8, 1e-4)}
_MANY = frozenset({"several targets"})
_NEAR = "the number of targets"
_EPSILON = log(1e-3, 10)
_CALM = log(
    1e-4, 0.9
)  # from 1 on, PA-II diverges where rows are short: it moves the intercept, too


def _row(name: str, path: str, *cases: Cases, **settings: object) -> Component:
    """A regressor that takes sparse matrices, and asks nothing of the data."""
    return Component(name, path, REGRESSOR, settings, cases, sparse=True)


def _dense(name: str, path: str, *cases: Cases, **settings: object) -> Component:
    """A regressor that takes no sparse matrices."""
    return Component(name, path, REGRESSOR, settings, cases)


def _limited(name: str, path: str, limits: dict[str, str], **settings: object) -> Component:
    """A regressor that takes no sparse matrices, and whose settings are limited by the data."""
    return Component(name, path, REGRESSOR, settings, limits=limits)


def _targets(name: str, path: str, need: str, **settings: object) -> Component:
    """A regressor that not every target suits."""
    return Component(name, path, REGRESSOR, settings, sparse=True, needs=frozenset({need}))


def _many(name: str, path: str, **settings: object) -> Component:
    """A regressor of several targets at once."""
    return Component(name, path, REGRESSOR, settings, needs=_MANY)


REGRESSORS = (
    _row("random_forest_regressor", "sklearn.ensemble.RandomForestRegressor", **FOREST),
    _row("extra_trees_regressor", "sklearn.ensemble.ExtraTreesRegressor", **FOREST),
    _row("bagging_regressor", "sklearn.ensemble.BaggingRegressor", **BAGGING),
    _row("ada_boost_regressor", "sklearn.ensemble.AdaBoostRegressor",
         estimator=Part("sklearn.tree.DecisionTreeRegressor", ADA_TREE),
         n_estimators=log_whole(20, 300), learning_rate=log(0.01, 2),
         loss=one_of("linear", "square", "exponential")),
    _row("gradient_boosting_regressor", "sklearn.ensemble.GradientBoostingRegressor",
         Cases("loss", {"squared_error": {}, "absolute_error": {},
                        "huber": {"alpha": real(0.75, 0.99)}}), **BOOSTING),
    _dense("hist_gradient_boosting_regressor", "sklearn.ensemble.HistGradientBoostingRegressor",
           loss=one_of("squared_error", "absolute_error"), **HISTOGRAMS),
    _row("linear_regression", _LINEAR + "LinearRegression", fit_intercept=one_of(True, False)),
    _dense("bayesian_ridge", _LINEAR + "BayesianRidge", **_PRIORS),
    _dense("ard_regression", _LINEAR + "ARDRegression", threshold_lambda=log(1e3, 1e6),
           **_PRIORS),
    _limited("lars", _LINEAR + "Lars", {"n_nonzero_coefs": "columns"},
             n_nonzero_coefs=log_whole(1, 500, "columns")),
    _dense("lasso_lars", _LINEAR + "LassoLars", alpha=_ALPHA),
    _dense("lars_cv", _LINEAR + "LarsCV", max_n_alphas=log_whole(100, 2000), cv=3),
    _dense("lasso_lars_cv", _LINEAR + "LassoLarsCV", max_n_alphas=log_whole(100, 2000), cv=3),
    Component("lasso_lars_ic", _LINEAR + "LassoLarsIC", REGRESSOR,
              {"criterion": one_of("aic", "bic")}, needs=frozenset({"more rows than columns"})),
    _row("lasso", _LINEAR + "Lasso", alpha=_ALPHA, max_iter=2000,
         selection=one_of("cyclic", "random")),
    _row("elastic_net", _LINEAR + "ElasticNet", alpha=_ALPHA, l1_ratio=real(0.01, 1),
         max_iter=2000, selection=one_of("cyclic", "random")),
    _row("lasso_cv", _LINEAR + "LassoCV", **_PATH),
    _row("elastic_net_cv", _LINEAR + "ElasticNetCV", l1_ratio=real(0.01, 1), **_PATH),
    _many("multi_task_lasso", _LINEAR + "MultiTaskLasso", alpha=_ALPHA),
    _many("multi_task_elastic_net", _LINEAR + "MultiTaskElasticNet", alpha=_ALPHA,
          l1_ratio=real(0.01, 1)),
    _many("multi_task_lasso_cv", _LINEAR + "MultiTaskLassoCV", **_PATH),
    _many("multi_task_elastic_net_cv", _LINEAR + "MultiTaskElasticNetCV",
          l1_ratio=real(0.01, 1), **_PATH),
    _targets("poisson_regressor", _LINEAR + "PoissonRegressor", "targets >= 0", alpha=_ALPHA,
             max_iter=300),
    _targets("gamma_regressor", _LINEAR + "GammaRegressor", "targets > 0", alpha=_ALPHA,
             max_iter=300),
    _targets("tweedie_regressor", _LINEAR + "TweedieRegressor", "targets >= 0",
             power=one_of(0, real(1, 1.9)), alpha=_ALPHA, max_iter=300, link="log"),
    _row("huber_regressor", _LINEAR + "HuberRegressor", epsilon=real(1.01, 3),
         alpha=log(1e-6, 1), max_iter=300),
    _row("sgd_regressor", _LINEAR + "SGDRegressor", PENALTY,
         Cases("loss", {"squared_error": {}, "huber": {"epsilon": _EPSILON},
                        "epsilon_insensitive": {"epsilon": _EPSILON}}),
         Cases("learning_rate", {"optimal": {}, "invscaling": {"eta0": log(1e-4, 0.02),
                                                               "power_t": real(0.1, 0.6)},
                                 "constant": {"eta0": log(1e-5, 0.003)},
                                 "adaptive": {"eta0": log(1e-4, 0.02)}}),
         alpha=log(1e-7, 0.1), average=one_of(False, True)),
    _row("ridge", _LINEAR + "Ridge", alpha=log(1e-5, 1e4)),
    _row("ridge_cv", _LINEAR + "RidgeCV", alphas=tuple(10.0**power for power in range(-5, 5)),
         fit_intercept=one_of(True, False)),
    _limited("orthogonal_matching_pursuit", _LINEAR + "OrthogonalMatchingPursuit",
             {"n_nonzero_coefs": "rows and columns"},
             n_nonzero_coefs=log_whole(1, 500, "rows and columns")),
    _limited("orthogonal_matching_pursuit_cv", _LINEAR + "OrthogonalMatchingPursuitCV",
             {"max_iter": "columns"}, max_iter=log_whole(1, 100, "columns"), cv=3),
    _row("passive_aggressive_regressor", _LINEAR + "SGDRegressor",
         Cases("learning_rate", {"pa1": {"eta0": PASSIVE["C"]}, "pa2": {"eta0": _CALM}}),
         loss="epsilon_insensitive", penalty=None, average=PASSIVE["average"],
         epsilon=_EPSILON)
    if since("1.8") else
    _row("passive_aggressive_regressor", _LINEAR + "PassiveAggressiveRegressor",
         Cases("loss", {"epsilon_insensitive": {"C": PASSIVE["C"]},
                        "squared_epsilon_insensitive": {"C": _CALM}}),
         average=PASSIVE["average"], epsilon=_EPSILON),
    _row("quantile_regression", _LINEAR + "QuantileRegressor", alpha=log(1e-5, 1),
         quantile=real(0.3, 0.7)),
    _row("ransac_regression", _LINEAR + "RANSACRegressor",
         estimator=Part(_LINEAR + "Ridge", {"alpha": log(1e-4, 10)}),
         min_samples=real(0.2, 0.9), max_trials=whole(50, 200),
         loss=one_of("absolute_error", "squared_error")),
    _dense("theil_sen_regressor", _LINEAR + "TheilSenRegressor",
           max_subpopulation=log_whole(100, 5000)),
    _row("dummy_regressor", "sklearn.dummy.DummyRegressor", strategy=one_of("mean", "median")),
    _dense("gaussian_process_regressor", "sklearn.gaussian_process.GaussianProcessRegressor",
           kernel=PROCESS, alpha=log(1e-6, 1), normalize_y=True,
           n_restarts_optimizer=whole(0, 2)),
    _row("mlp_regressor", "sklearn.neural_network.MLPRegressor",
         Cases("solver", {value: SOLVERS.settings[value] for value in ("adam", "lbfgs")}),
         **LAYERS),
    _limited("cca", "sklearn.cross_decomposition.CCA", {"n_components": _NEAR},
             n_components=whole(1, 3, _NEAR), **_PLS),
    _limited("pls_canonical", "sklearn.cross_decomposition.PLSCanonical",
             {"n_components": _NEAR}, n_components=whole(1, 3, _NEAR),
             algorithm=one_of("nipals", "svd"), **_PLS),
    _limited("pls_regression", "sklearn.cross_decomposition.PLSRegression",
             {"n_components": "rows and columns"},
             n_components=log_whole(1, 30, "rows and columns"), **_PLS),
    _row("linear_svr", "sklearn.svm.LinearSVR", epsilon=_EPSILON, C=log(1e-3, 1e3), dual="auto",
         loss=one_of("epsilon_insensitive", "squared_epsilon_insensitive"), max_iter=2000),
    _row("nu_svr", "sklearn.svm.NuSVR", Cases("kernel", KERNEL), nu=real(0.05, 1),
         C=log(1e-2, 1e4), max_iter=STEPS),
    _row("svr", "sklearn.svm.SVR", Cases("kernel", KERNEL), C=log(1e-2, 1e4), epsilon=_EPSILON,
         max_iter=STEPS),
    _row("decision_tree_regressor", "sklearn.tree.DecisionTreeRegressor", **TREE),
    _row("extra_tree_regressor", "sklearn.tree.ExtraTreeRegressor", **TREE),
    _dense("transformed_target_regressor", "sklearn.compose.TransformedTargetRegressor",
           regressor=Part(_LINEAR + "Ridge", {"alpha": log(1e-5, 1e4)}),
           transformer=one_of(
               Part("sklearn.preprocessing.StandardScaler"),
               Part("sklearn.preprocessing.PowerTransformer"),
               Part("sklearn.preprocessing.QuantileTransformer",
                    {"n_quantiles": 50, "output_distribution": one_of("uniform", "normal")}))),
    _row("hp_sklearn_kernel_ridge", "sklearn.kernel_ridge.KernelRidge",
         Cases("kernel", {"linear": {}, "rbf": {"gamma": log(1e-4, 10)},
                          "laplacian": {"gamma": log(1e-4, 10)},
                          "polynomial": {"gamma": log(1e-4, 1), "degree": whole(2, 3),
                                         "coef0": real(0, 1)}}),
         alpha=log(1e-6, 10)),
    Component("k_neighbors_regressor", "sklearn.neighbors.KNeighborsRegressor", REGRESSOR, KNN,
              sparse=True, limits=LIMITED_KNN),
    Component("radius_neighbors_regressor", "sklearn.neighbors.RadiusNeighborsRegressor",
              REGRESSOR, RADIUS, sparse=True, limits={"radius": "reach"}),
    Component("xgboost_regression", "xgboost.XGBRegressor", REGRESSOR, XGBOOST, sparse=True),
    _row("lightgbm_regression", "lightgbm.LGBMRegressor", **LIGHTGBM),
    _row("catboost_regression", "catboost.CatBoostRegressor", **CATBOOST),
)  # fmt: skip

OTHERS = (
    Component("isolation_forest", "sklearn.ensemble.IsolationForest", OTHER,
              {"n_estimators": log_whole(30, 300), "max_samples": real(0.2, 1),
               "max_features": real(0.3, 1), "bootstrap": one_of(False, True)}, sparse=True),
    Component("one_class_svm", "sklearn.svm.OneClassSVM", OTHER,
              {"nu": real(0.02, 0.98), "max_iter": STEPS}, (Cases("kernel", KERNEL),),
              sparse=True),
    Component("sgd_one_class_svm", _LINEAR + "SGDOneClassSVM", OTHER,
              {"nu": real(0.02, 0.98), "average": one_of(False, True)},
              (Cases("learning_rate", {"optimal": {}, "constant": {"eta0": log(1e-4, 0.01)},
                                       "adaptive": {"eta0": log(1e-4, 0.05)}}),), sparse=True),
    Component("elliptic_envelope", "sklearn.covariance.EllipticEnvelope", OTHER,
              {"support_fraction": real(0.6, 1), "contamination": real(0.01, 0.3)}),
    Component("gaussian_mixture", "sklearn.mixture.GaussianMixture", OTHER, MIXTURE,
              limits={"n_components": "rows"}),
    Component("bayesian_gaussian_mixture", "sklearn.mixture.BayesianGaussianMixture", OTHER,
              {**MIXTURE, "weight_concentration_prior_type":
               one_of("dirichlet_process", "dirichlet_distribution")},
              limits={"n_components": "rows"}),
    Component("k_means", "sklearn.cluster.KMeans", OTHER,
              {"n_clusters": whole(2, 20, "rows"), "n_init": whole(1, 4),
               "init": one_of("k-means++", "random")}, sparse=True,
              limits={"n_clusters": "rows"}),
    Component("mini_batch_k_means", "sklearn.cluster.MiniBatchKMeans", OTHER,
              {"n_clusters": whole(2, 20, "rows"), "n_init": whole(1, 4),
               "init": one_of("k-means++", "random"), "batch_size": log_whole(64, 4096)},
              sparse=True, limits={"n_clusters": "rows"}),
)  # fmt: skip
