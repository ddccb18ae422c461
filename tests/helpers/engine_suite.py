"""What every engine promises.

A test module names its engines in ``ENGINES`` and imports all of this file; a test marked
``engines(trait, ...)`` is for the engines that have these traits.
"""

import copy
import ctypes
import enum
import functools
import importlib
import math
import os
import pickle
import re
import signal
import socket
import subprocess
import threading
import time
import uuid
from collections import Counter
from concurrent.futures import wait
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gates import Gate

from sparktune import Trials, broadcast
from sparktune.engines.base import Option, RunSpec, Task
from sparktune.engines.settings import Environment, Settings
from sparktune.exceptions import UnpicklableObjective
from sparktune.history import Status

WAIT = 120  # seconds for a future: a fault shows as an error, never as a test that hangs


@dataclass(frozen=True)
class Kind:
    """A kind of engine under test.

    Attributes:
        make: called with pytest's request; gives an engine of four slots where it has several.
        traits: "here" (evaluates in this process), "side_by_side" (several slots), "travels" (what
            it evaluates is pickled), "own_process" (a trial can be killed), "limits" (keeps a
            trial's time), "small_results" (keeps large results elsewhere), "hears" (hears reports
            while their trial runs).
    """

    make: Any
    traits: frozenset


@pytest.fixture
def reports():
    """What the engine under test has handed on: (number, attempt, step, value)."""
    return []


@pytest.fixture
def start(kind, request):
    """Opens the engine with an objective; closed after the test."""
    reports = request.getfixturevalue("reports")
    engine = request.module.ENGINES[kind].make(request)

    def opened(objective, options=(), own=(), answers=False, stops=lambda *_: False, **settings):
        def on_report(*report):
            reports.append(report)
            return stops(*report)

        run_id = f"run-{uuid.uuid4().hex}"  # processes are kept by it, beyond the test on Connect
        engine.open(
            RunSpec(objective, run_id, options, Settings(**settings), own, answers), on_report
        )
        return engine

    opened.traits = request.module.ENGINES[kind].traits
    yield opened
    engine.close()


def task(number, config, attempt=0):
    return Task(number, attempt, config, {"seed": 7, "run_id": "r"}, f"trial {number}")


def ended(future):
    """The outcome that a future ends with."""
    return future.result(timeout=WAIT).outcome


def outcome(start, objective, config=1.0):
    return ended(start(objective).submit(task(0, config)))


