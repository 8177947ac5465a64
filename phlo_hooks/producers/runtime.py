"""What one code location needs to emit, record and deliver, built once when its definitions load."""

from __future__ import annotations

import logging
import threading
import time
import weakref
from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from weakref import WeakKeyDictionary

import dagster as dg
from dagster import EventLogEntry

from phlo_hooks.bus import HookBus
from phlo_hooks.delivery.plugin_state import PluginState
from phlo_hooks.delivery.recorder import Recorder
from phlo_hooks.delivery.records import Told
from phlo_hooks.delivery.relay import GRACE, Relay, RelayReport
from phlo_hooks.delivery.store import HookStore
from phlo_hooks.envelope import utc_now
from phlo_hooks.events import HookEvent, HookStatusEvent
from phlo_hooks.producers import run_view, upkeep
from phlo_hooks.producers.asset_graph import DefinedAssets
from phlo_hooks.producers.catalog import Catalog
from phlo_hooks.producers.dagster_private import default_store_url, on_run_events
from phlo_hooks.producers.in_run import InRunRelay
from phlo_hooks.producers.live import announce
from phlo_hooks.producers.run_retries import RunRetries
from phlo_hooks.producers.runlog import RUN_ENDS, RunFacts, recorded
from phlo_hooks.producers.session import RunSession
from phlo_hooks.producers.subscriptions import Place
from phlo_hooks.producers.tail import TAILS, Tail, read_run
from phlo_hooks.producers.watching.limits import Limits
from phlo_hooks.producers.watching.watchers import Watchers, WatchReport
from phlo_hooks.redaction import Redactor
from phlo_hooks.state import Host

logger = logging.getLogger("phlo_hooks.runtime")

# A process executes one run, or a test a few; older sessions are of no use to anybody.
_MAX_SESSIONS = 8
# A run is created, queued and started before its first step ends and is recorded.
_BEFORE_FIRST_STEP = timedelta(minutes=1)
# An ephemeral instance's deliveries are made before `materialize` returns: a test must not wait for ever.
EPHEMERAL_BUDGET = 30.0
# A relay looks into the log every second; what is watched besides takes minutes to become news.
WATCH_EVERY = 8.0


