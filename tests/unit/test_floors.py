"""The order of the rooms: a file imports only from rooms before its own."""

import ast
import functools
import importlib
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import sparktune

PACKAGE = Path(sparktune.__file__).parent

# From the ground up. A room is a folder or a file; within a folder imports run one way only.
ROOMS = [
    {
        "exceptions",
        "checks",
        "arithmetic",
        "unpickling",
        "telling",
        "markup",
        "tracebacks",
        "blas",
        "extras",
        "plurals",
        "cutting",
    },
    {"space"},
    {"hp"},
    {"history"},
    {"storage"},
    {"suggest"},
    {"prune"},
    {"importance"},
    {"plots"},
    {"engines"},
    {"events"},
    {"heard"},
    {"search"},
    {"algo", "known", "memo", "tracking", "views"},
    {"report"},
    {"following"},
    {"run"},
    {"trials"},
    {"worker"},
    {"store"},
    {"early_stop", "fmin", "tuner"},
    {"hyperopt"},
    {"hpsklearn"},
    {"hyperas"},
    {"__init__"},
    {"cluster"},
    {"dashboard"},
    {"cli"},
    {"__main__"},
]
GROUND_AND_MIND = {"exceptions", "checks", "arithmetic", "space", "hp", "history", "suggest"}
IMPURE = {"time", "threading", "os", "io", "pathlib", "shutil", "tempfile", "socket", "subprocess"}
IMPURE |= {"asyncio", "concurrent", "multiprocessing", "datetime", "sqlite3", "pyspark", "random"}
# types of Hyperopt's documents and of options, no clock; and a lock, for reports come in any thread
SHAPES = {("history/documents", "datetime"), ("space/plain", "datetime")}
SHAPES |= {("history/history", "threading")}
SPARK = {
    f"engines/spark/{name}"
    for name in ("internals", "session", "slots", "classic", "connect", "driver")
}
SPARK |= {f"engines/travels/{name}" for name in ("task", "spark_worker", "sources")}
SPARK |= {"cluster/doctor", "cluster/probe"}
SPARK |= {"hyperas/travels/saving"}  # its cloudpickle, where there is no other

FILES = {str(path.relative_to(PACKAGE).with_suffix("")): path for path in PACKAGE.rglob("*.py")}


@functools.cache
def text_of(path):
    """A file's text."""
    return path.read_text()


@functools.cache
def tree_of(path):
    """A file's syntax."""
    return ast.parse(text_of(path))


def nodes_with(path, words):
    """All nodes of a file's syntax, or none where its text has none of the words."""
    return ast.walk(tree_of(path)) if any(word in text_of(path) for word in words) else ()


FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def statements(node, lazy=False):
    """All statements below a node, and whether they are inside a function; no expressions."""
    for name in ("body", "handlers", "orelse", "finalbody", "cases"):
        for each in getattr(node, name, ()):
            yield each, lazy
            yield from statements(each, lazy or isinstance(each, FUNCTIONS))


def room_of(name):
    """The room of a file: its top folder, or the file itself."""
    return name.partition("/")[0]


def floor_of(name):
    """The floor of a file's room."""
    floors = [floor for floor, rooms in enumerate(ROOMS) if room_of(name) in rooms]
    return floors[0] if floors else None


@functools.cache
def imports(name):
    """What a file imports, wherever in it: (module, line, inside a function); ours with '/'."""
    return tuple(_imports(tree_of(FILES[name]), name))


def _imports(tree, name):
    for node, lazy in statements(tree):
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            modules = [node.module or ""]
            if node.level:
                folder = ["sparktune", *name.split("/")][: -node.level]
                modules = [".".join([*folder, *filter(None, modules)])]
            if (modules[0].replace(".", "/") + "/").startswith("sparktune/"):
                modules = [f"{modules[0]}.{alias.name}" for alias in node.names]
        else:
            continue
        for module in modules:
            if module.split(".")[0] == "sparktune":
                module = ours(module.replace(".", "/"))
            yield module, node, lazy


def ours(path):
    """The file that an import of sparktune/... reaches, as a key of FILES behind a slash."""
    parts = path.split("/")[1:]
    for end in range(len(parts), -1, -1):
        for name in ("/".join(parts[:end]), "/".join([*parts[:end], "__init__"])):
            if name in FILES:
                return f"/{name}"
    raise AssertionError(path)


def test_the_parser_sees_the_imports():
    """The test itself sees relative, lazy and foreign imports."""
    seen = {(module, lazy) for module, _, lazy in imports("trials/record")}
    assert {
        ("/history/__init__", False),
        ("/engines/local", False),
        ("threading", False),
    } <= seen
    assert ("pandas", True) in {(m, lazy) for m, _, lazy in imports("trials/tables")}
    assert ("/engines/travels/sources", False) in {
        (m, lazy) for m, _, lazy in imports("engines/spark/classic")
    }
    assert "/suggest/tpe" in {module for module, _, _ in imports("__init__")}
    assert "/space/distributions" in {
        module for module, _, _ in imports("suggest/surrogates/parzen")
    }


def test_every_file_has_a_room():
    """Every file is in a room of the list."""
    assert not [name for name in FILES if floor_of(name) is None]


def test_rooms_import_from_earlier_ones():
    """A file imports of other rooms of ours only those that stand before its own."""
    assert not [
        f"{name}.py:{node.lineno}"
        for name in FILES
        for module, node, _ in imports(name)
        if module[0] == "/" and room_of(module[1:]) != room_of(name)
        if floor_of(module[1:]) >= floor_of(name)
    ]


def test_no_imports_go_round():
    """Within a folder, as everywhere, no file leads back to itself by imports."""
    graph = {
        name: {module[1:] for module, _, _ in imports(name) if module[0] == "/"} for name in FILES
    }
    assert len(list(TopologicalSorter(graph).static_order())) == len(FILES)


