"""Jobs and asset groups as pipelines, in a server that people write to as well."""

from typing import Any

import dagster as dg
import pytest

from phlo_hooks.errors import DeliveryError, PermanentError
from phlo_hooks_tests.capabilities.openmetadata.flow import PAGE, QUIET, World, asset, definitions, world
from phlo_hooks_tests.capabilities.openmetadata.server import OpenMetadataServer

__all__ = ["world"]

pytestmark = QUIET


@dg.op
def fetch() -> int:
    """Something to begin with."""
    return 1


@dg.op
def load(value: int) -> int:
    """Something that waits."""
    return value


@dg.job(description="Loads by hand.")
def by_hand() -> None:
    load(fetch())


def shop(*jobs: Any) -> dg.Definitions:
    """Two groups: `orders` and `report` in one, `letters` in another."""
    return definitions(
        asset("orders", group_name="sales", description="Each order once."),
        asset("report", ["orders"], group_name="sales"),
        asset("letters", ["report"], group_name="mail"),
        jobs=jobs,
    )


def pipelines(server: OpenMetadataServer) -> dict[str, dict[str, Any]]:
    """All of them, by their full names."""
    return {each["fullyQualifiedName"]: each for each in server.entities("pipeline")}


def tasks(pipeline: dict[str, Any]) -> dict[str, list[str]]:
    """The tasks of a pipeline, each with those that wait for it."""
    return {task["name"]: task.get("downstreamTasks") or [] for task in pipeline["tasks"]}


def test_groups_and_jobs(server: OpenMetadataServer, world: World) -> None:
    """Each is a pipeline, with its tasks and what waits for them, and links into Dagster's UI."""
    nightly = dg.define_asset_job("nightly", ["orders", "report"], description="Every night.")
    World(server, "etl", state=world.state).sync(shop(nightly, by_hand))
    found = pipelines(server)
    assert found.keys() == {
        "dagster.etl:nightly",
        "dagster.etl:by_hand",
        "dagster.etl:group:sales",
        "dagster.etl:group:mail",
    }
    job = found["dagster.etl:nightly"]
    assert (job["displayName"], job["description"]) == ("nightly", "Every night.")
    assert job["sourceUrl"] == f"{PAGE}/locations/etl/jobs/nightly"
    assert tasks(job) == {"orders": ["report"], "report": []}
    assert tasks(found["dagster.etl:by_hand"]) == {"fetch": ["load"], "load": []}
    group = found["dagster.etl:group:sales"]
    assert (group["displayName"], tasks(group)) == ("sales (assets)", {"orders": ["report"], "report": []})
    assert group["sourceUrl"] == f"{PAGE}/locations/etl/asset-groups/sales"
    assert tasks(found["dagster.etl:group:mail"]) == {"letters": []}
    (orders,) = [task for task in group["tasks"] if task["name"] == "orders"]
    assert (orders["description"], orders["taskType"]) == ("Each order once.", "dagster")
    assert orders["sourceUrl"] == f"{PAGE}/assets/orders"


def test_the_service(server: OpenMetadataServer, world: World) -> None:
    """It is made once, of the type Dagster."""
    world.sync(shop())
    (service,) = server.entities("pipelineService")
    assert (service["name"], service["serviceType"]) == ("dagster", "Dagster")
    assert service["connection"]["config"]["host"] == PAGE
    assert [each.path for each in server.writes].count("services/pipelineServices") == 1


def test_a_service_that_may_not_be_made(server: OpenMetadataServer, world: World) -> None:
    """Without `create` it is the operator's to make: the message says how, and the event is tried again."""
    with pytest.raises(DeliveryError, match="no pipeline service 'dagster': add one of type Dagster") as told:
        world.sync(shop(), create=False)
    assert not isinstance(told.value, PermanentError)
    assert server.writes == []


def test_the_same_again_writes_nothing(server: OpenMetadataServer, world: World) -> None:
    """Neither pipelines nor their tasks."""
    world.sync(shop(by_hand))
    server.reset_counts()
    assert world.sync(shop(by_hand)) == []
    assert server.writes == []


