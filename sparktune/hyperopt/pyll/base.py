"""Graphs of function applications: how Hyperopt writes a search space, and how one is evaluated.

The file is long because Hyperopt's scripts take all of this from one module: nodes, the table of
functions that make them, and the functions themselves.

Nothing is searched here; ``sparktune.hyperopt.spaces`` reads the hyperparameters out of a graph.
"""

from __future__ import annotations

import copy
import inspect
import operator
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias, TypeVar

import numpy as np

from ...plurals import plural
from ...space.expressions import Node

__all__ = [
    "Apply", "GarbageCollected", "Literal", "MissingArgument", "PyllImportError", "SymbolTable",
    "SymbolTableEntry", "apply", "as_apply", "clone", "clone_merge", "dfs", "rec_eval",
    "rec_eval_with", "scope", "toposort",
]  # fmt: skip

F = TypeVar("F", bound=Callable[..., Any])
Memo: TypeAlias = "dict[Apply, Any]"


_MOST_WAITING = 100_000
_NOTHING: dict[str, Any] = {}


class PyllImportError(ImportError):
    """A name that scope does not have was asked for."""


class MissingArgument:
    """Stands in ``Apply.arg`` for an argument that was not given."""


class GarbageCollected:
    """Stands in a memo for a value that nobody should need."""


class SymbolTable:
    """Functions by name: calling one as an attribute gives a node that applies it.

    >>> scope.int(scope.uniform(0, 10))  # doctest: +SKIP
    """

    def __init__(self) -> None:
        self._impls: dict[str, Callable[..., Any]] = {}

    def define(self, f: F, o_len: int | None = None, pure: bool = False) -> F:
        """Add a function under its own name and give it back; also a decorator.

        Args:
            f: called with the values of a node's arguments.
            o_len: how many items its result has, where that is fixed.
            pure: whether it changes nothing and nobody sees it run.

        Raises:
            ValueError: the name is taken by another function.
        """
        name = f.__name__
        known = self._impls.get(name)
        if hasattr(self, name) and not (known is not None and _again(known, f)):
            raise ValueError(f"scope has a function {name!r} already, which cannot be overridden")
        return self._add(f, o_len, pure)

    def define_if_new(self, f: F, o_len: int | None = None, pure: bool = False) -> F:
        """Add a function unless it is there already; another one of its name is refused."""
        known = self._impls.get(f.__name__)
        if hasattr(self, f.__name__) and known is not f:
            raise ValueError(f"scope has another function {f.__name__!r} already")
        return self._add(f, o_len, pure)

    def define_pure(self, f: F) -> F:
        """Add a function that has no effect but its result."""
        return self.define(f, pure=True)

    def define_info(self, o_len: int | None = None, pure: bool = False) -> Callable[[F], F]:
        """A decorator that adds a function with what is known of it."""
        return lambda f: self.define(f, o_len=o_len, pure=pure)

    def undefine(self, f: Callable[..., Any] | str) -> None:
        """Remove a function, by itself or by name."""
        name = f if isinstance(f, str) else f.__name__
        del self._impls[name]
        delattr(self, name)

    def inject(self, *names: str, **renamed: str) -> dict[str, Any]:
        """Functions by name, and by new names where these are given."""
        found = {}
        for new, name in {**dict(zip(names, names, strict=True)), **renamed}.items():
            if not hasattr(self, name):
                raise PyllImportError(name)
            found[new] = getattr(self, name)
        return found

    def import_(self, into: dict[str, Any], *names: str, **renamed: str) -> None:
        """Put functions into a dict such as ``globals()``; see ``inject``."""
        into.update(self.inject(*names, **renamed))

    def implementation(self, name: str) -> Callable[..., Any]:
        """The function of a name."""
        return self._impls[name]

    def _add(self, f: F, o_len: int | None, pure: bool) -> F:
        self._impls[f.__name__] = f
        setattr(self, f.__name__, SymbolTableEntry(self, f.__name__, o_len, pure))
        return f

    def new_apply(
        self, name: str, args: Iterable[Any], kwargs: Mapping[str, Any], o_len: Any, pure: bool
    ) -> Apply:
        """A node of the function of a name; arguments become nodes, too."""
        named = [[k, as_apply(v)] for k, v in sorted(kwargs.items())] if kwargs else []
        return _node(name, [as_apply(a) for a in args], named, o_len, pure)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"scope has no function {name!r}; add one with @scope.define")


