"""What happens at times: runs of pipelines, profiles of tables, results of tests."""

from __future__ import annotations

import pytest

from .calls import part
from .seeds import ORDERS, PIPELINE, column, seed_pipeline, seed_warehouse, table
from .server import COLUMN_PROFILE, RESULT, STATUS, TABLE_PROFILE

THEN = 1_700_000_000_000

SECONDS = "Timestamp 1700000000 is not valid, it should be in milliseconds since epoch"


class TestPipelineStatus:
    """The runs of a pipeline."""

    PATH = f"pipelines/{PIPELINE}/status"

    @pytest.fixture(autouse=True)
    def _pipeline(self, server):
        seed_pipeline(server, "orders", "customers")

    def status(self, at=THEN, run="Successful", **more):
        return {"timestamp": at, "executionStatus": run, **more}

    def test_a_run(self, call):
        tasks = [{"name": "orders", "executionStatus": "Failed", "startTime": THEN, "endTime": THEN + 1}]
        body = self.status(run="Failed", taskStatus=tasks, endTime=THEN + 2)

        reply = call.put(self.PATH, body)

        assert (200, body) == (reply.status, reply.body["pipelineStatus"])
        assert body == call.get(f"pipelines/name/{PIPELINE}", fields="pipelineStatus").body["pipelineStatus"]

    def test_one_time_is_one_run(self, server, call):
        call.put(self.PATH, self.status(run="Pending"))
        call.put(self.PATH, self.status(run="Successful"))
        call.put(self.PATH, self.status(at=THEN + 5, run="Failed"))

        assert ["Failed", "Successful"] == [
            each["executionStatus"] for each in server.series(STATUS, PIPELINE)
        ]

    def test_a_window(self, call):
        for at in range(3):
            call.put(self.PATH, self.status(at=THEN + at))

        reply = call.get(self.PATH, startTs=THEN, endTs=THEN + 1)

        assert [THEN + 1, THEN] == [each["timestamp"] for each in reply.body["data"]]
        assert 2 == reply.body["paging"]["total"]
        assert 400 == call.get(self.PATH).status

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"taskStatus": [{"name": "none", "executionStatus": "Failed"}]}, "Invalid task name none"),
            ({"timestamp": 1_700_000_000}, SECONDS),
            ({"endTime": 1_700_000_000}, SECONDS),
            (
                {"executionStatus": "Running"},
                "Cannot construct instance of executionStatus, problem: Running",
            ),
            ({"colour": "red"}, 'Unrecognized field "colour", not marked as ignorable'),
        ],
    )
    def test_what_is_refused(self, server, call, change, message):
        reply = call.put(self.PATH, {**self.status(), **change})

        assert (400, message) == (reply.status, reply.message)
        assert [] == server.series(STATUS, PIPELINE)

    def test_many_at_once(self, server, call):
        reply = call.put(f"{self.PATH}/bulk", [self.status(at=THEN + at) for at in range(3)])

        assert (200, THEN + 2) == (reply.status, reply.body["pipelineStatus"]["timestamp"])
        assert 3 == len(server.series(STATUS, PIPELINE))
        assert 400 == call.put(f"{self.PATH}/bulk", [{"timestamp": 1}]).status
        assert 400 == call.put(f"{self.PATH}/bulk", [self.status()] * 1001).status

    def test_of_no_pipeline(self, call):
        reply = call.put("pipelines/dagster.none/status", self.status())

        assert (404, "pipeline instance for dagster.none not found") == (reply.status, reply.message)

    def test_permission(self, server, call):
        server.permissions.deny("EditStatus")

        assert 403 == call.put(self.PATH, self.status()).status


