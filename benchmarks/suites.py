"""The problems of all suites, by name.

    functions   with known optima: problems.py
    training    models that are trained: problems_training.py
    tables      public tables of networks that others have trained: problems_public.py
    bbob        COCO's functions in 5, 10 and 20 dimensions: problems_bbob.py

Each is split in two halves: "dev" is for developing a tuner, "test" only for reporting.
"""

import problems
from problems_bbob import BBOB
from problems_public import PUBLIC
from problems_training import TRAINING

SUITES = {"functions": problems.PROBLEMS, "training": TRAINING, "tables": PUBLIC, "bbob": BBOB}
PROBLEMS = {name: problem for suite in SUITES.values() for name, problem in suite.items()}
GROUPS = tuple(
    dict.fromkeys(
        [*problems.GROUPS, *(each.group for suite in SUITES.values() for each in suite.values())]
    )
)
assert len(PROBLEMS) == sum(map(len, SUITES.values())), "two problems have the same name"
