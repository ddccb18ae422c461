"""Trials in files, pickles and copies."""

import copy
import pickle
import threading
import warnings

import cloudpickle
import numpy as np
import pytest
from quiet_runs import SPACE, loss_of, points_of, run, square

import sparktune.hyperopt as hyperopt
from sparktune.hyperopt import Ctrl, Domain, FMinIter, fmin, hp
from sparktune.hyperopt.base import spec_from_misc
from sparktune.hyperopt.pyll import as_apply


def test_the_file_is_written_after_each_batch(tmp_path):
    """Each batch finds the file with the ones before it, and nothing beside it."""
    path, found = tmp_path / "trials.pkl", []

    def fn(x):
        found.append(len(pickle.loads(path.read_bytes())) if path.exists() else None)
        assert [each.name for each in tmp_path.iterdir()] in ([], ["trials.pkl"])
        return x

    run(6, fn, hp.uniform("x", 0, 1), trials_save_file=str(path), max_queue_len=2)
    assert found == [None, None, 2, 2, 4, 4]
    assert len(pickle.loads(path.read_bytes())) == 6


def test_a_file_that_cannot_be_written_leaves_the_old_one(tmp_path):
    """Trials that cannot be pickled are an error, and what was there stays whole."""
    path = tmp_path / "trials.pkl"
    trials = run(2, trials_save_file=path)
    trials.attachments["lock"] = threading.Lock()
    with pytest.raises(TypeError, match="lock"):
        run(3, trials=trials, trials_save_file=path)
    assert len(pickle.loads(path.read_bytes())) == 2
    assert [each.name for each in tmp_path.iterdir()] == ["trials.pkl"]


def test_a_file_is_loaded_with_a_warning_and_goes_on(tmp_path):
    """Without trials the file's are loaded, which warns, and the run goes on as if not stopped."""
    path = tmp_path / "trials.pkl"

    def go(n):
        fmin(
            square, hp.uniform("x", 0, 1), hyperopt.rand.suggest, n, rstate=4,
            show_progressbar=False, trials_save_file=str(path),
        )  # fmt: skip

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        go(3)
    with pytest.warns(UserWarning, match="runs what is in it"):
        go(7)
    found = pickle.loads(path.read_bytes())
    assert found.vals == run(7, square, hp.uniform("x", 0, 1), rstate=4).vals


def test_a_file_beside_trials_is_overwritten(tmp_path):
    """Where trials are given, these count, and the file is theirs from then on."""
    path = tmp_path / "trials.pkl"
    run(5, trials_save_file=str(path))
    run(2, trials_save_file=str(path))
    assert len(pickle.loads(path.read_bytes())) == 2


def test_trials_pickle_without_their_generator():
    """A pickle holds the documents, goes on by itself, and leaves the original alone."""
    trials = run(3, rstate=np.random.default_rng(0))
    again = pickle.loads(pickle.dumps(trials))
    assert points_of(again) == points_of(trials)
    assert b"Generator" not in pickle.dumps(trials)
    run(5, trials=again)
    assert (len(again), len(trials)) == (5, 3)


@pytest.mark.parametrize("way", ["pickle", "cloudpickle", "deepcopy"])
@pytest.mark.parametrize("thing", ["trials", "view", "domain", "loop", "ctrl", "space"])
def test_objects_can_be_pickled_and_copied(thing, way):
    """Trials, views, domains, loops, ctrls and spaces survive pickle, cloudpickle and deepcopy."""
    domain, trials = Domain(loss_of, SPACE), run(3)
    domain.history(trials)
    rng = np.random.RandomState(0)
    one = {
        "trials": trials,
        "view": trials.view("k"),
        "domain": domain,
        "loop": FMinIter(hyperopt.rand.suggest, domain, trials, rng, max_evals=5),
        "ctrl": Ctrl(trials, trials.trials[0]),
        "space": as_apply(SPACE),
    }[thing]
    if way == "deepcopy":
        again = copy.deepcopy(one)
    else:
        kind = {"pickle": pickle, "cloudpickle": cloudpickle}[way]
        again = pickle.loads(kind.dumps(one))
    assert type(again) is type(one)
    if thing == "loop":
        assert len(again.exhaust().trials) == 5
        assert len(trials) == 3
    if thing == "domain":
        assert hyperopt.tpe.suggest([9], again, trials, 1) == hyperopt.tpe.suggest(
            [9], domain, trials, 1
        )  # fmt: skip
    if thing == "space":
        point = {"x": 0.5, "kind": 0, "n": 3}
        assert hyperopt.space_eval(again, point) == hyperopt.space_eval(SPACE, point)


def test_a_copy_has_documents_of_its_own():
    """A deep copy shares no document with the original."""
    trials = run(2)
    again = copy.deepcopy(trials)
    again.trials[0]["result"]["loss"] = -1.0
    assert trials.losses()[0] != -1.0
    assert again.argmin == spec_from_misc(again.trials[0]["misc"])
