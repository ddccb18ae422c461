"""What a process for trials keeps unpickled: the objective, what tasks share with it, the script.

One object on the driver is one object here: an option of the space that the objective also refers
to, a class, a function. What tasks refer to travels once, in the pickle of the objective, and a
task names it by its place there.
"""

from __future__ import annotations

import functools
import importlib
import io
import math
import os
import pickle
import sys
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

from .modules import strange

_HOME = "sparktune.engines.travels."  # what this package is called on the driver


class Handle:
    """A large object that was sent to this machine once; ``value`` unpickles it on first use."""

    def __init__(self, digest: str, store: Store | None = None) -> None:
        self._digest = digest
        self._store = store

    @property
    def value(self) -> Any:
        """The object; shared by all trials of this process, so it must not be changed."""
        if self._store is None:
            raise RuntimeError("the object stayed where the trial ran; use the handle it came from")
        return self._store.thing(self._digest)

    def __reduce__(self) -> tuple[Any, ...]:
        """A handle in a result leaves its object behind."""
        return Handle, (self._digest,)


class Absent:
    """What stands for the run's own trials where they hang on something that travels."""

    def _refuse(self, *_: Any) -> Any:
        raise RuntimeError(
            "the trials of the run stay where it runs, and are not here: read what is needed of "
            'them before the run, or use Trials(executor="threads") or SparkTrials(mode="driver"), '
            "whose trials run in the process that has them"
        )

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # asked by the interpreter, as by copy and pickle
            raise AttributeError(name)
        return self._refuse()

    def __repr__(self) -> str:
        return "<the trials of the run, which are not here>"

    def __reduce__(self) -> tuple[Any, ...]:
        return Absent, ()

    __call__ = __len__ = __iter__ = __getitem__ = __contains__ = __bool__ = _refuse
    __setattr__ = __delattr__ = _refuse


def cached(function: Callable[..., Any], maxsize: int | None, typed: bool) -> Any:
    """A function of the script under functools.lru_cache, made anew with an empty cache."""
    return functools.lru_cache(maxsize, typed)(function)


class Run:
    """The objective of a run, and what tasks refer to.

    Its pickle is several, one after the other, the later ones with references to what the earlier
    ones hold (see Shipment in the shipping module):

        (objective, wants_trial, fingerprints of variables of modules that code reads)
        (what tasks may refer to by its place, variables of the script by name, the script's path
        or None, whether options follow)
        options of the space
        (what more tasks may refer to, further variables)

    Attributes:
        objective: called with a configuration.
        wants_trial: whether it takes a keyword ``trial``.
        main: a module ``__main__`` that has the names of the script which the objective refers to,
            so that what pickles by name (multiprocessing, pickle) finds them as it does there.
        needs_apart: whether a task named an option that is not here, because the options could not
            be unpickled together; the driver sends each apart then.
    """

    def __init__(self) -> None:
        self.objective: Any = None
        self.wants_trial = False
        self.main = ModuleType("__main__")
        self.needs_apart = False
        self._shared: list[Any] = []
        self._same: dict[int, Any] = {}
        self._unchecked: dict[Any, str] = {}
        self._error: BaseException | None = None

    def read(self, unpickler: pickle.Unpickler) -> None:
        """Unpickle all; options that cannot be are noted for the tasks that name one."""
        self.objective, self.wants_trial, self._unchecked = unpickler.load()
        self._shared, names, path, more = unpickler.load()
        vars(self.main).update(names)
        if path is not None and os.path.exists(path):  # noqa: PTH110
            self.main.__file__ = path  # where processes that are started anew find the script
        if not more:
            return
        try:
            unpickler.load()
            options, names = unpickler.load()
        except BaseException as error:
            self._error = error
            return
        self._shared += options
        vars(self.main).update(names)

    def strange(self) -> list[str]:
        """Names of variables of modules that the objective reads, and that are others here.

        Each is looked at once, as soon as its module is imported.
        """
        found = strange(self._unchecked)
        for variable in found:
            del self._unchecked[variable]
        return [".".join((module, *path)) for (module, path), other in found.items() if other]

    def shared(self, place: int) -> Any:
        """What tasks refer to by its place."""
        if self._error is not None and place >= len(self._shared):
            self.needs_apart = True
            raise self._error
        return self._shared[place]

    def same(self, key: int, pickled: bytes) -> Any:
        """The one object for a plain value, such as a string, that the objective holds, too."""
        if key not in self._same:
            value = pickle.loads(pickled)
            # interned as the strings of code are
            self._same[key] = sys.intern(value) if isinstance(value, str) else value
        return self._same[key]