def lives(pid):
    """Whether a process exists and is more than an entry that its parent has not read yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_what_an_objective_returned_is_judged(start):
    """A number is the loss; a result without one is a failure that keeps what came."""
    engine = start(lambda c: np.float32(c) if c == 0.5 else {"why": c})
    number, none = (ended(engine.submit(task(i, c))) for i, c in enumerate((0.5, 2)))
    assert (number.status, number.loss, type(number.loss)) == (Status.OK, 0.5, float)
    assert number.seconds >= 0
    assert number.host
    assert none.status is Status.FAILED
    assert "must hold a real number as 'loss'" in none.error
    assert none.info["why"] == 2


def test_a_dict_keeps_all_it_holds(start):
    """Of a dict, the loss and its variance are known and the rest is kept, attachments apart."""
    answer = outcome(
        start,
        lambda c: {
            "loss": 1,
            "status": "ok",
            "loss_variance": 0.5,
            "model": [c],
            "attachments": {"big": b"x"},
        },
    )
    assert (answer.status, answer.loss, answer.variance) == (Status.OK, 1.0, 0.5)
    assert answer.info == {"loss_variance": 0.5, "model": [1.0]}
    assert answer.attachments == {"big": b"x"}


def test_an_exception_is_a_failure_with_its_traceback(start):
    """An exception fails its trial; the traceback begins in the objective."""

    def objective(config):
        raise KeyError("missing knob")

    answer = outcome(start, objective)
    assert answer.status is Status.FAILED
    assert "KeyError: 'missing knob'" in answer.error
    assert "in objective" in answer.error
    assert "travels" not in answer.error


def test_even_an_exit_is_a_failure_of_its_trial_alone(start):
    """SystemExit and an exception that cannot be pickled fail one trial; the next one runs."""

    class StickyError(Exception):
        def __init__(self):
            super().__init__("sticky")
            self.lock = threading.Lock()

    def objective(config):
        if config == 0:
            raise SystemExit(3)
        if config == 1:
            raise StickyError
        return config

    # a class of this test's own, with a lock made only when it is raised, can travel
    engine = start(objective)
    answers = [ended(engine.submit(task(i, i))) for i in range(3)]
    assert [answer.status for answer in answers] == [Status.FAILED, Status.FAILED, Status.OK]
    assert "SystemExit: 3" in answers[0].error
    assert "sticky" in answers[1].error


def test_the_trial_argument(start, reports):
    """An objective with a keyword `trial` learns its number, attempt and seed, and reports."""

    def objective(config, *, trial):
        trial.report(1, 0.5)
        trial.report(2, 0.25)
        return {"loss": 0.0, "who": (trial.number, trial.attempt, trial.seed, trial.run_id)}

    engine = start(objective)
    answer = ended(engine.submit(task(5, None, attempt=1)))
    assert answer.info["who"] == (5, 1, 7, "r")
    assert reports == [(5, 1, 1, 0.5), (5, 1, 2, 0.25)]  # before the trial has ended


def test_an_objective_whose_only_argument_is_called_trial(start):
    """A first argument named trial is the configuration, as for any other name."""
    assert outcome(start, lambda trial: trial + 1).loss == 2.0


@pytest.mark.engines("side_by_side")
def test_tasks_run_side_by_side(start, gate):
    """An engine with several slots runs as many trials at once."""
    door = gate.door()

    def objective(config):
        door(config)
        return config

    engine = start(objective)
    futures = [engine.submit(task(i, i)) for i in range(3)]
    assert sorted(gate.reached_by(3)) == ["0", "1", "2"]
    gate.open()
    assert [ended(future).loss for future in futures] == [0.0, 1.0, 2.0]


@pytest.mark.engines("side_by_side")
def test_one_task_is_cancelled_and_the_others_go_on(start, gate):
    """Cancel ends one trial as cancelled; the engine goes on."""
    door = gate.door()

    def objective(config):
        if config == 0:
            door()
        return config

    engine = start(objective)
    slow, quick = engine.submit(task(0, 0)), engine.submit(task(1, 0.5))
    gate.reached_by(1)
    engine.cancel(0, 0)
    assert ended(slow).status is Status.CANCELLED
    assert ended(quick).loss == 0.5
    assert ended(engine.submit(task(2, 2))).loss == 2.0


@pytest.mark.engines("side_by_side")
def test_close_cancels_everything(start, gate):
    """Close ends all futures as cancelled, without waiting for the trials."""
    door = gate.door()
    engine = start(lambda config: door())
    futures = [engine.submit(task(i, i)) for i in range(3)]
    gate.reached_by(3)
    engine.close()
    done, pending = wait(futures, timeout=WAIT)
    assert not pending
    assert all(f.cancelled() or f.result().outcome.status is Status.CANCELLED for f in done)


@pytest.mark.engines("travels")
def test_what_cannot_be_pickled_is_named(start):
    """Where the objective has to be pickled and cannot, the error names the culprit."""
    my_lock = threading.Lock()

    def objective(config):
        with my_lock:
            return config

    with pytest.raises(UnpicklableObjective, match=r"the objective .* 'my_lock' of type lock"):
        start(objective)


@pytest.mark.engines("travels")
def test_the_runs_own_trials_stay_behind(start):
    """What hangs on an object that travels is a stand-in that says why once it is touched."""
    trials = Trials()

    class Objective:
        def __init__(self):
            self.trials, self.all = trials, {"stop": [trials, trials.cancel]}

        def __call__(self, config):
            if config == "copy":
                return {"loss": 1.0, "me": copy.deepcopy(self), "is": repr(self.trials)}
            return {"len": len, "read": lambda t: t.losses(), "stop": lambda _: self.stop()}[
                config
            ](self.trials)

        def stop(self):
            self.all["stop"][1]()

    engine = start(Objective(), own=(trials,))
    kept = ended(engine.submit(task(0, "copy")))
    assert kept.loss == 1.0
    assert kept.info["is"] == "<the trials of the run, which are not here>"
    assert "are not here" in repr(kept.info["me"].trials)
    for number, how in enumerate(("len", "read", "stop"), 1):
        answer = ended(engine.submit(task(number, how)))
        assert answer.status is Status.FAILED
        assert "the trials of the run stay where it runs" in answer.error
        assert 'SparkTrials(mode="driver")' in answer.error


@pytest.mark.engines("own_process")
def test_looking_up_a_spark_session_says_where_it_is(start):
    """An objective that asks for a session of its own fails with a text that names mode=driver."""
    pytest.importorskip("pyspark")

    def objective(config):
        from pyspark.sql import SparkSession

        if config == "active":
            return SparkSession.active().range(3).count()
        found = SparkSession.getActiveSession()
        return (found or None).range(3).count()

    engine = start(objective)
    for number, how in enumerate(("active", "get")):
        error = ended(engine.submit(task(number, how))).error
        assert error.splitlines()[-1].startswith("a trial that runs elsewhere cannot use the Spark")
        assert 'SparkTrials(mode="driver")' in error


@pytest.mark.engines("own_process")
def test_variables_of_the_environment(start, monkeypatch):
    """`env` reaches the trial and what it starts, and neither its context nor its answer."""
    monkeypatch.setenv("SPARKTUNE_TEST_KEPT", "here")

    def objective(config, trial):
        shell = subprocess.run(
            ["sh", "-c", "echo $TOKEN"], capture_output=True, text=True, check=True
        )
        return {
            "loss": 1.0,
            "is": (os.environ["TOKEN"] == "s3cret", len(shell.stdout)),
            "me": trial,
        }

    engine = start(objective, env=Environment({"TOKEN": "s3cret"}))
    answer = ended(engine.submit(task(0, None)))
    assert answer.info["is"] == (True, len("s3cret\n"))
    assert "TOKEN" not in answer.info["me"].env
    assert "s3cret" not in repr(answer)
    engine.close()
    other = start(lambda c: {"loss": 1.0, "is": os.environ.get("TOKEN")}, cpus=1)
    assert ended(other.submit(task(1, None))).info["is"] is None


@pytest.mark.deployments("local", "connect", "client")  # where trials find the folders of this one
@pytest.mark.engines("own_process")
def test_variables_of_modules_that_are_others_in_trials_are_named(start, tmp_path, monkeypatch):
    """What the driver set on an imported module, and a trial does not see, is named in a note."""
    name = f"settings_of_{tmp_path.name.replace('-', '_')}"
    (tmp_path / f"{name}.py").write_text(
        "import types\nfactor = 1.0\nkept = {'a': {1, 2}}\n_unread = 0\n"
        "config = types.SimpleNamespace(rate=1.0)\n"
        "class Model:\n    depth = 1\n    def __init__(self): self.depth = Model.depth\n"
        "def score(x):\n    return inner(x)\ndef inner(x):\n    return factor * x\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    settings = importlib.import_module(name)
    objectives = {
        "factor": lambda c: settings.factor + len(settings.kept),
        "config": lambda c: settings.config.rate,
        "Model.depth": lambda c: settings.Model.depth,
        "Model": lambda c: settings.Model().depth,
        "added": lambda c: getattr(settings, "added", 1.0) if c else settings.added,
        "score": lambda c: settings.score(c),
    }
    same = [ended(start(o).submit(task(0, 1.0))) for k, o in objectives.items() if k != "added"]
    assert [(answer.note, answer.status) for answer in same] == [(None, Status.OK)] * 5
    settings.factor, settings.config.rate, settings.Model.depth, settings.added = 5.0, 2.0, 2, 3.0
    for what, objective in objectives.items():
        answer = ended(start(objective).submit(task(0, 1.0)))
        named = "factor" if what == "score" else what
        assert f"trials find another {name}.{named} than this process: what a" in answer.note


@pytest.mark.engines("travels")
def test_a_result_that_cannot_be_pickled_keeps_what_can(start):
    """A result that cannot travel fails the trial, names the culprit and keeps the rest."""
    answer = outcome(start, lambda c: {"loss": 1.0, "status": "ok", "model": threading.Lock()})
    assert answer.status is Status.FAILED
    assert "result cannot be pickled: 'model' (lock)" in answer.error
    assert answer.info["loss"] == 1.0


@pytest.mark.engines("own_process")
def test_a_crash_fails_its_trial_and_says_how(start):
    """However a trial's process dies, its trial says how and shows its last words; others go on."""

    def objective(config):
        print("last words", flush=True)
        if config == "exit":
            os._exit(7)
        if config == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if config == "segfault":
            ctypes.string_at(0)
        return 1.0

    engine = start(objective)
    kinds = ["exit", "kill", "segfault", "fine"]
    answers = [ended(engine.submit(task(i, k))) for i, k in enumerate(kinds)]
    assert [a.status for a in answers] == [Status.CRASHED] * 3 + [Status.OK]
    assert "exited with code 7" in answers[0].error
    assert "killed by SIGKILL (9)" in answers[1].error
    assert "killed by SIGSEGV (11), a segmentation fault" in answers[2].error
    assert [a.log_tail for a in answers] == ["last words\n"] * 3 + [None]


