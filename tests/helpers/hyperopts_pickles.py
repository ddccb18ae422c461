"""The pickles that Hyperopt itself wrote, and what it says of what is in them."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

__all__ = ["FACTS", "HOME", "SEARCHES", "VERSIONS", "blob"]

HOME = Path(__file__).parents[1] / "compat" / "pickles"
VERSIONS = ["0.2.7", "0.3.0"]
SEARCHES = ["mixed", "noted"]
FACTS = {version: json.loads((HOME / version / "facts.json").read_text()) for version in VERSIONS}


def blob(version, name):
    """A pickle, where this numpy knows the names that another one wrote."""
    found = (HOME / version / f"{name}.pkl").read_bytes()
    for module in set(re.findall(r"numpy\._core\.\w+", found.decode("latin-1"))):
        pytest.importorskip(module, reason=f"numpy {np.__version__} has no {module}")
    return found
