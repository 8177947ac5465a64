"""Entities: created, named and read, and what is refused."""

from __future__ import annotations

import pytest

from .calls import part
from .seeds import ORDERS, SCHEMA, column, columns_of, reference, stored, table, tag

pytestmark = pytest.mark.usefixtures("warehouse")


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


def test_none_is_an_empty_list(call):
    call.put("tables", table("orders"))

    full = call.get(f"tables/name/{ORDERS}", fields="owners,tags,domains").body

    assert ([], [], []) == (full["owners"], full["tags"], full["domains"])


def test_owners_of_the_schema(server, call):
    """Who owns a schema owns its tables, and their tests, until those have owners of their own."""
    ana, ben = (server.seed("user", {"name": n, "email": f"{n}@example.com"}) for n in ("ana", "ben"))
    server.edit(
        "databaseSchema", SCHEMA, [{"op": "add", "path": "/owners", "value": [reference("user", ana)]}]
    )
    call.put("tables", table("orders"))

    (owner,) = call.get(f"tables/name/{ORDERS}", fields="owners").body["owners"]
    assert ("ana", True) == (owner["name"], owner["inherited"])
    call.put("tables", table("orders", owners=[owner]))
    assert not server.entity("table", ORDERS).get("owners")

    call.put("tables", table("orders", owners=[reference("user", ben)]))
    (owner,) = call.get(f"tables/name/{ORDERS}", fields="owners").body["owners"]
    assert ("ben", None) == (owner["name"], owner.get("inherited"))


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
