"""A plugin written for Phlo runs here once its imports are changed.

The imports that a Phlo plugin has are `phlo.hooks`, `phlo.plugins.base` and `phlo.plugins.hooks`. What
follows uses the same names in the same ways as Phlo's own plugins for metrics, alerts and OpenMetadata do.
"""

from __future__ import annotations

from typing import Any

import pytest

from phlo_hooks.bus import HookBus
from phlo_hooks.dispatch import Outcome
from phlo_hooks.events import (
    IngestionEvent,
    LineageEvent,
    PublishEvent,
    QualityResultEvent,
    ServiceLifecycleEvent,
    TelemetryEvent,
    TransformEvent,
)
from phlo_hooks.plugins import FailurePolicy, HookFilter, HookPlugin, HookRegistration, PluginMetadata
from phlo_hooks.registration import HookProvider

# Everything by keyword, as Phlo's emitters do: lists, text as error, None where nothing is known.
EVENTS = {
    "ingestion start": IngestionEvent(
        event_type="ingestion.start",
        asset_key="dlt_orders",
        table_name="orders",
        group_name="shop",
        partition_key="2024-01-01",
        run_id="run-1",
        branch_name="pipeline/run-1",
        status="started",
        metrics={},
        error=None,
        tags={"asset": "dlt_orders"},
    ),
    "ingestion failure": IngestionEvent(
        event_type="ingestion.end",
        asset_key="dlt_orders",
        table_name="orders",
        group_name="shop",
        run_id="run-1",
        status="failure",
        error="connection refused",
    ),
    "transform": TransformEvent(
        event_type="transform.end",
        tool="dbt",
        project_dir="/dbt",
        target="dev",
        partition_key=None,
        asset_key=None,
        model_names=["stg_orders", "fct_orders"],
        status="success",
        metrics={"elapsed": 2.5},
        error=None,
        tags={},
    ),
    "publish": PublishEvent(
        event_type="publish.end",
        asset_key="publish_shop",
        target_system="postgres",
        tables={"orders": "marts.fct_orders"},
        status="success",
        metrics={"rows": 10},
        error=None,
    ),
    "quality": QualityResultEvent(
        event_type="quality.result",
        asset_key="fct_orders",
        check_name="ids_are_unique",
        passed=False,
        severity="error",
        check_type="UniqueCheck",
        partition_key=None,
        metadata={"metric_value": 3, "table": "marts.fct_orders", "failure_message": "3 twins"},
        tags={"asset": "fct_orders"},
    ),
    "quality passed": QualityResultEvent(
        event_type="quality.result", asset_key="fct_orders", check_name="rows", passed=True
    ),
    "lineage": LineageEvent(
        event_type="lineage.edges",
        edges=[("raw.orders", "stg_orders"), ("stg_orders", "fct_orders")],
        asset_keys=[],
        metadata={"source": "dbt"},
    ),
    "metric": TelemetryEvent(
        event_type="telemetry.metric",
        name="rows",
        value=10,
        level=None,
        unit="1",
        payload={"table": "orders"},
    ),
    "log": TelemetryEvent(
        event_type="telemetry.log",
        name="loader",
        level="error",
        payload={"text": "gave up"},
        tags={"asset": "x"},
    ),
    "service": ServiceLifecycleEvent(
        event_type="service.post_start",
        service_name="trino",
        project_name="shop",
        project_root="/srv/shop",
        container_name="shop-trino-1",
        phase="post_start",
        status="success",
        metadata={},
        tags={"service": "trino", "phase": "post_start"},
    ),
}


