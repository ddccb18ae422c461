"""The room under Hyperopt's name, and what it has not."""

import pickle
import subprocess
import sys
from pathlib import Path

import pytest
from quiet_runs import run, square

import sparktune.hyperopt as hyperopt
from sparktune.hyperopt import hp
from sparktune.hyperopt.ipy import IPythonTrials
from sparktune.hyperopt.mongoexp import MongoTrials


@pytest.fixture
def fake_hyperopt(tmp_path):
    """A package of that name beside the script that run_python runs."""
    (tmp_path / "hyperopt").mkdir()
    (tmp_path / "hyperopt" / "__init__.py").write_text("THEIRS = True\nfrom .base import Trials\n")
    (tmp_path / "hyperopt" / "base.py").write_text("class Trials: pass\n")


USES = """
import hyperopt, hyperopt.pyll.stochastic, hyperopt.base as base
from hyperopt import fmin, hp, rand, tpe, Trials, STATUS_OK
from hyperopt.fmin import space_eval, generate_trials_to_calculate
from hyperopt.pyll.base import scope
from hyperopt.pyll_utils import hp_choice
import sparktune.hyperopt
assert hyperopt is sparktune.hyperopt
assert base.Trials is Trials is sparktune.hyperopt.Trials
assert hp_choice is hp.choice
best = fmin(lambda c: c["n"], {"n": scope.int(hp.quniform("n", 1, 5, 1))}, algo=rand.suggest,
            max_evals=20, rstate=0, show_progressbar=False)
print("ran", best)
"""


def test_install_gives_the_room_hyperopts_name(run_python):
    """After install() all imports of Hyperopt are the room's own modules, without Hyperopt."""
    done = run_python("import sparktune.hyperopt\nsparktune.hyperopt.install()\n" + USES)
    assert "ran {'n': 1.0}" in done.stdout


def test_modules_have_the_modules_that_programs_reach_through_them():
    """Programs write hyperopt.base.pyll for hyperopt.pyll."""
    assert hyperopt.base.pyll is hyperopt.pyll


def test_install_goes_before_an_installed_hyperopt(run_python, fake_hyperopt):
    """Where Hyperopt is installed, the room is imported in its place."""
    script = "import sparktune.hyperopt\nsparktune.hyperopt.install()\n" + USES
    done = run_python(script + "print(hasattr(hyperopt, 'THEIRS'))")
    assert "ran {'n': 1.0}" in done.stdout
    assert done.stdout.endswith("False\n")


def test_install_refuses_where_hyperopt_is_imported(run_python, fake_hyperopt, tmp_path):
    """Once Hyperopt is imported, install() refuses and names who did it."""
    (tmp_path / "helper.py").write_text("from hyperopt import Trials\n")
    script = """
import helper
from sparktune.hyperopt import install
try:
    install()
except RuntimeError as error:
    print(error)
import hyperopt
print(hyperopt.THEIRS)
"""
    done = run_python(script)
    assert "by helper" in done.stdout
    assert done.stdout.endswith("True\n")


def test_install_again_does_nothing(run_python):
    """Calling install() twice is as calling it once."""
    script = """
from sparktune.hyperopt import install
install()
import hyperopt
install()
import hyperopt.base
print(hyperopt.base.Trials.__module__)
"""
    assert run_python(script).stdout == "sparktune.hyperopt.base\n"


def test_pickles_of_hyperopt_load_after_install(run_python, tmp_path):
    """Trials whose pickle names Hyperopt's modules load as the room's, and go on."""
    pickled = pickle.dumps(run(3, square, hp.uniform("x", 0, 1)), protocol=0)
    renamed = pickled.replace(b"sparktune.hyperopt.base", b"hyperopt.base")
    (tmp_path / "trials.pkl").write_bytes(renamed)
    script = """
import pickle
from sparktune.hyperopt import install
install()
from hyperopt import fmin, hp, rand
with open("trials.pkl", "rb") as file:
    trials = pickle.load(file)
fmin(lambda x: x, hp.uniform("x", 0, 1), rand.suggest, 5, trials=trials, rstate=7,
     show_progressbar=False)
print(len(trials), len(set(trials.vals["x"])), type(trials).__module__)
"""
    assert run_python(script).stdout == "5 5 sparktune.hyperopt.base\n"