@pytest.mark.engines("own_process")
def test_a_result_without_a_loss_comes_with_its_last_lines(start):
    """What a trial printed is kept where it returned NaN, nothing or a failure, not with a loss."""
    results = [math.nan, None, {"status": "fail"}, {"loss": math.nan, "status": "ok"}, "text"]
    results += [1, math.inf, {"loss": 2.0}, np.float32(3.0)]

    def objective(config):
        print("of", config, flush=True)
        return results[config]

    engine = start(objective)
    tails = [ended(engine.submit(task(i, i))).log_tail for i in range(len(results))]
    assert tails == [*(f"of {i}\n" for i in range(5)), None, None, None, None]


@pytest.mark.engines("own_process")
def test_one_process_serves_many_trials(kind, start):
    """A process is kept for later trials, also after one that raised or ran out of time."""

    def objective(config):
        if config == "raise":
            raise ValueError
        time.sleep(600 * (config == "sleep"))
        return {"loss": 0.0, "pid": os.getpid()}

    engine = start(objective, timeout=1.5)
    kinds = ["", "raise", "", "sleep", ""]
    answers = [ended(engine.submit(task(i, k))) for i, k in enumerate(kinds)]
    assert [a.status for a in answers] == [
        Status.OK, Status.FAILED, Status.OK, Status.TIMED_OUT, Status.OK
    ]  # fmt: skip
    if kind == "processes":  # Spark may choose another of its workers
        assert len({answers[i].info["pid"] for i in (0, 2, 4)}) == 1


@pytest.mark.engines("own_process")
@pytest.mark.parametrize("most", [1, 2])
def test_a_process_gives_way_after_its_trials(most, start):
    """With `trials_per_process` a fresh process takes over after so many trials."""
    engine = start(lambda c: {"loss": 0.0, "pid": os.getpid()}, trials_per_process=most)
    pids = [ended(engine.submit(task(i, i))).info["pid"] for i in range(5)]
    assert max(Counter(pids).values()) <= most


