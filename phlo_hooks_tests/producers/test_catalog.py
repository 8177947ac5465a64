"""What is known of each asset and check from its definition, in whichever form it comes."""

from collections.abc import Iterator
from typing import Any

import dagster as dg
import pytest

from phlo_hooks import HookFilter, HookRegistration, ingestion, publish, with_hooks
from phlo_hooks.errors import UnknownAssetError
from phlo_hooks.producers.catalog import AssetFacts, Catalog, CheckFacts
from phlo_hooks.producers.declared import Declared
from phlo_hooks.producers.stages import Stage, StageRules

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::dagster.BetaWarning"),
]


@dg.asset(
    key_prefix="marts",
    group_name="sales",
    kinds={"dbt", "duckdb"},
    owners=["team:data", "ana@example.com"],
    tags={"tier": "gold", "dagster/priority": "3"},
    metadata={"dagster/table_name": "marts.orders"},
    deps=[dg.AssetKey(["raw", "orders"]), dg.AssetKey(["raw", "shops"])],
)
def orders() -> None:
    """Described in full."""


@dg.asset
def bare() -> None:
    """Described by nothing."""


@dg.asset(deps=[bare])
@publish(target_system="postgres")
def handed_out() -> None:
    """Declared by a decorator."""


@dg.multi_asset(
    specs=[
        dg.AssetSpec("one", group_name="g"),
        dg.AssetSpec("two", deps=["one"], kinds={"dlt"}),
    ]
)
def both() -> Iterator[dg.MaterializeResult]:
    yield from ()


@dg.op
@ingestion(table="raw.drawn")
def draw() -> int:
    return 1


@dg.graph_asset
def drawn() -> int:
    return draw()


@dg.asset(
    partitions_def=dg.DailyPartitionsDefinition("2024-01-01"),
    deps=[
        dg.AssetDep(
            "rolling", partition_mapping=dg.TimeWindowPartitionMapping(start_offset=-1, end_offset=-1)
        )
    ],
)
def rolling() -> None:
    """Made of its own yesterday."""


FACTS = [
    pytest.param(
        orders,
        "marts/orders",
        AssetFacts(
            "marts/orders",
            Stage.TRANSFORM,
            "sales",
            ("dbt", "duckdb"),
            ("team:data", "ana@example.com"),
            {"tier": "gold"},
            ("raw/orders", "raw/shops"),
        ),
        id="in full",
    ),
    pytest.param(bare, "bare", AssetFacts("bare", Stage.INGESTION, "default"), id="bare"),
    pytest.param(
        handed_out,
        "handed_out",
        AssetFacts(
            "handed_out",
            Stage.PUBLISH,
            "default",
            upstream=("bare",),
            declared=Declared(Stage.PUBLISH, target_system="postgres"),
        ),
        id="decorated",
    ),
    pytest.param(both, "one", AssetFacts("one", Stage.INGESTION, "g"), id="first of two"),
    pytest.param(
        both,
        "two",
        AssetFacts("two", Stage.INGESTION, "default", ("dlt",), upstream=("one",)),
        id="second of two",
    ),
    pytest.param(
        drawn,
        "drawn",
        AssetFacts(
            "drawn", Stage.INGESTION, "default", declared=Declared(Stage.INGESTION, table="raw.drawn")
        ),
        id="graph of a decorated op",
    ),
    pytest.param(
        rolling, "rolling", AssetFacts("rolling", Stage.INGESTION, "default"), id="depends on itself"
    ),
    pytest.param(
        dg.AssetSpec("ext", owners=["team:x"], tags={"k": "v"}, deps=["bare"]),
        "ext",
        AssetFacts(
            "ext", Stage.TRANSFORM, "default", (), ("team:x",), {"k": "v"}, ("bare",), executable=False
        ),
        id="external",
    ),
]


@pytest.mark.parametrize(("source", "key", "facts"), FACTS)
def test_asset(source: Any, key: str, facts: AssetFacts) -> None:
    """Group, kinds, owners, tags without Dagster's own, upstream, and what a decorator said."""
    found = Catalog([source]).asset(key)
    assert facts == AssetFacts(**{**vars(found), "metadata": {}})


