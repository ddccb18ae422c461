"""The tasks of a process that was made for trials: it unpickles, evaluates and pickles."""

from __future__ import annotations

import contextlib
import importlib
import os
import pickle
import sys
from collections.abc import Callable, Mapping
from typing import Any

from .store import Store
from .tracked import tracked
from .trial import Hear, evaluate, here, missing_of, text_of, wants_session

_KEEP_BYTES = 100_000  # of each entry of a result that is too large to send as a whole


def answer_to(
    message: Mapping[str, Any],
    store: Store,
    started: Callable[[], None],
    loaded: Callable[[], None] = lambda: None,
    hear: Hear | None = None,
    is_over: Callable[[], bool] | None = None,
) -> tuple[bytes, bytes]:
    """Evaluate one task, and pickle what became of it.

    Args:
        message: see Shipment.message in the shipping module.
        store: of this process.
        started: called when all is loaded and the objective begins.
        loaded: called when the objective was loaded for the first time.
        hear: see evaluate; left alone where the message wants reports in the answer.
        is_over: see evaluate; likewise.

    Returns:
        The pickled answer without its result, and the pickled result, b"" where there is none: who
        passes an answer on reads the first and leaves the second alone.
    """
    what = "objective"
    try:
        _adopt(message)
        known = message["objective"] in store.digests
        run = store.use(message["places"], message["objective"])
        if not known:
            loaded()
        what = "configuration"
        config, context = store.loads(message["task"])
        others = run.strange()
    except BaseException as error:
        answer = {"status": "unloadable", "what": what, "error": text_of(error), **here()}
        answer |= {"missing": missing_of(error), "no_session": wants_session(error)}
        answer |= {"apart": store.needs_apart, "kept": store.digests}
        return pickle.dumps(answer), b""
    context = {**context, "gpus": message["gpus"], "env": message["environment"]}
    process = os.getpid()
    if message["reports"] is None:
        hear = is_over = None
    with tracked(message["tracking"]) as beside:
        started()
        answer = evaluate(
            run.objective, config, context, run.wants_trial, limit=message["limit"],
            hear=hear, is_over=is_over,
        )  # fmt: skip
        if os.getpid() != process:  # a child that the objective forked, and that came back from it
            os._exit(0)
        beside.ended(answer["status"])
    answer["untracked"] = beside.note
    answer["strange"] = others + run.strange()
    answer["no_session"] = wants_session(answer.pop("exception", None))
    result, dumps = answer.pop("result"), _pickler(message["pickler"]).dumps
    try:
        blob = bytes(dumps(result))
    except BaseException as error:
        answer["status"], answer["error"] = "unpicklable", text_of(error)
        blob, answer["dropped"] = _kept(result, dumps)
    else:
        if len(blob) > message["max_result"]:
            blob = _set_aside(blob, result, answer, message, context, dumps)
    answer["accumulated"], answer["kept"] = _accumulated(dumps), store.digests
    return pickle.dumps(answer), blob


def _adopt(message: Mapping[str, Any]) -> None:
    """Take over what the process that Spark or the driver talks to knows, and this one does not."""
    sys.path += [entry for entry in dict.fromkeys(message["path"]) if entry not in sys.path]
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


def _accumulated(dumps: Callable[[Any], bytes]) -> list[tuple[Any, ...]]:
    """What the objective added to Spark's accumulators, which begin at zero again."""
    module = sys.modules.get("pyspark.accumulators")
    added = []
    for number, accumulator in getattr(module, "_accumulatorRegistry", {}).items():
        param, value = accumulator.accum_param, accumulator._value
        zero = param.zero(value)
        added.append((number, dumps((zero, param, value))))
        accumulator._value = zero
    return added


def _pickler(first: str) -> Any:
    """What pickles by value what this process got by value.

    That is the cloudpickle of the driver, which knows its own classes again, where it is there too.
    """
    for name in (first, "pyspark.cloudpickle", "cloudpickle"):
        with contextlib.suppress(ImportError):
            module = importlib.import_module(name)
            package = sys.modules[__name__.rpartition(".")[0]]  # unknown to the driver
            if package.__name__ not in module.list_registry_pickle_by_value():
                module.register_pickle_by_value(package)
            return module
    return pickle


def _kept(result: Any, dumps: Callable[[Any], bytes]) -> tuple[bytes, list[str]]:
    """What of a result can be sent, pickled, and the names of what cannot."""
    if not isinstance(result, dict):
        return dumps({}), [type(result).__name__]
    kept: dict[Any, Any] = {}
    dropped: list[str] = []
    for key, item in result.items():
        try:
            pickle.loads(dumps((key, item)))
            kept[key] = item
        except BaseException:
            dropped.append(f"{key!r} ({type(item).__name__})")
    return dumps(kept), dropped


def _set_aside(
    blob: bytes,
    result: Any,
    answer: dict[str, Any],
    message: Mapping[str, Any],
    context: Mapping[str, Any],
    dumps: Callable[[Any], bytes],
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
        return dumps(f"<{type(result).__name__}>")
    small = {key: item for key, item in result.items() if len(dumps(item)) <= _KEEP_BYTES}
    return dumps(small)


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
