"""The problems with conditional labels, tables apart. See problems.py."""

import itertools
import math

import numpy as np
from landscapes import Fork, Knob, Well, add, plain

# Trees.


def wells_score(label_path, wells, floors, heights):
    """A score by the well of the path that was taken."""

    def score(kinds, values):
        path = tuple(kinds[label] for label in label_path(kinds))
        return floors[path] + heights[path] * wells[path](values)

    return score


def tree_branches(shared, branches, seed, widths, floors, heights, label="model"):
    """Two levels: branches of several knobs, and shared knobs whose best values they move."""
    wells = {
        (name,): Well([*shared, *knobs], [seed, i], widths[i])
        for i, (name, knobs) in enumerate(branches.items())
    }
    floors = dict(zip(wells, floors, strict=True))
    heights = dict(zip(wells, heights, strict=True))
    score = wells_score(lambda _: (label,), wells, floors, heights)
    path = min(floors, key=floors.get)
    return [*shared, Fork(label, branches)], score, ({label: path[0]}, wells[path].best)


def tree_kernels():
    """Three levels: a family, then a kernel, a penalty or an ensemble; kernels share knobs."""
    c = Knob("loguniform", "c", math.log(1e-3), math.log(1e3))
    gamma = Knob("loguniform", "gamma", math.log(1e-5), math.log(1e1))
    kernels = {
        "rbf": [],
        "poly": [Knob("uniformint", "degree", 2, 7), Knob("uniform", "poly_coef", 0.0, 3.0)],
        "sigmoid": [Knob("uniform", "sigmoid_coef", -2.0, 2.0)],
    }
    penalties = {
        "l1": [Knob("loguniform", "alpha1", -10.0, 2.0)],
        "l2": [Knob("loguniform", "alpha2", -10.0, 2.0)],
        "both": [Knob("loguniform", "alpha12", -10.0, 2.0), Knob("uniform", "ratio", 0.0, 1.0)],
    }
    ensembles = {
        "forest": [
            Knob("uniformint", "forest_depth", 2, 20),
            Knob("quniform", "forest_features", 0.1, 1.0, 0.1),
        ],
        "boosted": [
            Knob("uniformint", "boosted_depth", 1, 10),
            Knob("loguniform", "boosted_rate", math.log(1e-3), 0.0),
            Knob("qloguniform", "boosted_trees", math.log(10), math.log(1000), 10),
        ],
    }
    scaled = Knob("uniform", "scaled", 0.0, 1.0)
    families = {
        "kernel": [c, Fork("kernel", {k: [gamma, *below] for k, below in kernels.items()})],
        "linear": [Fork("penalty", penalties)],
        "ensemble": [Fork("ensemble", ensembles)],
    }
    second = {"kernel": "kernel", "linear": "penalty", "ensemble": "ensemble"}
    leaves = [("kernel", k, [c, gamma, *below]) for k, below in kernels.items()]
    leaves += [("linear", k, below) for k, below in penalties.items()]
    leaves += [("ensemble", k, below) for k, below in ensembles.items()]
    rng = np.random.default_rng(122)
    wells, floors, heights = {}, {}, {}
    for i, (family, kind, knobs) in enumerate(leaves):
        path = family, kind
        wells[path] = Well([scaled, *knobs], [122, i], 0.5)
        floors[path], heights[path] = rng.uniform(0.25, 0.45), rng.uniform(0.2, 0.5)
    best = "kernel", "poly"
    wells[best] = Well([scaled, c, gamma, *kernels["poly"]], [122, 90], 0.6)
    floors[best], heights[best] = 0.0, 1.2
    score = wells_score(lambda kinds: ("family", second[kinds["family"]]), wells, floors, heights)
    kinds = {"family": "kernel", "kernel": "poly"}
    return [scaled, Fork("family", families)], score, (kinds, wells[best].best)


