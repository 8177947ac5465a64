"""What one code location needs to emit, record and deliver, built once when its definitions load."""

from __future__ import annotations

import atexit
import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from datetime import datetime
from typing import Any

import dagster as dg

from phlo_hooks.bus import HookBus
from phlo_hooks.delivery.outbox import StoreOutbox
from phlo_hooks.delivery.store import HookStore
from phlo_hooks.envelope import utc_now
from phlo_hooks.producers.catalog import Catalog
from phlo_hooks.producers.dagster_private import default_store_url
from phlo_hooks.redaction import Redactor


class Runtime:
    """The catalogue, the hooks and the store of a code location.

    Args:
        catalog: what the definitions say of the assets.
        register: puts every hook on a bus; called once for each bus that is made.
        store_url: SQLAlchemy URL of the store; None for beside the Dagster instance's own storage.
        redactor: knows the values that must not leave.
        start: how far back the tail sensor looks when it starts for the first time.
    """

    def __init__(
        self,
        catalog: Catalog,
        register: Callable[[HookBus], None],
        *,
        store_url: str | None = None,
        redactor: Redactor | None = None,
        start: datetime | None = None,
    ) -> None:
        self.catalog = catalog
        self.redactor = redactor or Redactor()
        self.start = start
        self.loaded_at = utc_now()
        self._register = register
        self._store_url = store_url
        self._stores: dict[str, HookStore] = {}
        self._lock = threading.Lock()

    def store(self, instance: dg.DagsterInstance) -> HookStore:
        """The store that goes with a Dagster instance; in memory, and the run's own, for an ephemeral one."""
        url = self._store_url or default_store_url(instance)
        key = url or f"ephemeral:{id(instance)}"
        with self._lock:
            if key not in self._stores:
                self._stores[key] = HookStore(url) if url else HookStore.in_memory()
            return self._stores[key]

    def forget(self, instance: dg.DagsterInstance) -> None:
        """Let go of an ephemeral instance's store: its run is over."""
        with self._lock:
            store = self._stores.pop(f"ephemeral:{id(instance)}", None)
        if store is not None:
            store.dispose()

    def bus(self, instance: dg.DagsterInstance, scope: str = "") -> HookBus:
        """A bus that records in the instance's store, for events of the code location `scope`."""
        bus = HookBus(outbox=StoreOutbox(self.store(instance), scope=scope, redactor=self.redactor))
        self._register(bus)
        return bus
