"""The candidates that a search begins with: each learner with the settings that its class has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from ..checks import number
from ..exceptions import InvalidTrial
from ..space.expressions import Call, Node
from ..space.points import by_labels
from ..space.sameness import same
from ..space.tree import Choice, Param, Space, Values
from .making import defaults_of, path_in

__all__ = ["starts_of"]

_LEARNERS = ("classifier", "regressor")
_ANY = object()  # where nobody knows what would be usual

Route = dict[str, int]  # label of a choice to the option that leads somewhere


def starts_of(space: Space) -> list[Values]:
    """A candidate for each learner of a space, in the order in which they stand there.

    Each parameter has its class' own value, or the nearest that the space has; what has none has
    its range's middle, and of a choice that says nothing the first option is taken.

    Args:
        space: of a search; see ``whole_space``.
    """
    found: list[Values] = []
    for route in _routes(space.template["candidate"], learner=False):
        point: dict[str, int | float] = {}
        _take(space.template, _ANY, route, point)
        try:
            start = by_labels(space, point)
        except InvalidTrial:  # a node that two places with different rules share
            continue
        if start not in found:
            found.append(start)
    return found


def _routes(thing: Any, *, learner: bool) -> Iterator[Route]:
    """The options that lead to each learner, or, within ``learner``, to each of its options."""
    if isinstance(thing, Choice):
        for place, (p, option) in enumerate(zip(thing.distribution.p, thing.options, strict=True)):
            if p:
                for route in _routes(option, learner=learner):
                    yield {thing.label: place, **route}
    elif learner:
        yield {}
    elif isinstance(thing, Mapping):
        parts = [thing[name] for name in ("model", *_LEARNERS) if thing.get(name) is not None]
        inside = not isinstance(thing.get("model"), (Mapping, Node))
        for part in parts:
            yield from _routes(part, learner=inside)


def _take(thing: Any, usual: Any, route: Route, point: dict[str, int | float]) -> None:
    """Put the labels below a part of a space into a point.

    Args:
        thing: the part.
        usual: the value that it should have; _ANY where nobody knows.
        route: options that are settled.
        point: label to value.
    """
    if isinstance(thing, Choice):
        place = route.get(thing.label, point.get(thing.label))
        if place is None:
            place = _nearest_option(thing, usual)
        point[thing.label] = place
        _take(thing.options[int(place)], usual, route, point)
    elif isinstance(thing, Param):
        point.setdefault(thing.label, _nearest_value(thing, usual))
    elif path_in(thing) is not None:
        path, *parts = thing.args
        _take_settings(parts, defaults_of(path), route, point)
    elif isinstance(thing, Call):
        inner = [*thing.args, *thing.kwargs.values()]
        for each in inner:
            _take(each, usual if each is inner[0] else _ANY, route, point)
    elif isinstance(thing, Mapping):
        _take_settings(thing, {}, route, point)
    elif isinstance(thing, (list, tuple)):
        for each in thing:
            _take(each, _ANY, route, point)


def _take_settings(
    thing: Any, usual: Mapping[str, Any], route: Route, point: dict[str, int | float]
) -> None:
    """The same for settings by name: a dict, a list of such, or a choice of them."""
    if isinstance(thing, Mapping):
        for name, each in thing.items():
            _take(each, usual.get(name, _ANY), route, point)
    elif isinstance(thing, (list, tuple)):
        for each in thing:
            _take_settings(each, usual, route, point)
    elif isinstance(thing, Choice):
        fits = [
            sum(same(each, usual.get(name, _ANY)) for name, each in option.items())
            if p and isinstance(option, Mapping) else -1
            for p, option in zip(thing.distribution.p, thing.options, strict=True)
        ]  # fmt: skip
        place = int(route.get(thing.label, np.argmax(fits)))
        point[thing.label] = place
        _take_settings(thing.options[place], usual, route, point)


def _nearest_option(choice: Choice, usual: Any) -> int:
    """The option that is a value, else one that draws it, else the first."""
    likely = [place for place, p in enumerate(choice.distribution.p) if p]
    fits = [place for place in likely if same(choice.options[place], usual)]
    if not fits and number(usual) is not None:
        fits = [place for place in likely if isinstance(choice.options[place], Node)]
    return (fits or likely)[0]


def _nearest_value(param: Param, usual: Any) -> int | float:
    """The value of a parameter's range that is nearest to one; its middle where there is none."""
    distribution = param.distribution
    low, high = distribution.support
    latent = distribution.middle
    if number(usual) is not None:
        try:
            latent = distribution.latent(usual)
        except ValueError:  # no logarithm
            latent = low
    return distribution.value(float(distribution.snap(np.clip([latent], low, high))[0]))
