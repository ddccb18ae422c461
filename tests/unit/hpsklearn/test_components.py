"""Every component: its space, what it draws, and that it fits and predicts."""

import warnings

import numpy as np
import pytest
import scipy.sparse
from estimators import DIABETES, IRIS, around, draw
from hypothesis import given
from hypothesis import strategies as st
from properties import examples

from sparktune import hpsklearn as ours
from sparktune import rand
from sparktune.hpsklearn.component import CLASSIFIER, OTHER, REGRESSOR, STEP, TEXT
from sparktune.hpsklearn.components import COMPONENTS, FUNCTIONS
from sparktune.hpsklearn.data import Data
from sparktune.hpsklearn.making import class_of, parameters_of
from sparktune.hpsklearn.suits import why_not

HERE = [name for name, component in COMPONENTS.items() if component.is_here]
COUNTS = pytest.mark.parametrize(
    "draws", [1, pytest.param(20, marks=pytest.mark.full)], ids="{} draws".format
)
IN_FULL = pytest.mark.full


def fitted(component, draws, X, y, options, **more):
    """An estimator after random draws of a component, none of which failed."""
    estimator = ours.HyperoptEstimator(
        **options, algo=rand.suggest, max_evals=draws, seed=5, verbose=True
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", FutureWarning)  # a parameter that is deprecated
        estimator.fit(X, y, **more)
    errors = {trial.outcome.error for trial in estimator.trials_.history if trial.loss is None}
    assert not errors, "\n".join(errors)
    return estimator


@COUNTS
@pytest.mark.parametrize("name", HERE)
def test_every_component_fits_and_predicts(name, draws):
    """Random draws of a component fit and predict, without a warning of what is deprecated."""
    options, (X, y) = around(COMPONENTS[name], draws < 3)
    estimator = fitted(COMPONENTS[name], draws, X, y, options)
    assert len(estimator.predict(X)) == len(y)


@IN_FULL
@pytest.mark.parametrize(
    "name", [name for name in HERE if COMPONENTS[name].sparse and COMPONENTS[name].role != TEXT]
)
def test_components_for_sparse_matrices(name):
    """A component that takes sparse matrices fits and predicts on one with any of its settings."""
    options, (X, y) = around(COMPONENTS[name], cheap=False)
    X = scipy.sparse.csr_matrix(np.where(np.median(X, axis=0) < X, X, 0))
    if COMPONENTS[name].role == STEP:
        options["classifier"] = ours.decision_tree_classifier("learner")
    estimator = fitted(COMPONENTS[name], 6, X, y, options)
    assert len(estimator.predict(X)) == len(y)


def takes_weights(name, unit):
    """Whether a component is searched where rows have weights that are multiples of a unit."""
    component = COMPONENTS[name]
    if component.role in (TEXT, OTHER) or "several targets" in component.needs:
        return False
    weighed = [Data(*data, weights=np.full(len(data[1]), unit)) for data in (IRIS, DIABETES)]
    return all(why_not(data)(component.path) is None for data in weighed)


@IN_FULL
@pytest.mark.parametrize(
    ("name", "unit"),
    [(name, unit) for name in HERE for unit in (1.0, 0.7) if takes_weights(name, unit)],
)
def test_components_and_weights(name, unit):
    """A component fits rows of weights, some of which are 0, with any of its settings."""
    options, (X, y) = around(COMPONENTS[name], cheap=False)
    weights = np.random.default_rng(1).integers(0, 4, len(y)) * unit
    fitted(COMPONENTS[name], 6, X, y, options, sample_weight=weights)


SEVERAL = Data(DIABETES[0], np.c_[DIABETES[1], -DIABETES[1]])


@IN_FULL
@pytest.mark.parametrize(
    "name",
    [
        name
        for name in HERE
        if COMPONENTS[name].role == REGRESSOR and why_not(SEVERAL)(COMPONENTS[name].path) is None
    ],
)
def test_components_and_several_targets(name):
    """A regressor that is searched where rows have several targets predicts all of them."""
    options, _ = around(COMPONENTS[name], cheap=False)
    estimator = fitted(COMPONENTS[name], 6, SEVERAL.X, SEVERAL.y, options)
    assert np.shape(estimator.predict(SEVERAL.X)) == SEVERAL.y.shape


PARTICULAR = ("labels from 0", "labels as numbers")


@pytest.mark.parametrize(
    "name",
    [
        name
        if COMPONENTS[name].needs.intersection(PARTICULAR) or name == "svc"
        else pytest.param(name, marks=IN_FULL)
        for name in HERE
        if COMPONENTS[name].role == CLASSIFIER
    ],
)
def test_strings_as_labels(name):
    """Any classifier predicts labels that are texts."""
    options, (X, y) = around(COMPONENTS[name])
    names = np.array(["setosa", "versicolor", "virginica"])
    estimator = fitted(COMPONENTS[name], 1, X, names[y], options)
    assert set(estimator.predict(X)) <= set(names)


@examples(300)
@given(name=st.sampled_from(HERE), seed=st.integers(0, 2**32 - 1))
def test_any_draw_builds(name, seed):
    """Whatever is drawn makes an object, and scikit-learn holds its parameters for legal."""
    made = draw(FUNCTIONS[name]("it"), seed)
    component = COMPONENTS[name]
    wanted = component.path.rpartition(".")[2]
    assert type(made).__name__ == ("ColumnTransformer" if name == "ts_lagselector" else wanted)
    if component.path.startswith("sklearn."):
        made._validate_params()


@pytest.mark.parametrize("name", HERE)
def test_every_component_has_a_table(name):
    """The docstring of a component says what each of its parameters is searched over."""
    function, component = FUNCTIONS[name], COMPONENTS[name]
    assert getattr(ours, name) is function
    assert name in ours.__all__
    assert function.__name__ == name
    text = function.__doc__
    assert text.startswith(f"The space of {component.path.rpartition('.')[2]}: ")
    assert "\n\n    Args:\n" in text
    for parameter, condition, searched in component.rows():
        where = f", for {condition}" if condition else ""
        assert f"        {parameter}{where}: {searched}\n" in text
    if not component.rows():
        assert "\n        those of the class, as they are\n" in text
    known = parameters_of(component.path)
    assert known is None or {parameter for parameter, _, _ in component.rows()} <= known


def test_a_table_in_full():
    """A table has a line for each parameter, and for each condition under which it is searched."""
    told = ours.linear_svc.__doc__.partition("Parameters:\n")[2]
    assert [line.strip() for line in told.splitlines() if line.strip()] == [
        "C: 1e-3 to 1e3, log",
        'dual: always "auto"',
        "max_iter: always 2,000",
        'penalty: "l2" or "l1"',
        'loss, for penalty "l2": "squared_hinge" or "hinge"',
        'loss, for penalty "l1": always "squared_hinge"',
    ]


def test_classes_that_are_not_installed(monkeypatch):
    """A component whose package is missing says how to install it, and is in no choice."""
    row = COMPONENTS["random_forest_classifier"]
    missing = type(row)("lost", "no_such_package.Model", CLASSIFIER, row.settings)
    assert not missing.is_here
    with pytest.raises(ImportError, match="Model needs no_such_package: pip install no_such_pack"):
        missing.space("m", {})
    with pytest.raises(ImportError, match=r"the installed sklearn has no Nothing"):
        class_of("sklearn.svm.Nothing")
    for name in set(COMPONENTS) - set(HERE):
        package = COMPONENTS[name].path.partition(".")[0]
        with pytest.raises(ImportError, match=f"needs {package}: pip install {package}"):
            FUNCTIONS[name]("it")
