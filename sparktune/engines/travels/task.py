"""The tasks of a process that was made for trials: it unpickles, evaluates and pickles."""

from __future__ import annotations

import contextlib
import importlib
import io
import os
import pickle
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .modules import strange
from .trial import evaluate, here, missing_of, text_of, wants_session

_KEEP_BYTES = 100_000  # of each entry of a result that is too large to send as a whole


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


class Store:
    """What this process keeps unpickled between trials, by digest: only what the last run needs."""

    def __init__(self) -> None:
        self._things: dict[str, Any] = {}
        self._unchecked: dict[str, dict[Any, str]] = {}  # variables of modules, by objective
        self._places: Mapping[str, tuple[str, Any]] = {}

    @property
    def digests(self) -> list[str]:
        """The digests of all things that are kept."""
        return list(self._things)

    def use(self, places: Mapping[str, tuple[str, Any]]) -> None:
        """Go on with these things and forget all others.

        Args:
            places: by digest where the pickle lies: ("file", path), ("bytes", blob), ("broadcast",
                path of a file that Spark wrote, which holds the pickle of the pickle's bytes), or
                ("kept", None) for what this process has already.
        """
        for digest in set(self._things) - set(places):
            del self._things[digest]
            self._unchecked.pop(digest, None)
        self._places = places

    def thing(self, digest: str) -> Any:
        """The unpickled object."""
        if digest not in self._things:
            self._things[digest] = self._load(digest)
        return self._things[digest]

    def strange(self, digest: str, expected: Mapping[Any, str]) -> list[str]:
        """Names of variables of modules that an objective reads, and that are others here.

        Each is looked at once, as soon as its module is imported.
        """
        left = self._unchecked.setdefault(digest, dict(expected))
        found = strange(left) if left else {}
        for variable in found:
            del left[variable]
        return [".".join((module, *path)) for (module, path), other in found.items() if other]

    def _load(self, digest: str) -> Any:
        kind, where = self._places[digest]
        if kind == "bytes":
            return self.loads(where)
        with open(where, "rb") as file:  # noqa: PTH123 (no import for one call)
            if kind == "broadcast":
                return self.loads(pickle.load(file))
            return _Unpickler(file, self).load()

    def loads(self, blob: bytes, options: Sequence[Any] = ()) -> Any:
        """Unpickle; what was left out of the pickle comes from ``options`` and this store."""
        return _Unpickler(io.BytesIO(blob), self, options).load()


class _Unpickler(pickle.Unpickler):
    def __init__(self, file: Any, store: Store, options: Sequence[Any] = ()) -> None:
        super().__init__(file)
        self._store = store
        self._options = options

    def persistent_load(self, pid: Any) -> Any:
        kind, which = pid
        if kind == "absent":
            return Absent()
        return self._options[which] if kind == "option" else Handle(which, self._store)


def answer_to(
    message: Mapping[str, Any], store: Store, started: Callable[[], None]
) -> tuple[bytes, bytes]:
    """Evaluate one task, and pickle what became of it.

    Args:
        message: see Shipment.message in the shipping module.
        store: of this process.
        started: called when all is loaded and the objective begins.

    Returns:
        The pickled answer without its result, and the pickled result, b"" where there is none: who
        passes an answer on reads the first and leaves the second alone.
    """
    try:
        _adopt(message)
        store.use(message["places"])
        objective, wants_trial, options, expected = store.thing(message["objective"])
        config, context = store.loads(message["task"], options)
        others = store.strange(message["objective"], expected)
    except BaseException as error:
        answer: dict[str, Any] = {
            "status": "unloadable",
            "error": text_of(error),
            "missing": missing_of(error),
        }
        answer |= {"no_session": wants_session(error), "kept": store.digests, **here()}
        return pickle.dumps(answer), b""
    context = {**context, "gpus": message["gpus"], "env": message["environment"]}
    started()
    process = os.getpid()
    answer = evaluate(objective, config, context, wants_trial, limit=message["limit"])
    if os.getpid() != process:  # a child that the objective forked, and that came back from it
        os._exit(0)
    answer["strange"] = others + store.strange(message["objective"], expected)
    answer["no_session"] = wants_session(answer.pop("exception", None))
    result = answer.pop("result")
    try:
        blob = _dumps(result)
    except BaseException as error:
        answer["status"], answer["error"] = "unpicklable", text_of(error)
        blob, answer["dropped"] = _kept(result)
    else:
        if len(blob) > message["max_result"]:
            blob = _set_aside(blob, result, answer, message, context)
    answer["accumulated"], answer["kept"] = _accumulated(), store.digests
    return pickle.dumps(answer), blob


