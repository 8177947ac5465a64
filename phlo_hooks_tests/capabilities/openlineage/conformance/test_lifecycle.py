"""Every scene, run for real: each run begins once and ends once, as what it stands for did."""

# Dagster reads the annotations of `context`: they may not be strings here.

import contextlib
from contextvars import copy_context
from datetime import timedelta
from itertools import zip_longest

import dagster as dg
import pytest
from dagster._core.definitions.job_base import InMemoryJob
from dagster._core.execution.api import execute_run, execute_run_iterator

from phlo_hooks.capabilities.openlineage.run_ids import dagster_run_id
from phlo_hooks.envelope import utc_now
from phlo_hooks_tests.capabilities.openlineage import scenes
from phlo_hooks_tests.capabilities.openlineage.backend import Backend
from phlo_hooks_tests.capabilities.openlineage.conformance.driver import (
    QUIET,
    Played,
    catch_up,
    facet,
    names,
    on_openlineage,
    play,
    states_of,
)
from phlo_hooks_tests.capabilities.openlineage.lifecycle import is_terminal
from phlo_hooks_tests.capabilities.openlineage.scenes.definitions import asset, definitions
from phlo_hooks_tests.capabilities.openlineage.scenes.graphs import FAILED, NEVER_STARTED, SUCCEEDED, TEN
from phlo_hooks_tests.capabilities.openlineage.test_scenes import RUNS
from phlo_hooks_tests.e2e.speed import no_fsync
from phlo_hooks_tests.producers.recording import ASSET_JOB

pytestmark = QUIET

DONE, FAIL, ABORT = "START COMPLETE", "START FAIL", "START ABORT"

# What the backend is told, job by job, besides the Dagster run itself; all that is not named here is `DONE`.
TOLD: dict[str, dict[str, str]] = {
    "ten, one fails": {**dict.fromkeys(SUCCEEDED, DONE), FAILED: FAIL},
    "external": {"orders": DONE, "report": DONE},
    "external, alone": {"report": DONE},
    "optional, left out": {"always": DONE, "sometimes": ABORT, "after": DONE},
    "optional": {"always": DONE, "sometimes": DONE, "after": DONE},
    "multi-asset": dict.fromkeys(("orders", "rates", "refunds", "source", "staged"), DONE),
    "multi-asset, a part": {"orders": DONE, "staged": DONE},
    "retried": {"orders": DONE, "flaky": f"{FAIL} {FAIL} {DONE}", "after": DONE},
    "retried in vain": {"orders": DONE, "flaky": f"{FAIL} {FAIL} {FAIL}"},
    "several checks": {
        **dict.fromkeys(("raw_orders", "orders", "report"), DONE),
        **dict.fromkeys(("orders.has_rows", "orders.is_fresh", "orders.ids_are_unique"), DONE),
    },
    "check passes": {"orders": DONE, "orders.totals": DONE, "report": DONE},
    "check warns": {"orders": DONE, "orders.totals": DONE, "report": DONE},
    "check fails": {"orders": DONE, "orders.totals": DONE, "report": DONE},
    "check blocks": {"orders": DONE, "orders.totals": DONE},
    "check alone": {"orders.totals": DONE},
    "check crashes": {"orders": DONE, "orders.totals": FAIL},
    "observed": {"orders": DONE, "report": DONE},
    "op job": {"orders": DONE, "raw/events": DONE},
    "secrets": {"loaded": DONE, "loaded.connects": DONE, "broken": FAIL},
    "ten": dict.fromkeys(TEN, DONE),
    "weekly of days": {"weekly": DONE},
    "all of days": {"total": DONE},
    "multi": {"orders": DONE},
}
FAILED_RUNS = frozenset({"ten, one fails", "retried in vain", "check blocks", "check crashes", "secrets"})
# `wide` and the partitions have tests of their own, and `observe` is run by a daemon.
SCENES = [name for name in RUNS if name in TOLD]


