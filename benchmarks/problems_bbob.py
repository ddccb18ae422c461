"""COCO's 24 functions without noise, in 5, 10 and 20 dimensions: the suite *bbob*.

    pip install ioh

Each label is uniform from -5 to 5. Odd functions are for developing, in instance 1, even ones for
reporting, in other instances: so either half has functions of each of COCO's five groups, separable
ones (1 to 5), moderately (6 to 9) and badly (10 to 14) conditioned ones with one valley, and those
with many, with (15 to 19) and without (20 to 24) a shape of the whole. Losses are as ioh gives
them, with an optimum that is not 0; the package is needed when something first asks for one.
"""

import functools
from dataclasses import dataclass

from landscapes import Knob, Task

BBOB = {}
VERSION = 1
DIMENSIONS = (5, 10, 20)
NAMES = (
    "sphere", "ellipsoid", "rastrigin", "bueche-rastrigin", "slope",
    "attractive-sector", "step-ellipsoid", "rosenbrock", "rosenbrock-rotated",
    "ellipsoid-rotated", "discus", "bent-cigar", "sharp-ridge", "different-powers",
    "rastrigin-rotated", "weierstrass", "schaffers10", "schaffers1000", "griewank-rosenbrock",
    "schwefel", "gallagher101", "gallagher21", "katsuura", "lunacek",
)  # fmt: skip


@functools.cache
def function_of(number, instance, dimension):
    """A function of IOHexperimenter.

    Raises:
        ModuleNotFoundError: the package is not installed.
    """
    try:
        import ioh
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "the suite `bbob` needs the package ioh: pip install ioh"
        ) from error
    return ioh.get_problem(number, instance, dimension, ioh.ProblemClass.BBOB)


@dataclass(frozen=True, eq=False)
class Function(Task):
    """A function of COCO in an instance and a dimension.

    Attributes:
        name: the function's and its dimension.
        half: "dev" or "test".
        group: "bbob-" and the dimension.
        number: of the function, from 1 on.
        instance: which of its shifts and rotations, from 1 on.
        dimension: how many labels there are.
    """

    name: str
    half: str
    group: str
    number: int
    instance: int
    dimension: int

    @property
    def labels(self):
        return [f"x{i}" for i in range(self.dimension)]

    @property
    def items(self):
        return [Knob("uniform", label, -5, 5) for label in self.labels]

    def worth(self, config):
        """What a configuration is worth: its loss, which has no noise."""
        point = [float(config[label]) for label in self.labels]
        return float(function_of(self.number, self.instance, self.dimension)(point))

    def observed(self, config, seed, number):  # noqa: ARG002 (of the protocol)
        """What a contender sees of a run's trial."""
        return self.worth(config)

    @property
    def optimum(self):
        """The lowest loss that there is."""
        return float(function_of(self.number, self.instance, self.dimension).optimum.y)

    def signature(self, configs):  # noqa: ARG002 (of the protocol)
        """A text that changes with what is evaluated: not its losses, whose last digits differ."""
        return f"{self.name} {self.instance} {VERSION}"


for _place, _dimension in enumerate(DIMENSIONS):
    for _number, _word in enumerate(NAMES, 1):
        _name = f"bbob-{_word}-{_dimension}"
        _half = "dev" if _number % 2 else "test"
        _instance = 1 if _half == "dev" else 2 + _place
        BBOB[_name] = Function(
            _name, _half, f"bbob-{_dimension}", _number, _instance, _dimension
        )  # fmt: skip
