"""What must not leave this process, or cannot: it is refused with the path to it and its type."""

import collections
import dataclasses
import functools
import sqlite3
import threading
from typing import Any

import cloudpickle
import pytest

from sparktune import Trials, broadcast
from sparktune.engines.base import RunSpec, Task
from sparktune.engines.shipping import Shipment
from sparktune.exceptions import UnpicklableObjective

LOCK = threading.Lock()
CONF = {"seed": 1, "db": {"connections": [sqlite3.connect(":memory:")]}}


def travelling(function):
    """A function of this module as one of a script: it is pickled by value."""
    function.__module__ = "__main__"
    return function


def comprehension(config):
    return sum([config for _ in range(2) if LOCK])


def nested(config):
    def inner():
        return [lambda: LOCK]

    return inner()


def of_a_default(config, lock=LOCK):
    return config


def of_a_keyword(config, *, lock=LOCK):
    return config


def of_a_dict(config):
    return CONF["seed"] * config


def decorated(config):
    return helper(config)


@functools.wraps(of_a_dict)
def helper(config):
    return LOCK


class Slotted:
    __slots__ = ("__hidden", "lock")

    def __init__(self, **slots):
        for name, value in slots.items():
            setattr(self, name, value)

    def objective(self, config):
        return config


@dataclasses.dataclass
class Holder:
    held: Any = None

    def __call__(self, config):
        return config


class WithState(Holder):
    def __getstate__(self):
        return {"made": (i for i in range(3))}


class OfItsClass:
    lock = LOCK

    def __call__(self, config):
        return config


def closure_of_a_closure():
    lock = threading.Lock()

    def inner(config):
        return lock

    return lambda config: inner(config)


def looped():
    loop = Holder()
    loop.held = [loop, {"again": loop, "lock": LOCK}]
    return loop


for each in (comprehension, nested, of_a_default, of_a_keyword, of_a_dict, decorated, helper):
    travelling(each)
OfItsClass.__module__ = "__main__"


@pytest.mark.parametrize(
    ("objective", "words"),
    [
        (comprehension, "its global 'LOCK' of type lock"),
        (nested, "its global 'LOCK' of type lock"),
        (of_a_default, "its default 'lock' of type lock"),
        (of_a_keyword, "its keyword default 'lock' of type lock"),
        (of_a_dict, "its global 'CONF' -> item 'db' -> item 'connections' -> item 0 of type Conn"),
        (decorated, "its global 'helper' -> global 'LOCK' of type lock"),
        (closure_of_a_closure(), "its variable 'inner' -> variable 'lock' of type lock"),
        (functools.partial(of_a_dict, LOCK), "its argument 0 of type lock"),
        (
            functools.partial(len, lock={"a": [LOCK]}),
            "its argument 'lock' -> item 'a' -> item 0 of",
        ),
        (Slotted(lock=LOCK).objective, "its attribute 'lock' of type lock"),
        (Slotted(_Slotted__hidden=LOCK).objective, "its attribute '__hidden' of type lock"),
        (Holder(Holder(LOCK)), "its attribute 'held' -> attribute 'held' of type lock"),
        (Holder(collections.deque([LOCK])), "its attribute 'held' -> item 0 of type lock"),
        (Holder({LOCK}), "its attribute 'held' -> element of type lock"),
        (Holder({(1, LOCK): 1}), "its attribute 'held' -> key (1, <unlocked"),
        (Holder(x for x in "ab"), "its attribute 'held' of type generator"),
        (WithState(), "its state -> item 'made' of type generator"),
        (OfItsClass(), "its class 'OfItsClass' -> attribute 'lock' of type lock"),
        (looped(), "its attribute 'held' -> item 1 -> item 'lock' of type lock"),
        (lambda config: (LOCK, CONF), "its global 'LOCK' of type lock; its global 'CONF' -> item"),
    ],
)
def test_what_cannot_be_pickled_is_found_where_it_hides(objective, words):
    """The error has the path to what cannot be pickled and its type, and what to do."""
    with pytest.raises(UnpicklableObjective) as error:
        Shipment(RunSpec(objective, "r"), cloudpickle)
    text = str(error.value)
    assert text.startswith("the objective must leave this process, but cannot be pickled: ")
    assert text.partition("pickled: ")[2].startswith(words)
    assert "; create such things inside the objective" in text


def test_a_search_for_culprits_ends():
    """Where a great many parts could be to blame, the search ends and names an outer one."""
    many = [[LOCK] for _ in range(20_000)]
    with pytest.raises(UnpicklableObjective, match="'held' -> item 0 -> item 0 of type lock"):
        Shipment(RunSpec(Holder(many), "r"), cloudpickle)
    deep = LOCK
    for _ in range(200):
        deep = [deep]
    with pytest.raises(UnpicklableObjective, match=r"(-> item 0 ){15,} *of type list"):
        Shipment(RunSpec(Holder(deep), "r"), cloudpickle)


def made_by(module, name, *bases, **members):
    """An instance of a class as pyspark has it; no session is needed for that."""
    return type(name, bases, {"__module__": module, **members})()


