"""Problems of the half "dev" whose structures come from seeds. See problems.py.

Settings that fit one problem of each kind may fit its accidents alone, so there are many.
"""

import functools
import itertools
import math

import numpy as np
from landscapes import Fork, Knob, Well, add, plain, spot_of, values_at
from problems_flat import (
    HARTMANN_6,
    HARTMANN_6_AT,
    ackley,
    branin,
    decaying,
    ellipsoid,
    hartmann,
    hidden,
    mixed_codes,
    mixed_steps,
    rastrigin,
    rosenbrock,
    rotated,
)

# Continuous functions.


def sphere(z):
    return float(z @ z)


def ridge(z):
    return float(abs(z[0]) + 10 * math.sqrt(z[1:] @ z[1:]))


def staircase(z):
    return float(np.floor(np.abs(z) * 3) @ np.linspace(1, 3, len(z)) + 0.1 * np.abs(z).sum())


def hills(z, centres, depths, widths):
    """The deepest of several dips at each place; the first is the optimum."""
    far = ((z - centres) ** 2).sum(axis=1) / widths**2
    return float(1.5 - np.max(depths * np.exp(-0.5 * far) + 0.02 / (1 + far)))


def drawn_hills(d, seed):
    rng = np.random.default_rng(seed)
    n = 2 * d + 2
    centres = rng.uniform(-0.75, 0.75, (n, d))
    centres[0] = 0.0
    depths = rng.uniform(0.4, 0.85, n)
    depths[0] = 1.2
    return functools.partial(
        hills, centres=centres, depths=depths, widths=rng.uniform(0.15, 0.5, n) * math.sqrt(d / 2)
    )


for name, f, d, at, reach, turn in (
    ("sphere-3", sphere, 3, 0, 2, True),
    ("ellipsoid-8", functools.partial(ellipsoid, condition=1000.0), 8, 0, 4, True),
    ("ellipsoid-12", functools.partial(ellipsoid, condition=30.0), 12, 0, 4, False),
    ("rosenbrock-7", rosenbrock, 7, 1, 3, False),
    ("rastrigin-4", rastrigin, 4, 0, 5, False),
    ("ackley-7", ackley, 7, 0, 20, False),
    ("ridge-6", ridge, 6, 0, 2, True),
    ("staircase-6", staircase, 6, 0, 4, False),
    ("hills-3", drawn_hills(3, 1), 3, 0, 2, True),
    ("hills-5", drawn_hills(5, 2), 5, 0, 2, True),
    ("hills-9", drawn_hills(9, 3), 9, 0, 2, True),
):
    rotated("dev", name, f, d, at, reach, [301, d, len(name)], turn=turn)

decaying("dev", "decaying-8", 8, 1.6, 311, 0.1)
decaying("dev", "decaying-20", 20, 1.5, 312, 0.0)
hidden(
    "dev", "branin-10", branin, 10, (8, 1), ((-5, 10), (0, 15)),
    (math.pi, 2.2750000143660847), 313,
)  # fmt: skip
hidden(
    "dev", "hartmann-6-of-14", lambda *z: hartmann(np.array(z), HARTMANN_6), 14,
    (0, 3, 4, 9, 11, 13), ((0, 1),) * 6, HARTMANN_6_AT, 314,
)  # fmt: skip

# Mixed.

add("dev", "mixed", "codes-6+6", *mixed_codes((6, 6), 4, 321, 0.2))
add("dev", "mixed", "codes-3+3+3", *mixed_codes((3, 3, 3), 5, 322, 0.25))
add("dev", "mixed", "codes-12", *mixed_codes((12, 2), 2, 323, 0.12))
for seed, d, condition in ((331, 4, 5.0), (332, 8, 30.0), (333, 12, 10.0)):
    rng = np.random.default_rng(seed)
    words = [
        ("uniformint", 0, int(rng.integers(4, 60))), ("quniform", 0.0, 1.0, 0.05),
        ("loguniform", -9.0, 0.0), ("normal", 1.0, 3.0), ("randint", int(rng.integers(5, 15))),
        ("qloguniform", 1.0, 6.0, 2), ("uniform", -2.0, 5.0), ("lognormal", -3.0, 1.5),
    ]  # fmt: skip
    knobs = [
        Knob(word, f"x{i}", *args)
        for i, (word, *args) in enumerate(words[j] for j in rng.permutation(np.arange(d) % 8))
    ]
    add("dev", "mixed", f"lattice-{d}", *mixed_steps(knobs, seed, condition))

# Trees.


