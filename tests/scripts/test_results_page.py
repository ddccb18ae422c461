"""The pictures of docs/results.md are drawn by its script."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.full
def test_the_script_draws_what_the_page_shows(tmp_path):
    """docs/results.py draws every picture of the page, each of at most 60 kB."""
    pytest.importorskip("matplotlib")
    command = [sys.executable, str(DOCS / "results.py"), str(tmp_path)]
    subprocess.run(command, check=True, cwd=DOCS.parent, timeout=300)
    shown = set(re.findall(r"\(pictures/(\w+\.png)\)", (DOCS / "results.md").read_text()))
    drawn = {path.name for path in tmp_path.iterdir()}
    assert drawn <= shown
    for path in (*tmp_path.iterdir(), *(DOCS / "pictures" / name for name in drawn)):
        assert 0 < path.stat().st_size <= 60_000, path
