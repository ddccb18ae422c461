"""Functions keep what they have where they stand: names, closures, classes, decorators, lines."""

import bdb
import functools
import linecache
import threading
import traceback

import pytest
from templated import function_of, module_of, run

from sparktune.hyperas import optim
from sparktune.hyperas.distributions import choice, uniform
from sparktune.hyperas.model import prepared


def objective_of(model, *data):
    """A function of values by label that calls the model with data."""
    ready = prepared(model)
    objective = ready.objective(data)
    return lambda **values: objective.drawing(values)(*data)


def test_a_closure_is_live():
    """Variables of enclosing functions are shared with the original, not copied."""
    count = 0
    step = 1

    def model():
        nonlocal count
        count += step * {{choice([1, 10])}}
        return count

    call = objective_of(model)
    assert call(count=1) == 1
    step = 2
    assert call(count=10) == 21
    assert count == 21


def test_a_closure_read_in_ranges_alone():
    """What only a range reads of an enclosing function is known."""
    sizes, base = [8, 16], 2

    def model():
        units = {{choice([size * base for size in sizes])}}
        return units

    assert run(model, units=1) == 32


class Base:
    __scale = 100

    def build(self, x):
        return x + self.__scale


class Model(Base):
    __scale = 3
    sizes = (8, 16)

    def __init__(self, start=0):
        self.start = start

    def build(self, x, *, more=1):
        """What it says."""
        __local = {{choice([1, 2])}}
        return super().build(x) + self.__scale * __local + self.start + more, __class__.__name__

    @classmethod
    def of_class(cls):
        return cls.sizes[{{choice([0, 1])}}]

    @staticmethod
    def alone():
        n = {{choice([1, 2])}}
        return n

    class Inner:
        __own = 5

        def build(self):
            return self.__own * {{choice([1, 2])}}

    def __call__(self, x):
        y = {{choice([3, 4])}}
        return x + y


def test_methods():
    """Private names, super, __class__, class methods and static methods are as in their class."""
    ready = prepared(Model(10).build)
    (label,) = ready.space.labels
    assert label == "__local"
    assert objective_of(Model(10).build, 1)(**{label: 2}) == (1 + 100 + 3 * 2 + 10 + 1, "Model")
    assert run(Model.of_class, sizes=1) == 16
    assert run(Model.alone, n=1) == 2
    assert run(Model().Inner().build, **{"return": 1}) == 10
    assert run(Model(), 1, y=1) == 5


def test_what_a_function_carries():
    """Name, module, docstring, defaults, annotations and attributes are the original's."""

    def model(x: int = 1, /, *rest, y: "int" = {{1}.pop(): 2}, **more) -> float:
        """Says what it is."""
        z = {{choice([1, 2])}}
        return x, rest, y, z, more

    model.note = "kept"
    made = prepared(model).function
    for name in ("__name__", "__qualname__", "__module__", "__doc__", "__defaults__"):
        assert getattr(made, name) == getattr(model, name)
    assert (made.__annotations__, made.note) == (model.__annotations__, "kept")
    assert made.__kwdefaults__ == model.__kwdefaults__
    assert made.__globals__ is globals()
    assert made.__code__.co_firstlineno == model.__code__.co_firstlineno
    assert objective_of(model)(z=2) == (1, (), {1: 2}, 2, {})


def test_a_module_stays_live():
    """Global variables are those of the module, at the time of the call, and may be set."""
    module = module_of(
        "LIMIT = 1\nSEEN = 0\ndef model():\n    global SEEN\n    SEEN += {{choice([1, 2])}}\n"
        "    return LIMIT, helper()\ndef helper():\n    return model.__name__\n"
    )
    call = objective_of(module["model"])
    module["LIMIT"] = 7
    assert call(SEEN=2) == (7, "model")
    assert module["SEEN"] == 2


def wrapping(function):
    @functools.wraps(function)
    def wrapped(*args, **kwargs):
        return "wrapped", function(*args, **kwargs)

    return wrapped


def hiding(function):
    def hidden(*args):
        return "hidden", function(*args)

    return hidden


class Counting:
    """A decorator that is an object."""

    def __init__(self, function):
        self.function, self.calls = function, 0

    def __call__(self, *args):
        self.calls += 1
        return "counted", self.function(*args)


def named(name):
    return lambda function: lambda *args: (name, function(*args))


@wrapping
@hiding
@Counting
@named("n")
def decorated(x):
    y = {{choice([1, 2])}}
    return x + y


@functools.lru_cache(maxsize=None)
def cached(x):
    y = {{choice([1, 2])}}
    return x + y


def test_decorators_stay():
    """Whatever decorators do around a function, they do around the rewritten one."""
    found = run(decorated, 1, y=1)
    assert found == ("wrapped", ("hidden", ("counted", ("n", 3))))
    assert run(cached, 1, y=0) == 2
    assert run(cached, 1, y=1) == 3


KEPT = {}


def registering(function):
    KEPT["function"] = function

    @functools.wraps(function)
    def by_name(*args):
        return KEPT["function"](*args)

    return by_name


@registering
def registered():
    return {{choice([1, 2])}}


def test_a_decorator_that_hides_its_function():
    """A decorator that keeps its function where nobody finds it is refused."""
    with pytest.raises(
        ValueError, match=r"test_places\.py:\d+: registered is called through a dec"
    ):
        optim.space_of(registered)


class Net:
    """A network as of PyTorch, with templates in a class inside."""


def with_inner_definitions(x):
    factor = {{choice([1, 2])}}

    class Inner(Net):
        size = {{choice([3, 4])}}

        def forward(self, y):
            return y * self.size * {{choice([5, 6])}} * factor

    def block(y, more={{choice([7, 8])}}):
        return y + more + {{choice([9, 10])}}

    return Inner().forward(x), block(x), (lambda y: y + {{choice([11, 12])}})(x)


