"""Entities: created, updated by PUT and by PATCH, read, listed, deleted and restored."""

from __future__ import annotations

import pytest

from .calls import part
from .seeds import SCHEMA, column, reference, seed_pipeline, seed_tables, seed_warehouse, table, tag
from .server import Principal

ORDERS = f"{SCHEMA}.orders"


@pytest.fixture(autouse=True)
def _warehouse(server):
    seed_warehouse(server)
    server.reset_counts()


def stored(server, fqn=ORDERS):
    return server.entity("table", fqn)


def columns_of(entity, *keys):
    return [tuple(each.get(key) for key in keys) for each in entity["columns"]]


def test_a_chain_of_puts(call):
    """From the service to the table, each names its parent and answers with what it belongs to."""
    service = call.put("services/databaseServices", {"name": "duck", "serviceType": "CustomDatabase"})
    database = call.put("databases", {"name": "db", "service": "duck"})
    schema = call.put("databaseSchemas", {"name": "raw", "database": "duck.db"})
    orders = call.put("tables", {**table("orders"), "databaseSchema": "duck.db.raw"})

    assert [201] * 4 == [each.status for each in (service, database, schema, orders)]
    body = orders.body
    assert ("duck.db.raw.orders", 0.1, False) == (
        body["fullyQualifiedName"],
        body["version"],
        body["deleted"],
    )
    assert ("duck", "duck.db", "CustomDatabase") == (
        body["service"]["fullyQualifiedName"],
        body["database"]["fullyQualifiedName"],
        body["serviceType"],
    )
    assert [("duck.db.raw.orders.id", "int")] == columns_of(body, "fullyQualifiedName", "dataTypeDisplay")
    assert body["href"].endswith(f"/api/v1/tables/{body['id']}")


def test_a_parent_that_is_not_there(call):
    reply = call.put("tables", {**table("orders"), "databaseSchema": "warehouse.shop.none"})

    assert (404, "databaseSchema instance for warehouse.shop.none not found") == (reply.status, reply.message)


def test_post_creates_and_only_creates(call):
    assert 201 == call.post("tables", table("orders")).status

    again = call.post("tables", table("orders"))

    assert (409, {"code": 409, "message": "Entity already exists"}) == (again.status, again.body)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"name": "t", "databaseSchema": SCHEMA}, "[columns must not be null]"),
        (table("t", colour="red"), 'Unrecognized field "colour", not marked as ignorable'),
        (table("t", {"name": "a"}), "[columns[0].dataType must not be null]"),
        (
            table("t", column("a", "INTEGER")),
            "Cannot construct instance of columns[0].dataType, problem: INTEGER",
        ),
        (table(""), "[name size must be between 1 and 256]"),
        (table("n" * 257), "[name size must be between 1 and 256]"),
        (table('a"b'), 'Invalid name a"b'),
        (table("t", column("a"), column("A")), "Column name A is repeated"),
        (
            table("t", column("a", "VARCHAR")),
            "For column data types char, varchar, binary, varbinary dataLength must not be null",
        ),
        (table("t", column("a", "ARRAY")), "For column data type array, arrayDataType must not be null"),
        (
            table("t", column("a", "ARRAY", arrayDataType="INT")),
            "For column data type array, dataTypeDisplay must be of type array<arrayDataType>",
        ),
        (table("t", column("a", "STRUCT")), "For column data type struct, children must not be null"),
        (table("t", description=3), "Cannot deserialize value of description: 3 is not a string"),
        (
            table("t", tableConstraints=[{"constraintType": "PRIMARY_KEY", "columns": ["none"]}]),
            "Invalid column name found in table constraint none",
        ),
    ],
)
def test_bodies_that_are_refused(call, body, message):
    reply = call.put("tables", body)

    assert (400, message) == (reply.status, reply.message)


def test_two_colons_are_in_no_name(call):
    reply = call.put("tables", table("a::b"))

    assert 400 == reply.status
    assert reply.message.startswith("[name must match")


