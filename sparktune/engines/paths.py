"""Where this process finds modules, for processes of the same machine."""

from __future__ import annotations

import functools
import os
import site
import sys
import sysconfig
from pathlib import Path

__all__ = ["paths_here"]


def paths_here(installed: bool = True) -> list[str]:
    """The folders in which this process finds modules, as absolute paths.

    Args:
        installed: whether to name what is installed for this Python, too; another has its own.
    """
    entries = [os.path.abspath(entry) for entry in sys.path]  # noqa: PTH100 ("" is this folder)
    return entries if installed else [entry for entry in entries if entry not in _installed()]


@functools.cache
def _installed() -> set[str]:
    """The folders of Python's own library, of installed packages, and those that .pth files add."""
    library = sysconfig.get_path("stdlib")
    folders = [Path(each) for each in (*site.getsitepackages(), site.getusersitepackages())]
    found = {library, os.path.join(library, "lib-dynload"), *map(str, folders)}  # noqa: PTH118
    for file in (each for folder in folders for each in folder.glob("*.pth")):
        lines = file.read_text(errors="replace").splitlines()
        found |= {os.path.abspath(file.parent / line.strip()) for line in lines}  # noqa: PTH100
    return found
