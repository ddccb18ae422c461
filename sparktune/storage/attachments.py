"""What a trial's result holds that is not plain data: a file beside the journal's records."""

from __future__ import annotations

import contextlib
import errno
import os
import re
from pathlib import Path
from typing import Any

import numpy as np

from ..exceptions import JournalError
from .files import FILES, Files
from .reading import explained

__all__ = ["Stored", "keep", "keeps_any", "stored"]

_FOLDER = "attachments"
_NAME = re.compile(r"[0-9]{6,12}-[0-9]{1,6}-[0-9]{1,6}\.(npy|pkl)", re.ASCII)
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO}
_SHOWN = 200  # characters


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
            JournalError: the file is not there any more, is none, or is a link.
        """
        try:
            data = _bytes_in(self.path)
            if self.path.suffix == ".npy":
                import io

                return np.load(io.BytesIO(data), allow_pickle=False)
            import pickle

            return pickle.loads(data)
        except Exception as error:
            text = explained(error) if isinstance(error, OSError) else str(error)
            raise JournalError(
                f"{self.path} cannot be loaded: {type(error).__name__}: {text}"
            ) from error

    def __repr__(self) -> str:
        return f"Stored({self.kind}, {self.size:,} bytes in {self.path.name})"


def _bytes_in(path: Path) -> bytes:
    if path.parent.is_symlink():
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path.parent))
    return FILES.read_start(path, FILES.size(path))


def keep(
    thing: Any, folder: Path, number: int, attempt: int, part: int = 1, *, files: Files = FILES
) -> dict[str, Any]:
    """Write a part of a result into a file, and give what stands for it in the record.

    The file is whole and on the disk when this returns; no file is written over or renamed.

    Args:
        thing: an array, or whatever cloudpickle can pickle.
        folder: of the journal.
        number: of the trial.
        attempt: of the trial.
        part: what the name ends with; where that is taken, a greater number.
        files: the disk.

    Returns:
        For the record: the type, and name and size of the file. Of a thing that cannot be kept, the
        type and the reason as "lost": a trial does not fail for what it returns beside its loss.

    Raises:
        JournalError: the disk is full or cannot be written, so that the record would fail as well;
            nothing of the file is left.
    """
    kind = f"{type(thing).__module__}.{type(thing).__qualname__}"
    try:
        if type(thing) is np.ndarray and thing.dtype.kind in "biufcSUmM":
            data, suffix = _bytes_of_array(thing), "npy"
        else:
            import cloudpickle

            data, suffix = cloudpickle.dumps(thing), "pkl"
    except Exception as error:
        return {"type": kind, "lost": f"{type(error).__name__}: {error}"[:_SHOWN]}
    place = folder / _FOLDER
    try:
        path = _written(files, place, f"{number:06}-{attempt}", part, suffix, data)
    except OSError as error:
        text = f"{place} cannot be written: {explained(error)}"
        if error.errno in _FULL:
            raise JournalError(
                f"{text}; there is no room for what trial {number} returned beside its loss, a "
                f"{kind} of {len(data):,} bytes"
            ) from None
        return {"type": kind, "lost": text[:_SHOWN]}
    return {"type": kind, "name": path.name, "bytes": len(data)}


def keeps_any(folder: Path, *, files: Files = FILES) -> bool:
    """Whether parts of results lie in a journal's folder, whose records were then there, too."""
    try:
        return any(map(_NAME.fullmatch, files.names(folder / _FOLDER)))
    except OSError:
        return False


def _written(files: Files, place: Path, begin: str, part: int, suffix: str, data: bytes) -> Path:
    """A new file in a folder with these bytes."""
    files.make_folder(place)
    if place.is_symlink():
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(place))
    files.keep_names(place.parent)
    while True:
        path = place / f"{begin}-{part}.{suffix}"
        try:
            files.write_new(path, data)
            return path
        except FileExistsError:  # of another part, or of a run that was killed before its record
            part += 1
        except OSError:
            with contextlib.suppress(OSError):
                files.remove(path)
            raise


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
    kind, name, size = content["type"][:_SHOWN], content.get("name"), content.get("bytes")
    if "lost" in content:
        if type(content["lost"]) is not str:
            raise ValueError(f"{content['lost']!r:.60} is no reason why a file is lost")
        return f"a {kind} that could not be kept: {content['lost'][:_SHOWN]}"
    if type(name) is not str or not _NAME.fullmatch(name):
        raise ValueError(f"{name!r:.60} is no name of a file in a journal")
    if type(size) is not int or not 0 <= size < 2**62:
        raise ValueError(f"{size!r:.60} is no size of a file")
    return Stored(folder / _FOLDER / name, kind, size)
