"""What stands in for sparktune where it is not installed."""

import pickle
import subprocess
import sys
from pathlib import Path

import sparktune
from sparktune.engines.shipping import stand_in_names
from sparktune.engines.travels import sources
from sparktune.history.documents import STATUS_STRINGS

SCRIPT = """
import importlib.util, pickle, sys
sys.path.insert(0, sys.argv[1])
import sources
sys.path.pop(0)
assert importlib.util.find_spec("sparktune") is None
worker = sources.load(open(sys.argv[2], "rb").read())
sys.modules[worker.__package__ + ".stand_in"].install()

import sparktune
from sparktune import STATUS_OK, Status
from sparktune.history import STATUS_FAIL, Status as same
from sparktune.history.trial import Status as origin
assert Status is same is origin is sparktune.Status
sparktune_trial = sys.modules[worker.__package__ + ".trial"]
for each in ("TrialPruned", "TrialContext"):
    assert getattr(sparktune, each) is getattr(sparktune_trial, each)
errors = []
for what in ("sparktune.nothing", "sparktune.history.trial.Outcome"):
    try:
        eval(what)
    except AttributeError as error:
        errors.append(str(error))
from sparktune import fmin
try:
    fmin(1)
except TypeError as error:
    errors.append(str(error))
import hyperopt, sparktune.hyperopt
from hyperopt.base import STATUS_OK as theirs
assert theirs == hyperopt.STATUS_OK == sparktune.hyperopt.STATUS_OK == STATUS_OK
try:
    hyperopt.fmin
except AttributeError as error:
    errors.append(str(error).replace("hyperopt is not", "sparktune is not"))
found = [STATUS_OK, STATUS_FAIL, Status.OK, sparktune.STATUS_STRINGS, sparktune.JOB_STATE_DONE]
sys.stdout.buffer.write(pickle.dumps((found, errors)))
"""


def test_objectives_find_the_statuses_where_sparktune_is_not_installed(tmp_path):
    """An interpreter without sparktune finds its statuses, which are ours where they come back."""
    code = tmp_path / "code"
    code.write_bytes(sources.texts(stand_in_names()))
    folder = str(Path(sources.__file__).parent)
    command = [sys.executable, "-S", "-c", SCRIPT, folder, str(code)]
    done = subprocess.run(command, cwd=tmp_path, env={}, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    (ok, fail, status, strings, number), errors = pickle.loads(done.stdout)
    assert (ok, fail, strings) == (sparktune.STATUS_OK, sparktune.STATUS_FAIL, STATUS_STRINGS)
    assert status is sparktune.Status.OK
    assert number == sparktune.JOB_STATE_DONE
    assert len(errors) == 4
    assert all("sparktune is not installed for " in error for error in errors)


def test_every_status_that_is_public_has_a_stand_in():
    """What an objective may return by name is there under the same name."""
    there = pickle.loads(stand_in_names())["sparktune"]
    public = {name for name in sparktune.__all__ if name.startswith(("STATUS", "JOB_STATE"))}
    assert public <= set(there)
    assert all(there[name] == getattr(sparktune, name) for name in public)
    members = dict(there["Status"]["members"])
    assert members == {each.name: each.value for each in sparktune.Status}
