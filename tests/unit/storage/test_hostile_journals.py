"""Journals that somebody changed, as Trials read them: what is left of them, or one sentence."""

import random
import shutil
import warnings

import hostile
import pytest

from sparktune import AllTrialsFailed, JournalError, Trials
from sparktune.exceptions import BadSearchSpace
from sparktune.storage import read


@pytest.fixture(scope="module")
def journals(tmp_path_factory):
    """Journals by name: folder, space to go on in, and records."""
    made = hostile.originals(tmp_path_factory.mktemp("originals"))
    return {name: (folder, space, list(read(folder))) for name, (folder, space) in made.items()}


def is_a_sentence(error, folder):
    text = str(error)
    assert text
    assert "\n" not in text
    assert len(text) < 1500
    assert str(folder) in text, text


def look_at_all(trials):
    """Every view of trials, which agree with each other."""
    count = len(trials)
    assert count == len(trials.losses()) == len(trials.statuses()) == len(trials.trials)
    assert count == len(trials.tids) == len(trials.results) == len(trials.miscs)
    documents = trials._dynamic_trials
    assert len(documents) == len(trials.history) == len(trials.to_pandas())
    assert trials.summary()
    trials.errors()
    for number in range(len(trials.history)):
        trials.reports(number)
        trials.trial_attachments(documents[number])
        if trials.history[number].loss is not None:
            trials.load_result(number)
    values = trials.vals
    assert sum(map(len, values.values())) == sum(len(trials.history[n].values) for n in trials.tids)
    try:
        best = trials.best_trial
    except AllTrialsFailed:
        assert all(loss is None for loss in trials.losses())
        return
    losses = [loss for loss in trials.losses() if loss is not None]
    assert best["result"]["loss"] == trials.best_loss == min(losses)
    assert set(trials.best_params) == set(trials.argmin)
    space = trials.history.space
    assert space.check(trials.argmin) == trials.argmin


def goes_on(folder, space, most):
    """A run ends with as many trials as were asked for, or says why it cannot begin."""
    try:
        trials = hostile.go_on(folder, space, most)
    except JournalError as error:
        is_a_sentence(error, folder)
        return "refused"
    except BadSearchSpace as error:
        assert "on_space_change" in str(error)
        return "refused"
    assert len(trials) == most
    assert len(Trials.load(folder)) == most
    return "went on"


def attacked(journals, folder, seed):
    """One journal that was changed: what came of it, in a word or two."""
    chance = random.Random(seed)
    name = chance.choice(list(journals))
    original, space, records = journals[name]
    other = journals[chance.choice(list(journals))]
    signed = seed % 2
    shutil.copytree(original, folder)
    if signed:
        changed = hostile.changed_records(records, other[2], chance)
        for path in folder.glob("*.jsonl"):
            path.unlink()
        raw = list(hostile.RAW.items()) if chance.random() < 0.8 else ()
        hostile.put_signed(folder, changed, chance, raw)
    else:
        for _ in range(chance.choice((1, 1, 1, 2, 3))):
            hostile.change_bytes(folder, other[0], chance)
    try:
        trials = Trials.load(folder)
    except JournalError as error:
        is_a_sentence(error, folder)
        try:
            assert Trials(journal=folder).history is None
            assert "no journal in" in str(error) or "no space yet" in str(error)
        except JournalError as again:
            assert str(again) == str(error)  # noqa: PT017
        return "error"
    left = list(read(folder))
    if not signed:  # what was written, unless the one file of a journal is another one's now
        assert left in (records[: len(left)], other[2][: len(left)])
    assert len(trials.history) == sum(len(r["values"]) for r in left if r["kind"] == "started")
    look_at_all(trials)
    if seed % 8 < 2:
        return goes_on(folder, space, len(trials) + chance.choice((0, 1, 3)) or 1)
    return "exact" if left == records else "other"


@pytest.mark.parametrize("times", [500, pytest.param(10_000, marks=pytest.mark.full)])
def test_journals_under_attack(tmp_path, journals, times):
    """Whatever is changed, opening gives trials that hang together and go on, or one sentence."""
    ends = {"error": 0, "exact": 0, "other": 0, "went on": 0, "refused": 0}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for seed in range(times):
            folder = tmp_path / "journal"
            ends[attacked(journals, folder, seed)] += 1
            shutil.rmtree(folder)
    assert min(ends.values()) > times / 100, ends
