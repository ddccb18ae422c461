"""A page as a file."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

__all__ = ["write"]


def write(path: str | os.PathLike[str], text: str) -> Path:
    """Write a page, whole or not at all: whoever has the old one open keeps it.

    Args:
        path: of the file; ``~`` is the user's home.
        text: of the page.

    Returns:
        The path.

    Raises:
        TypeError: it is no path.
        OSError: it cannot be written there; the message says why.
    """
    if not isinstance(path, (str, os.PathLike)):
        raise TypeError(f"a report needs the path of a file, but got {path!r:.100}")
    file = Path(path).expanduser()
    if file.is_dir():
        raise IsADirectoryError(f"a report needs the path of a file, but {file} is a folder")
    if not file.parent.is_dir():
        raise FileNotFoundError(f"no report can be written: there is no folder {file.parent}")
    number, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name[:100]}.", suffix=".part")
    part = Path(name)
    try:
        with os.fdopen(number, "w", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
        part.chmod(file.stat().st_mode & 0o777 if file.exists() else 0o666 & ~_umask())
        part.replace(file)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    return file


def _umask() -> int:
    """Which rights new files do not have; it can be read by setting it alone."""
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
