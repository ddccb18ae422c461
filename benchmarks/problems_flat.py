"""The problems without conditional labels, tables apart. See problems.py."""

import functools
import itertools
import math

import numpy as np
from landscapes import Knob, add, boxes, dip, plain, rotation, spot_of, values_at

# Continuous functions of z, each with a global minimiser over all of R^d.


def ellipsoid(z, condition=100.0):
    return float(condition ** (np.arange(len(z)) / (len(z) - 1)) @ z**2)


def rosenbrock(z):
    return float(np.sum(100.0 * (z[1:] - z[:-1] ** 2) ** 2 + (1 - z[:-1]) ** 2))


def rastrigin(z):
    return float(np.sum(z**2 + 10.0 - 10.0 * np.cos(2 * np.pi * z)))


def ackley(z):
    far = 20.0 * -np.expm1(-0.2 * math.sqrt(z @ z / len(z)))
    return float(far + math.e - math.exp(np.cos(2 * np.pi * z).mean()))


def zakharov(z):
    tilt = 0.5 * np.arange(1, len(z) + 1) @ z
    return float(z @ z + tilt**2 + tilt**4)


def dixon_price(z):
    weights = np.arange(2, len(z) + 1)
    return float((z[0] - 1) ** 2 + weights @ (2 * z[1:] ** 2 - z[:-1]) ** 2)


def levy(z):
    w = 1 + (z - 1) / 4
    middle = (w[:-1] - 1) ** 2 * (1 + 10 * np.sin(np.pi * w[:-1] + 1) ** 2)
    last = (w[-1] - 1) ** 2 * (1 + np.sin(2 * np.pi * w[-1]) ** 2)
    return float(np.sin(np.pi * w[0]) ** 2 + middle.sum() + last)


def styblinski_tang(z):
    return float(0.5 * np.sum(z**4 - 16 * z**2 + 5 * z))


def powers(z):
    return float(np.sum(np.abs(z) ** np.linspace(1.5, 5, len(z))))


def griewank(z):
    waves = np.cos(z / np.sqrt(np.arange(1, len(z) + 1)))
    return float(z @ z / 40 - np.prod(waves) + 1)


ALPHA = np.array([1.0, 1.2, 3.0, 3.2])
HARTMANN_3 = (
    np.array([[3.0, 10, 30], [0.1, 10, 35]] * 2),
    1e-4
    * np.array([[3689, 1170, 2673], [4699, 4387, 7470], [1091, 8732, 5547], [381, 5743, 8828]]),
)
HARTMANN_6 = (
    np.array(
        [
            [10, 3, 17, 3.5, 1.7, 8],
            [0.05, 10, 17, 0.1, 8, 14],
            [3, 3.5, 1.7, 10, 17, 8],
            [17, 8, 0.05, 10, 0.1, 14],
        ]
    ),
    1e-4
    * np.array(
        [
            [1312, 1696, 5569, 124, 8283, 5886],
            [2329, 4135, 8307, 3736, 1004, 9991],
            [2348, 1451, 3522, 2883, 3047, 6650],
            [4047, 8828, 8732, 5743, 1091, 381],
        ]
    ),
)
# minimisers by BFGS from 200 random points
HARTMANN_3_AT = [0.11458884006437231, 0.5556488914830674, 0.8525469841266157]
HARTMANN_6_AT = [
    0.20168950190057838, 0.15001068445568438, 0.4768739703878092,
    0.2753324246448552, 0.31165161580452955, 0.6573005352577889,
]  # fmt: skip


def hartmann(z, constants):
    steep, centres = constants
    return float(-ALPHA @ np.exp(-(steep * (z - centres) ** 2).sum(axis=1)))


def branin(x, y):
    bend = y - 5.1 / (4 * np.pi**2) * x**2 + 5 / np.pi * x - 6
    return float(bend**2 + 10 * (1 - 1 / (8 * np.pi)) * np.cos(x) + 10)