def _again(known: Callable[..., Any], f: Callable[..., Any]) -> bool:
    """Whether a function is one that is defined again, as by running a notebook's cell again."""
    return known is f or all(
        getattr(known, name, None) == getattr(f, name, None)
        for name in ("__module__", "__qualname__")
    )


class SymbolTableEntry:
    """A function of scope, which makes nodes when called."""

    def __init__(self, table: SymbolTable, name: str, o_len: int | None, pure: bool) -> None:
        self.symbol_table, self.apply_name = table, name
        self.o_len, self.pure = o_len, pure

    def __call__(self, *args: Any, **kwargs: Any) -> Apply:
        """A node that applies the function."""
        return self.symbol_table.new_apply(self.apply_name, args, kwargs, self.o_len, self.pure)

    def __repr__(self) -> str:
        return f"scope.{self.apply_name}"


scope: Any = SymbolTable()


class Apply:
    """A node: a function of scope, by name, and the nodes of its arguments.

    Arithmetic, comparison by ``<`` and its kin, indexing and calling give further nodes. ``==`` is
    identity, as nodes are keys of memos; the comparison of values is ``scope.eq``.

    Args:
        name: of the function.
        pos_args: nodes.
        named_args: pairs of a name and a node.
        o_len: how many items the result has, where that is known: such a node can be unpacked.
        pure: whether the function has no effect but its result.
        define_params: arguments of ``scope.define_if_new``, applied where the node is unpickled.
    """

    def __init__(
        self,
        name: str,
        pos_args: Iterable[Apply],
        named_args: Any,
        o_len: int | None = None,
        pure: bool = False,
        define_params: Mapping[str, Any] | None = None,
    ) -> None:
        self.name = name
        self.pos_args = list(pos_args)
        self.named_args: list[list[Any]] = []
        if named_args:
            pairs = named_args.items() if isinstance(named_args, Mapping) else named_args
            self.named_args = [[key, node] for key, node in pairs]
        self.o_len, self.pure = o_len, pure
        self.define_params = define_params
        for node in self.inputs():
            if not isinstance(node, Apply):
                raise TypeError(f"arguments of {name!r} must be nodes, see as_apply: got {node!r}")

    @property
    def is_leaf(self) -> bool:
        """Whether ``leaf_value`` gives the value, without a look at arguments."""
        return False

    def leaf_value(self, more: Mapping[str, Mapping[str, Any]]) -> Any:
        """The value of a leaf; ``more`` is that of ``rec_eval``."""
        raise NotImplementedError(f"{self.name} is no leaf")

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        if self.define_params:
            scope.define_if_new(**self.define_params)

    def inputs(self) -> list[Apply]:
        """The nodes of all arguments."""
        if not self.named_args:
            return self.pos_args[:]
        return [*self.pos_args, *(node for _, node in self.named_args)]

    def eval(self, memo: Memo | None = None) -> Any:
        """The value of this node; see ``rec_eval``."""
        return rec_eval(self, memo=memo, print_node_on_error=False)

    @property
    def arg(self) -> dict[str, Any]:
        """The arguments by name: nodes, and MissingArgument where one was not given.

        A ``*args`` has a list of nodes, a ``**kwargs`` a dict.
        """
        parameters = inspect.signature(scope.implementation(self.name)).parameters.values()
        found: dict[str, Any] = {}
        given, named = list(self.pos_args), dict(self.named_args)
        for parameter in parameters:
            if parameter.kind is parameter.VAR_POSITIONAL:
                found[parameter.name], given = given, []
            elif parameter.kind is parameter.VAR_KEYWORD:
                found[parameter.name], named = named, {}
            elif given and parameter.kind is not parameter.KEYWORD_ONLY:
                if parameter.name in named:
                    raise TypeError(f"{self.name} got its argument {parameter.name!r} twice")
                found[parameter.name] = given.pop(0)
            else:
                found[parameter.name] = named.pop(parameter.name, MissingArgument)
        if given or named:
            surplus = (
                f"{plural(len(given), 'argument')} too many" if given else f"unknown {list(named)}"
            )
            raise TypeError(f"{self.name} got {surplus}")
        return found

    def set_kwarg(self, name: str, value: Any) -> None:
        """Give an argument by name, in place of what it was."""
        for pair in self.named_args:
            if pair[0] == name:
                pair[1] = as_apply(value)
                return
        if self.arg.get(name, MissingArgument) is not MissingArgument:
            raise NotImplementedError(f"{name!r} of {self.name} is given by position")
        self.named_args = sorted([*self.named_args, [name, as_apply(value)]], key=_first)

    def clone_from_inputs(self, inputs: Sequence[Apply], o_len: Any = "same") -> Apply:
        """A node of the same function with other arguments, in the order of ``inputs()``."""
        if len(inputs) != len(self.inputs()):
            raise TypeError(
                f"{self.name} has {plural(len(self.inputs()), 'input')}, but got {len(inputs)}"
            )
        count = len(self.pos_args)
        names = [name for name, _ in self.named_args]
        return type(self)(
            self.name, inputs[:count], list(zip(names, inputs[count:], strict=True)),
            self.o_len if o_len == "same" else o_len, self.pure, self.define_params,
        )  # fmt: skip

    def replace_input(self, old_node: Apply, new_node: Apply) -> list[int]:
        """Put a node in place of another among the arguments; the places where that was."""
        places = [i for i, node in enumerate(self.inputs()) if node is old_node]
        for i in places:
            if i < len(self.pos_args):
                self.pos_args[i] = new_node
            else:
                self.named_args[i - len(self.pos_args)][1] = new_node
        return places

    def pprint(
        self, ofile: Any, lineno: list[int] | None = None, indent: int = 0, memo: Any = None
    ) -> None:
        """Write the graph as numbered lines, one a node, arguments indented below it."""
        lineno = [0] if lineno is None else lineno
        memo = {} if memo is None else memo
        text = memo.get(self)
        if text is None:
            memo[self] = f"{self._title()}  [line:{lineno[0]}]"
        _line(ofile, lineno, indent, self._title() if text is None else text)
        if text is not None:
            return
        for node in self.pos_args:
            node.pprint(ofile, lineno, indent + 2, memo)
        for name, node in self.named_args:
            _line(ofile, lineno, indent, f" {name} =")
            node.pprint(ofile, lineno, indent + 2, memo)

    def _title(self) -> str:
        return self.name

    def __str__(self) -> str:
        from io import StringIO

        text = StringIO()
        self.pprint(text)
        return text.getvalue()[:-1]

    def __len__(self) -> int:
        if self.o_len is None:
            raise TypeError(f"how many items {self.name} gives is not known before it is evaluated")
        return self.o_len

    def __bool__(self) -> bool:
        return True

    def __iter__(self) -> Iterator[Apply]:
        return iter([self[place] for place in range(len(self))])

    def __getitem__(self, index: Any) -> Apply:
        if self.o_len is not None and isinstance(index, int) and index >= self.o_len:
            raise IndexError(index)  # ends unpacking
        node: Apply = scope.getitem(self, index)
        return node

    def __call__(self, *args: Any, **kwargs: Any) -> Apply:
        """A node that calls the value of this one."""
        node: Apply = scope.call(self, args, kwargs)
        return node


