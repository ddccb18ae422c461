"""Stores that somebody writes into who must not: no code runs, and workers and drivers go on."""

import base64
import json
import random
import sqlite3
import warnings

import pytest
import store_objectives
from hostile import JUNK, look_at_all
from stores import KEY, NAME, SPACE, Driving, Rows, Working, opened, searched, touching

from sparktune import Status, StoreError, StoreTrials, Trials, Tuner, rand
from sparktune.space.tree import Space
from sparktune.storage.stores.reaping import reap
from sparktune.storage.stores.shared import SharedRecord
from sparktune.storage.stores.signing import VARIABLE, Key, key_of_environment
from sparktune.storage.stores.store import QUEUED, RUNNING, Job
from sparktune.storage.stores.trust import Trust

SETTINGS = {"timeout": None, "grace": 5.0, "max_retries": 1, "retry_crashes": False}
SETTINGS |= {"run_id": "r", "seed": 1}


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.full)])
def url(request, tmp_path):
    """A store of each database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'store.db'}"
    pytest.importorskip("databases", reason="no PostgreSQL for tests")
    return request.getfixturevalue("postgres").new_database()


@pytest.fixture
def sqlite(tmp_path):
    """A store in SQLite, which takes any type in any column."""
    return f"sqlite:///{tmp_path / 'store.db'}"


@pytest.fixture
def key(monkeypatch):
    """A key, which every driver and worker of the test has."""
    monkeypatch.setenv(VARIABLE, KEY)
    return key_of_environment()


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    """What a worker refused it looks at again at once."""
    monkeypatch.setattr("sparktune.worker.refusals._AGAIN", 0.05)
    monkeypatch.setattr("sparktune.worker.worker._IDLE", 0.02)
    monkeypatch.setattr("sparktune.storage.stores.connection._ASK", 0.02)


def quiet_search(url, count, **options):
    """A search, and the warnings that it gave."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        trials = searched(url, count, **options)
    return trials, [str(each.message) for each in caught]


def job_of(objective="os:system", payload=b"", **settings):
    return Job(objective, payload, "{}", json.dumps({**SETTINGS, **settings}))


# -- code


def test_who_reaps_signs_no_strangers_row(url, key, tmp_path):
    """A row that says its worker is dead is not signed anew by who finds it, and opens nothing."""
    job = job_of(payload=touching(tmp_path / "made"))
    with opened(url) as store, Rows(url) as rows:
        store.put_job(job)
        rows.add_trial(0, state=RUNNING, job=job.id, worker="w")
        rows.add_trial(1, state=RUNNING, job=job.id, worker="w", lost=9)
        assert reap(store, Trust(key, "k")) == 0
        assert rows.trial(0, "state", "proof") == (RUNNING, "")
        assert rows.trial(1, "state", "outcome_proof") == (RUNNING, "")
    with Working(url, reserve_timeout=0.1) as working:
        working.wait()
    assert working.done == 0
    assert not (tmp_path / "made").exists()


STRANGE_PROOFS = {"none": "", "random": "0" * 64, "no ASCII": "é" * 64}


@pytest.mark.parametrize("proof", STRANGE_PROOFS)
def test_a_worker_opens_no_pickle_that_is_not_signed(url, key, tmp_path, proof):
    """A worker with the key leaves what is not signed to others, says so, and goes on."""
    job = job_of(payload=touching(tmp_path / "made"))
    with opened(url) as store, Rows(url) as rows:
        store.put_job(job)
        rows.add_trial(0, job=job.id, proof=STRANGE_PROOFS[proof])
    with Working(url) as working:
        trials, said = quiet_search(url, 3)
    assert not (tmp_path / "made").exists()
    assert working.said("trial 0 is left to others: it is not signed") or any(
        "trial 0 waits for workers, but it is not signed" in each for each in said
    ), [*working.lines, *said]
    assert len(trials) == 3
    assert set(trials.statuses()) == {"ok"}


