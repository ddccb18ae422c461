"""Type checkers see the types of the public names, as programs that use them would."""

import importlib.util
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
CHECKERS = {
    "mypy": ["-m", "mypy", "--strict", "--cache-dir", ".cache"],
    "pyright": ["-m", "pyright", "--pythonpath", sys.executable],
}
ERROR = re.compile(r"(?:usage|wrong)\.py:(\d+):.*\berror\b")


@pytest.fixture(scope="module", params=CHECKERS)
def check(request, tmp_path_factory):
    """Checks a program, far from the sources, and gives the lines with errors and the report."""
    if importlib.util.find_spec(request.param) is None:
        pytest.skip(f"{request.param} is not installed")

    folder = tmp_path_factory.mktemp(request.param)

    def checked(name):
        shutil.copy(HERE / name, folder)
        command = [sys.executable, *CHECKERS[request.param], name]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode in (0, 1), done.stdout + done.stderr
        return {int(line) for line in ERROR.findall(done.stdout)}, done

    return checked


def test_types_are_seen(check):
    """A program that asks for the types of what it gets is accepted."""
    _, done = check("usage.py")
    assert done.returncode == 0, done.stdout + done.stderr


def test_mistakes_are_seen(check):
    """Misspelt names and arguments of other types are refused, where they stand and only there."""
    lines = (HERE / "wrong.py").read_text().splitlines()
    wrong = {number for number, line in enumerate(lines, 1) if line.endswith("# refused")}
    found, done = check("wrong.py")
    assert found == wrong, done.stdout + done.stderr