class Store:
    """What this process keeps unpickled between trials, by digest: only what the last run needs.

    Args:
        main: whether this process is one for trials alone, whose ``__main__`` is the run's.
    """

    def __init__(self, main: bool = False) -> None:
        self._main = main
        self._things: dict[str, Any] = {}
        self._places: Mapping[str, tuple[str, Any]] = {}
        self._run = Run()

    @property
    def digests(self) -> list[str]:
        """The digests of all things that are kept."""
        return list(self._things)

    @property
    def needs_apart(self) -> bool:
        """Whether the last task named an option that only travels apart; see Run."""
        return self._run.needs_apart

    def use(self, places: Mapping[str, tuple[str, Any]], objective: str) -> Run:
        """Go on with these things and forget all others; gives the run that tasks belong to.

        Args:
            places: by digest where the pickle lies: ("file", path), ("bytes", blob), ("broadcast",
                path of a file that Spark wrote, which holds the pickle of the pickle's bytes), or
                ("kept", None) for what this process has already.
            objective: digest of the run's.
        """
        for digest in set(self._things) - set(places):
            del self._things[digest]
        self._places = places
        self._run = self._things.get(objective) or Run()
        if self._main:
            sys.modules["__main__"] = self._run.main
        if objective not in self._things:
            self._load(objective, self._run.read)
            self._things[objective] = self._run
        self._run.needs_apart = False
        return self._run

    def thing(self, digest: str) -> Any:
        """The unpickled object."""
        if digest not in self._things:
            self._things[digest] = self._load(digest, pickle.Unpickler.load)
        return self._things[digest]

    def _load(self, digest: str, read: Callable[[pickle.Unpickler], Any]) -> Any:
        kind, where = self._places[digest]
        if kind == "bytes":
            return read(_Unpickler(io.BytesIO(where), self))
        with open(where, "rb") as file:  # noqa: PTH123 (no import for one call)
            if kind == "broadcast":
                return read(_Unpickler(io.BytesIO(pickle.load(file)), self))
            return read(_Unpickler(file, self))

    def loads(self, blob: bytes) -> Any:
        """Unpickle what belongs to the run; what was left out of the pickle comes from here."""
        return _Unpickler(io.BytesIO(blob), self).load()

    def found(self, kind: str, *which: Any) -> Any:
        """What a pickle of the driver leaves out and names; see Shipment."""
        if kind == "absent":
            return Absent()
        if kind == "handle":
            return Handle(which[0], self)
        if kind == "once":
            return self.thing(which[0])
        if kind == "shared":
            return self._run.shared(which[0])
        if kind == "same":
            return self._run.same(*which)
        module, name = which
        try:
            return getattr(importlib.import_module(module), name)
        except ImportError:  # math has no others than numpy
            return getattr(math, name)


class _Unpickler(pickle.Unpickler):
    def __init__(self, file: Any, store: Store) -> None:
        super().__init__(file)
        self._store = store

    def persistent_load(self, pid: Any) -> Any:
        return self._store.found(*pid)

    def find_class(self, module: str, name: str) -> Any:
        if module.startswith(_HOME):
            module = f"{__name__.rpartition('.')[0]}.{module[len(_HOME) :]}"
        return super().find_class(module, name)
