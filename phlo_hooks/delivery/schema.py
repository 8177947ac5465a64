"""The tables: events, deliveries and state. `migrations/` leads to the same ones, which a test holds.

Times are aware datetimes in Python and seconds since 1970, a double, in the tables: the databases disagree
on every kind of timestamp (SQLite has none, MySQL drops zone and microseconds), none on how numbers sort.
"""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Dialect,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    and_,
)
from sqlalchemy.ext.compiler import compiles

# MySQL indexes 3,072 bytes, four to a character: two names of this length and two numbers fit.
NAME_LENGTH = 255
STATE_KEY_LENGTH = 512
EVENT_TYPE_LENGTH = 128
VERSION_TABLE = "hook_alembic_version"


class LongText(Text):
    """Text for a whole event: MySQL's plain TEXT ends at 64 KiB."""

    inherit_cache = True


class UtcTime(TypeDecorator[datetime]):
    """A moment, kept as a number."""

    impl = Double
    cache_ok = True

    def process_bind_param(self, value: datetime | float | None, dialect: Dialect) -> float | None:
        """What is stored."""
        if not isinstance(value, datetime):
            return value
        if value.tzinfo is None:
            raise ValueError(f"{value!r} has no time zone: use datetime.now(timezone.utc)")
        return value.timestamp()

    def process_result_value(self, value: float | None, dialect: Dialect) -> datetime | None:
        """What is read."""
        return None if value is None else datetime.fromtimestamp(value, timezone.utc)


@compiles(LongText, "mysql", "mariadb")
def _long_text_on_mysql(element: LongText, compiler: Any, **kwargs: Any) -> str:
    return "MEDIUMTEXT"


# SQLite numbers rows by itself only where the type is spelt INTEGER.
RowId = BigInteger().with_variant(Integer, "sqlite")

# MySQL compares names without regard to case by default; the others do not, and no id may collide.
_OPTIONS: dict[str, Any] = {"mysql_charset": "utf8mb4", "mysql_collate": "utf8mb4_bin"}
# Ids are never given out twice, also when the newest rows are gone: they are what readers page by.
_NUMBERED: dict[str, Any] = {"sqlite_autoincrement": True, **_OPTIONS}

metadata = MetaData()

hook_events = Table(
    "hook_events",
    metadata,
    Column("id", RowId, primary_key=True, autoincrement=True),
    Column("event_id", String(NAME_LENGTH), nullable=False),
    Column("event_type", String(EVENT_TYPE_LENGTH), nullable=False),
    Column("version", String(16), nullable=False),
    Column("timestamp", UtcTime, nullable=False),
    Column("recorded_at", UtcTime, nullable=False),
    Column("run_id", String(NAME_LENGTH)),
    Column("job_name", String(NAME_LENGTH)),
    Column("step_key", String(NAME_LENGTH)),
    Column("asset_key", String(NAME_LENGTH)),
    Column("partition_key", String(NAME_LENGTH)),
    Column("check_name", String(NAME_LENGTH)),
    Column("body", LongText, nullable=False),
    UniqueConstraint("event_id", name="uq_hook_events_event_id"),
    Index("ix_hook_events_run_id", "run_id"),
    **_NUMBERED,
)

# `event_row` is a number, not the event's id: the unique index then only ever grows at its end, where
# random UUIDs would touch a cold page for each row once it is larger than the cache.
#
# `next_attempt_at` is the whole queue: the moment from which any relay may take the row, which a lease
# moves to its own end, and NULL once the delivery is settled. So "due, or its lease ran out" is one range
# of one index, which holds the open rows only, however many millions are settled (MySQL, which has
# no partial index, keeps the settled ones together at the NULL end).
hook_deliveries = Table(
    "hook_deliveries",
    metadata,
    Column("id", RowId, primary_key=True, autoincrement=True),
    Column("event_row", RowId, ForeignKey("hook_events.id"), nullable=False),
    Column("hook", String(NAME_LENGTH), nullable=False),
    Column("scope", String(NAME_LENGTH), nullable=False),
    Column("state", String(16), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_attempt_at", UtcTime),
    Column("lease_owner", String(NAME_LENGTH)),
    Column("last_error", Text),
    Column("lane", String(NAME_LENGTH)),
    Column("created_at", UtcTime, nullable=False),
    Column("settled_at", UtcTime),
    Column("errors", Text),
    Column("replays", Integer, nullable=False),
    UniqueConstraint("event_row", "hook", "scope", name="uq_hook_deliveries_event_row"),
    **_NUMBERED,
)

_open = hook_deliveries.c.next_attempt_at.is_not(None)

Index(
    "ix_hook_deliveries_due",
    hook_deliveries.c.hook,
    hook_deliveries.c.scope,
    hook_deliveries.c.next_attempt_at,
    hook_deliveries.c.id,
    sqlite_where=_open,
    postgresql_where=_open,
)

_open_in_lane = and_(_open, hook_deliveries.c.lane.is_not(None))

# Whether anything comes before a delivery in its lane. Hooks that ask for no order do not pay for it.
Index(
    "ix_hook_deliveries_lane",
    hook_deliveries.c.hook,
    hook_deliveries.c.scope,
    hook_deliveries.c.lane,
    hook_deliveries.c.id,
    sqlite_where=_open_in_lane,
    postgresql_where=_open_in_lane,
)

# The first of them, by number.
Index(
    "ix_hook_deliveries_order",
    hook_deliveries.c.hook,
    hook_deliveries.c.scope,
    hook_deliveries.c.id,
    sqlite_where=_open_in_lane,
    postgresql_where=_open_in_lane,
)

# Health counts the dead without a look at the millions that were delivered.
_dead = hook_deliveries.c.state == "dead"

Index(
    "ix_hook_deliveries_dead",
    hook_deliveries.c.state,
    hook_deliveries.c.hook,
    hook_deliveries.c.id,
    sqlite_where=_dead,
    postgresql_where=_dead,
)

# Rates: what was settled in the last minutes, and how it ended.
Index(
    "ix_hook_deliveries_settled",
    hook_deliveries.c.settled_at,
    hook_deliveries.c.hook,
    hook_deliveries.c.state,
)

hook_state = Table(
    "hook_state",
    metadata,
    Column("namespace", String(NAME_LENGTH), primary_key=True),
    Column("key", String(STATE_KEY_LENGTH), primary_key=True),
    Column("value", LongText, nullable=False),
    Column("version", Integer, nullable=False),
    Column("updated_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime),
    **_OPTIONS,
)

# Alembic's own; apart from the others because Alembic creates and compares it by itself.
version_table = Table(
    VERSION_TABLE,
    MetaData(),
    Column("version_num", String(32), primary_key=True),
)
