"""What capabilities are told of the assets, from definitions of every kind that Dagster has."""

import gc
import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import dagster as dg
import pytest

from phlo_hooks import transform
from phlo_hooks.assets import AssetGraph, CheckInfo, CodeReference, PartitionInfo, TimeWindow
from phlo_hooks.demo.lakehouse import build_definitions
from phlo_hooks.demo.paths import DemoHome
from phlo_hooks.event_parts import Column, ColumnEdge
from phlo_hooks.producers.asset_graph import DefinedAssets
from phlo_hooks.producers.catalog import Catalog
from phlo_hooks.redaction import Redactor

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::dagster.BetaWarning"),
    pytest.mark.filterwarnings("ignore::dagster.PreviewWarning"),
]

CANARY = "canary-7f3a9c"
BERLIN = "Europe/Berlin"
DAILY = dg.DailyPartitionsDefinition("2026-01-01", end_date="2026-11-01", timezone=BERLIN)
HOURLY = dg.HourlyPartitionsDefinition("2026-01-01-00:00", timezone=BERLIN)
WEEKLY = dg.WeeklyPartitionsDefinition("2026-01-04", timezone=BERLIN)
REGIONS = dg.StaticPartitionsDefinition(["eu", "us"])
CLIENTS = dg.DynamicPartitionsDefinition(name="clients")


def graph(*assets: Any, secrets: tuple[str, ...] = ()) -> DefinedAssets:
    """The graph of these definitions."""
    return DefinedAssets(Catalog(assets), Redactor(secrets))


def info(asset: Any) -> Any:
    """The only asset of a definition."""
    made = graph(asset)
    (key,) = made.keys()
    return made.asset(key)


def an_asset() -> dg.AssetsDefinition:
    """One that says all that can be said."""

    @dg.asset(
        key_prefix="marts",
        group_name="sales",
        kinds={"python", "snowflake"},
        owners=["team:data"],
        tags={"tier": "gold"},
        deps=[dg.AssetKey(["raw", "orders"]), "shops"],
        code_version="7",
        metadata={
            "dagster/table_name": "db.marts.orders",
            "dagster/uri": "s3://lake/marts/orders",
            "dagster/column_schema": dg.TableSchema(columns=[dg.TableColumn("id", "INT", "which one")]),
            "dagster/column_lineage": dg.TableColumnLineage(
                {"id": [dg.TableColumnDep(dg.AssetKey(["raw", "orders"]), "order_id")]}
            ),
            "dagster/code_references": dg.CodeReferencesMetadataValue(
                code_references=[
                    dg.LocalFileCodeReference(file_path="/app/orders.py", line_number=12),
                    dg.UrlCodeReference(url="https://git.example.com/orders.py", label="source"),
                ]
            ),
            "sla": dg.MetadataValue.md("**6 h**"),
            "readers": {"ops", "finance"},
            "client": object(),
        },
    )
    @transform(tool="spark")
    def orders() -> None:
        """Each order once."""

    return orders


def test_all_of_an_asset() -> None:
    """Each field has its place; what has a field, and what is no text, is not among the metadata."""
    made = info(an_asset())
    assert (made.key, made.stage, made.group) == ("marts/orders", "transform", "sales")
    assert (made.kinds, made.owners, made.tags) == (("python", "snowflake"), ("team:data",), {"tier": "gold"})
    assert (made.description, made.code_version, made.tool) == ("Each order once.", "7", "spark")
    assert (made.upstream, made.executable) == (("raw/orders", "shops"), True)
    assert (made.table_name, made.uri) == ("db.marts.orders", "s3://lake/marts/orders")
    assert made.storage_kind == "snowflake"
    assert made.columns == (Column(name="id", type="INT", description="which one"),)
    assert made.column_lineage == (
        ColumnEdge(column="id", upstream_asset="raw/orders", upstream_column="order_id"),
    )
    assert made.code_references == (
        CodeReference("/app/orders.py", 12),
        CodeReference("https://git.example.com/orders.py", None, "source"),
    )
    assert {**made.metadata, "readers": sorted(made.metadata["readers"])} == {
        "dagster/table_name": "db.marts.orders",
        "dagster/uri": "s3://lake/marts/orders",
        "sla": "**6 h**",
        "readers": ["finance", "ops"],
    }
    assert (made.partition_dimensions, made.sql) == ((), None)


