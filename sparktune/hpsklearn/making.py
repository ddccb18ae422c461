"""Objects of a class that is named by its path, from settings that a space has drawn."""

from __future__ import annotations

import functools
import importlib
import inspect
from collections.abc import Mapping
from typing import Any

from ..space.expressions import Call

__all__ = [
    "class_of",
    "defaults_of",
    "first_columns",
    "has_method",
    "make",
    "parameters_of",
    "path_in",
]


def make(path: str, *parts: Any) -> Any:
    """An object of a class.

    Args:
        path: of the class, such as "sklearn.svm.SVC".
        *parts: dicts of its parameters, or lists of such; a space may draw each of them.
    """
    return class_of(path)(**_merged(parts))


def _call_as_written(path: str, *parts: Any) -> str:
    """An object of a class as it would be written; what a space draws as a whole has two stars."""
    settings = [
        written
        for part in parts
        for written in (
            [f"{name}={value!r}" for name, value in part.items()]
            if isinstance(part, dict)
            else [f"**{part!r}"]
        )
    ]
    return f"{path.rpartition('.')[2]}({', '.join(settings)})"


make.call_as_written = _call_as_written  # type: ignore[attr-defined]


def path_in(node: Any) -> str | None:
    """The path of the class that a node of a space makes an object of; None for all else."""
    makes = isinstance(node, Call) and node.function is make
    return node.args[0] if makes else None


def _merged(parts: Any) -> dict[str, Any]:
    if isinstance(parts, dict):
        return parts
    return {name: value for part in parts for name, value in _merged(part).items()}


@functools.cache
def class_of(path: str) -> Any:
    """The class of a path.

    Raises:
        ImportError: its package is not installed, or has no such class.
    """
    module, _, name = path.rpartition(".")
    package = module.partition(".")[0]
    try:
        return getattr(importlib.import_module(module), name)
    except ModuleNotFoundError as error:
        if error.name != package:
            raise
        raise ImportError(f"{name} needs {package}: pip install {package}", name=package) from error
    except AttributeError:
        raise ImportError(f"the installed {package} has no {name}", name=package) from None


@functools.cache
def has_method(path: str, method: str) -> bool:
    """Whether objects of a class have a method with the class' own settings."""
    try:
        return hasattr(class_of(path)(), method)
    except TypeError:  # it needs an estimator within
        return False


@functools.cache
def parameters_of(path: str) -> frozenset[str] | None:
    """The names of a class' parameters; None where it takes any."""
    found = inspect.signature(class_of(path)).parameters.values()
    if any(each.kind is each.VAR_KEYWORD for each in found):
        return None
    return frozenset(each.name for each in found)


@functools.cache
def defaults_of(path: str) -> Mapping[str, Any]:
    """What the parameters of a class are, where nobody sets them."""
    takes = inspect.signature(class_of(path)).parameters.values()
    return {each.name: each.default for each in takes if each.default is not each.empty}


def first_columns(lag_size: int) -> Any:
    """A transformer that keeps the first columns: the latest lags of a series, the newest first.

    Args:
        lag_size: how many; all, where there are fewer.
    """
    return class_of("sklearn.compose.ColumnTransformer")(
        [("lags", "passthrough", slice(0, lag_size))]
    )
