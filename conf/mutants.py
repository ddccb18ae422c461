"""Whether the tests of sparktune.hyperopt notice when one of its functions does something else.

    python conf/mutants.py [NAME ...]

A mutant is one function whose result is altered (None; a number plus 1, a truth turned round; a
text or container without its first item), one procedure of a module that does nothing, or one class
that lacks one of its methods. Functions within functions are left out, unless they have a name in a
module, in a class or in scope. A result is altered in the ways that fit what the function gave in
the tests. NAME restricts the check to functions whose dotted name contains it.

The tests are those of tests/compat and, where Hyperopt is installed, of tests/peers. They are
collected once; a fork for each test finds out which functions it calls, and a fork for each mutant
runs the tests that call the function, up to the first that fails, dies or hangs. Scripts that tests
start are watched and altered as well. What a test's module calls while it is imported is altered in
a process of its own, where the tests let it pass otherwise. Functions that run with Spark alone are
no exception: tests/compat has an engine that stands in for it.

Exit code 1: fewer than 95 % were noticed. SPARKTUNE_MUTANT_SHOWS=1 shows what the tests print.
"""

from __future__ import annotations

import ast
import atexit
import builtins
import contextlib
import functools
import gc
import importlib
import importlib.machinery
import importlib.util
import inspect
import json
import math
import numbers
import os
import pickle
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
import types
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

ROOT = Path(__file__).resolve().parents[1]
ROOM = "sparktune.hyperopt"
PARTS = {
    "compat": ["tests/compat"],
    "peers": ["tests/peers/test_hyperopt.py", "tests/peers/test_hyperopt_criteria.py"],
}
WANTED = 0.95
MOST_EQUIVALENT = 0.03  # of all mutants; further ones count as missed
AT_A_TIME = 2
SECONDS = 10  # that a test may take, beside 20 times what it took
SECONDS_OF_ALL = 300  # that the tests may take in a process of their own
MEMORY = 3 << 30  # that a fork may add
OUR_FAULT = 70  # exit code
VARIABLE = "SPARKTUNE_MUTANT"
NONE, PLUS_ONE, NO_FIRST, NOTHING, DELETED = "None", "plus 1", "first dropped", "nothing", "deleted"

EQUIVALENT = {  # and why nobody can notice them
    "pyll.base.Apply.is_leaf: None": "None is as false as False",
    "pyll.base.Apply.leaf_value: deleted": "only its exception says that such a node is no leaf",
    "pyll.base._first: plus 1": "numbers plus 1 are in the order of the numbers",
    "pyll_utils.Cond.__hash__: plus 1": "equal things have equal hashes still",
    "pyll_utils.Draw.is_leaf: None": "the value is made of its arguments then, which takes longer",
    "pyll_utils.Draw.is_leaf: deleted": "as where it gives None",
}


# Functions that are watched or altered, in any process.

Around = Callable[[Callable[..., Any], tuple[Any, ...], dict[str, Any]], Any]
_calls: list[tuple[Callable[..., Any], Around]] = []
_seen: dict[str, set[str]] = {}
_functions: dict[str, list[types.FunctionType]] = defaultdict(list)