def rotated(half, name, f, d, at, reach, seed, *, group="continuous", turn=True, noise=0.0):
    """Add f of a shifted, rotated box whose range is ``reach`` long in each direction of z."""
    rng = np.random.default_rng(seed)
    knobs = boxes(d, rng)
    spot = spot_of(knobs, rng)
    turned = (rotation(d, rng) if turn else np.eye(d)) * reach
    at = np.broadcast_to(np.asarray(at, float), d)
    low = np.array([k.low for k in knobs])
    width = np.array([k.high - k.low for k in knobs])
    labels = [k.label for k in knobs]

    def score(_, values):
        u = (np.array([values[label] for label in labels]) - low) / width
        return f(at + turned @ (u - spot))

    best = ({}, values_at(knobs, spot))
    add(half, group, name, knobs, score, best, noise, optimum=f(at.copy()))


def hidden(half, name, f, d, where, scales, best, seed):
    """Add f of the few coordinates ``where`` of d, each scaled to a range; optimum at ``best``."""
    rng = np.random.default_rng(seed)
    knobs = boxes(d, rng)
    relevant = [knobs[i] for i in where]

    def score(_, values):
        places = [k.place(values[k.label]) for k in relevant]
        return f(*[low + p * (high - low) for p, (low, high) in zip(places, scales, strict=True)])

    places = np.full(d, 0.3)
    for i, z, (low, high) in zip(where, best, scales, strict=True):
        places[i] = (z - low) / (high - low)
    add(half, "irrelevant", name, knobs, score, ({}, values_at(knobs, places)))


def decaying(half, name, d, base, seed, ripple):
    """Add a bumpy bowl whose coordinates matter less and less, in a shuffled order."""
    rng = np.random.default_rng(seed)
    knobs = boxes(d, rng)
    spot = spot_of(knobs, rng)
    weights = rng.permutation(base ** -np.arange(d))

    def score(_, values):
        z = np.array([k.place(values[k.label]) for k in knobs]) - spot
        return weights @ (z**2 + ripple * np.sin(9 * z) ** 2)

    add(half, "irrelevant", name, knobs, score, ({}, values_at(knobs, spot)))


rotated("dev", "ellipsoid-5", ellipsoid, 5, 0, 4, 101)
rotated("dev", "rosenbrock-4", rosenbrock, 4, 1, 4, 102)
rotated("dev", "rastrigin-6", rastrigin, 6, 0, 3, 103)
rotated(
    "dev", "hartmann-6", functools.partial(hartmann, constants=HARTMANN_6), 6, HARTMANN_6_AT, 1, 104
)
rotated("dev", "ackley-20", ackley, 20, 0, 12, 105)
hidden(
    "dev", "branin-20", branin, 20, (6, 13), ((-5, 10), (0, 15)),
    (3.141592648763798, 2.2750000143660847), 106,
)  # fmt: skip
decaying("dev", "decaying-12", 12, 2.5, 107, 0.0)

rotated("test", "zakharov-5", zakharov, 5, 0, 6, 201)
rotated("test", "dixon-price-4", dixon_price, 4, 2.0 ** (2.0 ** -np.arange(4) - 1), 5, 202)
rotated("test", "levy-6", levy, 6, 1, 12, 203)
rotated("test", "styblinski-tang-8", styblinski_tang, 8, -2.903534027771177, 8, 204)
rotated("test", "powers-20", powers, 20, 0, 3, 205, turn=False)
hidden(
    "test", "hartmann-3-of-15", lambda *z: hartmann(np.array(z), HARTMANN_3), 15, (2, 7, 11),
    ((1, 0), (0, 1), (0, 1)), HARTMANN_3_AT, 206,
)  # fmt: skip
decaying("test", "decaying-18", 18, 1.8, 207, 0.05)


# Mixed spaces.