def test_every_room_exists():
    """No room of the list is left empty."""
    for room in set().union(*ROOMS):
        assert room in FILES or (PACKAGE / room).is_dir(), room


LONG = 400


def test_a_long_file_says_why():
    """A file of over 400 lines says in its head why it is one room."""
    long = [name for name, path in FILES.items() if path.read_text().count("\n") > LONG]
    heads = {name: (ast.get_docstring(tree_of(FILES[name])) or "").split() for name in long}
    assert not [name for name, head in heads.items() if " is long because " not in " ".join(head)]


# What pyspark keeps to itself is reached in one file on the driver, and where tasks run in the two
# that take over its broadcast variables and accumulators.
INTERNALS = {"engines/spark/internals", "engines/travels/task", "engines/travels/spark_worker"}
INTERNALS |= {"tracking/server"}  # and what MLflow does, in one


def test_nobody_reaches_into_anothers_attributes():
    """x._y is for self, cls, super(), and arguments of the class's own kind."""
    assert not [each for name in set(FILES) - INTERNALS for each in foreign_attributes(name)]


def foreign_attributes(name):
    """Where a file reads an attribute that another class keeps to itself."""
    nodes = list(ast.walk(tree_of(FILES[name])))
    of_others = [
        (node, of)
        for node in nodes
        if isinstance(node, ast.Attribute) and node.attr.startswith("_")
        if not node.attr.startswith("__")
        if (of := ast.unparse(node.value)) not in ("self", "cls", "super()")
    ]
    if not of_others:
        return
    classes = [node for node in nodes if isinstance(node, ast.ClassDef)]
    names = {each.name for each in classes}
    owner = {id(node): each for each in classes for node in ast.walk(each)}
    for node, of in of_others:
        own = node.attr in attributes(owner[id(node)]) if id(node) in owner else False
        if not (own or of in names or (of, node.attr) == ("os", "_exit")):
            yield f"{name}.py:{node.lineno}: {of}.{node.attr}"


@functools.cache
def attributes(kind):
    """The names that a class gives to itself."""
    found = {node.name for node in kind.body if isinstance(node, ast.FunctionDef)}
    for node in ast.walk(kind):
        if isinstance(node, ast.Attribute) and getattr(node.value, "id", None) == "self":
            found.add(node.attr)
    return found


def test_what_runs_on_executors_imports_nothing_of_ours():
    """What runs on an executor does not need this package there."""
    allowed = set()
    parts = (
        "modules",
        "limit",
        "tracked",
        "trial",
        "logs",
        "line",
        "store",
        "stand_in",
        "task",
        "watchdog",
    )
    for name in (*parts, "watchdog", "trial_process", "spark_worker", "store_process"):
        ours = {module for module, _, _ in imports(f"engines/travels/{name}") if module[0] == "/"}
        assert ours <= allowed, name
        allowed.add(f"/engines/travels/{name}")
    for name in ("sources", "__init__"):
        assert not [m for m, _, _ in imports(f"engines/travels/{name}") if m[0] == "/"], name


def test_pyspark_is_imported_late_and_in_few_places():
    """Only the Spark rooms import pyspark, and only inside functions."""
    assert not [
        f"{name}.py:{node.lineno}"
        for name in FILES
        for module, node, lazy in imports(name)
        if module.split(".")[0] == "pyspark" and not (lazy and name in SPARK)
    ]


def test_ground_and_mind_have_no_clock_thread_or_file():
    """What a search is about and how it chooses does not touch the world outside."""
    names = [name for name in FILES if room_of(name) in GROUND_AND_MIND]
    used = {(name, m.split(".")[0]) for name in names for m, _, _ in imports(name)}
    assert not [use for use in used - SHAPES if use[1] in IMPURE]
    doors = {"open", "print", "input"}
    assert not [name for name in names if doors & called_in(FILES[name], doors)]


def called_in(path, words):
    """Which of the words a file calls as functions."""
    calls = [node.func for node in nodes_with(path, words) if isinstance(node, ast.Call)]
    return {each.id for each in calls if isinstance(each, ast.Name)} & words


# The command line, a program whose answer is what it prints, and Hyperopt's rec_eval and pprint.
PRINTING = {"cli/words", "cluster/probe", "hyperopt/pyll/base"}


@pytest.mark.parametrize("name", sorted(set(FILES) - PRINTING))
def test_nothing_prints(name):
    """What people are told goes through logging, or is a warning."""
    assert not called_in(FILES[name], {"print"})


def test_everything_public_exists():
    """Every name in __all__ of every module is there."""
    for name in FILES:
        module = "sparktune" if name == "__init__" else f"sparktune.{name.replace('/', '.')}"
        module = importlib.import_module(module.removesuffix(".__init__"))
        for public in getattr(module, "__all__", ()):
            assert hasattr(module, public), f"{name}: {public}"


TESTS = sorted(Path(__file__).parents[1].rglob("*.py"))


def test_every_test_says_its_behaviour():
    """Every test has a docstring of one sentence."""
    for path in TESTS:
        for node, _ in statements(tree_of(path)):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                text = ast.get_docstring(node) or ""
                assert text.endswith("."), f"{path.name}: {node.name}"
                assert "\n\n" not in text, f"{path.name}: {node.name}"


def test_no_unit_test_sleeps():
    """A unit test waits for what happens, and takes no time on purpose."""
    clocks = {"sleep", "monotonic", "perf_counter", "process_time"}
    for path in TESTS:
        if {"unit", "processes"} & set(path.parts):
            nodes = nodes_with(path, clocks)
            assert not clocks & {n.attr for n in nodes if isinstance(n, ast.Attribute)}, path
