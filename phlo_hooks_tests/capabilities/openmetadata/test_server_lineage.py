"""Lineage: an edge is replaced as a whole, and the versions differ in what they make of columns."""

from __future__ import annotations

import pytest

from .calls import part
from .seeds import PIPELINE, SCHEMA, column, reference, seed_pipeline, seed_tables, seed_warehouse, table


@pytest.fixture
def tables(server):
    seed_warehouse(server)
    return dict(zip("abc", seed_tables(server, *"abc"), strict=True))


def edge(start, end, **details):
    return {
        "edge": {
            "fromEntity": reference("table", start),
            "toEntity": reference("table", end),
            "lineageDetails": details,
        }
    }


def columns(*pairs):
    return [{"fromColumns": [f"{SCHEMA}.{start}"], "toColumn": f"{SCHEMA}.{end}"} for start, end in pairs]


def test_an_edge(server, call, tables):
    reply = call.put("lineage", edge(tables["a"], tables["b"], sqlQuery="SELECT 1", source="QueryLineage"))

    assert (200, None) == (reply.status, reply.body)
    (made,) = server.edges()
    assert (f"{SCHEMA}.a", f"{SCHEMA}.b") == (made.from_fqn, made.to_fqn)
    assert ("SELECT 1", "QueryLineage", "ingestion-bot") == (
        made.details["sqlQuery"],
        made.details["source"],
        made.details["createdBy"],
    )


def test_a_second_put_replaces_all_of_it(server, call, tables):
    pipeline = seed_pipeline(server)
    call.put(
        "lineage",
        edge(
            tables["a"],
            tables["b"],
            pipeline=reference("pipeline", pipeline),
            columnsLineage=columns(("a.id", "b.id")),
        ),
    )
    assert PIPELINE == server.edges()[0].details["pipeline"]["fullyQualifiedName"]

    call.put("lineage", edge(tables["a"], tables["b"]))

    (left,) = server.edges()
    assert not {"pipeline", "columnsLineage", "sqlQuery"} & left.details.keys()
    assert "Manual" == left.details["source"]


def test_an_end_that_is_not_there(server, call, tables):
    gone = {"id": "00000000-0000-0000-0000-000000000000"}

    reply = call.put("lineage", edge(tables["a"], gone))

    assert (404, f"table instance for {gone['id']} not found") == (reply.status, reply.message)


def test_a_deleted_end(server, call, tables):
    server.delete("table", f"{SCHEMA}.b")

    assert 404 == call.put("lineage", edge(tables["a"], tables["b"])).status


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"edge": {"fromEntity": {"id": "x", "type": "table"}}},
        {"edge": {}, "extra": 1},
    ],
)
def test_bodies_that_are_refused(call, body):
    assert 400 == call.put("lineage", body).status


def test_a_source_that_is_none(call, tables):
    assert 400 == call.put("lineage", edge(tables["a"], tables["b"], source="Dagster")).status


def test_columns_that_are_not_there(server, call, tables):
    """1.12 refuses them, and 2.0 leaves them out and says nothing."""
    given = columns(("a.id", "b.id"), ("a.none", "b.id"), ("a.id", "b.none"))

    reply = call.put("lineage", edge(tables["a"], tables["b"], columnsLineage=given))

    if server.version.startswith("1"):
        assert (400, f"Invalid column name {SCHEMA}.a.none") == (reply.status, reply.message)
        assert [] == server.edges()
    else:
        assert 200 == reply.status
        assert columns(("a.id", "b.id")) == server.edges()[0].details["columnsLineage"]


def test_a_column_of_a_third_table(server, call, tables):
    """The columns on an edge are those of its two ends."""
    reply = call.put("lineage", edge(tables["a"], tables["b"], columnsLineage=columns(("c.id", "b.id"))))

    assert (400 if server.version.startswith("1") else 200) == reply.status
    assert [] == [each for made in server.edges() for each in made.details["columnsLineage"]]


def test_a_column_that_goes_leaves_its_lineage(server, call, tables):
    both = columns(("a.id", "b.id"), ("a.amount", "b.amount"))
    call.put("lineage", edge(tables["a"], tables["b"], columnsLineage=both))

    call.put("tables", table("a", column("id")))

    assert columns(("a.id", "b.id")) == server.edges()[0].details["columnsLineage"]


def test_temporary_tables_are_new(server, call, tables):
    hops = [{"fromEntity": "a", "toEntity": "b"}]

    reply = call.put("lineage", edge(tables["a"], tables["b"], tempLineageTables=hops))

    assert (400 if server.version.startswith("1") else 200) == reply.status


