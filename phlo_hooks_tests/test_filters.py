"""Filters: each field, and what can never match."""

from __future__ import annotations

import logging

import pytest

from phlo_hooks.bus import HookBus
from phlo_hooks.errors import RegistrationError, UnknownAssetError, UnknownEventTypeError
from phlo_hooks.events import (
    HookCorrelation,
    IngestionEvent,
    LineageEvent,
    QualityResultEvent,
    RunEvent,
    ServiceLifecycleEvent,
)
from phlo_hooks.filters import HookFilter, event_asset_keys, severity_of
from phlo_hooks.registration import HookRegistration
from phlo_hooks_tests.samples import full_event

LOAD = IngestionEvent(
    event_type="ingestion.end",
    asset_key="raw/orders",
    group_name="raw",
    kinds=("dlt", "duckdb"),
    owners=("team:data",),
    status="success",
    tags={"tier": "1", "team": "data"},
    correlation=HookCorrelation(job_name="nightly"),
)
BARE = ServiceLifecycleEvent(event_type="service.pre_start", service_name="s")
WARNING = QualityResultEvent(
    event_type="quality.result", asset_key="a", check_name="c", passed=False, severity="WARN"
)

FIELDS = {
    "type": ({"event_types": {"ingestion.end"}}, True),
    "other type": ({"event_types": {"ingestion.start"}}, False),
    "one of two types": ({"event_types": ["run.start", "ingestion.end"]}, True),
    "type pattern": ({"event_types": {"ingestion.*"}}, True),
    "other type pattern": ({"event_types": {"*.start"}}, False),
    "asset": ({"asset_keys": {"raw/orders"}}, True),
    "other asset": ({"asset_keys": {"raw/order"}}, False),
    "asset pattern": ({"asset_keys": {"raw/*"}}, True),
    "asset pattern, other case": ({"asset_keys": {"RAW/*"}}, False),
    "asset, one of a pattern and a name": ({"asset_keys": {"x/*", "raw/orders"}}, True),
    "tag": ({"tags": {"tier": "1"}}, True),
    "every tag": ({"tags": {"tier": "1", "team": "data"}}, True),
    "one tag differs": ({"tags": {"tier": "1", "team": "ml"}}, False),
    "tag it has not": ({"tags": {"x": "1"}}, False),
    "group": ({"groups": {"raw"}}, True),
    "group pattern": ({"groups": {"r?w"}}, True),
    "other group": ({"groups": {"marts"}}, False),
    "one of its kinds": ({"kinds": {"dlt"}}, True),
    "other kind": ({"kinds": {"dbt"}}, False),
    "owner": ({"owners": {"team:*"}}, True),
    "other owner": ({"owners": {"team:ml"}}, False),
    "job": ({"jobs": {"nightly"}}, True),
    "other job": ({"jobs": {"hourly"}}, False),
    "status": ({"status": {"success", "failure"}}, True),
    "other status": ({"status": {"failure"}}, False),
    "severity": ({"min_severity": "INFO"}, True),
    "higher severity": ({"min_severity": "WARN"}, False),
    "predicate": ({"when": lambda event: event.asset_key.startswith("raw")}, True),
    "predicate says no": ({"when": lambda event: False}, False),
    "all fields": ({"event_types": {"ingestion.*"}, "groups": {"raw"}, "status": {"success"}}, True),
    "all fields but one": ({"event_types": {"ingestion.*"}, "groups": {"raw"}, "status": {"failure"}}, False),
    "nothing asked": ({}, True),
}


@pytest.mark.parametrize(("fields", "passes"), FIELDS.values(), ids=FIELDS)
def test_matches(fields, passes):
    """Every field alone, and together: all that are set must agree."""
    assert passes is HookFilter(**fields).matches(LOAD)


@pytest.mark.parametrize(("fields", "passes"), FIELDS.values(), ids=FIELDS)
def test_the_bus_agrees(fields, passes):
    """The bus has an index of its own: it must find the same."""
    bus = HookBus()
    bus.register(HookRegistration("h", print, filters=HookFilter(**fields)), plugin_name="p")
    assert passes is bool(bus.match(LOAD))