@pytest.mark.engines("own_process")
def test_a_process_belongs_to_a_run(start, wait_for):
    """What a run's processes loaded is freed after its end; another run has its own."""
    objective = lambda c: {"loss": 0.0, "pid": os.getpid()}  # noqa: E731
    runs = []
    for _ in range(2):
        engine = start(lambda c: objective(c))
        runs.append({ended(engine.submit(task(i, i))).info["pid"] for i in range(4)})
        engine.close()
    assert not runs[0] & runs[1]
    assert wait_for(lambda: not any(Path(f"/proc/{pid}").exists() for pid in runs[0] | runs[1]))


@pytest.mark.engines("own_process")
def test_what_a_failed_trial_logged_is_in_its_last_lines(start):
    """Records from INFO on are kept once, whatever is printed of them, also after a crash."""

    def objective(config):
        import logging

        logger = logging.getLogger("training")
        logger.debug("detail")
        logger.info("epoch %d", 1)
        logger.warning("slow")
        if config == "set up":
            logging.basicConfig(format="%(message)s")
            logger.info("epoch 2")
            logging.getLogger().setLevel(logging.INFO)
            logger.info("epoch 3")
        if config == "crash":
            os._exit(1)
        raise ValueError

    engine = start(objective)
    kinds = ["raise", "crash", "set up"]
    tails = [ended(engine.submit(task(i, k))).log_tail for i, k in enumerate(kinds)]
    quiet = ["INFO:training:epoch 1", "slow"]
    assert [sorted(tail.splitlines()) for tail in tails[:2]] == [quiet, quiet]
    assert sorted(tails[2].splitlines()) == sorted([*quiet, "INFO:training:epoch 2", "epoch 3"])


@pytest.mark.engines("travels")
def test_a_fault_that_every_trial_shares_is_told_from_one_of_its_own(start):
    """An objective that cannot be unpickled is everyone's fault; a configuration's is its own."""

    class Missing:
        def __reduce__(self):
            return __import__, ("module_of_nobody",)

    def objective(config):
        if config == "import":
            import module_of_nobody  # noqa: F401
        return 1.0

    engine = start(objective)
    configs = [Missing(), "import", None]
    answers = [
        engine.submit(task(i, config)).result(timeout=WAIT) for i, config in enumerate(configs)
    ]
    assert [answer.outcome.status for answer in answers] == [Status.FAILED] * 2 + [Status.OK]
    assert not any(answer.shared_fault for answer in answers)
    assert "the configuration could not be unpickled on " in answers[0].outcome.error
    engine.close()
    missing = Missing()
    answer = start(lambda config: missing).submit(task(0, None)).result(timeout=WAIT)
    assert answer.shared_fault
    assert "the objective could not be unpickled on " in answer.outcome.error


@pytest.mark.engines("own_process")
def test_an_objective_that_kills_whoever_unpickles_it_is_everyones_fault(start):
    """A process that dies as it loads the objective dies for every candidate."""

    class Deadly:
        def __reduce__(self):
            return os._exit, (3,)

    deadly = Deadly()
    fault = start(lambda config: deadly).submit(task(0, None)).result(timeout=WAIT)
    assert (fault.outcome.status, fault.shared_fault) == (Status.CRASHED, True)
    own = start(lambda config: config).submit(task(0, Deadly())).result(timeout=WAIT)
    assert (own.outcome.status, own.shared_fault) == (Status.CRASHED, False)


@pytest.mark.engines("limits")
def test_a_time_limit_is_raised_inside_the_objective(start, tmp_path):
    """A trial out of time can clean up, and ends as timed out with the seconds that it had."""

    def objective(config):
        try:
            deadline = time.monotonic() + 60
            while time.monotonic() < deadline:
                time.sleep(0.01)
        except Exception:
            (tmp_path / "caught").touch()
        finally:
            (tmp_path / "cleaned up").touch()

    answer = ended(start(objective, timeout=0.5).submit(task(0, None)))
    assert answer.status is Status.TIMED_OUT
    assert answer.error.startswith("stopped at its time limit of 0.5 s, after ")
    assert "in objective" in answer.error
    assert "travels" not in answer.error
    assert 0.5 <= answer.seconds < 60
    assert [path.name for path in tmp_path.iterdir()] == ["cleaned up"]


@pytest.mark.engines("limits", "side_by_side")
def test_a_trial_that_ignores_its_limit_is_ended(start, tmp_path):
    """An objective that swallows everything ends after the grace; the next trial has its slot."""
    over = tmp_path / "over"

    def objective(config):
        end = time.monotonic() + (60 if config else 0)
        while time.monotonic() < end and not over.exists():
            try:
                time.sleep(0.05)
            except BaseException:
                continue
        return 1.0

    engine = start(objective, timeout=0.3, grace=0.5)
    stubborn = [engine.submit(task(i, True)) for i in range(4)]
    for future in stubborn:
        answer = ended(future)
        assert answer.status is Status.TIMED_OUT
        assert "did not react to its time limit of 0.3 s within 0.5 s" in answer.error
        assert 0.8 <= answer.seconds < 60
    assert ended(engine.submit(task(4, False))).loss == 1.0
    over.touch()  # for threads, which nobody can kill