def mixed_training():
    """Training of a network: the optimizer moves the best rate, the width the best dropout."""
    items = [
        plain("optimizer", ["sgd", "momentum", "adam"]),
        Knob("loguniform", "rate", math.log(1e-5), 0.0),
        Knob("uniformint", "log2_batch", 3, 9),
        Knob("lognormal", "decay", -7.0, 2.0),
        Knob("quniform", "dropout", 0.0, 0.7, 0.05),
        Knob("qloguniform", "width", math.log(16), math.log(512), 16),
        Knob("uniform", "warmup", 0.0, 0.3),
    ]
    floors = {"sgd": 0.12, "momentum": 0.0, "adam": 0.06}
    centres = {"sgd": -1.6, "momentum": -4.1, "adam": -6.9}
    widths = {"sgd": 1.0, "momentum": 0.7, "adam": 1.3}

    def rate(kind, batch):
        return centres[kind] + 0.4 * (batch - 5)

    def decay(dropout):
        return -8.6 - 3.0 * (dropout - 0.25)

    def score(kinds, values):
        kind, batch = kinds["optimizer"], values["log2_batch"]
        wider = math.log2(values["width"] / 160)
        return (
            floors[kind]
            + 0.6 * dip(math.log(values["rate"]) - rate(kind, batch), widths[kind])
            + 0.02 * (batch - 5) ** 2
            + 0.3 * dip(math.log(max(values["decay"], 1e-12)) - decay(values["dropout"]), 2.0)
            + 1.5 * (values["dropout"] - 0.25 - 0.1 * wider) ** 2
            + 0.08 * wider**2
            + 2.0 * (values["warmup"] - 0.07) ** 2
        )

    values = {"rate": math.exp(rate("momentum", 5)), "log2_batch": 5, "decay": math.exp(-8.6)}
    values |= {"dropout": 0.25, "width": 160, "warmup": 0.07}
    return items, score, ({"optimizer": "momentum"}, values)


def mixed_codes(sizes, n, seed, width):
    """Categories whose pairs matter, and n real numbers whose best values they move."""
    rng = np.random.default_rng(seed)
    forks = [plain(f"code{i}", [f"k{j}" for j in range(size)]) for i, size in enumerate(sizes)]
    knobs = boxes(n, rng)
    pairs = list(itertools.combinations(range(len(sizes)), 2))
    tables = {(i, j): rng.gamma(1.0, 0.2, (sizes[i], sizes[j])) for i, j in pairs}
    moved_by = rng.integers(len(sizes), size=n)
    centres = [
        0.5 + rng.choice([-1, 1], sizes[c]) * rng.uniform(0.1, 0.4, sizes[c]) for c in moved_by
    ]

    def floor(codes):
        return sum(tables[i, j][codes[i], codes[j]] for i, j in pairs)

    def spot(codes):
        return [centre[codes[c]] for centre, c in zip(centres, moved_by, strict=True)]

    def score(kinds, values):
        codes = [int(kinds[f.label][1:]) for f in forks]
        far = zip(knobs, spot(codes), strict=True)
        return floor(codes) + 0.5 * sum(dip(k.place(values[k.label]) - s, width) for k, s in far)

    codes = min(itertools.product(*map(range, sizes)), key=floor)
    kinds = {f.label: f"k{c}" for f, c in zip(forks, codes, strict=True)}
    return [*forks, *knobs], score, (kinds, values_at(knobs, spot(codes)))


def mixed_steps(knobs, seed, condition):
    """A rotated bowl on a lattice of whole numbers and steps."""
    rng = np.random.default_rng(seed)
    spot = spot_of(knobs, rng)
    d = len(knobs)
    axes = np.sqrt(np.linspace(1, condition, d))[:, None] * rotation(d, rng)

    def score(_, values):
        z = axes @ (np.array([k.place(values[k.label]) for k in knobs]) - spot)
        return z @ z

    return knobs, score, ({}, values_at(knobs, spot))


def mixed_boosting():
    """Boosting: rate times trees is a ridge, which depth moves."""
    items = [
        plain("booster", ["plain", "dropped", "linear"]),
        Knob("loguniform", "rate", math.log(1e-3), 0.0),
        Knob("qloguniform", "trees", math.log(20), math.log(1000), 20),
        Knob("uniformint", "depth", 1, 12),
        Knob("quniform", "rows", 0.3, 1.0, 0.05),
        Knob("quniform", "columns", 0.1, 1.0, 0.1),
        Knob("lognormal", "l2", 0.0, 2.0),
    ]
    floors = {"plain": 0.0, "dropped": -0.05, "linear": 0.25}

    def ridge(kind, depth):
        return {"plain": 2.6, "dropped": 3.5, "linear": 1.0}[kind] - 0.25 * (depth - 4)

    def score(kinds, values):
        kind, depth = kinds["booster"], values["depth"]
        swing = math.log(values["rate"] * values["trees"]) - ridge(kind, depth)
        l2 = math.log(max(values["l2"], 1e-12))
        return (
            floors[kind]
            + 0.5 * dip(swing, 0.8 if kind != "dropped" else 0.45)
            + 0.1 * dip(math.log(values["trees"] / 360), 1.2)
            + 0.012 * (depth - 4) ** 2
            + 0.8 * (values["rows"] - 0.75) ** 2
            + 0.3 * (values["columns"] - 0.3 - 0.5 * (values["rows"] - 0.75)) ** 2
            + 0.2 * dip(l2 - 1.4 - 0.2 * (depth - 4), 1.5)
        )

    values = {"rate": math.exp(ridge("dropped", 4)) / 360, "trees": 360, "depth": 4, "rows": 0.75}
    values |= {"columns": 0.3, "l2": math.exp(1.4)}
    return items, score, ({"booster": "dropped"}, values)