def test_what_people_wrote_stays(server: OpenMetadataServer, world: World) -> None:
    """Names, descriptions and tags, of the pipeline and of its tasks, when the definitions change."""
    world.sync(shop())
    theirs = "dagster.group:sales"
    server.edit(
        "pipeline",
        theirs,
        [
            {"op": "add", "path": "/description", "value": "Ask Ana."},
            {"op": "add", "path": "/displayName", "value": "Sales"},
            {"op": "add", "path": "/tasks/0/description", "value": "From the shop."},
            {"op": "add", "path": "/tasks/1/tags", "value": [{"tagFQN": "Tier.Tier1", **LABEL}]},
        ],
    )
    now = definitions(
        asset("orders", group_name="sales", description="Changed."),
        asset("report", ["orders"], group_name="sales"),
        asset("summary", ["report"], group_name="sales"),
    )
    world.sync(now)
    found = pipelines(server)[theirs]
    assert (found["description"], found["displayName"]) == ("Ask Ana.", "Sales")
    assert tasks(found) == {"orders": ["report"], "report": ["summary"], "summary": []}
    orders, report, _ = found["tasks"]
    assert orders["description"] == "From the shop."
    assert [tag["tagFQN"] for tag in report["tags"]] == ["Tier.Tier1"]
    assert world.sync(now) == []


LABEL = {"source": "Classification", "labelType": "Manual", "state": "Confirmed"}


def test_a_description_of_ours_follows_the_definitions(server: OpenMetadataServer, world: World) -> None:
    """As long as nobody has changed it."""
    for words in ("Every night.", "Every morning."):
        world.sync(shop(dg.define_asset_job("nightly", ["orders"], description=words)))
        assert pipelines(server)["dagster.nightly"]["description"] == words


def test_a_task_that_is_gone(server: OpenMetadataServer, world: World) -> None:
    """It is no task of the pipeline any more; the pipeline of a job that is gone stays."""
    world.sync(shop(by_hand))
    world.sync(definitions(asset("orders", group_name="sales")))
    assert tasks(pipelines(server)["dagster.group:sales"]) == {"orders": []}
    assert "dagster.by_hand" in pipelines(server)


def test_what_is_left_out(server: OpenMetadataServer, world: World) -> None:
    """Assets that are not told are no tasks, and a pipeline without tasks is none; external assets are no tasks."""
    outside = dg.AssetSpec("crm", group_name="outside")
    only = dg.define_asset_job("only_letters", ["letters"])
    defs = dg.Definitions.merge(shop(only, by_hand), dg.Definitions(assets=[outside]))
    world.sync(defs, exclude="group:mail or key:report")
    assert {name: list(tasks(each)) for name, each in pipelines(server).items()} == {
        "dagster.group:sales": ["orders"],
        "dagster.by_hand": ["fetch", "load"],
    }


def test_a_pipeline_that_somebody_deleted(
    server: OpenMetadataServer, world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """It stays deleted, and so do its runs; the log says so once."""
    world.sync(shop())
    server.delete("pipeline", "dagster.group:mail")
    for _ in range(2):
        assert [] == [each for each in world.sync(shop()) if "pipelines" in each.path]
    world.run(shop())
    assert pipelines(server)["dagster.group:mail"]["deleted"]
    said = [
        each.message for each in caplog.records if "group:mail is deleted in OpenMetadata" in each.message
    ]
    assert len(said) == 1


def test_names_that_need_quotes(server: OpenMetadataServer) -> None:
    """A service and a code location with dots, spaces and letters of all kinds."""
    world = World(server, "müller.etl v2", {"pipeline_service": "Dagster, Köln (prod)"})
    world.sync(shop(by_hand))
    assert '"müller.etl v2:by_hand"' in {each.rpartition(").")[2] for each in pipelines(server)}
    assert world.sync(shop(by_hand)) == []
    world.run(shop(by_hand), "by_hand")
    service = World(server, "x", {"pipeline_service": "my.dagster"})
    service.sync(shop())
    assert '"my.dagster".x:group:sales' in pipelines(server)
    assert service.sync(shop()) == []


def test_a_right_that_is_missing(server: OpenMetadataServer, world: World) -> None:
    """The message says which right, and what it is about; it is an error that passes."""
    server.permissions.deny("Create", "pipeline")
    with pytest.raises(
        DeliveryError, match=r"403 to PUT /pipelines, pipeline dagster.group:\w+.*Create"
    ) as told:
        world.sync(shop())
    assert not isinstance(told.value, PermanentError)


def test_without_pipelines(server: OpenMetadataServer, world: World) -> None:
    """Where they are not wanted, an edge of lineage has none, either."""
    world.run(shop(), fields={"pipelines": False})
    assert pipelines(server) == {}
    assert len(server.edges()) == 2
    assert all("pipeline" not in each.details for each in server.edges())


def test_locations_do_not_mix(server: OpenMetadataServer) -> None:
    """A job of the same name in two code locations is two pipelines."""
    for location in ("etl", "ml"):
        World(server, location).sync(shop(by_hand))
    assert {"dagster.etl:by_hand", "dagster.ml:by_hand"} <= pipelines(server).keys()
