"""The package as a whole."""

from pathlib import Path

from public_names import LIST, is_there, names_now

ROOT = Path(__file__).parents[2]


def test_the_package_speaks_one_version():
    """The version of the package is the one of its metadata and of the changelog."""
    from importlib.metadata import version

    import sparktune

    assert version("sparktune") == sparktune.__version__
    assert f"## {sparktune.__version__}" in (ROOT / "CHANGELOG.md").read_text()


def test_public_names_stay():
    """A public name and its parameters are there; where they are to go, with a warning."""
    assert [line for line in LIST.read_text().splitlines() if not is_there(line)] == []


def test_public_names_are_listed():
    """A new public name is listed, so that it stays (`python tests/helpers/public_names.py`)."""
    listed = {line.partition(" ")[0] for line in LIST.read_text().splitlines()}
    assert {line.partition(" ")[0] for line in names_now()} <= listed


def test_a_name_that_went_is_seen(monkeypatch):
    """What the list says is compared with what is there: a lost name, member or parameter."""
    import sparktune

    lines = ["sparktune.space_eval space hp_assignment", "sparktune.Tuner.ask k"]
    assert all(map(is_there, lines))
    assert not is_there("sparktune.space_eval space point")
    assert not is_there("sparktune.Tuner.asks k")
    monkeypatch.delattr(sparktune, "space_eval")
    assert list(map(is_there, lines)) == [False, True]
