"""Objectives that workers import by name; the module imports nothing, so that is quick."""


def saddle(config):
    kind = config["kind"]
    return config["a"] ** 2 - (0 if kind == "x" else kind["b"])


def echo(config):
    return {"loss": config["a"], "config": config}


def failing(config):
    print("about to fail")
    raise ValueError("as always")


def dying(config):
    import os

    print("about to die")
    os._exit(3)


def modelling(config):
    return {"loss": config["a"], "model": saddle, "n": 3}


def large(config):
    return {"loss": config["a"], "text": "x" * 1000}


def logging(config):
    import mlflow

    mlflow.log_metric("mine", config["x"])
    return config["x"]
