"""The tables of a store, as SQLAlchemy has them."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from ...exceptions import StoreError

__all__ = [
    "LONGEST_KEY", "drivers", "jobs", "meta", "natural", "reports", "searches", "spaces", "trials",
    "version", "workers",
]  # fmt: skip

LONGEST_KEY = 200

meta = sa.MetaData()
version = sa.Table("sparktune_version", meta, sa.Column("version", sa.Integer, primary_key=True))
searches = sa.Table(
    "sparktune_searches", meta,
    sa.Column("exp_key", sa.String(LONGEST_KEY), primary_key=True),
    sa.Column("revision", sa.BigInteger, nullable=False),
    sa.Column("ended", sa.BigInteger, nullable=False),  # of those that count
    sa.Column("seed", sa.BigInteger),
    sa.Column("lost_after", sa.Float(53)),
)  # fmt: skip
spaces = sa.Table(
    "sparktune_spaces", meta,
    sa.Column("exp_key", sa.String(LONGEST_KEY), primary_key=True),
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("first", sa.BigInteger, nullable=False),
    sa.Column("space", sa.Text, nullable=False),
    sa.Column("defaults", sa.Text, nullable=False),
    sa.Column("proof", sa.String(64), nullable=False),
    sa.Column("revision", sa.BigInteger, nullable=False),
)  # fmt: skip
drivers = sa.Table(
    "sparktune_drivers", meta,
    sa.Column("exp_key", sa.String(LONGEST_KEY), primary_key=True),
    sa.Column("id", sa.String(80), primary_key=True),
    sa.Column("owner", sa.Text, nullable=False, default=""),
    sa.Column("beat", sa.Float(53), nullable=False),
)  # fmt: skip
workers = sa.Table(
    "sparktune_workers", meta,
    sa.Column("exp_key", sa.String(LONGEST_KEY), primary_key=True),
    sa.Column("id", sa.String(80), primary_key=True),
    sa.Column("host", sa.String(255), nullable=False),
    sa.Column("pid", sa.BigInteger, nullable=False),
    sa.Column("beat", sa.Float(53), nullable=False),
)  # fmt: skip
jobs = sa.Table(
    "sparktune_jobs", meta,
    sa.Column("exp_key", sa.String(LONGEST_KEY), primary_key=True),
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("objective", sa.Text, nullable=False),
    sa.Column("payload", sa.LargeBinary, nullable=False),
    sa.Column("space", sa.Text, nullable=False),
    sa.Column("settings", sa.Text, nullable=False),
)  # fmt: skip
trials = sa.Table(
    "sparktune_trials", meta,
    sa.Column("exp_key", sa.String(LONGEST_KEY), primary_key=True),
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("state", sa.String(10), nullable=False),
    sa.Column("candidate", sa.Text, nullable=False),
    sa.Column("config", sa.Text, nullable=False),
    sa.Column("started", sa.Float(53), nullable=False),
    sa.Column("job", sa.String(64), nullable=False),
    sa.Column("proof", sa.String(64), nullable=False),
    sa.Column("lost", sa.Integer, nullable=False),
    sa.Column("outcome", sa.Text),
    sa.Column("outcome_proof", sa.String(64), nullable=False),
    sa.Column("worker", sa.String(80), nullable=False),
    sa.Column("driver", sa.String(80), nullable=False),
    sa.Column("status", sa.String(20)),
    sa.Column("counts", sa.Boolean, nullable=False),  # for max_evals
    sa.Column("beat", sa.Float(53), nullable=False),
    sa.Column("stopping", sa.Boolean, nullable=False),
    sa.Column("revision", sa.BigInteger, nullable=False),
    sa.Index("sparktune_trials_by_state", "exp_key", "state", "number"),
    sa.Index("sparktune_trials_by_revision", "exp_key", "revision"),
)  # fmt: skip
reports = sa.Table(
    "sparktune_reports", meta,
    sa.Column("exp_key", sa.String(LONGEST_KEY), primary_key=True),
    sa.Column("revision", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("place", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("number", sa.BigInteger, nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("step", sa.BigInteger, nullable=False),
    sa.Column("value", sa.String(40), nullable=False),  # as text: SQLite has no NaN
)  # fmt: skip

_TOO_LARGE = 2**62


def natural(value: Any, what: str, name: str) -> int:
    """A number of a row that only a store changes.

    Args:
        value: as it stands in the row.
        what: it is, for people.
        name: of the store.

    Raises:
        StoreError: somebody has written something else there.
    """
    if type(value) is not int or not 0 <= value < _TOO_LARGE:
        raise StoreError(
            f"the store {name}: its {what} is {value!r:.60}, which somebody has written there; "
            "take another exp_key, or put the row right"
        )
    return value
