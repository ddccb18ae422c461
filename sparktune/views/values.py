"""Parameters as people and programs read them, also where a record has them by name alone.

Nothing here evaluates an expression or calls what a space holds: an expression is written as text.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..cutting import cut
from ..history import Trial
from ..space.expressions import Call, Node
from ..space.nodes import Choice, Param
from ..space.tree import Space, Values

__all__ = ["brief_params", "digits", "one_line", "plain", "real_params"]

_LONGEST = 200  # characters of what stands for an object


def real_params(trial: Trial, space: Space) -> dict[str, Any]:
    """Label to real value of a trial, active labels only; a choice holds its option.

    As ``Trials.best_params``, but that an expression in an option is a text such as "int(3.0)".

    Args:
        trial: of the space, or apart with one of its own.
        space: that of the history.
    """
    space = trial.space_in(space)
    active = [label for label in space.labels if label in trial.values]
    return {label: _real(space.params[space.column[label]], trial.values) for label in active}


def _real(thing: Any, values: Values) -> Any:
    if isinstance(thing, Choice):
        return _real(thing.options[int(values[thing.label])], values)
    if isinstance(thing, Param):
        return values.get(thing.label)
    if isinstance(thing, Call):
        args = [_text(_real(arg, values)) for arg in thing.args]
        args += [f"{name}={_text(_real(arg, values))}" for name, arg in thing.kwargs.items()]
        return f"{_name(thing)}({', '.join(args)})"
    if isinstance(thing, dict):
        return {key: _real(item, values) for key, item in thing.items()}
    if isinstance(thing, (list, tuple)):
        items = [_real(item, values) for item in thing]
        return tuple(items) if isinstance(thing, tuple) else items
    return thing


def brief_params(trial: Trial, space: Space) -> dict[str, str]:
    """Label to value of a trial as a short text, active labels only.

    Of an option that holds further labels it has what is constant, since these stand beside it.
    """
    space, found = trial.space_in(space), {}
    for label in space.labels:
        if label in trial.values:
            value, param = trial.values[label], space.params[space.column[label]]
            option = param.options[int(value)] if isinstance(param, Choice) else value
            found[label] = one_line(_brief(option))
    return found


def _brief(thing: Any) -> str:
    """A short text of an option: nodes by their labels, numbers with five digits."""
    if isinstance(thing, Param):
        return thing.label
    if isinstance(thing, Call):
        parts = [*thing.args, *thing.kwargs.values()]
        return f"{_name(thing)}({', '.join(map(_brief, parts))})"
    if isinstance(thing, dict):
        items = [f"{_text(k)}: {_brief(v)}" for k, v in thing.items() if not isinstance(v, Node)]
        items = items or [_text(key) for key in thing]
        return f"{{{', '.join(items)}}}"
    if isinstance(thing, (list, tuple)):
        return f"[{', '.join(map(_brief, thing))}]"
    return digits(thing, 5) if isinstance(thing, float) else _text(thing)


def _name(call: Call) -> str:
    return str(getattr(call.function, "__name__", None) or _text(call.function))


def _text(thing: Any) -> str:
    if isinstance(thing, str):
        return thing
    try:
        return repr(thing.item() if isinstance(thing, np.generic) else thing)
    except Exception:  # whatever a strange type raises
        return f"a {type(thing).__name__}"


def digits(value: float | None, count: int) -> str:
    """A number with so many digits that count; "" for None."""
    return "" if value is None else f"{value:.{count}g}"


def one_line(text: str, most: int = _LONGEST) -> str:
    """A text in one line that no terminal takes for a command, cut to ``most`` characters."""
    shown = cut(" ".join(text.split()), most)
    return "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in shown)


def plain(thing: Any) -> Any:
    """A value as strict JSON has it.

    NaN and the infinities are the texts "NaN", "Infinity" and "-Infinity"; sets and tuples are
    lists; what JSON has no word for is a text of up to 200 characters.
    """
    if isinstance(thing, np.generic):
        thing = thing.item()
    if thing is None or type(thing) in (bool, int, str):
        return thing
    if isinstance(thing, float):
        if math.isfinite(thing):
            return float(thing)
        return "NaN" if math.isnan(thing) else f"{'-' if thing < 0 else ''}Infinity"
    if isinstance(thing, Mapping):
        return {k if isinstance(k, str) else _text(k): plain(v) for k, v in thing.items()}
    if isinstance(thing, (list, tuple, set, frozenset)):
        return [plain(item) for item in thing]
    return one_line(_text(thing))
