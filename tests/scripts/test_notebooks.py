"""The notebooks and the scripts, run as a person would run them."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def run(command, cwd):
    # the environment's own programs come first, as after activating it
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        command, cwd=cwd, env={**os.environ, "PATH": path}, capture_output=True, text=True,
        timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("launcher", ["python", "spark-submit"])
def test_tune_digits(launcher, tmp_path):
    """The digits script reaches an accuracy of 0.985 with all 100 trials accounted for."""
    script = str(ROOT / "notebooks" / "tune_digits.py")
    submit = ["spark-submit", "--properties-file", str(ROOT / "conf" / "local.conf")]
    out = run([*(submit if launcher == "spark-submit" else [sys.executable]), script], tmp_path)
    ok, failed = map(int, re.search(r"trials: (\d+) ok, (\d+) failed", out).groups())
    assert ok + failed == 100
    assert failed < 10
    assert re.search(r"best configuration: \{'kind': '(svc|knn)'", out)
    assert float(re.search(r"accuracy: (\d\.\d+)", out).group(1)) >= 0.985


@pytest.mark.slow
# the notebook client and the kernel's sockets warn of their own accord
@pytest.mark.filterwarnings("ignore")
def test_the_quickstart_notebook(tmp_path):
    """Every cell of the quickstart notebook runs, and finds what its text says."""
    text = printed_by("quickstart.ipynb", tmp_path)
    assert float(re.search(r"lowest value: (-\d\.\d+)", text).group(1)) <= -3.8
    assert float(re.search(r"accuracy in cross-validation: (\d\.\d+)", text).group(1)) >= 0.985


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_the_spark_ml_notebook(tmp_path):
    """Models of Spark ML are tuned in the driver's mode, and the best of them is good."""
    text = printed_by("spark_ml.ipynb", tmp_path)
    assert "{'ok': 24}" in text
    assert float(re.search(r"area under the curve: (\d\.\d+)", text).group(1)) >= 0.98


def printed_by(name, folder):
    """What the cells of a notebook print when it is run in ``folder``."""
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.read(ROOT / "notebooks" / name, as_version=4)
    client = NotebookClient(
        notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": folder}}
    )
    client.execute()
    return "".join(
        output.get("text", "")
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if output.get("name") == "stdout"
    )


def test_the_package_speaks_one_version():
    """The version of the package is the one of its metadata and of the changelog."""
    from importlib.metadata import version

    import sparktune

    assert version("sparktune") == sparktune.__version__
    assert f"## {sparktune.__version__}" in (ROOT / "CHANGELOG.md").read_text()
