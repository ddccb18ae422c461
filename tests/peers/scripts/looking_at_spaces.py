"""Look at a space before searching it: samples, shares, arithmetic, functions of one's own."""

import json
from collections import Counter

import hyperopt.pyll.stochastic
import numpy as np
from hyperopt import fmin, hp, pyll, space_eval, tpe
from hyperopt.pyll import as_apply, scope
from hyperopt.pyll.stochastic import sample


@scope.define
def half_of(n):
    return n / 2


@scope.define
def join(*parts, sep="-"):
    return sep.join(str(part) for part in parts)


n = hp.randint("n", 1, 9)
width = 10 + 2 * hp.uniform("w", 0, 5)
space = {
    "n": n,
    "twice": n * 2,
    "half": scope.half_of(n),
    "power": 2**n,
    "width": width,
    "area": width * width / 4 - 1,
    "rate": scope.exp(-hp.uniform("decay", 0, 3)),
    "clipped": scope.min(scope.max(hp.normal("z", 0, 2), -1), 1),
    "whole": scope.int(hp.quniform("q", 1, 7, 2)),
    "kind": hp.pchoice(
        "kind", [(0.1, "rare"), (0.65, "common"), (0.25, {"nested": hp.choice("o", [1, 2])})]
    ),
    "name": scope.join("run", scope.int(n), sep="/"),
    "layers": [hp.quniform("l%d" % i, 4, 64, 4) for i in range(2)],
    "switched": scope.switch(hp.randint("s", 2), "off", ("on", hp.uniform("volume", 0, 11))),
    "picked": as_apply(["zero", "one", "two"])[hp.choice("index", [0, 2])],
}

rng = np.random.default_rng(0)
counts, rows = Counter(), []
for _ in range(300):
    row = sample(space, rng=rng)
    counts[row["kind"] if isinstance(row["kind"], str) else "nested"] += 1
    rows.append(row)
print("a sample:", rows[0])
print("kinds:", dict(counts))
print(hyperopt.pyll.stochastic.sample(hp.uniform("u", 0, 1), rng))
text = str(pyll.as_apply({"u": hp.uniform("u", 0, 1)}))
print(text)

best = fmin(
    lambda c: abs(c["area"] - 40) + c["half"],
    space,
    algo=tpe.suggest,
    max_evals=30,
    rstate=np.random.default_rng(5),
    show_progressbar=False,
)
row = space_eval(space, best)
print("best:", row)

checks = {
    "twice": all(r["twice"] == 2 * r["n"] == 4 * r["half"] for r in rows),
    "area": all(abs(r["area"] - (r["width"] ** 2 / 4 - 1)) < 1e-9 for r in rows),
    "clipped": all(-1 <= r["clipped"] <= 1 for r in rows),
    "rate": all(np.exp(-3) <= r["rate"] <= 1 for r in rows),
    "shares": abs(counts["common"] / 300 - 0.65) < 0.1 and abs(counts["rare"] / 300 - 0.1) < 0.07,
}
summary = {
    "keys": list(rows[0]),
    "types": {k: type(row[k]).__name__ for k in ("layers", "whole", "name")},
    "n": sorted({int(r["n"]) for r in rows}),
    "whole": sorted({r["whole"] for r in rows}),
    "names": sorted({r["name"] for r in rows}),
    "picked": sorted({r["picked"] for r in rows}),
    "switched": sorted({type(r["switched"]).__name__ for r in rows}),
    "layers": [sorted({r["layers"][i] for r in rows}) for i in range(2)],
    "text": text,
    "checks": checks,
    "labels": sorted(set(best) - {"o", "volume"}),
    "found": {"area": row["area"]},
    "good": abs(row["area"] - 40) < 10,
}
print(json.dumps(summary))