def _adopt(message: Mapping[str, Any]) -> None:
    """Take over what the process that Spark or the driver talks to knows, and this one does not."""
    added = [entry for entry in dict.fromkeys(message["path"]) if entry not in sys.path]
    if added:
        sys.path += added
        importlib.invalidate_caches()
    for number, (kind, where) in message["broadcasts"].items():
        try:
            from pyspark.core import broadcast
        except ImportError:  # before Spark 4
            from pyspark import broadcast
        known = broadcast._broadcastRegistry.get(number)
        if known is None or (kind == "path" and getattr(known, "_path", None) != where):
            made = broadcast.Broadcast(path=where if kind == "path" else None)
            if kind == "value":
                made._value = where
            broadcast._broadcastRegistry[number] = made
    if message["task_context"]:
        from pyspark import TaskContext

        where = TaskContext.get()
        if where is not None:
            vars(where).update(pickle.loads(message["task_context"]))


def _accumulated() -> list[tuple[Any, ...]]:
    """What the objective added to Spark's accumulators, which begin at zero again."""
    module = sys.modules.get("pyspark.accumulators")
    added = []
    for number, accumulator in getattr(module, "_accumulatorRegistry", {}).items():
        param, value = accumulator.accum_param, accumulator._value
        zero = param.zero(value)
        added.append((number, _dumps((zero, param, value))))
        accumulator._value = zero
    return added


def _dumps(thing: Any) -> bytes:
    """Pickle by value what this process got by value."""
    return bytes(_pickler().dumps(thing))


def _pickler() -> Any:
    """A cloudpickle, where there is one: of pyspark, if that is in use."""
    names = ["pyspark.cloudpickle", "cloudpickle"]
    for name in names if "pyspark" in sys.modules else reversed(names):
        with contextlib.suppress(ImportError):
            module = importlib.import_module(name)
            package = sys.modules[__name__.rpartition(".")[0]]  # unknown to the driver
            if package.__name__ not in module.list_registry_pickle_by_value():
                module.register_pickle_by_value(package)
            return module
    return pickle


def _kept(result: Any) -> tuple[bytes, list[str]]:
    """What of a result can be sent, pickled, and the names of what cannot."""
    if not isinstance(result, dict):
        return _dumps({}), [type(result).__name__]
    kept: dict[Any, Any] = {}
    dropped: list[str] = []
    for key, item in result.items():
        try:
            pickle.loads(_dumps((key, item)))
            kept[key] = item
        except BaseException:
            dropped.append(f"{key!r} ({type(item).__name__})")
    return _dumps(kept), dropped


def _set_aside(
    blob: bytes,
    result: Any,
    answer: dict[str, Any],
    message: Mapping[str, Any],
    context: Mapping[str, Any],
) -> bytes:
    """Write a result that is too large to send into a file; what is sent instead, pickled."""
    size = f"the result has {len(blob) / 2**20:.1f} MB, more than max_result_mb"
    folder = message["artifacts"]
    if folder is None:
        answer["note"] = (
            f"{size}, so only its small entries were kept; set artifact_dir to a folder that "
            "driver and executors share to keep such results"
        )
    else:
        name = f"trial-{context['number']}-{context['attempt']}.pickle"
        path = os.path.join(folder, context["run_id"], name)  # noqa: PTH118
        try:
            _write(path, blob)
        except OSError as error:
            answer["note"] = (
                f"{size}, and could not be written on {answer['host']} ({error}); only its small "
                "entries were kept"
            )
        else:
            answer["file"] = path
    if not isinstance(result, dict):
        return _dumps(f"<{type(result).__name__}>")
    small = {key: item for key, item in result.items() if len(_dumps(item)) <= _KEEP_BYTES}
    return _dumps(small)


def _write(path: str, blob: bytes) -> None:
    """Write a file that appears whole or not at all."""
    os.makedirs(os.path.dirname(path), exist_ok=True)  # noqa: PTH103, PTH120
    begun = f"{path}.{os.getpid()}"
    try:
        with open(begun, "wb") as file:  # noqa: PTH123
            file.write(blob)
        os.replace(begun, path)  # noqa: PTH105
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(begun)  # noqa: PTH108
        raise
