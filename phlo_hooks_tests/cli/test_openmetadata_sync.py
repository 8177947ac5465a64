"""`phlo-hooks openmetadata sync`, on a project that has run, and a server of each version."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from phlo_hooks_tests.capabilities.openmetadata.conftest import VERSIONS
from phlo_hooks_tests.cli.catalog_lake import CASE, ORDERS, REPORT, Catalog, opened

NO_INSTANCE = {"DAGSTER_HOME": None}
# Longer ago than any test, and after nothing.
SINCE = ("--since", "1h")


@pytest.fixture(params=VERSIONS, ids=["1.12", "2.0"])
def catalog(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Catalog]:
    """The project, and an empty server of each version."""
    with opened(tmp_path, request.param) as catalog:
        yield catalog


@pytest.fixture
def newest(tmp_path: Path) -> Iterator[Catalog]:
    """The project, and an empty server of the newest version."""
    with opened(tmp_path, VERSIONS[-1]) as catalog:
        yield catalog


def test_all_that_the_definitions_say(catalog: Catalog) -> None:
    """Without any run: tables, pipeline, lineage with columns, test case; and then there is nothing to do."""
    out = catalog.command().stdout.splitlines()
    assert [line.split(": ")[1] for line in out] == ["tables", "pipelines", "lineage", "quality"]
    assert out[0].startswith(f"openmetadata in {Path(catalog.file).name}: tables: ")
    server = catalog.server
    assert sorted(each["fullyQualifiedName"] for each in server.entities("table")) == [REPORT, ORDERS]
    [edge] = [each for each in server.edges() if each.from_kind == each.to_kind == "table"]
    assert (edge.from_fqn, edge.to_fqn) == (ORDERS, REPORT)
    [columns] = edge.details["columnsLineage"]
    assert (columns["fromColumns"], columns["toColumn"]) == ([f"{ORDERS}.amount"], f"{REPORT}.amount")
    assert [each["fullyQualifiedName"] for each in server.entities("testCase")] == [CASE]
    assert f"{Path(catalog.file).name}:nightly" in {each["name"] for each in server.entities("pipeline")}
    assert catalog.writes() > 0
    again = catalog.command().stdout.splitlines()
    assert again[-1] == "nothing to write: OpenMetadata has all of it"
    assert [line.partition(": ")[2] for line in again[:-1]] == [
        "tables: nothing to write, 2 unchanged",
        "pipelines: nothing to write",
        "lineage: nothing to write, 2 unchanged",
        "quality: nothing to write, 2 unchanged",
    ]
    assert catalog.writes() == 0


def test_what_has_happened(catalog: Catalog) -> None:
    """With --since also results, run states and profiles, of which nothing was delivered; once."""
    run_id = catalog.run()
    found = catalog.json(*SINCE)
    [since] = {part.partition(" since ")[2] for part in found if "since" in part}
    assert found[f"quality since {since}"]["events"] == 1
    [result] = catalog.results()
    assert (result["testCaseStatus"], result["passedRows"]) == ("Success", 12)
    assert run_id in result["result"]
    assert [each["rowCount"] for each in catalog.profiles()] == [12]
    assert [each["executionStatus"] for each in catalog.statuses()] == ["Successful"]
    catalog.writes()
    again = catalog.json(*SINCE)
    assert [each["created"] + each["updated"] for each in again.values()] == [0] * len(again)
    assert catalog.writes() == 0


def test_beside_a_relay(newest: Catalog) -> None:
    """What the relay has delivered is not written again, nor the other way round."""
    newest.command()
    newest.run()
    newest.writes()
    newest.deliver()
    assert newest.writes() > 0
    newest.command(*SINCE)
    assert newest.writes() == 0
    newest.run()
    newest.command(*SINCE)
    assert newest.writes() > 0
    newest.deliver()
    assert newest.writes() == 0
    assert len(newest.results()) == 2


def test_a_run_that_only_dagster_knows(newest: Catalog) -> None:
    """Its log is read, as the tail would; later than it nothing has happened."""
    newest.bare_run()
    newest.command("--since", "0s")
    assert newest.results() == []
    newest.command(*SINCE)
    assert len(newest.results()) == 1


def test_a_dry_run(newest: Catalog) -> None:
    """Each change is shown, also those that need one that was not made; nothing is written or remembered."""
    newest.run()
    out = newest.command("--dry-run", *SINCE).stdout
    lines = out.splitlines()
    assert f"  POST  table {ORDERS}, for asset raw/orders" in lines
    assert f"  PUT   test case {CASE}, check positive, for asset marts/report" in lines
    assert "  POST  test result, check positive, for asset marts/report" in lines
    assert len([line for line in lines if f"test case {CASE}" in line]) == 1
    assert lines[-1] == "nothing was written: this was a dry run"
    assert newest.writes() == 0
    assert len(newest.command("--dry-run", *SINCE).stdout.splitlines()) == len(lines)
    found = newest.json("--dry-run")
    number = found["quality"]["written"]
    assert number == len(found["quality"]["changes"]) == 3
    newest.command()
    assert [each["written"] for each in newest.json("--dry-run").values()] == [0, 0, 0, 0]


def test_what_a_dry_run_shows_is_what_is_written(newest: Catalog) -> None:
    """To the request."""
    planned = newest.json("--dry-run")
    newest.command()
    done = [f"{each.method} {each.path}" for each in newest.server.writes]
    assert len(done) == sum(each["written"] for each in planned.values())


@pytest.mark.parametrize(
    ("only", "parts"),
    [
        pytest.param("tables", ["tables"], id="one"),
        pytest.param("quality, tables", ["tables", "quality"], id="two, in the order that they need"),
    ],
)
def test_only_some_parts(newest: Catalog, only: str, parts: list[str]) -> None:
    """With commas between; in whatever order, tables come first."""
    assert list(newest.json("--only", only)) == parts
    assert newest.server.entities("pipeline") == []


def test_one_that_is_refused(newest: Catalog) -> None:
    """The others are written; at the end it says which, and why, and the exit code says so too."""
    body = {"code": 400, "message": "Invalid column name amount"}
    newest.server.fail("POST", "^tables$", 400, body=body)
    result = newest.command("--only", "tables", code=1)
    [unresolved, head, first] = result.stderr.splitlines()
    assert unresolved.endswith("1 asset is unresolved: phlo-hooks openmetadata mapping --unresolved")
    assert head == "1 not written:"
    assert "400" in first
    assert "for asset marts/report" in first
    assert "Invalid column name amount" in first
    assert [each["fullyQualifiedName"] for each in newest.server.entities("table")] == [ORDERS]
    assert newest.command().stdout.startswith("openmetadata in ")
    assert len(newest.server.entities("table")) == 2


def test_a_result_that_is_refused(newest: Catalog) -> None:
    """In JSON the problem is with its part; the next time it is there."""
    newest.run()
    newest.server.fail("POST", "testCaseResults", 400, times=1, body={"code": 400, "message": "no"})
    found = newest.json(*SINCE, code=1)
    [problem] = [each["problems"] for part, each in found.items() if part.startswith("quality since")]
    assert "check positive, for asset marts/report" in problem[0]
    assert newest.results() == []
    newest.command(*SINCE)
    assert len(newest.results()) == 1


def test_a_server_that_is_down(newest: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    """One sentence, once."""
    monkeypatch.setenv("CATALOG_URL", "http://127.0.0.1:9")
    lines = newest.command(code=1).stderr.splitlines()
    assert lines[1] == "1 not written:"
    assert "OpenMetadata at http://127.0.0.1:9" in lines[2]


def test_a_server_that_asks_for_a_pause(newest: Catalog) -> None:
    """Gets one, and then the rest; a long one is left to whoever reads the message."""
    newest.server.fail("POST", "^tables$", 429, headers={"Retry-After": "1"})
    newest.command("--only", "tables")
    assert len(newest.server.entities("table")) == 2
    newest.server.fail("GET", "^tables", 503, headers={"Retry-After": "3600"})
    assert "503" in newest.command("--only", "tables", code=1).stderr


def test_a_relay_that_is_faster(newest: Catalog) -> None:
    """What both make at once is looked at again; it is no reason to leave out the rest of a part."""
    newest.server.fail("PUT", "^services/pipelineServices$", 409, applied=True)
    newest.command("--only", "pipelines")
    assert newest.server.entities("pipeline") != []


def test_a_token_that_is_no_good(newest: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server's word for it, and nothing of the token."""
    monkeypatch.setenv("CATALOG_TOKEN", "canary-5f2a")
    result = newest.command(code=1)
    assert "401" in result.stderr
    assert "canary" not in result.output


