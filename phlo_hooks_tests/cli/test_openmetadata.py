"""`phlo-hooks openmetadata mapping`: offline, on definitions in a file, and with what a store remembers."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import dagster as dg
import pytest
from click.testing import CliRunner, Result

from phlo_hooks.cli import cli
from phlo_hooks.cli.loading import load_locations
from phlo_hooks.producers.sensor import tick
from phlo_hooks_tests.capabilities.openmetadata.server import OpenMetadataServer
from phlo_hooks_tests.e2e.speed import no_fsync

MODULE = "catalog_defs"
LOCATION = f"{MODULE}.py"
DEFINITIONS = """
    import dagster as dg

    from phlo_hooks import with_hooks
    from phlo_hooks.capabilities import OpenMetadataResource


    @dg.asset(key=["raw", "orders"], kinds={"duckdb"}, metadata={"dagster/table_name": "raw.orders"})
    def orders() -> None: ...


    @dg.asset(key=["raw", "told"], kinds={"duckdb"})
    def told() -> dg.MaterializeResult:
        return dg.MaterializeResult(metadata={"dagster/table_name": "raw.told"})


    @dg.asset(deps=[orders], metadata={"openmetadata/ignore": True})
    def model() -> None: ...


    @dg.asset(deps=[orders], group_name="secret")
    def salaries() -> None: ...


    @dg.asset(deps=[orders], metadata={"dagster/table_name": "a.b", "dagster/storage_kind": "trino"})
    def lost() -> None: ...


    defs = with_hooks(
        dg.Definitions(
            assets=[orders, told, model, salaries, lost],
            jobs=[dg.define_asset_job("nightly", "*")],
            executor=dg.in_process_executor,
            resources={
                "openmetadata": OpenMetadataResource(
                    url=dg.EnvVar("OM_URL"),
                    token=dg.EnvVar("OM_TOKEN"),
                    services={"duckdb": "lake.shop"},
                    exclude='group:"secret"',
                )
            },
        ),
        plugins=False,
    )
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A file with definitions, in an environment that has neither server nor token."""
    for name in ("OM_URL", "OM_TOKEN", "DAGSTER_HOME", "PHLO_HOOKS_STORE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "path", list(sys.path))
    path = tmp_path / LOCATION
    path.write_text(dedent(DEFINITIONS))
    yield path
    sys.modules.pop(MODULE, None)


def run(project: Path, *arguments: str, code: int = 0, **environment: str) -> Result:
    result = CliRunner().invoke(
        cli, ["openmetadata", "mapping", *arguments, "-f", str(project)], env=environment
    )
    assert result.exit_code == code, result.output
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def documents(result: Result) -> dict[str, dict[str, str]]:
    return {each["asset_key"]: each for each in map(json.loads, result.stdout.splitlines())}


def test_each_asset_is_listed(project: Path) -> None:
    """Without a server, a token, an instance or a store."""
    found = documents(run(project, "--json"))
    assert {key: (each["status"], each["rule"]) for key, each in found.items()} == {
        "lost": ("unresolved", "dagster/table_name"),
        "model": ("ignored", "metadata openmetadata/ignore"),
        "raw/orders": ("mapped", "dagster/table_name"),
        "raw/told": ("unresolved", "dagster/table_name"),
        "salaries": ("ignored", "include and exclude"),
    }
    assert found["raw/orders"] == {
        "location": LOCATION,
        "resource": "openmetadata",
        "asset_key": "raw/orders",
        "status": "mapped",
        "rule": "dagster/table_name",
        "fqn": "lake.shop.raw.orders",
        "advice": None,
    }
    assert "add services={'trino':" in found["lost"]["advice"]


def test_a_table_for_people(project: Path) -> None:
    result = run(project)
    rows = [line.split()[:2] for line in result.stdout.splitlines()[1:]]
    assert rows == [
        ["lost", "unresolved"],
        ["model", "ignored"],
        ["raw/orders", "mapped"],
        ["raw/told", "unresolved"],
        ["salaries", "ignored"],
    ]
    assert result.stderr == "1 mapped, 2 ignored, 2 unresolved\n"


def test_only_the_unresolved(project: Path) -> None:
    """A CI job fails where there are some, and passes where there are none."""
    found = documents(run(project, "--json", "--unresolved", code=1))
    assert sorted(found) == ["lost", "raw/told"]
    text = project.read_text().replace(
        "exclude='group:\"secret\"'", "mapping={'lost': None, 'raw/told': None}"
    )
    project.write_text(text.replace('group_name="secret"', 'metadata={"openmetadata/fqn": "a.b.c.d"}'))
    result = run(project, "--unresolved")
    assert result.stderr == "2 mapped, 3 ignored, 0 unresolved\n"


def test_what_a_materialization_has_told(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Is known where there is a store."""
    with no_fsync(), dg.instance_for_test() as instance, OpenMetadataServer() as server:
        monkeypatch.setenv("OM_URL", server.url)
        monkeypatch.setenv("OM_TOKEN", server.token)
        (location,) = load_locations(None, str(project), None)
        job = sys.modules[MODULE].defs.resolve_job_def("nightly")
        assert job.execute_in_process(instance=instance).success
        tick(instance, location.runtime, LOCATION)
        monkeypatch.delenv("OM_TOKEN")
        sys.modules.pop(MODULE)
        found = documents(run(project, "--json", DAGSTER_HOME=instance.root_directory))
        assert found["raw/told"]["fqn"] == "lake.shop.raw.told"
        assert server.entity("table", "lake.shop.raw.told") is not None


def test_no_resource(project: Path) -> None:
    """A sentence with the next step."""
    project.write_text(re.sub(r"resources=\{.*?\n        \},", "", project.read_text(), flags=re.DOTALL))
    result = run(project, code=1)
    assert "no OpenMetadataResource is among the resources of these definitions; add one" in result.stderr


def test_an_unknown_key(project: Path) -> None:
    result = run(project, "--resource", "openmetdata", code=1)
    assert "no OpenMetadataResource has the key 'openmetdata'; did you mean 'openmetadata'?" in result.stderr
