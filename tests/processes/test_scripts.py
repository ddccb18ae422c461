"""Scripts: what a fresh interpreter imports and misses, and what goes on in the next one."""

import pickle

import numpy as np
import pytest
from estimators import IRIS, TEXTS, quick

from sparktune import hpsklearn as ours

# What is imported, and in which order.


def test_importing_the_package_loads_nothing_heavy(run_python):
    """`import sparktune` brings numpy and scipy.special, and leaves the rest for their use."""
    heavy = ["pyspark", "py4j", "scipy.stats", "scipy.optimize", "scipy.linalg", "tqdm"]
    heavy += ["sklearn", "pandas", "matplotlib", "IPython"]
    script = f"""
import sys, numpy, scipy.special
before = set(sys.modules)  # older releases of scipy.special bring scipy.linalg along
import sparktune
print([m for m in {heavy} if m in sys.modules and m not in before])
"""
    assert run_python(script).stdout.strip() == "[]"


def test_the_package_needs_no_extra(run_python):
    """Where nothing but the core dependencies is installed, a search runs and shows itself."""
    extras = ["pyspark", "sqlalchemy", "psycopg", "pandas", "sklearn", "matplotlib", "rich"]
    extras += ["optuna", "IPython", "ipykernel", "ipywidgets"]
    script = f"""
import sys
sys.modules.update(dict.fromkeys({extras}))
from sparktune import Trials, fmin, hp
trials = Trials()
fmin(lambda x: x, hp.uniform("x", 0, 1), max_evals=2, trials=trials)
print("2 ok" in repr(trials))
"""
    assert run_python(script).stdout.strip() == "True"


@pytest.mark.parametrize("name", ["fmin", "search"])
@pytest.mark.parametrize("first", ["name", "module"])
def test_functions_with_the_name_of_their_module(run_python, name, first):
    """sparktune.fmin and .search stay functions, whichever of them was imported first."""
    lines = [f"from sparktune import {name}", f"import sparktune.{name}"]
    script = "\n".join(
        [
            *(lines if first == "name" else lines[::-1]),
            "import sys, importlib, types",
            f"assert isinstance({name}, types.FunctionType)",
            f"assert sparktune.{name} is {name}",
            f"module = sys.modules['sparktune.{name}']",
            f"assert module.{name} is {name}",
            f"assert importlib.import_module('sparktune.{name}') is module",
            f"from sparktune.{name} import {name} as again",
            f"assert sparktune.{name} is again is {name}",
            "print('fine')",
        ]
    )
    assert run_python(script).stdout.strip() == "fine"


def test_the_room_is_imported_without_matplotlib(run_python):
    """Importing sparktune loads no plots, and importing these no matplotlib."""
    script = """
import sys, sparktune
before = "sparktune.plots" in sys.modules
import sparktune.plots
print(before, sparktune.plots.plot_edf.__name__, "matplotlib" in sys.modules)
"""
    assert run_python(script).stdout.split() == ["False", "plot_edf", "False"]


# What is missing.


def test_without_pyspark_everything_but_spark_works(run_python):
    """Where pyspark is missing, Trials works and SparkTrials names the extra to install."""
    script = """
import sys
sys.modules["pyspark"] = None  # as if it were not installed
from sparktune import fmin, hp, SparkTrials, Trials
print(fmin(lambda x: x ** 2, hp.uniform("x", -1, 1), max_evals=5, show_progressbar=False))
try:
    SparkTrials()
except ImportError as error:
    print(error)
"""
    out = run_python(script).stdout
    assert "{'x': " in out
    assert "pip install 'sparktune[spark]'" in out


def test_without_any_sign_of_mlflow_nothing_is_tracked(run_python):
    """A program without MLflow, on a machine that says nothing of it, logs nothing."""
    script = """
import os, sys
for name in ("MLFLOW_TRACKING_URI", "MLFLOW_RUN_ID", "DATABRICKS_RUNTIME_VERSION"):
    os.environ.pop(name, None)
from sparktune import fmin, hp
from sparktune.tracking.choice import is_wanted
fmin(lambda c: c, hp.uniform("x", 0, 1), max_evals=2, show_progressbar=False)
print(is_wanted(None), "mlflow" in sys.modules)
"""
    assert run_python(script).stdout.split() == ["False", "False"]


