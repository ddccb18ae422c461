"""HyperoptSearchCV in the place of GridSearchCV."""

import json

import numpy as np
from hyperopt import hp, tpe
from hyperopt.pyll import scope
from hyperopt.sklearn import HyperoptSearchCV
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

X, y = load_breast_cancer(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0, stratify=y)

pipeline = Pipeline(
    [("scale", StandardScaler()), ("model", LogisticRegression(solver="liblinear"))]
)
search = HyperoptSearchCV(
    pipeline,
    {
        "model__C": hp.loguniform("C", np.log(1e-3), np.log(1e2)),
        "scale__with_mean": hp.choice("with_mean", [True, False]),
    },
    max_evals=8,
    algo=tpe.suggest,
    cv=3,
    scoring="roc_auc",
    random_state=0,
    return_train_score=True,
)
search.fit(X_train, y_train)
print("best score", round(search.best_score_, 4), "with", search.best_params_)
print("on the test set", round(search.score(X_test, y_test), 4))

tree = HyperoptSearchCV(
    DecisionTreeClassifier(random_state=0),
    {
        "max_depth": scope.int(hp.quniform("max_depth", 1, 8, 1)),
        "criterion": hp.choice("criterion", ["gini", "entropy"]),
    },
    max_evals=6,
    random_state=1,
).fit(X_train, y_train)
print("a tree:", tree.best_params_)

results = search.cv_results_
kinds = {key: str(np.asarray(value).dtype) for key, value in sorted(results.items())}
summary = {
    "columns": sorted(results),
    "kinds": kinds,
    "rows": {key: len(value) for key, value in sorted(results.items())},
    "splits": [search.n_splits_, tree.n_splits_],
    "ranks": sorted(int(r) for r in results["rank_test_score"])[0],
    "best_index_is_best": bool(results["mean_test_score"].max() == search.best_score_),
    "params": [sorted(each) for each in results["params"]],
    "types": {key: type(value).__name__ for key, value in sorted(tree.best_params_.items())},
    "classes": search.classes_.tolist(),
    "predicts": search.predict(X_test[:5]).shape,
    "proba": search.predict_proba(X_test[:5]).shape,
    "trials": len(search.trials_) if hasattr(search, "trials_") else None,
    "found": {"score": search.best_score_, "C": search.best_params_["model__C"]},
    "good": [bool(search.best_score_ > 0.97), bool(tree.best_score_ > 0.85)],
}
print(json.dumps(summary))
