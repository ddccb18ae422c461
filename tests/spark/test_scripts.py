"""Scripts whose trials find the names of the script, on each kind of session."""

import sys

import pytest
from scripts import OF_MAIN


@pytest.mark.full
@pytest.mark.deployments("local", "connect")
def test_a_script_finds_its_names_in_a_trial(request, run_python):
    """Pickle and multiprocessing find helpers of the script by name in a trial on Spark."""
    kind = request.config.option.spark
    done = run_python(OF_MAIN, kind, env={"PYSPARK_PYTHON": sys.executable})
    assert done.stdout.splitlines()[-1] == "all is well"