class Runtime:
    """The catalogue, the hooks and the store of a code location.

    Args:
        catalog: what the definitions say of the assets.
        register: puts every hook on a bus; called once for each bus that is made.
        store_url: gives the SQLAlchemy URL of the store; None for beside the instance's own storage.
        redactor: gives the one that knows the values that must not leave.
        start: how far back the tail sensor looks when it starts for the first time; aware.
        in_run: whether a run's process delivers, too.
        retention_days: after how many days what is delivered is deleted; None for never.
        health_check: whether Dagster is told how the hooks are doing.
        limits: gives how long runs may take.
    """

    def __init__(
        self,
        catalog: Catalog,
        register: Callable[[HookBus, Place], None],
        *,
        store_url: Callable[[], str | None] = lambda: None,
        redactor: Callable[[], Redactor] = Redactor,
        start: datetime | None = None,
        in_run: bool = False,
        retention_days: float | None = None,
        health_check: bool = False,
        limits: Callable[[], Limits] = Limits,
    ) -> None:
        self._limits = limits
        self._watched: dict[str, float] = {}
        self._retention_days = retention_days
        self._health_check = health_check
        self._in_run = in_run
        self.catalog = catalog
        self.loaded_at = utc_now()
        self.start = start
        self._register = register
        self._store_url = store_url
        self._redactor = redactor
        self._stores: dict[str, HookStore] = {}
        # As long as the instance lives, so that a test can look at what its run recorded.
        self._ephemeral: WeakKeyDictionary[dg.DagsterInstance, HookStore] = WeakKeyDictionary()
        self._graphs: WeakKeyDictionary[dg.DagsterInstance, DefinedAssets] = WeakKeyDictionary()
        self._sessions: OrderedDict[str, RunSession] = OrderedDict()
        self._lock = threading.RLock()

    def store(self, instance: dg.DagsterInstance) -> HookStore:
        """The store of a Dagster instance; in memory for an ephemeral one."""
        url = self._url(instance)
        with self._lock:
            if url is None:
                if instance not in self._ephemeral:
                    self._ephemeral[instance] = HookStore.in_memory()
                return self._ephemeral[instance]
            if url not in self._stores:
                self._stores[url] = HookStore(url)
            return self._stores[url]

    def recorder(self, instance: dg.DagsterInstance, scope: str) -> Recorder:
        """Records in the instance's store, for the hooks of the code location `scope`."""
        return Recorder(self.store(instance), scope=scope, redactor=self._redactor())

    def bus(
        self, instance: dg.DagsterInstance, recorder: Recorder | None = None, *, scope: str = ""
    ) -> HookBus:
        """A bus with every hook on it, to be called for the code location `scope`."""
        bus = HookBus(outbox=recorder, redact=self._redactor().text)
        self._register(bus, Place(instance, partial(self.host, instance, scope)))
        return bus

    def host(self, instance: dg.DagsterInstance, scope: str, plugin: str) -> Host:
        """Where a plugin's hooks find themselves when they are called."""
        store, tell = self.store(instance), self._tell(instance, scope)
        state = PluginState(store, plugin, scope, tell)
        shared = PluginState(store, plugin, None, tell)
        assets = self.assets(instance)
        return Host(state, scope, self.catalog.select, store.clock, plugin, assets, shared)

    def assets(self, instance: dg.DagsterInstance) -> DefinedAssets:
        """What the definitions say of the assets; another object where other secrets are known by now."""
        redactor = self._redactor()
        with self._lock:
            known = self._graphs.get(instance)
            if known is None or known.redactor != redactor:
                known = self._graphs[instance] = DefinedAssets(self.catalog, redactor, instance)
            return known

    def _tell(self, instance: dg.DagsterInstance, scope: str) -> Callable[[HookEvent], Told]:
        """What is to be recorded of an event that comes about beside something else."""
        recorder, bus = self.recorder(instance, scope), self.bus(instance, scope=scope)

        def told(event: HookEvent) -> Told:
            news = run_view.news(event) if isinstance(event, HookStatusEvent) else ()
            return Told(recorder.entry(event, bus.match(event)), news)

        return told

    def relay(
        self,
        instance: dg.DagsterInstance,
        scope: str,
        *,
        only: str | None = None,
        concurrency: int = 1,
        grace: float = GRACE,
        stopping: Callable[[], bool] | None = None,
    ) -> Relay:
        """Delivers what waits in the instance's store for the hooks of the code location `scope`.

        Args:
            instance: the Dagster instance.
            scope: the code location's name.
            only: the hook to deliver to; all of them, else.
            concurrency: how many calls of one hook may be under way at once.
            grace: seconds to wait for calls that are under way at the end.
            stopping: asked between calls whether to end before the time.
        """
        bus = self.bus(instance, scope=scope)
        # Runs that were executed in a process of their own have no location: whoever comes first takes them.
        scopes = tuple(dict.fromkeys((scope, "")))
        return Relay(
            self.store(instance),
            {hook.qualified_name: hook for hook in bus.hooks if only in (None, hook.qualified_name)},
            scopes=scopes,
            redact=self._redactor().text,
            tell=self._tell(instance, scope),
            concurrency=concurrency,
            grace=grace,
            stopping=stopping,
        )

    def tail(self, instance: dg.DagsterInstance, scope: str) -> Tail:
        """Reads the instance's log for the code location `scope`."""
        recorder = self.recorder(instance, scope)
        store = self.store(instance)
        return Tail(
            instance,
            self.catalog,
            store=store,
            recorder=recorder,
            bus=self.bus(instance),
            scope=scope,
            since=self.start or self._first_sight(store),
        )

    def read_run(self, instance: dg.DagsterInstance, run_id: str) -> list[HookEvent]:
        """What the tail would record of a run as its log stands; nothing of one that the instance has not."""
        recorder = self.recorder(instance, "")
        return [recorder.entry(event, ()).event for event in read_run(instance, run_id, self.catalog)]

    def watchers(self, instance: dg.DagsterInstance, scope: str) -> Watchers:
        """Looks at what no run's own log tells, for the code location `scope`."""
        store = self.store(instance)
        recorder = self.recorder(instance, scope)
        return Watchers(
            instance,
            self.catalog,
            store=store,
            recorder=recorder,
            bus=self.bus(instance),
            scope=scope,
            since=self.start or self._first_sight(store),
            limits=self._limits,
            assets=self.assets(instance),
        )

    def watch(self, instance: dg.DagsterInstance, scope: str, budget: float) -> WatchReport:
        """Look, for at most so many seconds, unless this process did so a moment ago."""
        last = self._watched.get(scope)
        if last is not None and time.monotonic() - last < WATCH_EVERY:
            return WatchReport()
        report = self.watchers(instance, scope).look(budget)
        self._watched[scope] = time.monotonic()
        return report

    def look_after(self, instance: dg.DagsterInstance, budget: float) -> None:
        """What a tick does besides: delete what is old, for so many seconds, and report on the hooks."""
        upkeep.prune(self.store(instance), self._retention_days, budget)
        if self._health_check:
            upkeep.report_health(instance, self.store(instance))

    def _first_sight(self, store: HookStore) -> datetime:
        """When there was first something to tell: a run's steps may have recorded before there was a tail."""
        first = store.events(limit=1)
        if not first or store.list_state(TAILS):
            # Nothing, or what other locations told.
            return self.loaded_at
        return min(self.loaded_at, first[0].recorded_at - _BEFORE_FIRST_STEP)

    def session(self, instance: dg.DagsterInstance, run_id: str) -> RunSession | None:
        """The session of a run that executes in this process; None when the instance has no such run."""
        with self._lock:
            if run_id not in self._sessions:
                run = instance.get_run_by_id(run_id)
                if run is None:
                    return None
                self._open(instance, RunFacts.of(run, RunRetries.of(instance)))
            return self._sessions[run_id]

    def _open(self, instance: dg.DagsterInstance, run: RunFacts) -> None:
        scope = run.location or ""
        bus = self.bus(instance, self.recorder(instance, scope), scope=scope)
        relay = self._relay_in_run(instance, scope)
        told = relay.wake if relay else lambda: None
        session = RunSession(instance, run, self.catalog, bus, self._redactor(), told)
        self._sessions[run.run_id] = session
        announce(session)
        while len(self._sessions) > _MAX_SESSIONS:
            self._sessions.popitem(last=False)
        # Weakly: a cycle would leave an ephemeral instance's connections to be closed by another thread.
        known = weakref.ref(session)
        on_run_events(instance, run.run_id, lambda entry: self._listen(known(), entry, relay))

    def _relay_in_run(self, instance: dg.DagsterInstance, scope: str) -> InRunRelay | None:
        # An ephemeral instance's events are delivered at the run's end anyway.
        if not self._in_run or instance.is_ephemeral:
            return None
        return InRunRelay(lambda stopping: self.relay(instance, scope, grace=1.0, stopping=stopping))

    def _listen(self, session: RunSession | None, entry: EventLogEntry, relay: InRunRelay | None) -> None:
        record = recorded(entry)
        if session is None or record is None:
            return
        session.saw(record)
        if record.type in RUN_ENDS and relay is not None:
            relay.end()
        if record.type in RUN_ENDS and session.instance.is_ephemeral:
            self._finish(session)

    def _finish(self, session: RunSession) -> None:
        try:
            self.finish(session.instance, session.run.run_id)
        except Exception:
            logger.exception("run %s: its deliveries could not be made", session.run.run_id)

    def finish(self, instance: dg.DagsterInstance, run_id: str) -> RelayReport:
        """Record and deliver all that is left of a run on an ephemeral instance: no daemon will ever come."""
        self.tail(instance, "").collect_run(run_id)
        report = self.relay(instance, "").run(budget=EPHEMERAL_BUDGET)
        with self._lock:
            self._sessions.pop(run_id, None)
        return report

    def _url(self, instance: dg.DagsterInstance) -> str | None:
        # An ephemeral run's events are its own: a test must not write into the deployment's store.
        return None if instance.is_ephemeral else self._store_url() or default_store_url(instance)
