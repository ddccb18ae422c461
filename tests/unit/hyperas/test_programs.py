"""Random programs with templates behave as the same programs with the numbers written in."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from properties import examples
from templated import flat, function_of, parents_of

from sparktune.hyperas.model import prepared

RANGES = [
    "choice([1, 2])", "choice([0, 1, 3])", "choice((2, 4))", "uniform(0, 2)", "uniformint(0, 2)",
    "randint(3)", "quniform(0, 2, 1)", "choice([-1, len('ab')])",
]  # fmt: skip
COUNTS = ["choice([1, 3])", "choice([0, 2])", "uniformint(1, 3)", "randint(3)"]


class Writer:
    """Writes a program; ``@3@`` stands for its third template, which ``ranges`` tell."""

    def __init__(self, draw):
        self.draw = draw
        self.ranges = []
        self.names = ["x"]
        self.loops = []
        self.budget = draw(st.integers(3, 14))

    def template(self, words=RANGES):
        keys = [i for i in self.loops if self.draw(st.booleans())]
        self.ranges.append((self.draw(st.sampled_from(words)), keys))
        return f"@{len(self.ranges) - 1}@"

    def value(self):
        kind = self.draw(st.integers(0, 5))
        if kind < 3:
            return self.template()
        if kind == 3:
            return self.draw(st.sampled_from([*self.names, *self.loops]))
        if kind == 4:
            return f"({self.template()} if {self.condition()} else {self.template()})"
        return f"({self.draw(st.sampled_from(self.names))} + {self.template()})"

    def condition(self):
        name = self.draw(st.sampled_from([*self.names, *self.loops]))
        test = (
            f"{self.draw(st.sampled_from(['==', '>', '!=', '<=']))} {self.draw(st.integers(0, 3))}"
        )
        forms = [
            lambda: f"{self.template()} {test}",
            lambda: f"{name} {test}",
            lambda: f"not {name} {test}",
            lambda: f"{name} {test} and {self.template()} > 1",
            lambda: f"{name} {test} or {self.template()} == 1",
            lambda: f"({self.template()} {test} or {name} > 1) and {self.template()} {test}",
            lambda: f"{self.template()} in (1, 2)",
        ]
        return self.draw(st.sampled_from(forms))()

    def block(self, indent):
        lines = []
        for _ in range(self.draw(st.integers(1, 3))):
            self.budget -= 1
            lines += self.statement(indent)
        return lines

    def statement(self, indent):
        pad = "    " * indent
        kind = self.draw(st.integers(0, 7)) if self.budget > 0 and indent < 4 else 0
        if kind <= 2:
            name = f"v{len(self.names)}"
            lines = [f"{pad}{name} = {self.value()}", f"{pad}out.append({name})"]
            if indent == 1:  # elsewhere it may not be bound
                self.names.append(name)
            return lines
        if kind <= 4:
            lines = [f"{pad}if {self.condition()}:", *self.block(indent + 1)]
            if self.draw(st.booleans()):
                lines.append(pad + "    " + self.draw(st.sampled_from(self.leaving())))
            if self.draw(st.booleans()):
                lines += [f"{pad}elif {self.condition()}:", *self.block(indent + 1)]
            if self.draw(st.booleans()):
                lines += [f"{pad}else:", *self.block(indent + 1)]
            return lines
        if kind == 5:
            subject = self.draw(st.sampled_from([self.template(), *self.names]))
            cases = ["0 | 1", "2", "-1", "3 if x > 0", "_"]
            lines = [f"{pad}match {subject}:"]
            for case in cases[: self.draw(st.integers(1, 5))]:
                lines += [f"{pad}    case {case}:", *self.block(indent + 2)]
            return lines
        if kind == 6 and len(self.loops) < 2:
            name = self.draw(st.sampled_from(["i", "j"]))
            if name in self.loops:
                return [f"{pad}pass"]
            count = self.template(COUNTS) if self.draw(st.booleans()) else "2"
            lines = [f"{pad}for {name} in range({count}):"]
            self.loops.append(name)
            lines += self.block(indent + 1)
            self.loops.pop()
            return lines
        if len(self.loops) < 2 and "k" not in self.loops:
            count = self.template(COUNTS)
            self.loops.append("k")
            element = f"{self.template()} * 2 for k in range({count})"
            self.loops.pop()
            return [f"{pad}out.append([{element}])"]
        return [f"{pad}out.append({self.value()})"]

    def leaving(self):
        return ["return out", "pass"] + (["continue", "break"] if self.loops else [])


@st.composite
def programs(draw):
    """A program with marks, and the ranges of its templates."""
    writer = Writer(draw)
    lines = [
        "def model(x):",
        "    out = []",
        *writer.block(1),
        f"    out.append({writer.template()})",
    ]
    return "\n".join([*lines, "    return out"]) + "\n", writer.ranges


def with_templates(text, ranges):
    def written(match):
        word, keys = ranges[int(match[1])]
        call = word[:-1] + "".join(f", {key}" for key in keys) + ")"
        return f"tune({call})" if int(match[1]) % 3 == 2 else f"{{{{{call}}}}}"

    return re.sub(r"@(\d+)@", written, text)


def with_numbers(text, ranges, places, values):
    """The program with numbers written in; what was not drawn must not be reached."""

    def written(match):
        label, (_, keys) = places[int(match[1])].label, ranges[int(match[1])]
        if not keys:
            return repr(values[label]) if label in values else "missing()"
        rounds = {key: value for key, value in values.items() if key.startswith(f"{label}[")}
        return f"{rounds!r}[f'{label}[{','.join('{' + key + '}' for key in keys)}]']"

    return re.sub(r"@(\d+)@", written, text)


def in_order(text, ranges):
    """The marks renumbered by where they stand."""
    order = [int(mark) for mark in re.findall(r"@(\d+)@", text)]
    place = {mark: number for number, mark in enumerate(order)}
    text = re.sub(r"@(\d+)@", lambda match: f"@{place[int(match[1])]}@", text)
    return text, [ranges[mark] for mark in order]


@pytest.mark.filterwarnings("ignore:.*is one draw for all its rounds:UserWarning")
@examples(300, quick=50)
@given(program=programs(), seed=st.integers(0, 2**32 - 1), x=st.integers(-1, 2))
def test_templates_behave_as_numbers(program, seed, x):
    """A rewritten function with a draw returns what the program with its numbers returns."""
    text, ranges = in_order(*program)
    ready = prepared(function_of(with_templates(text, ranges)))
    assert len(ready.places) == len(ranges)
    objective = ready.objective((x,))
    for row in ready.space.sample(np.random.default_rng(seed), 5):
        values = flat(ready, ready.space.decode(row))
        plain = function_of(with_numbers(text, ranges, ready.places, values))
        assert objective.drawing(values)(x) == plain(x)


@st.composite
def nests(draw, depth=0, path="c"):
    """Lines of a program in which every branch hangs on a choice of its own."""
    pad = "    " * (depth + 1)
    lines = []
    for _ in range(draw(st.integers(1, 2))):
        if depth < 3 and draw(st.integers(0, 2)) == 0:
            name = f"{path}_{len(lines)}"  # bound once
            lines += [f"{pad}{name} = {{{{choice([1, 2, 3])}}}}", f"{pad}if {name} == 2:"]
            lines += draw(nests(depth + 1, f"{name}a"))
            lines += [f"{pad}elif {name} < 3:", *draw(nests(depth + 1, f"{name}b"))]
            lines += [f"{pad}else:", *draw(nests(depth + 1, f"{name}c"))]
        elif depth < 3 and draw(st.booleans()):
            wanted = draw(st.sampled_from(["== 'a'", "!= 'a'", "in ('a', 'b')"]))
            lines += [f"{pad}if {{{{choice(['a', 'b', 'c'])}}}} {wanted}:"]
            lines += draw(nests(depth + 1, f"{path}_{len(lines)}d"))
            if draw(st.booleans()):
                lines += [f"{pad}else:", *draw(nests(depth + 1, f"{path}_{len(lines)}e"))]
        else:
            lines.append(f"{pad}x = {{{{uniform(0, 1)}}}}")
    return lines


@examples(200, quick=30)
@given(lines=nests(), seed=st.integers(0, 2**32 - 1))
def test_what_is_drawn_is_read(lines, seed):
    """Where every branch hangs on choices, a candidate has exactly the labels that are read."""
    ready = prepared(function_of("\n".join(["def model():", *lines, "    return 0"]) + "\n"))
    read = set()

    class Watched(dict):
        def __getitem__(self, label):
            read.add(label)
            return super().__getitem__(label)

    for row in ready.space.sample(np.random.default_rng(seed), 8):
        values = flat(ready, ready.space.decode(row))
        read.clear()
        ready.objective(()).drawing(Watched(values))()
        assert read == set(values)
    assert set(parents_of(ready.space)) == {place.label for place in ready.places}