def _first(pair: Sequence[Any]) -> Any:
    return pair[0]


def _line(ofile: Any, lineno: list[int], indent: int, text: str) -> None:
    print(lineno[0], " " * indent + text, file=ofile)
    lineno[0] += 1


def _node(
    name: str, pos_args: list[Apply], named_args: list[Any], o_len: int | None, pure: bool = False
) -> Apply:
    """``Apply`` of arguments that are nodes, in lists of their own; a space is made of hundreds."""
    node = Apply.__new__(Apply)
    node.name, node.o_len, node.pure, node.define_params = name, o_len, pure, None
    node.pos_args, node.named_args = pos_args, named_args
    return node


class Literal(Apply):
    """A node that stands for a plain value, ``obj``."""

    is_leaf = True

    def __init__(self, obj: Any = None) -> None:
        # the attributes of Apply, without its checks: most nodes of a space are these
        self.name, self.pure, self.define_params = "literal", True, None
        self.pos_args, self.named_args = [], []
        self.o_len = _length(obj)
        self._obj = obj

    @property
    def obj(self) -> Any:
        """The value."""
        return self._obj

    def leaf_value(self, more: Mapping[str, Mapping[str, Any]]) -> Any:  # noqa: ARG002
        """The value."""
        return self._obj

    @property
    def arg(self) -> dict[str, Any]:
        """No arguments."""
        return {}

    def clone_from_inputs(self, inputs: Sequence[Apply], o_len: Any = "same") -> Literal:
        """A node of the same value."""
        del inputs, o_len
        return type(self)(self._obj)

    def _title(self) -> str:
        if isinstance(self._obj, np.ndarray):
            return f"Literal{{np.ndarray,shape={self._obj.shape}}}"
        return f"Literal{{{self._obj}}}"


