"""A refresh: what Cube is asked to build, and what is said of it."""

from datetime import datetime, timezone

import pytest

from phlo_hooks.errors import DeliveryError, PermanentError, RetryLater
from phlo_hooks.events import PublishEvent, SchemaChangeEvent
from phlo_hooks.semantics import DateRange
from phlo_hooks_tests.capabilities.cube.datamodel import Cube, PreAggregation
from phlo_hooks_tests.capabilities.cube.server import CubeServer
from phlo_hooks_tests.capabilities.cube.shop import days, layer, refreshed, work

MARCH = days("2026-03-01", "2026-04-01")


@pytest.fixture
def server():
    with CubeServer() as server:
        yield server


def test_only_the_cube_that_depends_on_it(server):
    done = refreshed(layer(server), work(("orders", days("2026-03-02", "2026-03-03"))))
    assert (done.state, done.refreshed) == ("done", ("orders",))
    assert done.metrics == ("orders.count", "orders.revenue")
    assert server.built() == [("orders.all", ""), ("orders.daily", "2026-03-02")]
    assert done.details == {"partitions": 2, "built": ["orders.all", "orders.daily"], "nothing_to_build": []}


def test_it_is_waited_for(server):
    server.looks = 2
    resource, todo = layer(server), work("orders")
    progress = resource.begin(todo)
    assert (progress.state, progress.details["left"]) == ("running", 366)
    progress = resource.look(todo, progress.jobs)
    assert (progress.state, progress.details["left"]) == ("running", 366)
    assert resource.look(todo, resource.look(todo, progress.jobs).jobs).state == "done"
    assert server.asked() == ["meta", "post", "get", "get", "get"]


def test_what_is_done_is_not_asked_for_again(server):
    """A year by the hour has thousands of partitions."""
    resource, todo = layer(server), work("orders")
    progress = resource.begin(todo)
    for token, job in server.jobs.items():
        job.looks = 0 if token != next(iter(server.jobs)) else 2
    progress = resource.look(todo, progress.jobs)
    assert progress.details["left"] == 1
    assert len(server.server.requests[-1].json()["tokens"]) == 366
    resource.look(todo, progress.jobs)
    assert len(server.server.requests[-1].json()["tokens"]) == 1


def test_thousands_of_partitions(server):
    server.cubes = (Cube("orders", (PreAggregation("hourly", "hour"),)),)
    done = refreshed(layer(server), work("orders"))
    assert (done.state, done.details["partitions"]) == ("done", 365 * 24)
    assert max(len(each.json().get("tokens", ())) for each in server.server.requests[1:]) == 1000


def test_a_year_is_one_job(server):
    done = refreshed(layer(server), work(("orders", days("2026-01-01", "2027-01-01"))))
    assert done.state == "done"
    (posted,) = server.posted
    assert posted.window == ("2026-01-01T00:00:00.000", "2026-12-31T23:59:59.999")
    assert len(server.built()) == 365 + 1


def test_all_of_it(server):
    refreshed(layer(server), work("orders"))
    (posted,) = server.posted
    assert posted.window is None


def test_the_end_is_not_part_of_the_range(server):
    """Neither is the last hour left out, as a bare date would."""
    refreshed(layer(server, models={"events": ["e"]}), work(("events", days("2026-03-02", "2026-03-03"))))
    hours = sorted(job.window[0] for job in server.jobs.values())
    assert [f"2026-03-02T{hour:02}:00:00.000" for hour in range(24)] == hours


def test_models_of_the_same_time_share_a_job(server):
    refreshed(layer(server), work(("orders", MARCH), ("customers", MARCH)))
    (posted,) = server.posted
    assert posted.cubes == ("customers", "orders")
    assert len(server.built()) == 31 + 1 + 1


def test_models_of_another_time_do_not(server):
    refreshed(layer(server), work(("orders", MARCH), ("customers", days("2026-05-01", "2026-06-01"))))
    assert [(each.cubes, each.window[0][:7]) for each in server.posted] == [
        (("customers",), "2026-05"),
        (("orders",), "2026-03"),
    ]


def test_a_view_is_the_cubes_behind_it(server):
    done = refreshed(layer(server), work(("sales", MARCH)))
    assert (done.state, done.refreshed) == ("done", ("sales",))
    assert server.posted[0].cubes == ("customers", "orders")


def test_a_cube_behind_two_models_is_built_once(server):
    """For all that is new in either."""
    refreshed(
        layer(server),
        work(("orders", days("2026-03-02", "2026-03-03")), ("sales", days("2026-03-05", "2026-03-06"))),
    )
    windows = {each.cubes: (each.window[0][:10], each.window[1][:10]) for each in server.posted}
    assert windows == {
        ("customers",): ("2026-03-05", "2026-03-05"),
        ("orders",): ("2026-03-02", "2026-03-05"),
    }


