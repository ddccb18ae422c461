"""Searches in a store whose workers and drivers are killed, and whose database is restarted."""

import subprocess
import sys
from pathlib import Path

import pytest
from databases import why_no_postgres

pytest.importorskip("sqlalchemy")

STORES = Path(__file__).parents[2] / "benchmarks" / "stores.py"


@pytest.mark.full
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_every_trial_is_recorded_once_whatever_is_killed(database):
    """With workers and a driver killed, max_evals trials are recorded, each once, without holes."""
    if database == "postgresql" and why_no_postgres():
        pytest.skip(why_no_postgres())
    words = ["--chaos", "--databases", database, "--trials", "60", "--workers", "4"]
    words += ["--seconds", "0.1", "--kill-every", "8"]
    done = subprocess.run(
        [sys.executable, str(STORES), *words], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "as it should be" in done.stdout
