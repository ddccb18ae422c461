"""The objective of a template: its function, called with what a trial drew."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import CellType, FunctionType
from typing import Any

from .renewal import exchanged, remade
from .saving import put, saved

__all__ = ["DRAW", "Drawn", "Objective", "Place", "flattened", "shown_as"]

DRAW = "<draw>"
"""The free variable through which a rewritten function draws; no name that anybody can write."""

_NO_FOLDER = (
    "a database keeps no models: give `model_folder`, a folder that the workers and this process "
    "reach"
)


@dataclass(frozen=True)
class Place:
    """A template, as a trial knows it.

    Attributes:
        label: of its draw, without the keys of a round.
        where: file and line.
        text: as it is written.
        shown: of a choice whose options are made in the trial how each shows; else None.
    """

    label: str
    where: str
    text: str
    shown: tuple[str, ...] | None = None


def shown_as(value: Any) -> str:
    """What an option that is data shows as, be it in lists or in tuples, as Hyperopt has them."""

    def tupled(part: Any) -> Any:
        if type(part) in (list, tuple):
            return tuple(map(tupled, part))
        return {k: tupled(v) for k, v in part.items()} if type(part) is dict else part

    return repr(tupled(value))


class Drawn:
    """What one trial drew, which its function asks for by the numbers of its templates.

    Args:
        values: by label.
        places: of all templates.
    """

    def __init__(self, values: Mapping[str, Any], places: tuple[Place, ...]) -> None:
        self.values, self.places = values, places

    def __call__(self, number: int, *keys: Any, option: int | None = None) -> Any:
        """The value of a template; with an ``option`` whether that one was drawn."""
        place = self.places[number]
        label = f"{place.label}[{','.join(map(str, keys))}]" if keys else place.label
        if label not in self.values:
            raise RuntimeError(
                f"{place.where}: {place.text} is reached in a trial that has not drawn {label!r}: "
                "its loop has more rounds than were known before the run, or its branch is taken "
                "against what was known, as where a variable of the module has changed since"
            )
        value = self.values[label]
        if option is None or place.shown is None:
            return value
        return place.shown.index(shown_as(value)) == option


def flattened(config: Mapping[str, Any], forks: frozenset[str]) -> dict[str, Any]:
    """Label to value of a configuration.

    Args:
        config: label to value; at a label on which others depend stands a dict of its own value
            and theirs.
        forks: these labels.
    """
    found: dict[str, Any] = {}
    for label, value in config.items():
        if label in forks:
            inner = dict(value)
            found[label] = inner.pop(label)
            found.update(flattened(inner, forks))
        else:
            found[label] = value
    return found


@dataclass(frozen=True)
class Objective:
    """An objective that calls a rewritten function with what was drawn.

    Attributes:
        function: the rewritten function.
        model: what is called: the function, or a method or what decorators made of it.
        data: its arguments.
        places: of all templates.
        forks: labels on which others depend.
        name: of the function.
        where: file and line of its definition.
        receiver: takes number and outcome of a trial in the process of the search, and gives the
            outcome to record; it does not travel.
        folder: where the process of a trial puts its model itself; None to send it along with the
            loss, "" where neither can be.
    """

    function: FunctionType
    model: Any
    data: tuple[Any, ...]
    places: tuple[Place, ...]
    forks: frozenset[str]
    name: str
    where: str
    receiver: Callable[[int, Any], Any] | None = None
    folder: str | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "receiver": None}

    @property
    def fmin_received(self) -> Callable[[int, Any], Any] | None:
        """What a search calls where an outcome arrives."""
        return self.receiver

    def __call__(self, config: Mapping[str, Any]) -> Any:
        """The result of a trial, without its model."""
        result = self.drawing(flattened(config, self.forks))(*self.data)
        if isinstance(result, Mapping):
            return self._checked(result)
        if result is None:
            raise ValueError(self._no_loss("nothing"))
        return result

    def drawing(self, values: Mapping[str, Any]) -> Any:
        """The function as it is for one trial."""
        drawn = CellType(Drawn(values, self.places))
        names = self.function.__code__.co_freevars
        pairs = zip(names, self.function.__closure__ or (), strict=True)
        cells = tuple(drawn if name == DRAW else cell for name, cell in pairs)
        return exchanged(self.model, self.function, remade(self.function, cells=cells))

    def _checked(self, result: Mapping[str, Any]) -> dict[str, Any]:
        found = dict(result)
        if found.get("loss") is None and found.get("status", "ok") == "ok":
            raise ValueError(
                self._no_loss(f"a dict with {', '.join(map(repr, found)) or 'nothing'}")
            )
        model = found.pop("model", None)
        if model is not None:
            found["attachments"] = {**(found.get("attachments") or {}), "model": self._kept(model)}
        return found

    def _kept(self, model: Any) -> Any:
        """What stands for a model in what is sent."""
        if self.folder == "":
            return "lost", _NO_FOLDER
        kind, content = saved(model)
        if self.folder is None or kind == "lost":
            return kind, content
        try:
            return put(self.folder, kind, content)
        except OSError as error:
            return "lost", f"{self.folder} cannot be written: {error.strerror or error}"

    def _no_loss(self, got: str) -> str:
        return (
            f"{self.where}: {self.name} must return its loss, or a dict with it such as "
            f"{{'loss': loss, 'status': STATUS_OK, 'model': model}}, but returned {got}"
        )
