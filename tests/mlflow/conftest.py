"""A real MLflow server, one for the whole run, and what it has of an experiment."""

import pytest

mlflow = pytest.importorskip("mlflow")

from mlflow_server import MlflowServer, runs_of  # noqa: E402


@pytest.fixture(scope="session")
def server():
    """A server that no test kills."""
    made = MlflowServer()
    yield made
    made.close()


@pytest.fixture
def client(server, request):
    """A client of the server, with an experiment for this test alone."""
    mlflow.set_tracking_uri(server.uri)
    mlflow.set_experiment(request.node.name)
    yield mlflow.MlflowClient(server.uri)
    while mlflow.active_run() is not None:
        mlflow.end_run()
    mlflow.set_tracking_uri(None)


@pytest.fixture
def runs(client, request):
    """Gives the runs of the test: those that are no trial's, and lists of the others by number."""
    return lambda name=request.node.name: runs_of(client, name)
