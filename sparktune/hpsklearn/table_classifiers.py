"""The table of classifiers: a row for each that hyperopt-sklearn knows, and CatBoost's."""

from __future__ import annotations

from .component import CLASSIFIER, Component
from .ranges import Cases, Part
from .settings import (
    ADA_TREE,
    BAGGING,
    BOOSTING,
    CATBOOST,
    ELASTIC,
    FOREST,
    HISTOGRAMS,
    KERNEL,
    KNN,
    LAYERS,
    LIGHTGBM,
    LIMITED_KNN,
    PASSIVE,
    PENALTY,
    PROCESS,
    RADIUS,
    RATES,
    SOLVERS,
    STEPS,
    TREE,
    XGBOOST,
    C,
)
from .words import log, log_whole, one_of, real, since, whole

__all__ = ["CLASSIFIERS"]


# with a kernel that may be indefinite, nu-classification often has no finite solution
_DEFINITE = {name: settings for name, settings in KERNEL.items() if name != "sigmoid"}


def _row(name: str, path: str, *cases: Cases, **settings: object) -> Component:
    """A classifier that takes sparse matrices, and asks nothing of the data."""
    return Component(name, path, CLASSIFIER, settings, cases, sparse=True)


def _dense(name: str, path: str, *cases: Cases, **settings: object) -> Component:
    """A classifier that takes no sparse matrices."""
    return Component(name, path, CLASSIFIER, settings, cases)