class TestProfiles:
    """The profiles of a table, and of its columns."""

    @pytest.fixture
    def orders(self, server):
        seed_warehouse(server)
        inner = column("address", "STRUCT", children=[column("street", "STRING")], dataTypeDisplay="struct<>")
        return server.seed("table", table("orders", column("id"), inner))

    def body(self, at=THEN, *columns, **more):
        columns = [{"timestamp": at, **each} for each in columns]
        return {"tableProfile": {"timestamp": at, "rowCount": 7, **more}, "columnProfile": columns}

    def test_the_latest(self, call, orders):
        path = f"tables/{orders['id']}/tableProfile"
        call.put(path, self.body(THEN + 1, {"name": "id", "nullCount": 2}, rowCount=8))
        call.put(path, self.body(THEN, {"name": "id", "nullCount": 1}))

        latest = call.get(f"tables/{ORDERS}/tableProfile/latest").body

        assert (8, 2) == (latest["profile"]["rowCount"], latest["columns"][0]["profile"]["nullCount"])
        assert [8, 7] == [each["rowCount"] for each in call.get(f"tables/{ORDERS}/tableProfile").body["data"]]
        assert [1] == [
            each["nullCount"]
            for each in call.get(f"tables/{ORDERS}.id/columnProfile", startTs=THEN, endTs=THEN).body["data"]
        ]

    def test_a_column_within_a_column(self, server, call, orders):
        body = self.body(THEN, {"name": "address.street", "distinctCount": 3})

        assert 200 == call.put(f"tables/{orders['id']}/tableProfile", body).status
        assert [3] == [
            each["distinctCount"] for each in server.series(COLUMN_PROFILE, f"{ORDERS}.address.street")
        ]

    @pytest.mark.parametrize(
        ("more", "message"),
        [
            ({"columnProfile": [{"name": "none", "timestamp": THEN}]}, "Invalid column name none"),
            ({"tableProfile": {"timestamp": 1_700_000_000}}, SECONDS),
            ({"tableProfile": {"rowCount": 1}}, "[tableProfile.timestamp must not be null]"),
        ],
    )
    def test_what_is_refused(self, server, call, orders, more, message):
        reply = call.put(f"tables/{orders['id']}/tableProfile", {**self.body(), **more})

        assert (400, message) == (reply.status, reply.message)
        assert [] == server.series(TABLE_PROFILE, ORDERS)

    def test_the_id_is_asked_for(self, call, orders):
        assert 404 == call.put(f"tables/{ORDERS}/tableProfile", self.body()).status


