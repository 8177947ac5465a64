"""What Lightdash is asked to do, and what is made of its answers."""

from __future__ import annotations

import json

import pytest

from phlo_hooks.errors import DeliveryError, PermanentError, RetryLater
from phlo_hooks.testing import Fault
from phlo_hooks_tests.capabilities.lightdash.explores import broken, explore
from phlo_hooks_tests.capabilities.lightdash.helpers import refreshed, resource_on, work_on
from phlo_hooks_tests.capabilities.lightdash.server import Definition, Lightdash

DAILY, BY_STATUS, PER_CITY = (
    f"POST pre-aggregates/definitions/{name}/refresh" for name in ("daily", "by_status", "per_city")
)


def test_new_data_builds_the_pre_aggregates_of_the_explore_and_no_others(lightdash: Lightdash) -> None:
    progress = refreshed(resource_on(lightdash), work_on("orders"))
    assert (progress.state, progress.refreshed) == ("done", ("orders",))
    assert progress.details == {"pre_aggregates": ["by_status", "daily"]}
    assert lightdash.writes == [DAILY, BY_STATUS]
    assert [each.builds for each in lightdash.definitions] == [1, 1, 0]


def test_a_new_schema_is_compiled_before_anything_is_built(lightdash: Lightdash) -> None:
    progress = refreshed(resource_on(lightdash), work_on("customers", recompile=True))
    assert progress.state == "done"
    assert lightdash.writes == ["POST refresh", PER_CITY]
    (job, _) = lightdash.jobs
    assert progress.details == {"compilation": job, "pre_aggregates": ["per_city"]}


def test_nothing_is_built_while_it_compiles(lightdash: Lightdash) -> None:
    resource, work = resource_on(lightdash), work_on("orders", recompile=True)
    begun = resource.begin(work)
    looked = resource.look(work, begun.jobs)
    assert (begun.state, looked.state) == ("running", "running")
    assert looked.jobs == begun.jobs
    assert lightdash.writes == ["POST refresh"]


def test_what_is_needed_for_the_next_look_goes_through_json(lightdash: Lightdash) -> None:
    resource, work = resource_on(lightdash), work_on("orders", recompile=True)
    lightdash.repository = {"orders": lightdash.explores["orders"]}
    lightdash.definition("daily").error = "Unknown metric"
    progress = resource.begin(work)
    while progress.state == "running":
        assert json.loads(json.dumps(progress.jobs)) == progress.jobs
        progress = resource.look(work, json.loads(json.dumps(progress.jobs)))
    assert progress.error == "explore 'orders': pre-aggregate 'daily': it cannot be built: Unknown metric"


def test_a_job_that_has_ended_is_not_asked_again(lightdash: Lightdash) -> None:
    resource, work = resource_on(lightdash), work_on("orders")
    begun = resource.begin(work)
    first, second = begun.jobs["builds"]
    lightdash.jobs[first["job"]].left.clear()
    looked = resource.look(work, begun.jobs)
    assert looked.jobs["builds"] == [second]


def test_without_pre_aggregates_new_data_only_verifies(lightdash: Lightdash) -> None:
    progress = refreshed(resource_on(lightdash, pre_aggregates=False), work_on("orders"))
    assert (progress.state, lightdash.calls) == ("done", ["GET explores"])


def test_an_explore_without_pre_aggregates_is_done_at_once(lightdash: Lightdash) -> None:
    lightdash.definitions = [Definition("per_city", "customers")]
    progress = resource_on(lightdash).begin(work_on("orders"))
    assert (progress.state, lightdash.writes) == ("done", [])


def test_a_table_that_somebody_else_builds_is_left_alone(lightdash: Lightdash) -> None:
    lightdash.definition("daily").table = "rollups.daily"
    assert refreshed(resource_on(lightdash), work_on("orders")).state == "done"
    assert lightdash.writes == [BY_STATUS]


@pytest.mark.parametrize("status", [403, 404, 422])
def test_an_edition_without_pre_aggregates_says_so(lightdash: Lightdash, status: int) -> None:
    """The explores are up to date: they are computed from the tables themselves."""
    lightdash.edition = status
    progress = refreshed(resource_on(lightdash), work_on("orders"))
    assert progress.state == "done"
    assert f"left out: Lightdash answered {status} to GET" in progress.details["pre_aggregates"]
    assert "Enterprise" in progress.details["pre_aggregates"]


def test_what_the_cli_deploys_is_not_compiled_and_says_so(lightdash: Lightdash) -> None:
    lightdash.connection = "none"
    progress = refreshed(resource_on(lightdash), work_on("customers", recompile=True))
    assert (progress.state, lightdash.writes) == ("done", [PER_CITY])
    assert "`lightdash deploy`" in progress.details["compilation"]