class TestByName:
    """Only 2.0 has PUT, PATCH and GET of an edge by its names; both have DELETE."""

    PATH = f"table/name/{part(f'{SCHEMA}.a')}/table/name/{part(f'{SCHEMA}.b')}"

    @pytest.fixture(autouse=True)
    def _tables(self, tables):
        """A warehouse."""

    def test_put(self, server, call):
        reply = call.put(f"lineage/{self.PATH}", {"columnsLineage": columns(("a.id", "b.id"))})

        if server.version.startswith("1"):
            assert 405 == reply.status
        else:
            assert 200 == reply.status
            assert [(f"{SCHEMA}.a", f"{SCHEMA}.b")] == [(e.from_fqn, e.to_fqn) for e in server.edges()]

    def test_get(self, server, call, tables):
        call.put("lineage", edge(tables["a"], tables["b"], sqlQuery="SELECT 1"))

        reply = call.get(f"lineage/getLineageEdge/{self.PATH}")

        if server.version.startswith("1"):
            assert 404 == reply.status
        else:
            assert "SELECT 1" == reply.body["edge"]["sqlQuery"]

    def test_delete(self, server, call, tables):
        call.put("lineage", edge(tables["a"], tables["b"]))

        assert [200, 404] == [call("DELETE", f"lineage/{self.PATH}").status for _ in range(2)]
        assert [] == server.edges()


class TestById:
    """What an edge says is read, changed and deleted by the ids of its ends."""

    @pytest.fixture
    def path(self, call, tables):
        call.put("lineage", edge(tables["a"], tables["b"], sqlQuery="SELECT 1"))
        return f"{tables['a']['id']}/{tables['b']['id']}"

    def test_get(self, call, tables, path):
        assert "SELECT 1" == call.get(f"lineage/getLineageEdge/{path}").body["edge"]["sqlQuery"]
        start, end = path.split("/")
        assert 404 == call.get(f"lineage/getLineageEdge/{end}/{start}").status

    def test_patch_keeps_the_rest(self, server, call, tables, path):
        start, end = path.split("/")
        given = columns(("a.id", "b.id"))

        reply = call.patch(
            f"lineage/table/{start}/table/{end}", {"op": "add", "path": "/columnsLineage", "value": given}
        )

        assert 200 == reply.status
        assert ("SELECT 1", given) == (reply.body["sqlQuery"], reply.body["columnsLineage"])

    def test_patch_of_none(self, call, tables):
        start, end = tables["a"]["id"], tables["b"]["id"]

        assert 404 == call.patch(f"lineage/table/{start}/table/{end}").status

    def test_delete(self, server, call, path):
        start, end = path.split("/")
        target = f"lineage/table/{start}/table/{end}"

        assert [200, 404] == [call("DELETE", target).status for _ in range(2)]

    def test_permission(self, server, call, tables, path):
        server.permissions.deny("EditLineage")

        reply = call.put("lineage", edge(tables["a"], tables["b"]))

        assert (
            "Principal: CatalogPrincipal{name='ingestion-bot'} operations [EditLineage] not allowed"
            == reply.message
        )
        assert 1 == len(server.edges())


class TestGraph:
    """What is before an entity and what after it, so many edges deep."""

    @pytest.fixture(autouse=True)
    def _chain(self, call, tables):
        call.put("lineage", edge(tables["a"], tables["b"]))
        call.put("lineage", edge(tables["b"], tables["c"]))

    def names(self, reply):
        return {node["name"] for node in reply.body["nodes"]}

    def test_one_deep_where_nobody_says(self, call):
        reply = call.get(f"lineage/table/name/{SCHEMA}.b")

        assert {"a", "c"} == self.names(reply)
        assert "b" == reply.body["entity"]["name"]

    def test_deeper(self, call, tables):
        reply = call.get(f"lineage/table/{tables['c']['id']}", upstreamDepth=2, downstreamDepth=0)

        assert {"a", "b"} == self.names(reply)
        assert [2, 0] == [len(reply.body[f"{way}Edges"]) for way in ("upstream", "downstream")]

    def test_not_too_deep(self, call):
        reply = call.get(f"lineage/table/name/{SCHEMA}.b", upstreamDepth=4)

        assert (400, "[query param upstreamDepth must be less than or equal to 3]") == (
            reply.status,
            reply.message,
        )

    def test_of_nothing(self, call):
        assert 404 == call.get(f"lineage/table/name/{SCHEMA}.z").status
        assert 404 == call.get(f"lineage/chair/name/{SCHEMA}.a").status

    def test_a_table_that_is_gone_for_good_takes_its_edges(self, server):
        server.delete("table", f"{SCHEMA}.b", hard=True)

        assert [] == server.edges()
