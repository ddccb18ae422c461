"""The hyperparameters of a graph as a Space, which is what the core searches."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import hp as core
from ..exceptions import BadSearchSpace, DuplicateLabel
from ..space.nodes import Choice
from ..space.tree import Param, Space
from .pyll.base import Apply, Literal, dfs, rec_eval

__all__ = ["label_of", "params_of", "space_of"]

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
                raise DuplicateLabel(f"two hyperparameters carry the label {label!r}")
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
    """What stands for a node in the Space: containers of what stands for its arguments."""
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
    below = [made[each] for each in node.inputs()]
    return [each for each in below if each is not None] or None


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
    return Choice(label, p, tuple([made.get(each[i]) for each in options] for i in range(count)))


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