@pytest.mark.engines("own_process")
@pytest.mark.parametrize("how", ["cancel", "close", "timeout"])
def test_nothing_that_a_trial_started_outlives_its_end(how, start, tmp_path, wait_for):
    """A stopped trial takes along children, forks and daemons that left its process group."""

    def objective(config):
        pids = [os.getpid()] if how != "timeout" else []
        pids.append(subprocess.Popen(["sleep", "600"]).pid)
        pids.append(os.fork())
        if not pids[-1]:
            time.sleep(600)
            os._exit(0)
        command = ["sh", "-c", "setsid sleep 600 >/dev/null 2>&1 & echo $!"]
        pids.append(int(subprocess.run(command, capture_output=True, check=True).stdout))
        for pid in pids:
            (tmp_path / str(pid)).touch()
        time.sleep(600)

    engine = start(objective, timeout=3.0 if how == "timeout" else None)
    future = engine.submit(task(0, None))
    count = 3 if how == "timeout" else 4
    assert wait_for(lambda: len(list(tmp_path.iterdir())) == count)
    if how == "cancel":
        engine.cancel(0, 0)
    elif how == "close":
        engine.close()
    else:
        assert ended(future).status is Status.TIMED_OUT
    assert wait_for(lambda: not any(lives(path.name) for path in tmp_path.iterdir()))


@pytest.mark.engines("own_process")
def test_a_forked_child_that_comes_back_is_not_heard(start):
    """A child that an objective forks and lets return or raise answers for nobody."""

    def objective(config):
        if config in (1, 2) and not os.fork() and config == 2:
            raise ValueError
        return float(config)

    engine = start(objective)
    answers = [ended(engine.submit(task(i, i))).loss for i in range(6)]
    assert answers == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]


@pytest.mark.engines("own_process")
def test_a_process_that_died_between_trials_fails_none(start):
    """What ends a process after its trial does not fail the next one, which never began there."""
    gates = [Gate() for _ in range(3)]
    doors = [each.door() for each in gates]

    def objective(number):
        def die():
            kept = doors[number](hold=True)  # noqa: F841 - until the process is gone
            os._exit(0)

        threading.Thread(target=die, daemon=True).start()
        return 1.0

    engine = start(objective)
    for number, each in enumerate(gates):
        assert ended(engine.submit(task(number, number))).status is Status.OK
        each.reached_by(1)
        each.open()
        each.left_by(1)
        each.close()


@pytest.mark.engines("own_process")
def test_a_killed_watchdog_ends_its_trial(start, gate):
    """Whoever kills the watchdog ends the trial, even where the trial's children live on."""
    door = gate.door()

    def objective(config):
        if config:
            if not os.fork():
                door()
                os._exit(0)
            os.kill(os.getppid(), signal.SIGKILL)
            time.sleep(600)
        return 1.0

    engine = start(objective)
    struck = engine.submit(task(0, True))
    gate.reached_by(1)  # the child is there, and stays until the gate is closed
    assert ended(struck).status is Status.CRASHED
    assert ended(engine.submit(task(1, False))).loss == 1.0


@pytest.mark.engines("own_process")
def test_what_a_trial_received_may_be_in_its_result(start):
    """Handles and the trial itself come back in a result; a handle leaves its object there."""
    handle = broadcast(list(range(1000)))

    def objective(config, trial):
        return {"loss": float(len(config["data"].value)), "config": config, "trial": trial}

    engine = start(objective, options=(Option(handle),))
    answer = ended(engine.submit(task(3, {"data": handle})))
    assert answer.loss == 1000.0
    assert answer.info["trial"].number == 3
    with pytest.raises(RuntimeError, match="stayed where the trial ran"):
        _ = answer.info["config"]["data"].value


@pytest.mark.engines("travels")
def test_a_module_that_is_missing_is_named_with_its_machine(start):
    """A package that is not installed where the trial runs is named, with host and interpreter."""

    def objective(config):
        import package_of_nobody  # noqa: F401

    error = outcome(start, objective).error
    assert "the module 'package_of_nobody' is not installed for " in error
    assert f"on {socket.gethostname()}: install it" in error


@pytest.mark.engines("travels")
def test_large_options_and_handles_travel_once(start):
    """An option is pickled once a run; a handle's object once for several runs."""
    pickled = []

    class Data:
        def __init__(self, name):
            self.name, self.bulk = name, bytes(20_000)

        def __getstate__(self):
            pickled.append(self.name)
            return {"name": self.name, "bulk": self.bulk}

    option, handle = Data("option"), broadcast(Data("handle"))
    objective = lambda c: {"loss": 1.0, "is": (c["data"].name, handle.value.name)}  # noqa: E731
    for _ in range(2):
        engine = start(objective, options=(Option(option),))
        for number in range(3):
            answer = ended(engine.submit(task(number, {"data": option})))
            assert answer.info["is"] == ("option", "handle")
        engine.close()
    assert pickled.count("handle") == 1
    assert pickled.count("option") <= 2


def test_options_are_the_objects_that_the_objective_refers_to(start):
    """Options keep `is`, hash and equality towards globals, defaults, closures and attributes."""
    missing, nan, text, bulk = object(), float("nan"), "two words", np.zeros(20_000)

    class Color(enum.Enum):
        RED = 1

    class Layer:
        def __init__(self, of):
            self.of = of

        def call(self):
            return self.of

    def relu(x):
        return x

    kept = Layer(relu)
    objects = [missing, nan, text, bulk, Color.RED, Layer, relu, kept, math, np.nan]
    places = {missing: 0, Color.RED: 1, relu: 2, kept: 3}

    def objective(config, default=kept):
        (number, item), inside, call = config
        same = item is objects[number] and inside.of.of is default.of and inside.of is default
        found = [places[key] for key in (missing, Color.RED, relu, default)]
        return {"loss": float(same and call == default.call and found == [0, 1, 2, 3])}

    outer, call = Layer(kept), kept.call
    options = tuple(map(Option, [*objects, outer, call]))
    engine = start(objective, options)
    for number, item in enumerate(objects):
        future = engine.submit(task(number, ((number, item), outer, call)))
        assert ended(future).loss == 1.0, number