def tree_pipeline():
    """Three choices side by side, two of them with knobs of their own for most options."""
    scalers = {
        "none": [],
        "quantile": [Knob("qloguniform", "quantiles", math.log(10), math.log(1000), 10)],
        "power": [Knob("uniform", "exponent", -1.0, 2.0)],
    }
    reducers = {
        "none": [],
        "pca": [Knob("uniform", "variance", 0.5, 1.0), plain("whiten", ["yes", "no"])],
        "select": [Knob("uniformint", "kept", 1, 30)],
    }
    models = {
        "linear": [Knob("loguniform", "linear_c", -7.0, 5.0)],
        "forest": [
            Knob("uniformint", "forest_depth", 2, 16),
            Knob("uniformint", "forest_leaf", 1, 20),
        ],
        "boosted": [
            Knob("loguniform", "boosted_rate", -6.0, 0.0),
            Knob("uniformint", "boosted_depth", 1, 9),
            Knob("quniform", "boosted_rows", 0.2, 1.0, 0.1),
        ],
        "neighbours": [Knob("randint", "neighbours", 25)],
    }
    steps = {"scaler": scalers, "reducer": reducers, "model": models}
    rng = np.random.default_rng(123)
    base = rng.uniform(0.0, 0.3, (3, 3, 4))
    base[..., 2] += 0.05  # boosted pays only where it is tuned and fed rightly
    base[2, 1, 2] = 0.0
    heights = {"scaler": 0.15, "reducer": 0.25, "model": 0.4}
    wells = {}
    for i, (label, options) in enumerate(steps.items()):
        for j, (name, below) in enumerate(options.items()):
            knobs = [item for item in below if isinstance(item, Knob)]
            if knobs:
                wells[label, name] = Well(knobs, [123, i, j], 0.2 if name == "boosted" else 0.35)

    def score(kinds, values):
        where = tuple(list(options).index(kinds[label]) for label, options in steps.items())
        total = base[where] + 0.1 * (kinds.get("whiten") == "no")
        for label in steps:
            well = wells.get((label, kinds[label]))
            if well is not None:
                total += heights[label] * (2.0 if kinds[label] == "boosted" else 1.0) * well(values)
        return total

    kinds = {"scaler": "power", "reducer": "pca", "whiten": "yes", "model": "boosted"}
    values = {}
    for label in steps:
        values |= wells[label, kinds[label]].best
    return [Fork(label, options) for label, options in steps.items()], score, (kinds, values)


def tree_binary():
    """Three levels of two options each, with a knob at every inner node and two at each leaf."""
    names = ("left", "right")
    rng = np.random.default_rng(232)
    top = {a: Knob("uniform", f"{a}_x", 0.0, 10.0) for a in names}
    middle = {
        (a, b): Knob("loguniform", f"{a}_{b}_x", -6.0, 0.0)
        for a, b in itertools.product(names, names)
    }
    leaf = {
        path: [
            Knob("uniform", "_".join(path) + "_x", -1.0, 1.0),
            Knob("uniformint", "_".join(path) + "_n", 1, 16),
        ]
        for path in itertools.product(names, names, names)
    }

    def below(a, b):
        return Fork(f"{a}_{b}_third", {c: leaf[a, b, c] for c in names})

    def half(a):
        return Fork(f"{a}_second", {b: [middle[a, b], below(a, b)] for b in names})

    items = [Fork("first", {a: [top[a], half(a)] for a in names})]
    wells, floors, heights = {}, {}, {}
    for i, (a, b, c) in enumerate(leaf):
        best = (a, b, c) == ("right", "left", "right")
        knobs = [top[a], middle[a, b], *leaf[a, b, c]]
        wells[a, b, c] = Well(knobs, [232, i], 0.5)
        floors[a, b, c] = 0.0 if best else rng.uniform(0.2, 0.45)
        heights[a, b, c] = 1.0 if best else rng.uniform(0.2, 0.6)

    def labels(kinds):
        a = kinds["first"]
        return "first", f"{a}_second", f"{a}_{kinds[f'{a}_second']}_third"

    best = "right", "left", "right"
    kinds = {"first": "right", "right_second": "left", "right_left_third": "right"}
    return items, wells_score(labels, wells, floors, heights), (kinds, wells[best].best)


