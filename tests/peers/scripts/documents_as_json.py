"""Trials as JSON lines, in a form that other programs read; and back again."""

import datetime
import json

import numpy as np
from hyperopt import Trials, fmin, hp, tpe, trials_from_docs


class Encoder(json.JSONEncoder):
    def default(self, o):
        if isinstance(o, np.integer):
            return int(o)
        if isinstance(o, np.floating):
            return float(o)
        if isinstance(o, np.ndarray):
            return o.tolist()
        if isinstance(o, datetime.datetime):
            return o.isoformat()
        return super().default(o)


def parse_times(document):
    for key in ("book_time", "refresh_time"):
        document[key] = datetime.datetime.fromisoformat(document[key])
    return document


space = {
    "a": hp.quniform("a", -5, 5, 0.5),
    "b": hp.choice("b", [0, 3]),
    "c": [hp.randint("c", 5), hp.uniformint("d", 1, 3)],
    "e": hp.lognormal("e", 0, 0.5),
}


def objective(p):
    loss = p["a"] ** 2 + p["b"] + sum(p["c"]) + p["e"]
    return {"loss": loss, "status": "ok", "array": np.arange(2)}


trials = Trials()
fmin(
    objective,
    space,
    algo=tpe.suggest,
    max_evals=12,
    trials=trials,
    rstate=np.random.default_rng(2),
    show_progressbar=False,
)
with open("trials.jsonl", "w") as file:
    for document in trials.trials:
        file.write(json.dumps(document, cls=Encoder, sort_keys=True) + "\n")

with open("trials.jsonl") as file:
    documents = [parse_times(json.loads(line)) for line in file]
again = trials_from_docs(documents, validate=True)
print("read", len(again), "documents, best", again.best_trial["result"])
best = fmin(
    objective,
    space,
    algo=tpe.suggest,
    max_evals=20,
    trials=again,
    rstate=np.random.default_rng(3),
    show_progressbar=False,
)
print("best", best)
with open("summary.json", "w") as file:
    json.dump({"best": best, "argmin": again.argmin, "losses": again.losses()}, file, cls=Encoder)

print(
    json.dumps(
        {
            "lengths": [len(trials), len(again)],
            "document": list(trials.trials[0]),
            "misc": {k: type(v).__name__ for k, v in trials.trials[0]["misc"].items()},
            "losses": again.losses()[:12] == trials.losses(),
            "vals": {
                k: [float(v) for v in vs[:1]] == [float(again.vals[k][0])]
                for k, vs in trials.vals.items()
            },
            "zone": trials.trials[0]["book_time"].tzinfo,
            "cmd": trials.trials[0]["misc"]["cmd"],
            "result": list(trials.results[0]),
            "grid": sorted({float(v) % 0.5 for v in trials.vals["a"]}),
            "ints": sorted({float(v).is_integer() for k in "cd" for v in trials.vals[k]}),
            "found": {"loss": min(again.losses())},
            "good": min(again.losses()) < 10,
        }
    )
)
