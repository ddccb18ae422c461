"""Journals as an attacker would leave them: changed in their bytes, or in records signed anew.

The checksums of a journal are no signatures, so whoever can write the folder can make them fit.
"""

import copy
import json
import shutil
import warnings

import numpy as np
from journals import NoAppend

from sparktune import AllTrialsFailed, Status, Trials, fmin, hp, rand, scope
from sparktune.history import Outcome
from sparktune.storage import Segments, compact, read
from sparktune.storage.lines import CLOSED, SEALED, Head, ended, headed, lines_of, text_of

BRANCHES = [
    {"kind": "svm", "C": hp.lognormal("C", 0, 2), "gamma": hp.qloguniform("gamma", -3, 3, 0.1)},
    {"kind": "tree", "depth": scope.int(hp.quniform("depth", 1, 9, 1)), "f": len},
    ["boost", hp.uniformint("rounds", 1, 50), hp.choice("inner", [None, hp.normal("m", 0, 1)])],
]
SPACE = {
    "model": hp.choice("model", BRANCHES),
    "x": hp.uniform("x", -3, 3),
    "lr": hp.loguniform("lr", -9, 0),
    "q": hp.qnormal("q", 0, 5, 0.5),
    "ql": hp.qlognormal("ql", 0, 1, 1),
    "r": hp.randint("r", 5),
    "p": hp.pchoice("p", [(0.2, "a"), (0.8, "b")]),
}
CHANGED = {
    **SPACE,
    "x": hp.uniform("x", -1, 3),
    "p": hp.choice("p", ["c", "b", "a"]),
    "new": hp.choice("new", ["old", hp.uniform("fresh", 0, 1)]),
}


def objective(config, trial):
    """A loss for most candidates, an exception for some; reports, and things that no JSON holds."""
    trial.report(1, config["x"])
    trial.report(2, float("nan") if config["r"] == 1 else config["lr"])
    if config["r"] == 0:
        raise ValueError("broken")
    more = {"curve": np.arange(3), "deep": {"a": (1, 2), "b": [float("inf")]}, 3: "three"}
    things = {"file": {1, 2}, "model": Outcome} if config["r"] == 2 else {}
    return {"loss": config["x"] ** 2, "status": "ok", **more, "attachments": things}


def go_on(folder, space, most, **options):
    """Run up to so many trials with the journal of a folder."""
    trials = Trials(journal=folder, **options)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fmin(
            lambda _: 1.0, space, algo=rand.suggest, max_evals=most, rstate=0,
            trials=trials, show_progressbar=False,
        )  # fmt: skip
    return trials


def is_a_sentence(error, folder):
    """Whether an error has one short sentence that names the folder or a file in it."""
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


def written_by_runs(folder):
    """A journal of several runs, with all that can become of a trial."""
    trials = Trials(journal=folder)
    options = {"algo": rand.suggest, "rstate": 1, "show_progressbar": False}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fmin(objective, SPACE, max_evals=8, trials=trials, catch_eval_exceptions=True, **options)
        with trials.step(trials.history.space) as history:
            values = [dict(history[number].values) for number in range(6)]
            started = [trial.number for trial in history.start(values, 1e9)]
            for number in started[:5]:
                history.report(number, 0, 1, 0.5)
            for number, why in zip(started, ("lost", "cut", "cut", "lost", "cut"), strict=False):
                history.requeue(number, why)
            history.resume(started[1])
            history.report(started[0], 1, 1, 0.25)
            history.finish(started[0], 1, Outcome(Status.PRUNED))
            history.finish(started[1], 1, Outcome(Status.OK, loss=7.0, variance=0.5, host="h"))
            history.finish(started[3], 1, Outcome(Status.CANCELLED))
            late = Outcome(Status.TIMED_OUT, error="too late", log_tail="…\ud800", seconds=3.0)
            history.finish(started[5], 0, late)
        fmin(objective, SPACE, max_evals=13, trials=trials, catch_eval_exceptions=True, **options)
    return folder


