"""Unpickling of what came back: a class that is known here stays as it is.

cloudpickle stores a class of a script with its attributes and methods, and sets them all again on
the class that it knows under the same mark when it is loaded. Here that would undo what the program
has done with its class since, as a counter or a cache of the class, or a method that was replaced.
"""

from __future__ import annotations

import io
import pickle
import sys
import threading
import weakref
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO

__all__ = ["load", "loads"]

_MARK = {"_make_skeleton_class": 4, "_make_skeleton_enum": 5}  # which argument the mark is
_one_at_a_time = threading.RLock()
_begun: weakref.WeakSet[type] = weakref.WeakSet()  # made, without their attributes yet


def loads(blob: bytes) -> Any:
    """Unpickle; errors are those of pickle."""
    return load(io.BytesIO(blob))


def load(file: BinaryIO) -> Any:
    """Unpickle from a file; errors are those of pickle."""
    with _one_at_a_time:  # a class that another thread has just begun lacks its attributes
        return _Unpickler(file).load()


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        found = super().find_class(module, name)
        if "cloudpickle" not in module:
            return found
        if name in _MARK:
            known = vars(sys.modules[found.__module__]).get("_DYNAMIC_CLASS_TRACKER_BY_ID", {})
            return _Maker(found, known, _MARK[name])
        return _Setter(found) if name == "_class_setstate" else found


class _Maker:
    """Gives the class that is known under a mark, else makes one."""

    def __init__(self, make: Callable[..., type], known: Mapping[Any, type], mark: int) -> None:
        self._make, self._known, self._mark = make, known, mark

    def __call__(self, *args: Any) -> type:
        known = self._known.get(args[self._mark])
        if known is not None:
            return known
        made = self._make(*args)
        _begun.add(made)
        return made


class _Setter:
    """Sets attributes and methods of a class that was made here."""

    def __init__(self, setstate: Callable[[type, Any], Any]) -> None:
        self._setstate = setstate

    def __call__(self, kind: type, state: Any) -> type:
        if kind in _begun:
            self._setstate(kind, state)
            _begun.discard(kind)
        return kind