def test_a_compilation_that_fails_says_at_which_step(lightdash: Lightdash) -> None:
    lightdash.compile_fails = "Column\n  amount not found"
    progress = refreshed(resource_on(lightdash), work_on("orders", recompile=True))
    assert progress.state == "failed"
    assert "could not compile" in str(progress.error)
    assert "Compiling: Column amount not found" in str(progress.error)
    assert lightdash.writes == ["POST refresh"]


def test_an_explore_that_does_not_compile_is_named_and_the_others_go_on(lightdash: Lightdash) -> None:
    lightdash.repository = {"orders": broken("orders", "no amount"), "customers": explore("customers")}
    progress = refreshed(resource_on(lightdash), work_on("orders", "customers", recompile=True))
    assert progress.state == "failed"
    assert progress.error == "explore 'orders': it does not compile: no amount"
    assert progress.details["refreshed"] == ["customers"]
    assert lightdash.writes == ["POST refresh", PER_CITY]


def test_an_explore_that_is_gone_is_named(lightdash: Lightdash) -> None:
    lightdash.repository = {"customers": explore("customers")}
    progress = refreshed(resource_on(lightdash), work_on("orders", recompile=True))
    assert (progress.state, progress.error) == (
        "failed",
        "explore 'orders': there is none of this name: see `phlo-hooks semantic list`",
    )


def test_a_build_that_fails_is_named_although_its_job_is_completed(lightdash: Lightdash) -> None:
    lightdash.definition("daily").fails = "warehouse is asleep"
    progress = refreshed(resource_on(lightdash), work_on("orders", "customers"))
    assert progress.error == "explore 'orders': pre-aggregate 'daily': warehouse is asleep"
    assert progress.details["refreshed"] == ["customers"]


def test_a_build_whose_job_crashes_is_named_once(lightdash: Lightdash) -> None:
    daily = lightdash.definition("daily")
    daily.job_fails, daily.latest = "out of memory", {"status": "failed", "errorMessage": "as before"}
    progress = refreshed(resource_on(lightdash), work_on("orders"))
    assert progress.error == "explore 'orders': pre-aggregate 'daily': out of memory"


def test_an_old_failure_of_what_was_not_built_now_is_no_failure(lightdash: Lightdash) -> None:
    lightdash.definition("per_city").latest = {"status": "failed", "errorMessage": "yesterday"}
    lightdash.definition("daily").table = "rollups.daily"
    lightdash.definition("daily").latest = {"status": "failed", "errorMessage": "yesterday"}
    assert refreshed(resource_on(lightdash), work_on("orders")).state == "done"


def test_two_definitions_of_one_name_are_not_built_by_chance(lightdash: Lightdash) -> None:
    lightdash.definitions.append(Definition("daily", "customers"))
    progress = refreshed(resource_on(lightdash), work_on("orders"))
    assert progress.state == "failed"
    assert "explore 'customers' has one of this name, too" in str(progress.error)
    assert lightdash.writes == [BY_STATUS]


def test_cached_results_are_forgotten_when_all_else_is_done(lightdash: Lightdash) -> None:
    lightdash.role = "admin"
    progress = refreshed(resource_on(lightdash, invalidate_cache=True), work_on("customers", recompile=True))
    assert lightdash.writes == ["POST refresh", PER_CITY, "POST results-cache/invalidate"]
    assert progress.details["results_cache"] == "invalidated at 2026-03-01T12:00:00.000Z"


def test_cached_results_are_kept_where_nothing_is_new(lightdash: Lightdash) -> None:
    lightdash.role, lightdash.explores = "admin", {}
    progress = refreshed(resource_on(lightdash, invalidate_cache=True), work_on("orders"))
    assert (progress.state, lightdash.writes) == ("failed", [])


def test_a_developer_may_not_forget_cached_results(lightdash: Lightdash) -> None:
    """The builds are not begun again at the next look."""
    resource = resource_on(lightdash, invalidate_cache=True)
    with pytest.raises(DeliveryError, match="403 to POST .*results-cache/invalidate"):
        refreshed(resource, work_on("orders"))
    assert lightdash.writes == [DAILY, BY_STATUS]


def test_names_are_percent_encoded(lightdash: Lightdash) -> None:
    lightdash.definitions = [Definition("a/b ü", "orders")]
    progress = refreshed(resource_on(lightdash), work_on("orders"))
    assert (progress.state, lightdash.definitions[0].builds) == ("done", 1)