def test_what_nobody_says() -> None:
    """An asset that says nothing of itself has the defaults."""

    @dg.asset
    def bare() -> None: ...

    made = info(bare)
    assert (made.tool, made.stage, made.group) == ("dagster", "ingestion", "default")
    assert (made.table_name, made.uri, made.storage_kind, made.description) == (None, None, None, None)


def observed() -> dg.SourceAsset:
    """One that Dagster looks at."""

    @dg.observable_source_asset(description="theirs")
    def feed() -> dg.DataVersion:
        return dg.DataVersion("1")

    return feed


def observed_together() -> dg.AssetsDefinition:
    """The same in its newer form."""

    @dg.multi_observable_source_asset(specs=[dg.AssetSpec("feed", deps=["up"], description="theirs")])
    def several() -> Any:
        yield dg.ObserveResult("feed")

    return several


SPEC = dg.AssetSpec("feed", description="theirs", deps=["up"])


@pytest.mark.parametrize(
    ("source", "upstream"),
    [
        pytest.param(lambda: SPEC, ("up",), id="spec"),
        pytest.param(lambda: dg.AssetsDefinition(specs=[SPEC]), ("up",), id="definition"),
        pytest.param(lambda: dg.SourceAsset("feed", description="theirs"), (), id="source"),
        pytest.param(observed, (), id="observable"),
        pytest.param(observed_together, ("up",), id="several observable"),
    ],
)
def test_external_assets(source: Callable[[], Any], upstream: tuple[str, ...]) -> None:
    """Dagster does not compute them; they have dependencies and a description like any other."""
    made = info(source())
    assert (made.executable, made.upstream, made.description) == (False, upstream, "theirs")


def test_a_source_asset_says_its_metadata() -> None:
    """Also in its old form."""
    made = info(dg.SourceAsset("feed", description="theirs", metadata={"dagster/uri": "s3://x", "a": 1}))
    assert (made.description, made.uri, made.metadata["a"]) == ("theirs", "s3://x", 1)


@pytest.mark.parametrize(
    ("metadata", "kinds", "expected"),
    [
        pytest.param({"dagster/storage_kind": "iceberg"}, {"duckdb"}, "iceberg", id="stated"),
        pytest.param({}, {"dbt", "duckdb"}, "duckdb", id="a kind"),
        pytest.param({}, {"dbt"}, None, id="none"),
    ],
)
def test_storage_kind(metadata: dict[str, Any], kinds: set[str], expected: str | None) -> None:
    """What the metadata says, else a kind that is a storage."""
    assert info(dg.AssetSpec("a", metadata=metadata, kinds=kinds)).storage_kind == expected


@pytest.mark.parametrize(
    ("metadata", "declared", "expected"),
    [
        pytest.param({"dagster/table_name": "spec.t"}, None, "spec.t", id="spec"),
        pytest.param({"dagster/relation_identifier": "dbt.t"}, None, "dbt.t", id="dbt"),
        pytest.param({}, "declared.t", "declared.t", id="decorator"),
        pytest.param({"dagster/table_name": "spec.t"}, "declared.t", "declared.t", id="both"),
    ],
)
def test_table_name(metadata: dict[str, Any], declared: str | None, expected: str) -> None:
    """The decorator's first, as in events; then the spec's own, dbt's."""

    @dg.asset(metadata=metadata)
    @transform(table=declared)
    def table() -> None: ...

    assert info(table).table_name == expected


def dbt_asset(**node: Any) -> dg.AssetSpec:
    """An asset as dagster-dbt specifies it."""
    manifest = SimpleNamespace(manifest={"nodes": {"model.shop.orders": node}})
    return dg.AssetSpec(
        "orders",
        kinds={"dbt", "duckdb"},
        metadata={"dagster_dbt/unique_id": "model.shop.orders", "dagster_dbt/manifest": manifest},
    )


