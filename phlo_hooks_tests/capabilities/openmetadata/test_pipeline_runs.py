"""What runs come to in OpenMetadata: real ones, told event by event."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from phlo_hooks import HookEvent
from phlo_hooks_tests.capabilities.openmetadata.flow import (
    PAGE,
    QUIET,
    Broken,
    World,
    asset,
    definitions,
    deployment,
    recorded,
    runs,
    states,
    world,
)
from phlo_hooks_tests.capabilities.openmetadata.server import OpenMetadataServer
from phlo_hooks_tests.producers.recording import runtime_of

__all__ = ["world"]

pytestmark = QUIET

NIGHTLY = dg.define_asset_job("nightly")


def chain(*, fails: str = "", **options: Any) -> dg.Definitions:
    """`orders`, `report` from it, and `letters` from that; one of them may fail. In the job `nightly`."""
    names: Sequence[tuple[str, list[str]]] = [("orders", []), ("report", ["orders"]), ("letters", ["report"])]
    broken = {fails: "no such table: x"}
    made = [asset(name, deps, fails=broken.get(name, ""), **options) for name, deps in names]
    return definitions(*made, jobs=[NIGHTLY])


def one_run(server: OpenMetadataServer, pipeline: str) -> dict[str, Any]:
    """The only run of a pipeline."""
    (found,) = runs(server, pipeline)
    return found


def of_type(events: Sequence[HookEvent], event_type: str) -> Any:
    """The only event of a type."""
    (found,) = [event for event in events if event.event_type == event_type]
    return found


def milliseconds(when: datetime) -> int:
    return int(when.timestamp() * 1000)


def status_writes(server: OpenMetadataServer) -> list[str]:
    """The pipelines whose runs were written, in order."""
    return [each.path.split("/")[1] for each in server.writes if each.path.endswith("/status")]


def test_a_run_of_a_job(server: OpenMetadataServer, world: World) -> None:
    """Its times, those of its tasks, and links to all of them."""
    events = world.run(chain(), "nightly")
    run = one_run(server, "nightly")
    began, ended = of_type(events, "run.start"), of_type(events, "run.success")
    assert run["executionStatus"] == "Successful"
    assert run["timestamp"] == milliseconds(began.timestamp)
    assert run["endTime"] == milliseconds(ended.timestamp)
    assert states(run) == dict.fromkeys(["letters", "orders", "report"], "Successful")
    for task in run["taskStatus"]:
        assert run["timestamp"] <= task["startTime"] <= task["endTime"] <= run["endTime"]
        name = task["name"]
        assert task["logLink"] == f"{PAGE}/runs/{ended.run_id}?selection={name}&logs=step%3A{name}"
    assert run["executionId"] == ended.run_id
    assert run["parameters"] == {"run_url": f"{PAGE}/runs/{ended.run_id}", "launched_by": "manual"}
    assert runs(server, "group:default") == []


def test_a_running_run_is_pending(server: OpenMetadataServer, world: World) -> None:
    """From its start on; what its tasks do is told at its end. So there are two requests, not one for each step."""
    with recorded(chain()) as (hooked, instance, spy):
        hooked.resolve_job_def("nightly").execute_in_process(instance=instance)
        kept = [event for event in spy.events if event.event_type != "run.success"]
        world.tell(hooked, instance, kept)
        pending = one_run(server, "nightly")
        assert (pending["executionStatus"], pending["taskStatus"]) == ("Pending", [])
        assert "endTime" not in pending
        world.tell(hooked, instance, [of_type(spy.events, "run.success")])
    assert one_run(server, "nightly")["executionStatus"] == "Successful"
    assert status_writes(server) == ["dagster.nightly"] * 2


def test_the_same_events_again_write_nothing(server: OpenMetadataServer, world: World) -> None:
    """Nor does a process that has forgotten everything but what the store keeps."""
    with recorded(chain(fails="report")) as (hooked, instance, spy):
        hooked.resolve_job_def("nightly").execute_in_process(instance=instance, raise_on_error=False)
        world.tell(hooked, instance, spy.events)
        before = one_run(server, "nightly")
        server.reset_counts()
        for events in (spy.events, list(reversed(spy.events))):
            world.tell(hooked, instance, events)
    assert status_writes(server) == []
    assert one_run(server, "nightly") == before


def test_a_failing_step(server: OpenMetadataServer, world: World) -> None:
    """The step has failed, what was behind it was skipped, and why is told."""
    events = world.run(chain(fails="report"), "nightly")
    run = one_run(server, "nightly")
    assert run["executionStatus"] == "Failed"
    assert states(run) == {"orders": "Successful", "report": "Failed", "letters": "Skipped"}
    assert run["error"] == {"errorType": "Broken", "errorMessage": "no such table: x", "failedTask": "report"}
    assert run["endTime"] == milliseconds(of_type(events, "run.failure").timestamp)
    (skipped,) = [task for task in run["taskStatus"] if task["name"] == "letters"]
    assert {"startTime", "endTime"}.isdisjoint(skipped)


def test_a_run_of_assets_without_a_job(server: OpenMetadataServer, world: World) -> None:
    """It is one of each group that has assets in it, and each has its own outcome."""
    defs = definitions(
        asset("orders", group_name="sales"),
        asset("report", ["orders"], group_name="sales", fails="no such table"),
        asset("customers", group_name="crm"),
        asset("letters", ["report"], group_name="mail"),
    )
    world.run(defs)
    assert {
        group: (
            one_run(server, f"group:{group}")["executionStatus"],
            states(one_run(server, f"group:{group}")),
        )
        for group in ("sales", "crm", "mail")
    } == {
        "sales": ("Failed", {"orders": "Successful", "report": "Failed"}),
        "crm": ("Successful", {"customers": "Successful"}),
        "mail": ("Skipped", {"letters": "Skipped"}),
    }


def test_a_part_of_the_assets(server: OpenMetadataServer, world: World) -> None:
    """Tasks that are not in the run are not told."""
    world.run(chain(), asset_selection=[dg.AssetKey("report")])
    assert states(one_run(server, "group:default")) == {"report": "Successful"}


def test_retries_of_a_step(server: OpenMetadataServer, world: World) -> None:
    """The last attempt counts."""
    tries: list[int] = []

    @dg.asset(retry_policy=dg.RetryPolicy(max_retries=2))
    def flaky() -> None:
        tries.append(1)
        if len(tries) < 3:
            raise Broken("connection reset")

    world.run(definitions(flaky, jobs=[NIGHTLY]), "nightly")
    run = one_run(server, "nightly")
    assert len(tries) == 3
    assert (run["executionStatus"], states(run)) == ("Successful", {"flaky": "Successful"})
    assert "error" not in run


def test_multi_assets_and_checks(server: OpenMetadataServer, world: World) -> None:
    """One step is one task of a job, and a check with a step of its own is one, too; in a group, assets are."""
    specs = [dg.AssetSpec("big"), dg.AssetSpec("small", skippable=True), dg.AssetSpec("broken", deps=["big"])]

    @dg.multi_asset(specs=specs)
    def split() -> Iterator[dg.MaterializeResult[Any]]:
        yield dg.MaterializeResult("big")
        raise Broken("halfway")

    @dg.asset_check(asset="other")
    def is_fresh() -> dg.AssetCheckResult:
        return dg.AssetCheckResult(passed=False)

    defs = definitions(split, asset("other"), asset_checks=[is_fresh], jobs=[NIGHTLY])
    world.run(defs, "nightly")
    assert states(one_run(server, "nightly")) == {
        "split": "Failed",
        "other": "Successful",
        "other_is_fresh": "Successful",
    }
    world.run(defs)
    assert states(one_run(server, "group:default")) == {
        "big": "Successful",
        "small": "Failed",
        "broken": "Failed",
        "other": "Successful",
    }


def test_an_op_job(server: OpenMetadataServer, world: World) -> None:
    """Of ops no event tells when they ran: the run is told, and of a failed one, what failed and was skipped."""

    @dg.op(config_schema={"fails": bool})
    def fetch(context: dg.OpExecutionContext) -> int:
        if context.op_config["fails"]:
            raise Broken("no such file")
        return 1

    @dg.op
    def load(value: int) -> int:
        return value

    @dg.job
    def by_hand() -> None:
        load.alias("again")(load(fetch()))

    defs = definitions(jobs=[by_hand])
    for fails in (False, True):
        world.run(defs, "by_hand", run_config={"ops": {"fetch": {"config": {"fails": fails}}}})
    failed, good = runs(server, "by_hand")
    assert (good["executionStatus"], good["taskStatus"]) == ("Successful", [])
    assert failed["executionStatus"] == "Failed"
    assert states(failed) == {"fetch": "Failed", "load": "Skipped", "again": "Skipped"}
    assert failed["error"]["failedTask"] == "fetch"


@pytest.mark.parametrize(
    ("by_user", "state"), [(True, "Skipped"), (False, "Failed")], ids=["user", "machine"]
)
def test_a_canceled_run(server: OpenMetadataServer, world: World, by_user: bool, state: str) -> None:
    """OpenMetadata has no word for what somebody has canceled: skipped. An interrupted process has failed."""

    @dg.asset(deps=["orders"])
    def report(context: dg.AssetExecutionContext) -> None:
        if by_user:
            context.instance.report_run_canceling(context.run)
        raise KeyboardInterrupt

    defs = definitions(asset("orders"), report, asset("letters", ["report"]), jobs=[NIGHTLY])
    with recorded(defs) as (hooked, instance, spy):
        with pytest.raises(KeyboardInterrupt):
            hooked.resolve_job_def("nightly").execute_in_process(instance=instance)
        world.tell(hooked, instance, spy.events)
    run = one_run(server, "nightly")
    assert run["executionStatus"] == state
    assert states(run) == {"orders": "Successful", "report": state, "letters": "Skipped"}


def test_a_run_that_was_canceled_in_the_queue(server: OpenMetadataServer, world: World) -> None:
    """It never began: its end is its key."""
    with recorded(chain()) as (hooked, instance, spy):
        run = instance.create_run_for_job(hooked.resolve_job_def("nightly"))
        instance.report_run_canceled(run)
        runtime_of(hooked).finish(instance, run.run_id)
        world.tell(hooked, instance, spy.events)
        end = of_type(spy.events, "run.canceled")
    told = one_run(server, "nightly")
    assert told["executionStatus"] == "Skipped"
    assert told["timestamp"] == told["endTime"] == milliseconds(end.timestamp)


def test_partitions_and_backfills(server: OpenMetadataServer, world: World) -> None:
    """Each run of a backfill is one of the pipeline's, and says which partition it is about."""
    days = dg.DailyPartitionsDefinition("2026-01-01", end_date="2026-02-01")
    defs = definitions(asset("orders", partitions_def=days), jobs=[NIGHTLY])
    for day in ("2026-01-01", "2026-01-02", "2026-01-03"):
        world.run(defs, "nightly", partition_key=day, tags={"dagster/backfill": "b1"})
    told = [run["parameters"] for run in reversed(runs(server, "nightly"))]
    assert [each["partition_key"] for each in told] == ["2026-01-01", "2026-01-02", "2026-01-03"]
    assert {each["backfill_id"] for each in told} == {"b1"}


