"""Problems with known optima on which tuners are compared, in two halves.

    python benchmarks/problems.py [--half dev]

The half "dev" is for developing a tuner, "test" for reporting: the same families in both, with
other functions, shifts, rotations and structures, and many of them in "dev". Run as a script, this
checks every problem and prints its labels, its optimum, the median of random search's best of 128,
and what checks found: no point of a long local search lies below the optimum; the point said to be
optimal has that loss; the best branch of a tree is typically worse than the others (not so in the
trees drawn at random, tree-*).

A problem is a list of knobs (hyperparameters) and forks (choices whose options hold further knobs
and forks), from which ``space(hp)`` builds the same space in sparktune's and in Hyperopt's words,
and a score of the kinds chosen at the forks and the values of the knobs. Unless said otherwise, the
optimum is known by construction: terms that cannot be negative and all vanish at a point drawn
with a fixed seed, away from centre and bounds in each coordinate. Families:

    continuous   3 to 20 dimensions, shifted and rotated (16 in "dev", 5 in "test")
    irrelevant   many dimensions, few of which matter (6, 2)
    mixed        categories that move the optimum, logs, whole numbers, steps (9, 3)
    branches     one to three levels; the best branch pays only where it is tuned (13, 3)
    layers       a network with a variable number of layers (3, 1)
    noisy        gaussian noise about as large as the differences that matter (8, 2)
    table        trained models of scikit-learn, see make_tables.py, and in "dev" smooth random
                 functions on grids; optimum: of the table (8, 2)
"""

import argparse
import math

import landscapes
import numpy as np
import problems_drawn  # noqa: F401 (registers its problems)
import problems_flat  # noqa: F401 (registers its problems)
import problems_tables  # noqa: F401 (registers its problems)
import problems_tree  # noqa: F401 (registers its problems)
from landscapes import HALVES, Fork, Knob, gather

GROUPS = ("continuous", "irrelevant", "mixed", "branches", "layers", "noisy", "table")


PROBLEMS = dict(sorted(landscapes.PROBLEMS.items(), key=lambda item: GROUPS.index(item[1].group)))
"""Problem by name, family after family."""


# Checks.


def knobs_of(items):
    """All knobs and forks below a list of them."""
    for item in items:
        yield item
        if isinstance(item, Fork):
            for below in item.options.values():
                yield from knobs_of(below)


def searched(problem, starts, rng):
    """The lowest loss that local searches over the continuous knobs of random points find."""
    from scipy.optimize import minimize

    from sparktune import hp
    from sparktune.space.tree import Space

    space = Space(problem.space(hp))
    knobs = {item.label: item for item in knobs_of(problem.items) if isinstance(item, Knob)}
    points = [space.decode(row) for row in space.sample(rng, 300)]
    points.sort(key=lambda values: problem.loss(space.build(values)))
    lowest = math.inf
    for values in points[:starts]:
        free = [label for label in values if label in knobs and knobs[label].step is None]
        if not free:
            lowest = min(lowest, problem.loss(space.build(values)))
            continue

        def loss(u, values=values, free=free):
            moved = {label: knobs[label].value(x) for label, x in zip(free, u, strict=True)}
            return problem.loss(space.build({**values, **moved}))

        start = [knobs[label].place(values[label]) for label in free]
        bounds = [(0, 1)] * len(free)
        start = np.clip(start, 0, 1)
        for method in ("L-BFGS-B", "Nelder-Mead"):
            found = minimize(loss, start, bounds=bounds, method=method)
            lowest, start = min(lowest, found.fun), found.x
    return lowest


def best_branch(problem, rng):
    """Median losses of random points in the best branch and in all others, nan for flat spaces."""
    from sparktune import hp
    from sparktune.space.tree import Space

    forks = [i for i in problem.items if isinstance(i, Fork) and any(i.options.values())]
    if not forks:
        return math.nan, math.nan
    space = Space(problem.space(hp))
    inside, outside = [], []
    for row in space.sample(rng, 4000):
        config = space.build(space.decode(row))
        kinds, values = {}, {}
        gather(config, kinds, values)
        on = {i.label for i in knobs_of(problem.items) if isinstance(i, Fork) and
              any(i.options.values())}  # fmt: skip
        same = all(problem.best[0].get(label) == kinds.get(label) for label in on)
        (inside if same else outside).append(problem.loss(config))
    return np.median(inside), np.median(outside)


def check(problem, starts=20):
    """The lowest loss of local searches, after asserting what a problem promises."""
    at_best = problem.score(*problem.best)
    assert math.isclose(at_best, problem.optimum, rel_tol=1e-9, abs_tol=1e-9), problem.name
    for item in knobs_of(problem.items):
        value = problem.best[1].get(getattr(item, "label", None))
        if isinstance(item, Knob) and value is not None and problem.group != "table":
            place = item.place(value)
            assert 0.02 < place < 0.98, (problem.name, item.label, place)
    lowest = searched(problem, starts, np.random.default_rng(0))
    assert lowest >= problem.optimum - 1e-9, (problem.name, lowest, problem.optimum)
    return lowest


def main():
    from scoring import random_medians

    from sparktune import hp
    from sparktune.space.tree import Space

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--half", choices=HALVES)
    parser.add_argument("--starts", type=int, default=20, help="local searches for each problem")
    args = parser.parse_args()
    print(
        "| problem | half | group | labels | optimum | random's best of 128 | local search "
        "| best branch typically | others |\n|---|---|---|--:|--:|--:|--:|--:|--:|"
    )
    for problem in PROBLEMS.values():
        if args.half in (None, problem.half):
            space = Space(problem.space(hp))
            group = problem.group + (" (tree)" if problem.tree else "")
            inside, outside = best_branch(problem, np.random.default_rng(0))
            pays_tuned = problem.group == "branches" and not problem.name.startswith("tree-")
            assert not pays_tuned or inside > outside, problem.name
            print(
                f"| {problem.name} | {problem.half} | {group} | {len(space)} "
                f"| {problem.optimum:.5g} | {random_medians(problem, 128)[-1]:.5g} "
                f"| {check(problem, args.starts):.5g} | {inside:.3g} | {outside:.3g} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
