"""All components by name, the functions that give their spaces, and choices between them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from .. import hp
from ..space.tree import Choice
from .component import CLASSIFIER, REGRESSOR, STEP, TEXT, Component, function_of
from .table_classifiers import CLASSIFIERS
from .table_regressors import OTHERS, REGRESSORS
from .table_steps import STEPS

__all__ = [
    "CHOICES",
    "COMPONENTS",
    "FUNCTIONS",
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
]

COMPONENTS: dict[str, Component] = {
    each.name: each for each in (*CLASSIFIERS, *REGRESSORS, *OTHERS, *STEPS)
}
FUNCTIONS: dict[str, Callable[..., Any]] = {
    name: function_of(component) for name, component in COMPONENTS.items()
}
CHOICES: dict[str, tuple[str, ...]] = {
    "any_classifier": (
        "svc", "k_neighbors_classifier", "random_forest_classifier", "extra_trees_classifier",
        "ada_boost_classifier", "gradient_boosting_classifier",
        "hist_gradient_boosting_classifier", "sgd_classifier", "logistic_regression",
        "xgboost_classification", "lightgbm_classification",
    ),
    "any_regressor": (
        "svr", "k_neighbors_regressor", "random_forest_regressor", "extra_trees_regressor",
        "ada_boost_regressor", "gradient_boosting_regressor", "hist_gradient_boosting_regressor",
        "sgd_regressor", "elastic_net", "xgboost_regression", "lightgbm_regression",
    ),
    "any_sparse_classifier": (
        "linear_svc", "sgd_classifier", "logistic_regression", "multinomial_nb", "complement_nb",
        "k_neighbors_classifier",
    ),
    "any_sparse_regressor": ("sgd_regressor", "ridge", "elastic_net", "k_neighbors_regressor"),
}  # fmt: skip
"""The learners in the choices of some, by name; those that are not installed are left out."""

_SHORT = {
    "svc": "svc",
    "svr": "svr",
    "k_neighbors": "knn",
    "hist_gradient_boosting": "hist_grad_boosting",
    "gradient_boosting": "grad_boosting",
    "sgd": "sgd",
}


def _short(name: str) -> str:
    """The last part of a label in a choice: the name without what the choice says already."""
    for end in ("_classifier", "_regressor", "_classification", "_regression"):
        if name.endswith(end) and name != "linear_regression" and name != "logistic_regression":
            name = name.removesuffix(end)
            break
    return _SHORT.get(name, name)


def _spaces(label: str, names: Iterable[str]) -> list[Any]:
    """The spaces of those components that are installed."""
    return [
        FUNCTIONS[name](f"{label}.{_short(name)}") for name in names if COMPONENTS[name].is_here
    ]


def any_classifier(label: str) -> Choice:
    """A choice of the classifiers that do well on most data, each with its own space.

    Args:
        label: of the choice; those of the classifiers and their parameters begin with it.

    XGBoost and LightGBM are among them where they are installed.
    """
    return hp.choice(label, _spaces(label, CHOICES["any_classifier"]))


def any_regressor(label: str) -> Choice:
    """A choice of the regressors that do well on most data, each with its own space.

    Args:
        label: of the choice; those of the regressors and their parameters begin with it.

    XGBoost and LightGBM are among them where they are installed.
    """
    return hp.choice(label, _spaces(label, CHOICES["any_regressor"]))


def any_sparse_classifier(label: str) -> Choice:
    """A choice of classifiers that are quick on sparse matrices; ``label`` as of any_classifier."""
    return hp.choice(label, _spaces(label, CHOICES["any_sparse_classifier"]))


def any_sparse_regressor(label: str) -> Choice:
    """A choice of regressors that are quick on sparse matrices; ``label`` as of any_regressor."""
    return hp.choice(label, _spaces(label, CHOICES["any_sparse_regressor"]))


def any_preprocessing(label: str) -> Choice:
    """A choice of preprocessing for rows of numbers: nothing, or one or two steps.

    Args:
        label: of the choice; those of the steps begin with it.
    """
    of = FUNCTIONS
    return hp.choice(
        label,
        [
            [of["standard_scaler"](f"{label}.standard_scaler")],
            [],
            [of["min_max_scaler"](f"{label}.min_max_scaler")],
            [of["quantile_transformer"](f"{label}.quantile_transformer")],
            [of["standard_scaler"](f"{label}.standard_scaler"), of["pca"](f"{label}.pca")],
            [of["normalizer"](f"{label}.normalizer")],
        ],
    )


def any_sparse_preprocessing(label: str) -> Choice:
    """A choice of preprocessing for sparse matrices; ``label`` as of any_preprocessing."""
    of = FUNCTIONS
    return hp.choice(
        label,
        [
            [of["standard_scaler"](f"{label}.standard_scaler", with_mean=False)],
            [],
            [of["max_abs_scaler"](f"{label}.max_abs_scaler")],
            [of["normalizer"](f"{label}.normalizer")],
        ],
    )


def any_text_preprocessing(label: str) -> Choice:
    """A choice of vectorizers for texts; ``label`` as of any_preprocessing."""
    names = ("tfidf_vectorizer", "hashing_vectorizer", "count_vectorizer")
    short = (name.removesuffix("_vectorizer") for name in names)
    return hp.choice(
        label, [[FUNCTIONS[n](f"{label}.{s}")] for n, s in zip(names, short, strict=True)]
    )


def all_classifiers(label: str) -> Choice:
    """A choice of every classifier that is installed; ``label`` as of any_classifier.

    Those of several classes around another one are left out, as they are choices themselves.
    """
    around = ("one_vs_rest_classifier", "one_vs_one_classifier", "output_code_classifier")
    return hp.choice(
        label, _spaces(label, [each for each in _of_role(CLASSIFIER) if each not in around])
    )


def all_regressors(label: str) -> Choice:
    """A choice of every regressor that is installed; ``label`` as of any_regressor."""
    return hp.choice(label, _spaces(label, _of_role(REGRESSOR)))


def all_preprocessing(label: str) -> Choice:
    """A choice of every preprocessing step, and of none; ``label`` as of any_preprocessing.

    Of the steps those for texts are left out by a search on numbers, and the others on texts.
    """
    names = (*_of_role(STEP), *_of_role(TEXT))
    return hp.choice(label, [[], *([each] for each in _spaces(label, names))])


def _of_role(role: str) -> list[str]:
    return [name for name, each in COMPONENTS.items() if each.role == role]
