"""A project with an OpenMetadataResource, on an instance of its own, and a server for it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from typing import Any

import dagster as dg
import pytest
from click.testing import CliRunner, Result

from phlo_hooks.cli import cli
from phlo_hooks.cli.loading import load_locations
from phlo_hooks.producers.sensor import tick
from phlo_hooks_tests.capabilities.openmetadata.server import (
    RESULT,
    STATUS,
    TABLE_PROFILE,
    OpenMetadataServer,
)

MODULE = "catalog_defs"
LOCATION = f"{MODULE}.py"
ORDERS, REPORT = "lake.shop.raw.orders", "lake.shop.marts.report"
CASE = f"{REPORT}.amount.positive"
DEFINITIONS = """
    import dagster as dg

    from phlo_hooks import with_hooks
    from phlo_hooks.capabilities import OpenMetadataResource


    def columns(*names: str) -> dg.TableSchema:
        return dg.TableSchema([dg.TableColumn(name, "INTEGER") for name in names])


    @dg.asset(
        key=["raw", "orders"],
        kinds={"duckdb"},
        description="What was ordered.",
        metadata={"dagster/table_name": "shop.raw.orders", "dagster/column_schema": columns("id", "amount")},
    )
    def orders() -> dg.MaterializeResult:
        return dg.MaterializeResult(metadata={"dagster/row_count": 12})


    @dg.asset(
        key=["marts", "report"],
        deps=[orders],
        kinds={"duckdb"},
        metadata={
            "dagster/table_name": "shop.marts.report",
            "dagster/column_schema": columns("amount"),
            "dagster/column_lineage": dg.TableColumnLineage(
                {"amount": [dg.TableColumnDep(dg.AssetKey(["raw", "orders"]), "amount")]}
            ),
        },
    )
    def report() -> None: ...


    @dg.asset_check(asset=report, metadata={"column": "amount"})
    def positive() -> dg.AssetCheckResult:
        return dg.AssetCheckResult(passed=True, metadata={"failed_rows": 0, "row_count": 12})


    @dg.asset(group_name="secret", kinds={"duckdb"}, metadata={"dagster/table_name": "shop.raw.salaries"})
    def salaries() -> None: ...


    @dg.asset
    def loose() -> None: ...


    defs = with_hooks(
        dg.Definitions(
            assets=[orders, report, salaries, loose],
            asset_checks=[positive],
            jobs=[dg.define_asset_job("nightly", "*")],
            executor=dg.in_process_executor,
            resources={
                "openmetadata": OpenMetadataResource(
                    url=dg.EnvVar("CATALOG_URL"),
                    token=dg.EnvVar("CATALOG_TOKEN"),
                    services={"duckdb": "lake"},
                    exclude='group:"secret"',
                    PIPELINES
                )
            },
        ),
        plugins=False,
    )
"""


@dataclass
class Catalog:
    """The project, its instance, and the server."""

    folder: Path
    server: OpenMetadataServer
    instance: dg.DagsterInstance

    @property
    def file(self) -> str:
        return str(self.folder / LOCATION)

    def run(self) -> str:
        """Run the job; its events are recorded, and not delivered. The run's id."""
        load_locations(None, self.file, None)
        job = sys.modules[MODULE].defs.resolve_job_def("nightly")
        result = job.execute_in_process(instance=self.instance)
        assert result.success
        return str(result.run_id)

    def bare_run(self) -> str:
        """A run of the same assets by definitions that are on no bus: only Dagster's log has it."""
        load_locations(None, self.file, None)
        module = sys.modules[MODULE]
        checked = [module.orders, module.report, module.positive]
        return dg.materialize(checked, instance=self.instance).run_id

    def deliver(self) -> None:
        """Do what the relay does."""
        [location] = load_locations(None, self.file, None)
        tick(self.instance, location.runtime, LOCATION)

    def command(self, *arguments: str, code: int = 0, environment: Mapping[str, str | None] = {}) -> Result:
        """`phlo-hooks openmetadata sync …`: ends with this code, and without a traceback."""
        known = {"DAGSTER_HOME": self.instance.root_directory, **environment}
        result = CliRunner().invoke(cli, ["openmetadata", "sync", *arguments, "-f", self.file], env=known)
        assert result.exit_code == code, result.output
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        assert self.server.token not in result.output
        return result

    def json(self, *arguments: str, **more: Any) -> dict[str, dict[str, Any]]:
        """What it prints, by part."""
        lines = self.command(*arguments, "--json", **more).stdout.splitlines()
        return {each["part"]: each for each in map(json.loads, lines)}

    def writes(self) -> int:
        """How many there were since this was asked last."""
        number = len(self.server.writes)
        self.server.reset_counts()
        return number

    def results(self) -> list[Any]:
        """Those of the check."""
        return self.server.series(RESULT, CASE)

    def profiles(self) -> list[Any]:
        """Those of the orders."""
        return self.server.series(TABLE_PROFILE, ORDERS)

    def statuses(self) -> list[Any]:
        """The runs of the job."""
        names = [each["fullyQualifiedName"] for each in self.server.entities("pipeline")]
        return [each for name in names for each in self.server.series(STATUS, name)]


@contextmanager
def opened(folder: Path, version: str, more: str = "") -> Iterator[Catalog]:
    """A project that nothing has happened to, in an environment of its own.

    Args:
        folder: where it is written.
        version: of the server.
        more: further fields of the resource, as Python.
    """
    (folder / LOCATION).write_text(dedent(DEFINITIONS).replace("PIPELINES\n", f"{more}\n"))
    with (
        pytest.MonkeyPatch.context() as patch,
        OpenMetadataServer(version) as server,
        dg.instance_for_test() as instance,
    ):
        patch.setattr(sys, "path", list(sys.path))
        patch.delenv("PHLO_HOOKS_STORE_URL", raising=False)
        patch.setenv("CATALOG_URL", server.url)
        patch.setenv("CATALOG_TOKEN", server.token)
        yield Catalog(folder, server, instance)
        sys.modules.pop(MODULE, None)
