"""What a trial's result holds that is not plain data: a file beside the journal's records."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import numpy as np

from ..exceptions import JournalError

__all__ = ["Stored", "keep", "stored"]

_FOLDER = "attachments"
_NAME = re.compile(r"[0-9]{6,12}-[0-9]{1,6}-[0-9]{1,6}\.(npy|pkl)")


class Stored:
    """A part of a trial's result that lies in a file of its own; ``load()`` reads it.

    Attributes:
        path: of the file.
        kind: the name of its type.
        size: in bytes.
    """

    def __init__(self, path: Path, kind: str, size: int) -> None:
        self.path, self.kind, self.size = path, kind, size

    def load(self) -> Any:
        """The thing itself. A file ``*.pkl`` is a pickle, which runs what is in it.

        Raises:
            JournalError: the file is not there any more, or is none.
        """
        try:
            if self.path.suffix == ".npy":
                return np.load(self.path, allow_pickle=False)
            import pickle

            return pickle.loads(self.path.read_bytes())
        except Exception as error:
            raise JournalError(
                f"{self.path} cannot be loaded: {type(error).__name__}: {error}"
            ) from error

    def __repr__(self) -> str:
        return f"Stored({self.kind}, {self.size:,} bytes in {self.path.name})"


def keep(thing: Any, folder: Path, name: str) -> dict[str, Any]:
    """Write a part of a result into a file, and give what stands for it in the record.

    Args:
        thing: an array, or whatever cloudpickle can pickle; of anything else the type is kept.
        folder: of the journal.
        name: of the file, without its suffix.

    Raises:
        OSError: the file cannot be written.
    """
    kind = f"{type(thing).__module__}.{type(thing).__qualname__}"
    path = folder / _FOLDER / name
    is_array = type(thing) is np.ndarray and thing.dtype.kind in "biufcSUmM"
    if is_array:
        path = path.with_name(f"{name}.npy")
        data = _bytes_of_array(thing)
    else:
        import cloudpickle

        path = path.with_name(f"{name}.pkl")
        try:
            data = cloudpickle.dumps(thing)
        except Exception as error:
            return {"type": kind, "lost": f"{type(error).__name__}: {error}"[:200]}
    path.parent.mkdir(exist_ok=True)
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    return {"type": kind, "name": path.name, "bytes": len(data)}


def _bytes_of_array(array: Any) -> bytes:
    import io

    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=False)
    return stream.getvalue()


def stored(folder: Path, content: Any) -> Any:
    """What stands in a record for a file, as an object that loads it when told to.

    Raises:
        ValueError: it names no file of the journal's own.
    """
    if type(content) is not dict or type(content.get("type")) is not str:
        raise ValueError(f"{content!r:.60} names no file")
    kind, name, size = content["type"][:200], content.get("name"), content.get("bytes")
    if "lost" in content:
        return f"a {kind} that could not be pickled"
    if type(name) is not str or not _NAME.fullmatch(name) or type(size) is not int:
        raise ValueError(f"{name!r:.60} is no file of a journal")
    return Stored(folder / _FOLDER / name, kind, size)