def test_a_name_that_is_too_long_as_a_whole(server, call):
    long = "n" * 250
    fqn = SCHEMA
    inner = column("leaf")
    for _ in range(13):
        inner = column(long, "STRUCT", children=[inner], dataTypeDisplay="struct<>")

    reply = call.put("tables", table("orders", inner))

    assert (400, "[fullyQualifiedName size must be between 1 and 3072]") == (reply.status, reply.message)
    assert stored(server, f"{fqn}.orders") is None


@pytest.mark.parametrize(
    ("name", "fqn"),
    [
        ("plain", f"{SCHEMA}.plain"),
        ("with.dot", f'{SCHEMA}."with.dot"'),
        ("with space", f"{SCHEMA}.with space"),
        ("größe/€", f"{SCHEMA}.größe/€"),
        ("a%2Fb?c#d", f"{SCHEMA}.a%2Fb?c#d"),
    ],
)
def test_names_in_paths(call, name, fqn):
    created = call.put("tables", table(name))

    assert fqn == created.body["fullyQualifiedName"]
    assert created.body["id"] == call.get(f"tables/name/{part(fqn)}").body["id"]


def test_the_case_of_a_name_counts(call):
    call.put("tables", table("Orders"))

    assert 404 == call.get(f"tables/name/{ORDERS}").status
    assert 201 == call.put("tables", table("orders")).status


def test_a_table_by_its_id(call):
    created = call.put("tables", table("orders")).body

    assert ORDERS == call.get(f"tables/{created['id']}").body["fullyQualifiedName"]
    missing = call.get("tables/00000000-0000-0000-0000-000000000000")
    assert (404, "table instance for 00000000-0000-0000-0000-000000000000 not found") == (
        missing.status,
        missing.message,
    )


def test_fields_must_be_asked_for(server, call):
    ana = server.seed("user", {"name": "ana", "email": "ana@example.com"})
    call.put(
        "tables", table("orders", column("id", tags=[tag("PII.Sensitive")]), owners=[reference("user", ana)])
    )

    bare = call.get(f"tables/name/{ORDERS}").body
    full = call.get(f"tables/name/{ORDERS}", fields="owners,tags").body

    assert "owners" not in bare and "tags" not in bare["columns"][0]
    assert ["ana"] == [owner["name"] for owner in full["owners"]]
    assert ["PII.Sensitive"] == [each["tagFQN"] for each in full["columns"][0]["tags"]]
    wrong = call.get(f"tables/name/{ORDERS}", fields="owners,colour")
    assert (400, "Invalid field name colour") == (wrong.status, wrong.message)


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


@pytest.mark.parametrize(
    ("owners", "message"),
    [
        (["team", "team"], "Only One Team is allowed to own Data Assets."),
        (["team", "user"], "Data Assets can have up to 5 users or a Team but not both as owners."),
        (
            ["organization"],
            "Team of type Organization can't own entities. Only Team of type Group can own entities.",
        ),
        (
            ["table"],
            "Entity of type table can't be the owner. Only Team of type Group or a User can own entities.",
        ),
    ],
)
def test_who_can_own_a_table(server, call, owners, message):
    there = {
        "user": server.seed("user", {"name": "ana", "email": "ana@example.com"}),
        "team": server.seed("team", {"name": "data", "teamType": "Group"}),
        "organization": server.entity("team", "Organization"),
        "table": server.seed("table", table("other")),
    }
    kinds = {"organization": "team"}

    reply = call.put(
        "tables", table("orders", owners=[reference(kinds.get(each, each), there[each]) for each in owners])
    )

    assert (400, message) == (reply.status, reply.message)