def moved(rows, how):
    """A signed trial of a search moved to another place; the number there."""
    names = ("attempt", "candidate", "config", "job", "proof")
    signed = dict(zip(names, rows.trial(0, *names), strict=True))
    if how == "row":
        rows.add_trial(7, **signed)
        return 7
    if how == "attempt":
        rows.change(0, state=QUEUED, attempt=1, outcome=None)
    elif how == "candidate":
        rows.change(0, state=QUEUED, candidate='{"a":0.25,"kind":0}', outcome=None)
    elif how == "config":
        rows.change(0, state=QUEUED, config='{"a":0.25,"kind":0}', outcome=None)
    elif how == "job":
        rows.change(0, state=QUEUED, job=rows.other, outcome=None)
    return 0


@pytest.mark.parametrize("how", ["row", "attempt", "candidate", "config", "job", "exp_key"])
def test_a_signature_is_of_one_place(url, key, tmp_path, how):
    """A signature that was moved to another row, attempt, job or search is none there."""
    with Working(url):
        searched(url, 1)
    other = job_of(payload=touching(tmp_path / "made"))
    exp_key = "other" if how == "exp_key" else "k"
    with opened(url) as store, opened(url, "other"), Rows(url) as rows:
        rows.other = other.id
        store.put_job(other)
        if how == "exp_key":
            rows("UPDATE sparktune_trials SET exp_key = 'other', state = 'queued'")
            rows("UPDATE sparktune_jobs SET exp_key = 'other'")
            number = 0
        else:
            number = moved(rows, how)
    with Working(url, exp_key, reserve_timeout=0.1) as working:
        working.wait()
    assert working.said(f"trial {number} is left to others: it is not signed with this {VARIABLE}")
    assert working.done == 0
    assert not (tmp_path / "made").exists()


def test_a_payload_that_was_changed_is_not_opened(url, key, tmp_path, wait_for):
    """A job is its digest: what was changed in it is seen before it is unpickled, and put right."""
    with Driving(url, 1) as driving:
        with Rows(url) as rows:
            assert wait_for(lambda: rows("SELECT 1 FROM sparktune_trials WHERE state = 'queued'"))
            rows("UPDATE sparktune_jobs SET payload = ?", touching(tmp_path / "made"))
        with Working(url) as working:
            driving.wait()
    assert working.said("its job is not there, or was changed")
    assert any("somebody has changed the job of this run" in each for each in driving.said)
    assert not (tmp_path / "made").exists()
    assert driving.trials.statuses() == ["ok"]


def test_only_names_of_the_command_line_are_called(url):
    """A worker without a key evaluates `os:system` for nobody, and says so; the driver goes on."""
    job = job_of()
    with opened(url) as store, Rows(url) as rows:
        store.put_job(job)
        rows.add_trial(0, job=job.id, config='"touch made"')
    with Working(url) as working:
        trials, said = quiet_search(url, 3)
    assert working.said("its objective 'os:system' is none of this worker's")
    assert any("trial 0 waits for workers, but a worker has left it" in each for each in said)
    assert len(trials) == 3


def test_a_worker_without_a_key_opens_no_pickle(url, tmp_path):
    """What is pickled is left to others by a worker that has no key."""
    job = job_of(payload=touching(tmp_path / "made"))
    with opened(url) as store, Rows(url) as rows:
        store.put_job(job)
        rows.add_trial(0, job=job.id)
    with Working(url, reserve_timeout=0.1) as working:
        working.wait()
    assert working.said(f"its objective is pickled, and this worker has no {VARIABLE}")
    assert not (tmp_path / "made").exists()


# -- outcomes


def outcome_with_a_pickle(path):
    blob = base64.b64encode(touching(path)).decode()
    files = [["info", "model", {"type": "a.Model", "pickle": blob}]]
    return json.dumps({"status": "ok", "loss": -99.0, "files": files})