@pytest.mark.engines("own_process")
def test_options_are_unpickled_once_a_process(start):
    """What an option and its class keep from one trial to the next is there in the next one."""

    class Data:
        table = None

        def __init__(self):
            self.trials = 0

    option = Data()

    def objective(config):
        kind = type(config)
        first = kind.table is None
        kind.table = kind.table or [1]
        config.trials += 1
        return {"loss": 0.0, "is": (os.getpid(), first, config.trials)}

    engine = start(objective, (Option(option),))
    answers = [ended(engine.submit(task(i, option))).info["is"] for i in range(6)]
    for process in {pid for pid, _, _ in answers}:
        mine = [rest for pid, *rest in answers if pid == process]
        assert [first for first, _ in mine] == [True] + [False] * (len(mine) - 1)
        assert [count for _, count in mine] == list(range(1, len(mine) + 1))


def test_what_an_expression_changed_is_as_it_left_it(start):
    """An object that an expression of the space changes and gives back travels with its trial."""

    class Model:
        alpha = None

    model = Model()
    engine = start(lambda c: float(c.alpha), (Option(model, "alpha", True),))
    for number in range(3):
        model.alpha = number  # as model.set_params(alpha=number) does
        assert ended(engine.submit(task(number, model))).loss == number


@pytest.mark.engines("travels")
def test_an_option_that_cannot_be_loaded_fails_the_trials_that_hold_it(start):
    """Where one option cannot be unpickled, the others go on, and are what they were."""

    class Nowhere:
        def __reduce__(self):
            return __import__, ("module_of_nobody",)

    class Layer:
        pass

    here, other, nowhere = Layer(), Layer(), Nowhere()
    options = (Option(here), Option(nowhere), Option(other))
    engine = start(lambda c: float(c[0] is here) if c[1] is None else float(c[0] is c[1]), options)
    configs = [(nowhere, None), (here, None), (other, other), (nowhere, None)]
    answers = [ended(engine.submit(task(i, config))) for i, config in enumerate(configs)]
    assert [a.status for a in answers] == [Status.FAILED, Status.OK, Status.OK, Status.FAILED]
    assert [a.loss for a in answers[1:3]] == [1.0, 1.0]
    assert "module_of_nobody" in answers[0].error
    assert answers[0].error_type == "unloadable"


@pytest.mark.engines("travels")
def test_an_option_that_cannot_be_pickled_is_refused_by_its_label(start):
    """An option that cannot leave is refused before the first trial; an expression's may stay."""
    lock = threading.Lock()
    with pytest.raises(UnpicklableObjective, match=r"an option of 'guard' .*: it is a lock"):
        start(lambda c: 0.0, (Option(lock, "guard"),))
    assert ended(start(lambda c: c, (Option(lock, "guard", True),)).submit(task(0, 1.0))).loss == 1


@pytest.mark.engines("own_process")
def test_a_result_changes_nothing_of_a_class_that_is_known_here(start):
    """Attributes and methods that a class has got meanwhile stay when its instances come back."""

    class Report:
        seen = 0

        def __init__(self, loss):
            self.loss = loss

    class Grade(enum.Enum):
        GOOD = 1

    def objective(config):
        report = Report(config)
        return {"loss": config, "report": report, "attachments": {"grade": (Grade.GOOD, report)}}

    engine = start(objective)
    Report.seen, Grade.note = 5, "ours"
    for number in range(3):
        answer = ended(engine.submit(task(number, 0.5)))
        assert type(answer.info["report"]) is Report
        assert answer.attachments["grade"][0] is Grade.GOOD
    assert (Report.seen, Grade.note) == (5, "ours")


@pytest.mark.engines("own_process")
def test_what_pickles_by_name_works_inside_a_trial(start):
    """Cached and dispatching helpers, also local ones, travel by what they are made of."""

    @functools.lru_cache(maxsize=10)
    def fib(n):
        return n if n < 2 else fib(n - 1) + fib(n - 2)

    @functools.singledispatch
    def kind(thing):
        return "other"

    kind.register(int)(lambda thing: "int")

    class Lazy:
        @functools.cached_property
        def table(self):
            return [1, 2]

        @functools.lru_cache  # noqa: B019
        def size(self):
            return 3

    def objective(config):
        info = fib.cache_parameters() | {"cached": fib.cache_info().currsize > 0}
        seen = (fib(30), kind(1), kind("a"), Lazy().table, Lazy().size(), fib.__name__)
        return {"loss": 0.0, "is": seen, **info}

    fib(5)
    answer = outcome(start, objective, None)
    assert answer.info["is"] == (832040, "int", "other", [1, 2], 3, "fib")
    assert (answer.info["maxsize"], answer.info["cached"]) == (10, False)


