"""What differs between two spaces, in sentences."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

from ..cutting import cut
from ..plurals import plural
from .described import key_of
from .discrete import Categorical, Integers
from .distributions import Distribution, Normal, Uniform
from .expressions import Node
from .matching import matched, options_of
from .nodes import Choice, Param
from .tree import Space

__all__ = ["differences", "shown"]

_NAMED = 5  # options in one sentence
_LONG = 60  # characters of one of them


def differences(old: Space, new: Space) -> list[str]:
    """A sentence for each difference, which names the label; none where candidates are the same.

    These are labels that were added or removed, ranges and distributions, options by value, their
    order, and the options with which a label is active. What stands outside all choices, and the
    order of labels, is the objective's business alone.
    """
    sentences = [f"{label!r} was removed" for label in old.labels if label not in new.column]
    places: dict[str, list[int | None]] = {}
    for label in new.labels:
        if label not in old.column:
            sentences.append(f"{label!r} was added")
            continue
        before, after = (space.params[space.column[label]] for space in (old, new))
        if isinstance(before, Choice) and isinstance(after, Choice):
            places[label] = matched(old, new, label)
            sentences += _of_options(old, new, label, places[label])
        elif isinstance(before, Choice) or isinstance(after, Choice):
            sentences.append(
                f"{label!r} was {_in_words(before.distribution, before)} before, and is "
                f"{_in_words(after.distribution, after)} now"
            )
        elif before.distribution != after.distribution:
            sentences.append(_of_ranges(label, before.distribution, after.distribution))
    for label in new.labels:
        if label in old.column and not _same_parents(old, new, label, places):
            sentences.append(
                f"{label!r} was active {_parents_in_words(old, label)} before, and is "
                f"{_parents_in_words(new, label)} now"
            )
    return sentences


def _of_options(old: Space, new: Space, label: str, places: Sequence[int | None]) -> list[str]:
    before, after = options_of(old, label), options_of(new, label)
    gone = [before[i] for i, j in enumerate(places) if j is None]
    known = [j for j in places if j is not None]
    fresh = [option for j, option in enumerate(after) if j not in set(known)]
    sentences = []
    for what, options in (("lost", gone), ("gained", fresh)):
        if options:
            plural = "s" if len(options) > 1 else ""
            sentences.append(f"{label!r} {what} the option{plural} {_listed(options)}")
    if known != sorted(known):
        sentences.append(f"the options of {label!r} stand in another order")
    rewritten = [
        after[j]
        for i, j in enumerate(places)
        if j is not None and _has_nodes(before[i], after[j])
        if key_of(before[i]).text != key_of(after[j]).text
    ]
    if rewritten:
        sentences.append(f"options of {label!r} hold other things: {_listed(rewritten)}")
    if not sentences:
        p, q = (space.distributions[space.column[label]].p for space in (old, new))  # type: ignore[attr-defined]
        if p != q:
            sentences.append(f"the options of {label!r} have other probabilities")
    return sentences


def _has_nodes(*options: Any) -> bool:
    return any(
        isinstance(option, (dict, list, tuple)) or key_of(option).nodes for option in options
    )


def _same_parents(old: Space, new: Space, label: str, places: dict[str, list[int | None]]) -> bool:
    """Whether a label is active with the same of the options that both spaces have."""
    before = old.parents[old.column[label]]
    after = new.parents[new.column[label]]
    if not before or not after:
        return not before and not after
    moved = set()
    for column, option in before:
        parent = old.labels[column]
        place = places[parent][option] if parent in places else None
        if place is not None:
            moved.add((parent, place))
    kept = {(parent, place) for parent, found in places.items() for place in found}
    now = {(new.labels[column], option) for column, option in after}
    return moved == now & kept


def _parents_in_words(space: Space, label: str) -> str:
    parents = space.parents[space.column[label]]
    if not parents:
        return "always"
    each = [
        f"{shown(options_of(space, space.labels[column])[option])} of {space.labels[column]!r}"
        for column, option in parents
    ]
    more = f" or {plural(len(each) - _NAMED, 'other')}" if len(each) > _NAMED else ""
    return f"with {' or '.join(each[:_NAMED])}{more}"


def _of_ranges(label: str, old: Distribution, new: Distribution) -> str:
    if isinstance(old, (Uniform, Integers)) and isinstance(new, (Uniform, Integers)):
        same_kind = type(old) is type(new) and _form(old) == _form(new)
        if same_kind:
            verb = "moved"
            if new.low <= old.low and old.high <= new.high:
                verb = "widened"
            elif old.low <= new.low and new.high <= old.high:
                verb = "narrowed"
            before, after = _range(old), _range(new)
            if before == after:  # but for some digit
                before, after = _range(old, repr), _range(new, repr)
            return f"{label!r} was {verb}: {before} before, {after} now"
    return f"{label!r} has another distribution: {_in_words(old)} before, {_in_words(new)} now"


def _form(distribution: Uniform | Integers) -> tuple[Any, Any]:
    return distribution.log, distribution.q


def _range(distribution: Uniform | Integers, form: Any = "{:g}".format) -> str:
    ends = (distribution.low, distribution.high)
    if distribution.log:
        ends = (math.exp(ends[0]), math.exp(ends[1]))
    return f"from {form(ends[0])} to {form(ends[1])}"


def _in_words(distribution: Distribution, param: Any = None) -> str:
    """A distribution, as it would be said."""
    if isinstance(param, Choice):
        return f"a choice of {plural(len(param.options), 'option')}"
    if isinstance(distribution, Integers):
        return f"whole numbers {_range(distribution)}"
    if isinstance(distribution, Categorical):
        return f"one of {plural(len(distribution.p), 'index', 'indices')}"
    log = "log-" if distribution.log else ""
    end = f" in steps of {distribution.q:g}" if distribution.q else ""
    if isinstance(distribution, Uniform):
        return f"{log}uniform {_range(distribution)}{end}"
    if isinstance(distribution, Normal):
        return f"{log}normal with mu {distribution.mu:g} and sigma {distribution.sigma:g}{end}"
    return repr(distribution)


def _listed(options: Iterable[Any]) -> str:
    each = list(options)
    more = f" and {len(each) - _NAMED} more" if len(each) > _NAMED else ""
    return ", ".join(map(shown, each[:_NAMED])) + more


def shown(option: Any) -> str:
    """An option for a sentence: its repr with nodes by their labels, cut short."""
    try:
        text = " ".join(_text(option, 3).split())
    except Exception:  # whatever a strange type raises
        text = f"a {type(option).__name__}"
    return cut(text, _LONG)


def _text(thing: Any, levels: int) -> str:
    if isinstance(thing, Node):
        return f"<{thing.label!r}>" if isinstance(thing, Param) else "<an expression>"
    if type(thing) not in (dict, list, tuple) or not levels:
        return repr(thing)
    if isinstance(thing, dict):
        pairs = islice(thing.items(), _LONG)
        return f"{{{', '.join(f'{key!r}: {_text(item, levels - 1)}' for key, item in pairs)}}}"
    items = ", ".join(_text(item, levels - 1) for item in islice(thing, _LONG))
    return f"[{items}]" if isinstance(thing, list) else f"({items},)"