# What goes on in the next session.


def test_a_pickle_goes_on_in_another_process(tmp_path, run_python):
    """A Tuner of a script, with an algo of the script's own, goes on in the next one."""
    path = str(tmp_path / "tuner.pkl")
    first = f"""
import pickle
from sparktune import Tuner, hp, rand
def algo(new_ids, domain, trials, seed):
    return rand.suggest(new_ids, domain, trials, seed)
class Model: pass
tuner = Tuner({{"x": hp.uniform("x", 0, 1), "m": hp.choice("m", [Model, 1])}}, algo, rstate=0)
tuner.ask(2)
with open({path!r}, "wb") as file:
    pickle.dump(tuner, file)
print(tuner.ask().values)
"""
    then = f"""
import pickle
with open({path!r}, "rb") as file:
    tuner = pickle.load(file)
print(tuner.ask().values)
tuner.tell(1, 0.5)
assert [c.number for c in tuner.pending] == [0, 2]
"""
    assert run_python(first).stdout == run_python(then).stdout


def test_classes_of_a_script_are_the_same_by_name_and_content(run_python, tmp_path):
    """What a script pickled by value goes on in its next session; an edited function does not."""
    script = """
import dataclasses, functools, pickle, sys
from sparktune import BadSearchSpace, Trials, fmin, hp

@dataclasses.dataclass
class Model:
    depth: int
    def fit(self):
        return self.depth

class Plain:
    __slots__ = ("a",)
    def __init__(self, a): self.a = a

def scale(x):
    return x * FACTOR

options = [Model(1), Plain(2), Model, scale, functools.partial(scale, 3), Model(4).fit, lambda x: x]
trials = pickle.load(open(PATH, "rb")) if AGAIN else Trials()
try:
    fmin(lambda c: 0.0, {"o": hp.choice("o", options)}, max_evals=2 + 2 * AGAIN, trials=trials,
         rstate=0, show_progressbar=False)
except BadSearchSpace as error:
    print(error)
pickle.dump(trials, open(PATH, "wb"))
print(len(trials))
"""
    path = f"PATH = {str(tmp_path / 'trials.pickle')!r}\n"
    assert run_python(f"AGAIN = 0\n{path}{script.replace('FACTOR', '2')}").stdout.strip() == "2"
    assert run_python(f"AGAIN = 1\n{path}{script.replace('FACTOR', '2')}").stdout.strip() == "4"
    edited = run_python(f"AGAIN = 1\n{path}{script.replace('FACTOR', '3')}").stdout
    assert "'o' lost the option" in edited


LOADED = """
import pickle, runpy, sys
class Nothing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "sparktune":
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Nothing())
for path in sys.argv[2:]:
    with open(path, "rb") as file:
        pipeline, X = pickle.load(file)
    print(len(pipeline.predict(X)))
runpy.run_path(sys.argv[1], run_name="__main__")
"""


def test_the_best_pipeline_needs_no_sparktune(run_python, tmp_path):
    """Pickles of best_pipeline_ and the script work where sparktune cannot be imported."""
    X, Y = IRIS
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(X).assign(e=[None, *"ab"] * 25)
    frame.columns = frame.columns.astype(str)
    texts = np.array(TEXTS[0], object)
    fits = [
        (quick(preprocessing=[ours.ts_lagselector("l")]), X, Y),
        (quick(), frame, Y),
        (ours.HyperoptEstimator(classifier=ours.multinomial_nb("m"), max_evals=1), texts, TEXTS[1]),
    ]
    paths = [tmp_path / f"{number}.pkl" for number in range(len(fits))]
    for path, (estimator, rows, targets) in zip(paths, fits, strict=True):
        path.write_bytes(pickle.dumps((estimator.fit(rows, targets).best_pipeline_, rows)))
    script = tmp_path / "best.py"
    script.write_text(fits[1][0].to_script())
    *counts, shown = run_python(LOADED, *map(str, [script, *paths])).stdout.splitlines()[:4]
    assert counts == ["75", "75", "60"]
    assert shown.startswith("Pipeline(steps=[('encoder'")
