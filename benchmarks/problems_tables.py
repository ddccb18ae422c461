"""The problems that are tables of trained models, made by make_tables.py. See problems.py."""

import functools
from pathlib import Path

import numpy as np
from landscapes import Fork, Knob, add, plain
from make_tables import FOLDER, GRIDS


@functools.cache
def table(name):
    with np.load(Path(FOLDER) / f"{name}.npz") as file:
        return {branch: np.asarray(file[branch], float) for branch in file.files}


def grid(prefix, axes):
    """A knob or a fork for each axis: the number of the value, or its name for categories."""
    return [
        plain(prefix + axis, [str(v) for v in values])
        if isinstance(values[0], (str, bool))
        else Knob("uniformint", prefix + axis, 0, len(values) - 1)
        for axis, values in axes.items()
    ]


def tabulated(half, name, source, fork=None, shared=()):
    """Add a table; with branches, ``fork`` is their label and ``shared`` axes that all have."""
    grids, tables = GRIDS[source], table(source)
    first = next(iter(grids.values()))
    if fork is None:
        items = grid("", first)
    else:
        items = grid("", {axis: first[axis] for axis in shared})
        own = {
            branch: {a: v for a, v in axes.items() if a not in shared}
            for branch, axes in grids.items()
        }
        items.append(Fork(fork, {b: grid(f"{b}_", axes) for b, axes in own.items()}))

    def label(branch, axis):
        return axis if fork is None or axis in shared else f"{branch}_{axis}"

    def score(kinds, values):
        branch = kinds[fork] if fork else "all"
        where = []
        for axis, choices in grids[branch].items():
            key = label(branch, axis)
            if key in kinds:
                where.append([str(v) for v in choices].index(kinds[key]))
            else:
                where.append(min(max(round(values[key]), 0), len(choices) - 1))
        return tables[branch][tuple(where)]

    branch = min(tables, key=lambda b: tables[b].min())
    at = np.unravel_index(tables[branch].argmin(), tables[branch].shape)
    kinds, values = {fork: branch} if fork else {}, {}
    for (axis, choices), i in zip(grids[branch].items(), at, strict=True):
        if isinstance(choices[0], (str, bool)):
            kinds[label(branch, axis)] = str(choices[i])
        else:
            values[label(branch, axis)] = int(i)
    add(half, "table", name, items, score, (kinds, values))


tabulated("dev", "table-svr", "svr", "kernel", ("epsilon",))
tabulated("dev", "table-boost", "boost")
tabulated("test", "table-mlp", "mlp", "depth", ("activation", "learning_rate", "alpha"))
tabulated("test", "table-forest", "forest")
