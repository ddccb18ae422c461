"""The progress bar: what it shows, and that it never swallows a print."""

import contextlib
import fcntl
import io
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import threading

import pytest

from sparktune import Trials, fmin, hp
from sparktune.views import progress as progress_module

SPACE = hp.uniform("x", 0, 1)


def test_the_bar_shows_how_things_stand(capsys):
    """The bar on stderr ends with finished of all, the best loss, running and failed trials."""
    results = iter([2.0, float("nan"), 0.5, 1.0])
    fmin(lambda c: next(results), SPACE, max_evals=4)
    out, err = capsys.readouterr()
    last = err.split("\r")[-1]
    assert "4/4" in last
    assert "best loss: 0.5, 1 failed" in last
    assert out == ""


def test_running_trials_are_shown(capsys, monkeypatch, wait_for):
    """While trials run the bar says how many."""
    monkeypatch.setattr(progress_module, "_SECONDS_BETWEEN", 0)  # else it draws ten times a second
    trials, drawn = Trials(parallelism=3, executor="threads"), []

    def shown():
        drawn.append(capsys.readouterr().err)
        return any("3 running" in each for each in drawn)

    fmin(lambda c: 0.0 if wait_for(shown) else 1.0, SPACE, max_evals=6, trials=trials)
    assert shown()


@pytest.mark.parametrize("options", [{"show_progressbar": False}, {"verbose": False}])
def test_the_bar_is_off_on_request(options, capsys):
    """Without a bar nothing is written."""
    fmin(lambda c: 0.0, SPACE, max_evals=3, **options)
    assert capsys.readouterr() == ("", "")


def test_earlier_trials_count_as_finished(capsys):
    """A run that goes on begins where the first ended."""
    trials = Trials()
    fmin(lambda c: 0.0, SPACE, max_evals=3, trials=trials)
    capsys.readouterr()
    fmin(lambda c: 0.0, SPACE, max_evals=5, trials=trials)
    err = capsys.readouterr().err
    assert "3/5" in err
    assert "5/5" in err.split("\r")[-1]


def test_an_open_budget_has_no_total(capsys):
    """Without max_evals the bar counts."""
    fmin(lambda c: 0.0, SPACE, loss_threshold=0.0)
    assert "1trial" in capsys.readouterr().err


def test_a_bar_of_ones_own():
    """show_progressbar takes a context manager with update and postfix, as Hyperopt does."""
    shown = []

    class Bar:
        postfix = None

        def update(self, n):
            shown.append((n, self.postfix))

    @contextlib.contextmanager
    def factory(initial, total):
        shown.append((initial, total))
        yield Bar()
        shown.append("closed")

    fmin(lambda c: 0.25, SPACE, max_evals=5, show_progressbar=factory)
    assert shown[0] == (0, 5)
    assert shown[-1] == "closed"
    assert sum(n for n, _ in shown[1:-1]) == 5
    assert "best loss: 0.25" in shown[-2][1]


def test_prints_reach_stdout(capsys):
    """What the objective prints arrives on stdout, whole."""
    fmin(lambda c: print("a line") or 0.0, SPACE, max_evals=5)
    assert capsys.readouterr().out == "a line\n" * 5


def in_terminal(script, tmp_path, answers):
    """What a person sees who runs a script in a terminal and answers its prompts in turn."""
    path = tmp_path / "script.py"
    path.write_text(script)
    main, side = pty.openpty()
    fcntl.ioctl(side, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 120, 0, 0))
    process = subprocess.Popen(
        [sys.executable, str(path)], stdin=side, stdout=side, stderr=side, cwd=tmp_path
    )
    os.close(side)
    seen = io.BytesIO()
    killer = threading.Timer(60, process.kill)
    killer.start()
    while select.select([main], [], [], 60)[0]:
        try:
            chunk = os.read(main, 4096)
        except OSError:
            break
        if not chunk:
            break
        seen.write(chunk)
        if answers and seen.getvalue().endswith(answers[0][0]):
            os.write(main, answers.pop(0)[1])
    killer.cancel()
    os.close(main)
    assert process.wait(30) == 0, seen.getvalue().decode()
    return seen.getvalue().decode()


def test_in_a_terminal_lines_stand_above_the_bar(tmp_path):
    """In a terminal every printed line is whole, with parts printed one by one and prompts too."""
    script = """
from sparktune import fmin, hp
def objective(x):
    print("begin", end=" ")
    print("and end")
    if not asked:
        asked.append(input("name? "))
    return x
asked = []
fmin(objective, hp.uniform("x", 0, 1), max_evals=4)
print("asked", asked, flush=True)
"""
    seen = in_terminal(script, tmp_path, [(b"name? ", b"Ada\n")])
    pieces = seen.replace("\n", "\r").split("\r")
    assert pieces.count("begin and end") == 4
    assert "name? " in seen
    assert "asked ['Ada']" in seen
    assert "4/4" in seen


def test_a_debugger_stops_in_the_objective(tmp_path):
    """breakpoint() in the objective of a serial run gives a prompt that works."""
    script = """
from sparktune import fmin, hp
def objective(x):
    secret = "rhubarb"
    breakpoint()
    return x
fmin(objective, hp.uniform("x", 0, 1), max_evals=1)
"""
    answers = [(b"(Pdb) ", b"p secret.upper()\n"), (b"(Pdb) ", b"c\n")]
    assert "'RHUBARB'" in in_terminal(script, tmp_path, answers)
