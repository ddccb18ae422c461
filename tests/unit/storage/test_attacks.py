"""Attacks on a journal by hand: each is met with its sentence, and no code of it runs."""

import copy
import itertools
import pickle
import random
import re
import shutil
import sys

import hostile
import pytest
from hostile import is_a_sentence, look_at_all

from sparktune import JournalError, Trials, fmin, hp, rand
from sparktune.space.tree import Space
from sparktune.storage import Segments, read
from sparktune.storage.lines import Head, headed, signed

SPACE = {
    "x": hp.uniform("x", 0, 1),
    "kind": hp.choice("kind", ["a", {"y": hp.randint("y", 5)}]),
}
VALUES = {"x": 0.5, "kind": 1, "y": 3}
SPACE_RECORD = {
    "kind": "space",
    "space": {
        "version": 1,
        "labels": ["x", "kind", "y"],
        "$": {
            "x": {"$": "uniform", "label": "x", "low": 0.0, "high": 1.0},
            "kind": {
                "$": "choice",
                "label": "kind",
                "options": ["a", {"y": {"$": "integers", "label": "y", "low": 0, "high": 4}}],
            },
        },
    },
}
RUN = {"kind": "run", "seed": 1, "now": 1e9}
STARTED = {"kind": "started", "now": 1e9, "values": [VALUES]}
OK = {"kind": "ended", "number": 0, "attempt": 0, "outcome": {"status": "ok", "loss": 1.0}}
REPORT = {"kind": "reported", "number": 0, "attempt": 0, "step": 1, "value": 0.5}


def lost(why="lost", number=0):
    return {"kind": "requeued", "number": number, "why": why}


def written(folder, *records, raw=()):
    """A journal of these records, whose checksums fit."""
    folder.mkdir(exist_ok=True)
    hostile.put_signed(folder, list(records), random.Random(0), raw)
    return folder


def begun(folder, *records, raw=()):
    return written(folder, SPACE_RECORD, RUN, *records, raw=raw)


def refused(folder):
    """The one sentence with which all ways in refuse a journal."""
    with pytest.raises(JournalError) as caught:
        Trials.load(folder)
    text = str(caught.value)
    for way_in in (
        lambda: Trials(journal=folder),
        lambda: Trials().attach(folder),
        lambda: fmin(lambda _: 0.0, SPACE, max_evals=1, trials_save_file=str(folder)),
    ):
        with pytest.raises(JournalError, match=re.escape(text)):
            way_in()
    assert "\n" not in text
    assert str(folder) in text
    return text


def outcome(**more):
    return {**OK, "outcome": {**OK["outcome"], **more}}


def started(**more):
    return {**STARTED, "values": [{**VALUES, **more}]}


def without(record, *names):
    return {name: item for name, item in record.items() if name not in names}


DOUBLED = [{"$": "call", "number": 0, "function": {"$": "object", "module": "m", "name": "f"},
            "args": [1], "kwargs": {}}]  # fmt: skip
for _n in range(1, 60):
    DOUBLED.append({**DOUBLED[0], "number": _n, "args": [{"$": "again", "call": _n - 1}] * 2})
BRANCHING = [{"$": "choice", "label": "c0", "options": [["a", "b"]]}]
for _n in range(1, 40):
    BRANCHING.append(
        {"$": "choice", "label": f"c{_n}", "options": [[{"$": "again", "label": f"c{_n - 1}"}] * 2]}
    )


def space_of(template, *labels):
    return {"kind": "space", "space": {"version": 1, "labels": list(labels), "$": template}}


