"""The search space: hyperparameters at the leaves of nested containers, and choices between them.

A choice's options may hold further hyperparameters, which are *active* only in candidates that took
the option. The whole tree is known before the first trial, so a surrogate can model every path.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from itertools import islice
from typing import Any, TypeAlias

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from ..exceptions import BadSearchSpace, DuplicateLabel, InvalidTrial
from ..unpickling import loads
from .discrete import Categorical
from .distributions import Array, Distribution
from .expressions import Call, Node, evaluate

__all__ = ["Choice", "Param", "Space", "Values"]

Values: TypeAlias = Mapping[str, int | float]
"""Label to value, active labels only; a choice holds the index of its option."""

_Parents: TypeAlias = "frozenset[tuple[str, int]] | None"  # None: active in every candidate


class Param(Node):
    """A hyperparameter: a label and the distribution of its values."""

    def __init__(self, label: str, distribution: Distribution) -> None:
        self.label = label
        self.distribution = distribution

    def __repr__(self) -> str:
        return f"<{self.label!r}: {self.distribution}>"


class Choice(Param):
    """A hyperparameter whose value is one of ``options``, each of which may hold further ones."""

    distribution: Categorical

    def __init__(self, label: str, p: tuple[float, ...], options: tuple[Any, ...]) -> None:
        super().__init__(label, Categorical(p))
        self.options = options

    def __repr__(self) -> str:
        return f"<{self.label!r}: choice of {len(self.options)}>"


class Space:
    """A search space over a template of nested dicts, lists, tuples and nodes.

    Args:
        template: what the objective is to receive, with nodes in place of what is searched.

    Attributes:
        labels: all labels, a choice before everything that depends on it; the columns of arrays.
        params, distributions: the node and the distribution of each label.
        column: label to column.
        parents: for each label the (column, option) pairs any one of which activates it; empty
            where it is always active.
        forks: columns of the choices on which other labels depend.

    Raises:
        DuplicateLabel: two different nodes carry one label.
        BadSearchSpace: no hyperparameter at all, or one in a place where it cannot be evaluated
            (the key of a dict, a set).
    """

    def __init__(self, template: Any) -> None:
        self.template = template
        found: dict[str, Param] = {}
        parents: dict[str, set[tuple[str, int]] | None] = {}
        try:
            _walk(template, None, found, parents, set())
        except RecursionError:
            raise BadSearchSpace("the space contains itself, or is nested too deeply") from None
        if not found:
            raise BadSearchSpace(
                f"the space has no hyperparameter to search (no hp.… in it): {template!r:.200}"
            )
        self.labels = tuple(_in_order(found, parents))
        self.params = tuple(found[label] for label in self.labels)
        self.distributions: tuple[Distribution, ...] = tuple(p.distribution for p in self.params)
        self.column = {label: j for j, label in enumerate(self.labels)}
        self.parents = tuple(
            tuple((self.column[parent], option) for parent, option in sorted(parents[label] or ()))
            for label in self.labels
        )
        self.forks = tuple(sorted({column for pairs in self.parents for column, _ in pairs}))

    @classmethod
    def of(cls, template: Any) -> Space:
        """A template as a Space; one that is a Space already, as it is."""
        return template if isinstance(template, cls) else cls(template)

    def __getstate__(self) -> dict[str, Any]:
        import cloudpickle  # options may be functions or classes of a script

        return {"template": cloudpickle.dumps(self.template)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(loads(state["template"]))  # type: ignore[misc]

    def __len__(self) -> int:
        """The number of labels."""
        return len(self.labels)

    def __repr__(self) -> str:
        return f"Space({', '.join(self.labels)})"

    @property
    def constants(self) -> tuple[tuple[Any, str | None, bool], ...]:
        """What configurations may hold that is neither a container nor a node: options and more.

        Each with the label of the innermost choice that it is in, None outside of all, and whether
        an expression receives it.
        """
        found: dict[int, tuple[Any, str | None, bool]] = {}
        _constants(self.template, None, False, found, set())
        return tuple(found.values())

    def active(self, j: int, X: Array) -> NDArray[np.bool_]:
        """Which rows of ``X`` have label ``j`` active; needs the columns before ``j`` only."""
        if not self.parents[j]:
            return np.ones(len(X), bool)
        took = [X[:, parent] == option for parent, option in self.parents[j]]
        on: NDArray[np.bool_] = np.logical_or.reduce(took)
        return on

    def draw(self, pick: Callable[[int, NDArray[np.intp]], Array], size: int) -> Array:
        """Draw candidates from root to leaf: (size, d) latents, nan where a label is inactive.

        ``pick`` receives a column and the numbers of the candidates in which it is active, and
        gives their latents.
        """
        X = np.full((size, len(self)), np.nan)
        for j in range(len(self)):
            rows = np.flatnonzero(self.active(j, X))
            if len(rows):
                X[rows, j] = pick(j, rows)
        return X

    def mask(self, X: Array) -> Array:
        """Make nan, in place, what is inactive; asks for a latent in every other place of X."""
        for j in range(len(self)):
            if self.parents[j]:
                X[~self.active(j, X), j] = np.nan
        return X

    def sample(self, rng: Generator, size: int) -> Array:
        """Draw ``size`` candidates from the prior: (size, d) latents, nan where inactive."""
        return self.draw(lambda j, rows: self.distributions[j].sample(rng, len(rows)), size)

    def decode(self, row: Array) -> dict[str, int | float]:
        """The values of one row of latents."""
        return {
            label: self.distributions[j].value(float(row[j]))
            for j, label in enumerate(self.labels)
            if not np.isnan(row[j])
        }

    def encode(self, values: Values) -> Array:
        """The (d,) row of latents of one candidate's values, nan where inactive."""
        row = np.full(len(self), np.nan)
        for label, value in values.items():
            j = self.column[label]
            row[j] = self.distributions[j].latent(value) + 0.0  # no negative zero in a key
        return row

    def build(self, values: Values, template: Any = None) -> Any:
        """The configuration of one candidate: the template with every node evaluated.

        ``values`` are those of all active labels; another ``template`` of this space's nodes may
        stand in for the whole one. Containers are fresh copies, numbers are native, and an option
        that is no container is passed as it is.
        """

        def value_of(node: Any, descend: Callable[[Any], Any]) -> Any:
            value = values[node.label]
            return descend(node.options[int(value)]) if isinstance(node, Choice) else value

        return evaluate(self.template if template is None else template, value_of)

    def check(self, point: Mapping[str, Any]) -> dict[str, int | float]:
        """Values of a point given by hand, as native numbers, in the order of the labels.

        Raises:
            InvalidTrial: a label that is missing or unknown, or a value outside its range; the
                message names the label. Values of inactive labels are left aside.
        """
        if not isinstance(point, Mapping):
            raise InvalidTrial(f"a point maps labels to values, but got {point!r}")
        for label in point:
            if label not in self.column:
                raise InvalidTrial(
                    f"the space has no label {label!r}; it has {', '.join(map(repr, self.labels))}"
                )
        values: dict[str, int | float] = {}
        X = np.full((1, len(self)), np.nan)
        for j, label in enumerate(self.labels):
            if not self.active(j, X)[0]:
                continue
            if label not in point:
                raise InvalidTrial(f"the point has no value for {label!r}: {dict(point)!r}")
            try:
                values[label] = self.distributions[j].check(point[label], label)
            except ValueError as error:
                raise InvalidTrial(f"{error}{_hint(self.params[j], point[label])}") from None
            X[0, j] = self.distributions[j].latent(values[label])
        return values

    def enumerate(self, rng: Generator, limit: int) -> Array:
        """The first ``limit`` distinct candidates in the order of the tree: (m, d) latents.

        A discrete label takes each of its values in turn, a continuous one a random value. A
        discrete space has no others where ``m < limit``.
        """
        rows = list(islice(self._rows(np.full((1, len(self)), np.nan), 0, rng), limit))
        return np.reshape(rows, (len(rows), len(self)))

    def _rows(self, X: Array, j: int, rng: Generator) -> Iterator[Array]:
        if j == len(self):
            yield X[0].copy()
            return
        distribution = self.distributions[j]
        latents: Any
        if not self.active(j, X)[0]:
            latents = (np.nan,)
        elif distribution.discrete:
            latents = (distribution.latent(value) for value in distribution.values())
        else:
            latents = distribution.sample(rng, 1)
        for z in latents:
            X[0, j] = z
            yield from self._rows(X, j + 1, rng)

    @cached_property
    def discrete(self) -> bool:
        """Whether a candidate may hold discrete labels only, so that duplicates are likely."""
        below: dict[tuple[int, float], list[int]] = {}
        may_be: list[bool] = [d.discrete for d in self.distributions]
        for j in reversed(range(len(self))):  # parents come before what they activate
            if j in self.forks:
                may_be[j] = any(
                    all(may_be[child] for child in below.get((j, option), ()))
                    for option in self.distributions[j].values()
                )
            for pair in self.parents[j]:
                below.setdefault(pair, []).append(j)
        return all(may_be[j] for j, parents in enumerate(self.parents) if not parents)


