"""Functions with templates that are written in a test, and what they draw."""

import itertools
import linecache

import numpy as np

from sparktune.hyperas import distributions, tune
from sparktune.hyperas.model import prepared

_numbers = itertools.count()
WORDS = {name: getattr(distributions, name) for name in distributions.__all__}


def module_of(text, **names):
    """The names of a module whose source is a text, as a cell of a notebook has one."""
    path = f"<cell {next(_numbers)}>"
    linecache.cache[path] = (len(text), None, text.splitlines(keepends=True), path)
    module = {**WORDS, "tune": tune, "__name__": "cell", **names}
    exec(compile(text, path, "exec"), module)
    return module


def function_of(text, name="model", **names):
    """A function of such a module."""
    return module_of(text, **names)[name]


def parents_of(space):
    """Label to the (label, option) pairs that activate it; empty for those that always are."""
    return {
        label: {(space.labels[column], option) for column, option in pairs}
        for label, pairs in zip(space.labels, space.parents, strict=True)
    }


def labels_of(function):
    """The labels of a function with templates, in their order."""
    return list(prepared(function).space.labels)


def drawn(function, seed=0, size=1):
    """What some draws from the prior are, and a function for each that takes the model's data."""
    ready = prepared(function)
    objective = ready.objective(())
    rows = ready.space.sample(np.random.default_rng(seed), size)
    for row in rows:
        values = ready.space.decode(row)
        yield ready.space.real(values), objective.drawing(flat(ready, values))


def flat(ready, values):
    """Label to what a trial receives, for label to index or number."""
    from sparktune.hyperas.travels.objective import flattened

    return flattened(ready.space.build(values), ready.space.depended_on)


def run(function, *data, **values):
    """What a function returns where the labels have these values; indices for choices."""
    ready = prepared(function)
    checked = ready.space.check(values)
    return ready.objective(()).drawing(flat(ready, checked))(*data)
