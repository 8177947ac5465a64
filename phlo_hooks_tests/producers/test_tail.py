"""The tail reads the log of one real Dagster instance; each test has a store, and so cursors, of its own."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster import DagsterRun
from dagster._core.definitions.job_base import InMemoryJob
from dagster._core.execution.api import execute_run
from dagster._core.remote_origin import (
    RegisteredCodeLocationOrigin,
    RemoteJobOrigin,
    RemoteRepositoryOrigin,
)
from sqlalchemy import text

from phlo_hooks.bus import HookBus
from phlo_hooks.delivery.recorder import Recorder
from phlo_hooks.delivery.store import HookStore
from phlo_hooks.envelope import utc_now
from phlo_hooks.errors import StoreUnavailableError
from phlo_hooks.events import HookEvent
from phlo_hooks.producers import runlog, tail as tail_module
from phlo_hooks.producers.catalog import Catalog
from phlo_hooks.producers.tail import Tail
from phlo_hooks_tests.e2e.speed import no_fsync

LONG_AGO = datetime(2020, 1, 1, tzinfo=timezone.utc)


@dg.asset
def orders() -> None: ...


@dg.asset(deps=[orders])
def customers() -> None: ...


@dg.asset(deps=[orders])
def broken() -> None:
    raise ValueError("no such column: amount")


ASSETS = [orders, customers, broken]
DEFS = dg.Definitions(
    assets=ASSETS,
    jobs=[dg.define_asset_job(asset.key.to_user_string(), [asset]) for asset in ASSETS],
    executor=dg.in_process_executor,
)
CATALOG = Catalog(ASSETS)

ONE_RUN = ["run.start", "ingestion.start", "ingestion.end", "run.success"]


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dg.DagsterInstance]:
    """Default storage, with Dagster's own retries of runs switched on."""
    folder = str(tmp_path_factory.mktemp("dagster"))
    retries = {"run_retries": {"enabled": True, "max_retries": 1}}
    with no_fsync(), dg.instance_for_test(overrides=retries, temp_dir=folder) as made:
        yield made


@pytest.fixture(scope="module")
def runs(instance: dg.DagsterInstance) -> list[str]:
    """Five runs of one asset, one after the other."""
    return [run(instance, "orders").run_id for _ in range(5)]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[HookStore]:
    """An empty store, which waits for a lock just long enough to find one."""
    with closing(HookStore(tmp_path / "hooks.db", timeout=0.05)) as made:
        yield made


def run(instance: dg.DagsterInstance, job: str, **facts: Any) -> DagsterRun:
    """Run a job here, as a launcher would: the run is there first, then executed."""
    definition = DEFS.resolve_job_def(job)
    created = instance.create_run_for_job(definition, **facts)
    execute_run(InMemoryJob(definition), created, instance, raise_on_error=False)
    found = instance.get_run_by_id(created.run_id)
    assert found is not None
    return found


def make_tail(instance: dg.DagsterInstance, store: HookStore, **options: Any) -> Tail:
    """A tail as one tick has it: nothing but the store outlives the tick."""
    scope = options.get("scope", "")
    settings = {
        "catalog": CATALOG,
        "recorder": Recorder(store, scope=scope),
        "bus": HookBus(),
        "scope": "",
        "since": LONG_AGO,
        **options,
    }
    return Tail(instance, store=store, **settings)


def collect(instance: dg.DagsterInstance, store: HookStore, **options: Any):
    """One tick's reading."""
    return make_tail(instance, store, **options).collect(budget=60)


def events(store: HookStore, *run_ids: str) -> list[HookEvent]:
    """What is recorded of these runs, or at all, in the order it was."""
    found = [record.event for record in store.events()]
    return [event for event in found if not run_ids or event.run_id in run_ids]


def types(store: HookStore, *run_ids: str) -> list[str]:
    return [event.event_type for event in events(store, *run_ids)]


def counts(store: HookStore, run_ids: Sequence[str]) -> dict[str, int]:
    found = events(store)
    return {run_id: sum(event.run_id == run_id for event in found) for run_id in run_ids}


class Clock:
    """Goes on by a second each time it is asked."""

    now = 0.0

    def __call__(self) -> float:
        self.now += 1
        return self.now


