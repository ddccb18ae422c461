import json

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from hyperopt import STATUS_OK, Trials, fmin, hp, tpe
from sklearn.datasets import load_iris
from sklearn.model_selection import cross_val_score
from sklearn.neighbors import KNeighborsClassifier

iris = load_iris()
X, y = iris.data, iris.target


def f(params):
    acc = cross_val_score(KNeighborsClassifier(**params), X, y, cv=3).mean()
    return {"loss": -acc, "status": STATUS_OK}


space4knn = {
    "n_neighbors": hp.choice("n_neighbors", range(1, 50)),
    "p": hp.uniform("p", 1, 3),
    "weights": hp.choice("weights", ["uniform", "distance"]),
}
trials = Trials()
best = fmin(
    f, space4knn, algo=tpe.suggest, max_evals=20, trials=trials, rstate=np.random.default_rng(1)
)
print("best:")
print(best)

# the fixed keys of a document
for trial in trials.trials[:2]:
    print(trial)

# loss against each parameter
parameters = ["n_neighbors", "p", "weights"]
f, axes = plt.subplots(ncols=3, figsize=(9, 3))
cmap = plt.cm.viridis
for i, val in enumerate(parameters):
    xs = np.array([t["misc"]["vals"][val] for t in trials.trials]).ravel()
    ys = [-t["result"]["loss"] for t in trials.trials]
    xs, ys = zip(*sorted(zip(xs, ys)))
    ys = np.array(ys)
    axes[i].scatter(xs, ys, s=20, linewidth=0.01, alpha=0.5, color=cmap(float(i) / len(parameters)))
    axes[i].set_title(val)
f.savefig("knn.png", dpi=40)

# a value against the trial's number
f, ax = plt.subplots(1)
xs = [t["tid"] for t in trials.trials]
ys = [t["misc"]["vals"]["p"] for t in trials.trials]
ax.set_xlim(xs[0] - 10, xs[-1] + 10)
ax.scatter(xs, ys, s=20, linewidth=0.01, alpha=0.75)
ax.plot(trials.idxs["p"], trials.vals["p"], lw=0.5)
ax.set_xlabel("$t$", fontsize=16)
f.savefig("p.png", dpi=40)

dtypes = {k: np.asarray(v).dtype.kind for k, v in sorted(trials.vals.items())}
print(
    json.dumps(
        {
            "dtypes": dtypes,
            "shape": np.array([t["misc"]["vals"]["p"] for t in trials.trials]).shape,
            "xlim": ax.get_xlim(),
            "points": [len(each.get_offsets()) for a in axes for each in a.collections],
            "keys": list(trials.trials[0]),
            "found": {k: float(v) for k, v in best.items()},
            "good": min(trials.losses()) < -0.95,
        }
    )
)
