"""What the demo measures, held against plain SQL on the staged flights."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import dagster as dg
import duckdb
import pytest

from phlo_hooks.capabilities import DbtSemanticLayerResource
from phlo_hooks.demo.faults import Fault
from phlo_hooks.demo.lakehouse import build_definitions
from phlo_hooks.demo.paths import DemoHome
from phlo_hooks.demo.run import run_demo
from phlo_hooks.demo.semantics import PUBLISHED, build_semantics
from phlo_hooks.demo.warehouse import Warehouse
from phlo_hooks.events import SemanticEvent
from phlo_hooks.producers.runtime import Runtime
from phlo_hooks.producers.sensor import tick

from .conftest import BuiltDemo

pytestmark = pytest.mark.e2e

BY_MONTH = ("metric_time__month",)
# Each metric by month, or by what its mart has instead, from the flights themselves.
QUERIES = {
    ("flights", BY_MONTH): "SELECT month, count(*) FROM staging.flights GROUP BY 1",
    (
        "flights_to_date",
        BY_MONTH,
    ): "SELECT DISTINCT month, count(*) OVER (ORDER BY month) FROM staging.flights",
    (
        "late_flights",
        BY_MONTH,
    ): "SELECT month, count_if(arrival_delay_minutes > 15) FROM staging.flights GROUP BY 1",
    (
        "late_rate",
        BY_MONTH,
    ): "SELECT month, count_if(arrival_delay_minutes > 15) / count(*) FROM staging.flights GROUP BY 1",
    ("arrivals", BY_MONTH): "SELECT month, count(arrival_delay_minutes) FROM staging.flights GROUP BY 1",
    (
        "total_arrival_delay",
        BY_MONTH,
    ): "SELECT month, sum(arrival_delay_minutes) FROM staging.flights GROUP BY 1",
    (
        "average_arrival_delay",
        BY_MONTH,
    ): "SELECT month, avg(arrival_delay_minutes) FROM staging.flights GROUP BY 1",
    ("planned_flights", BY_MONTH): "SELECT month, count(*) FROM staging.flights GROUP BY 1",
    ("cancelled_flights", BY_MONTH): "SELECT month, count_if(is_cancelled) FROM staging.flights GROUP BY 1",
    (
        "cancellation_rate",
        BY_MONTH,
    ): "SELECT month, count_if(is_cancelled) / count(*) FROM staging.flights GROUP BY 1",
    (
        "disruption_rate",
        ("carrier",),
    ): "SELECT carrier, count_if(is_cancelled OR arrival_delay_minutes > 15) / count(*) FROM staging.flights GROUP BY 1",
    (
        "departures",
        ("route__origin",),
    ): "SELECT origin, count(*) FROM staging.flights WHERE NOT is_cancelled GROUP BY 1",
    (
        "seats_flown",
        ("route__origin",),
    ): "SELECT origin, sum(seats) FROM staging.flights JOIN staging.planes USING (tail_number) WHERE NOT is_cancelled GROUP BY 1",
    (
        "miles_flown",
        ("route__origin",),
    ): "SELECT origin, sum(distance_miles) FROM staging.flights WHERE NOT is_cancelled GROUP BY 1",
    (
        "average_distance",
        ("route__origin",),
    ): "SELECT origin, avg(distance_miles) FROM staging.flights WHERE NOT is_cancelled GROUP BY 1",
}


def same(value: Any) -> Any:
    """Older DuckDBs give a date where newer ones give a time."""
    if isinstance(value, (date, datetime)):
        return f"{value:%Y-%m-%d}"
    return value if isinstance(value, str) else round(float(value), 9)


@pytest.fixture
def layer(built: BuiltDemo) -> DbtSemanticLayerResource:
    """On the demo that was built."""
    return build_semantics(built.home)


@pytest.mark.parametrize(
    ("metric", "group_by"), QUERIES, ids=lambda part: part if isinstance(part, str) else ""
)
def test_a_metric_is_what_the_flights_say(
    built: BuiltDemo, layer: DbtSemanticLayerResource, metric: str, group_by: tuple[str, ...]
) -> None:
    """Not what the mart says, from which MetricFlow works it out."""
    result = layer.query([metric], group_by, order_by=group_by)
    with duckdb.connect(str(built.home.warehouse), read_only=True) as connection:
        expected = connection.execute(QUERIES[metric, group_by] + " ORDER BY 1").fetchall()
    assert [tuple(map(same, row)) for row in expected] == [tuple(map(same, row)) for row in result.rows]


def test_each_metric_is_checked_here(layer: DbtSemanticLayerResource) -> None:
    """None is forgotten above."""
    assert {metric for metric, _ in QUERIES} == {metric.name for metric in layer.list_metrics()}


def test_each_model_is_fed_by_what_is_published(layer: DbtSemanticLayerResource) -> None:
    """The three marts that are."""
    assert PUBLISHED == {model.name: list(model.assets) for model in layer.list_models()}


def told(instance: dg.DagsterInstance, definitions: dg.Definitions) -> list[SemanticEvent]:
    """How refreshes went, after a tick of the tail."""
    runtime: Runtime = definitions.resources["hooks"].runtime  # type: ignore[index]
    tick(instance, runtime, "")
    types = ("semantic.refreshed", "semantic.refresh_failed")
    return [each.event for kind in types for each in runtime.store(instance).events(event_type=kind)]


def test_what_is_published_is_refreshed_once(built: BuiltDemo) -> None:
    """All that the demo published, together, with every metric asked for."""
    (event,) = told(built.instance, build_definitions(home=built.home, console=False))
    assert ("semantic.refreshed", tuple(sorted(PUBLISHED)), 4) == (
        event.event_type,
        event.model_names,
        event.publications,
    )
    assert {metric for metric, _ in QUERIES} <= set(event.details["checked"])


def test_a_model_that_fails_refreshes_nothing(copied_home: DemoHome) -> None:
    """Nothing is published then."""
    with dg.instance_for_test() as instance:
        definitions = build_definitions(home=copied_home, broken=Fault.MODEL, console=False)
        run_demo(instance, definitions, months=[])
        assert "carrier_delays" not in {
            name for event in told(instance, definitions) for name in event.model_names
        }


def test_a_query_waits_for_whoever_has_the_warehouse(
    built: BuiltDemo, layer: DbtSemanticLayerResource
) -> None:
    """DuckDB would refuse it, or worse: refuse the step."""
    warehouse = Warehouse(path=str(built.home.warehouse), published_path=str(built.home.published))
    short = DbtSemanticLayerResource(
        manifest=layer.manifest, database=layer.database, lock_file=layer.lock_file, timeout=0.2
    )
    with warehouse.reserved(), pytest.raises(Exception, match="has been locked for 0.2 s"):
        short.query(["flights"])
    assert short.query(["flights"]).rows == ((336_776,),)