@contextmanager
def later(monkeypatch: pytest.MonkeyPatch, store: HookStore, by: timedelta) -> Iterator[None]:
    """What happens in here happens later, for the tail and for the store."""
    with monkeypatch.context() as patch:
        patch.setattr(tail_module, "utc_now", lambda: utc_now() + by)
        patch.setattr(store, "clock", lambda: utc_now() + by)
        yield


# -- every run, once -------------------------------------------------------------------------------


def test_every_run_is_recorded_once(instance: dg.DagsterInstance, store: HookStore, runs: list[str]) -> None:
    """The first tick records all of it, the second finds nothing new, and reads no run again."""
    first = collect(instance, store)
    assert first.new == first.events == len(events(store))
    assert counts(store, runs) == dict.fromkeys(runs, len(ONE_RUN))
    second = collect(instance, store)
    assert (second.runs, second.new) == (0, 0)


def test_the_events_of_a_run_come_in_their_order(
    instance: dg.DagsterInstance, store: HookStore, runs: list[str]
) -> None:
    """The run's own events, then those of its steps."""
    collect(instance, store)
    assert types(store, runs[0]) == ["run.start", "run.success", "ingestion.start", "ingestion.end"]


@pytest.mark.parametrize(
    ("runs_per_page", "records_per_page"),
    [pytest.param(2, 5_000, id="runs"), pytest.param(200, 3, id="records"), pytest.param(1, 1, id="both")],
)
def test_pages_lose_and_repeat_nothing(
    instance: dg.DagsterInstance,
    store: HookStore,
    runs: list[str],
    monkeypatch: pytest.MonkeyPatch,
    runs_per_page: int,
    records_per_page: int,
) -> None:
    """More runs than fit a page, and more records."""
    monkeypatch.setattr(tail_module, "_RUN_PAGE", runs_per_page)
    monkeypatch.setattr(runlog, "_PAGE", records_per_page)
    report = collect(instance, store)
    assert report.new == report.events
    assert counts(store, runs) == dict.fromkeys(runs, len(ONE_RUN))


