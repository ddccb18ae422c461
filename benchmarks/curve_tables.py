"""Learning curves of real training, as tables: what each is of, and how a point finds its row.

A table benchmarks/curves/NAME.npz, made by make_curves.py, has of n configurations, drawn evenly
over a space of few labels, ``values`` (n, d), ``curves`` (n, s) with the loss after each step and
``seconds`` (n, s) with the processor time of each step. A point of the space takes the row of the
nearest configuration that its run has not had yet, with numeric labels in shares of their range
(logarithmic where the label is) and another option of a choice as far away as a whole range.

The half "dev" is for developing, "test" only for reporting.
"""

import functools
from pathlib import Path

import numpy as np

FOLDER = Path(__file__).parent / "curves"

# label: (kind, low, high), or ("choice", number of options)
SGD = {
    "alpha": ("log", 1e-7, 1e-1),
    "eta0": ("log", 1e-4, 10.0),
    "power_t": ("uniform", 0.05, 0.9),
    "schedule": ("choice", 3),
    "penalty": ("choice", 3),
}
MLP = {
    "units": ("logint", 8, 128),
    "learning_rate": ("log", 1e-4, 1e-1),
    "alpha": ("log", 1e-6, 1.0),
    "batch": ("logint", 16, 256),
    "activation": ("choice", 3),
}
BOOST = {
    "learning_rate": ("log", 0.005, 0.8),
    "depth": ("int", 1, 6),
    "subsample": ("uniform", 0.3, 1.0),
    "leaf": ("logint", 1, 40),
    "features": ("uniform", 0.1, 1.0),
}
FOREST = {
    "kind": ("choice", 2),
    "depth": ("logint", 2, 24),
    "features": ("log", 0.02, 1.0),
    "leaf": ("logint", 1, 40),
    "criterion": ("choice", 2),
}
SVC = {"C": ("log", 1e-3, 1e4), "gamma": ("log", 1e-6, 1e1), "kernel": ("choice", 2)}

LABELS = {
    "sgd_digits": SGD,
    "mlp_friedman": MLP,
    "boost_diabetes": BOOST,
    "forest_digits": FOREST,
    "sgd_made": SGD,
    "mlp_digits": MLP,
    "boost_hastie": BOOST,
    "folds_cancer": SVC,
}
HALVES = {
    "dev": ("sgd_digits", "mlp_friedman", "boost_diabetes", "forest_digits"),
    "test": ("sgd_made", "mlp_digits", "boost_hastie", "folds_cancer"),
}
FOLDS = ("folds_cancer",)  # each step is a fold, and its value that fold's loss


class Table:
    """The learning curves of one problem.

    Attributes:
        labels: label to (kind, low, high) or ("choice", number of options).
        curves: (n, s) losses after each step; of folds the means over all so far.
        folds: (n, s) losses of the folds alone, where steps are folds, else None.
        seconds: (n, s) of each step.
        final: (n,) losses at the end.
    """

    def __init__(self, name):
        self.labels = LABELS[name]
        with np.load(FOLDER / f"{name}.npz") as stored:
            self._points = self._scaled(stored["values"].astype(float))
            self.curves = stored["curves"].astype(float)
            self.seconds = stored["seconds"].astype(float)
        self.folds = None
        if name in FOLDS:
            self.folds = self.curves
            self.curves = np.cumsum(self.folds, 1) / np.arange(1, self.folds.shape[1] + 1)
        self.final = self.curves[:, -1]

    def _scaled(self, values):
        """Values as coordinates: a share of the range, or a column for each option."""
        columns = []
        for j, (kind, *limits) in enumerate(self.labels.values()):
            if kind == "choice":
                columns += list((values[:, j, None] == np.arange(limits[0])).T / np.sqrt(2))
                continue
            ends, column = np.array(limits, float), values[:, j]
            if kind.startswith("log"):
                ends, column = np.log(ends), np.log(column)
            columns.append((column - ends[0]) / (ends[1] - ends[0]))
        return np.column_stack(columns)

    def row(self, values, taken=()):
        """The nearest row of a point, label to value, of those that are not taken yet."""
        point = self._scaled(np.array([[values[label] for label in self.labels]], float))
        distances = ((self._points - point) ** 2).sum(1)
        distances[list(taken)] = np.inf
        return int(np.argmin(distances))


@functools.cache
def table(name):
    return Table(name)


def drawn(name, count, seed):
    """(count, d) values that fill a table's space evenly."""
    from scipy.stats import qmc

    labels = LABELS[name]
    U = qmc.Sobol(len(labels), seed=seed).random(count)
    X = np.empty_like(U)
    for j, (kind, *limits) in enumerate(labels.values()):
        if kind == "choice":
            X[:, j] = np.floor(U[:, j] * limits[0])
            continue
        low, high = limits
        if kind.startswith("log"):
            X[:, j] = np.exp(np.log(low) + U[:, j] * (np.log(high) - np.log(low)))
        else:
            X[:, j] = low + U[:, j] * (high - low)
        if kind.endswith("int"):
            X[:, j] = np.clip(np.round(X[:, j]), low, high)
    return X


def space_of(name):
    """A table's space for sparktune."""
    from sparktune import hp

    makers = {
        "log": lambda label, low, high: hp.loguniform(label, np.log(low), np.log(high)),
        "uniform": hp.uniform,
        "int": lambda label, low, high: hp.uniformint(label, low, high),
        "logint": lambda label, low, high: hp.qloguniform(label, np.log(low), np.log(high), 1),
        "choice": lambda label, count: hp.choice(label, list(range(count))),
    }
    return {label: makers[kind](label, *limits) for label, (kind, *limits) in LABELS[name].items()}


def suggested(name, trial):
    """The values of a table's labels that Optuna suggests."""
    values = {}
    for label, (kind, *limits) in LABELS[name].items():
        if kind == "choice":
            values[label] = trial.suggest_categorical(label, list(range(limits[0])))
        elif kind.endswith("int"):
            values[label] = trial.suggest_int(label, *limits, log=kind == "logint")
        else:
            values[label] = trial.suggest_float(label, *limits, log=kind == "log")
    return values