def test_runs_of_one_millisecond(server: OpenMetadataServer, world: World) -> None:
    """Their start is their key there: the second one takes the next millisecond that is free."""
    instant = datetime(2026, 1, 1, tzinfo=timezone.utc)
    with recorded(chain()) as (hooked, instance, spy):
        for _ in range(3):
            hooked.resolve_job_def("nightly").execute_in_process(instance=instance)
        at_once = [
            event.model_copy(update={"timestamp": instant}) if event.event_type == "run.start" else event
            for event in spy.events
        ]
        world.tell(hooked, instance, [*at_once, *at_once])
    start = milliseconds(instant)
    assert [run["timestamp"] for run in runs(server, "nightly")] == [start + 2, start + 1, start]
    assert {run["executionStatus"] for run in runs(server, "nightly")} == {"Successful"}


def test_a_start_that_comes_after_the_end(server: OpenMetadataServer, world: World) -> None:
    """Replayed, or from before the resource was there: the run is one run."""
    with recorded(chain()) as (hooked, instance, spy):
        hooked.resolve_job_def("nightly").execute_in_process(instance=instance)
        world.tell(hooked, instance, [each for each in spy.events if each.event_type != "run.start"])
        world.tell(hooked, instance, [of_type(spy.events, "run.start")])
    assert one_run(server, "nightly")["executionStatus"] == "Successful"


