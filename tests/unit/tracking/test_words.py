"""What MLflow is told about a trial."""

import functools
import math

import numpy as np
import pytest

from sparktune import Outcome, Space, Status, Trial, Trials, fmin, hp, rand, scope, tpe
from sparktune.events import Budget
from sparktune.space.texts import option_names
from sparktune.tracking.words import (
    metrics_of,
    params_of,
    params_of_run,
    run_status,
    tags_of,
    unique,
)


class Model:
    """A thing whose text has its address."""


def trial_of(values=None, outcome=None):
    return Trial(0, 0, values or {}, 0.0, outcome)


@pytest.mark.parametrize(
    ("options", "names"),
    [
        (["adam", "sgd"], ("adam", "sgd")),
        ([1, 2.5, None, True], ("1", "2.5", "None", "True")),
        ([{"kind": "svm", "C": 1}, {"kind": "forest"}], ("svm", "forest")),
        ([{"C": 1, "kind": "a"}, {"C": 2, "kind": "a"}], ("{C: 1, kind: a}", "{C: 2, kind: a}")),
        ([{"kind": "svm"}, "none"], ("{kind: svm}", "none")),
        ([max, Model], ("max", "Model")),
        ([{"a": 1}, {"a": 1}], ("{a: 1} (0)", "{a: 1} (1)")),
        ([scope.pow(hp.uniform("x", 0, 1), 2), 1], ("pow(…)", "1")),
        ([[scope.len("a.b.Scaler")], []], ("[Scaler]", "[]")),
        ([np.int64(3), np.float64(0.5)], ("3", "0.5")),
    ],
)
def test_options_have_names(options, names):
    """Options are called by their own text, or by that which tells them from the others."""
    assert option_names(options) == names


def test_values_stand_as_drawn_and_options_by_name():
    """A trial's parameters are its active labels alone, nested ones too."""
    space = Space.of(
        hp.choice("kind", [{"kind": "svm", "C": hp.uniform("C", 0, 1)}, {"kind": "forest"}])
    )
    assert params_of(trial_of({"kind": 0, "C": 0.25}), space) == {"kind": "svm", "C": "0.25"}
    assert params_of(trial_of({"kind": 1}), space) == {"kind": "forest"}


def test_long_values_are_cut():
    """A value is at most 500 characters long."""
    space = Space.of(hp.choice("text", ["a" * 1000, "b"]))
    assert len(params_of(trial_of({"text": 0}), space)["text"]) == 500


@pytest.mark.parametrize(
    ("name", "clean"),
    [
        ("learning rate", "learning rate"),
        ("layers/1.units", "layers/1.units"),
        ("é=1", "__1"),
        ("../up", "up"),
        ("/a//b/", "a/b"),
        ("", "_"),
        ("..", "_"),
        ("x" * 300, "x" * 250),
    ],
)
def test_names_are_those_that_mlflow_takes(name, clean):
    """Names lose what MLflow refuses, and no more."""
    assert unique(name, ()) == clean


def test_names_that_become_the_same_stay_apart():
    """A name that is taken has a number."""
    assert unique("a:b", {"a_b"}) == "a_b_2"
    assert unique("x" * 300, {"x" * 250, "x" * 248 + "_2"}) == "x" * 248 + "_3"


def test_numbers_of_a_result_are_metrics():
    """Loss, variance and every number beside them are metrics; texts, bools and lists are not."""
    info = {"accuracy": np.float32(0.5), "epochs": 3, "name": "x", "ok": True, "curve": [1.0]}
    info |= {"loss_variance": 0.1}
    info |= {"report": 7.0, 5: 1.0, "huge": 10**400}
    found = metrics_of(trial_of(outcome=Outcome(Status.OK, 1.5, 0.1, info)))
    assert found == {
        "loss": 1.5, "loss_variance": 0.1, "accuracy": 0.5, "epochs": 3.0, "report_2": 7.0,
        "huge": math.inf,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (Status.OK, "FINISHED"),
        (Status.FAILED, "FAILED"),
        (Status.TIMED_OUT, "FAILED"),
        (Status.PRUNED, "KILLED"),
        (Status.CANCELLED, "KILLED"),
        (Status.CUT, "KILLED"),
        (Status.PENDING, "RUNNING"),
    ],
)
def test_each_status_has_one_of_mlflow(status, told):
    """What ended by itself is FINISHED or FAILED, what was ended is KILLED."""
    assert run_status(status) == told


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Traceback (most recent call last):\n  ...\nValueError: why\n", "ValueError: why"),
        (
            "Traceback (most recent call last):\n  f()\ndb.Error: why\n[SQL: x]\n(Background: y)\n",
            "db.Error: why",
        ),
        ("killed after 2 s", "killed after 2 s"),
        (
            "stopped at its time limit of 1 s\n  ...\nTrialTimeout: x",
            "stopped at its time limit of 1 s",
        ),
        ("not unpickled on vm:\nTraceback\nImportError: m", "not unpickled on vm: ImportError: m"),
    ],
)
def test_an_error_is_the_line_that_says_why(text, reason):
    """The tag that pages show the beginning of has the reason, another one the traceback."""
    tags = tags_of(trial_of(outcome=Outcome(Status.FAILED, error=text, error_type="x")))
    assert tags["sparktune.error"] == reason
    assert tags.get("sparktune.traceback") == (text if "\n" in text else None)


def test_a_long_traceback_keeps_its_end():
    """Of a long traceback the tag has the end, where the reason is."""
    text = "Traceback\n" + "x" * 9000 + "\nValueError: why"
    tags = tags_of(trial_of(outcome=Outcome(Status.FAILED, error=text, error_type="ValueError")))
    assert len(tags["sparktune.traceback"]) == 5000
    assert tags["sparktune.traceback"].endswith("ValueError: why")
    assert tags["sparktune.error"] == "ValueError: why"


def test_a_run_says_what_it_was_called_with():
    """Algorithms have the names that people give them; limits that are not set are left out."""
    partial = functools.partial(tpe.suggest, gamma=0.3)
    assert params_of_run(partial, 7, Budget(40), 8) == {
        "algorithm": "tpe.suggest", "max_evals": "40", "parallelism": "8", "seed": "7",
    }  # fmt: skip
    assert params_of_run(rand.suggest, None, Budget(None, 60.0, 0.1), None) == {
        "algorithm": "rand.suggest", "timeout": "60.0", "loss_threshold": "0.1",
        "parallelism": "auto",
    }  # fmt: skip


def test_the_id_of_a_search_goes_with_its_record(tmp_path):
    """Trials of one journal have one id; others have their own, and a new one once forgotten."""
    folder = tmp_path / "journal"
    space, quiet = hp.uniform("x", 0, 1), {"algo": rand.suggest, "show_progressbar": False}
    first = Trials(journal=folder)
    fmin(lambda c: c, space, max_evals=2, trials=first, tracking=False, **quiet)
    ids = {first.place().search, Trials(journal=folder).place().search}
    ids.add(Trials.load(folder).place().search)
    assert len(ids) == 1
    own = Trials()
    assert own.place() is own.place()
    assert own.place().search != Trials().place().search
    before = own.place().search
    own.delete_all()
    assert own.place().search != before
