"""Small projects on disk, as a user has them, for the command line to find."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

import dagster as dg

# What the file of definitions imports beside itself: its folder must be on the path.
HELPER = "NAME = 'orders'\n"

DEFINITIONS = """
    import os

    import dagster as dg

    from helper import NAME
    from phlo_hooks import with_hooks
    from phlo_hooks.capabilities import FileResource


    @dg.asset(name=NAME)
    def orders() -> dg.MaterializeResult:
        return dg.MaterializeResult(metadata={"dagster/row_count": 12})


    defs = with_hooks(
        dg.Definitions(
            assets=[orders],
            jobs=[dg.define_asset_job("nightly", "*")],
            executor=dg.in_process_executor,
            resources={"file": FileResource(path=os.environ["LINES"])},
        ),
        plugins=False,
    )


    if __name__ == "__main__":
        with dg.DagsterInstance.get() as instance:
            assert defs.resolve_job_def("nightly").execute_in_process(instance=instance).success
"""


@dataclass(frozen=True)
class Project:
    """A folder with definitions, a DAGSTER_HOME, and the file that events are written to."""

    folder: Path

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def lines_file(self) -> Path:
        return self.folder / "lines.jsonl"

    @property
    def environment(self) -> dict[str, str]:
        return {"DAGSTER_HOME": str(self.home), "LINES": str(self.lines_file)}

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text))
        return path

    def lines(self) -> list[dict[str, str]]:
        """The events that were written, one CloudEvent a line."""
        if not self.lines_file.exists():
            return []
        return [json.loads(line) for line in self.lines_file.read_text().splitlines()]

    def types(self) -> list[str]:
        return [line["type"] for line in self.lines()]


def make_project(folder: Path) -> Project:
    """A project whose one asset is on the bus."""
    project = Project(folder)
    project.home.mkdir()
    project.write("home/dagster.yaml", "telemetry:\n  enabled: false\n")
    # Two processes that are the first to use a folder get in each other's way in Dagster itself.
    with dg.DagsterInstance.from_config(str(project.home)) as instance:
        instance.get_runs(limit=1)
    project.write("helper.py", HELPER)
    project.write("lake_defs.py", DEFINITIONS)
    project.write("workspace.yaml", "load_from:\n  - python_file: lake_defs.py\n")
    return project
