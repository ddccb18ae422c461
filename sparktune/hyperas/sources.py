"""The source of a live function: its syntax within its file, as far as it can be had."""

from __future__ import annotations
import __future__

import ast
import inspect
import linecache
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from types import CodeType, FunctionType

from ..exceptions import BadSearchSpace

__all__ = ["Source", "code_in", "source_of"]

_FUTURE = 0
for _feature in __future__.all_feature_names:
    _FUTURE |= getattr(__future__, _feature).compiler_flag


@dataclass(frozen=True)
class Source:
    """Where a function is defined.

    Attributes:
        node: its definition.
        chain: the definitions that it stands in, and itself, from the outermost on.
        path: of the file, or what stands for one, as in a notebook.
        flags: of the compiler, such as those of ``from __future__ import annotations``.
        parents: of each node that it holds, by id.
    """

    node: ast.FunctionDef
    chain: tuple[ast.AST, ...]
    path: str
    flags: int
    parents: dict[int, ast.AST]

    def at(self, node: ast.AST) -> str:
        """File and line of a node."""
        return _place(self.path, getattr(node, "lineno", self.node.lineno))

    @property
    def private_to(self) -> str | None:
        """The class whose private names the function writes, None where it stands in none."""
        classes = [each.name for each in self.chain if isinstance(each, ast.ClassDef)]
        return classes[-1] if classes else None


def source_of(function: FunctionType) -> Source:
    """The source of a function.

    Raises:
        BadSearchSpace: it cannot be had, or is another one than that of the function, or the
            function is a lambda, a generator or asynchronous; says what to do.
    """
    code = function.__code__
    name, path, line = function.__name__, code.co_filename, code.co_firstlineno
    if code.co_name == "<lambda>":
        where = _place(path, line)
        raise BadSearchSpace(f"{where}: a lambda cannot be a template: write it as a `def`")
    if (
        inspect.isgeneratorfunction(function)
        or inspect.iscoroutinefunction(function)
        or inspect.isasyncgenfunction(function)
    ):
        raise BadSearchSpace(
            f"{_place(path, line)}: {name} is a generator or asynchronous: a model is a `def` that "
            "returns its loss"
        )
    linecache.checkcache(path)
    lines = linecache.getlines(path, function.__globals__)
    if not lines:
        raise BadSearchSpace(
            f"the source of {name} cannot be had ({path}, line {line}): write it in a file, a "
            "notebook or IPython rather than at the prompt of Python before 3.13 or in exec(), and "
            "let the file lie where it was imported from"
        )
    try:
        tree = ast.parse("".join(lines), path)
    except SyntaxError as error:
        raise _changed(function) from error
    for chain in _chains(tree, ()):
        node = chain[-1]
        if isinstance(node, ast.FunctionDef) and (node.name, _first(node)) == (code.co_name, line):
            found = Source(node, chain, path, code.co_flags & _FUTURE, _parents(node))
            _check_same(function, code_in(_alone(found), node.name, line))
            return found
    raise _changed(function)


def code_in(code: CodeType, name: str, line: int) -> CodeType | None:
    """The code of a function by name and first line, anywhere within other code."""
    for part in code.co_consts:
        if isinstance(part, CodeType):
            if (part.co_name, part.co_firstlineno) == (name, line):
                return part
            inner = code_in(part, name, line)
            if inner is not None:
                return inner
    return None


def _chains(node: ast.AST, outer: tuple[ast.AST, ...]) -> Iterator[tuple[ast.AST, ...]]:
    """Each definition below a node, behind those that it stands in."""
    for child in ast.iter_child_nodes(node):
        chain = outer
        if isinstance(child, (ast.FunctionDef, ast.ClassDef, ast.AsyncFunctionDef)):
            chain = (*outer, child)
            yield chain
        yield from _chains(child, chain)


def _first(node: ast.FunctionDef) -> int:
    """The first line of a definition, its decorators included."""
    return min([node.lineno, *(each.lineno for each in node.decorator_list)])


def _parents(node: ast.AST) -> dict[int, ast.AST]:
    return {
        id(child): parent for parent in ast.walk(node) for child in ast.iter_child_nodes(parent)
    }


def _alone(source: Source) -> CodeType:
    """The code of the outermost definition that a function stands in, as it is written."""
    outermost = source.chain[0]
    alone = ast.Module([outermost], [])  # type: ignore[list-item]
    code: CodeType = compile(alone, source.path, "exec", source.flags, True)
    return code


def _check_same(function: FunctionType, written: CodeType | None) -> None:
    """Refuse a source whose signature, closure or constants are others than the function's."""
    code = function.__code__
    if written is None:
        raise _changed(function)
    count = code.co_argcount + code.co_kwonlyargcount
    same = written.co_varnames[:count] == code.co_varnames[:count]
    same &= set(written.co_freevars) == set(code.co_freevars)
    # pytest adds constants where it rewrites a file
    constants = [{repr(c) for c in each.co_consts if _is_plain(c)} for each in (written, code)]
    if not same or not constants[0] <= constants[1]:
        raise _changed(function)


def _is_plain(constant: object) -> bool:
    return isinstance(constant, (int, float, str))


def _changed(function: FunctionType) -> BadSearchSpace:
    code = function.__code__
    return BadSearchSpace(
        f"{_place(code.co_filename, code.co_firstlineno)}: the file has changed since "
        f"{function.__name__} was defined, so its templates cannot be read: import it anew, or run "
        "its cell again"
    )


def _place(path: str, line: int) -> str:
    """File and line; for a cell of a notebook its number, as IPython's tracebacks have it."""
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    named = getattr(getattr(shell, "compile", None), "format_code_name", lambda _: None)(path)
    return f"{path if named is None else ' '.join(named)}:{line}"