def test_an_outcome_with_a_pickle_is_not_opened_without_a_key(url, tmp_path):
    """Without a key a pickle in an outcome stays closed, for drivers and readers."""
    with Working(url):
        searched(url, 2)
    with Rows(url) as rows:
        rows.change(0, outcome=outcome_with_a_pickle(tmp_path / "made"))
    trials = StoreTrials.load(url, "k")
    assert f"not opened without {VARIABLE}" in trials.history[0].outcome.info["model"]
    assert len(Trials(store=url, exp_key="k")) == 2
    assert not (tmp_path / "made").exists()


def test_an_outcome_that_is_not_signed_is_refused(url, key, tmp_path):
    """A driver with the key refuses an outcome that is not signed with it, and tries again."""
    with Working(url):
        searched(url, 2)
        with Rows(url) as rows:
            rows.change(0, outcome=outcome_with_a_pickle(tmp_path / "made"))
        with pytest.warns(UserWarning, match="the outcome of trial 0 is refused.*shown as pending"):
            assert StoreTrials.load(url, "k").history[0].status is Status.PENDING
        trials, said = quiet_search(url, 3)
    assert any("the outcome of trial 0 is refused" in each for each in said)
    assert len(trials) == 3
    assert trials.history[0].attempt == 1
    assert trials.best_loss > -99
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize("what", ["another trial", "another attempt", "another candidate"])
def test_a_replayed_outcome_is_refused(url, key, what):
    """A signed outcome counts for its own trial, attempt and candidate alone."""
    with Working(url):
        trials = searched(url, 2)
        losses = trials.losses()
        with Rows(url) as rows:
            names = ("outcome", "outcome_proof")
            told = dict(zip(names, rows.trial(0, *names), strict=True))
            if what == "another trial":
                rows.change(1, **told)
            elif what == "another attempt":
                rows.change(0, attempt=1)
            else:
                rows.change(0, candidate=rows.trial(1, "candidate"))
        again, said = quiet_search(url, 2)
    number = 1 if what == "another trial" else 0
    assert any(f"the outcome of trial {number} is refused" in each for each in said)
    if what == "another trial":
        assert again.losses() == losses
    else:  # what a stranger made of the trial is evaluated no more than what he made of its result
        assert any("trial 0 was cut off, and is not signed" in each for each in said)
        assert again.history.cut[0].number == 0
    assert len(again) == 2


def test_a_space_that_begins_elsewhere(url, key):
    """The number from which on a space holds is signed with it, and what has ended stays."""
    with Working(url):
        searched(url, 2)
        with Rows(url) as rows:
            rows("UPDATE sparktune_spaces SET first = 1")
        with pytest.raises(StoreError, match="cannot be read"):
            quiet_search(url, 3)
        with Rows(url) as rows:
            assert [rows.trial(number, "state") for number in (0, 1)] == ["ended"] * 2
            rows("UPDATE sparktune_spaces SET first = 0")
        assert len(quiet_search(url, 3)[0]) == 3


def test_a_strangers_candidate_that_waits_to_begin_again(url, key):
    """A trial that was cut off is begun again only if its candidate and attempt are signed."""
    with Working(url):
        searched(url, 2)
        with Rows(url) as rows:
            rows.add_trial(2, state="cut")
            names = ("candidate", "config", "job", "proof")
            rows.add_trial(3, state="cut", **dict(zip(names, rows.trial(0, *names), strict=True)))
        trials, said = quiet_search(url, 5)
    assert [trial.number for trial in trials.history.cut] == [2, 3]
    assert [trial.number for trial in trials.history if trial.loss is not None] == [0, 1, 4, 5, 6]
    assert sum("is not signed" in each for each in said) == 2


