"""The server itself: who may speak to it, what it knows, what it notes, and how it fails when it is told to."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection, RemoteDisconnected

import pytest

from .calls import Calls
from .seeds import column, seed_tables, seed_warehouse, table
from .server import OpenMetadataServer, Principal

SERVICE = {"name": "warehouse", "serviceType": "Postgres"}


def test_the_version_is_told_to_everyone(server, call):
    reply = call("GET", "system/version", headers={"Authorization": "Bearer wrong"})

    assert 200 == reply.status
    assert server.version == reply.body["version"]


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        ({"Authorization": ""}, "Not Authorized! Token not present"),
        ({"Authorization": "Basic a-bots-token"}, "Not Authorized! Token not present"),
        ({"Authorization": "Bearer another"}, "Not Authorized! Invalid token"),
    ],
    ids=["none", "basic", "wrong"],
)
def test_a_token_is_needed(call, headers, message):
    reply = call("GET", "tables", headers=headers)

    assert (401, {"code": 401, "message": message}) == (reply.status, reply.body)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "nothing", 404),
        ("GET", "tables/a/b/c/d", 404),
        ("DELETE", "tables", 405),
        ("POST", "lineage", 405),
    ],
)
def test_what_it_does_not_know(call, method, path, status):
    assert status == call(method, path).status


def test_the_prefix_is_part_of_the_path(server, call):
    assert 404 == call("GET", "../v2/tables").status


def test_a_body_that_is_no_json(server):
    connection = HTTPConnection("127.0.0.1", server.port, timeout=10)
    headers = {"Authorization": f"Bearer {server.token}", "Content-Type": "application/json"}
    connection.request("PUT", "/api/v1/tables", b"{", headers)

    assert 400 == connection.getresponse().status
    connection.close()


@pytest.mark.parametrize(
    ("method", "path", "media"),
    [("PUT", "tables", "text/plain"), ("PATCH", "tables/1", "application/json")],
)
def test_the_media_type_counts(call, method, path, media):
    assert 415 == call(method, path, {}, {"Content-Type": media}).status


def test_a_body_is_needed(call):
    assert 400 == call("PUT", "tables", headers={"Content-Type": "application/json"}).status


def test_writes_are_those_that_were_accepted(server, call):
    call.get("tables")
    call.put("services/databaseServices", {"name": "x"})
    call.put("services/databaseServices", SERVICE)

    (write,) = server.writes
    assert ("PUT", "services/databaseServices", SERVICE, 201) == (
        write.method,
        write.path,
        write.body,
        write.status,
    )
    assert "application/json" == write.headers["content-type"]
    assert [200, 400, 201] == [request.status for request in server.requests]


def test_a_put_that_changes_nothing_is_a_write_and_no_change(server, call):
    call.put("services/databaseServices", SERVICE)
    server.reset_counts()

    reply = call.put("services/databaseServices", SERVICE)

    assert (200, "entityNoChange", 0.1) == (
        reply.status,
        reply.headers["x-openmetadata-change"],
        reply.body["version"],
    )
    assert 1 == len(server.writes)
    assert [] == server.changes


def test_what_is_seeded_is_no_write(server):
    seed_warehouse(server)
    seed_tables(server, "orders")

    assert [] == server.writes == server.requests
    assert "admin" == server.entity("table", "warehouse.shop.main.orders")["updatedBy"]


@pytest.mark.parametrize("status", [401, 403, 429, 500, 503])
def test_planted_faults(server, call, status):
    server.fail("GET", r"^tables$", status, times=2, headers={"Retry-After": "7"})

    replies = [call.get("tables") for _ in range(3)]

    assert [status, status, 200] == [reply.status for reply in replies]
    assert status == replies[0].body["code"]
    assert "7" == replies[0].headers["retry-after"]
    assert 200 == call.get("databases").status


def test_a_planted_body(server, call):
    server.fail("*", "databases", 502, body="<html>no gateway</html>")

    assert "<html>no gateway</html>" == call.get("databases").body


def test_a_lost_answer(server, call):
    """The request was carried out, and the client does not know."""
    server.fail("PUT", "databaseServices", 503, applied=True)

    assert 503 == call.put("services/databaseServices", SERVICE).status
    assert server.entity("databaseService", "warehouse") is not None
    assert [] == server.writes


def test_a_pattern_may_have_the_whole_path(server, call):
    server.fail("GET", r"/api/v1/tables$", 503)

    assert 503 == call.get("tables").status


def test_a_slow_answer(server, call):
    """Others do not wait for it."""
    server.slow("GET", "tables", 0.2)
    began = time.monotonic()

    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(call.get, "tables")
        assert 200 == call.get("databases").status
        assert time.monotonic() - began < 0.2
        assert 200 == waiting.result().status
    assert time.monotonic() - began >= 0.2


def test_a_server_that_ends_lets_nobody_wait():
    """Neither for an answer, nor on a connection that was kept."""
    with OpenMetadataServer() as server:
        kept = HTTPConnection("127.0.0.1", server.port, timeout=10)
        kept.request("GET", "/api/v1/system/version")
        kept.getresponse().read()
        server.slow("GET", "system/version", 600)
        kept.request("GET", "/api/v1/system/version")

    with pytest.raises((RemoteDisconnected, ConnectionResetError)):
        kept.getresponse()
    kept.close()


def test_a_dropped_connection(server, call):
    server.fail("GET", "tables", 0)

    with pytest.raises(RemoteDisconnected):
        call.get("tables", limit=3)
    assert 200 == call.get("tables").status
    assert [(0, {"limit": "3"}), (200, {})] == [(each.status, each.query) for each in server.requests]


@pytest.mark.parametrize(
    ("operation", "method", "path", "body"),
    [
        ("Create", "PUT", "tables", table("new")),
        ("EditAll", "PUT", "tables", table("orders", column("id"))),
        ("EditTests", "PUT", "dataQuality/testCases", None),
        ("ViewBasic", "GET", "tables/name/warehouse.shop.main.orders", None),
    ],
)
def test_permissions(server, call, operation, method, path, body):
    seed_warehouse(server)
    seed_tables(server, "orders")
    case = {
        "name": "rows",
        "testDefinition": "tableRowCountToEqual",
        "entityLink": "<#E::table::warehouse.shop.main.orders>",
        "parameterValues": [{"name": "value", "value": "3"}],
    }
    body = case if operation == "EditTests" else body
    server.permissions.deny(operation)

    reply = call(method, path, body)
    server.permissions.allow(operation)

    assert (
        403,
        f"Principal: CatalogPrincipal{{name='ingestion-bot'}} operations [{operation}] not allowed",
    ) == (
        reply.status,
        reply.message,
    )
    assert call(method, path, body).status in (200, 201)


@pytest.mark.parametrize(
    ("operation", "change"),
    [
        ("EditDescription", {"op": "add", "path": "/description", "value": "All of them"}),
        ("EditTags", {"op": "add", "path": "/columns/0/tags/-", "value": {}}),
        ("EditOwners", {"op": "add", "path": "/owners", "value": []}),
        ("EditAll", {"op": "add", "path": "/retentionPeriod", "value": "P1D"}),
    ],
)
def test_a_patch_needs_what_it_changes(server, call, operation, change):
    seed_warehouse(server)
    (orders,) = seed_tables(server, "orders")
    server.permissions.deny(operation, "table")

    assert 403 == call.patch(f"tables/{orders['id']}", change).status


def test_a_person_may_be_the_principal(server, call):
    server.principal = Principal("admin", bot=False)

    assert "admin" == call.put("services/databaseServices", SERVICE).body["updatedBy"]
    assert "admin" == call.get("users/loggedInUser").body["name"]


def test_people_are_found_by_their_address(server, call):
    server.seed("user", {"name": "Ana", "email": "ana@example.com", "displayName": "Ana"})

    reply = call.get("search/query", q="email.keyword:ana@example.com", index="user_search_index")

    assert ["Ana"] == [hit["_source"]["name"] for hit in reply.body["hits"]["hits"]]
    assert 200 == call.get("users/name/ana").status
    assert 404 == call.get("users/name/ben").status
    assert 400 == call.get("search/query", q="ana", index="user_search_index").status


def test_a_new_server_has_tags_and_tests(call):
    assert 200 == call.get("tags/name/PII.Sensitive").status
    assert 200 == call.get("classifications/name/Tier").status
    assert 200 == call.get("dataQuality/testDefinitions/name/columnValuesToBeNotNull").status
    assert 200 == call.get("teams/name/Organization").status


def test_without_an_oracle_the_shapes_are_judged_all_the_same():
    with OpenMetadataServer("2.0.6") as server:
        reply = Calls(server).put("services/databaseServices", {**SERVICE, "colour": "red"})

    assert (400, 'Unrecognized field "colour", not marked as ignorable') == (reply.status, reply.message)


def test_older_versions_take_results_elsewhere():
    """Up to 1.5 the result of a test is PUT below the test itself."""
    with OpenMetadataServer("1.5.0") as server:
        call = Calls(server)
        body = {"timestamp": 1_700_000_000_000, "testCaseStatus": "Success", "testResultValue": []}

        assert 404 == call.post("dataQuality/testCases/testCaseResults/x", body).status
        assert (
            "testCase instance for x not found"
            == call.put("dataQuality/testCases/x/testCaseResult", body).message
        )
