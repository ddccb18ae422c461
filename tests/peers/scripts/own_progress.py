import contextlib
import json
import time

import numpy as np
from hyperopt import Trials, fmin, hp, rand
from hyperopt.progress import no_progress_callback, tqdm_progress_callback

events = []


class Dots:
    def __init__(self, initial, total):
        self.n, self.total = initial, total
        self.postfix = ""

    def update(self, n):
        self.n += n
        events.append(["update", n])
        if self.n % 5 == 0:
            print("%d of %d done" % (self.n, self.total))


@contextlib.contextmanager
def dots(initial, total):
    events.append(["begin", initial, total])
    bar = Dots(initial, total)
    start = time.time()
    yield bar
    events.append(["end", bar.n])
    print("took less than a minute:", time.time() - start < 60)


space = hp.uniform("x", -1, 1)
trials = Trials()
fmin(
    lambda x: x * x,
    space,
    algo=rand.suggest,
    max_evals=10,
    trials=trials,
    show_progressbar=dots,
    rstate=np.random.default_rng(0),
)
fmin(
    lambda x: x * x,
    space,
    algo=rand.suggest,
    max_evals=15,
    trials=trials,
    show_progressbar=dots,
    rstate=np.random.default_rng(1),
    max_queue_len=2,
)
fmin(
    lambda x: x * x,
    space,
    algo=rand.suggest,
    max_evals=18,
    trials=trials,
    show_progressbar=no_progress_callback,
    rstate=np.random.default_rng(2),
)
fmin(
    lambda x: x * x,
    space,
    algo=rand.suggest,
    max_evals=20,
    trials=trials,
    show_progressbar=tqdm_progress_callback,
    rstate=np.random.default_rng(2),
)


def noisy(x):
    print("evaluating", x)
    return x * x


fmin(noisy, space, algo=rand.suggest, max_evals=23, trials=trials, rstate=np.random.default_rng(3))
print(
    json.dumps(
        {
            "events": events,
            "n": len(trials),
            "found": {"best": trials.argmin},
            "good": min(trials.losses()) < 0.1,
        }
    )
)
