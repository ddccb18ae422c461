"""Scripts that build the best pipeline."""

import numpy as np
import pandas as pd
import pytest

from sparktune.hpsklearn import (
    HyperoptEstimator,
    hist_gradient_boosting_classifier,
    logistic_regression,
    standard_scaler,
)

rng = np.random.default_rng(0)
PEOPLE = pd.DataFrame(
    {
        "age": [np.nan, *rng.normal(40, 9, 59)],
        "job": [f"job {number}" for number in range(20)] * 3,
        "plan": ["basic", "plus", None] * 20,
    }
)
BUYS = np.tile(["no", "yes", "no", "yes"], 15)


def built_by(script):
    """The pipeline that a script builds."""
    names = {"__name__": "script"}
    exec(script, names)
    return names["pipeline"]


@pytest.mark.parametrize(
    "classifier",
    [
        logistic_regression("c", solver="lbfgs"),
        hist_gradient_boosting_classifier("c", max_iter=5),  # whose module is private in its middle
    ],
)
def test_a_script_builds_the_pipeline(classifier):
    """The script imports all that it names, folds of encoders too, and predicts the same."""
    found = HyperoptEstimator(
        classifier=classifier, preprocessing=[standard_scaler("s")], max_evals=1
    ).fit(PEOPLE, BUYS)
    script = found.to_script()
    assert "sparktune" not in script
    again = built_by(script).fit(PEOPLE, BUYS)
    assert (again.predict(PEOPLE) == found.predict(PEOPLE)).all()
