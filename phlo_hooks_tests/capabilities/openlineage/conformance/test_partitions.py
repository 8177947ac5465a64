"""Partitions of every kind: one run each, about exactly the time that they stand for, and what they read of others."""

from __future__ import annotations

from datetime import datetime

import dagster as dg
import pytest

from phlo_hooks_tests.capabilities.openlineage import scenes
from phlo_hooks_tests.capabilities.openlineage.conformance.driver import QUIET, facet, play
from phlo_hooks_tests.capabilities.openlineage.scenes.partitions import (
    MULTI_KEY,
    RANGE,
    RANGE_TAGS,
    TENANTS,
    WINDOWS,
)

pytestmark = QUIET

_OUT = "outputFacets.subset.outputCondition.partitions"
_IN = "inputFacets.subset.inputCondition.partitions"


def written(event) -> list[dict[str, str]]:
    """The dimensions of each partition that it says it wrote."""
    return [each["dimensions"] for each in facet(event["outputs"][0], _OUT) or ()]


def read(event, number: int = 0) -> list[str]:
    """The partitions that it says it read of an input."""
    return [each["identifier"] for each in facet(event["inputs"][number], _IN) or ()]


def nominal(event) -> tuple[str, str] | None:
    found = facet(event, "run.facets.nominalTime")
    return (found["nominalStartTime"], found["nominalEndTime"]) if found else None


@pytest.mark.parametrize("window", WINDOWS.values(), ids=WINDOWS)
def test_a_time(window, backend):
    """To the second, in its own zone, over a change of the clocks; on the start as on the end, and on both sides."""
    name = next(name for name, each in WINDOWS.items() if each is window)
    played = play(backend, scenes.time_partitioned(name), partition_key=window.key)
    for event in (*played.of_job("orders"), *played.of_job("report")):
        assert (window.start, window.end) == nominal(event)
        assert [{"partition": window.key}] == written(event)
    for event in played.of_job("report"):
        assert [window.key] == read(event)
    hours = (datetime.fromisoformat(window.end) - datetime.fromisoformat(window.start)).total_seconds() / 3600
    assert {"daily": 23, "daily in autumn": 25, "hourly": 1, "monthly": 743}.get(name, hours) == hours


def test_a_name(backend):
    """One that stands for no time has none; a key that needs quoting is as Dagster has it."""
    played = play(backend, scenes.static(), partition_key="a b/c%")
    assert None is nominal(played.end("report"))
    assert ([{"partition": "a b/c%"}], ["a b/c%"]) == (
        written(played.end("report")),
        read(played.end("report")),
    )


def test_two_dimensions(backend):
    """By their names, and the time of the one that has one."""
    event = play(backend, scenes.multi(), "only_orders", partition_key=MULTI_KEY).end("orders")
    assert [{"date": "2026-01-31", "region": "fr"}] == written(event)
    assert ("2026-01-31T00:00:00+01:00", "2026-02-01T00:00:00+01:00") == nominal(event)


def test_since_a_minute_ago(backend):
    """A partition that no definition names."""
    with dg.DagsterInstance.ephemeral() as instance:
        instance.add_dynamic_partitions(str(TENANTS.name), ["acme"])
        played = play(backend, scenes.dynamic(), instance=instance, partition_key="acme")
    assert ([{"partition": "acme"}], ["acme"]) == (written(played.end("report")), read(played.end("report")))


def test_a_month_in_one_run(backend):
    """31 partitions of two assets in one Dagster run: 62 runs, each with one start and one end, and its day."""
    played = play(backend, scenes.range_in_one_run(), tags=RANGE_TAGS)
    for name in ("orders", "report"):
        ends = [event for event in played.of_job(name) if event["eventType"] == "COMPLETE"]
        assert 2 * 31 == len(played.of_job(name))
        assert 31 == len({event["run"]["runId"] for event in ends})
        days = sorted(written(event)[0]["partition"] for event in ends)
        assert (RANGE[0], RANGE[1], 31) == (days[0], days[-1], len(set(days)))
        assert all(nominal(event)[0].startswith(written(event)[0]["partition"]) for event in ends)


def test_a_week_of_days(backend):
    """Reads seven partitions, and no more."""
    played = play(backend, scenes.mapped(), "only_weekly", partition_key="2026-03-29")
    expected = [f"2026-03-{day}" for day in (29, 30, 31)] + [f"2026-04-0{day}" for day in range(1, 5)]
    for event in played.of_job("weekly"):
        assert expected == read(event)
        assert [{"partition": "2026-03-29"}] == written(event)


def test_all_days(backend):
    """No partitions: everything is read, and no subset is claimed."""
    event = play(backend, scenes.mapped(), "only_total").end("total")
    assert ([], []) == (read(event), written(event))
    assert ["orders"] == [each["name"] for each in event["inputs"]]


def test_partitions_are_runs_of_one_job(backend):
    """The job's and the dataset's names have no partition in them: lineage would fall apart by day."""
    played = play(backend, scenes.range_in_one_run(), tags=RANGE_TAGS)
    assert {"orders", "report"} == {name for _, name in backend.datasets()}
    assert {("orders", "report")} == backend.graph().flows
    assert 4 * 31 + 2 == len(played.events)
