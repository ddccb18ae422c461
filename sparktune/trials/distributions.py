"""The labels of a space in Optuna's distributions, and the values in its shapes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np

from ..space.distributions import Distribution, Normal, Uniform
from ..space.nodes import Choice, Param
from ..space.texts import short_text
from ..space.tree import Space

__all__ = ["Shape", "categories_of", "shapes_of"]

_WIDENED = 0.1  # of the observed range, on each side
_STEPS = 1e7


@dataclass(frozen=True)
class Shape:
    """How a label is written in Optuna.

    Attributes:
        distribution: Optuna's.
        note: what this leaves out of the label's own distribution; None where it is all there.
        categories: of a choice, by index of the option.
        q: the step of the values, where the distribution has it, too.
    """

    distribution: Any
    note: str | None = None
    categories: tuple[Any, ...] | None = None
    q: float | None = None

    def written(self, value: int | float) -> Any:
        """A value of the label, as a parameter of Optuna's."""
        if self.categories is not None:
            return self.categories[int(value)]
        if isinstance(value, int):
            return value
        if self.q is not None:
            value = _multiple(value, self.q)
        # the last digit of an exponential may lie beyond the bound
        return min(max(value, self.distribution.low), self.distribution.high)


def shapes_of(
    space: Space, observed: Mapping[str, Sequence[float]], known: Mapping[str, Any]
) -> dict[str, Shape]:
    """How each label of a space is written in Optuna.

    Args:
        space: the space.
        observed: values by label, which the range of an unbounded label is made from; labels that
            were never active are left out of the answer.
        known: distributions by label that the study has already; those of unbounded labels are
            kept, as long as all values lie in them.
    """
    found = {}
    for param in space.params:
        values = observed.get(param.label, ())
        if len(values):
            found[param.label] = _shape_of(param, values, known.get(param.label))
    return found


def _shape_of(param: Param, values: Sequence[float], known: Any) -> Shape:
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if isinstance(param, Choice):
        categories = categories_of(param)
        return Shape(CategoricalDistribution(categories), categories=categories)
    distribution = param.distribution
    low, high = distribution.support
    if not isinstance(distribution, (Uniform, Normal)):
        return Shape(IntDistribution(math.ceil(low), math.floor(high)))
    log, q = distribution.log, distribution.q
    if isinstance(distribution, Uniform):
        note = None
        low, high = (_value(distribution, z) for z in (low, high))
        if q is not None and log:
            note = f"{_words(distribution)}: written without its step of {q:g}"
            if not low > 0:
                log, note = False, f"{_words(distribution)}: written without its logarithm"
    else:
        note = f"{_words(distribution)}: has no bounds, written as its observed range, widened"
        if q is not None and log:
            note += f", without {'its logarithm' if min(values) <= 0 else f'its step of {q:g}'}"
            log = min(values) > 0
        low, high = _widened(values, distribution, log)
        if _holds(known, values, log):
            low, high = known.low, known.high
    if q is None or log:
        return Shape(FloatDistribution(low, high, log=log), note)
    first, last = _multiple(low, q), _multiple(high, q)
    many = max(abs(low), abs(high)) / q > _STEPS  # more than Optuna tells from rounding
    if many or (Decimal(str(last)) - Decimal(str(first))) % Decimal(str(q)):
        note = f"{note or _words(distribution)}: written without its step of {q!r}"
        return Shape(FloatDistribution(low, high), note)
    return Shape(FloatDistribution(first, last, step=q), note, q=q)


def _value(distribution: Uniform, z: float) -> float:
    return float(distribution.value(z))


def _words(distribution: Distribution) -> str:
    """A distribution as the user wrote it, without its label."""
    normal = isinstance(distribution, Normal)
    q = distribution.q
    ends = ("mu", "sigma") if normal else ("low", "high")
    numbers = [getattr(distribution, end) for end in ends] + ([q] if q else [])
    return f"{distribution.word}({', '.join(f'{number:g}' for number in numbers)})"


def _widened(values: Sequence[float], distribution: Normal, log: bool) -> tuple[float, float]:
    """A range around values that were observed; around one alone a deviation on each side."""
    low, high = min(values), max(values)
    if log:
        low, high = math.log(low), math.log(high)
    more = _WIDENED * (high - low)
    if not more > 0:
        more = distribution.sigma if log or not distribution.log else max(abs(high), 1.0)
    if distribution.q is not None:
        more = max(more, distribution.q) if not log else more
    low, high = low - more, high + more
    if log:
        return math.exp(low), math.exp(high)
    return (max(low, 0.0) if distribution.log else low), high


def _holds(known: Any, values: Sequence[float], log: bool) -> bool:
    """Whether a distribution of a study is of the right kind, and holds all values."""
    if getattr(known, "log", None) is not log:
        return False
    return bool(known.low <= min(values) and max(values) <= known.high)


def _multiple(value: float, q: float) -> float:
    """The multiple of q nearest to a value, in the digits that q is written with."""
    return float(round(value / q) * Decimal(str(q)))


def categories_of(choice: Choice) -> tuple[Any, ...]:
    """The options of a choice as Optuna can hold them, all different.

    Texts, numbers, bools and None stay as they are, others become a short text.
    """
    found: list[Any] = []
    for index, option in enumerate(choice.options):
        plain = option.item() if isinstance(option, np.generic) else option
        if type(plain) not in (str, int, float, bool, type(None)):
            plain = short_text(option)
        if any(plain == other for other in found):  # as Optuna compares them: 1 is True
            plain = str(plain)
        if any(plain == other for other in found):
            plain = f"{plain} ({index})"
        found.append(plain)
    return tuple(found)