def test_all_of_one_model_and_a_part_of_another(server):
    refreshed(layer(server), work(("orders", MARCH), "sales"))
    assert [each.window for each in server.posted] == [None]


def test_contexts_and_time_zones(server):
    tenants = [{"securityContext": {"tenant": name}} for name in ("a", "b")]
    resource = layer(server, contexts=tenants, timezones=["UTC", "Europe/Berlin"])
    refreshed(resource, work("customers"))
    (posted,) = server.posted
    assert (posted.timezones, list(posted.contexts)) == (("UTC", "Europe/Berlin"), tenants)
    assert len(server.jobs) == 12 * 2 * 2
    assert server.claims[0]["tenant"] == "a"


def test_each_time_zone_has_its_own_local_time(server):
    """A day of Berlin is parts of two days in UTC: both are built there, and one in Berlin."""
    resource = layer(server, timezones=["UTC", "Europe/Berlin", "Europe/Paris"])
    refreshed(resource, work(("orders", days("2026-03-29", "2026-03-30", "Europe/Berlin"))))
    assert [(each.timezones, each.window) for each in server.posted] == [
        (("UTC",), ("2026-03-28T23:00:00.000", "2026-03-29T21:59:59.999")),
        (("Europe/Berlin", "Europe/Paris"), ("2026-03-29T00:00:00.000", "2026-03-29T23:59:59.999")),
    ]
    built = {(job.timezone, job.window[0][:10]) for job in server.jobs.values() if job.window}
    assert {day for zone, day in built if zone == "UTC"} == {"2026-03-28", "2026-03-29"}
    assert {day for zone, day in built if zone == "Europe/Berlin"} == {"2026-03-29"}


def test_a_cube_without_pre_aggregations(server):
    done = refreshed(layer(server, models={"cities": ["c"]}), work("cities"))
    assert (done.state, done.refreshed, done.details["nothing_to_build"]) == ("done", ("cities",), ["cities"])
    assert server.asked() == ["meta"]


def test_no_partition_in_the_range(server):
    done = refreshed(layer(server), work(("customers", days("2020-01-01", "2020-01-02"))))
    assert (done.state, done.details["nothing_to_build"]) == ("done", ["customers"])


@pytest.mark.parametrize(
    ("model", "built"),
    {"of a view": ("books", [("ledger.all", "")]), "on its own": ("vault", [("vault.all", "")]), "joined": ("secrets", [])}.values(),
    ids=["of a view", "on its own", "joined, and nothing to build"],
)  # fmt: skip
def test_a_private_cube(server, model, built):
    """`/v1/meta` does not tell of it, and its pre-aggregations are there."""
    done = refreshed(layer(server, models={model: ["x"]}), work(model))
    assert (done.state, server.built()) == ("done", built)


def test_a_cube_that_is_missing(server):
    """Said by name; the others are built, and are with the next attempt again."""
    failed = refreshed(layer(server, models={"ordres": ["x"], "orders": ["x"]}), work("orders", "ordres"))
    assert failed.state == "failed"
    assert "cube 'ordres': Cube at http://127.0.0.1:" in failed.error
    assert "has no cube or view of this name" in failed.error
    assert (failed.refreshed, failed.details["refreshed"]) == ((), ["orders"])
    assert ("orders.all", "") in server.built()


def test_missing_after_a_schema_change(server):
    failed = layer(server, models={"ordres": ["x"]}).begin(work("ordres", recompile=True))
    assert (failed.state, failed.jobs) == ("failed", None)


def test_a_data_model_that_does_not_compile(server):
    server.compiles = "orders.yml: measures.revenue is invalid"
    with pytest.raises(DeliveryError, match="orders.yml: measures.revenue is invalid"):
        layer(server).begin(work("orders", recompile=True))


FAILURES = {
    "Cube's own message": ("failure: Table not found: marts.orders", "orders.daily: Table not found: marts.orders"),
    "no table": ("missing_partition", "orders.daily: Cube's build ended without a table (prod.orders_daily): its log says why"),
}  # fmt: skip


@pytest.mark.parametrize(("status", "words"), FAILURES.values(), ids=FAILURES)
def test_a_build_that_fails(server, status, words):
    server.failures = {"orders.daily": status}
    failed = refreshed(layer(server), work("orders", "customers"))
    assert (failed.state, failed.error) == ("failed", f"cube 'orders': {words}")
    assert (failed.refreshed, failed.details["refreshed"]) == ((), ["customers"])


