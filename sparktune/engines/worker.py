"""What runs where a trial runs: bytes in, bytes out.

It imports the standard library alone, travels to executors as source text, and never lets an
exception out: whatever happens to an objective is an *answer*, a dict of plain data.

    status    "returned", "raised", "timeout" (stopped at its time limit), "unloadable" (what was
              sent cannot be unpickled here), "unpicklable" (the result cannot be sent back),
              "died" (the trial's process did) or "lost" (this is Spark's own second try of a task;
              the objective was not run again)
    result    the objective's result; pickled where the answer travels
    error     text of the traceback
    type      name of the exception's type, where status is "raised"
    missing   name of a module that is not installed here, where that is the reason
    reports   list of (step, value)
    seconds   run time of the objective
    host      name of the machine
    python    the interpreter
    dropped   what of a result could not be sent, in words
    file      where the whole result was written, if it was too large to send
    note      a sentence about the result for people
    kept      digests of what this process holds unpickled now
    log_tail  the last lines that the trial printed, unless it returned
    exit      how the trial's process died, as from os.waitpid, where status is "died"
    hard      whether the process had to be killed, where status is "timeout"
    stage     number of the Spark stage, where status is "lost"
"""

from __future__ import annotations

import contextlib
import importlib
import io
import os
import pickle
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

_KEEP_BYTES = 100_000  # of each entry of a result that is too large to send as a whole


class TrialTimeout(BaseException):
    """Raised inside an objective when its time is up."""


class TrialContext:
    """What an objective that takes a keyword ``trial`` receives.

    Attributes:
        number: the trial's number, from 0.
        attempt: 0, or more where the trial was lost and queued again.
        seed: a whole number below 2**32, the same for this trial in every repetition of the run.
        gpus: addresses of the GPUs that the trial may use.
        env: environment variables that were set for the trial.
        run_id: the name of the run.
    """

    def __init__(
        self,
        number: int,
        attempt: int,
        seed: int,
        gpus: Sequence[str] = (),
        env: Mapping[str, str] | None = None,
        run_id: str = "",
        on_report: Callable[[int, int, int, float], None] | None = None,
    ) -> None:
        self.number = number
        self.attempt = attempt
        self.seed = seed
        self.gpus = tuple(gpus)
        self.env = dict(env or {})
        self.run_id = run_id
        self._reports: list[tuple[int, float]] = []
        self._on_report = on_report

    def report(self, step: int, value: float) -> None:
        """Keep an intermediate value, such as the loss after an epoch, in the trial's outcome."""
        pair = (int(step), float(value))
        self._reports.append(pair)
        if self._on_report is not None:
            self._on_report(self.number, self.attempt, *pair)


def evaluate(
    objective: Callable[..., Any],
    config: Any,
    context: Mapping[str, Any],
    wants_trial: bool,
    *,
    limit: float | None = None,
    on_report: Callable[[int, int, int, float], None] | None = None,
) -> dict[str, Any]:
    """Call the objective once and answer what became of it; ``exception`` is added where raised.

    After ``limit`` seconds TrialTimeout is raised inside the objective.
    """
    trial = TrialContext(on_report=on_report, **context)
    extra = {"trial": trial} if wants_trial else {}
    answer: dict[str, Any]
    began = time.monotonic()
    try:
        with _time_limit(limit):
            answer = {"status": "returned", "result": objective(config, **extra), "error": None}
    except TrialTimeout as error:
        answer = {"status": "timeout", "result": None, "error": _text(error), "hard": False}
    except BaseException as error:  # a trial must not take its process along
        answer = {"status": "raised", "result": None, "error": _text(error), "exception": error}
        answer["type"] = type(error).__name__
        answer["missing"] = error.name if isinstance(error, ModuleNotFoundError) else None
    answer["seconds"] = time.monotonic() - began
    answer["reports"] = trial._reports
    return {**answer, **_here()}


def _here() -> dict[str, Any]:
    return {"host": socket.gethostname(), "python": sys.executable}


def _text(error: BaseException) -> str:
    """The traceback, without this file's own frames at both ends."""
    trace = error.__traceback__.tb_next if error.__traceback__ else None
    lines = traceback.format_exception(type(error), error, trace)
    if isinstance(error, TrialTimeout):
        lines = [line for line in lines if ", in ring\n" not in line]
        lines[-1] = f"TrialTimeout: {error}\n"
    return "".join(lines)


@contextlib.contextmanager
def _time_limit(seconds: float | None) -> Iterator[None]:
    """Raise TrialTimeout in this thread after so many seconds: at the next step of Python code."""
    if seconds is None:
        yield
    elif threading.current_thread() is threading.main_thread():
        with _alarm(seconds):
            yield
    else:
        with _thread_timer(seconds):
            yield


@contextlib.contextmanager
def _alarm(seconds: float) -> Iterator[None]:
    def ring(*_: Any) -> None:
        raise TrialTimeout(f"stopped after {seconds:g} s")

    before, began = signal.signal(signal.SIGALRM, ring), time.monotonic()
    left, interval = 0.0, 0.0
    try:
        left, interval = signal.setitimer(signal.ITIMER_REAL, seconds)
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        if left:  # somebody else's timer goes on
            left = max(left - (time.monotonic() - began), 0.001)
            signal.setitimer(signal.ITIMER_REAL, left, interval)


