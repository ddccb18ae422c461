"""What the doctor says of access modes and limits, by what a session and a worker tell."""

import pytest

from sparktune.cluster.limits import access_mode, limits

USAGE = "spark.databricks.clusterUsageTags."
DEDICATED = {f"{USAGE}clusterId": "0101-1-abc", f"{USAGE}dataSecurityMode": "SINGLE_USER"}
STANDARD = {f"{USAGE}clusterId": "0101-1-abc", f"{USAGE}dataSecurityMode": "USER_ISOLATION"}


def answer(settings=(), runtimes=("", ""), memory=None, network=True):
    """What the probe may answer."""
    told = {"settings": dict(settings), "runtimes": list(runtimes)}
    return {**told, "memory": memory, "network": network}


@pytest.mark.parametrize(
    ("told", "connect", "remote", "mode"),
    [
        (answer(), False, "", ""),
        (answer(), True, "sc://127.0.0.1:15002", ""),
        (answer(DEDICATED, ("16.4", "16.4")), False, "", "dedicated"),
        (answer(DEDICATED, ("", "16.4")), True, "", "dedicated"),
        (answer({f"{USAGE}clusterId": "0101-1-abc"}), False, "", "dedicated"),
        (answer({}, ("16.4", "16.4")), False, "", "dedicated"),
        (answer(STANDARD, ("17.3", "17.3")), True, "", "standard"),
        (answer({f"{USAGE}clusterId": "0101-1-abc"}), True, "", "standard"),
        (answer({}), True, "sc://x.databricks.com/;x-databricks-cluster-id=1", "standard"),
        (answer({}), True, "sc://x.databricks.com/;x-databricks-session-id=1", "serverless"),
        (answer({}, ("client.4.1", "")), True, "", "serverless"),
        (answer({}, ("", "client.4.1")), True, "", "serverless"),
    ],
)
def test_access_modes(told, connect, remote, mode):
    """Dedicated, standard and serverless compute are told apart; elsewhere there is no mode."""
    assert access_mode(told, connect, remote) == mode
    names = [check.name for check in limits(told, connect, remote)]
    assert ("access mode" in names) == bool(mode)


def test_limits_of_a_mode():
    """Serverless compute is told with its gigabyte, and that it was not tried there."""
    (check,) = limits(answer({}, ("client.4.1", "")), True)
    assert check.status == "warning"
    assert "serverless" in check.found
    assert "1 GB" in check.found
    assert "not tried there" in check.found
    assert "sparktune takes" in check.advice


def test_little_memory_and_no_network():
    """A worker with little memory or with loopback alone draws a warning with what to do."""
    found = {check.name: check for check in limits(answer(memory=1024, network=False), True)}
    assert found["worker memory"].status == found["worker network"].status == "warning"
    assert "1024 MB" in found["worker memory"].found
    assert "capture" in found["worker network"].advice
    (enough,) = limits(answer(memory=65536), False)
    assert (enough.status, enough.advice) == ("ok", "")


IDLE = {
    "spark.python.worker.killOnIdleTimeout": "true",
    "spark.python.worker.idleTimeoutSeconds": "90",
}
UDF = "spark.sql.execution.pyspark.udf"


def test_workers_that_are_killed_when_silent():
    """Long trials that Spark would kill are a problem, with the setting of this kind of session."""
    (check,) = limits(answer(IDLE), False)
    assert check.status == "problem"
    assert "more than 90 s" in check.found
    assert check.advice.startswith("Set spark.python.worker.killOnIdleTimeout to false, or ")
    (check,) = limits(answer(IDLE), True)
    assert f"{UDF}.killOnIdleTimeout" in check.advice


@pytest.mark.parametrize(
    ("settings", "connect"),
    [
        ({**IDLE, "spark.python.worker.killOnIdleTimeout": "false"}, False),
        ({**IDLE, "spark.python.worker.idleTimeoutSeconds": "0"}, False),
        ({"spark.python.worker.killOnIdleTimeout": "true"}, False),
        ({**IDLE, f"{UDF}.killOnIdleTimeout": "false"}, True),
    ],
)
def test_workers_that_may_be_silent(settings, connect):
    """Without a limit, without the kill, or where the session takes it back, nothing is said."""
    assert list(limits(answer(settings), connect)) == []
