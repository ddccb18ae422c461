"""Hyperas' words for ranges, which stand in a function where their numbers are to come.

>>> from sparktune.hyperas.distributions import choice, uniform
>>> def create_model(x, y):
...     units = {{choice([8, 16])}}
...     rate = {{uniform(0, 0.8)}}

Arguments are those of ``sparktune.hp`` without the label, which comes from the variable or the
keyword; there is no ``pchoice``, ``uniformint`` takes no ``q`` and ``randint`` no ``upper``. In a
loop the variable of the loop may follow as the last argument: ``{{choice([8, 16], i)}}`` is one
hyperparameter for each round.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NoReturn

from .. import hp

__all__ = [
    "choice",
    "conditional",
    "lognormal",
    "loguniform",
    "normal",
    "qlognormal",
    "qloguniform",
    "qnormal",
    "quniform",
    "randint",
    "uniform",
    "uniformint",
]

_UNREAD = (
    "the template of {} was reached by a call that no search has made: templates belong in the "
    "function that is given as `model`, which sparktune.hyperas.optim rewrites; neither a plain "
    "call of that function nor a function that it calls sees any values"
)


class Range:
    """A range without a label, as a template holds it.

    Args:
        word: the name of the function in ``sparktune.hp``.
        arguments: what follows the label there.
        named: of these, what was given by name.
    """

    def __init__(self, word: str, *arguments: Any, **named: Any) -> None:
        self.word, self.arguments, self.named = word, arguments, named

    def node(self, label: str, words: Any = hp) -> Any:
        """The hyperparameter of this range, by ``sparktune.hp`` or another module of its words."""
        return getattr(words, self.word)(label, *self.arguments, **self.named)

    def refuse(self) -> NoReturn:
        """Say that the template was reached where nothing is searched."""
        raise TypeError(_UNREAD.format(self))

    def __hash__(self) -> int:  # what Python asks where it makes a set of a set
        self.refuse()

    def __eq__(self, other: object) -> bool:
        return self is other

    def __repr__(self) -> str:
        given = [*map(repr, self.arguments), *(f"{k}={v!r}" for k, v in self.named.items())]
        return f"{self.word}({', '.join(given)})"


def choice(options: Iterable[Any]) -> Range:
    """One of ``options``: a list, tuple, range or array of anything.

    Where the list is written out in the template, an option that makes an object, such as
    ``Dropout(0.5)``, makes a new one in each trial.
    """
    return Range("choice", options)


def randint(low: int, high: int | None = None) -> Range:
    """A whole number below ``low``, or from ``low`` to below ``high``."""
    return Range("randint", low) if high is None else Range("randint", low, high)


def uniformint(low: int, high: int) -> Range:
    """A whole number from ``low`` to ``high``, both included."""
    return Range("uniformint", low, high)


def uniform(low: float, high: float) -> Range:
    """A real number between ``low`` and ``high``."""
    return Range("uniform", low, high)


def quniform(low: float, high: float, q: float) -> Range:
    """``round(uniform(low, high) / q) * q``, a ``float``."""
    return Range("quniform", low, high, q)


def loguniform(low: float, high: float) -> Range:
    """``exp(uniform(low, high))``: both bounds are natural logarithms of the values."""
    return Range("loguniform", low, high)


def qloguniform(low: float, high: float, q: float) -> Range:
    """``round(exp(uniform(low, high)) / q) * q``: both bounds are natural logarithms."""
    return Range("qloguniform", low, high, q)


def normal(mu: float, sigma: float) -> Range:
    """A real number, normal with mean ``mu`` and standard deviation ``sigma``; unbounded."""
    return Range("normal", mu, sigma)


def qnormal(mu: float, sigma: float, q: float) -> Range:
    """``round(normal(mu, sigma) / q) * q``, a ``float``."""
    return Range("qnormal", mu, sigma, q)


def lognormal(mu: float, sigma: float) -> Range:
    """``exp(normal(mu, sigma))``: mean and deviation are those of the natural logarithm."""
    return Range("lognormal", mu, sigma)


def qlognormal(mu: float, sigma: float, q: float) -> Range:
    """``round(exp(normal(mu, sigma)) / q) * q``: parameters of the natural logarithm."""
    return Range("qlognormal", mu, sigma, q)


def conditional(drawn: Any) -> Any:
    """What was drawn; around the template of a condition, as older examples of Hyperas have it.

    Raises:
        TypeError: the template was reached by a call that no search has made.
    """
    if isinstance(drawn, Range):
        drawn.refuse()
    return drawn


def tune(distribution: Any) -> Any:
    """A template in another spelling: ``tune(choice([8, 16]))`` is ``{{choice([8, 16])}}``.

    Raises:
        TypeError: it was reached by a call that no search has made, or ``distribution`` is none.
    """
    if isinstance(distribution, Range):
        distribution.refuse()
    raise TypeError(
        "`tune` takes a distribution, such as choice([8, 16]) of sparktune.hyperas.distributions, "
        f"but got {distribution!r}"
    )
