"""All of it as Dagster definitions: assets, checks, jobs, a schedule, resources."""

from __future__ import annotations

import dagster as dg
from dagster_dlt import DagsterDltResource

from phlo_hooks.capabilities import ConsoleResource, FileResource
from phlo_hooks.demo.checks import build_checks
from phlo_hooks.demo.faults import Fault, FaultSwitch
from phlo_hooks.demo.ingest import SOURCE, build_ingest
from phlo_hooks.demo.lineage import build_lineage
from phlo_hooks.demo.on_call import build_alerting
from phlo_hooks.demo.paths import DemoHome
from phlo_hooks.demo.publish import build_publish
from phlo_hooks.demo.semantics import build_semantics
from phlo_hooks.demo.transform import build_transform, dbt_resource
from phlo_hooks.demo.warehouse import Warehouse
from phlo_hooks.producers.with_hooks import with_hooks

MONTHLY = dg.AssetSelection.assets(["published", "carrier_delays"])

LAKEHOUSE = dg.define_asset_job(
    "lakehouse",
    selection=dg.AssetSelection.all() - MONTHLY,
    description="Load, transform, check and publish everything but the monthly tables.",
    tags={"team": "data-platform"},
)
PUBLISH_MONTH = dg.define_asset_job(
    "publish_month",
    selection=MONTHLY,
    description="Publish one month of delays. A job has one partitioning, hence a job of its own.",
    tags={"team": "analytics"},
)
EVERY_MORNING = dg.ScheduleDefinition(
    name="lakehouse_every_morning", job=LAKEHOUSE, cron_schedule="0 6 * * *"
)


def build_definitions(
    *,
    home: DemoHome | None = None,
    broken: Fault | str | None = None,
    executor: dg.ExecutorDefinition = dg.in_process_executor,
    console: bool = True,
) -> dg.Definitions:
    """The demo on the Hook Bus, whole, or broken on purpose.

    Args:
        home: where the files go; by default where the environment says.
        broken: the fault to commit; by default what PHLO_HOOKS_DEMO_BREAK says when a step runs.
        executor: one process for all steps. One for each works too, and takes four times as long:
            every one imports Dagster, dlt and dbt, and they take turns at the DuckDB files anyway.
        console: print a line for each event, too.

    Raises:
        ConfigurationError: there is no such fault.
    """
    fault = Fault.parse(broken)
    home = home or DemoHome.from_env()
    lakehouse = dg.Definitions(
        assets=[SOURCE, *build_ingest(home), build_transform(home), *build_publish()],
        asset_checks=build_checks(),
        jobs=[LAKEHOUSE, PUBLISH_MONTH],
        schedules=[EVERY_MORNING],
        resources={**_tools(home, fault), **_capabilities(home, console)},
        executor=executor,
    )
    return with_hooks(lakehouse)


def _capabilities(home: DemoHome, console: bool) -> dict[str, object]:
    always: dict[str, object] = {
        "alerting": build_alerting(),
        "event_file": FileResource(path=str(home.events)),
        "openlineage": build_lineage(home),
        "semantic_layer": build_semantics(home),
    }
    return {**always, "console": ConsoleResource()} if console else always


def _tools(home: DemoHome, broken: Fault | None) -> dict[str, object]:
    return {
        "dlt": DagsterDltResource(),
        "dbt": dbt_resource(),
        "faults": FaultSwitch(broken=broken.value if broken else None),
        "warehouse": Warehouse(path=str(home.warehouse), published_path=str(home.published)),
    }