def test_compiled_sql() -> None:
    """Of a model that was compiled; the manifest itself is no metadata."""
    made = info(dbt_asset(resource_type="model", compiled_code="select 1"))
    assert (made.sql, made.tool) == ("select 1", "dbt")
    assert made.metadata == {"dagster_dbt/unique_id": "model.shop.orders"}
    assert info(dbt_asset(resource_type="model")).sql is None
    assert info(dbt_asset(resource_type="seed", compiled_code="select 1")).sql is None


def test_checks() -> None:
    """With the other assets that they look at."""

    @dg.asset_check(
        asset="orders",
        additional_deps=["shops", "orders_of_old"],
        blocking=True,
        description="Each order has a shop.",
        metadata={"rule": "fk", "api_key": "x"},
    )
    def has_shop() -> dg.AssetCheckResult:
        return dg.AssetCheckResult(passed=True)

    made = graph(dg.AssetSpec("orders"), has_shop)
    expected = CheckInfo(
        asset_key="orders",
        name="has_shop",
        blocking=True,
        description="Each order has a shop.",
        upstream=("orders_of_old", "shops"),
        metadata={"rule": "fk", "api_key": "[redacted]"},
    )
    assert made.checks() == (expected,)
    assert made.check("orders", "has_shop") == expected
    assert made.check("orders", "other") is None


def test_keys() -> None:
    """Sorted, without those that are only a dependency."""
    made: AssetGraph = graph(dg.AssetSpec("b", deps=["c"]), dg.AssetSpec("a"))
    assert made.keys() == ("a", "b")
    assert made.asset("c") is None
    assert made.asset("a") is made.asset("a")


def test_no_secret_is_in_it() -> None:
    """Neither one that a resource holds, nor one under a name that says so, nor a URL's password."""
    made = graph(
        dg.AssetSpec(
            "orders",
            description=f"read with {CANARY}",
            owners=["team:data"],
            tags={"note": CANARY},
            code_version=CANARY,
            metadata={
                "dagster/uri": f"postgres://me:{CANARY}@db/x",
                "dagster/table_name": f"{CANARY}.t",
                "inner": {"list": [f"a {CANARY}"], "password": "other-secret"},
                "dagster/column_schema": dg.TableSchema(
                    columns=[dg.TableColumn("name", description=CANARY, tags={"t": CANARY})]
                ),
                "dagster/code_references": dg.CodeReferencesMetadataValue(
                    code_references=[dg.UrlCodeReference(url=f"https://x:{CANARY}@git/a", label=CANARY)]
                ),
            },
        ),
        secrets=(CANARY,),
    )
    text = repr(made.asset("orders"))
    assert CANARY not in text
    assert "other-secret" not in text
    assert text.count("[redacted]") == 13


def test_a_url_needs_no_known_secret() -> None:
    """The password of a URL is one, whoever knows it."""
    spec = dg.AssetSpec("a", description="postgres://me:hunter@db", metadata={"dagster/uri": "s3://k:pw@x"})
    made = info(spec)
    assert (made.description, made.uri) == ("postgres://me:[redacted]@db", "s3://k:[redacted]@x")


def utc(*parts: int) -> datetime:
    """An instant."""
    return datetime(*parts, tzinfo=timezone.utc)  # type: ignore[misc,arg-type]


def partitioned(definition: dg.PartitionsDefinition) -> DefinedAssets:
    """One asset with these partitions."""
    return graph(dg.AssetSpec("a", partitions_def=definition))


TWO = dg.MultiPartitionsDefinition({"date": DAILY, "region": REGIONS})


