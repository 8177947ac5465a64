"""Real runs that publish, and what a semantic layer is asked for then."""

# No `from __future__ import annotations` here: Dagster refuses a config whose type is a string.

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from phlo_hooks import with_hooks
from phlo_hooks.envelope import utc_now
from phlo_hooks.events import SemanticEvent
from phlo_hooks.producers.sensor import tick
from phlo_hooks_tests.producers.recording import runtime_of
from phlo_hooks_tests.producers.watching import test_backfills as daemon
from phlo_hooks_tests.producers.watching.conftest import deployment
from phlo_hooks_tests.producers.watching.deployment import LOCATION
from phlo_hooks_tests.semantics.noted import NotedLayer, noted

__all__ = ["deployment"]

pytestmark = [
    pytest.mark.filterwarnings("ignore::dagster.BetaWarning"),
    pytest.mark.filterwarnings("ignore::dagster.PreviewWarning"),
]
DAYS = dg.DailyPartitionsDefinition("2026-01-01", end_date="2026-02-01", timezone="Europe/Berlin")
PUBLISH = {"phlo/stage": "publish"}


class Shop(dg.Config):
    """What the next run is to do."""

    version: str = "v1"
    passes: bool = True
    fails: bool = False
    column: str = "id"


@dg.asset(partitions_def=DAYS, tags=PUBLISH)
def orders(context: dg.AssetExecutionContext, config: Shop) -> dg.MaterializeResult[None]:
    return _published(config)


@dg.asset(tags=PUBLISH)
def customers(config: Shop) -> dg.MaterializeResult[None]:
    if config.fails:
        raise ValueError("no customers today")
    return _published(config)


@dg.asset(tags=PUBLISH)
def regions(config: Shop) -> dg.MaterializeResult[None]:
    return _published(config)


@dg.asset_check(asset=customers, blocking=True)
def customers_are_whole(config: Shop) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=config.passes)


def _published(config: Shop) -> dg.MaterializeResult[None]:
    columns = dg.TableSchema(columns=[dg.TableColumn(config.column, "INT")])
    return dg.MaterializeResult(
        data_version=dg.DataVersion(config.version), metadata={"dagster/column_schema": columns}
    )


FEEDS = {"orders": ["order"], "customers": ["customer", "where"], "regions": ["where"]}


class Place:
    """Definitions with a layer, and an instance to run them on."""

    def __init__(self, folder: Path, instance: dg.DagsterInstance, **settings: Any) -> None:
        self.notes, self.instance = folder / "notes", instance
        settings = {"wait": 0, "poll_every": 0.01, **settings}
        self.layer = NotedLayer(notes=str(self.notes), feeds=FEEDS, **settings)
        plain = dg.Definitions(
            assets=[orders, customers, regions],
            asset_checks=[customers_are_whole],
            resources={"layer": self.layer},
        )
        self.defs = with_hooks(plain, plugins=False)
        self.runtime = runtime_of(self.defs)

    def run(self, *keys: str, partition: str | None = None, **config: Any) -> "Place":
        ops = {key: {"config": config} for key in keys if config}
        if "customers" in keys and config:
            ops["customers_customers_are_whole"] = {"config": config}
        job = self.defs.resolve_implicit_global_asset_job_def()
        job.execute_in_process(
            instance=self.instance,
            asset_selection=[dg.AssetKey(key) for key in keys],
            partition_key=partition,
            run_config={"ops": ops},
            raise_on_error=False,
        )
        return self.catch_up()

    def catch_up(self) -> "Place":
        # A step that is due now is taken in this tick or in the next one.
        for _ in range(3):
            tick(self.instance, self.runtime, "")
        return self

    def told(self) -> list[SemanticEvent]:
        store = self.runtime.store(self.instance)
        events = (record.event for record in store.events())
        return [
            each for each in events if isinstance(each, SemanticEvent) and each.event_type != "semantic.due"
        ]


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with dg.instance_for_test() as instance:
        yield Place(tmp_path, instance)


def test_a_run_that_publishes(place: Place) -> None:
    """Each of its models once, what feeds another not at all."""
    place.run("customers", "regions")
    assert noted(place.notes) == [
        {"models": {"customer": None, "where": None}, "recompile": False, "publications": 2}
    ]
    (told,) = place.told()
    assert (told.event_type, told.layer, told.model_names) == (
        "semantic.refreshed",
        "layer",
        ("customer", "where"),
    )
    assert (told.metric_names, told.asset_keys) == (
        ("customer_count", "where_count"),
        ("customers", "regions"),
    )


def test_a_partition_in_its_time_zone(place: Place) -> None:
    place.run("orders", partition="2026-01-15")
    days = ["2026-01-15T00:00:00+01:00", "2026-01-16T00:00:00+01:00"]
    assert noted(place.notes)[0]["models"] == {"order": days}


