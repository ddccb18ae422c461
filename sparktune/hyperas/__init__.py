"""Hyperas' surface: a model is tuned by writing ranges where its numbers stood.

>>> from sparktune.hyperas import optim
>>> from sparktune.hyperas.distributions import choice, uniform
>>> def create_model(x_train, y_train, x_test, y_test):
...     units = {{choice([64, 128, 256])}}
...     rate = {{uniform(0, 0.8)}}
...     ...
...     return {"loss": loss, "status": STATUS_OK, "model": model}  # doctest: +SKIP
>>> best_run, best_model = optim.minimize(create_model, data, max_evals=20)  # doctest: +SKIP

``{{choice([64, 128])}}`` is a set of a set for Python: the live function is parsed, rewritten and
compiled in memory. ``tune(choice([64, 128]))`` says the same.
"""

from . import distributions, optim, utils
from .distributions import tune
from .installing import install

__all__ = ["distributions", "install", "optim", "tune", "utils"]
