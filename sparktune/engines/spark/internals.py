"""What the driver's side uses of pyspark that pyspark does not promise, one function each.

"Tried on" names releases of pyspark; what was tried with each stands in the README.
"""

from __future__ import annotations

import contextlib
import functools
import operator
import re
import sys
from collections.abc import Iterator
from typing import Any

_BATCHED_UDF = 100  # SQL_BATCHED_UDF of pyspark's PythonEvalType


def is_context_stopped(context: Any) -> bool:
    """Whether a SparkContext was stopped from either side. Tried on 3.5.9 and 4.3.0."""
    jsc = context._jsc
    try:
        return jsc is None or bool(jsc.sc().isStopped())
    except Exception:  # the JVM is gone
        return True


def forget_stopped_context() -> None:
    """Stop in Python too what the JVM has stopped and pyspark still hands out. Tried on 4.3.0."""
    try:
        from pyspark import SparkContext
    except ImportError:  # pyspark-client
        return
    context = SparkContext._active_spark_context
    if context is not None and is_context_stopped(context):
        context.stop()


def concurrent_tasks(context: Any, profile: Any = None) -> int:
    """How many tasks, of a profile, the registered executors run at a time. Tried on 4.3.0."""
    spark = context._jsc.sc()
    if profile is None:
        asked = spark.resourceProfileManager().defaultResourceProfile()
    else:
        asked = _row_of(context, profile)._jrdd.rdd().getResourceProfile()
    return int(spark.maxNumConcurrentTasks(asked))


def run_nothing(context: Any, profile: Any = None) -> None:
    """Run a job of one task that needs no Python. Tried on 4.3.0."""
    _row_of(context, profile)._jrdd.count()


def _row_of(context: Any, profile: Any) -> Any:
    row = context.parallelize([0], 1)
    return row if profile is None else row.withResources(profile)


def set_python(context: Any, executable: str) -> None:
    """Let the workers of a SparkContext run a Python. Tried on 3.5.9 and 4.3.0."""
    context.pythonExec = executable


@contextlib.contextmanager
def noted_broadcasts(context: Any) -> Iterator[dict[int, Any]]:
    """The user's broadcast variables that are pickled in this block, by Spark's number.

    They have to go along with every job that refers to them. The dict is filled where the block
    ends. Tried on 3.5.9 and 4.3.0.
    """
    noted: dict[int, Any] = {}
    registry = context._pickled_broadcast_vars
    registry.clear()
    yield noted
    noted.update({variable._jbroadcast.id(): variable for variable in registry})
    registry.clear()


def stage_of(context: Any, tag: str) -> int | None:
    """The number of the stage of the running job that carries a tag. Tried on 3.5.9 and 4.3.0."""
    store = context._jsc.sc().statusStore()
    for number in context.statusTracker().getActiveJobsIds():
        job = store.job(number)
        if job.jobTags().contains(tag) and job.stageIds().size():
            return int(job.stageIds().apply(0))
    return None


def tries_of(context: Any, stage: int) -> list[Any]:
    """Spark's records (TaskData) of the tries of a stage's one task. Tried on 3.5.9 and 4.3.0."""
    spark = context._jsc.sc()
    with contextlib.suppress(Exception):  # a busy bus: what it knows by now has to do
        spark.listenerBus().waitUntilEmpty(10_000)
    tasks = spark.statusStore().taskList(stage, 0, 100)
    return [tasks.apply(i) for i in range(tasks.size())]


def default_session() -> Any:
    """The classic session of this process, whichever thread made it, or None. Tried on 4.3.0.

    A builder would find it as well, but set its own options and conf there.
    """
    try:
        from pyspark import SparkContext
        from pyspark.sql import SparkSession
    except ImportError:  # pyspark-client
        return None
    context = SparkContext._active_spark_context
    if context is None or is_context_stopped(context):
        return None
    session = SparkSession._instantiatedSession
    return session if session is not None and session._sc is context else SparkSession(context)


def default_connect_session() -> Any:
    """This process's Spark Connect session, or None. Tried on pyspark-client 4.2.0, and 4.3.0."""
    module = sys.modules.get("pyspark.sql.connect.session")
    if module is None:
        return None
    return module.SparkSession.getActiveSession() or module.SparkSession._get_default_session()


class ServersProfile:
    """A ResourceProfile as the server of a Connect session knows it, for ``mapInArrow``.

    Pyspark's own asks the server of the active session, once for good. Tried on 4.0.0 to 4.3.0.
    """

    def __init__(self, session: Any, profile: Any) -> None:
        from pyspark.sql.connect import proto

        executor = {
            name: proto.ExecutorResourceRequest(
                resource_name=each.resourceName, amount=each.amount,
                discovery_script=each.discoveryScript, vendor=each.vendor,
            )
            for name, each in profile.executorResources.items()
        }  # fmt: skip
        task = {
            name: proto.TaskResourceRequest(resource_name=each.resourceName, amount=each.amount)
            for name, each in profile.taskResources.items()
        }
        asked = proto.ResourceProfile(executor_resources=executor, task_resources=task)
        self.id = session.client._create_profile(asked)


def python_of_connect_workers(session: Any) -> str | None:
    """The Python of a server's workers, which may be of another version. Tried on 4.3.0.

    Their Python says so in a function that needs neither pyarrow nor this side's bytecode; where it
    cannot be started at all, its name is in the error.
    """
    from pyspark.sql.connect.column import Column
    from pyspark.sql.connect.expressions import CommonInlineUserDefinedFunction, PythonUDF
    from pyspark.sql.types import StringType

    say = functools.partial(operator.attrgetter("executable"), sys)
    version = "{}.{}".format(*sys.version_info)
    for _ in range(2):
        function = PythonUDF(StringType(), _BATCHED_UDF, say, version)
        asked = Column(CommonInlineUserDefinedFunction("python", function))
        try:
            return str(session.range(0, 1, 1, 1).select(asked).collect()[0][0])
        except Exception as error:
            if program := re.search('Cannot run program "([^"]+)"', str(error)):
                return program[1]
            theirs = re.search(r"different (?:minor )?version:? (\d+\.\d+)", str(error))
            if theirs is None:
                return None
            version = theirs[1]
    return None


def make_active(session: Any) -> None:
    """Let this thread find a classic session where it asks for one. Tried on 3.5.9 and 4.3.0."""
    find = getattr(session, "_get_j_spark_session_class", None)  # since Spark 4
    java = session._jvm.SparkSession if find is None else find(session._jvm)
    java.setActiveSession(session._jsparkSession)


def make_connect_active(session: Any) -> None:
    """Let this thread find a Spark Connect session where it asks for one. Tried on 4.3.0."""
    session._set_default_and_active_session(session)


def is_on_this_machine(session: Any) -> bool:
    """Whether a Spark Connect server is. Tried on pyspark-client 4.2.0, and 4.3.0."""
    with contextlib.suppress(Exception):  # a client that does not tell
        return session.client.host in ("localhost", "127.0.0.1", "::1", "[::1]")
    return False


def another_connect_session(session: Any) -> Any:
    """A new session on the same server. Tried on pyspark-client 4.2.0, and 4.3.0."""
    from pyspark.sql.connect.session import SparkSession

    return SparkSession(connection=session.client._builder)
