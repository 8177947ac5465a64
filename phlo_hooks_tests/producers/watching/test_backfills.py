"""Backfills of jobs and of assets, worked on by the backfill daemon's own code; their runs are executed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import dagster as dg
import pytest
from dagster._core.execution.backfill import BulkActionStatus, PartitionBackfill
from dagster._core.utils import make_new_backfill_id

from phlo_hooks.delivery.store import HookStore
from phlo_hooks.envelope import utc_now
from phlo_hooks.producers.catalog import Catalog
from phlo_hooks_tests.producers.watching import deployed
from phlo_hooks_tests.producers.watching.deployment import Deployment, look, told

pytestmark = [
    # Dagster's own use of what it has deprecated, where it plans a backfill of assets.
    pytest.mark.filterwarnings("ignore:Function `AssetSelection.sources` is deprecated"),
    # Runs are executed within the daemon's event loop here, and cannot have one of their own.
    pytest.mark.filterwarnings("ignore:coroutine 'BaseEventLoop.shutdown"),
]

# Of a tick of the backfill daemon; it submits in one and looks at the runs in the next.
_ITERATIONS = 10


@pytest.fixture(autouse=True)
def _end_all(deployment: Deployment) -> Iterator[None]:
    """The daemon works on all that are open."""
    yield
    for each in deployment.instance.get_backfills(status=BulkActionStatus.REQUESTED):
        deployment.instance.update_backfill(each.with_status(BulkActionStatus.CANCELED))


def of_job(deployment: Deployment, **fields: Any) -> PartitionBackfill:
    """As the UI's "launch backfill" of a job adds one."""
    (partitions,) = [each for each in deployment.repository.get_partition_sets() if each.job_name == "parted"]
    return add(
        deployment,
        PartitionBackfill(
            backfill_id=make_new_backfill_id(),
            status=BulkActionStatus.REQUESTED,
            from_failure=False,
            tags={"team": "post", "dagster/title": "x"},
            backfill_timestamp=utc_now().timestamp(),
            partition_set_origin=partitions.get_remote_origin(),
            partition_names=["a", "b", "c"],
            **fields,
        ),
    )


def of_assets(deployment: Deployment, *assets: str) -> PartitionBackfill:
    """As the UI's "materialize" of several partitions adds one."""
    graph = deployment.workspace.create_request_context().asset_graph
    return add(
        deployment,
        PartitionBackfill.from_asset_partitions(
            backfill_id=make_new_backfill_id(),
            asset_graph=graph,
            partition_names=["a", "b", "c"],
            asset_selection=[dg.AssetKey(asset) for asset in assets],
            backfill_timestamp=utc_now().timestamp(),
            tags={},
            dynamic_partitions_store=deployment.instance,
            all_partitions=False,
            title=None,
            description=None,
            run_config=None,
        ),
    )


def add(deployment: Deployment, backfill: PartitionBackfill) -> PartitionBackfill:
    deployment.instance.add_backfill(backfill)
    return backfill


def work(deployment: Deployment, backfill: PartitionBackfill) -> None:
    """Until it has ended."""
    for _ in range(_ITERATIONS):
        deployment.work_on_backfills()
        found = deployment.instance.get_backfill(backfill.backfill_id)
        assert found is not None
        if found.status not in (BulkActionStatus.REQUESTED, BulkActionStatus.CANCELING):
            return
    pytest.fail(f"still {found.status}")


def rows(store: HookStore) -> list[tuple[Any, ...]]:
    return [(e.event_type, e.status, e.partitions) for e in told(store, "backfill.")]


def test_of_a_job(deployment: Deployment, store: HookStore) -> None:
    """Its start when it is launched, its end when all runs have ended, with what became of each partition."""
    began = utc_now()
    backfill = of_job(deployment)
    look(deployment.instance, store, since=began)
    assert rows(store) == [("backfill.start", "started", {"requested": 3})]
    look(deployment.instance, store, since=began)
    work(deployment, backfill)
    for _ in range(2):
        look(deployment.instance, store, since=began)
    assert rows(store)[1:] == [("backfill.end", "failure", {"success": 2, "failure": 1})]
    for event in told(store, "backfill."):
        assert (event.backfill_id, event.correlation.backfill_id) == (backfill.backfill_id,) * 2
        assert (event.job_name, event.correlation.job_name, event.tags) == ("parted",) * 2 + (
            {"team": "post"},
        )
        assert began <= event.timestamp <= utc_now()


