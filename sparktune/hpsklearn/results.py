"""What a search has found, for people: its parts, a table of candidates, a script."""

from __future__ import annotations

import inspect
import math
from types import BuiltinFunctionType, FunctionType
from typing import Any

import numpy as np

from ..extras import lacking
from ..trials.record import Trials
from .standings import drawn_steps, standings
from .travels.evaluation import described, path_of, steps_in, unusual

__all__ = ["leaderboard", "parts_of", "script_of"]

_WIDTH = 90  # of a line of a script


def parts_of(pipeline: Any) -> dict[str, Any]:
    """The fitted parts of a pipeline: its learner, steps of X, and steps of exogenous data."""
    *steps, (_, learner) = pipeline.steps
    beside = [step for name, step in steps if name == "columntransformer" and _has_exogenous(step)]
    if not beside:
        return {
            "learner": learner, "preprocs": tuple(step for _, step in steps), "ex_preprocs": (),
        }  # fmt: skip
    blocks = [_steps(step) for _, step, _ in beside[0].transformers_ if not _is_rest(step)]
    return {"learner": learner, "preprocs": blocks[0], "ex_preprocs": tuple(blocks[1:])}


def _has_exogenous(step: Any) -> bool:
    return [name for name, _, _ in step.transformers][:2] == ["x", "ex1"]


def _is_rest(step: Any) -> bool:
    return isinstance(step, str) and step == "drop"


def _steps(step: Any) -> tuple[Any, ...]:
    return tuple(each for _, each in step.steps) if hasattr(step, "steps") else ()


def leaderboard(trials: Trials) -> Any:
    """A DataFrame of candidates, the best first; see HyperoptEstimator."""
    try:
        import pandas
    except ModuleNotFoundError as error:
        raise lacking("leaderboard", "pandas", "pandas") from error
    rows = {}
    for standing in standings(trials.history):
        trial, loss, variance = standing.trial, standing.loss, standing.variance
        parts = standing.info.get("parts")
        if not parts:  # one that failed or was pruned
            parts = described(drawn_steps(trials.history, trial))
        rows[trial.number] = {
            "parts": " > ".join(path.rpartition(".")[2] for path, _ in parts),
            "parameters": {
                f"{path.rpartition('.')[2]}.{name}": value
                for path, settings in parts
                for name, value in settings.items()
            },
            "loss": math.nan if loss is None else loss,
            "deviation": math.nan if variance is None else math.sqrt(variance),
            "splits": len(standing.losses),
            "seconds": standing.seconds,
            "status": trial.status.name.lower(),
        }
    names = ["loss", "deviation", "splits", "seconds", "status", "parts", "parameters"]
    table = pandas.DataFrame.from_dict(rows, orient="index", columns=names)
    table.index.name = "trial"
    return table


class _Writer:
    """Writes objects as Python expressions, and keeps the names that they import."""

    def __init__(self) -> None:
        self.imports: dict[str, set[str]] = {}

    @property
    def lines(self) -> list[str]:
        """The imports, a line for each module."""
        return [f"from {module} import {', '.join(sorted(names))}"
                for module, names in sorted(self.imports.items())]  # fmt: skip

    def written(self, value: Any, indent: int = 0, before: int = 0) -> str:
        """An expression for a value, over several lines where one would be too long.

        Args:
            value: what to write.
            indent: of the line that it begins in.
            before: characters before it in this line, beside the indent.
        """
        if isinstance(value, np.generic):
            value = value.item()
        if isinstance(value, float) and not math.isfinite(value):
            return f'float("{value}")'
        if isinstance(value, np.ufunc):
            return self._name("numpy", value.__name__)
        if isinstance(value, (type, FunctionType, BuiltinFunctionType)):
            return self._name(
                path_of(value).removesuffix(f".{value.__qualname__}"), value.__qualname__
            )
        if isinstance(value, dict):
            items = [(f"{self.written(k)}: ", v) for k, v in value.items()]
            return self._joined("{", items, "}", indent, before)
        if isinstance(value, np.ndarray):
            return f"{self._name('numpy', 'array')}({self.written(value.tolist(), indent, before)})"
        if isinstance(value, list):
            return self._joined("[", [("", each) for each in value], "]", indent, before)
        if isinstance(value, tuple):
            end = ",)" if len(value) == 1 else ")"
            return self._joined("(", [("", each) for each in value], end, indent, before)
        if _is_plain_pipeline(value):
            name = self._name("sklearn.pipeline", "make_pipeline")
            items = [("", step) for step in steps_in(value)]
            return self._joined(f"{name}(", items, ")", indent, before)
        settings = _settings_of(value)
        if settings is None:
            return repr(value)
        module, _, name = path_of(type(value)).rpartition(".")
        items = [(f"{key}=", each) for key, each in settings.items()]
        return self._joined(f"{self._name(module, name)}(", items, ")", indent, before)

    def _joined(
        self, begin: str, items: list[tuple[str, Any]], end: str, indent: int, before: int
    ) -> str:
        short = ", ".join(f"{key}{self.written(value)}" for key, value in items)
        length = indent + before + len(begin) + len(short) + len(end)
        if "\n" not in short and length < _WIDTH:
            return f"{begin}{short}{end}"
        pad = " " * (indent + 4)
        lines = [
            f"{pad}{key}{self.written(value, indent + 4, len(key))},\n" for key, value in items
        ]
        return f"{begin}\n{''.join(lines)}{' ' * indent}{end.lstrip(',')}"

    def _name(self, module: str, name: str) -> str:
        if module != "builtins":
            self.imports.setdefault(module, set()).add(name.partition(".")[0])
        return name


def _is_plain_pipeline(value: Any) -> bool:
    """Whether make_pipeline makes the same of the steps."""
    from sklearn.pipeline import Pipeline, make_pipeline

    if type(value) is not Pipeline or unusual(value).keys() != {"steps"}:
        return False
    return [name for name, _ in make_pipeline(*steps_in(value)).steps] == [
        name for name, _ in value.steps
    ]


def _settings_of(value: Any) -> dict[str, Any] | None:
    """What an object is made with, where it has that; None where nobody knows."""
    if hasattr(value, "get_params"):
        return unusual(value)
    if type(value).__module__ == "builtins" or not hasattr(value, "split"):
        return None
    takes = inspect.signature(type(value)).parameters.values()  # of a splitter
    return {each.name: getattr(value, each.name) for each in takes
            if getattr(value, each.name, each.default) != each.default}  # fmt: skip


def script_of(pipeline: Any) -> str:
    """A Python script that builds a pipeline as it was before it was fitted."""
    from sklearn.base import clone

    writer = _Writer()
    built = writer.written(clone(pipeline))
    imports = "\n".join(writer.lines)
    title = " > ".join(path.rpartition(".")[2] for path, _ in described(steps_in(pipeline)))
    return (
        f'"""The best pipeline of a search: {title}."""\n\n{imports}\n\n'
        f"pipeline = {built}\n\n"
        'if __name__ == "__main__":\n    print(pipeline)  # pipeline.fit(X, y) fits it\n'
    )
