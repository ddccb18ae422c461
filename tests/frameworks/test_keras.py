"""Keras models with templates, in the forms in which people write them."""

import importlib.util

import numpy as np
import pytest
from sklearn.datasets import load_digits

if importlib.util.find_spec("keras") is None:
    pytest.skip("no Keras here", allow_module_level=True)

import keras
from keras.callbacks import EarlyStopping
from keras.layers import (
    LSTM,
    Activation,
    Concatenate,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    Input,
    MaxPooling2D,
)
from keras.models import Model, Sequential
from keras.optimizers import RMSprop

from sparktune import STATUS_OK, Trials, rand
from sparktune.hyperas import optim
from sparktune.hyperas import tune as template
from sparktune.hyperas.distributions import *

# others' warnings: Keras tells of what it does with JAX
pytestmark = pytest.mark.filterwarnings("default:::keras", "default:::jax")


def data():
    """Digits in place of MNIST: 300 to learn from and 100 to judge by."""
    x, y = load_digits(return_X_y=True)
    x, y = (x[:400] / 16).astype("float32"), keras.utils.to_categorical(y[:400], 10)
    return x[:300], y[:300], x[300:], y[300:]


def images():
    """The digits as images."""
    x_train, y_train, x_test, y_test = data()
    return x_train.reshape(-1, 8, 8, 1), y_train, x_test.reshape(-1, 8, 8, 1), y_test


def found(model, of=data, max_evals=2, **settings):
    """The best run of a few trials, its model, and the trials."""
    trials = settings.pop("trials", Trials())
    run, best = optim.minimize(
        model=model, data=of, algo=rand.suggest, max_evals=max_evals, trials=trials, verbose=False,
        **settings,
    )  # fmt: skip
    assert isinstance(best, keras.Model)
    assert len(trials.losses()) == max_evals
    assert None not in trials.losses()
    return run, best, trials


def judged(model, x_train, y_train, x_test, y_test, **settings):
    """What the models of Hyperas' examples return, after an epoch."""
    model.fit(x_train, y_train, epochs=1, verbose=0, **settings)
    acc = model.evaluate(x_test, y_test, verbose=0)[1]
    return {"loss": -acc, "status": STATUS_OK, "model": model}


def dense(x_train, y_train, x_test, y_test):
    """A dense network of {{choice([1, 2])}} layers; braces of a docstring are no template."""
    model = Sequential()
    model.add(Input((64,)))
    model.add(Dense({{choice([16, 32])}}))  # {{choice([8, 16])}} is a comment
    model.add(Activation({{choice(["relu", "sigmoid"])}}))
    model.add(Dropout({{uniform(0, 1)}}))
    # If we choose 'two', a layer is added: {{this}} is none either
    if {{choice(["one", "two"])}} == "two":
        model.add(Dense(100))
        model.add({{choice([Dropout(0.5), Activation("linear")])}})
        model.add(Activation("relu"))
    model.add(Dense(10))
    model.add(Activation("softmax"))
    model.compile(
        loss="categorical_crossentropy",
        metrics=["accuracy"],
        optimizer={{choice(["rmsprop", "adam", "sgd"])}},
    )
    batch_size = {{choice([64, 128])}}
    return judged(model, x_train, y_train, x_test, y_test, batch_size=batch_size)


def test_a_dense_network():
    """Units, activation, dropout, a conditional layer, optimizer and batch size become labels."""
    assert optim.space_of(dense).labels == (
        "Dense", "Activation", "Dropout", "if", "add", "optimizer", "batch_size"
    )  # fmt: skip
    run, best, trials = found(dense, max_evals=4)
    x, y = data()[2:]
    accuracy = best.evaluate(x, y, verbose=0)[1]
    assert accuracy == pytest.approx(-min(trials.losses()), abs=1e-6)
    assert best.optimizer.__class__.__name__.lower() == run["optimizer"]
    assert best.layers[0].units == run["Dense"]
    assert run["batch_size"] in (64, 128)


def functional(x_train, y_train, x_test, y_test):
    """A functional model with several templates in a line, nested braces and strings with '#'."""
    colours = {"#first": {"units": {{choice([8, 16])}}}, "second": {"rate": {{uniform(0, 0.5)}}}}
    inputs = Input((64,), name=f"digits_{{of}}_{len(colours)}".replace("{", "").replace("}", ""))
    one = Dense(colours["#first"]["units"], activation={{choice(["relu", "tanh"])}})(inputs)
    two, rate = Dense({{choice([8, 16])}})(inputs), {{uniform(0, 0.5)}}
    both = Dropout(rate)(Concatenate()([one, two]))
    outputs = Dense(10, activation="softmax")(
        Dense(
            {
                {
                    choice(
                        [
                            8,  # a few
                            16,  # "}}" many
                        ]
                    )
                }
            },
            activation="relu",
        )(both)
    )
    model = Model(inputs, outputs)
    model.compile(loss="categorical_crossentropy", metrics=["accuracy"], optimizer="adam")
    return judged(model, x_train, y_train, x_test, y_test)


