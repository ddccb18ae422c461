"""IPythonTrials is not here: a sentence that leads on."""

from __future__ import annotations

from typing import Any, NoReturn

__all__ = ["IPythonTrials"]


class IPythonTrials:
    """Refuses: sparktune has no IPython clusters of this kind."""

    def __init__(self, *_: Any, **__: Any) -> NoReturn:
        raise NotImplementedError(
            "IPythonTrials is not part of sparktune: use SparkTrials for several machines, or "
            "sparktune.Trials(parallelism=...) for the processes of one"
        )
