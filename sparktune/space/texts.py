"""Short texts for the options of a choice, the same in every process."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from ..cutting import cut
from .expressions import Call, Node

__all__ = ["option_names", "short_text", "shown_option"]

_LONGEST = 60


def short_text(option: Any) -> str:
    """A short text for an option, in which labels stand for their nodes."""
    return cut(_written(option), _LONGEST)


def option_names(options: Sequence[Any]) -> tuple[str, ...]:
    """What people call the options of a choice, all different.

    A text, number or the like is its own name. A dict has the text by which it differs from the
    others, such as "svm" of ``{"kind": "svm", "C": ...}``, and an expression the first text that
    its function is given, such as "SVC"; anything else has a short text.
    """
    plain = [option.item() if isinstance(option, np.generic) else option for option in options]
    key = _telling_key([option for option in plain if isinstance(option, Mapping)])
    names = [_name(option, key) for option in plain]
    often = Counter(names)
    return tuple(
        name if often[name] == 1 else f"{name} ({index})" for index, name in enumerate(names)
    )


def shown_option(options: Sequence[Any], index: int) -> Any:
    """An option of a choice for a message: a number, bool or None itself, else its short name."""
    option = options[index]
    option = option.item() if isinstance(option, np.generic) else option
    if option is None or isinstance(option, (bool, int, float)):
        return option
    name = option if isinstance(option, str) else option_names(options)[index]
    return cut(name, _LONGEST)


def _name(option: Any, key: Any) -> str:
    if isinstance(option, str):
        return option
    if key is not None and isinstance(option, Mapping):
        return str(option[key])
    if isinstance(option, Call):
        return _name_of_call(option)
    if isinstance(option, list):
        return cut(f"[{_joined(_name(each, None) for each in option)}]", _LONGEST)
    return short_text(option)


def _name_of_call(call: Call) -> str:
    """The first text that a function of the space is given, without the modules; or its name."""
    for each in call.args:
        if isinstance(each, str):
            return cut(each.rpartition(".")[2] or each, _LONGEST)
    return cut(f"{getattr(call.function, '__name__', None) or '<computed>'}(…)", _LONGEST)


def _telling_key(options: Sequence[Mapping[Any, Any]]) -> Any:
    """The first key under which each of several dicts has a text of its own; None without one."""
    for key in options[0] if len(options) > 1 else ():
        texts = [option.get(key) for option in options]
        if all(isinstance(text, str) for text in texts) and len(set(texts)) == len(texts):
            return key
    return None


def _written(thing: Any) -> str:
    if isinstance(thing, Call):
        return "<computed>"
    if isinstance(thing, Node):
        return f"<{thing.label}>" if hasattr(thing, "label") else "<node>"
    if isinstance(thing, Mapping):
        return f"{{{_joined(f'{key}: {_written(item)}' for key, item in thing.items())}}}"
    if isinstance(thing, list):
        return f"[{_joined(map(_written, thing))}]"
    if isinstance(thing, tuple):
        return f"({_joined(map(_written, thing))})"
    name = getattr(thing, "__qualname__", None)
    if isinstance(name, str):
        return name.replace("<locals>.", "")
    if isinstance(thing, str):
        return thing
    try:
        text = re.sub(r" at 0x[0-9a-fA-F]+", "", repr(thing))
    except Exception:  # whatever a strange type raises
        text = f"<{type(thing).__qualname__}>"
    return " ".join(text.split())


def _joined(parts: Iterable[str]) -> str:
    return ", ".join(parts)