def test_a_tuner_begins_no_strangers_candidate(sqlite, key):
    """A Tuner refuses a stranger's candidate at every call, not at the first one alone."""
    tuner = Tuner(SPACE, rand.suggest, trials=Trials(store=sqlite, exp_key="k"))
    tuner.ask()
    with Rows(sqlite) as rows:
        rows.add_trial(1, state="cut")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert [tuner.ask().number for _ in range(3)] == [2, 3, 4]


def test_the_signed_trial_of_a_dead_driver_is_begun_again(sqlite, key):
    """What a driver that died has cut off or left is signed for its next attempt."""
    with Working(sqlite):
        trials = StoreTrials(sqlite, "k", lost_after=5)
        with trials.step(Space(SPACE)) as history:
            history.start([{"a": 0.5, "kind": 0}, {"a": 0.25, "kind": 0}], 1.0)
            history.requeue(1, "cut")
        with Rows(sqlite) as rows:
            rows("DELETE FROM sparktune_drivers")
        again, said = quiet_search(sqlite, 2)
    assert again.losses() == [0.25, 0.0625]
    assert not any("is not signed" in each for each in said)


NO_OUTCOMES = [
    None, "", "{", "[]", "{}", '{"status":"lost"}', '{"status":"crashed"}', '{"status":"cut"}',
    '{"status":"pending"}', '{"status":"reserved"}', '{"status":"ok","loss":"x"}',
    '{"status":"ok","loss":NaN}', '{"status":7}', "[" * 5000 + "]" * 5000,
    '{"status":"ok","loss":1e999999}', '{"status":"ok","seconds":1e300}',
]  # fmt: skip


def test_outcomes_that_are_none_are_begun_again(sqlite):
    """What no worker writes as an outcome ends no trial: it is begun again, with a warning."""
    count = len(NO_OUTCOMES)
    with Working(sqlite):
        searched(sqlite, count)
        with Rows(sqlite) as rows:
            for number, outcome in enumerate(NO_OUTCOMES):
                rows.change(number, outcome=outcome)
        trials, said = quiet_search(sqlite, count + 1)
    for number in range(count):
        assert any(f"the outcome of trial {number} is refused" in each for each in said)
        assert trials.history[number].attempt == 1
    assert trials.statuses() == ["ok"] * (count + 1)


def test_an_outcome_while_its_driver_runs_is_refused(url, key, gate, wait_for):
    """A forged outcome of a trial that a worker evaluates is refused, and the true one counts."""
    door = gate.door()

    def waiting(config):
        door()
        return config["a"]

    with Working(url), Rows(url) as rows, Driving(url, 1, objective=waiting) as driving:
        gate.reached_by(1)
        rows.change(
            0, state="ended", status="ok", counts=True, outcome='{"status":"ok","loss":-1e9}'
        )
        assert wait_for(lambda: rows.trial(0, "outcome") is None)  # the driver has put it back
        gate.open()
        driving.wait()
    assert any("the outcome of trial 0 is refused" in each for each in driving.said)
    assert driving.trials.statuses() == ["ok"]
    assert driving.trials.best_loss > -3


@pytest.mark.parametrize("what", ["ended", "lost", "gone"])
def test_a_row_that_was_changed_in_secret(sqlite, monkeypatch, gate, what):
    """A trial whose row was changed or deleted without a revision is put back after a while."""
    monkeypatch.setattr("sparktune.trials.store.real", lambda *_, **__: 0.3)
    door = gate.door()
    monkeypatch.setenv(VARIABLE, KEY)

    def waiting(config):
        door()
        return config["a"]

    trials = StoreTrials(sqlite, "k", parallelism=1)
    with Working(sqlite), Driving(sqlite, 1, trials, objective=waiting), Rows(sqlite) as rows:
        gate.reached_by(1)
        if what == "gone":
            rows("DELETE FROM sparktune_trials")
        else:
            state = "ended" if what == "ended" else "reserved"
            rows.change(0, revised=False, state=state, outcome='{"status":"ok","loss":-1e9}')
        gate.open()
    assert trials.statuses() == ["ok"]
    assert trials.best_loss > -3


