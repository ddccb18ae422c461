"""A trained model as bytes, and back."""

from __future__ import annotations

import pickle
from typing import Any

__all__ = ["loaded", "saved"]


def saved(model: Any) -> tuple[str, Any]:
    """How a model is written, and its bytes; ("lost", why) where it cannot be."""
    try:
        return "pickle", _pickler().dumps(model)
    except Exception as error:  # whatever a model raises: its loss counts all the same
        return "lost", f"{type(error).__name__}: {error}"


def loaded(kind: str, blob: bytes) -> Any:
    """The model of some bytes."""
    if kind != "pickle":
        raise ValueError(f"no model is written as {kind!r}")
    return pickle.loads(blob)


def _pickler() -> Any:
    """cloudpickle, of itself or of pyspark; pickle where neither is there."""
    try:
        import cloudpickle
    except ImportError:
        try:
            from pyspark import cloudpickle
        except ImportError:
            return pickle
    return cloudpickle