CLASSIFIERS = (
    _row("random_forest_classifier", "sklearn.ensemble.RandomForestClassifier",
         criterion=one_of("gini", "log_loss"), **FOREST),
    _row("extra_trees_classifier", "sklearn.ensemble.ExtraTreesClassifier",
         criterion=one_of("gini", "log_loss"), **FOREST),
    _row("bagging_classifier", "sklearn.ensemble.BaggingClassifier", **BAGGING),
    _row("ada_boost_classifier", "sklearn.ensemble.AdaBoostClassifier",
         estimator=Part("sklearn.tree.DecisionTreeClassifier", ADA_TREE),
         n_estimators=log_whole(20, 300), learning_rate=log(0.01, 2),
         **({} if since("1.6") else {"algorithm": "SAMME"})),
    _row("gradient_boosting_classifier", "sklearn.ensemble.GradientBoostingClassifier",
         **BOOSTING),
    _dense("hist_gradient_boosting_classifier",
           "sklearn.ensemble.HistGradientBoostingClassifier", **HISTOGRAMS),
    _row("bernoulli_nb", "sklearn.naive_bayes.BernoulliNB",
         alpha=log(1e-3, 100), fit_prior=one_of(True, False)),
    Component("categorical_nb", "sklearn.naive_bayes.CategoricalNB", CLASSIFIER,
              {"alpha": log(1e-3, 100), "fit_prior": one_of(True, False)},
              needs=frozenset({"categories"})),
    Component("complement_nb", "sklearn.naive_bayes.ComplementNB", CLASSIFIER,
              {"alpha": log(1e-3, 100), "norm": one_of(False, True)}, sparse=True,
              needs=frozenset({"numbers >= 0"})),
    _dense("gaussian_nb", "sklearn.naive_bayes.GaussianNB", var_smoothing=log(1e-12, 1)),
    Component("multinomial_nb", "sklearn.naive_bayes.MultinomialNB", CLASSIFIER,
              {"alpha": log(1e-3, 100), "fit_prior": one_of(True, False)}, sparse=True,
              needs=frozenset({"numbers >= 0"})),
    Component("sgd_classifier", "sklearn.linear_model.SGDClassifier", CLASSIFIER,
              {"loss": one_of("hinge", "log_loss", "modified_huber", "squared_hinge"),
               "alpha": log(1e-7, 0.1), "average": one_of(False, True)}, (PENALTY, RATES),
              sparse=True, for_probabilities={"loss": ("log_loss", "modified_huber")}),
    _row("ridge_classifier", "sklearn.linear_model.RidgeClassifier",
         alpha=log(1e-4, 1e4), class_weight=one_of(None, "balanced")),
    _row("ridge_classifier_cv", "sklearn.linear_model.RidgeClassifierCV",
         alphas=tuple(10.0**power for power in range(-4, 5)),
         class_weight=one_of(None, "balanced")),
    _row("logistic_regression", "sklearn.linear_model.LogisticRegression",
         Cases("solver", {"lbfgs": {}, "newton-cg": {},
                          "saga": {"l1_ratio": real(0, 1), **ELASTIC}}),
         C=log(1e-4, 1e4), max_iter=500),
    _row("logistic_regression_cv", "sklearn.linear_model.LogisticRegressionCV",
         Cs=whole(5, 15), class_weight=one_of(None, "balanced"), cv=3, max_iter=300,
         scoring="accuracy",
         **({"l1_ratios": (0.0,), "use_legacy_attributes": False} if since("1.8") else {})),
    _row("passive_aggressive_classifier", "sklearn.linear_model.SGDClassifier",
         learning_rate=one_of("pa1", "pa2"), loss="hinge", penalty=None, eta0=PASSIVE["C"],
         average=PASSIVE["average"])
    if since("1.8") else
    _row("passive_aggressive_classifier", "sklearn.linear_model.PassiveAggressiveClassifier",
         loss=one_of("hinge", "squared_hinge"), **PASSIVE),
    _row("perceptron", "sklearn.linear_model.Perceptron",
         Cases("penalty", {None: {}, "l2": {"alpha": log(1e-7, 0.01)},
                           "l1": {"alpha": log(1e-7, 0.01)},
                           "elasticnet": {"alpha": log(1e-7, 0.01), "l1_ratio": real(0, 1)}}),
         eta0=log(1e-3, 10)),
    _row("dummy_classifier", "sklearn.dummy.DummyClassifier",
         strategy=one_of("prior", "stratified", "uniform")),
    _dense("gaussian_process_classifier", "sklearn.gaussian_process.GaussianProcessClassifier",
           kernel=PROCESS, n_restarts_optimizer=whole(0, 2)),
    _row("mlp_classifier", "sklearn.neural_network.MLPClassifier", SOLVERS, **LAYERS),
    _row("linear_svc", "sklearn.svm.LinearSVC",
         Cases("penalty", {"l2": {"loss": one_of("squared_hinge", "hinge")},
                           "l1": {"loss": "squared_hinge"}}),
         C=C, dual="auto", max_iter=2000),
    Component("nu_svc", "sklearn.svm.NuSVC", CLASSIFIER,
              {"nu": real(0.02, 0.98), "max_iter": STEPS}, (Cases("kernel", _DEFINITE),),
              sparse=True, limits={"nu": "nu"}),
    _row("svc", "sklearn.svm.SVC", Cases("kernel", KERNEL), C=C, max_iter=STEPS),
    _row("decision_tree_classifier", "sklearn.tree.DecisionTreeClassifier",
         criterion=one_of("gini", "log_loss"), **TREE),
    _row("extra_tree_classifier", "sklearn.tree.ExtraTreeClassifier",
         criterion=one_of("gini", "log_loss"), **TREE),
    Component("label_propagation", "sklearn.semi_supervised.LabelPropagation", CLASSIFIER, {},
              (Cases("kernel", {"knn": {"n_neighbors": log_whole(1, 50, "rows")},
                                "rbf": {"gamma": log(1e-3, 100)}}),),
              needs=frozenset({"labels as numbers"}), limits=LIMITED_KNN),
    Component("label_spreading", "sklearn.semi_supervised.LabelSpreading", CLASSIFIER,
              {"alpha": real(0.01, 0.99), "max_iter": 100},
              (Cases("kernel", {"knn": {"n_neighbors": log_whole(1, 50, "rows")},
                                "rbf": {"gamma": log(1e-3, 100)}}),),
              needs=frozenset({"labels as numbers"}), limits=LIMITED_KNN),
    _dense("linear_discriminant_analysis",
           "sklearn.discriminant_analysis.LinearDiscriminantAnalysis",
           Cases("solver", {"svd": {}, "lsqr": {"shrinkage": one_of(None, "auto", real(0, 1))},
                            "eigen": {"shrinkage": one_of("auto", real(0.01, 1))}})),
    Component("quadratic_discriminant_analysis",
              "sklearn.discriminant_analysis.QuadraticDiscriminantAnalysis", CLASSIFIER,
              {"solver": "eigen", "shrinkage": log(1e-3, 1), "tol": 1e-12} if since("1.8")
              else {"reg_param": log(1e-3, 1)}, needs=frozenset({"two rows of each class"})),
    Component("k_neighbors_classifier", "sklearn.neighbors.KNeighborsClassifier", CLASSIFIER,
              KNN, sparse=True, limits=LIMITED_KNN),
    Component("radius_neighbors_classifier", "sklearn.neighbors.RadiusNeighborsClassifier",
              CLASSIFIER, {**RADIUS, "outlier_label": "most_frequent"}, sparse=True,
              limits={"radius": "reach"}),
    Component("nearest_centroid", "sklearn.neighbors.NearestCentroid", CLASSIFIER,
              {"metric": one_of("euclidean", "manhattan"),
               "shrink_threshold": one_of(None, log(0.01, 5))}, sparse=True,
              for_sparse={} if since("1.6") else {"shrink_threshold": None}),
    _row("one_vs_rest_classifier", "sklearn.multiclass.OneVsRestClassifier",
         estimator=Part("sklearn.svm.LinearSVC", {"C": C, "dual": "auto"})),
    _row("one_vs_one_classifier", "sklearn.multiclass.OneVsOneClassifier",
         estimator=Part("sklearn.svm.LinearSVC", {"C": C, "dual": "auto"})),
    _row("output_code_classifier", "sklearn.multiclass.OutputCodeClassifier",
         estimator=Part("sklearn.svm.LinearSVC", {"C": C, "dual": "auto"}),
         code_size=real(1, 4)),
    Component("xgboost_classification", "xgboost.XGBClassifier", CLASSIFIER, XGBOOST,
              sparse=True, needs=frozenset({"labels from 0"})),
    _row("lightgbm_classification", "lightgbm.LGBMClassifier", **LIGHTGBM),
    _row("catboost_classification", "catboost.CatBoostClassifier", **CATBOOST),
)  # fmt: skip
