"""What only a real PostgreSQL does: numbers that are given out before they can be read, writers at the same time."""

import threading
from collections.abc import Iterator

import dagster as dg
import pytest
from sqlalchemy import create_engine, text

from phlo_hooks import with_hooks
from phlo_hooks.delivery.records import DeliveryState
from phlo_hooks.delivery.store import HookStore
from phlo_hooks.envelope import utc_now
from phlo_hooks.producers.dagster_private import default_store_url
from phlo_hooks.producers.runtime import Runtime
from phlo_hooks.producers.sensor import tick
from phlo_hooks_tests.e2e import golden, lake
from phlo_hooks_tests.e2e.conftest import NewInstance

pytestmark = [pytest.mark.e2e, pytest.mark.postgres]

RUNS = 10
COPY = """
INSERT INTO event_logs (run_id, event, dagster_event_type, timestamp, asset_key)
SELECT run_id, event, dagster_event_type, timestamp, asset_key FROM event_logs ORDER BY id DESC LIMIT 1
"""


@pytest.fixture(scope="module")
def instance(new_instance: NewInstance) -> Iterator[dg.DagsterInstance]:
    with new_instance("postgres") as made:
        yield made


def runtime_with(*hooks: object) -> Runtime:
    """A code location of its own, which begins now."""
    plain = dg.Definitions(assets=[lake.tiny], executor=dg.in_process_executor)
    defs = with_hooks(plain, hooks=hooks, step_hooks=False, plugins=False, since=utc_now())
    runtime: Runtime = (defs.resources or {})["hooks"].runtime
    return runtime


def store_of(instance: dg.DagsterInstance) -> HookStore:
    url = default_store_url(instance)
    assert url is not None
    return HookStore(url)


def test_an_event_from_outside_that_is_committed_late(instance: dg.DagsterInstance) -> None:
    """Its number is lower than one that was read before it could be seen."""
    runtime = runtime_with()
    instance.report_runless_asset_event(dg.AssetMaterialization("outside"))
    engine = create_engine(default_store_url(instance))
    with engine.connect() as slow:
        slow.execute(text(COPY))
        instance.report_runless_asset_event(dg.AssetMaterialization("outside"))
        assert tick(instance, runtime, "sales").startswith("read 0 runs, recorded 2 new of 2 events")
        slow.commit()
    engine.dispose()
    assert "recorded 1 new of 3 events" in tick(instance, runtime, "sales")


def test_two_tails_at_once(instance: dg.DagsterInstance) -> None:
    """The sensor and a relay, each from the same beginning: every event is recorded and delivered once."""
    seen: list[str] = []

    def keep(event: object) -> None:
        seen.append(event.event_id)

    runtimes = [runtime_with(keep) for _ in range(2)]
    plain = dg.Definitions(assets=[lake.tiny], executor=dg.in_process_executor)
    job = plain.resolve_implicit_global_asset_job_def()
    run_ids = [job.execute_in_process(instance=instance).run_id for _ in range(RUNS)]
    barrier = threading.Barrier(2)

    def at_once(runtime: Runtime) -> None:
        barrier.wait(30)
        tick(instance, runtime, "finance")

    threads = [threading.Thread(target=at_once, args=(runtime,)) for runtime in runtimes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    tick(instance, runtimes[0], "finance")
    rows = [
        golden.Row("run.start", status="started"),
        golden.Row("ingestion.start", "tiny", 1, "tiny", status="started"),
        golden.Row("ingestion.end", "tiny", 1, "tiny", status="success"),
        golden.Row("run.success", status="success"),
    ]
    expected = sorted(golden.expected_id(run_id, row) for run_id in run_ids for row in rows)
    assert sorted(seen) == expected
    store = store_of(instance)
    assert store.counts() == {("definitions.keep", DeliveryState.DELIVERED): len(expected)}
    store.close()
