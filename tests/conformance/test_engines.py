"""The engines of this machine keep what every engine promises."""

import sys

from engine_suite import *  # noqa: F403
from engine_suite import Kind
from pickling_engine import Pickling

from sparktune.engines.base import RunSpec, Task
from sparktune.engines.local import Serial, Threads
from sparktune.engines.processes import Processes

OF_PROCESSES = frozenset({"side_by_side", "travels", "own_process", "limits"})
ENGINES = {
    "serial": Kind(lambda _: Serial(), frozenset({"here", "limits"})),
    "threads": Kind(lambda _: Threads(4), frozenset({"here", "side_by_side", "limits"})),
    "pickling": Kind(
        lambda _: Pickling(4), frozenset({"side_by_side", "travels", "small_results"})
    ),
    "processes": Kind(lambda _: Processes(4), OF_PROCESSES),
}


def test_processes_find_what_this_process_finds(tmp_path, monkeypatch):
    """Folders that were added to sys.path since, this folder too, are found behind their own."""
    for folder in ("here", "added"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / f"is_{folder}.py").write_text("value = 1.0\n")
        (tmp_path / folder / "colorsys.py").write_text("raise ImportError('not Python\\'s own')\n")

    def objective(names):
        import colorsys  # noqa: F401

        return sum(__import__(name).value for name in names)

    engine = Processes(1)
    engine.open(RunSpec(objective, "r"))
    try:
        before = engine.submit(Task(0, 0, ["is_here"], {"seed": 1})).result(120).outcome
        monkeypatch.chdir(tmp_path / "here")
        monkeypatch.setattr(sys, "path", ["", str(tmp_path / "added"), *sys.path])
        after = engine.submit(Task(1, 0, ["is_here", "is_added"], {"seed": 1})).result(120).outcome
    finally:
        engine.close()
    assert "No module named 'is_here'" in before.error
    assert after.loss == 2.0


def test_everything_that_is_printed_arrives(run_python):
    """What trials print reaches a slow reader whole, also where the trial crashes after it."""
    script = """
import os
from sparktune import Trials, fmin, hp
def objective(x, trial):
    print("x" * 30_000)
    if trial.number == 2:
        os._exit(1)
    return x
fmin(objective, hp.uniform("x", 0, 1), max_evals=4, trials=Trials(executor="processes"),
     show_progressbar=False)
"""
    assert run_python(script).stdout.count("x") == 4 * 30_000
