"""Whatever breaks on a deployment, each trial ends as promised."""

import subprocess
import sys
from pathlib import Path

import pytest

FAULTS = Path(__file__).parents[2] / "benchmarks" / "faults.py"

pytestmark = [pytest.mark.full, pytest.mark.deployments("local", "standalone", "connect")]


def test_every_fault_ends_as_promised(deployment, tmp_path):
    """Whatever breaks, no trial is lost, none is recorded twice, and the run ends well."""
    done = subprocess.run(
        [sys.executable, str(FAULTS), "--only", deployment],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    print(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr[-3000:]
    assert "NOT AS PROMISED" not in done.stdout
    assert len(done.stdout.splitlines()) > 12