def test_definitions_inside():
    """Templates in classes, functions and lambdas inside a function are drawn like others."""
    labels = prepared(with_inner_definitions).space.labels
    assert labels == ("factor", "size", "return", "more", "return_1", "return_2")
    values = dict(zip(labels, [2, 4, 6, 8, 10, 12], strict=True))
    assert objective_of(with_inner_definitions, 1)(**values) == (48, 19, 13)


def failing(x):
    rate = {
        {
            choice(
                [
                    1,
                    2,
                ]
            )
        }
    }
    if rate > 1:
        raise ValueError("as told")
    return x


def line_of(text):
    """The first line of this file that is a text."""
    lines = linecache.getlines(__file__)
    return next(number for number, line in enumerate(lines, 1) if line.strip() == text)


def test_lines_of_a_traceback():
    """A traceback shows the file, the lines and the text of the user's function."""
    with pytest.raises(ValueError, match="as told") as caught:
        run(failing, 1, rate=1)
    last = traceback.extract_tb(caught.value.__traceback__)[-1]
    assert last.filename == __file__
    assert last.lineno == line_of('raise ValueError("as told")')
    assert last.line == 'raise ValueError("as told")'
    assert last.name == "failing"


class Stopping(bdb.Bdb):
    """A debugger that notes where its breakpoints stopped it."""

    def __init__(self):
        super().__init__()
        self.stops = []

    def user_line(self, frame):
        if self.break_here(frame):
            self.stops.append((frame.f_lineno, dict(frame.f_locals).get("rate")))


def test_a_debugger_stops():
    """A breakpoint at a line of the user's file stops there, and sees the variables."""
    debugger = Stopping()
    line = line_of("if rate > 1:")
    assert debugger.set_break(__file__, line) is None
    objective = prepared(failing).objective((1,)).drawing({"rate": 1})
    debugger.runcall(objective, 1)
    assert debugger.stops == [(line, 1)]
    debugger.clear_all_breaks()


def test_future_annotations():
    """A module's `from __future__ import annotations` holds for the rewritten function."""
    text = (
        "from __future__ import annotations\ndef model():\n    x = {{choice([1, 2])}}\n"
        "    def inner(y: Missing): return y + x\n    return inner.__annotations__, inner(1)\n"
    )
    assert run(function_of(text), x=1) == ({"y": "Missing"}, 3)


def test_trials_in_threads_have_draws_of_their_own():
    """Two trials in one process at a time do not see each other's draws."""
    meet = threading.Barrier(2, timeout=30)

    def model():
        before = {{choice([1, 2])}}
        meet.wait()
        after = {{uniform(0, 9)}}
        meet.wait()
        return before, after, (lambda: {{choice([5, 6])}})()

    call = objective_of(model)
    found = {}

    def trial(number):
        found[number] = call(before=number, after=number + 2, **{"return": number + 4})

    threads = [threading.Thread(target=trial, args=(number,)) for number in (1, 2)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert found == {1: (1, 3, 5), 2: (2, 4, 6)}


def test_recursion_says_what_is_wrong():
    """A call of the function by its own name is a plain call, and says that none sees values."""
    text = "def model(n=1):\n    x = {{choice([1, 2])}}\n    return model(0) if n else x\n"
    with pytest.raises(TypeError, match=r"choice\(\[1, 2\]\) was reached by a call that no search"):
        run(function_of(text), x=0)


def test_a_function_in_a_branch_of_a_module():
    """A function defined under `if` or `try` of a module, or in a function, is found."""
    module = module_of(
        "try:\n    if True:\n        def model():\n            return {{choice([1, 2])}}\n"
        "except ImportError:\n    pass\n"
        "def make(n):\n    for _ in range(1):\n        def made():\n"
        "            return n + {{choice([1, 2])}}\n    return made\n"
    )
    assert run(module["model"], **{"return": 1}) == 2
    assert run(module["make"](10), **{"return": 1}) == 12


def test_two_functions_of_one_name():
    """Of functions with one name the one that is given is read."""
    module = module_of(
        "def model():\n    return {{choice([1, 2])}}\nfirst = model\n"
        "def model():\n    other = {{choice([3, 4])}}\n    return other\n"
    )
    assert run(module["first"], **{"return": 0}) == 1
    assert run(module["model"], other=0) == 3


def test_a_changed_file():
    """A file that has changed since the function was defined is refused."""
    module = module_of("def model():\n    x = {{choice([1, 2])}}\n    return x\n")
    path = module["model"].__code__.co_filename
    for text in ("def model():\n    x = {{choice([1, 3])}}\n", "x = 1\n", "def model(:\n"):
        linecache.cache[path] = (1, None, text.splitlines(keepends=True), path)
        with pytest.raises(ValueError, match=r"the file has changed since model was defined"):
            optim.space_of(module["model"])


CLASS_AND_CLOSURE = """
def outer(base):
    class Model(Parent):
        __secret = 7
        def build(self, x):
            def inner():
                return base + self.__secret + {{choice([1, 2])}}
            return super().build(x) + inner()
        @property
        def other(self):
            return self.build(0)
    return Model()
"""


def test_a_method_of_a_class_in_a_function():
    """A method sees the variables of the function that its class stands in, and its own class."""

    class Parent:
        def build(self, x):
            return x * 1000

    model = function_of(CLASS_AND_CLOSURE, "outer", Parent=Parent)(100).build
    assert run(model, 2, **{"return": 1}) == 2000 + 100 + 7 + 2