@pytest.mark.engines("small_results")
def test_results_that_are_too_large(start, tmp_path):
    """A result over the limit is kept in a file, or its small entries with a sentence."""

    def objective(config):
        return {"loss": 1.0, "status": "ok", "small": [1], "large": bytes(3 * 2**20)}

    without = outcome(lambda f: start(f, max_result_mb=1), objective)
    assert (without.loss, without.info) == (1.0, {"small": [1]})
    assert re.match(r"the result has 3.0 MB, .*set artifact_dir to a folder", without.note)
    kept = outcome(lambda f: start(f, max_result_mb=1, artifact_dir=str(tmp_path)), objective)
    assert (kept.loss, kept.note) == (1.0, None)
    assert pickle.loads(Path(kept.result_file).read_bytes())["large"] == bytes(3 * 2**20)
    nowhere = outcome(lambda f: start(f, max_result_mb=1, artifact_dir="/proc/no"), objective)
    assert nowhere.loss == 1.0
    assert "could not be written on" in nowhere.note


@pytest.mark.engines("own_process")
def test_threads_of_numerical_libraries(start):
    """`cpus` reaches the environment and the libraries that are loaded already."""

    def objective(config, trial):
        import numpy  # noqa: F401
        from threadpoolctl import threadpool_info

        threads = {pool["num_threads"] for pool in threadpool_info()}
        return {"loss": 0.0, "is": (os.environ["OMP_NUM_THREADS"], trial.env, threads)}

    # other than what they would take by themselves
    variable, env, threads = outcome(lambda f: start(f, cpus=2), objective).info["is"]
    assert variable == env["OMP_NUM_THREADS"] == env["MKL_NUM_THREADS"] == "2"
    assert threads == {2}


@pytest.mark.engines("here")
def test_the_objective_runs_in_this_process_where_it_can(start):
    """In-process engines call the user's own function object, so closures can collect."""
    seen = []
    outcome(start, lambda c: seen.append(c) or 0.0)
    assert seen == [1.0]


@pytest.mark.engines("hears")
@pytest.mark.parametrize("answers", [False, True])
def test_a_trial_that_is_to_stop_ends_at_a_report(answers, start, reports, tmp_path):
    """The report raises what `except Exception` lets pass; `finally` runs; the next trial does."""
    ran = tmp_path / "ran"

    def objective(config, trial):
        if config == "next":
            return 3.0
        try:
            for step in range(100_000):
                try:
                    trial.report(step, 1.0)
                    time.sleep(0.001)
                except Exception:
                    return -1.0
        finally:
            ran.touch()

    engine = start(objective, answers=answers, stops=lambda number, attempt, step, _: step >= 2)
    pruned = ended(engine.submit(task(0, None)))
    assert (pruned.status, pruned.loss, pruned.error) == (Status.PRUNED, None, None)
    assert pruned.seconds > 0
    assert pruned.host
    assert ran.exists()
    assert [step for *_, step, _ in reports] == list(range(len(reports)))
    if answers or "own_process" not in start.traits:
        assert len(reports) == 3
    assert ended(engine.submit(task(1, "next"))).loss == 3.0


@pytest.mark.engines("hears")
def test_a_trial_may_ask_whether_it_is_to_stop(start):
    """`raises=False` gives the answer, `should_stop` knows it, and a result given then counts."""

    def objective(config, trial):
        before, told = trial.should_stop, False
        while not told:
            told = trial.report(0, float("nan"), raises=False)
        return {"loss": config, "is": (before, told, trial.should_stop)}

    engine = start(objective, stops=lambda *_: True)
    answer = ended(engine.submit(task(0, 0.5)))
    assert (answer.status, answer.loss, answer.info["is"]) == (Status.OK, 0.5, (False, True, True))


@pytest.mark.engines("hears")
def test_what_is_reported_after_the_word_to_stop_is_kept(start, reports):
    """A trial that goes on all the same is heard to its end."""

    def objective(config, trial):
        while not trial.report(0, 1.0, raises=False):
            pass
        return {"loss": 0.0, "is": [trial.report(step, 2.0, raises=False) for step in (1, 2)]}

    answer = outcome(lambda o: start(o, stops=lambda *_: True), objective)
    assert answer.info["is"] == [True, True]
    assert reports[-2:] == [(0, 0, 1, 2.0), (0, 0, 2, 2.0)]


@pytest.mark.engines("hears")
def test_an_objective_may_end_its_trial_as_pruned(start):
    """TrialPruned that the objective raises itself prunes its trial, wherever it came from."""
    from sparktune import TrialPruned

    def objective(how):
        if how == "outer":
            raise TrialPruned
        import sparktune

        try:
            raise sparktune.TrialPruned("by itself")
        except ZeroDivisionError:
            return 1.0

    engine = start(objective)
    answers = [ended(engine.submit(task(i, how))) for i, how in enumerate(("outer", "inner"))]
    assert [answer.status for answer in answers] == [Status.PRUNED] * 2