class TestCases:
    """Tests of tables and columns, and their results."""

    LINK = f"<#E::table::{ORDERS}>"
    FQN = f"{ORDERS}.id.not null"

    @pytest.fixture(autouse=True)
    def _orders(self, server):
        seed_warehouse(server)
        server.seed("table", table("orders", column("id"), column("a.b")))

    def case(self, link=f"<#E::table::{ORDERS}::columns::id>", **more):
        return {"name": "not null", "testDefinition": "columnValuesToBeNotNull", "entityLink": link, **more}

    def test_a_case_makes_the_suite_of_its_table(self, server, call):
        reply = call.put("dataQuality/testCases", self.case())

        assert (201, self.FQN) == (reply.status, reply.body["fullyQualifiedName"])
        suite = server.entity("testSuite", f"{ORDERS}.testSuite")
        assert suite["basic"] and ORDERS == suite["basicEntityReference"]["fullyQualifiedName"]
        assert suite["id"] == call.get(f"tables/name/{ORDERS}", fields="testSuite").body["testSuite"]["id"]

    def test_a_suite_may_be_there_before(self, server, call):
        body = {"name": "checks of orders", "basicEntityReference": ORDERS}
        suite = call.put("dataQuality/testSuites/basic", body)
        assert (201, f"{ORDERS}.testSuite") == (suite.status, suite.body["fullyQualifiedName"])

        case = call.put("dataQuality/testCases", self.case()).body

        assert suite.body["id"] == case["testSuite"]["id"]

    def test_a_logical_suite_has_its_own_name(self, call):
        reply = call.put("dataQuality/testSuites", {"name": "nightly"})

        assert (201, "nightly", False) == (
            reply.status,
            reply.body["fullyQualifiedName"],
            reply.body["basic"],
        )

    def test_a_column_with_a_dot(self, call):
        reply = call.put("dataQuality/testCases", self.case(link=f"<#E::table::{ORDERS}::columns::a.b>"))

        assert f'{ORDERS}."a.b".not null' == reply.body["fullyQualifiedName"]

    @pytest.mark.parametrize(
        ("change", "status", "message"),
        [
            ({"link": "<#E::table::warehouse.none>"}, 404, "table instance for warehouse.none not found"),
            ({"testDefinition": "none"}, 404, "testDefinition instance for none not found"),
            ({"link": LINK}, 400, None),
            ({"parameterValues": [{"name": "x", "value": "1"}]}, 400, None),
            ({"link": "orders"}, 400, None),
            ({"testDefinition": "columnValuesToBeBetween", "parameterValues": [{"name": "x"}]}, 400, None),
            (
                {"link": f"<#E::table::{ORDERS}::columns::none>"},
                404,
                f"column instance for {ORDERS}.none not found",
            ),
        ],
    )
    def test_what_is_refused(self, call, change, status, message):
        reply = call.put("dataQuality/testCases", self.case(**change))

        assert status == reply.status
        assert message in (None, reply.message)

    def test_a_parameter_that_is_required(self, call):
        body = self.case(link=self.LINK, testDefinition="tableRowCountToEqual", parameterValues=[])

        reply = call.put("dataQuality/testCases", body)

        assert "Required parameter value is not passed in parameterValues" == reply.message

    def test_the_cases_of_a_table(self, call):
        call.put("dataQuality/testCases", self.case())
        link = {"entityLink": self.LINK}

        assert 0 == call.get("dataQuality/testCases", **link).body["paging"]["total"]
        assert 1 == call.get("dataQuality/testCases", **link, includeAllTests="true").body["paging"]["total"]

    def result(self, at=THEN, status="Success", **more):
        return {"timestamp": at, "testCaseStatus": status, "testResultValue": [], **more}

    @pytest.fixture
    def path(self, call):
        call.put("dataQuality/testCases", self.case())
        return f"dataQuality/testCases/testCaseResults/{part(self.FQN)}"

    def test_a_result(self, server, call, path):
        reply = call.post(path, self.result(result="0 of 7 rows", passedRows=7, failedRows=0))

        assert (201, self.FQN) == (reply.status, reply.body["testCaseFQN"])
        case = call.get(f"dataQuality/testCases/name/{part(self.FQN)}", fields="testCaseResult").body
        assert reply.body == case["testCaseResult"]

    def test_a_time_has_one_result(self, server, call, path):
        """The same result sent twice is a conflict: a client that repeats itself must take that for done."""
        call.post(path, self.result())

        again = call.post(path, self.result(status="Failed"))

        assert (409, "Entity already exists") == (again.status, again.message)
        assert ["Success"] == [each["testCaseStatus"] for each in server.series(RESULT, self.FQN)]

    def test_failures_in_a_row_are_one_incident(self, call, path):
        replies = [
            call.post(path, self.result(at=THEN + at, status=status)).body.get("incidentId")
            for at, status in enumerate(["Failed", "Failed", "Success"])
        ]

        assert replies[0] == replies[1] != replies[2]

    def test_a_window(self, call, path):
        for at in range(3):
            call.post(path, self.result(at=THEN + at))

        assert 3 == call.get(path).body["paging"]["total"]
        assert [THEN + 2, THEN + 1] == [
            each["timestamp"] for each in call.get(path, startTs=THEN + 1, endTs=THEN + 9).body["data"]
        ]

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"timestamp": 1_700_000_000}, SECONDS),
            ({"testResultValue": None}, "[testResultValue must not be null]"),
            ({"testCaseStatus": "Passed"}, "Cannot construct instance of testCaseStatus, problem: Passed"),
            ({"passedRows": "7"}, "Cannot deserialize value of passedRows: '7' is not an integer"),
        ],
    )
    def test_a_result_that_is_refused(self, call, path, change, message):
        reply = call.post(path, {**self.result(), **change})

        assert (400, message) == (reply.status, reply.message)

    def test_the_old_route_is_gone(self, call, path):
        reply = call.put(f"dataQuality/testCases/{part(self.FQN)}/testCaseResult", self.result())

        assert 404 == reply.status

    def test_a_definition_of_our_own(self, call):
        body = {
            "name": "dagster.fresh",
            "description": "It is new enough",
            "entityType": "TABLE",
            "testPlatforms": ["Other"],
        }
        reply = call.put("dataQuality/testDefinitions", body)

        assert (201, '"dagster.fresh"') == (reply.status, reply.body["fullyQualifiedName"])
        made = call.put("dataQuality/testCases", self.case(link=self.LINK, testDefinition='"dagster.fresh"'))
        assert 201 == made.status