def tree_optional():
    """Four parts that may be left out; untuned they hurt, and some do not go together."""
    always = [Knob("loguniform", "rate", -8.0, 0.0), Knob("uniform", "size", 0.0, 4.0)]
    parts = {
        "augment": [Knob("uniform", "turn", 0.0, 90.0), Knob("uniform", "crop", 0.0, 0.5)],
        "smooth": [Knob("uniform", "smoothing", 0.0, 0.4)],
        "average": [Knob("quniform", "window", 5.0, 100.0, 5.0), Knob("uniform", "mass", 0.5, 1.0)],
        "distil": [
            Knob("loguniform", "heat", -1.0, 3.0),
            Knob("uniform", "share", 0.0, 1.0),
            Knob("randint", "teacher", 8),
        ],
    }
    gains = {"augment": 0.2, "smooth": 0.08, "average": 0.15, "distil": 0.3}
    losses = {"augment": 0.4, "smooth": 0.2, "average": 0.3, "distil": 0.8}
    together = {("augment", "smooth"): 0.15, ("smooth", "average"): 0.1, ("augment", "distil"): 0.1}
    wells = {name: Well(knobs, [233, i], 0.3) for i, (name, knobs) in enumerate(parts.items())}
    bases = [Well(always, [233, 10, averaged], 0.35) for averaged in (0, 1)]

    def floor(on):
        clash = sum(cost for pair, cost in together.items() if set(pair) <= on)
        return 1.0 - sum(gains[name] for name in on) + clash

    def score(kinds, values):
        on = {name for name in parts if kinds[name] == "on"}
        total = floor(on) + 0.6 * bases["average" in on](values)
        return total + sum(losses[name] * wells[name](values) for name in parts if name in on)

    every = [set(c) for n in range(5) for c in itertools.combinations(parts, n)]
    on = min(every, key=floor)
    values = dict(bases["average" in on].best)
    for name in on:
        values |= wells[name].best
    forks = [Fork(name, {"off": [], "on": knobs}) for name, knobs in parts.items()]
    kinds = {name: "on" if name in on else "off" for name in parts}
    return [*always, *forks], score, (kinds, values)


DEV_BRANCHES = {
    "logistic": [Knob("loguniform", "logistic_c", -8.0, 6.0)],
    "neighbours": [
        Knob("uniformint", "neighbours_k", 1, 40),
        Knob("uniform", "neighbours_p", 1.0, 3.0),
    ],
    "kernel": [
        Knob("loguniform", "kernel_c", -5.0, 7.0),
        Knob("loguniform", "kernel_gamma", -9.0, 2.0),
        Knob("quniform", "kernel_noise", 0.0, 1.0, 0.05),
    ],
    "forest": [
        Knob("uniformint", "forest_depth", 1, 18),
        Knob("quniform", "forest_share", 0.1, 1.0, 0.1),
    ],
}
TEST_BRANCHES = {
    name: [Knob(word, f"{name}_{i}", *args) for i, (word, *args) in enumerate(knobs)]
    for name, knobs in {
        "one": [("uniform", -3.0, 1.0), ("uniform", 0.0, 1.0)],
        "two": [("loguniform", -7.0, 0.0), ("uniform", 5.0, 9.0)],
        "three": [("uniformint", 1, 50), ("loguniform", -3.0, 4.0)],
        "four": [("uniform", 0.0, 1.0), ("uniform", 0.0, 1.0), ("loguniform", -10.0, -1.0)],
        "five": [("quniform", 0.0, 20.0, 0.5), ("randint", 12)],
        "six": [("loguniform", -9.0, 0.0), ("uniform", -1.0, 1.0), ("uniformint", 2, 30)],
        "seven": [("uniform", 0.0, 100.0)],
    }.items()
}
NOISY_BRANCHES = {
    "small": [Knob("loguniform", "small_rate", -7.0, 0.0)],
    "middle": [
        Knob("loguniform", "middle_rate", -7.0, 0.0),
        Knob("uniform", "middle_keep", 0.0, 1.0),
    ],
    "large": [
        Knob("loguniform", "large_rate", -9.0, -1.0),
        Knob("uniform", "large_keep", 0.0, 1.0),
        Knob("uniformint", "large_blocks", 2, 14),
    ],
}