@pytest.mark.parametrize("name", SCENES)
def test_each_attempt_begins_and_ends(name, backend):
    """Once each, and the run of Dagster around them; `check_lifecycle` holds over all of it."""
    build, job, options, _ = RUNS[name]
    played = play(backend, build(), job, **options)
    assert {job: FAIL if name in FAILED_RUNS else DONE, **TOLD[name]} == played.states


def test_planned_then_materialized(backend):
    """The start says which inputs and outputs are to come, and the end repeats them."""
    played = play(backend, scenes.external_deps())
    began, ended = played.of_job("report")
    for side in ("inputs", "outputs"):
        assert names(began[side]) == names(ended[side])
    assert began["run"]["runId"] == ended["run"]["runId"]
    assert began["eventTime"] < ended["eventTime"]


def test_only_one_of_ten_has_failed(backend):
    """With the user's own exception; those that were never tried are no runs, and their lineage stays."""
    everything = play(backend, scenes.ten_assets(fails=False))
    before = backend.graph()
    played = play(backend, scenes.ten_assets())
    assert [FAILED, ASSET_JOB] == [e["job"]["name"] for e in played.events if e["eventType"] == "FAIL"]
    error = facet(played.end(FAILED), "run.facets.errorMessage")
    assert "Broken: no such table: orders" == error["message"]
    assert "no such table" in facet(played.end(ASSET_JOB), "run.facets.errorMessage.message")
    assert not NEVER_STARTED & played.states.keys()
    assert before == backend.graph()
    assert {(up, name) for name, deps in TEN.items() for up in deps} == backend.graph().flows
    assert not {e["run"]["runId"] for e in everything.events} & {e["run"]["runId"] for e in played.events}


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        (lambda: scenes.optional_output(skips=False), scenes.optional_output),
        (lambda: scenes.retried(failures=0), lambda: scenes.retried(failures=9)),
    ],
    ids=["left out", "retried in vain"],
)
def test_no_end_takes_lineage_away(good, bad, backend):
    """Neither does an output that did not come, nor one that failed three times."""
    play(backend, good())
    before = backend.graph()
    play(backend, bad())
    assert before == backend.graph()


def test_an_output_that_did_not_come_has_not_failed(backend):
    """Nothing has."""
    played = play(backend, scenes.optional_output())
    assert not [event for event in played.events if event["eventType"] == "FAIL"]
    assert "errorMessage" not in played.end("sometimes")["run"]["facets"]


def test_each_attempt_is_a_run(backend):
    """With an id and an error of its own, under the one Dagster run."""
    ends = [e for e in play(backend, scenes.retried()).of_job("flaky") if is_terminal(e)]
    assert 3 == len({event["run"]["runId"] for event in ends})
    messages = [facet(event, "run.facets.errorMessage.message") for event in ends]
    assert ["Broken: attempt 1: connection reset", "Broken: attempt 2: connection reset", None] == messages
    assert 1 == len({facet(event, "run.facets.parent.run.runId") for event in ends})


def test_parent_and_root_of_an_asset_are_its_run(backend):
    """By the job that it is a run of."""
    played = play(backend, scenes.external_deps(), "only_report")
    run_id = dagster_run_id(played.result.run_id)
    assert run_id == played.end("only_report")["run"]["runId"]
    parent = facet(played.end("report"), "run.facets.parent")
    for each in (parent, parent["root"]):
        assert (run_id, "only_report") == (each["run"]["runId"], each["job"]["name"])


def test_a_run_that_is_executed_again(backend):
    """Is a run of its own; the first one is its parent, and the root of all that is in it."""
    with dg.DagsterInstance.ephemeral() as instance:
        first = play(backend, scenes.ten_assets(), instance=instance)
        origin = first.result.run_id
        tags = {"dagster/parent_run_id": origin, "dagster/root_run_id": origin}
        again = _again(backend, instance, origin, tags)
    assert origin == facet(again.end(ASSET_JOB), "run.facets.parent.run.runId")
    assert origin == facet(again.end(ASSET_JOB), "run.facets.parent.root.run.runId")
    parent = facet(again.end(FAILED), "run.facets.parent")
    assert (again.result.run_id, origin) == (parent["run"]["runId"], parent["root"]["run"]["runId"])
    assert first.end(FAILED)["run"]["runId"] != again.end(FAILED)["run"]["runId"]


