"""Which option of a choice in one space is which in another: by value, wherever it stands.

Either space may come from a record, in which functions and classes are known by name, and other
objects by type and position (described.py). Where both are alive everything is compared in full
(sameness.py): a function whose code was changed is another one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any, cast

from .described import Key, key_of
from .expressions import Node
from .nodes import Choice
from .sameness import same
from .tree import Space

__all__ = ["matched", "options_of", "place_of", "same_as_recorded"]


def same_as_recorded(recorded: Any, live: Any) -> bool:
    """Whether a thing is the one that a record holds.

    Plain data are compared by value, functions and classes by module and qualified name, nodes by
    label, expressions by what they compute. Of other objects a record has the type only: whoever
    compares them has to make sure that they stand in the same place.
    """
    return key_of(recorded).text == key_of(live).text


def options_of(space: Space, label: str) -> tuple[Any, ...]:
    """The options of a choice."""
    return cast(Choice, space.params[space.column[label]]).options


def matched(old: Space, new: Space, label: str) -> list[int | None]:
    """For each option of a choice of one space: the index of the same one in another, or None.

    Equal options go together in their order. One with hyperparameters in it that has no equal goes
    with one that has the same constants, and a label of it or any constant at all: a branch stays
    what it is when labels are added to it or removed. Costs some microseconds an option.
    """
    before, after = options_of(old, label), options_of(new, label)
    declared = old.declared.get(label, before)
    if len(declared) != len(before):
        declared = before

    def equal_in_full(i: int, j: int) -> bool:
        return same(declared[i], after[j])

    keys, others = list(map(key_of, before)), list(map(key_of, after))
    found = _equals(keys, others, equal_in_full)
    if any(key.nodes for key in (*keys, *others)):
        taken = set(found)
        left = [i for i, j in enumerate(found) if j is None]
        free = [j for j in range(len(after)) if j not in taken]
        for i, j in _branches(_bared(before, left), _bared(after, free)):
            found[i] = j
    return found


def place_of(option: Any, space: Space, label: str) -> int | None:
    """The index of an option that is given by its value; None where there is no such one."""
    options, key = options_of(space, label), key_of(option)
    for j, other in enumerate(options):
        if other is option:
            return j
    for j, other in enumerate(options):
        if key_of(other).text == key.text and (not key.objects or same(option, other)):
            return j
    return None


def _equals(
    keys: Sequence[Key], others: Sequence[Key], equal_in_full: Callable[[int, int], bool]
) -> list[int | None]:
    """For each key the place of an equal one, its own place first; each of these once."""
    left: dict[str, dict[int, None]] = {}
    for j, key in enumerate(others):
        left.setdefault(key.text, {})[j] = None
    times = Counter(key.text for key in keys) | Counter(key.text for key in others)
    found: list[int | None] = []
    for i, key in enumerate(keys):
        places = left.get(key.text, {})
        mine = i if i in places else next(iter(places), None)
        if mine is not None and (key.named or key.objects):
            if not (key.recorded or others[mine].recorded):
                own_first = [mine, *(j for j in places if j != mine)]
                mine = next((j for j in own_first if equal_in_full(i, j)), None)
            elif mine != i and (key.objects or times[key.text] > 1):
                mine = None  # a record cannot tell them apart but by their places
        if mine is not None:
            del places[mine]
        found.append(mine)
    return found


_GONE = object()  # what is left of a node


def _bare(thing: Any, labels: set[str]) -> Any:
    """The constants of an option, without its nodes, whose labels are added to ``labels``."""
    if isinstance(thing, Node):
        labels.update(key_of(thing).nodes)
        return _GONE
    if isinstance(thing, dict):
        pairs = [(key, _bare(item, labels)) for key, item in thing.items()]
        kept = [(key, item) for key, item in pairs if item is not _GONE]
        return _GONE if pairs and not kept else dict(kept)
    if isinstance(thing, (list, tuple)):
        items = [_bare(item, labels) for item in thing]
        if items and all(item is _GONE for item in items):
            return _GONE
        return [type(thing).__name__, *(... if item is _GONE else item for item in items)]
    return thing


def _bared(options: Sequence[Any], places: Iterable[int]) -> list[tuple[int, Any, Key, set[str]]]:
    """Of some options: index, constants, their key, and labels."""
    bared = []
    for i in places:
        labels: set[str] = set()
        bare = _bare(options[i], labels)
        bared.append((i, bare, key_of(None if bare is _GONE else bare), labels))
    return bared


def _branches(
    olds: list[tuple[int, Any, Key, set[str]]], news: list[tuple[int, Any, Key, set[str]]]
) -> list[tuple[int, int]]:
    """Pairs of options that are one branch with other labels, those with most in common first."""
    ranked = []
    for i, bare, key, labels in olds:
        for j, other, its_key, its_labels in news:
            if not (labels or its_labels) or key.text != its_key.text:
                continue
            if (bare is _GONE) != (other is _GONE):
                continue
            common = len(labels & its_labels)
            if not common and bare is _GONE:
                continue
            if key.objects or key.named:
                recorded = key.recorded or its_key.recorded
                if not (same(bare, other) if not recorded else i == j or not key.objects):
                    continue
            ranked.append((-common, i != j, i, j))
    pairs: dict[int, int] = {}
    for _, _, i, j in sorted(ranked):
        if i not in pairs and j not in pairs.values():
            pairs[i] = j
    return list(pairs.items())