def test_a_functional_model():
    """Templates in dicts, in calls, several in a line and over several lines are all drawn."""
    run, best, _ = found(functional)
    labels = ("units", "rate", "activation", "Dense", "rate_1", "Dense_1")
    assert optim.space_of(functional).labels == labels
    assert run["units"] in (8, 16)
    assert 0 <= run["rate"] <= 0.5
    assert best.count_params() > 0


def cnn(x_train, y_train, x_test, y_test):
    """A convolutional network with a number of filters, a kernel size and a pooling layer."""
    model = Sequential([Input((8, 8, 1))])
    model.add(Conv2D(filters={{choice([4, 8])}}, kernel_size={{choice([2, 3])}}, padding="same"))
    model.add(Activation({{choice(["relu", "tanh"])}}))
    model.add(MaxPooling2D(pool_size={{choice([(2, 2), (4, 4)])}}))
    model.add(Flatten())
    model.add(Dense(10, activation="softmax"))
    optimizer = RMSprop(learning_rate={{loguniform(-7, -3)}})
    model.compile(loss="categorical_crossentropy", metrics=["accuracy"], optimizer=optimizer)
    return judged(model, x_train, y_train, x_test, y_test)


def test_a_convolutional_network():
    """Filters, sizes that are tuples and a learning rate on a logarithmic scale arrive as given."""
    run, best, _ = found(cnn, images)
    assert best.layers[0].filters == run["filters"]
    assert best.layers[0].kernel_size == (run["kernel_size"],) * 2
    assert best.layers[2].pool_size == tuple(run["pool_size"])
    assert np.exp(-7) <= run["learning_rate"] <= np.exp(-3)
    assert float(best.optimizer.learning_rate) == pytest.approx(run["learning_rate"])


def lstm(x_train, y_train, x_test, y_test):
    """A recurrent network over the rows of an image, which stops early."""
    model = Sequential([Input((8, 8)), LSTM({{choice([4, 8])}}), Dropout({{uniform(0, 0.5)}})])
    model.add(Dense(10, activation="softmax"))
    model.compile(loss="categorical_crossentropy", metrics=["accuracy"], optimizer="rmsprop")
    early = EarlyStopping(monitor="val_loss", patience={{choice([1, 2])}})
    shapes = [part.reshape(-1, 8, 8) for part in (x_train, x_test)]
    return judged(
        model, shapes[0], y_train, shapes[1], y_test, callbacks=[early], validation_split=0.1
    )


def test_a_recurrent_network():
    """An LSTM in a list of layers, with a template in a callback, is tuned."""
    run, best, _ = found(lstm)
    assert run["LSTM"] == best.layers[0].units
    assert run["patience"] in (1, 2)


def block(x, units, rate):
    """A helper of a model."""
    return Dropout(rate)(Dense(units, activation="relu")(x))


def show(x):
    """A helper of the data."""
    assert x.ndim == 2
    return x


def shown_data(rows):
    """Data that take an argument and call a helper."""
    if rows > 300:
        return data()
    x_train, y_train, x_test, y_test = data()
    return show(x_train)[:rows], y_train[:rows], x_test, y_test


def helped(x_train, y_train, x_test, y_test):
    """A model that hands what it draws to intermediate functions, once by a dict."""
    params = {"l1_size": {{quniform(8, 32, 4)}}, "l1_dropout": {{uniform(0.001, 0.7)}}}
    assert len(x_train) == 200
    inputs = Input((64,))
    x = block(inputs, int(params["l1_size"]), params["l1_dropout"])
    depth = {{choice([1, 2])}}
    for i in range(depth):
        x = block(x, {{choice([8, 16], i)}}, 0.1)
    model = Model(inputs, Dense(10, activation="softmax")(x))
    model.compile(loss="categorical_crossentropy", metrics=["accuracy"], optimizer="adam")
    return judged(model, x_train, y_train, x_test, y_test)


def test_intermediate_functions():
    """`functions`, `data_args` and helpers of model and data work, and layers by the round."""
    run, best, _ = found(helped, shown_data, 4, functions=[block, show], data_args=[200])
    rounds = [label for label in run if "[" in label]
    assert len(rounds) == run["depth"]
    assert sum(isinstance(layer, Dense) for layer in best.layers) == 2 + run["depth"]
    assert 8 <= run["l1_size"] <= 32


