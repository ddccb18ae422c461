"""A page as a file."""

from __future__ import annotations

import os
from pathlib import Path

from ..storage.whole import write_whole

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
    write_whole(file, text.encode())
    return file
