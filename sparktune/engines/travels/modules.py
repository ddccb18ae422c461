"""Modules that are imported where the run is and where its trials are: whether they are the same.

What a module holds is compared by fingerprints. They are equal where values are, and leave out what
belongs to a process or a machine: addresses, locks, handles.
"""

from __future__ import annotations

import hashlib
import os
import sys
import time
from collections.abc import Iterable, Mapping
from types import CodeType, FunctionType, ModuleType
from typing import Any

_NODES = 20_000  # of a value, that are looked at
_LARGE = 5_000  # items of a dict or set, that are not looked at any more
_FOREIGN = ("/site-packages/", "/dist-packages/", "/pyspark.zip/")
_OURS = ("pyspark", "py4j", "sparktune", "__main__")


def is_users(module: Any) -> bool:
    """Whether a module is a file of the user's own: neither installed, nor Python's, nor ours."""
    if is_pythons(module):
        return False
    path = getattr(module, "__file__", None)
    if not isinstance(path, str) or not path.endswith(".py"):
        return False
    if any(folder in path for folder in _FOREIGN):
        return False
    name = module.__name__.partition(".")[0]
    return name not in _OURS and not name.startswith("_sparktune")


def is_pythons(module: Any) -> bool:
    """Whether a module belongs to Python's own library."""
    name = str(getattr(module, "__name__", "")).partition(".")[0]
    return name in sys.stdlib_module_names


def variable(module: str, path: tuple[str, ...]) -> Any:
    """What a path of attributes leads to in an imported module; KeyError where nothing is."""
    thing: Any = sys.modules[module]
    for name in path:
        thing = vars(thing)[name]
    return thing


def fingerprint(thing: Any) -> str:
    """Equal for equal values, in any process."""
    digest = hashlib.sha256()
    _feed(thing, digest.update, {}, [_NODES])
    return digest.hexdigest()[:32]


def _feed(thing: Any, put: Any, seen: dict[int, Any], left: list[int]) -> None:
    """Hand out bytes that say what a thing is; ``seen`` is what it stands in."""
    kind = type(thing)
    put(f"<{kind.__module__}.{kind.__qualname__}".encode())
    left[0] -= 1
    if left[0] < 0 or id(thing) in seen:
        return
    if thing is None or isinstance(thing, (bool, int, float, complex, str, bytes, range)):
        put(repr(thing).encode(errors="replace"))
        return
    seen[id(thing)] = thing
    if isinstance(thing, (dict, set, frozenset)) and len(thing) > _LARGE:
        put(str(len(thing)).encode())
    elif isinstance(thing, dict):  # in an order that sets may have given it
        for key in sorted(thing, key=fingerprint):
            _feed(key, put, seen, left)
            _feed(thing[key], put, seen, left)
    elif isinstance(thing, (list, tuple)):
        for item in thing:
            _feed(item, put, seen, left)
    elif isinstance(thing, (set, frozenset)):
        put("".join(sorted(map(fingerprint, thing))).encode())
    elif isinstance(thing, FunctionType):
        put(f"{thing.__module__}.{thing.__qualname__}".encode())
        if is_users(sys.modules.get(thing.__module__)):
            _feed_code(thing.__code__, put)
    elif isinstance(thing, type):
        put(f"{thing.__module__}.{thing.__qualname__}".encode())
        for base in thing.__mro__ if is_users(sys.modules.get(thing.__module__)) else ():
            for name, item in sorted(vars(base).items()):
                if not (name.startswith("_") or callable(item) or hasattr(item, "__get__")):
                    put(name.encode())
                    _feed(item, put, seen, left)
    elif isinstance(thing, ModuleType):
        put(thing.__name__.encode())
    elif is_users(sys.modules.get(kind.__module__)) or kind.__module__ in ("types", "argparse"):
        _feed(getattr(thing, "__dict__", None), put, seen, left)
        for base in kind.__mro__:
            slots = vars(base).get("__slots__", ())
            for name in (slots,) if isinstance(slots, str) else slots:
                _feed(getattr(thing, name, None), put, seen, left)
    elif _is_array(thing):
        put(f"{thing.dtype} {thing.shape}".encode())
        put(thing.tobytes() if thing.nbytes < 10_000_000 else b"")
    del seen[id(thing)]
    put(b">")


def _is_array(thing: Any) -> bool:
    kind = type(thing)
    return kind.__module__.partition(".")[0] == "numpy" and not getattr(
        getattr(thing, "dtype", None), "hasobject", True
    )


def _feed_code(code: CodeType, put: Any) -> None:
    put(code.co_code)
    put(repr((code.co_names, code.co_varnames)).encode())
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            _feed_code(constant, put)
        elif not isinstance(constant, frozenset):  # in an order of its own in each process
            put(repr(constant).encode(errors="replace"))


def strange(expected: Mapping[tuple[str, tuple[str, ...]], str]) -> dict[Any, bool]:
    """Whether variables of modules that are imported here are others than where the run is."""
    found = {}
    for (module, path), known in expected.items():
        if module in sys.modules:
            try:
                found[module, path] = fingerprint(variable(module, path)) != known
            except Exception:  # it is not there at all, or tells nothing
                found[module, path] = True
    return found


def edited() -> list[str]:
    """Names of the user's modules whose files have changed since this process began.

    Other jobs may have imported them into Spark's Python worker before they were edited. All that
    comes from the same folder of ``sys.path`` is among them. Asked before a fork of the worker: to
    touch every module in the fork would copy the memory that they lie in.
    """
    users = {name: module for name, module in list(sys.modules.items()) if is_users(module)}
    if not users:
        return []
    since = _began(os.getpid())
    roots = {_root(module) for module in users.values() if _changed(module) > since}
    return [name for name, module in users.items() if _root(module) in roots]


def forget(names: Iterable[str]) -> None:
    """Forget modules, so that they are imported anew."""
    for name in names:
        del sys.modules[name]
        parent, _, child = name.rpartition(".")
        if parent in sys.modules:
            vars(sys.modules[parent]).pop(child, None)


def _root(module: Any) -> str:
    """The folder of sys.path that a module was found in."""
    levels: Iterable[str] = module.__name__.split(".")
    path = str(module.__file__)
    if os.path.basename(path) == "__init__.py":  # noqa: PTH119
        path = os.path.dirname(path)  # noqa: PTH120
    for _ in levels:
        path = os.path.dirname(path)  # noqa: PTH120
    return path


def _changed(module: Any) -> float:
    try:
        return os.stat(module.__file__).st_mtime  # noqa: PTH116
    except OSError:
        return 0.0


def _began(pid: int) -> float:
    """When a process began, in seconds of the clock; infinity where that is not seen."""
    try:
        with open(f"/proc/{pid}/stat") as file:  # noqa: PTH123
            ticks = int(file.read().rpartition(")")[2].split()[19])
        with open("/proc/uptime") as file:  # noqa: PTH123
            up = float(file.read().split()[0])
    except (OSError, ValueError, IndexError):
        return float("inf")
    return time.time() - up + ticks / os.sysconf("SC_CLK_TCK")
