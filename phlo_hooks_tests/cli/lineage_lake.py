"""A project with lineage, on an instance of its own, and a backend that takes what is valid."""

from __future__ import annotations

import json
import os
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
from phlo_hooks.delivery.store import HookStore
from phlo_hooks.producers.runtime import Runtime
from phlo_hooks.producers.sensor import tick
from phlo_hooks_tests.capabilities.openlineage.backend import Backend

MODULE = "lineage_defs"
LOCATION = f"{MODULE}.py"
HOOK = "openlineage.events"
DEFINITIONS = """
    import os

    import dagster as dg

    from phlo_hooks import with_hooks
    from phlo_hooks.capabilities import ConsoleResource, OpenLineageResource


    @dg.asset(key=["raw", "orders"], metadata={"dagster/uri": "s3://lake/orders"})
    def orders() -> dg.MaterializeResult:
        return dg.MaterializeResult(metadata={"dagster/row_count": 12})


    @dg.asset(key=["marts", "report"], deps=[orders], group_name="marts")
    def report() -> None: ...


    @dg.asset_check(asset=report)
    def not_empty() -> dg.AssetCheckResult:
        return dg.AssetCheckResult(passed=True)


    @dg.asset(group_name="secret")
    def salaries() -> None: ...


    def lineage() -> OpenLineageResource:
        return OpenLineageResource(url=dg.EnvVar("LINEAGE_URL"), exclude='group:"secret"')


    names = os.environ["LINEAGE_RESOURCES"].split()
    defs = with_hooks(
        dg.Definitions(
            assets=[orders, report, salaries],
            asset_checks=[not_empty],
            jobs=[dg.define_asset_job("nightly", "*")],
            executor=dg.in_process_executor,
            resources={"console": ConsoleResource(event_types=["freshness.*"])}
            | {name: lineage() for name in names},
        ),
        plugins=False,
    )
"""


@dataclass
class Lake:
    """The project, its instance, and the backend."""

    folder: Path
    backend: Backend
    instance: dg.DagsterInstance

    @property
    def file(self) -> str:
        return str(self.folder / LOCATION)

    @property
    def store(self) -> HookStore:
        return self.runtime().store(self.instance)

    def runtime(self) -> Runtime:
        [location] = load_locations(None, self.file, None)
        return location.runtime

    def run(self, *, resources: str = "openlineage", deliver: bool = True) -> str:
        """Run the job with these resources in the definitions, then do what a relay does; the run's id."""
        os.environ["LINEAGE_RESOURCES"] = resources
        runtime = self.runtime()
        job = sys.modules[MODULE].defs.resolve_job_def("nightly")
        result = job.execute_in_process(instance=self.instance)
        assert result.success
        os.environ["LINEAGE_RESOURCES"] = "openlineage"
        if deliver:
            tick(self.instance, runtime, LOCATION)
        return result.run_id

    def bare_run(self) -> str:
        """A run of the same assets by definitions that are on no bus: only Dagster's log has it."""
        self.runtime()
        module = sys.modules[MODULE]
        result = dg.materialize([module.orders, module.report], instance=self.instance)
        return result.run_id

    def command(self, *arguments: str, code: int = 0, environment: Mapping[str, str | None] = {}) -> Result:
        """`phlo-hooks openlineage …` on this project: ends with this code, and without a traceback."""
        known = {"DAGSTER_HOME": self.instance.root_directory, **environment}
        result = CliRunner().invoke(cli, ["openlineage", *arguments, "-f", self.file], env=known)
        assert result.exit_code == code, result.output
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result

    def out(self, *arguments: str) -> str:
        return self.command(*arguments).stdout

    def error(self, *arguments: str, **more: Any) -> str:
        return self.command(*arguments, code=1, **more).stderr

    def json(self, *arguments: str, code: int = 0) -> list[Any]:
        return lines(self.command(*arguments, "--json", code=code))

    def kept(self) -> list[tuple[Any, ...]]:
        """All that the store holds of events, deliveries and memory."""
        store = self.store
        events = [(each.id, each.event_id) for each in store.events()]
        deliveries = [(each.delivery_id, each.state, each.attempts) for each in store.deliveries()]
        memory = [(each.key, each.version) for each in store.list_state(f"plugin:openlineage:{LOCATION}")]
        return [*events, *deliveries, *memory]


def lines(result: Result) -> list[Any]:
    """The documents that were printed, one a line."""
    return [json.loads(line) for line in result.stdout.splitlines()]


@contextmanager
def opened(folder: Path) -> Iterator[Lake]:
    """A project that nothing has happened to, in an environment of its own."""
    (folder / LOCATION).write_text(dedent(DEFINITIONS))
    with pytest.MonkeyPatch.context() as patch, Backend() as backend, dg.instance_for_test() as instance:
        patch.setattr(sys, "path", list(sys.path))
        patch.delenv("PHLO_HOOKS_STORE_URL", raising=False)
        patch.setenv("LINEAGE_RESOURCES", "openlineage")
        patch.setenv("LINEAGE_URL", backend.url)
        yield Lake(folder, backend, instance)
        sys.modules.pop(MODULE, None)