def test_source_asset() -> None:
    """Deprecated, and still in many a project."""
    source = dg.SourceAsset("src", group_name="landing", tags={"k": "v"})
    expected = AssetFacts("src", Stage.INGESTION, "landing", tags={"k": "v"}, executable=False)
    assert expected == Catalog([source]).asset("src")


def test_metadata() -> None:
    """The spec's own is at hand."""
    assert Catalog([orders]).asset("marts/orders").metadata["dagster/table_name"] == "marts.orders"


def test_tool() -> None:
    """The kind that computes, not the one that stores."""
    catalog = Catalog([orders, bare])
    assert ["dbt", "dagster"] == [catalog.asset(key).tool for key in ("marts/orders", "bare")]


def test_unknown_asset() -> None:
    """Another location's asset has a key and nothing else."""
    assert AssetFacts("nobody", Stage.INGESTION) == Catalog().asset("nobody")


@dg.asset(check_specs=[dg.AssetCheckSpec("inside", asset="checked", description="Within.")])
def checked() -> dg.MaterializeResult:
    return dg.MaterializeResult(check_results=[dg.AssetCheckResult(passed=True)])


@dg.asset_check(asset=orders, blocking=True)
def not_empty() -> dg.AssetCheckResult:
    """Has rows."""
    return dg.AssetCheckResult(passed=True)


@dg.multi_asset_check(
    specs=[dg.AssetCheckSpec("one", asset="bare"), dg.AssetCheckSpec("two", asset="elsewhere", blocking=True)]
)
def several() -> Iterator[dg.AssetCheckResult]:
    yield from ()


def test_checks() -> None:
    """Whether each blocks, and what it says of itself; of its own definition or of an asset's."""
    catalog = Catalog([checked, not_empty, several])
    expected = [
        CheckFacts("checked", "inside", description="Within."),
        CheckFacts("marts/orders", "not_empty", blocking=True, description="Has rows."),
        CheckFacts("bare", "one"),
        CheckFacts("elsewhere", "two", blocking=True),
    ]
    assert {(each.asset_key, each.name): each for each in expected} == catalog.checks
    assert CheckFacts("bare", "unknown") == catalog.check("bare", "unknown")


def test_known_keys() -> None:
    """What an event may name: assets, what they depend on, and what is checked."""
    catalog = Catalog([orders, several, dg.AssetSpec("ext")])
    assert {"marts/orders", "raw/orders", "raw/shops", "bare", "elsewhere", "ext"} == catalog.known_keys


def test_any_declared() -> None:
    """Whether there is a step that a hook could stop."""
    found = [
        Catalog(sources).any_declared for sources in ([orders], [handed_out], [drawn], [dg.AssetSpec("x")])
    ]
    assert found == [False, True, True, False]


def test_rules_apply() -> None:
    """The user's rules see the group that Dagster gives where none was given."""
    catalog = Catalog([bare, dg.AssetSpec("x", group_name="g")], StageRules({"group:g": "publish"}))
    assert [Stage.INGESTION, Stage.PUBLISH] == [catalog.asset(key).stage for key in ("bare", "x")]


def test_assets_that_are_not_known_yet() -> None:
    """A filter that may name an asset still to come is not refused."""
    from dagster._core.definitions.assets.definition.cacheable_assets_definition import (
        CacheableAssetsDefinition,
    )

    class Later(CacheableAssetsDefinition):
        def compute_cacheable_data(self) -> list[Any]:
            return []

        def build_definitions(self, data: Any) -> list[Any]:
            return [bare]

    only = HookFilter(asset_keys={"bare"})

    def tell(event: Any) -> None:
        """Nothing."""

    hook = HookRegistration("tell", tell, filters=only)
    assert not Catalog([Later("later")]).complete
    assert with_hooks(dg.Definitions(assets=[Later("later")]), hooks=[hook], plugins=False)
    with pytest.raises(UnknownAssetError):
        with_hooks(dg.Definitions(assets=[orders]), hooks=[hook], plugins=False)
