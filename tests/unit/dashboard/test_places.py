"""Where the dashboard finds runs, and what it says where there are none."""

import os

import pytest
from recorded_runs import searched

from sparktune import Trials, fmin, hp, rand
from sparktune.cli import main
from sparktune.cli.places import place_of
from sparktune.exceptions import JournalError, StoreError


def stored(url, exp_key):
    """A run of two trials in a store."""
    trials = Trials(store=url, exp_key=exp_key)
    space = hp.uniform("x", 0, 1)
    fmin(abs, space, rand.suggest, 2, trials=trials, rstate=0, show_progressbar=False)


def names(path, exp_key=None):
    return [opened().name for opened in place_of(str(path), exp_key).sources().values()]


def test_a_journal_is_one_run(tmp_path):
    """The folder of a journal is that run, whatever else is in it."""
    searched(tmp_path / "a", 2)
    (tmp_path / "a" / "models").mkdir()
    assert names(tmp_path / "a") == [str(tmp_path / "a")]


def test_a_folder_has_the_journals_below_it(tmp_path):
    """Journals are found in folders below, three deep, what was written last before the others."""
    for where in ("b", "a/x", "a/y/z", "a/y/z/deep/er"):
        searched(tmp_path / where, 1)
    (tmp_path / "empty").mkdir()
    found = [name.removeprefix(f"{tmp_path}/") for name in names(tmp_path)]
    assert sorted(found) == ["a/x", "a/y/z", "b"]
    for number, where in enumerate(["b", "a/y/z", "a/x"]):
        for file in (tmp_path / where).iterdir():
            os.utime(file, (number, number))
    found = [name.removeprefix(f"{tmp_path}/") for name in names(tmp_path)]
    assert found == ["a/x", "a/y/z", "b"]


def test_a_store_has_all_its_searches_or_one(tmp_path):
    """A URL stands for every search of the store, unless one is named."""
    url = f"sqlite:///{tmp_path}/s.db"
    for key in ("k", "two"):
        stored(url, key)
    assert [name.rpartition(" ")[2] for name in names(url)] == ["(k)", "(two)"]
    assert [name.rpartition(" ")[2] for name in names(url, "two")] == ["(two)"]


def test_places_without_runs_are_named(tmp_path):
    """A missing folder, one without journals, a file and a missing store get a sentence."""
    with pytest.raises(JournalError, match="there is no folder"):
        names(tmp_path / "nothing")
    with pytest.raises(JournalError, match="nor in a folder below it"):
        names(tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(JournalError, match="there is no folder"):
        names(tmp_path / "file")
    with pytest.raises(StoreError, match="there is no store"):
        names(f"sqlite:///{tmp_path}/none.db")
    with pytest.raises(StoreError, match="no search 'x'"):
        stored(f"sqlite:///{tmp_path}/s.db", "k")
        names(f"sqlite:///{tmp_path}/s.db", "x")


def test_the_command_says_what_is_missing(tmp_path, capsys, monkeypatch):
    """Words that name no run end the command with a sentence."""
    monkeypatch.delenv("SPARKTUNE_STORE", raising=False)
    assert main(["dashboard"]) == 2
    assert "name journals' folders or a store's URL" in capsys.readouterr().err
    assert main(["dashboard", str(tmp_path), "--exp-key", "k"]) == 2
    assert "--exp-key names a search of a store" in capsys.readouterr().err
    assert main(["dashboard", str(tmp_path)]) == 1
    assert "there is no journal" in capsys.readouterr().err


def test_a_port_that_is_taken(tmp_path, capsys):
    """A port that was asked for and is taken is named; without one, another is taken."""
    from dashboards import dashboard

    searched(tmp_path / "a", 1)
    with dashboard(tmp_path) as client:
        assert main(["dashboard", str(tmp_path), "--port", str(client.port)]) == 2
    assert f"port {client.port} of 127.0.0.1 cannot be had" in capsys.readouterr().err


def test_the_extra_is_named(tmp_path, capsys, monkeypatch):
    """Without Starlette or uvicorn the sentence names the extra."""
    searched(tmp_path / "a", 1)
    monkeypatch.setitem(__import__("sys").modules, "uvicorn", None)
    assert main(["dashboard", str(tmp_path)]) == 1
    assert "pip install 'sparktune[dashboard]'" in capsys.readouterr().err
