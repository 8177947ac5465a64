"""When a layer is refreshed, with what, and what is told of it; each event as it is delivered."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from phlo_hooks.assets import PartitionInfo
from phlo_hooks.errors import ConfigurationError, DeliveryError, PermanentError
from phlo_hooks.events import Column, SchemaChangeEvent
from phlo_hooks_tests.semantics.bench import (
    START,
    Bench,
    DailyAssets,
    RecordingLayer,
    backfill_ended,
    checked,
    ended,
    published,
)


def one(**settings: object) -> Bench:
    return Bench(RecordingLayer({"a": ("orders",), "b": ("customers",)}), **settings)


def test_data_changed() -> None:
    """Only what depends on it."""
    bench = one().play(published("a"), ended()).wait(60)
    assert bench.work() == [[("orders", None)]]
    (told,) = bench.told
    assert (told.event_type, told.model_names, told.asset_keys) == ("semantic.refreshed", ("orders",), ("a",))
    assert (told.publications, told.recompiled, told.error) == (1, False, None)
    assert told.details["causes"] == [published("a").event_id]


def test_not_before_the_run_ends() -> None:
    bench = one().play(published("a")).wait(600)
    assert bench.work() == []
    assert bench.play(ended()).wait(29).work() == []
    assert bench.wait(1).work() == [[("orders", None)]]


def test_outside_of_a_run() -> None:
    """A materialization that was reported has no run that could end."""
    assert one().play(published("a", run=None)).wait(60).work() == [[("orders", None)]]


def test_told_after_the_end_of_its_run() -> None:
    assert one().play(ended(), published("a")).wait(60).work() == [[("orders", None)]]


def test_nothing_changed() -> None:
    bench = one().play(published("a"), ended()).wait(60)
    bench.play(published("a", "run-2"), ended("run-2")).wait(600)
    assert len(bench.work()) == 1
    bench.play(published("a", "run-3", data_version="v2"), ended("run-3")).wait(60)
    assert len(bench.work()) == 2


def test_without_a_version_each_publication_is_news() -> None:
    bench = one().play(published("a", data_version=None), ended()).wait(60)
    assert len(bench.play(published("a", "run-2", data_version=None), ended("run-2")).wait(60).work()) == 2


def test_an_asset_that_feeds_nothing() -> None:
    assert one().play(published("z"), ended()).wait(600).work() == []


@pytest.mark.parametrize("status", ["failure", "skipped", "canceled"])
def test_not_published(status: str) -> None:
    bench = one().play(published("a", status=status), ended(how="failure")).wait(600)
    assert bench.work() == []


def test_a_step_that_is_tried_again() -> None:
    """The last attempt counts, also when it is told first."""
    failed = published("a", status="failure")
    good = published("a", timestamp=START + timedelta(minutes=1))
    assert one().play(failed, good, ended()).wait(60).work() == [[("orders", None)]]
    assert one().play(good, failed, ended()).wait(60).work() == [[("orders", None)]]


VERDICTS = {
    "failed": (checked("a", False), []),
    "crashed": (checked("a", None, event_type="quality.error"), []),
    "critical": (checked("a", False, severity="CRITICAL"), []),
    "warned": (checked("a", False, severity="WARN"), [[("orders", None)]]),
    "does not block": (checked("a", False, blocking=False), [[("orders", None)]]),
    "of another asset": (checked("b", False), [[("orders", None)]]),
    "passed": (checked("a", True), [[("orders", None)]]),
}


@pytest.mark.parametrize(("check", "expected"), VERDICTS.values(), ids=VERDICTS)
def test_blocking_checks(check: object, expected: list[object]) -> None:
    """The last good one is kept."""
    assert one().play(published("a"), check, ended()).wait(600).work() == expected


def test_the_same_data_once_the_check_passes() -> None:
    """They were never refreshed with, so they are news."""
    bench = one().play(published("a"), checked("a", False), ended()).wait(600)
    bench.play(published("a", "run-2"), checked("a", True, "run-2"), ended("run-2")).wait(60)
    assert bench.work() == [[("orders", None)]]


def test_a_check_of_one_partition_does_not_hold_another() -> None:
    bench = one().play(
        published("a", partition="2026-01-01"),
        published("a", partition="2026-01-02"),
        checked("a", False, partition_key="2026-01-01"),
        ended(),
    )
    assert bench.wait(60).work() == [[("orders", ("2026-01-02", "2026-01-03"))]]


def two_assets(**options: object) -> Bench:
    """A model that is made of two assets."""
    return Bench(RecordingLayer({"a": ("joined",), "b": ("joined",)}), **options)


def test_all_outputs_are_there() -> None:
    """One refresh of what two assets of one run make."""
    bench = two_assets().play(published("a"), published("b"), ended()).wait(60)
    assert bench.work() == [[("joined", None)]]
    assert bench.told[0].publications == 2


def test_one_output_has_failed() -> None:
    """What has waited comes along once the other one is there, also when that is as it was."""
    bench = two_assets().play(published("a"), published("b", status="failure"), ended()).wait(600)
    assert bench.work() == []
    bench.play(published("b", "run-2"), ended("run-2")).wait(60)
    assert bench.work() == [[("joined", None)]]
    assert bench.told[0].asset_keys == ("a", "b")


def test_what_waits_comes_along_with_what_has_not_changed() -> None:
    bench = two_assets().play(published("b"), published("a"), ended()).wait(60)
    bench.play(
        published("a", "run-2", data_version="v2"),
        published("b", "run-2"),
        checked("b", False, "run-2"),
        ended("run-2"),
    )
    assert len(bench.wait(600).work()) == 1
    bench.play(published("b", "run-3"), ended("run-3")).wait(60)
    assert (len(bench.work()), bench.told[1].asset_keys) == (2, ("a",))


def test_an_output_that_was_never_there() -> None:
    """For this partition; for others it may be."""
    assets = DailyAssets("a", "b", missing={("b", "2026-01-02")})
    bench = two_assets(assets=assets)
    bench.play(published("a", partition="2026-01-01"), published("a", partition="2026-01-02"), ended()).wait(
        60
    )
    assert bench.work() == [[("joined", ("2026-01-01", "2026-01-02"))]]
    assets.missing.clear()
    bench.play(published("b", "run-2", partition="2026-01-02"), ended("run-2")).wait(60)
    assert bench.work()[1:] == [[("joined", ("2026-01-02", "2026-01-03"))]]


class DailyAndWhole(DailyAssets):
    """The partitions of `a` are days; `b` has none."""

    def partition(self, key: str, partition_key: str) -> PartitionInfo | None:
        return super().partition(key, partition_key) if key == "a" else None


def test_a_partition_that_waits_for_what_has_none() -> None:
    """Also where that is as it was: else nobody would ever ask for this day again."""
    bench = two_assets(assets=DailyAndWhole("a", "b"))
    bench.play(published("a", partition="2026-01-01"), published("b"), ended()).wait(60)
    bench.play(
        published("a", "run-2", "2026-01-02"), published("b", "run-2", status="failure"), ended("run-2")
    )
    assert len(bench.wait(60).work()) == 1
    bench.play(published("b", "run-3"), ended("run-3")).wait(60)
    assert bench.work()[1:] == [[("joined", ("2026-01-02", "2026-01-03"))]]
    assert bench.told[1].publications == 1


class DailyAndMonthly(DailyAssets):
    """The partitions of `a` are days, those of `b` months; both are named by their first day."""

    def partition(self, key: str, partition_key: str) -> PartitionInfo | None:
        found = super().partition(key, partition_key)
        if key == "a" or found is None or found.window is None:
            return found
        end = found.window.start + timedelta(days=31)
        return replace(found, window=replace(found.window, end=end))


def test_the_first_day_of_a_month_does_not_wait_for_the_month() -> None:
    bench = two_assets(assets=DailyAndMonthly("a", "b", missing={("b", "2026-03-01")}))
    bench.play(published("a", partition="2026-03-01"), ended()).wait(60)
    assert bench.work() == [[("joined", ("2026-03-01", "2026-03-02"))]]


def test_each_asset_of_a_model_is_asked_for_once() -> None:
    """Each of them asks for all others, and Dagster's record is a database."""
    assets, asked = DailyAssets("a", "b", "c"), list[str]()
    assets.is_there = lambda key, partition_key=None: bool(asked.append(key)) or True  # type: ignore[method-assign]
    bench = Bench(RecordingLayer(dict.fromkeys("abc", ("joined",))), assets)
    bench.play(*map(published, "abc"), ended()).wait(60)
    assert sorted(asked) == ["a", "b", "c"]