def test_a_partition_that_was_tried_again(deployment: Deployment, store: HookStore) -> None:
    """What counts is its last run."""
    began = utc_now()
    backfill = of_job(deployment)
    work(deployment, backfill)
    tags = {"dagster/backfill": backfill.backfill_id, "dagster/partition": "b"}
    again = deployment.create_run("one", **tags)
    deployment.launch(again)
    look(deployment.instance, store, since=began)
    assert rows(store)[1] == ("backfill.end", "failure", {"success": 3})


def test_of_assets(deployment: Deployment, store: HookStore) -> None:
    """Counted by asset and partition; what is downstream of a failed one has failed."""
    began = utc_now()
    backfill = of_assets(deployment, "letters", "answers")
    look(deployment.instance, store, since=began)
    work(deployment, backfill)
    look(deployment.instance, store, since=began)
    assert rows(store) == [
        ("backfill.start", "started", {"requested": 6}),
        ("backfill.end", "failure", {"success": 4, "failure": 2}),
    ]
    assert told(store, "backfill.end")[0].asset_keys == ("answers", "letters")


def test_all_between_two_looks(deployment: Deployment, store: HookStore) -> None:
    """A backfill of seconds has a start and an end, too."""
    began = utc_now()
    look(deployment.instance, store, since=began)
    work(deployment, of_assets(deployment, "answers"))
    look(deployment.instance, store, since=began)
    assert rows(store) == [
        ("backfill.start", "started", {"requested": 3}),
        ("backfill.end", "success", {"success": 3}),
    ]


def test_canceled(deployment: Deployment, store: HookStore) -> None:
    """What had not begun is missing."""
    began = utc_now()
    backfill = of_job(deployment)
    deployment.instance.update_backfill(backfill.with_status(BulkActionStatus.CANCELED))
    look(deployment.instance, store, since=began)
    assert rows(store)[1] == ("backfill.end", "canceled", {"missing": 3})


def test_given_up_by_dagster(deployment: Deployment, store: HookStore) -> None:
    """With the reason."""
    from dagster._utils.error import SerializableErrorInfo

    began = utc_now()
    backfill = of_job(deployment)
    error = SerializableErrorInfo("ValueError: no such partition", [], "ValueError")
    deployment.instance.update_backfill(backfill.with_status(BulkActionStatus.FAILED).with_error(error))
    look(deployment.instance, store, since=began)
    end = told(store, "backfill.end")[0]
    assert (end.status, end.error.message, end.error.error_class) == (
        "failure",
        "no such partition",
        "ValueError",
    )


def test_open_when_the_tail_began(deployment: Deployment, store: HookStore) -> None:
    """Its start was before, its end is news."""
    backfill = of_job(deployment)
    began = utc_now()
    look(deployment.instance, store, since=began)
    assert rows(store) == []
    work(deployment, backfill)
    look(deployment.instance, store, since=began)
    assert [row[0] for row in rows(store)] == ["backfill.end"]


def test_two_tails_tell_it_once(deployment: Deployment, store: HookStore) -> None:
    """The id comes from the backfill's."""
    began = utc_now()
    of_job(deployment)
    assert look(deployment.instance, store, since=began).new == 1
    for note in store.list_state("watch:post_office", "backfill/"):
        store.delete_state(note.namespace, note.key)
    again = look(deployment.instance, store, since=began)
    assert (again.events, again.new) == (1, 0)


def test_of_another_location(deployment: Deployment, store: HookStore) -> None:
    """Of a job: that of the job. Of assets: those which have one of them."""
    began = utc_now()
    of_job(deployment)
    of_assets(deployment, "letters")
    elsewhere: dict[str, Any] = {"scope": "elsewhere", "since": began}
    assert look(deployment.instance, store, catalog=Catalog([deployed.orders]), **elsewhere).events == 0
    store.delete_state("watch:elsewhere", "backfill/seen")
    assert look(deployment.instance, store, catalog=Catalog([deployed.letters]), **elsewhere).events == 1


def test_ended_ones_are_forgotten(deployment: Deployment, store: HookStore) -> None:
    """A day later; by then nobody meets them again."""
    began = utc_now()
    work(deployment, of_assets(deployment, "answers"))
    look(deployment.instance, store, since=began)
    (note,) = [n for n in store.list_state("watch:post_office", "backfill/") if n.value == "ended"]
    assert note.expires_at is not None
    assert 23 < (note.expires_at - utc_now()).total_seconds() / 3600 < 25


def test_deleted_ones_are_forgotten(deployment: Deployment, store: HookStore) -> None:
    """Nobody waits for the end of what is gone."""
    store.put_state("watch:post_office", "backfill/gone", "open")
    for _ in range(2):
        look(deployment.instance, store, since=utc_now())
    assert "backfill/gone" not in [note.key for note in store.list_state("watch:post_office", "backfill/")]