def test_without_an_instance(newest: Catalog) -> None:
    """The definitions are enough; for what has happened they are not."""
    newest.command(environment=NO_INSTANCE)
    assert len(newest.server.entities("table")) == 2
    wrong = newest.command(*SINCE, code=1, environment=NO_INSTANCE)
    assert "--since needs what was recorded: set DAGSTER_HOME, or give --store URL" in wrong.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(
            ("--only", "tables,lineages"), "'lineages' is no part: use tables, pipelines", id="part"
        ),
        pytest.param(("--since", "lately"), "'lately' is not a time", id="time"),
        pytest.param(("--resource", "catalog"), "no OpenMetadataResource has the key 'catalog'", id="key"),
    ],
)
def test_what_cannot_be_synced(newest: Catalog, arguments: tuple[str, ...], message: str) -> None:
    """An error that names it and says what to do."""
    assert message in newest.command(*arguments, code=1).stderr


def test_a_part_that_is_off(tmp_path: Path) -> None:
    """Is left out; asked for by name, it is an error."""
    with opened(tmp_path, VERSIONS[-1], "quality=False, pipelines=False,") as catalog:
        assert list(catalog.json()) == ["tables", "lineage"]
        wrong = catalog.command("--only", "quality", code=1).stderr
        assert "quality is off: set quality=True on the resource" in wrong
