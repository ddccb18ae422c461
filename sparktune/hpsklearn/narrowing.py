"""Spaces of components narrowed to the data: ranges cut at their limits, options left out."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from .. import hp
from ..space.discrete import Integers
from ..space.expressions import Call, Node, map_container
from ..space.tree import Choice, Param
from .making import path_in
from .travels.limits import LIMITS, Size

__all__ = ["at_most", "choice_of", "narrowed"]


def at_most(value: Any, limit: str) -> Any:  # noqa: ARG001
    """A value as it is drawn; its range is cut where the data set the limit."""
    return value


def narrowed(
    template: Any,
    size: Size | None,
    why_not: Callable[[str], str | None],
    only: Callable[[str], Mapping[str, Collection[Any]]] = lambda _: {},
) -> Any:
    """A space for data of a size, whose choices have only the options that suit the data.

    A choice all of whose options suit is the same node; so is all else that does not change.

    Args:
        template: the space.
        size: of the data that a model learns from; None where a step has to make columns first.
        why_not: given the path of a class, says why it does not suit the data; None where it does.
        only: given the path of a class, names those parameters of which some values alone suit,
            and these.

    Raises:
        ValueError: a component suits the data nowhere; with the reason.
    """
    memo: dict[int, Any] = {}

    def narrow(thing: Any) -> Any:
        if not isinstance(thing, Node):
            return map_container(thing, narrow)
        if id(thing) not in memo:
            memo[id(thing)] = made(thing)
        return memo[id(thing)]

    def made(node: Any) -> Any:
        if isinstance(node, Choice):
            return chosen(node)
        if not isinstance(node, Call):
            return node
        if node.function is at_most:
            return node.args[0] if size is None else _cut(node.args[0], LIMITS[node.args[1]](size))
        path = path_in(node)
        if path is not None and (reason := why_not(path)) is not None:
            raise Unsuited(f"{path.rpartition('.')[2]} does not suit: {reason}")
        args = [narrow(each) for each in node.args]
        if path is not None:
            args[1:] = [_with_only(each, only(path)) for each in args[1:]]
        kwargs = {name: narrow(each) for name, each in node.kwargs.items()}
        same = all(map(_is_same, args, node.args)) and all(
            _is_same(kwargs[name], node.kwargs[name]) for name in kwargs
        )
        return node if same else Call(node.function, *args, **kwargs)

    def chosen(node: Choice) -> Any:
        kept: list[tuple[float, Any]] = []
        refused = None
        for p, option in zip(node.distribution.p, node.options, strict=True):
            try:
                kept.append((p, narrow(option)))
            except Unsuited as error:
                refused = error
        if not kept:
            raise refused or ValueError("a choice without options")
        if refused is None and all(
            _is_same(new, old) for (_, new), old in zip(kept, node.options, strict=True)
        ):
            return node
        if not any(p for p, _ in kept):
            raise refused or ValueError("a choice whose options all have the probability 0")
        return choice_of(node.label, kept)

    return narrow(template)


def choice_of(label: str, pairs: Sequence[tuple[float, Any]]) -> Choice:
    """A choice of options that were left of one, as likely to each other as they were there."""
    total = sum(p for p, _ in pairs)
    return hp.pchoice(label, [(p / total, option) for p, option in pairs])


def _with_only(settings: Any, only: Mapping[str, Collection[Any]]) -> Any:
    """Settings of a component whose choices have none but some options."""
    if not isinstance(settings, Mapping):
        return settings
    found = dict(settings)
    for name in only.keys() & found.keys():
        value = found[name]
        if not isinstance(value, Choice):
            pairs = [(1.0, value)]
        else:
            pairs = list(zip(value.distribution.p, value.options, strict=True))
        kept = [pair for pair in pairs if isinstance(pair[1], Node) or pair[1] in only[name]]
        if not any(p for p, _ in kept):
            raise Unsuited(f"{name}={value!r} does not suit: it gives no probabilities")
        if len(kept) < len(pairs):
            found[name] = choice_of(value.label, kept)
    return found


class Unsuited(ValueError):  # noqa: N818 (what it is)
    """A component does not suit the data."""


def _is_same(new: Any, old: Any) -> bool:
    """Whether narrowing left a part of a space as it was."""
    if isinstance(old, Node):
        return new is old
    if isinstance(old, dict):
        return all(_is_same(new[key], old[key]) for key in old)
    if isinstance(old, (list, tuple)):
        return all(map(_is_same, new, old))
    return True


def _cut(node: Any, limit: int) -> Any:
    """A node whose number is at most a limit; the number itself where one is left."""
    most = max(1, limit)
    if isinstance(node, Call):  # int of a number whose logarithm is uniform
        inner = node.args[0]
        if not isinstance(inner, Param) or math.exp(inner.distribution.high) <= most:  # type: ignore[attr-defined]
            return node
        low = inner.distribution.low  # type: ignore[attr-defined]
        if math.exp(low) >= most - 0.5:
            return most
        cut = replace(inner.distribution, high=math.log(most))  # type: ignore[type-var]
        return Call(node.function, Param(inner.label, cut))
    if not isinstance(node, Param) or not isinstance(node.distribution, Integers):
        return node
    low, high = node.distribution.low, node.distribution.high
    if high <= most:
        return node
    return most if low >= most else Param(node.label, Integers(low, most))
