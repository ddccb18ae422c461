"""What the doctor says of addresses, before it asks Spark for anything."""

import pytest

from sparktune.cluster.doctor import examine


def remote_of(address):
    """The check of a Spark Connect server's address, and what was made of it."""
    checks = {check.name: check for check in examine(remote=address)}
    assert checks["workers"].found == "not looked at"
    return checks["remote"]


@pytest.mark.parametrize(
    "address", ["sc://nowhere.example", "sc://nowhere.example:15002/;user_id=me"]
)
def test_a_host_name_that_nobody_knows(nowhere, address):
    """It is said in a sentence with the name, and the advice is about the name alone."""
    check = remote_of(address)
    assert check.status == "problem"
    assert check.found == f"the host name 'nowhere.example' is not known here ({nowhere})"
    assert check.advice == "Check how the name is written, or add it to DNS or to /etc/hosts."


def test_an_address_where_nobody_listens(nowhere):
    """One that is known is said with its port, and the advice is about what runs there."""
    check = remote_of("sc://127.0.0.1:1,nowhere.example")
    assert check.found.startswith("127.0.0.1:1 cannot be reached: ")
    assert "'nowhere.example' is not known here" in check.found
    assert "that the Spark Connect server runs" in check.advice