add(
    "dev", "branches", "branches-4",
    *tree_branches(
        [Knob("uniform", "scale", 0.0, 1.0)], DEV_BRANCHES, 121,
        (0.6, 0.6, 0.45, 0.6), (0.4, 0.3, 0.0, 0.25), (0.25, 0.3, 1.0, 0.4),
    ),
)  # fmt: skip
add("dev", "branches", "kernels-3-levels", *tree_kernels())
add("dev", "branches", "pipeline", *tree_pipeline())
add(
    "test", "branches", "branches-7",
    *tree_branches(
        [], TEST_BRANCHES, 231, (0.5, 0.5, 0.6, 0.6, 0.5, 0.45, 0.6),
        (0.3, 0.4, 0.25, 0.35, 0.3, 0.0, 0.5), (0.4, 0.3, 0.4, 0.5, 0.4, 1.0, 0.2),
    ),
)  # fmt: skip
add("test", "branches", "binary-3-levels", *tree_binary())
add("test", "branches", "optional-parts", *tree_optional())


# Networks with a variable number of layers.


def layers_nested():
    """One to four dense layers: after each, a choice to stop or to go on."""
    targets = {1: (128,), 2: (176, 64), 3: (208, 112, 48), 4: (224, 160, 96, 64)}
    floors = {1: 0.4, 2: 0.18, 3: 0.0, 4: 0.1}
    activations = ("relu", "tanh", "elu")
    costs = ({"relu": 0.0, "tanh": 0.2, "elu": 0.1}, {"relu": 0.12, "tanh": 0.15, "elu": 0.0})

    def layer(i):
        knobs = [
            Knob("quniform", f"units{i}", 16, 256, 16),
            plain(f"activation{i}", activations),
            Knob("uniform", f"dropout{i}", 0.0, 0.6),
        ]
        if i < 4:
            knobs.append(Fork(f"after{i}", {"stop": [], "on": layer(i + 1)}))
        return knobs

    items = [Knob("loguniform", "rate", -10.0, 0.0), Knob("loguniform", "decay", -16.0, -2.0)]
    items += layer(1)

    def dropout(units):
        return 0.03 + 0.07 * math.log2(units / 16)

    def rate(depth, first):
        return -3.7 - 0.9 * depth + 0.5 * (first == "tanh")

    def decay(dropouts):
        return -13.5 + 6.0 * np.mean(dropouts)

    def score(kinds, values):
        depth = 1
        while kinds.get(f"after{depth}") == "on":
            depth += 1
        units = [max(values[f"units{i}"], 1.0) for i in range(1, depth + 1)]
        dropouts = [values[f"dropout{i}"] for i in range(1, depth + 1)]
        off = np.log2(units) - np.log2(targets[depth])
        square = 0.5 * off @ off + 0.4 * np.sum(np.diff(off) ** 2)
        square += sum(((p - dropout(n)) / 0.3) ** 2 for p, n in zip(dropouts, units, strict=True))
        square += ((math.log(values["rate"]) - rate(depth, kinds["activation1"])) / 1.0) ** 2
        square += ((math.log(values["decay"]) - decay(dropouts)) / 3.0) ** 2
        wrong = sum(costs[i > 1][kinds[f"activation{i}"]] for i in range(1, depth + 1))
        return floors[depth] + wrong + square / (square + 6.0)

    kinds = {"activation1": "relu", "activation2": "elu", "activation3": "elu"}
    kinds |= {"after1": "on", "after2": "on", "after3": "stop"}
    values = {f"units{i}": n for i, n in enumerate(targets[3], 1)}
    values |= {f"dropout{i}": dropout(n) for i, n in enumerate(targets[3], 1)}
    values["rate"] = math.exp(rate(3, "relu"))
    values["decay"] = math.exp(decay([dropout(n) for n in targets[3]]))
    return items, score, (kinds, values)