# -- rows of the queue, and of the search


STRANGE = {
    "candidate": ["", "{", "[]", "7", "null", '{"a":1e999,"kind":0}', '{"a":NaN,"kind":0}',
                  '{"x":1}', '{"a":"0.5","kind":0}', "[" * 9999 + "]" * 9999,
                  '{"a":0.5,"kind":99}', "9" * 9999],
    "config": ["{", "NaN", "[" * 9999 + "]" * 9999, "9" * 9999, '{"$":"named","what":"function",'
               '"module":"os","name":"system"}', '{"$":"array"}', '"\\ud800"'],
    "job": ["x", "'; DROP TABLE sparktune_trials; --"],
    "driver": ["'; DROP TABLE sparktune_trials; --", ""],
    "worker": ["'; DROP TABLE sparktune_trials; --"],
}  # fmt: skip


@pytest.mark.parametrize("column", STRANGE)
def test_strange_rows_in_the_queue(sqlite, column):
    """Rows of the queue that are no trials of ours stop neither the worker nor the driver."""
    with Working(sqlite) as working:
        searched(sqlite, 1)
        with Rows(sqlite) as rows:
            names = ("candidate", "config", "job")
            row = dict(zip(names, rows.trial(0, *names), strict=True))
            for number, value in enumerate(STRANGE[column], 1):
                rows.add_trial(number, **{**row, column: value})
        trials, _ = quiet_search(sqlite, 20)
        assert len(trials) == 20
        assert working.error is None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert len(StoreTrials.load(sqlite, "k")) == 20


STRANGE_SETTINGS = [
    "", "{", "[]", "{}", "NaN", "[" * 9999, {"seed": -1}, {"seed": "x"}, {"timeout": "x"},
    {"timeout": -1}, {"grace": []}, {"max_retries": -1}, {"max_retries": None}, {"run_id": {}},
    {"retry_crashes": "yes"},
]  # fmt: skip


def test_strange_settings_of_a_job(sqlite):
    """A job whose settings are none is left to others; one with extreme ones is evaluated."""
    extreme = {"timeout": 1e300, "seed": 10**300, "max_retries": 1e308}
    with opened(sqlite) as store, Rows(sqlite) as rows:
        for number, settings in enumerate([*STRANGE_SETTINGS, extreme]):
            if isinstance(settings, dict):
                settings = json.dumps({**SETTINGS, **settings})
            job = Job(NAME, b"", "{}", settings)
            store.put_job(job)
            rows.add_trial(number, job=job.id, config='{"a":0.5,"kind":"x"}')
    with Working(sqlite, max_jobs=1) as working:
        working.wait()
    assert working.said(f"trial {len(STRANGE_SETTINGS)}: ok")
    for number in range(len(STRANGE_SETTINGS)):
        assert working.said(f"trial {number} is left to others: the settings of its job are none")


@pytest.mark.parametrize("space", ["", "{", "{}", "7", "[" * 9999, '{"version":9}', None])
def test_a_space_that_is_none(sqlite, space):
    """A space that is none ends a run with a sentence that names the store."""
    with Working(sqlite):
        searched(sqlite, 1)
    with Rows(sqlite) as rows:
        if space is None:
            rows("UPDATE sparktune_spaces SET space = X'ff00'")
        else:
            rows("UPDATE sparktune_spaces SET space = ?", space)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(StoreError, match=r"the space in .* cannot be read") as caught:
            StoreTrials(sqlite, "k")
    assert "\n" not in str(caught.value)


def test_a_space_that_is_not_signed_changes_nothing(url, key):
    """With a key a further space counts only where it is signed, and the search goes on without."""
    with Working(url):
        searched(url, 1)
        with Rows(url) as rows:
            rows("INSERT INTO sparktune_spaces SELECT exp_key, 2, 1, space, defaults, '', "
                 "revision + 1 FROM sparktune_spaces")  # fmt: skip
            rows.revision()
        trials, said = quiet_search(url, 2)
    assert len(trials) == 2
    assert any(f"space 2 is left out: it is not signed with this {VARIABLE}" in s for s in said)