def test_more_runs_of_one_instant_than_fit_a_page(
    instance: dg.DagsterInstance,
    store: HookStore,
    runs: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """MySQL knows no fractions of a second, and a backfill may be canceled within one."""
    moment = utc_now().replace(tzinfo=None)
    database = Path(instance.storage_directory()).parent / "history" / "runs.db"
    with closing(sqlite3.connect(database)) as connection:
        was = connection.execute("SELECT run_id, update_timestamp FROM runs").fetchall()
        connection.execute("UPDATE runs SET update_timestamp = ?", [f"{moment}"])
        connection.commit()
        monkeypatch.setattr(tail_module, "_RUN_PAGE", 2)
        collect(instance, store)
        connection.executemany(
            "UPDATE runs SET update_timestamp = ? WHERE run_id = ?",
            [(when, run_id) for run_id, when in was],
        )
        connection.commit()
    assert counts(store, runs) == dict.fromkeys(runs, len(ONE_RUN))


# -- ticks that end in the middle ------------------------------------------------------------------


def test_a_tick_that_runs_out_of_time_is_continued(
    instance: dg.DagsterInstance, store: HookStore, runs: list[str]
) -> None:
    """A few runs in each tick, until all are there; none is recorded twice."""
    expected = dict.fromkeys(runs, len(ONE_RUN))
    reports = []
    while counts(store, runs) != expected:
        reports.append(make_tail(instance, store, clock=Clock()).collect(budget=3.5))
        assert 0 < reports[-1].runs <= 3
    assert len(reports) > 1
    assert sum(report.new for report in reports) == len(events(store))


def test_a_report_says_what_was_done(instance: dg.DagsterInstance, store: HookStore, runs: list[str]) -> None:
    """In the words that stand in the tick's log."""
    report = make_tail(instance, store, clock=Clock()).collect(budget=1.5)
    assert str(report) == "read 1 runs, recorded 4 new of 4 events; out of time, more in the next tick"


def test_a_store_that_fails_between_reading_and_recording(
    instance: dg.DagsterInstance, store: HookStore, runs: list[str], tmp_path: Path
) -> None:
    """Its file is locked by another process: nothing is recorded, no cursor moves, and no event is lost."""
    store.put_state("any", "thing", 1)
    with closing(sqlite3.connect(tmp_path / "hooks.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailableError, match="locked"):
            collect(instance, store)
    assert (events(store), store.list_state("tail:")) == ([], [])
    collect(instance, store)
    assert counts(store, runs) == dict.fromkeys(runs, len(ONE_RUN))


@pytest.mark.parametrize("transactions", [0, 1, 3])
def test_a_store_that_fails_after_some_transactions(
    instance: dg.DagsterInstance,
    store: HookStore,
    runs: list[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    transactions: int,
) -> None:
    """What was committed before stays, with its cursors; the next tick records the rest, and only that."""
    monkeypatch.setattr(tail_module, "_FLUSH_EVENTS", 1)
    store.put_state("any", "thing", 1)
    recorder = Recorder(store)
    with closing(sqlite3.connect(tmp_path / "hooks.db", isolation_level=None)) as other:

        class BreaksDown:
            calls = 0

            def record(self, *args: Any) -> frozenset[str]:
                if self.calls == transactions:
                    other.execute("BEGIN IMMEDIATE")
                self.calls += 1
                return recorder.record(*args)

        with pytest.raises(StoreUnavailableError):
            collect(instance, store, recorder=BreaksDown())
    before = len(events(store))
    assert before == transactions * len(ONE_RUN)
    rest = collect(instance, store)
    assert rest.new == len(events(store)) - before
    assert counts(store, runs) == dict.fromkeys(runs, len(ONE_RUN))


# -- where it begins -------------------------------------------------------------------------------


def test_it_begins_from_now(instance: dg.DagsterInstance, store: HookStore, runs: list[str]) -> None:
    """What was before is not told, what comes after is."""
    since = utc_now()
    assert collect(instance, store, since=since).runs == 0
    after = run(instance, "orders").run_id
    collect(instance, store, since=since)
    assert types(store) == types(store, after)
    assert sorted(types(store, after)) == sorted(ONE_RUN)


ZONES = [
    pytest.param(timezone.utc, id="UTC"),
    pytest.param(timezone(timedelta(hours=9)), id="east"),
    pytest.param(timezone(timedelta(hours=-8)), id="west"),
]


@pytest.mark.parametrize("zone", ZONES)
def test_it_begins_at_a_given_moment(instance: dg.DagsterInstance, store: HookStore, zone: timezone) -> None:
    """Whatever zone the moment is written in."""
    before = run(instance, "orders").run_id
    since = utc_now().astimezone(zone)
    after = run(instance, "orders").run_id
    collect(instance, store, since=since)
    assert counts(store, [before, after]) == {before: 0, after: len(ONE_RUN)}


def test_a_run_that_began_before_is_told_whole(instance: dg.DagsterInstance, store: HookStore) -> None:
    """It ended afterwards, so its end is news, and what led to it belongs to it."""
    definition = DEFS.resolve_job_def("orders")
    created = instance.create_run_for_job(definition)
    since = utc_now()
    execute_run(InMemoryJob(definition), created, instance)
    collect(instance, store, since=since)
    assert sorted(types(store, created.run_id)) == sorted(ONE_RUN)


# -- runs that are not over ------------------------------------------------------------------------


@contextmanager
def paused_run(instance: dg.DagsterInstance) -> Iterator[tuple[str, Callable[[], None]]]:
    """A run whose second step waits until it is told to go on; gives its id."""
    go_on, waits = threading.Event(), threading.Event()

    @dg.asset
    def first() -> None: ...

    @dg.asset(deps=[first])
    def second() -> None:
        waits.set()
        go_on.wait(60)

    defs = dg.Definitions(assets=[first, second], executor=dg.in_process_executor)
    job = defs.resolve_implicit_global_asset_job_def()
    created = instance.create_run_for_job(job)
    thread = threading.Thread(target=execute_run, args=(InMemoryJob(job), created, instance))
    thread.start()

    def finish() -> None:
        go_on.set()
        thread.join(60)

    try:
        assert waits.wait(60)
        yield created.run_id, finish
    finally:
        finish()


def test_an_open_run_is_told_as_it_goes(instance: dg.DagsterInstance, store: HookStore) -> None:
    """Its events are there before its end; later ticks add what is new, and nothing twice."""
    with paused_run(instance) as (run_id, finish):
        collect(instance, store)
        soon = ["run.start", "ingestion.start", "ingestion.end", "ingestion.start"]
        assert sorted(types(store, run_id)) == sorted(soon)
        assert collect(instance, store).runs == 0
        finish()
    assert collect(instance, store).new == 2
    assert sorted(types(store, run_id)) == sorted([*soon, "ingestion.end", "run.success"])


def test_an_open_run_is_looked_at_however_old_it_is(
    instance: dg.DagsterInstance, store: HookStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its row in Dagster's table does not change while its steps run."""
    with paused_run(instance) as (run_id, finish):
        collect(instance, store)
        monkeypatch.setattr(tail_module, "LOOKBACK", timedelta(0))
        collect(instance, store)
        late = materialization("customers", step_key="first")
        instance.report_dagster_event(late, run_id)
        assert collect(instance, store).new == 2
        finish()
    collect(instance, store)
    assert "run.success" in types(store, run_id)


def materialization(asset: str, step_key: str) -> dg.DagsterEvent:
    """What a step's process writes when it has materialized an asset."""
    from dagster._core.events import StepMaterializationData

    return dg.DagsterEvent(
        event_type_value=dg.DagsterEventType.ASSET_MATERIALIZATION.value,
        job_name="orders",
        step_key=step_key,
        event_specific_data=StepMaterializationData(dg.AssetMaterialization(asset)),
    )


def test_events_that_come_after_the_runs_end(
    instance: dg.DagsterInstance, store: HookStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker that was taken for dead may still write: each run is looked at once more."""
    ended = run(instance, "orders")
    collect(instance, store)
    instance.report_dagster_event(materialization("customers", "late"), ended.run_id)
    with later(monkeypatch, store, tail_module.LINGER * 2):
        collect(instance, store)
    assert types(store, ended.run_id)[-2:] == ["transform.end", "lineage.edges"]


def test_a_run_is_not_looked_at_for_ever(
    instance: dg.DagsterInstance, store: HookStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A while after its end it is left alone: reading every old run in every tick would take all of it."""
    ended = run(instance, "orders")
    collect(instance, store)
    with later(monkeypatch, store, tail_module.LINGER * 2):
        collect(instance, store)
        instance.report_dagster_event(materialization("customers", "late"), ended.run_id)
        assert collect(instance, store).runs == 0


def test_a_late_event_while_the_daemon_pauses(
    instance: dg.DagsterInstance, store: HookStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long it was until the next tick: each run is looked at once more, well after its end."""
    ended = run(instance, "orders")
    collect(instance, store)
    instance.report_dagster_event(materialization("customers", "late"), ended.run_id)
    with later(monkeypatch, store, timedelta(hours=1)):
        assert collect(instance, store).new == 2


def test_marks_are_given_up_when_nobody_needs_them(
    instance: dg.DagsterInstance, store: HookStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store does not keep a row for each run for ever."""
    collect(instance, store)
    assert store.list_state("tail:", prefix="run/") != []
    with later(monkeypatch, store, tail_module.LOOKBACK * 4):
        collect(instance, store)
        collect(instance, store)
        assert store.list_state("tail:", prefix="run/") == []


def test_a_pause_of_the_daemon_repeats_nothing(
    instance: dg.DagsterInstance, store: HookStore, runs: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An hour later the same runs are still within the look-back: they are not read, nor shown, again."""
    collect(instance, store)
    for note in store.list_state("run_view"):
        store.delete_state("run_view", note.key)
    with later(monkeypatch, store, timedelta(hours=1)):
        report = collect(instance, store)
        assert (report.runs, store.list_state("run_view")) == (0, [])


def test_a_run_that_was_deleted_is_forgotten(instance: dg.DagsterInstance, store: HookStore) -> None:
    """Else it would be asked for in every tick."""
    created = instance.create_run_for_job(DEFS.resolve_job_def("orders"))
    collect(instance, store)
    mark = f"run/{created.run_id}"
    assert store.get_state("tail:", mark) is not None
    instance.delete_run(created.run_id)
    collect(instance, store)
    assert store.get_state("tail:", mark) is None


# -- what a run says of itself ---------------------------------------------------------------------


def test_a_run_that_will_be_retried(instance: dg.DagsterInstance, store: HookStore) -> None:
    """Dagster says so in a tag that it sets when the run has failed."""
    failed = run(instance, "broken")
    assert failed.tags["dagster/will_retry"] == "true"
    collect(instance, store)
    (event,) = [each for each in events(store, failed.run_id) if each.event_type == "run.failure"]
    assert (event.will_retry, event.retry_number) == (True, 0)
    assert [step.error.message for step in event.failed_steps] == ["no such column: amount"]


def test_the_last_retry(instance: dg.DagsterInstance, store: HookStore) -> None:
    """It carries its number, its parent and the first run of the chain, and will not be tried again."""
    failed = run(instance, "broken")
    again = run(
        instance,
        "broken",
        parent_run_id=failed.run_id,
        root_run_id=failed.run_id,
        tags={"dagster/retry_number": "1", "dagster/root_run_id": failed.run_id},
    )
    collect(instance, store)
    (event,) = [each for each in events(store, again.run_id) if each.event_type == "run.failure"]
    assert (event.will_retry, event.retry_number) == (False, 1)
    where = {(e.correlation.parent_run_id, e.correlation.correlation_id) for e in events(store, again.run_id)}
    assert where == {(failed.run_id, failed.run_id)}


def test_a_run_that_is_just_failing(instance: dg.DagsterInstance, store: HookStore) -> None:
    """Dagster writes the log, then the run's state, then its tags: a tick in between waits for them."""
    definition = DEFS.resolve_job_def("broken")
    created = instance.create_run_for_job(definition)
    end = held_back_end(instance, created.run_id)
    with end as release:
        execute_run(InMemoryJob(definition), created, instance, raise_on_error=False)
        collect(instance, store)
        assert "run.failure" not in types(store, created.run_id)
        release()
    collect(instance, store)
    (event,) = [each for each in events(store, created.run_id) if each.event_type == "run.failure"]
    assert event.will_retry is True


@contextmanager
def held_back_end(instance: dg.DagsterInstance, run_id: str) -> Iterator[Callable[[], None]]:
    """Stop Dagster between the two writes that end a run; gives what lets it go on."""
    storage = instance.run_storage
    handle, held = storage.handle_run_event, []

    def hold(run_id: str, event: dg.DagsterEvent, *args: Any) -> None:
        if event.is_run_failure:
            held.append((run_id, event, *args))
        else:
            handle(run_id, event, *args)

    def release() -> None:
        for arguments in held:
            handle(*arguments)
        instance.add_run_tags(run_id, {"dagster/will_retry": "true"})

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(storage, "handle_run_event", hold)
        patch.setattr(type(instance), "add_run_tags", lambda *args: None)
        yield lambda: (patch.undo(), release())[1]


def test_a_process_that_died_while_its_run_ended(
    instance: dg.DagsterInstance, store: HookStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The log has the run's end, its state says that it runs, for ever: after a while the log is believed."""
    definition = DEFS.resolve_job_def("broken")
    created = instance.create_run_for_job(definition)
    with held_back_end(instance, created.run_id):
        execute_run(InMemoryJob(definition), created, instance, raise_on_error=False)
    collect(instance, store)
    assert "run.failure" not in types(store, created.run_id)
    with later(monkeypatch, store, tail_module.LINGER * 2):
        collect(instance, store)
    assert "run.failure" in types(store, created.run_id)


def test_a_run_that_ended_after_its_row_was_read(
    instance: dg.DagsterInstance, store: HookStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows are read a page at a time: by the time it is a run's turn, its row may be old."""
    definition = DEFS.resolve_job_def("broken")
    created = instance.create_run_for_job(definition)
    old = instance.get_run_record_by_id(created.run_id)
    assert old is not None
    execute_run(InMemoryJob(definition), created, instance, raise_on_error=False)
    tail = make_tail(instance, store)
    monkeypatch.setattr(tail, "_changed", lambda since: iter([old]))
    tail.collect(budget=60)
    (event,) = [each for each in events(store, created.run_id) if each.event_type == "run.failure"]
    assert event.will_retry is True


def test_a_partition_of_a_backfill(instance: dg.DagsterInstance, store: HookStore) -> None:
    """Every event of its runs carries the backfill's id."""
    tags = {"dagster/backfill": "abcdefgh", "dagster/partition": "2024-01"}
    launched = run(instance, "orders", tags=tags)
    collect(instance, store)
    assert {event.correlation.backfill_id for event in events(store, launched.run_id)} == {"abcdefgh"}
    runs = [e for e in events(store, launched.run_id) if e.event_type.startswith("run.")]
    assert [(event.partition_key, event.launched_by) for event in runs] == [
        ("2024-01", "backfill:abcdefgh"),
        ("2024-01", "backfill:abcdefgh"),
    ]


def test_a_run_that_was_canceled(instance: dg.DagsterInstance, store: HookStore) -> None:
    """Its steps that never began were skipped."""
    created = instance.create_run_for_job(DEFS.resolve_job_def("orders"))
    instance.report_run_canceled(created)
    collect(instance, store)
    told = [(event.event_type, event.status) for event in events(store, created.run_id)]
    assert told == [("run.canceled", "canceled"), ("ingestion.end", "skipped")]


# -- other code locations --------------------------------------------------------------------------


def origin(location: str) -> RemoteJobOrigin:
    """Where a job comes from, as the run of a deployment says."""
    repository = RemoteRepositoryOrigin(RegisteredCodeLocationOrigin(location), "__repository__")
    return RemoteJobOrigin(repository, "orders")


def in_location(instance: dg.DagsterInstance, location: str, job: str = "orders") -> str:
    """A run of a code location, which ended at once."""
    created = instance.create_run_for_job(
        DEFS.resolve_job_def(job), remote_job_origin=origin(location), job_code_origin=code_origin()
    )
    instance.report_run_canceled(created)
    return created.run_id


def code_origin() -> Any:
    from dagster._core.code_pointer import FileCodePointer
    from dagster._core.origin import JobPythonOrigin, RepositoryPythonOrigin

    repository = RepositoryPythonOrigin("python", FileCodePointer("defs.py", "defs"))
    return JobPythonOrigin("orders", repository)


def test_the_runs_of_other_locations_are_left_to_their_own_tails(
    instance: dg.DagsterInstance, store: HookStore
) -> None:
    """Two locations on one instance: each tail tells of its own runs, for its own hooks."""
    ours, theirs = in_location(instance, "sales"), in_location(instance, "finance")
    collect(instance, store, scope="sales")
    assert counts(store, [ours, theirs]) == {ours: 2, theirs: 0}
    collect(instance, store, scope="finance")
    assert counts(store, [ours, theirs]) == {ours: 2, theirs: 2}


FINANCE = [dg.AssetSpec("ledger", deps=["accounts"], tags={"phlo/stage": "publish"})]


@pytest.mark.parametrize("first", ["sales", "finance"])
def test_what_is_reported_from_outside_is_told_by_who_knows_the_asset(
    instance: dg.DagsterInstance, store: HookStore, first: str
) -> None:
    """Whichever location looks first: one event, with the stage that its own definitions give it."""
    since = utc_now()
    catalogs = {"sales": CATALOG, "finance": Catalog(FINANCE)}
    order = sorted(catalogs, key=lambda scope: scope != first)
    for scope in order:
        collect(instance, store, scope=scope, catalog=catalogs[scope], since=since)
    instance.report_runless_asset_event(dg.AssetMaterialization("ledger"))
    for scope in order:
        collect(instance, store, scope=scope, catalog=catalogs[scope], since=since)
    assert [e.event_type for e in events(store) if not e.run_id] == ["publish.end", "lineage.edges"]


@pytest.mark.parametrize("first", ["sales", "finance"])
def test_a_run_without_location_is_told_by_who_knows_its_assets(
    instance: dg.DagsterInstance, store: HookStore, first: str
) -> None:
    """As when it is executed by a script."""
    since = utc_now()
    catalogs = {"sales": CATALOG, "finance": Catalog(FINANCE)}
    order = sorted(catalogs, key=lambda scope: scope != first)
    for scope in order:
        collect(instance, store, scope=scope, catalog=catalogs[scope], since=since)
    executed = run(instance, "customers").run_id
    for scope in order:
        collect(instance, store, scope=scope, catalog=catalogs[scope], since=since)
    assert sorted(types(store, executed)) == sorted(
        ["run.start", "transform.start", "transform.end", "lineage.edges", "run.success"]
    )


# -- what no run did -------------------------------------------------------------------------------


def test_events_from_outside_of_runs(instance: dg.DagsterInstance, store: HookStore) -> None:
    """Two alike are two; the second tick has only what is new."""
    since = utc_now()
    for _ in range(2):
        instance.report_runless_asset_event(dg.AssetMaterialization("orders"))
    collect(instance, store, since=since)
    assert types(store) == ["ingestion.end"] * 2
    assert collect(instance, store).new == 0
    instance.report_runless_asset_event(dg.AssetMaterialization("orders"))
    assert collect(instance, store).new == 1
    assert len({event.event_id for event in events(store)}) == 3


def test_events_from_outside_that_are_older_than_the_tail(
    instance: dg.DagsterInstance, store: HookStore
) -> None:
    """They were before its time."""
    instance.report_runless_asset_event(dg.AssetMaterialization("orders"))
    collect(instance, store, since=utc_now())
    assert types(store) == []


def test_an_event_from_outside_that_is_committed_late(instance: dg.DagsterInstance, store: HookStore) -> None:
    """PostgreSQL gives out numbers before it commits: a lower one may appear after a higher one was read."""
    since = utc_now()
    collect(instance, store, since=since)
    for asset in ("orders", "customers"):
        instance.report_runless_asset_event(dg.AssetMaterialization(asset))
    with held_back_record(instance, "orders"):
        collect(instance, store)
        assert types(store) == ["transform.end", "lineage.edges"]
    collect(instance, store)
    assert types(store) == ["transform.end", "lineage.edges", "ingestion.end"]


@contextmanager
def held_back_record(instance: dg.DagsterInstance, asset: str) -> Iterator[None]:
    """The newest record of an asset from outside of runs is not to be seen in here."""
    with instance.event_log_storage.run_connection("") as connection:
        newest = text("SELECT * FROM event_logs WHERE asset_key = :key ORDER BY id DESC LIMIT 1")
        row = connection.execute(newest, {"key": f'["{asset}"]'}).mappings().one()
        connection.execute(text("DELETE FROM event_logs WHERE id = :id"), {"id": row["id"]})
    yield
    with instance.event_log_storage.run_connection("") as connection:
        names = ", ".join(f":{name}" for name in row)
        connection.execute(text(f"INSERT INTO event_logs VALUES ({names})"), dict(row))


# -- a run that cannot be read ---------------------------------------------------------------------


def test_a_run_that_cannot_be_read_does_not_stop_the_others(
    instance: dg.DagsterInstance, store: HookStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its log is damaged: the others are read now, and it is when it can be, however late."""
    damaged, sound = run(instance, "orders").run_id, run(instance, "orders").run_id
    database = Path(instance.storage_directory()).parent / "history" / "runs" / f"{damaged}.db"
    with closing(sqlite3.connect(database)) as connection:
        was = connection.execute("SELECT id, event FROM event_logs").fetchall()
        connection.execute("UPDATE event_logs SET event = '{'")
        connection.commit()
        collect(instance, store)
        assert counts(store, [damaged, sound]) == {damaged: 0, sound: len(ONE_RUN)}
        connection.executemany("UPDATE event_logs SET event = ? WHERE id = ?", [(e, i) for i, e in was])
        connection.commit()
    with later(monkeypatch, store, timedelta(hours=1)):
        collect(instance, store)
        collect(instance, store)
    assert counts(store, [damaged]) == {damaged: len(ONE_RUN)}


def test_one_run_now(instance: dg.DagsterInstance, store: HookStore, runs: list[str]) -> None:
    """What an ephemeral instance's run asks for when it ends."""
    report = make_tail(instance, store).collect_run(runs[2])
    assert (report.runs, report.new) == (1, len(ONE_RUN))
    assert {event.run_id for event in events(store)} == {runs[2]}


def test_a_run_that_is_not_there(instance: dg.DagsterInstance, store: HookStore) -> None:
    """Nothing is told of it."""
    assert make_tail(instance, store).collect_run("no such run").events == 0
