"""Hyperparameters and choices, and the way through a template that finds them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Coroutine, Iterable, Iterator, Mapping
from typing import Any

from ..exceptions import BadSearchSpace, DuplicateLabel
from .discrete import Categorical
from .distributions import Distribution
from .drawn import branches, html_of, options_in_words, range_of
from .expressions import Call, Node
from .hidden import Hidden, find_hidden, is_foreign
from .sameness import ATOMS

__all__ = ["Choice", "Param", "Walk", "constants_of", "duplicate_label", "in_order"]


class Param(Node):
    """A hyperparameter: a label and the distribution of its values."""

    def __init__(self, label: str, distribution: Distribution) -> None:
        self.label = label
        self.distribution = distribution

    def __repr__(self) -> str:
        return f"<{self.label!r}: {self.distribution}>"

    def _repr_pretty_(self, printer: Any, is_cycle: bool) -> None:  # noqa: ARG002 (IPython's)
        printer.text(f"<{self.label!r}: {range_of(self.distribution)}>")

    def _repr_html_(self) -> str:
        found, parents = {self.label: self}, {self.label: None}
        return html_of("", branches(found, parents))


class Choice(Param):
    """A hyperparameter whose value is one of ``options``, each of which may hold further ones."""

    distribution: Categorical

    def __init__(self, label: str, p: tuple[float, ...], options: tuple[Any, ...]) -> None:
        super().__init__(label, Categorical(p))
        self.options = options

    def __repr__(self) -> str:
        return f"<{self.label!r}: choice of {len(self.options)}>"

    def _repr_pretty_(self, printer: Any, is_cycle: bool) -> None:
        if is_cycle or not any(map(_leads_on, self.options)):
            printer.text(f"<{self.label!r}: {options_in_words(self)}>")
            return
        with printer.group(1, f"<{self.label!r}: one of ", ">"):
            for place, option in enumerate(self.options[:_SHOWN]):
                if place:
                    printer.text(",")
                    printer.breakable()
                printer.pretty(option)
            if len(self.options) > _SHOWN:
                printer.text(f", and {len(self.options) - _SHOWN} more")

    def _repr_html_(self) -> str:
        try:
            walk = Walk()
            walk.into(self, None)
            labels = list(in_order(walk.found, walk.parents))
        except (BadSearchSpace, RecursionError):
            return html_of(repr(self), ())
        found = {label: walk.found[label] for label in labels}
        return html_of("", branches(found, walk.parents))


_SHOWN = 20  # options of a choice


def duplicate_label(label: str, *two: Param) -> DuplicateLabel:
    """The error for a label of two hyperparameters, which it says in words where it has them."""
    words = [
        options_in_words(each) if isinstance(each, Choice) else range_of(each.distribution)
        for each in two
    ]
    which = f"one is {' '.join(', the other '.join(words).split())}; " if words else ""
    return DuplicateLabel(
        f"two hyperparameters carry the label {label!r}: {which}give each a label of its own, or "
        "put one node in both places"
    )


def _leads_on(option: Any) -> bool:
    """Whether an option may hold further hyperparameters."""
    return isinstance(option, (Node, dict, list, tuple))


class Walk:
    """A way through a template.

    Attributes:
        found: label to hyperparameter.
        parents: for each label the pairs of choice and option that activate it; None: always.
    """

    def __init__(self) -> None:
        self.found: dict[str, Param] = {}
        self.parents: dict[str, set[tuple[str, int]] | None] = {}
        self._path: list[tuple[str, Any]] = []
        self._objects: list[tuple[tuple[tuple[str, Any], ...], Any, bool]] = []
        self._seen: set[tuple[int, tuple[str, int] | None]] = set()

    def into(self, thing: Any, parent: tuple[str, int] | None) -> None:
        """Collect the hyperparameters at and below ``thing``, and note which objects there are."""
        if isinstance(thing, Node):
            if isinstance(thing, Param):
                self._note(thing, parent)
            if (id(thing), parent) not in self._seen:
                self._seen.add((id(thing), parent))
                self._below(thing, parent)
            return
        if isinstance(thing, dict):
            self._objects += [
                (tuple(self._path), key, True) for key in thing if type(key) not in ATOMS
            ]
            self._items(thing.items(), "[{!r}]", parent)
        elif isinstance(thing, (list, tuple)):
            self._items(enumerate(thing), "[{}]", parent)
        if type(thing) not in (dict, list, tuple):
            self._objects.append((tuple(self._path), thing, False))

    def _note(self, param: Param, parent: tuple[str, int] | None) -> None:
        if self.found.setdefault(param.label, param) is not param:
            raise duplicate_label(param.label, self.found[param.label], param)
        known = self.parents.setdefault(param.label, set())
        if parent is None:
            self.parents[param.label] = None  # stands outside all choices
        elif known is not None:
            known.add(parent)

    def _below(self, node: Node, parent: tuple[str, int] | None) -> None:
        if isinstance(node, Choice):
            for pair in enumerate(node.options):
                if type(pair[1]) not in ATOMS:
                    self._items([pair], ".options[{}]", (node.label, pair[0]))
        elif isinstance(node, Call):
            self._items(enumerate(node.args), ".args[{}]", parent)
            self._items(node.kwargs.items(), ".kwargs[{!r}]", parent)
        elif not isinstance(node, Param):
            raise BadSearchSpace(f"the space holds a node of unknown kind: {node!r}")

    def _items(
        self, items: Iterable[tuple[Any, Any]], form: str, parent: tuple[str, int] | None
    ) -> None:
        for key, item in items:
            if type(item) not in ATOMS:
                self._path.append((form, key))
                self.into(item, parent)
                self._path.pop()

    def refuse_what_is_not_searched(self, template: Any) -> None:
        """Raise BadSearchSpace for an iterator, and for a node in an object or a key."""
        seen = {id(template): template}  # an object that keeps its own space is none of these
        for path, thing, is_key in self._objects:
            if is_foreign(thing):
                raise BadSearchSpace(
                    f"{_written(path)} is a node of hyperopt: take hp from sparktune, or fmin from "
                    "sparktune.hyperopt"
                )
            if _is_for_once(thing) and not is_key:
                raise BadSearchSpace(
                    f"{_written(path)} is an iterator ({type(thing).__name__}), which only the "
                    "first trial could go through: give a list of its items, or make it inside "
                    "the objective"
                )
            container = isinstance(thing, (dict, list, tuple)) and not is_key
            for hidden in find_hidden(thing, seen, container):
                if not (hidden.apart and self._searches(hidden.node)):
                    raise BadSearchSpace(_misplaced(path, thing, is_key, hidden))

    def _searches(self, node: Node) -> bool:
        """Whether all hyperparameters of a node stand in the template as well."""
        inside = Walk()
        inside.into(node, None)
        return all(self.found.get(label) is param for label, param in inside.found.items())


def _is_for_once(thing: Any) -> bool:
    """Whether an object is an iterator; one that begins anew with each ``iter`` is none."""
    if not isinstance(thing, Iterator):
        return isinstance(thing, (AsyncIterator, Coroutine))
    try:
        return iter(thing) is thing
    except Exception:  # such as a closed file
        return True


def _written(path: tuple[tuple[str, Any], ...]) -> str:
    return "space" + "".join(form.format(key) for form, key in path)


def _misplaced(path: tuple[tuple[str, Any], ...], thing: Any, is_key: bool, hidden: Hidden) -> str:
    """The sentence on a node that an objective would receive as it is."""
    if is_key:
        return (
            f"a hyperparameter cannot be in the key of a dict: {_written(path)} has the key "
            f"{thing!r:.200}"
        )
    verb = "is" if hidden.whole else "holds"
    return (
        f"a hyperparameter cannot stand in a {type(thing).__name__}, only in dicts, lists and "
        f"tuples: {_written(path)}{hidden.path} {verb} {hidden.node!r:.200}, which an objective "
        "would receive unsearched; make the object inside the objective, from searched values"
    )


def constants_of(
    thing: Any,
    label: str | None,
    in_call: bool,
    found: dict[int, tuple[Any, str | None, bool]],
    seen: set[tuple[int, bool]],
) -> None:
    """Collect what stands in a template beside containers, nodes and what is everywhere one."""
    if thing is None or isinstance(thing, bool) or (id(thing), in_call) in seen:
        return
    seen.add((id(thing), in_call))
    if isinstance(thing, Choice):
        thing, label = thing.options, thing.label
    elif isinstance(thing, Call):
        thing, in_call = (*thing.args, *thing.kwargs.values()), True
    elif isinstance(thing, dict):
        thing = (*(key for key in thing if type(key) is not str), *thing.values())
    if isinstance(thing, (list, tuple)):
        for item in thing:
            constants_of(item, label, in_call, found, seen)
    elif not isinstance(thing, Node) and (in_call or id(thing) not in found):
        found[id(thing)] = (thing, label, in_call)


def in_order(
    found: Mapping[str, Param], parents: Mapping[str, set[tuple[str, int]] | None]
) -> Iterator[str]:
    """Labels such that all parents of a label come before it, else as they were found."""
    left = list(found)
    while left:
        for label in left:
            if not any(parent in left for parent, _ in parents[label] or ()):
                break
        else:
            raise BadSearchSpace(f"these choices stand in each other: {', '.join(left)}")
        left.remove(label)
        yield label
