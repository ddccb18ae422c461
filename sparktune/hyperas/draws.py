"""What a function draws: labels with their ranges, and the options under which each is drawn.

A *cover* says when something may happen: a set of (label, option) pairs of which at least one is
taken whenever it does, or None where nothing is known. The space has a label under the pairs of its
cover, so a cover may be wider than the truth, and never narrower.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from ..space.nodes import Choice, Param
from .distributions import Range
from .templates import Site

__all__ = [
    "UNKNOWN",
    "Cover",
    "Draw",
    "Undecided",
    "Value",
    "best",
    "constant",
    "cover_of",
    "either",
]

Cover: TypeAlias = "frozenset[tuple[str, int]] | None"

UNKNOWN: Any = type("Unknown", (), {"__repr__": lambda _: "unknown before the trial"})()
"""An option that only a trial can make."""

_MOST_VALUES = 50  # of a numeric distribution on which others may depend
_MOST_CASES = 4096  # of several draws that decide together


class Undecided(Exception):  # noqa: N818 (it never leaves this room)
    """A value depends on what is not known before the trial."""


@dataclass
class Draw:
    """One hyperparameter of a function.

    Attributes:
        label: its name.
        site: the template.
        range: what the template holds.
        node: the hyperparameter, as ``sparktune.hp`` makes it.
        values: all that may be drawn, UNKNOWN for what is made in a trial; None for a continuum.
        weights: the prior probabilities of the values.
        cover: when it is drawn.
        chance: a bound on the prior probability that it is drawn, for comparing covers.
        made: the options where the space has the texts of some, None where it has all of them.
    """

    label: str
    site: Site
    range: Range
    node: Param
    values: tuple[Any, ...] | None = field(init=False)
    weights: tuple[float, ...] = field(init=False, default=())
    cover: Cover = None
    chance: float = 1.0
    made: tuple[Any, ...] | None = None

    def __post_init__(self) -> None:
        if isinstance(self.node, Choice):
            self.values = self.made if self.made is not None else self.node.options
            self.weights = self.node.distribution.p
            return
        distribution, self.values = self.node.distribution, None
        if distribution.discrete:
            values = tuple(itertools.islice(distribution.values(), _MOST_VALUES + 1))
            if len(values) <= _MOST_VALUES:
                self.values = values
                raw = [math.exp(float(distribution.log_prob(value))) for value in values]  # type: ignore[attr-defined]
                self.weights = tuple(each / sum(raw) for each in raw)


@dataclass(frozen=True)
class Value:
    """What an expression is worth, as a function of what was drawn.

    Attributes:
        deps: labels of the draws that it depends on.
        of: gives the value for a value of each of these; raises what the expression raises.
        loops: the variables of loops that it depends on.
    """

    deps: tuple[str, ...]
    of: Callable[[Mapping[str, Any]], Any]
    loops: frozenset[str] = frozenset()

    def cases(self, draws: Mapping[str, Draw]) -> list[dict[str, int]] | None:
        """Each combination of options that it depends on; None where these are too many."""
        counts = [len(draws[label].values or ()) for label in self.deps]
        if math.prod(counts) > _MOST_CASES:
            return None
        found = itertools.product(*map(range, counts))
        return [dict(zip(self.deps, each, strict=True)) for each in found]

    def at(self, case: Mapping[str, int], draws: Mapping[str, Draw]) -> Any:
        """The value where these options were taken.

        Raises:
            Undecided: it depends on what only a trial makes, or the expression raises.
        """
        drawn = {label: (draws[label].values or ())[option] for label, option in case.items()}
        if any(value is UNKNOWN for value in drawn.values()):
            raise Undecided
        try:
            return self.of(drawn)
        except Exception:  # the trial will say so, if it comes there
            raise Undecided from None


def constant(value: Any, loops: Iterable[str] = ()) -> Value:
    """A value that depends on no draw."""
    return Value((), lambda _: value, frozenset(loops))


def cover_of(value: Value, holds: Callable[[Any], bool], draws: Mapping[str, Draw]) -> Cover:
    """When a value may be such that ``holds`` is true of it."""
    cases = value.cases(draws)
    if cases is None:
        return None
    allowed = [case for case in cases if _may_hold(value, holds, case, draws)]
    if len(allowed) == len(cases):
        return None
    if not allowed:
        return frozenset()
    sides = [frozenset((label, case[label]) for case in allowed) for label in value.deps]
    some = zip(value.deps, sides, strict=True)
    restricting = [side for label, side in some if len(side) < len(draws[label].values or ())]
    return best(restricting, draws)


def _may_hold(
    value: Value, holds: Callable[[Any], bool], case: Mapping[str, int], draws: Mapping[str, Draw]
) -> bool:
    try:
        return bool(holds(value.at(case, draws)))
    except Exception:  # such as the truth of an array
        return True


def best(covers: Sequence[Cover], draws: Mapping[str, Draw]) -> Cover:
    """The narrowest cover of what happens where several things do; of equals the last.

    Covers of one label are one: the options that all of them leave.
    """
    found: Cover = None
    least = math.inf
    of_one: dict[str, frozenset[tuple[str, int]]] = {}
    for cover in covers:
        if cover is None:
            continue
        labels = {label for label, _ in cover}
        if len(labels) == 1:
            (label,) = labels
            both = of_one[label] = cover & of_one.get(label, cover)
        else:
            both = cover
        if chance_of(both, draws) <= least + 1e-12:
            found, least = both, chance_of(both, draws)
    return found


def either(covers: Iterable[Cover]) -> Cover:
    """The cover of what happens where one of several things does."""
    found: frozenset[tuple[str, int]] = frozenset()
    for cover in covers:
        if cover is None:
            return None
        found |= cover
    return found


def chance_of(cover: Cover, draws: Mapping[str, Draw]) -> float:
    """A bound on the prior probability of a cover."""
    if cover is None:
        return 1.0
    return min(1.0, sum(draws[of].chance * draws[of].weights[option] for of, option in cover))
