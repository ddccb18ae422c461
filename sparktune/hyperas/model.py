"""A function with templates, made ready for a search."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from types import FunctionType, MethodType
from typing import Any

from ..exceptions import BadSearchSpace
from .names import Names
from .reading import Reading
from .rewriting import rewritten
from .sources import Source, source_of
from .spaces import ModelSpace, possible
from .templates import Templates
from .travels.objective import Objective, Place, shown_as
from .travels.renewal import exchanged

__all__ = ["Prepared", "prepared", "refuse_templates"]


@dataclass(frozen=True)
class Prepared:
    """A function with templates, and what is searched of it.

    Attributes:
        space: of the search.
        function: the rewritten function.
        model: what is called: the function, or what its decorators made of it.
        places: of its templates.
        name: of the function.
        where: file and line of its definition.
    """

    space: ModelSpace
    function: FunctionType
    model: Any
    places: tuple[Place, ...]
    name: str
    where: str

    def objective(self, data: tuple[Any, ...], **more: Any) -> Objective:
        """What is minimised, for arguments of the function; ``more`` of Objective's attributes."""
        return Objective(
            self.function, self.model, data, self.places, self.space.depended_on, self.name,
            self.where, **more,
        )  # fmt: skip


def prepared(model: Any) -> Prepared:
    """Read the templates of a function, and rewrite it.

    Args:
        model: a function, a method, or what decorators made of one.

    Raises:
        TypeError: it is none of these.
        BadSearchSpace: its source cannot be had, it holds no template, or one that is no
            distribution; the message has file and line.
    """
    if isinstance(model, type) or not callable(model):
        raise TypeError(f"`model` must be a function that holds templates, but got {model!r:.200}")
    model = _as_method(model)
    function, source, names, templates = _found(model)
    draws = possible(Reading(source, names, templates).draws)
    where = source.at(source.node)
    if not draws:
        raise BadSearchSpace(
            f"{where}: none of the templates of {function.__name__} can be reached, so nothing is "
            "searched"
        )
    made = rewritten(function, source, templates)
    decorated = exchanged(model, function, made)
    if decorated is model:
        raise BadSearchSpace(
            f"{where}: {function.__name__} is called through a decorator that "
            "keeps it where it cannot be exchanged: give the function without it as `model`"
        )
    places = tuple(
        Place(
            site.label, site.where, site.text,
            None if site.shown is None else tuple(map(shown_as, site.shown)),
        )
        for site in templates.sites
    )  # fmt: skip
    return Prepared(ModelSpace(draws), made, decorated, places, function.__name__, where)


def refuse_templates(functions: Any) -> None:
    """Raise for a function beside the model that holds templates, and for what is none."""
    if functions is None:
        return
    if not isinstance(functions, (list, tuple)) or not all(map(callable, functions)):
        raise TypeError(f"`functions` must be a list of functions, but got {functions!r:.200}")
    for function in functions:
        for each in _functions_in(function):
            try:
                source = source_of(each)
                sites = Templates(source, Names(each, source)).sites
            except BadSearchSpace:
                continue
            if sites:
                raise BadSearchSpace(
                    f"{sites[0].where}: {sites[0].text} stands in a function of `functions`: "
                    "templates belong in `model` alone, which may give it what was drawn as an "
                    "argument"
                )


def _as_method(model: Any) -> Any:
    """An object that is called by a method of its class as this method."""
    call = inspect.getattr_static(type(model), "__call__", None)
    if isinstance(model, (FunctionType, MethodType, functools.partial)):
        return model
    if isinstance(call, FunctionType) and not hasattr(model, "__wrapped__"):
        return MethodType(call, model)
    return model


def _found(model: Any) -> tuple[FunctionType, Source, Names, Templates]:
    """The function that holds templates in a callable, and what was read of it."""
    first: BadSearchSpace | None = None
    plain: Source | None = None
    for function in _functions_in(model):
        try:
            source = source_of(function)
        except BadSearchSpace as error:
            first = first or error
            continue
        names = Names(function, source)
        templates = Templates(source, names)
        if templates.sites:
            return function, source, names, templates
        plain = plain or source
    if plain is None:
        raise first or BadSearchSpace(
            f"`model` must be a function of Python that holds templates, but got {model!r:.200}"
        )
    raise BadSearchSpace(
        f"{plain.at(plain.node)}: {plain.node.name} holds no template, so there is nothing to "
        "search: write a range such as {{choice([8, 16])}} where a number stands"
    )


def _functions_in(model: Any) -> Iterator[FunctionType]:
    """The functions of Python that a callable may call: itself, and what decorators wrap."""
    waiting, seen = [model], set[int]()
    while waiting and len(seen) < 100:
        thing = waiting.pop(0)
        if id(thing) in seen or not callable(thing) or isinstance(thing, type):
            continue
        seen.add(id(thing))
        if isinstance(thing, FunctionType):
            yield thing
        waiting += _parts(thing)


def _parts(thing: Any) -> Iterator[Any]:
    if isinstance(thing, MethodType):
        yield thing.__func__
        yield from vars(thing.__self__).values() if hasattr(thing.__self__, "__dict__") else ()
    if isinstance(thing, functools.partial):
        yield thing.func
    if hasattr(thing, "__wrapped__"):
        yield thing.__wrapped__
    for cell in getattr(thing, "__closure__", None) or ():
        try:
            yield cell.cell_contents
        except ValueError:  # a variable that is not set yet
            continue
    if not isinstance(thing, (FunctionType, MethodType)) and hasattr(thing, "__dict__"):
        yield from vars(thing).values()
