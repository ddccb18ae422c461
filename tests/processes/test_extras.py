"""What needs a package that is not installed says which extra brings it."""

from importlib.metadata import metadata

import pytest

# Extra to packages that are hidden, and what is done without them.
NEEDS = {
    "spark": [("pyspark", "from sparktune import SparkTrials; SparkTrials()")],
    "connect": [
        ("pyspark", "from sparktune import SparkTrials; SparkTrials()"),
        ("grpc", "os.environ['SPARK_REMOTE'] = 'sc://127.0.0.1:1'\nSparkTrials()"),
    ],
    "pandas": [
        ("pandas", "Trials().to_pandas()"),
        ("pandas", "Trials.from_pandas(None, SPACE)"),
        ("pandas", "done().importance().to_pandas()"),
    ],
    "sklearn": [
        ("sklearn", "import sparktune.hpsklearn"),
        ("sklearn", "from sparktune.hyperopt.sklearn import HyperoptSearchCV"),
    ],
    "plots": [
        ("matplotlib", "from sparktune import plots; plots.plot_optimization_history(done())"),
        (
            "matplotlib",
            "import sparktune.hyperopt.plotting as p; p.main_plot_history(done())",
        ),
    ],
    "optuna": [
        ("optuna", "done().to_optuna()"),
        ("optuna", "Trials.from_optuna(None, SPACE)"),
    ],
    "mlflow": [
        ("mlflow", "fmin(abs, SPACE, max_evals=1, tracking=True)"),
        ("mlflow", "Trials(tracking='live')"),
        ("mlflow", "done().log_to_mlflow()"),
    ],
    "sql": [
        ("sqlalchemy", "StoreTrials('sqlite:///runs.db')"),
        ("sqlalchemy", "Trials(store='sqlite:///runs.db')"),
        ("psycopg", "StoreTrials('postgresql://somebody@127.0.0.1:1/runs')"),
    ],
    "dashboard": [
        ("starlette", "from sparktune.dashboard.serving import Dashboard; Dashboard([])"),
        ("uvicorn", "from sparktune.dashboard.serving import Dashboard; Dashboard([])"),
    ],
}
WITHOUT = {"cli", "notebook", "client"}  # what these bring is done without, or is an alternative
BUNDLES = {"all", "test", "dev", "site", "peers"}

SCRIPT = """
import os, sys
sys.modules[{package!r}] = None  # as if it were not installed
from sparktune import SparkTrials, StoreTrials, Trials, fmin, hp, rand

SPACE = hp.uniform("x", -1, 1)

def done():
    trials = Trials(tracking=False)
    fmin(abs, SPACE, algo=rand.suggest, max_evals=12, trials=trials, show_progressbar=False)
    return trials

try:
    exec({act!r})
except ImportError as error:
    print(error)
"""


@pytest.mark.parametrize(
    ("extra", "package", "act"),
    [(extra, *need) for extra, needs in NEEDS.items() for need in needs],
)
def test_the_extra_is_named(run_python, extra, package, act):
    """A feature whose package is missing is refused in one sentence that has the command."""
    said = run_python(SCRIPT.format(package=package, act=act)).stdout
    assert "needs" in said
    assert f"'sparktune[{extra}]'" in said
    assert said.count("\n") == 1


def test_every_extra_is_tried():
    """No extra is left out, but for those that are several, or that nothing needs."""
    assert set(metadata("sparktune").get_all("Provides-Extra")) == {*NEEDS, *WITHOUT, *BUNDLES}