def laid_out(folder, to, limit, files=None):
    """The records of a journal, in a journal of segments of so many records."""
    more = {} if files is None else {"files": files}
    records = list(read(folder))
    with Segments(to, limit, **more) as journal:
        for record in records:
            journal.append([record])
    if (folder / "attachments").is_dir():
        shutil.copytree(folder / "attachments", to / "attachments")
    return to


def originals(folder):
    """Journals by name, each with the space that its runs go on in."""
    runs = written_by_runs(folder / "runs")
    changed = shutil.copytree(runs, folder / "changed")
    go_on(changed, CHANGED, 12, on_space_change="adapt", defaults={"new": "old"})
    merged = laid_out(changed, folder / "merged", 5)
    compact(merged)
    return {
        "runs": (runs, SPACE),
        "segments": (laid_out(runs, folder / "segments", 9), SPACE),
        "changed": (changed, CHANGED),
        "merged": (merged, CHANGED),
        "anew": (laid_out(runs, folder / "anew", 20, NoAppend()), SPACE),
    }


def put_signed(folder, records, chance, raw=()):
    """Write records as a journal whose checksums fit, in segments of any size.

    Args:
        folder: which is empty.
        records: as they stand; what JSON has no word for stands in ``raw``.
        chance: a random.Random.
        raw: pairs of a text that JSON writes and what is to stand in its place.
    """
    texts = [_text(record, raw) for record in records]
    first, number = 0, 1
    while True:
        part = texts[first : first + chance.choice((3, 10, 1000))]
        head, crc = headed(Head("0" * 16, first))
        lines, crc, count = lines_of(part, crc)
        first += count
        last = first >= len(texts)
        line, _ = ended(CLOSED if last else SEALED, count, crc)
        (folder / f"{number:06}.jsonl").write_bytes(head + lines + line)
        if last:
            return
        number += 1


def _text(record, raw):
    try:
        text = text_of(record, "a record")
    except (TypeError, ValueError):
        text = (json.dumps(record)[:-1] + ("," if record else "")).encode()
    for written, token in raw:
        text = text.replace(json.dumps(written).encode(), token)
    return text


# -- records with something wrong in them

RAW = {
    "<a thousand nines>": b"9" * 1000,
    "<nines>": b"9" * 9999,
    "<overflow>": b"1e999",
    "<NaN>": b"NaN",
    "<infinity>": b"-Infinity",
    "<deep>": b"[" * 150 + b"]" * 150,
    "<a little deep>": b"[" * 90 + b"]" * 90,
    "<surrogate>": rb'"\ud800"',
    "<not UTF-8>": b'"\xff"',
}
JUNK = (
    None, True, False, -1, 0, 1, 3, 7, 2**31, 2**63, 2**64, -(2**63), 10**400, -0.5, 1.5, -0.0,
    "", "x", "lr", "$", "ok", "failed", "pruned", "lost", "crashed", "cut", "apart", "resumed",
    "started", "ended", "space", "x" * 5000, "\ud800", "../../x", "\0", [], {}, [[]], [{}], 1e308,
    {"a": 1},
    [0] * 300, {"$": "float", "text": "nan"}, {"$": "float", "text": "inf"}, {"$": "array"},
    {"$": "int", "hex": "0x" + "f" * 400}, {"$": "again", "label": "x"},
    {"$": "tuple", "items": [1]},
    {"$": "named", "what": "function", "module": "os", "name": "system"},
    {"$": "set", "items": [[]]}, {"$": "datetime", "text": "2020-01-01"},
    {"$": "bytes", "base64": "AAAA"}, {"status": "ok", "loss": 1.0}, *RAW,
)  # fmt: skip


def places(data, path=()):
    """All places in nested JSON."""
    for key, item in data.items() if isinstance(data, dict) else enumerate(data):
        yield (*path, key)
        if isinstance(item, (dict, list)):
            yield from places(item, (*path, key))


def at(data, path):
    """What holds a place, and its key there."""
    for key in path[:-1]:
        data = data[key]
    return data, path[-1]


