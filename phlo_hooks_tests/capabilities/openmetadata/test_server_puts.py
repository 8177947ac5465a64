"""PUT: a bot adds, and does not overwrite what people wrote."""

from __future__ import annotations

import pytest

from .seeds import (
    ORDERS,
    column,
    columns_of,
    reference,
    seed_pipeline,
    stored,
    table,
    tag,
)
from .server import Principal

pytestmark = pytest.mark.usefixtures("warehouse")


class TestPutByABot:
    """A bot adds, and does not overwrite what people wrote."""

    def test_a_description_stays(self, server, call):
        server.seed("table", table("orders", column("id", description="The key"), description="By Ana"))

        call.put("tables", table("orders", column("id", description="bot"), description="By a bot"))

        assert "By Ana" == stored(server)["description"]
        assert [("The key",)] == columns_of(stored(server), "description")
        assert [] == server.changes

    def test_an_empty_description_is_filled(self, server, call):
        server.seed("table", table("orders"))

        reply = call.put("tables", table("orders", description="By a bot"))

        assert ("By a bot", 0.2) == (reply.body["description"], reply.body["version"])

    def test_a_person_overwrites(self, server, call):
        server.seed("table", table("orders", description="By Ana"))
        server.principal = Principal("admin", bot=False)

        call.put("tables", table("orders", description="By Ben"))

        assert "By Ben" == stored(server)["description"]

    def test_a_display_name_is_cleared(self, server, call):
        """Unlike a description: who does not send it takes it away."""
        server.seed("table", table("orders", displayName="All orders"))

        call.put("tables", table("orders"))

        assert "displayName" not in stored(server)

    def test_owners_are_not_taken_away_and_may_be_replaced(self, server, call):
        ana, ben = (server.seed("user", {"name": n, "email": f"{n}@example.com"}) for n in ("ana", "ben"))
        server.seed("table", table("orders", owners=[reference("user", ana)]))

        call.put("tables", table("orders"))
        assert ["ana"] == [owner["name"] for owner in stored(server)["owners"]]

        call.put("tables", table("orders", owners=[reference("user", ben)]))
        assert ["ben"] == [owner["name"] for owner in stored(server)["owners"]]

    def test_tags_are_merged(self, server, call):
        server.seed(
            "table", table("orders", column("id", tags=[tag("PII.Sensitive")]), tags=[tag("Tier.Tier1")])
        )

        call.put(
            "tables",
            table(
                "orders",
                column("id", tags=[tag("PersonalData.Personal")]),
                tags=[tag("PersonalData.Personal")],
            ),
        )

        now = stored(server)
        assert ["PersonalData.Personal", "Tier.Tier1"] == [each["tagFQN"] for each in now["tags"]]
        assert ["PII.Sensitive", "PersonalData.Personal"] == [
            each["tagFQN"] for each in now["columns"][0]["tags"]
        ]

    def test_a_tag_that_excludes_the_one_that_is_there(self, server, call):
        server.seed("table", table("orders", tags=[tag("Tier.Tier1")]))

        reply = call.put("tables", table("orders", tags=[tag("Tier.Tier2")]))

        assert 400 == reply.status
        assert "mutually exclusive" in reply.message

    def test_a_tag_that_is_not_there(self, call):
        reply = call.put("tables", table("orders", tags=[tag("PII.Nonsense")]))

        assert (404, "tag instance for PII.Nonsense not found") == (reply.status, reply.message)

    def test_a_new_column_is_a_small_change_and_a_lost_one_a_big_one(self, server, call):
        server.seed("table", table("orders", column("id")))

        more = call.put("tables", table("orders", column("id"), column("amount", "DECIMAL", precision=9)))
        less = call.put("tables", table("orders", column("amount", "DECIMAL", precision=9)))
        smaller = call.put("tables", table("orders", column("amount", "DECIMAL", precision=3)))

        assert [0.2, 1.2, 2.2] == [reply.body["version"] for reply in (more, less, smaller)]

    @pytest.mark.parametrize(
        ("before", "after", "version"),
        [
            ({"dataLength": 9}, {"dataLength": 10}, 0.2),
            ({"dataLength": 9}, {"dataLength": 8}, 1.1),
            ({}, {"dataLength": 9}, 1.1),
            ({"precision": 9}, {}, 1.1),
            ({"scale": 2}, {"scale": 3}, 0.2),
        ],
    )
    def test_a_narrower_column_is_a_big_change(self, server, call, before, after, version):
        server.seed("table", table("orders", column("id", "DECIMAL", dataTypeDisplay="decimal", **before)))

        reply = call.put(
            "tables", table("orders", column("id", "DECIMAL", dataTypeDisplay="decimal", **after))
        )

        assert version == reply.body["version"]

    def test_a_column_of_another_type_keeps_its_description(self, server, call):
        server.seed("table", table("orders", column("id", description="The key")))

        call.put("tables", table("orders", column("id", "BIGINT")))

        assert [("BIGINT", "The key")] == columns_of(stored(server), "dataType", "description")
        assert 1.1 == stored(server)["version"]

    def test_columns_within_columns(self, server, call):
        inner = column("street", "STRING", description="Where")
        struct = column("address", "STRUCT", children=[inner], dataTypeDisplay="struct<street:string>")
        server.seed("table", table("orders", struct))
        bare = {**struct, "children": [column("street", "STRING")]}

        reply = call.put("tables", table("orders", bare))

        (child,) = reply.body["columns"][0]["children"]
        assert (f"{ORDERS}.address.street", "Where") == (child["fullyQualifiedName"], child["description"])

    def test_a_service_keeps_its_connection(self, server, call):
        body = {"name": "duck", "serviceType": "CustomDatabase"}
        made = {"config": {"type": "CustomDatabase", "sourcePythonClass": "x.Y"}}
        server.seed("databaseService", {**body, "connection": made})

        call.put("services/databaseServices", body)

        assert made == server.entity("databaseService", "duck")["connection"]


def test_tasks_of_a_pipeline_are_those_of_the_last_put(server, call):
    seed_pipeline(server, "orders", "customers")

    call.put("pipelines", {"name": "nightly", "service": "dagster", "tasks": [{"name": "orders"}]})

    (task,) = server.entity("pipeline", "dagster.nightly")["tasks"]
    assert "dagster.nightly.orders" == task["fullyQualifiedName"]
    assert "tasks" not in call.get("pipelines/name/dagster.nightly").body
    assert [task["name"]] == [
        each["name"] for each in call.get("pipelines/name/dagster.nightly", fields="tasks").body["tasks"]
    ]
