"""The one door for what people set: each check gives the value in its plain type, or a sentence."""

from __future__ import annotations

import contextlib
import inspect
import math
import operator
import warnings
from collections.abc import Collection
from typing import Any

import numpy as np

__all__ = ["advise", "flag", "keep", "number", "one_of", "real", "whole"]

_OURS = (__file__.rpartition("/")[0], contextlib.__file__)  # a with of ours has a frame there

_NO_NUMBERS = (bool, np.bool_, str, bytes, bytearray, np.complexfloating)


def number(value: object) -> float | None:
    """A value as a float; None for strings, bools, complex numbers and what else is no number."""
    if type(value) is float:
        return value
    if isinstance(value, _NO_NUMBERS):
        return None
    try:
        return float(value)  # type: ignore[arg-type]
    except OverflowError:  # a huge int
        return math.inf if value > 0 else -math.inf  # type: ignore[operator]
    except Exception:  # whatever a strange type raises, it is no real number
        return None


def whole(
    name: str,
    value: object,
    least: int = 1,
    most: int | None = None,
    *,
    none: bool = False,
    of: str = "",
) -> Any:
    """A whole number, also one that comes as a float or a numpy scalar.

    Args:
        name: of the argument.
        value: as given.
        least: the lowest that is allowed.
        most: the highest, None for no limit.
        none: whether None is allowed, too, and given back.
        of: whose argument it is, where that has to be said.

    Returns:
        An int, or None.

    Raises:
        ValueError: it is none of these; the message has the name, the rule and the value.
    """
    if value is None and none:
        return None
    found = _as_int(value)
    if found is None or found < least or (most is not None and found > most):
        limits = f">= {least}" if most is None else f"from {least} to {most}"
        raise _wrong(name, f"a whole number {limits}", none, value, of)
    return found


def real(
    name: str,
    value: object,
    what: str = "a number",
    *,
    above: float = -math.inf,
    least: float = -math.inf,
    most: float = math.inf,
    finite: bool = False,
    none: bool = False,
    of: str = "",
) -> Any:
    """A real number within limits, never NaN; ``name``, ``none`` and ``of`` are as in ``whole``.

    ``above`` is a limit that is not allowed itself, ``least`` and ``most`` are allowed, ``finite``
    refuses infinity. ``what`` is the number in words, such as "a number of seconds".

    Raises:
        ValueError: it is none of these; the message has the name, the rule and the value.
    """
    if value is None and none:
        return None
    found = number(value)
    inside = found is not None and least <= found <= most and not found <= above > -math.inf
    if not inside or (finite and math.isinf(found or 0.0)):
        raise _wrong(name, _rule(what, above, least, most), none, value, of)
    return found


def one_of(name: str, value: Any, options: Collection[Any], *, none: bool = False) -> Any:
    """One of several values.

    Raises:
        ValueError: it is none of them; the message has the name, the options and the value.
    """
    if (value is None and none) or (isinstance(value, str) and value in options):
        return value
    *others, last = map(repr, options)
    rule = f"{', '.join(others)} or {last}" if not none else ", ".join([*others, last])
    raise _wrong(name, rule, none, value, "")


def flag(name: str, value: object) -> bool:
    """A bool, also one of numpy.

    Raises:
        ValueError: it is none; the message has the name and the value.
    """
    if not isinstance(value, (bool, np.bool_)):
        raise ValueError(f"`{name}` must be True or False, but got {value!r}")
    return bool(value)


def keep(settings: object, **checked: object) -> None:
    """Set attributes of a frozen dataclass that is being made, to values in their plain types."""
    for name, value in checked.items():
        object.__setattr__(settings, name, value)


def advise(text: str, *, raises: bool = True) -> None:
    """Warn the user, at the line of theirs that called into this package.

    Args:
        text: the warning.
        raises: False where a filter of theirs that makes errors of warnings must not end what is
            under way.
    """
    level, frame = 2, inspect.currentframe()
    frame = frame and frame.f_back
    while frame is not None and frame.f_code.co_filename.startswith(_OURS):
        level, frame = level + 1, frame.f_back
    try:
        warnings.warn(text, stacklevel=level)
    except UserWarning:
        if raises:
            raise
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            warnings.warn(text, stacklevel=level)


def _as_int(value: object) -> int | None:
    if isinstance(value, _NO_NUMBERS):
        return None
    try:
        return operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        found = number(value)
    return int(found) if found is not None and found.is_integer() else None


def _rule(what: str, above: float, least: float, most: float) -> str:
    if above > -math.inf:
        limits = f"above {above:g} and at most {most:g}"
        return f"{what} > {above:g}" if most == math.inf else f"{what} {limits}"
    if least > -math.inf:
        return f"{what} >= {least:g}" if most == math.inf else f"{what} from {least:g} to {most:g}"
    return what


def _wrong(name: str, rule: str, none: bool, value: object, of: str) -> ValueError:
    begin = f"{of}: " if of else ""
    return ValueError(
        f"{begin}`{name}` must be {rule}{' or None' if none else ''}, but got {value!r}"
    )
