"""The hyperparameters of a graph as a Space, which is what the core searches."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from .. import hp as core
from ..exceptions import BadSearchSpace
from ..space.discrete import Categorical, Integers
from ..space.expressions import Call
from ..space.expressions import scope as core_scope
from ..space.nodes import Choice, duplicate_label
from ..space.sameness import ATOMS
from ..space.texts import short_text
from ..space.tree import Param, Space
from .pyll.base import Apply, Literal, dfs, rec_eval, scope

__all__ = ["label_of", "params_of", "space_of", "template_of"]

_DRAWS: dict[str, Callable[..., Param]] = {
    name: getattr(core, name)
    for name in (
        "uniform", "quniform", "loguniform", "qloguniform", "normal", "qnormal", "lognormal",
        "qlognormal", "randint",
    )
}  # fmt: skip


def label_of(node: Apply) -> str:
    """The label of a hyperparameter."""
    label = node.pos_args[0]
    named = dict(node.named_args)
    value = named.get("label", label)
    return str(value.obj) if isinstance(value, Literal) else str(value)


def params_of(nodes: list[Apply]) -> dict[str, Apply]:
    """Label to node of the hyperparameters among the nodes of a graph.

    Raises:
        DuplicateLabel: two hyperparameters carry one label.
    """
    found: dict[str, Apply] = {}
    for node in nodes:
        if node.name == "hyperopt_param":
            label = label_of(node)
            if label in found:
                raise duplicate_label(label)
            found[label] = node
    return found


def space_of(nodes: list[Apply]) -> Space | None:
    """The Space of the nodes of a graph, arguments first; None where it has no hyperparameter.

    A hyperparameter that stands in options of choices has a value only where one of them is taken.
    Where a ``switch`` goes by something else than a hyperparameter alone, what stands in its
    options always has a value.

    Raises:
        DuplicateLabel: two hyperparameters carry one label.
        BadSearchSpace: a hyperparameter that is no draw of known bounds.
    """
    if not params_of(nodes):
        return None
    options = _options_by_index(nodes)
    made: dict[Apply, Any] = {}
    _make(nodes, made, options)
    return Space([made[nodes[-1]]])


def _make(nodes: list[Apply], made: dict[Apply, Any], options: Any) -> None:
    """Make what stands for nodes in the Space, arguments first."""
    for node in nodes:
        if node not in made:
            made[node] = _template(node, made, options)


def _options_by_index(nodes: list[Apply]) -> dict[Apply, list[list[Apply]]]:
    """For each hyperparameter that switches go by, the options of each of these."""
    found: dict[Apply, list[list[Apply]]] = {}
    for node in nodes:
        if node.name == "switch" and node.pos_args[0].name == "hyperopt_param":
            found.setdefault(node.pos_args[0], []).append(node.pos_args[1:])
    return found


def _template(node: Apply, made: dict[Apply, Any], options: Any) -> Any:
    """What stands for a node in the Space, so that options are called by what they hold.

    Containers hold what stands for their items; an object has its short text, since a Space
    refuses objects with nodes inside, which a graph takes for constants.
    """
    if isinstance(node, Literal):
        plain = type(node.obj) in ATOMS or isinstance(node.obj, np.generic)
        return node.obj if plain else short_text(node.obj)
    if node.name == "hyperopt_param":
        return None if node in options else _param(node)
    if node.name == "switch" and node.pos_args[0] in options:
        index = node.pos_args[0]
        if made.get(index) is None:
            made[index] = ()  # should an option lead back here
            for each in [each for several in options[index] for each in several]:
                _make(dfs(each), made, options)
            made[index] = _choice(index, made, options[index])
        return made[index]
    if node.name == "pos_args":
        return [made[each] for each in node.pos_args]
    if node.name == "dict" and not node.pos_args:
        return {name: made[each] for name, each in node.named_args}
    below = [made[each] for each in node.inputs() if made[each] is not None]
    if node.name in ("float", "int") and len(below) == 1:
        return below[0]
    if node.name == "switch":
        return below
    try:
        return Call(_function(node.name), *below)
    except BadSearchSpace:
        return below


def _choice(index: Apply, made: dict[Apply, Any], options: list[list[Apply]]) -> Any:
    """A choice between the options of one switch, or of all that go by the same draw."""
    label, drawn = label_of(index), index.pos_args[-1]
    count = len(options[0])
    if drawn.name == "categorical":
        p = tuple(float(x) for x in _value(label, drawn.inputs()[0]))
    elif drawn.name == "randint" and _bounds(label, drawn) == (0, count):
        p = (1 / count,) * count
    else:
        p = ()
    if len(p) != count or any(len(each) != count for each in options):
        below = [made[each] for several in options for each in several if made[each] is not None]
        return [_param(index), *below]
    together = ([made.get(each[i]) for each in options] for i in range(count))
    return Choice(label, p, tuple(each[0] if len(each) == 1 else each for each in together))


def _param(node: Apply) -> Any:
    """The hyperparameter of a node."""
    label, drawn = label_of(node), node.inputs()[-1]
    args = [_value(label, each) for each in drawn.pos_args]
    named = {name: _value(label, each) for name, each in drawn.named_args}
    named = {name: value for name, value in named.items() if name not in ("rng", "size")}
    if drawn.name == "categorical":
        p = (args or list(named.values()))[0]
        return Choice(label, tuple(map(float, p)), (None,) * len(p))
    if drawn.name not in _DRAWS:
        raise BadSearchSpace(
            f"{label!r}: a hyperparameter is a draw such as uniform or randint, but is {drawn.name}"
        )
    return _DRAWS[drawn.name](label, *args, **named)


def _bounds(label: str, drawn: Apply) -> tuple[Any, ...]:
    values = [_value(label, each) for each in drawn.inputs()]
    return (0, *values) if len(values) == 1 else tuple(values)


def _value(label: str, node: Apply) -> Any:
    """A constant of a draw."""
    if any(each.name == "hyperopt_param" for each in dfs(node)):
        raise BadSearchSpace(
            f"{label!r}: the bounds of a hyperparameter cannot depend on another one; draw from 0 "
            "to 1 and compute with both inside the objective"
        )
    return rec_eval(node)


def template_of(thing: Any) -> Any:
    """A space of Hyperopt's words in those of ``sparktune.hp``, with its constants as they are.

    A whole number that Hyperopt draws as a float, as ``hp.uniformint`` does, stays a float that
    ``scope.int`` is applied to.

    Args:
        thing: a graph, or containers that hold some; all else comes back as it is.

    Raises:
        BadSearchSpace: the graph has no such words: it switches by something else than a choice's
            own hyperparameter, or calls a function that is not defined here.
    """
    return _Translation().of(thing)


class _Translation:
    """Knows what stands for each node, so that a node that occurs twice is drawn once."""

    def __init__(self) -> None:
        self._made: dict[Apply, Any] = {}
        self._chosen: set[Apply] = set()  # hyperparameters of choices

    def of(self, thing: Any) -> Any:
        """What stands for a thing."""
        if isinstance(thing, (dict, list, tuple)):
            items = list(thing.values() if isinstance(thing, dict) else thing)
            made = list(map(self.of, items))
            if all(one is other for one, other in zip(made, items, strict=True)):
                return thing
            if isinstance(thing, dict):
                return dict(zip(thing, made, strict=True))
            return tuple(made) if isinstance(thing, tuple) else made
        if not isinstance(thing, Apply):
            return thing
        if thing not in self._made:
            self._made[thing] = self._node(thing)
        return self._made[thing]

    def _node(self, node: Apply) -> Any:
        if isinstance(node, Literal):
            return node.obj
        if node.name == "hyperopt_param":
            if node in self._chosen:
                raise self._two_ways(node)
            return _param(node)
        args = node.pos_args
        if node.name == "switch":
            return self._switch(node)
        if node.name == "pos_args":
            return (list if node.o_len is None else tuple)(map(self.of, args))
        if node.name == "dict" and not args:
            return {name: self.of(each) for name, each in node.named_args}
        if node.name in ("float", "int") and len(args) == 1:
            inner = self.of(args[0])
            if isinstance(inner, Param) and _gives(inner, node.name):
                return inner
        named = {name: self.of(each) for name, each in node.named_args}
        return Call(_function(node.name), *map(self.of, args), **named)

    def _switch(self, node: Apply) -> Any:
        index, options = node.pos_args[0], node.pos_args[1:]
        if index.name != "hyperopt_param" or index in self._made or index in self._chosen:
            raise self._two_ways(index)
        self._chosen.add(index)
        made = _choice(index, {each: self.of(each) for each in options}, [options])
        if not isinstance(made, Choice):
            raise self._two_ways(index)
        return made

    def _two_ways(self, index: Apply) -> BadSearchSpace:
        name = repr(label_of(index)) if index.name == "hyperopt_param" else index.name
        return BadSearchSpace(
            f"{name} is more than the choice of one hp.choice or hp.pchoice, for which "
            "sparktune.hp has no word: write the space in its words"
        )


def _gives(param: Param, kind: str) -> bool:
    """Whether the values of a hyperparameter are of a kind already."""
    whole = isinstance(param.distribution, (Integers, Categorical))
    return whole == (kind == "int")


def _function(name: str) -> Callable[..., Any]:
    """The function of a node, such that ``sparktune.scope`` and operators have the same one."""
    if name in dir(core_scope) and name not in ("define", "pow"):
        applied: Call = getattr(core_scope, name)()
        return applied.function
    try:
        found: Callable[..., Any] = (
            getattr(operator, name) if name in _OPERATORS else scope.implementation(name)
        )
        return found
    except KeyError:
        raise BadSearchSpace(
            f"the space calls {name!r}, which is not defined here: scope.define has to be called "
            "before it is read"
        ) from None


_OPERATORS = frozenset(
    {"add", "sub", "mul", "truediv", "floordiv", "pow", "neg", "eq", "lt", "le", "gt", "ge"}
)
