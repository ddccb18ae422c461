"""A function whose templates ask what was drawn, compiled where it stands in its file."""

from __future__ import annotations

import ast
from types import CellType, CodeType, FunctionType

from .names import rebuilt
from .sources import Source, code_in
from .templates import Site, Templates
from .travels.objective import DRAW
from .travels.renewal import remade

__all__ = ["rewritten"]


def rewritten(function: FunctionType, source: Source, templates: Templates) -> FunctionType:
    """The function with a draw in the place of each template.

    It has the lines of the file, the names of its class and of the functions that it stands in,
    and the live closure, module and defaults of the original. Its closure has one variable more,
    through which it draws.
    """

    def change(node: ast.AST) -> ast.AST | None:
        site = templates.at(node)
        if site is not None:
            return _drawing(site, change)
        inside = templates.inside_conditional(node)
        return None if inside is None else _rebuilt(inside, change)

    def within(node: ast.AST) -> ast.AST | None:
        """The definitions around the function as they are, and its own body changed."""
        if node is source.node:
            body = [_rebuilt(each, change) for each in source.node.body]
            fields = dict(ast.iter_fields(source.node))
            return ast.copy_location(ast.FunctionDef(**{**fields, "body": body}), node)
        return None

    outermost: ast.stmt = rebuilt(source.chain[0], within)
    code = _compiled(outermost, source, function.__code__)
    known = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))
    known[DRAW] = CellType(None)
    return remade(function, code, tuple(known[name] for name in code.co_freevars))


def _rebuilt(node: ast.AST, change: object) -> ast.AST:
    made: ast.AST = rebuilt(node, change)  # type: ignore[arg-type]
    return made


def _drawing(site: Site, change: object) -> ast.expr:
    """What stands for a template: its value, or the option that is made of it."""
    if site.shown is None or site.options is None:
        return _call(site)
    *firsts, last = [_rebuilt(option, change) for option in site.options]
    found: ast.expr = last  # type: ignore[assignment]
    for number, option in reversed(list(enumerate(firsts))):
        found = ast.copy_location(ast.IfExp(_call(site, number), option, found), site.node)  # type: ignore[arg-type]
    return found


def _call(site: Site, option: int | None = None) -> ast.expr:
    keys = [ast.Name(key, ast.Load()) for key in site.keys]
    more = [] if option is None else [ast.keyword("option", ast.Constant(option))]
    call = ast.Call(ast.Name(DRAW, ast.Load()), [ast.Constant(site.number), *keys], more)
    for part in ast.walk(call):
        ast.copy_location(part, site.node)
    return call


def _compiled(outermost: ast.stmt, source: Source, original: CodeType) -> CodeType:
    """The function's code, compiled within all that its names depend on.

    A function around the outermost definition binds the variable of draws, and leaves the name of
    the definition to the module, as it is in the file.
    """
    name = getattr(outermost, "name", "")
    frame = ast.parse("def templates(draw): global name")
    around = frame.body[0]
    if isinstance(around, ast.FunctionDef) and isinstance(around.body[0], ast.Global):
        around.args.args[0].arg = DRAW
        around.body[0].names = [name]
        around.body.append(outermost)
    ast.fix_missing_locations(frame)
    code = compile(frame, source.path, "exec", source.flags, True)
    found = code_in(code, source.node.name, original.co_firstlineno)
    if found is None:
        raise RuntimeError(f"{source.path}: no code was made of {source.node.name}")
    return found
