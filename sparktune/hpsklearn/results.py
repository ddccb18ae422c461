"""What a search has found, for people: its parts, a table of candidates, a script."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..trials.record import Trials
from .travels.evaluation import described, path_of, unusual

__all__ = ["leaderboard", "parts_of", "script_of"]


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
        raise ImportError(
            'leaderboard() makes a pandas DataFrame: pip install "sparktune[pandas]"', name="pandas"
        ) from error
    rows = {}
    for trial in trials.history or ():
        outcome = trial.outcome
        if outcome is None:
            continue
        info = outcome.info
        parts = info.get("parts", [])
        variance = info.get("loss_variance")
        rows[trial.number] = {
            "parts": " > ".join(path.rpartition(".")[2] for path, _ in parts),
            "parameters": {
                f"{path.rpartition('.')[2]}.{name}": value
                for path, settings in parts
                for name, value in settings.items()
            },
            "loss": math.nan if trial.loss is None else trial.loss,
            "deviation": math.nan if variance is None else math.sqrt(variance),
            "seconds": outcome.seconds,
            "status": trial.status.value,
        }
    names = ["parts", "parameters", "loss", "deviation", "seconds", "status"]
    table = pandas.DataFrame.from_dict(rows, orient="index", columns=names)
    table.index.name = "trial"
    return table.sort_values("loss", kind="stable")


class _Writer:
    """Writes objects as Python expressions, and keeps the imports that they need."""

    def __init__(self) -> None:
        self.imports: set[str] = set()

    def written(self, value: Any, indent: int = 0) -> str:
        """An expression for a value, which may go over several lines."""
        if isinstance(value, np.generic):
            value = value.item()
        if isinstance(value, float) and not math.isfinite(value):
            return f'float("{value}")'
        if value is None or isinstance(value, (bool, int, float, str, bytes)):
            return repr(value)
        if isinstance(value, slice):
            return repr(value)
        if isinstance(value, dict):
            items = [f"{self.written(k)}: {self.written(v, indent)}" for k, v in value.items()]
            return f"{{{', '.join(items)}}}"
        if isinstance(value, np.ndarray):
            self.imports.add("import numpy as np")
            return f"np.array({self.written(value.tolist(), indent)})"
        if isinstance(value, (list, tuple)):
            return self._sequence(value, indent)
        if isinstance(value, type) or (callable(value) and hasattr(value, "__qualname__")):
            return self._name(value.__module__, value.__qualname__)
        if hasattr(value, "get_params"):
            return self._object(value, indent)
        return repr(value)

    def _sequence(self, value: Any, indent: int) -> str:
        begin, end = "[]" if isinstance(value, list) else "()"
        inside = [self.written(each, indent + 4) for each in value]
        if not any(hasattr(part, "get_params") for each in value for part in _flat(each)):
            comma = "," if begin == "(" and len(inside) == 1 else ""
            return f"{begin}{', '.join(inside)}{comma}{end}"
        if begin == "(":
            return f"({', '.join(self.written(each, indent) for each in value)})"
        pad = " " * (indent + 4)
        return f"[\n{''.join(f'{pad}{each},{chr(10)}' for each in inside)}{' ' * indent}]"

    def _object(self, value: Any, indent: int) -> str:
        module, _, name = path_of(value).rpartition(".")
        given = ", ".join(
            f"{key}={self.written(each, indent)}" for key, each in unusual(value).items()
        )
        return f"{self._name(module, name)}({given})"

    def _name(self, module: str, name: str) -> str:
        if module != "builtins":
            self.imports.add(f"from {module} import {name.partition('.')[0]}")
        return name


def _flat(thing: Any) -> Any:
    if isinstance(thing, (list, tuple)):
        for each in thing:
            yield from _flat(each)
    else:
        yield thing


def script_of(pipeline: Any) -> str:
    """A Python script that builds a pipeline as it was before it was fitted."""
    from sklearn.base import clone

    writer = _Writer()
    built = writer.written(clone(pipeline))
    imports = "\n".join(sorted(writer.imports))
    title = " > ".join(path.rpartition(".")[2] for path, _ in described(pipeline))
    return (
        f'"""The best pipeline of a search: {title}."""\n\n{imports}\n\n'
        f"pipeline = {built}\n\n"
        'if __name__ == "__main__":\n    print(pipeline)  # pipeline.fit(X, y) fits it\n'
    )