def drawn_tree(seed, levels, most_options, sides=1, shared=1):
    """Forks side by side, each with ``levels`` levels of options that have knobs of their own.

    The loss of a path is its floor and the wells of its knobs; the best path pays only tuned.
    """
    rng = np.random.default_rng(seed)
    count = itertools.count()

    def knob():
        i = next(count)
        word, *args = [
            ("uniform", 0.0, 1.0), ("loguniform", -8.0, 0.0), ("uniformint", 1, 30),
            ("quniform", 0.0, 2.0, 0.1), ("loguniform", -3.0, 5.0), ("uniform", -10.0, 10.0),
        ][rng.integers(6)]  # fmt: skip
        return Knob(word, f"x{i}", *args)

    def fork(level):
        options = {}
        for i in range(rng.integers(2, most_options + 1)):
            below = [knob() for _ in range(rng.integers(0 if level < levels else 1, 4))]
            if level < levels:
                below.append(fork(level + 1))
            options[f"o{i}"] = below
        return Fork(f"fork{next(count)}", options)

    common = [knob() for _ in range(shared)]
    forks = [fork(1) for _ in range(sides)]
    scores, bests = [], []
    for at, top in enumerate(forks):
        paths = {}

        def walk(items, taken, knobs, paths=paths):
            own = [*knobs, *(i for i in items if isinstance(i, Knob))]
            inner = [i for i in items if isinstance(i, Fork)]
            if not inner:
                paths[tuple(taken)] = own
            for each in inner:
                for option, below in each.options.items():
                    walk(below, [*taken, (each.label, option)], own)

        walk([top], [], common if at == 0 else [])
        names = list(paths)
        deep = max(min(2, len(knobs)) for knobs in paths.values())
        rich = [p for p in names if len(paths[p]) >= deep]
        best = rich[rng.integers(len(rich))]
        floors = {p: 0.0 if p == best else rng.uniform(0.15, 0.5) for p in names}
        heights = {p: rng.uniform(0.8, 1.2) if p == best else rng.uniform(0.2, 0.6) for p in names}
        wells = {
            p: Well(knobs, [seed, at, i], rng.uniform(0.4, 0.6))
            for i, (p, knobs) in enumerate(paths.items())
            if knobs
        }

        def part(kinds, values, floors=floors, heights=heights, wells=wells):
            path = next(p for p in floors if all(kinds.get(label) == o for label, o in p))
            return floors[path] + (heights[path] * wells[path](values) if path in wells else 0.0)

        scores.append(part)
        bests.append((dict(best), wells[best].best if best in wells else {}))

    def score(kinds, values):
        return sum(part(kinds, values) for part in scores)

    kinds, values = {}, {}
    for chosen, at_best in bests:
        kinds |= chosen
        values |= at_best
    return [*common, *forks], score, (kinds, values)


for seed, levels, options, sides, shared in (
    (341, 1, 3, 1, 1), (342, 1, 6, 1, 0), (343, 1, 10, 1, 1), (344, 2, 3, 1, 1),
    (345, 2, 4, 1, 0), (346, 3, 2, 1, 2), (347, 1, 3, 2, 0), (348, 1, 2, 4, 2),
    (349, 2, 3, 2, 0), (350, 1, 4, 1, 3),
):  # fmt: skip
    add(
        "dev", "branches", f"tree-{seed}-{levels}x{options}x{sides}",
        *drawn_tree(seed, levels, options, sides, shared),
    )  # fmt: skip


def drawn_layers(seed, most):
    """One to ``most`` layers, each after a choice to go on, with knobs of its own."""
    rng = np.random.default_rng(seed)
    best = int(rng.integers(2, most + 1))
    rate = Knob("loguniform", "rate", -10.0, 0.0)
    every = [
        [Knob("uniformint", f"units{i}", 4, 64), Knob("uniform", f"drop{i}", 0.0, 0.6)]
        for i in range(most)
    ]
    spots = [spot_of(knobs, rng) for knobs in every]
    slope = rng.uniform(-0.5, 0.5)
    floors = np.abs(np.arange(1, most + 1) - best) * rng.uniform(0.08, 0.2, most)

    def layer(i):
        inner = [] if i + 1 == most else [Fork(f"after{i}", {"stop": [], "on": layer(i + 1)})]
        return [*every[i], *inner]

    def depth_of(kinds):
        depth = 1
        while kinds.get(f"after{depth - 1}") == "on":
            depth += 1
        return depth

    def rate_at(depth):
        return 0.5 + slope * (depth / most - 0.5)

    def score(kinds, values):
        depth = depth_of(kinds)
        square = ((rate.place(values["rate"]) - rate_at(depth)) / 0.12) ** 2
        for knobs, spot in zip(every[:depth], spots, strict=False):
            z = [k.place(values[k.label]) for k in knobs] - spot
            square += (z / 0.3) @ (z / 0.3)
        return floors[depth - 1] + square / (square + 3.0)

    kinds = {f"after{i}": "on" for i in range(best - 1)}
    if best < most:
        kinds[f"after{best - 1}"] = "stop"
    values = {"rate": rate.value(rate_at(best))}
    for knobs, spot in zip(every[:best], spots, strict=False):
        values |= values_at(knobs, spot)
    return [rate, *layer(0)], score, (kinds, values)