class TestPatch:
    """PATCH changes what it names, whoever wrote it."""

    @pytest.fixture
    def orders(self, server):
        return server.seed("table", table("orders", column("id"), description="By Ana"))

    def test_a_description(self, server, call, orders):
        reply = call.patch(
            f"tables/{orders['id']}", {"op": "replace", "path": "/description", "value": "By a bot"}
        )

        assert (200, "By a bot", 0.2) == (reply.status, reply.body["description"], reply.body["version"])
        assert "entityUpdated" == reply.headers["x-openmetadata-change"]

    def test_by_name(self, server, call, orders):
        call.patch(f"tables/name/{ORDERS}", {"op": "remove", "path": "/description"})

        assert "description" not in stored(server)

    def test_tags_of_a_column(self, server, call, orders):
        call.patch(
            f"tables/{orders['id']}", {"op": "add", "path": "/columns/0/tags/0", "value": tag("PII.None")}
        )

        assert ["PII.None"] == [each["tagFQN"] for each in stored(server)["columns"][0]["tags"]]

    def test_what_cannot_be_changed_is_passed_over(self, server, call, orders):
        reply = call.patch(
            f"tables/{orders['id']}",
            {"op": "replace", "path": "/name", "value": "x"},
            {"op": "replace", "path": "/href", "value": "x"},
        )

        assert ("orders", 0.1) == (reply.body["name"], reply.body["version"])
        assert [] == server.changes

    @pytest.mark.parametrize(
        ("operation", "message"),
        [
            (
                {"op": "add", "path": "/colour", "value": 1},
                'Unrecognized field "colour", not marked as ignorable',
            ),
            ({"op": "add", "path": "/deleted", "value": True}, "table attribute deleted can't be modified"),
            (
                {"op": "test", "path": "/description", "value": "By Ben"},
                "The JSON Patch operation 'test' failed for path '/description'",
            ),
        ],
    )
    def test_what_is_refused(self, call, orders, operation, message):
        reply = call.patch(f"tables/{orders['id']}", operation)

        assert (400, message) == (reply.status, reply.message)

    @pytest.mark.parametrize("tag_", ['W/"0.1"', "*", '"another", W/"0.1"'])
    def test_if_it_is_still_the_same(self, call, orders, tag_):
        reply = call.patch(f"tables/{orders['id']}", {"op": "remove", "path": "/description"}, If_Match=tag_)

        assert 200 == reply.status

    def test_if_somebody_else_was_faster(self, server, call, orders):
        server.edit("table", ORDERS, [{"op": "add", "path": "/displayName", "value": "Orders"}])

        reply = call.patch(
            f"tables/{orders['id']}", {"op": "remove", "path": "/description"}, If_Match='W/"0.1"'
        )

        assert 412 == reply.status
        assert reply.message.startswith("The entity has been modified. Current ETag: ")
        assert "By Ana" == stored(server)["description"]

    def test_the_tag_of_an_answer(self, server, call, orders):
        """Before 2.0 it is that of the version; from 2.0 of what the reader saw, which a PATCH does not see."""
        seen = call.get(f"tables/{orders['id']}").headers["etag"]

        reply = call.patch(f"tables/{orders['id']}", {"op": "remove", "path": "/description"}, If_Match=seen)

        assert (412 if server.version.startswith("2") else 200) == reply.status