def test_an_asset_of_somebody_else_is_not_waited_for() -> None:
    bench = two_assets(assets=DailyAssets("a", missing={("b", None)}))
    assert bench.play(published("a"), ended()).wait(60).work() == [[("joined", None)]]


COLUMNS = {"columns": (Column(name="id", type="INT"),)}
OTHERS = {"columns": (Column(name="id", type="TEXT"),)}


def test_schema_changed() -> None:
    """The layer's own model is built first; also when the data are what they were. First sight is no change."""
    bench = one().play(published("a", **COLUMNS), ended()).wait(60)
    bench.play(published("a", "run-2", **OTHERS), ended("run-2")).wait(60)
    assert [work.recompile for work in bench.layer.begun] == [False, True]
    assert [event.recompiled for event in bench.told] == [False, True]
    again = {"columns": (Column(name="id", type=" t e x t"),)}
    assert len(bench.play(published("a", "run-3", **again), ended("run-3")).wait(60).work()) == 2


def test_schema_changed_upstream() -> None:
    """Of an asset that is not published itself: nothing but the model is built anew."""
    bench = Bench(RecordingLayer({"staged": ("orders",)}), DailyAssets())
    change = SchemaChangeEvent(asset_key="staged", correlation={"run_id": "run-1", "asset_key": "staged"})
    bench.play(change).wait(60)
    assert [(work.models, work.recompile) for work in bench.layer.begun] == [((), True)]


