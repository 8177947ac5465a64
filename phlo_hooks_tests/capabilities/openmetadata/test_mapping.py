"""From an asset to its table: each rule, their order, and what is said of one that none fits."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from phlo_hooks.assets import AssetInfo, NoAssets
from phlo_hooks.capabilities.openmetadata import fqn
from phlo_hooks.capabilities.openmetadata.known_tables import KnownTables
from phlo_hooks.capabilities.openmetadata.mapping import TableMapping, mapped
from phlo_hooks.errors import ConfigurationError
from phlo_hooks.memory import MemoryState

from .bench import Shelf, ended

# A busy machine is no failure.
PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

SERVICES = {"duckdb": "lake.shop", "postgres": "warehouse", "mysql": "web", "snowflake": "dwh.PROD.PUBLIC"}
PATTERNS = {
    "raw/*": "lake.main.{group}.{name}",
    "raw/off": None,
    "raw/[a]": 'lake.main."{asset}"."{database}.{schema}.{table}"',
    "old/*": None,
    "old/kept": "lake.main.old.kept",
}


def of(told=None, **fields):
    info = AssetInfo(**{"key": "marts/orders", **fields})
    return TableMapping(PATTERNS, SERVICES).of(info.key, Shelf(info), told)


# What an asset says, what a materialization told, and the rule and name that come of it.
MAPPED = {
    "its own name": (
        {"metadata": {"openmetadata/fqn": '"lake".a.b."c.d"'}, "key": "raw/x", "table_name": "x.y"},
        None,
        "metadata openmetadata/fqn",
        'lake.a.b."c.d"',
    ),
    "its own name, though ignored": (
        {"metadata": {"openmetadata/fqn": "a.b.c.d", "openmetadata/ignore": True}},
        None,
        "metadata openmetadata/fqn",
        "a.b.c.d",
    ),
    "a pattern": ({"key": "raw/x", "group": "g"}, None, "mapping 'raw/*'", "lake.main.g.x"),
    "a pattern comes before a table": (
        {"key": "raw/x", "group": "g", "table_name": "a.b.c", "storage_kind": "duckdb"},
        None,
        "mapping 'raw/*'",
        "lake.main.g.x",
    ),
    "the key itself comes first": (
        {"key": "raw/[a]", "table_name": "d.s.t"},
        None,
        "mapping 'raw/[a]'",
        'lake.main.raw/[a]."d.s.t"',
    ),
    "a dot in what a token stands for": (
        {"key": "raw/v1.2", "group": "g"},
        None,
        "mapping 'raw/*'",
        'lake.main.g."v1.2"',
    ),
    "three parts": (
        {"table_name": "other.raw.x", "storage_kind": "duckdb"},
        None,
        "dagster/table_name",
        "lake.other.raw.x",
    ),
    "two parts": (
        {"table_name": "raw.x", "storage_kind": "DuckDB"},
        None,
        "dagster/table_name",
        "lake.shop.raw.x",
    ),
    "one part": (
        {"table_name": "X", "storage_kind": "snowflake"},
        None,
        "dagster/table_name",
        "dwh.PROD.PUBLIC.X",
    ),
    "quotes": (
        {"table_name": '"my db"."a.b".`x`', "storage_kind": "postgresql"},
        None,
        "dagster/table_name",
        'warehouse.my db."a.b".x',
    ),
    "no databases": (
        {"table_name": "shop.orders", "storage_kind": "mysql"},
        None,
        "dagster/table_name",
        "web.default.shop.orders",
    ),
    "told": (
        {},
        {"dagster/table_name": "raw.x", "dagster/storage_kind": "duckdb"},
        "dagster/table_name of a materialization",
        "lake.shop.raw.x",
    ),
    "told, and kind of the definitions": (
        {"storage_kind": "duckdb"},
        {"dagster/table_name": "raw.x"},
        "dagster/table_name of a materialization",
        "lake.shop.raw.x",
    ),
    "the definitions come before what is told": (
        {"table_name": "raw.y", "storage_kind": "duckdb"},
        {"dagster/table_name": "raw.x"},
        "dagster/table_name",
        "lake.shop.raw.y",
    ),
    "told its own name": (
        {"table_name": "raw.y", "storage_kind": "duckdb"},
        {"openmetadata/fqn": "a.b.c.d"},
        "metadata openmetadata/fqn of a materialization",
        "a.b.c.d",
    ),
}


@pytest.mark.parametrize(("fields", "told", "rule", "name"), MAPPED.values(), ids=MAPPED)
def test_mapped(fields, told, rule, name):
    found = of(told, **fields)
    assert ("mapped", rule, name, None) == (found.status, found.rule, found.fqn, found.advice)


IGNORED = {
    "metadata": ({"metadata": {"openmetadata/ignore": True}}, "metadata openmetadata/ignore"),
    "metadata, as text": ({"metadata": {"openmetadata/ignore": "true"}}, "metadata openmetadata/ignore"),
    "a pattern": ({"key": "old/x"}, "mapping 'old/*'"),
    "the key itself": ({"key": "raw/off", "group": "g"}, "mapping 'raw/off'"),
}


@pytest.mark.parametrize(("fields", "rule"), IGNORED.values(), ids=IGNORED)
def test_ignored(fields, rule):
    found = of(**fields)
    assert ("ignored", rule, None) == (found.status, found.rule, found.fqn)


def test_not_ignored_by_a_no():
    assert of(metadata={"openmetadata/ignore": False}).status == "unresolved"


UNRESOLVED = {
    "nothing is said": (
        {},
        "nothing says which table it is: set metadata dagster/table_name or openmetadata/fqn",
    ),
    "no kind": (
        {"table_name": "raw.x"},
        "nothing says where its table 'raw.x' is: set metadata dagster/storage_kind",
    ),
    "no service": (
        {"table_name": "raw.x", "storage_kind": "trino"},
        "no service is named for 'trino': add services={'trino': 'the name of its database service'}",
    ),
    "no database": (
        {"table_name": "raw.x", "storage_kind": "postgres"},
        "'raw.x' does not say its database or schema: add it to services={'postgres': 'warehouse.DATABASE.SCHEMA'}",
    ),
    "no schema": (
        {"table_name": "x", "storage_kind": "duckdb"},
        "'x' does not say its database or schema: add it to services={'duckdb': 'lake.shop.SCHEMA'}",
    ),
    "four parts": (
        {"table_name": "a.b.c.d", "storage_kind": "duckdb"},
        "is not database.schema.table: set metadata",
    ),
    "no table's name": (
        {"table_name": "a..b", "storage_kind": "duckdb"},
        "'a..b' is not database.schema.table",
    ),
    "a bad name": ({"metadata": {"openmetadata/fqn": "a.b"}}, "'a.b' has 2 parts: a table's name has four"),
    "no group": (
        {"key": "raw/x"},
        "mapping['raw/*'] 'lake.main.{group}.{name}' needs {group}, the asset's group",
    ),
    "a name of ours": (
        {"table_name": '"a::b".x', "storage_kind": "duckdb"},
        "'a::b' is no name to OpenMetadata",
    ),
}


@pytest.mark.parametrize(("fields", "advice"), UNRESOLVED.values(), ids=UNRESOLVED)
def test_unresolved(fields, advice):
    found = of(**fields)
    assert ("unresolved", None) == (found.status, found.fqn)
    assert advice in found.advice


def test_an_asset_that_the_definitions_do_not_hold():
    """A pattern may know it all the same."""
    mapping = TableMapping({"theirs/*": "lake.a.b.{name}"}, {})
    assert mapping.of("theirs/x", NoAssets()).fqn == "lake.a.b.x"
    assert mapping.of("x", NoAssets()).status == "unresolved"


def test_the_first_pattern_that_fits():
    mapping = TableMapping({"a*": "s.d.s.first", "*": "s.d.s.second"}, {})
    assert mapping.of("ab", NoAssets()).fqn == "s.d.s.first"
    assert mapping.of("b", NoAssets()).fqn == "s.d.s.second"


def test_any_other_kind():
    mapping = TableMapping({}, {"*": "other.db", "duckdb": "lake.db"})
    for kind, service in (("duckdb", "lake"), ("trino", "other"), (None, "other")):
        info = AssetInfo("x", table_name="a.b", storage_kind=kind)
        assert mapping.of("x", Shelf(info)).fqn == f"{service}.db.a.b"


def test_left_out():
    found = mapped("raw/x", NoAssets(), TableMapping(), lambda key: False)
    assert ("ignored", "include and exclude") == (found.status, found.rule)


BAD = {
    "too few parts": ({"a": "x.{name}"}, {}, "mapping['a']: 'x.{name}' has 2 parts"),
    "an unknown token": ({"a": "x.y.z.{nam}"}, {}, "holds {nam}; did you mean 'name'?: use {asset}, {name}"),
    "an empty token": ({"a": "x.y.z.{}"}, {}, "holds {}"),
    "no name": ({"a": ""}, {}, "mapping['a']: '' is no name of OpenMetadata"),
    "an empty service": ({}, {"duckdb": ""}, "services['duckdb']: '' is no name"),
    "a service with a table": (
        {},
        {"duckdb": "a.b.c.d"},
        "services['duckdb'] 'a.b.c.d' has 4 parts: name the",
    ),
}


@pytest.mark.parametrize(("patterns", "services", "words"), BAD.values(), ids=BAD)
def test_refused(patterns, services, words):
    with pytest.raises(ConfigurationError) as caught:
        TableMapping(patterns, services).check()
    assert words in str(caught.value)


TEXT = st.one_of(st.none(), st.text(max_size=8), st.sampled_from(["a.b", "a.b.c", '"a.b".c']))


@PATIENT
@given(st.text(min_size=1, max_size=8), TEXT, TEXT, TEXT, TEXT)
def test_whatever_an_asset_says(key, group, table, kind, own):
    """It is mapped to a name of four parts, or unresolved with advice; nothing is raised."""
    metadata = {} if own is None else {"openmetadata/fqn": own}
    info = AssetInfo(key, group=group, table_name=table, storage_kind=kind, metadata=metadata)
    mapping = TableMapping({"r*": "a.b.{group}.{table}"}, {"*": "lake.shop"})
    found = mapping.of(key, Shelf(info))
    if found.status == "mapped":
        assert len(fqn.parts(found.fqn)) == 4
    else:
        assert (found.status, found.advice and True) == ("unresolved", True)


def test_what_is_remembered():
    """The last success that said anything; a failure, a start and silence change nothing."""
    known = KnownTables(MemoryState())
    known.learn(ended(table_name="raw.x", metadata={"dagster/storage_kind": "duckdb", "secret": "x"}))
    known.learn(ended(at=1))
    known.learn(ended(at=2, table_name="raw.y", status="failure"))
    known.learn(ended(at=3).model_copy(update={"event_type": "ingestion.start", "table_name": "raw.z"}))
    assert known.told("raw/orders") == {"dagster/table_name": "raw.x", "dagster/storage_kind": "duckdb"}
    mapping = TableMapping({}, {"duckdb": "lake.shop"}, known.told)
    assert mapping.of("raw/orders", NoAssets()).fqn == "lake.shop.raw.x"
    known.learn(ended("k" * 600, table_name="raw.long"))
    assert known.told("k" * 600)["dagster/table_name"] == "raw.long"