class TestLists:
    """Pages, and what is on them."""

    @pytest.fixture(autouse=True)
    def _tables(self, server):
        seed_tables(server, *"edcba")

    def test_forward_and_back(self, call):
        first = call.get("tables", limit=2).body
        second = call.get("tables", limit=2, after=first["paging"]["after"]).body
        third = call.get("tables", limit=2, after=second["paging"]["after"]).body
        back = call.get("tables", limit=2, before=third["paging"]["before"]).body

        names = [[each["name"] for each in page["data"]] for page in (first, second, third, back)]
        assert [["a", "b"], ["c", "d"], ["e"], ["c", "d"]] == names
        assert 5 == first["paging"]["total"]
        assert "before" not in first["paging"] and "after" not in third["paging"]

    def test_a_cursor_outlives_what_comes_before_it(self, server, call):
        after = call.get("tables", limit=2).body["paging"]["after"]
        server.delete("table", f"{SCHEMA}.a")

        assert ["c", "d"] == [each["name"] for each in call.get("tables", limit=2, after=after).body["data"]]

    def test_a_cursor_is_no_number(self, call):
        assert 400 == call.get("tables", after="2").status
        assert 400 == call.get("tables", after="x", before="y").status

    def test_ten_where_nobody_says_how_many(self, server, call):
        seed_tables(server, *(f"t{number}" for number in range(9)))

        assert 10 == len(call.get("tables").body["data"])
        assert [] == call.get("tables", limit=0).body["data"]
        assert 400 == call.get("tables", limit=-1).status
        assert 400 == call.get("tables", limit=1_000_001).status

    def test_of_one_schema(self, server, call):
        server.seed("databaseSchema", {"name": "raw", "database": "warehouse.shop"})
        server.seed("table", {**table("z"), "databaseSchema": "warehouse.shop.raw"})

        assert ["z"] == [
            each["name"] for each in call.get("tables", databaseSchema="warehouse.shop.raw").body["data"]
        ]
        assert 6 == call.get("tables", database="warehouse.shop").body["paging"]["total"]


class TestDeletion:
    """Deleted is marked so, until it is deleted for good."""

    @pytest.fixture(autouse=True)
    def _orders(self, server):
        seed_tables(server, "orders")

    def test_what_is_deleted_is_not_found(self, server, call):
        server.delete("table", ORDERS)

        assert 404 == call.get(f"tables/name/{ORDERS}").status
        assert call.get(f"tables/name/{ORDERS}", include="all").body["deleted"]
        assert 0 == call.get("tables").body["paging"]["total"]
        assert 1 == call.get("tables", include="deleted").body["paging"]["total"]

    def test_put_brings_it_back(self, server, call):
        id_ = stored(server)["id"]
        server.delete("table", ORDERS)

        reply = call.put("tables", table("orders", column("id"), column("amount")))

        assert (200, id_, False) == (reply.status, reply.body["id"], reply.body["deleted"])
        assert "entityRestored" in [change.event for change in server.changes]

    def test_post_does_not(self, server, call):
        server.delete("table", ORDERS)

        assert 409 == call.post("tables", table("orders")).status

    def test_restore(self, server, call):
        id_ = stored(server)["id"]
        server.delete("table", ORDERS)

        assert 200 == call.put("tables/restore", {"id": id_}).status
        assert 200 == call.get(f"tables/{id_}").status

    def test_a_schema_is_not_empty(self, server, call):
        path = f"databaseSchemas/name/{SCHEMA}"

        refused = call("DELETE", path)
        done = call("DELETE", path, recursive="true")

        assert (400, "databaseSchema is not empty") == (refused.status, refused.message)
        assert 200 == done.status
        assert stored(server)["deleted"]

    def test_for_good(self, server, call):
        id_ = stored(server)["id"]

        assert 200 == call("DELETE", f"tables/{id_}", hardDelete="true").status
        assert stored(server) is None
        assert id_ != call.put("tables", table("orders")).body["id"]


class TestTags:
    """Classifications and their tags are written as everything else."""

    def test_a_new_one(self, server, call):
        call.put("classifications", {"name": "Quality", "description": "How good it is"})
        reply = call.put("tags", {"name": "Gold", "classification": "Quality", "description": "Very"})

        assert (201, "Quality.Gold") == (reply.status, reply.body["fullyQualifiedName"])
        assert 200 == call.put("tables", table("orders", tags=[tag("Quality.Gold")])).status or stored(server)

    def test_it_needs_a_classification(self, call):
        assert 404 == call.put("tags", {"name": "x", "classification": "None", "description": ""}).status
        assert 400 == call.put("tags", {"name": "x", "description": ""}).status
