"""staging/* and marts/*: dbt builds them in the warehouse and tests them."""

# No `from __future__ import annotations` here: Dagster refuses a context whose type is a string.

import hashlib
import json
import sysconfig
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import (
    DagsterDbtTranslator,
    DagsterDbtTranslatorSettings,
    DbtCliResource,
    DbtProject,
    dbt_assets,
)
from filelock import FileLock

from phlo_hooks.demo.faults import Fault, FaultSwitch
from phlo_hooks.demo.paths import DemoHome
from phlo_hooks.demo.warehouse import Warehouse
from phlo_hooks.producers import decorators

PROJECT_FOLDER = Path(__file__).parent / "dbt_project"
PROJECT_FILES = ("*.yml", "macros/**/*.sql", "models/**/*.sql", "models/**/*.yml")


def build_transform(home: DemoHome) -> dg.AssetsDefinition:
    """The assets of the dbt project; parses it first, unless that was done for this version of it."""
    project = _prepared_project(home)

    @dbt_assets(
        name="transform",
        manifest=project.manifest_path,
        project=project,
        dagster_dbt_translator=DagsterDbtTranslator(
            DagsterDbtTranslatorSettings(enable_code_references=True)
        ),
    )
    @decorators.transform
    def transform(
        context: dg.AssetExecutionContext,
        dbt: DbtCliResource,
        warehouse: Warehouse,
        faults: FaultSwitch,
    ) -> Iterator[Any]:
        arguments = ["build", *_variables(home, faults.active)]
        with warehouse.reserved():
            build = dbt.cli(arguments, context=context, target_path=home.dbt / "target")
            yield from build.stream().fetch_row_counts().fetch_column_metadata()

    return transform


def dbt_resource() -> DbtCliResource:
    """The dbt of this environment, also when the environment is not on the PATH."""
    return DbtCliResource(project_dir=PROJECT_FOLDER, dbt_executable=_dbt_executable())


def _dbt_executable() -> str:
    beside_python = Path(sysconfig.get_path("scripts")) / "dbt"
    return str(beside_python) if beside_python.exists() else "dbt"


def _prepared_project(home: DemoHome) -> DbtProject:
    """The project and a manifest that fits it. dbt parses in a process of its own, 5 s, without network."""
    parsed = parsed_folder(home)
    project = DbtProject(PROJECT_FOLDER, target_path=parsed)
    parsed.mkdir(parents=True, exist_ok=True)
    # The web server, the daemon and every step of a run may come here at once.
    with FileLock(parsed / "lock"):
        if not project.manifest_path.exists():
            arguments = ["parse", "--quiet", *_variables(home, fault=None)]
            dbt_resource().cli(arguments, target_path=parsed).wait()
    return project


def parsed_folder(home: DemoHome) -> Path:
    """Where the manifests of this version of the project are."""
    return home.dbt / f"parsed-{fingerprint(PROJECT_FOLDER)}"


def fingerprint(project: Path) -> str:
    """Changes when a file that dbt reads does, or dbt itself; not with what dbt leaves in `target`."""
    digest = hashlib.sha256(version("dbt-core").encode())
    for path in sorted(path for pattern in PROJECT_FILES for path in project.glob(pattern)):
        digest.update(path.relative_to(project).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()[:12]


def _variables(home: DemoHome, fault: Fault | None) -> Sequence[str]:
    """The location goes in as a variable: dagster-dbt's own adapter reads the profile in this process,
    and an environment variable for it would have to be set for the whole process.
    """
    variables = {"warehouse": str(home.warehouse), "break_model": fault is Fault.MODEL}
    return ["--vars", json.dumps(variables)]
