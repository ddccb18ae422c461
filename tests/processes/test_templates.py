"""Functions with templates in scripts and in cells of IPython, whose source is in no file."""

import pytest

SCRIPT = """
import sparktune.hyperas
sparktune.hyperas.install()
sparktune.hyperas.install()
from hyperas import optim
from hyperas.distributions import *
from hyperas.ensemble import VotingModel
from hyperas.utils import eval_hyperopt_space
from sparktune.hyperopt import STATUS_OK, Trials, tpe

def data():
    return 1, 2

def create_model(x_train, y_train):
    units = {{choice([8, 16])}}
    if conditional({{choice(['one', 'two'])}}) == 'two':
        units += {{uniform(0, 1)}}
    return {'loss': units + x_train, 'status': STATUS_OK, 'model': units}

if __name__ == "__main__":
    trials = Trials()
    best_run, best_model, space = optim.minimize(
        model=create_model, data=data, algo=tpe.suggest, max_evals=5, trials=trials,
        return_space=True, verbose=False)
    for trial in trials:
        assert eval_hyperopt_space(space, trial['misc']['vals'])['units'] in (8, 16)
    print(sorted(best_run), best_model in (8, 16) or type(best_model))
"""


def test_scripts_of_hyperas(run_python):
    """A script of Hyperas' runs on with its own imports."""
    said = run_python(SCRIPT).stdout
    assert said.startswith("['conditional', 'units'")


def test_hyperas_that_was_imported(run_python):
    """Where Hyperas itself is there already, that is said."""
    script = (
        "import sys, types; sys.modules['hyperas'] = types.ModuleType('hyperas')\n"
        "import sparktune.hyperas\ntry: sparktune.hyperas.install()\n"
        "except RuntimeError as error: print(error)\n"
    )
    assert run_python(script).stdout.startswith("hyperas has been imported already")


CELLS = """
from IPython.core.interactiveshell import InteractiveShell

shell = InteractiveShell.instance()
shell.run_line_magic("colors", "NoColor")
CELLS = [
    "from sparktune.hyperas import optim\\nfrom sparktune.hyperas.distributions import *",
    "%time N = 2\\n\\ndef model(x):\\n    units = {{choice([8, 16])}}\\n    return units + N",
    "best, _ = optim.minimize(model, lambda: 1, max_evals=4, verbose=False)\\nprint(best)",
    "print(repr(optim.space_of(model)))",
    "def model():\\n    return {{choice([1, 2])}} / {{choice([0, 0])}}",
    "optim.minimize(model, None, max_evals=2, verbose=False)",
]
for cell in CELLS:
    done = shell.run_cell(cell, store_history=True)
    if done.error_in_exec is not None:
        print(type(done.error_in_exec).__name__)
"""


def test_cells(run_python, tmp_path):
    """A function of a cell is read from the cell, also after it was run again."""
    pytest.importorskip("IPython")
    said = run_python(CELLS, env={"IPYTHONDIR": str(tmp_path)}).stdout
    assert "{'units': 8}" in said
    assert "always  Cell In[2]:4\n" in said
    assert "ZeroDivisionError" in said
    assert "return {{choice([1, 2])}} / {{choice([0, 0])}}" in said  # in the traceback


SUBMITTED = """
from sparktune.hyperas import optim
from sparktune.hyperas.distributions import *

def model():
    return {{uniform(0, 1)}}

if __name__ == "__main__":
    print(sorted(optim.minimize(model, None, max_evals=3)[0]))
"""


def test_a_script(run_python):
    """A function of a script is read from the script's file."""
    assert run_python(SUBMITTED).stdout == "['return']\n"