def mixed_recipe():
    """Eight materials with hidden properties, and a process that must suit the one chosen."""
    rng = np.random.default_rng(222)
    names = [f"m{i}" for i in range(8)]
    hidden_at = rng.uniform(0.1, 0.9, (8, 2))
    floors = rng.uniform(0.1, 0.6, 8)
    floors[5] = 0.0
    finishes = {"raw": 0.15, "coated": 0.05, "baked": 0.0, "washed": 0.3}
    items = [
        plain("material", names),
        plain("finish", finishes),
        Knob("uniform", "heat", 100.0, 900.0),
        Knob("loguniform", "time", math.log(0.1), math.log(100.0)),
        Knob("randint", "stages", 6),
        Knob("quniform", "load", 0.0, 5.0, 0.25),
    ]
    heat, time = items[2:4]

    def score(kinds, values):
        material, finish = names.index(kinds["material"]), kinds["finish"]
        x = heat.place(values["heat"]) - hidden_at[material][0]
        y = time.place(values["time"]) - hidden_at[material][1]
        baked = finish == "baked"
        return (
            floors[material]
            + finishes[finish]
            + 0.7 * dip(x + y, 0.12 if baked else 0.25)
            + 0.4 * dip(x - y, 0.4)
            + 0.05 * (values["stages"] - (4 if material % 2 else 1)) ** 2
            + 0.3 * dip(values["load"] - (1.25 if baked else 3.75), 1.0)
        )

    x, y = hidden_at[5]
    values = {"heat": heat.value(x), "time": time.value(y), "stages": 4, "load": 1.25}
    return items, score, ({"material": "m5", "finish": "baked"}, values)


DEV_STEPS = [
    Knob("uniformint", "a", 0, 12),
    Knob("uniformint", "b", 1, 40),
    Knob("randint", "c", 7),
    Knob("quniform", "d", 0.0, 2.0, 0.1),
    Knob("qloguniform", "e", math.log(4), math.log(400), 4),
    Knob("quniform", "f", -50.0, 50.0, 5.0),
    Knob("uniform", "g", -1.0, 3.0),
]
TEST_STEPS = [
    Knob("normal", "a", 3.0, 2.0),
    Knob("lognormal", "b", -4.0, 1.5),
    Knob("uniformint", "c", 2, 25),
    Knob("quniform", "d", 10.0, 90.0, 10.0),
    Knob("loguniform", "e", -8.0, 2.0),
    Knob("qloguniform", "f", math.log(2), math.log(60), 1),
]

add("dev", "mixed", "training", *mixed_training())
add("dev", "mixed", "codes-3+4+5+2", *mixed_codes((3, 4, 5, 2), 3, 111, 0.15))
add("dev", "mixed", "steps-7", *mixed_steps(DEV_STEPS, 112, 30.0))
add("test", "mixed", "boosting", *mixed_boosting())
add("test", "mixed", "recipe", *mixed_recipe())
add("test", "mixed", "priors-6", *mixed_steps(TEST_STEPS, 221, 60.0))

# Noise: its deviation is about what random search's best of 128 still lacks.

rotated(
    "dev", "noisy-ellipsoid-4", functools.partial(ellipsoid, condition=20.0), 4, 0, 2, 141,
    group="noisy", noise=0.5,
)  # fmt: skip
rotated("test", "noisy-griewank-5", griewank, 5, 0, 12, 241, group="noisy", noise=0.5)
add("test", "noisy", "noisy-codes-4+3", *mixed_codes((4, 3), 3, 242, 0.2), noise=0.1)