class CatalogPlugin(HookPlugin):
    """What plugins for a catalogue, for alerts and for metrics do, written down instead of sent."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.closed = False

    @property
    def metadata(self) -> PluginMetadata:
        return PluginMetadata(name="catalog", version="0.1.0", description="Writes down what it would send")

    def get_hooks(self) -> list[HookRegistration]:
        return [
            HookRegistration(
                hook_name="catalog_lineage",
                handler=self._on_lineage,
                filters=HookFilter(event_types={"lineage.edges"}),
            ),
            HookRegistration(
                hook_name="catalog_publish",
                handler=self._on_publish,
                filters=HookFilter(event_types={"publish.end"}, asset_keys={"publish_shop"}),
            ),
            HookRegistration(
                hook_name="catalog_quality",
                handler=self._on_quality,
                priority=50,
                filters=HookFilter(event_types={"quality.result"}),
                failure_policy=FailurePolicy.IGNORE,
            ),
            HookRegistration(
                hook_name="catalog_telemetry",
                handler=self._on_telemetry,
                filters=HookFilter(event_types={"telemetry.log", "telemetry.metric"}),
            ),
            HookRegistration(
                hook_name="catalog_services",
                handler=self,
                filters=HookFilter(tags={"service": "trino"}),
            ),
            HookRegistration(hook_name="catalog_loads", handler=self._on_load),
        ]

    def cleanup(self) -> None:
        self.closed = True

    def handle_event(self, event: Any) -> None:
        assert isinstance(event, ServiceLifecycleEvent)
        self.calls.append(
            ("service", event.service_name, event.phase, event.container_name, event.project_root)
        )

    def _on_lineage(self, event: Any) -> None:
        if not isinstance(event, LineageEvent):
            return
        for upstream, downstream in event.edges:
            self.calls.append(("edge", upstream, downstream))

    def _on_publish(self, event: Any) -> None:
        if not isinstance(event, PublishEvent) or event.status != "success":
            return
        for published, source in event.tables.items():
            self.calls.append(("table", published, source, event.metrics.get("rows")))

    def _on_quality(self, event: Any) -> None:
        if not isinstance(event, QualityResultEvent) or event.passed:
            return
        severity = (event.severity or "ERROR").upper()
        details = event.metadata.get("failure_message")
        kind = (event.check_type or "").lower()
        self.calls.append(
            ("check", event.asset_key, event.check_name, severity, kind, event.partition_key, details)
        )

    def _on_telemetry(self, event: Any) -> None:
        if not isinstance(event, TelemetryEvent):
            return
        if event.level and event.level.lower() in {"error", "critical"}:
            self.calls.append(
                ("alert", event.name, str(event.payload or event.value or ""), event.tags.get("asset"))
            )
        else:
            self.calls.append(("metric", event.name, event.value, event.unit))

    def _on_load(self, event: Any) -> None:
        if isinstance(event, IngestionEvent):
            load = ("load", event.event_type, event.table_name, event.group_name, event.run_id, event.status)
            self.calls.append((*load, event.branch_name, event.error and str(event.error)))
        if isinstance(event, TransformEvent):
            self.calls.append(("models", event.tool, list(event.model_names), event.metrics["elapsed"]))


CALLS = {
    "ingestion start": [
        ("load", "ingestion.start", "orders", "shop", "run-1", "started", "pipeline/run-1", None),
    ],
    "ingestion failure": [
        ("load", "ingestion.end", "orders", "shop", "run-1", "failure", None, "connection refused"),
    ],
    "transform": [("models", "dbt", ["stg_orders", "fct_orders"], 2.5)],
    "publish": [("table", "orders", "marts.fct_orders", 10)],
    "quality": [("check", "fct_orders", "ids_are_unique", "ERROR", "uniquecheck", None, "3 twins")],
    "quality passed": [],
    "lineage": [("edge", "raw.orders", "stg_orders"), ("edge", "stg_orders", "fct_orders")],
    "metric": [("metric", "rows", 10, "1")],
    "log": [("alert", "loader", "{'text': 'gave up'}", "x")],
    "service": [("service", "trino", "post_start", "shop-trino-1", "/srv/shop")],
}


@pytest.mark.parametrize("name", EVENTS)
def test_a_phlo_plugin_handles_phlo_events(name):
    """Registered as a provider, each of its handlers gets its events and finds the fields it reads."""
    bus, plugin = HookBus(), CatalogPlugin()
    bus.register_provider(plugin)
    deliveries = bus.emit(EVENTS[name])
    assert CALLS[name] == plugin.calls
    assert {Outcome.DELIVERED} == {delivery.outcome for delivery in deliveries}


def test_its_hooks_are_called_in_phlos_order():
    """By priority, then by the plugin's name, then by the hook's."""
    bus = HookBus()
    bus.register_provider(CatalogPlugin())
    assert [
        "catalog.catalog_quality",
        "catalog.catalog_lineage",
        "catalog.catalog_loads",
        "catalog.catalog_publish",
        "catalog.catalog_services",
        "catalog.catalog_telemetry",
    ] == [hook.qualified_name for hook in bus.hooks]


def test_it_is_a_provider():
    """Phlo finds hook plugins by this check."""
    assert isinstance(CatalogPlugin(), HookProvider)
    assert [] == list(type("Empty", (HookPlugin,), {"metadata": None})().get_hooks())


def test_registering_by_hand():
    """`register(registration, plugin_name=...)` and `clear()`, as there."""
    bus, seen = HookBus(), []
    bus.register(HookRegistration("mine", seen.append), plugin_name="tests")
    bus.emit(EVENTS["metric"])
    bus.clear()
    bus.emit(EVENTS["metric"])
    assert [EVENTS["metric"]] == seen