def _call(number: int, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    original, around = _calls[number]
    return around(original, args, kwargs)


def _swap(function: types.FunctionType, around: Around) -> types.CodeType:
    """Let all who hold a function call something around it; gives the code that it had.

    The code is replaced within the function, by one that has the same free variables, as Python
    asks for, and does not use them.
    """
    code = function.__code__
    original = types.FunctionType(
        code, function.__globals__, function.__name__, function.__defaults__, function.__closure__
    )
    original.__kwdefaults__ = function.__kwdefaults__
    function.__signature__ = inspect.signature(function)
    _calls.append((original, around))
    free = code.co_freevars
    source = "def outer():\n"
    source += "".join(f"    {name} = None\n" for name in free)
    source += "    def inner(*args, **kwargs):\n"
    source += f"        if 0: {', '.join(free)}\n" if free else ""
    source += f"        return __mutant_call__({len(_calls) - 1}, args, kwargs)\n"
    source += "    return inner\n"
    made: dict[str, Any] = {}
    exec(compile(source, code.co_filename, "exec", dont_inherit=True), made)
    function.__code__ = made["outer"]().__code__.replace(
        co_name=code.co_name, co_firstlineno=code.co_firstlineno
    )
    return code


def _recording(key: str) -> Around:
    def around(original: Any, args: Any, kwargs: Any) -> Any:
        kinds = _seen.setdefault(key, set())
        result = original(*args, **kwargs)
        kinds |= _kinds_of(result)
        return result

    return around


def _altering(kind: str) -> Around:
    def around(original: Any, args: Any, kwargs: Any) -> Any:
        return None if kind == NOTHING else _altered(kind, original(*args, **kwargs))

    return around


def _array_type() -> Any:
    return getattr(sys.modules.get("numpy"), "ndarray", ())


def _kinds_of(result: Any) -> set[str]:
    """How a result can be altered."""
    if result is None:
        return set()
    if isinstance(result, _array_type()):
        kinds = {NONE, PLUS_ONE} if result.dtype.kind in "biuf" and result.size else {NONE}
        return kinds | ({NO_FIRST} if result.ndim and len(result) else set())
    if type(result).__name__ in ("bool", "bool_"):
        return {NONE, PLUS_ONE}
    if isinstance(result, numbers.Real):
        return {NONE, PLUS_ONE} if math.isfinite(result) and result + 1 != result else {NONE}
    if isinstance(result, (str, bytes, list, tuple, set, frozenset, Mapping)) and len(result):
        return {NONE, NO_FIRST}
    return {NONE}


def _altered(kind: str, result: Any) -> Any:
    if kind == NONE:
        return None
    if kind not in _kinds_of(result):
        return result
    if kind == PLUS_ONE:
        if isinstance(result, _array_type()):
            return ~result if result.dtype.kind == "b" else result + 1
        return not result if type(result).__name__ in ("bool", "bool_") else result + 1
    if isinstance(result, Mapping):
        return dict(list(result.items())[1:])
    return type(result)(list(result)[1:]) if isinstance(result, (set, frozenset)) else result[1:]


# The room's modules, as they are loaded in any process.


def _key(module: str, *names: str) -> str:
    """The name by which a function of the room is known here."""
    return ".".join([*filter(None, [module[len(ROOM) + 1 :]]), *names])


class _Marking(ast.NodeTransformer):
    """Puts a decorator below all others of the functions of a module and of its classes."""

    classes: ClassVar[set[str]] = set()  # that it has seen

    def __init__(self, module: str, without: str | None) -> None:
        self._names, self._module, self._without = [], module, without

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.ClassDef:
        self._names.append(node.name)
        self.classes.add(_key(self._module, *self._names))
        self.generic_visit(node)
        self._names.pop()
        node.body = node.body or [ast.Pass()]
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef | None:
        key = _key(self._module, *self._names, node.name)
        if key == self._without:
            return None
        if not any(ast.unparse(each).endswith("abstractmethod") for each in node.decorator_list):
            mark = ast.Call(ast.Name("__mutant__", ast.Load()), [ast.Constant(key)], [])
            node.decorator_list.append(ast.copy_location(ast.fix_missing_locations(mark), node))
        return node


class _Loader(importlib.machinery.SourceFileLoader):
    """Loads a module with its functions marked."""

    without: str | None = None

    def get_code(self, fullname: str) -> types.CodeType:
        tree = _Marking(fullname, self.without).visit(ast.parse(self.get_data(self.path)))
        return compile(ast.fix_missing_locations(tree), self.path, "exec", dont_inherit=True)


class _Finder:
    """Finds the modules of the room."""

    @staticmethod
    def find_spec(name: str, path: Any = None, target: Any = None) -> Any:
        if name != ROOM and not name.startswith(f"{ROOM}."):
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is not None and spec.origin:
            spec.loader = _Loader(name, spec.origin)
        return spec


def _mark(mark: Callable[[str, types.FunctionType], None]) -> None:
    """From now on, call ``mark`` with each function of the room when it is defined."""

    def marked(key: str) -> Any:
        def decorator(function: types.FunctionType) -> types.FunctionType:
            mark(key, function)
            return function

        return decorator

    builtins.__mutant__ = marked  # type: ignore[attr-defined]
    builtins.__mutant_call__ = _call  # type: ignore[attr-defined]
    sys.meta_path.insert(0, _Finder)  # type: ignore[arg-type]


def take_part() -> None:
    """Watch or alter functions in a process that a test has started, as its environment says."""
    told = json.loads(os.environ[VARIABLE])
    if "folder" in told:

        def keep() -> None:
            path = Path(told["folder"]) / f"{os.getpid()}.seen"
            path.write_bytes(pickle.dumps(_seen))

        atexit.register(keep)
        _mark(lambda key, function: _swap(function, _recording(key)) and None)
        return

    def alter(key: str, function: types.FunctionType) -> None:
        if key == told["key"]:
            _swap(function, _altering(told["kind"]))

    if told["kind"] == DELETED:
        _Loader.without = told["key"]
    _mark(alter)


# The check.


@dataclass(frozen=True)
class Mutant:
    """One function, and how it is altered."""

    key: str
    kind: str

    def __str__(self) -> str:
        return f"{self.key}: {self.kind}"

    def apply(self) -> None:
        """Alter it in this process, and in those that this one starts."""
        os.environ[VARIABLE] = json.dumps({"key": self.key, "kind": self.kind})
        if self.kind != DELETED:
            for function in _functions[self.key]:
                _swap(function, _altering(self.kind))
            return
        owner, name = CLASSES[self.key]
        delattr(owner, name)
        if name == "__hash__" and "__eq__" in vars(owner):
            owner.__hash__ = None  # as where a class is made with __eq__ alone


CLASSES: dict[str, tuple[type, str]] = {}  # of each method: its class, and its name there


@dataclass
class Watched:
    """What a test does."""

    item: Any
    seconds: float = 0.0
    seen: dict[str, set[str]] = field(default_factory=dict)

    @property
    def part(self) -> str:
        """The part of the tests that it is of."""
        path = self.item.path.relative_to(ROOT).as_posix()
        return next(name for name, paths in PARTS.items() if path.startswith(tuple(paths)))


class Unusable(Exception):  # noqa: N818
    """The tests cannot be used for the check, with the reason."""


class Check:
    """A plugin of pytest that runs the check in place of the tests.

    Args:
        names: only functions with one of these in their names, if there are any.
        folder: for what tests write.
    """

    def __init__(self, names: list[str], folder: Path) -> None:
        self.names, self._folder = names, folder
        self._failed = False
        self.mutants: list[Mutant] = []
        self.noticed: dict[Mutant, str] = {}
        self.unreached: set[str] = set()
        self.parts: list[str] = []
        self.trouble = ""

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Take note that a test failed."""
        self._failed = self._failed or report.failed

    def pytest_runtestloop(self, session: Any) -> bool:
        """Run the check."""
        try:
            if session.testsfailed:
                raise Unusable("some tests cannot be imported")
            self._check(session.items)
        except Unusable as error:
            self.trouble = str(error)
        return True

    def _check(self, items: list[Any]) -> None:
        at_import = {key: set(kinds) for key, kinds in _seen.items()}
        for function, code in _watched_imports:
            function.__code__ = code
        _know_all()
        for name in ("cloudpickle", "tqdm.auto", "matplotlib.pyplot", "pandas", "scipy.stats"):
            with contextlib.suppress(ImportError):
                importlib.import_module(name)
        gc.collect()
        gc.freeze()
        watched = self._watch(items)
        self.parts = [part for part in PARTS if any(each.part == part for each in watched)]
        kinds: dict[str, set[str]] = defaultdict(set)
        reach: dict[str, list[Watched]] = defaultdict(list)
        for each in sorted(watched, key=lambda each: each.seconds):
            for key, found in each.seen.items():
                kinds[key] |= found
                reach[key].append(each)
        for key, found in at_import.items():
            kinds[key] |= found
        self.mutants = [
            mutant
            for mutant in _mutants(kinds)
            if not self.names or any(name in mutant.key for name in self.names)
        ]
        reach.update({key: watched for key in CLASSES if key not in _functions})
        self.unreached = {
            each.key for each in self.mutants if each.key not in reach | at_import.keys()
        }
        print(f"{len(watched)} tests, {len(self.mutants)} mutants", flush=True)
        for part in self.parts:
            self._try(part, reach, at_import)
            print(f"{part}: {len(self.mutants) - len(self.noticed)} mutants are left", flush=True)

    def _watch(self, items: list[Any]) -> list[Watched]:
        """Run each test alone, and find what it calls."""
        found = [Watched(item) for item in items]

        def job(place: int, folder: Path) -> None:
            os.environ[VARIABLE] = json.dumps({"folder": str(folder)})
            _seen.clear()
            for key, functions in _functions.items():
                for function in functions:
                    _swap(function, _recording(key))
            began = time.perf_counter()
            failed = self._fails([found[place]], math.inf)
            seconds = time.perf_counter() - began
            for path in folder.glob("*.seen"):
                for key, kinds in pickle.loads(path.read_bytes()).items():
                    _seen.setdefault(key, set()).update(kinds)
            (self._folder / f"{place}.watched").write_bytes(pickle.dumps((failed, seconds, _seen)))

        jobs = [functools.partial(job, place) for place in range(len(found))]
        for place, code in self._run(jobs):
            path = self._folder / f"{place}.watched"
            if code or not path.exists():
                raise Unusable(f"{found[place].item.nodeid} cannot be watched")
            failed, found[place].seconds, found[place].seen = pickle.loads(path.read_bytes())
            if failed:
                raise Unusable(f"{found[place].item.nodeid} fails by itself")
        return found

    def _try(self, part: str, reach: Any, at_import: Any) -> None:
        """Run a part's tests against all mutants that nobody has noticed."""

        def job(mutant: Mutant, tests: list[Watched], _: Path) -> int:
            mutant.apply()
            return int(self._fails(tests))

        def job_apart(mutant: Mutant, _: Path) -> None:
            os.environ[VARIABLE] = json.dumps({"key": mutant.key, "kind": mutant.kind})
            signal.alarm(SECONDS_OF_ALL)
            words = ["-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *PARTS[part]]
            os.execv(sys.executable, [sys.executable, *words])

        missed = [each for each in self.mutants if each not in self.noticed]
        jobs, of = [], []
        for mutant in missed:
            tests = [each for each in reach.get(mutant.key, ()) if each.part == part]
            if tests:
                jobs.append(functools.partial(job, mutant, tests))
                of.append(mutant)
        self._note(part, of, jobs)
        of = [each for each in missed if each not in self.noticed and each.key in at_import]
        self._note(part, of, [functools.partial(job_apart, mutant) for mutant in of])

    def _note(self, part: str, of: list[Mutant], jobs: list[Any]) -> None:
        for place, code in self._run(jobs):
            if code in (OUR_FAULT, 3, 4, 5):  # and pytest's own troubles
                raise Unusable(f"{of[place]} cannot be tried: {code}")
            if code:
                self.noticed[of[place]] = part

    def _fails(self, tests: list[Watched], most: float = SECONDS) -> bool:
        """Run tests up to the first that fails; whether there was one. A hang ends the process."""
        if tests[0].part == "compat":  # whose tests know nothing of the Hyperopt that peers import
            for name in [name for name in sys.modules if name.partition(".")[0] == "hyperopt"]:
                del sys.modules[name]
        for each in tests:
            if most < math.inf:
                signal.setitimer(signal.ITIMER_REAL, most + 20 * each.seconds)
            each.item.config.hook.pytest_runtest_protocol(item=each.item, nextitem=None)
            if self._failed:
                break
        return self._failed

    def _run(self, jobs: list[Any]) -> Iterator[tuple[int, int]]:
        """Run jobs in forks, two at a time: the place of each and its exit code, as they end."""
        places: dict[int, int] = {}
        waiting = iter(enumerate(jobs))
        try:
            while True:
                for place, job in waiting:
                    places[self._fork(place, job)] = place
                    if len(places) == AT_A_TIME:
                        break
                if not places:
                    return
                pid, status = os.wait()
                place = places.pop(pid)
                self._clean_up(pid, place)
                yield place, os.waitstatus_to_exitcode(status)
        finally:
            for pid, place in places.items():
                self._clean_up(pid, place)
                os.waitpid(pid, 0)

    def _clean_up(self, pid: int, place: int) -> None:
        """End all that a fork has started, and itself."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)
        shutil.rmtree(self._folder / f"{place}", ignore_errors=True)

    def _fork(self, place: int, job: Any) -> int:
        folder = self._folder / f"{place}"
        folder.mkdir()
        pid = os.fork()
        if pid:
            return pid
        code: int | None = OUR_FAULT
        try:
            os.setsid()
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            size = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
            resource.setrlimit(resource.RLIMIT_AS, (size + MEMORY, -1))
            if not os.environ.get("SPARKTUNE_MUTANT_SHOWS"):
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, 1)
                os.dup2(nowhere, 2)
            os.environ["PYTEST_DEBUG_TEMPROOT"] = str(folder)
            code = job(folder)
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code or 0)


_watched_imports: list[tuple[types.FunctionType, types.CodeType]] = []


def _watch_import(key: str, function: types.FunctionType) -> None:
    _functions[key].append(function)
    _watched_imports.append((function, _swap(function, _recording(key))))


def _know_all() -> None:
    """Import all of the room, and find methods, and functions that functions have made."""
    here = ROOT.joinpath(*ROOM.split("."))
    known = {id(each) for several in _functions.values() for each in several}

    def note(key: str, thing: Any) -> None:
        is_ours = isinstance(thing, types.FunctionType) and str(here) in thing.__code__.co_filename
        if is_ours and id(thing) not in known:
            known.add(id(thing))
            _functions[key].append(thing)

    for path in sorted(here.rglob("*.py")):
        names = [each for each in path.relative_to(here).with_suffix("").parts if each[0] != "_"]
        if path.name == "__main__.py":
            names = ["__main__"]
        module = importlib.import_module(".".join([ROOM, *names]))
        for name, thing in vars(module).items():
            key = _key(module.__name__, name)
            note(key, thing)
            if isinstance(thing, type) and key in _Marking.classes:
                _know_methods(key, thing, note)
    scope = importlib.import_module(f"{ROOM}.pyll.base").scope
    for name in dir(scope):
        with contextlib.suppress(KeyError):
            note(_key(f"{ROOM}.pyll.base", "scope", name), scope.implementation(name))


def _know_methods(key: str, kind: type, note: Callable[[str, Any], None]) -> None:
    kinds = (types.FunctionType, types.MethodType, property, functools.cached_property)
    for name, thing in list(vars(kind).items()):
        if isinstance(thing, (*kinds, classmethod, staticmethod)):
            if getattr(thing, "__isabstractmethod__", False):
                continue
            CLASSES[f"{key}.{name}"] = kind, name
            note(f"{key}.{name}", thing)


def _mutants(kinds: Mapping[str, set[str]]) -> list[Mutant]:
    """All mutants, of functions that give what they gave."""
    found = []
    for key in sorted({*_functions, *CLASSES}):
        ways = sorted(kinds.get(key, ()))
        if key in CLASSES:
            ways.append(DELETED)
        found += [Mutant(key, kind) for kind in ways or [NOTHING]]
    return found


def report(check: Check) -> bool:
    """Print what was noticed, by module, and what was not; whether it is enough."""
    mutants, noticed = check.mutants, check.noticed
    rows: dict[str, Counter[str]] = defaultdict(Counter)
    files = {
        _key(f"{ROOM}.{'.'.join(path.relative_to(ROOT / 'sparktune/hyperopt').parts)[:-3]}")
        for path in (ROOT / "sparktune/hyperopt").rglob("*.py")
    }
    for each in mutants:
        of = max((name for name in files if each.key.startswith(f"{name}.")), key=len, default="")
        rows[of].update(["all", noticed.get(each, "missed")])
    columns = ["all", *check.parts, "missed"]
    print(f"\n{'':20}" + "".join(f"{column:>8}" for column in columns))
    for name, row in sorted(rows.items()):
        print(f"{name:20}" + "".join(f"{row[column]:8}" for column in columns))
    missed = [each for each in mutants if each not in noticed]
    alike = [each for each in missed if str(each) in EQUIVALENT]
    for each in missed:
        why = EQUIVALENT.get(str(each), "")
        if not why and each.key in check.unreached:
            why = "no test calls it"
        print(f"missed: {each}" + (f" ({why})" if why else ""))
    stale = set(EQUIVALENT) - set(map(str, alike))
    if not check.names and stale:
        print("no longer to be listed as equivalent:", ", ".join(sorted(stale)))
    total = len(mutants) or 1
    counted = len(alike) if check.names else min(len(alike), int(MOST_EQUIVALENT * total))
    shares = []
    for end in range(1, len(check.parts) + 1):
        by = sum(noticed.get(each) in check.parts[:end] for each in mutants)
        shares.append((by + counted) / total)
        print(
            f"{' and '.join(check.parts[:end])}: {by} of {total} noticed, {counted} equivalent: "
            f"{shares[-1]:.1%}"
        )
    return bool(shares) and shares[-1] >= WANTED


def main(names: list[str]) -> int:
    """Check the room, and print a table."""
    began = time.monotonic()
    os.chdir(ROOT)
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    with tempfile.TemporaryDirectory() as folder:
        hooks = Path(folder) / "hooks"
        hooks.mkdir()
        (hooks / "sitecustomize.py").write_text(
            f"import os, sys\nif {VARIABLE!r} in os.environ:\n"
            f"    sys.path.append({str(Path(__file__).parent)!r})\n"
            "    import mutants\n    sys.path.pop()\n    mutants.take_part()\n"
        )
        sys.path.insert(0, str(ROOT))
        given = [os.environ["PYTHONPATH"]] if os.environ.get("PYTHONPATH") else []
        os.environ["PYTHONPATH"] = os.pathsep.join([str(hooks), str(ROOT), *given])
        _mark(_watch_import)
        import pytest

        check = Check(names, Path(folder))
        paths = PARTS["compat"] + PARTS["peers"] * bool(importlib.util.find_spec("hyperopt"))
        words = ["-qq", "-s", "--no-summary", "-p", "no:cacheprovider", *paths]
        code = pytest.main(words, plugins=[check])
    if code or check.trouble:
        print(check.trouble)
        return 1
    enough = report(check)
    print(f"{time.monotonic() - began:.0f} s")
    return int(not enough)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
