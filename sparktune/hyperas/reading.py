"""The way through a function that finds what it draws, and under which conditions.

Statements are followed in their order, loops over known values round by round. What cannot be
decided before a trial may go either way.
"""

from __future__ import annotations

import ast
import dataclasses
import functools
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeAlias

from ..checks import advise
from ..exceptions import BadSearchSpace
from .conditions import is_fixed, value_of
from .distributions import Range
from .draws import Cover, Draw, Undecided, Value, best, chance_of, constant, cover_of, either
from .loops import in_one_draw, not_known, rounds_of
from .names import Names, Unresolved
from .options import options_of
from .patterns import matches
from .scopes import FUNCTIONS, Scope, names_in, scope_of
from .sources import Source
from .templates import Site, Templates, no_such_name, not_a_distribution

__all__ = ["Reading"]


Guards: TypeAlias = "tuple[Cover, ...]"


class Reading:
    """What a function draws.

    Args:
        source: of the function.
        names: that it sees.
        templates: that it holds.

    Attributes:
        draws: by label, each after those that it depends on.

    Raises:
        BadSearchSpace: a template is no distribution, or holds what is not known before a trial.
    """

    def __init__(self, source: Source, names: Names, templates: Templates) -> None:
        self._source, self._names, self._templates = source, names, templates
        self._scopes: list[Scope] = list(templates.scopes())
        self._known: dict[str, Value] = {}
        self._loop_names: tuple[str, ...] = ()
        self._warned: set[int] = set()
        self.draws: dict[str, Draw] = {}
        self._block(source.node.body, ())

    # Statements

    def _block(self, statements: Sequence[ast.stmt], guards: Guards) -> None:
        for statement in statements:
            self._statement(statement, guards)
            if isinstance(statement, ast.If):
                for branch, wanted in ((statement.body, False), (statement.orelse, True)):
                    if _ends(branch):
                        guards = (*guards, self._cover(statement.test, wanted))

    def _statement(self, node: ast.stmt, guards: Guards) -> None:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            self._each([*node.decorator_list, *_defaults(node.args)], guards)
            with self._inside(node):
                self._block(node.body, guards)
        elif isinstance(node, ast.ClassDef):
            outside = [*node.decorator_list, *node.bases, *(k.value for k in node.keywords)]
            self._each(outside, guards)
            with self._inside(node):
                self._block(node.body, guards)
        elif isinstance(node, ast.If):
            self._expression(node.test, guards)
            self._block(node.body, (*guards, self._cover(node.test, True)))
            self._block(node.orelse, (*guards, self._cover(node.test, False)))
        elif isinstance(node, ast.For):
            self._for(node, guards)
        elif isinstance(node, (ast.While, ast.AsyncFor)):
            self._forget(node)
            self._parts(node, guards)
            self._forget(node)
        elif isinstance(node, ast.Match):
            self._match(node, guards)
        elif isinstance(node, (ast.Assign, ast.AnnAssign)) and node.value is not None:
            self._expression(node.value, guards)
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            self._each(targets, guards)
            for target in targets:
                self._bind(target, node.value)
        else:
            self._parts(node, guards)

    def _parts(self, node: ast.AST, guards: Guards) -> None:
        """All that a node holds, in its order."""
        for _, part in ast.iter_fields(node):
            items = part if isinstance(part, list) else [part]
            if items and all(isinstance(each, ast.stmt) for each in items):
                self._block(items, guards)
                continue
            for each in items:
                if isinstance(each, ast.expr):
                    self._expression(each, guards)
                elif isinstance(each, ast.AST):
                    self._parts(each, guards)

    def _for(self, node: ast.For, guards: Guards) -> None:
        self._expression(node.iter, guards)
        rounds = self._rounds(node.iter, node.target, node.body)
        if rounds is None:
            self._forget(node)
            self._block(node.body, guards)
        else:
            for bound, cover in rounds:
                self._forget(node)
                with self._round(bound):
                    self._block(node.body, (*guards, cover))
        self._forget(node)
        self._block(node.orelse, guards)

    def _match(self, node: ast.Match, guards: Guards) -> None:
        self._expression(node.subject, guards)
        subject = self._value(node.subject)
        earlier: list[Any] = []
        for case in node.cases:
            test = matches(case.pattern, self._names, self._scopes)
            cover: Cover = None
            if subject is not None and test is not None:
                first = functools.partial(_is_first, test, tuple(earlier))
                cover = cover_of(subject, first, self.draws)
            inner = (*guards, cover)
            if case.guard is not None:
                self._expression(case.guard, inner)
                inner = (*inner, self._cover(case.guard, True))
            elif test is not None:
                earlier.append(test)
            self._block(case.body, inner)

    # Expressions

    def _each(self, nodes: Iterable[ast.expr], guards: Guards) -> None:
        for node in nodes:
            self._expression(node, guards)

    def _expression(self, node: ast.expr, guards: Guards) -> None:
        site = self._templates.at(node)
        if site is not None:
            self._draw(site, guards)
        elif isinstance(node, ast.IfExp):
            self._expression(node.test, guards)
            self._expression(node.body, (*guards, self._cover(node.test, True)))
            self._expression(node.orelse, (*guards, self._cover(node.test, False)))
        elif isinstance(node, ast.BoolOp):
            for part in node.values:
                self._expression(part, guards)
                guards = (*guards, self._cover(part, isinstance(node.op, ast.And)))
        elif isinstance(node, ast.Lambda):
            self._each(_defaults(node.args), guards)
            with self._inside(node):
                self._expression(node.body, guards)
        elif isinstance(node, (ast.ListComp, ast.SetComp, ast.GeneratorExp)):
            self._comprehension(node, [node.elt], guards)
        elif isinstance(node, ast.DictComp):
            self._comprehension(node, [node.key, node.value], guards)
        else:
            self._parts(node, guards)
            if isinstance(node, ast.NamedExpr):
                self._bind(node.target, node.value)

    def _comprehension(self, node: Any, elements: list[ast.expr], guards: Guards) -> None:
        first = node.generators[0]
        self._expression(first.iter, guards)
        with self._inside(node):
            self._generators(node.generators, elements, guards, first)

    def _generators(
        self, generators: list[ast.comprehension], elements: list[ast.expr], guards: Guards,
        first: ast.comprehension,
    ) -> None:  # fmt: skip
        if not generators:
            self._each(elements, guards)
            return
        generator, *others = generators
        if generator is not first:
            self._expression(generator.iter, guards)
        inside: list[ast.AST] = [*generator.ifs, *others, *elements]
        rounds = self._rounds(generator.iter, generator.target, inside)
        for bound, cover in [({}, None)] if rounds is None else rounds:
            with self._round(bound):
                inner = (*guards, cover)
                for test in generator.ifs:
                    self._expression(test, inner)
                    inner = (*inner, self._cover(test, True))
                self._generators(others, elements, inner, first)

    # Loops and scopes

    def _rounds(
        self, iterable: ast.expr, target: ast.expr, body: Sequence[ast.AST]
    ) -> list[tuple[dict[str, Any], Cover]] | None:
        """The rounds of a loop whose variable is a key: what each binds, and when it comes.

        None where rounds do not matter.
        """
        keyed = [
            site
            for part in body
            for node in ast.walk(part)
            if (site := self._templates.at(node)) and set(site.keys) & set(names_in(target))
        ]
        if not keyed:
            return None
        rounds = rounds_of(self._value(iterable), target, body, self.draws)
        if rounds is None:
            raise not_known(keyed[0], f"the loop of line {iterable.lineno}")
        return rounds

    @contextmanager
    def _round(self, bound: dict[str, Any]) -> Iterator[None]:
        before, loops = dict(self._known), self._loop_names
        self._loop_names = (*loops, *bound)
        for name, item in bound.items():
            self._known[name] = constant(item, [name])
        yield
        self._loop_names = loops
        for name in bound:
            self._known.pop(name, None)
            if name in before:
                self._known[name] = before[name]

    def _forget(self, loop: ast.AST) -> None:
        """Forget what a loop binds in each of its rounds."""
        for part in ast.walk(loop):
            if isinstance(part, ast.Name) and not isinstance(part.ctx, ast.Load):
                self._known.pop(part.id, None)

    @contextmanager
    def _inside(self, node: ast.AST) -> Iterator[None]:
        """The scope of a definition, a lambda or a comprehension."""
        before, scope = self._known, scope_of(node)
        late = isinstance(node, FUNCTIONS)
        self._known = {
            name: value
            for name, value in before.items()
            if name not in scope.counts and not (late and value.loops)
        }
        self._scopes.append(scope)
        loops = self._loop_names
        if isinstance(node, FUNCTIONS):
            self._loop_names = ()
        yield
        self._loop_names = loops
        self._scopes.pop()
        self._known = before

    def _bind(self, target: ast.expr, node: ast.expr) -> None:
        """Note what a variable stands for from now on, where that is known and stays."""
        if not isinstance(target, ast.Name):
            return
        scope = self._scopes[-1]
        if scope.is_class or not scope.once(target.id):
            return
        value = self._value(node)
        cases = None if value is None else value.cases(self.draws)
        if value is None or cases is None:
            return
        for case in cases:
            try:
                if not is_fixed(value.at(case, self.draws)):
                    return
            except Undecided:
                continue
        loops = value.loops | frozenset(self._loop_names)
        self._known[target.id] = dataclasses.replace(value, loops=loops)

    # Values and draws

    def _value(self, node: ast.expr) -> Value | None:
        return value_of(node, self._names, self._scopes, self._known, self._drawn)

    def _drawn(self, node: ast.AST) -> Value | ast.expr | None:
        site = self._templates.at(node)
        if site is None:
            return self._templates.inside_conditional(node)
        label = site.name(self._keys(site))
        draw = self.draws.get(label)
        if draw is None or draw.values is None:
            raise Unresolved(label, True)
        return Value((label,), lambda draws: draws[label], frozenset(site.keys))

    def _cover(self, node: ast.expr, wanted: bool) -> Cover:
        """When the truth of a condition may be as it is wanted."""
        inside = self._templates.inside_conditional(node)
        if inside is not None:
            return self._cover(inside, wanted)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            return self._cover(node.operand, not wanted)
        if isinstance(node, ast.BoolOp):
            covers = [self._cover(part, wanted) for part in node.values]
            if isinstance(node.op, ast.And) is wanted:
                return best(covers, self.draws)
            return either(covers)
        value = self._value(node)
        if value is None:
            return None
        return cover_of(value, lambda found: bool(found) is wanted, self.draws)

    def _keys(self, site: Site) -> tuple[Any, ...]:
        """The values of the variables that follow a distribution's arguments.

        Raises:
            Unresolved: a loop of theirs is not followed round by round.
        """
        found = []
        for key in site.keys:
            if key not in self._known or self._known[key].deps:
                raise Unresolved(key, True)
            found.append(self._known[key].of({}))
        return tuple(found)

    def _draw(self, site: Site, guards: Guards) -> None:
        """Note the draw of a template, and what is drawn within its options."""
        if site.loops and site.number not in self._warned:
            self._warned.add(site.number)
            advise(in_one_draw(site))
        try:
            label = site.name(self._keys(site))
        except Unresolved as error:
            raise not_known(site, repr(error.name)) from None
        if label not in self.draws:
            self._declare(site, label)
            draw = self.draws[label]
            draw.cover = best(guards, self.draws)
            draw.chance = chance_of(draw.cover, self.draws)
        elif guards:
            draw = self.draws[label]
            draw.cover = either([draw.cover, best(guards, self.draws)])
            draw.chance = chance_of(draw.cover, self.draws)
        if site.shown is not None:
            for number, option in enumerate(site.options or ()):
                self._expression(option, (*guards, frozenset({(label, number)})))

    def _declare(self, site: Site, label: str) -> None:
        known = {
            name: value.of({})
            for name, value in self._known.items()
            if not value.deps and value.loops <= set(site.keys)
        }
        made: tuple[Any, ...] | None = None
        try:
            options = options_of(site, self._templates, self._names, self._scopes, known)
            if options is not None:
                found: Any = Range("choice", list(options.shown or options.values))
                if options.shown is not None:
                    site.shown, made = options.shown, options.values
            else:
                found = self._names.evaluate(site.inner, self._scopes, known)
        except Unresolved as error:
            raise no_such_name(site, error) from None
        except Exception as error:
            raise BadSearchSpace(
                f"{site.where}: {site.text} cannot be evaluated: {type(error).__name__}: {error}"
            ) from error
        if not isinstance(found, Range):
            raise not_a_distribution(site.where, site.text, found)
        try:
            node = found.node(label)
        except (TypeError, ValueError) as error:
            raise type(error)(f"{site.where}: {error}") from None
        self.draws[label] = Draw(label, site, found, node, made=made)


def _is_first(test: Any, earlier: Sequence[Any], value: Any) -> bool:
    """Whether a value fits a pattern, and none of those before it."""
    return test(value) and not any(each(value) for each in earlier)


def _defaults(arguments: ast.arguments) -> list[ast.expr]:
    return [each for each in (*arguments.defaults, *arguments.kw_defaults) if each is not None]


def _ends(block: Sequence[ast.stmt]) -> bool:
    """Whether nothing that follows a block in its own block runs after it."""
    if not block:
        return False
    last = block[-1]
    if isinstance(last, ast.If):
        return _ends(last.body) and _ends(last.orelse)
    return isinstance(last, (ast.Return, ast.Raise, ast.Continue, ast.Break))