add("dev", "layers", "layers-3", *drawn_layers(361, 3))
add("dev", "layers", "layers-5", *drawn_layers(362, 5))

# Noise.

for name, f, d, reach, noise in (
    ("noisy-sphere-3", sphere, 3, 2, 0.1),
    ("noisy-ackley-5", ackley, 5, 8, 1.0),
    ("noisy-hills-4", drawn_hills(4, 4), 4, 2, 0.15),
):
    rotated("dev", name, f, d, 0, reach, [371, d], group="noisy", noise=noise)
add("dev", "noisy", "noisy-codes-5+3", *mixed_codes((5, 3), 3, 372, 0.2), noise=0.08)
add("dev", "noisy", "noisy-tree-373", *drawn_tree(373, 1, 4), noise=0.1)
add("dev", "noisy", "noisy-tree-374", *drawn_tree(374, 2, 3), noise=0.1)

# Tables: smooth random functions with interactions on grids.


def waves(rng, d, scales):
    """A random function on the unit cube: a sum of cosines, and of such in single coordinates."""
    frequency = rng.normal(size=(60, d)) / scales
    phase = rng.uniform(0, 2 * np.pi, 60)
    single = rng.normal(size=(d, 8)) / scales[:, None]
    phases = rng.uniform(0, 2 * np.pi, (d, 8))
    share = rng.uniform(0.3, 1.0, d)

    def f(U):
        joint = np.cos(U @ frequency.T + phase).sum(axis=1) / math.sqrt(60)
        alone = np.cos(U[:, :, None] * single + phases).sum(axis=2) / math.sqrt(8)
        return joint + alone @ share

    return f


def drawn_table(seed, branches):
    """A grid for each branch: sizes of ordered axes and of categorical ones."""
    rng = np.random.default_rng(seed)
    tables, axes = {}, {}
    for branch, (ordered, categorical) in branches.items():
        d = len(ordered)
        grid = np.stack(
            np.meshgrid(*[np.linspace(0, 1, n) for n in ordered], indexing="ij"), axis=-1
        )
        f = waves(rng, d, rng.choice([0.3, 0.6, 1.5, 4.0], d))
        shape = [*ordered, *categorical]
        table = np.empty(shape)
        for codes in np.ndindex(*categorical):
            shift = rng.uniform(-0.15, 0.15, d)
            own = f(np.reshape(grid + shift, (-1, d))).reshape(ordered)
            table[(..., *codes)] = own
        for axis, size in enumerate(categorical, len(ordered)):
            effect = rng.normal(0, 0.5, size)
            table += effect.reshape([-1 if i == axis else 1 for i in range(len(shape))])
        tables[branch] = np.exp(0.5 * (table - table.mean()) / table.std())
        axes[branch] = [
            Knob("uniformint", f"{branch}_x{i}", 0, n - 1) for i, n in enumerate(ordered)
        ]
        axes[branch] += [
            plain(f"{branch}_c{i}", [str(j) for j in range(n)]) for i, n in enumerate(categorical)
        ]
    branch = min(tables, key=lambda b: tables[b].min())
    flat = len(branches) == 1
    items = axes[branch] if flat else [Fork("branch", axes)]

    def score(kinds, values):
        on = branch if flat else kinds["branch"]
        where = [
            int(values[k.label]) if isinstance(k, Knob) else int(kinds[k.label]) for k in axes[on]
        ]
        return tables[on][tuple(where)]

    at = np.unravel_index(tables[branch].argmin(), tables[branch].shape)
    kinds, values = {} if flat else {"branch": branch}, {}
    for k, i in zip(axes[branch], at, strict=True):
        if isinstance(k, Knob):
            values[k.label] = int(i)
        else:
            kinds[k.label] = str(i)
    return items, score, (kinds, values)


for seed, branches in (
    (381, {"a": ((12, 10, 8), (3,))}),
    (382, {"a": ((15, 15, 15), ())}),
    (383, {"a": ((6, 5, 5, 4), (3, 4, 2))}),
    (384, {"a": ((10, 8, 6, 6, 5), (2,))}),
    (385, {"a": ((12, 12), (2,)), "b": ((10, 8, 8), ()), "c": ((20,), (3, 3))}),
    (386, {"a": ((10, 10, 5), ()), "b": ((12, 8), (4,)), "c": ((8, 6, 5), (2, 2))}),
):
    add("dev", "table", f"waves-{seed}", *drawn_table(seed, branches))
