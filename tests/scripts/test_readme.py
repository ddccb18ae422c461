"""Every Python example of the README and the docs runs as it stands."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = {
    str(path.relative_to(ROOT)): re.findall(r"^```python\n(.*?)^```", path.read_text(), re.M | re.S)
    for path in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    if path.name != "mlflow.md"  # which tests/mlflow runs, where MLflow is installed
}


def test_there_are_examples():
    """The pages that show how to use the package have examples that are run here."""
    assert {
        "README.md",
        "docs/runs.md",
        "docs/resume.md",
        "docs/objectives.md",
        "docs/ask-and-tell.md",
        "docs/estimator.md",
        "docs/templates.md",
    } <= {page for page, blocks in PAGES.items() if blocks}


SLOW = (
    "docs/clusters.md",
    "docs/databricks.md",
    "docs/estimator.md",
    "docs/migrating.md",
    "docs/quickstart.md",
    "docs/spark.md",
    "docs/workers.md",
)


@pytest.mark.parametrize(
    "page",
    [
        pytest.param(page, marks=pytest.mark.full if page in SLOW else ())
        for page, blocks in PAGES.items()
        if blocks
    ],
)
def test_the_examples_of_a_page(page, tmp_path):
    """The examples of a page run one after the other, as one script in an empty folder."""
    script = tmp_path / "script.py"
    script.write_text("\n".join(PAGES[page]))
    environment = {**os.environ, "PYSPARK_PYTHON": sys.executable}
    command = [sys.executable, str(script)]
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    if page == "docs/ask-and-tell.md":
        assert "'n': 1" in done.stdout
    if page == "README.md":
        best = next(line for line in done.stdout.splitlines() if "'layers': " in line)
        assert float(best.split()[-1]) < 1  # by chance, one in five draws is so low
