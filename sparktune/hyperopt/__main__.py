"""``python -m sparktune.hyperopt script.py [args]``: run a script that imports hyperopt."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

from .installing import install


def main() -> None:
    """Install this package as ``hyperopt``, and run a script as the main program."""
    if len(sys.argv) < 2 or sys.argv[1] in ("-h", "--help"):
        sys.exit("usage: python -m sparktune.hyperopt script.py [args]")
    script = sys.argv[1]
    if not Path(script).is_file():
        sys.exit(f"there is no script {script}")
    if script.endswith(".ipynb"):
        sys.exit(
            f"{script} is a notebook: call sparktune.hyperopt.install() in its first cell instead"
        )
    install()
    sys.argv = sys.argv[1:]
    sys.path[0] = str(Path(script).resolve().parent)
    runpy.run_path(script, run_name="__main__")


if __name__ == "__main__":
    main()
