"""Trials: documents in Hyperopt's shape, answers in real values, pickles and tables."""

import copy
import os
import pickle
import re
from datetime import datetime

import numpy as np
import pytest

from sparktune import (
    JOB_STATE_CANCEL,
    JOB_STATE_DONE,
    JOB_STATE_ERROR,
    AllTrialsFailed,
    Trials,
    fmin,
    hp,
    rand,
    scope,
)

pytestmark = pytest.mark.usefixtures("sent_by_value")

SPACE = {
    "c": hp.choice("c", ["near", {"deep": hp.uniform("x", 0, 1)}]),
    "n": scope.int(hp.quniform("n", 1, 5, 1)),
}


def objective(config):
    if config["n"] == 1:
        raise ValueError("one is too few")
    if config["n"] == 2:
        return {"status": "fail", "why": "two"}
    loss = config["n"] + (config["c"]["deep"] if isinstance(config["c"], dict) else 2)
    return {"loss": loss, "status": "ok", "attachments": {"curve": [1, 2]}}


@pytest.fixture
def trials():
    trials = Trials(exp_key="e1")
    fmin(
        objective, SPACE, max_evals=40, trials=trials, rstate=0,
        catch_eval_exceptions=True, show_progressbar=False,
    )  # fmt: skip
    return trials


def test_documents(trials):
    """Documents have Hyperopt's keys, states and values; every trial that counts is listed."""
    everything = trials._dynamic_trials
    assert len(everything) == 40
    assert [document["tid"] for document in everything] == list(range(40))
    for document in everything:
        assert set(document) == {
            "state", "tid", "spec", "result", "misc", "exp_key", "owner", "version",
            "book_time", "refresh_time",
        }  # fmt: skip
        assert document["exp_key"] == "e1"
        assert isinstance(document["book_time"], datetime)
        vals, idxs = document["misc"]["vals"], document["misc"]["idxs"]
        assert set(vals) == {"c", "x", "n"}
        assert (vals["x"] == []) == (vals["c"] == [0])
        assert all(len(vals[label]) == len(idxs[label]) for label in vals)
        if vals["n"] == [1.0]:
            assert document["state"] == JOB_STATE_ERROR
            assert "one is too few" in document["misc"]["error"][1]
            assert document["misc"]["error"][0] == "ValueError"
        elif vals["n"] == [2.0]:
            assert document["state"] == JOB_STATE_DONE
            assert document["result"]["why"] == "two"
        else:
            assert document["state"] == JOB_STATE_DONE
            assert document["result"]["loss"] > 0
    raised = trials.count_by_state_synced(JOB_STATE_ERROR)
    assert 0 < raised < 40
    assert len(trials) == len(trials.trials) == len(list(trials)) == 40
    assert trials.count_by_state_unsynced(JOB_STATE_CANCEL) == 0
    assert trials[0] == trials.trials[0]


def test_columns_agree(trials):
    """tids, results, losses, statuses, vals and idxs are columns of the documents."""
    assert trials.losses() == [result.get("loss") for result in trials.results]
    assert trials.statuses().count("ok") == trials.count_successful_trials()
    assert trials.tids == [misc["tid"] for misc in trials.miscs]
    assert trials.specs == [None] * len(trials)
    assert len(trials.vals["n"]) == len(trials)
    idxs, vals = trials.idxs_vals
    assert (idxs, vals) == (trials.idxs, trials.vals)
    branch = dict(zip(trials.idxs["c"], trials.vals["c"], strict=True))
    assert idxs["x"] == [tid for tid in trials.tids if branch[tid] == 1]
    assert all(type(value) is float for value in vals["x"])
    assert trials.trial_attachments(trials.best_trial) == {"curve": [1, 2]}


def test_the_answer(trials):
    """best_trial, argmin, best_params and best_loss speak of the trial with the lowest loss."""
    losses = [loss for loss in trials.losses() if loss is not None]
    assert trials.best_loss == min(losses) == trials.best_trial["result"]["loss"]
    assert trials.argmin == {"c": 1, "x": trials.argmin["x"], "n": 3.0}
    assert trials.best_params == {
        "c": {"deep": trials.argmin["x"]}, "x": trials.argmin["x"], "n": 3.0
    }  # fmt: skip
    assert type(trials.argmin["c"]) is int


def test_no_answer():
    """Without a finished trial, asking for the best says that there is none."""
    for attribute in ("best_trial", "argmin", "best_params", "best_loss"):
        with pytest.raises(AllTrialsFailed, match="no trial has ended"):
            getattr(Trials(), attribute)
    assert len(Trials()) == 0
    assert Trials().losses() == []


