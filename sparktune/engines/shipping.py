"""Pickling of what leaves this process: once what is large, by name what cannot be pickled."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import inspect
import io
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from ..exceptions import UnpicklableObjective
from .base import RunSpec, Task

__all__ = ["Broadcast", "Shipment", "broadcast"]

_ONCE_BYTES = 10_000  # an option of a choice that is larger travels with the objective


class Broadcast:
    """A handle to a large object, its ``value``, that is sent once and shared between runs."""

    def __init__(self, value: Any) -> None:
        self.value = value
        self._blobs: dict[str, tuple[str, bytes]] = {}

    def __repr__(self) -> str:
        return f"Broadcast of a {type(self.value).__name__}"

    def __getstate__(self) -> dict[str, Any]:
        return {"value": self.value, "_blobs": {}}

    def pickled(self, module: ModuleType) -> tuple[str, bytes]:
        """Digest and pickle of the value, made once; by a cloudpickle module."""
        if module.__name__ not in self._blobs:
            blob = _dumps(module, "the broadcast object", self.value, self.value)
            self._blobs[module.__name__] = _digest(blob), blob
        return self._blobs[module.__name__]


def broadcast(value: Any) -> Broadcast:
    """A handle to a large object; an objective that refers to it reads ``handle.value``.

    What an objective captures travels once per run; through a handle, once per Spark session. Every
    process that runs trials unpickles it once and keeps it while runs use it. Its trials share the
    object, so it must not be changed. Costs memory for the pickle on the driver, for the object in
    each process that runs trials, and for what Spark keeps of it until the session ends.

    Args:
        value: anything that cloudpickle can pickle; on the driver, ``handle.value`` is the object.
    """
    return Broadcast(value)


@dataclass
class Shipment:
    """Everything that a run sends, pickled.

    Args:
        spec: of the run.
        module: cloudpickle, as the package or as pyspark brings it.

    Attributes:
        digest: of the pickled (objective, wants_trial, options).
        blobs: what has to be sent once, by digest.
        lasting: digests of broadcast handles, which other runs may use again.

    Raises:
        UnpicklableObjective: with the name of what cannot be pickled; ``pack`` raises it, too.
    """

    spec: RunSpec
    module: ModuleType
    digest: str = field(init=False)
    blobs: dict[str, bytes] = field(init=False, default_factory=dict)
    lasting: set[str] = field(init=False, default_factory=set)

    def __post_init__(self) -> None:
        _register_by_value(self.module)
        objective = self.spec.objective
        self._options = [option for option in self.spec.options if self._is_large(option)]
        payload = (objective, self.spec.wants_trial, self._options)
        blob = _dumps(self.module, "the objective", objective, payload, on_handle=self._note)
        self.digest = _digest(blob)
        self.blobs[self.digest] = blob

    def _is_large(self, option: Any) -> bool:
        with contextlib.suppress(UnpicklableObjective):  # said with the trial that draws it
            return len(_dumps(self.module, "an option", option, option, self._note)) > _ONCE_BYTES
        return False

    def _note(self, handle: Broadcast) -> str:
        digest, blob = handle.pickled(self.module)
        self.blobs[digest] = blob
        self.lasting.add(digest)
        return digest

    def pack(self, task: Task) -> bytes:
        """The pickled (config, context) of a task, without what travelled with the objective."""
        what = f"the configuration of trial {task.number}"
        payload = (task.config, task.full_context)
        return _dumps(self.module, what, task.config, payload, self._note, self._options)

    def message(self, task: bytes, places: Mapping[str, tuple[str, Any]]) -> dict[str, Any]:
        """All that who evaluates a task is told; read by travels.spark_worker and travels.task.

            run           the name of the run, to which a process for trials belongs
            objective     digest of the pickled (objective, wants_trial, options)
            places        by digest of all that was pickled once, where it is: see task.Store.use;
                          before Spark's Python worker also ("broadcast", a Broadcast of Spark's)
                          and ("artifact", name of a file of the session)
            task          the pickled (config, context), from ``pack``
            limit         seconds after which TrialTimeout is raised in the objective, or None
            hard          seconds from the objective's start to the end of its process, or None
            per_process   how many trials a process evaluates before another takes over, or None
            max_result    bytes from which on a result is set aside rather than sent
            artifacts     the folder where it is written then, or None
            environment   variables of the trials' process

        and what those on the way put in, as far as they know it:

            over          names of runs that have ended, whose processes can go
            gpus          addresses of the GPUs that the task may use
            path          entries of sys.path that the trials' process may lack
            broadcasts    the user's broadcast variables by number: Spark's Broadcast objects, and
                          from Spark's Python worker on ("path", file) or ("value", thing)
            task_context  the pickled attributes of Spark's TaskContext, or None
        """
        settings = self.spec.settings
        return {
            "run": self.spec.run_id,
            "objective": self.digest,
            "places": places,
            "task": task,
            "limit": settings.timeout,
            "hard": settings.hard,
            "per_process": settings.trials_per_process,
            "max_result": settings.max_result_mb * 2**20,
            "artifacts": settings.artifact_dir,
            "environment": settings.environment,
            "over": (),
            "gpus": (),
            "path": (),
            "broadcasts": {},
            "task_context": None,
        }


def _digest(blob: bytes) -> str:
    return hashlib.sha256(blob).hexdigest()


def _register_by_value(module: ModuleType) -> None:
    """Let pyspark's cloudpickle take over what the user registered with the package."""
    import cloudpickle as package

    if module is package:
        return
    for name in package.list_registry_pickle_by_value():
        if name in sys.modules and name not in module.list_registry_pickle_by_value():
            module.register_pickle_by_value(sys.modules[name])


