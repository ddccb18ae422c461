"""One search over several kinds of models, told apart by their "type"."""

import json
from collections import Counter

import numpy as np
from hyperopt import STATUS_OK, Trials, fmin, hp, space_eval, tpe
from sklearn.datasets import load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

X, y = load_wine(return_X_y=True)
X = StandardScaler().fit_transform(X)

space = hp.choice(
    "classifier_type",
    [
        {"type": "naive_bayes"},
        {
            "type": "svm",
            "C": hp.lognormal("svm_C", 0, 1),
            "kernel": hp.choice(
                "svm_kernel",
                [{"ktype": "linear"}, {"ktype": "rbf", "gamma": hp.lognormal("svm_gamma", -2, 1)}],
            ),
        },
        {
            "type": "tree",
            "criterion": hp.choice("tree_criterion", ["gini", "entropy"]),
            "max_depth": hp.choice("tree_depth", [None, hp.qlognormal("tree_depth_int", 2, 1, 1)]),
            "min_samples_split": 2 + hp.randint("tree_split", 10),
        },
        {"type": "knn", "n_neighbors": hp.choice("knn_neighbors", range(1, 20))},
        {"type": "logistic", "C": hp.loguniform("lr_C", -5, 3), "max_iter": 200},
    ],
)

counts, best_so_far = Counter(), 0.0


def make(params):
    params = dict(params)
    kind = params.pop("type")
    if kind == "naive_bayes":
        return GaussianNB(**params)
    if kind == "svm":
        kernel = dict(params.pop("kernel"))
        return SVC(kernel=kernel.pop("ktype"), **kernel, **params)
    if kind == "tree":
        if params["max_depth"] is not None:
            params["max_depth"] = max(1, int(params["max_depth"]))
        return DecisionTreeClassifier(random_state=0, **params)
    if kind == "knn":
        return KNeighborsClassifier(**params)
    if kind == "logistic":
        return LogisticRegression(**params)
    return None


def f(params):
    global best_so_far
    counts[params["type"]] += 1
    accuracy = float(cross_val_score(make(params), X, y, cv=3).mean())
    if accuracy > best_so_far:
        best_so_far = accuracy
    if sum(counts.values()) % 20 == 0:
        print("iters:", sum(counts.values()), "best:", best_so_far, "with", dict(counts))
    return {"loss": 1 - accuracy, "status": STATUS_OK}


trials = Trials()
best = fmin(
    f, space, algo=tpe.suggest, max_evals=40, trials=trials, rstate=np.random.default_rng(5),
    show_progressbar=False,
)  # fmt: skip
config = space_eval(space, best)
print("best:", config)
belongs = {"svm": "svm", "tree": "tree", "knn": "knn", "logistic": "lr"}.get(config["type"], "none")
misfits = [key for key in best if key != "classifier_type" and not key.startswith(belongs)]
summary = {
    "types": sorted(counts),
    "total": sum(counts.values()),
    "misfits": misfits,
    "labels": sorted(trials.vals),
    "options_of_type": sorted({int(i) for i in trials.vals["classifier_type"]}),
    "found": {"loss": trials.best_trial["result"]["loss"], "type": config["type"]},
    "good": best_so_far > 0.95,
}
print(json.dumps(summary))
