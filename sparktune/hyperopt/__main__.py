"""``python -m sparktune.hyperopt script.py [args]``: run a script that imports hyperopt."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path
from types import TracebackType

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
    _show_frames_from(script)
    runpy.run_path(script, run_name="__main__")


def _show_frames_from(script: str) -> None:
    """Let the traceback of what a script raises begin with the script, as Python's own does."""
    show = sys.excepthook

    def hook(kind: type[BaseException], error: BaseException, frames: TracebackType | None) -> None:
        while frames is not None and frames.tb_frame.f_code.co_filename != script:
            frames = frames.tb_next
        show(kind, error.with_traceback(frames), frames)

    sys.excepthook = hook


if __name__ == "__main__":
    main()
