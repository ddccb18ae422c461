"""What runs where a trial runs: tracebacks, and a result that nobody opens on the way."""

import pickle
import signal
import sys
import threading

import cloudpickle
import pytest

from sparktune.engines.answers import unpacked
from sparktune.engines.base import RunSpec, Task
from sparktune.engines.shipping import Shipment
from sparktune.engines.travels.task import Store, answer_to
from sparktune.engines.travels.trial import evaluate
from sparktune.engines.travels.trial_process import TrialProcess


class Watched:
    """Leaves a file wherever it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return _noticed, (self.path,)


def _noticed(path):
    path.touch()
    return Watched(path)


@pytest.fixture
def message(tmp_path):
    """A task whose result leaves a file where it is unpickled."""
    objective = lambda x: {"loss": x, "model": Watched(tmp_path / "opened")}  # noqa: E731
    shipment = Shipment(RunSpec(objective, "r"), cloudpickle)
    blob = shipment.pack(Task(0, 0, 1.0, {"seed": 7, "run_id": "r"}))
    return shipment.message(blob, {d: ("bytes", b) for d, b in shipment.blobs.items()})


@pytest.mark.parametrize("thread", [False, True])
def test_a_function_called_ring_stays_in_the_traceback_of_a_time_limit(thread):
    """The traceback of a time limit begins and ends in the user's code, whatever its names are."""
    answers = []

    def ring(config):
        while True:
            pass

    def run():
        answers.append(
            evaluate(ring, None, {"number": 0, "attempt": 0, "seed": 1}, False, limit=0.1)
        )

    if thread:
        other = threading.Thread(target=run)
        other.start()
        other.join()
    else:
        before = signal.getsignal(signal.SIGALRM)
        run()
        assert signal.getsignal(signal.SIGALRM) is before
    (answer,) = answers
    assert answer["status"] == "timeout"
    assert answer["error"].count(", in ") == 1
    assert ", in ring\n" in answer["error"]
    assert "trial.py" not in answer["error"]


@pytest.mark.parametrize("thread", [False, True])
def test_a_time_limit_that_comes_in_a_finalizer_rings_again(thread, monkeypatch):
    """A limit whose exception Python drops is raised again; other dropped ones reach the hook."""
    heard, answers, woken = [], [], threading.Event()
    hook = lambda unraisable: heard.append(unraisable.exc_type)  # noqa: E731
    monkeypatch.setattr(sys, "unraisablehook", hook)

    class Slow:
        def __del__(self):
            try:
                while True:  # until the limit
                    pass
            finally:
                woken.set()

    class Failing:
        def __del__(self):
            raise OSError

    def objective(config):
        Failing()
        Slow()
        for _ in range(3 * 10**8):  # some ten seconds
            pass

    def run():
        at = {"number": 0, "attempt": 0, "seed": 1}
        answers.append(evaluate(objective, None, at, False, limit=0.05))

    if thread:
        other = threading.Thread(target=run)
        other.start()
        other.join()
    else:
        run()
    assert woken.is_set()
    assert answers[0]["status"] == "timeout"
    assert heard == [OSError]
    assert sys.unraisablehook is hook


def test_an_answer_is_two_pickles_one_after_the_other(message, tmp_path):
    """The first pickle says how a trial went, and can be read without its result."""
    head, result = answer_to(message, Store(), lambda: None)
    answer = pickle.loads(head + result)
    assert (answer["status"], "result" in answer) == ("returned", False)
    assert answer["kept"] == [message["objective"]]
    assert not (tmp_path / "opened").exists()
    assert unpacked(head + result)["result"]["loss"] == 1.0
    assert (tmp_path / "opened").exists()


def test_a_trial_process_hands_a_result_on_unopened(message, tmp_path):
    """Whoever waits for a trial's process gets the pickle of its result, as it came."""
    process = TrialProcess({})
    try:
        answer = process.evaluate(message, None)
        assert not (tmp_path / "opened").exists()
        assert pickle.loads(answer["result"])["loss"] == 1.0
        assert process.kept == (message["objective"],)
        broken = process.evaluate({**message, "task": b""}, None)
        assert (broken["status"], broken["result"]) == ("unloadable", b"")
    finally:
        process.close()
