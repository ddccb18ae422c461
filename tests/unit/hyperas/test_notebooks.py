"""Cells of IPython, whose source is in no file."""

import pytest

pytest.importorskip("IPython")

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


def test_scripts(run_python):
    """A function of a script is read from the script's file."""
    assert run_python(SUBMITTED).stdout == "['return']\n"
