"""Serial searches whose process ended within a trial: when that is begun again, and when it failed.

A process that ends within a trial is one that copies its journal there: the copy is what it leaves.
"""

import functools
import itertools
import shutil
import warnings

import pytest

from sparktune import Status, Trials, Tuner, fmin, hp, rand
from sparktune.storage import journal, replaying

SPACE = {"x": hp.uniform("x", 0, 1)}
quiet = functools.partial(
    fmin, space=SPACE, algo=rand.suggest, max_evals=6, rstate=0, show_progressbar=False
)
count = itertools.count()


def left_in(number, folder, *, closes=False, **options):
    """The journal of a process that goes on with one and ends within a trial, or by Ctrl-C."""
    left = folder if closes else folder.with_name(f"left-{next(count)}")

    def objective(config, trial):
        if trial.number == number:
            if not closes:
                shutil.copytree(folder, left)
            raise KeyboardInterrupt
        return config["x"]

    with pytest.raises(KeyboardInterrupt):
        quiet(objective, trials=Trials(journal=folder), **options)
    return left


def gone_on(folder, executor=None, **options):
    """The trials of a run that goes on with a journal to its end, and what it warned of."""
    trials = Trials(journal=folder, executor=executor)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        quiet(lambda config: config["x"], trials=trials, **options)
    assert len(trials) == 6
    return trials, [str(each.message) for each in said]


def test_a_trial_that_was_lost_once_is_begun_again(tmp_path):
    """Nothing is said of it, and all is as without the end of the process."""
    trials, said = gone_on(left_in(2, tmp_path / "run"))
    whole = Trials()
    quiet(lambda config: config["x"], trials=whole)
    assert trials.vals == whole.vals
    assert trials.losses() == whole.losses()
    assert (trials.history[2].attempt, said) == (1, [])


def test_a_trial_that_was_lost_twice_is_a_failed_one(tmp_path):
    """A warning has its number, how often it was begun and what to do; the search goes on."""
    folder = left_in(2, left_in(2, tmp_path / "run"))
    trials, said = gone_on(folder)
    outcome = trials.history[2].outcome
    assert (outcome.status, outcome.error_type) == (Status.FAILED, "lost")
    assert outcome.error.startswith("lost 2 times with its process")
    [text] = said
    assert text.startswith("trial 2: it was begun 2 times, and 2 times the process ended under it")
    assert "executor='processes'" in text
    assert [trial.status for trial in trials.history].count(Status.OK) == 5
    assert Trials.load(folder).history[2].outcome.error == outcome.error


def test_each_trial_has_its_own_count(tmp_path):
    """Trials that were lost once each are all begun again."""
    trials, said = gone_on(left_in(3, left_in(2, tmp_path / "run")))
    assert [trial.attempt for trial in trials.history] == [0, 0, 1, 1, 0, 0]
    assert (trials.history.count(Status.OK), said) == (6, [])


def test_in_processes_of_their_own_trials_are_begun_again(tmp_path):
    """Where the end of a trial's process is one failed trial, the search counts no other."""
    folder = left_in(2, left_in(2, tmp_path / "run"))
    trials, said = gone_on(folder, executor="processes")
    assert (trials.history[2].attempt, trials.history[2].status) == (2, Status.OK)
    assert said == []


def test_in_a_batch_the_first_is_blamed(tmp_path):
    """The trials of a batch that had not begun yet are begun again, however often it was lost."""
    folder = left_in(1, left_in(1, tmp_path / "run", batch=3), batch=3)
    trials, _ = gone_on(folder, batch=3)
    statuses = [trial.status for trial in trials.history]
    assert statuses == [Status.OK, Status.FAILED, *[Status.OK] * 4]


@pytest.mark.parametrize("why", ["Ctrl-C", "another boot", "no boot"])
def test_ends_that_are_no_fault_of_a_trial_do_not_count(tmp_path, monkeypatch, why):
    """After Ctrl-C, or where the machine itself ended meanwhile, a trial is begun again."""
    boots = {"another boot": map(str, itertools.count()), "no boot": itertools.repeat("")}
    if why in boots:
        for module in (journal, replaying):
            monkeypatch.setattr(module, "boot", functools.partial(next, boots[why]))
    folder = tmp_path / "run"
    for _ in range(3):
        folder = left_in(2, folder, closes=why == "Ctrl-C")
    trials, said = gone_on(folder)
    assert (trials.history[2].attempt, trials.history[2].status) == (3, Status.OK)
    assert said == []


def test_what_a_tuner_asked_is_not_blamed(tmp_path):
    """A candidate that was never told is begun by the next search, however often one ended."""
    folder = tmp_path / "run"
    for _ in range(3):
        Tuner(SPACE, trials=Trials(journal=folder), rstate=0).ask()
        folder = shutil.copytree(folder, folder.with_name(f"left-{next(count)}"))
    trials, said = gone_on(folder)
    assert (trials.history.count(Status.OK), said) == (6, [])
