"""Journals that somebody changed, as Trials read them: what is left of them, or one sentence."""

import random
import re
import shutil
import warnings

import hostile
import pytest
from hostile import is_a_sentence, look_at_all

from sparktune import JournalError, Trials
from sparktune.exceptions import BadSearchSpace
from sparktune.storage import read


@pytest.fixture(scope="module")
def journals(tmp_path_factory):
    """Journals by name: folder, space to go on in, and records."""
    made = hostile.originals(tmp_path_factory.mktemp("originals"))
    return {name: (folder, space, list(read(folder))) for name, (folder, space) in made.items()}


def goes_on(folder, space, most, on_change):
    """A run ends with as many trials as were asked for, or says why it cannot begin."""
    refused = ""
    try:
        trials = hostile.go_on(folder, space, most, on_space_change=on_change)
    except BadSearchSpace as error:
        refused = str(error)
    except JournalError as error:
        is_a_sentence(error, folder)
        return "refused"
    if refused:
        assert "\n" not in refused
        assert on_change != "error" or "on_space_change" in refused
        return "refused"
    assert len(trials) >= most
    assert len(trials) == most or on_change == "adapt"
    assert len(Trials.load(folder)) == len(trials)
    look_at_all(trials)
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
        if "no journal in" in str(error) or "no space yet" in str(error):
            assert Trials(journal=folder).history is None
        elif seed % 8 < 2:
            with pytest.raises(JournalError, match=re.escape(str(error))):
                Trials(journal=folder)
        return "error"
    left = list(read(folder))
    if not signed:  # what was written, unless the one file of a journal is another one's now
        assert left in (records[: len(left)], other[2][: len(left)])
    assert len(trials.history) == sum(len(r["values"]) for r in left if r["kind"] == "started")
    look_at_all(trials)
    if seed % 8 < 2:
        on_change = chance.choice(("error", "error", "keep", "adapt"))
        return goes_on(folder, space, len(trials) + chance.choice((0, 1, 3)) or 1, on_change)
    return "exact" if left == records else "other"


@pytest.mark.parametrize(
    "seeds",
    [
        range(300),
        pytest.param(range(300, 2_500), marks=pytest.mark.full),
        pytest.param(range(2_500, 5_000), marks=pytest.mark.full),
        pytest.param(range(5_000, 7_500), marks=pytest.mark.full),
        pytest.param(range(7_500, 10_000), marks=pytest.mark.full),
    ],
)
def test_journals_under_attack(tmp_path, journals, seeds):
    """Whatever is changed, opening gives trials that hang together and go on, or one sentence."""
    ends = {"error": 0, "exact": 0, "other": 0, "went on": 0, "refused": 0}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", "the journal's last record is torn")
        for seed in seeds:
            folder = tmp_path / "journal"
            ends[attacked(journals, folder, seed)] += 1
            shutil.rmtree(folder)
    assert min(ends.values()) > len(seeds) / 1000, ends
