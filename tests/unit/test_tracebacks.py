"""What of a traceback people see: their own code, and the sentence at its end."""

import threading
import traceback

import pytest

from sparktune import (
    AllTrialsFailed,
    DuplicateLabel,
    JournalError,
    SparkTrials,
    StoreError,
    StoreTrials,
    Trials,
    UnpicklableObjective,
    fmin,
    hp,
    hyperopt,
    space_eval,
)
from sparktune import run as run_module
from sparktune.exceptions import InvalidTrial

SPACE = hp.uniform("x", 0, 1)


def objective(x):
    return helper(x)


def helper(x):
    raise KeyError("no such column")


def names(raised):
    """The functions of a traceback, from the test on."""
    return [frame.name for frame in traceback.extract_tb(raised.tb)][1:]


def test_an_exception_of_the_objective_shows_the_objective():
    """Between the call of fmin and the objective there is nothing, and all of it below."""
    with pytest.raises(KeyError) as raised:
        fmin(objective, SPACE, max_evals=3, show_progressbar=False)
    assert names(raised) == ["fmin", "objective", "helper"]
    with pytest.raises(KeyError) as raised:
        Trials().fmin(objective, SPACE, max_evals=3, show_progressbar=False)
    assert names(raised) == ["fmin", "objective", "helper"]
    with pytest.raises(KeyError) as raised:
        hyperopt.fmin(
            objective, hyperopt.hp.uniform("x", 0, 1), hyperopt.rand.suggest, 3,
            show_progressbar=False,
        )  # fmt: skip
    assert names(raised) == ["fmin", "objective", "helper"]


def test_an_error_on_purpose_ends_at_the_call():
    """What we refuse shows the call, a sentence, and nothing of the way to it."""
    with pytest.raises(DuplicateLabel) as raised:
        fmin(objective, [SPACE, hp.uniform("x", 0, 2)], max_evals=3)
    assert names(raised) == ["fmin"]
    with pytest.raises(ValueError, match="max_evals") as raised:
        fmin(objective, SPACE, max_evals=-3)
    assert names(raised) == ["fmin"]
    with pytest.raises(InvalidTrial) as raised:
        space_eval(SPACE, {"x": 7})
    assert names(raised) == ["space_eval"]


def wanting(path):
    """A journal that has lost its first file."""
    path.mkdir()
    (path / "000002.jsonl").write_bytes(b"")
    return path


@pytest.mark.parametrize(
    ("call", "last"),
    [
        (lambda path: Trials(journal=path), "__init__"),
        (lambda path: SparkTrials(journal=path), "__init__"),
        (lambda path: Trials.load(path), "load"),
        (lambda path: Trials().attach(path), "attach"),
        (lambda path: fmin(objective, SPACE, max_evals=3, trials_save_file=str(path)), "fmin"),
        (lambda path: Trials.from_documents([], SPACE, journal=path), "from_documents"),
    ],
)
def test_a_journal_that_cannot_be_read_ends_at_the_call(tmp_path, call, last):
    """What is wrong with a journal shows the call that names it, and nothing of the way to it."""
    with pytest.raises(JournalError, match="this file is missing") as raised:
        call(wanting(tmp_path / "run"))
    assert names(raised) == ["<lambda>", last]


def test_a_store_that_cannot_be_read_ends_at_the_call(tmp_path):
    """What is wrong with a store shows the call that names it, and nothing of the way to it."""
    pytest.importorskip("sqlalchemy")
    url = f"sqlite:///{tmp_path}/nowhere/runs.db"
    for call in (lambda url: Trials(store=url), StoreTrials, StoreTrials.load):
        with pytest.raises(StoreError) as raised:
            call(url)
        assert names(raised)[-1] in ("__init__", "load")
        assert len(names(raised)) <= 2


def test_a_refusal_within_an_objective_ends_at_its_call(tmp_path):
    """What we refuse within an objective shows the search, and the objective's call of us."""
    path = wanting(tmp_path / "run")

    def outer(x):
        return fmin(objective, SPACE, max_evals=1, trials=Trials(journal=path))

    with pytest.raises(JournalError) as raised:
        fmin(outer, SPACE, max_evals=1, show_progressbar=False)
    assert names(raised) == ["fmin", "outer"]


def test_where_all_failed_the_last_line_says_of_what():
    """The message ends with the first trial's exception; its traceback has no frame of ours."""
    with pytest.raises(AllTrialsFailed) as raised:
        fmin(objective, SPACE, max_evals=3, show_progressbar=False, catch_eval_exceptions=True)
    assert names(raised) == ["fmin"]
    lines = str(raised.value).splitlines()
    assert lines[0].startswith("all 3 trials failed, so there is no best one; the first failure, ")
    assert lines[-1] == "KeyError: 'no such column'"
    assert not [line for line in lines if "/sparktune/" in line]


def test_a_search_within_an_objective_keeps_the_users_frames():
    """Of two searches within each other every frame of the user stays, in its order."""

    def outer(x):
        return fmin(objective, SPACE, max_evals=1, show_progressbar=False)

    with pytest.raises(KeyError) as raised:
        fmin(outer, SPACE, max_evals=1, show_progressbar=False)
    assert names(raised) == ["fmin", "outer", "objective", "helper"]


def test_what_nobody_raised_on_purpose_stays_whole(monkeypatch):
    """A fault within the package keeps every frame, for whoever has to mend it."""
    monkeypatch.setattr(run_module, "seed_of", "no function")
    with pytest.raises(TypeError) as raised:
        fmin(objective, SPACE, max_evals=1)
    assert names(raised) == ["fmin", "run"]


def test_the_whole_traceback_on_request(monkeypatch):
    """SPARKTUNE_TRACEBACK=full leaves everything in."""
    monkeypatch.setenv("SPARKTUNE_TRACEBACK", "full")
    with pytest.raises(KeyError) as raised:
        fmin(objective, SPACE, max_evals=3, show_progressbar=False)
    assert {"run", "follow", "objective", "helper"} <= set(names(raised))


def test_in_a_process_it_leads_to_the_file():
    """The traceback of a trial in a process has file, line and text of a function defined here."""
    trials = Trials(parallelism=2)
    with pytest.raises(AllTrialsFailed) as raised:
        fmin(lambda x: helper(x), SPACE, max_evals=7, trials=trials, show_progressbar=False)
    for text in (str(raised.value), trials.errors()[0]):
        assert f'File "{__file__}", line ' in text
        assert "fmin(lambda x: helper(x), SPACE" in text
        assert "dynamic" not in text


class Unwilling:
    def __getstate__(self):
        raise OSError("it is open")


@pytest.mark.parametrize(("held", "has_cause"), [(Unwilling(), True), (threading.Lock(), False)])
def test_what_cannot_leave_this_process_is_one_sentence(held, has_cause):
    """The cause of a refusal is shown where the user's own code raised it, and not ours."""
    with pytest.raises(UnpicklableObjective) as raised:
        fmin(lambda x: [held, x], SPACE, max_evals=7, trials=Trials(parallelism=2))
    assert (raised.value.__cause__ is not None) == has_cause
    assert names(raised) == ["fmin"]