def test_schema_changed_of_what_is_published_is_told_once() -> None:
    change = SchemaChangeEvent(asset_key="a", correlation={"run_id": "run-1", "asset_key": "a"})
    assert one().play(change).wait(60).work() == []


def test_a_year_in_a_backfill() -> None:
    """One refresh, with a range of dates."""
    bench = one()
    for day in range(365):
        key = (date(2025, 1, 1) + timedelta(days=day)).isoformat()
        bench.play(published("a", f"run-{day}", key, backfill="b1"), ended(f"run-{day}")).wait(20)
    assert bench.work() == []
    bench.play(backfill_ended("b1")).wait(60)
    assert bench.work() == [[("orders", ("2025-01-01", "2026-01-01"))]]
    assert bench.told[0].publications == 365
    assert (bench.told[0].range_start, bench.told[0].range_end) == (
        START.replace(2025, 1, 1, 0),
        START.replace(2026, 1, 1, 0),
    )


def test_a_backfill_that_ends_before_its_last_run_is_told() -> None:
    bench = one().play(backfill_ended("b1"))
    bench.play(published("a", "run-1", "2026-01-01", backfill="b1"), ended()).wait(60)
    assert bench.work() == [[("orders", ("2026-01-01", "2026-01-02"))]]


def test_a_backfill_that_never_ends() -> None:
    """What it has published comes along with what is published a day later."""
    bench = one().play(published("a", "run-1", "2026-01-01", backfill="b1"), ended()).wait(90_000)
    bench.play(published("b", "run-2"), ended("run-2")).wait(60)
    assert bench.work() == [[("customers", None), ("orders", ("2026-01-01", "2026-01-02"))]]


def test_a_backfill_holds_up_nobody_else() -> None:
    bench = one().play(published("a", "run-1", "2026-01-01", backfill="b1"), ended())
    assert bench.play(published("b", "run-2"), ended("run-2")).wait(60).work() == [[("customers", None)]]


def test_a_burst() -> None:
    """What comes within the time is one refresh; the whole of a model outweighs any range."""
    bench = one()
    for number in range(5):
        key = f"2026-01-0{number + 1}"
        bench.play(published("a", f"run-{number}", key), ended(f"run-{number}")).wait(5)
    assert bench.wait(60).work() == [[("orders", ("2026-01-01", "2026-01-06"))]]
    bench.play(published("a", "x", "2026-02-01"), published("a", "x"), ended("x")).wait(60)
    assert bench.work()[1:] == [[("orders", None)]]


def test_one_at_a_time() -> None:
    """What is published while one is under way is next."""
    bench = Bench(RecordingLayer({"a": ("orders",)}, looks=3), wait=10, poll_every=20)
    bench.play(published("a"), ended()).wait(15)
    bench.play(published("a", "run-2", data_version="v2"), ended("run-2")).wait(20)
    bench.play(published("a", "run-3", data_version="v3"), ended("run-3"))
    assert (len(bench.layer.begun), bench.layer.looked, bench.told) == (1, [3], [])
    bench.wait(300)
    assert [event.publications for event in bench.told] == [1, 2]
    assert bench.layer.looked == [3, 2, 1, 3, 2, 1]
    assert [event.duration for event in bench.told] == [60, 60]
    assert bench.due == []