def _again(backend, instance, origin, tags):
    hooked, before = on_openlineage(scenes.ten_assets(), backend), len(backend.events)
    job = hooked.resolve_job_def(ASSET_JOB)
    run = instance.create_run_for_job(job, parent_run_id=origin, root_run_id=origin, tags=tags)
    result = execute_run(InMemoryJob(job), run, instance)
    catch_up(hooked, instance)
    backend.check_lifecycle()
    return Played(result, backend.events[before:])


def interrupted(*, by_user: bool) -> dg.Definitions:
    """The process is interrupted in the middle of the second of three assets."""

    @dg.asset(deps=["orders"])
    def halfway(context: dg.AssetExecutionContext) -> None:
        if by_user:
            context.instance.report_run_canceling(context.run)
        raise KeyboardInterrupt

    return definitions(asset("orders"), halfway, asset("after", ["halfway"]))


@pytest.mark.parametrize(("by_user", "ends"), [(True, ABORT), (False, FAIL)], ids=["user", "machine"])
def test_canceled(by_user, ends, backend, instance):
    """Run and asset are aborted, and nothing has failed; Dagster calls it a failure where nobody asked for it."""
    hooked = on_openlineage(interrupted(by_user=by_user), backend)
    with pytest.raises(KeyboardInterrupt):
        hooked.resolve_job_def(ASSET_JOB).execute_in_process(instance=instance)
    catch_up(hooked, instance)
    backend.check_lifecycle()
    told = states_of(backend.events)
    assert (ends, DONE) == (told.pop(ASSET_JOB), told.pop("orders"))
    assert {"halfway": ABORT} == told
    assert ("orders", "halfway") in backend.graph().flows


def test_canceled_in_the_queue(backend, instance):
    """It never began: a backend still learns that it was there."""
    hooked = on_openlineage(scenes.ten_assets(), backend)
    run = instance.create_run_for_job(hooked.resolve_job_def(ASSET_JOB))
    instance.report_run_canceled(run)
    catch_up(hooked, instance)
    backend.check_lifecycle()
    assert {ASSET_JOB: ABORT} == states_of(backend.events)


# The output of a process can be captured for one run alone.
NO_CAPTURE = {
    "compute_logs": {
        "module": "dagster._core.storage.noop_compute_log_manager",
        "class": "NoOpComputeLogManager",
    }
}


def test_two_runs_at_once(backend):
    """Their events come in turn; each is told by itself, and in its own order."""
    with no_fsync(), dg.instance_for_test(overrides=NO_CAPTURE) as instance:
        # In a context of its own: what one run sets, Dagster resets in the other, and the last step stays set.
        run_ids = copy_context().run(_in_turn, backend, instance)
    backend.check_lifecycle()
    for run_id in run_ids:
        told = states_of(_of(backend.events, run_id))
        assert {ASSET_JOB: DONE, "orders": DONE, "flaky": f"{FAIL} {DONE}", "after": DONE} == told
    assert 2 * 10 == len(backend.events)


def _in_turn(backend, instance):
    hooked = on_openlineage(scenes.retried(failures=1), backend)
    job = hooked.resolve_job_def(ASSET_JOB)
    runs = [instance.create_run_for_job(job) for _ in range(2)]
    for _ in zip_longest(*[execute_run_iterator(InMemoryJob(job), run, instance) for run in runs]):
        """A step of the one, a step of the other."""
    catch_up(hooked, instance)
    return {run.run_id for run in runs}


def _of(events, run_id):
    return [
        event
        for event in events
        if run_id in (event["run"]["runId"], facet(event, "run.facets.parent.run.runId"))
    ]


# -- what is seldom seen -----------------------------------------------------------------------------------------


