"""What a fit leaves: a table, a script, pickles."""

import ast
import pickle

import numpy as np
import pytest
from estimators import DIABETES, IRIS, around, quick, trees
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.feature_selection import SelectKBest, f_classif
from sklearn.linear_model import Ridge
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from sparktune import AllTrialsFailed, hp, rand, scope
from sparktune import hpsklearn as ours
from sparktune.hpsklearn.components import COMPONENTS
from sparktune.hpsklearn.results import script_of

pd = pytest.importorskip("pandas")

X, Y = IRIS


def test_the_leaderboard():
    """All candidates stand in a table, the best first, with what each is made of."""
    estimator = quick(preprocessing=[ours.min_max_scaler("m", clip=True)], max_evals=6)
    board = estimator.fit(X, Y, n_folds=3).leaderboard()
    assert list(board.columns) == ["loss", "deviation", "splits", "seconds", "status", "parts",
                                   "parameters"]  # fmt: skip
    assert board.index.name == "trial"
    assert sorted(board.index) == list(range(6))
    assert board.loss.is_monotonic_increasing
    assert board.loss.iloc[0] == estimator.best_loss_
    assert board.parts.str.startswith("MinMaxScaler > ").all()
    best = estimator.trials_.history.best
    row = board.loc[best.number]
    assert row.deviation == pytest.approx(best.outcome.info["loss_variance"] ** 0.5)
    assert row.seconds > 0
    assert row.parameters["MinMaxScaler.clip"] is True
    assert row.parameters.keys() <= {
        *(f"MinMaxScaler.{name}" for name in ("clip", "feature_range")),
        *(f"{row.parts.split(' > ')[1]}.{name}"
          for name in estimator.best_model()["learner"].get_params()),
    }  # fmt: skip


def test_candidates_without_a_loss():
    """One that failed or was ended early has its parts in the table, too, and stands last."""
    kinds = [ours.logistic_regression("l", C=-1.0), ours.gaussian_nb("b")]
    estimator = quick(classifier=hp.choice("c", kinds), algo=rand.suggest, max_evals=10)
    board = estimator.fit(X, Y).leaderboard()
    assert board.status.iloc[-1] == "failed"
    assert board.parts.iloc[-1] == "LogisticRegression"
    assert board.parameters.iloc[-1]["LogisticRegression.C"] == -1.0
    assert np.isnan(board.loss.iloc[-1])


@scope.define
def bayes_or_an_error(smoothing):
    """A classifier, but of a high smoothing none."""
    if smoothing > 0.5:
        raise ValueError("too smooth")
    return GaussianNB(var_smoothing=smoothing)


def test_candidates_that_cannot_be_built():
    """One whose expression raises has no parts in the table, and its labels in the error."""
    space = scope.bayes_or_an_error(hp.uniform("smoothing", 0, 1))
    board = quick(classifier=space, algo=rand.suggest, max_evals=6).fit(X, Y).leaderboard()
    assert set(board.parts[board.status == "failed"]) == {""}
    assert set(board.parts[board.status == "ok"]) == {"GaussianNB"}
    never = scope.bayes_or_an_error(hp.uniform("smoothing", 0.6, 1))
    with pytest.raises(AllTrialsFailed, match=r"(?s)trial 0 with {'smoothing': .*too smooth"):
        quick(classifier=never, max_evals=2).fit(X, Y)


def test_a_table_needs_pandas(monkeypatch):
    """Without pandas a table says what to install."""
    estimator = quick().fit(X, Y)
    monkeypatch.setitem(__import__("sys").modules, "pandas", None)
    with pytest.raises(ImportError, match=r"leaderboard needs pandas, .* pip install"):
        estimator.leaderboard()


def same(one, two):
    """Whether two pipelines were built alike."""

    def shown(pipeline):
        return [(name, type(step), _plain(step)) for name, step in pipeline.steps]

    return shown(one) == shown(two)


def _plain(step):
    return {name: repr(value) for name, value in step.get_params().items()}


