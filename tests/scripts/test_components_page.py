"""The page of components is what its script writes."""

import importlib.util
from pathlib import Path

import pytest
import sklearn
from sklearn.utils.fixes import parse_version

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.skipif(
    parse_version(sklearn.__version__) < parse_version("1.8"),
    reason="docs/components.md has the parameter names of scikit-learn 1.8 and newer",
)
def test_the_page_shows_the_tables_of_components():
    """docs/components.md is written anew whenever a table of components is changed."""
    spec = importlib.util.spec_from_file_location("components_page", DOCS / "components.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    written = (DOCS / "components.md").read_text()
    assert written == script.page(), "run python docs/components.py"