@pytest.mark.engines("hears")
def test_what_a_report_raises_is_known_by_its_public_name(start):
    """`except sparktune.TrialPruned` meets it, however the objective came by that name."""
    from sparktune import TrialPruned

    def objective(how, trial):
        import sparktune

        kind = TrialPruned if how == "outer" else sparktune.TrialPruned
        try:
            while True:
                trial.report(0, 1.0)
        except kind:
            return 1.0

    engine = start(objective, stops=lambda *_: True)
    answers = [ended(engine.submit(task(i, how))) for i, how in enumerate(("outer", "inner"))]
    assert [answer.loss for answer in answers] == [1.0, 1.0]


def test_an_objective_may_say_the_types_of_its_arguments(start):
    """An objective whose ``trial`` is annotated with the public class goes wherever others go."""
    from sparktune import TrialContext

    def objective(config: float, trial: TrialContext) -> float:
        return float(isinstance(trial, TrialContext)) + trial.number

    assert ended(start(objective).submit(task(3, 0.0))).loss == 4.0


@pytest.mark.engines("hears", "side_by_side")
def test_stop_is_heard_at_the_next_report(start, gate, wait_for):
    """A task that is stopped from outside ends at its next report."""
    door = gate.door()

    def objective(config, trial):
        door()
        while True:
            trial.report(0, 1.0)

    engine = start(objective)
    future = engine.submit(task(0, None))
    gate.reached_by(1)
    engine.stop(0, 0)
    gate.open()
    assert ended(future).status is Status.PRUNED


@pytest.mark.engines("hears", "side_by_side")
def test_a_result_that_comes_before_the_stop_counts(start, gate):
    """A trial that returns without another report is ok, though it was to stop."""
    door = gate.door()

    def objective(config):
        door()
        return config

    engine = start(objective)
    future = engine.submit(task(0, 2.0))
    gate.reached_by(1)
    engine.stop(0, 0)
    engine.stop(0, 0)  # a second time changes nothing
    gate.open()
    assert ended(future).loss == 2.0
    assert ended(engine.submit(task(1, 3.0))).loss == 3.0
    engine.stop(0, 0)  # it is over
    assert ended(engine.submit(task(2, 4.0))).loss == 4.0


@pytest.mark.engines("hears", "side_by_side")
@pytest.mark.parametrize("answers", [False, True])
def test_a_trial_that_never_reports_again_is_stopped_by_force(answers, start, gate):
    """After its grace a trial is killed, or given up where it cannot be; its slot is free."""
    door = gate.door()

    def objective(config, trial):
        if config is None:
            trial.report(0, 1.0, raises=False)
            door()
        return config

    engine = start(objective, answers=answers, stops=lambda *_: True, grace=0.05)
    futures = [engine.submit(task(i, None)) for i in range(4)]
    outcomes = [ended(future) for future in futures]
    assert [outcome.status for outcome in outcomes] == [Status.PRUNED] * 4
    assert all(outcome.seconds >= 0 and outcome.error is None for outcome in outcomes)
    assert ended(engine.submit(task(4, 5.0))).loss == 5.0
    gate.open()


@pytest.mark.engines("hears")
@pytest.mark.parametrize("answers", [False, True])
def test_a_time_limit_may_come_in_the_middle_of_a_report(answers, start, reports):
    """A trial that reports all the time is stopped at its limit, and the next one is in order."""

    def objective(config, trial):
        while config is None:
            trial.report(len(str(config)), 0.5)
        return config

    engine = start(objective, answers=answers, timeout=0.02, grace=5.0)
    for number in range(10):
        assert ended(engine.submit(task(number, None))).status is Status.TIMED_OUT
    reports.clear()
    assert ended(engine.submit(task(10, 1.0))).loss == 1.0
    assert reports == []


@pytest.mark.engines("hears")
def test_only_the_trial_itself_reports(start, reports):
    """A copy of `trial` says that nobody hears it; so does a process that the objective forked."""

    def objective(config, trial):
        import copy

        texts = []
        try:
            copy.copy(trial).report(0, 1.0)
        except RuntimeError as error:
            texts.append(str(error))
        for wrong in ((0.5, 1.0), ("1", 1.0), (True, 1.0), (2**70, 1.0), (0, "1"), (0, None)):
            try:
                trial.report(*wrong)
            except ValueError as error:
                texts.append(str(error))
        trial.report(np.int64(1), np.float32(0.5))
        trial.report(2.0, 10**400)
        return {"loss": 0.0, "is": texts, "number": copy.copy(trial).number}

    answer = outcome(start, objective)
    assert answer.info["number"] == 0
    copied, *wrong = answer.info["is"]
    assert "only the `trial` that an objective was called with can report" in copied
    assert wrong[0] == "report: `step` must be a whole number, but got 0.5"
    assert wrong[-1] == "report: `value` must be a real number, but got None"
    assert len(wrong) == 6
    assert reports == [(0, 0, 1, 0.5), (0, 0, 2, math.inf)]


@pytest.mark.engines("hears", "own_process")
def test_a_forked_child_cannot_report(start, reports):
    """A process that the objective forked is told that its report is not heard."""

    def objective(config, trial):
        read, write = os.pipe()
        if not os.fork():
            try:
                trial.report(0, 1.0)
            except RuntimeError as error:
                os.write(write, str(error).encode())
            os._exit(0)
        return {"loss": 0.0, "is": os.read(read, 1000).decode()}

    answer = outcome(start, objective)
    assert answer.info["is"].startswith("only the process that runs the objective can report")
    assert reports == []