def test_a_search_with_a_key_is_for_those_who_have_it(url, monkeypatch):
    """A driver without the key of a search, or with another one, is told so at once."""
    monkeypatch.setenv(VARIABLE, KEY)
    with Working(url):
        searched(url, 1)
    monkeypatch.setenv(VARIABLE, KEY[::-1])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(StoreError, match=f"begun with another {VARIABLE}"):
            StoreTrials(url, "k")
    monkeypatch.delenv(VARIABLE)
    assert len(StoreTrials.load(url, "k")) == 1
    with pytest.raises(StoreError, match=f"the search in .* is signed: set {VARIABLE}"):
        searched(url, 2)


def test_a_number_far_from_all_others(url):
    """A row with a huge number, attempt or revision does not fill the memory of who reads it."""
    with Working(url):
        searched(url, 1)
        with Rows(url) as rows:
            rows.add_trial(2**40)
            rows.add_trial(2**41, state="ended", outcome='{"status":"ok"}', counts=True)
            rows.add_trial(2, attempt=2**31 - 1)
        trials, said = quiet_search(url, 3)
    assert any("its number is far from all others" in each for each in said)
    assert any(f"trial 2 is left out: its attempt is {2**31 - 1}" in each for each in said)
    assert len(trials) == 3
    assert max(trials.tids) < 10


def test_a_driver_that_is_left_no_number_looks_why(sqlite, monkeypatch):
    """What only seems to be under way, and was never read, is cut off after a while."""
    monkeypatch.setattr("sparktune.trials.store.real", lambda *_, **__: 0.3)
    with Working(sqlite):
        searched(sqlite, 1)
        with Rows(sqlite) as rows:
            rows.add_trial(1, state="own", revised=False)
            rows("UPDATE sparktune_searches SET ended = 77")
        trials, _ = quiet_search(sqlite, 3, trials=StoreTrials(sqlite, "k", parallelism=1))
    assert len(trials) == 3


@pytest.mark.parametrize("column", ["revision", "ended"])
@pytest.mark.parametrize("value", ["x", 2**63 - 1, -5])
def test_a_search_whose_row_was_changed(sqlite, column, value):
    """A search whose own counters are none is refused with a sentence, or counted anew."""
    with Working(sqlite):
        searched(sqlite, 1)
    with Rows(sqlite) as rows:
        rows(f"UPDATE sparktune_searches SET {column} = ?", value)
    if column == "ended":
        with Working(sqlite):
            assert len(searched(sqlite, 2)) == 2
        return
    with pytest.raises(StoreError, match=r"its revision of the search is .*, which somebody has"):
        searched(sqlite, 2)


def test_reports_that_are_none(sqlite):
    """Reports that no worker sends are left out with a warning."""
    with Working(sqlite):
        searched(sqlite, 1)
        with Rows(sqlite) as rows:
            strange = [(1, "x"), ("x", "1.0"), (2**62, "1"), (3, "nan")]
            for place, (step, value) in enumerate(strange):
                rows.add("reports", exp_key="k", revision=rows.revision(), place=place, number=0,
                         attempt=0, step=step, value=value)  # fmt: skip
        trials, said = quiet_search(sqlite, 2)
    assert len(trials) == 2
    assert [step for step, _ in trials.reports(0)] == [3]
    assert len([each for each in said if "a report is left out" in each]) == 3


