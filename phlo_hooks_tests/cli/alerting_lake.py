"""A project whose asset fails when told to, with rules that go to a receiver of the test's own."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
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
from phlo_hooks.delivery.selection import Selection
from phlo_hooks.producers.runtime import Runtime
from phlo_hooks.producers.sensor import tick
from phlo_hooks.testing import FaultServer

MODULE = "alerting_defs"
# So many rounds end any test's messages: what follows from an event is delivered with the next one.
ROUNDS = 2
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
DEFINITIONS = """
    import os

    import dagster as dg

    from phlo_hooks import with_hooks
    from phlo_hooks.capabilities import FileResource
    from phlo_hooks.capabilities.alerting import AlertingResource, ConsoleChannel, HttpChannel, Rule


    @dg.asset(owners=["team:data"], group_name="sales")
    def orders() -> None:
        if os.environ.get("BROKEN"):
            raise ValueError("no exchange rate for March")


    @dg.asset
    def customers() -> None: ...


    alerting = AlertingResource(
        rules=[
            Rule(name="failures", on=["asset.failure", "run.failure"], to=["people"]),
            Rule(name="customers only", on=["asset.*"], to=["people"], assets="customers"),
            Rule(name="grouped", on=["asset.failure"], to=["terminal"], group_by="run", group_wait="3h"),
        ],
        webhook=[HttpChannel(name="people", url=os.environ["RECEIVER"], secret=dg.EnvVar("ALERT_SECRET"))],
        console=[ConsoleChannel(name="terminal")],
    )
    defs = with_hooks(
        dg.Definitions(
            assets=[orders, customers],
            jobs=[dg.define_asset_job("nightly", "orders")],
            executor=dg.in_process_executor,
            resources={
                "a_file": FileResource(path=os.environ["RECEIVED"]),
                "alerting": alerting,
                **({"second": alerting} if os.environ.get("SECOND") else {}),
            },
        ),
        plugins=False,
    )
"""


@dataclass
class Lake:
    """The project, its instance, and what its receiver got."""

    folder: Path
    receiver: FaultServer
    instance: dg.DagsterInstance

    @property
    def file(self) -> str:
        return str(self.folder / f"{MODULE}.py")

    def runtime(self) -> Runtime:
        [location] = load_locations(None, self.file, None)
        return location.runtime

    def run(self, *, broken: bool = True) -> None:
        """Run the job, then do what a relay does."""
        runtime = self.runtime()
        definitions = sys.modules[MODULE].defs
        os.environ["BROKEN"] = "1" if broken else ""
        job = definitions.resolve_job_def("nightly")
        assert job.execute_in_process(instance=self.instance, raise_on_error=False).success is not broken
        self.deliver(runtime)

    def deliver(self, runtime: Runtime | None = None) -> None:
        for _ in range(ROUNDS):
            tick(self.instance, runtime or self.runtime(), f"{MODULE}.py")

    def alerts(self, *arguments: str, code: int = 0) -> Result:
        """`phlo-hooks alerts …` on this project: ends with this code, and without a traceback."""
        # Whatever the environment of the test itself says.
        environment = {"DAGSTER_HOME": self.instance.root_directory}
        result = CliRunner().invoke(cli, ["alerts", *arguments, "-f", self.file], env=environment)
        assert result.exit_code == code, result.output
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result

    def out(self, *arguments: str) -> str:
        return self.alerts(*arguments).stdout

    def error(self, *arguments: str) -> str:
        return self.alerts(*arguments, code=1).stderr

    def json(self, *arguments: str, code: int = 0) -> list[Any]:
        out = self.alerts(*arguments, "--json", code=code).stdout
        return [json.loads(line) for line in out.splitlines()]

    def titles(self) -> list[str]:
        """Of the messages that arrived."""
        return [request.json()["title"] for request in self.receiver.requests]

    def event_id(self, event_type: str, number: int = 0) -> str:
        """Of a recorded event of this type."""
        store = self.runtime().store(self.instance)
        return store.select_events(Selection(event_type=event_type))[number].event_id


@contextmanager
def opened(folder: Path) -> Iterator[Lake]:
    """A project that nothing has happened to, in an environment of its own."""
    (folder / f"{MODULE}.py").write_text(dedent(DEFINITIONS))
    with pytest.MonkeyPatch.context() as patch, FaultServer() as receiver, dg.instance_for_test() as instance:
        patch.setattr(sys, "path", list(sys.path))
        for name in ("SECOND", "PHLO_HOOKS_STORE_URL"):
            patch.delenv(name, raising=False)
        patch.setenv("BROKEN", "")
        patch.setenv("RECEIVED", str(folder / "events.jsonl"))
        patch.setenv("ALERT_SECRET", SECRET)
        patch.setenv("RECEIVER", f"{receiver.url}/alerts")
        yield Lake(folder, receiver, instance)
        sys.modules.pop(MODULE, None)
