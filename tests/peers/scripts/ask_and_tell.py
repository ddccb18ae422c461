"""No fmin: ask TPE for documents, measure elsewhere, tell the trials."""

import json

import numpy as np
from hyperopt import JOB_STATE_DONE, JOB_STATE_NEW, STATUS_OK, Trials, hp, space_eval, tpe
from hyperopt.base import Domain, spec_from_misc
from hyperopt.utils import coarse_utcnow

space = {
    "gain": hp.uniform("gain", 0, 10),
    "mode": hp.choice(
        "mode", [{"name": "slow"}, {"name": "fast", "rate": hp.uniform("rate", 1, 5)}]
    ),
}


class Server:
    """Hands out one configuration at a time."""

    def __init__(self, space, seed):
        self.space = space
        self.domain = Domain(lambda spec: None, space)
        self.trials = Trials()
        self.rng = np.random.default_rng(seed)
        self.open = {}

    def ask(self):
        ids = self.trials.new_trial_ids(1)
        self.trials.refresh()
        documents = tpe.suggest(ids, self.domain, self.trials, int(self.rng.integers(2**31 - 1)))
        self.trials.insert_trial_docs(documents)
        self.trials.refresh()
        document = documents[0]
        self.open[document["tid"]] = document
        point = {k: v[0] for k, v in document["misc"]["vals"].items() if len(v) > 0}
        return document["tid"], space_eval(self.space, point)

    def tell(self, tid, loss):
        document = next(t for t in self.trials._dynamic_trials if t["tid"] == tid)
        document["result"] = {"loss": loss, "status": STATUS_OK}
        document["refresh_time"] = coarse_utcnow()
        document["state"] = JOB_STATE_DONE
        self.trials.refresh()
        del self.open[tid]


def measure(config):
    slow = config["mode"]["name"] == "slow"
    return (config["gain"] - 6) ** 2 + (1.0 if slow else abs(config["mode"]["rate"] - 2))


server = Server(space, seed=17)
asked, counts = [], []
for turn in range(25):
    pairs = [server.ask() for _ in range(2)]  # two machines
    counts.append(server.trials.count_by_state_unsynced(JOB_STATE_NEW))
    for tid, config in reversed(pairs):
        asked.append((tid, config))
        server.tell(tid, measure(config))
    if turn % 8 == 0:
        print("turn %d: best %.3f" % (turn, server.trials.best_trial["result"]["loss"]))

trials = server.trials
specs = [spec_from_misc(t["misc"]) for t in trials.trials]
best = space_eval(space, trials.argmin)
print("best:", best)
print(
    json.dumps(
        {
            "waiting": counts,
            "done": trials.count_by_state_synced(JOB_STATE_DONE),
            "open": len(server.open),
            "tids": [tid for tid, _ in asked],
            "modes": sorted({config["mode"]["name"] for _, config in asked}),
            "specs": all(("rate" in spec) == (spec["mode"] == 1) for spec in specs),
            "misc": list(trials.miscs[0]),
            "cmd": trials.miscs[0]["cmd"],
            "found": {"gain": best["gain"], "loss": trials.best_trial["result"]["loss"]},
            "good": trials.best_trial["result"]["loss"] < 1.5,
        }
    )
)