def changed_records(records, others, chance):
    """Records of which some were changed, as a list of its own."""
    records = copy.deepcopy(records)
    for _ in range(chance.choice((1, 1, 1, 2, 4))):
        _change(records, others, chance)
        if not records:
            break
    return records


def _change(records, others, chance):
    one, two = chance.randrange(len(records)), chance.randrange(len(records))
    kind = chance.randrange(14)
    if kind == 0:
        del records[one]
    elif kind == 1:
        records[one], records[two] = records[two], records[one]
    elif kind == 2:
        records.insert(two, copy.deepcopy(records[one]))
    elif kind == 3:
        records.insert(one, copy.deepcopy(chance.choice(others)))
    elif kind == 4:
        del records[one:]
    else:
        _change_inside(records[one], records[two], chance)


def _change_inside(record, other, chance):
    found = list(places(record))
    if not found:
        return
    holder, key = at(record, chance.choice(found))
    kind = chance.randrange(6)
    if kind == 0:
        del holder[key]
    elif kind == 1 and isinstance(holder, dict):
        holder[chance.choice(("x", "lr", "m", "$", "number", "loss", "odd"))] = holder.pop(key)
    elif kind == 2 and list(places(other)):
        there, name = at(other, chance.choice(list(places(other))))
        holder[key] = copy.deepcopy(there[name])
    elif kind == 3 and type(holder[key]) in (int, float):
        holder[key] += chance.choice((-1, 1, 0.5, 1e6))
    elif kind == 4 and isinstance(holder, dict):
        holder[chance.choice(("x", "m", "rounds", "$", "files"))] = copy.deepcopy(
            chance.choice(JUNK)
        )
    else:
        holder[key] = copy.deepcopy(chance.choice(JUNK))


# -- bytes and files


def change_bytes(folder, other, chance):
    """Change one thing in the files of a journal; ``other`` is the folder of another one."""
    paths = sorted(folder.glob("*.jsonl"))
    if not paths:
        return
    path = chance.choice(paths)
    data = bytearray(path.read_bytes())
    at_ = chance.randrange(len(data) + 1)
    kind = chance.randrange(16)
    if kind == 0 and data:
        data[at_ % len(data)] ^= 1 << chance.randrange(8)
    elif kind == 1:
        del data[at_ : at_ + chance.choice((1, 5, 200))]
    elif kind == 2:
        data[at_:at_] = bytes(chance.randrange(256) for _ in range(chance.choice((1, 3, 50))))
    elif kind == 3:
        del data[at_:]
    elif kind == 4:
        data += data[at_ : at_ + 300]
    elif kind in (5, 6, 7):
        lines = data.split(b"\n")
        one, two = chance.randrange(len(lines)), chance.randrange(len(lines))
        if kind == 5:
            lines[one], lines[two] = lines[two], lines[one]
        elif kind == 6:
            del lines[one]
        else:
            lines.insert(two, lines[one])
        data = bytearray(b"\n".join(lines))
    elif kind == 8:
        path.unlink()
        return
    elif kind == 9:
        path.rename(folder / f"{chance.randrange(8):06}.jsonl")
        return
    elif kind == 10:
        (folder / f"{1 + chance.randrange(6):06}.jsonl").write_bytes(data)
        return
    elif kind == 11:
        name = f"{1 + chance.randrange(4):06}.g{chance.randrange(4):04}.jsonl"
        (folder / name).write_bytes(data[: chance.choice((at_, len(data)))])
        return
    elif kind == 12:
        data = bytearray()
    elif kind == 13:
        foreign = chance.choice(sorted(other.glob("*.jsonl")))
        shutil.copy(foreign, folder / foreign.name)
        return
    elif kind == 14:
        shutil.rmtree(folder / "attachments", ignore_errors=True)
        for beside in folder.iterdir():
            if beside not in paths:
                beside.write_bytes(data[: chance.choice((0, 10, 1000))])
        return
    else:
        (folder / "000000.jsonl").write_bytes(data)
        return
    path.write_bytes(data)