def built_by(script):
    """The pipeline that a script builds, when it is imported."""
    found = {"__name__": "best"}
    exec(script, found)
    return found["pipeline"]


@pytest.mark.parametrize("name", [name for name in COMPONENTS if COMPONENTS[name].is_here])
def test_scripts_of_every_component(name):
    """The script builds the pipeline as it was before it was fitted, whatever is drawn."""
    options, (rows, targets) = around(COMPONENTS[name])
    pipeline = _unfitted(options, rows, targets)
    assert same(built_by(script_of(pipeline)), clone(pipeline))


def _unfitted(options, rows, targets):
    """A drawn pipeline, as a search makes it."""
    from estimators import draw

    options = draw({k: v for k, v in options.items() if k != "loss_fn"}, 4)
    learner = options.get("classifier", options.get("regressor"))
    return make_pipeline(*options["preprocessing"], learner)


def test_a_script_of_a_frame():
    """A script is short, needs no sparktune, and builds a pipeline that fits as the best one."""
    frame = pd.DataFrame(X).assign(
        e=[None, *"ab"] * 25, f=[f"k{n % 20}" for n in range(75)]
    )  # fmt: skip
    frame.columns = frame.columns.astype(str)
    estimator = quick(preprocessing=[ours.pca("p")], max_evals=2).fit(frame, Y)
    script = estimator.to_script()
    assert "sparktune" not in script
    assert max(map(len, script.splitlines())) <= 100
    assert len(script.splitlines()) < 70
    assert ast.get_docstring(ast.parse(script)).startswith("The best pipeline of a search: Column")
    assert same(built_by(script), clone(estimator.best_pipeline_))
    again = built_by(script).fit(frame, Y)
    assert (again.predict(frame) == estimator.predict(frame)).all()


def test_scripts_of_anything():
    """Functions, classes, arrays, odd numbers and nested estimators can be written, too."""
    pipeline = Pipeline(
        [
            ("log", FunctionTransformer(np.log1p, kw_args={"where": True})),
            ("best", SelectKBest(f_classif, k=2)),
            ("inner", make_pipeline(StandardScaler(with_std=False))),
            (
                "model",
                TransformedTargetRegressor(
                    Ridge(alpha=np.array([1.0, 2.0])),
                    transformer=None,
                    func=np.log,
                    inverse_func=np.exp,
                ),
            ),
        ]
    )
    assert same(built_by(script_of(pipeline)), pipeline)
    odd = Pipeline(
        [("model", Ridge(alpha=float("inf"), tol=np.float64(1e-3), max_iter=np.int64(7)))]
    )
    assert same(
        built_by(script_of(odd)), Pipeline([("model", Ridge(float("inf"), tol=1e-3, max_iter=7))])
    )


def test_pickles_are_small():
    """A fitted estimator is pickled without the data, and answers and goes on afterwards."""
    wide = np.random.default_rng(0).normal(size=(3000, 40))
    target = (wide[:, 0] > 0).astype(int)
    estimator = quick(classifier=trees(max_depth=3)).fit(wide, target)
    pickled = pickle.dumps(estimator)
    assert len(pickled) < wide.nbytes / 10
    again = pickle.loads(pickled)
    assert (again.predict(wide) == estimator.predict(wide)).all()
    assert again.leaderboard().equals(estimator.leaderboard())
    assert len(again.fit(wide, target, warm_start=True).trials_) == 6
    again.retrain_best_model_on_full_data(wide, target)


def test_best_model_of_a_wrapped_learner():
    """best_model has the parts as they stand in the pipeline, fitted."""
    estimator = quick(regressor=ours.transformed_target_regressor("t"),
                      preprocessing=[ours.standard_scaler("s"), ours.pca("p")])  # fmt: skip
    best = estimator.fit(*DIABETES).best_model()
    assert best["learner"] is estimator.best_pipeline_[-1]
    assert [type(step).__name__ for step in best["preprocs"]] == ["StandardScaler", "PCA"]
    assert best["ex_preprocs"] == ()