@pytest.mark.parametrize(
    ("definition", "key", "start", "end"),
    [
        pytest.param(DAILY, "2026-03-28", utc(2026, 3, 27, 23), utc(2026, 3, 28, 23), id="a day"),
        pytest.param(DAILY, "2026-03-29", utc(2026, 3, 28, 23), utc(2026, 3, 29, 22), id="23 hours"),
        pytest.param(DAILY, "2026-10-25", utc(2026, 10, 24, 22), utc(2026, 10, 25, 23), id="25 hours"),
        pytest.param(HOURLY, "2026-03-29-03:00", utc(2026, 3, 29, 1), utc(2026, 3, 29, 2), id="an hour"),
        pytest.param(WEEKLY, "2026-03-29", utc(2026, 3, 28, 23), utc(2026, 4, 4, 22), id="a week"),
        pytest.param(
            dg.MonthlyPartitionsDefinition("2026-01-01", timezone=BERLIN),
            "2026-03-01",
            utc(2026, 2, 28, 23),
            utc(2026, 3, 31, 22),
            id="a month",
        ),
        pytest.param(
            dg.TimeWindowPartitionsDefinition(
                start="2026-01-01-00:00", fmt="%Y-%m-%d-%H:%M", cron_schedule="0 6,18 * * *", timezone=BERLIN
            ),
            "2026-02-03-18:00",
            utc(2026, 2, 3, 17),
            utc(2026, 2, 4, 5),
            id="twice a day",
        ),
    ],
)
def test_time_partitions(
    definition: dg.PartitionsDefinition, key: str, start: datetime, end: datetime
) -> None:
    """The exact time, also when the clock changes."""
    expected = PartitionInfo(key, {"partition": key}, TimeWindow(start, end, BERLIN))
    assert partitioned(definition).partition("a", key) == expected


def test_both_hours_of_a_clock_that_goes_back() -> None:
    """Dagster writes the offset behind the second one."""
    keys = [key for key in HOURLY.get_partition_keys() if key.startswith("2026-10-25-02:00")]
    windows = [partitioned(HOURLY).partition("a", key).window for key in keys]
    assert sorted(window.start for window in windows) == [utc(2026, 10, 25, 0), utc(2026, 10, 25, 1)]


@pytest.mark.parametrize(
    ("definition", "key", "dimensions"),
    [
        pytest.param(REGIONS, "eu", {"partition": "eu"}, id="static"),
        pytest.param(CLIENTS, "any|thing", {"partition": "any|thing"}, id="dynamic"),
        pytest.param(
            dg.MultiPartitionsDefinition({"client": CLIENTS, "region": REGIONS}),
            "acme|us",
            {"client": "acme", "region": "us"},
            id="dynamic and static",
        ),
    ],
)
def test_partitions_without_time(
    definition: dg.PartitionsDefinition, key: str, dimensions: dict[str, str]
) -> None:
    """They have dimensions, and no window."""
    assert partitioned(definition).partition("a", key) == PartitionInfo(key, dimensions)


def test_partitions_of_two_dimensions() -> None:
    """The time is that of the one that has a time."""
    expected = PartitionInfo(
        "2026-03-29|eu",
        {"date": "2026-03-29", "region": "eu"},
        TimeWindow(utc(2026, 3, 28, 23), utc(2026, 3, 29, 22), BERLIN),
    )
    made = partitioned(TWO)
    assert made.partition("a", "2026-03-29|eu") == expected
    assert made.asset("a").partition_dimensions == ("date", "region")


@pytest.mark.parametrize(
    ("definition", "key"),
    [
        pytest.param(DAILY, "2025-12-31", id="before the first"),
        pytest.param(DAILY, "2999-01-01", id="in the future"),
        pytest.param(DAILY, "yesterday", id="no date"),
        pytest.param(DAILY, "", id="nothing"),
        pytest.param(WEEKLY, "2026-03-30", id="no Sunday"),
        pytest.param(REGIONS, "asia", id="not listed"),
        pytest.param(TWO, "2026-03-29", id="one part"),
        pytest.param(TWO, "2026-03-29|asia", id="one of two"),
        pytest.param(TWO, "a|b|c", id="three parts"),
    ],
)
def test_partitions_that_are_none(definition: dg.PartitionsDefinition, key: str) -> None:
    """None, and no error: an event may be older than the definitions."""
    assert partitioned(definition).partition("a", key) is None


def test_assets_that_have_no_partitions() -> None:
    """Nor has one that nobody knows."""
    made = graph(dg.AssetSpec("a"))
    assert made.partition("a", "2026-01-01") is None
    assert made.partition("b", "2026-01-01") is None
    assert made.asset("a").partition_dimensions == ()


