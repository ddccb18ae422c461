"""What Hyperopt has and sparktune has not: a sentence that leads on."""

from __future__ import annotations

from typing import Any, NoReturn

__all__ = ["Absent"]


class Absent:
    """A kind of trials that is not here: refuses to be made, by its name."""

    def __init__(self, *_: Any, **__: Any) -> NoReturn:
        raise NotImplementedError(
            f"{type(self).__name__} is not part of sparktune: use SparkTrials for several "
            "machines, or sparktune.Trials(parallelism=...) for the processes of one"
        )
