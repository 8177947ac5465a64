"""PATCH: changes what it names, if the entity is still the same."""

from __future__ import annotations

import pytest

from .seeds import ORDERS, column, reference, stored, table, tag

pytestmark = pytest.mark.usefixtures("warehouse")


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

    @pytest.mark.parametrize("path", ["/owners/-", "/owners/0", "/owners"])
    def test_a_first_owner(self, server, call, orders, path):
        ana = reference("user", server.seed("user", {"name": "ana", "email": "ana@example.com"}))
        value = [ana] if path == "/owners" else ana

        reply = call.patch(f"tables/{orders['id']}", {"op": "add", "path": path, "value": value})

        assert ["ana"] == [owner["name"] for owner in reply.body["owners"]]

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

    def test_patches_of_one_user_are_one_version(self, server, call, orders):
        """For ten minutes; and what is taken back has the version that it had."""
        path = f"tables/{orders['id']}"
        texts = ["one", "two", "By Ana"]

        versions = [
            call.patch(path, {"op": "replace", "path": "/description", "value": text}).body["version"]
            for text in texts
        ]

        assert [0.2, 0.2, 0.1] == versions
        assert 3 == len(server.changes)

    def test_not_if_they_say_what_they_expect(self, call, orders):
        path = f"tables/{orders['id']}"

        for text, version in (("one", 0.2), ("two", 0.3)):
            change = {"op": "replace", "path": "/description", "value": text}
            tag_ = f'W/"{round(version - 0.1, 1)}"'
            assert version == call.patch(path, change, If_Match=tag_).body["version"]

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
