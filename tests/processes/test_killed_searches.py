"""Searches whose objective takes the process with it, begun again as a supervisor does."""

import json

SCRIPT = """
import os
import sys
from sparktune import Trials, fmin, hp, rand

def objective(config, trial):
    if trial.number == 1:
        os._exit(3)
    if trial.number == 3:
        os.kill(os.getpid(), 9)
    return config["x"]

trials = Trials(journal="run", executor=sys.argv[1] if len(sys.argv) > 1 else None)
space = {"x": hp.uniform("x", 0, 1)}
fmin(objective, space, rand.suggest, max_evals=5, trials=trials, rstate=0, show_progressbar=False)
print([trial.status.name for trial in trials.history])
"""


def test_a_search_gets_past_trials_that_end_its_process(tmp_path, run_python):
    """Each such trial ends two processes, is a failed one for the next, and the search ends."""
    ends = [run_python(SCRIPT, check=False) for _ in range(5)]
    assert [end.returncode for end in ends] == [3, 3, -9, -9, 0]
    assert ends[-1].stdout == "['OK', 'FAILED', 'OK', 'FAILED', 'OK']\n"
    assert "UserWarning: trial 1: it was begun 2 times" in ends[2].stderr
    assert "UserWarning: trial 3: it was begun 2 times" in ends[4].stderr
    lines = map(json.loads, (tmp_path / "run" / "000001.jsonl").read_text().splitlines())
    assert [line.get("lost") for line in lines if line.get("kind") == "run"] == [None, 1, 1, 3, 3]


def test_in_processes_such_a_trial_is_a_failed_one_at_once(run_python):
    """One call with executor="processes" gets to the end."""
    assert run_python(SCRIPT, "processes").stdout == "['OK', 'FAILED', 'OK', 'FAILED', 'OK']\n"