_PLAIN = {int, float, bool, str, type(None)}


def _length(obj: Any) -> int | None:
    if not hasattr(type(obj), "__len__"):
        return None
    try:
        return len(obj)
    except Exception:  # of a class, or of an estimator that is not fitted
        return None


def as_apply(obj: Any) -> Apply:
    """What was given as a node: containers become nodes of their items, all else a Literal.

    Lists and tuples are evaluated to tuples, dicts to dicts with sorted keys.
    """
    if type(obj) in _PLAIN:  # most things are
        return Literal(obj)
    if isinstance(obj, Apply):
        return obj
    if isinstance(obj, (tuple, list)):
        o_len = len(obj) if isinstance(obj, tuple) else None
        return _node("pos_args", [as_apply(each) for each in obj], [], o_len)
    if isinstance(obj, dict):
        if set(map(type, obj)) <= {str}:
            return _node("dict", [], [[k, as_apply(obj[k])] for k in sorted(obj)], len(obj))
        try:
            items = sorted(obj.items(), key=_first)
        except TypeError:  # keys of several types
            items = list(obj.items())
        return _node("dict", [as_apply(items)], [], None)
    if isinstance(obj, Node):
        raise TypeError(
            f"{obj!r:.100} is of sparktune.hp, which sparktune.fmin searches: take hp from "
            "sparktune.hyperopt here"
        )
    return Literal(obj)


def apply(name: str, *args: Any, **kwargs: Any) -> Apply:
    """A node of the function of a name."""
    return Apply(
        name, map(as_apply, args), [(k, as_apply(v)) for k, v in sorted(kwargs.items())], None
    )


def dfs(aa: Apply, seq: list[Apply] | None = None, seqset: Any = None) -> list[Apply]:
    """All nodes of a graph, each once, arguments before what they are arguments of.

    Args:
        aa: the graph.
        seq: a list that they are added to.
        seqset: a dict of nodes that are passed over; filled with inputs by node.
    """
    seq = [] if seq is None else seq
    seen = {} if seqset is None else seqset
    stack: list[tuple[Apply, bool]] = [(aa, False)]
    while stack:
        node, is_done = stack.pop()
        if is_done:
            seq.append(node)
        elif node not in seen:
            seen[node] = node.inputs()
            stack.append((node, True))
            stack.extend((each, False) for each in reversed(seen[node]))
    return seq


def toposort(expr: Apply) -> list[Apply]:
    """All nodes of a graph in an order in which arguments come first.

    Raises:
        ValueError: a node is among its own arguments.
    """
    order = dfs(expr)
    place = {node: i for i, node in enumerate(order)}
    if any(place[each] >= place[node] for node in order for each in node.inputs()):
        raise ValueError("the graph has a node that is among its own arguments")
    return order


def clone(expr: Apply, memo: Memo | None = None) -> Apply:
    """A copy of a graph; ``memo`` maps nodes to what stands in their place, and is filled."""
    memo = {} if memo is None else memo
    for node in dfs(expr):
        if node not in memo:
            memo[node] = node.clone_from_inputs([memo[each] for each in node.inputs()])
    copied: Apply = memo[expr]
    return copied


def clone_merge(expr: Apply, memo: Memo | None = None, merge_literals: bool = False) -> Apply:
    """A copy of a graph in which pure nodes of the same function and arguments are one."""
    memo = {} if memo is None else memo
    known: dict[Any, Apply] = {}
    for node in dfs(expr):
        if node in memo:
            continue
        inputs = [memo[each] for each in node.inputs()]
        key: Any = None
        if node.pure and not isinstance(node, Literal):
            key = (node.name, len(node.pos_args), *(k for k, _ in node.named_args), *inputs)
        elif isinstance(node, Literal) and merge_literals:
            try:
                key = (type(node.obj), node.obj)
                hash(key)
            except TypeError:
                key = None
        if key is None or key not in known:
            made = node.clone_from_inputs(inputs)
            known.setdefault(key, made)
            memo[node] = made
        else:
            memo[node] = known[key]
    copied: Apply = memo[expr]
    return copied