def test_a_job_without_a_reason_has_one(lightdash: Lightdash) -> None:
    lightdash.definition("daily").job_fails = " "
    progress = refreshed(resource_on(lightdash), work_on("orders"))
    assert "Lightdash does not say why" in str(progress.error)


def test_a_long_reason_is_cut(lightdash: Lightdash) -> None:
    lightdash.compile_fails = "x" * 5000
    progress = refreshed(resource_on(lightdash), work_on("orders", recompile=True))
    assert len(str(progress.error)) < 700


@pytest.mark.parametrize(
    ("fields", "error", "says"),
    [
        ({"token": "another000token000"}, DeliveryError, "401"),
        ({"project": "00000000-0000-0000-0000-000000000000"}, PermanentError, "404"),
    ],
    ids=["token", "project"],
)
@pytest.mark.parametrize("recompile", [True, False])
def test_what_an_operator_has_to_mend(
    lightdash: Lightdash, fields: dict[str, str], error: type[Exception], says: str, recompile: bool
) -> None:
    with pytest.raises(error, match=f"Lightdash at {lightdash.url} answered {says}") as caught:
        resource_on(lightdash, **fields).begin(work_on("orders", recompile=recompile))
    assert type(caught.value) is error


@pytest.mark.parametrize("recompile", [True, False])
def test_a_role_that_may_not_is_no_missing_edition(lightdash: Lightdash, recompile: bool) -> None:
    lightdash.role = "viewer"
    with pytest.raises(
        DeliveryError, match=r"answered 403 to POST .*(project|pre-aggregate).*ForbiddenError"
    ) as caught:
        resource_on(lightdash).begin(work_on("orders", recompile=recompile))
    assert not isinstance(caught.value, PermanentError)


FAULTS = {
    "busy": (Fault.retry_after(7), RetryLater, "429"),
    "maintenance": (Fault.retry_after(9, 503), RetryLater, "503"),
    "crash": (Fault.answer(500, "oops"), DeliveryError, "500"),
    "gateway": (Fault.answer(502), DeliveryError, "502"),
    "hang": (Fault.hang(5), DeliveryError, "no complete answer within 0.3 s"),
    "reset": (Fault.reset(), DeliveryError, "Lightdash at"),
    "page": (Fault.answer(200, "<html>Sign in</html>"), DeliveryError, "no JSON"),
    "other": (Fault.answer(200, '{"ok": true}'), DeliveryError, "is url that of Lightdash"),
}


@pytest.mark.parametrize(("fault", "error", "says"), FAULTS.values(), ids=FAULTS)
def test_faults_at_the_beginning(
    lightdash: Lightdash, fault: Fault, error: type[DeliveryError], says: str
) -> None:
    resource, work = resource_on(lightdash, timeout=0.3), work_on("orders", recompile=True)
    lightdash.server.next(fault)
    with pytest.raises(error, match=says) as caught:
        resource.begin(work)
    assert type(caught.value) is error
    assert refreshed(resource_on(lightdash), work).state == "done"


@pytest.mark.parametrize(("fault", "error", "says"), FAULTS.values(), ids=FAULTS)
def test_faults_at_a_look_lose_nothing(
    lightdash: Lightdash, fault: Fault, error: type[DeliveryError], says: str
) -> None:
    """The same jobs are looked at the next time, and nothing is started twice."""
    resource, work = resource_on(lightdash, timeout=0.3), work_on("orders")
    begun = resource.begin(work)
    lightdash.server.next(fault)
    with pytest.raises(error, match=says):
        resource.look(work, begun.jobs)
    looked = begun
    while looked.state == "running":
        looked = resource_on(lightdash).look(work, looked.jobs)
    assert (looked.state, lightdash.writes) == ("done", [DAILY, BY_STATUS])


def test_a_pause_is_as_long_as_lightdash_asks(lightdash: Lightdash) -> None:
    lightdash.server.next(Fault.retry_after(7))
    with pytest.raises(RetryLater) as caught:
        resource_on(lightdash).begin(work_on("orders"))
    assert (caught.value.after, caught.value.pause) == (7.0, True)


def test_a_server_that_is_down(lightdash: Lightdash) -> None:
    lightdash.server.always(Fault.refuse())
    with pytest.raises(DeliveryError, match="Lightdash at"):
        resource_on(lightdash).begin(work_on("orders"))


def test_a_job_that_nobody_knows_is_permanent(lightdash: Lightdash) -> None:
    resource, work = resource_on(lightdash), work_on("orders")
    begun = resource.begin(work)
    lightdash.jobs.clear()
    with pytest.raises(PermanentError, match="404 to GET .*status, job "):
        resource.look(work, begun.jobs)