def test_a_task_that_the_server_does_not_know_yet(server: OpenMetadataServer, world: World) -> None:
    """A name that is no task is refused there: the pipeline is brought up to date before."""
    world.sync(definitions(asset("orders"), jobs=[NIGHTLY]))
    world.run(chain(), "nightly")
    assert states(one_run(server, "nightly")).keys() == {"orders", "report", "letters"}


def test_a_pipeline_that_changes_while_a_run_goes_on(server: OpenMetadataServer, world: World) -> None:
    """Its tasks were taken out, or it was deleted for good: it is made right again, and the end is told."""
    with recorded(chain()) as (hooked, instance, spy):
        hooked.resolve_job_def("nightly").execute_in_process(instance=instance)
        end = of_type(spy.events, "run.success")
        world.tell(hooked, instance, [event for event in spy.events if event is not end])
        server.edit("pipeline", "dagster.nightly", [{"op": "replace", "path": "/tasks", "value": []}])
        world.tell(hooked, instance, [end])
    assert len(states(one_run(server, "nightly"))) == 3


def test_dynamic_steps_are_one_task(server: OpenMetadataServer, world: World) -> None:
    """Whichever of them failed, the task has."""

    @dg.op(out=dg.DynamicOut())
    def spread() -> Iterator[dg.DynamicOutput[int]]:
        yield dg.DynamicOutput(1, "a")
        yield dg.DynamicOutput(2, "b")

    @dg.op
    def work(value: int) -> int:
        if value == 2:
            raise Broken("two")
        return value

    @dg.job
    def dynamic() -> None:
        spread().map(work)

    world.run(definitions(jobs=[dynamic]), "dynamic")
    assert states(one_run(server, "dynamic")) == {"work": "Failed"}


