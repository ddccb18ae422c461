"""The inverses of the functions that spaces compute with."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from ..checks import number
from .expressions import scope

__all__ = ["ANY_OF_MANY", "preimages"]

ANY_OF_MANY = (
    int, round, math.floor, math.ceil, operator.floordiv,
    scope.max(0).function, scope.min(0).function,
)  # fmt: skip
"""Functions that give the same for many values, for which one stands, if it is allowed."""

# y = f(x), and y = f(x, a) by x and y = f(a, x) by x
_OF_ONE: dict[Callable[..., Any], Callable[[float], Sequence[float]]] = {
    operator.neg: lambda y: (-y,),
    operator.pos: lambda y: (y,),
    float: lambda y: (y,),
    operator.abs: lambda y: (y, -y),
    abs: lambda y: (y, -y),
    math.exp: lambda y: (math.log(y),),
    math.log: lambda y: (math.exp(y),),
    math.log2: lambda y: (2.0**y,),
    math.log10: lambda y: (10.0**y,),
    math.sqrt: lambda y: (y * y,),
}
_OF_TWO: dict[Callable[..., Any], tuple[Callable[..., Sequence[float]], ...]] = {
    operator.add: (lambda y, a: (y - a,), lambda y, a: (y - a,)),
    operator.sub: (lambda y, a: (y + a,), lambda y, a: (a - y,)),
    operator.mul: (lambda y, a: (y / a,), lambda y, a: (y / a,)),
    operator.truediv: (lambda y, a: (y * a,), lambda y, a: (a / y,)),
    operator.floordiv: (lambda y, a: (y * a,), lambda y, a: (a / y,)),
    operator.pow: (lambda y, a: _roots(y, a), lambda y, a: (math.log(y) / math.log(a),)),
    pow: (lambda y, a: _roots(y, a), lambda y, a: (math.log(y) / math.log(a),)),
    math.log: (lambda y, a: (a**y,), lambda y, a: (a ** (1 / y),)),
}


def preimages(
    function: Callable[..., Any], place: int, others: Sequence[Any], result: Any
) -> Iterator[int | float]:
    """What an argument of a function may have been, by what the function gave.

    Args:
        function: of Python's own or of ``scope``; of others nothing is known.
        place: which argument.
        others: all arguments, whatever in that place.
        result: what the function gave.

    Yields:
        Numbers, which need not be solutions: whoever asks has to try them. One that is nearly whole
        comes as the whole number.
    """
    y = number(result)
    if y is None or not math.isfinite(y):
        return
    known = [number(other) for i, other in enumerate(others) if i != place]
    if any(other is None for other in known):
        return
    found: Sequence[float] = ()
    try:
        if len(others) == 2 and function in _OF_TWO:
            found = _OF_TWO[function][place](y, *known)
        elif function in ANY_OF_MANY:
            found = (y,)
        elif len(others) == 1 and function in _OF_ONE:
            found = _OF_ONE[function](y)
    except (ArithmeticError, ValueError, TypeError):  # no solution
        return
    for x in dict.fromkeys(found):
        if isinstance(x, complex) or not math.isfinite(x):
            continue
        whole = round(x)
        yield whole if math.isclose(x, whole, rel_tol=1e-9) else x


def _roots(y: float, exponent: float) -> tuple[float, ...]:
    """The real numbers whose power may be y."""
    root = abs(y) ** (1 / exponent)
    return root, -root