@pytest.mark.parametrize("field", ["asset_keys", "groups", "kinds", "owners", "jobs", "status"])
def test_an_event_without_the_field(field):
    """A service has no group: no name matches, nor does any pattern."""
    assert not HookFilter(**{field: {"x"}}).matches(BARE)
    assert not HookFilter(**{field: {"?*"}}).matches(BARE)


def test_an_event_about_several_assets():
    """Lineage is about both ends of each edge."""
    event = LineageEvent(edges=[("raw/a", "marts/b")])
    assert ("raw/a", "marts/b") == event_asset_keys(event)
    assert HookFilter(asset_keys={"marts/*"}).matches(event)


SEVERITY = {
    "a failed check's own": (WARNING, 1),
    "a passed check": (full_event(QualityResultEvent, passed=True, severity="CRITICAL"), 0),
    "a crashed check": (
        full_event(QualityResultEvent, event_type="quality.error", passed=None, severity=None),
        2,
    ),
    "a failed status": (RunEvent(event_type="run.failure", status="failure"), 2),
    "success": (RunEvent(event_type="run.success", status="success"), 0),
}


@pytest.mark.parametrize(("event", "severity"), SEVERITY.values(), ids=SEVERITY)
def test_severity_of(event, severity):
    """What an event says of itself, else what its kind says."""
    assert severity == severity_of(event)


NEVER = {
    "misspelt type": ({"event_types": {"ingestion.ended"}}, "did you mean 'ingestion.end'"),
    "pattern without a match": ({"event_types": {"ingest.*"}}, "no event has the type 'ingest.\\*'"),
    "one good, one bad": ({"event_types": {"run.start", "run.begin"}}, "'run.begin'"),
    "text, not a collection": ({"event_types": "run.start"}, "is not a collection of names"),
    "numbers": ({"groups": {1}}, "is not a collection of names"),
    "a number": ({"kinds": 3}, "is not a collection of names"),
    "a mapping": ({"owners": {"a": "b"}}, "is not a collection of names"),
    "a generator, which can be read once": (
        {"jobs": (name for name in "ab")},
        "is not a collection of names",
    ),
    "empty types": ({"event_types": set()}, "event_types is empty"),
    "empty assets": ({"asset_keys": []}, "asset_keys is empty"),
    "tags as a list": ({"tags": ["a"]}, "is not a mapping"),
    "unknown severity": ({"min_severity": "warning"}, "use one of INFO, WARN, ERROR, CRITICAL"),
    "predicate that is none": ({"when": True}, "is not a function of an event"),
}


@pytest.mark.parametrize(("fields", "message"), NEVER.values(), ids=NEVER)
def test_what_can_never_match_is_an_error(fields, message):
    """At once, where it is written, not silently when nothing comes."""
    with pytest.raises(RegistrationError, match=message):
        HookFilter(**fields)


def test_unknown_event_type_has_its_own_error():
    """So that a loader of configuration can tell it apart."""
    with pytest.raises(UnknownEventTypeError):
        HookFilter(event_types={"x"})


@pytest.mark.parametrize("pattern", ["raw/orders", "raw/*", "*"])
def test_known_assets(pattern):
    """A key or a pattern that some asset has."""
    HookFilter(asset_keys={pattern}).check_assets({"raw/orders"}, "p.h")


@pytest.mark.parametrize("pattern", ["raw/order", "marts/*"])
def test_unknown_asset(pattern):
    """One that none has names the hook and what is near."""
    with pytest.raises(UnknownAssetError, match=r"hook 'p\.h': no asset matches .*raw/orders"):
        HookFilter(asset_keys={pattern}).check_assets({"raw/orders"}, "p.h")


def test_a_predicate_that_raises(caplog):
    """It counts as no, is logged with the hook's name, and keeps the event from nobody else."""
    bus, seen = HookBus(), []
    bus.register(
        HookRegistration("bad", seen.append, filters=HookFilter(when=lambda event: 1 / 0)), plugin_name="p"
    )
    bus.register(HookRegistration("good", seen.append), plugin_name="p")
    with caplog.at_level(logging.ERROR):
        deliveries = bus.emit(LOAD)
    assert [LOAD] == seen
    assert ["p.good"] == [delivery.hook for delivery in deliveries]
    assert "p.bad" in caplog.text
