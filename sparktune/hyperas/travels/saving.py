"""A trained model as bytes, in a file, and back.

Each format is the end of a file's name: ``keras`` is Keras' own, which another backend can load and
which holds the user's classes besides; ``pt`` is what ``torch.save`` writes, and is loaded without
the device that it was trained on; ``xgboost.json`` is that of XGBoost's Booster; ``pkl`` is a
pickle.
"""

from __future__ import annotations

import hashlib
import io
import os
import pickle
import re
import sys
import tempfile
import uuid
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

__all__ = ["is_name", "loaded", "put", "saved", "taken"]

_OURS = "sparktune/classes.pkl"  # in a file of Keras, which passes over what it does not know
_NAME = re.compile(r"[0-9a-f]{32}\.(keras|pt|xgboost\.json|pkl)", re.ASCII)


def saved(model: Any) -> tuple[str, Any]:
    """The format of a model and its bytes; ("lost", why) where it cannot be written."""
    reasons = []
    for name in (_own_format(model), "pkl"):
        try:
            if name is not None:
                return name, _WRITERS[name](model)
        except Exception as error:  # whatever a model raises: its loss counts all the same
            reasons.append(f"{type(error).__name__}: {error}"[:300])
    return "lost", "; ".join(dict.fromkeys(reasons))


def loaded(name: str, blob: bytes) -> Any:
    """The model of some bytes in a format.

    Raises:
        ValueError: the format is unknown.
        Exception: what the framework raises, if only as it is not installed here.
    """
    if name not in _READERS:
        raise ValueError(f"no model is written as {name!r:.60}")
    return _READERS[name](blob)


def put(folder: str | Path, name: str, blob: bytes) -> dict[str, str]:
    """Write a model into a file of its own, and give what stands for it in a record.

    Raises:
        OSError: it cannot be written; nothing of it is left.
    """
    Path(folder).mkdir(parents=True, exist_ok=True)
    path = Path(folder) / f"{uuid.uuid4().hex}.{name}"
    try:
        with path.open("xb") as file:
            file.write(blob)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        path.unlink(missing_ok=True)
        raise
    return {"file": path.name, "sha256": hashlib.sha256(blob).hexdigest()}


def is_name(name: Any) -> bool:
    """Whether a file with a model may have this name."""
    return isinstance(name, str) and _NAME.fullmatch(name) is not None


def taken(folder: str | Path, told: Any) -> Any:
    """The model of a file that a record names.

    Raises:
        ValueError: the record names none, or the file is another one than was written.
        OSError: it cannot be read.
    """
    name = told.get("file") if isinstance(told, Mapping) else None
    if not is_name(name):
        raise ValueError(f"{told!r:.100} names no file of a model")
    blob = Path(folder, str(name)).read_bytes()
    if hashlib.sha256(blob).hexdigest() != told.get("sha256"):
        raise ValueError(f"{name} has changed since it was written")
    return loaded(str(name).partition(".")[2], blob)


def _own_format(model: Any) -> str | None:
    """The format of a model's framework; None where a pickle is as good."""
    keras, torch, xgboost = (sys.modules.get(name) for name in ("keras", "torch", "xgboost"))
    if isinstance(model, getattr(keras, "Model", ())):
        return "keras"
    if isinstance(model, getattr(xgboost, "Booster", ())):
        return "xgboost.json"
    tensor = getattr(torch, "Tensor", ())
    parts = model.values() if isinstance(model, Mapping) else ()
    module = getattr(getattr(torch, "nn", None), "Module", ())
    return "pt" if isinstance(model, module) or any(isinstance(p, tensor) for p in parts) else None


def _keras_bytes(model: Any) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.keras"
        model.save(path)
        blob = path.read_bytes()
    classes = {type(part) for part in _keras_parts(model)}
    own = {each.__name__: each for each in classes if not each.__module__.startswith("keras.")}
    if not own:
        return blob
    stream = io.BytesIO(blob)
    with zipfile.ZipFile(stream, "a") as archive:
        archive.writestr(_OURS, _pickler().dumps(own))
    return stream.getvalue()


def _keras_parts(model: Any) -> Iterator[Any]:
    """A model, its optimizer, and all layers in it, also those that layers of the user hold."""
    import keras

    waiting, seen = [model, getattr(model, "optimizer", None)], set[int]()
    while waiting:
        part = waiting.pop()
        if part is None or id(part) in seen:
            continue
        seen.add(id(part))
        yield part
        for held in vars(part).values():
            several = held if isinstance(held, (list, tuple)) else [held]
            waiting += [each for each in several if isinstance(each, keras.Layer)]


def _keras_model(blob: bytes) -> Any:
    import keras

    with zipfile.ZipFile(io.BytesIO(blob)) as archive:
        own = pickle.loads(archive.read(_OURS)) if _OURS in archive.namelist() else {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.keras"
        path.write_bytes(blob)
        try:
            return keras.saving.load_model(path, custom_objects=own, safe_mode=False)
        except Exception:  # a loss or a metric of the user's own, which only training needs
            return keras.saving.load_model(path, custom_objects=own, safe_mode=False, compile=False)


def _torch_bytes(model: Any) -> bytes:
    import torch

    stream = io.BytesIO()
    torch.save(model, stream, pickle_module=_pickler())
    return stream.getvalue()


def _torch_model(blob: bytes) -> Any:
    import torch

    return torch.load(io.BytesIO(blob), map_location="cpu", weights_only=False)


def _xgboost_bytes(model: Any) -> bytes:
    return bytes(model.save_raw("json"))


def _xgboost_model(blob: bytes) -> Any:
    import xgboost

    return xgboost.Booster(model_file=bytearray(blob))


def _pickled(model: Any) -> bytes:
    blob: bytes = _pickler().dumps(model)
    return blob


_WRITERS: dict[str, Callable[[Any], bytes]] = {
    "keras": _keras_bytes, "pt": _torch_bytes, "xgboost.json": _xgboost_bytes, "pkl": _pickled,
}  # fmt: skip
_READERS: dict[str, Callable[[bytes], Any]] = {
    "keras": _keras_model, "pt": _torch_model, "xgboost.json": _xgboost_model,
    "pkl": pickle.loads,
}  # fmt: skip


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
