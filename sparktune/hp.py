"""The words in which a search space is written.

>>> from sparktune import hp
>>> space = {"lr": hp.loguniform("lr", -9, 0), "layers": hp.uniformint("layers", 1, 4)}

Every function takes a label first: a string, unique within a space, that names the hyperparameter
in results. A node that stands in several places of a space is drawn once. Errors name the label;
they are ValueError for wrong numbers and TypeError for wrong types.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ParamSpec, TypeVar

import numpy as np

from .checks import advise
from .exceptions import BadSearchSpace
from .space.discrete import Integers, whole_number
from .space.distributions import Distribution, Normal, Uniform
from .space.doubts import doubt_about
from .space.expressions import Call
from .space.tree import Choice, Param

__all__ = [
    "choice",
    "lognormal",
    "loguniform",
    "normal",
    "pchoice",
    "qlognormal",
    "qloguniform",
    "qnormal",
    "quniform",
    "randint",
    "uniform",
    "uniformint",
]


P = ParamSpec("P")
Made = TypeVar("Made")

_LONGEST = 60  # characters of an argument in a message


def __dir__() -> list[str]:
    return sorted(__all__)


def labelled(word: Callable[P, Made]) -> Callable[P, Made]:
    """A word that shows how it is called where its first argument is no label."""

    @functools.wraps(word)
    def checked(*args: P.args, **kwargs: P.kwargs) -> Made:
        label = args[0] if args else kwargs.get("label", "")
        if not isinstance(label, str):
            name = word.__name__.removeprefix("hp_")
            raise TypeError(
                f"require string label: the first argument of hp.{name} is the label, as in "
                f"{_call(word, name, args, kwargs)}, but got {label!r:.200}"
            )
        return word(*args, **kwargs)

    return checked


def _call(
    word: Callable[..., Any], name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> str:
    """The call that was meant: a label before what was given where it was forgotten."""
    more = {key: value for key, value in kwargs.items() if key != "label"}
    try:
        inspect.signature(word).bind("x", *args, **more)
        forgotten = args[:1] != (None,)
    except TypeError:  # one too many, so that the first stands where the label does
        forgotten = False
    values = [_brief("x"), *map(_brief, args if forgotten else args[1:])]
    values += [f"{key}={_brief(value)}" for key, value in more.items()]
    return f"hp.{name}({', '.join(values)})"


def _brief(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST else "..."


def _param(label: str, make: Callable[[], Distribution]) -> Param:
    try:
        distribution = make()
    except (TypeError, ValueError) as error:
        raise type(error)(f"{label!r}: {error}") from None
    doubt = doubt_about(distribution)
    if doubt is not None:
        advise(f"{label!r}: {doubt}")
    return Param(label, distribution)


def options_of(label: str, options: Any) -> tuple[Any, ...]:
    """The options of a choice, as a tuple; what cannot be options is refused."""
    if type(options) not in (list, tuple):
        refused = (str, bytes, Mapping, set, frozenset, Param, Call)
        table = hasattr(options, "iterrows") or (
            isinstance(options, np.ndarray) and not options.ndim
        )
        if isinstance(options, refused) or table or not isinstance(options, Iterable):
            raise TypeError(
                f"{label!r}: options come as a list, a tuple, a range or an array, but got "
                f"{options!r}"
            )
        if isinstance(options, np.ndarray):
            options = options.tolist() if options.ndim == 1 else list(options)
    items = tuple(options)
    if not items:
        raise BadSearchSpace(f"{label!r}: a choice needs at least one option, but got none")
    return items


@labelled
def choice(label: str, options: Iterable[Any]) -> Choice:
    """One of ``options``, all equally likely a priori.

    Options come as a list, tuple, range or array. One may hold further hyperparameters, which are
    active only where it is taken. The objective receives the option; results and ``argmin`` hold
    its index.

    Raises:
        BadSearchSpace: there is no option.
        TypeError: ``label`` is no string, or options come as anything else.
    """
    items = options_of(label, options)
    return Choice(label, (1.0 / len(items),) * len(items), items)


@labelled
def pchoice(label: str, p_options: Iterable[tuple[float, Any]]) -> Choice:
    """One of several options: (probability, option) pairs whose probabilities sum to 1.

    The objective receives the option; results and ``argmin`` hold its index.

    Raises:
        BadSearchSpace: there is no option, or a probability is negative, or they do not sum to 1.
        TypeError: ``label`` is no string, or options come as anything but such pairs.
    """
    items = options_of(label, p_options)
    for item in items:
        if not isinstance(item, (tuple, list)) or len(item) != 2:
            raise TypeError(f"{label!r}: options are (probability, option) pairs, but got {item!r}")
        if isinstance(item[0], bool) or not isinstance(item[0], (int, float, np.number)):
            raise TypeError(f"{label!r}: a probability is a number, but got {item[0]!r}")
    try:
        return Choice(label, tuple(float(p) for p, _ in items), tuple(o for _, o in items))
    except ValueError as error:
        raise BadSearchSpace(f"{label!r}: {error}") from None


@labelled
def randint(
    label: str,
    low: int | None = None,
    high: int | None = None,
    *more: int,
    upper: int | None = None,
) -> Param:
    """A whole number: ``randint(label, upper)`` or ``randint(label, low, high)``.

    The upper end is excluded, the lower one (by default 0) included. Each may be given by position
    or by name; ``low`` alone is the upper end, as it is by position.

    Raises:
        ValueError: ``low < high`` does not hold, or a bound is no whole number within 2**53.
        TypeError: ``label`` is no string, a bound is no number, or there is none or one too many.
    """
    if low is None and high is None:
        low, upper = upper, None
    if low is None or upper is not None or more:
        got = ", ".join(repr(b) for b in (low, high, *more, upper) if b is not None)
        raise TypeError(f"{label!r}: randint takes (upper) or (low, high), but got ({got})")
    first, last = (0, low) if high is None else (low, high)

    def make() -> Distribution:
        least, above = whole_number(first, "low"), whole_number(last, "high")
        if least >= above:
            raise ValueError(f"`low < high` must hold, but got low={first}, high={last}")
        return Integers(least, above - 1)

    return _param(label, make)


@labelled
def uniformint(label: str, low: int, high: int, q: float = 1) -> Param:
    """A whole number from ``low`` to ``high``, both included, as an ``int``.

    ``q`` is there for Hyperopt's sake, where it means nothing either: another one than 1 draws a
    warning.

    Raises:
        ValueError: ``low < high`` or ``q > 0`` does not hold, or a bound is no whole number within
            2**53.
        TypeError: ``label`` is no string, or a setting no number.
    """

    def make() -> Distribution:
        distribution = Integers(low, high)
        if distribution.low == distribution.high:
            raise ValueError(f"`low < high` must hold, but got low={low}, high={high}")
        step = Uniform(0, 1, q=q).q  # refuses what is no step
        if step != 1:
            advise(
                f"{label!r}: uniformint takes every whole number, so q={q} changes nothing; for "
                f"multiples of q write scope.int(hp.quniform({label!r}, {low}, {high}, {q}))"
            )
        return distribution

    return _param(label, make)


@labelled
def uniform(label: str, low: float, high: float) -> Param:
    """A real number between ``low`` and ``high``, all equally likely; a ``float``.

    Raises:
        ValueError: ``low < high`` does not hold, or a bound is not finite.
        TypeError: ``label`` is no string, or a bound no number.
    """
    return _param(label, lambda: Uniform(low, high))


@labelled
def quniform(label: str, low: float, high: float, q: float) -> Param:
    """``round(uniform(low, high) / q) * q``, a ``float``; for an ``int`` use uniformint.

    Values are multiples of ``q`` and may lie up to ``q / 2`` out of the bounds:
    ``quniform("n", 1, 10, 3)`` gives 0, 3, 6 and 9.

    Raises:
        ValueError: ``low < high`` or ``q > 0`` does not hold, or a number is not finite.
        TypeError: ``label`` is no string, or a setting no number.
    """
    return _param(label, lambda: Uniform(low, high, q=q))


@labelled
def loguniform(label: str, low: float, high: float) -> Param:
    """``exp(uniform(low, high))``: both bounds are natural logarithms of the values.

    Raises:
        ValueError: ``low < high`` does not hold, or a float cannot hold the exponential of a bound.
        TypeError: ``label`` is no string, or a bound no number.
    """
    return _param(label, lambda: Uniform(low, high, log=True))


@labelled
def qloguniform(label: str, low: float, high: float, q: float) -> Param:
    """``round(exp(uniform(low, high)) / q) * q``: both bounds are natural logarithms.

    Values are multiples of ``q`` and may lie up to ``q / 2`` out of the range.

    Raises:
        ValueError: ``low < high`` or ``q > 0`` does not hold, or a float cannot hold a number or
            the exponential of a bound.
        TypeError: ``label`` is no string, or a setting no number.
    """
    return _param(label, lambda: Uniform(low, high, log=True, q=q))


@labelled
def normal(label: str, mu: float, sigma: float) -> Param:
    """A real number, normal with mean ``mu`` and standard deviation ``sigma``; unbounded.

    Raises:
        ValueError: ``sigma > 0`` does not hold, or a number is not finite.
        TypeError: ``label`` is no string, or a setting no number.
    """
    return _param(label, lambda: Normal(mu, sigma))


@labelled
def qnormal(label: str, mu: float, sigma: float, q: float) -> Param:
    """``round(normal(mu, sigma) / q) * q``, a ``float``.

    Raises:
        ValueError: ``sigma > 0`` or ``q > 0`` does not hold, or a number is not finite.
        TypeError: ``label`` is no string, or a setting no number.
    """
    return _param(label, lambda: Normal(mu, sigma, q=q))


@labelled
def lognormal(label: str, mu: float, sigma: float) -> Param:
    """``exp(normal(mu, sigma))``: mean and deviation are those of the natural logarithm.

    Raises:
        ValueError: ``sigma > 0`` does not hold, or values are more than a float can hold.
        TypeError: ``label`` is no string, or a setting no number.
    """
    return _param(label, lambda: Normal(mu, sigma, log=True))


@labelled
def qlognormal(label: str, mu: float, sigma: float, q: float) -> Param:
    """``round(exp(normal(mu, sigma)) / q) * q``: parameters of the natural logarithm.

    Raises:
        ValueError: ``sigma > 0`` or ``q > 0`` does not hold, or values are more than a float can
            hold.
        TypeError: ``label`` is no string, or a setting no number.
    """
    return _param(label, lambda: Normal(mu, sigma, log=True, q=q))