@contextlib.contextmanager
def _thread_timer(seconds: float) -> Iterator[None]:
    import ctypes

    thread, lock, state = threading.get_ident(), threading.Lock(), {"over": False, "rang": False}

    def ring() -> None:
        with lock:
            if not state["over"]:
                state["rang"] = True
                raise_in = ctypes.pythonapi.PyThreadState_SetAsyncExc
                raise_in(ctypes.c_ulong(thread), ctypes.py_object(TrialTimeout))

    timer = threading.Timer(seconds, ring)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        with lock:
            state["over"] = True
        timer.cancel()
        if state["rang"]:  # let it arrive here rather than in the middle of what follows
            with contextlib.suppress(TrialTimeout):
                for _ in range(1000):
                    time.sleep(0)


# What follows runs in a process that was made for trials.


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


class Store:
    """What this process keeps unpickled between trials, by digest: only what the last run needs."""

    def __init__(self) -> None:
        self._things: dict[str, Any] = {}
        self._places: Mapping[str, tuple[str, Any]] = {}

    @property
    def digests(self) -> list[str]:
        """Of all things that are kept."""
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
        self._places = places

    def thing(self, digest: str) -> Any:
        """The unpickled object."""
        if digest not in self._things:
            self._things[digest] = self._load(digest)
        return self._things[digest]

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
        return self._options[which] if kind == "option" else Handle(which, self._store)


def answer_to(message: Mapping[str, Any], store: Store, started: Callable[[], None]) -> bytes:
    """Evaluate one task, and pickle what became of it.

    Args:
        message: ``job`` (digest of the pickled (objective, wants_trial, options)), ``places`` (of
            all that the job needs, see Store), ``task`` (the pickled (config, context)), ``limit``,
            ``max_result`` (bytes), ``artifacts`` (a folder or None), ``gpus``, ``env``, and what
            the Spark worker knows: ``path``, ``broadcasts``, ``task_context``.
        store: of this process.
        started: called when all is loaded and the objective begins.
    """
    try:
        _adopt(message)
        store.use(message["places"])
        objective, wants_trial, options = store.thing(message["job"])
        config, context = store.loads(message["task"], options)
    except BaseException as error:
        missing = error.name if isinstance(error, ModuleNotFoundError) else None
        answer = {"status": "unloadable", "error": _text(error), "missing": missing, **_here()}
        return pickle.dumps({**answer, "kept": store.digests})
    context = {**context, "gpus": message["gpus"], "env": message["env"]}
    started()
    process = os.getpid()
    answer = evaluate(objective, config, context, wants_trial, limit=message["limit"])
    if os.getpid() != process:  # a child that the objective forked, and that came back from it
        os._exit(0)
    answer.pop("exception", None)
    try:
        blob = _dumps(answer["result"])
    except BaseException as error:
        answer["status"], answer["error"] = "unpicklable", _text(error)
        answer["result"], answer["dropped"] = _kept(answer["result"])
    else:
        if len(blob) > message["max_result"]:
            blob = _set_aside(blob, answer, message, context)
        answer["result"] = blob
    answer["accumulated"], answer["kept"] = _accumulated(), store.digests
    return pickle.dumps(answer)


def _adopt(message: Mapping[str, Any]) -> None:
    """Take over what the process that Spark or the driver talks to knows, and this one does not."""
    added = [entry for entry in message.get("path", ()) if entry not in sys.path]
    if added:
        sys.path += added
        importlib.invalidate_caches()
    for number, (kind, where) in message.get("broadcasts", {}).items():
        module = _broadcast_module()
        known = module._broadcastRegistry.get(number)
        if known is None or (kind == "path" and getattr(known, "_path", None) != where):
            made = module.Broadcast(path=where if kind == "path" else None)
            if kind == "value":
                made._value = where
            module._broadcastRegistry[number] = made
    if message.get("task_context"):
        from pyspark import TaskContext

        where = TaskContext.get()
        if where is not None:
            vars(where).update(pickle.loads(message["task_context"]))


def _broadcast_module() -> Any:
    try:
        from pyspark.core import broadcast
    except ImportError:  # before Spark 4
        from pyspark import broadcast
    return broadcast


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
    blob: bytes = _pickler().dumps(thing)
    return blob


def _pickler() -> Any:
    """A cloudpickle, where there is one: of pyspark, if that is in use."""
    names = ["pyspark.cloudpickle", "cloudpickle"]
    for name in names if "pyspark" in sys.modules else reversed(names):
        with contextlib.suppress(ImportError):
            module = importlib.import_module(name)
            if __name__ not in module.list_registry_pickle_by_value():
                module.register_pickle_by_value(sys.modules[__name__])  # unknown to the driver
            return module
    return pickle


def _kept(result: Any) -> tuple[bytes, list[str]]:
    """What of a result can be sent, pickled, and the names of what cannot."""
    kept: dict[Any, Any] = {}
    dropped: list[str] = []
    for key, item in result.items() if isinstance(result, dict) else ():
        try:
            pickle.loads(_dumps((key, item)))
            kept[key] = item
        except BaseException:
            dropped.append(f"{key!r} ({type(item).__name__})")
    if not isinstance(result, dict):
        dropped.append(type(result).__name__)
    return _dumps(kept), dropped


def _set_aside(
    blob: bytes, answer: dict[str, Any], message: Mapping[str, Any], context: Mapping[str, Any]
) -> bytes:
    """Write a result that is too large to send into a file; what is sent instead, pickled."""
    result = answer["result"]
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
    small = {}
    for key, item in result.items() if isinstance(result, dict) else ():
        if len(_dumps(item)) <= _KEEP_BYTES:
            small[key] = item
    return _dumps(small if isinstance(result, dict) else f"<{type(result).__name__}>")


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