WRONG = {
    # records in an impossible order
    "an end before its start": ([OK], "record 2: there is no trial 0: there are no trials yet"),
    "two ends": ([STARTED, OK, OK], "record 4: trial 0 has ended already as OK"),
    "a report after the end": ([STARTED, OK, REPORT], "trial 0 has ended already as OK"),
    "a report of no trial": ([REPORT], "there is no trial 0"),
    "attempts that go backwards": (
        [STARTED, lost(), OK],
        "record 4: trial 0 is at attempt 1; attempt 0 came too late",
    ),
    "attempts from the future": ([STARTED, {**OK, "attempt": 2}], "is at attempt 0; attempt 2"),
    "begun again without a cut": ([STARTED, lost("resumed")], "trial 0 was not cut off"),
    "lost after the end": ([STARTED, OK, lost()], "trial 0 has ended already"),
    "cut twice": ([STARTED, lost("cut"), lost("cut")], "trial 0 has ended already as CUT"),
    "an end while it is cut": ([STARTED, lost("cut"), {**OK, "attempt": 1}], "as CUT"),
    "an end that is none": ([STARTED, outcome(status="crashed")], "a loss goes with status OK"),
    "a crash": ([STARTED, {**OK, "outcome": {"status": "crashed"}}], "cannot end as CRASHED"),
    "apart": ([STARTED, {**OK, "outcome": {"status": "apart"}}], "trial 0 cannot end as APART"),
    # values that are none
    "out of range": ([started(x=1.5)], "record 2: 'x' takes a number from 0 to 1, but got 1.5"),
    "no such option": ([started(kind=2)], "'kind' takes the index of an option, 0 to 1, but got 2"),
    "inactive": ([started(kind=0)], "there is a value for 'y', which is inactive"),
    "missing": ([{**STARTED, "values": [without(VALUES, "y")]}], "there is no value for 'y'"),
    "unknown label": ([started(z=1)], "the space has no label 'z'"),
    "a text": ([started(x="0.5")], "'x' takes a number, but got '0.5'"),
    "a long text": ([started(x="x" * 10**6)], "'x' takes a number, but got 'xxx"),
    "2**63": ([started(y=2**63)], "'y' takes a whole number from 0 to 4, but got 9223372036854775"),
    "10**400": ([started(x=10**400)], "'x' takes a finite number, but got 1000000000"),
    "no candidates": ([{**STARTED, "values": []}], "'values' must be a list of candidates"),
    "a date of no calendar": ([{**STARTED, "now": 1e300}], "'now' is 1e+300, but must be from"),
    # wrong types and numbers elsewhere
    "a loss of text": ([STARTED, outcome(loss="1")], "'loss' is '1', but must be a number"),
    "a loss too large": ([STARTED, outcome(loss=10**400)], "a number of 1329 bits is too large"),
    "no loss": ([STARTED, {**OK, "outcome": {"status": "ok"}}], "a loss goes with status OK alone"),
    "NaN": ([STARTED, outcome(loss={"$": "float", "text": "nan"})], "a loss must not be NaN"),
    "a negative number": ([STARTED, {**OK, "number": -1}], "'number' is -1, but must be a whole"),
    "a number of 64 bits": ([STARTED, {**OK, "number": 2**63}], "'number' is 9223372036854775808"),
    "true as a number": ([STARTED, {**OK, "number": True}], "'number' is True, but must be a who"),
    "seconds without end": ([STARTED, outcome(seconds=1e300)], "'seconds' is 1e+300, but must be"),
    "a node in a result": (
        [STARTED, outcome(info={"a": {"$": "uniform", "label": "x", "low": 0, "high": 1}})],
        "there is something of a kind that no result has, 'uniform'",
    ),
    "an unknown kind": ([{"kind": "paused"}], "a record of the kind 'paused', which this spark"),
    "no kind": ([{}], "a record of the kind None"),
    "a kind of a list": ([{"kind": ["space"]}], "a record of the kind ['space']"),
    "a long kind": ([{"kind": "x" * 10**6}], "a record of the kind 'xxxx"),
    "a seed of no number": ([{**RUN, "seed": "1"}], "the seed of a run is '1'"),
    "a huge seed": ([{**RUN, "seed": -(10**400)}], "the seed of a run is -1000"),
    # files beside
    "a file elsewhere": (
        [STARTED, outcome(files=[["info", "m", {"type": "x", "name": "../x.pkl", "bytes": 1}]])],
        "'../x.pkl' is no name of a file in a journal",
    ),
    "files of text": ([STARTED, outcome(files="abc")], "a record of the kind 'ended' that is none"),
    # spaces
    "no space": ([{"kind": "space", "space": 7}], "this is no record of a space: 7"),
    "a newer space": (
        [{"kind": "space", "space": {**SPACE_RECORD["space"], "version": 2}}],
        "the record of a space is of version 2, but this release reads version 1",
    ),
    "expressions that double": ([space_of(DOUBLED)], "the space has no hyperparameter"),
    "choices that double": (
        [space_of(BRANCHING, *(f"c{n}" for n in reversed(range(40))))],
        "a candidate has over 100,000 items, the same ones repeated",
    ),
    "defaults of nothing": (
        [STARTED, {**SPACE_RECORD, "defaults": [1]}],
        "defaults come as a dict by label, but got [1]",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", WRONG)
def test_what_cannot_be_is_refused_in_one_sentence(tmp_path, what):
    """A record that cannot be is refused by all ways in, with folder, number and reason."""
    records, sentence = WRONG[what]
    text = refused(begun(tmp_path / "journal", *records))
    assert sentence in text
    assert ", record " in text
    assert len(text) < 700


DEEP = b'{"a":' * 90 + b"1" + b"}" * 90
TOKENS = {
    "NaN": (b"NaN", "line 4: a journal holds no NaN"),
    "infinity": (b"-Infinity", "line 4: a journal holds no -Infinity"),
    "an overflow": (b"1e999", "inf is no number of JSON"),
    "too many digits": (b"9" * 5000, "line 4: a number in the line has too many digits"),
    "deep": (b"[" * 120 + b"]" * 120, "line 4: a record must not have over 100 lists and dicts"),
    "no UTF-8": (b'"\xff"', "line 4: the line is not UTF-8"),
    "no JSON": (b"x", "line 4: the line is no JSON object"),
}


@pytest.mark.parametrize("what", TOKENS)
def test_what_is_no_json_of_a_journal(tmp_path, what):
    """What JSON does not have, or Python takes for it, is refused with the line of the file."""
    token, sentence = TOKENS[what]
    folder = begun(tmp_path / "journal", outcome(info={"a": "here"}), raw=[("here", token)])
    path = next(iter(sorted(folder.glob("*.jsonl"))))
    if "line" in sentence and path.read_bytes().count(b"\n") < 6:
        sentence = sentence.partition(": ")[2]
    assert sentence in refused(folder)


def test_odd_things_that_are_allowed(tmp_path):
    """Halves of pairs, deep results, infinite losses and empty names are shown as they are."""
    info = {"\ud800": "\udfff", "": None, "deep": "here", "big": {"$": "int", "hex": hex(10**400)}}
    folder = begun(
        tmp_path / "journal", STARTED, outcome(info=info, loss={"$": "float", "text": "inf"}),
        STARTED, {**outcome(loss={"$": "float", "text": "-inf"}), "number": 1},
        raw=[("here", DEEP)],
    )  # fmt: skip
    trials = Trials.load(folder)
    look_at_all(trials)
    assert trials.losses() == [float("inf"), -float("inf")]
    assert trials.results[0]["big"] == 10**400


class Bomb:
    """Leaves a trace where it is unpickled."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return open, (self.path, "w")


def test_a_pickle_in_the_place_of_json(tmp_path):
    """A pickle as the folder, a segment or a line is refused and not opened."""
    bomb = pickle.dumps(Bomb(tmp_path / "trace"))
    (tmp_path / "file").write_bytes(bomb)
    assert "`sparktune import-hyperopt" in refused(tmp_path / "file")
    folder = begun(tmp_path / "journal", STARTED)
    path = sorted(folder.glob("*.jsonl"))[0]
    data = path.read_bytes()
    path.write_bytes(bomb)
    assert "000001.jsonl: this is a pickle" in refused(folder)
    head, crc = headed(Head("0" * 16, 0))
    path.write_bytes(head + signed(bomb.replace(b"\n", b" ") + b",", crc)[0] + data)
    assert "000001.jsonl, line " in refused(folder)
    assert not (tmp_path / "trace").exists()


def test_an_attachment_runs_code_when_it_is_loaded_and_not_before(tmp_path):
    """Opening and all views leave a pickle beside the records alone; only load() opens it."""
    told = {"type": "Bomb", "name": "000000-0-1.pkl", "bytes": 9}
    files = [["info", "model", told], ["attachments", "more", told]]
    folder = begun(tmp_path / "journal", STARTED, outcome(files=files))
    (folder / "attachments").mkdir()
    bomb = pickle.dumps(Bomb(tmp_path / "trace"))
    (folder / "attachments" / "000000-0-1.pkl").write_bytes(bomb)
    trials = Trials.load(folder)
    look_at_all(trials)
    repr(trials.trials)
    hostile.go_on(folder, SPACE, 3)
    assert not (tmp_path / "trace").exists()
    trials.history[0].outcome.info["model"].load().close()
    assert (tmp_path / "trace").exists()


def test_no_module_is_imported_and_nothing_is_called(tmp_path, monkeypatch):
    """A space that names modules and functions is read, shown and gone on with as text."""
    (tmp_path / "with_side_effect.py").write_text(f"open({str(tmp_path / 'trace')!r}, 'w')")
    monkeypatch.syspath_prepend(tmp_path)
    evil = {"$": "named", "what": "function", "module": "os", "name": "system"}
    other = {"$": "named", "what": "class", "module": "with_side_effect", "name": "C"}
    called = {
        "$": "call", "number": 0, "function": evil, "args": [f"touch {tmp_path}/trace"],
        "kwargs": {},
    }  # fmt: skip
    member = {"$": "dict", "type": ["with_side_effect", "Dict"], "items": [["a", other]]}
    record = copy.deepcopy(SPACE_RECORD)
    record["space"]["$"]["kind"]["options"] = [
        called, {"y": {"$": "integers", "label": "y", "low": 0, "high": 4}, "more": [evil, member]},
    ]  # fmt: skip
    values = [VALUES, {"x": 0.1, "kind": 0}]
    ends = [OK, {**outcome(loss=0.5), "number": 1}]
    folder = written(tmp_path / "journal", record, RUN, {**STARTED, "values": values}, *ends)
    before = set(sys.modules)
    trials = Trials.load(folder)
    look_at_all(trials)
    shown = repr(trials.best_params["kind"])
    assert shown.startswith("<system('touch ")
    assert shown.endswith(", not computed>")
    assert "with_side_effect" in repr(trials.history.space.template["kind"].options[1])
    with pytest.raises(ValueError, match="on_space_change='adapt'"):
        hostile.go_on(folder, SPACE, 4)
    with pytest.raises(ValueError, match=r"no <class with_side_effect.C>|no <function os.system>"):
        hostile.go_on(folder, SPACE, 4, on_space_change="keep")
    assert "with_side_effect" not in sys.modules
    assert not {name for name in set(sys.modules) - before if not name.startswith("sparktune")}
    assert not (tmp_path / "trace").exists()


def test_a_head_of_a_newer_version(tmp_path):
    """A journal of a newer sparktune is refused with both versions."""
    folder = begun(tmp_path / "journal", STARTED)
    path = sorted(folder.glob("*.jsonl"))[0]
    line, _ = signed(b'{"journal":"sparktune","version":2,"id":"00000000","first":0,', 0)
    path.write_bytes(line)
    text = refused(folder)
    assert "written by a newer sparktune (its format is 2, this one reads 1)" in text


@pytest.mark.parametrize("name", ["000002.jsonl", "000001.g0002.jsonl", "000001.g0009.jsonl"])
def test_segments_of_another_journal(tmp_path, name):
    """A file of another journal is refused, and none of this one's is deleted for it."""
    for which in ("one", "two"):
        with Segments(tmp_path / which, 2) as journal:
            for record in (SPACE_RECORD, RUN, STARTED, OK):
                journal.append([record])
    foreign = {"000002.jsonl": "000002.jsonl"}.get(name, "000001.jsonl")
    shutil.copy(tmp_path / "two" / foreign, tmp_path / "one" / name)
    files = sorted((tmp_path / "one").glob("*.jsonl"))
    assert "of another journal" in refused(tmp_path / "one")
    assert sorted((tmp_path / "one").glob("*.jsonl")) == files


def test_chains_of_expressions_are_short_in_words(tmp_path):
    """Sixty expressions each of which has the last one twice are read and shown at once."""
    x = {"$": "uniform", "label": "x", "low": 0.0, "high": 1.0}
    chain = copy.deepcopy(DOUBLED)
    chain[0]["args"] = [x]
    option = {"$": "choice", "label": "c", "options": [{"a": chain}]}
    values = {"x": 0.5, "c": 0}
    begin = (space_of({"c": option}, "c", "x"), RUN, {**STARTED, "values": [values]}, OK)
    trials = Trials.load(written(tmp_path / "journal", *begin))
    assert len(repr(trials.best_params)) < 20_000
    assert len(repr(trials.history.space.template["c"].options)) < 400_000
    look_at_all(trials)


def loaded(folder):
    """The trials of a journal, and the error with which it is refused; one of them is None."""
    try:
        return Trials.load(folder), None
    except JournalError as error:
        return None, error


@pytest.mark.parametrize("share", [0.15, pytest.param(1.0, marks=pytest.mark.full)])
def test_each_place_with_each_wrong_thing(tmp_path, share):
    """Any single thing in a small journal, replaced by anything, gives trials or a sentence."""
    records = [SPACE_RECORD, RUN, STARTED, lost(), {**REPORT, "attempt": 1}]
    records.append({**outcome(info={"a": [1]}, seconds=1.0, error="e"), "attempt": 1})
    places = [(n, path) for n, record in enumerate(records) for path in hostile.places(record)]
    ends = {"error": 0, "trials": 0}
    chance = random.Random(0)
    for (n, path), junk in itertools.product(places, hostile.JUNK):
        if chance.random() > share:
            continue
        changed = copy.deepcopy(records)
        holder, key = hostile.at(changed[n], path)
        holder[key] = copy.deepcopy(junk)
        folder = written(tmp_path / "journal", *changed, raw=list(hostile.RAW.items()))
        trials, error = loaded(folder)
        if trials is None:
            is_a_sentence(error, folder)
        else:
            look_at_all(trials)
        ends["error" if trials is None else "trials"] += 1
        shutil.rmtree(folder)
    assert min(ends.values()) > 20, ends


def test_all_of_it_reads_as_it_stands(tmp_path):
    """The journal that the attacks start from is a good one."""
    folder = begun(
        tmp_path / "journal", STARTED, lost(), REPORT | {"attempt": 1}, OK | {"attempt": 1}
    )
    trials = hostile.go_on(folder, SPACE, 3)
    look_at_all(trials)
    assert [trial.attempt for trial in trials.history] == [1, 0, 0]
    assert Space(SPACE).labels == Trials.load(folder).history.space.labels
    assert next(iter(read(folder))) == SPACE_RECORD
    fmin(lambda _: 0.0, SPACE, algo=rand.suggest, max_evals=4, trials_save_file=str(folder),
         show_progressbar=False)  # fmt: skip
    assert len(Trials.load(folder)) == 4
