"""What ``tracking=`` may be, where MLflow is not asked for anything."""

import pytest

from sparktune import SparkTrials, Trials, fmin, hp
from sparktune.tracking.choice import is_installed, is_wanted

SPACE = hp.uniform("x", 0, 1)


@pytest.mark.parametrize("value", ["LIVE", "yes", 1, 0.0, "", [True]])
def test_what_is_no_choice_is_refused(value):
    """A value that is none of True, False, None and "live" is a sentence with the value."""
    for call in (
        lambda: Trials(tracking=value),
        lambda: fmin(lambda c: c, SPACE, max_evals=1, tracking=value, show_progressbar=False),
        lambda: SparkTrials(tracking=value),
    ):
        with pytest.raises(
            ValueError, match='`tracking` must be True, False, None or "live"'
        ) as caught:
            call()
        assert repr(value) in str(caught.value)


def test_false_is_never_and_true_is_always():
    """With False or True nothing else is asked."""
    assert is_wanted(False) is False
    assert is_wanted(True) is True


def test_a_server_in_the_environment_is_tracked_where_mlflow_is(monkeypatch):
    """With None, a server that the environment names is used if MLflow is installed."""
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_RUN_ID", "DATABRICKS_RUNTIME_VERSION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    assert is_wanted(None) is is_installed()


@pytest.mark.skipif(is_installed(), reason="MLflow is installed here")
def test_true_without_mlflow_says_what_to_install():
    """tracking=True and log_to_mlflow say what is missing, at once."""
    for value in (True, "live"):
        with pytest.raises(
            ImportError, match=r"needs MLflow, .* pip install 'sparktune\[mlflow\]'"
        ):
            Trials(tracking=value)
    with pytest.raises(ImportError, match=r"needs MLflow, .* pip install 'sparktune\[mlflow\]'"):
        Trials().log_to_mlflow()
