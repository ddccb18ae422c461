"""The site, built once, as a folder of pages."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("sphinx", reason="the site's builder is not installed")

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """The folder of the site, built with warnings as errors."""
    out = tmp_path_factory.mktemp("site")
    environment = {**os.environ, "VENV": os.path.relpath(sys.prefix, ROOT)}
    command = ["bash", str(ROOT / "conf" / "site.sh"), str(out)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return out


@pytest.fixture(scope="session")
def pages(site):
    """The pages of the site with a text of their own, by their paths in it."""
    return {
        str(path.relative_to(site)): path.read_text()
        for path in sorted(site.rglob("*.html"))
        if "_modules" not in path.parts
    }