def test_materialized_and_then_failed(backend):
    """The table is there, whatever the step did afterwards: it has been completed, and never fails after that."""

    @dg.multi_asset(specs=[dg.AssetSpec("first", deps=["orders"]), dg.AssetSpec("second", deps=["orders"])])
    def both():
        yield dg.MaterializeResult("first")
        raise RuntimeError("the disk is full")

    played = play(backend, definitions(asset("orders"), both))
    assert {ASSET_JOB: FAIL, "orders": DONE, "first": DONE, "second": FAIL} == played.states
    assert "the disk is full" in facet(played.end("second"), "run.facets.errorMessage.message")


def test_materialized_twice_in_one_step(backend):
    """One run, one end; what is said besides comes as news of that run."""

    @dg.asset
    def twice(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        context.log_event(dg.AssetMaterialization("twice", metadata={"dagster/row_count": 1}))
        return dg.MaterializeResult(metadata={"dagster/row_count": 2})

    played = play(backend, definitions(twice))
    assert f"{DONE} OTHER" == played.states["twice"]


def test_several_ops_make_one_asset(backend):
    """One run, from the beginning of the last op, which makes it."""

    @dg.op
    def read() -> int:
        return 3

    @dg.op
    def write(rows: int) -> None: ...

    @dg.graph_asset
    def written() -> None:
        return write(read())

    played = play(backend, definitions(written))
    assert {ASSET_JOB: DONE, "written": DONE} == played.states


def test_a_resource_that_cannot_be_had(backend, instance):
    """No step has begun: the run has failed, with the reason, and no asset has."""

    @dg.resource
    def warehouse() -> None:
        raise ConnectionError("no route to the warehouse")

    @dg.asset(required_resource_keys={"warehouse"})
    def orders() -> None: ...

    played = play(backend, definitions(orders, resources={"warehouse": warehouse}), instance=instance)
    assert {ASSET_JOB: FAIL} == played.states
    assert "warehouse" in facet(played.end(ASSET_JOB), "run.facets.errorMessage.message")


def test_a_run_that_could_not_be_launched(backend, instance):
    """It has a start all the same, or nobody would know what has failed."""
    hooked = on_openlineage(scenes.ten_assets(), backend)
    run = instance.create_run_for_job(hooked.resolve_job_def(ASSET_JOB))
    instance.report_run_failed(run, "no such image")
    catch_up(hooked, instance)
    backend.check_lifecycle()
    assert {ASSET_JOB: FAIL} == states_of(backend.events)


def test_a_worker_that_died(backend, instance):
    """Dagster finds out and fails the run: what had begun has failed, and what had not is not told."""

    @dg.asset(deps=["orders"])
    def killed(context: dg.AssetExecutionContext) -> None:
        context.instance.report_run_failed(context.run, "run worker died")
        raise SystemExit

    hooked = on_openlineage(definitions(asset("orders"), killed, asset("after", ["killed"])), backend)
    with contextlib.suppress(SystemExit):
        hooked.resolve_job_def(ASSET_JOB).execute_in_process(instance=instance, raise_on_error=False)
    catch_up(hooked, instance)
    backend.check_lifecycle()
    told = states_of(backend.events)
    assert (FAIL, DONE, FAIL) == tuple(told.pop(name) for name in (ASSET_JOB, "orders", "killed"))
    assert {} == told


def test_told_again_is_the_same(backend, instance):
    """By whoever reads the same log once more, with a memory of its own: the same runs, the same ends."""
    scene = scenes.retried(failures=1)
    first = play(backend, scene, instance=instance)
    with Backend() as other:
        folder = f"sqlite:///{instance.root_directory}/another.db"
        again = on_openlineage(scene, other, store=folder, since=utc_now() - timedelta(hours=1))
        catch_up(again, instance)
        assert _ends(first.events) == _ends(other.events)


def _ends(events):
    return {event["run"]["runId"]: event["eventType"] for event in events if is_terminal(event)}