@pytest.mark.parametrize(
    "exp_key",
    ["'; DROP TABLE sparktune_trials; --", '"', "%s%(x)s", ":x", "ä∞𝄞", "a\nb", " ", "\\"],
)
def test_odd_names_of_searches(url, exp_key):
    """An exp_key of any characters is a name like others, and has trials of its own."""
    with Working(url, exp_key):
        searched(url, 2, exp_key=exp_key)
    assert len(StoreTrials.load(url, exp_key)) == 2
    assert StoreTrials(url, "k").history is None


@pytest.mark.parametrize("exp_key", ["", "x" * 201, "a\0b", "\ud800", 7, None])
def test_names_that_no_search_can_have(sqlite, exp_key):
    """An exp_key that a database cannot hold is refused at the door."""
    with pytest.raises(ValueError, match="`exp_key` must be"):
        StoreTrials(sqlite, exp_key)


def test_texts_of_sql_in_the_space_and_results(url):
    """Labels, options and results with SQL in them come back as they were."""
    from sparktune import hp

    text = "'); DROP TABLE sparktune_trials; -- %s :x \0"
    space = {"a": hp.uniform(text, 0, 1), "kind": hp.choice(text + "2", [text, "x"])}
    with Working(url):
        trials = searched(url, 3, objective=store_objectives.echo, space=space)
    loaded = StoreTrials.load(url, "k")
    assert loaded.losses() == trials.losses()
    for trial in loaded.history:
        assert set(trial.values) == {text, text + "2"}
        assert trial.outcome.info["config"]["kind"] in (text, "x")


def test_a_key_does_not_show():
    """A key is neither in its repr nor in a pickle, and a short one is refused."""
    import pickle

    made = Key(KEY)
    assert KEY not in repr(made)
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(made)


def test_a_short_key_is_refused(sqlite, monkeypatch):
    """A key of few characters is refused by a sentence that does not show it."""
    monkeypatch.setenv(VARIABLE, "short one")
    with pytest.raises(ValueError, match="at least 16 characters, but has 9") as caught:
        StoreTrials(sqlite, "k")
    assert "short one" not in str(caught.value)


def test_reading_imports_and_calls_nothing(url, tmp_path, run_python):
    """A store is read without the modules that its jobs and its space name."""
    with Working(url):
        searched(url, 2)
    script = (
        "import sys\nfrom sparktune import StoreTrials\n"
        f"trials = StoreTrials.load({url!r}, 'k')\n"
        "assert 'store_objectives' not in sys.modules\nprint(len(trials))"
    )
    assert run_python(script).stdout.strip() == "2"


# -- any row at all


COLUMNS = [
    "number", "attempt", "state", "candidate", "config", "started", "job", "proof", "lost",
    "outcome", "outcome_proof", "worker", "driver", "status", "beat", "stopping", "revision",
]  # fmt: skip
OTHER_TABLES = {
    "spaces": ["id", "first", "space", "defaults", "proof", "revision"],
    "jobs": ["objective", "payload", "space", "settings"],
    "reports": ["number", "attempt", "step", "value", "revision"],
    "workers": ["host", "pid", "beat"],
    "drivers": ["beat"],
    "searches": ["seed", "ended"],
}
STATES = ["reserved", "queued", "running", "own", "cut", "ended", "x"]


def junk(chance, old):
    """Something in place of a value, which SQLite can hold."""
    kind = chance.randrange(6)
    if kind == 0 and isinstance(old, str) and old:
        at = chance.randrange(len(old))
        return old[:at] + chance.choice(['"', "{", "]", "9", "\0", ""]) + old[at + 1 :]
    if kind == 1 and isinstance(old, (int, float)):
        return old + chance.choice((-1, 1, 0.5, 1e9))
    if kind == 2:
        return chance.choice(STATES)
    value = chance.choice(JUNK)
    if isinstance(value, (dict, list)):
        value = json.dumps(value)
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        value = float(2**64)
    if isinstance(value, str):
        value = value.encode("utf-8", "replace").decode()
    return chance.choice([value, b"\xff", 10**18, float("inf")]) if kind == 3 else value