def test_a_table(trials):
    """to_pandas has a row a trial, options instead of indices where they are plain."""
    frame = trials.to_pandas()
    assert list(frame.index) == list(range(40))
    assert set(frame["status"]) == {"ok", "failed"}
    assert set(frame["params_c"]) == {0, 1}
    assert frame["params_x"].isna().sum() == (frame["params_c"] == 0).sum()
    assert frame["loss"].min() == trials.best_loss
    failed = frame[frame["status"] == "failed"]
    assert failed["error"].notna().all()
    assert (frame["seconds"] >= 0).all()
    assert Trials().to_pandas().empty
    assert list(trials.errors()) == list(failed.index)
    assert "one is too few" in "".join(trials.errors().values())


def test_a_table_shows_plain_options():
    """Where all options are strings or numbers the table shows them."""
    trials = Trials()
    fmin(
        lambda c: 0.0, hp.choice("c", ["a", "b", 3]), max_evals=3, trials=trials,
        show_progressbar=False,
    )  # fmt: skip
    assert set(trials.to_pandas()["params_c"]) == {"a", "b", 3}


@pytest.mark.parametrize(
    "options", [["l1", None, "l2"], [5, None, 0.5], list(np.array([4, 2])), [None]]
)
def test_a_table_shows_none_and_numbers_of_numpy(options):
    """None among the options is None in the table, and a number of numpy is a number."""
    trials = Trials()
    fmin(
        lambda c: 0.0, {"c": hp.choice("c", options)}, rand.suggest, max_evals=12, rstate=0,
        trials=trials, show_progressbar=False,
    )  # fmt: skip
    shown = trials.to_pandas()["params_c"].tolist()
    assert shown == [options[index] for index in trials.vals["c"]]
    assert set(shown) == set(options)


def test_pickles_go_on(trials):
    """Pickled trials come back equal and go on."""
    copy = pickle.loads(pickle.dumps(trials))
    assert copy.losses() == trials.losses()
    assert copy.argmin == trials.argmin
    assert copy.seed == trials.seed
    fmin(
        objective, SPACE, max_evals=45, trials=copy,
        catch_eval_exceptions=True, show_progressbar=False,
    )  # fmt: skip
    assert copy.count_total_trials() == 45
    assert trials.count_total_trials() == 40


def test_delete_all(trials):
    """delete_all forgets everything, and the trials can be used in another space."""
    trials.delete_all()
    assert len(trials) == 0
    fmin(lambda c: c, hp.uniform("z", 0, 1), max_evals=3, trials=trials, show_progressbar=False)
    assert trials.vals == {"z": trials.losses()}


def test_documents_are_a_view(trials):
    """Changing a document changes nothing that the search knows."""
    best = trials.argmin
    trials.trials[0]["result"]["loss"] = -100.0
    assert trials.argmin == best


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"parallelism": 0}, "`parallelism` must be a whole number >= 1, but got 0"),
        ({"parallelism": 1.5}, "`parallelism`.*1.5"),
        ({"parallelism": "4"}, "`parallelism`.*'4'"),
        ({"executor": "fork"}, "`executor` must be 'processes', 'threads' or None, .* 'fork'"),
        ({"trial_timeout": 0}, "`trial_timeout` must be a number of seconds > 0 or None, .* 0"),
        ({"trial_timeout": "1"}, "`trial_timeout`.*'1'"),
        ({"trial_grace": None}, "`trial_grace` must be a number of seconds > 0, but got None"),
        ({"trial_cpus": 2}, "`trial_cpus` needs processes"),
        ({"trial_cpus": 2, "executor": "threads"}, "`trial_cpus` needs processes"),
        ({"trials_per_process": 1}, "`trials_per_process` needs processes"),
        ({"trials_per_process": 0, "parallelism": 2}, "`trials_per_process`.*>= 1 or None"),
        ({"trial_cpus": 0, "parallelism": 2}, "`trial_cpus` must be a whole number >= 1 or None"),
        ({"retry_crashes": 1}, "`retry_crashes` must be True or False, but got 1"),
        ({"env": {"A": "1"}}, "`env` needs processes of their own"),
        ({"env": {"A": "1"}, "parallelism": 2, "executor": "threads"}, "`env` needs processes"),
    ],
)
def test_wrong_arguments(options, sentence):
    """Wrong arguments of Trials are refused with a sentence."""
    with pytest.raises(ValueError, match=sentence):
        Trials(**options)