class Broken(dg.StaticPartitionsDefinition):
    """A definition of somebody's own."""

    def get_partition_keys(self, *args: Any, **kwargs: Any) -> Any:
        """There are none to be had."""
        raise RuntimeError("the service is down")


def test_a_definition_that_raises() -> None:
    """An event is worth more than its partition."""
    made = graph(
        dg.AssetSpec("a", partitions_def=Broken(["x"]), deps=["b"]),
        dg.AssetSpec("b", partitions_def=Broken(["x"])),
    )
    assert made.partition("a", "x") is None
    assert made.upstream_partitions("a", "y", "b") == ()


TWO_DAYS = dg.MultiPartitionsDefinition(
    {"date": dg.DailyPartitionsDefinition("2026-01-01", end_date="2026-01-03"), "region": REGIONS}
)
OFFSET = dg.TimeWindowPartitionMapping(start_offset=-1, end_offset=0)
MANY = dg.StaticPartitionsDefinition([f"k{number}" for number in range(1_001)])
EVERY = dg.StaticPartitionMapping({f"k{number}": "eu" for number in range(1_001)})


@pytest.mark.parametrize(
    ("own", "key", "above", "mapping", "expected"),
    [
        pytest.param(DAILY, "2026-03-02", DAILY, None, ["2026-03-02"], id="the same day"),
        pytest.param(DAILY, "2026-03-02", DAILY, OFFSET, ["2026-03-01", "2026-03-02"], id="two days"),
        pytest.param(
            DAILY,
            "2026-03-29",
            HOURLY,
            None,
            [f"2026-03-29-{hour:02}:00" for hour in range(24) if hour != 2],
            id="the hours of a short day",
        ),
        pytest.param(
            WEEKLY,
            "2026-03-01",
            DAILY,
            None,
            [f"2026-03-{day:02}" for day in range(1, 8)],
            id="the days of a week",
        ),
        pytest.param(DAILY, "2026-03-03", WEEKLY, None, ["2026-03-01"], id="the week of a day"),
        pytest.param(REGIONS, "eu", REGIONS, None, ["eu"], id="the same of a list"),
        pytest.param(REGIONS, "eu", REGIONS, dg.LastPartitionMapping(), ["us"], id="the last"),
        pytest.param(REGIONS, "eu", DAILY, dg.AllPartitionMapping(), [], id="all"),
        pytest.param(REGIONS, "eu", MANY, EVERY, [], id="more than a thousand"),
        pytest.param(TWO, "2026-03-02|eu", DAILY, None, ["2026-03-02"], id="one of two dimensions"),
        pytest.param(
            REGIONS, "eu", TWO_DAYS, None, ["2026-01-01|eu", "2026-01-02|eu"], id="every day of a region"
        ),
        pytest.param(TWO, "2026-03-02|eu", TWO, None, ["2026-03-02|eu"], id="two dimensions"),
        pytest.param(CLIENTS, "acme", CLIENTS, None, ["acme"], id="the same dynamic one"),
        pytest.param(DAILY, "2026-03-02", CLIENTS, None, [], id="nothing in common"),
        pytest.param(DAILY, "nonsense", HOURLY, None, [], id="no such partition"),
    ],
)
def test_upstream_partitions(
    own: dg.PartitionsDefinition,
    key: str,
    above: dg.PartitionsDefinition,
    mapping: dg.PartitionMapping | None,
    expected: list[str],
) -> None:
    """As Dagster itself maps them; none where it is all, too many, or nobody knows."""
    upstream = dg.AssetSpec("above", partitions_def=above)
    dep = dg.AssetDep("above", partition_mapping=mapping)

    @dg.asset(partitions_def=own, deps=[dep])
    def below() -> None: ...

    assert list(graph(below, upstream).upstream_partitions("below", key, "above")) == expected


def test_a_mapping_of_an_input() -> None:
    """As good as one of a dependency."""

    @dg.asset(partitions_def=DAILY, ins={"above": dg.AssetIn(partition_mapping=OFFSET)})
    def below(above: Any) -> None: ...

    made = graph(below, dg.AssetSpec("above", partitions_def=DAILY))
    assert made.upstream_partitions("below", "2026-03-02", "above") == ("2026-03-01", "2026-03-02")