def test_nothing_has_changed(place: Place) -> None:
    """By the data's version; another one is news, other columns are, too."""
    place.run("regions", "customers").run("regions").run("regions")
    assert len(noted(place.notes)) == 1
    place.run("regions", version="v2")
    place.run("regions", version="v2", column="name")
    assert [each["recompile"] for each in noted(place.notes)] == [False, False, True]


def test_a_blocking_check_has_failed(place: Place) -> None:
    """What was good stays; once it passes, what has waited comes along."""
    place.run("customers", "regions", passes=False)
    assert noted(place.notes) == []
    place.run("customers")
    assert noted(place.notes) == [
        {"models": {"customer": None, "where": None}, "recompile": False, "publications": 1}
    ]


def test_one_of_two_outputs_has_failed(place: Place) -> None:
    place.run("customers", "regions", fails=True)
    assert (noted(place.notes), place.told()) == ([], [])
    place.run("customers")
    assert list(noted(place.notes)[0]["models"]) == ["customer", "where"]


def test_one_of_two_outputs_was_never_there(place: Place) -> None:
    """As Dagster's own record of it says."""
    assert noted(place.run("regions").notes) == []
    assert list(noted(place.run("customers").notes)[0]["models"]) == ["customer", "where"]


def test_a_refresh_that_takes_time(tmp_path: Path) -> None:
    with dg.instance_for_test() as instance:
        place = Place(tmp_path, instance, looks=2).run("orders", partition="2026-01-15").catch_up()
        assert (len(noted(place.notes)), len(noted(place.notes, "look"))) == (1, 2)
        assert [each.event_type for each in place.told()] == ["semantic.refreshed"]


def test_a_refresh_that_fails(tmp_path: Path) -> None:
    with dg.instance_for_test() as instance:
        (told,) = Place(tmp_path, instance, broken=["order"]).run("orders", partition="2026-01-15").told()
        assert (told.event_type, str(told.error)) == ("semantic.refresh_failed", "order does not compile")


def test_on_an_ephemeral_instance(tmp_path: Path) -> None:
    """As in a user's own unit test: nothing else is needed."""
    with dg.DagsterInstance.ephemeral() as instance:
        place = Place(tmp_path, instance)
        place.defs.resolve_implicit_global_asset_job_def().execute_in_process(
            instance=instance, asset_selection=[dg.AssetKey("orders")], partition_key="2026-01-15"
        )
        assert len(noted(place.notes)) == 1


def test_by_its_own_method(tmp_path: Path) -> None:
    with dg.instance_for_test() as instance:
        place = Place(tmp_path, instance, looks=2).run("orders", partition="2026-01-15")
        store = place.runtime.store(instance)
        (event,) = [each.event for each in store.events() if each.event.event_type == "publish.end"]
        assert place.layer.refresh(event).state == "done"


def test_the_asset_says_what_it_feeds(place: Place) -> None:
    """On its page in Dagster's UI; what it had to say before is still there."""
    spec = {spec.key.to_user_string(): spec for spec in place.defs.resolve_all_asset_specs()}["customers"]
    text = spec.metadata["phlo_hooks/layer"].md_str
    assert text == (
        "- [customer](https://layer.example/customer): customer_count\n"
        "- [where](https://layer.example/where): where_count"
    )
    twice = with_hooks(place.defs, plugins=False)
    assert spec in twice.resolve_all_asset_specs()


def test_a_layer_that_cannot_be_read_stops_no_definitions(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with dg.instance_for_test() as instance:
        place = Place(tmp_path, instance, broken=["manifest"])
        assert all("phlo_hooks/layer" not in spec.metadata for spec in place.defs.resolve_all_asset_specs())
    assert "resource 'layer' says nothing of the assets: no manifest" in caplog.text


@pytest.mark.e2e
def test_a_backfill_is_one_refresh(deployment: Any, tmp_path: Path) -> None:
    """Of Dagster's own daemon: three partitions, of which one fails."""
    layer = NotedLayer(
        notes=str(tmp_path / "notes"),
        feeds={"letters": ["letter"]},
        stages=["ingestion", "transform"],
        wait=0,
    )
    both = dg.Definitions.merge(deployment.defs, dg.Definitions(resources={"layer": layer}))
    hooked = with_hooks(both, plugins=False, store=f"sqlite:///{tmp_path}/hooks.db", since=utc_now())
    backfill, runtime = daemon.of_job(deployment), runtime_of(hooked)
    runtime.watchers(deployment.instance, LOCATION).look(10)
    daemon.work(deployment, backfill)
    runtime.watchers(deployment.instance, LOCATION).look(10)
    for _ in range(3):
        tick(deployment.instance, runtime, LOCATION)
    (begun,) = noted(tmp_path / "notes")
    assert begun["publications"] == 2
