"""Spaces and losses of the problems: knobs, forks, wells. See problems.py."""

import math
import zlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

HALVES = ("dev", "test")


class Knob:
    """A hyperparameter: a word of hp and its arguments, with its range mapped to 0 .. 1."""

    def __init__(self, word, label, *args):
        self.word, self.label, self.args = word, label, args
        self.log = word in ("loguniform", "qloguniform", "lognormal")
        if word == "randint":
            self.low, self.high = 0, args[0] - 1
        elif word in ("normal", "lognormal"):  # not bounds, of course
            self.low, self.high = args[0] - 2 * args[1], args[0] + 2 * args[1]
        else:
            self.low, self.high = args[:2]
        self.step = 1 if word in ("randint", "uniformint") else None
        if word in ("quniform", "qloguniform"):
            self.step = args[2]

    def node(self, hp):
        return getattr(hp, self.word)(self.label, *self.args)

    def place(self, value):
        """Where in its range a value lies."""
        return ((math.log(value) if self.log else value) - self.low) / (self.high - self.low)

    def value(self, place):
        """The value at, or with steps the one nearest to, a place in the range."""
        value = self.low + place * (self.high - self.low)
        value = math.exp(value) if self.log else value
        return value if self.step is None else round(value / self.step) * self.step


@dataclass(frozen=True)
class Fork:
    """A choice: name of each option -> knobs and forks that only it has."""

    label: str
    options: dict


def plain(label, names):
    """A choice without anything below it."""
    return Fork(label, {name: [] for name in names})


class Task:
    """What a contender is given: a space and losses, of one half of a suite.

    Attributes:
        name, group: its own, and its family's.
        half: one of HALVES.
        items: knobs and forks.
        costly: whether what a configuration is worth takes long to find out.
        least: regret beside random search's, below which all is the same.
    """

    costly = False
    least = 1e-3

    @property
    def tree(self):
        """Whether some labels are active in some candidates only."""
        return any(isinstance(i, Fork) and any(i.options.values()) for i in self.items)

    def space(self, hp):
        """The space in the words of ``hp``, sparktune's module or Hyperopt's."""
        return _nodes(hp, self.items, {})

    def observed(self, config, seed, number):
        """What a contender sees of a trial, by its number in the run of a seed: alike for all."""
        raise NotImplementedError

    def worth(self, config):
        """What a configuration is worth once it is chosen."""
        raise NotImplementedError

    def signature(self, configs):
        """A text that changes with what is evaluated."""
        raise NotImplementedError


@dataclass(frozen=True, eq=False)
class Problem(Task):
    """A space and a loss.

    ``best`` is an optimal point as (kinds, values): name of the option by label of the fork, value
    by label of the knob. ``noise`` is the deviation of what an evaluation adds to the loss.
    """

    name: str
    half: str
    group: str
    items: list
    score: Callable
    best: tuple
    optimum: float
    noise: float = 0.0

    def loss(self, config):
        """The loss of a configuration, without noise."""
        kinds, values = {}, {}
        gather(config, kinds, values)
        return float(self.score(kinds, values))

    def observed(self, config, seed, number):
        """Loss and noise."""
        loss = self.loss(config)
        if self.noise:
            stream = [zlib.crc32(self.name.encode()), seed, number]
            loss += self.noise * np.random.default_rng(stream).normal()
        return loss

    def signature(self, configs):
        losses = [f"{self.loss(config):.9g}" for config in configs]
        return f"{losses} {self.noise} {self.optimum:.9g}"

    def worth(self, config):
        """Its loss without noise."""
        return self.loss(config)


def _nodes(hp, items, known):
    """A dict of nodes; the same knob in several places is one node."""
    found = {}
    for item in items:
        if isinstance(item, Fork):
            options = [
                {"kind": name, **_nodes(hp, below, known)} for name, below in item.options.items()
            ]
            found[item.label] = hp.choice(item.label, options)
        else:
            if item.label not in known:
                known[item.label] = item.node(hp)
            found[item.label] = known[item.label]
    return found


def gather(config, kinds, values):
    """Sort a configuration's entries into the kinds chosen at forks and the values of knobs."""
    for label, value in config.items():
        if isinstance(value, dict):
            kinds[label] = value["kind"]
            gather(value, kinds, values)
        elif label != "kind":
            values[label] = value


PROBLEMS = {}


def add(half, group, name, items, score, best, noise=0.0, optimum=None):
    """Register a problem whose optimum is the score of ``best`` unless given."""
    assert name not in PROBLEMS
    if optimum is None:
        optimum = float(score(*best))
    PROBLEMS[name] = Problem(name, half, group, items, score, best, optimum, noise)


def spot_of(knobs, rng):
    """A point away from the centre and the bounds, on the steps where there are any."""
    places = 0.5 + rng.choice([-1, 1], len(knobs)) * rng.uniform(0.12, 0.38, len(knobs))
    return np.array([k.place(k.value(p)) for k, p in zip(knobs, places, strict=True)])


def rotation(d, rng):
    return np.linalg.qr(rng.normal(size=(d, d)))[0]


class Well:
    """0 at its spot, rising to 1 far away; half of it at distance ``width`` of it.

    Distances are in units of the ranges, with axes mixed and of different importance.
    """

    def __init__(self, knobs, seed, width):
        rng = np.random.default_rng(seed)
        d = len(knobs)
        self.knobs = knobs
        self.spot = spot_of(knobs, rng)
        weights = np.exp(rng.uniform(-0.7, 0.7, d))
        mix = rotation(d, rng) * 0.5 + np.eye(d)
        self.mix = mix * weights / width

    def __call__(self, values):
        u = np.array([k.place(values[k.label]) for k in self.knobs])
        z = self.mix @ (u - self.spot)
        square = z @ z
        return square / (1.0 + square)

    @property
    def best(self):
        pairs = zip(self.knobs, self.spot, strict=True)
        return {k.label: k.value(place) for k, place in pairs}


def dip(x, width):
    """0 at 0, 1/2 at ``width``, 1 far away."""
    return x * x / (x * x + width * width)


def boxes(d, rng):
    """Knobs x0, x1, ... on ranges of different places and widths."""
    widths = rng.choice([1.0, 3.0, 10.0, 50.0], d)
    lows = np.round(rng.uniform(-1, 0.5, d) * widths, 1)
    return [
        Knob("uniform", f"x{i}", float(low), float(low + width))
        for i, (low, width) in enumerate(zip(lows, widths, strict=True))
    ]


def values_at(knobs, places):
    return {k.label: k.value(p) for k, p in zip(knobs, places, strict=True)}