@pytest.mark.parametrize("upstream", ["plain", "unknown"])
def test_upstream_without_partitions(upstream: str) -> None:
    """There is nothing to say."""
    below = dg.AssetSpec("below", partitions_def=DAILY, deps=["plain", "unknown"])
    assert graph(below, dg.AssetSpec("plain")).upstream_partitions("below", "2026-03-02", upstream) == ()


def test_dynamic_partitions_of_an_instance() -> None:
    """A mapping that needs all keys gets them from the instance, which is not kept alive."""
    two = dg.MultiPartitionsDefinition({"client": CLIENTS, "region": REGIONS})
    catalog = Catalog(
        [
            dg.AssetSpec("above", partitions_def=two),
            dg.AssetSpec("below", partitions_def=REGIONS, deps=["above"]),
        ]
    )
    instance = dg.DagsterInstance.ephemeral()
    instance.add_dynamic_partitions("clients", ["acme", "other"])
    made = DefinedAssets(catalog, Redactor(), instance)
    assert made.upstream_partitions("below", "eu", "above") == ("acme|eu", "other|eu")
    del instance
    gc.collect()
    assert made.upstream_partitions("below", "eu", "above") == ()


ANOTHER = dg.AssetSpec("a", description="said", metadata={"set": {"x", "y", "z"}, "object": object()})


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(ANOTHER.replace_attributes(description="said otherwise"), id="description"),
        pytest.param(ANOTHER.merge_attributes(deps=["b"]), id="upstream"),
        pytest.param(ANOTHER.merge_attributes(metadata={"n": 1}), id="metadata"),
        pytest.param(ANOTHER.replace_attributes(code_version="2"), id="code version"),
    ],
)
def test_another_fingerprint(other: dg.AssetSpec) -> None:
    """Whatever is said of an asset is in it."""
    assert graph(other).fingerprint() != graph(ANOTHER).fingerprint()


def test_the_same_fingerprint() -> None:
    """In whichever order they are given, and whatever secrets are known."""
    assets = [ANOTHER, dg.AssetSpec("b"), an_asset()]
    first = graph(*assets).fingerprint()
    assert graph(*reversed(assets), secrets=("said",)).fingerprint() == first
    assert graph(*assets[:2]).fingerprint() != first


def test_the_same_fingerprint_in_another_process() -> None:
    """Sets are in another order there."""
    code = (
        "from phlo_hooks_tests.producers.test_asset_graph import ANOTHER, an_asset, graph;"
        "print(graph(ANOTHER, an_asset()).fingerprint())"
    )
    root = Path(__file__).parents[2]
    found = {
        subprocess.run(
            [sys.executable, "-W", "ignore", "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(root)},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert found == {graph(ANOTHER, an_asset()).fingerprint() + "\n"}


def test_plain_json() -> None:
    """Metadata can be written as it is."""
    assert json.loads(json.dumps(info(an_asset()).metadata)) == info(an_asset()).metadata


@pytest.mark.e2e
def test_the_demo(tmp_path: Path) -> None:
    """Every asset of a real lakehouse has its table, and what it is computed from and by."""
    assets = build_definitions(home=DemoHome(tmp_path)).assets or ()
    made = graph(*assets)
    infos = {key: made.asset(key) for key in sorted(made.keys())}
    model = infos["marts/carrier_delays"]
    assert (model.tool, model.stage, model.storage_kind) == ("dbt", "transform", "duckdb")
    assert "staging/flights" in model.upstream
    assert model.code_references[0].location.endswith(".sql")
    assert all(info.table_name for key, info in infos.items() if key.startswith(("staging", "marts")))
    assert json.dumps([dict(info.metadata) for info in infos.values()])
    (monthly,) = [key for key, info in infos.items() if info.partition_dimensions]
    assert made.partition(monthly, "2013-02").window == TimeWindow(utc(2013, 2, 1), utc(2013, 3, 1), "UTC")