def test_a_failure_ends_with_the_last_job(server):
    """Or the next attempt would find this one at work."""
    server.failures = {"customers.monthly": "failure: x"}
    resource, todo = layer(server), work("orders", "customers")
    progress = resource.begin(todo)
    for job in server.jobs.values():
        job.looks = 0 if job.cube == "customers" else 1
    progress = resource.look(todo, progress.jobs)
    assert (progress.state, progress.details["left"]) == ("running", 366)
    assert resource.look(todo, progress.jobs).state == "failed"


def test_a_view_fails_with_a_cube_behind_it(server):
    server.failures = {"customers.monthly": "failure: x"}
    failed = refreshed(layer(server), work("orders", "sales"))
    assert (failed.state, failed.details["refreshed"]) == ("failed", ["orders"])


def test_many_failures(server):
    server.cubes = tuple(Cube(f"c{n}", (PreAggregation("all"),)) for n in range(9))
    server.failures = {f"c{n}.all": f"failure: no {n}" for n in range(9)}
    names = [f"c{n}" for n in range(9)]
    failed = refreshed(layer(server, models={name: ["x"] for name in names}), work(*names))
    assert "cube 'c4': c4.all: no 4; and 4 more" in failed.error


def test_jobs_that_cube_has_forgotten(server):
    """It keeps them for a day, or until its cache is lost; the next attempt begins anew."""
    resource, todo = layer(server), work("orders")
    progress = resource.begin(todo)
    server.jobs.clear()
    failed = resource.look(todo, progress.jobs)
    assert failed.state == "failed"
    assert "Cube does not know the job any more" in failed.error


def test_a_pre_aggregation_that_was_removed_meanwhile(server):
    resource, todo = layer(server), work("orders")
    progress = resource.begin(todo)
    server.cubes = (Cube("orders", (PreAggregation("all"),)),)
    failed = resource.look(todo, resource.look(todo, progress.jobs).jobs)
    assert failed.error == "cube 'orders': orders.daily is no longer in the data model"


def test_a_named_data_source_of_an_older_cube(server):
    """Until 1.7.11 it says of what it builds there that its partition is missing."""
    server.old, server.looks = True, 3
    assert refreshed(layer(server, models={"lake": ["x"]}), work("lake")).state == "done"


def test_continue_wait(server):
    server.waits = 1
    assert refreshed(layer(server), work("customers")).state == "done"
    assert server.asked()[:3] == ["meta", "meta", "post"]


def test_continue_wait_without_end(server):
    """Cube is left alone for a moment, and asked again."""
    server.waits = 99
    with pytest.raises(RetryLater, match=r"is still busy with /v1/meta \(Continue wait\)"):
        layer(server, timeout=1.5).begin(work("customers"))


def test_the_scope_jobs_is_missing(server):
    server.scopes.remove("jobs")
    with pytest.raises(
        DeliveryError, match="403: API scope is missing: jobs: .* CUBEJS_DEFAULT_API_SCOPES"
    ) as caught:
        layer(server).begin(work("orders"))
    assert not isinstance(caught.value, PermanentError), "an operator can mend it"


def test_the_scope_meta_is_missing(server):
    server.scopes.remove("meta")
    with pytest.raises(
        DeliveryError, match="API scope is missing: meta: the token needs the API scope 'meta'"
    ):
        layer(server).begin(work("orders"))


def test_what_cube_refuses(server):
    """Its user's mistakes last; any other 400 may be a database that is down."""
    resource = layer(server)
    with pytest.raises(
        PermanentError, match="answered 400 to /v1/pre-aggregations/jobs: Invalid Job query format"
    ):
        resource.client().states(["a"]) and resource.client().build({"contexts": [], "timezones": ["UTC"]})


def test_refresh_of_an_event(server):
    resource = layer(server, poll_every=0.01)
    event = PublishEvent(
        event_type="publish.end", asset_key="marts/customers", correlation={"asset_key": "marts/customers"}
    )
    done = resource.refresh(event)
    assert (done.state, done.refreshed) == ("done", ("customers", "sales"))
    assert {name for name, _ in server.built()} == {"customers.monthly", "orders.all", "orders.daily"}
    changed = SchemaChangeEvent(event_type="schema.changed", asset_key="raw/x")
    assert resource.refresh(changed).refreshed == ("customers",)
    assert resource.refresh(SchemaChangeEvent(event_type="schema.changed", asset_key="else")).refreshed == ()


def test_the_hour_that_comes_twice(server):
    """On 25 October, 02:30 to 02:10 in Berlin: the day of both is built."""
    first, second = (
        datetime(2026, 10, 25, hour, minute, tzinfo=timezone.utc) for hour, minute in ((0, 30), (1, 10))
    )
    twice = DateRange(first, second, "Europe/Berlin")
    refreshed(layer(server, timezones=["Europe/Berlin"]), work(("orders", twice)))
    assert server.posted[0].window == ("2026-10-25T00:00:00.000", "2026-10-25T23:59:59.999")