def rec_eval(
    expr: Any,
    deepcopy_inputs: bool = False,
    memo: Mapping[Apply, Any] | None = None,
    max_program_len: int | None = None,
    memo_gc: bool = True,
    print_trace: bool = False,
    print_node_on_error: bool = True,
) -> Any:
    """The value of a graph. Of a ``switch`` only the option that is taken is evaluated.

    Args:
        expr: the graph, or anything that ``as_apply`` takes.
        deepcopy_inputs: whether functions receive copies of their arguments.
        memo: values of nodes that are known.
        max_program_len: how many nodes may wait for each other, 100,000 unless given.
        memo_gc: without effect, as ``print_trace``; both are Hyperopt's.
        print_trace: see ``memo_gc``.
        print_node_on_error: whether a node whose function raises is printed.

    Raises:
        ValueError: a value is needed that the memo says to be ``GarbageCollected``: the
            hyperparameter has no value.
        RuntimeError: a node is among its own arguments.
    """
    return rec_eval_with(
        _NOTHING, expr, deepcopy_inputs, memo, max_program_len, memo_gc, print_trace,
        print_node_on_error,
    )  # fmt: skip


def rec_eval_with(
    more: Mapping[str, Mapping[str, Any]],
    expr: Any,
    deepcopy_inputs: bool = False,
    memo: Mapping[Apply, Any] | None = None,
    max_program_len: int | None = None,
    memo_gc: bool = True,  # noqa: ARG001
    print_trace: bool = False,  # noqa: ARG001
    print_node_on_error: bool = True,
) -> Any:
    """The value of a graph; ``more`` has, by a function's name, further arguments for it."""
    if deepcopy_inputs not in (0, 1):
        raise ValueError(f"`deepcopy_inputs` must be True or False, but got {deepcopy_inputs!r}")
    known = dict(memo or {})
    most = max_program_len or _MOST_WAITING
    top = as_apply(expr)
    todo = [top]
    while todo:
        node = todo[-1]
        if node in known:
            todo.pop()
            continue
        if len(todo) > most:
            raise RuntimeError("the graph is too large, or a node is among its own arguments")
        if node.is_leaf:
            known[node] = node.leaf_value(more)
            continue
        if node.name == "switch":
            index, count = node.pos_args[0], len(node.pos_args) - 1
            if index not in known:
                if not index.is_leaf:
                    todo.append(index)
                    continue
                known[index] = index.leaf_value(more)
            wanted = node.pos_args[1 + _position(known[index], count, index)]
            if wanted not in known:
                if not wanted.is_leaf:
                    todo.append(wanted)
                    continue
                known[wanted] = wanted.leaf_value(more)
            known[node] = known[wanted]
            continue
        args, waits = [], False
        for each in node.inputs():
            if each in known:
                args.append(known[each])
            elif each.is_leaf:
                known[each] = value = each.leaf_value(more)
                args.append(value)
            else:
                todo.append(each)
                waits = True
        if waits:
            continue
        if deepcopy_inputs:
            args = copy.deepcopy(args)
        value = _applied(node, args, more.get(node.name, _NOTHING), print_node_on_error)
        if isinstance(value, Apply):  # a function that gives a graph
            value = rec_eval_with(more, value, deepcopy_inputs, known)
        known[node] = value
        todo.pop()
    return known[top]


def _position(value: Any, count: int, index: Apply) -> int:
    number = value.item() if isinstance(value, np.ndarray) else value
    if number is GarbageCollected:
        raise ValueError(f"the point has no value for {_label_of(index)}, which the space needs")
    if not isinstance(number, (int, np.integer)):
        raise TypeError(
            f"{_label_of(index)}: switch takes the number of an option, but got {number!r}"
        )
    if not 0 <= number < count:
        raise ValueError(
            f"{_label_of(index)}: switch has the options 0 to {count - 1}, but got {number}"
        )
    return int(number)


def _label_of(node: Apply) -> str:
    """The label of a hyperparameter for a sentence; of another node its name."""
    if node.name == "hyperopt_param":
        return repr(getattr(node.pos_args[0], "obj", node.name))
    return node.name


def _applied(node: Apply, values: list[Any], more: Mapping[str, Any], prints: bool) -> Any:
    """The value of a node, of the values of its arguments."""
    for each, value in zip(node.inputs(), values, strict=True):
        if value is GarbageCollected:
            raise ValueError(f"the point has no value for {_label_of(each)}, which the space needs")
    args, kwargs = values, more
    if node.named_args:
        count = len(node.pos_args)
        args, names = values[:count], [name for name, _ in node.named_args]
        kwargs = {**dict(zip(names, values[count:], strict=True)), **more}
    try:
        return scope.implementation(node.name)(*args, **kwargs)
    except Exception as error:
        if prints:
            print(f"{type(error).__name__} in the expression\n{node}")  # noqa: T201
        raise


