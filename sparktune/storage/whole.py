"""Files that are written whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

__all__ = ["write_whole"]


def write_whole(path: Path, data: bytes) -> None:
    """Write a file, in place of one that is there, so that nobody ever reads a part of it.

    The file keeps the rights of the one before, and has those of any new file where there was none.
    What was there stays where writing fails, and nothing is left beside it.

    Args:
        path: the file, in a folder that is there.
        data: all that it is to hold.

    Raises:
        OSError: it cannot be written.
    """
    number, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:100]}.", suffix=".part")
    part = Path(name)
    try:
        with os.fdopen(number, "wb") as stream:
            stream.write(data)
        part.chmod(path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~_umask())
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def _umask() -> int:
    """Which rights new files do not have; it can be read by setting it alone."""
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
