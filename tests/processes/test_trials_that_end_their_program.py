"""Serial searches in a database whose process ends within a trial: when that is its fault."""

import json
import multiprocessing
import os
import signal
import warnings

import pytest
from stores import KEY, Rows, opened, searched

from sparktune import Status, StoreTrials, Trials
from sparktune.storage.owner import boot
from sparktune.storage.stores.reaping import bury
from sparktune.storage.stores.signing import VARIABLE
from sparktune.storage.stores.trust import Trust

COUNT = 4


def goes_on(url, number=None, ends=lambda: os._exit(3), executor=None, **options):
    """Go on with a search; gives its trials, unless trial ``number`` ends this process."""

    def objective(config, trial):
        if trial.number == number:
            ends()
        return config["a"] ** 2

    trials = Trials(store=url, exp_key="k", executor=executor)
    return searched(url, COUNT, trials=trials, objective=objective, **options)


def end_in(url, number, code=3, **options):
    """Go on with a search in a process that ends in one of its trials, with an exit code."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of forks beside threads
        child = multiprocessing.get_context("fork").Process(
            target=goes_on, args=(url, number), kwargs=options
        )
        child.start()
    child.join()
    assert child.exitcode == code


def told(url, **options):
    """The trials of a search that goes on to its end, and what it warned of."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        trials = goes_on(url, **options)
    assert len(trials) == COUNT
    return trials.history, [str(each.message) for each in said]


def of_another(url, machine, seconds=0):
    """Have dead drivers been of another machine, and silent for some seconds."""
    with Rows(url) as rows:
        for id, text in rows("SELECT id, owner FROM sparktune_drivers"):
            owner = json.dumps({**json.loads(text), "machine": machine})
            rows("UPDATE sparktune_drivers SET owner = ? WHERE id = ?", owner, id)
        rows("UPDATE sparktune_drivers SET beat = beat - ?", seconds)


def test_a_trial_that_was_lost_once_is_begun_again(url):
    """Nothing is said of it, and the search ends as without the end of the process."""
    end_in(url, 2)
    history, said = told(url)
    assert [(trial.status, trial.attempt) for trial in history] == [
        (Status.OK, int(number == 2)) for number in range(COUNT)
    ]
    assert said == []


@pytest.mark.parametrize(("silent", "with_key"), [(0, False), (1000, True)])
def test_a_trial_that_was_lost_twice_is_a_failed_one(url, monkeypatch, silent, with_key):
    """A warning has its number and how often it was begun, also long after; the search goes on."""
    if with_key:
        monkeypatch.setenv(VARIABLE, KEY)
    for _ in range(2):
        end_in(url, 1)
        with Rows(url) as rows:
            rows("UPDATE sparktune_drivers SET beat = beat - ?", silent)
    history, said = told(url)
    outcome = history[1].outcome
    assert (outcome.status, outcome.error_type) == (Status.FAILED, "lost")
    assert outcome.error.startswith("lost 2 times with its process")
    [text] = said
    assert text.startswith("trial 1: it was begun 2 times, and 2 times the process ended under it")
    assert history.count(Status.OK) == COUNT - 1
    assert StoreTrials.load(url, "k").history[1].outcome.error == outcome.error


def test_in_a_batch_the_first_is_blamed(url):
    """The trials of a batch that had not begun yet are begun again, however often it was lost."""
    for _ in range(2):
        end_in(url, 1, batch=3)
    history, _ = told(url, batch=3)
    assert [trial.status for trial in history] == [Status.OK, Status.FAILED, *[Status.OK] * 2]


def test_two_that_find_the_same_end_blame_the_same_trial(url, monkeypatch):
    """Of a batch that a dead search had begun one trial is lost, however many find it so."""
    end_in(url, 1, batch=3)
    with opened(url) as store:
        monkeypatch.setattr(store, "leave", lambda driver: None)
        for _ in range(2):
            bury(store, Trust(None, "k"))
        entries = store.look_up(range(COUNT))
    assert {entry.number: entry.lost for entry in entries} == {0: 0, 1: 1, 2: 0}


def test_in_processes_of_their_own_trials_are_begun_again(url):
    """Where the end of a trial's process is one failed trial, the search counts no other."""
    for _ in range(2):
        end_in(url, 1)
    history, said = told(url, executor="processes")
    assert history[1].attempt == 2
    assert ([trial.status for trial in history], said) == ([Status.OK] * COUNT, [])


def test_another_container_of_the_machine_counts(url):
    """A process whose numbers are not seen here counts, once it gave no sign of life."""
    for _ in range(2):
        end_in(url, 1)
        of_another(url, f"{boot()}/1", seconds=1000)
    assert told(url)[0][1].status is Status.FAILED


@pytest.mark.parametrize("why", ["Ctrl-C", "another boot", "no boot"])
def test_ends_that_are_no_fault_of_a_trial_do_not_count(url, why):
    """After Ctrl-C, or where the machine itself ended meanwhile, a trial is begun again."""
    machine = {"another boot": "another/1", "no boot": ""}.get(why)
    for _ in range(3):
        if machine is None:
            end_in(url, 1, code=1, ends=lambda: signal.raise_signal(signal.SIGINT))
        else:
            end_in(url, 1)
            of_another(url, machine, seconds=1000)
    history, said = told(url)
    assert history[1].attempt == 3
    assert ([trial.status for trial in history], said) == ([Status.OK] * COUNT, [])
