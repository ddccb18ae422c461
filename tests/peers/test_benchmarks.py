"""The benchmarks still run beside the peers that they compare with."""

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("hyperopt")
pytest.importorskip("optuna")

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


def run(script, *words):
    """What a benchmark prints."""
    command = [sys.executable, str(BENCHMARKS / script), *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr[-3000:]
    return done.stdout


def test_quality(tmp_path):
    """Every peer minimises a problem of each kind, and the tables have a row for it."""
    peers = ["sparktune", "random", "hyperopt", "optuna", "optuna-group"]
    words = ["--rounds", "3", "--batch", "4", "--seeds", "1", "--half", "dev", "--jobs", "2"]
    picture = tmp_path / "curves.png"
    out = run("quality.py", *words, "--contenders", ",".join(peers), "--plot", str(picture))
    for name in peers:
        assert f"| {name} |" in out
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_refit():
    """The time of a suggestion is measured for every peer that is installed."""
    words = ["--sizes", "50", "--dims", "3", "--batches", "2", "--kinds", "flat", "--repeats", "1"]
    out = run("refit.py", *words, "--only", "sparktune,optuna,hyperopt", "--no-peaks")
    for name in ("sparktune", "optuna", "hyperopt"):
        assert name in out


def test_stores():
    """Trials a second are measured of a store and of Optuna's, and what a suggestion takes."""
    pytest.importorskip("sqlalchemy")
    words = ["--trials", "12", "--workers", "2", "--rounds", "1", "--databases", "sqlite"]
    out = run("stores.py", *words, "--history", "500", "--peers", sys.executable)
    assert "| sqlite | optuna |" in out
    assert "times memory" in out
