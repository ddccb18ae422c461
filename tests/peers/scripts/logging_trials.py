"""Trials that write a line for each document they take and each that is done."""

import json

import numpy as np
from hyperopt import JOB_STATE_DONE, STATUS_OK, Trials, fmin, hp, tpe


class LoggingTrials(Trials):
    def __init__(self, path, exp_key=None, refresh=True):
        self.path = path
        self.written = set()
        self.refreshes = 0
        super().__init__(exp_key=exp_key, refresh=refresh)

    def refresh(self):
        super().refresh()
        self.refreshes += 1
        for trial in self.trials:
            if trial["state"] == JOB_STATE_DONE and trial["tid"] not in self.written:
                self.written.add(trial["tid"])
                self._write("done", trial["tid"], trial["result"]["loss"])

    def _insert_trial_docs(self, docs):
        tids = super()._insert_trial_docs(docs)
        for tid in tids:
            self._write("queued", tid, None)
        return tids

    def new_trial_docs(self, tids, specs, results, miscs):
        docs = super().new_trial_docs(tids, specs, results, miscs)
        for doc in docs:
            doc["owner"] = "me"
        return docs

    def _write(self, what, tid, loss):
        with open(self.path, "a") as file:
            file.write(json.dumps({"what": what, "tid": int(tid), "loss": loss}) + "\n")

    @property
    def best_loss(self):
        return min(loss for loss in self.losses() if loss is not None)


def objective(c):
    return {"loss": abs(c["n"] - 7) + c["x"] ** 2, "status": STATUS_OK}


trials = LoggingTrials("log.jsonl", exp_key="first")
best = fmin(
    objective, {"n": hp.quniform("n", 0, 10, 1), "x": hp.normal("x", 0, 1)}, algo=tpe.suggest,
    max_evals=20, trials=trials, rstate=np.random.default_rng(0), show_progressbar=False,
)  # fmt: skip
print("best", best, "loss", trials.best_loss)
with open("log.jsonl") as file:
    lines = [json.loads(line) for line in file]
print("lines:", len(lines))
summary = {
    "queued": [line["tid"] for line in lines if line["what"] == "queued"],
    "done": [line["tid"] for line in lines if line["what"] == "done"],
    "in_turns": [line["what"] for line in lines[:6]],
    "owners": sorted({t["owner"] for t in trials.trials}),
    "exp_keys": sorted({t["exp_key"] for t in trials.trials}),
    "refreshed": trials.refreshes > 20,
    "class": type(trials).__name__,
    "found": {"best": best, "loss": trials.best_loss},
    "good": trials.best_loss < 3,
}
print(json.dumps(summary))