def room(folder, *words):
    """What `python -m sparktune.hyperopt ...` does in a folder."""
    command = [sys.executable, "-m", "sparktune.hyperopt", *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_a_script_runs_without_any_edit(tmp_path):
    """A script runs as the main program, with its arguments and the modules beside it."""
    home = tmp_path / "scripts"
    home.mkdir()
    (home / "beside.py").write_text("from hyperopt import hp\nspace = hp.uniform('x', 0, 1)\n")
    (home / "script.py").write_text(
        """
import sys
from hyperopt import fmin, rand
import hyperopt, beside
if __name__ == "__main__":
    fmin(lambda x: x, beside.space, rand.suggest, int(sys.argv[2]), show_progressbar=False)
    print(sys.argv, hyperopt.__name__)
    sys.exit(3)
"""
    )
    done = room(tmp_path, "scripts/script.py", "--n", "4")
    assert done.stdout == "['scripts/script.py', '--n', '4'] sparktune.hyperopt\n", done.stderr
    assert done.returncode == 3


def test_a_traceback_begins_with_the_script(tmp_path):
    """What a script raises is shown as Python shows it, without what runs the script."""
    (tmp_path / "script.py").write_text("def deep():\n    raise ValueError('no')\n\n\ndeep()\n")
    done = room(tmp_path, "script.py")
    own = subprocess.run(
        [sys.executable, "script.py"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    frames = [line for line in done.stderr.splitlines() if line.startswith("  File")]
    assert [frame.rsplit(" ", 1)[1] for frame in frames] == ["<module>", "deep"]
    assert done.stderr.splitlines()[-1] == own.stderr.splitlines()[-1] == "ValueError: no"
    assert done.returncode == own.returncode == 1


def test_a_script_finds_the_room_before_hyperopt(tmp_path, fake_hyperopt):
    """A script beside an installed Hyperopt gets the room."""
    (tmp_path / "script.py").write_text("import hyperopt\nprint(hasattr(hyperopt, 'THEIRS'))\n")
    assert room(tmp_path, "script.py").stdout == "False\n"


def test_the_command_says_how_it_is_used(tmp_path):
    """Without a script, or with one that is not there, the command says so and fails."""
    assert "usage" in room(tmp_path).stderr
    missing = room(tmp_path, "none.py")
    assert (missing.returncode, missing.stderr) == (1, "there is no script none.py\n")


def test_the_room_imports_nothing_heavy(run_python):
    """Importing the room loads no pyspark, scikit-learn, matplotlib or pandas."""
    script = """
import sys
import sparktune.hyperopt
print([n for n in ("pyspark", "sklearn", "matplotlib", "pandas", "tqdm") if n in sys.modules])
"""
    assert run_python(script).stdout == "[]\n"


def test_the_folder_of_pages_has_a_table_of_what_differs():
    """The page on moving has the table that the tests beside Hyperopt read."""
    page = Path(__file__).parents[2] / "docs" / "migrating.md"
    assert "| what | Hyperopt 0.3.0 | sparktune.hyperopt |" in page.read_text()


def test_what_is_not_here_says_where_to_go():
    """MongoTrials and IPythonTrials exist and say what to use instead."""
    with pytest.raises(NotImplementedError, match="SparkTrials"):
        IPythonTrials()
    with pytest.raises(NotImplementedError, match=r"sparktune worker --store .* --exp-key exp2"):
        MongoTrials("mongo://host/db/jobs", exp_key="exp2")


@pytest.mark.parametrize("password", ["hush", "h@sh", "hu/sh", "hu:s@h/x"])
def test_the_password_of_a_mongodb_is_not_shown(password):
    """What MongoTrials says of its URL has no password, however that is written."""
    with pytest.raises(NotImplementedError) as caught:
        MongoTrials(f"mongo://me:{password}@host:1/db/jobs")
    assert "'mongo://host:1/db/jobs'" in str(caught.value)
    assert password not in str(caught.value)
