"""Trained models: where they lie, how many stay, and what records have of them."""

import json
import threading
import warnings
from pathlib import Path

import pytest
from stores import KEY, Working
from templated import function_of

from sparktune import StoreTrials, Trials, rand
from sparktune.hyperas import optim
from sparktune.hyperas.travels.saving import put, saved, taken
from sparktune.hyperopt import Trials as Documents
from sparktune.storage.stores.signing import VARIABLE

pytestmark = pytest.mark.usefixtures("sent_by_value")

PARTS = ("the weights", "of a net")
SECRET = " ".join(PARTS)  # in the bytes of a net, but not in those of its class
TEXT = (
    "def model():\n    x = {{uniform(0, 1)}}\n"
    "    return {'loss': x, 'status': 'ok', 'model': Net(x)}\n"
)


class Net:
    """A model that can be found again in bytes."""

    def __init__(self, x):
        self.x, self.weights = x, " ".join(PARTS)


def quiet(model=None, **settings):
    """A run of six random trials without a word."""
    given = {"algo": rand.suggest, "max_evals": 6, "verbose": False, **settings}
    return optim.minimize(model or function_of(TEXT, Net=Net), None, **given)


def files_with_models(folder):
    """The files below a folder in which the weights stand."""
    found = [path for path in Path(folder).rglob("*") if path.is_file()]
    return [path for path in found if SECRET.encode() in path.read_bytes()]


def test_a_journal_names_the_file_of_the_best(tmp_path):
    """Of six models one file stays, which the record of the best trial names, and no other has."""
    trials = Trials(journal=tmp_path / "run")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run, net = quiet(trials=trials)
    (file,) = files_with_models(tmp_path)
    best = trials.best_trial["tid"]
    assert file.parent == tmp_path / "run" / "models"
    told = trials.history[best].outcome.attachments["model"]
    assert told["file"] == file.name
    assert net.x == run["x"] == min(trials.losses())
    assert list((tmp_path / "run" / "models").iterdir()) == [file]


def test_a_run_that_goes_on_removes_what_is_worse(tmp_path):
    """A better trial of a later call takes the place of the file that an earlier one left."""
    first = quiet(trials=Trials(journal=tmp_path / "run"), max_evals=2)[1]
    trials = Trials(journal=tmp_path / "run")
    run, net = quiet(trials=trials, max_evals=3, points_to_evaluate=[{"x": 0.0}])
    assert net.x == run["x"] == 0.0 < first.x
    assert len(files_with_models(tmp_path)) == 1


@pytest.mark.parametrize("settings", [{"parallelism": 2}, {"executor": "processes"}])
def test_memory_holds_no_models(tmp_path, settings):
    """While a run goes on no record holds the bytes of a model, in batches neither."""
    trials, held = Trials(**settings), []

    def look(trials):
        held.extend(t.outcome.attachments for t in trials.history if t.outcome is not None)
        return False, ()

    _, net = quiet(trials=trials, early_stop_fn=look, batch=3, model_folder=tmp_path / "models")
    assert net.weights == SECRET
    assert held
    assert SECRET not in repr(held)
    assert all(set(each) <= {"model"} for each in held)
    assert len(files_with_models(tmp_path)) == 1


def test_a_folder_of_ones_own(tmp_path):
    """`model_folder` keeps the best models after the call, and is made where it is not there."""
    found = optim.best_models(
        2, function_of(TEXT, Net=Net), None, rand.suggest, 5, verbose=False,
        model_folder=str(tmp_path / "a" / "b"),
    )  # fmt: skip
    assert len(found) == len(files_with_models(tmp_path / "a" / "b")) == 2
    with pytest.raises(TypeError, match="`model_folder` must be the path of a folder, but got 3"):
        quiet(model_folder=3)


def test_a_folder_that_cannot_be_written(tmp_path):
    """A model for which there is no place costs no trial, and the warning names the folder."""
    (tmp_path / "file").write_text("")
    folder = tmp_path / "file" / "models"
    with pytest.warns(UserWarning, match=rf"trial 0: .*{folder} cannot be written"):
        run, net = quiet(model_folder=folder)
    assert net is None
    assert 0 < run["x"] < 1


def test_a_store_in_sqlite(tmp_path, monkeypatch):
    """With a key a store's models lie in files beside it, whoever evaluates, and not in it."""
    monkeypatch.setenv(VARIABLE, KEY)
    url = f"sqlite:///{tmp_path}/runs.db"
    with Working(url):
        run, net = quiet(trials=StoreTrials(url, "k", parallelism=2, lost_after=5))
    assert net.x == run["x"]
    (file,) = files_with_models(tmp_path)
    assert file.parent == tmp_path / "runs.db-files" / "models"
    other, again = quiet(trials=Trials("driver", store=url))
    assert again.x == other["x"]
    assert {path.parent for path in files_with_models(tmp_path)} == {file.parent}
    assert len(files_with_models(tmp_path)) == 2


def test_a_store_without_a_key(tmp_path, monkeypatch):
    """Without a key nothing that a store names is opened; a model of an earlier call is said."""
    monkeypatch.delenv(VARIABLE, raising=False)
    url = f"sqlite:///{tmp_path}/runs.db"
    assert quiet(trials=Trials(store=url), points_to_evaluate=[{"x": 0.0}])[1].x == 0.0
    with pytest.warns(UserWarning, match="the best trial, 0, is of an earlier call, which kept no"):
        run, net = quiet(trials=Trials(store=url), max_evals=8)
    assert (run["x"], net) == (0.0, None)
    assert not files_with_models(tmp_path)


def test_documents(tmp_path):
    """Trials of sparktune.hyperopt hold no models either, and the best comes back."""
    trials = Documents()
    run, net = quiet(trials=trials, model_folder=tmp_path)
    assert net.x == run["x"]
    assert SECRET not in repr((trials.trials, trials.attachments))
    assert len(files_with_models(tmp_path)) == 1


def test_what_a_warning_advises():
    """Where a model cannot be written, the warning says why, and what to return instead."""
    made = function_of(TEXT, Net=lambda x: threading.Lock())
    with pytest.warns(
        UserWarning, match=r"cannot pickle.*its loss counts\. Return as 'model' what"
    ):
        quiet(made)


class Unloadable:
    """Can be written, but not read."""

    def __reduce__(self):
        return int, ("no number",)


def test_a_model_that_cannot_be_loaded():
    """What its class refuses to load costs no run: the warning names the file, which stays."""
    made = function_of(TEXT, Net=lambda x: Unloadable())
    with pytest.warns(UserWarning, match="cannot be loaded here .ValueError: invalid lit") as said:
        run, net = quiet(made)
    assert net is None
    assert 0 < run["x"] < 1
    path = Path(str(said[0].message).rpartition("it is in ")[2])
    assert path.exists()
    path.unlink()
    path.parent.rmdir()


@pytest.mark.parametrize(
    "change", [{"file": "../models.pkl"}, {"file": None}, {"sha256": "0" * 64}, {"file": "a.sh"}]
)
def test_a_record_that_lies(tmp_path, change):
    """A record that names a file elsewhere, or one that has changed, opens nothing."""
    told = put(tmp_path, *saved(Net(1)))
    assert taken(tmp_path, json.loads(json.dumps(told))).x == 1
    with pytest.raises(ValueError, match=r"names no file of a model|has changed since"):
        taken(tmp_path, {**told, **change})
