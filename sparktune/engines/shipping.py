"""Pickling of what leaves this process: once what is large, by name what cannot be pickled."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import io
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MethodType, ModuleType
from typing import Any

from ..exceptions import UnpicklableObjective
from .base import RunSpec, Task
from .culprits import Refused, own_read, refusal, unpicklable
from .variables import fingerprints_read

__all__ = ["Broadcast", "Shipment", "broadcast", "paths_here"]

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

    def pickled(
        self, module: ModuleType, own: Sequence[Any] = (), of_spark: bool = False
    ) -> tuple[str, bytes]:
        """Digest and pickle of the value, made once; by a cloudpickle module."""
        what = "the broadcast object"
        if any(self.value is item for item in own):
            _dumps(module, what, self.value, self.value, own=own)  # refuses it
        if module.__name__ not in self._blobs:
            blob = _dumps(module, what, self.value, self.value, own=own, of_spark=of_spark)
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
        of_spark: whether trials are tasks of a classic Spark session.

    Attributes:
        digest: of the pickled (objective, wants_trial, options, fingerprints of what they read).
        blobs: what has to be sent once, by digest.
        lasting: digests of broadcast handles, which other runs may use again.

    Raises:
        UnpicklableObjective: with the name of what cannot be pickled; ``pack`` raises it, too.
    """

    spec: RunSpec
    module: ModuleType
    of_spark: bool = False
    digest: str = field(init=False)
    blobs: dict[str, bytes] = field(init=False, default_factory=dict)
    lasting: set[str] = field(init=False, default_factory=set)

    def __post_init__(self) -> None:
        _register_by_value(self.module)
        objective = self.spec.objective
        self._options = [option for option in self.spec.options if self._is_large(option)]
        own = {id(item) for item in self.spec.own}
        why_not = functools.partial(refusal, of_spark=False, own=own)
        read = fingerprints_read(objective, *self.spec.options, why_not=why_not)
        payload = (objective, self.spec.wants_trial, self._options, read)
        blob = self._dumps("the objective", objective, payload)
        self.digest = _digest(blob)
        self.blobs[self.digest] = blob

    def _is_large(self, option: Any) -> bool:
        with contextlib.suppress(UnpicklableObjective):  # said with the trial that draws it
            return len(self._dumps("an option", option, option)) > _ONCE_BYTES
        return False

    def _dumps(self, what: str, thing: Any, payload: Any, options: Sequence[Any] = ()) -> bytes:
        own, of_spark = self.spec.own, self.of_spark
        return _dumps(self.module, what, thing, payload, self._note, options, own, of_spark)

    def _note(self, handle: Broadcast) -> str:
        digest, blob = handle.pickled(self.module, self.spec.own, self.of_spark)
        self.blobs[digest] = blob
        self.lasting.add(digest)
        return digest

    def pack(self, task: Task) -> bytes:
        """The pickled (config, context) of a task, without what travelled with the objective."""
        what = f"the configuration of trial {task.number}"
        payload = (task.config, task.full_context)
        return self._dumps(what, task.config, payload, self._options)

    def message(self, task: bytes, places: Mapping[str, tuple[str, Any]]) -> dict[str, Any]:
        """All that who evaluates a task is told; read by travels.spark_worker and travels.task.

            run           the run's name: a process serves one run
            objective     digest of the pickled (objective, wants_trial, options, fingerprints)
            places        by digest of all that was pickled once, where it is: see task.Store.use;
                          before Spark's Python worker also ("broadcast", a Broadcast of Spark's)
                          and ("artifact", name of a file of the session)
            task          the pickled (config, context), from ``pack``
            limit         seconds after which TrialTimeout is raised in the objective, or None
            hard          seconds from the objective's start to the end of its process, or None
            max_result    bytes from which on a result is set aside rather than sent
            artifacts     the folder where it is written then, or None
            environment   variables of the trials' process
            env           those that the user set, which nothing shows or keeps

        and what those on the way put in, as far as they know it:

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
            "max_result": settings.max_result_mb * 2**20,
            "artifacts": settings.artifact_dir,
            "environment": settings.environment,
            "env": dict(settings.env),
            "gpus": (),
            "path": (),
            "broadcasts": {},
            "task_context": None,
        }


def paths_here() -> list[str]:
    """Where this process finds modules, for processes of the same machine."""
    return [os.path.abspath(entry) for entry in sys.path]  # noqa: PTH100 ("" is this folder)


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
    own: Sequence[Any] = (),
    of_spark: bool = False,
) -> bytes:
    """Pickle ``payload``; an UnpicklableObjective says what of the ``thing`` in it is to blame.

    ``own`` is what belongs to the run and stays here: where the thing's code does not read it, it
    is left out. ``of_spark`` is as for ``refusal``.
    """
    places = {id(option): i for i, option in enumerate(options)}
    kept = {id(item) for item in own}
    met = False

    class Pickler(module.CloudPickler):  # type: ignore[misc, name-defined]
        def persistent_id(self, item: Any) -> Any:
            nonlocal met
            if isinstance(item, Broadcast) and on_handle is not None:
                return ("handle", on_handle(item))
            if id(item) in kept:
                met = True
                return ("absent", None)
            return ("option", places[id(item)]) if id(item) in places else None

        def reducer_override(self, item: Any) -> Any:
            if (why := refusal(item, of_spark)) is not None:
                raise Refused(why)
            if type(item) is MethodType and id(item.__self__) in kept:
                return functools.partial, (item.__self__,)  # the stand-in says why when called
            return super().reducer_override(item)

    def dumps(item: Any) -> bytes:
        buffer = io.BytesIO()
        Pickler(buffer).dump(item)
        return buffer.getvalue()

    def fails(part: Any) -> bool:
        try:
            dumps(part)
        except Exception:
            return True
        return False

    def meets(part: Any) -> bool:
        nonlocal met
        met = False
        return not fails(part) and met

    try:
        blob = dumps(payload)
    except Exception as error:
        raise unpicklable(what, thing, error, fails, of_spark) from error
    if met:
        own_read(what, thing, meets, kept)
    return blob
