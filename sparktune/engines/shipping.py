"""Pickling of what leaves this process: once what is large, by name what cannot be pickled."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import io
import os
import pickle
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from ..exceptions import UnpicklableObjective
from ..history import documents, results
from ..history.trial import Status
from .base import RunSpec, Task
from .culprits import own_read, refusal, unpicklable
from .pickler import NameOf, goes_by_value, is_plain, pickler_of, plain_name
from .variables import fingerprints_read

__all__ = ["Broadcast", "Shipment", "broadcast", "stand_in_names"]


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
        self, module: ModuleType, own: Collection[int] = (), of_spark: bool = False
    ) -> tuple[str, bytes]:
        """Digest and pickle of the value, made once; by a cloudpickle module."""
        # what belongs to this run alone is refused in each
        if module.__name__ not in self._blobs or id(self.value) in own:
            pickler = functools.partial(
                pickler_of(module), name_of=lambda _: None, own=own, of_spark=of_spark
            )
            blob = _dumps(pickler, "the broadcast object", self.value, self.value)
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
            What cannot be pickled makes ``fmin`` raise UnpicklableObjective, unless trials run in
            this process.
    """
    return Broadcast(value)


@dataclass
class Shipment:
    """Everything that a run sends, pickled.

    What configurations and the objective share is one object where a trial runs, as it is here:
    the options of the space are pickled together with the objective, once, and a task names them
    by their place there; so it does with functions, classes and objects without a state that the
    objective refers to. What an expression of the space was given travels with the task if the
    expression changed it.

    Args:
        spec: of the run.
        module: cloudpickle, as the package or as pyspark brings it.
        of_spark: whether trials are tasks of a classic Spark session.

    Attributes:
        digest: of the pickled objective and what travels with it; see Run in travels.store.
        blobs: what has to be sent once, by digest.
        lasting: digests of broadcast handles, which other runs may use again.

    Raises:
        UnpicklableObjective: with the name of what cannot be pickled; ``pack`` raises it, too.
        RuntimeError: a process of multiprocessing imports the script of the run.
    """

    spec: RunSpec
    module: ModuleType
    of_spark: bool = False
    digest: str = field(init=False)
    blobs: dict[str, bytes] = field(init=False, default_factory=dict)
    lasting: set[str] = field(init=False, default_factory=set)

    def __post_init__(self) -> None:
        _refuse_nested()
        _register_by_value(self.module)
        self._own = {id(item) for item in self.spec.own}
        self._apart = False
        self._known: dict[int, tuple[int, Any, bool]] = {}  # by id: place, object, whether empty
        self._once: dict[int, tuple[str, Any]] = {}
        self._states: dict[int, str] = {}  # of what expressions were given, when it was sent
        self._options = {id(option.value) for option in self.spec.options}
        self._met: set[int] = set()  # options that the objective refers to
        options = self._checked_options()
        buffer = io.BytesIO()
        pickler = self._pickler(buffer, self._in_run)
        objective = self.spec.objective
        payload = (objective, self.spec.wants_trial, self._fingerprints())
        _dump(pickler, "the objective", objective, payload)
        shared, names = self._note_places(
            pickler, [option for option in options if id(option) in self._met]
        )
        path = getattr(sys.modules["__main__"], "__file__", None)
        script = None if path is None else os.path.abspath(path)  # noqa: PTH100
        pickler.dump((shared, names, script, bool(options)))
        self._first = len(self._known)
        if options:
            try:
                _dump(pickler, "the options of the space", options, options)
            except UnpicklableObjective:
                self._blame_one_of(options)
                raise
            pickler.dump(self._note_places(pickler, options))
        blob = buffer.getvalue()
        self.digest = _digest(blob)
        self.blobs[self.digest] = blob

    def _fingerprints(self) -> dict[Any, str]:
        """Fingerprints of the variables of modules that the objective and options read."""
        options = (each.value for each in self.spec.options if not is_plain(each.value))
        why_not = functools.partial(refusal, of_spark=False, own=self._own)
        return fingerprints_read(self.spec.objective, *options, why_not=why_not)

    def _pickler(self, buffer: io.BytesIO, name_of: NameOf) -> Any:
        return pickler_of(self.module)(buffer, name_of, self._own, self.of_spark)

    def _dumps(self, what: str, thing: Any, payload: Any, name_of: NameOf) -> bytes:
        return _dumps(functools.partial(self._pickler, name_of=name_of), what, thing, payload)

    def _checked_options(self) -> list[Any]:
        """The options that travel with the objective.

        What stands in an expression and cannot be pickled is left out: it may never have to leave
        this process, and the trial that holds it says so otherwise.
        """
        options = []
        for value, _, changes in self.spec.options:
            if is_plain(value):
                continue
            try:
                if changes:
                    self._states[id(value)] = self._state(value)
            except UnpicklableObjective:
                continue
            options.append(value)
        return options

    def _blame_one_of(self, options: list[Any]) -> None:
        """Refuse an option that cannot be pickled by the label of its choice."""
        tried = {id(option) for option in options}
        for value, label, _ in self.spec.options:
            if id(value) in tried:
                what = "a part of the space" if label is None else f"an option of {label!r}"
                self._dumps(what, value, value, self._in_run)

    def _state(self, item: Any) -> str:
        return _digest(self._dumps("an option", item, item, self._in_run))

    def _note_places(
        self, pickler: Any, options: Sequence[Any]
    ) -> tuple[list[Any], dict[str, Any]]:
        """Give places to what was pickled; the new ones, and the script's variables among them."""
        seen = {**pickler.seen, **{id(item): (item, False) for item in options}}
        fresh = {key: pair for key, pair in seen.items() if key not in self._known}
        for key, pair in fresh.items():
            self._known[key] = (len(self._known), *pair)
        script = vars(sys.modules["__main__"])
        names = {
            name: item
            for name, item in list(script.items())
            if id(item) in fresh and not name.startswith("__")
        }
        return [item for item, _ in fresh.values()], names

    def _note(self, handle: Broadcast) -> str:
        digest, blob = handle.pickled(self.module, self._own, self.of_spark)
        self.blobs[digest] = blob
        self.lasting.add(digest)
        return digest

    def _in_run(self, item: Any) -> tuple[Any, ...] | None:
        """By what name the pickle of the run knows an object that it does not hold."""
        if isinstance(item, Broadcast):
            return ("handle", self._note(item))
        if id(item) not in self._options:
            return None
        self._met.add(id(item))
        return plain_name(item) if is_plain(item) else None

    def _in_task(self, item: Any) -> tuple[Any, ...] | None:
        """By what name the pickle of a task knows an object that travels once."""
        name = self._in_run(item)
        if name is not None:
            return name
        place, _, empty = self._known.get(id(item), (None, None, False))
        if place is None:
            is_class = isinstance(item, type) and "<" not in item.__qualname__
            if is_class and goes_by_value(item, item.__qualname__, self.module):
                return ("once", self._sent_once(item))
            return None
        if empty and getattr(item, "__dict__", None):
            return None
        if id(item) in self._states and self._states[id(item)] != self._state(item):
            return None
        if not self._apart or place < self._first:
            return ("shared", place)
        return ("once", self._sent_once(item)) if id(item) in self._options else None

    def _sent_once(self, item: Any) -> str:
        """The digest of something that is pickled by itself."""
        if id(item) not in self._once:

            def name_of(part: Any) -> tuple[Any, ...] | None:
                place = self._known.get(id(part), (self._first,))[0]
                if part is item or place >= self._first:
                    return self._in_run(part)
                return ("shared", place)

            blob = self._dumps("an option", item, item, name_of)
            digest = _digest(blob)
            self.blobs[digest] = blob
            self._once[id(item)] = digest, item
        return self._once[id(item)][0]

    def pack(self, task: Task, apart: bool = False) -> bytes:
        """The pickled (config, context) of a task, without what travelled with the objective.

        Args:
            task: the task.
            apart: whether options travel each by itself from now on, as they cannot be unpickled
                together where trials run: one that cannot be fails the trials that hold it.
        """
        self._apart = self._apart or apart
        what = f"the configuration of trial {task.number}"
        payload = (task.config, task.full_context)
        return self._dumps(what, task.config, payload, self._in_task)

    def message(self, task: bytes, places: Mapping[str, tuple[str, Any]]) -> dict[str, Any]:
        """All that who evaluates a task is told; read by travels.spark_worker and travels.task.

            run           the name of the run, to which a process for trials belongs
            objective     digest of the pickled objective and what travels with it
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
            env           those that the user set, which nothing shows or keeps
            pickler       name of the cloudpickle module that pickles the result
            tracking      what the trial has to know about MLflow, see travels.tracked; or None
            reports       how reports travel: with the answer where None, else "sent" while the
                          trial runs, or "answered", so that each waits for the word to go on

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
            "env": dict(settings.env),
            "pickler": self.module.__name__,
            "tracking": None,
            "reports": None,
            "over": (),
            "gpus": (),
            "path": (),
            "broadcasts": {},
            "task_context": None,
        }


@functools.cache
def stand_in_names() -> bytes:
    """The pickled names that objectives may take from sparktune; see travels.stand_in."""
    status = {"home": Status.__module__, "members": tuple((s.name, s.value) for s in Status)}
    words = {
        name: value
        for module in (results, documents)
        for name, value in vars(module).items()
        if name.startswith(("STATUS_", "JOB_STATE"))
    }
    both = {"Status": status, **words}
    homes = ("", ".history", ".history.trial", ".history.results", ".history.documents")
    surface = ("sparktune.hyperopt", "sparktune.hyperopt.base", "hyperopt", "hyperopt.base")
    named = {f"sparktune{home}": both for home in homes}
    return pickle.dumps({**named, **dict.fromkeys(surface, words), "hyperas": {}})


def _digest(blob: bytes) -> str:
    return hashlib.sha256(blob).hexdigest()


def _refuse_nested() -> None:
    """Refuse a run of a script that a process of multiprocessing imports: it would not end."""
    processes = sys.modules.get("multiprocessing.process")
    if processes is not None and getattr(processes.current_process(), "_inheriting", False):
        raise RuntimeError(
            "this script is being imported by a process that multiprocessing starts anew, and "
            'would begin its search again there: put what runs below `if __name__ == "__main__":`'
        )


def _register_by_value(module: ModuleType) -> None:
    """Let pyspark's cloudpickle take over what the user registered with the package."""
    import cloudpickle as package

    if module is package:
        return
    for name in package.list_registry_pickle_by_value():
        if name in sys.modules and name not in module.list_registry_pickle_by_value():
            module.register_pickle_by_value(sys.modules[name])


def _dumps(pickler: Callable[[io.BytesIO], Any], what: str, thing: Any, payload: Any) -> bytes:
    """Pickle ``payload``; an UnpicklableObjective says what of the ``thing`` in it is to blame."""
    buffer = io.BytesIO()
    _dump(pickler(buffer), what, thing, payload)
    return buffer.getvalue()


def _dump(pickler: Any, what: str, thing: Any, payload: Any) -> None:
    """Pickle ``payload`` after what was pickled before; errors as of ``_dumps``.

    What belongs to the run is left out where the thing's code does not read it.
    """

    def fails(part: Any) -> bool:
        try:
            pickler.alone(part)
        except Exception:
            return True
        return False

    def meets(part: Any) -> bool:
        with contextlib.suppress(Exception):
            return bool(pickler.alone(part))
        return False

    pickler.met = False
    try:
        pickler.dump(payload)
    except Exception as error:
        raise unpicklable(what, thing, error, fails, pickler.of_spark) from error
    if pickler.met:
        own_read(what, thing, meets, pickler.own)