# What scope has from the start.


def pos_args(*args: Any) -> tuple[Any, ...]:
    """The arguments, as a tuple."""
    return args


def identity(obj: Any) -> Any:
    """The argument itself."""
    return obj


def call(fn: Callable[..., Any], args: Any = (), kwargs: Any = None) -> Any:
    """What a function gives for arguments."""
    return fn(*args, **(kwargs or {}))


def switch(pos: int, *args: Any) -> Any:
    """The argument at a position."""
    return args[pos]


def repeat(n_times: int, obj: Any) -> list[Any]:
    """A list that has an object so many times."""
    return [obj] * n_times


def str_join(s: str, seq: Iterable[str]) -> str:
    """Strings, joined by another."""
    return s.join(seq)


def call_method(obj: Any, methodname: str, *args: Any, **kwargs: Any) -> Any:
    """What a method of an object gives."""
    return getattr(obj, methodname)(*args, **kwargs)


def call_method_pure(obj: Any, methodname: str, *args: Any, **kwargs: Any) -> Any:
    """What a method gives that changes nothing."""
    return getattr(obj, methodname)(*args, **kwargs)


def copy_call_method_pure(obj: Any, methodname: str, *args: Any, **kwargs: Any) -> Any:
    """What a method of a copy of an object gives."""
    return getattr(copy.copy(obj), methodname)(*args, **kwargs)


def array_union1(args: Iterable[Iterable[Any]]) -> Any:
    """The sorted items of several sequences, each once."""
    return np.asarray(sorted(set().union(*args)))


def array_union(*args: Iterable[Any]) -> Any:
    """The sorted items of several sequences, each once."""
    return array_union1(args)


def asarray(a: Any, dtype: Any = None) -> Any:
    """An array."""
    return np.asarray(a, dtype)


def bincount(
    x: Any, offset: int = 0, weights: Any = None, minlength: int = 0, p: Any = None
) -> Any:
    """How often each whole number from ``offset`` on occurs; ``p`` has one item for each."""
    if p is not None and np.ndim(p) == 2:
        minlength = len(p[0])
    return np.bincount(np.asarray(x, int) - offset, weights, minlength)


def Raise(etype: type[BaseException], *args: Any, **kwargs: Any) -> Any:  # noqa: N802
    """Raise an exception."""
    raise etype(*args, **kwargs)


def curtime(obj: Any) -> tuple[float, Any]:
    """The time, and the argument."""
    return time.time(), obj


def _of_numpy(name: str) -> Callable[..., Any]:
    function = getattr(np, name)

    def apply_it(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    apply_it.__name__, apply_it.__doc__ = name, f"numpy's {name}."
    return apply_it


def _pow(a: Any, b: Any) -> Any:
    return a**b


_pow.__name__ = "pow"
for _each in (
    pos_args, identity, switch, repeat, str_join, call_method_pure, copy_call_method_pure,
    array_union1, array_union, asarray, bincount, Raise, list, dict, range, len, int, float, max,
    min, getattr, operator.getitem, operator.add, operator.sub, operator.mul, operator.truediv,
    operator.floordiv, operator.neg, operator.eq, operator.lt, operator.le, operator.gt,
    operator.ge, _pow,
    *map(_of_numpy, ("exp", "log", "sin", "cos", "tan", "sqrt", "sum", "minimum", "maximum")),
):  # fmt: skip
    scope.define_pure(_each)
for _each in (call, call_method, map):
    scope.define(_each)
scope.define(curtime, o_len=2)


def _kwswitch(kw: Any, **options: Any) -> Apply:
    """A switch between named options."""
    keys = tuple(sorted(options))
    place = scope.call_method_pure(keys, "index", kw)
    node: Apply = scope.switch(place, *(options[key] for key in keys))
    return node


scope.kwswitch = _kwswitch


def _operator(name: str, reflected: bool = False) -> Callable[..., Apply]:
    def method(self: Apply, *other: Any) -> Apply:
        node: Apply = getattr(scope, name)(*((*other, self) if reflected else (self, *other)))
        return node

    return method


for _name in ("add", "sub", "mul", "truediv", "floordiv", "pow"):
    setattr(Apply, f"__{_name}__", _operator(_name))
    setattr(Apply, f"__r{_name}__", _operator(_name, reflected=True))
for _name in ("lt", "le", "gt", "ge", "neg"):
    setattr(Apply, f"__{_name}__", _operator(_name))
