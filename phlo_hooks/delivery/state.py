"""Small values by namespace and key: cursors of the sensors, memory of the capabilities."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row

from phlo_hooks.delivery import statements
from phlo_hooks.delivery.database import Database
from phlo_hooks.delivery.records import Instant, StateWrite
from phlo_hooks.delivery.schema import NAME_LENGTH, STATE_KEY_LENGTH, hook_state
from phlo_hooks.errors import StoreError
from phlo_hooks.state import StateEntry

# Sorts after every character that a key may have.
_LAST = "\U0010ffff"


class KeptState:
    """The state of the store. What has expired counts as absent, whether it is deleted yet or not."""

    _database: Database
    clock: Callable[[], datetime]

    def get_state(self, namespace: str, key: str) -> StateEntry | None:
        """What is kept there."""
        where = {"of_namespace": namespace, "of_key": key, "now": self.clock()}
        row = self._database.read(lambda c: c.execute(statements.GET_STATE, where).first())
        return None if row is None else _entry(row)

    def get_states(self, namespace: str, keys: Iterable[str]) -> dict[str, StateEntry]:
        """What is kept under these keys."""
        wanted = list(keys)
        where = {"of_namespace": namespace, "now": self.clock()}

        def work(connection: Connection) -> dict[str, StateEntry]:
            found = (
                connection.execute(statements.GET_STATES, {**where, "keys": some})
                for some in statements.chunks(wanted)
            )
            return {row.key: _entry(row) for rows in found for row in rows}

        return self._database.read(work) if wanted else {}

    def list_state(self, namespace: str, prefix: str = "") -> list[StateEntry]:
        """All that is kept in a namespace under keys that begin with `prefix`, by key."""
        key = hook_state.c.key
        query = statements.LIST_STATE.where(key >= prefix, key < prefix + _LAST).order_by(key)
        where = {"of_namespace": namespace, "now": self.clock()}
        rows = self._database.read(lambda c: c.execute(query, where).all())
        return [_entry(row) for row in rows]

    def put_state(self, namespace: str, key: str, value: Any, *, expires_at: Instant | None = None) -> None:
        """Keep `value`, whatever is there now.

        Raises:
            StoreError: a name is too long, or `value` is not JSON.
        """
        check_state(namespace, key)
        write, now = StateWrite(namespace, key, value, expires_at), self.clock()
        self._database.write(lambda connection: put(connection, write, now))

    def compare_and_set(
        self,
        namespace: str,
        key: str,
        expected_version: int | None,
        value: Any,
        *,
        expires_at: Instant | None = None,
    ) -> bool:
        """Keep `value` if nobody wrote meanwhile; return whether it is kept.

        Args:
            namespace, key: where.
            expected_version: of the entry that was read; None or 0 when there was none.
            value: anything that JSON can say.
            expires_at: from when on it counts as absent.
        """
        check_state(namespace, key)
        write, now = StateWrite(namespace, key, value, expires_at), self.clock()
        return self._database.write(lambda c: put_if(c, write, expected_version or 0, now))

    def delete_state(self, namespace: str, key: str) -> None:
        """Forget what is kept there, if anything is."""
        where = {"of_namespace": namespace, "of_key": key}
        self._database.write(lambda c: c.execute(statements.DELETE_STATE, where).rowcount)

    def expire(self) -> int:
        """Delete all that has expired; return how many that were."""
        now = {"now": self.clock()}
        return self._database.write(lambda c: c.execute(statements.EXPIRE_STATE, now).rowcount)


def put(connection: Connection, write: StateWrite, now: datetime) -> None:
    """Update or insert within a transaction; a process that inserted meanwhile makes it start over."""
    if not connection.execute(statements.PUT_STATE, _values(write, now)).rowcount:
        _insert(connection, write, now)


def check_state(namespace: str, key: str) -> None:
    """Refuse names that the table cannot hold."""
    for what, text, most in (("namespace", namespace, NAME_LENGTH), ("key", key, STATE_KEY_LENGTH)):
        if not 0 < len(text) <= most:
            raise StoreError(
                f"state {what} {text[:40]!r} has {len(text)} characters: use 1 to {most}, a digest for more"
            )


def put_if(connection: Connection, write: StateWrite, expected: int, now: datetime) -> bool:
    """Keep a value if what is there has this version; 0 for nothing there."""
    values = _values(write, now)
    if expected:
        swap = connection.execute(statements.SWAP_STATE, {**values, "expected": expected})
        return swap.rowcount == 1
    if connection.execute(statements.RENEW_STATE, values).rowcount:
        return True
    if connection.execute(statements.GET_STATE, values).first() is not None:
        return False
    _insert(connection, write, now)
    return True


def put_all(connection: Connection, writes: Sequence[tuple[StateWrite, int]], now: datetime) -> bool:
    """As `put_if` for each; False as soon as one does not fit, and then all is to be undone.

    Most of a batch's values are new, and are inserted together.
    """
    new = [write for write, expected in writes if not expected]
    fresh = {(write.namespace, write.key): write for write in new}
    if len(fresh) < len(new):
        # The second of two for one key comes too late.
        return False
    known = _with_rows(connection, new)
    others = [pair for pair in writes if pair[1] or (pair[0].namespace, pair[0].key) in known]
    if not all(put_if(connection, write, expected, now) for write, expected in others):
        return False
    rows = [_row(write, now) for place, write in fresh.items() if place not in known]
    if rows:
        connection.execute(statements.INSERT_STATE, rows)
    return True


def _with_rows(connection: Connection, writes: Sequence[StateWrite]) -> set[tuple[str, str]]:
    found: set[tuple[str, str]] = set()
    for namespace in {write.namespace for write in writes}:
        keys = [write.key for write in writes if write.namespace == namespace]
        for some in statements.chunks(keys):
            rows = connection.execute(statements.STATE_ROWS, {"of_namespace": namespace, "keys": some})
            found.update((namespace, row.key) for row in rows)
    return found


def _insert(connection: Connection, write: StateWrite, now: datetime) -> None:
    connection.execute(statements.INSERT_STATE, _row(write, now))


def _row(write: StateWrite, now: datetime) -> dict[str, Any]:
    return {
        "namespace": write.namespace,
        "key": write.key,
        "value": _dump(write),
        "version": 1,
        "updated_at": now,
        "expires_at": write.expires_at,
    }


def _values(write: StateWrite, now: datetime) -> dict[str, Any]:
    return {
        "of_namespace": write.namespace,
        "of_key": write.key,
        "new_value": _dump(write),
        "expires": write.expires_at,
        "now": now,
    }


def _dump(write: StateWrite) -> str:
    try:
        return json.dumps(write.value, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError) as exc:
        raise StoreError(
            f"state {write.namespace}/{write.key}: value is not JSON: {exc}; keep text, numbers, "
            "lists and dicts"
        ) from exc


def _entry(row: Row[Any]) -> StateEntry:
    return StateEntry(
        namespace=row.namespace,
        key=row.key,
        value=json.loads(row.value),
        version=row.version,
        updated_at=row.updated_at,
        expires_at=row.expires_at,
    )
