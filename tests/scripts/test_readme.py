"""The examples of the README run as they stand."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_ask_and_tell(capsys):
    """The README's example of ask and tell runs, and finds what it looks for."""
    text = (ROOT / "README.md").read_text()
    (code,) = re.findall(r"## Ask and tell\n.*?```python\n(.*?)```", text, re.DOTALL)
    names = {}
    exec(code, names)
    assert "'n': 1" in capsys.readouterr().out
    assert names["tuner"].trials.count_successful_trials() == 40
    assert names["tuner"].trials.best_loss < 1.5