def by_call(x_train, y_train, x_test, y_test):
    """The other spelling, and a choice in a conditional expression."""
    model = Sequential([Input((64,)), Dense(template(choice([8, 16])))])
    model.add(Dense(template(choice([4, 8]))) if template(choice([True, False])) else Flatten())
    model.add(Dense(10, activation="softmax"))
    model.compile(loss="categorical_crossentropy", metrics=["accuracy"], optimizer="sgd")
    return judged(model, x_train, y_train, x_test, y_test)


class Scaled(keras.layers.Layer):
    """A layer of the user's own."""

    def __init__(self, by=1.0, **settings):
        super().__init__(**settings)
        self.by = by

    def call(self, x):
        return x * self.by

    def get_config(self):
        return {**super().get_config(), "by": self.by}


def test_best_models():
    """best_models and best_ensemble give Keras models, which vote together."""
    found = optim.best_ensemble(
        2, by_call, data, rand.suggest, 4, Trials(), nb_classes=10, verbose=False
    )
    assert len(found.model_list) == 2
    assert all(isinstance(each, keras.Model) for each in found.model_list)
    assert found.predict(data()[2], verbose=0).shape == (100,)


@pytest.mark.parametrize("settings", [{"parallelism": 2}, {"executor": "processes"}])
def test_a_layer_of_ones_own(tmp_path, settings):
    """A layer that a function defines is written beside the model, and comes back trained."""

    class Shifted(Scaled):
        def call(self, x):
            return x + self.by

    def model(x_train, y_train, x_test, y_test):
        network = Sequential([Input((64,)), Scaled({{uniform(1, 2)}})])
        network.add(Shifted({{uniform(3, 4)}}))
        network.add(Dense(10, activation="softmax"))
        network.compile(loss="categorical_crossentropy", metrics=["accuracy"], optimizer="adam")
        return judged(network, x_train, y_train, x_test, y_test)

    trials = Trials(journal=tmp_path / "run", **settings)
    run, best, _ = found(model, trials=trials)
    assert best.layers[0].by == run["Scaled"]
    assert best.layers[1].by == run["Shifted"]
    assert best.evaluate(*data()[2:], verbose=0)[1] == pytest.approx(
        -min(trials.losses()), abs=1e-6
    )
    (file,) = (tmp_path / "run" / "models").iterdir()
    assert file.suffix == ".keras"


SPARK = """
import os
os.environ["KERAS_BACKEND"] = "jax"
from pyspark.sql import SparkSession
from sparktune import STATUS_OK, SparkTrials, tpe
from sparktune.hyperas import optim
from sparktune.hyperas.distributions import choice, uniform

def data():
    from sklearn.datasets import load_digits
    x, y = load_digits(return_X_y=True)
    return (x[:300] / 16).astype("float32"), y[:300]

def create_model(x, y):
    import keras
    class Named(keras.layers.Dense):
        pass
    model = keras.Sequential([keras.layers.Input((64,))])
    model.add(Named({{choice([16, 32])}}, activation={{choice(["relu", "tanh"])}}))
    if {{choice(["one", "two"])}} == "two":
        model.add(keras.layers.Dropout({{uniform(0, 0.5)}}))
    model.add(keras.layers.Dense(10, activation="softmax"))
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x, y, epochs=2, verbose=0)
    return {"loss": model.evaluate(x, y, verbose=0)[0], "status": STATUS_OK, "model": model}

if __name__ == "__main__":
    quiet = {"spark.ui.enabled": "false", "spark.driver.host": "127.0.0.1"}
    session = SparkSession.builder.master("local[2]").config(map=quiet).getOrCreate()
    trials = SparkTrials(2, spark_session=session)
    run, model = optim.minimize(create_model, data, tpe.suggest, 4, trials, verbose=False)
    x, y = data()
    print(type(model).__module__.split(".")[0], type(model.layers[0]).__name__, len(run) >= 3)
    print(abs(model.evaluate(x, y, verbose=0)[0] - trials.best_trial["result"]["loss"]) < 1e-4)
    print([dict(trial.outcome.attachments) for trial in trials.history])
    session.stop()
"""


def test_on_spark(run_python):
    """Keras models are trained as tasks of Spark, and the best comes back with its own layer."""
    said = run_python(SPARK, env={"SPARK_LOCAL_IP": "127.0.0.1"}).stdout
    assert said == "keras Named True\nTrue\n[{}, {}, {}, {}]\n"
