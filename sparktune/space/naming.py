"""The names by which functions and classes are known."""

from __future__ import annotations

import types
from typing import Any

__all__ = ["kind_of", "name_of_definition"]

_CALLABLES = (
    types.FunctionType, types.BuiltinFunctionType, types.MethodType, types.MethodDescriptorType,
    types.WrapperDescriptorType,
)  # fmt: skip


def kind_of(thing: Any) -> tuple[str, str]:
    """Module and qualified name of a thing's class."""
    kind = type(thing)
    return str(kind.__module__), str(kind.__qualname__)


def name_of_definition(thing: Any) -> tuple[str, str] | None:
    """Module and qualified name of a function or class; None for what is not known by them."""
    if isinstance(thing, types.MethodType) and not isinstance(thing.__self__, type):
        return None  # of an object
    if isinstance(thing, types.BuiltinFunctionType):
        bound = thing.__self__
        if bound is not None and not isinstance(bound, (types.ModuleType, type)):
            return None
    elif not isinstance(thing, (type, *_CALLABLES)) and "__wrapped__" not in _own(thing):
        return None
    if isinstance(thing, types.GenericAlias) or not callable(thing):
        return None
    try:
        owner = getattr(thing, "__objclass__", thing)
        module, name = owner.__module__ or "builtins", thing.__qualname__
    except Exception:  # whatever a strange type does, it has no name
        return None
    return (module, name) if isinstance(module, str) and isinstance(name, str) else None


def _own(thing: Any) -> Any:
    return getattr(thing, "__dict__", ())
