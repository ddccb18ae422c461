"""Candidates that come from outside as plain values and latents: checked and encoded in one pass.

A journal may hold anything, and so may what a suggester of one's own proposes. Most values are seen
to be right by two comparisons; only the others are looked at by their distribution.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from numbers import Integral
from typing import Any, NamedTuple, TypeAlias

from ..arithmetic import own_arithmetic
from ..checks import number
from ..exceptions import InvalidTrial
from .discrete import Categorical, Integers
from .distributions import Distribution, Normal, Uniform

__all__ = ["Encoder"]

_Pair: TypeAlias = "tuple[dict[str, int | float], list[float]]"
_CLOSE = 1e-9  # of a value: what rounding leaves between it and its latent


class _Label(NamedTuple):
    """One column.

    Attributes:
        parents: pairs of a choice's label and an option, any of which activates it.
        low, high: between which each number is a value, or each multiple of ``q``.
        q: the step; None without one.
        latent: of a value in between; None where it is the value itself.
        whole: whether only whole numbers are values.
    """

    name: str
    parents: tuple[tuple[str, int], ...]
    distribution: Distribution
    low: float
    high: float
    q: float | None
    latent: Callable[[float], float] | None
    whole: bool


class Encoder:
    """Encodes candidates of one space.

    Args:
        labels: of the space, a choice before what depends on it.
        distributions: of each label.
        parents: for each label the (column, option) pairs any one of which activates it.
    """

    def __init__(
        self,
        labels: Sequence[str],
        distributions: Sequence[Distribution],
        parents: Sequence[Iterable[tuple[int, int]]],
    ) -> None:
        self._known = frozenset(labels)
        self._labels = [
            _label(name, tuple((labels[column], option) for column, option in pairs), distribution)
            for name, distribution, pairs in zip(labels, distributions, parents, strict=True)
        ]

    def pairs(self, batch: Iterable[Mapping[str, Any]]) -> list[_Pair]:
        """The values of each candidate by label, in order, and its d latents, nan where inactive.

        Values come as native numbers. Costs some 0.2 microseconds a label, and one more where it is
        rounded or log-distributed.

        Raises:
            InvalidTrial: a candidate has a label that the space does not have, a value that the
                label does not take, one of an inactive label, or none of an active one.
        """
        return [self._pair(values) for values in batch]

    def _pair(self, values: Mapping[str, Any]) -> _Pair:
        row: list[float] = []
        kept: dict[str, int | float] = {}
        for name, parents, distribution, low, high, q, latent, whole in self._labels:
            if parents:
                for parent, option in parents:
                    if parent in values and values[parent] == option:
                        break
                else:
                    row.append(math.nan)
                    continue
            if name not in values:
                self._refuse_unknown(values)
                raise InvalidTrial(
                    f"there is no value for {name!r}, which the candidate has by its other values"
                )
            kept[name] = value = values[name]
            kind = type(value)
            if (
                not (kind is int or (kind is float and not whole))
                or not low <= value <= high
                or (q is not None and round(value / q) * q != value)
            ):
                row.append(_latent_of(value, name, distribution))
                kept[name] = int(value) if isinstance(value, Integral) else float(value)
            elif latent is None:
                row.append(value + 0.0)  # no negative zero in a key
            else:
                row.append(latent(value) + 0.0)
        if len(kept) != len(values):
            self._refuse_more(values, row)
        return kept, row

    def _refuse_unknown(self, values: Mapping[str, Any]) -> None:
        for name in values:
            if name not in self._known:
                raise InvalidTrial(f"the space has no label {name!r:.60}")

    def _refuse_more(self, values: Mapping[str, Any], row: list[float]) -> None:
        """Raise for a label that is unknown, or that has no part in the candidate."""
        self._refuse_unknown(values)
        for label, z in zip(self._labels, row, strict=True):
            if z != z and label.name in values:
                raise InvalidTrial(
                    f"there is a value for {label.name!r}, which is inactive: the candidate took "
                    "none of the options that have it"
                )


def _label(name: str, parents: tuple[tuple[str, int], ...], distribution: Distribution) -> _Label:
    whole = isinstance(distribution, (Integers, Categorical))
    low = high = math.nan  # of an unknown kind nothing is seen at a glance
    q: float | None = None
    latent: Callable[[float], float] | None = None if whole else distribution.latent
    if isinstance(distribution, (Integers, Categorical)):
        low, high = distribution.low, distribution.high
    elif isinstance(distribution, (Uniform, Normal)):
        q = distribution.q
        low, high = (distribution.value(z) for z in distribution.support)
        if q is not None:  # beyond that each float is a multiple
            low, high = max(low, -(2**53) * q), min(high, 2**53 * q)
        least, most = distribution.support
        if not distribution.log and (q is None or (least <= low and high <= most)):
            latent = None
    return _Label(name, parents, distribution, low, high, q, latent, whole)


@own_arithmetic
def _latent_of(value: Any, name: str, distribution: Distribution) -> float:
    """The latent of a value that is no plain number within the bounds.

    A value that comes back from its latent is one: a search may have gone to the very end of a
    range, where rounding leaves it a little outside, or with a probability of 0.

    Raises:
        InvalidTrial: it is none of the label's values.
    """
    found = number(value)
    if found is None or not math.isfinite(found):
        rule = "a number" if found is None else "a finite number"
        raise InvalidTrial(f"{name!r:.60} takes {rule}, but got {value!r:.60}")
    if isinstance(distribution, (Uniform, Normal)):
        z = distribution.latent(found) + 0.0
        if math.isclose(distribution.value(z), found, rel_tol=_CLOSE):
            return z
    try:
        return distribution.latent(distribution.check(value, name)) + 0.0
    except ValueError as error:
        raise InvalidTrial(str(error)) from None
