"""What capabilities are told of the jobs, from definitions of every kind that Dagster has."""

import logging
from collections.abc import Iterator
from typing import Any

import dagster as dg
import pytest

from phlo_hooks import with_hooks
from phlo_hooks.assets import JobInfo, TaskInfo
from phlo_hooks.producers.asset_graph import DefinedAssets
from phlo_hooks.producers.catalog import Catalog
from phlo_hooks.redaction import Redactor

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::dagster.BetaWarning"),
    pytest.mark.filterwarnings("ignore::dagster.PreviewWarning"),
]

CANARY = "canary-5b1e07"


@dg.op
def fetch() -> int:
    """Something to begin with."""
    return 1


@dg.op
def add(value: int) -> int:
    """Something that waits."""
    return value


@dg.asset(key_prefix="raw")
def orders() -> None: ...


@dg.multi_asset(specs=[dg.AssetSpec("big", deps=[orders]), dg.AssetSpec("small")], can_subset=True)
def split() -> Iterator[dg.MaterializeResult[Any]]:
    yield dg.MaterializeResult("big")


@dg.graph_asset
def scored(big: int) -> int:
    return add(add.alias("prepare")(big))


@dg.asset(deps=["small", scored])
def report() -> None: ...


@dg.asset_check(asset=report)
def not_empty() -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=True)


def graph(defs: dg.Definitions, *secrets: str) -> DefinedAssets:
    """What a capability is told of these definitions."""
    catalog = Catalog(defs.assets or (), jobs=defs.resolve_all_job_defs)
    return DefinedAssets(catalog, Redactor(secrets))


def definitions(*jobs: Any, **options: Any) -> dg.Definitions:
    """All the assets, in these jobs."""
    return dg.Definitions(
        assets=[orders, split, scored, report], asset_checks=[not_empty], jobs=jobs, **options
    )


def test_an_asset_job() -> None:
    """Its tasks are the steps of its assets and checks, by the keys that a run has; with what it selects."""
    job = dg.define_asset_job(
        "nightly", selection=["raw/orders", "big", "scored", "report"], description="All."
    )
    (told,) = graph(definitions(job)).jobs()
    assert told == JobInfo(
        "nightly",
        "All.",
        {},
        (
            TaskInfo("raw__orders", (), ("raw/orders",)),
            TaskInfo("report", ("scored.add",), ("report",)),
            TaskInfo("report_not_empty", ("report",)),
            TaskInfo("scored.add", ("scored.prepare",), ("scored",)),
            TaskInfo("scored.prepare", ("split",)),
            TaskInfo("split", ("raw__orders",), ("big",)),
        ),
    )


def test_an_op_job() -> None:
    """Its ops, those within a graph too, and no assets."""

    @dg.graph
    def twice(value: int) -> int:
        return add.alias("again")(add(value))

    @dg.job(description="Ops.", tags={"team": "core", "dagster/priority": "3"})
    def plain() -> None:
        add.alias("last")(twice(fetch()))

    assert graph(dg.Definitions(jobs=[plain])).jobs() == (
        JobInfo(
            "plain",
            "Ops.",
            {"team": "core"},
            (
                TaskInfo("fetch"),
                TaskInfo("last", ("twice.again",)),
                TaskInfo("twice.add", ("fetch",)),
                TaskInfo("twice.again", ("twice.add",)),
            ),
        ),
    )


def test_dynamic_steps_are_one_task() -> None:
    """How many there are, only a run knows."""

    @dg.op(out=dg.DynamicOut())
    def spread() -> Iterator[dg.DynamicOutput[int]]:
        yield dg.DynamicOutput(1, "a")

    @dg.op
    def sum_up(values: list[int]) -> int:
        return sum(values)

    @dg.job
    def dynamic() -> None:
        sum_up(spread().map(add).collect())

    (told,) = graph(dg.Definitions(jobs=[dynamic])).jobs()
    assert told.tasks == (TaskInfo("add", ("spread",)), TaskInfo("spread"), TaskInfo("sum_up", ("add",)))


def test_jobs_that_only_a_schedule_or_a_sensor_has() -> None:
    """They run as any other does; the job that Dagster makes for all assets is nobody's."""

    @dg.job
    def ticking() -> None:
        fetch()

    schedule = dg.ScheduleDefinition(
        job=dg.define_asset_job("hourly", ["raw/orders"]), cron_schedule="@hourly"
    )

    @dg.sensor(job=ticking)
    def watching() -> None: ...

    told = graph(definitions(schedules=[schedule], sensors=[watching])).jobs()
    assert [job.name for job in told] == ["hourly", "ticking"]
    assert graph(definitions()).jobs() == ()


def test_the_fingerprint_is_that_of_the_jobs_too() -> None:
    """Another name, tag, op or selection is another fingerprint; the same again is the same."""

    def fingerprint(*jobs: Any) -> str:
        return graph(definitions(*jobs)).fingerprint()

    one = dg.define_asset_job("one", ["raw/orders"])
    others = [
        fingerprint(),
        fingerprint(one),
        fingerprint(dg.define_asset_job("two", ["raw/orders"])),
        fingerprint(dg.define_asset_job("one", ["raw/orders", "big"])),
        fingerprint(dg.define_asset_job("one", ["raw/orders"], tags={"tier": "gold"})),
    ]
    assert len(set(others)) == len(others)
    assert fingerprint(dg.define_asset_job("one", ["raw/orders"])) == others[1]


def test_no_secret_is_told() -> None:
    """Neither in a description nor in a tag."""
    job = dg.define_asset_job(
        "nightly", ["raw/orders"], description=f"uses {CANARY}", tags={"key": CANARY, "password": "hunter2"}
    )
    (told,) = graph(definitions(job), CANARY).jobs()
    assert CANARY not in repr(told)
    assert "hunter2" not in repr(told)
    assert told.tags.keys() >= {"key"}


def test_what_cannot_be_resolved(caplog: pytest.LogCaptureFixture) -> None:
    """Its events are told all the same: jobs are then none, and the log says why."""

    @dg.asset(required_resource_keys={"warehouse"})
    def needy() -> None: ...

    made = graph(dg.Definitions(assets=[needy], jobs=[dg.define_asset_job("nightly")]))
    with caplog.at_level(logging.WARNING, "phlo_hooks.assets"):
        assert made.jobs() == ()
        assert made.keys() == ("needy",)
    assert "jobs of the definitions cannot be told" in caplog.text
    assert "warehouse" in caplog.text


def test_on_the_bus() -> None:
    """The definitions that `with_hooks` gives back are those whose jobs are told, with the bus's resource."""
    hooked = with_hooks(definitions(dg.define_asset_job("nightly", ["raw/orders"])))
    runtime = (hooked.resources or {})["hooks"].runtime
    with dg.DagsterInstance.ephemeral() as instance:
        assert [job.name for job in runtime.assets(instance).jobs()] == ["nightly"]
    assert hooked.has_resolved_repository_def()
