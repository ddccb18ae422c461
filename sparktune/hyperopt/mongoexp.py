"""MongoTrials is not here: a sentence that leads on."""

from __future__ import annotations

from typing import Any, NoReturn

__all__ = ["MongoTrials"]


class MongoTrials:
    """Refuses: sparktune has no workers on a shared database of this kind."""

    def __init__(self, *_: Any, **__: Any) -> NoReturn:
        raise NotImplementedError(
            "MongoTrials is not part of sparktune: use SparkTrials for several machines, or "
            "sparktune.Trials(parallelism=...) for the processes of one"
        )
