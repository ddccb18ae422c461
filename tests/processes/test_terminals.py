"""What a program shows on a terminal and in a pipe, and how it ends there."""

import fcntl
import io
import os
import pty
import select
import shlex
import signal
import struct
import subprocess
import sys
import termios
import threading

import pytest
from recorded_runs import searched


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


@pytest.fixture
def following(tmp_path):
    """A process that follows a run, once it has shown the summary."""
    searched(tmp_path / "run", 2)
    words = [sys.executable, "-m", "sparktune", "show", "--follow", str(tmp_path / "run")]
    process = subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )  # fmt: skip
    with process:
        assert process.stdout.readline().strip() == str(tmp_path / "run")
        yield process
        process.kill()


def test_ctrl_c_ends_it_quietly(following):
    """The exit code is that of a program which was interrupted, as of tail -f."""
    following.send_signal(signal.SIGINT)
    _, error = following.communicate(timeout=60)
    assert (following.returncode, error) == (130, "")


def test_it_ends_when_nobody_reads_it(following):
    """A pipe whose reader has gone is noticed though nothing comes that could be written."""
    following.stdout.close()
    assert following.wait(timeout=60) == 1
    assert following.stderr.read() == ""


def test_a_reader_that_goes_away(tmp_path):
    """Where the next program of a pipe ends, nothing is said of it."""
    folder = tmp_path / "run"
    searched(folder)
    words = [sys.executable, "-m", "sparktune", "show", str(folder), "--json"]
    script = f"{shlex.join(words)} | head -n 1"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("{\n", "")