def layers_listed():
    """One to three convolutions, each depth with labels of its own."""
    targets = {1: ((64, 4),), 2: ((40, 2), (80, 3)), 3: ((24, 1), (48, 3), (96, 2))}
    floors = {1: 0.35, 2: 0.0, 3: 0.08}
    names = {"one": 1, "two": 2, "three": 3}

    def layer(name, i):
        return [
            Knob("qloguniform", f"{name}_filters{i}", math.log(8), math.log(128), 8),
            Knob("uniformint", f"{name}_radius{i}", 1, 5),
            plain(f"{name}_pool{i}", ["max", "mean", "none"]),
        ]

    depths = {
        name: [item for i in range(1, depth + 1) for item in layer(name, i)]
        for name, depth in names.items()
    }
    items = [
        Knob("loguniform", "rate", math.log(1e-5), math.log(1.0)),
        Knob("uniform", "momentum", 0.0, 0.98),
        plain("batch", ["32", "128", "512"]),
        Fork("depth", depths),
    ]
    costs = {"max": 0.0, "mean": 0.08, "none": 0.2}

    def pace(depth, batch):
        """The best log of rate / (1 - momentum)."""
        return -4.5 - 0.8 * depth + 0.35 * math.log(batch / 128)

    def field(radii):
        return sum(2 * radius * 2**i for i, radius in enumerate(radii)) + 1

    def score(kinds, values):
        name = kinds["depth"]
        depth, batch = names[name], int(kinds["batch"])
        every = range(1, depth + 1)
        filters = np.array([values[f"{name}_filters{i}"] for i in every])
        off = np.log(filters / [n for n, _ in targets[depth]])
        wide = math.log(field([values[f"{name}_radius{i}"] for i in every]))
        wide -= math.log(field([radius for _, radius in targets[depth]]))
        steps = math.log(values["rate"] / (1 - values["momentum"])) - pace(depth, batch)
        square = 0.8 * off @ off + 1.5 * off.sum() ** 2 / depth + (wide / 0.3) ** 2
        square += (steps / 0.7) ** 2 + ((values["momentum"] - 0.8) / 0.4) ** 2
        wrong = sum(costs[kinds[f"{name}_pool{i}"]] for i in every) + 0.07 * (batch != 128)
        return floors[depth] + wrong + square / (square + 4.0)

    kinds = {"depth": "two", "batch": "128", "two_pool1": "max", "two_pool2": "max"}
    values = {"momentum": 0.8, "rate": 0.2 * math.exp(pace(2, 128))}
    for i, (filters, radius) in enumerate(targets[2], 1):
        values |= {f"two_filters{i}": filters, f"two_radius{i}": radius}
    return items, score, (kinds, values)


add("dev", "layers", "layers-nested", *layers_nested())
add("test", "layers", "layers-listed", *layers_listed())

# Noise: its deviation is about what random search's best of 128 still lacks.

add(
    "dev", "noisy", "noisy-branches-3",
    *tree_branches(
        [Knob("loguniform", "decay", -12.0, 0.0)], NOISY_BRANCHES, 142, (0.5, 0.5, 0.5),
        (0.35, 0.2, 0.0), (0.4, 0.4, 0.9),
    ),
    noise=0.1,
)  # fmt: skip
