"""Lists by the page, and what is on none: the deleted."""

from __future__ import annotations

import pytest

from .seeds import ORDERS, SCHEMA, column, seed_tables, stored, table

pytestmark = pytest.mark.usefixtures("warehouse")


class TestLists:
    """Pages, and what is on them."""

    @pytest.fixture(autouse=True)
    def _tables(self, server, warehouse):
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
    def _orders(self, server, warehouse):
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