@pytest.mark.parametrize(
    ("env", "sentence"),
    [
        ("A=s3cret", "both strings, or None, but got an object of type str"),
        ([("A", "s3cret")], "both strings, or None, but got an object of type list"),
        ({b"A": "s3cret"}, "a name is of type bytes"),
        ({"A": 3}, "the value of 'A' is of type int"),
        ({"A": None}, "the value of 'A' is of type NoneType"),
        ({"": "s3cret"}, "a name is empty"),
        ({"A=s3cret": ""}, "a name is empty, or has '=' or a zero byte in it, after 'A'"),
        ({"A\0s3cret": ""}, "a name is empty, or has '=' or a zero byte in it, after 'A'"),
        ({"A": "s3cret\0"}, "the value of 'A' has a zero byte in it"),
        ({"A": "s3cret\ud800"}, "the value of 'A' is no text that a system can hold"),
        ({"OMP_NUM_THREADS": "s3cret"}, "`env` sets 'OMP_NUM_THREADS', and so does trial_cpus=1"),
    ],
)
def test_a_wrong_env_is_refused_without_its_values(env, sentence):
    """What is wrong with variables of the environment is said by name; no value is shown."""
    trials = Trials(parallelism=2, trial_cpus=1)
    for make in (
        lambda: Trials(parallelism=2, trial_cpus=1, env=env),
        lambda: setattr(trials, "env", env),
    ):
        with pytest.raises(ValueError, match=re.escape(sentence)) as error:
            make()
        assert "s3cret" not in str(error.value)


@pytest.mark.parametrize(
    ("options", "environment", "threads"),
    [
        ({"parallelism": 2}, {}, "4"),
        ({"parallelism": 16}, {}, "1"),
        ({"executor": "processes"}, {}, None),
        ({"parallelism": 2, "trial_cpus": 3}, {}, "3"),
        ({"parallelism": 2, "env": {"OMP_NUM_THREADS": "5"}}, {}, "5"),
        ({"parallelism": 2}, {"OMP_NUM_THREADS": "6"}, "6"),
        ({"parallelism": 2}, {"MKL_NUM_THREADS": "6"}, None),
    ],
)
def test_processes_share_the_cores(options, environment, threads, monkeypatch):
    """Numerical libraries of each process have their part of the cores, unless it is said."""
    names = [name for name in os.environ if name.endswith("_THREADS")]
    for name in names:
        monkeypatch.delenv(name)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)))

    def objective(x):
        return {"loss": x, "threads": os.environ.get("OMP_NUM_THREADS")}

    trials = Trials(**options)
    fmin(objective, hp.uniform("x", 0, 1), max_evals=1, trials=trials, show_progressbar=False)
    assert trials.results[0]["threads"] == threads


def test_the_values_of_env_are_kept_nowhere():
    """Values of `env` are in no repr, pickle or record; trials say once that a pickle lost them."""
    given = {"TOKEN": "s3cret", "OTHER": "x"}
    trials = Trials(executor="processes", env=given)
    given["TOKEN"] = "changed"
    assert trials.env["TOKEN"] == "s3cret"
    assert dict(copy.deepcopy(trials).env)["TOKEN"] == "s3cret"
    fmin(
        lambda c: {"loss": c, "status": "ok", "is": len(os.environ["TOKEN"])},
        hp.uniform("x", 0, 1), max_evals=1, trials=trials, show_progressbar=False,
    )  # fmt: skip
    assert trials.results[0]["is"] == 6
    shown = [trials.env, trials.settings, vars(trials), trials.trials, list(trials.history)]
    assert not [each for each in shown if "s3cret" in repr(each)]
    assert repr(trials.env) == "{'TOKEN': ..., 'OTHER': ...}"
    blob = pickle.dumps(trials)
    assert b"s3cret" not in blob
    again = pickle.loads(blob)
    assert dict(again.env) == {}
    with pytest.warns(UserWarning, match="values of `env` never are.*without TOKEN, OTHER"):
        again.engine()
    again.engine()
    again.env = {"TOKEN": "new"}
    assert pickle.loads(blob).settings.env.lost == ("TOKEN", "OTHER")
    assert dict(again.settings.env) == {"TOKEN": "new"}


def test_numpy_results_stay_what_they_are():
    """What the objective adds to its result is kept as it is; the loss becomes a float."""
    trials = Trials()
    fmin(
        lambda c: {"loss": np.float32(0.5), "status": "ok", "weights": np.arange(3)},
        hp.uniform("z", 0, 1), max_evals=1, trials=trials, show_progressbar=False,
    )  # fmt: skip
    assert type(trials.losses()[0]) is float
    assert isinstance(trials.results[0]["weights"], np.ndarray)