def test_a_failure_is_told_and_tried_again() -> None:
    bench = Bench(RecordingLayer({"a": ("orders",)}, errors=["no such cube"]))
    bench.play(published("a"), ended()).wait(60)
    (told,) = bench.told
    assert (told.event_type, str(told.error), told.model_names) == (
        "semantic.refresh_failed",
        "no such cube",
        ("orders",),
    )
    bench.wait(300)
    assert [event.event_type for event in bench.told] == ["semantic.refresh_failed", "semantic.refreshed"]
    assert [event.attempt for event in bench.told] == [0, 1]


def test_a_failure_that_lasts() -> None:
    """After a day it waits for the next publication, which has the rest with it."""
    bench = Bench(RecordingLayer({"a": ("orders",), "b": ("customers",)}, errors=["no"] * 5))
    bench.play(published("a"), ended()).wait(7 * 86_400)
    assert [event.event_type for event in bench.told] == ["semantic.refresh_failed"] * 5
    assert bench.due == []
    bench.play(published("b", "run-2"), ended("run-2")).wait(60)
    assert bench.work()[5:] == [[("customers", None), ("orders", None)]]
    assert bench.told[-1].event_type == "semantic.refreshed"


def test_news_do_not_wait_for_the_next_try() -> None:
    bench = Bench(RecordingLayer({"a": ("orders",), "b": ("customers",)}, errors=["no", "no"]))
    bench.play(published("a"), ended()).wait(400)
    bench.play(published("b", "run-2"), ended("run-2")).wait(31)
    assert bench.work()[2:] == [[("customers", None), ("orders", None)]]
    assert len(bench.wait(86_400).work()) == 3


@pytest.mark.parametrize("kind", [PermanentError, ConfigurationError])
def test_refused(kind: type[Exception]) -> None:
    """What can never succeed is told at once."""
    bench = Bench(RecordingLayer({"a": ("orders",)}, errors=[kind("no right to do so")]))
    bench.play(published("a"), ended()).wait(60)
    assert str(bench.told[0].error) == "no right to do so"


def test_down_for_a_while() -> None:
    """The relay tries again; nothing is told, and nothing begun twice."""
    bench = Bench(
        RecordingLayer(
            {"a": ("orders",)}, errors=[DeliveryError("down"), None, DeliveryError("down")], looks=2
        )
    )
    bench.play(published("a"), ended())
    with pytest.raises(DeliveryError):
        bench.wait(60)
    with pytest.raises(DeliveryError):
        bench.wait(60)
    assert bench.wait(60).told[0].event_type == "semantic.refreshed"
    assert len(bench.layer.begun) == 2


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (DeliveryError("down"), "down"),
        (KeyError("cubes"), "KeyError: `phlo-hooks deliveries` has what it said"),
    ],
)
def test_down_for_too_long(error: Exception, said: str) -> None:
    """Also where it answers what nobody has thought of."""
    bench = Bench(RecordingLayer({"a": ("orders",)}, errors=[error] * 2))
    bench.play(published("a"), ended())
    with pytest.raises(type(error)):
        bench.wait(60)
    bench.now += timedelta(hours=2)
    bench.wait(1)
    assert (bench.told[0].event_type, str(bench.told[0].error)) == ("semantic.refresh_failed", said)


def test_takes_too_long() -> None:
    bench = Bench(RecordingLayer({"a": ("orders",)}, looks=1000), give_up_after=60)
    bench.play(published("a"), ended()).wait(120)
    assert str(bench.told[0].error) == "it has not ended within 60 s"


def test_a_step_that_comes_twice() -> None:
    bench = one().play(published("a"), ended())
    (step,) = bench.due
    bench.wait(60)
    bench.hooks["refresh"].handler(step)
    assert (len(bench.layer.begun), len(bench.told)) == (1, 1)


def test_a_step_of_another_layer() -> None:
    bench = one().play(published("a"), ended())
    bench.hooks["refresh"].handler(bench.due[0].model_copy(update={"layer": "other"}))
    assert bench.layer.begun == []


def test_a_step_that_was_lost() -> None:
    """Its refresh is begun anew, with what is published next."""
    bench = Bench(RecordingLayer({"a": ("orders",), "b": ("customers",)}, looks=5))
    bench.play(published("a"), ended()).wait(32)
    bench.due.clear()
    bench.wait(5 * 86_400).play(published("b", "run-2"), ended("run-2")).wait(60)
    assert bench.work()[1:] == [[("customers", None), ("orders", None)]]


def test_an_event_that_comes_twice() -> None:
    """A relay that died after its commit."""
    bench = one()
    bench.play(published("a"), published("a"), ended(), ended(), published("a"), ended()).wait(600)
    assert (len(bench.work()), bench.told[0].publications) == (1, 1)
