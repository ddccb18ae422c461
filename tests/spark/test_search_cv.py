"""HyperoptSearchCV with SparkTrials on the deployment."""

import pytest

pytest.importorskip("sklearn")

from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.linear_model import LogisticRegression

from sparktune.hyperopt import SparkTrials, hp, rand
from sparktune.hyperopt.sklearn import HyperoptSearchCV


def test_candidates_run_as_spark_tasks(spark):
    """One candidate at a time gives the results of a search in this process."""
    X, y = make_classification(60, 4, random_state=0)
    here = HyperoptSearchCV(
        LogisticRegression(), {"C": hp.loguniform("C", -3, 3)}, 3, algo=rand.suggest, cv=3,
        random_state=0,
    )  # fmt: skip
    there = clone(here).set_params(trials=SparkTrials(1, spark_session=spark))
    here.fit(X, y)
    there.fit(X, y)
    assert there.cv_results_["params"] == here.cv_results_["params"]
    assert list(there.cv_results_["mean_test_score"]) == list(here.cv_results_["mean_test_score"])
    assert there.trials_.count_successful_trials() == 3
    assert (clone(there).fit(X, y).predict(X) == here.predict(X)).all()