def _dumps(
    module: ModuleType,
    what: str,
    thing: Any,
    payload: Any,
    on_handle: Callable[[Broadcast], str] | None = None,
    options: Sequence[Any] = (),
) -> bytes:
    """Pickle ``payload``; an UnpicklableObjective says what of the ``thing`` in it is to blame."""
    places = {id(option): i for i, option in enumerate(options)}

    class Pickler(module.CloudPickler):  # type: ignore[misc, name-defined]
        def persistent_id(self, item: Any) -> Any:
            if isinstance(item, Broadcast) and on_handle is not None:
                return ("handle", on_handle(item))
            return ("option", places[id(item)]) if id(item) in places else None

    def dumps(item: Any) -> bytes:
        buffer = io.BytesIO()
        Pickler(buffer).dump(item)
        return buffer.getvalue()

    try:
        return dumps(payload)
    except Exception as error:
        culprits = _culprits(thing, dumps)
        reason = (str(error).strip().splitlines() or [""])[0]
        raise UnpicklableObjective(
            f"{what} must leave this process, but cannot be pickled: "
            f"{', '.join(culprits) or f'it is a {type(thing).__name__}'} "
            f"({type(error).__name__}: {reason}); "
            "create such things inside the objective, or pass what they are made from"
        ) from error


def _culprits(thing: Any, dumps: Callable[[Any], bytes], depth: int = 2) -> list[str]:
    """What of a thing cannot be pickled, in words; functions are looked into."""
    culprits: list[str] = []
    for name, part in _parts(thing):
        try:
            dumps(part)
        except Exception:
            inside = _culprits(part, dumps, depth - 1) if depth and inspect.isroutine(part) else []
            culprits += inside or [f"its {name} of type {type(part).__name__}"]
    return culprits


def _parts(thing: Any) -> list[tuple[str, Any]]:
    """What an objective or a configuration refers to, each with a name for people."""
    if isinstance(thing, dict):
        return [(f"item {key!r}", item) for key, item in thing.items()]
    if isinstance(thing, (list, tuple)):
        return [(f"item {i}", item) for i, item in enumerate(thing)]
    parts: list[tuple[str, Any]] = []
    if isinstance(thing, functools.partial):
        parts += [(f"argument {i}", item) for i, item in enumerate(thing.args)]
        parts += [(f"argument {key!r}", item) for key, item in thing.keywords.items()]
        return parts + _parts(thing.func)
    if inspect.ismethod(thing):
        return _parts(thing.__self__) + _parts(thing.__func__)
    if not inspect.isfunction(thing):
        attributes = getattr(thing, "__dict__", {})
        return [(f"attribute {key!r}", item) for key, item in attributes.items()]
    for key, cell in zip(thing.__code__.co_freevars, thing.__closure__ or (), strict=True):
        with contextlib.suppress(ValueError):  # a cell that is still empty
            parts.append((f"variable {key!r}", cell.cell_contents))
    used = [key for key in thing.__code__.co_names if key in thing.__globals__]
    parts += [(f"global {key!r}", thing.__globals__[key]) for key in used]
    return parts + [("default", item) for item in thing.__defaults__ or ()]