@pytest.mark.parametrize(
    "thing",
    [
        made_by("pyspark.sql.connect.session", "SparkSession"),
        made_by("pyspark.sql.session", "SparkSession"),
        made_by("pyspark.sql.connect.dataframe", "DataFrame"),
        made_by("mine", "Frame", type(made_by("pyspark.sql.classic.dataframe", "DataFrame"))),
        made_by("pyspark.core.context", "SparkContext"),
        made_by("pyspark.core.rdd", "PipelinedRDD", type(made_by("pyspark.core.rdd", "RDD"))),
        made_by("pyspark.rdd", "RDD"),
        made_by("py4j.java_gateway", "JavaObject"),
        made_by("pyspark.pandas.frame", "DataFrame"),
    ],
)
@pytest.mark.parametrize("of_spark", [True, False])
def test_what_belongs_to_a_spark_session_is_refused(thing, of_spark):
    """A session and what belongs to it is refused wherever it hangs, with mode='driver'."""
    kind = type(thing).__name__
    for objective, path in (
        (lambda c: thing, "variable 'thing'"),
        (Holder(thing), "attribute 'held'"),
    ):
        with pytest.raises(UnpicklableObjective) as error:
            Shipment(RunSpec(objective, "r"), cloudpickle, of_spark)
        assert f"cannot be pickled: its {path} of type {kind} (it belongs to the" in str(
            error.value
        )
        assert 'SparkTrials(mode="driver")' in str(error.value)
        assert "inside the objective" not in str(error.value)  # where it would fail as well
    shipment = Shipment(RunSpec(len, "r"), cloudpickle, of_spark)
    with pytest.raises(UnpicklableObjective, match=rf"trial 3 .* its item 'd' of type {kind} "):
        shipment.pack(Task(3, 0, {"d": thing}, {}))
    handle = broadcast({"frame": thing})
    with pytest.raises(UnpicklableObjective, match=rf"'handle' .* 'frame' of type {kind} "):
        Shipment(RunSpec(lambda c: handle, "r"), cloudpickle, of_spark)


def test_what_holds_something_of_a_session_is_named_as_a_person_knows_it():
    """Of pyspark's own objects the outermost is named, not what they are made of."""
    inner = made_by("pyspark.sql.connect.dataframe", "DataFrame")
    grouped = made_by("pyspark.sql.connect.group", "GroupedData", _df=inner)
    grouped._df = inner
    with pytest.raises(UnpicklableObjective, match=r"'grouped' of type GroupedData \(it belongs"):
        Shipment(RunSpec(lambda c: grouped, "r"), cloudpickle)


def test_variables_of_pyspark_are_for_classic_tasks():
    """Broadcast variables and accumulators are refused where no classic Spark task reads them."""
    table = made_by("pyspark.core.broadcast", "Broadcast")
    count = made_by("pyspark.accumulators", "Accumulator")
    with pytest.raises(
        UnpicklableObjective, match=r"'table' of type Broadcast .*sparktune.broadcast"
    ):
        Shipment(RunSpec(lambda c: table, "r"), cloudpickle)
    with pytest.raises(
        UnpicklableObjective, match=r"'count' of type Accumulator .*mode=\"driver\""
    ):
        Shipment(RunSpec(lambda c: count, "r"), cloudpickle)
    Shipment(RunSpec(lambda c: (table, count), "r"), cloudpickle, of_spark=True)


@pytest.mark.parametrize("how", ["variable", "default", "argument", "method", "helper", "itself"])
def test_code_that_reads_the_trials_of_its_own_run_is_refused(how):
    """Where code would read the run's own trials, a copy of which goes stale, it is refused."""
    trials = Trials()

    class OwnTrials(Trials):
        def objective(self, config):
            return len(self)

    def helper(config):
        return len(trials)

    stop, own = trials.cancel, OwnTrials()
    objectives = {
        "variable": lambda c: len(trials),
        "default": lambda c, seen=trials: len(seen),
        "argument": functools.partial(lambda seen, c: len(seen), trials),
        "method": lambda c: stop(),
        "helper": lambda c: helper(c),
        "itself": own.objective,
    }
    spec = RunSpec(objectives[how], "r", own=(own if how == "itself" else trials,))
    with pytest.raises(
        UnpicklableObjective, match=r"cannot be pickled: it.*trials of this very run"
    ):
        Shipment(spec, cloudpickle)
    handle = broadcast(trials)
    with pytest.raises(UnpicklableObjective, match=r"broadcast object .*trials of this very run"):
        Shipment(RunSpec(lambda c: handle, "r", own=(trials,)), cloudpickle)


def test_trials_of_another_run_travel():
    """The record of an earlier run is data like any other."""
    earlier = Trials(exp_key="earlier")
    shipment = Shipment(RunSpec(lambda c: earlier.exp_key, "r", own=(Trials(),)), cloudpickle)
    assert b"earlier" in shipment.blobs[shipment.digest]