def test_a_server_that_is_down(
    server: OpenMetadataServer, world: World, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """What happened meanwhile is told when it is back, and nothing twice."""
    server.fail("PUT", "/status$", 503, times=1)
    with deployment(world, chain(), tmp_path) as deployed:
        assert deployed.run("nightly").success
        assert deployed.settle() == []
    assert "openmetadata.pipelines failed on run.start" in caplog.text
    run = one_run(server, "nightly")
    assert (run["executionStatus"], len(run["taskStatus"])) == ("Successful", 3)
    assert status_writes(server) == ["dagster.nightly"] * 2


def test_a_right_that_is_missing(server: OpenMetadataServer, world: World, tmp_path: Path) -> None:
    """A 403 is tried again, with the server's own words and what it is about."""
    server.permissions.deny("EditStatus")
    with deployment(world, chain(), tmp_path) as deployed:
        run_id = deployed.run("nightly").run_id
        (failed,) = [each for each in deployed.tick() if each.startswith("run.start")]
        assert "openmetadata.pipelines retrying" in failed
        assert (
            f"403 to PUT /pipelines/dagster.nightly/status, run {run_id} of pipeline dagster.nightly"
            in failed
        )
        assert "[EditStatus] not allowed" in failed
        assert server.token not in failed


def test_no_secret_is_told(server: OpenMetadataServer, world: World, tmp_path: Path) -> None:
    """Neither in an error's words nor in a description."""
    canary = "canary-9d2c"

    class Warehouse(dg.ConfigurableResource[Any]):
        password: str

    @dg.asset(description=f"Uses {canary}.")
    def orders(warehouse: Warehouse) -> None:
        raise Broken(f"cannot log in with {warehouse.password}")

    defs = definitions(orders, jobs=[NIGHTLY], resources={"warehouse": Warehouse(password=canary)})
    with deployment(world, defs, tmp_path) as deployed:
        deployed.run("nightly")
        assert deployed.tick() == []
    assert one_run(server, "nightly")["executionStatus"] == "Failed"
    assert canary not in repr([each.body for each in server.requests])
