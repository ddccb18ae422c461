"""PyTorch, XGBoost and scikit-learn models with templates."""

import importlib.util

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.metrics import accuracy_score, log_loss
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

if importlib.util.find_spec("torch") is None or importlib.util.find_spec("xgboost") is None:
    pytest.skip("no PyTorch or no XGBoost here", allow_module_level=True)

import torch
import xgboost
from torch import nn

from sparktune import Trials, rand
from sparktune.hyperas import optim
from sparktune.hyperas.distributions import choice, loguniform, uniform, uniformint

WHERE = [{}, {"executor": "processes"}]


def data():
    """Some digits."""
    x, y = load_digits(return_X_y=True)
    x = (x[:400] / 16).astype("float32")
    return x[:300], y[:300], x[300:400], y[300:400]


def found(model, tmp_path, where):
    """The best run, its model, the lowest loss, and what the file of the model is called."""
    trials = Trials(journal=tmp_path / "run", **where)
    run, best = optim.minimize(model, data, rand.suggest, 4, trials, verbose=False)
    (file,) = (tmp_path / "run" / "models").iterdir()
    return run, best, min(trials.losses()), file.name.partition(".")[2]


class Net(nn.Module):
    """A network of the user's own class."""

    def __init__(self, units, rate):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(64, units), nn.ReLU(), nn.Dropout(rate), nn.Linear(units, 10)
        )

    def forward(self, x):
        return self.layers(x)


def loss_of(net, x, y):
    """What a network loses on data."""
    net.eval()
    with torch.no_grad():
        return float(nn.functional.cross_entropy(net(torch.tensor(x)), torch.tensor(y)))


def torch_model(x_train, y_train, x_test, y_test):
    torch.manual_seed(0)
    net = Net({{choice([8, 16])}}, {{uniform(0, 0.5)}})
    kind = {{choice([torch.optim.Adam, torch.optim.SGD])}}
    optimizer = kind(net.parameters(), lr=0.01)
    x, y = torch.tensor(x_train), torch.tensor(y_train)
    for _ in range(5):
        optimizer.zero_grad()
        nn.functional.cross_entropy(net(x), y).backward()
        optimizer.step()
    return {"loss": loss_of(net, x_test, y_test), "model": net}


@pytest.mark.parametrize("where", WHERE)
def test_pytorch(tmp_path, where):
    """A module of PyTorch comes back as it was trained, out of a file of torch.save."""
    run, best, lowest, name = found(torch_model, tmp_path, where)
    assert name == "pt"
    assert best.layers[0].out_features in (8, 16)
    assert loss_of(best, *data()[2:]) == pytest.approx(lowest, abs=1e-6)
    assert len(run) == 3


def booster(x_train, y_train, x_test, y_test):
    params = {
        "max_depth": {{uniformint(2, 4)}}, "eta": {{loguniform(-3, 0)}}, "num_class": 10,
        "objective": "multi:softprob", "nthread": 1,
    }  # fmt: skip
    made = xgboost.train(params, xgboost.DMatrix(x_train, y_train), {{choice([3, 5])}})
    return {"loss": log_loss(y_test, made.predict(xgboost.DMatrix(x_test))), "model": made}


@pytest.mark.parametrize("where", WHERE)
def test_xgboost(tmp_path, where):
    """A Booster comes back as it was trained, out of XGBoost's own JSON."""
    _, best, lowest, name = found(booster, tmp_path, where)
    x, y = data()[2:]
    assert name == "xgboost.json"
    assert log_loss(y, best.predict(xgboost.DMatrix(x))) == pytest.approx(lowest, abs=1e-6)


def classifier(x_train, y_train, x_test, y_test):
    made = xgboost.XGBClassifier(n_estimators={{choice([3, 5])}}, max_depth=3, n_jobs=1)
    made.fit(x_train, y_train)
    return {"loss": -accuracy_score(y_test, made.predict(x_test)), "model": made}


def test_estimators_of_xgboost(tmp_path):
    """An estimator of XGBoost comes back with its settings."""
    run, best, lowest, name = found(classifier, tmp_path, {})
    x, y = data()[2:]
    assert name == "pkl"
    assert best.get_params()["n_estimators"] == run["n_estimators"]
    assert -accuracy_score(y, best.predict(x)) == lowest


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
def test_scikit_learn(tmp_path):
    """A pipeline of scikit-learn comes back as it was fitted, out of a pickle."""

    def model(x_train, y_train, x_test, y_test):
        network = MLPClassifier(
            hidden_layer_sizes=({{choice([8, 16])}},) * {{choice([1, 2])}},
            alpha={{loguniform(-9, -2)}},
            max_iter=15,
            random_state=0,
        )
        made = make_pipeline(StandardScaler(), network).fit(x_train, y_train)
        return {"loss": -made.score(x_test, y_test), "model": made}

    _, best, lowest, name = found(model, tmp_path, {})
    x, y = data()[2:]
    assert name == "pkl"
    assert -best.score(x, y) == lowest
    assert np.shape(best.predict(x)) == (100,)
