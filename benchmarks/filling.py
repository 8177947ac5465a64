"""Rows by the hundred thousand, straight into the tables: recording them one by one would take an hour."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from sqlalchemy import Engine, create_engine, insert, text

from phlo_hooks.delivery.columns import delivery_row, event_row
from phlo_hooks.delivery.records import Target
from phlo_hooks.delivery.schema import hook_deliveries, hook_events
from phlo_hooks.delivery.store import HookStore
from phlo_hooks.envelope import utc_now
from phlo_hooks.events import HookEvent

_CHUNK = 10_000
# Two days: what is stored is nobody's recent past.
_AGO = 172_800.0
_SETTLED = {"state": "delivered", "attempts": 1, "next_attempt_at": None}


def fill(url: str, template: HookEvent, target: Target, count: int, *, settled: bool, lanes: int = 0) -> None:
    """Add so many events with a delivery each, all like `template`.

    Args:
        url: of the database.
        template: gives every column but the ids.
        target: the hook they are for.
        count: how many.
        settled: delivered; else due.
        lanes: over how many lanes they are spread; 0 for no lane.
    """
    _create_tables(url)
    engine = create_engine(url)
    with engine.begin() as connection:
        first = (connection.execute(text("SELECT MAX(id) FROM hook_events")).scalar() or 0) + 1
        for start in range(first, first + count, _CHUNK):
            numbers = range(start, min(start + _CHUNK, first + count))
            connection.execute(insert(hook_events), list(_events(template, numbers)))
            connection.execute(
                insert(hook_deliveries), list(_deliveries(target, numbers, settled=settled, lanes=lanes))
            )
    _tidy(engine)
    engine.dispose()


def _create_tables(url: str) -> None:
    store = HookStore(url)
    store.pending_count()
    store.close()


def _tidy(engine: Engine) -> None:
    """On PostgreSQL: what autovacuum does within a minute, and the numbers that the next rows get.

    On SQLite the store never runs ANALYZE, and the numbers look after themselves.
    """
    if engine.dialect.name != "postgresql":
        return
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for table in ("hook_events", "hook_deliveries"):
            sequence = f"pg_get_serial_sequence('{table}', 'id')"
            connection.execute(text(f"SELECT setval({sequence}, (SELECT MAX(id) FROM {table}))"))
        connection.execute(text("VACUUM ANALYZE"))


def _events(template: HookEvent, numbers: range) -> Iterator[dict[str, Any]]:
    row = event_row(template, utc_now())
    run = template.correlation.run_id
    for number in numbers:
        # Random-looking, as real ids are: the index over them must not grow at its end only.
        event_id = f"{number * 2654435761 % 2**32:08x}-{number:012d}"
        yield {**row, "id": number, "event_id": event_id, "run_id": f"{run}-{number // 100}"}


def _deliveries(target: Target, numbers: range, *, settled: bool, lanes: int) -> Iterator[dict[str, Any]]:
    """Waiting, each a millisecond after the one before; or settled long ago."""
    now = time.time()
    for number in numbers:
        row = delivery_row(number, target, utc_now())
        row.update(id=number, created_at=now - _AGO + number / 1000, settled_at=None)
        row.update({**_SETTLED, "settled_at": now - _AGO + number / 1000} if settled else {})
        if not settled:
            row["next_attempt_at"] = row["created_at"]
        yield {**row, "lane": f"raw/table_{number % lanes}" if lanes else None}
