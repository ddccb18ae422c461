"""The package as a whole."""

from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_package_speaks_one_version():
    """The version of the package is the one of its metadata and of the changelog."""
    from importlib.metadata import version

    import sparktune

    assert version("sparktune") == sparktune.__version__
    assert f"## {sparktune.__version__}" in (ROOT / "CHANGELOG.md").read_text()
