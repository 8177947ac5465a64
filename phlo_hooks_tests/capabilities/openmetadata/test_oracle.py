"""OpenMetadata's own models: what they accept, what they refuse, and how they are had."""

from __future__ import annotations

import subprocess

import pytest

from . import wheels
from .conftest import VERSIONS
from .seeds import column, seed_warehouse, table
from .server import OpenMetadataServer, models, shapes
from .server.errors import ApiError

MADE = "00000000-0000-0000-0000-000000000000"
CASE = {"name": "rows", "testDefinition": "tableRowCountToEqual", "entityLink": "<#E::table::a.b.c.orders>"}
RESULT = {"timestamp": 1_700_000_000_000, "testCaseStatus": "Success", "testResultValue": []}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    ("model", "value", "problem"),
    [
        (models.CREATE["table"], table("orders"), None),
        (models.CREATE["table"], table("orders", colour="red"), "colour: Extra inputs are not permitted"),
        (models.CREATE["table"], {"name": "orders"}, "columns: Field required"),
        (
            models.CREATE["table"],
            table("orders", column("id", dataLength="9")),
            "dataLength: Input should be a valid",
        ),
        (models.CREATE["testCase"], CASE, None),
        (
            models.CREATE["testCase"],
            {**CASE, "entityLink": "orders"},
            "entityLink: String should match pattern",
        ),
        (models.CREATE_RESULT, RESULT, None),
        (models.CREATE_RESULT, {**RESULT, "testCaseStatus": "Passed"}, "testCaseStatus: Input should be"),
        (models.PIPELINE_STATUS, {"timestamp": 1, "executionStatus": "Failed"}, None),
    ],
)
def test_judgements(oracle, version, model, value, problem):
    found = oracle(version, model, value)

    assert found is None if problem is None else problem in found


def test_the_versions_differ(oracle):
    aliased = table("orders", aliases=["o"])

    assert oracle("1.12.14", models.CREATE["table"], aliased) is not None
    assert oracle("2.0.6", models.CREATE["table"], aliased) is None


def test_a_model_that_is_none(oracle):
    with pytest.raises(RuntimeError, match="cannot judge"):
        oracle("2.0.6", "entity.data.chair:Chair", {})


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("kind", sorted(shapes.CREATE))
def test_we_know_what_the_models_require(oracle, version, kind):
    """A request with nothing in it: the models and our own shapes ask for the same."""
    found = oracle(version, models.CREATE[kind], {})
    required = {each.partition(":")[0] for each in found.split("; ")}

    with pytest.raises(ApiError):
        shapes.create(kind, int(version[0]))({}, "")
    assert required == set(shapes.CREATE[kind][0])


def test_a_request_that_the_models_refuse(oracle):
    """Also where our own shapes find nothing: they do not look into a connection."""
    with OpenMetadataServer("2.0.6", validate=oracle) as server:
        from .calls import Calls

        body = {"name": "x", "serviceType": "Postgres", "connection": {"config": {"type": "Postgres"}}}
        reply = Calls(server).put("services/databaseServices", body)

    assert 400 == reply.status
    assert ["request, api.services.createDatabaseService:CreateDatabaseServiceRequest"] == [
        problem.partition(": ")[0] for problem in server.problems
    ]


def test_an_answer_that_the_models_refuse(oracle):
    """It is the server's mistake, and noted as such."""
    from .calls import Calls

    with OpenMetadataServer("2.0.6", validate=oracle) as server:
        seed_warehouse(server)
        service = server.catalog.store.find("databaseService", "warehouse")
        service["colour"] = "red"
        reply = Calls(server).get("services/databaseServices/name/warehouse")

    assert 200 == reply.status
    assert [
        "answer, entity.services.databaseService:DatabaseService: colour: Extra inputs are not permitted"
    ] == (server.problems)


class TestWheels:
    """Fetching the models, without fetching them."""

    @pytest.fixture(autouse=True)
    def _cache(self, monkeypatch, tmp_path):
        monkeypatch.setenv("PHLO_HOOKS_TESTS_CACHE", str(tmp_path))

    def test_what_is_there_is_not_fetched(self, monkeypatch, tmp_path):
        monkeypatch.setattr(subprocess, "run", lambda *_, **__: pytest.fail("pip was asked"))
        there = tmp_path / f"openmetadata-{wheels.RELEASES['2.0.6']}"
        there.mkdir()

        assert there == wheels.models("2.0.6")

    def test_no_network(self, monkeypatch, tmp_path):
        failed = subprocess.CompletedProcess([], 1, "", "ERROR: no network")
        monkeypatch.setattr(subprocess, "run", lambda *_, **__: failed)

        with pytest.raises(wheels.NotToBeHad, match="no network"):
            wheels.models("2.0.6")
        assert [] == [each for each in tmp_path.iterdir() if each.is_dir()]

    def test_only_the_models_are_kept(self, monkeypatch, tmp_path):
        import zipfile

        def pip(command, **_):
            (folder,) = [each.partition("=")[2] for each in command if each.startswith("--dest=")]
            with zipfile.ZipFile(f"{folder}/openmetadata.whl", "w") as archive:
                archive.writestr("metadata/__init__.py", "raise SystemExit")
                archive.writestr("metadata/generated/schema/a.py", "")
            return subprocess.CompletedProcess([], 0, "", "")

        monkeypatch.setattr(subprocess, "run", pip)

        made = wheels.models("1.12.14")

        assert ["metadata/generated/schema/a.py"] == [
            str(each.relative_to(made)) for each in made.rglob("*") if each.is_file()
        ]