def _hint(param: Param, value: object) -> str:
    """What was meant by an option given in place of its index."""
    if isinstance(param, Choice) and isinstance(value, (str, int, float)):
        for index, option in enumerate(param.options):
            if type(option) is type(value) and option == value:
                return f"; that option has the index {index}"
    return ""


def _walk(
    thing: Any,
    parent: tuple[str, int] | None,
    found: dict[str, Param],
    parents: dict[str, set[tuple[str, int]] | None],
    seen: set[tuple[int, tuple[str, int] | None]],
) -> None:
    """Collect all hyperparameters below ``thing`` and what activates each."""
    if isinstance(thing, Param):
        if found.setdefault(thing.label, thing) is not thing:
            raise DuplicateLabel(
                f"two hyperparameters carry the label {thing.label!r}: "
                f"{found[thing.label]!r} and {thing!r}"
            )
        known = parents.setdefault(thing.label, set())
        if parent is None:
            parents[thing.label] = None  # stands outside all choices
        elif known is not None:
            known.add(parent)
    if isinstance(thing, Node):
        if (id(thing), parent) in seen:
            return
        seen.add((id(thing), parent))
    if isinstance(thing, Choice):
        for index, option in enumerate(thing.options):
            _walk(option, (thing.label, index), found, parents, seen)
    elif isinstance(thing, Call):
        _walk([*thing.args, *thing.kwargs.values()], parent, found, parents, seen)
    elif isinstance(thing, dict):
        for key, item in thing.items():
            if _holds_node(key):
                raise BadSearchSpace(f"a hyperparameter cannot be in the key of a dict: {key!r}")
            _walk(item, parent, found, parents, seen)
    elif isinstance(thing, (list, tuple)):
        for item in thing:
            _walk(item, parent, found, parents, seen)
    elif isinstance(thing, Node):
        if not isinstance(thing, Param):
            raise BadSearchSpace(f"the space holds a node of unknown kind: {thing!r}")
    elif _holds_node(thing):
        kind = type(thing).__name__
        raise BadSearchSpace(
            f"a hyperparameter cannot stand in a {kind}, only in dicts, lists and tuples: {thing!r}"
        )
    elif type(thing).__module__.startswith("hyperopt."):
        raise BadSearchSpace(f"{thing!s:.80} is a node of hyperopt: take hp from sparktune instead")


def _constants(
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
            _constants(item, label, in_call, found, seen)
    elif not isinstance(thing, Node) and (in_call or id(thing) not in found):
        found[id(thing)] = (thing, label, in_call)


def _holds_node(thing: Any) -> bool:
    """Whether a node stands where it would not be evaluated."""
    if isinstance(thing, (Node, type)):
        return isinstance(thing, Node)
    if isinstance(thing, slice):
        return _holds_node((thing.start, thing.stop, thing.step))
    if isinstance(thing, np.ndarray):
        return thing.dtype == object and _holds_node(tuple(thing.flat))
    if isinstance(thing, Mapping):
        return _holds_node((*thing.keys(), *thing.values()))
    if isinstance(thing, (tuple, set, frozenset, deque)):
        return any(_holds_node(item) for item in thing)
    attributes = getattr(thing, "__dict__", None)
    return isinstance(attributes, dict) and any(isinstance(v, Node) for v in attributes.values())


def _in_order(
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
