"""The problems of all suites, by name.

    functions   with known optima: problems.py
    training    models that are trained: problems_training.py

Each is split in two halves: "dev" is for developing a tuner, "test" only for reporting.
"""

import problems
from problems_training import TRAINING

HALVES = problems.HALVES
SUITES = {"functions": problems.PROBLEMS, "training": TRAINING}
PROBLEMS = {name: problem for suite in SUITES.values() for name, problem in suite.items()}
GROUPS = (*problems.GROUPS, *dict.fromkeys(each.group for each in TRAINING.values()))
