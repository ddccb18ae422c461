"""The engines of this machine keep what every engine promises."""

import enum
import pickle
import sys

import cloudpickle
import pytest
from engine_suite import *  # noqa: F403
from engine_suite import Kind, ended, task
from hypothesis import given
from hypothesis import strategies as st
from pickling_engine import Pickling
from properties import examples
from scripts import OF_MAIN

from sparktune import EngineStopped, Trials, fmin, hp
from sparktune.engines.base import Option, RunSpec, Task
from sparktune.engines.local import Serial, Threads
from sparktune.engines.processes import Processes

OF_PROCESSES = frozenset({"side_by_side", "travels", "own_process", "limits", "hears"})
ENGINES = {
    "serial": Kind(lambda _: Serial(), frozenset({"here", "limits", "hears"})),
    "threads": Kind(lambda _: Threads(4), frozenset({"here", "side_by_side", "limits", "hears"})),
    "pickling": Kind(
        lambda _: Pickling(4), frozenset({"side_by_side", "travels", "small_results"})
    ),
    "processes": Kind(lambda _: Processes(4), OF_PROCESSES),
}


@pytest.mark.parametrize("python", ["/nowhere/python", "", "/bin/false"])
def test_an_interpreter_that_cannot_be_started_is_everyones_fault(python, monkeypatch):
    """Where no process for trials can be started, fmin ends with that reason."""
    monkeypatch.setattr(sys, "executable", python)
    trials = Trials(parallelism=2)
    with pytest.raises(EngineStopped, match="before the objective began"):
        fmin(abs, hp.uniform("x", 0, 1), trials=trials, timeout=60, show_progressbar=False)
    assert 3 <= len(trials) <= 4


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


def test_a_script_finds_its_names_in_a_trial(run_python):
    """Pickle and multiprocessing find helpers of the script by name in a trial, as outside."""
    made = run_python(OF_MAIN, "processes").stdout
    assert made.splitlines()[-1] == "all is well"


def test_processes_started_anew_inside_a_trial_import_the_script(run_python):
    """A spawned process of a trial imports the script, which may not begin its search again."""
    script = """
import multiprocessing, os
from sparktune import Trials, fmin, hp
def helper(x):
    return 2 * x
def objective(x):
    context = multiprocessing.get_context("spawn")
    if "UNGUARDED" in os.environ:
        process = context.Process(target=helper, args=(1,))
        process.start()
        process.join()
        return float(process.exitcode)
    with context.Pool(1) as pool:
        return float(pool.map(helper, [1])[0])
if "UNGUARDED" in os.environ or __name__ == "__main__":
    trials = Trials(executor="processes")
    fmin(objective, hp.uniform("x", 0, 1), max_evals=1, trials=trials, show_progressbar=False)
    print(trials.losses())
"""
    assert "[2.0]" in run_python(script).stdout
    unguarded = run_python(script, env={"UNGUARDED": "1"})
    assert "[1.0]" in unguarded.stdout
    assert "put what runs below `if __name__" in unguarded.stderr


def _things():
    """Objects of every kind that is compared by identity, none of them known by name."""

    class Layer:
        def __init__(self, of=None):
            self.of = of

    class Color(enum.Enum):
        RED = 1
        BLUE = 2

    leaf = st.sampled_from(
        [Layer, Color.RED, Color, lambda x: x, float("nan"), "two words", 12345.5, pickle]
    ) | st.builds(object) | st.builds(Layer)  # fmt: skip
    return st.recursive(
        leaf, lambda inner: st.builds(Layer, inner) | st.lists(inner, max_size=2).map(Layer)
    )


@examples(60)
@given(st.lists(_things(), min_size=1, max_size=5), st.data())
def test_one_object_stays_one_wherever_it_is_referred_to(things, data):
    """Whatever options are and hold, and wherever the objective has them, identity is kept."""
    held = data.draw(st.lists(st.sampled_from(range(len(things))), max_size=4))
    wrapped = data.draw(st.sampled_from(range(len(things))))
    outer = {"deep": [things[wrapped]]}
    closure, default = [things[i] for i in held], tuple(things[i] for i in held)

    def objective(config, default=default):
        same = [config[i] is closure[at] is default[at] for at, i in enumerate(held)]
        keys = {id(item): item for item in config[:-1]}
        same += [keys[id(item)] is item for item in closure]
        return float(all(same) and config[-1]["deep"][0] is config[wrapped])

    engine = Pickling(1)
    options = {id(item): Option(item, "label") for item in things}
    engine.open(RunSpec(objective, "r", tuple(options.values())))
    assert ended(engine.submit(task(0, [*things, outer]))).loss == 1.0
    engine.close()
    by_value = cloudpickle.list_registry_pickle_by_value()
    assert by_value <= {name for name in sys.modules if name.endswith(".travels")}