ROWS = 5  # of each store that is attacked


def attack(rows, chance, numbers):
    """Change some rows, by statements that the schema allows."""
    for _ in range(ROWS):
        try:
            if chance.random() < 0.75:
                number, column = chance.choice(numbers), chance.choice(COLUMNS)
                other = chance.choice(numbers)
                value = chance.choice(
                    [junk(chance, rows.trial(number, column)), rows.trial(other, column)]
                )
                rows.change(number, revised=column != "revision", **{column: value})
            else:
                table = chance.choice(list(OTHER_TABLES))
                column = chance.choice(OTHER_TABLES[table])
                found = rows(f"SELECT {column} FROM sparktune_{table} LIMIT 1")
                value = junk(chance, found[0][0] if found else None)
                rows(f"UPDATE sparktune_{table} SET {column} = ?", value)
        except (sqlite3.Error, ValueError):  # no NULL, no double; or its number was changed
            pass


class Original:
    """A search on SQLite whose rows are in all states, to be copied."""

    def __init__(self, folder, key):
        self.path, self.key = folder / f"original-{bool(key)}.db", key
        url = f"sqlite:///{self.path}"
        with Working(url):
            trials = searched(url, 8)
        with trials.step(trials.history.space) as history:
            values = [dict(history[number].values) for number in range(4)]
            started = history.start(values, 1e9)
            history.report(started[0].number, 0, 1, 0.5)
            history.requeue(started[1].number, "cut")
        with Rows(url) as rows:
            names = ("candidate", "config", "job", "proof")
            row = dict(zip(names, rows.trial(3, *names), strict=True))
            number = len(trials.history)
            rows.add_trial(number, **row)
            rows.add_trial(number + 1, state="running", worker="w", **row)
            rows("DELETE FROM sparktune_drivers")
            rows("PRAGMA wal_checkpoint(TRUNCATE)")
        self.numbers = list(range(number + 2))


def went(original, folder, seed):
    """What became of one attack, in a word."""
    chance = random.Random(seed)
    path = folder / "store.db"
    for each in folder.glob("store.db*"):
        each.unlink()
    path.write_bytes(original.path.read_bytes())
    url = f"sqlite:///{path}"
    with Rows(url) as rows:
        attack(rows, chance, original.numbers)
    try:
        trials = StoreTrials.load(url, "k")
        look_at_all(trials)
        if seed % 20:
            return "read"
        trials = Trials(store=url, exp_key="k")
        most = len(trials) + 3
        with Working(url) as working:
            searched(url, most, trials=trials, timeout=60, max_queue_len=2)
        assert working.error is None or isinstance(working.error, StoreError), working.error
        assert len(trials) >= most, trials.fmin_cancelled_reason
        look_at_all(trials)
    except StoreError as error:
        text = str(error)
        assert "\n" not in text
        assert len(text) < 1500
        assert "store" in text
        return "refused"
    return "went on"


@pytest.mark.parametrize("count", [200, pytest.param(10_000, marks=pytest.mark.full)])
def test_stores_under_attack(tmp_path, count, monkeypatch):
    """Whatever is changed in its rows, a store gives trials that hang together, or one sentence."""
    ends = dict.fromkeys(("read", "went on", "refused"), 0)
    originals = [Original(tmp_path, None)]
    monkeypatch.setenv(VARIABLE, KEY)
    originals.append(Original(tmp_path, KEY))
    monkeypatch.setattr(SharedRecord.__init__, "__defaults__", (0.3,))  # lost_after
    folder = tmp_path / "attacked"
    folder.mkdir()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for seed in range(count // ROWS):
            original = originals[seed // 2 % 2]
            if original.key is None:
                monkeypatch.delenv(VARIABLE, raising=False)
            else:
                monkeypatch.setenv(VARIABLE, KEY)
            ends[went(original, folder, seed)] += 1
    assert min(ends.values()) > count / 1000, ends
